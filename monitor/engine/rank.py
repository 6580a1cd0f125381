"""Ranks among the units of one group: 1 is best, equal values share a rank, the next one counts them all (1, 2, 2, 4).

What is judged is ranked: a value that is stale, of too few cases or not understood has no rank, and neither has what a
unit takes over from a shared system. Silence improves no rank. A unit that falls silent loses its own and keeps its
place open for the others: they go on being ranked behind or before the last value that it had, until it speaks again.
Change since yesterday compares only units whose value is known on both days, among one another; who was silent on
either day moves nobody.

The points of an index are many rates in one figure. A unit is ranked by what it earns by those that are known, once
their share reaches the book's limit; its place stays open at the points that it had with the last value of each rate
that fell silent. Its change is told only where the same rates were known on both days: otherwise points would be won
by speaking, and not by serving.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import inf

from monitor.engine.book import Book, Condition, Criterion, Points, Ruleset
from monitor.engine.index import IndexPoints, points_of, tally
from monitor.engine.series import SCORE
from monitor.model.colour import Colour
from monitor.model.series import NOTHING, Series
from monitor.model.state import UnitState
from monitor.model.unit import Unit
from monitor.model.verdict import CriterionState

_WEEK = 7.0  # days that a score, which is made daily, is looked for before yesterday
_DAY = 86400.0
_DIGITS = 9  # points as people add them, not as the machine does


@dataclass(frozen=True, slots=True)
class Rate:
    """One rate that earns points in an index, and where its past is."""

    worth: Points
    series: str
    believed: float  # days


@dataclass(frozen=True, slots=True)
class Scored:
    """The index of a book, or one of its groups, as something to rank by."""

    book: Book
    rates: Mapping[str, Rate]  # by criterion
    group: str | None = None  # None: all of them together

    def of(self, points: IndexPoints) -> tuple[float, float, float]:
        """Points, those of them that could be known, and the maximum."""
        if self.group is None:
            return points.points, points.known, points.maximum
        [part] = [group for group in points.groups if group.id == self.group]
        return part.points, part.known, part.maximum


@dataclass(frozen=True, slots=True)
class Ranked:
    """What is ranked: an indicator, the score, an index or a group of it; and which way is better."""

    id: str  # of the indicator; "score" for the unit's score; "d766" for an index, "d766:MDSH" for a group of it
    criteria: tuple[str, ...] = ()  # that judge it, in book order; the first that judges a unit is asked
    series: str = SCORE  # key of its past
    higher_is_better: bool = True
    believed: float = _WEEK  # days that a value of the past is believed
    scored: Scored | None = None  # by its points; nothing of the above but the id is used then


@dataclass(frozen=True, slots=True)
class Place:
    """Where one unit stands in its group."""

    unit: str
    rank: int | None  # None: not known now
    of: int  # places in the group: all that are known, and those kept open
    value: float | None  # known value, in the indicator's unit; a score as a ratio 0 to 1; points of an index
    change: int | None = None  # places won since yesterday; negative: lost; None: not known on both days


Figure = tuple[float | None, float | None]  # by which a unit is ranked: known now, and what keeps its place open
NO_FIGURE: Figure = (None, None)


@dataclass(frozen=True, slots=True)
class _Entry:
    unit: str
    figure: Figure
    before: float | None  # known yesterday


def rankings(ruleset: Ruleset, on: date | None = None) -> tuple[Ranked, ...]:
    """The score, and every number that a rule judges and that has a better end; in the order of the books.

    Then the index of each book and its groups; with a local day, of those that are valid on it.
    """
    found: dict[str, list[Criterion]] = {}
    for criterion in (criterion for book in ruleset.books for criterion in book.criteria):
        if not criterion.formulas and higher_is_better(criterion) is not None:
            found.setdefault(criterion.indicator or criterion.id, []).append(criterion)
    plain = (_ranked(name, criteria, ruleset) for name, criteria in found.items())
    scored = (one for book in ruleset.books if on is None or book.valid_on(on) for one in index_rankings(book, ruleset))
    return (Ranked("score"), *plain, *scored)


def index_rankings(book: Book, ruleset: Ruleset) -> Iterator[Ranked]:
    """By a book's index, and by each of its groups; nothing where it has none."""
    if book.index is None:
        return
    rates = {rule.id: _rate(rule, rule.points, ruleset) for rule in book.criteria if rule.points is not None}
    yield Ranked(book.id, scored=Scored(book, rates))
    for group in book.index.groups:
        yield Ranked(f"{book.id}:{group.id}", scored=Scored(book, rates, group.id))


