"""Asks the sources when their slot comes: a bounded number at once, never one source twice at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from monitor.model.reading import Collected
from monitor.ports import Clock, Resting, Source, Timetable
from monitor.service.sweep import SLOTS, spread, until_phase

log = logging.getLogger(__name__)

LONGEST = 300.0  # seconds after which a source that forgot its own deadline gives its place back


class Poller:
    """One per service. Results go to `deliver`, in the order in which they arrive."""

    def __init__(
        self,
        sources: Sequence[Source],
        clock: Clock,
        deliver: Callable[[Collected], None],
        *,
        parallel: int = 64,
        observe: Callable[[str, float], None] = lambda _source, _seconds: None,
    ) -> None:
        self._sources = sources
        self._clock = clock
        self._deliver = deliver
        self._slots = spread(sources)
        self._room = asyncio.Semaphore(parallel)
        self._due = {source.id: 0.0 for source in sources}  # monotonic instant of the next poll
        self._rests = {source.id: source.rests for source in sources if isinstance(source, Resting)}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._observe = observe  # (source id, seconds between the slot and the start of the poll)
        self._stopped = False
        self.missed = 0  # polls skipped because the last one of the same source was still under way

    async def sweep(self) -> None:
        """Ask every source once, now; the first board needs it. Then each has its own place in its period."""
        tasks = [self._begin(source) for source in self._sources]
        asked, epoch = self._clock.monotonic(), self._clock.now().timestamp()
        self._due = {source.id: asked + until_phase(source, epoch) for source in self._sources}
        await asyncio.gather(*(task for task in tasks if task is not None))

    def start(self, timetable: Timetable) -> None:
        """Follow the timetable from now on; a poller that was stopped stays so."""
        if not self._stopped:
            timetable.start(self.tick)

    async def tick(self, slot: int) -> None:
        """Begin the polls that are due in this second; does not wait for them."""
        now = self._clock.monotonic()
        for source in self._slots[slot]:
            if now >= self._due[source.id] - _early(source):
                self._begin(source)

    async def stop(self, grace: float = 10.0) -> None:
        """Begin no further poll; let those under way finish for `grace` seconds, then cancel them."""
        self._stopped = True
        tasks = list(self._running.values())
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=grace)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _begin(self, source: Source) -> asyncio.Task[None] | None:
        if self._stopped:
            return None
        if source.id in self._running:
            self.missed += 1
            return None
        if source.id in self._rests and self._rests[source.id](self._clock.now()):
            return None
        asked = self._clock.monotonic()
        self._due[source.id] = asked + source.period
        task = asyncio.get_running_loop().create_task(self._poll(source, asked), name=f"poll {source.id}")
        self._running[source.id] = task
        task.add_done_callback(lambda _: self._running.pop(source.id, None))
        return task

    async def _poll(self, source: Source, asked: float) -> None:
        async with self._room:  # the place is taken before the source's own clock starts
            self._observe(source.id, self._clock.monotonic() - asked)
            now = self._clock.now()
            try:
                async with asyncio.timeout(LONGEST):
                    collected = await source.collect(now)
            except TimeoutError:
                collected = Collected(source.id, now, failure=f"no answer within {LONGEST:g} s")
            except Exception as broken:  # a plug-in that breaks its promise costs its own unit, not the loop
                log.exception("source %s broke", source.id)
                collected = Collected(source.id, now, failure=f"the source's code failed: {type(broken).__name__}")
        try:
            self._deliver(collected)
        except Exception:  # the news of one source must not end the sweep of all
            log.exception("the answer of source %s was not taken", source.id)


def _early(source: Source) -> float:
    """Seconds a slot may come before the period is over: half-way to the slot before.

    So a poll that began late (a stalled loop, a first sweep) does not cost the next one its slot.
    """
    return min(source.period, SLOTS) / 2
