"""The Decision 766 index on the National Public Service Portal, in both generations of its undocumented interface.

The portal is somebody else's: it is asked once a night, one request at a time with 1 to 5 s between two, by a reader
that says who it is. Refused (429, 403, 5xx) or not understood, it is left alone for half an hour, then twice as long,
and four hours after its hour until the next night. Whatever is not the expected JSON is no data, never a zero.
"""

from __future__ import annotations

import asyncio
import json as standard
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode, urlsplit
from weakref import WeakValueDictionary
from zlib import crc32

from monitor.adapters.feeds.body import NotFetched, Unreadable, read_text
from monitor.adapters.feeds.cells import Cell
from monitor.adapters.feeds.json import load
from monitor.adapters.feeds.moments import parts_of
from monitor.adapters.feeds.numbers import Number, Unfit, read_number, shown
from monitor.adapters.feeds.rows import Answer, Frame, Row, failed
from monitor.adapters.fetch import Failure, Fetcher, Request, Response
from monitor.config.sources import PORTAL_METRIC, PORTAL_POINTS
from monitor.config.spec import Column, FeedSpec, Portal
from monitor.model.reading import Collected
from monitor.ports import Clock

NIGHT = time(1)  # local, after the portal has made its figures; each feed begins in an hour of its own phase
SPREAD = 3600  # seconds over which the feeds of one site, and sites, are spread
WINDOW = timedelta(hours=4)  # from its beginning on in which a feed may try again
PAUSE = 1800.0  # seconds after the first refusal; twice as long after each further one
LEAST, MOST = 1.0, 5.0  # seconds between two requests, by chance
PATIENCE = 240.0  # seconds for a whole night's questions
PAGE = 200  # rows asked for at once
MAX_PAGES = 20  # of one service
_INDEX = "/p/home/dvc-index-tinhthanhpho-tonghop.html"
_API = "/api/v1/reporting/evaluation/"
_FORM = "/jsp/rest.jsp"

Rows = Mapping[str, Sequence[object]]  # rows by "service-results, page 1, "


class _Refused(NotFetched):
    """Why nothing came, and for how many seconds the portal asks to be left alone."""

    def __init__(self, why: str, wait: float = 0.0) -> None:
        super().__init__(why)
        self.wait = wait


_HOSTS: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # one request at a time, whoever asks


