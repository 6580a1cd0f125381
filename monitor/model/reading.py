"""Readings: one value of one indicator of one unit, and what a source did when it was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from monitor.model.rolling import Answer

MAX_REJECTED = 200  # refused rows that are kept of one answer; the rest is only counted

Value = float | bool | str  # number (per cent 0 to 100, minutes, count ...), yes/no, or a state word such as "partly"


class Comparator(StrEnum):
    """How exactly the source states a number: "more than 80" is `>`, "almost 14,000" is `~`."""

    EQ = "="
    GT = ">"
    GE = ">="
    LT = "<"
    LE = "<="
    APPROX = "~"


@dataclass(frozen=True, slots=True)
class Reading:
    """One value as a source claims it. All instants are aware UTC."""

    unit: str
    indicator: str
    value: Value
    as_of: datetime  # the source's claim, never later than received_at (clamped at the edge)
    received_at: datetime  # ours
    source: str  # id of the probe or feed, or "manual"
    comparator: Comparator = Comparator.EQ
    numerator: float | None = None
    denominator: float | None = None
    since: datetime | None = None  # first as_of of the unbroken run of this same value
    note: str = ""  # why a probe failed, or what was clamped

    @property
    def key(self) -> tuple[str, str, datetime, str]:
        """Identity: the same key with another value is a revision; the later received one counts."""
        return (self.unit, self.indicator, self.as_of, self.source)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was not believed. It is counted and shown; the unit goes stale, never red because of bad paper."""

    source: str
    row: str  # "row 17", "line 17", "data.evaluation[17]"; empty for the whole answer
    reason: str  # short machine word, a metric label: unknown-unit, not-a-number, out-of-range, duplicate, future ...
    detail: str  # a sentence for a person
    unit: str = ""  # as the row names it; one short line
    column: str = ""  # indicator; empty when the whole row is refused
    cell: str = ""  # what stood there; one short line
    first_seen: datetime | None = None  # since when this is so, by our clock
    table: str = ""  # mark of the table in which it stands, of a source that brings many (Tables)

    @property
    def trouble(self) -> tuple[str, str, str]:
        """What makes it the same trouble at the next poll: a row may stand elsewhere by then."""
        return self.reason, self.unit or self.row, self.column


@dataclass(frozen=True, slots=True)
class Shape:
    """What an answer of a feed looks like, whatever its values say."""

    rows: int  # units that have a row, believed or not, and rows that name no unit of the site
    headers: tuple[str, ...] = ()  # of a table, or keys of the rows (json); one short line each, bounded
    spoke: tuple[str, ...] = ()  # indicators of which a row has said something, now or before
    table: str = ""  # digest of a table of which only changes are asked for (`conditional`), and no age is stated
    dated: datetime | None = None  # as_of of its rows that state no date; None: all must state one


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables that lie at a source side by side, as files of a drop folder, each by its mark."""

    there: frozenset[str] | None  # all of them; None: as the table before this one of the same look says
    told: frozenset[str] = frozenset()  # those of which refused rows are still told, though others came since
    passed: frozenset[str] = frozenset()  # those that are never read: they lay there before anything was read


@dataclass(frozen=True, slots=True)
class Drift:
    """How the headers of a feed have changed since they were other ones. `at` by our clock."""

    at: datetime
    gone: tuple[str, ...] = ()  # headers that were there and have not come back
    new: tuple[str, ...] = ()  # headers that came with the last change


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """What is known of one probe or feed: when it last answered well or badly. Aware UTC."""

    source: str
    owner: str  # code of the unit that answers for the source
    first_success: datetime | None = None
    last_success: datetime | None = None
    last_failure: datetime | None = None
    failing_since: datetime | None = None  # first failure since it last answered well; None while it does
    failure: str = ""  # what the last failure said
    rejected: tuple[Rejected, ...] = ()  # of the last answer, at most MAX_REJECTED
    stage: str = ""  # where the last failure happened, as Collected.stage
    refused: Mapping[str, int] = field(default_factory=dict)  # reason -> refused rows of the last answer, all of them
    shape: Shape | None = None  # of the last answer that was not held back
    held: int | None = None  # rows of the answer that is held back because it has so few; None: none is
    drift: Drift | None = None  # the last change of headers
    # as_of of the newest row that it brought for anybody, or its first answer; None: an earlier version did not say.
    newest: datetime | None = None
    # Of a heartbeat: seconds from its last success to `resumed` in which the service ran, on a line that was not cut.
    listened: float = 0.0
    resumed: datetime | None = None  # of a heartbeat: until when `listened` counts
    excused: float = 0.0  # seconds since the last success in which the monitor's own line was cut
    read: tuple[str, ...] = ()  # marks of the tables that lie there and were read, in this order (Tables)

    @property
    def answers(self) -> bool:
        """Whether the last poll brought an answer that was usable as a whole."""
        # Not by comparing the two instants: our clock may have been set between them.
        return self.last_success is not None and self.failing_since is None


# Where the time of a check goes, in order; a phase that was not reached, or that the kind does not have, is missing.
PHASES = ("name", "connect", "tls", "first_byte", "transfer")


@dataclass(frozen=True, slots=True)
class Check:
    """How one poll of a probe went, for people and metrics; no colour comes from it, and it is not stored."""

    phases: Mapping[str, float] = field(default_factory=dict)  # seconds of the last attempt, by PHASES
    attempts: int = 1  # how often the target was asked before the poll ended
    transcript: Sequence[str] = ()  # what was said, without secrets; bounded
    certificate_expires: datetime | None = None  # aware UTC; of the certificate that the target showed
    steps: Mapping[str, float] = field(default_factory=dict)  # of a journey: seconds of the last attempt, by step


@dataclass(frozen=True, slots=True)
class Collected:
    """What one poll of one source brought: good rows, refused rows, or why there is nothing at all."""

    source: str
    at: datetime
    readings: tuple[Reading, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    failure: str = ""  # empty when the answer as a whole was usable
    duration: float = 0.0  # seconds, all attempts together
    check: Check | None = None  # of a probe; None for a feed
    answer: Answer | None = None  # of a probe from which figures are derived: what they are made of
    stage: str = ""  # of a failure: "fetch" (nothing came) or "read" (what came cannot be read)
    refused: Mapping[str, int] = field(default_factory=dict)  # reason -> refused rows, also those beyond `rejected`
    shape: Shape | None = None  # of a feed's answer
    # Where cumulative figures stood, to be held against earlier ones: (unit, indicator, as_of) -> "line 17".
    places: Mapping[tuple[str, str, datetime], str] = field(default_factory=dict)
    cut: bool = False  # of a failure: the monitor's own line is cut, so nobody is to blame
    held: bool = False  # it has so few rows that nothing of it counts until the next answer confirms it
    by_hand: bool = False  # somebody brought it for the source: it speaks, though nobody asked it
    table: str = ""  # mark of the table that this is, of a source that brings many
    tables: Tables | None = None  # all that lie there now; None: the source brings one
    named: frozenset[str] = (
        frozenset()
    )  # units, by their codes and as the rows of a feed name them: one short line each
    before: tuple[Collected, ...] = ()  # what the same poll brought before, table by table; each counts by itself
