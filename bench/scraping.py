"""/metrics of the whole country: a page after 1 % of the units changed, its bytes, and how the event loop fares.

The service renders what changed shortly before a page is due. So there are three figures: the page that was expected,
the same with all that was rendered before it, and a page that came as a surprise and has to render everything itself.

The same series stand in prometheus-client's registry and, where it is installed, in Debian's pushgateway, which is
Go's client; and a real Prometheus scrapes the page and says how long that took it.
"""

from __future__ import annotations

import asyncio
import gc
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from socket import socket
from statistics import median
from time import perf_counter

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bench.measure import Figure, Spent, Stalls, Watch, best
from bench.nation import ROOT, national_policy, readings
from monitor.adapters.clock import SystemClock
from monitor.adapters.store import MemoryStore
from monitor.api import Exporter, ExporterContext
from monitor.decide import Policy, View, decide
from monitor.engine.rank import Ranking, rankings
from monitor.model.colour import Colour
from monitor.model.reading import Reading
from monitor.model.snapshot import Snapshot
from monitor.model.state import UnitState
from monitor.model.verdict import CriterionState
from monitor.service.exporters import Exporters, load_exporters
from monitor.service.garbage import collect_rarely
from monitor.service.metrics import SelfMetrics
from monitor.web.api import exported

ROUNDS = 7
SIZES = (14, 34)  # indicators of each unit: about 126,000 and 300,000 series
SHARE = 100  # one unit of so many changes
PATIENCE = 300.0  # seconds; a crowded machine may need them
PROMETHEUS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"


def run() -> list[Figure]:
    """Milliseconds, bytes and stalls of our page beside what others take for the same series."""
    collect_rarely()  # as the service does
    policy = national_policy()
    states = _states(policy)
    return [figure for number in SIZES for figure in asyncio.run(_size(policy, states, number))]


def _states(policy: Policy) -> dict[str, UnitState]:
    now = SystemClock().now()
    news: dict[str, list[Reading]] = {}
    for reading in readings(policy, now):
        news.setdefault(reading.unit, []).append(reading)
    return {code: decide(View(UnitState(code), tuple(given)), policy, now).after for code, given in news.items()}


class Country:
    """The exporter over the country, and one unit in a hundred that gets other values with each turn.

    Each of its numbers and its colour are others, and so is one judged value, by which the ranks of its siblings move.
    """

    def __init__(self, policy: Policy, states: dict[str, UnitState], number: int) -> None:
        names = {*_names(states, number), "score"}
        ranking = Ranking({one.id: one for one in rankings(policy.ruleset) if one.id in names})
        own, clock = SelfMetrics(), SystemClock()
        self.store = store = MemoryStore()
        own.channels(f"channel-{number}" for number in range(5))
        own.feeds(frozenset(f"feed-{number}" for number in range(34)))
        context = ExporterContext("bench", lambda openmetrics: own.page(store, clock.now(), openmetrics), ranking)
        self.exporter = Exporters(load_exporters(ROOT / "exporters", ["prometheus"], context)).by_name["prometheus"]
        self.states = {code: _cut(state, number) for code, state in states.items()}
        self.exporter.start(Snapshot(policy.units, self.states))
        self._turn = 0
        ranked = {criterion for one in ranking.asked.values() for criterion in one.criteria}
        self._moved = next(name for name in next(iter(self.states.values())).criteria if name in ranked)

    def change(self) -> None:
        """Another hundredth of the units: every number and the colour are others."""
        self._turn += 1
        codes = list(self.states)[self._turn :: SHARE]
        for code in codes:
            state = self.states[code]
            assert state.standing is not None
            evidence = {
                key: replace(one, value=one.value + 0.25) if isinstance(one.value, float) else one
                for key, one in state.evidence.items()
            }
            criteria = {**state.criteria, self._moved: _higher(state.criteria[self._moved])}
            standing = replace(state.standing, colour=Colour.RED)
            self.states[code] = replace(state, evidence=evidence, standing=standing, criteria=criteria)
        self.exporter.changed([self.states[code] for code in codes])


def _higher(held: CriterionState) -> CriterionState:
    value = held.verdict.value
    assert isinstance(value, float)
    return replace(held, verdict=replace(held.verdict, value=value + 0.25))


def _names(states: dict[str, UnitState], number: int) -> list[str]:
    return list(next(iter(states.values())).evidence)[:number]


def _cut(state: UnitState, number: int) -> UnitState:
    kept = list(state.evidence)[:number]
    criteria = dict(list(state.criteria.items())[:number])
    return replace(state, evidence={key: state.evidence[key] for key in kept}, criteria=criteria)


