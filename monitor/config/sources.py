"""The `feeds:` section as specs, and what specs of probes and feeds are built in."""

from __future__ import annotations

import math
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from monitor.config.asked import Asked, Certified
from monitor.config.certificates import tls_settings
from monitor.config.feedmodels import (
    ColumnSection,
    CsvFeed,
    Feed,
    JsonFeed,
    PortalFeed,
    PrometheusFeed,
    PromqlFeed,
    SqlFeed,
    XlsxFeed,
)
from monitor.config.fields import split_listen
from monitor.config.findings import Findings
from monitor.config.folders import Folders
from monitor.config.models import SiteFile
from monitor.config.problems import Location
from monitor.config.query import mistakes
from monitor.config.secrets import Secret, is_reference, resolve
from monitor.config.spec import AsOf, Column, FeedSpec, HeartbeatSpec, Paging, Portal, Server, fits_the_minute
from monitor.config.units import select
from monitor.model.nearest import nearest
from monitor.model.text import fold
from monitor.model.unit import Units
from monitor.registry import Names, Registry, read_mapping

# Columns of generation 1 with the points they can reach. CLGQ is the online services and TTTT the online payment: older
# readers of the portal have them the wrong way round. ROW_STT is the rank.
PORTAL_POINTS: Mapping[str, float] = {
    "CKMB": 18, "TDGQ": 20, "CLGQ": 12, "TTTT": 10, "MDHL": 18, "MDSH": 22, "TONG_SCORE": 100, "ROW_STT": math.inf,
}  # fmt: skip
PORTAL_GROUPS = ("CKMB", "TDGQ", "CLGQ", "TTTT", "MDHL", "MDSH")  # in generation 2 under groupScores
PORTAL_FIELDS = (
    "totalScore", "totalMaxScore", "ratio", "rank", "scoreDelta",
    "totalReceived", "totalOnTime", "totalOverdue", "avgProcessingDays",
)  # fmt: skip
PORTAL_METRIC = re.compile(r"([1-5]\.[0-9]{1,2}[a-z]?)(?:/(ratio|numerator|denominator|score|maxScore))?")  # "2.1"
GAP = re.compile(r"\{([^{}]*)\}|[{}]")  # what stands in braces; a brace without its other half
METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a name that can be sent
HARMLESS = frozenset({  # headers that hold no secret
    "accept", "accept-language", "cache-control", "content-type", "host", "origin", "referer", "user-agent",
    "x-requested-with",
})  # fmt: skip


@dataclass(frozen=True)
class Surroundings:
    """What specs are built in: the site's folders, its environment, its units and the registry."""

    folders: Folders
    environ: Mapping[str, str]
    units: Units
    registry: Registry
    findings: Findings

    @property
    def root(self) -> Path:
        """The site's folder."""
        return self.folders.root

    def secret(self, reference: str, at: Location, where: str) -> Secret | None:
        """What a reference at a place of the config leads to; None, and a mistake, where it leads to nothing."""
        return self.findings.attempt(at, where, lambda: resolve(reference, self.root, self.environ))


def build_feeds(file: SiteFile, around: Surroundings) -> tuple[FeedSpec, ...]:
    """One spec per feed."""
    around.findings.once(("feeds",), "feed", [feed.id for feed in file.feeds])
    for index, feed in enumerate(file.feeds):
        if feed.id in (probe.id for probe in file.probes):
            around.findings.add(("feeds", index, "id"), f"a probe is called '{feed.id}' too", "give it another name")
    specs = [(feed, _feed(feed, ("feeds", index), around)) for index, feed in enumerate(file.feeds)]
    return tuple(spec for feed, spec in specs if not isinstance(feed, PortalFeed) or feed.enabled)


def build_heartbeats(file: SiteFile, around: Surroundings) -> tuple[HeartbeatSpec, ...]:
    """One spec per heartbeat."""
    around.findings.once(("heartbeats",), "heartbeat", [beat.id for beat in file.heartbeats])
    for index, beat in enumerate(file.heartbeats):
        if beat.unit not in around.units:
            codes = [unit.code for unit in around.units]
            around.findings.unknown(("heartbeats", index, "unit"), "unit", beat.unit, codes)
    return tuple(HeartbeatSpec(beat.id, beat.unit, beat.gives, beat.every, beat.grace) for beat in file.heartbeats)


