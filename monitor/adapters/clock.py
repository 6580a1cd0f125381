"""The one home of wall time, monotonic time, waiting and chance."""

from __future__ import annotations

import asyncio
import ctypes
import random
import time
from datetime import UTC, datetime

_SLICE = 30.0  # seconds: a stepped wall clock is noticed after at most this

_TIMEX = 512  # bytes: more than `struct timex` has anywhere; all zero, it asks and sets nothing
_TIME_ERROR = 5  # what adjtimex answers of a clock that nothing keeps


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Wall time, aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never step back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Pause the calling task; zero lets others run."""
        await asyncio.sleep(seconds)

    async def sleep_until(self, when: datetime) -> None:
        """Pause until the wall clock has reached `when`, in slices, so that a step is noticed."""
        while (left := (when - self.now()).total_seconds()) > 0:  # noqa: ASYNC110 (time is what is waited for)
            await asyncio.sleep(min(left, _SLICE))


def chance() -> float:
    """A number in [0, 1) for the spread of retries; the only randomness of the service."""
    return random.random()  # noqa: S311 (spreads retries, guards nothing)


def synchronised() -> bool | None:
    """Whether the kernel calls its clock synchronised (adjtimex, read only); None where it does not say."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR
