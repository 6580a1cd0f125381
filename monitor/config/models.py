"""What may stand in config.yaml. Everything is checked by itself here, and against the rest in crosscheck.

A field's description is the hint that a user reads when the field is missing, and the editor's help (schema.py).
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from monitor.config.asked import LevelName, Selector
from monitor.config.channelmodels import Channel
from monitor.config.feedmodels import Feed
from monitor.config.fields import (
    Allow,
    AsOfText,
    ClockText,
    Code,
    Day,
    Duration,
    Identifier,
    Kept,
    Label,
    Listen,
    Port,
    SecretText,
    SessionText,
    Sha256,
    SitePath,
    Span,
    StoreUrl,
    Title,
    Url,
    WaysText,
    Zone,
    ways,
)
from monitor.config.probemodels import Probe
from monitor.config.yaml import Section

Weight = Annotated[float, Field(gt=0, le=1e9)]  # a unit that must not count is excluded, not weightless
KindName = Literal["outage", "kpi_yellow", "kpi_red", "overdue", "silent", "mass"]


class Names(Section):
    """A name in both languages."""

    vi: Title = Field(description="write the Vietnamese name")
    en: Title = Field(description="write the English name")


class _Dated(Section):
    # As in the registry. Outside these days the unit is excluded.
    valid_from: Day | None = None  # first day on which it is there
    valid_to: Day | None = None  # first day on which it is there no more

    @model_validator(mode="after")
    def _is_there_once(self) -> Self:
        if self.valid_from is not None and self.valid_to is not None and self.valid_to <= self.valid_from:
            said = f"is never there: valid_to {self.valid_to} is the first day without it, valid_from {self.valid_from}"
            raise ValueError(f"{said}; write a later valid_to")
        return self


class SystemUnit(_Dated):
    """A shared service that others depend on."""

    code: Code = Field(description="write a short code, such as tthc-19")
    name: Names = Field(description="write name: {vi: ..., en: ...}")
    province: Code | None = None
    parent: Code | None = None  # a system rolls up into nothing unless said
    depends_on: list[Code] = Field(default=[])


class OwnUnit(_Dated):
    """A unit that the registry does not know."""

    code: Code = Field(description="write a code of its own")
    level: Literal["province", "commune"] = Field(description="write province or commune")
    kind: Identifier = "xa"
    name: Names = Field(description="write name: {vi: ..., en: ...}")
    parent: Code | None = None
    province: Code | None = None
    depends_on: list[Code] = Field(default=[])
    weight: Weight = 1


class ProvinceUnits(Section):
    """A province of the registry with its communes, wards and special zones."""

    code: Code = Field(description='write the two-digit code in quotes, such as "19"')
    communes: list[Code] | None = None  # all unless said
    depends_on: list[Code] = Field(default=[])  # of the province itself
    communes_depend_on: list[Code] = Field(default=[])
    weight: Weight = 1  # among the provinces, for roll-ups by weight (people, dossiers ...)
    commune_weights: dict[Code, Weight] = Field(default={})  # among its communes; 1 unless said


class UnitsSection(Section):
    """Everything that gets a colour."""

    nation: bool = True  # the nation, VN, on top of the provinces
    provinces: list[ProvinceUnits] = Field(default=[])
    systems: list[SystemUnit] = Field(default=[])
    others: list[OwnUnit] = Field(default=[])


class HeartbeatSection(Section):
    """A job that reports by itself; that it is on time means yes."""

    id: Identifier = Field(description="write a name of its own")
    unit: Code = Field(description="write the code of the unit whose job it is")
    gives: Identifier = Field(description="write the yes/no indicator that it fills")
    every: Span = Field(description="write how often it reports, such as 1d")
    grace: Span = Field(description="write how long a report may be late, and a run may take, such as 1h")


class RecipientSection(Section):
    """Somebody who can be told: a post, not a person's name."""

    id: Identifier = Field(description="write a name of its own")
    role: Identifier = Field(description="write one of the roles")
    scope: Code = Field(description="write the code of the unit for which the recipient stands in")
    name: Title | None = None  # the role's title unless said
    locale: Literal["vi", "en"] = "vi"
    channels: list[WaysText] = Field(default=[])  # "zalo > sms": by SMS where Zalo cannot reach
    addresses: dict[str, SecretText] = Field(default={})
    recoveries: bool = True  # false: is not told that it is over
    valid_from: Day | None = None  # first day in the role
    valid_to: Day | None = None  # first day in it no more
    quiet: SessionText | None = None  # local hours in which calls wait for their end
    wake: bool = True  # a red outage is told in quiet hours as well

    def names(self) -> list[tuple[int, str]]:
        """Every channel that is named, with the number of its entry; each once."""
        found: dict[str, int] = {}
        for number, entry in enumerate(self.channels):
            for name in ways(entry):
                found.setdefault(name, number)
        return [(number, name) for name, number in found.items()]

    def takeovers(self) -> dict[str, str]:
        """Channel -> the one that takes over."""
        chains = [ways(entry) for entry in self.channels]
        return {first: then for chain in chains for first, then in pairwise(chain)}