def _feed(feed: Feed, at: Location, around: Surroundings) -> FeedSpec:
    check_times(feed, feed.timeout, at, around)
    _check_asked(feed, at, around.findings)
    if feed.max_silence < feed.period:
        text = f"max_silence {_seconds(feed.max_silence)} is shorter than the period {_seconds(feed.period)}"
        around.findings.add((*at, "max_silence"), text, "a feed cannot speak more often than it is asked")
    if feed.owner not in around.units:
        around.findings.unknown((*at, "owner"), "unit", feed.owner, [unit.code for unit in around.units])
    expects = select(feed.expects, around.units, around.findings, (*at, "expects")) if feed.expects else ()
    mapping = _mapping(feed.mapping, feed.codes, (*at, "mapping"), around) if feed.mapping else {}
    if missing := [code for code in expects if mapping and code not in mapping.values()]:
        text = f"{feed.mapping} has no code for {len(missing)} of the units expected here, such as '{missing[0]}'"
        around.findings.add((*at, "mapping"), text)
    if feed.names is not None and not around.registry.communes(feed.names):
        codes = [place.code for place in around.registry.provinces]
        around.findings.unknown((*at, "names"), "province", feed.names, codes)
    return FeedSpec(
        id=feed.id,
        kind=feed.kind,
        owner=feed.owner,
        url="" if isinstance(feed, SqlFeed) else feed.url or "",
        period=feed.period,
        timeout=feed.timeout,
        columns=tuple(_column(indicator, column) for indicator, column in feed.columns.items()),
        max_silence=feed.max_silence,
        headers=() if isinstance(feed, (SqlFeed, PortalFeed)) else headers_of(feed.headers, (*at, "headers"), around),
        unit=feed.names_unit if isinstance(feed, PortalFeed) else feed.unit,
        mapping=mapping,
        names=Names(around.registry, feed.names) if feed.names else None,
        as_of=AsOf(feed.as_of.kind),
        as_of_field=feed.as_of.field,
        max_bytes=feed.max_bytes,
        expects=frozenset(expects),
        **_of_kind(feed, at, around),
    )


def _of_kind(feed: Feed, at: Location, around: Surroundings) -> dict[str, Any]:
    if not isinstance(feed, (SqlFeed, PortalFeed)):
        tls = tls_of(feed, (feed.url or "",), at, around)
        return {"tls": tls, **_of_format(feed, at, around)}
    return _of_query(feed, at, around) if isinstance(feed, SqlFeed) else _of_portal(feed, at, around)


def _of_format(
    feed: JsonFeed | CsvFeed | XlsxFeed | PrometheusFeed | PromqlFeed, at: Location, around: Surroundings
) -> dict[str, Any]:
    if isinstance(feed, JsonFeed):
        if feed.body and feed.method == "GET":
            around.findings.add((*at, "body"), "a GET request has no body", "write method: POST")
        _check_paths(feed, at, around.findings)
        paging = Paging(**feed.paging.model_dump()) if feed.paging else None
        return {
            "method": feed.method,
            "body": feed.body,
            "rows": feed.rows,
            "paging": paging,
            "conditional": feed.conditional,
        }
    if isinstance(feed, CsvFeed):
        return {"delimiter": feed.delimiter, "encoding": feed.encoding, **_of_table(feed, at, around)}
    if isinstance(feed, XlsxFeed):
        around.findings.once((*at, "sheets"), "sheet", feed.sheets, key="")
        return {"sheets": tuple(feed.sheets), **_of_table(feed, at, around)}
    if isinstance(feed, PromqlFeed):
        _check_queries(feed, at, around.findings)
    return {}


def _of_portal(feed: PortalFeed, at: Location, around: Surroundings) -> dict[str, Any]:
    for indicator, column in feed.columns.items():
        if said := portal_mistake(feed.generation, column.value):
            around.findings.add((*at, "columns", indicator, "value"), *said)
    services = tuple(dict.fromkeys(feed.services))
    return {"portal": Portal(feed.generation, feed.root, feed.contact, services, feed.span)}


def _of_query(feed: SqlFeed, at: Location, around: Surroundings) -> dict[str, Any]:
    for what, right in mistakes(feed.query, feed.parameters, sqlite=feed.server is None):
        around.findings.add((*at, "query"), what, right)
    if feed.server is None:
        _check_place("file", feed.database, (*at, "database"), around)
    server = _server(feed, feed.server, at, around) if feed.server is not None else None
    return {"database": feed.database, "query": feed.query, "parameters": feed.parameters, "server": server}


