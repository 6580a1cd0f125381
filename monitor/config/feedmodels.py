"""What may stand under `feeds:` in config.yaml. A description is the hint that is read when the field is missing."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from monitor.config.asked import Asked, Certified, Selector
from monitor.config.fields import (
    Code,
    FilePattern,
    Host,
    Identifier,
    Label,
    Listen,
    ParameterName,
    SecretText,
    SitePath,
    Span,
    Title,
    Url,
)
from monitor.config.yaml import Section

Place = Annotated[str, Field(min_length=1, max_length=4000)]  # a path, a header, a metric, a query
ServiceName = Literal[
    "service-results", "transparency", "dvc-progress-tree", "provide-online-tree",
    "formality-online-payment-tree", "dossier-digitized", "handling-satisfaction",
]  # fmt: skip
_NUMBER = re.compile(r"[0-9]{1,12}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class ColumnSection(Section):
    """Where one indicator stands in a row."""

    value: Place = Field(description="write where the value stands in a row")
    numerator: str = ""
    denominator: str = ""
    scale: float = Field(default=1.0, gt=0)
    words: dict[str, bool | str] = Field(default={})


class AsOfSection(Section):
    """Where the claim of time comes from."""

    kind: Literal["fetch", "day", "field"] = Field(description="write fetch, day or field")
    field: str = ""

    @model_validator(mode="after")
    def _named(self) -> AsOfSection:
        if (self.kind == "field") != bool(self.field):
            raise ValueError("does not fit together; write {kind: field, field: NAME}, or {kind: day}")
        return self


class _Feed(Asked):
    owner: Code = Field(description="write the code of the unit that answers for the feed")
    unit: Title = Field(description="write where a row names its unit")
    mapping: SitePath | None = None
    codes: Literal["portal_code", "portal_uuid", "portal_v1", "former_code", "other_code"] = "portal_code"
    names: Code | None = None  # rows name their units by name; the province in which they lie
    as_of: AsOfSection = AsOfSection(kind="day")
    columns: dict[str, ColumnSection] = Field(min_length=1, description="write indicator: {value: ...}")
    max_silence: Span = Field(description="write after how long without rows it is called silent, such as 26h")
    expects: Selector | None = None
    max_bytes: int = Field(default=4 * 1024 * 1024, ge=1024, le=64 * 1024 * 1024)

    @model_validator(mode="after")
    def _names_units_one_way(self) -> Self:
        if self.names is not None and self.mapping is not None:
            raise ValueError("names units by names and by codes; take out names, or mapping")
        if self.mapping is None and "codes" in self.model_fields_set:
            raise ValueError("has codes, but no mapping that holds them; write mapping: rules/mappings/FILE.csv")
        return self


class _WebFeed(_Feed, Certified):
    url: Url = Field(description="write the address to ask")
    headers: dict[str, str] = Field(default={})


class PagingSection(Section):
    """How a table that comes in pages is read to its end."""

    next: str = Field(default="", max_length=4000)  # JMESPath to the next address; else {page} stands in url or body
    pages: str = Field(default="", max_length=4000)  # JMESPath to how many there are; else the first empty one ends it
    first: int = Field(default=1, ge=0, le=1)
    max_pages: int = Field(default=50, ge=1, le=1000)
    max_rows: int = Field(default=20_000, ge=1, le=100_000)

    @model_validator(mode="after")
    def _goes_one_way(self) -> Self:
        if self.next and (self.pages or "first" in self.model_fields_set):
            raise ValueError("goes two ways; write next for links, or pages and first for numbers")
        return self


class JsonFeed(_WebFeed):
    """Rows in a JSON answer; places are written in JMESPath."""

    kind: Literal["json"]
    method: Literal["GET", "POST"] = "GET"
    body: str = Field(default="", max_length=64 * 1024)
    rows: Title = Field(description="write the JMESPath to the list of rows")
    paging: PagingSection | None = None
    conditional: bool = False  # ask only for what has changed since; an unchanged table is as old as it is

    @model_validator(mode="after")
    def _asks_for_pages(self) -> Self:
        numbered = "{page}" in self.url or "{page}" in self.body
        if numbered and (self.paging is None or self.paging.next):
            raise ValueError("has {page}, which nothing counts; add paging: {} without next")
        if self.paging is not None and not self.paging.next and not numbered:
            raise ValueError("has no place for the number of a page; write {page} in url or body, or paging.next")
        if self.conditional and (self.paging is not None or self.method == "POST"):
            raise ValueError("is conditional; that is for one page that is asked by GET")
        return self


class _TableFeed(_Feed, Certified):
    url: Url | None = None
    headers: dict[str, str] = Field(default={})
    folder: Annotated[SitePath, Field(min_length=1)] | None = None  # a drop folder inside the site
    files: FilePattern | None = None  # all that match are read, each once
    aliases: dict[Title, list[Title]] = Field(default={})  # other spellings of a header
    decimal: Literal[".", ","] = "."  # in numbers that are written as text
    conditional: bool = False  # as in JsonFeed

    @model_validator(mode="after")
    def _comes_from_one_place(self) -> _TableFeed:
        if (self.url is None) == (self.folder is None):
            raise ValueError("comes from no place, or from two; write either url, or folder and files")
        if (self.folder is None) != (self.files is None):
            raise ValueError("does not say which files of the folder; write folder: inbox and files: '*.xlsx'")
        of_pages = ("headers", "conditional", "authority", "client_certificate")
        if self.folder is not None and (vain := [key for key in of_pages if getattr(self, key)]):
            raise ValueError(f"has {vain[0]} for a folder; take it out")
        return self


class CsvFeed(_TableFeed):
    """Rows in a CSV file; places are headers."""

    kind: Literal["csv"]
    delimiter: Literal[",", ";", "\t", "|"] = ","
    encoding: Literal["utf-8", "utf-16", "cp1258"] = "utf-8"


class XlsxFeed(_TableFeed):
    """Rows on the sheets of an Excel workbook; places are headers."""

    kind: Literal["xlsx"]
    sheets: list[Title] = Field(default=[])  # the only visible one unless said


class PrometheusFeed(_WebFeed):
    """Samples of a Prometheus page; values are metric names, the unit is a label."""

    kind: Literal["prometheus"]
    unit: Label = Field(description="write the label that names the unit")


class PromqlFeed(_WebFeed):
    """Instant queries to Prometheus or its kin; values are queries, the unit is a label of their results."""

    kind: Literal["promql"]
    url: Url = Field(description="write the base address of the server, such as http://10.1.2.3:9090")
    unit: Label = Field(description="write the label that names the unit, and keep it in every query: by (LABEL)")
    as_of: AsOfSection = AsOfSection(kind="fetch")


class SqlFeed(_Feed, Certified):
    """Rows of one SELECT on an SQLite file or on PostgreSQL, only read; places are the columns of the result."""

    kind: Literal["sql"]
    database: Annotated[SitePath, Field(min_length=1)] = Field(
        description="write the file, such as data/register.db, or the name of the database on the server"
    )
    server: Listen | None = None  # PostgreSQL; an SQLite file unless said
    user: str = Field(default="", max_length=63)
    password: SecretText | None = None
    tls: bool = True
    name: Host = ""  # that the server's certificate must be for; its address unless said
    query: Annotated[str, Field(min_length=1, max_length=20_000)] = Field(description="write one SELECT")
    parameters: dict[ParameterName, str | int | float] = Field(default={})  # bound to :NAME in the query

    @model_validator(mode="after")
    def _is_asked_by_somebody(self) -> Self:
        if (self.server is None) == bool(self.user):
            raise ValueError("has a server without a user, or a user without a server; write both, or a file alone")
        trust = [key for key in ("authority", "client_certificate", "name") if getattr(self, key)]
        if self.server is None and (self.password is not None or "tls" in self.model_fields_set or trust):
            raise ValueError(f"has {trust[0] if trust else 'password or tls'} for a file; take it out")
        if trust and not self.tls:
            raise ValueError(f"has {trust[0]}, which nothing uses without TLS; take it out, or write tls: true")
        return self


class PortalFeed(_Feed):
    """The Decision 766 index on the National Public Service Portal, asked once a night; off unless `enabled`."""

    kind: Literal["portal766"]
    generation: Literal[1, 2] = Field(description="write 1 for the form of 2022 to 2025, 2 for the API of 2026")
    enabled: bool = False  # the portal is somebody else's: read it only where that was agreed on
    contact: Title = Field(description="write who answers for this reader, such as an e-mail address")
    url: Url = "https://dichvucong.gov.vn"
    root: Identifier = Field(description="write the portal's own id of the province: a number (1) or a UUID (2)")
    services: list[ServiceName] = Field(default=["service-results"], min_length=1)
    span: Literal["month", "quarter", "half", "year"] = "month"  # the running one; half a year in generation 1 only
    unit: str = Field(default="", description="write departmentCode or departmentId; ID or MA_COQUAN for generation 1")
    period: Span = 300.0  # how often it is looked whether its hour of the night has come
    timeout: Span = 30.0  # of one request

    @model_validator(mode="after")
    def _is_of_one_generation(self) -> Self:
        first = self.generation == 1
        if not (_NUMBER if first else _UUID).fullmatch(self.root):
            raise ValueError(f"has the root '{self.root}'; write {'a number' if first else 'a UUID'} of the portal")
        keys = ("ID", "MA_COQUAN") if first else ("departmentCode", "departmentId")
        if self.unit not in ("", *keys):
            raise ValueError(f"names units by '{self.unit[:60]}'; write {' or '.join(keys)}")
        if self.span == "half" and not first:
            raise ValueError("asks for half a year, which generation 2 does not know; write month, quarter or year")
        if first and "services" in self.model_fields_set:
            raise ValueError("has one service only; take services out, or write generation: 2")
        if self.max_silence < 86_400:
            raise ValueError("is asked once a night; write max_silence: 26h or more")
        return self

    @property
    def names_unit(self) -> str:
        """The key of a row that names its unit."""
        return self.unit or ("ID" if self.generation == 1 else "departmentCode")


Feed = Annotated[
    JsonFeed | CsvFeed | XlsxFeed | PrometheusFeed | PromqlFeed | SqlFeed | PortalFeed, Field(discriminator="kind")
]