class RotationSection(Section):
    """People who take turns."""

    members: list[Identifier] = Field(min_length=1, description="write recipients in the order of their turns")
    starts: Day = Field(description="write the day of the first turn")
    at: ClockText = "07:30"  # local time of the hand-over
    days: int = Field(default=7, ge=1, le=366)  # length of a turn
    hours: SessionText | None = None  # on duty only in these local hours of each day


class OverrideSection(Section):
    """Somebody instead of those whose turn it is."""

    starts: Title = Field(alias="from", description="write when it begins, such as 2026-02-14T17:00")
    until: Title = Field(description="write when it ends, such as 2026-02-23T07:30; a day alone is counted in full")
    who: list[Identifier] = Field(min_length=1, description="write recipients")


class ScheduleSection(Section):
    """Who of the holders of a role at one unit is on duty when."""

    id: Identifier = Field(description="write a name of its own")
    role: Identifier = Field(description="write one of the roles")
    scope: Code = Field(description="write the code of the unit at which the role is held")
    rotations: list[RotationSection] = Field(default=[])  # the first one that has somebody on duty counts
    roster: SitePath | None = None  # CSV with the columns from, until, who; before the rotations
    ical: SitePath | None = None  # the same as an iCalendar file, whose events name those on duty
    overrides: list[OverrideSection] = Field(default=[])  # before everything
    ahead: Span = 400 * 86_400.0  # so far ahead `denbao check` looks for holes
    holes: Literal["mistake", "next_step"] = "mistake"  # next_step: meant so, the next step is called in them


class Step(Section):
    """One line of a policy."""

    after: Duration = 0.0
    to: list[Identifier] = Field(min_length=1, description="write the roles to be told")
    via: list[Identifier] | None = None  # the policy list's default unless said
    repeat: Span | None = None
    office_hours: bool = False
    reminders: bool = False
    hours: SessionText | None = None  # only in these local hours
    colours: list[Literal["yellow", "red", "unknown"]] = Field(default=[])  # all unless said
    only_if: Literal["still"] | None = None  # passed over while the trouble cannot be seen


class PolicySection(Section):
    """Who hears of which trouble. The first policy that fits is taken."""

    name: Identifier = Field(description="write a name of its own")
    kinds: list[KindName] = Field(min_length=1, description="write the kinds of trouble")
    levels: list[LevelName] = Field(default=[])
    criteria: list[Identifier] = Field(default=[])
    steps: list[Step] = Field(min_length=1, description="write who is told first")
    answers: dict[Identifier, list[Identifier]] = Field(default={})  # party -> roles; each party must answer
    ack_expires: Span | None = None
    ack_remind: Span | None = None
    close_after: Duration = 0.0
    review: Span | None = None


