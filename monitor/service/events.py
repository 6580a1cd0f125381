"""Committed facts for whoever watches. A watcher that is too slow loses its stream, never the service its speed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence

from monitor.model.state import Decision

log = logging.getLogger(__name__)

BACKLOG = 256  # batches a watcher may lag behind


class EventHub:
    """Hands every committed batch to listeners (called at once) and to watchers (their own queues)."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[Sequence[Decision] | None]] = set()
        self._listeners: list[Callable[[Sequence[Decision]], None]] = []

    def listen(self, listener: Callable[[Sequence[Decision]], None]) -> None:
        """Call `listener` with every batch, in commit order; it must be quick."""
        self._listeners.append(listener)

    def publish(self, decisions: Sequence[Decision]) -> None:
        """Called after a commit. A listener that breaks costs itself this batch, nobody else."""
        for listener in self._listeners:
            try:
                listener(decisions)
            except Exception:
                log.exception("a listener broke on a committed batch")
        for queue in tuple(self._queues):
            try:
                queue.put_nowait(decisions)
            except asyncio.QueueFull:
                self._drop(queue)

    async def watch(self) -> AsyncIterator[Sequence[Decision]]:
        """Batches committed from now on; ends when the watcher lags too far or the hub closes."""
        queue: asyncio.Queue[Sequence[Decision] | None] = asyncio.Queue(BACKLOG)
        self._queues.add(queue)
        try:
            while (batch := await queue.get()) is not None:
                yield batch
        finally:
            self._queues.discard(queue)

    @property
    def watchers(self) -> int:
        """Streams open now."""
        return len(self._queues)

    def close(self) -> None:
        """End all streams."""
        for queue in tuple(self._queues):
            self._drop(queue)

    def _drop(self, queue: asyncio.Queue[Sequence[Decision] | None]) -> None:
        self._queues.discard(queue)
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait(None)
