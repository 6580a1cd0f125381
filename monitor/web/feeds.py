"""The pages of feeds, for those who put them right: how each answers, and which rows are not believed and why."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from monitor.config.spec import FeedSpec
from monitor.model.errors import NotFound
from monitor.model.reading import Drift, Rejected, SourceHealth
from monitor.model.text import clean
from monitor.model.unit import Unit
from monitor.reporting.refusals import refusal
from monitor.service.app import Service
from monitor.web import shapes
from monitor.web.api import answer
from monitor.web.keys import PAGES, SERVICE
from monitor.web.query import known_only
from monitor.web.texts import Words

_NUMBER = re.compile(r"([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One feed as it is now."""

    id: str
    kind: str
    last_success: datetime | None
    failing_since: datetime | None
    stage: str  # of the failure, in words; empty while it answers
    failure: str  # without the feed's own name
    refused: int  # rows of the last answer that are not believed
    first: Rejected | None  # of these rows
    held: int | None  # rows of an answer that is held back
    drift: Drift | None  # headers that are gone or new

    @property
    def well(self) -> bool:
        """It answers, and everything in it is believed."""
        return self.last_success is not None and self.failing_since is None and not self.refused


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """One row that is not believed, as the table shows it."""

    row: Rejected
    place: str  # "dòng 17"
    indicator: str
    why: str
    unit: Unit | None  # a unit of the site, where the row names one


def row_of(spec: FeedSpec, health: SourceHealth | None, t: Words) -> FeedRow:
    """One feed with its trouble in words."""
    if health is None:
        return FeedRow(spec.id, spec.kind, None, None, "", "", 0, None, None, None)
    failing = health.failing_since is not None
    return FeedRow(
        spec.id,
        spec.kind,
        health.last_success,
        health.failing_since,
        t(f"stage_{health.stage or 'fetch'}") if failing else "",
        health.failure.removeprefix(f"feed {spec.id}: ") if failing else "",
        refused_of(health),
        next(iter(in_order(health.rejected)), None),
        health.held,
        health.drift,
    )


def in_order(rows: Iterable[Rejected]) -> list[Rejected]:
    """As they stand in the source: what concerns the whole answer first, line 9 before line 10."""
    return sorted(rows, key=lambda one: (one.reason == "more", [_rank(part) for part in _NUMBER.split(one.row)]))


def _rank(part: str) -> tuple[int, str]:
    return (int(part), "") if part.isdecimal() else (0, part)


def refused_of(health: SourceHealth) -> int:
    """How many rows of the last answer are not believed, also those that are only counted."""
    return sum(health.refused.values()) or len(health.rejected)


async def listed(request: web.Request) -> web.Response:
    """All feeds, those in trouble first."""
    service, pages = request.app[SERVICE], request.app[PAGES]
    t, health = pages.words(request), service.evaluator.health
    rows = [row_of(feed, health.get(feed.id), t) for feed in service.site.feeds]
    rows.sort(key=lambda row: (row.failing_since is None, row.refused == 0))
    return pages.show(request, "feeds.html", {"feeds": rows, "refusal": refusal})


async def feed(request: web.Request) -> web.Response:
    """One feed: how it answers, and the rows of its last answer that are not believed."""
    service, pages = request.app[SERVICE], request.app[PAGES]
    t = pages.words(request)
    spec = _asked(request)
    health = service.evaluator.health.get(spec.id)
    refused, rows = (health.refused, in_order(health.rejected)) if health else ({}, [])
    context = {
        "feed": row_of(spec, health, t),
        "owner": service.site.units[spec.owner],
        "every": t.span(spec.period),
        "shape": health.shape if health else None,
        "counts": [(number, t.pick(refusal(reason)), reason) for reason, number in sorted(refused.items())],
        "rows": [_shown(one, service, t) for one in rows if one.reason != "more"],
    }
    return pages.show(request, "feed.html", context)


def _shown(refused: Rejected, service: Service, t: Words) -> RefusedRow:
    indicator = service.site.ruleset.indicators.get(refused.column)
    name = t.pick((indicator.name_vi, indicator.name_en)) if indicator else refused.column
    units = service.site.units
    unit = units[refused.unit] if refused.unit in units else None  # noqa: SIM401 it is no dictionary
    return RefusedRow(refused, t.place(refused.row), name, t.pick(refusal(refused.reason)), unit)


async def feeds_document(request: web.Request) -> web.Response:
    """All feeds in site order."""
    known_only(request, ())
    service = request.app[SERVICE]
    health = service.evaluator.health
    return answer({"items": [shapes.feed_summary(feed, health.get(feed.id)) for feed in service.site.feeds]})


async def feed_document(request: web.Request) -> web.Response:
    """One feed with its rows that are not believed."""
    known_only(request, ())
    spec = _asked(request)
    return answer(shapes.feed_detail(spec, request.app[SERVICE].evaluator.health.get(spec.id)))


def _asked(request: web.Request) -> FeedSpec:
    name = clean(request.match_info["id"])
    found = next((feed for feed in request.app[SERVICE].site.feeds if feed.id == name), None)
    if found is None:
        raise NotFound(f"no feed {name!r}")
    return found
