"""Verdicts: what a rule says of one value, why, and until when that answer can stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monitor.model.colour import Colour
from monitor.model.reading import Comparator, Value

Param = str | float | int | bool | datetime | None


@dataclass(frozen=True, slots=True)
class Reason:
    """One machine-readable because. `code` selects the sentence (engine.explain), `params` fill it."""

    code: str
    params: Mapping[str, Param] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Forecast:
    """Where a value is heading. Figures in the indicator's unit; paces per working day. None: it cannot be said."""

    required_pace: float | None = None  # from now to the goal at its date; 0 when the goal is met
    actual_pace: float | None = None  # robust slope of the last days
    projected: float | None = None  # value at the date at the actual pace
    low: float | None = None  # the projection's uncertainty
    high: float | None = None
    expected: float | None = None  # what the pace curve asks for today
    points: int = 0  # days of history behind the actual pace


@dataclass(frozen=True, slots=True)
class Verdict:
    """Raw colour of one criterion at one instant, before holds."""

    colour: Colour
    reasons: tuple[Reason, ...]
    value: Value | None = None
    comparator: Comparator = Comparator.EQ
    numerator: float | None = None
    denominator: float | None = None
    as_of: datetime | None = None  # claim of the value's source
    received_at: datetime | None = None
    source: str = ""
    deadline: datetime | None = None  # first instant at which it is too late
    overdue: bool = False
    working_days_left: int | None = None  # today included, the first too-late day excluded
    days_left: int | None = None  # calendar days, counted the same way
    forecast: Forecast | None = None  # of a target with a number
    recheck_at: datetime | None = None  # next instant at which time alone could change this verdict


def common_deadline(deadlines: Iterable[datetime | None]) -> datetime | None:
    """The date of a goal for many units: that of most of them, of as many the earlier one; None when none has one."""
    counts = Counter(at for at in deadlines if at is not None)
    return min(counts, key=lambda at: (-counts[at], at), default=None)


@dataclass(frozen=True, slots=True)
class CriterionState:
    """Committed state of one criterion of one unit: the held colour and the run that may change it.

    Level (last real colour) and knowledge are separate axes: `colour` may be UNKNOWN while `level` remembers.
    """

    criterion: str
    colour: Colour
    since: datetime  # when `colour` began
    level: Colour  # last known colour, survives staleness; UNKNOWN when there never was one
    level_since: datetime
    raw: Colour  # colour of the present run of evidence, before holds
    raw_since: datetime  # as_of of the first reading of that run
    raw_count: int  # readings in that run
    verdict: Verdict
    weight: float  # at this unit's level
    critical: bool = False
    caused_by: str | None = None  # code of the system from which this criterion is inherited
    away_since: datetime | None = None  # as_of of the first reading of the present run on one side of `level`
    away_count: int = 0  # readings in that run
    recent: str = ""  # initials of the last raw colours, oldest first: GGRYG
    flapping_since: datetime | None = None
    episode_since: datetime | None = None  # when the present level began as an event: survives a short gap only
    base: Colour | None = None  # the level before it began to flap; None while it does not
    tally: int = 0  # letters at the end of `recent` that `N of M` may count
    promise: float = 0.0  # seconds between two readings as promised when the last one came
    seen: datetime | None = None  # as_of of the last reading that was judged; for a roll-up when it fell silent
    back_since: datetime | None = None  # first reading after the last long gap: no age reaches behind it

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why, of the last verdict."""
        return self.verdict.reasons

    @property
    def steady(self) -> Colour:
        """The level that holds start from: the last real one, while it flaps the one before that."""
        return self.level if self.base is None else self.base

    @property
    def told(self) -> Colour:
        """The colour that people are called for: what is shown, but never because of the flapping itself."""
        return self.steady if self.base is not None and self.colour.known else self.colour


@dataclass(frozen=True, slots=True)
class Counts:
    """Children of a group by colour. Missing ones count as unknown.

    Those excluded or under maintenance are outside the denominator.
    """

    green: int = 0
    yellow: int = 0
    red: int = 0
    unknown: int = 0
    maintenance: int = 0
    excluded: int = 0

    @property
    def total(self) -> int:
        """Denominator of every share: all but those excluded or under maintenance."""
        return self.green + self.yellow + self.red + self.unknown


@dataclass(frozen=True, slots=True)
class Standing:
    """Colour of a unit from its criteria and children."""

    colour: Colour
    since: datetime
    level: Colour
    level_since: datetime
    score: float | None = None  # ratio 0 to 1, of the known weight
    coverage: float = 0.0  # known weight / total weight, ratio 0 to 1
    reasons: tuple[Reason, ...] = ()
    children: Counts | None = None
    caused_by: str | None = None  # system that alone explains a red
