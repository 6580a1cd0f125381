"""What is to be decided and when: units of which something was heard, and units whose time comes.

There is one entry for each unit and instant that counts, however many decisions name it. What says the same again may
wait for more of it, to be decided and committed at once.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.model.reading import Reading
from monitor.model.rolling import Answer
from monitor.model.state import UnitState
from monitor.model.unit import DECIDE_ORDER, Units
from monitor.ports import Clock

SLACK = 4  # entries of the queue of instants per unit, most of them outdated, before it is made anew


@dataclass
class Heard:
    """News of one unit."""

    readings: list[Reading] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)  # of probes from which figures are derived


class Agenda:
    """One per evaluator. `wake` is set when there is something to decide sooner than was known."""

    def __init__(self, units: Units, clock: Clock) -> None:
        self.wake = asyncio.Event()
        self.waiting: list[asyncio.Future[None]] = []  # those who wait until what they brought is committed
        self.due: list[tuple[datetime, str]] = []  # heap; entries that are no longer in `_waits` are passed over
        self.ranks = {unit.code: DECIDE_ORDER[unit.level] for unit in units}  # children before their parents
        self._clock = clock
        self._heard: dict[str, Heard] = {}  # unit -> what is said of it
        self._dirty: set[str] = set()  # to be decided in the next round
        self._waits: dict[str, datetime] = {}  # unit -> its entry in the heap that counts
        self._deciding: set[str] = set()  # units of the batch under way

    # what is heard

    def hear(self, reading: Reading) -> None:
        """News of a unit, to be decided in the next round."""
        self._news_of(reading.unit).readings.append(reading)

    def hear_first(self, unit: str, readings: Iterable[Reading]) -> None:
        """The same of what was heard before all else that is known of a unit."""
        self._news_of(unit).readings[:0] = readings

    def note(self, reading: Reading) -> None:
        """News that is decided with the next that is to be decided of its unit."""
        self._heard.setdefault(reading.unit, Heard()).readings.append(reading)

    def note_answer(self, answer: Answer) -> None:
        """The same of an answer: decided when the reading of the same poll is."""
        self._heard.setdefault(answer.unit, Heard()).answers.append(answer)

    def _news_of(self, unit: str) -> Heard:
        self._dirty.add(unit)
        return self._heard.setdefault(unit, Heard())

    # what is to be looked at

    def look(self, units: Iterable[str]) -> None:
        """Decide these units in the next round."""
        self._dirty.update(units)

    def look_at_all_heard(self) -> None:
        """Decide also what might have waited a little."""
        self._dirty.update(self._heard)

    def looks_at(self, unit: str) -> bool:
        """Whether a unit is decided in the next round."""
        return unit in self._dirty

    def is_deciding(self, unit: str) -> bool:
        """Whether a unit is being decided."""
        return unit in self._deciding

    def look_within(self, unit: str, seconds: float) -> None:
        """Decide a unit after so many seconds at most; whole ones, so that units that come together are one commit."""
        self._look_at(unit, (self._clock.now() + timedelta(seconds=seconds)).replace(microsecond=0))

    def follow(self, state: UnitState) -> None:
        """Have the unit decided when time alone may change it."""
        # Many decisions of one day say "at midnight": one entry is enough.
        if state.unit in self._heard and state.unit in self._waits:  # it has news that waits until then
            self._look_at(state.unit, state.recheck_at or self._waits[state.unit])
        elif state.recheck_at is not None and self._waits.get(state.unit) != state.recheck_at:
            self._waits[state.unit] = state.recheck_at
            heapq.heappush(self.due, (state.recheck_at, state.unit))
        if len(self.due) > SLACK * len(self.ranks):
            self.due = [(at, unit) for unit, at in self._waits.items()]
            heapq.heapify(self.due)

    def _look_at(self, unit: str, at: datetime) -> None:
        if unit not in self._waits or at < self._waits[unit]:
            self._waits[unit] = at
            heapq.heappush(self.due, (at, unit))
            if self.due[0] == (at, unit):
                self.wake.set()

    # what a round takes

    @property
    def pressing(self) -> bool:
        """Whether any unit is to be decided in the next round."""
        return bool(self._dirty)

    @property
    def is_due(self) -> bool:
        """Whether there is anything to decide, or to answer, now."""
        time = bool(self.due) and self.due[0][0] <= self._clock.now()
        return time or bool(self._dirty or self.waiting)

    def seconds_left(self, most: float) -> float:
        """Seconds until the next unit's time comes; `most` where none has one."""
        return (self.due[0][0] - self._clock.now()).total_seconds() if self.due else most

    def wake_due(self) -> None:
        """Units whose time has come are decided in the next round."""
        now = self._clock.now()
        while self.due and self.due[0][0] <= now:
            at, unit = heapq.heappop(self.due)
            if self._waits.get(unit) == at:
                del self._waits[unit]
                self._dirty.add(unit)

    def of_rank(self, rank: int) -> Sequence[str]:
        """Units of one rank that are to be decided, in their order."""
        return sorted(unit for unit in self._dirty if self.ranks[unit] == rank)

    def begin(self, units: Sequence[str]) -> Mapping[str, Heard]:
        """A batch of units is decided now: what was heard of each."""
        self._dirty.difference_update(units)
        self._deciding.update(units)
        return {unit: self._heard.pop(unit, Heard()) for unit in units}

    def end(self, units: Iterable[str]) -> None:
        """The batch is decided, or given back."""
        self._deciding.difference_update(units)

    def give_back(self, taken: Mapping[str, Heard]) -> None:
        """What was not committed stays due."""
        for unit, news in taken.items():
            heard = self._news_of(unit)
            heard.readings[:0] = news.readings
            heard.answers[:0] = news.answers
