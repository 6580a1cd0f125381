"""One poll of a feed, whatever way its values come: it always ends as a value, in a measured time."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from monitor.adapters.feeds.rows import failed
from monitor.config.spec import FeedSpec
from monitor.model.reading import Collected, SourceHealth
from monitor.ports import Clock

log = logging.getLogger(__name__)

Way = Callable[[datetime], Awaitable[Collected]]  # asks once and reads what came: a page, a query, a file


class Feed:
    """Implements ports.Source for one source of many values."""

    def __init__(self, spec: FeedSpec, way: Way, clock: Clock) -> None:
        self._spec = spec
        self._way = way
        self._clock = clock
        self.id = spec.id
        self.period = spec.period
        self.owner = spec.owner

    async def collect(self, now: datetime) -> Collected:
        """Ask once."""
        started = self._clock.monotonic()
        try:
            collected = await self._way(now)
        except Exception:  # a fault of ours must not look like silence, nor stop the other sources
            log.exception("feed %s: reading the answer broke", self.id)
            collected = failed(self._spec, now, "the answer broke its reader; the log of this service says where")
        return replace(collected, duration=self._clock.monotonic() - started)


class Shy(Protocol):
    """A way that is not gone at each time of its feed."""

    def rests(self, now: datetime) -> bool:
        """Whether not to ask now."""

    async def __call__(self, now: datetime) -> Collected:
        """Ask once."""


class ShyFeed(Feed):
    """Implements ports.Resting, too."""

    def __init__(self, spec: FeedSpec, way: Shy, clock: Clock) -> None:
        super().__init__(spec, way, clock)
        self._shy = way

    def rests(self, now: datetime) -> bool:
        """Whether it is not to be asked now."""
        return self._shy.rests(now)


class Mindful(Protocol):
    """A way that goes on where it stopped."""

    def recall(self, health: SourceHealth | None) -> None:
        """What is remembered of its source by now."""

    async def __call__(self, now: datetime) -> Collected:
        """Ask once."""


class MindfulFeed(Feed):
    """Implements ports.Remembering, too."""

    def __init__(self, spec: FeedSpec, way: Mindful, clock: Clock) -> None:
        super().__init__(spec, way, clock)
        self.recall = way.recall
