"""Puts a service together from the real adapters. What can fail for a wrong site fails here, before anything starts."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from monitor.adapters.clock import SystemClock, chance
from monitor.adapters.feeds import open_feed
from monitor.adapters.fetch import Fetcher
from monitor.adapters.guard import AddressGuard, parse_allow
from monitor.adapters.probes import open_probe
from monitor.adapters.store import open_store
from monitor.adapters.timetable import SlotTimetable
from monitor.adapters.transports.factory import open_transports
from monitor.api import ExporterContext
from monitor.config.spec import Site
from monitor.ports import Clock, Source
from monitor.service.app import Adapters, Service
from monitor.service.exporters import load_exporters
from monitor.service.metrics import SelfMetrics

PARALLEL = 64  # fetches at once; the poller takes a place before a probe's clock starts


def build_service(site: Site) -> Service:
    """A service of this site on the machine's clock, network and disk. Raises ConfigError or StoreError."""
    clock = SystemClock()
    store = open_store(site.store_url, site.root)
    metrics = SelfMetrics()
    metrics.feeds(frozenset(feed.id for feed in site.feeds))
    context = ExporterContext(denbao_version(), lambda: metrics.page(store, clock.now()))
    adapters = Adapters(
        clock=clock,
        store=store,
        timetable=SlotTimetable(clock),
        sources=open_sources(site, clock),
        transports=open_transports(site, clock),
        exporters=load_exporters(site.root / "exporters", site.exporters, context),
        chance=chance,
    )
    return Service(site, adapters, metrics)


def open_sources(site: Site, clock: Clock) -> tuple[Source, ...]:
    """All probes and feeds of a site behind one guard and one fetcher."""
    guard = AddressGuard([parse_allow(rule) for rule in site.allow])
    fetcher = Fetcher(guard, clock, limit=PARALLEL, limit_per_host=PARALLEL)
    probes = (open_probe(spec, fetcher, guard, clock) for spec in site.probes)
    feeds = (open_feed(spec, fetcher, clock, site.calendar, site.ruleset.indicators) for spec in site.feeds)
    return (*probes, *feeds)


def denbao_version() -> str:
    """Version of the installed distribution; "unknown" in a bare checkout."""
    try:
        return version("denbao")
    except PackageNotFoundError:
        return "unknown"
