"""The way of a table in pages: asked one after another to its end, and taken as a whole or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from urllib.parse import urljoin

from yarl import URL

from monitor.adapters.feeds import json
from monitor.adapters.feeds.body import NotFetched, Unreadable
from monitor.adapters.feeds.json import Part
from monitor.adapters.feeds.numbers import shown
from monitor.adapters.feeds.page import request_of
from monitor.adapters.feeds.rows import Frame, failed
from monitor.adapters.fetch import Failure, Fetcher, Request, safe_url
from monitor.adapters.fetch_redirect import origin_of
from monitor.config.spec import FeedSpec, Paging
from monitor.model.reading import Collected
from monitor.ports import Clock


class Pages:
    """Asks for page after page, within the time and the bytes of one poll.

    A page that fails makes the whole poll a failure that names it: half a table would look like units that fell silent.
    """

    def __init__(self, spec: FeedSpec, paging: Paging, fetcher: Fetcher, clock: Clock, frame: Frame) -> None:
        self._spec = spec
        self._paging = paging
        self._fetcher = fetcher
        self._clock = clock
        self._frame = frame

    async def __call__(self, now: datetime) -> Collected:
        """Ask for the whole table once."""
        try:
            pages = {f"page {number}, ": part.rows for number, part in (await self._parts(now)).items()}
            return await asyncio.to_thread(json.read, self._spec, pages, now, self._frame)
        except Unreadable as error:
            return failed(self._spec, now, str(error), error.stage)

    async def _parts(self, now: datetime) -> Mapping[int, Part]:
        """The pages by their numbers. Raises Unreadable, with the number of the page."""
        end, left, before = self._clock.monotonic() + self._spec.timeout, self._spec.max_bytes, Part(())
        question = request_of(self._spec, now, self._frame.calendar, self._paging.first)
        asked = {question.url}
        parts: dict[int, Part] = {}
        for number in range(self._paging.first, self._paging.first + self._paging.max_pages):
            if not self._paging.next:
                question = request_of(self._spec, now, self._frame.calendar, number)
            try:
                part, size = await self._ask(question, end - self._clock.monotonic(), left)
                parts[number] = part
                if sum(len(one.rows) for one in parts.values()) > self._paging.max_rows:
                    raise Unreadable(f"more than the {self._paging.max_rows} rows that are read")
                more = self._goes_on(number, part, before)
                if more and self._paging.next:
                    question = replace(question, url=_following(question, part, asked))
            except Unreadable as error:
                raise type(error)(f"page {number}: {error}") from None
            if not more:
                return parts
            left, before = left - size, part
        raise Unreadable(f"page {number}: there are more than the {self._paging.max_pages} pages that are read")

    async def _ask(self, question: Request, seconds: float, most: int) -> tuple[Part, int]:
        """One page and its size in bytes. Raises Unreadable."""
        if seconds <= 0:
            raise NotFetched(f"timeout: no whole table within {self._spec.timeout:g} s")
        if most <= 0:
            raise NotFetched(f"the pages before it are {self._spec.max_bytes} bytes already")
        answer = await self._fetcher.fetch(replace(question, timeout=seconds, max_wire=most, max_decoded=most))
        if isinstance(answer, Failure):
            raise NotFetched(f"{answer.kind}: {answer.detail}")
        if not 200 <= answer.status < 300:
            raise NotFetched(f"HTTP status {answer.status}")
        part = await asyncio.to_thread(json.read_part, self._spec, answer.body, answer.headers)
        return part, len(answer.body)

    def _goes_on(self, number: int, part: Part, before: Part) -> bool:
        """Whether another page follows. Raises Unreadable when that cannot be known."""
        if self._paging.next:
            return part.next not in (None, "", False)
        if not self._paging.pages:
            if part.rows and part.rows == before.rows:
                raise Unreadable("it is the same as the one before: the server does not count, or name paging.pages")
            return bool(part.rows)
        pages = _count(self._paging.pages, part.pages)
        if pages > self._paging.max_pages:
            raise Unreadable(f"there are {pages} pages, more than the {self._paging.max_pages} that are read")
        if number > self._paging.first and pages != _count(self._paging.pages, before.pages):
            raise Unreadable(f"there are {pages} pages now, and were {before.pages}: it changed while it was read")
        return number - self._paging.first + 1 < pages


def _count(path: str, raw: object) -> int:
    if isinstance(raw, str) and raw.isascii() and raw.isdigit() and len(raw) <= 9:
        return int(raw)
    if isinstance(raw, int) and not isinstance(raw, bool) and raw >= 0:
        return raw
    raise Unreadable(f"{shown(path)} does not give the number of pages")


def _following(question: Request, part: Part, asked: set[str]) -> str:
    """The address of the next page: of the same server, because the secrets of the feed go with it."""
    if not isinstance(part.next, str):
        raise Unreadable("the link to the next page is no address")
    try:
        address = urljoin(question.url, part.next)
        elsewhere = origin_of(URL(address)) != origin_of(URL(question.url))
    except ValueError:
        raise Unreadable("the link to the next page is no address") from None
    if elsewhere:
        raise Unreadable(f"the link to the next page leads to another server: {shown(safe_url(address))}")
    if address in asked:
        raise Unreadable("the link to the next page leads back to one that was read")
    asked.add(address)
    return address
