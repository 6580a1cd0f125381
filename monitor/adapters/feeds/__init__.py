"""Sources of many values. A new kind is one small file: a pure `parse` from bytes to readings and refused rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from monitor.adapters.clock import chance
from monitor.adapters.feeds import csv, json, prometheus, xlsx
from monitor.adapters.feeds.feed import Feed, MindfulFeed, ShyFeed, Way
from monitor.adapters.feeds.folder import Folder
from monitor.adapters.feeds.page import Page, Parse
from monitor.adapters.feeds.pages import Pages
from monitor.adapters.feeds.portal import Nightly
from monitor.adapters.feeds.promql import Queries
from monitor.adapters.feeds.rows import Frame
from monitor.adapters.feeds.sql import Query
from monitor.adapters.fetch import Fetcher
from monitor.config.spec import FeedSpec
from monitor.engine.book import Indicator
from monitor.model.hours import Calendar
from monitor.model.reading import Collected
from monitor.model.text import fold
from monitor.ports import Clock, Source

KINDS: Mapping[str, Parse] = {
    "json": json.parse,
    "csv": csv.parse,
    "xlsx": xlsx.parse,
    "prometheus": prometheus.parse,
}


def open_feed(
    spec: FeedSpec,
    fetcher: Fetcher,
    clock: Clock,
    calendar: Calendar,
    indicators: Mapping[str, Indicator],
    units: Iterable[str] | Mapping[str, date | None] | None = None,
    root: Path = Path(),
    chance: Callable[[], float] = chance,
) -> Source:
    """The feed of a spec. `root` is the site's folder, below which drop folders and databases lie.

    `units` are the codes of the site, with the first day on which each is no longer there if it has an end; rows of
    others are refused. Unless given they are those that the spec names.
    Raises KeyError for a kind or an indicator that the config layer would have refused.
    """
    known = units if units is not None else {*spec.mapping.values(), *spec.expects, spec.owner}
    frame = _frame(spec, calendar, indicators, known)
    if spec.portal is not None:
        kept = root / "var" / "portal" / spec.id
        return ShyFeed(spec, Nightly(spec, spec.portal, fetcher, clock, chance, frame, kept), clock)
    if spec.folder:
        return MindfulFeed(spec, Folder(spec, KINDS[spec.kind], root, clock, frame), clock)
    if spec.server is not None:
        from monitor.adapters.feeds.postgres import ServerQuery  # its driver is a twentieth of a start

        return Feed(spec, ServerQuery(spec, spec.server, fetcher.guard, frame), clock)
    return Feed(spec, _way(spec, fetcher, clock, frame, root), clock)


def read_table(
    spec: FeedSpec,
    body: bytes,
    written: datetime,
    now: datetime,
    calendar: Calendar,
    indicators: Mapping[str, Indicator],
    units: Iterable[str] | Mapping[str, date | None],
) -> Collected:
    """What the bytes of a file are worth by a spec of the kinds json, csv and xlsx; never raises for what it holds.

    Rows that state no date are as old as `written`. `units` as in `open_feed`, which says what else is raised.
    """
    return KINDS[spec.kind](spec, body, {}, now, replace(_frame(spec, calendar, indicators, units), written=written))


def labels(spec: FeedSpec, body: bytes) -> frozenset[str]:
    """What may be a header of a CSV file or a workbook, folded. Raises Unreadable."""
    found = xlsx.first_rows(spec, body) if spec.kind == "xlsx" else csv.first_row(spec, body)
    return frozenset(fold(text) for text in found)


def _frame(
    spec: FeedSpec,
    calendar: Calendar,
    indicators: Mapping[str, Indicator],
    units: Iterable[str] | Mapping[str, date | None],
) -> Frame:
    wanted = {column.indicator: indicators[column.indicator] for column in spec.columns}
    ended = {code: last for code, last in units.items() if last} if isinstance(units, Mapping) else {}
    return Frame(calendar, wanted, frozenset(units), ended=ended)


def _way(spec: FeedSpec, fetcher: Fetcher, clock: Clock, frame: Frame, root: Path) -> Way:
    if spec.kind == "promql":
        return Queries(spec, fetcher, clock, frame)
    if spec.kind == "sql":
        return Query(spec, root, clock, frame)
    if spec.paging is not None:
        return Pages(spec, spec.paging, fetcher, clock, frame)
    return Page(spec, KINDS[spec.kind], fetcher, frame)
