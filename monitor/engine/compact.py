"""Judging by the column: the colour and the next look of one criterion at many units, as small numbers, without words.

There is one truth: `judge` for readings, `judge_rollup` for groups. What they say of numbers changes at a few places
only; a table of these places is drawn up by asking `judge_value` itself, for the day, and thousands of values are then
looked up in it at once. What a table cannot say (a sign such as ">", a word among numbers, a running interruption, a
sample that is too small, a bound that moves every day) is asked of them, value by value. Why a colour is what it is,
they tell whoever asks.

Instants are whole microseconds since 1970 here, for they are compared a hundred thousand times. A column is plain
memory with two views: numpy compares all places at once, Python reads and writes a single one quicker than numpy does.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from math import inf, isfinite, nextafter
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.engine.book import Criterion, Indicator, Measure, RollUp
from monitor.engine.judge import Ruling, judge, judge_value
from monitor.engine.rollup import judge_rollup
from monitor.model.colour import Colour
from monitor.model.hours import Calendar
from monitor.model.reading import Comparator, Reading, Value
from monitor.model.series import NOTHING, Series
from monitor.model.verdict import Counts, Verdict

Codes = NDArray[np.uint8]  # numbers of colours in COLOURS
Instants = NDArray[np.int64]
NEVER: Final = 1 << 62  # no instant at all: later than any
COLOURS: Final = (Colour.GREEN, Colour.YELLOW, Colour.RED, Colour.UNKNOWN, Colour.MAINTENANCE, Colour.EXCLUDED)
CODES: Final = {colour: code for code, colour in enumerate(COLOURS)}
GREEN, YELLOW, RED, UNKNOWN, MAINTENANCE, EXCLUDED = range(6)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta.resolution
_ASK = -1  # in the place of an instant: the table does not say it
_WORDS = (bool, str)
_ALL = slice(None)
_PLAIN = (Comparator.EQ, Comparator.APPROX)
_FAR = 1e300  # beyond every bound of a rule
_EXACT = 2.0**53  # whole numbers beyond it lie between two floats
_LEAST = -_EXACT


def micros(instant: datetime | None) -> int:
    """Whole microseconds since 1970; NEVER for None."""
    return NEVER if instant is None else (instant - _EPOCH) // _TICK


def instant(at: int) -> datetime | None:
    """The other way round."""
    return None if at == NEVER else _EPOCH + timedelta(microseconds=at)


class Said(NamedTuple):
    """What is said of one value: number of the colour in COLOURS, and when time alone could change it."""

    code: int
    look: int = NEVER


NOTHING_SAID: Final = Said(UNKNOWN)
_Ask = Callable[[Value], Said]


def said_of(asked: Callable[[], Verdict | Ruling]) -> Said:
    """What a judge says, as numbers. One that breaks costs its own answer and drops nothing else, as in `decide`."""
    try:
        said = asked()
    except Exception:
        return NOTHING_SAID
    return Said(CODES[said.colour], micros(said.recheck_at))


class Column:
    """The readings of one indicator, one place for each unit, laid out to be compared many at once.

    `past` is what is remembered of the indicator at each place, for samples that are too small.
    """

    def __init__(self, readings: Iterable[Reading | None], past: Sequence[Series] = ()) -> None:
        self.readings: list[Reading | None] = list(readings)
        self.past: list[Series] = list(past)
        size = len(self.readings)
        self.number = array("d", bytes(8 * size))  # 0 where there is none
        self.claim = array("q", [NEVER]) * size  # when it was so, as the source says; NEVER where nothing is known
        self.sample = array("d", [inf]) * size  # denominators; infinite where nobody stated one
        self.word = array("l", [0]) * size  # places in `vocabulary`; 0 where there is no plain word
        self.vocabulary: dict[bool | str, int] = {}  # words met so far, from 1 on
        self.odd: set[int] = set()  # places whose reading is no plain number
        self.numbers: NDArray[np.float64] = np.frombuffer(self.number)  # the same memory
        self.claims: Instants = np.frombuffer(self.claim, np.int64)
        self.samples: NDArray[np.float64] = np.frombuffer(self.sample)
        self.words: NDArray[np.int_] = np.frombuffer(self.word, np.int_)
        for place, reading in enumerate(self.readings):
            self.put(place, reading)

    def put(self, place: int, reading: Reading | None) -> None:
        """A new reading at one place."""
        self.readings[place] = reading
        if reading is None:
            self.odd.add(place)
            self.claim[place] = NEVER
            return
        value, cases = reading.value, reading.denominator
        self.claim[place] = (reading.as_of - _EPOCH) // _TICK
        self.sample[place] = inf if cases is None else cases
        self.word[place] = 0
        if reading.comparator in _PLAIN:
            if isinstance(value, _WORDS):
                self.word[place] = self.vocabulary.setdefault(value, len(self.vocabulary) + 1)
            elif _LEAST < value < _EXACT:  # not a number is not between them either
                self.number[place] = value
                self.odd.discard(place)
                return
        self.odd.add(place)

    def plain_word(self, place: int) -> Value | None:
        """The word at one place; None where there is none, or one that is not meant literally."""
        reading = self.readings[place]
        return reading.value if reading is not None and self.word[place] else None


class Judged(NamedTuple):
    """One criterion at every place of a column."""

    codes: Codes
    looks: Instants  # when time alone could change each of them


@dataclass
class _Table:
    """What a criterion says of every plain value that was claimed in [begin, end), until an instant."""

    begin: int
    end: int
    until: int
    cuts: list[float] = field(default_factory=list)  # first number of each piece but the lowest
    pieces: list[Said] = field(default_factory=list)  # from the lowest
    words: dict[Value | None, Said] = field(default_factory=dict)

    @cached_property
    def _views(self) -> tuple[NDArray[np.float64], Codes, Instants]:
        codes, looks = zip(*self.pieces, strict=True)
        return np.array(self.cuts), np.array(codes, np.uint8), np.array(looks, np.int64)

    def numbers(self, numbers: NDArray[np.float64]) -> Judged:
        """What is said of many numbers."""
        cuts, codes, looks = self._views
        pieces = cuts.searchsorted(numbers, "right")
        return Judged(codes[pieces], looks[pieces])

    def known(self, vocabulary: Iterable[bool | str], words: NDArray[np.int_]) -> Judged:
        """What is said of many words, given as places in a vocabulary; where nothing is, _ASK instead of an instant."""
        said = [Said(UNKNOWN, _ASK), *(self.words.get(word, Said(UNKNOWN, _ASK)) for word in vocabulary)]
        codes, looks = np.array([one.code for one in said]), np.array([one.look for one in said])
        return Judged(codes[words], looks[words])


class _Tabled:
    """One criterion with its tables. They are kept as long as they are true."""

    def __init__(self, criterion: Criterion, indicator: Indicator | None, calendar: Calendar) -> None:
        self.criterion, self.calendar = criterion, calendar
        self._kind = _kind(criterion, indicator)
        self._words = _words(criterion, indicator) if indicator is not None and self._kind is str else {}
        self._tables: list[_Table] = []
        self._made_at = 0

    def _table(self, claimed: int, at: int, now: datetime) -> _Table:
        for table in self._tables:
            if table.begin <= claimed < table.end and self._made_at <= at < table.until:
                return table
        if at != self._made_at:  # the day is over, an instant came, or somebody asks about the past
            self._tables = []
        self._made_at = at
        table = _draw(self.criterion, self._words, claimed, now, self.calendar)
        self._tables.append(table)
        return table


class Rule(_Tabled):
    """One criterion over one indicator, ready to judge columns."""

    def __init__(self, criterion: Criterion, indicator: Indicator, calendar: Calendar) -> None:
        super().__init__(criterion, indicator, calendar)
        self.indicator = indicator
        limit = criterion.max_age if criterion.max_age is not None else indicator.max_age
        self._limit = min(timedelta(seconds=limit) // _TICK, NEVER // 2)  # a sum with NEVER still has a place in memory
        self._least = criterion.min_sample

    def judge(self, column: Column, now: datetime, span: slice = _ALL) -> Judged:
        """Colour and next look at every place of a span: those of `judge`."""
        at, claims = micros(now), column.claims[span]
        codes, looks = np.full(len(claims), UNKNOWN, np.uint8), np.full(len(claims), NEVER)
        believed = (claims > at - self._limit) & (claims < NEVER)
        left = believed & self._plain(column)[span]
        asked = believed ^ left
        for table, places in self._by_table(claims, left, at, now):
            if self._kind is float:
                codes[places], looks[places] = table.numbers(column.numbers[span][places])
            else:
                codes[places], looks[places] = table.known(column.vocabulary, column.words[span][places])
        if self._kind is str:
            asked |= left & (looks == _ASK)
        np.minimum(looks, claims + self._limit, out=looks, where=left)
        for place in np.flatnonzero(asked).tolist():
            codes[place], looks[place] = self._asked(column, (span.start or 0) + place, now)
        return Judged(codes, looks)

    def one(self, column: Column, place: int, now: datetime, at: int) -> tuple[int, int]:
        """The same for one place: a colour's number and the next look. `at` is `now` in microseconds."""
        claimed = column.claim[place]
        stale = claimed + self._limit
        if at >= stale or claimed == NEVER:
            return NOTHING_SAID
        if self._kind is None or (self._least and column.sample[place] < self._least):
            return self._asked(column, place, now)
        table = self._table(claimed, at, now)
        if self._kind is str:
            said = table.words.get(column.plain_word(place))
        else:
            said = None if place in column.odd else table.pieces[bisect_right(table.cuts, column.number[place])]
        if said is None:
            return self._asked(column, place, now)
        code, look = said
        return code, look if look < stale else stale

    def _plain(self, column: Column) -> NDArray[np.bool_]:
        """Places whose value may be looked up in a table."""
        plain = np.full(len(column.readings), self._kind is not None)
        if self._kind is float and column.odd:
            plain[list(column.odd)] = False
        if self._least:
            plain &= column.samples >= self._least
        return plain

    def _by_table(
        self, claims: Instants, left: NDArray[np.bool_], at: int, now: datetime
    ) -> Iterator[tuple[_Table, NDArray[np.bool_]]]:
        """The tables that are needed, each with its places: one, or one for each month of a goal that recurs."""
        while left.any():
            table = self._table(int(claims[left].min()), at, now)
            of_table = left & (claims < table.end)
            yield table, of_table
            left = left ^ of_table

    def _asked(self, column: Column, place: int, now: datetime) -> Said:
        reading, past = column.readings[place], column.past[place] if column.past else NOTHING
        return said_of(lambda: judge(self.criterion, self.indicator, reading, now, self.calendar, past))


