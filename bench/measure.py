"""Figures, the clock of the benchmarks, and a watcher that sees the event loop stall."""

from __future__ import annotations

import asyncio
import gc
from array import array
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from time import perf_counter, process_time
from typing import Any


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


@dataclass(frozen=True, slots=True)
class Spent:
    """What some work took: seconds on the wall, and seconds of processor of all threads of this process."""

    wall: float
    cpu: float


class Watch:
    """`with Watch() as watch: ...` and then `watch.spent`. It collects no garbage: that would be a stall by itself."""

    spent = Spent(0.0, 0.0)

    def __enter__(self) -> Watch:
        self._wall, self._cpu = perf_counter(), process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.spent = Spent(perf_counter() - self._wall, process_time() - self._cpu)


def best(work: Callable[[], object], times: int = 3) -> Spent:
    """The quickest of some calls: what the machine can do when nobody disturbs it."""
    found = []
    for _ in range(times):
        gc.collect()
        with Watch() as watch:
            work()
        found.append(watch.spent)
    return min(found, key=lambda spent: spent.cpu)


@dataclass
class Stalls:
    """How much longer than asked the event loop kept a task waiting that asks for a turn every millisecond."""

    step: float = 0.001  # seconds
    # Seconds. Not a list: in an hour its floats would be 20 MiB of the memory that is measured.
    lags: array[float] = field(default_factory=partial(array, "d"))
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