def _rate(rule: Criterion, worth: Points, ruleset: Ruleset) -> Rate:
    indicator = ruleset.indicators.get(rule.indicator or "")
    series = rule.id if rule.rollup is not None or rule.indicator is None else rule.indicator
    return Rate(worth, series, _WEEK if indicator is None else indicator.max_age / _DAY)


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


Earned = Mapping[str, IndexPoints]  # by unit


def earned_by(book: Book, units: Iterable[Unit], states: Mapping[str, UnitState]) -> Earned:
    """What each unit earns in a book's index; a unit that it does not judge is left out."""
    found = ((unit.code, tally(book, states[unit.code].criteria)) for unit in units if unit.code in states)
    return {code: points for code, points in found if points is not None}


def ranks(
    ranked: Ranked,
    units: Sequence[Unit],
    states: Mapping[str, UnitState],
    today: date | None,
    earned: Earned | None = None,
) -> tuple[Place, ...]:
    """The group's places, best first, then by code; those without a rank last. Without `today` changes are not told.

    `earned` spares whoever ranks one group by many parts of an index that its points are added up for each.
    """
    if earned is None:
        earned = earned_by(ranked.scored.book, units, states) if ranked.scored is not None else {}
    entries = [_entry(ranked, unit.code, states.get(unit.code), earned.get(unit.code), today) for unit in units]
    taken = _taken(one.figure for one in entries)
    both = [(one.figure[0], one.before) for one in entries if one.figure[0] is not None and one.before is not None]
    now, before = sorted(value for value, _ in both), sorted(value for _, value in both)
    places = []
    for one in entries:
        value, change = one.figure[0], None
        if value is not None and one.before is not None:
            change = _rank(before, one.before, ranked) - _rank(now, value, ranked)
        places.append(Place(one.unit, _placed(taken, one.figure, ranked), len(taken), value, change))
    return tuple(sorted(places, key=lambda place: (place.rank or inf, place.unit)))


@dataclass(frozen=True, slots=True)
class Ranking:
    """Ranks in two steps, for whoever keeps the figures and orders a group anew only where one of them changed."""

    asked: Mapping[str, Ranked]  # by id
    valid: Callable[[Book], bool] = lambda _book: True  # whether the index of a book counts now

    def figures(self, state: UnitState) -> Mapping[str, Figure]:
        """By what a unit is ranked: of each indicator, "score" and indexes. What it has no place by is left out."""
        points = {index.book: index for index in self.indexes(state)}
        found = (
            (name, _figure(ranked, state, points.get(ranked.scored.book.id) if ranked.scored else None))
            for name, ranked in self.asked.items()
        )
        return {name: figure for name, figure in found if figure is not None and figure != NO_FIGURE}

    def indexes(self, state: UnitState) -> tuple[IndexPoints, ...]:
        """What a unit earns in each index that counts now."""
        books = {ranked.scored.book.id: ranked.scored.book for ranked in self.asked.values() if ranked.scored}
        found = (tally(book, state.criteria) for book in books.values() if self.valid(book))
        return tuple(index for index in found if index is not None)

    def ranks(self, name: str, figures: Sequence[Figure]) -> Sequence[int | None]:
        """The rank of each figure in its group; None for what is not known now."""
        ranked, taken = self.asked[name], _taken(figures)
        first: dict[float, int] = {}  # of those who stand where their place is, which is nearly all
        for place, value in enumerate(reversed(taken) if ranked.higher_is_better else taken, start=1):
            first.setdefault(value, place)
        return [
            first[now] if now is not None and now == kept else _placed(taken, (now, kept), ranked)
            for now, kept in figures
        ]


NO_RANKING = Ranking({})


def _taken(figures: Iterable[Figure]) -> list[float]:
    """The places of a group that are taken or kept open, from the least value on."""
    return sorted(kept for _, kept in figures if kept is not None)


def _placed(taken: Sequence[float], figure: Figure, ranked: Ranked) -> int | None:
    """1 and the number of the others whose places are better: nobody stands behind the place that waits for himself."""
    now, kept = figure
    if now is None or kept is None:
        return None
    itself = kept > now if ranked.higher_is_better else kept < now
    return _rank(taken, now, ranked) - itself


def _rank(ordered: Sequence[float], value: float, ranked: Ranked) -> int:
    """1 and the number of those that are better."""
    better = len(ordered) - bisect_right(ordered, value) if ranked.higher_is_better else bisect_left(ordered, value)
    return better + 1


def _entry(
    ranked: Ranked, code: str, state: UnitState | None, points: IndexPoints | None, today: date | None
) -> _Entry:
    figure = None if state is None else _figure(ranked, state, points)
    if state is None or figure is None:
        return _Entry(code, NO_FIGURE, None)
    if today is None:
        return _Entry(code, figure, None)
    yesterday = today.toordinal() - 1
    if ranked.scored is not None and points is not None:
        return _Entry(code, figure, _points_on(ranked.scored, points, state.series, yesterday))
    return _Entry(code, figure, value_on(state.series.get(ranked.series, NOTHING), yesterday, ranked.believed))


def _figure(ranked: Ranked, state: UnitState, points: IndexPoints | None) -> Figure | None:
    """None where the unit is not ranked at all, by this or by anything."""
    if state.standing is None or state.standing.colour is Colour.EXCLUDED:
        return None
    if ranked.scored is not None:
        return None if points is None else _by_points(ranked.scored, points, state.series)
    if ranked.id == "score":
        score = state.standing.score
        return _kept(score if state.standing.colour.known else None, _last(ranked.series, state.series))
    held = _judged(ranked, state)
    if held is None or held.verdict.colour is Colour.EXCLUDED:
        return None
    value = _number(held)
    known = value if held.verdict.colour.known else None
    return _kept(known, value if value is not None else _last(ranked.series, state.series))


def _kept(now: float | None, last: float | None) -> Figure:
    return now, last if now is None else now


def _by_points(scored: Scored, index: IndexPoints, past: Mapping[str, Series]) -> Figure | None:
    """Points by what is known, and with the last value of what is silent."""
    points, known, maximum = scored.of(index)
    silent = [item.criterion for item in index.items if item.points is None and scored.group in (None, item.group)]
    rates = [scored.rates[key] for key in silent]
    last = [points_of(value, rate.worth) for rate in rates if (value := _last(rate.series, past)) is not None]
    if not known and not last:
        return None
    enough = round(known / maximum, _DIGITS) >= scored.book.standing.min_coverage
    return points if enough else None, round(points + sum(last), _DIGITS)


def _points_on(scored: Scored, index: IndexPoints, past: Mapping[str, Series], day: int) -> float | None:
    """Points of a day (an ordinal) by the rules of today; None unless just what is known now was known then."""
    points = 0.0
    for item in (item for item in index.items if scored.group in (None, item.group)):
        rate = scored.rates[item.criterion]
        value = value_on(past.get(rate.series, NOTHING), day, rate.believed)
        if (value is None) is not (item.points is None):
            return None
        points += 0.0 if value is None else points_of(value, rate.worth)
    return round(points, _DIGITS)


def _last(name: str, past: Mapping[str, Series]) -> float | None:
    return past[name].values[-1] if name in past and past[name].values else None


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
