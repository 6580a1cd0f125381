"""The rounds in which units are decided: once from the systems up to the nation, many decisions as one transaction.

Children are decided and committed before their parents, so that a parent sees committed colours only, and a flood of
news below never keeps those above waiting.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from monitor.alerting.setback import hastened_plans
from monitor.model.errors import Conflict, StoreError
from monitor.model.state import Decision
from monitor.model.unit import DECIDE_ORDER
from monitor.ports import Clock
from monitor.service.agenda import Agenda, Heard
from monitor.service.away.line import RETRY, StoreLine
from monitor.service.commits import Commits
from monitor.service.judging import Judge
from monitor.service.setback import Setback
from monitor.service.sourcehealth import SourcesHealth
from monitor.service.states import States
from monitor.service.waiting import woken

log = logging.getLogger(__name__)

GATHER = 0.05  # seconds in which arriving news becomes one commit
BATCH = 500  # decisions in one commit
BREATH = 4  # units decided before others may use the loop
FAR = 30.0  # seconds the loop sleeps at most: a wall clock that is stepped is noticed after this
RANKS = sorted(set(DECIDE_ORDER.values()))


class Rounds:
    """One per evaluator. `observe` hears the seconds from the first news of a batch to its commit."""

    def __init__(
        self,
        agenda: Agenda,
        states: States,
        judge: Judge,
        commits: Commits,
        line: StoreLine,
        sources: SourcesHealth,
        clock: Clock,
        observe: Callable[[float], None],
    ) -> None:
        self.turned_at = clock.monotonic()  # when the loop last went on: old when it hangs
        self._agenda = agenda
        self._states = states
        self._judge = judge
        self._commits = commits
        self._line = line
        self._sources = sources
        self._clock = clock
        self._observe = observe
        self._setback = Setback(clock)  # for plans
        self._first = True  # no round yet: while nobody looked the clock may have been set back

    async def run(self) -> None:
        """Decide for ever; ends by cancellation."""
        while True:
            await self._until_due()
            await self._clock.sleep(GATHER)
            started = self._clock.monotonic()
            try:
                async with self._commits.turn:
                    await self._round()
            except StoreError as broken:  # a conflict that nothing explains
                self._line.lost(str(broken))
                await self._clock.sleep(RETRY)
            self._observe(self._clock.monotonic() - started + GATHER)

    async def settle(self) -> None:
        """Decide and commit until nothing is due now. Raises StoreError; what was not committed stays due."""
        async with self._commits.turn:
            self._agenda.look_at_all_heard()
            self._line.ask_now()
            again = bool(self._line.why)
            while again or self._is_due:
                await self._round()
                again = False
            if self._line.why:
                raise StoreError(self._line.why)

    def judge_all(self) -> None:
        """Look at every unit once: rules or the day may have changed while nobody looked."""
        self._states.judged.clear()
        self._agenda.look(self._states.stored)
        self._agenda.wake.set()

    @property
    def _is_due(self) -> bool:
        return self._agenda.is_due or self._sources.is_due

    async def _until_due(self) -> None:
        self.turned_at = self._clock.monotonic()
        wake = self._agenda.wake
        while not self._is_due and not self._setback.look():
            self.turned_at = self._clock.monotonic()
            again = self._line.until_asked if self._line.why else FAR
            if again <= 0:
                await self._ask_again()
                continue
            wake.clear()
            await woken(wake, self._clock, min(self._agenda.seconds_left(FAR), again, FAR))
        wake.clear()

    async def _ask_again(self) -> None:
        """Whether the store is back. Nothing is decided here: what is known by now might wait for more of it."""
        async with self._commits.turn:
            await self._commits.open()
            await self._sources.save(self._sources.changed())
            if not self._line.away:
                self._line.restored()

    # one round

    async def _round(self) -> None:
        waiting, self._agenda.waiting = self._agenda.waiting, []
        try:
            await self._commits.open()
            await self._follow_clock()
            health = self._sources.changed()  # what a source brought is committed before that it was read
            self._agenda.wake_due()
            for rank in RANKS:
                units = self._agenda.of_rank(rank)
                for start in range(0, len(units), BATCH):
                    await self._decide_batch(units[start : start + BATCH])
            await self._sources.save(health)  # before the answer: who was told "taken" may forget it
        except StoreError as refused:
            _answer(waiting, refused)
            raise
        except BaseException:  # cancelled by a stop: the last round answers
            self._agenda.waiting[:0] = waiting
            raise
        if not self._line.away:
            self._line.restored()
        _answer(waiting, StoreError(self._line.why) if self._line.away else None)

    async def _follow_clock(self) -> None:
        """Where the wall clock was set back, plans wait no longer for that, and every unit is looked at anew.

        While nobody looked it may have been set back as well: what opened in the future tells by how much at least.
        """
        by, first, self._first = self._setback.take(), self._first, False
        if not by and not first:
            return
        try:
            await self._hasten_plans(by)
        except StoreError as broken:
            self._setback.give_back(by)
            self._first = first
            if isinstance(broken, Conflict):
                await self._commits.reload()
            raise
        if by:
            log.warning("the wall clock was set back by %.0f s; every unit is looked at", by)
            self.judge_all()

    async def _hasten_plans(self, by: float) -> None:
        now, states = self._clock.now(), self._states.latest.values()
        moved = [one for state in states if (one := hastened_plans(state, by, now)) is not None]
        for start in range(0, len(moved), BATCH):
            await self._commits.commit(moved[start : start + BATCH])

    async def _decide_batch(self, units: Sequence[str]) -> None:
        taken = self._agenda.begin(units)
        try:
            while not await self._committed(taken):
                log.info("somebody committed first; deciding again")
        except BaseException:  # refused, or cancelled by a stop: what is not committed stays due
            self._agenda.give_back(taken)
            raise
        finally:
            self._agenda.end(units)

    async def _committed(self, taken: Mapping[str, Heard]) -> bool:
        began = self._clock.now()
        decisions = await self._decided(taken)
        try:
            await self._commits.commit(decisions)
        except Conflict:
            if not await self._commits.reload():
                raise  # the store has nothing newer to decide from
            return False
        for unit in taken:
            if unit in self._judge.set_aside:
                self._states.judged.pop(unit, None)
            else:
                self._states.judged[unit] = began
        return True

    async def _decided(self, taken: Mapping[str, Heard]) -> Sequence[Decision]:
        decisions: list[Decision] = []
        self.turned_at = self._clock.monotonic()
        for number, (unit, news) in enumerate(taken.items()):
            decisions.append(self._judge.decide(unit, news, self._clock.now()))
            if number % BREATH == BREATH - 1:
                self.turned_at = self._clock.monotonic()
                await self._clock.sleep(0)
        return decisions


def _answer(waiting: Sequence[asyncio.Future[None]], refused: StoreError | None = None) -> None:
    for done in waiting:
        if done.done():
            continue
        if refused is None:
            done.set_result(None)
        else:
            done.set_exception(refused)
