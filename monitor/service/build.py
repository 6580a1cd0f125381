"""Puts a service together from the real adapters. What can fail for a wrong site fails here, before anything starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version

from monitor.adapters.clock import SystemClock, chance
from monitor.adapters.feeds import open_feed
from monitor.adapters.fetch import Fetcher
from monitor.adapters.guard import AddressGuard, parse_allow
from monitor.adapters.host import SystemHost
from monitor.adapters.keyfile import link_keys
from monitor.adapters.probes import Tools, open_probe
from monitor.adapters.store import open_store
from monitor.adapters.timetable import SlotTimetable
from monitor.adapters.transports.factory import open_transports
from monitor.api import ExporterContext
from monitor.config.spec import Site
from monitor.engine.rank import rankings, ranks
from monitor.model.state import UnitState
from monitor.model.unit import Unit
from monitor.ports import Clock, Source
from monitor.service.app import Adapters, Service
from monitor.service.exporters import load_exporters
from monitor.service.metrics import SelfMetrics
from monitor.service.places import open_files

AT_ONCE = 4096  # fetches, of all hosts or of one: the poller has bounded its polls already


def build_service(site: Site) -> Service:
    """A service of this site on the machine's clock, network and disk. Raises ConfigError or StoreError."""
    clock = SystemClock()
    store = open_store(site.store_url, site.root)
    guard, fetcher = open_network(site, clock)
    metrics = SelfMetrics()
    metrics.feeds(frozenset(feed.id for feed in site.feeds))
    context = ExporterContext(denbao_version(), lambda: metrics.page(store, clock.now()), ranks_of(site))
    adapters = Adapters(
        clock=clock,
        store=store,
        timetable=SlotTimetable(clock),
        sources=open_sources(site, clock, guard, fetcher),
        transports=open_transports(site, clock),
        exporters=load_exporters(site.root / "exporters", site.exporters, context),
        chance=chance,
        files=open_files(),
        link_keys=link_keys(site.root / "var" / "links.key"),
        host=SystemHost(site.root / "var", site.own_alarm.heartbeats, fetcher),
        closers=(fetcher.close,),
    )
    return Service(site, adapters, metrics)


def ranks_of(site: Site) -> Callable[[Sequence[Unit], Mapping[str, UnitState]], list[tuple[str, str, int]]]:
    """Ranks within a group by the rules of this site, for exporters."""
    asked = rankings(site.ruleset)

    def within(units: Sequence[Unit], states: Mapping[str, UnitState]) -> list[tuple[str, str, int]]:
        places = ((ranked.id, place) for ranked in asked for place in ranks(ranked, units, states, None))
        return [(place.unit, name, place.rank) for name, place in places if place.rank is not None]

    return within


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