class CollapseSection(Section):
    """When the same trouble of many children is one trouble of their parent."""

    criterion: Identifier = Field(description="write the criterion of the children")
    at: Literal["province", "nation"] = Field(description="write the level of the parent: province or nation")
    at_least: int = Field(ge=2, description="write how many children make it a mass trouble, such as 5")
    share: float = Field(default=0.0, ge=0, le=100)  # ... and per cent of all children
    within: Span = 300.0  # in which their incidents must have begun
    wait: Duration = 60.0  # for which a first call waits, so that the others can be counted
    total: float = Field(default=90.0, gt=0, le=100)  # per cent from which it is called total


class DigestSection(Section):
    """Who gets a digest of which units, and when."""

    at: list[ClockText] = Field(default=["07:30", "16:30"], min_length=1)  # local, on working days
    levels: list[LevelName] = Field(default=["province"], min_length=1)  # a digest of each unit of these
    to: list[Identifier] = Field(min_length=1, description="write the roles that get it")
    via: list[Identifier] | None = None  # the policy list's default unless said
    attach: list[Literal["digest", "ranking", "targets"]] = Field(default=[])  # reports that its e-mails carry


class Escalation(Section):
    """All policies."""

    via: list[Identifier] = Field(min_length=1, description="write the channels that steps use unless they say others")
    policies: list[PolicySection] = Field(min_length=1, description="write at least one policy")
    collapse: list[CollapseSection] = Field(default=[])
    digest: list[DigestSection] = Field(default=[])


class Operator(Section):
    """The telecom operator named in messages."""

    name: Title = Field(description="write the operator's name")
    hotline: str = Field(default="", max_length=40)


class OfficeHours(Section):
    """When offices are open, in local time; calls marked office_hours wait for it."""

    weekdays: list[SessionText] = Field(default=["07:30-11:30", "13:30-17:00"])
    saturday: list[SessionText] = Field(default=[])
    sunday: list[SessionText] = Field(default=[])


class MaintenanceSection(Section):
    """Planned work: once (from, for or until), or again and again (every, at, for, until)."""

    id: Identifier = Field(description="write a name of its own")
    matchers: list[Title] = Field(min_length=1, description='write the units it is about, such as "unit=02143"')
    comment: Title = Field(description="write why")
    starts: Title = Field(default="", alias="from")
    lasts: Span | None = Field(default=None, alias="for")
    until: Title = ""
    every: Title = ""
    at: Title = ""


class HeartbeatOut(Section):
    """The outgoing heartbeat: a watcher outside calls for help when it stays away."""

    urls: list[SecretText] = Field(
        min_length=1, max_length=4, description="write one or two references, such as ${URL}"
    )
    every: Span = 60.0


class OwnAlarmSection(Section):
    """How the monitor watches itself, and whom it tells. Past all policies, rosters and quiet hours."""

    unit: Code | None = None  # whose name and code its messages carry; the first unit of the site unless said
    to: list[Identifier] = Field(default=[])  # recipients
    via: list[Identifier] = Field(default=[])  # channels, best one of their own; those of escalation unless said
    repeat: Span = 3600.0  # until it is over or somebody answers
    heartbeat: HeartbeatOut | None = None
    missed_periods: int = Field(default=5, ge=2, le=1000)  # of the source asked most often, without any poll
    stuck_outbox: Span = 600.0
    clock_jump: Span = 5.0
    disk_free: float = Field(default=5.0, ge=0, le=100)  # per cent; 0: never
    audit_every: Span = 60.0
    audit_grace: Span = 60.0  # after its time from which on a call is overdue


class RetentionSection(Section):
    """How long what was is kept. What is older is deleted each night, but for what is needed still."""

    history: Kept = 400 * 86_400.0  # readings, changes of colour, silences and windows that are over
    messages: Kept = 400 * 86_400.0  # messages and incidents that are over


class Network(Section):
    """What may be dialled although it is no public address."""

    allow: list[Allow] = Field(default=[])
    per_host: int = Field(default=32, ge=1, le=1000)  # polls under way at once at one host