class Nightly:
    """The way of the portal. `chance` gives numbers from 0 to below 1."""

    def __init__(
        self,
        spec: FeedSpec,
        portal: Portal,
        fetcher: Fetcher,
        clock: Clock,
        chance: Callable[[], float],
        frame: Frame,
    ) -> None:
        self._spec = spec
        self._portal = portal
        self._fetcher = fetcher
        self._clock = clock
        self._chance = chance
        self._frame = frame
        self._alone = _HOSTS.setdefault(urlsplit(spec.url).netloc, asyncio.Lock())
        self._night = self._begins(clock.now())  # the last one that is done with: a restart asks nothing
        self._not_before: datetime | None = None
        self._refusals = 0

    def rests(self, now: datetime) -> bool:
        """Whether this is not its hour, tonight is done, it was refused lately, or somebody else asks the portal."""
        night = self._begins(now)
        if night != self._night and self._refusals and now >= night + WINDOW:
            self._done(night)  # tonight the portal would not
        waits = self._not_before is not None and now < self._not_before
        return night == self._night or now >= night + WINDOW or waits or self._alone.locked()

    async def __call__(self, now: datetime) -> Collected:
        """Ask for all that is wanted, one after another."""
        night = self._begins(now)
        try:
            async with self._alone:
                pages = await self._pages(now)
        except Unreadable as refused:
            wait = max(PAUSE * 2**self._refusals, refused.wait if isinstance(refused, _Refused) else 0.0)
            self._refusals += 1
            self._not_before = self._clock.now() + timedelta(seconds=wait)
            return failed(self._spec, now, f"no data: {refused}", refused.stage)
        self._done(night)
        return await asyncio.to_thread(read, self._spec, self._portal, pages, now, self._frame)

    def _done(self, night: datetime) -> None:
        self._night, self._not_before, self._refusals = night, None, 0

    def _begins(self, now: datetime) -> datetime:
        """When the night began, or begins, that an instant belongs to: the last beginning before it."""
        local = self._frame.calendar.local(now)
        start = datetime.combine(local.date(), NIGHT, local.tzinfo)
        start += timedelta(seconds=crc32(self._spec.id.encode()) % SPREAD)
        return (start if start <= local else start - timedelta(days=1)).astimezone(UTC)

    async def _pages(self, now: datetime) -> Rows:
        """All rows of all services. Raises _Refused and Unreadable: half a table is none."""
        end = self._clock.monotonic() + PATIENCE
        pages: dict[str, Sequence[object]] = {}
        for service in self._portal.services if self._portal.generation == 2 else ("report_tinh_766_service",):
            before: Sequence[object] = ()
            for number in range(1, MAX_PAGES + 1):
                if pages:
                    await self._clock.sleep(LEAST + (MOST - LEAST) * self._chance())
                place = f"{service}, page {number}"
                rows, last = await self._page(service, number, now, place, end - self._clock.monotonic())
                if rows and rows == before:
                    raise Unreadable(f"{place}: it is the same as the one before")
                pages[f"{place}, "] = before = rows
                if last:
                    break
            else:
                raise Unreadable(f"{service}: more than {MAX_PAGES} pages")
        return pages

    async def _page(
        self, service: str, number: int, now: datetime, place: str, left: float
    ) -> tuple[Sequence[object], bool]:
        if left <= 0:
            raise _Refused(f"{place}: no whole table within {PATIENCE:g} s")
        days = parts_of(now, self._frame.calendar)
        question = _question(self._spec, self._portal, service, number, days)
        answer = await self._fetcher.fetch(replace(question, timeout=min(question.timeout, left)))
        if isinstance(answer, Failure):
            raise _Refused(f"{place}: {answer.kind}: {answer.detail}")
        if answer.status != 200:
            raise _Refused(f"{place}: HTTP status {answer.status}", _wait(answer, now))
        try:
            document = await asyncio.to_thread(_document, answer)
            return _table(self._portal, document, number)
        except Unreadable as error:
            raise Unreadable(f"{place}: {error}") from None


def _document(answer: Response) -> object:
    return load(read_text(answer.body, answer.headers, "utf-8", "JSON"))


def _question(spec: FeedSpec, portal: Portal, service: str, number: int, day: Mapping[str, int]) -> Request:
    base = spec.url.rstrip("/")
    more: tuple[tuple[str, str], ...] = ()
    who = ("User-Agent", f"denbao (reads the Decision 766 index once a night; contact: {portal.contact})")
    if portal.generation == 1:
        given = {
            "type": "ref", "service": service, "p_nam": str(day["year"]), "p_6thang": 0,
            "p_quy": day["quarter"] if portal.span == "quarter" else 0,
            "p_thang": day["month"] if portal.span == "month" else 0,
            "p_tinh_id": portal.root, "pageIndex": number, "pageSize": PAGE,
        }  # fmt: skip
        body = urlencode({"params": standard.dumps(given)})
        kind = "application/x-www-form-urlencoded; charset=UTF-8"
        more = (("X-Requested-With", "XMLHttpRequest"), ("Referer", base + _INDEX))
        address = base + _FORM
    else:
        within = {} if portal.span == "year" else {portal.span: day[portal.span]}
        body = standard.dumps({
            "timeType": portal.span, "year": day["year"], **within, "rootDepartmentId": portal.root,
            "currentPage": number, "pageSize": PAGE,
        })  # fmt: skip
        kind, address = "application/json", base + _API + service
    return Request(
        address,
        method="POST",
        headers=(who, ("Content-Type", kind), *more),
        body=body.encode(),
        timeout=spec.timeout,
        max_wire=spec.max_bytes,
        max_decoded=spec.max_bytes,
    )


def _wait(answer: Response, now: datetime) -> float:
    """Seconds that a `Retry-After` asks for, at most a day."""
    said = answer.headers.get("retry-after", "")
    if said.isascii() and said.isdigit():
        return min(float(said[:9]), 86_400.0)
    try:
        return min(max((parsedate_to_datetime(said) - now).total_seconds(), 0.0), 86_400.0)
    except (ValueError, TypeError, OverflowError):
        return 0.0