class GroupRule(_Tabled):
    """One roll-up that asks no more than how many children have which colour, ready to judge groups.

    The children earn the value that is judged, and it is looked up in a table: the questions of `judge_rollup`.
    """

    def __init__(self, criterion: Criterion, calendar: Calendar, min_known: float) -> None:
        super().__init__(criterion, None, calendar)
        self._min_known, self._max_red = min_known, criterion.max_red_share
        self._rollup, self._earned = criterion.rollup, _earned(criterion)
        self._by_order = criterion.rollup in (RollUp.WORST, RollUp.NTH_BEST)

    def one(self, tally: Sequence[int], now: datetime, at: int) -> Said:
        """Colour's number and next look of one group; `tally` is its children by colour, in the order of COLOURS."""
        green, yellow, red, unknown, _, _ = tally
        known = green + yellow + red
        total = known + unknown
        if not known or (unknown and known / total < self._min_known):
            return NOTHING_SAID if total else self._asked(tally, now)
        if self._by_order:
            return _nth_best(known if self._rollup is RollUp.WORST else self.criterion.nth, tally)
        if self._kind is not float:
            return self._asked(tally, now)
        if self._rollup is RollUp.GREEN_SHARE:
            value = 100 * green / total
        else:
            if_green, if_yellow, if_red, if_unknown = self._earned
            value = green * if_green + yellow * if_yellow + red * if_red + unknown * if_unknown
            if self._rollup is not RollUp.COUNT:
                value = 100 * value / (known if self._rollup is RollUp.SCORE else total)
        table = self._table(at, at, now)
        said = table.pieces[bisect_right(table.cuts, value)]
        if self._max_red is None or 100 * red / total <= self._max_red:
            return said
        return Said(RED, said.look) if said.code != UNKNOWN else self._asked(tally, now)  # it may be a broken rule

    def _asked(self, tally: Sequence[int], now: datetime) -> Said:
        return said_of(lambda: judge_rollup(self.criterion, Counts(*tally), now, self.calendar, self._min_known))


