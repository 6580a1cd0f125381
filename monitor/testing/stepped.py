"""A clock that its owner moves from one sleeper to the next: exact to the microsecond at whatever pace it is shown."""

from __future__ import annotations

import asyncio
import heapq
import math
from collections import deque
from datetime import datetime, timedelta
from itertools import count
from typing import Any, cast

_SECOND = 1_000_000  # microseconds
_MICROSECOND = timedelta(microseconds=1)


class SteppedClock:
    """`monitor.ports.Clock` that stands still until `run_until` moves it.

    Runs on an ordinary loop beside real sockets. Whoever sleeps on it wakes at exactly the instant asked for, one after
    the other, and the next one only when nothing is left to do. `speed` is the pace at which it is shown: its seconds
    per real second, 0 for as fast as possible; no instant depends on it. Raises ValueError for a start without zone or
    a negative speed.
    """

    def __init__(self, start: datetime, speed: float = 0.0) -> None:
        if start.tzinfo is None or speed < 0:
            raise ValueError(f"a clock needs an aware start and a speed of at least 0, not {start} and {speed}")
        self._start = start
        self._speed = speed
        self._elapsed = 0  # microseconds
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = count()
        self._begun: float | None = None  # of the loop, when the clock first moved

    def now(self) -> datetime:
        """Wall time of this clock."""
        return self._start + timedelta(microseconds=self._elapsed)

    def monotonic(self) -> float:
        """Seconds of this clock since it was made."""
        return self._elapsed / _SECOND

    async def sleep(self, seconds: float) -> None:
        """Pause until somebody has moved the clock on by so much; zero lets others run."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        sleeper = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed + math.ceil(seconds * _SECOND), next(self._order), sleeper))
        await sleeper

    async def sleep_until(self, when: datetime) -> None:
        """Pause until this clock shows `when`."""
        while (left := (when - self.now()).total_seconds()) > 0:
            await self.sleep(left)

    async def run_until(self, when: datetime) -> None:
        """Move on to `when`, waking everybody on the way; to be called by one task at a time."""
        goal = (when - self._start) // _MICROSECOND
        await _quiet()
        while (following := self._next(goal)) is not None:
            await self._pace(following)
            if self._next(following) != following:
                continue  # somebody who came from outside meanwhile wants to be woken earlier
            _, _, sleeper = heapq.heappop(self._sleepers)
            self._elapsed = following
            sleeper.set_result(None)
            await _quiet()
        await self._pace(goal)
        self._elapsed = max(self._elapsed, goal)

    def _next(self, goal: int) -> int | None:
        while self._sleepers and self._sleepers[0][2].done():  # cancelled meanwhile
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers and self._sleepers[0][0] <= goal else None

    async def _pace(self, elapsed: int) -> None:
        if not self._speed:
            return
        loop = asyncio.get_running_loop()
        if self._begun is None:
            self._begun = loop.time()
        left = self._begun + elapsed / _SECOND / self._speed - loop.time()
        if left > 0:
            await asyncio.sleep(left)


async def _quiet() -> None:
    """Let others run until nobody has anything to do but wait."""
    ready = cast("deque[asyncio.Handle]", cast("Any", asyncio.get_running_loop())._ready)
    await asyncio.sleep(0)
    while ready:  # noqa: ASYNC110 (what is waited for is that nobody else is ready)
        await asyncio.sleep(0)