def _server(feed: SqlFeed, address: str, at: Location, around: Surroundings) -> Server:
    password = around.secret(feed.password, (*at, "password"), "the password") if feed.password is not None else None
    trust = tls_from(feed.authority, feed.client_certificate, at, around, name=feed.name) if feed.tls else None
    return Server(*split_listen(address), feed.user, password, feed.tls, trust)


def portal_mistake(generation: int, value: str) -> tuple[str, str] | None:
    """What is wrong with the place of a column, and what would be right."""
    if generation == 1:
        if value in PORTAL_POINTS:
            return None
        return f"'{value[:60]}' is no column of the portal's table", nearest(value, PORTAL_POINTS)
    if value in PORTAL_FIELDS or value in PORTAL_GROUPS or PORTAL_METRIC.fullmatch(value):
        return None
    known = ", ".join((*PORTAL_FIELDS, *PORTAL_GROUPS))
    right = f"write a code of the index, such as 2.1 or 2.1/numerator, or one of {known}"
    return f"'{value[:60]}' is no figure of the portal", right


def _of_table(feed: CsvFeed | XlsxFeed, at: Location, around: Surroundings) -> dict[str, Any]:
    columns = feed.columns.values()
    named = {feed.unit, feed.as_of.field, *(name for c in columns for name in (c.value, c.numerator, c.denominator))}
    meant = {fold(name): name for name in named if name}
    for name, spellings in feed.aliases.items():
        if name not in named:
            around.findings.unknown((*at, "aliases", name), "header", name, sorted(named - {""}))
        for index, spelling in enumerate(spellings):
            if meant.setdefault(fold(spelling), name) != name:
                where = (*at, "aliases", name, index)
                around.findings.add(
                    where, f"'{spelling}' stands for '{meant[fold(spelling)]}' too", "take one of them out"
                )
    if feed.folder is not None:
        _check_place("folder", feed.folder, (*at, "folder"), around)
    return {
        "decimal": feed.decimal,
        "aliases": {name: tuple(given) for name, given in feed.aliases.items()},
        "folder": feed.folder or "",
        "files": feed.files or "",
        "conditional": feed.conditional,
    }


def _check_place(sort: str, name: str, at: Location, around: Surroundings) -> None:
    """A file or folder that a feed reads is there, and no link leads to it: it could lead out of the site."""
    path = around.root / name
    inside = (part for part in (path, *path.parents) if part.is_relative_to(around.root) and part != around.root)
    if any(part.is_symlink() for part in inside):
        around.findings.add(at, f"'{name}' is reached over a symbolic link", f"name the {sort} itself")
    elif not (path.is_dir() if sort == "folder" else path.is_file()):
        around.findings.add(at, f"there is no {sort} {name}", "make it, inside the site's own folder")


def _check_queries(feed: PromqlFeed, at: Location, findings: Findings) -> None:
    if "/api/v1" in feed.url:
        findings.add((*at, "url"), "the address names a page of the API", "write the part before /api/v1")
    for indicator, column in feed.columns.items():
        for part in ("numerator", "denominator"):
            if getattr(column, part):
                where = (*at, "columns", indicator, part)
                findings.add(where, f"a query gives one value, without a {part}", "divide in the query")


def _check_paths(feed: JsonFeed, at: Location, findings: Findings) -> None:
    paths: list[tuple[Location, str]] = [(("rows",), feed.rows), (("unit",), feed.unit)]
    paths.append((("as_of", "field"), feed.as_of.field))
    if feed.paging is not None:
        paths += [(("paging", "next"), feed.paging.next), (("paging", "pages"), feed.paging.pages)]
    for indicator, column in feed.columns.items():
        for key in ("value", "numerator", "denominator"):
            paths.append((("columns", indicator, key), getattr(column, key)))
    for place, path in paths:
        try:
            jmespath.compile(path) if path else None
        except (JMESPathError, RecursionError):
            findings.add((*at, *place), f"'{path[:80]}' is not a JMESPath", "see jmespath.org")


def check_address(url: str, filled: Sequence[str], at: Location, findings: Findings) -> None:
    """No secret stands in an address, and what stands in braces is something that is `filled` in."""
    if "${" in url:
        findings.add(at, "a secret in an address is not filled in, and would be seen on the way", "put it in a header")
        return
    for gap in GAP.finditer(url):
        if gap[1] not in filled:
            text = f"nothing is filled in for {gap[0]} (a brace that is meant is written %7B or %7D)"
            findings.add(at, text, nearest(gap[1] or "", filled))