def _earned(criterion: Criterion) -> tuple[float, ...]:
    """What a child adds to the value of a roll-up, by colour: those that somebody judged, and unknown."""
    if criterion.rollup is RollUp.SCORE:
        return 1.0, 0.5, 0.0, 0.0
    taken_in = (Colour.GREEN,) if criterion.rollup is RollUp.GREEN_SHARE else criterion.colours
    return tuple(float(colour in taken_in) for colour in COLOURS[:MAINTENANCE])


def _nth_best(number: int, tally: Sequence[int]) -> Said:
    """Colour of the n-th best of the children; the worst of them is the last one."""
    reached = 0
    for code in (GREEN, YELLOW, RED):
        reached += tally[code]
        if reached >= number:
            return Said(code)
    return NOTHING_SAID


def _kind(criterion: Criterion, indicator: Indicator | None) -> type[float] | type[str] | None:
    """Whether numbers or words are looked up in a table; None when each value must be judged by itself."""
    target = criterion.target
    moving = target is not None and target.pace is not None and target.pace.behind_red  # its bound moves every day
    if criterion.formulas or criterion.inputs or moving:
        return None
    operands = _operands(criterion)
    words = {isinstance(operand, bool | str) for operand in operands}
    if len(words) != 1 or any(isinstance(one, float) and not isfinite(one) for one in operands):
        return None
    if indicator is not None and indicator.measure is Measure.ELAPSED:
        return None if True in words else str  # only "it works" stands still
    return str if True in words else float


