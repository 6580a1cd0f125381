"""The rule language as frozen types. The config layer builds these from YAML; the engine only reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from monitor.model.colour import Colour
from monitor.model.reading import Value
from monitor.model.unit import Level, Unit


@dataclass(frozen=True, slots=True)
class Where:
    """A place in a file, for explanations and errors."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Measure(StrEnum):
    """How an indicator's judged value comes about."""

    VALUE = "value"  # the reading itself
    ELAPSED = "elapsed"  # minutes since the yes/no indicator `of` turned false; 0 while it is true


class Period(StrEnum):
    """Recurring deadline: the end of the calendar period to which the value belongs (by its as_of)."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Indicator:
    """A measured quantity."""

    id: str
    name_vi: str
    name_en: str
    sms: str  # unaccented short name, at most 13 characters
    unit: str  # "%", "bool", "state", "minutes", "s", "count", "days", "hours", "points"
    group: str
    max_age: float  # seconds after which a value is no longer believed
    cadence: float = 0.0  # seconds between two values as promised; 0: nothing was promised
    warn_age: float | None = None  # seconds after which a value is called old, though it is still believed
    window: Period | None = None  # calendar period that a figure covers so far; None: it is a state, not a sum
    sources: tuple[str, ...] = ()  # ids of sources, the one that counts first; empty: the newest claim counts
    disagree: float | None = None  # difference between two sources beyond which both are named, in the unit of measure
    measure: Measure = Measure.VALUE
    of: str | None = None  # the yes/no indicator behind an elapsed one
    minimum: float | None = None  # a value outside [minimum, maximum] is refused at the edge
    maximum: float | None = None
    states: tuple[str, ...] = ()  # allowed words of a "state" indicator
    source: str = ""
    assumed: bool = False
    where: Where = Where("", 0)

    @property
    def evidence(self) -> str:
        """Id of the indicator whose readings feed this one."""
        return self.of if self.of is not None else self.id


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison: `op` in > >= < <= == ; operand a number, yes/no or state word."""

    op: str
    operand: Value

    def __str__(self) -> str:
        if isinstance(self.operand, bool):
            return f"{self.op} {str(self.operand).lower()}"
        return f"{self.op} {self.operand if isinstance(self.operand, str) else format(self.operand, 'g')}"


@dataclass(frozen=True, slots=True)
class Band:
    """All conditions hold together: `95 to <100` is (>= 95, < 100)."""

    colour: Colour
    conditions: tuple[Condition, ...]
    text: str  # as written, for explanations
    where: Where = Where("", 0)


class Curve(StrEnum):
    """How a target's value is expected to grow from its baseline to its goal."""

    LINEAR = "linear"  # evenly by working days
    STEPPED = "stepped"  # by the days and values that the rule lists


@dataclass(frozen=True, slots=True)
class Pace:
    """What a value should be on the way from `baseline` on `start` to the goal at its date."""

    baseline: float  # in the indicator's unit
    start: date
    curve: Curve = Curve.LINEAR
    steps: tuple[tuple[date, float], ...] = ()  # stepped: from this day on at least this much
    tolerance: float = 0.0  # how far behind the curve a value may lie before it is called behind
    behind_red: bool = False  # behind the curve is red, not only a reason


@dataclass(frozen=True, slots=True)
class Exemption:
    """Another date of one target for one unit, by a paper. It counts from `decided` on and never before."""

    criterion: str
    unit: str
    paper: str  # number of the legal paper
    decided: date  # first day on which the new date counts
    before: date | None = None
    by: date | None = None
    until: date | None = None  # last day on which it counts
    where: Where = Where("", 0)


@dataclass(frozen=True, slots=True)
class Target:
    """A goal with a date. Exactly one of `before`, `by`, `every` is set; days are days of the site's time zone."""

    goal: Condition
    before: date | None = None  # this day is already too late
    by: date | None = None  # this day still counts
    every: Period | None = None
    floor: float | None = None  # beyond it (on the goal's wrong side) red even before the deadline
    margin: float = 0.0  # how far a value may miss the goal after the date and still be yellow
    pace: Pace | None = None
    trend_days: int = 30  # days of history from which the actual pace is taken
    remind_days: tuple[int, ...] = (10, 5, 3, 1)  # working days before the deadline
    where: Where = Where("", 0)


class RollUp(StrEnum):
    """What a criterion reads from the children instead of from readings."""

    GREEN_SHARE = "green_share"  # per cent of children that are green, missing ones in the denominator
    SCORE = "score"  # mean of green 100, yellow 50, red 0 over known children, per cent
    WORST = "worst"  # colour of the worst known child
    COUNT = "count"  # number of children in one of `colours`
    SHARE = "share"  # per cent of children in one of `colours`, missing ones in the denominator
    WEIGHT = "weight"  # summed weight of the children in one of `colours`
    WEIGHT_SHARE = "weight_share"  # the same in per cent of all children's weight
    NTH_BEST = "nth_best"  # colour of the n-th best child: n children are at least as good
    RATE = "rate"  # sum of the children's numerators over the sum of their denominators, per cent


@dataclass(frozen=True, slots=True)
class Need:
    """What a new colour must show before it counts: readings in a row and seconds, whichever are given."""

    readings: int = 1
    seconds: float = 0.0
    of: int = 0  # the readings may be any among the last `of`; 0: they must be in a row


@dataclass(frozen=True, slots=True)
class Flap:
    """When a criterion changes too often to be believed: share of changes among its last readings, per cent."""

    start: float = 50.0  # from this share on it flaps
    end: float = 25.0  # below it, it does no longer
    window: int = 21  # readings looked at


