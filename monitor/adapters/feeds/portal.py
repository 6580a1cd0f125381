"""The Decision 766 index on the National Public Service Portal, in both generations of its undocumented interface.

The portal is somebody else's: it is asked once a night, one request at a time with 1 to 5 s between two, by a reader
that says who it is. Refused (429, 403, 5xx) or not understood, it is left alone for half an hour, then twice as long,
and four hours after its hour until the next night. What was answered tonight is asked no second time, over a restart
too. Whatever is not the expected JSON is no data, never a zero.
"""

from __future__ import annotations

import asyncio
import json as standard
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from weakref import WeakValueDictionary
from zlib import crc32

from monitor.adapters.feeds.body import NotFetched, Unreadable, read_text
from monitor.adapters.feeds.cells import Cell
from monitor.adapters.feeds.json import load
from monitor.adapters.feeds.moments import parts_of
from monitor.adapters.feeds.night import Night, Refused
from monitor.adapters.feeds.numbers import Number, Unfit, read_number, shown
from monitor.adapters.feeds.rows import Answer, Frame, Row, failed
from monitor.adapters.fetch import Failure, Fetcher, Request, Response
from monitor.config.sources import PORTAL_GROUPS, PORTAL_METRIC, PORTAL_POINTS
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
        super().__init__(why, wait)
        self.wait = wait

    def __str__(self) -> str:
        return str(self.args[0])


_HOSTS: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # one request at a time, whoever asks


class Nightly:
    """The way of the portal. `chance` gives numbers from 0 to below 1; the night is kept below `folder`."""

    def __init__(
        self,
        spec: FeedSpec,
        portal: Portal,
        fetcher: Fetcher,
        clock: Clock,
        chance: Callable[[], float],
        frame: Frame,
        folder: Path,
    ) -> None:
        self._spec = spec
        self._portal = portal
        self._fetcher = fetcher
        self._clock = clock
        self._chance = chance
        self._frame = frame
        self._folder = folder
        self._alone = _HOSTS.setdefault(urlsplit(spec.url).netloc, asyncio.Lock())
        self._night: Night | None = None  # not read from the disk before the first question: another life may end
        self._done: datetime | None = None  # beginning of the night that is done with

    def rests(self, now: datetime) -> bool:
        """Whether this is not its hour, tonight is done, it was refused lately, or somebody else asks the portal."""
        begins = self._begins(now)
        if now >= begins + WINDOW or begins == self._done or self._alone.locked():
            return True
        until = self._tonight(begins).refused.until
        return until is not None and now < until

    async def __call__(self, now: datetime) -> Collected:
        """Ask for all that is wanted and was not answered yet, one after another."""
        night = self._tonight(self._begins(now))
        try:
            async with self._alone:
                pages, at = await self._pages(night, now)
        except Unreadable as refused:
            times = night.refused.times
            wait = max(PAUSE * 2**times, refused.wait if isinstance(refused, _Refused) else 0.0)
            night.refuse(Refused(times + 1, self._clock.now() + timedelta(seconds=wait)))
            return failed(self._spec, now, f"no data: {refused}", refused.stage)
        self._done = night.begins
        return await asyncio.to_thread(read, self._spec, self._portal, pages, now, replace(self._frame, written=at))

    def _tonight(self, begins: datetime) -> Night:
        if self._night is None or self._night.begins != begins:
            self._night = Night(self._folder, begins)
        return self._night

    def _begins(self, now: datetime) -> datetime:
        """When the night began, or begins, that an instant belongs to: the last beginning before it."""
        local = self._frame.calendar.local(now)
        start = datetime.combine(local.date(), NIGHT, local.tzinfo)
        start += timedelta(seconds=crc32(self._spec.id.encode()) % SPREAD)
        return (start if start <= local else start - timedelta(days=1)).astimezone(UTC)

    async def _pages(self, night: Night, now: datetime) -> tuple[Rows, datetime]:
        """All rows of all services, and when the first of them came. Raises Unreadable: half a table is none."""
        end = self._clock.monotonic() + PATIENCE
        pages: dict[str, Sequence[object]] = {}
        came: list[datetime] = []
        for service in self._portal.services if self._portal.generation == 2 else ("report_tinh_766_service",):
            before: Sequence[object] = ()
            for number in range(1, MAX_PAGES + 1):
                place = f"{service}, page {number}"
                question = _question(self._spec, self._portal, service, number, parts_of(now, self._frame.calendar))
                try:
                    kept = await asyncio.to_thread(night.find, question)
                    body, at = kept or (await self._asked(question, end, now, spaced=bool(pages)), now)
                    rows, last = await asyncio.to_thread(table, self._portal, body, number)
                    if rows and rows == before:
                        raise Unreadable("it is the same as the one before")
                except Unreadable as error:
                    raise type(error)(f"{place}: {error}", *error.args[1:]) from None
                if kept is None:
                    await asyncio.to_thread(night.keep, question, body, at)
                pages[f"{place}, "] = before = rows
                came.append(at)
                if last:
                    break
            else:
                raise Unreadable(f"{service}: more than {MAX_PAGES} pages")
        return pages, min(came)

    async def _asked(self, question: Request, end: float, now: datetime, *, spaced: bool) -> bytes:
        """One answer. Raises _Refused."""
        if spaced:
            await self._clock.sleep(LEAST + (MOST - LEAST) * self._chance())
        left = end - self._clock.monotonic()
        if left <= 0:
            raise _Refused(f"no whole table within {PATIENCE:g} s")
        answer = await self._fetcher.fetch(replace(question, timeout=min(question.timeout, left)))
        if isinstance(answer, Failure):
            raise _Refused(f"{answer.kind}: {answer.detail}")
        if answer.status != 200:
            raise _Refused(f"HTTP status {answer.status}", _wait(answer, now))
        return answer.body


