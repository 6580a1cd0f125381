"""A site as frozen types, fully checked: what the service and the adapters are built from."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

from monitor.alerting.limits import Limits
from monitor.alerting.plan import Directory
from monitor.alerting.selfnotices import Operators
from monitor.alerting.selfwatch import Limits as SelfLimits
from monitor.config.probespec import ProbeSpec
from monitor.config.secrets import Secret
from monitor.engine.book import Ruleset
from monitor.model.hours import Calendar, Sessions
from monitor.model.muting import Window
from monitor.model.unit import Units
from monitor.registry import Names

LONGEST_POLL = 300.0  # seconds after which a source that is still being asked gives its place back


def fits_the_minute(period: float) -> bool:
    """Whether a period (seconds) divides a minute or is made of whole minutes: the timetable has sixty slots."""
    return period >= 1 and 0 in (60 % period, period % 60) and period % 1 == 0


class AsOf(StrEnum):
    """Where a feed's claim of time comes from."""

    FETCH = "fetch"  # the instant of the poll
    DAY = "day"  # 00:00 of the local day of the poll: figures refreshed nightly
    FIELD = "field"  # a field or column of the row


@dataclass(frozen=True, slots=True)
class Column:
    """How one indicator is read from a row."""

    indicator: str
    value: str  # JMESPath in a JSON row, header of a column (sql: its name), metric name of a Prometheus page, PromQL
    numerator: str = ""
    denominator: str = ""
    scale: float = 1.0  # the value is multiplied by this (ratio to per cent: 100)
    words: Mapping[str, bool | str] = field(default_factory=dict)  # "đủ" -> True, "một phần" -> "partly"


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL server and who asks it."""

    host: str  # a literal address, so that no name can lead elsewhere
    port: int
    user: str
    password: Secret | None = None
    tls: bool = True
    trust: ssl.SSLContext | None = None  # own authority, name or client certificate; None: what the machine trusts


@dataclass(frozen=True, slots=True)
class Portal:
    """How the national portal's Decision 766 index is asked."""

    generation: int  # 1: the form of 2022 to 2025; 2: the JSON API of 2026
    root: str  # the portal's own id of the province: a number (1), a UUID (2)
    contact: str  # who answers for this reader; told to the portal
    services: tuple[str, ...] = ("service-results",)  # calls of generation 2
    span: str = "month"  # "month", "quarter", "half" (generation 1), "year": the running one of the local day


@dataclass(frozen=True, slots=True)
class Paging:
    """How a table that comes in pages is read to its end: by the number of the page, or by the link to the next one."""

    next: str = ""  # JMESPath to the address of the next page; empty: by number, which stands for {page}
    pages: str = ""  # JMESPath to how many pages there are; empty: the first page without rows is the last
    first: int = 1  # number of the first page
    max_pages: int = 50  # a table of more is a failure
    max_rows: int = 20_000  # of all pages together; a table of more is a failure


@dataclass(frozen=True, slots=True)
class FeedSpec:
    """One feed: a source of many values."""

    id: str
    kind: str  # "json", "csv", "xlsx", "prometheus", "promql", "sql", "portal766"
    owner: str  # unit that answers for the feed
    url: str  # of the page; of the server (promql); empty: read from a folder or a database
    period: float  # seconds
    timeout: float  # seconds, total
    columns: tuple[Column, ...]
    max_silence: float  # seconds without a good answer (or without a unit's row) after which it is called silent
    method: str = "GET"
    body: str = ""
    headers: tuple[tuple[str, Secret], ...] = ()
    tls: ssl.SSLContext | None = None  # own authority or client certificate; None: what the machine trusts
    rows: str = ""  # JMESPath to the list of rows (json)
    portal: Portal | None = None  # (portal766)
    paging: Paging | None = None  # the table comes in pages (json)
    conditional: bool = False  # ask only for what has changed; an unchanged table is as old as it is
    unit: str = ""  # JMESPath, header or label of a time series that names the unit
    mapping: Mapping[str, str] = field(default_factory=dict)  # foreign code -> unit code; empty: the code itself
    names: Names | None = None  # rows name their units by name, within one province
    as_of: AsOf = AsOf.DAY
    as_of_field: str = ""
    delimiter: str = ","
    encoding: str = "utf-8"  # utf-8 also takes a BOM
    decimal: str = "."  # or ","
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # other spellings of a header (csv, xlsx)
    folder: str = ""  # drop folder, below the site's own (csv, xlsx)
    files: str = ""  # pattern of the names there; the newest file counts
    sheets: tuple[str, ...] = ()  # names of those to be read; none: the only visible one (xlsx)
    database: str = ""  # SQLite file, below the site's folder; of a server its name (sql)
    server: Server | None = None  # PostgreSQL; None: an SQLite file (sql)
    query: str = ""  # one SELECT (sql)
    parameters: Mapping[str, str | int | float] = field(default_factory=dict)  # bound to it, beside :year, :month ...
    max_bytes: int = 4 * 1024 * 1024
    expects: frozenset[str] = frozenset()  # units that should have a row

    @property
    def is_local(self) -> bool:
        """Whether it is read from this machine, over no line."""
        return bool(self.folder or (self.database and self.server is None))


@dataclass(frozen=True, slots=True)
class HeartbeatSpec:
    """One job that reports by itself."""

    id: str
    unit: str
    gives: str  # yes/no indicator: on time, or late or failed
    every: float  # seconds between two reports
    grace: float  # seconds a report may be late, and a run that was said to begin may take

    @property
    def source(self) -> str:
        """Name of its readings' source."""
        return f"heartbeat:{self.id}"


