"""Pushes the page of metrics where nobody can come to scrape it, such as from a site behind NAT: store and forward.

Every `every` seconds a page is made and put into the buffer on disk, with its instant; then what waits is sent, the
oldest first, until all has gone or the receiver fails. So a line that is cut for an hour costs nothing but delay, and
neither does a restart. A receiver that answers with 400 to 499 will not like the same bytes better the next time
(remote-write 1.0): that request is given up, counted and logged; 429 and all else is tried again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from prometheus_client import Metric
from prometheus_client.registry import Collector

from monitor.adapters.pushing.buffer import Buffer
from monitor.adapters.pushing.wire import HEADERS, requests
from monitor.config.spec import PushSpec
from monitor.ports import Clock, Page
from monitor.service.exporters import Unloaded
from monitor.service.instruments import collected as family

log = logging.getLogger(__name__)

Post = Callable[[bytes, tuple[tuple[str, str], ...]], Awaitable[tuple[int, str]]]  # status (0: no answer), why


class Forwarder(Collector):
    """One per service that pushes. `run` is a loop of the service."""

    def __init__(
        self, spec: PushSpec, buffer: Buffer, page: Callable[[], Awaitable[Page]], post: Post, clock: Clock
    ) -> None:
        self._spec = spec
        self._buffer = buffer
        self._page = page
        self._post = post
        self._clock = clock
        self._ended = {"sent": 0, "refused": 0, "dropped": 0}
        self._waiting: tuple[int, float | None] = (0, None)  # bytes, and the instant of the oldest
        self._failing = ""  # why the receiver took nothing last; empty when it did

    async def run(self) -> None:
        """Push for ever; ends by cancellation."""
        while True:
            await self.once()
            await self._clock.sleep(self._spec.every)

    async def once(self) -> None:
        """Keep what is to be told now, then send what waits."""
        try:
            await self._keep()
            await self._send()
            self._waiting = await asyncio.to_thread(self._buffer.waiting)
        except OSError as broken:
            self._fail(f"the buffer cannot be used: {broken}")
        except Unloaded as gone:
            self._fail(f"there is no page to push, the exporter {gone} is unloaded")

    def sentences(self) -> tuple[str, ...]:
        """What the operator must know; empty when all has gone."""
        return (f"push: {self._failing}",) if self._failing else ()

    async def _keep(self) -> None:
        page = (await self._page()).body.decode()
        at = self._clock.now().timestamp()
        bodies = await asyncio.to_thread(lambda: list(requests(page, self._spec.kind, self._spec.labels, at)))
        for part, body in enumerate(bodies):
            dropped = await asyncio.to_thread(self._buffer.add, body, at, part)
            if dropped:
                self._ended["dropped"] += dropped
                log.error("push: the buffer is full, %d of the oldest requests are lost", dropped)

    async def _send(self) -> None:
        while (waiting := await asyncio.to_thread(self._buffer.oldest)) is not None:
            name, body = waiting
            status, why = await self._post(body, HEADERS[self._spec.kind])
            if not 200 <= status < 300 and (status == 429 or not 400 <= status < 500):
                self._fail(f"the receiver takes nothing, what it misses is kept: {why}")
                return
            if status < 300:
                self._ended["sent"] += 1
            else:
                self._ended["refused"] += 1
                log.error("push: the receiver refuses a request, which is given up: %s", why)
            await asyncio.to_thread(self._buffer.remove, name)
        if self._failing:
            log.warning("push: all that waited has gone")
        self._failing = ""

    def _fail(self, why: str) -> None:
        if why != self._failing:
            log.error("push: %s", why)
        self._failing = why

    def collect(self) -> Iterable[Metric]:
        """Called by the registry when the page is made."""
        ended = family("denbao_push_requests_total")
        for outcome, number in self._ended.items():
            ended.add_metric((outcome,), number)
        waiting, oldest = family("denbao_push_waiting_bytes"), family("denbao_push_oldest_age_seconds")
        size, since = self._waiting
        waiting.add_metric((), size)
        oldest.add_metric((), 0.0 if since is None else max(self._clock.now().timestamp() - since, 0.0))
        return (ended, waiting, oldest)
