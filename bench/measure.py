"""Figures, the clock of the benchmarks, and a watcher that sees the event loop stall."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from time import perf_counter
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `ratio` is `value` divided by `reference`, which was measured in the same run."""

    name: str
    value: float
    unit: str  # s, ms, bytes, per s, MB ...
    reference: float | None = None
    against: str = ""  # what the reference is

    @property
    def ratio(self) -> float | None:
        return self.value / self.reference if self.reference else None

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": self.ratio}


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds and result of one call, without a collection of garbage that earlier work left."""
    gc.collect()
    begun = perf_counter()
    result = work()
    return perf_counter() - begun, result


async def timed_async(work: Awaitable[T]) -> tuple[float, T]:
    """Seconds and result of a coroutine. Collects no garbage, for a watcher of the event loop would see that."""
    begun = perf_counter()
    result = await work
    return perf_counter() - begun, result


def best(work: Callable[[], object], times: int = 3) -> float:
    """Seconds of the quickest of some calls: what the machine can do when nobody disturbs it."""
    return min(timed(work)[0] for _ in range(times))


@dataclass
class Stalls:
    """How much longer than asked the event loop kept a task waiting that asks for a turn every millisecond."""

    step: float = 0.001  # seconds
    lags: list[float] = field(default_factory=list)  # seconds
    _task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Stalls:
        gc.collect()
        self._task = asyncio.create_task(self._watch())
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            await asyncio.sleep(2 * self.step)  # so that a stall that is just over is counted
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            before = perf_counter()
            await asyncio.sleep(self.step)
            self.lags.append(perf_counter() - before - self.step)

    @property
    def longest(self) -> float:
        """Milliseconds."""
        return 1000 * max(self.lags, default=0.0)

    @property
    def p99(self) -> float:
        """Milliseconds: 99 of 100 turns were given within this time."""
        ranked = sorted(self.lags)
        return 1000 * ranked[int(len(ranked) * 0.99)] if ranked else 0.0
