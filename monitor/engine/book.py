"""The rule language as frozen types. The config layer builds these from YAML; the engine only reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from math import inf
from typing import NamedTuple

from monitor.model.colour import Colour
from monitor.model.reading import Value
from monitor.model.unit import Level, Unit

_REMEMBERED = 8192  # sorts of units and days whose criteria are kept


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
    rising: bool = False  # within its `window` (for ever without one) it never gets less: a cumulative figure
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
    start: date | None = None  # None: the first day of the period of a goal that recurs
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

    def counts_on(self, day: date) -> bool:
        """True on the local days from `decided` to `until`, both included."""
        return self.decided <= day and (self.until is None or day <= self.until)

    def overlaps(self, other: Exemption) -> bool:
        """True when both count for one target of one unit on the same day."""
        same = (self.criterion, self.unit) == (other.criterion, other.unit)
        first, second = sorted((self, other), key=lambda one: one.decided)
        return same and (first.until is None or second.decided <= first.until)


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
    exemption: Exemption | None = None  # gave this date instead of the one of `general`
    general: Target | None = None
    turns: date | None = None  # day on which this exemption ends, or another one begins


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
    # Compiled by the config layer: inputs by indicator to true or false, or to what the error is. It never raises.
    evaluate: Callable[[Mapping[str, Value]], bool | str] | None = field(default=None, compare=False, repr=False)


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
    explained_by: tuple[str, ...] = ()  # criteria of systems: while one of those is down, nobody is called for this
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

    def overlaps(self, other: Book) -> bool:
        """True when both judge on the same day."""
        begins = max(self.valid_from or date.min, other.valid_from or date.min)
        return begins <= min(self.valid_to or date.max, other.valid_to or date.max)


class _Asked(NamedTuple):
    """Criteria of a unit on a day, in order and by id."""

    criteria: tuple[Criterion, ...]
    by_id: Mapping[str, Criterion]
    touched: Mapping[str, tuple[Criterion, ...]]  # by the indicator that is measured
    free: tuple[Criterion, ...]  # conditions that may read any indicator
    believed: float  # seconds: the least `max_age` of them


_NO_CRITERIA = _Asked((), {}, {}, (), inf)


@dataclass(frozen=True)
class Ruleset:
    """All indicators and active books of a site."""

    indicators: Mapping[str, Indicator]
    books: tuple[Book, ...]
    standing: StandingRule = StandingRule()
    exemptions: tuple[Exemption, ...] = ()
    _asked: dict[tuple[object, ...], _Asked] = field(default_factory=dict, init=False, repr=False, compare=False)

    def criteria_of(self, unit: Unit, on: date) -> tuple[Criterion, ...]:
        """Own and inherited criteria of a unit on a local day, in book order, with the dates that count for it then.

        None outside the unit's own validity.
        """
        return self._asked_for(unit, on).criteria

    def rules_of(self, unit: Unit, on: date) -> Mapping[str, Criterion]:
        """The same criteria by id."""
        return self._asked_for(unit, on).by_id

    def touched_by(self, key: str, unit: Unit, on: date) -> tuple[tuple[Criterion, ...], float]:
        """Those of them that a reading of an indicator may touch: that judge it, and all free conditions.

        With it the least `max_age` that any of them all has of its own, in seconds; infinite where none has.
        """
        asked = self._asked_for(unit, on)
        return asked.touched.get(key, asked.free), asked.believed

    def _asked_for(self, unit: Unit, on: date) -> _Asked:
        if not unit.holds_on(on):
            return _NO_CRITERIA
        # Once a day for all units of a sort; one that a rule or an exemption names is a sort of its own.
        sort = (on, unit.level, unit.kind, unit.province, unit.code if unit.code in self._named else None)
        found = self._asked.get(sort)
        if found is None:
            if len(self._asked) >= _REMEMBERED:
                self._asked.clear()
            found = self._asked[sort] = self._sorted_out(self._judging(unit, on))
        return found

    def _sorted_out(self, criteria: tuple[Criterion, ...]) -> _Asked:
        free = tuple(one for one in criteria if one.rollup is None and one.formulas)
        touched: dict[str, tuple[Criterion, ...]] = {}
        for one in criteria:
            if one.rollup is None and not one.formulas and (indicator := self.indicators.get(one.indicator or "")):
                touched[indicator.evidence] = (*touched.get(indicator.evidence, free), one)
        ages = (one.max_age for one in criteria if one.max_age is not None)
        return _Asked(criteria, {one.id: one for one in criteria}, touched, free, min(ages, default=inf))

    @cached_property
    def _named(self) -> frozenset[str]:
        named = {code for book in self.books for criterion in book.criteria for code in criterion.units}
        return frozenset(named | {one.unit for one in self.exemptions})

    def _judging(self, unit: Unit, on: date) -> tuple[Criterion, ...]:
        return tuple(
            exempted(criterion, self.exemptions, unit, on) if criterion.applies_to(unit) else criterion
            for book in self.books
            if book.valid_on(on)
            for criterion in book.criteria
            if criterion.applies_to(unit) or criterion.inherited_by(unit)
        )

    def cadence_of(self, criterion: Criterion) -> float:
        """Seconds between two values of a criterion as its source promises them; 0 when nothing is promised."""
        indicator = self.indicators.get(criterion.indicator or "")
        return 0.0 if indicator is None else indicator.cadence

    def criterion(self, criterion_id: str, on: date | None = None) -> Criterion | None:
        """One criterion by id: the version valid on a local day; failing that (or without a day) the newest one."""
        versions = [(book, c) for book in self.books for c in book.criteria if c.id == criterion_id]
        valid = [c for book, c in versions if on is not None and book.valid_on(on)]
        if valid or not versions:
            return valid[0] if valid else None
        begun = [pair for pair in versions if on is None or pair[0].valid_from is None or pair[0].valid_from <= on]
        return max(begun or versions, key=lambda pair: pair[0].valid_from or date.min)[1]

    def criteria(self, on: date, unit: Unit | None = None) -> dict[str, Criterion]:
        """All criteria by id, in book order, each as it is valid on a local day; with the dates of `unit` if given."""
        ids = dict.fromkeys(criterion.id for book in self.books for criterion in book.criteria)
        found = {key: rule for key in ids if (rule := self.criterion(key, on)) is not None}
        return found if unit is None else {**found, **{rule.id: rule for rule in self.criteria_of(unit, on)}}


def exempted(criterion: Criterion, exemptions: tuple[Exemption, ...], unit: Unit, on: date) -> Criterion:
    """The criterion with the date that counts for a unit on a local day, and the day on which that changes.

    The steps of a stepped pace belong to the old date: up to the new one the way is even. A period's pace goes on from
    the first day of the period in which the exemption was decided.
    """
    target = criterion.target
    own = [e for e in exemptions if e.criterion == criterion.id and e.unit == unit.code]
    if target is None or not own:
        return criterion
    days = [e.decided for e in own] + [e.until + timedelta(days=1) for e in own if e.until is not None]
    turns = min((day for day in days if day > on), default=None)
    counting = next((e for e in own if e.counts_on(on)), None)
    if counting is None:
        return replace(criterion, target=replace(target, turns=turns))
    dated = replace(target, before=counting.before, by=counting.by, every=None, pace=_stretched(target, counting))
    return replace(criterion, target=replace(dated, exemption=counting, general=target, turns=turns))


def _stretched(target: Target, exemption: Exemption) -> Pace | None:
    pace = target.pace
    if pace is None:
        return None
    start = pace.start or (first_day(target.every, exemption.decided) if target.every else exemption.decided)
    return replace(pace, start=start, curve=Curve.LINEAR, steps=())


def first_day(every: Period, day: date) -> date:
    """First day of the calendar period of `day`."""
    if every is Period.YEAR:
        return day.replace(month=1, day=1)
    month = day.month if every is Period.MONTH else (day.month + 2) // 3 * 3 - 2
    return day.replace(month=month, day=1)


@dataclass(frozen=True, slots=True)
class Deadline:
    """A target's due instant for one value."""

    at: datetime  # aware UTC, first instant at which it is too late
    last_good_day: date
