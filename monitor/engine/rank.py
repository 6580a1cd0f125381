"""Ranks among the units of one group: 1 is best, equal values share a rank, the next one counts them all (1, 2, 2, 4).

What is judged is ranked: a value that is stale, of too few cases or not understood has no rank, and neither has what a
unit takes over from a shared system. Silence improves no rank. A unit that falls silent loses its own and keeps its
place open for the others: they go on being ranked behind or before the last value that it had, until it speaks again.
Change since yesterday compares only units whose value is known on both days, among one another; who was silent on
either day moves nobody.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import inf

from monitor.engine.book import Condition, Criterion, Ruleset
from monitor.engine.series import SCORE
from monitor.model.colour import Colour
from monitor.model.series import NOTHING, Series
from monitor.model.state import UnitState
from monitor.model.unit import Unit
from monitor.model.verdict import CriterionState

_WEEK = 7.0  # days that a score, which is made daily, is looked for before yesterday
_DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Ranked:
    """What is ranked: an indicator (or the score) and which way is better."""

    id: str  # of the indicator; "score" for the unit's score
    criteria: tuple[str, ...] = ()  # that judge it, in book order; the first that judges a unit is asked
    series: str = SCORE  # key of its past
    higher_is_better: bool = True
    believed: float = _WEEK  # days that a value of the past is believed


@dataclass(frozen=True, slots=True)
class Place:
    """Where one unit stands in its group."""

    unit: str
    rank: int | None  # None: not known now
    of: int  # places in the group: all that are known, and those kept open
    value: float | None  # known value, in the indicator's unit; a score as a ratio 0 to 1
    change: int | None = None  # places won since yesterday; negative: lost; None: not known on both days


Figure = tuple[float | None, float | None]  # by which a unit is ranked: known now, last known for what is silent now
NO_FIGURE: Figure = (None, None)


@dataclass(frozen=True, slots=True)
class _Entry:
    unit: str
    now: float | None  # known now
    open: float | None  # last known, for what is silent now
    before: float | None  # known yesterday


def rankings(ruleset: Ruleset) -> tuple[Ranked, ...]:
    """The score, and every number that a rule judges and that has a better end; in the order of the books."""
    found: dict[str, list[Criterion]] = {}
    for criterion in (criterion for book in ruleset.books for criterion in book.criteria):
        if not criterion.formulas and higher_is_better(criterion) is not None:
            found.setdefault(criterion.indicator or criterion.id, []).append(criterion)
    return (Ranked("score"), *(_ranked(name, criteria, ruleset) for name, criteria in found.items()))


def _ranked(name: str, criteria: Sequence[Criterion], ruleset: Ruleset) -> Ranked:
    indicator, first = ruleset.indicators.get(name), criteria[0]
    series = first.id if first.rollup is not None else name
    believed = _WEEK if indicator is None else indicator.max_age / _DAY
    return Ranked(name, tuple(one.id for one in criteria), series, bool(higher_is_better(first)), believed)


def higher_is_better(criterion: Criterion) -> bool | None:
    """Which way the rule's green lies; None for words, yes and no, and a green between two bounds."""
    green = [band.conditions for band in criterion.bands if band.colour is Colour.GREEN]
    parts = (criterion.target.goal,) if criterion.target is not None else green[0] if green else ()
    if len(parts) != 1 or isinstance(parts[0].operand, (bool, str)):
        return None
    if parts[0].op != "==":
        return parts[0].op in (">", ">=")
    others = [condition for band in criterion.bands if band.colour is not Colour.GREEN for condition in band.conditions]
    above = {_lies_above(condition, parts[0].operand) for condition in others}
    return None if len(above) != 1 else above == {False}


def _lies_above(condition: Condition, bound: float) -> bool:
    if isinstance(condition.operand, (bool, str)) or condition.operand == bound:
        return condition.op in (">", ">=")
    return condition.operand > bound