def _table(portal: Portal, document: object, number: int) -> tuple[Sequence[object], bool]:
    """Rows of one page and whether it is the last. Raises Unreadable for another shape."""
    if portal.generation == 1:
        if not isinstance(document, list):
            raise Unreadable("not the table of the portal: no list of rows")
        return document, len(document) < PAGE
    data = document.get("data") if isinstance(document, dict) else None
    if not isinstance(data, dict):
        raise Unreadable("not the table of the portal: it has no 'data'")
    rows = data.get("evaluation", data.get("children"))
    if not isinstance(rows, list):
        raise Unreadable("not the table of the portal: neither 'evaluation' nor 'children' is a list")
    pages = data.get("totalPages")
    last = number >= pages if isinstance(pages, int) and not isinstance(pages, bool) else len(rows) < PAGE
    above = data.get("overview")  # the province itself
    return ([{**above, "childGroup": "ROOT"}, *rows] if number == 1 and isinstance(above, dict) else rows), last


def read(spec: FeedSpec, portal: Portal, pages: Rows, now: datetime, frame: Frame) -> Collected:
    """All believable values of a night. Pure; never raises for what the rows hold."""
    answer = Answer(spec, frame, now)
    for page, rows in pages.items():
        for number, row in enumerate(rows, start=1):
            place = f"{page}row {number}"
            if not isinstance(row, dict):
                answer.refuse(place, "bad-row", "the row is no object")
            elif _is_wanted(portal, spec, row):
                _take(answer, spec, portal, place, row)
    if answer.has_rows:
        answer.refuse_silent(spec.columns)
    return answer.collected()


def _is_wanted(portal: Portal, spec: FeedSpec, row: Mapping[str, Any]) -> bool:
    """Departments stand in the same list and have no colour here; the province does where it names itself."""
    if portal.generation == 1:
        return row.get("CAPDONVIID") != "1"
    return row.get("childGroup") != "AGENCY" and (row.get("childGroup") != "ROOT" or bool(row.get(spec.unit)))


def _take(answer: Answer, spec: FeedSpec, portal: Portal, place: str, row: Mapping[str, Any]) -> None:
    unit = answer.unit(place, row.get(spec.unit) if isinstance(row.get(spec.unit), (str, int)) else None)
    as_of = answer.moment(place, row.get(spec.as_of_field)) if unit is not None else None
    if unit is None or as_of is None:
        return
    for cell in _cells(spec, portal, row):
        answer.add(Row(place, unit, as_of, (cell,), cell.column.indicator))


def _cells(spec: FeedSpec, portal: Portal, row: Mapping[str, Any]) -> Iterator[Cell]:
    metrics = row.get("metrics")
    known = [one for one in metrics if isinstance(one, dict)] if isinstance(metrics, list) else []
    for column in spec.columns:
        if portal.generation == 1:
            yield Cell(column, _points(column, row.get(column.value)))
        elif (match := PORTAL_METRIC.fullmatch(column.value)) is None:
            if row.get(column.value) is not None:
                yield Cell(column, _one(row[column.value]))
        elif metric := next((one for one in known if one.get("code") == match[1]), None):
            if match[2] in (None, "ratio"):
                parts = (_one(metric.get("numerator")), _one(metric.get("denominator")))
                yield Cell(column, _one(metric.get("ratio")), *parts)
            else:
                yield Cell(column, _one(metric.get(match[2])))


def _points(column: Column, raw: object) -> object:
    """Points of generation 1, as text; more than the group can have stand in the wrong column."""
    most = PORTAL_POINTS[column.value]
    number = read_number(raw) if isinstance(raw, str) else None
    if isinstance(number, Number) and number.value > most:
        return Unfit("out-of-range", f"{column.value} has at most {most:g} points, not {shown(raw)}")
    return _one(raw)


def _one(raw: object) -> object:
    if raw is None or isinstance(raw, (str, int, float)):
        return raw
    return Unfit("not-a-number", "there is no single value")
