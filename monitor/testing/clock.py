"""Virtual time: a loop that never waits, a clock over any loop at any speed, and the timetable that follows it."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar

from monitor.ports import Clock

T = TypeVar("T")
SLOTS = 60
_SECOND = timedelta(seconds=1)


class Deadlock(RuntimeError):
    """Everything waits and nothing is scheduled: on a real loop this would hang for ever."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop on which waiting costs nothing: asked to wait t seconds it moves its own time on by t.

    With `shuffle` the callbacks that are ready run in an order drawn from it, pass by pass. Real sockets and threads
    are never heard. Waiting with nothing scheduled raises Deadlock.
    """

    _ready: deque[asyncio.Handle]  # asyncio's own queue of callbacks for the next pass

    def __init__(self, shuffle: random.Random | None = None) -> None:
        self._virtual = 0.0
        self._shuffle = shuffle
        super().__init__(_NoWait(self._pass))

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._virtual

    def _pass(self, timeout: float | None) -> None:
        if timeout is None:
            raise Deadlock("every task waits and nothing is scheduled")
        self._virtual += max(timeout, 0.0)
        if self._shuffle is not None and len(self._ready) > 1:
            ready = list(self._ready)
            self._shuffle.shuffle(ready)
            self._ready.clear()
            self._ready.extend(ready)


class _NoWait(selectors.SelectSelector):
    """A selector that reports how long it was asked to wait, and hears nothing."""

    def __init__(self, asked: Callable[[float | None], None]) -> None:
        super().__init__()
        self._asked = asked

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Nothing, at once."""
        self._asked(timeout)
        return []


def run(main: Coroutine[Any, Any, T], *, seed: int | None = None) -> T:
    """Run a coroutine to its end in virtual time; a `seed` shuffles what is ready. Raises Deadlock."""
    shuffle = None if seed is None else random.Random(seed)  # noqa: S311 (schedules of a test)
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(shuffle)) as runner:
        return runner.run(main)


class LoopClock:
    """`monitor.ports.Clock` over the running loop: begins at `start` (aware UTC) and runs `speed` times as fast.

    On a VirtualLoop hours pass at once; on a real loop with a speed of 600 an hour takes six seconds.
    Raises RuntimeError when made outside of a loop, ValueError for a start without zone or a speed not above zero.
    """

    def __init__(self, start: datetime, speed: float = 1.0) -> None:
        if start.tzinfo is None or speed <= 0:
            raise ValueError(f"a clock needs an aware start and a positive speed, not {start} and {speed}")
        self._loop = asyncio.get_running_loop()
        self._begun = self._loop.time()
        self._start = start
        self._speed = speed

    def now(self) -> datetime:
        """Wall time of this clock, aware UTC."""
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Seconds of this clock since it was made."""
        return (self._loop.time() - self._begun) * self._speed

    async def sleep(self, seconds: float) -> None:
        """Pause the calling task for so many seconds of this clock."""
        await asyncio.sleep(seconds / self._speed)

    async def sleep_until(self, when: datetime) -> None:
        """Pause until this clock shows `when`."""
        while (left := (when - self.now()).total_seconds()) > 0:
            await self.sleep(left)


class HandClock:
    """`monitor.ports.Clock` that shows what its owner writes into `at` (aware UTC); sleeping is over at once."""

    def __init__(self, at: datetime) -> None:
        self.at = self._start = at

    def now(self) -> datetime:
        """The instant that was written."""
        return self.at

    def monotonic(self) -> float:
        """Seconds from the first instant to the one that is shown."""
        return (self.at - self._start).total_seconds()

    async def sleep(self, seconds: float) -> None:
        """Pass at once."""

    async def sleep_until(self, when: datetime) -> None:
        """Pass at once."""


class StillClock(HandClock):
    """The same, but whoever sleeps for some time is not woken: a real store may take as long as it does to answer."""

    async def sleep(self, seconds: float) -> None:
        """Wait until it is given up; 0 lets others go first."""
        if seconds > 0:
            await asyncio.Event().wait()


class VirtualTimetable:
    """`monitor.ports.Timetable` that follows a clock without APScheduler: what lags behind runs once and late."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._runner: asyncio.Task[None] | None = None
        self._running: dict[int, asyncio.Task[None]] = {}
        self.skipped = 0  # ticks left out because the last one of the same slot was still under way

    def start(self, tick: Callable[[int], Awaitable[None]]) -> None:
        """Begin with the next whole second."""
        self._runner = asyncio.get_running_loop().create_task(self._follow(tick), name="timetable")

    async def stop(self) -> None:
        """Start no further tick and wait for those under way."""
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _follow(self, tick: Callable[[int], Awaitable[None]]) -> None:
        following = _whole(self._clock.now()) + _SECOND
        while True:
            await self._clock.sleep_until(following)
            now = _whole(self._clock.now())
            behind = min((now - following) // _SECOND, SLOTS - 1)  # each slot at most once, however late
            for late in range(behind, -1, -1):
                self._begin((now - late * _SECOND).second, tick)
            following = now + _SECOND

    def _begin(self, slot: int, tick: Callable[[int], Awaitable[None]]) -> None:
        if slot in self._running:
            self.skipped += 1
            return
        task = asyncio.get_running_loop().create_task(_call(tick, slot), name=f"slot {slot}")
        self._running[slot] = task
        task.add_done_callback(lambda _: self._running.pop(slot, None))


async def _call(tick: Callable[[int], Awaitable[None]], slot: int) -> None:
    await tick(slot)


def _whole(at: datetime) -> datetime:
    return at.replace(microsecond=0)
