"""Judging by the column: the colour and the next look of one criterion at many units, as small numbers, without words.

There is one truth, `judge`. What it says of numbers changes at a few places only; a table of these places is drawn up
by asking `judge_value` itself, for the day, and thousands of values are then looked up in it. What a table cannot say
(a sign such as ">", a word among numbers, a running interruption, a sample that is too small, a free condition) is
asked of `judge`, value by value. Why a colour is what it is, `judge` tells whoever asks.

Instants are whole microseconds since 1970 here, for they are compared a hundred thousand times.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise, repeat
from math import inf, isfinite, nextafter
from typing import Final, NamedTuple

from monitor.engine.book import Criterion, Indicator, Measure
from monitor.engine.judge import judge, judge_value
from monitor.model.colour import Colour
from monitor.model.hours import Calendar
from monitor.model.reading import Comparator, Reading, Value
from monitor.model.verdict import Verdict

NEVER: Final = 1 << 62  # no instant at all: later than any
COLOURS: Final = (Colour.GREEN, Colour.YELLOW, Colour.RED, Colour.UNKNOWN, Colour.MAINTENANCE, Colour.EXCLUDED)
CODES: Final = {colour: code for code, colour in enumerate(COLOURS)}
GREEN, YELLOW, RED, UNKNOWN, MAINTENANCE, EXCLUDED = range(6)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FAR = 1e300  # beyond every bound of a rule
_EXACT = 1 << 53  # whole numbers beyond it lie between two floats


def micros(instant: datetime | None) -> int:
    """Whole microseconds since 1970; NEVER for None."""
    return NEVER if instant is None else (instant - _EPOCH) // timedelta.resolution


def instant(at: int) -> datetime | None:
    """The other way round."""
    return None if at == NEVER else _EPOCH + timedelta(microseconds=at)


class Said(NamedTuple):
    """What is said of one value: number of the colour in COLOURS, and when time alone could change it."""

    code: int
    look: int = NEVER


_Ask = Callable[[Value], Said]


class Column:
    """The readings of one indicator, one place for each unit, laid out to be compared many at once."""

    def __init__(self, readings: Iterable[Reading | None]) -> None:
        self.readings: list[Reading | None] = list(readings)
        size = len(self.readings)
        self.numbers = array("d", bytes(8 * size))  # side by side in memory; 0 where there is none
        self.words: list[bool | str] = [""] * size  # yes, no and words; empty where there is none
        self.as_of: list[int] = [NEVER] * size  # claims
        self.samples: list[float] = [inf] * size  # denominators; infinite where nobody stated one
        self.missing: set[int] = set()
        self.no_number: set[int] = set()  # places whose reading is no plain number
        self.no_word: set[int] = set()  # places whose reading is no plain word
        for place, reading in enumerate(self.readings):
            self._set(place, reading)
        self._ages: tuple[int, int] | None = (min(self.as_of), max(self.as_of)) if size else None

    def put(self, place: int, reading: Reading | None) -> None:
        """A new reading at one place."""
        self.readings[place] = reading
        for places in (self.missing, self.no_number, self.no_word):
            places.discard(place)
        self._set(place, reading)
        self._ages = None

    @property
    def ages(self) -> tuple[int, int]:
        """Oldest and newest claim."""
        if self._ages is None:
            self._ages = min(self.as_of), max(self.as_of)
        return self._ages

    def _set(self, place: int, reading: Reading | None) -> None:
        if reading is None:
            self.missing.add(place)
            self.as_of[place] = NEVER
            return
        value = reading.value
        self.as_of[place] = (reading.as_of - _EPOCH) // timedelta.resolution
        self.samples[place] = inf if reading.denominator is None else reading.denominator
        plain = reading.comparator is Comparator.EQ or reading.comparator is Comparator.APPROX
        if isinstance(value, bool | str):
            self.no_number.add(place)
            self.words[place] = value if plain else ""
            if not plain:
                self.no_word.add(place)
        else:
            self.no_word.add(place)
            self.numbers[place] = value
            if not (plain and -_EXACT < value < _EXACT):  # not a number is not between them either
                self.no_number.add(place)


@dataclass
class Judged:
    """One criterion at every place of a column."""

    codes: bytearray  # numbers of the colours
    claims: Sequence[int]
    limit: int
    exact: list[int] | None = None  # None: time can change nothing but the age, everywhere

    @property
    def looks(self) -> list[int]:
        """When time alone could change each of them."""
        return [claimed + self.limit for claimed in self.claims] if self.exact is None else self.exact


@dataclass
class _Table:
    """What a criterion says of every plain value that was claimed in [begin, end), until an instant."""

    begin: int
    end: int
    until: int
    cuts: list[float] = field(default_factory=list)  # first number of each piece but the lowest
    codes: bytes = b""  # of the pieces, from the lowest
    looks: list[int] = field(default_factory=list)
    words: dict[bool | str, Said] = field(default_factory=dict)

    @property
    def look(self) -> int | None:
        """The one instant that all pieces share, if they do."""
        return self.looks[0] if min(self.looks) == max(self.looks) else None


class Rule:
    """One criterion over one indicator, ready to judge columns. It keeps its tables as long as they are true."""

    def __init__(self, criterion: Criterion, indicator: Indicator, calendar: Calendar) -> None:
        self.criterion, self.indicator, self.calendar = criterion, indicator, calendar
        limit = criterion.max_age if criterion.max_age is not None else indicator.max_age
        self._limit = timedelta(seconds=limit) // timedelta.resolution
        self._kind = _kind(criterion, indicator)
        self._tables: list[_Table] = []
        self._made_at = 0

    def judge(self, column: Column, now: datetime) -> Judged:
        """Colour and next look at every place: those of `judge`."""
        at, size = micros(now), len(column.readings)
        oldest, newest = column.ages if size else (0, 0)
        table = self._table(oldest, at, now) if size and self._kind and oldest != NEVER else None
        if table is None or not newest < table.end:
            each = [self.one(column, place, now, at) for place in range(size)]
            return Judged(
                bytearray(said.code for said in each), column.as_of, self._limit, [said.look for said in each]
            )
        if self._kind is float:
            found = self._numbers(table, column)
            again = column.no_number | column.missing
        else:
            found = self._words(table, column)
            again = (
                column.no_word | column.missing | {p for p, word in enumerate(column.words) if word not in table.words}
            )
        if oldest + self._limit <= at:
            again |= {place for place, claimed in enumerate(column.as_of) if claimed + self._limit <= at}
        if self.criterion.min_sample:
            needed = self.criterion.min_sample
            again |= {place for place, sample in enumerate(column.samples) if sample < needed}
        if again:
            found.exact = found.looks
            for place in again:
                found.codes[place], found.exact[place] = self.one(column, place, now, at)
        return found

    def one(self, column: Column, place: int, now: datetime, at: int) -> Said:
        """The same for one place; `at` is `now` in microseconds."""
        reading = column.readings[place]
        if reading is None:
            return Said(UNKNOWN)
        stale = column.as_of[place] + self._limit
        if at >= stale:
            return Said(UNKNOWN)
        said = None if column.samples[place] < self.criterion.min_sample else self._look_up(column, place, now, at)
        if said is None:
            return _said(self.explain(reading, now))
        return said if said.look < stale else Said(said.code, stale)

    def explain(self, reading: Reading | None, now: datetime) -> Verdict:
        """The whole verdict, with its reasons."""
        return judge(self.criterion, self.indicator, reading, now, self.calendar)

    def _look_up(self, column: Column, place: int, now: datetime, at: int) -> Said | None:
        odd = column.no_number if self._kind is float else column.no_word
        if self._kind is None or place in odd:
            return None
        table = self._table(column.as_of[place], at, now)
        if self._kind is str:
            return table.words.get(column.words[place])
        piece = bisect_right(table.cuts, column.numbers[place])
        return Said(table.codes[piece], table.looks[piece])

    def _numbers(self, table: _Table, column: Column) -> Judged:
        pieces = map(bisect_right, repeat(table.cuts), column.numbers)
        look, limit = table.look, self._limit
        if look is None:
            places = list(pieces)
            looks = [min(table.looks[piece], as_of + limit) for piece, as_of in zip(places, column.as_of, strict=True)]
            return Judged(bytearray(map(table.codes.__getitem__, places)), column.as_of, limit, looks)
        codes = bytearray(map(table.codes.__getitem__, pieces))
        if look >= column.ages[1] + limit:
            return Judged(codes, column.as_of, limit)
        return Judged(codes, column.as_of, limit, [min(look, as_of + limit) for as_of in column.as_of])

    def _words(self, table: _Table, column: Column) -> Judged:
        nothing = Said(UNKNOWN)
        each = [table.words.get(word, nothing) for word in column.words]
        looks = [min(said.look, as_of + self._limit) for said, as_of in zip(each, column.as_of, strict=True)]
        return Judged(bytearray([said.code for said in each]), column.as_of, self._limit, looks)

    def _table(self, claimed: int, at: int, now: datetime) -> _Table:
        for table in self._tables:
            if table.begin <= claimed < table.end and self._made_at <= at < table.until:
                return table
        if at != self._made_at:  # the day is over, an instant came, or somebody asks about the past
            self._tables = []
        self._made_at = at
        table = _draw(self.criterion, self.indicator, self._kind is float, claimed, now, self.calendar)
        self._tables.append(table)
        return table


def _kind(criterion: Criterion, indicator: Indicator) -> type[float] | type[str] | None:
    """Whether numbers or words are looked up in a table; None when each value must be judged by itself."""
    target = criterion.target
    moving = target is not None and target.pace is not None and target.pace.behind_red  # its bound moves every day
    if criterion.rollup is not None or criterion.formulas or criterion.inputs or moving:
        return None
    operands = _operands(criterion)
    words = {isinstance(operand, bool | str) for operand in operands}
    if len(words) != 1 or any(isinstance(one, float) and not isfinite(one) for one in operands):
        return None
    if indicator.measure is Measure.ELAPSED:
        return None if True in words else str  # only "it works" stands still
    return str if True in words else float


def _operands(criterion: Criterion) -> list[Value]:
    operands: list[Value] = [c.operand for band in criterion.bands for c in band.conditions]
    target = criterion.target
    if target is not None:
        operands.append(target.goal.operand)
        operands += [] if target.floor is None else [target.floor]
        if not isinstance(target.goal.operand, bool | str):
            operands += [target.goal.operand - target.margin, target.goal.operand + target.margin]
    return operands


def _draw(
    criterion: Criterion, indicator: Indicator, numbers: bool, claimed: int, now: datetime, calendar: Calendar
) -> _Table:
    as_of = _EPOCH + timedelta(microseconds=claimed)
    begin, end = (
        _month(as_of, calendar) if criterion.target is not None and criterion.target.every else (-NEVER, NEVER + 1)
    )
    tomorrow = calendar.start_of_day(calendar.local(now).date() + timedelta(days=1))
    table = _Table(begin, end, micros(tomorrow))

    def ask(value: Value) -> Said:
        ruling = judge_value(criterion, value, Comparator.EQ, as_of, now, calendar)
        return Said(CODES[ruling.colour], micros(ruling.recheck_at))

    if numbers:
        pieces = _pieces(ask, criterion)
        table.cuts = [first for first, _ in pieces[1:]]
        table.codes = bytes(said.code for _, said in pieces)
        table.looks = [said.look for _, said in pieces]
    elif indicator.measure is Measure.ELAPSED:
        table.words = {True: ask(0.0)}
    else:
        known = [one for one in _operands(criterion) if isinstance(one, bool | str)]
        table.words = {word: ask(word) for word in (True, False, *indicator.states, *known)}
    table.until = min((table.until, *table.looks, *(said.look for said in table.words.values())))
    return table


def _month(as_of: datetime, calendar: Calendar) -> tuple[int, int]:
    """Claims of one local month have the same deadline, whatever the period."""
    first = calendar.local(as_of).date().replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    return micros(calendar.start_of_day(first)), micros(calendar.start_of_day(following))


def _pieces(ask: _Ask, criterion: Criterion) -> list[tuple[float, Said]]:
    """First number of each piece, and what is said of all numbers in it. The lowest piece begins nowhere."""
    bounds = sorted({float(one) for one in _operands(criterion)})
    beside = {near for one in bounds for near in (nextafter(one, -inf), one, nextafter(one, inf))}
    between = {(low + high) / 2 for low, high in pairwise(bounds)}
    asked = [(number, ask(number)) for number in sorted({-_FAR, *beside, *between, _FAR})]
    pieces = asked[:1]
    for (low, _), (high, said) in pairwise(asked):
        if said != pieces[-1][1]:
            pieces.append((_first(ask, low, high, said), said))
    return pieces


def _first(ask: _Ask, low: float, high: float, said: Said) -> float:
    """The least number above `low` of which the same is said as of `high`, found by halving."""
    while nextafter(low, inf) < high:
        middle = low + (high - low) / 2
        if ask(middle) == said:
            high = middle
        else:
            low = middle
    return high


def _said(verdict: Verdict) -> Said:
    return Said(CODES[verdict.colour], micros(verdict.recheck_at))
