"""promtool finds nothing to complain about, and a real Prometheus scrapes a running service and answers questions."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from monitor.adapters.clock import SystemClock
from monitor.adapters.feeds import open_feed
from monitor.adapters.fetch import Fetcher
from monitor.adapters.guard import AddressGuard, parse_allow
from monitor.adapters.store import MemoryStore
from monitor.adapters.timetable import SlotTimetable
from monitor.api import ExporterContext
from monitor.config.build import load_site
from monitor.config.probespec import ProbeSpec
from monitor.config.spec import AsOf, Column, FeedSpec, Site
from monitor.model.colour import Colour
from monitor.model.reading import Check, Collected, Reading
from monitor.model.unit import Level
from monitor.service.app import Adapters, Service
from monitor.service.exporters import load_exporters
from monitor.service.metrics import SelfMetrics
from monitor.testing import ScriptedSource
from monitor.web.access import Tokens
from monitor.web.app import create_app, serve
from tests.integration.timeseries import PATIENCE, prometheus, until, victoria_metrics

pytestmark = [pytest.mark.integration, pytest.mark.needs("prometheus"), pytest.mark.needs("promtool")]
ROOT = Path(__file__).parents[2]
RED, GREEN = "02143", "05710"  # communes whose centre fails, and whose centre is well


def site() -> Site:
    """The default site without its simulated province: the units, rules and plans are the real ones."""
    now = SystemClock().now()
    made = load_site(ROOT, environ={}, now=now)
    return replace(made, simulation=None, store_url="memory:", feeds=made.feeds[:1])


@asynccontextmanager
async def serving(made: Site) -> AsyncIterator[tuple[Service, str]]:
    """A running service whose every probe answers from memory, and the address of its pages."""
    clock, store, metrics = SystemClock(), MemoryStore(), SelfMetrics()
    metrics.feeds(frozenset(feed.id for feed in made.feeds))
    context = ExporterContext("1.2.3", lambda openmetrics: metrics.page(store, clock.now(), openmetrics))
    exporters = load_exporters(ROOT / "exporters", ["prometheus"], context)
    sources = [answering(probe) for probe in made.probes]
    adapters = Adapters(clock, store, SlotTimetable(clock), sources, {}, exporters, lambda: 0.5)
    service = Service(made, adapters, metrics)
    await service.start()
    runner = await serve(create_app(service, Tokens(())), "127.0.0.1", 0)
    host, port = runner.addresses[0][:2]
    try:
        yield service, f"{host}:{port}"
    finally:
        await runner.cleanup()
        await service.stop()


def answering(probe: ProbeSpec) -> ScriptedSource:
    """A source that finds all well but one centre."""

    def answer(now: Any) -> Collected:
        up = probe.unit != RED
        reading = Reading(probe.unit, probe.gives, up, now, now, probe.id)
        return Collected(probe.id, now, (reading,), duration=0.125, check=Check())

    return ScriptedSource(probe.id, probe.unit, answer, probe.period)


async def judged(service: Service) -> None:
    """Until every unit was looked at."""

    async def look() -> bool | None:
        states = service.evaluator.states.values()
        return True if all(state.standing for state in states) and not service.ready() else None

    await until("not every unit was judged", look)


def scraping(folder: Path, target: str) -> Path:
    """A file by which Prometheus or VictoriaMetrics scrapes `target` every second."""
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "scrape_configs": [{"job_name": "denbao", "static_configs": [{"targets": [target]}]}],
    }
    made = folder / "scrape.yml"
    made.write_text(json.dumps(config), "utf-8")
    return made


async def test_promtool_has_nothing_to_complain_about():
    async with serving(site()) as (service, address), aiohttp.ClientSession() as http:
        await judged(service)
        async with http.get(f"http://{address}/metrics") as answer:
            assert (answer.status, answer.content_type) == (200, "text/plain")
            page = await answer.read()
    checked = await asyncio.to_thread(
        subprocess.run, ["promtool", "check", "metrics"], input=page, capture_output=True, timeout=PATIENCE
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


async def test_a_real_prometheus_scrapes_the_service_and_answers_questions(tmp_path: Path):
    made = site()
    communes = {unit.code for unit in made.units.at(Level.COMMUNE)}
    async with serving(made) as (service, address), prometheus(scraping(tmp_path, address)) as asked:
        await judged(service)
        assert await asked.answers('up{job="denbao"} == 1')
        by_colour = await asked.answers('sum by (colour) (denbao_units{level="commune"})')
        assert set(by_colour) == {(colour.value,) for colour in Colour}
        assert sum(by_colour.values()) == len(communes)
        assert sum((await asked.answers('count(denbao_unit_colour{level="commune"})')).values()) == len(communes)
        assert list((await asked.answers(f'denbao_probe_success{{unit="{RED}"}} == 0')).values())
        assert await asked.answers(f'denbao_probe_success{{unit="{GREEN}"}} == 1')
        assert set((await asked.answers("denbao_probe_duration_seconds")).values()) == {0.125}
        named = "denbao_unit_colour * on (unit) group_left (name) denbao_unit_info"
        assert len(await asked.answers(named)) == len(made.units)
        assert await asked.answers("histogram_quantile(0.5, rate(denbao_event_loop_lag_seconds_bucket[1m])) >= 0")
        assert await asked.answers('denbao_build_info{version="1.2.3"}')


async def test_prometheus_sees_a_changed_value_with_the_next_scrape(tmp_path: Path):
    async with serving(site()) as (service, address), prometheus(scraping(tmp_path, address)) as asked:
        await judged(service)
        now = service.clock.now()
        for value in (42.5, 87.25):
            now = max(service.clock.now(), now)
            await service.evaluator.submit([Reading("19", "online_submission_rate", value, now, now, "test")])
            question = f'denbao_indicator_value{{unit="19",indicator="online_submission_rate"}} == {value}'
            assert list((await asked.answers(question)).values()) == [value]


async def polled(made: Site, url: str, *columns: Column) -> Collected:
    """What one poll of a PromQL feed brings for the units of a site."""
    clock = SystemClock()
    fetcher = Fetcher(AddressGuard([parse_allow("127.0.0.0/8:*")]), clock)
    spec = FeedSpec("blackbox", "promql", "19", url, 60.0, PATIENCE, columns, 3600.0, unit="unit", as_of=AsOf.FETCH)
    codes = [unit.code for unit in made.units]
    try:
        feed = open_feed(spec, fetcher, clock, made.calendar, made.ruleset.indicators, codes)
        return await feed.collect(clock.now())
    finally:
        await fetcher.close()


@pytest.mark.parametrize(
    ("server", "error", "empty"),
    [
        pytest.param(prometheus, "bad_data", "not-a-number", id="prometheus"),
        # It leaves series out that are no number.
        pytest.param(
            victoria_metrics, "422", "missing", id="victoria-metrics", marks=pytest.mark.needs("victoria-metrics")
        ),
    ],
)
async def test_a_promql_feed_fills_an_indicator_for_all_communes_with_one_query(server, error, empty, tmp_path: Path):
    made = site()
    communes = {unit.code for unit in made.units.at(Level.COMMUNE)}
    up = Column("centre_reachable", 'denbao_probe_success{probe="centre-health"}', words={"1": True, "0": False})
    shares = Column("online_submission_rate", "50 + 0 * max by (unit) (denbao_probe_success)")
    wrong = Column("overdue_dossiers", "sum by (unit (denbao_probe_success)")
    nothing = Column("on_time_rate", "0 / (0 * denbao_probe_success)")
    async with serving(made) as (service, address), server(scraping(tmp_path, address)) as asked:
        await judged(service)
        await asked.answers("denbao_probe_success")
        collected = await polled(made, f"{asked.base}/", up, shares, wrong, nothing)
        refused = await polled(made, asked.base, wrong)
    values = {reading.unit: reading.value for reading in collected.readings if reading.indicator == up.indicator}
    assert collected.failure == "" and set(values) == communes
    assert (values[RED], values[GREEN]) == (False, True)
    assert {one.value for one in collected.readings if one.indicator == shares.indicator} == {50.0}
    told = {one.row.partition("[")[0]: (one.reason, one.detail) for one in reversed(collected.rejected)}
    assert told[wrong.indicator][0] == "no-answer"
    assert f"the query was refused: {error}: " in told[wrong.indicator][1] and "pars" in told[wrong.indicator][1]
    assert told[nothing.indicator][0] == empty
    assert f"overdue_dossiers: the query was refused: {error}: " in refused.failure