@dataclass(frozen=True, slots=True)
class Points:
    """What a rate earns in an index: all of `maximum` at `target` or above, in proportion below it."""

    maximum: float
    group: str
    target: float = 100.0  # per cent


@dataclass(frozen=True, slots=True)
class Formula:
    """A free condition in CEL: the colour holds when the expression is true."""

    colour: Colour
    text: str
    where: Where = Where("", 0)


@dataclass(frozen=True, slots=True)
class Criterion:
    """One rule: judges one indicator (or a roll-up of children) for the units in its scope."""

    id: str
    book: str
    title_vi: str
    title_en: str
    levels: frozenset[Level]
    indicator: str | None = None
    rollup: RollUp | None = None
    max_red_share: float | None = None  # per cent of children red beyond which a roll-up is red
    colours: frozenset[Colour] = frozenset({Colour.GREEN})  # children that a count, share or weight takes in
    nth: int = 0  # for nth_best
    points: Points | None = None  # what it earns in its book's index
    formulas: tuple[Formula, ...] = ()  # free conditions, the first that is true counts
    inputs: tuple[str, ...] = ()  # indicators that the formulas read besides the criterion's own
    bands: tuple[Band, ...] = ()
    target: Target | None = None
    weight: Mapping[Level, float] = field(default_factory=dict)  # missing level: 0, shown but not weighted
    critical: bool = False
    outage: bool = False  # red says that the service is down, not that a figure is low
    inherit: frozenset[Level] = frozenset()  # levels that take this verdict over from the system they depend on
    kinds: frozenset[str] = frozenset()  # kinds of units (xa, phuong, ...) that are judged; empty: all
    provinces: frozenset[str] = frozenset()  # empty: all
    units: frozenset[str] = frozenset()  # codes of units that are judged; empty: all
    hold: Need = Need()  # `for:` before it gets worse
    keep: Need = Need()  # `keep:` before it gets better
    flap: Flap | None = None  # None: it is never called flapping
    max_age: float | None = None  # seconds; None: the indicator's
    alert: frozenset[Colour] = frozenset({Colour.RED})  # colours that open an incident; yellow only near a deadline
    min_sample: float = 0  # denominator below which a rate is not judged
    legal_basis: tuple[str, ...] = ()
    source: str = ""
    assumed: bool = False
    where: Where = Where("", 0)

    def applies_to(self, unit: Unit) -> bool:
        """True when the unit is in the criterion's own scope (not by inheritance)."""
        return (
            unit.level in self.levels
            and self._in_province(unit)
            and (not self.kinds or unit.kind in self.kinds)
            and (not self.units or unit.code in self.units)
        )

    def inherited_by(self, unit: Unit) -> bool:
        """True when the unit takes this criterion over from a system it depends on.

        `kinds` and `units` say which systems are judged, not who depends on them.
        """
        return unit.level in self.inherit and self._in_province(unit)

    def _in_province(self, unit: Unit) -> bool:
        return not self.provinces or unit.province in self.provinces


@dataclass(frozen=True, slots=True)
class StandingRule:
    """How a unit's colour follows from its criteria (ratios 0 to 1)."""

    min_coverage: float = 0.7  # known weight / total weight below which a unit is unknown
    green_score: float = 0.8  # below it yellow at best
    red_score: float = 0.5  # below it red
    yellow_weight: float = 5.0  # a yellow criterion of at least this weight makes the unit yellow


@dataclass(frozen=True, slots=True)
class Grade:
    """A grade of an index: from this share of the points on, per cent."""

    id: str
    name_vi: str
    name_en: str
    at_least: float
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class IndexGroup:
    """A group of an index and the points it can earn."""

    id: str
    name_vi: str
    name_en: str
    maximum: float


@dataclass(frozen=True, slots=True)
class Index:
    """Points that a book's criteria earn, by group, with grades from best to worst."""

    groups: tuple[IndexGroup, ...]
    grades: tuple[Grade, ...] = ()


@dataclass(frozen=True, slots=True)
class Book:
    """A file of criteria with its version and validity."""

    id: str
    version: str
    title_vi: str
    title_en: str
    criteria: tuple[Criterion, ...]
    valid_from: date | None = None
    valid_to: date | None = None  # last day included
    standing: StandingRule = StandingRule()
    index: Index | None = None
    where: Where = Where("", 0)

    def valid_on(self, day: date) -> bool:
        """True when the book judges on that day of the site's time zone."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True)
class Ruleset:
    """All indicators and active books of a site."""

    indicators: Mapping[str, Indicator]
    books: tuple[Book, ...]
    standing: StandingRule = StandingRule()
    exemptions: tuple[Exemption, ...] = ()

    def criteria_of(self, unit: Unit, on: date) -> tuple[Criterion, ...]:
        """Own and inherited criteria of a unit on a local day, in book order."""
        return tuple(
            criterion
            for book in self.books
            if book.valid_on(on)
            for criterion in book.criteria
            if criterion.applies_to(unit) or criterion.inherited_by(unit)
        )

    def cadence_of(self, criterion: Criterion) -> float:
        """Seconds between two values of a criterion as its source promises them; 0 when nothing is promised."""
        indicator = self.indicators.get(criterion.indicator or "")
        return 0.0 if indicator is None else indicator.cadence

    def criterion(self, criterion_id: str) -> Criterion | None:
        """One criterion by id."""
        return next((c for book in self.books for c in book.criteria if c.id == criterion_id), None)


@dataclass(frozen=True, slots=True)
class Deadline:
    """A target's due instant for one value."""

    at: datetime  # aware UTC, first instant at which it is too late
    last_good_day: date
