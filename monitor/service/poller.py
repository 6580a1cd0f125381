"""Asks the sources when their slot comes: a bounded number at once, never one source twice at a time.

The places are bounded for all together and for each host. The place at the host is taken first: the targets of one slow
host queue among themselves and hold none of the places that others need. A source's own clock starts when both are had.
Every poll that was due ends in exactly one `PollEnd`, so their sum is the number of polls that were due.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial

from monitor.config.spec import LONGEST_POLL
from monitor.model.reading import Collected
from monitor.ports import Clock, Resting, Source, Timetable
from monitor.service.places import ANY_HOST, Places
from monitor.service.sweep import CROWD, SLOTS, lateness, paced, spread, until_phase
from monitor.service.waiting import ended

log = logging.getLogger(__name__)

LONGEST = LONGEST_POLL  # after which a source that forgot its own deadline gives its place back
GRAIN = 0.005  # seconds a poll may begin early, so that a crowded slot is not one timer for each source


class PollEnd(StrEnum):
    """What became of a poll that was due."""

    ANSWERED = "answered"  # the source brought what it owes; of a probe also "down"
    FAILED = "failed"  # it brought nothing at all
    MISSED = "missed"  # not asked: the last poll of the same source was still under way or waiting for its place
    CANCELLED = "cancelled"  # the service stopped


class Poller:
    """One per service. Results go to `deliver`, in the order in which they arrive."""

    def __init__(
        self,
        sources: Sequence[Source],
        clock: Clock,
        deliver: Callable[[Collected], None],
        *,
        places: Places = ANY_HOST,
        observe: Callable[[str, float], None] = lambda _source, _seconds: None,
        count: Callable[[PollEnd], None] = lambda _end: None,
        wanted: Callable[[Source], bool] = lambda _source: True,
    ) -> None:
        self._sources = sources
        self._clock = clock
        self._deliver = deliver
        self._slots = spread(sources)
        self._room = asyncio.Semaphore(places.together)
        self._room_anywhere = asyncio.Semaphore(len(sources) + 1)  # of those that dial no host: never full
        at_host: defaultdict[str, asyncio.Semaphore] = defaultdict(partial(asyncio.Semaphore, places.per_host))
        crowd = Counter(places.hosts.values())  # a source is asked once at a time: few of one host need no places
        self._at_host = {
            source: at_host[host] for source, host in places.hosts.items() if host and crowd[host] > places.per_host
        }
        self._due = {source.id: 0.0 for source in sources}  # monotonic instant of the next poll
        self._rests = {source.id: source.rests for source in sources if isinstance(source, Resting)}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._asked_at: dict[str, float] = {}  # monotonic; of those that are being asked, in this order
        self._observe = observe  # (source id, seconds between the instant due and the start of the poll)
        self._count = count
        self._wanted = wanted  # whether a source is asked at all today
        self._stopped = False
        self.missed = 0

    async def sweep(self) -> None:
        """Ask every source once, a few every few milliseconds, and wait for all; the first board needs it.

        Begun all at once, thousands would keep the loop from reading answers until their deadlines are over.
        Then each has its own place in its period; those of one that is still answering by then are missed.
        """
        asked, epoch = self._clock.monotonic(), self._clock.now().timestamp()
        self._due = {source.id: asked + until_phase(source, epoch) for source in self._sources}
        tasks = []
        for number, source in enumerate(self._sources, 1):
            due = self._due[source.id]
            tasks.append(self._begin(source, self._clock.monotonic()))
            self._due[source.id] = due
            if number % CROWD == 0:
                await self._clock.sleep(GRAIN)
        await asyncio.gather(*(task for task in tasks if task is not None))

    def start(self, timetable: Timetable) -> None:
        """Follow the timetable from now on; a poller that was stopped stays so."""
        if not self._stopped:
            timetable.start(self.tick)

    async def tick(self, slot: int) -> None:
        """Begin the polls that are due in this second, a crowd of them evenly over it; does not wait for their end."""
        now = self._clock.monotonic()
        self._end_overdue(now)
        second = now - lateness(slot, self._clock.now().timestamp())
        due = [source for source in self._slots[slot] if now >= self._due[source.id] - _early(source)]
        for source, offset in paced(due):
            if (early := second + offset - self._clock.monotonic()) > GRAIN:
                await self._clock.sleep(early)
            self._begin(source, second + offset)

    async def stop(self, grace: float = 10.0) -> None:
        """Begin no further poll; let those under way finish for `grace` seconds, then cancel them."""
        self._stopped = True
        await ended(list(self._running.values()), grace)

    def _begin(self, source: Source, due: float) -> asyncio.Task[None] | None:
        if self._stopped or not self._wanted(source):
            return None
        if rests := self._rests.get(source.id):
            if rests(self._clock.now()):
                return None
            due = self._clock.monotonic()  # when it wakes
        self._due[source.id] = due + source.period
        if source.id in self._running:
            self.missed += 1
            self._count(PollEnd.MISSED)
            return None
        task = asyncio.get_running_loop().create_task(self._poll(source, due), name=source.id)
        self._running[source.id] = task
        task.add_done_callback(partial(self._ended, source.id))
        return task

    def _ended(self, source: str, task: asyncio.Task[None]) -> None:
        del self._running[source]
        if task.cancelled():
            self._count(PollEnd.CANCELLED)

    async def _poll(self, source: Source, due: float) -> None:
        at_host = self._at_host.get(source.id, self._room_anywhere)
        queues = at_host.locked() or self._room.locked()
        async with at_host, self._room:
            if queues and self._stopped:
                raise asyncio.CancelledError
            collected = await self._asked(source, due)
        self._count(PollEnd.FAILED if collected.failure else PollEnd.ANSWERED)
        try:
            self._deliver(collected)
        except Exception:  # the news of one source must not end the sweep of all
            log.exception("the answer of source %s was not taken", source.id)

    async def _asked(self, source: Source, due: float) -> Collected:
        began = self._asked_at[source.id] = self._clock.monotonic()
        self._observe(source.id, max(began - due, 0.0))
        now = self._clock.now()
        try:
            return await source.collect(now)
        except asyncio.CancelledError:
            if self._stopped or self._clock.monotonic() - began < LONGEST:
                raise
            return Collected(source.id, now, failure=f"no answer within {LONGEST:g} s")
        except Exception as broken:  # a plug-in that breaks its promise costs its own unit, not the loop
            log.exception("source %s broke", source.id)
            return Collected(source.id, now, failure=f"the source's code failed: {type(broken).__name__}")
        finally:
            del self._asked_at[source.id]

    def _end_overdue(self, now: float) -> None:
        """Cancel what has been asked for too long; looked for each second, as a timer for each poll costs much more."""
        for source, began in self._asked_at.items():
            if now - began < LONGEST:
                return
            self._running[source].cancel()


def _early(source: Source) -> float:
    """Seconds a slot may come before the period is over: half-way to the slot before.

    So a poll that began late (a stalled loop, a first sweep) does not cost the next one its slot.
    """
    return min(source.period, SLOTS) / 2
