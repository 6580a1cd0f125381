"""PromQL feed: one instant query per indicator over the HTTP API of Prometheus and its kin; the unit is in a label."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from monitor.adapters.feeds.body import NotFetched, Unreadable, read_text
from monitor.adapters.feeds.cells import Cell
from monitor.adapters.feeds.json import load
from monitor.adapters.feeds.numbers import Unfit, shown
from monitor.adapters.feeds.page import OFF_LOOP
from monitor.adapters.feeds.prometheus import plain_value
from monitor.adapters.feeds.rows import Answer, Frame, Row, failed
from monitor.adapters.fetch import Failure, Fetcher, Request, Response
from monitor.config.spec import AsOf, Column, FeedSpec
from monitor.model.reading import Collected
from monitor.model.text import clean
from monitor.ports import Clock

MAX_SERIES = 20_000  # of one query
_API = "/api/v1/query"
_SAID = 200  # characters of an error that are repeated
_KINDS = {"matrix": "a range of values", "scalar": "a number without labels", "string": "a text"}

Answers = Mapping[str, bytes | str]  # by indicator: the body that came, or the sentence why none did


class Queries:
    """The way of a PromQL feed: its queries one after another, within the time of one poll.

    One after another, because a server that is slow is not helped by several questions at once.
    """

    def __init__(self, spec: FeedSpec, fetcher: Fetcher, clock: Clock, frame: Frame) -> None:
        self._spec = spec
        self._fetcher = fetcher
        self._clock = clock
        self._frame = frame

    async def __call__(self, now: datetime) -> Collected:
        """Ask every query once."""
        end = self._clock.monotonic() + self._spec.timeout
        answers: dict[str, bytes | str] = {}
        for column in self._spec.columns:
            left = end - self._clock.monotonic()
            said = await self._ask(column, left) if left > 0 else "timeout: no time was left for this query"
            answers[column.indicator] = said
        work = (self._spec, answers, now, self._frame)
        if sum(map(len, answers.values())) > OFF_LOOP:
            return await asyncio.to_thread(read, *work)
        return read(*work)

    async def _ask(self, column: Column, left: float) -> bytes | str:
        answer = await self._fetcher.fetch(_request(self._spec, column, left))
        if isinstance(answer, Failure):
            return f"{answer.kind}: {answer.detail}"
        return answer.body if 200 <= answer.status < 300 or _is_json(answer) else f"HTTP status {answer.status}"


def _request(spec: FeedSpec, column: Column, left: float) -> Request:
    # By POST: a query may be longer than a server takes in a URL.
    form = urlencode({"query": column.value, "timeout": f"{max(round(left * 1000), 1)}ms"})
    parts = urlsplit(spec.url)
    headers = [(name, secret.reveal()) for name, secret in spec.headers if name.lower() != "content-type"]
    return Request(
        parts._replace(path=parts.path.rstrip("/") + _API).geturl(),
        method="POST",
        headers=(*headers, ("Content-Type", "application/x-www-form-urlencoded")),
        body=form.encode(),
        timeout=left,
        max_wire=spec.max_bytes,
        max_decoded=spec.max_bytes,
        tls=spec.tls,
    )


def _is_json(answer: Response) -> bool:
    """An error of the API comes as JSON with a status of its own; its words say more than the number."""
    return answer.headers.get("content-type", "").lower().startswith("application/json")


def read(spec: FeedSpec, answers: Answers, now: datetime, frame: Frame) -> Collected:
    """All believable values of the answers. Never raises for what they hold.

    A query that failed costs its own indicator only; the feed has failed when all of them did.
    """
    answer = Answer(spec, frame, now)
    failures: list[tuple[str, str]] = []  # sentences and stages
    for column in spec.columns:
        try:
            _take(answer, spec, column, _vector(answer, column, answers[column.indicator]))
        except Unreadable as error:
            failures.append((f"{column.indicator}: {error}", error.stage))
            answer.refuse(column.indicator, "no-answer", str(error))
    if len(failures) == len(spec.columns):
        said, stage = failures[0]
        return failed(spec, now, said + (f" (and {len(failures) - 1} more queries)" if failures[1:] else ""), stage)
    return answer.collected()


def _vector(answer: Answer, column: Column, body: bytes | str) -> list[Any]:
    """The samples of one answer. Raises Unreadable."""
    if isinstance(body, str):
        raise NotFetched(body)
    document = load(read_text(body, {}, "utf-8", "JSON"))
    if not isinstance(document, dict) or document.get("status") not in ("success", "error"):
        raise Unreadable("not an answer of the Prometheus API: it has no 'status'")
    if document["status"] == "error":
        raise Unreadable(f"the query was refused: {_error(document)}")
    _warn(answer, column, document.get("warnings"))
    data = document.get("data")
    found = data.get("result") if isinstance(data, dict) else None
    sort = str(data.get("resultType")) if isinstance(data, dict) else ""
    if sort != "vector" or not isinstance(found, list):
        raise Unreadable(f"the query gives {_KINDS.get(sort, 'something else')}, not one value for each unit")
    if len(found) > MAX_SERIES:
        raise Unreadable(f"{len(found)} series are more than the {MAX_SERIES} that are read")
    return found


def _error(document: dict[str, Any]) -> str:
    sort, text = (_words(document.get(key)) for key in ("errorType", "error"))
    return f"{sort or 'error'}: {text or 'no reason is given'}"


def _warn(answer: Answer, column: Column, warnings: object) -> None:
    """What the server says beside its answer, such as that a part of it could not be reached."""
    if isinstance(warnings, list) and warnings:
        answer.refuse(column.indicator, "warning", f"the server warns: {_words(warnings[0])}")


def _words(raw: object) -> str:
    return clean(raw, _SAID) if isinstance(raw, str) else ""


def _take(answer: Answer, spec: FeedSpec, column: Column, samples: list[Any]) -> None:
    if not samples:
        answer.refuse(column.indicator, "missing", "the query gives no series at all")
    for index, sample in enumerate(samples):
        place = f"{column.indicator}[{index}]"
        labels = sample.get("metric") if isinstance(sample, dict) else None
        if not isinstance(labels, dict):
            answer.refuse(place, "bad-row", "the sample has no labels")
            continue
        unit = answer.unit(place, labels.get(spec.unit))
        if unit is None:
            continue
        stamp, value = _point(sample.get("value"))
        as_of = answer.moment(place, labels.get(spec.as_of_field), stamp if spec.as_of is AsOf.FETCH else None)
        if as_of is not None:
            answer.add(Row(place, unit, as_of, (Cell(column, value),), column.indicator))


def _point(raw: object) -> tuple[datetime | None, object]:
    """Instant of evaluation and value of `[1795237200.123, "5"]`."""
    if not isinstance(raw, list) or len(raw) != 2:
        return None, Unfit("not-a-number", "there is no single value: a histogram, or a damaged sample")
    stamp, value = raw
    if not isinstance(value, str) or isinstance(stamp, bool) or not isinstance(stamp, (int, float)):
        return None, Unfit("bad-row", "there is something else than an instant and a value as text")
    try:
        return datetime.fromtimestamp(stamp, UTC), plain_value(value)
    except (ValueError, OverflowError, OSError):
        return None, Unfit("bad-row", f"{shown(stamp)} is not a time stamp")
