"""The way of a page: one question over HTTP, read by the pure function of its kind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

from monitor.adapters.feeds.moments import parts_of
from monitor.adapters.feeds.rows import Frame, failed
from monitor.adapters.fetch import Failure, Fetcher, Request
from monitor.config.spec import FeedSpec
from monitor.model.hours import Calendar
from monitor.model.reading import Collected

OFF_LOOP = 16 * 1024  # bytes beyond which an answer is read in a thread: 64 KiB of chosen JSON can take a second

Parse = Callable[[FeedSpec, bytes, Mapping[str, str], datetime, Frame], Collected]


class Page:
    """Asks one URL."""

    def __init__(self, spec: FeedSpec, parse: Parse, fetcher: Fetcher, frame: Frame) -> None:
        self._spec = spec
        self._parse = parse
        self._fetcher = fetcher
        self._frame = frame

    async def __call__(self, now: datetime) -> Collected:
        """Ask once."""
        answer = await self._fetcher.fetch(_request(self._spec, now, self._frame.calendar))
        if isinstance(answer, Failure):
            return failed(self._spec, now, f"{answer.kind}: {answer.detail}", "fetch")
        if not 200 <= answer.status < 300:
            return failed(self._spec, now, f"HTTP status {answer.status}", "fetch")
        work = (self._spec, answer.body, answer.headers, now, self._frame)
        if len(answer.body) > OFF_LOOP or self._spec.kind == "xlsx":  # which is read by a process, and waited for
            return await asyncio.to_thread(self._parse, *work)
        return self._parse(*work)


def _request(spec: FeedSpec, now: datetime, calendar: Calendar) -> Request:
    headers = [(name, secret.reveal()) for name, secret in spec.headers]
    body = _dated(spec.body, now, calendar).encode() if spec.body else None
    if body is not None and "content-type" not in {name.lower() for name, _ in headers}:
        headers.append(("Content-Type", "application/json"))
    return Request(
        _dated(spec.url, now, calendar),
        method=spec.method,
        headers=tuple(headers),
        body=body,
        timeout=spec.timeout,
        max_wire=spec.max_bytes,
        max_decoded=spec.max_bytes,
    )


def _dated(template: str, now: datetime, calendar: Calendar) -> str:
    """`{year}`, `{quarter}` and `{month}` (without leading zero) of the local day; nothing else is replaced."""
    for name, number in parts_of(now, calendar).items():
        template = template.replace(f"{{{name}}}", str(number))
    return template
