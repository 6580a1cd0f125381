"""Puts a service together from the real adapters. What can fail for a wrong site fails here, before anything starts."""

from __future__ import annotations

import asyncio
from functools import partial
from importlib.metadata import PackageNotFoundError, version

from monitor.adapters.clock import SystemClock, chance
from monitor.adapters.feeds import open_feed
from monitor.adapters.fetch import Failure, Fetcher, Request
from monitor.adapters.guard import AddressGuard
from monitor.adapters.host import SystemHost
from monitor.adapters.keyfile import link_keys
from monitor.adapters.probes import Tools, open_probe
from monitor.adapters.shelf import FolderShelf
from monitor.adapters.store import open_store
from monitor.adapters.timetable import SlotTimetable
from monitor.adapters.transports.factory import open_transports, shelf_of
from monitor.api import ExporterContext
from monitor.config.allow import parse_allow
from monitor.config.spec import PushSpec, Site
from monitor.engine.rank import Ranking, rankings
from monitor.model.text import clean
from monitor.ports import Clock, Source, Store
from monitor.service.app import Adapters, Service
from monitor.service.exporters import load_exporters
from monitor.service.metrics import SelfMetrics
from monitor.service.places import open_files

AT_ONCE = 4096  # fetches, of all hosts or of one: the poller has bounded its polls already


def build_service(site: Site) -> Service:
    """A service of this site on the machine's clock, network and disk. Raises ConfigError or StoreError."""
    clock = SystemClock()
    files = open_files()  # first: how many connections stay open goes by it
    store = open_store(site.store_url, site.root)
    guard, fetcher = open_network(site, clock)
    metrics = SelfMetrics()
    metrics.feeds(frozenset(feed.id for feed in site.feeds))
    context = exporter_context(site, metrics, store, clock)
    adapters = Adapters(
        clock=clock,
        store=store,
        timetable=SlotTimetable(clock),
        sources=open_sources(site, clock, guard, fetcher),
        transports=open_transports(site, clock),
        exporters=load_exporters(site.root / "exporters", site.exporters, context),
        chance=chance,
        files=files,
        apart=asyncio.to_thread,
        link_keys=link_keys(site.root / "var" / "links.key"),
        post=None if site.push is None else partial(pushed, fetcher, site.push),
        shelf=FolderShelf(shelf_of(site)),
        host=SystemHost(site.root / "var", site.own_alarm.heartbeats, fetcher),
        closers=(fetcher.close,),
    )
    return Service(site, adapters, metrics)


def exporter_context(site: Site, metrics: SelfMetrics, store: Store, clock: Clock) -> ExporterContext:
    """What the exporters of a site are given."""
    return ExporterContext(
        denbao_version(),
        lambda openmetrics: metrics.page(store, clock.now(), openmetrics),
        Ranking(
            {ranked.id: ranked for ranked in rankings(site.ruleset)},
            lambda book: book.valid_on(site.calendar.local(clock.now()).date()),
        ),
        site.max_series,
    )


async def pushed(
    fetcher: Fetcher, spec: PushSpec, body: bytes, headers: tuple[tuple[str, str], ...]
) -> tuple[int, str]:
    """Hand a request with metrics to its receiver: the answer's status (0: none came) and what it says."""
    secret = tuple((name, value.reveal()) for name, value in spec.headers)
    answer = await fetcher.fetch(Request(spec.url, "POST", (*headers, *secret), body, timeout=30.0))
    if isinstance(answer, Failure):
        return 0, answer.detail
    return answer.status, f"HTTP {answer.status}: {clean(answer.body.decode(errors='replace'), 200)}"


def open_network(site: Site, clock: Clock) -> tuple[AddressGuard, Fetcher]:
    """The one guard and the one fetcher through which a site dials out."""
    guard = AddressGuard([parse_allow(rule) for rule in site.allow])
    return guard, Fetcher(guard, clock, limit=AT_ONCE)


def open_sources(site: Site, clock: Clock, guard: AddressGuard, fetcher: Fetcher) -> tuple[Source, ...]:
    """All probes and feeds of a site."""
    tools = Tools(fetcher, guard, clock)
    probes = (open_probe(spec, tools) for spec in site.probes)
    codes = {unit.code: unit.valid_to for unit in site.units}
    about = (fetcher, clock, site.calendar, site.ruleset.indicators, codes, site.root)
    feeds = (open_feed(spec, *about) for spec in site.feeds)
    return (*probes, *feeds)


def denbao_version() -> str:
    """Version of the installed distribution; "unknown" in a bare checkout."""
    try:
        return version("denbao")
    except PackageNotFoundError:
        return "unknown"