def ranks(
    ranked: Ranked, units: Iterable[Unit], states: Mapping[str, UnitState], today: date | None
) -> tuple[Place, ...]:
    """The group's places, best first, then by code; those without a rank last. Without `today` changes are not told."""
    entries = [_entry(ranked, unit.code, states.get(unit.code), today) for unit in units]
    taken = sorted(value for one in entries if (value := one.now if one.now is not None else one.open) is not None)
    both = [one for one in entries if one.now is not None and one.before is not None]
    now = sorted(one.now for one in both if one.now is not None)
    before = sorted(one.before for one in both if one.before is not None)
    places = []
    for one in entries:
        if one.now is None:
            places.append(Place(one.unit, None, len(taken), None))
            continue
        change = None
        if one.before is not None:
            change = _rank(before, one.before, ranked) - _rank(now, one.now, ranked)
        places.append(Place(one.unit, _rank(taken, one.now, ranked), len(taken), one.now, change))
    return tuple(sorted(places, key=lambda place: (place.rank or inf, place.unit)))


@dataclass(frozen=True, slots=True)
class Ranking:
    """Ranks in two steps, for whoever keeps the figures and orders a group anew only where one of them changed."""

    asked: Mapping[str, Ranked]  # by id

    def figures(self, state: UnitState) -> Mapping[str, Figure]:
        """By what a unit is ranked: of each indicator, and "score". What it has no place by is left out."""
        found = ((name, _figure(ranked, state)) for name, ranked in self.asked.items())
        return {name: figure for name, figure in found if figure is not None and figure != NO_FIGURE}

    def ranks(self, name: str, figures: Sequence[Figure]) -> Sequence[int | None]:
        """The rank of each figure in its group; None for what is not known now."""
        ranked = self.asked[name]
        values = [now if now is not None else last for now, last in figures]
        taken = sorted((value for value in values if value is not None), reverse=ranked.higher_is_better)
        first: dict[float | None, int] = {}
        for place, value in enumerate(taken, start=1):
            first.setdefault(value, place)
        return [first.get(now) for now, _ in figures]


NO_RANKING = Ranking({})


def _rank(ordered: Sequence[float], value: float, ranked: Ranked) -> int:
    """1 and the number of those that are better."""
    better = len(ordered) - bisect_right(ordered, value) if ranked.higher_is_better else bisect_left(ordered, value)
    return better + 1


def _entry(ranked: Ranked, code: str, state: UnitState | None, today: date | None) -> _Entry:
    if state is None or (figure := _figure(ranked, state)) is None:
        return _Entry(code, None, None, None)
    past = state.series.get(ranked.series, NOTHING)
    before = None if today is None else value_on(past, today.toordinal() - 1, ranked.believed)
    return _Entry(code, *figure, before)


def _figure(ranked: Ranked, state: UnitState) -> Figure | None:
    """None where the unit is not ranked at all, by this or by anything."""
    if state.standing is None or state.standing.colour is Colour.EXCLUDED:
        return None
    if ranked.id == "score":
        return state.standing.score if state.standing.colour.known else None, _last(ranked, state)
    held = _judged(ranked, state)
    if held is None or held.verdict.colour is Colour.EXCLUDED:
        return None
    value = _number(held)
    return value if held.verdict.colour.known else None, value if value is not None else _last(ranked, state)


def _last(ranked: Ranked, state: UnitState) -> float | None:
    past = state.series.get(ranked.series, NOTHING)
    return past.values[-1] if past.values else None


def _judged(ranked: Ranked, state: UnitState) -> CriterionState | None:
    found = (state.criteria.get(key) for key in ranked.criteria)
    return next((held for held in found if held is not None and held.caused_by is None), None)


def _number(held: CriterionState) -> float | None:
    value = held.verdict.value
    return None if value is None or isinstance(value, (bool, str)) else float(value)


def value_on(series: Series, day: int, believed: float) -> float | None:
    """The value that was known at the end of a day (an ordinal): the last one, unless older than `believed` days."""
    place = bisect_right(series.days, day) - 1
    if place < 0 or day - series.days[place] > believed:
        return None
    return series.values[place]
