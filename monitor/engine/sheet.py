"""The whole country as columns: raw colours, standings, counts and roll-ups of all units at one instant, without words.

It says what the rules say of the evidence, before any hold: what would be so if nothing had to be confirmed and nothing
were remembered of what fell silent. Readings are judged by the column (`compact`), units stand by the column
(`scheme`), groups by the number of their children, which is kept up by the difference; free conditions, sums over
children and what a table cannot say are asked of the functions that judge them everywhere.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heappop, heappush
from math import isnan, nan

import numpy as np

from monitor.engine.book import Criterion, Indicator, RollUp, StandingRule
from monitor.engine.compact import (
    COLOURS,
    EXCLUDED,
    GREEN,
    MAINTENANCE,
    NEVER,
    RED,
    UNKNOWN,
    YELLOW,
    Column,
    GroupRule,
    Judged,
    Rule,
    Said,
    instant,
    micros,
    said_of,
)  # fmt: skip
from monitor.engine.formula import judge_formulas
from monitor.engine.hold import hold
from monitor.engine.rollup import Members, judge_rollup
from monitor.engine.scheme import Scheme, Stood, counts
from monitor.engine.series import remember
from monitor.model.colour import Colour
from monitor.model.errors import NotFound
from monitor.model.hours import Calendar
from monitor.model.reading import Reading
from monitor.model.series import NOTHING
from monitor.model.state import UnitState
from monitor.model.unit import DECIDE_ORDER, Level, Unit, Units
from monitor.model.verdict import Counts, CriterionState, Standing, Verdict

_URGENCY = (RED, UNKNOWN, MAINTENANCE, YELLOW, GREEN, EXCLUDED)  # as in monitor.engine.inherit
_BY_MEMBERS = frozenset({RollUp.WEIGHT, RollUp.WEIGHT_SHARE, RollUp.RATE})  # not by the number of colours alone
_LEFT_OUT: Stood = (EXCLUDED, None, 0.0)
_SIX = len(COLOURS)
Criteria = Callable[[Unit], Sequence[Criterion]]
States = Mapping[str, UnitState]


@dataclass
class _Group:
    """Units of one level with the same criteria: a row for each unit, a place in it for each criterion.

    What is said of the units is there once they have been judged.
    """

    units: list[Unit]
    criteria: tuple[Criterion, ...]
    first: int  # row of its first unit among all units
    rules: tuple[Rule | GroupRule | None, ...]  # None: taken over, free conditions, or a sum over children
    readers: Mapping[str, Sequence[tuple[int, Rule | None]]]  # evidence -> criteria that read it
    counting: Sequence[tuple[int, GroupRule]]  # criteria that follow from the number of the children by colour
    others: Sequence[int]  # criteria that follow from other units in another way
    shared: bool  # whether other units take criteria over from these
    scheme: Scheme
    parents: array[int]  # place of each unit's parent in the tally
    places: array[int]  # its own place there
    rows: bytearray = field(init=False)  # as many colours for each unit as there are criteria
    looks: array[int] = field(init=False)  # for each unit, when time alone could change something
    codes: bytearray = field(init=False)  # colour of each unit
    scores: array[float] = field(init=False)  # not a number where there is none
    coverages: array[float] = field(init=False)
    gained: array[float] = field(init=False)  # as Scheme.gains

    def __post_init__(self) -> None:
        self.width = len(self.criteria)

    def row(self, place: int) -> bytearray:
        at = place * self.width
        return self.rows[at : at + self.width]

    def say(self, place: int, number: int, code: int, look: int) -> bool:
        """Take one answer down; whether the colour is another one."""
        if look < self.looks[place]:  # noqa: PLR1730 - asked for every reading: `min` is a call more
            self.looks[place] = look
        at = place * self.width + number
        before = self.rows[at]
        if before == code:
            return False
        self.rows[at] = code
        gains = self.scheme.gains[number]
        self.gained[place] += gains[code] - gains[before]
        return True

    def stood(self, place: int) -> Stood:
        score = self.scores[place]
        return self.codes[place], None if isnan(score) else score, self.coverages[place]

    def leave_out(self, place: int) -> None:
        self.codes[place], self.scores[place], self.coverages[place] = EXCLUDED, nan, 0.0


@dataclass
class Sheet:
    """All units of a site in columns. Fill it from what is known, judge it, and put single readings in afterwards."""

    units: Units
    criteria_of: Criteria
    indicators: Mapping[str, Indicator]
    standing: StandingRule
    calendar: Calendar
    _groups: list[_Group] = field(default_factory=list)
    _columns: dict[str, Column] = field(default_factory=dict)  # evidence -> all units, group by group
    _spans: dict[Rule, slice] = field(default_factory=dict)  # the units among which a rule judges some
    _place: dict[str, tuple[_Group, int]] = field(default_factory=dict)
    _units: list[tuple[_Group, int]] = field(default_factory=list)  # by row, bottom-up
    _parents: dict[str, int] = field(default_factory=dict)  # code -> its place in the tally
    _heads: list[int] = field(default_factory=list)  # row of each parent; -1 of nobody
    _tallies: list[list[int]] = field(default_factory=list)  # of each parent: children by colour
    _until: int = 0  # when the day is over
    _now: datetime | None = None  # of the last reading; in microseconds:
    _at: int = 0
    _sums: dict[tuple[str, str], CriterionState] = field(default_factory=dict)  # unit, rate -> what it was made of
    _summed: frozenset[str] = frozenset()  # evidence that rates of groups are made of
    _bounded: tuple[Unit, ...] = ()  # units that are not there on every day
    _outside: frozenset[str] = frozenset()  # those that are not there on the day of the last judgement

    def fill(self, states: States) -> None:
        """Lay out all readings that count; `states` is what is known of each unit: its evidence and its past."""
        groups: dict[tuple[int, ...], tuple[tuple[Criterion, ...], list[Unit]]] = {}
        rules: dict[int, Rule | GroupRule] = {}
        for unit in self.units:
            criteria = tuple(self.criteria_of(unit))
            own = (2 * id(criterion) + criterion.applies_to(unit) for criterion in criteria)
            groups.setdefault((DECIDE_ORDER[unit.level], *own), (criteria, []))[1].append(unit)
        rates = (c for criteria, _ in groups.values() for c in criteria if c.rollup is RollUp.RATE and c.indicator)
        self._summed = frozenset(self.indicators[rate.indicator].evidence for rate in rates if rate.indicator)
        parents = dict.fromkeys(unit.parent for unit in self.units if unit.parent is not None)
        self._parents = {code: place for place, code in enumerate(parents)}
        self._groups, self._spans, first = [], {}, 0
        for _, (criteria, units) in sorted(groups.items(), key=lambda group: group[0][0]):
            self._groups.append(self._group(criteria, units, first, rules))
            first += len(units)
        self._units = [(group, place) for group in self._groups for place in range(len(group.units))]
        self._place = {group.units[place].code: (group, place) for group, place in self._units}
        self._heads = [*map(self._row, self._parents), -1]
        self._columns = self._laid_out([states.get(code) or UnitState(code) for code in self._place])
        self._bounded = tuple(unit for unit in self.units if unit.valid_from is not None or unit.valid_to is not None)

    def _group(
        self, criteria: tuple[Criterion, ...], units: list[Unit], first: int, rules: dict[int, Rule | GroupRule]
    ) -> _Group:
        # Those that count come first: a row of them is then a slice of the row of all.
        criteria = tuple(sorted(criteria, key=lambda criterion: not counts(criterion, units[0].level)))
        own = [self._rule(criterion, units[0], rules) for criterion in criteria]
        readers: dict[str, list[tuple[int, Rule | None]]] = {}
        size = len(units)
        for number, (criterion, rule) in enumerate(zip(criteria, own, strict=True)):
            judge = rule if isinstance(rule, Rule) else None
            for key in self._read(criterion, units[0], judge):
                readers.setdefault(key, []).append((number, judge))
            if judge is not None:
                self._spans[judge] = slice(self._spans.get(judge, slice(first, 0)).start, first + size)
        read = {number for numbers in readers.values() for number, _ in numbers}
        counting = [(number, rule) for number, rule in enumerate(own) if isinstance(rule, GroupRule)]
        others = [n for n, rule in enumerate(own) if n not in read and not isinstance(rule, GroupRule)]
        nobody = len(self._parents)  # parent of those without one; after it the place of those without children
        above = (nobody if unit.parent is None else self._parents[unit.parent] for unit in units)
        return _Group(
            units, criteria, first, tuple(own), readers, counting, others, units[0].level is Level.SYSTEM,
            Scheme(criteria, units[0].level, self.standing),
            array("q", above), array("q", (self._parents.get(unit.code, nobody + 1) for unit in units)),
        )  # fmt: skip

    def _rule(self, criterion: Criterion, unit: Unit, rules: dict[int, Rule | GroupRule]) -> Rule | GroupRule | None:
        """What judges a criterion by columns or counts; None: free conditions, sums over children, or taken over."""
        if not criterion.applies_to(unit) or criterion.rollup in _BY_MEMBERS:
            return None
        if criterion.rollup is not None:
            group = GroupRule(criterion, self.calendar, self.standing.min_coverage)
            return rules.setdefault(id(criterion), group)
        if criterion.formulas or criterion.indicator is None:
            return None
        return rules.setdefault(id(criterion), Rule(criterion, self.indicators[criterion.indicator], self.calendar))

    def _read(self, criterion: Criterion, unit: Unit, rule: Rule | None) -> Iterable[str]:
        """The evidence that a criterion of the unit reads."""
        if rule is not None:
            return (rule.indicator.evidence,)
        if not criterion.applies_to(unit):
            return ()
        return dict.fromkeys(self.indicators[name].evidence for name in criterion.inputs)

    def _laid_out(self, states: Sequence[UnitState]) -> dict[str, Column]:
        rules = self._spans
        wide = {r.indicator.evidence for r in rules if r.criterion.min_sample and r.indicator.window is not None}
        keys = {*self._summed, *(key for group in self._groups for key in group.readers)}
        return {
            key: Column(
                [state.evidence.get(key) for state in states],
                [state.series.get(key, NOTHING) for state in states] if key in wide else (),
            )
            for key in keys
        }

    def judge(self, now: datetime) -> None:
        """Judge everything from nothing: columns, standings, counts, roll-ups, from the systems up to the nation."""
        self._forget(now)
        tallies = np.zeros((len(self._parents) + 2, _SIX), np.int64)
        judged = {rule: rule.judge(self._columns[rule.indicator.evidence], now, at) for rule, at in self._spans.items()}
        for group in self._groups:
            self._tallies = tallies.tolist()
            self._judge_group(group, judged, now)
            parents, codes = np.frombuffer(group.parents, np.int64), np.frombuffer(group.codes, np.uint8)
            tallies += np.bincount(_SIX * parents + codes, minlength=tallies.size).reshape(tallies.shape)
        self._tallies = tallies.tolist()

    def _judge_group(self, group: _Group, judged: Mapping[Rule, Judged], now: datetime) -> None:
        size, at = len(group.units), micros(now)
        table, looks = np.full((len(group.criteria), size), UNKNOWN, np.uint8), np.full(size, NEVER)
        for number, rule in enumerate(group.rules):
            if isinstance(rule, Rule):
                own = slice(group.first - self._spans[rule].start, group.first - self._spans[rule].start + size)
                table[number] = judged[rule].codes[own]
                np.minimum(looks, judged[rule].looks[own], out=looks)
            else:
                said = (
                    [rule.one(self._tallies[parent], now, at) for parent in group.places]
                    if isinstance(rule, GroupRule)
                    else [self._single(group, number, place, now) for place in range(size)]
                )
                table[number] = [one.code for one in said]
                np.minimum(looks, [one.look for one in said], out=looks)
        codes, scores, coverages, gained = group.scheme.stand_all(table)
        group.rows, group.looks = bytearray(table.T.tobytes()), array("q", looks.tobytes())
        group.codes, group.scores = bytearray(codes.tobytes()), array("d", scores.tobytes())
        group.coverages, group.gained = array("d", coverages.tobytes()), array("d", gained.tobytes())
        for code in self._outside:
            where, place = self._place[code]
            if where is group:
                group.leave_out(place)

    def put(self, reading: Reading, now: datetime) -> list[str]:
        """One new reading; the units whose colour it changed, up to the nation. Raises NotFound for a strange unit."""
        if now is not self._now:  # those of one answer come at one instant
            self._now, self._at = now, micros(now)
        at = self._at
        if at >= self._until:
            self._forget(now)
        try:
            group, place = self._place[reading.unit]
        except KeyError:
            raise NotFound(f"no unit has the code {reading.unit!r}") from None
        column, row = self._columns.get(reading.indicator), group.first + place
        if column is None:
            return []
        column.put(row, reading)
        if column.past:
            past = {reading.indicator: column.past[row]}
            column.past[row] = remember(past, (reading,), self.indicators, self.calendar)[reading.indicator]
        changed = False
        for number, rule in group.readers.get(reading.indicator, ()):
            if rule is None:
                code, look = self._single(group, number, place, now)
            else:
                code, look = rule.one(column, row, now, at)
            changed |= group.say(place, number, code, look)
        return self._rise(group, place, now, at) if changed or self._summed else []

    def colours(self, code: str) -> Mapping[str, Colour]:
        """Raw colour of each criterion of a unit."""
        group, place = self._place[code]
        return {c.id: COLOURS[number] for c, number in zip(group.criteria, group.row(place), strict=True)}

    def colour(self, code: str) -> Colour:
        """Colour of a unit."""
        group, place = self._place[code]
        return COLOURS[group.codes[place]]

    def stood(self, code: str) -> Stood:
        """How a unit stands."""
        group, place = self._place[code]
        return group.stood(place)

    def look(self, code: str) -> datetime | None:
        """When time alone could change a criterion that the unit judges by readings; never later than that."""
        group, place = self._place[code]
        return instant(group.looks[place])

    def evidence(self, code: str) -> Mapping[str, Reading]:
        """The readings of a unit that its own criteria look at."""
        return self._readings(code, self._place[code][0].readers)

    def _readings(self, code: str, keys: Iterable[str]) -> Mapping[str, Reading]:
        group, place = self._place[code]
        found = ((key, self._columns[key].readings[group.first + place]) for key in keys)
        return {key: reading for key, reading in found if reading is not None}

    def counts(self, code: str) -> Counts:
        """Children of a unit by colour."""
        group, place = self._place[code]
        return Counts(*self._tallies[group.places[place]])

    def _row(self, code: str) -> int:
        group, place = self._place[code]
        return group.first + place

    def _rise(self, group: _Group, place: int, now: datetime, at: int) -> list[str]:
        """Stand a unit and all that it reaches, bottom-up as rows are numbered, so that each of them stands once."""
        told: list[str] = []
        waiting = self._stand(group, place, told)
        while waiting:
            row = heappop(waiting)
            if waiting and waiting[0] == row:
                continue
            group, place = self._units[row]
            changed = False
            if group.counting:
                tally = self._tallies[group.places[place]]
                for number, rule in group.counting:
                    code, look = rule.one(tally, now, at)
                    changed |= group.say(place, number, code, look)
            for number in group.others:
                code, look = self._single(group, number, place, now)
                changed |= group.say(place, number, code, look)
            if changed or self._summed:
                for row in self._stand(group, place, told):
                    heappush(waiting, row)
        return told

    def _stand(self, group: _Group, place: int, told: list[str]) -> list[int]:
        """Stand a unit by its colours; the rows of the units that may look different now, in order."""
        codes = group.codes
        before = codes[place]
        if self._outside and group.units[place].code in self._outside:
            after, score, coverage = _LEFT_OUT
        else:
            after, score, coverage = group.scheme.stand(group.row(place), group.gained[place])
        group.scores[place], group.coverages[place] = nan if score is None else score, coverage
        below = group.parents[place]
        if after != before:
            codes[place] = after
            told.append(group.units[place].code)
            tally = self._tallies[below]
            tally[before] -= 1
            tally[after] += 1
        elif not self._summed and not group.shared:
            return []
        head = self._heads[below]
        reached = [head] if head >= 0 and (after != before or self._summed) else []
        if group.shared:
            reached += map(self._row, self.units.dependants(group.units[place].code))
            reached.sort()
        return reached

    def _single(self, group: _Group, number: int, place: int, now: datetime) -> Said:
        """One criterion of one unit that nobody looks up: sums, free conditions, or taken over from a system."""
        criterion, unit = group.criteria[number], group.units[place]
        if not criterion.applies_to(unit):
            return self._taken(criterion, unit)
        if criterion.rollup is not None:
            return said_of(lambda: self._summed_up(criterion, unit, now))
        evidence = self._readings(unit.code, group.readers)
        return said_of(lambda: judge_formulas(criterion, self.indicators, evidence, now))

    def _summed_up(self, criterion: Criterion, unit: Unit, now: datetime) -> Verdict:
        """A roll-up that needs the children themselves, as `decide` shows them to it."""
        children = tuple(self._as_state(code, criterion, now) for code in self.units.children(unit.code))
        members = Members(children, self.units, self.indicators.get(criterion.indicator or ""))
        least = self.standing.min_coverage
        verdict = judge_rollup(criterion, self.counts(unit.code), now, self.calendar, least, members)
        if criterion.rollup is RollUp.RATE:
            self._sums[unit.code, criterion.id] = hold(None, verdict, criterion, unit.level, now)
        return verdict

    def _as_state(self, code: str, criterion: Criterion, now: datetime) -> UnitState:
        colour, passed = self.colour(code), self._sums.get((code, criterion.id))
        criteria = {} if passed is None else {criterion.id: passed}
        evidence = self._readings(code, self._summed)
        return UnitState(code, standing=Standing(colour, now, colour, now), criteria=criteria, evidence=evidence)

    def _taken(self, criterion: Criterion, unit: Unit) -> Said:
        carried = list[int]()
        for code in unit.depends_on:
            group, place = self._place[code]
            row = group.row(place)
            carried += [row[number] for number, theirs in enumerate(group.criteria) if theirs.id == criterion.id]
        # A criterion that no system carries is no criterion of the unit: it counts as excluded.
        return Said(min(carried, key=_URGENCY.index, default=EXCLUDED))

    def _forget(self, now: datetime) -> None:
        """On each local day other units may be there."""
        today = self.calendar.day(now)
        self._outside = frozenset(unit.code for unit in self._bounded if not unit.holds_on(today))
        self._until = micros(self.calendar.tomorrow(now))