class Push(Section):
    """Where metrics are pushed to, for a site that nobody can come to and scrape."""

    url: Url = Field(description="write the address of the receiver, such as https://tsdb.example/api/v1/write")
    kind: Literal["remote_write", "text"] = "remote_write"
    every: Span = 60.0
    buffer_mib: int = Field(default=256, ge=1, le=100_000)  # on disk, while the line is cut
    headers: dict[str, str] = Field(default={})
    labels: dict[Label, Title] = Field(default={})  # of every series, such as site: thai-nguyen


class Metrics(Section):
    """How much the page of metrics may hold, and where it is pushed to."""

    max_series: int = Field(default=500_000, ge=1000, le=10_000_000)  # of units and totals
    push: Push | None = None


class PublicSection(Section):
    """What everybody may see without a token: a page per province and badges of it and its communes."""

    provinces: list[Code] = Field(min_length=1, description='write the codes of provinces, such as ["19"]')
    max_age: Annotated[Span, Field(le=3600)] = 60.0  # so long a page or badge is kept and shown again


class TokenSection(Section):
    """An API token, known by its hash only."""

    id: Identifier = Field(description="write a name of its own")
    role: Literal["viewer", "operator", "pusher", "scraper", "admin"] = Field(description="write what it may do")
    sha256: Sha256 = Field(description="write the SHA-256 of the part of the token after 'id.'")
    units: Selector | None = None  # of which units a pusher may speak; all unless said
    indicators: list[Identifier] = Field(default=[])  # of which indicators; all unless said


class Access(Section):
    """Who may use the board and the API from elsewhere."""

    tokens: list[TokenSection] = Field(default=[])


class Simulation(Section):
    """The bundled province, started with the site."""

    listen: Listen = "127.0.0.1:8867"
    tcp_port: Port = 8868
    seed: int = Field(default=766, ge=0)
    province: Code = Field(description='write the code of the province, such as "19"')
    world: Literal["calm", "lively"] = "calm"


class SiteFile(Section):
    """All of config.yaml."""

    name: Names = Field(description="write name: {vi: ..., en: ...}")
    time_zone: Zone = "Asia/Ho_Chi_Minh"
    locale: Literal["vi", "en"] = "vi"
    listen: Listen = "127.0.0.1:8866"
    base_url: Url | None = None  # of the board, for links in messages
    store: StoreUrl = "sqlite:var/denbao.db"
    as_of: AsOfText | None = None  # the site looks at this moment instead of today: for a story of the past
    rules: list[Identifier] = Field(min_length=1, description="write the names of the rule books in rules/")
    calendar: SitePath | None = None
    office_hours: OfficeHours = OfficeHours()
    units: UnitsSection = Field(description="write which provinces, communes and systems get a colour")
    probes: list[Probe] = Field(default=[])
    own_line: list[Identifier] = Field(default=[])  # probes that answer whenever denbao itself is connected
    feeds: list[Feed] = Field(default=[])
    heartbeats: list[HeartbeatSection] = Field(default=[])
    by_hand: list[Identifier] = Field(default=[])  # indicators that come by push or import, from no probe or feed
    channels: dict[Identifier, Channel] = Field(min_length=1, description="write at least log: {kind: log}")
    roles: dict[Identifier, Names] = Field(min_length=1, description="write role: {vi: ..., en: ...}")
    recipients: list[RecipientSection] = Field(default=[])
    directory: SitePath | None = None  # CSV or XLSX with more recipients
    schedules: list[ScheduleSection] = Field(default=[])
    escalation: Escalation = Field(description="write who is told when")
    maintenance: list[MaintenanceSection] = Field(default=[])
    own_alarm: OwnAlarmSection = OwnAlarmSection()
    retention: RetentionSection = RetentionSection()
    operator: Operator | None = None
    network: Network = Network()
    exporters: list[Identifier] = Field(default=["prometheus"])
    metrics: Metrics = Metrics()
    access: Access = Access()
    public: PublicSection | None = None  # nothing is public unless said
    simulation: Simulation | None = None
