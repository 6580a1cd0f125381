"""One poll of a feed: ask through the fetcher, then read what came by the pure function of its kind."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from monitor.adapters.feeds.rows import Frame, failed
from monitor.adapters.fetch import Failure, Fetcher, Request, Response
from monitor.config.spec import FeedSpec
from monitor.model.reading import Collected
from monitor.ports import Clock

log = logging.getLogger(__name__)

OFF_LOOP = 16 * 1024  # bytes beyond which an answer is read in a thread: 64 KiB of chosen JSON can take a second

Parse = Callable[[FeedSpec, bytes, Mapping[str, str], datetime, Frame], Collected]


class Feed:
    """Implements ports.Source for one URL of many values."""

    def __init__(self, spec: FeedSpec, parse: Parse, fetcher: Fetcher, clock: Clock, frame: Frame) -> None:
        self._spec = spec
        self._parse = parse
        self._fetcher = fetcher
        self._clock = clock
        self._frame = frame
        self.id = spec.id
        self.period = spec.period
        self.owner = spec.owner

    async def collect(self, now: datetime) -> Collected:
        """Ask once."""
        started = self._clock.monotonic()
        try:
            collected = await self._ask(now)
        except Exception:  # a fault of ours must not look like silence, nor stop the other sources
            log.exception("feed %s: reading the answer broke", self.id)
            collected = failed(self._spec, now, "the answer broke its reader; the log of this service says where")
        return replace(collected, duration=self._clock.monotonic() - started)

    async def _ask(self, now: datetime) -> Collected:
        answer = await self._fetcher.fetch(self._request(now))
        if isinstance(answer, Failure):
            return failed(self._spec, now, f"{answer.kind}: {answer.detail}")
        if not 200 <= answer.status < 300:
            return failed(self._spec, now, f"HTTP status {answer.status}")
        return await self._read(answer, now)

    async def _read(self, answer: Response, now: datetime) -> Collected:
        work = (self._spec, answer.body, answer.headers, now, self._frame)
        if len(answer.body) > OFF_LOOP:
            return await asyncio.to_thread(self._parse, *work)
        return self._parse(*work)

    def _request(self, now: datetime) -> Request:
        spec = self._spec
        headers = [(name, secret.reveal()) for name, secret in spec.headers]
        body = self._dated(spec.body, now).encode() if spec.body else None
        if body is not None and "content-type" not in {name.lower() for name, _ in headers}:
            headers.append(("Content-Type", "application/json"))
        return Request(
            self._dated(spec.url, now),
            method=spec.method,
            headers=tuple(headers),
            body=body,
            timeout=spec.timeout,
            max_wire=spec.max_bytes,
            max_decoded=spec.max_bytes,
        )

    def _dated(self, template: str, now: datetime) -> str:
        """`{year}`, `{quarter}` and `{month}` (without leading zero) of the local day; nothing else is replaced."""
        day = self._frame.calendar.local(now).date()
        parts = {"{year}": day.year, "{quarter}": (day.month + 2) // 3, "{month}": day.month}
        for name, number in parts.items():
            template = template.replace(name, str(number))
        return template