@dataclass(frozen=True, slots=True)
class Template:
    """An approved Zalo template, and which word of a notice each of its parameters takes."""

    id: str
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ZaloApp:
    """An app of a Zalo Official Account, and where its tokens are kept."""

    app_id: str
    secret: Secret
    seed: Secret  # the refresh token that a person got by consenting; later ones are in the file
    file: Path  # below the site's folder
    oauth_url: str


@dataclass(frozen=True, slots=True)
class RepliesSpec:
    """How a provider hands over what is written back. Fields are names joined by dots, from the body's top."""

    secret: Secret
    header: str = "X-Denbao-Secret"  # that carries the secret
    id: str = "id"  # field with the provider's name of the message
    sender: str = "from"
    text: str = "text"


@dataclass(frozen=True, slots=True)
class ChannelSpec:
    """One way to send. `kind`: "log", "email", "webhook", "telegram", "zalobot", or a gateway of config.gateways."""

    id: str
    kind: str
    url: Secret | None = None  # Apprise URL template: "{address}" is replaced by the recipient's address
    timeout: float = 15.0  # seconds, then the worker is killed
    parallel: int = 4  # sends at once: the bulkhead
    blind: bool = False  # the provider would not recognise a repeat of what may have arrived
    limits: Limits | None = None
    price: float | None = None  # dong for one message; None: nobody said
    zalo: ZaloApp | None = None  # whose access token the channel needs
    templates: Mapping[str, Template] = field(default_factory=dict)  # zalozns: by kind of notice, "any" for the others
    base_url: str = ""  # another host than the vendor's (bots; gateways have it in their URL)
    callback_base: str = ""  # of the board, as the provider can reach it
    replies: RepliesSpec | None = None  # None: nothing that is written back is heard
    callback: Secret | None = None  # signs what the provider may tell later; None: nothing is heard


@dataclass(frozen=True, slots=True)
class Token:
    """An API token: only the SHA-256 (hex) of its secret is known."""

    id: str
    role: str  # "viewer", "operator", "pusher", "scraper", "admin"
    sha256: str
    units: frozenset[str] = frozenset()  # of which units a pusher may speak; empty: of all
    indicators: frozenset[str] = frozenset()  # of which indicators; empty: of all

    def may_say(self, unit: str, indicator: str) -> bool:
        """Whether it may push a value of this indicator of this unit."""
        return (not self.units or unit in self.units) and (not self.indicators or indicator in self.indicators)


@dataclass(frozen=True, slots=True)
class PushSpec:
    """Where metrics are pushed to, beside being scraped."""

    url: str
    kind: str  # "remote_write" (1.0) or "text" (Prometheus text with timestamps)
    every: float  # seconds
    buffer: int  # bytes on disk at most
    headers: tuple[tuple[str, Secret], ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)  # of every series


@dataclass(frozen=True, slots=True)
class SimulationSpec:
    """The bundled province, started with the site when given."""

    listen: tuple[str, int]
    tcp_port: int
    seed: int
    province: str
    world: str = "calm"


@dataclass(frozen=True)
class Public:
    """What everybody may see without a token."""

    provinces: frozenset[str] = frozenset()  # with a page, and badges of them and their communes
    max_age: float = 60.0  # seconds for which a page or badge is kept


@dataclass(frozen=True)
class OwnAlarm:
    """How the monitor watches itself. All spans in seconds."""

    operators: Operators | None = None  # None: it is shown and counted, and nobody is told
    limits: SelfLimits = field(default_factory=SelfLimits)  # the sweep follows the periods of the sources
    missed_periods: int = 5  # of the source asked most often, without any poll
    repeat: float = 3600.0
    heartbeats: tuple[Secret, ...] = ()  # addresses of an outside watcher; secrets, for who knows one can feign life
    every: float = 60.0
    audit_every: float = 60.0
    audit_grace: float = 60.0  # after its time from which on a call is overdue


@dataclass(frozen=True, slots=True)
class Retention:
    """How long what was is kept, in seconds."""

    history: float = 400 * 86_400.0  # readings, changes of colour, silences and windows that are over
    messages: float = 400 * 86_400.0  # messages and incidents that are over


@dataclass(frozen=True)
class Site:
    """Everything a run needs. `root` is the folder that holds config.yaml."""

    root: Path
    name_vi: str
    name_en: str
    zone: ZoneInfo
    locale: str  # "vi" or "en": the board's default
    listen: tuple[str, int]
    store_url: str  # "sqlite:var/denbao.db" (relative to root) or "memory:"
    units: Units
    ruleset: Ruleset
    calendar: Calendar
    sessions: Sessions  # office hours over the calendar
    directory: Directory
    probes: tuple[ProbeSpec, ...]
    feeds: tuple[FeedSpec, ...]
    channels: Mapping[str, ChannelSpec]
    addresses: Mapping[tuple[str, str], Secret]  # (recipient id, channel id) -> address
    allow: tuple[str, ...] = ()  # networks and ports that may be dialled although private: "127.0.0.0/8:8867"
    per_host: int = 32  # polls under way at once at one host and port
    heartbeats: tuple[HeartbeatSpec, ...] = ()
    own_line: frozenset[str] = frozenset()  # ids of the probes that tell whether the monitor itself is connected
    maintenance: tuple[Window, ...] = ()
    exporters: tuple[str, ...] = ("prometheus",)
    max_series: int = 500_000  # of units and totals on the page of metrics
    push: PushSpec | None = None
    tokens: tuple[Token, ...] = ()
    public: Public = Public()
    simulation: SimulationSpec | None = None
    as_of: datetime | None = None  # aware UTC: the moment this site is about, when that is not today
    version: str = ""  # digest of all files read, for explanations and reload
    own_alarm: OwnAlarm = OwnAlarm()
    retention: Retention = Retention()
    problems: tuple[str, ...] = ()  # mistakes in the rules on disk, file:line, while the last good ones judge instead