async def _size(policy: Policy, states: dict[str, UnitState], number: int) -> list[Figure]:
    country = Country(policy, states, number)
    await country.store.open()
    exporter = country.exporter
    async with Stalls() as first_stalls:
        with Watch() as first:
            page = await exporter.page("", "")
    series = sum(not line.startswith(b"#") for line in page.body.splitlines())
    name = f"{series:,} series"
    async with Stalls() as idle:
        await asyncio.sleep(0.3)
    plain, plain_stall = await _after_changes(country, lambda: exporter.page("", ""))
    packed, packed_stall = await _after_changes(country, lambda: exporter.page(PROMETHEUS, "gzip"))
    surprise = await _by_surprise(country, lambda: exporter.page(PROMETHEUS, "gzip"))
    zipped = await exporter.page(PROMETHEUS, "gzip")
    client = _python_client(page.body)
    against = "prometheus_client.generate_latest of the same series"
    figures = [
        Figure(f"page packed, {name}", packed.page.wall, "ms", client.wall, against),
        Figure(f"page packed, {name}", packed.page.cpu, "CPU ms", client.cpu, against),
        Figure(f"page packed and all that was rendered before it, {name}", packed.all, "CPU ms", client.cpu, against),
        Figure(f"page packed that came as a surprise, {name}", surprise.wall, "ms", client.wall, against),
        Figure(f"page packed that came as a surprise, {name}", surprise.cpu, "CPU ms", client.cpu, against),
        Figure(f"page plain, {name}", plain.page.wall, "ms", client.wall, against),
        Figure(f"page plain, {name}", plain.page.cpu, "CPU ms", client.cpu, against),
        Figure(f"page plain and all that was rendered before it, {name}", plain.all, "CPU ms", client.cpu, against),
        Figure(f"first page, {name}", 1000 * first.spent.wall, "ms", client.wall, against),
        Figure(f"first page, {name}", 1000 * first.spent.cpu, "CPU ms", client.cpu, against),
        Figure(f"bytes packed, {name}", len(zipped.body), "bytes", len(page.body), "bytes"),
        Figure(f"longest stall, packed, {name}", packed_stall, "ms", idle.longest, "the idle loop's"),
        Figure(f"longest stall, plain, {name}", plain_stall, "ms", idle.longest, "the idle loop's"),
        Figure(f"longest stall, first page, {name}", first_stalls.longest, "ms", idle.longest, "the idle loop's"),
    ]
    async with _served(exporter) as port:
        figures += await _over_http(country, port, name, page.body)
    return figures


@dataclass(frozen=True, slots=True)
class Round:
    """Milliseconds of one change."""

    page: Spent
    all: float  # CPU, with what was rendered before the page


async def _after_changes(country: Country, scrape: Callable[[], Awaitable[object]]) -> tuple[Round, float]:
    """Medians of a page that was expected, and the longest stall of all; the watcher of stalls costs time."""
    await scrape()
    ahead, spent = [], []
    for _ in range(ROUNDS):
        country.change()
        gc.collect()
        with Watch() as before:
            await country.exporter.prepare()
        with Watch() as watch:
            await scrape()
        ahead.append(before.spent)
        spent.append(watch.spent)
    async with Stalls() as stalls:
        for _ in range(ROUNDS):
            country.change()
            await country.exporter.prepare()
            await scrape()
    page = _middle(spent)
    return Round(page, page.cpu + _middle(ahead).cpu), stalls.longest


async def _by_surprise(country: Country, scrape: Callable[[], Awaitable[object]]) -> Spent:
    """Median of a page before which nothing was rendered."""
    spent = []
    for _ in range(ROUNDS):
        country.change()
        gc.collect()
        with Watch() as watch:
            await scrape()
        spent.append(watch.spent)
    return _middle(spent)


def _middle(spent: Sequence[Spent]) -> Spent:
    return Spent(1000 * median(one.wall for one in spent), 1000 * median(one.cpu for one in spent))


def _python_client(text: bytes) -> Spent:
    """Milliseconds in which prometheus-client writes the same series."""
    registry = CollectorRegistry()
    for family in text_string_to_metric_families(text.decode()):
        gauges: dict[str, Gauge] = {}  # a histogram's series have several names
        for sample in family.samples:
            names = tuple(sample.labels)
            if sample.name not in gauges:
                gauges[sample.name] = Gauge(sample.name, family.documentation, names, registry=registry)
            gauge = gauges[sample.name]
            (gauge.labels(**sample.labels) if names else gauge).set(sample.value)
    took = best(lambda: generate_latest(registry), times=2)
    return Spent(1000 * took.wall, 1000 * took.cpu)


