"""The way of a page: one question over HTTP, read by the pure function of its kind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from http import HTTPStatus

from monitor.adapters.feeds.moments import parts_of
from monitor.adapters.feeds.rows import Frame, failed
from monitor.adapters.fetch import Failure, Fetcher, Request, Response
from monitor.config.spec import FeedSpec
from monitor.model.hours import Calendar
from monitor.model.reading import Collected

OFF_LOOP = 16 * 1024  # bytes beyond which an answer is read in a thread: 64 KiB of chosen JSON can take a second
_LONG = ("json", "xlsx")  # a path may take long over a short answer; a workbook is read by a process, and waited for

Parse = Callable[[FeedSpec, bytes, Mapping[str, str], datetime, Frame], Collected]


@dataclass(frozen=True, slots=True)
class Version:
    """The table that was there last, so that a server need not send it again.

    `written` is how old it is, `stated` whether the server says so.
    """

    url: str
    body: bytes
    headers: Mapping[str, str]
    written: datetime
    stated: bool


class Page:
    """Asks one URL.

    A conditional feed tells the server what it has, and takes 304 for the same table once more. Rows of it that state
    no date are as old as the table: as its Last-Modified, else as the poll that first brought it. Asked again and
    again, a forgotten table would otherwise be fresh for ever; that a restart finds the same one, of which its server
    does not say how old it is, `engine.hygiene` remembers. Older than `max_silence`, it is a failure, as in a drop
    folder.
    """

    def __init__(self, spec: FeedSpec, parse: Parse, fetcher: Fetcher, frame: Frame) -> None:
        self._spec = spec
        self._parse = parse
        self._fetcher = fetcher
        self._frame = frame
        self._known: Version | None = None

    async def __call__(self, now: datetime) -> Collected:
        """Ask once."""
        spec, frame = self._spec, self._frame
        question = request_of(spec, now, frame.calendar)
        known = self._known if self._known is not None and self._known.url == question.url else None
        answer = await self._fetcher.fetch(_only_if_changed(question, known))
        if isinstance(answer, Failure):
            return failed(spec, now, f"{answer.kind}: {answer.detail}", "fetch")
        if known is not None and answer.status == HTTPStatus.NOT_MODIFIED:
            answer = replace(answer, status=200, body=known.body, headers={**known.headers, **answer.headers})
        if not 200 <= answer.status < 300:
            return failed(spec, now, f"HTTP status {answer.status}", "fetch")
        undated = False
        if spec.conditional:
            self._known = version = _version(question.url, answer, known, now)
            age = (now - version.written).total_seconds()
            if age > spec.max_silence:
                return failed(spec, now, f"the table has not changed for {age / 3600:.0f} hours", "fetch")
            frame, undated = replace(frame, written=version.written), not version.stated
        work = (spec, answer.body, answer.headers, now, frame)
        if len(answer.body) > OFF_LOOP or spec.kind in _LONG:
            collected = await asyncio.to_thread(self._parse, *work)
        else:
            collected = self._parse(*work)
        if undated and collected.shape is not None:
            table = blake2b(answer.body, digest_size=16).hexdigest()
            return replace(collected, shape=replace(collected.shape, table=table))
        return collected


def _only_if_changed(question: Request, known: Version | None) -> Request:
    if known is None:
        return question
    names = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}
    said = tuple((names[name], known.headers[name]) for name in names if known.headers.get(name))
    return replace(question, headers=(*question.headers, *said))


def _version(url: str, answer: Response, known: Version | None, now: datetime) -> Version:
    stated = _stated(answer.headers.get("last-modified", ""))
    if stated is not None and stated <= now:
        return Version(url, answer.body, answer.headers, stated, stated=True)
    written = known.written if known is not None and known.body == answer.body else now
    return Version(url, answer.body, answer.headers, written, stated=False)


def _stated(last_modified: str) -> datetime | None:
    try:
        written = parsedate_to_datetime(last_modified)
        return written.replace(tzinfo=written.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def request_of(spec: FeedSpec, now: datetime, calendar: Calendar, page: int | None = None) -> Request:
    """What a feed asks at `now`; of a table in pages that are counted, for one `page`."""
    headers = [(name, secret.reveal()) for name, secret in spec.headers]
    given = parts_of(now, calendar) | ({} if page is None else {"page": page})
    body = _filled(spec.body, given).encode() if spec.body else None
    if body is not None and "content-type" not in {name.lower() for name, _ in headers}:
        headers.append(("Content-Type", "application/json"))
    return Request(
        _filled(spec.url, given),
        method=spec.method,
        headers=tuple(headers),
        body=body,
        timeout=spec.timeout,
        max_wire=spec.max_bytes,
        max_decoded=spec.max_bytes,
        tls=spec.tls,
    )


def _filled(template: str, given: Mapping[str, int]) -> str:
    """`{year}`, `{quarter}` and `{month}` (without leading zero) of the local day, `{page}`; nothing else."""
    for name, number in given.items():
        template = template.replace(f"{{{name}}}", str(number))
    return template