def _question(spec: FeedSpec, portal: Portal, service: str, number: int, day: Mapping[str, int]) -> Request:
    base = spec.url.rstrip("/")
    more: tuple[tuple[str, str], ...] = ()
    who = ("User-Agent", f"denbao (reads the Decision 766 index once a night; contact: {portal.contact})")
    if portal.generation == 1:
        given = {
            "type": "ref", "service": service, "p_nam": str(day["year"]),
            "p_6thang": (day["month"] + 5) // 6 if portal.span == "half" else 0,
            "p_quy": day["quarter"] if portal.span == "quarter" else 0,
            "p_thang": day["month"] if portal.span == "month" else 0,
            "p_tinh_id": portal.root, "p_loaidonvi": 1, "loaichitieu": 0, "pageIndex": number, "pageSize": PAGE,
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


def table(portal: Portal, body: bytes, number: int) -> tuple[Sequence[object], bool]:
    """Rows of one page and whether it is the last. Pure. Raises Unreadable for another shape."""
    document = load(read_text(body, {}, "utf-8", "JSON"))
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
        elif column.value in PORTAL_GROUPS:
            if (points := _group(row.get("groupScores"), column.value)) is not None:
                yield Cell(column, _points(column, points))
        elif (match := PORTAL_METRIC.fullmatch(column.value)) is None:
            if row.get(column.value) is not None:
                yield Cell(column, _one(row[column.value]))
        elif metric := next((one for one in known if one.get("code") == match[1]), None):
            if match[2] in (None, "ratio"):
                parts = (_one(metric.get("numerator")), _one(metric.get("denominator")))
                yield Cell(column, _one(metric.get("ratio")), *parts)
            else:
                yield Cell(column, _one(metric.get(match[2])))


def _group(scores: object, code: str) -> object:
    """Points of a group of the index, from an object by its codes or a list of objects; None where there are none."""
    if isinstance(scores, dict):
        return scores.get(code)
    rows = [one for one in scores if isinstance(one, dict)] if isinstance(scores, list) else []
    return next((one.get("score") for one in rows if one.get("code") == code), None)


def _points(column: Column, raw: object) -> object:
    """Points of a group; more than it can have stand in the wrong column."""
    most = PORTAL_POINTS[column.value]
    number = read_number(raw) if isinstance(raw, (str, int, float)) and not isinstance(raw, bool) else None
    if isinstance(number, Number) and number.value > most:
        return Unfit("out-of-range", f"{column.value} has at most {most:g} points, not {shown(raw)}")
    return _one(raw)


def _one(raw: object) -> object:
    if raw is None or isinstance(raw, (str, int, float)):
        return raw
    return Unfit("not-a-number", "there is no single value")