@asynccontextmanager
async def _served(exporter: Exporter) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_get("/metrics", exported(exporter))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def _over_http(country: Country, port: int, name: str, text: bytes) -> list[Figure]:
    """A whole scrape by a process of its own, beside pushgateway; and what Prometheus says of it."""
    url = f"http://127.0.0.1:{port}/metrics"

    took: list[float] = []

    async def scrape() -> None:
        took.append(1000 * await _fetched(url))

    _, stall = await _after_changes(country, scrape)
    expected = median(took[1:])  # by the clock of curl, as pushgateway's
    took.clear()
    await _by_surprise(country, scrape)
    gateway, against = await _pushgateway(text), "Debian's pushgateway, same series"
    figures = [
        Figure(f"scrape over HTTP, packed, {name}", expected, "ms", gateway, against),
        Figure(f"scrape over HTTP that came as a surprise, {name}", median(took), "ms", gateway, against),
        Figure(f"longest stall, scrapes over HTTP, {name}", stall, "ms"),
    ]
    if shutil.which("prometheus"):
        lasted, samples, longest = await _prometheus(country, port)
        figures += [
            Figure(f"Prometheus's own scrape_duration_seconds, {name}", lasted, "s", None),
            Figure(f"samples that Prometheus took, {name}", samples, "", samples_of(text), "samples on the page"),
            Figure(f"longest stall while Prometheus scrapes, {name}", longest, "ms"),
        ]
    return figures


def samples_of(text: bytes) -> int:
    """Samples of a page."""
    return sum(not line.startswith(b"#") for line in text.splitlines())


async def _fetched(url: str) -> float:
    """Seconds until another process, curl, has the packed page."""
    process = await asyncio.create_subprocess_exec(
        *("curl", "-s", "-o", "/dev/null", "-w", "%{time_starttransfer} %{time_total}"),
        *("-H", "Accept-Encoding: gzip", url),
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await process.communicate()
    return float(told.split()[1])


def _free() -> int:
    with socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def _pushgateway(text: bytes) -> float | None:
    """Milliseconds of a scrape of Debian's pushgateway that holds the same series; None where there is none."""
    if not shutil.which("prometheus-pushgateway"):
        return None
    port = _free()
    process = await asyncio.create_subprocess_exec(
        "prometheus-pushgateway",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
        "--push.disable-consistency-check",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    base = f"http://127.0.0.1:{port}"
    try:
        async with aiohttp.ClientSession() as http:
            await _listening(http, f"{base}/-/ready")
            async with http.put(f"{base}/metrics/job/denbao", data=text) as answer:
                answer.raise_for_status()
        await _fetched(f"{base}/metrics")
        return 1000 * min([await _fetched(f"{base}/metrics") for _ in range(3)])
    finally:
        process.terminate()
        await process.wait()


async def _listening(http: aiohttp.ClientSession, url: str) -> None:
    end = perf_counter() + PATIENCE
    while perf_counter() < end:
        try:
            async with http.get(url) as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientError:
            await asyncio.sleep(0.1)
    raise AssertionError(f"{url} does not answer")


async def _prometheus(country: Country, port: int) -> tuple[float, float, float]:
    """Seconds and samples of Prometheus's last scrapes, and the longest stall in milliseconds meanwhile."""
    own = _free()
    with tempfile.TemporaryDirectory() as folder:
        targets = [{"targets": [f"127.0.0.1:{port}"]}]
        config = {
            "global": {"scrape_interval": "10s", "scrape_timeout": "10s"},
            "scrape_configs": [{"job_name": "denbao", "static_configs": targets}],
        }
        (Path(folder) / "prometheus.yml").write_text(json.dumps(config))
        process = await asyncio.create_subprocess_exec(
            "prometheus",
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{own}",
            "--log.level=error",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with aiohttp.ClientSession() as http, asyncio.timeout(PATIENCE):
                base = f"http://127.0.0.1:{own}"
                await _listening(http, f"{base}/-/ready")
                # The first scrape makes the series; later ones only add to them.
                while not await _asked(http, base, "scrape_samples_scraped > 0 and up == 1"):  # noqa: ASYNC110
                    await asyncio.sleep(0.5)
                service = asyncio.create_task(country.exporter.run(SystemClock()))
                async with Stalls() as stalls:
                    for _ in range(3):
                        country.change()
                        await asyncio.sleep(10)
                service.cancel()
                took = await _asked(http, base, "min_over_time(scrape_duration_seconds[5m])")
                samples = await _asked(http, base, "scrape_samples_scraped")
        finally:
            process.terminate()
            await process.wait()
    return took, samples, stalls.longest


async def _asked(http: aiohttp.ClientSession, base: str, question: str) -> float:
    async with http.get(f"{base}/api/v1/query", params={"query": question}) as answer:
        found = (await answer.json())["data"]["result"]
    return float(found[0]["value"][1]) if found else 0.0