def _check_asked(feed: Feed, at: Location, findings: Findings) -> None:
    """What a page is asked by, and what it is asked for, can be meant."""
    if isinstance(feed, (SqlFeed, PortalFeed)):
        return
    check_address(feed.url or "", ("year", "quarter", "month", "page"), (*at, "url"), findings)
    if isinstance(feed, JsonFeed) and "${" in feed.body:
        findings.add((*at, "body"), "a secret in the body of a feed is not filled in", "put it in a header")
    if isinstance(feed, PrometheusFeed):
        for indicator, column in feed.columns.items():
            if not METRIC.fullmatch(column.value):
                text = f"'{column.value[:80]}' is not the name of a metric"
                right = "write the bare name; a selection by labels is a query, of kind: promql"
                findings.add((*at, "columns", indicator, "value"), text, right)


def _column(indicator: str, column: ColumnSection) -> Column:
    return Column(
        indicator=indicator,
        value=column.value,
        numerator=column.numerator,
        denominator=column.denominator,
        scale=column.scale,
        words=column.words,
    )


def check_times(source: Asked, longest: float, at: Location, around: Surroundings) -> None:
    """The period fits the timetable, and a poll that lasts `longest` seconds fits the period."""
    if not fits_the_minute(source.period):
        text = f"the period {_seconds(source.period)} neither divides a minute nor is made of whole minutes"
        around.findings.add((*at, "period"), text, "write 15s, 30s, 1m or 5m")
    if longest > source.period:
        times = "" if longest == source.timeout else f" for {longest / source.timeout:g} attempts"
        text = f"the timeout {_seconds(source.timeout)}{times} is longer than the period {_seconds(source.period)}"
        key = "timeout" if "timeout" in source.model_fields_set else "period"
        around.findings.add((*at, key), text, "one poll must end before the next begins")


def _seconds(seconds: float) -> str:
    return f"{seconds:g}s"


def headers_of(headers: Mapping[str, str], at: Location, around: Surroundings) -> tuple[tuple[str, Secret], ...]:
    """Headers for the wire; one that may hold a secret has to be a reference."""

    def taken(name: str, value: str) -> tuple[str, Secret]:
        check_header(name, value)
        if is_reference(value):
            return name, resolve(value, around.root, around.environ)
        if name.lower() in HARMLESS:
            return name, Secret(value)
        raise ValueError("holds a secret in plain text; refer to it as ${NAME} or file:path")

    found = [
        around.findings.attempt((*at, name), f"the header {name}", partial(taken, name, value))
        for name, value in headers.items()
    ]
    return tuple(header for header in found if header is not None)


def check_header(name: str, value: str) -> None:
    """Raises ValueError for a header that cannot be sent."""
    if not HEADER.fullmatch(name):
        raise ValueError("has a name that cannot be sent; write letters, digits and hyphens")
    if not value.isprintable():
        raise ValueError("holds a line break or another sign that cannot be sent; write one line of text")


def tls_of(asked: Certified, urls: Sequence[str], at: Location, around: Surroundings) -> ssl.SSLContext | None:
    """The probe's own TLS settings; None where the machine's will do, or where they are wrong."""
    given = [key for key in ("authority", "client_certificate") if getattr(asked, key)]
    if given and not any(url.startswith("https:") for url in urls):
        text = f"{given[0]} is never used: the address is not https"
        around.findings.add((*at, given[0]), text, "write https:// in the url")
    return tls_from(asked.authority, asked.client_certificate, at, around)


def tls_from(
    authority: str | None, certificate: str | None, at: Location, around: Surroundings, *, name: str | None = None
) -> ssl.SSLContext | None:
    """TLS settings from files of the site, with a `name` as `tls_settings` has it."""
    place = around.root / authority if authority else None
    key = "client_certificate" if certificate else "authority"
    if place is not None and not place.is_file():
        around.findings.add((*at, "authority"), f"there is no file {authority}")
        return None
    return around.findings.attempt((*at, key), key, lambda: tls_settings(around.root, place, certificate, name))


def _mapping(name: str, column: str, at: Location, around: Surroundings) -> Mapping[str, str]:
    path = around.folders.place(name)
    if not path.is_file():
        around.findings.add(at, f"there is no file {name}")
        return {}
    mapping = read_mapping(path, around.registry, column, [unit.code for unit in around.units])
    for sentence in mapping.problems:
        around.findings.borrow(sentence, around.folders.home(name))
    if strangers := [unit for unit in mapping.units.values() if unit not in around.units]:
        text = f"{name} names {len(strangers)} units that are not in this site, such as '{strangers[0]}'"
        around.findings.add(at, text, "remove them from the file, or add them under units")
    return mapping.units
