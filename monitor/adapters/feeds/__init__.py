"""Sources of many values. A new kind is one small file: a pure `parse` from bytes to readings and refused rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from monitor.adapters.feeds import csv, json, prometheus, xlsx
from monitor.adapters.feeds.feed import Feed, Way
from monitor.adapters.feeds.folder import Folder
from monitor.adapters.feeds.page import Page, Parse
from monitor.adapters.feeds.pages import Pages
from monitor.adapters.feeds.promql import Queries
from monitor.adapters.feeds.rows import Frame
from monitor.adapters.feeds.sql import Query
from monitor.adapters.fetch import Fetcher
from monitor.config.spec import FeedSpec
from monitor.engine.book import Indicator
from monitor.model.hours import Calendar
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
    units: Iterable[str] | None = None,
    root: Path = Path(),
) -> Source:
    """The feed of a spec. `root` is the site's folder, below which drop folders and databases lie.

    `units` are the codes of the site; rows of others are refused. Unless given they are those that the spec names.
    Raises KeyError for a kind or an indicator that the config layer would have refused.
    """
    wanted = {column.indicator: indicators[column.indicator] for column in spec.columns}
    known = frozenset(units) if units is not None else {*spec.mapping.values(), *spec.expects, spec.owner}
    return Feed(spec, _way(spec, fetcher, clock, Frame(calendar, wanted, frozenset(known)), root), clock)


def _way(spec: FeedSpec, fetcher: Fetcher, clock: Clock, frame: Frame, root: Path) -> Way:
    if spec.kind == "promql":
        return Queries(spec, fetcher, clock, frame)
    if spec.kind == "sql":
        return Query(spec, root, clock, frame)
    if spec.folder:
        return Folder(spec, KINDS[spec.kind], root, frame)
    if spec.paging is not None:
        return Pages(spec, spec.paging, fetcher, clock, frame)
    return Page(spec, KINDS[spec.kind], fetcher, frame)
