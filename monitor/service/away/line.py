"""The line to the store: it is asked with patience, and known to be away while it refuses or does not answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from math import inf
from typing import Any, TypeVar

from monitor.model.errors import StoreError
from monitor.ports import Clock

log = logging.getLogger(__name__)
T = TypeVar("T")

RETRY = 1.0  # seconds before a store that refused is asked again
PATIENCE = 20.0  # seconds after which a store that does not answer is away; a lock is waited for for five
_SILENT = f"it does not answer within {PATIENCE:g} s"


class StoreLine:
    """One per evaluator."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.why = ""  # why the store cannot be written now; empty when it can
        self.since: datetime | None = None  # since when; None: it can
        self.away = False  # in this round nothing is committed
        self._since: float | None = None  # monotonic
        self._ask_at = -inf  # monotonic; when a store that is away is asked again
        self._hanging: asyncio.Task[Any] | None = None  # what the store was asked last, if it did not answer

    @property
    def seconds(self) -> float:
        """Seconds for which nothing could be committed."""
        return 0.0 if self._since is None else self._clock.monotonic() - self._since

    @property
    def until_asked(self) -> float:
        """Seconds until a store that is away is to be asked again."""
        return self._ask_at - self._clock.monotonic()

    def ask_now(self) -> None:
        """Somebody waits: it is asked without a pause."""
        self._ask_at = -inf

    def may_be_asked(self) -> bool:
        """Whether it is time to ask a store that is away; one that hangs is not asked twice."""
        now = self._clock.monotonic()
        if self._hangs:
            self._ask_at = now + RETRY
        return now >= self._ask_at

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """What the store answers. Raises StoreError also when it does not; then it is not asked before it has."""
        if self._hangs:
            raise StoreError(_SILENT)
        task, slept = asyncio.ensure_future(question()), asyncio.ensure_future(self._clock.sleep(PATIENCE))
        try:
            await asyncio.wait({task, slept}, return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            task.cancel()
            raise
        finally:
            slept.cancel()
        if task.done():
            return task.result()
        self._hanging = task
        task.add_done_callback(_heed)
        raise StoreError(_SILENT)

    def lost(self, why: str) -> None:
        """Nothing can be committed for a while."""
        now = self._clock.monotonic()
        self.away, self._ask_at = True, now + RETRY
        if why != self.why:
            log.error("the store cannot be written: %s", why)
        if self._since is None:
            self._since, self.since = now, self._clock.now()
        self.why = why

    def restored(self) -> None:
        """What was decided is committed again."""
        if self.why:
            log.warning("the store is written again, after %.0f s", self.seconds)
        self.why, self._since, self.since = "", None, None

    @property
    def _hangs(self) -> bool:
        return self._hanging is not None and not self._hanging.done()


def _heed(task: asyncio.Task[Any]) -> None:
    """What came too late is seen, so that nobody complains; what it wrote is found when the store is asked again."""
    if not task.cancelled():
        task.exception()
