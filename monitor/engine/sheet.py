"""The whole country as columns: raw colours, standings, counts and roll-ups of all units at one instant, without words.

It says what the rules say of the evidence, before any hold: what would be so if nothing had to be confirmed. A unit's
colour follows from its criteria by the questions of `monitor.engine.standing`, in their order; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import getitem, itemgetter

from monitor.engine.book import Criterion, Indicator, RollUp, StandingRule
from monitor.engine.compact import (
    CODES,
    COLOURS,
    EXCLUDED,
    GREEN,
    MAINTENANCE,
    NEVER,
    RED,
    UNKNOWN,
    YELLOW,
    Column,
    Rule,
    Said,
    instant,
    micros,
)  # fmt: skip
from monitor.engine.rollup import judge_rollup
from monitor.model.colour import Colour
from monitor.model.hours import Calendar
from monitor.model.reading import Reading
from monitor.model.unit import DECIDE_ORDER, Level, Unit, Units
from monitor.model.verdict import Counts

_DIGITS = 9  # as in monitor.engine.standing
_KEPT = 100_000  # rows and counts remembered
_URGENCY = (RED, UNKNOWN, MAINTENANCE, YELLOW, GREEN, EXCLUDED)  # as in monitor.engine.inherit
_NOT_BY_COUNTS = frozenset({RollUp.WEIGHT, RollUp.WEIGHT_SHARE, RollUp.RATE})
Stood = tuple[int, float | None, float]  # number of the colour, score, coverage
_LEFT_OUT: Stood = (EXCLUDED, None, 0.0)
Criteria = Callable[[Unit], Sequence[Criterion]]


class Scheme:
    """Criteria of a unit as weights, and the standing of a row of colours under them. Rows are remembered."""

    def __init__(self, criteria: Sequence[Criterion], level: Level, rule: StandingRule) -> None:
        weights = [criterion.weight.get(level, 0.0) for criterion in criteria]
        places = [place for place, weight in enumerate(weights) if weight > 0 or criteria[place].critical]
        self._rule = rule
        self._counted = tuple(places) if len(places) < len(criteria) else None
        self._weights = tuple(weights[place] for place in places)
        critical = [number for number, place in enumerate(places) if criteria[place].critical]
        heavy = [n for n, place in enumerate(places) if n in critical or weights[place] >= rule.yellow_weight]
        self._criticals, self._heavies = _picker(critical), _picker(heavy)
        self._points = tuple(
            tuple(weight * colour.score if colour.known else 0.0 for colour in COLOURS) for weight in self._weights
        )
        self._total = sum(self._weights)
        self._known: dict[bytes, Stood] = {}

    def stand(self, row: bytes) -> Stood:
        """Standing of a row with one colour for each criterion."""
        found = self._known.get(row)
        if found is None:
            if len(self._known) >= _KEPT:
                self._known.clear()
            found = self._known[row] = self._stand(row)
        return found

    def _stand(self, row: bytes) -> Stood:
        if self._counted is not None:
            row = bytes([row[place] for place in self._counted])
        if not self._total or max(row) > RED:
            coverage, known = self._coverage(row)
        else:
            coverage, known = 1.0, self._total
        score = round(sum(map(getitem, self._points, row)) / known, _DIGITS) if known else None
        return self._colour(row, score, coverage), score, coverage

    def _coverage(self, row: bytes) -> tuple[float, float]:
        counted = [(weight, code) for weight, code in zip(self._weights, row, strict=True) if code != EXCLUDED]
        total = sum(weight for weight, _ in counted)
        known = sum(weight for weight, code in counted if code <= RED)
        if total == 0:
            return float(bool(counted) and all(code <= RED for _, code in counted)), 0.0
        return round(known / total, _DIGITS), known

    def _colour(self, row: bytes, score: float | None, coverage: float) -> int:
        if row.count(EXCLUDED) == len(row):
            return UNKNOWN
        critical = self._criticals(row)
        if RED in critical:
            return RED
        if UNKNOWN in critical or MAINTENANCE in critical or coverage < self._rule.min_coverage:
            return UNKNOWN
        ratio = 1.0 if score is None else score
        if ratio < self._rule.red_score:
            return RED
        if RED in row or ratio < self._rule.green_score:
            return YELLOW
        return YELLOW if YELLOW in row and YELLOW in self._heavies(row) else GREEN


def _picker(places: Sequence[int]) -> Callable[[bytes], Sequence[int]]:
    """Takes the colours at some places out of a row."""
    if not places:
        return lambda _row: ()
    return itemgetter(*places) if len(places) > 1 else itemgetter(slice(places[0], places[0] + 1))


@dataclass
class _Group:
    """Units of one level with the same criteria: a row for each unit, a column for each criterion."""

    units: list[Unit]
    criteria: tuple[Criterion, ...]
    rules: tuple[Rule | None, ...]  # None: a roll-up, or taken over
    columns: tuple[Column | None, ...]
    scheme: Scheme
    by_indicator: dict[str, list[int]]  # evidence -> columns
    rows: bytearray  # width colours for each unit
    looks: list[int]  # for each unit, when time alone could change something

    @property
    def width(self) -> int:
        return len(self.criteria)

    def row(self, place: int) -> bytes:
        return bytes(self.rows[place * self.width : (place + 1) * self.width])


@dataclass
class Sheet:
    """All units of a site in columns. Fill it from evidence, judge it, and put single readings in afterwards."""

    units: Units
    criteria_of: Criteria
    indicators: Mapping[str, Indicator]
    standing: StandingRule
    calendar: Calendar
    stood: dict[str, Stood] = field(default_factory=dict)  # unit -> its standing
    _groups: list[_Group] = field(default_factory=list)
    _place: dict[str, tuple[_Group, int]] = field(default_factory=dict)
    _tally: dict[str, list[int]] = field(default_factory=dict)  # parent -> children by colour
    _rolled: dict[tuple[str, tuple[int, ...]], Said] = field(default_factory=dict)
    _rolled_until: int = 0
    _outside: frozenset[str] = frozenset()  # units that are not there on the day of the last judgement

    def fill(self, evidence: Mapping[str, Mapping[str, Reading]]) -> None:
        """Lay all readings out; `evidence` is unit -> indicator -> reading that counts.

        Raises ValueError for what cannot be judged by newest readings and colours of children alone: roll-ups by
        weight or figures, and samples that may be widened.
        """
        groups: dict[tuple[int, ...], list[Unit]] = {}
        rules: dict[int, Rule] = {}
        for unit in self.units:
            criteria = tuple(self.criteria_of(unit))
            groups.setdefault((DECIDE_ORDER[unit.level], *map(id, criteria)), []).append(unit)
        self._groups = [
            self._group(units, rules, evidence) for _, units in sorted(groups.items(), key=lambda g: g[0][0])
        ]
        self._place = {unit.code: (group, place) for group in self._groups for place, unit in enumerate(group.units)}

    def _group(
        self, units: list[Unit], rules: dict[int, Rule], evidence: Mapping[str, Mapping[str, Reading]]
    ) -> _Group:
        criteria = tuple(self.criteria_of(units[0]))
        columns: dict[str, Column] = {}
        own: list[Rule | None] = []
        by_indicator: dict[str, list[int]] = {}
        for place, criterion in enumerate(criteria):
            if criterion.rollup in _NOT_BY_COUNTS:
                raise ValueError(f"{criterion.id}: a column knows colours of children, no weights and no figures")
            if criterion.indicator is None or criterion.rollup is not None or not criterion.applies_to(units[0]):
                own.append(None)
                continue
            indicator = self.indicators[criterion.indicator]
            if criterion.min_sample and indicator.window is not None:
                raise ValueError(f"{criterion.id}: a column knows newest readings, no sums of wider windows")
            source = indicator.evidence
            own.append(rules.setdefault(id(criterion), Rule(criterion, indicator, self.calendar)))
            by_indicator.setdefault(source, []).append(place)
            if source not in columns:
                columns[source] = Column(evidence.get(unit.code, {}).get(source) for unit in units)
        laid = tuple(None if one is None else columns[one.indicator.evidence] for one in own)
        return _Group(
            units, criteria, tuple(own), laid, Scheme(criteria, units[0].level, self.standing), by_indicator,
            bytearray([UNKNOWN]) * (len(units) * len(criteria)), [NEVER] * len(units),
        )  # fmt: skip

    def judge(self, now: datetime) -> None:
        """Judge everything from nothing: columns, standings, counts, roll-ups, from the systems up to the nation."""
        self._forget(now)
        self._tally = {unit.code: [0] * len(COLOURS) for unit in self.units if self.units.children(unit.code)}
        for group in self._groups:
            self._judge_columns(group, now)
            self._judge_rows(group, now)

    def _judge_columns(self, group: _Group, now: datetime) -> None:
        looks: list[Sequence[int]] = []
        ages: dict[int, list[Sequence[int]]] = {}  # where only the age counts, the oldest of one limit is the first
        for number, (rule, column) in enumerate(zip(group.rules, group.columns, strict=True)):
            if rule is not None and column is not None:
                judged = rule.judge(column, now)
                group.rows[number :: group.width] = judged.codes
                if judged.exact is None:
                    ages.setdefault(judged.limit, []).append(judged.claims)
                else:
                    looks.append(judged.exact)
        looks += [[claimed + limit for claimed in _least(claims)] for limit, claims in ages.items()]
        if looks:
            group.looks = list(_least(looks))

    def _judge_rows(self, group: _Group, now: datetime) -> None:
        rolled = [number for number, rule in enumerate(group.rules) if rule is None]
        rows, width, stand, stood, tally = bytes(group.rows), group.width, group.scheme.stand, self.stood, self._tally
        outside = self._outside
        for place, unit in enumerate(group.units):
            if rolled:
                self._roll(group, place, rolled, now)
                found = stand(group.row(place))
            else:
                found = stand(rows[place * width : (place + 1) * width])
            if unit.code in outside:
                found = _LEFT_OUT
            stood[unit.code] = found
            if unit.parent is not None:
                tally[unit.parent][found[0]] += 1

    def put(self, reading: Reading, now: datetime) -> list[str]:
        """One new reading; the units whose colour it changed, up to the nation. Raises NotFound for a strange unit."""
        at = micros(now)
        if at >= self._rolled_until:
            self._forget(now)
        unit = self.units[reading.unit]
        group, place = self._place[unit.code]
        columns = group.by_indicator.get(reading.indicator, ())
        if columns:
            first = group.columns[columns[0]]
            assert first is not None
            first.put(place, reading)
        for number in columns:
            rule, column = group.rules[number], group.columns[number]
            assert rule is not None and column is not None
            group.rows[place * group.width + number], look = rule.one(column, place, now, at)
            group.looks[place] = min(group.looks[place], look)
        return self._restand(unit, now)

    def colours(self, code: str) -> Mapping[str, Colour]:
        """Raw colour of each criterion of a unit."""
        group, place = self._place[code]
        return {c.id: COLOURS[number] for c, number in zip(group.criteria, group.row(place), strict=True)}

    def colour(self, code: str) -> Colour:
        """Colour of a unit."""
        return COLOURS[self.stood[code][0]]

    def look(self, code: str) -> datetime | None:
        """When time alone could change a criterion that the unit judges by readings; never later than that."""
        group, place = self._place[code]
        return instant(group.looks[place])

    def evidence(self, code: str) -> Mapping[str, Reading]:
        """The readings of a unit that its own criteria look at."""
        group, place = self._place[code]
        found = (column.readings[place] for column in group.columns if column is not None)
        return {reading.indicator: reading for reading in found if reading is not None}

    def counts(self, code: str) -> Counts:
        """Children of a unit by colour."""
        return _counts(self._tally[code])

    def _restand(self, unit: Unit, now: datetime) -> list[str]:
        """Stand the unit and all that it reaches, bottom-up, so that each of them stands once."""
        changed: list[str] = []
        waiting: list[dict[str, Unit]] = [{} for _ in DECIDE_ORDER]
        waiting[DECIDE_ORDER[unit.level]][unit.code] = unit
        for rank in waiting:
            while rank:
                one = rank.pop(next(iter(rank)))
                before = self.stood[one.code][0]
                after = self._stand(one, now, rolled=one is not unit)
                reached = self.units.dependants(one.code) if one.level is Level.SYSTEM else ()
                if after != before:
                    changed.append(one.code)
                    reached = (*reached, *self._tallied(one, before, after))
                for code in reached:
                    waiting[DECIDE_ORDER[self.units[code].level]][code] = self.units[code]
        return changed

    def _stand(self, unit: Unit, now: datetime, *, rolled: bool) -> int:
        group, place = self._place[unit.code]
        if rolled:
            self._roll(group, place, [number for number, rule in enumerate(group.rules) if rule is None], now)
        self.stood[unit.code] = _LEFT_OUT if unit.code in self._outside else group.scheme.stand(group.row(place))
        return self.stood[unit.code][0]

    def _tallied(self, unit: Unit, before: int, after: int) -> tuple[str, ...]:
        if unit.parent is None:
            return ()
        self._tally[unit.parent][before] -= 1
        self._tally[unit.parent][after] += 1
        return (unit.parent,)

    def _roll(self, group: _Group, place: int, numbers: Sequence[int], now: datetime) -> None:
        unit, start = group.units[place], place * group.width
        for number in numbers:
            criterion = group.criteria[number]
            taken = criterion.rollup is None or not criterion.applies_to(unit)
            said = self._taken(criterion, unit) if taken else self._share(criterion, unit, now)
            group.rows[start + number] = said.code
            group.looks[place] = min(group.looks[place], said.look)

    def _share(self, criterion: Criterion, unit: Unit, now: datetime) -> Said:
        tally = tuple(self._tally.get(unit.code, ()))
        found = self._rolled.get((criterion.id, tally))
        if found is None:
            verdict = judge_rollup(criterion, _counts(tally), now, self.calendar, self.standing.min_coverage)
            found = Said(CODES[verdict.colour], micros(verdict.recheck_at))
            self._rolled_until = min(self._rolled_until, found.look)
            if len(self._rolled) >= _KEPT:
                self._rolled.clear()
            self._rolled[criterion.id, tally] = found
        return found

    def _taken(self, criterion: Criterion, unit: Unit) -> Said:
        carried = []
        for code in unit.depends_on:
            group, place = self._place[code]
            for number, theirs in enumerate(group.criteria):
                if theirs.id == criterion.id:
                    carried.append(group.rows[place * group.width + number])
        # A criterion that no system carries is no criterion of the unit: it counts as excluded.
        return Said(min(carried, key=_URGENCY.index, default=EXCLUDED))

    def _forget(self, now: datetime) -> None:
        """Roll-ups with a date are asked anew on each local day and when the first of them is due."""
        today = self.calendar.local(now).date()
        tomorrow = self.calendar.start_of_day(today + timedelta(days=1))
        self._outside = frozenset(unit.code for unit in self.units if not unit.holds_on(today))
        self._rolled, self._rolled_until = {}, micros(tomorrow)


def _counts(tally: Sequence[int]) -> Counts:
    return Counts(*tally)


def _least(columns: Sequence[Sequence[int]]) -> Iterable[int]:
    return map(min, *columns) if len(columns) > 1 else columns[0]