def _words(criterion: Criterion, indicator: Indicator) -> Mapping[Value, Value]:
    """The words that a table answers, each with the value that is judged."""
    if indicator.measure is Measure.ELAPSED:
        return {True: 0.0}
    known = (one for one in _operands(criterion) if isinstance(one, bool | str))
    return {word: word for word in (True, False, *indicator.states, *known)}


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
    criterion: Criterion, words: Mapping[Value, Value], claimed: int, now: datetime, calendar: Calendar
) -> _Table:
    as_of = _EPOCH + timedelta(microseconds=claimed)
    begin, end = _month(as_of, calendar) if criterion.target is not None and criterion.target.every else (-NEVER, NEVER)
    table = _Table(begin, end, micros(calendar.tomorrow(now)))

    def ask(value: Value) -> Said:
        return said_of(lambda: judge_value(criterion, value, Comparator.EQ, as_of, now, calendar))

    if words:
        table.words = {word: ask(value) for word, value in words.items()}
    else:
        found = _pieces(ask, criterion)
        table.cuts, table.pieces = [first for first, _ in found[1:]], [said for _, said in found]
    table.until = min((table.until, *(said.look for said in (*table.pieces, *table.words.values()))))
    return table


def _month(as_of: datetime, calendar: Calendar) -> tuple[int, int]:
    """Claims of one local month have the same deadline, whatever the period."""
    first = calendar.local(as_of).date().replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    return micros(calendar.start_of_day(first)), micros(calendar.start_of_day(following))


def _pieces(ask: _Ask, criterion: Criterion) -> list[tuple[float, Said]]:
    """First number of each piece, and what is said of all numbers in it. The lowest piece begins nowhere.

    Asked are the bounds, one number between any two of them, and both ends.
    """
    bounds = sorted({float(one) for one in _operands(criterion)})
    between = [(low + high) / 2 for low, high in pairwise(bounds)]
    asked = [(number, ask(number)) for number in sorted({-_FAR, *bounds, *between, _FAR})]
    pieces = asked[:1]
    for (low, before), (high, said) in pairwise(asked):
        if said != before:
            pieces.append((_first(ask, low, high, said), said))
    return pieces


def _first(ask: _Ask, low: float, high: float, said: Said) -> float:
    """The least number above `low` of which the same is said as of `high`: mostly at a bound, else found by halving."""
    if ask(nextafter(high, -inf)) != said:
        return high
    after = nextafter(low, inf)
    if ask(after) == said:
        return after
    while nextafter(low, inf) < high:
        middle = low + (high - low) / 2
        if ask(middle) == said:
            high = middle
        else:
            low = middle
    return high
