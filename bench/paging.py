"""/metrics of the whole country: the first page, a page after one change, its size, and how the event loop fares."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from dataclasses import replace

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from bench.measure import Figure, Spent, Stalls, Watch, best
from bench.nation import ROOT, national_policy, readings
from monitor.adapters.clock import SystemClock
from monitor.api import Exporter, ExporterContext
from monitor.decide import Policy, View, decide
from monitor.model.colour import Colour
from monitor.model.reading import Reading
from monitor.model.snapshot import Snapshot
from monitor.model.state import UnitState
from monitor.service.exporters import load_exporters
from monitor.service.garbage import collect_rarely

_SAMPLE = 20_000  # series of the reference; its time is scaled to the page's number
_ROUNDS = 5
_SIZES = {17: "126,000 series", 38: "the nation"}  # indicators of each unit -> name


def run() -> list[Figure]:
    """Seconds, bytes and stalls, beside what prometheus-client's registry takes for as many gauges."""
    collect_rarely()  # as the service does
    policy = national_policy()
    states = _states(policy)
    one = best(_reference())
    return [
        figure for number, name in _SIZES.items() for figure in asyncio.run(_page(policy, states, number, name, one))
    ]


def _states(policy: Policy) -> dict[str, UnitState]:
    now = SystemClock().now()
    news: dict[str, list[Reading]] = {}
    for reading in readings(policy, now):
        news.setdefault(reading.unit, []).append(reading)
    return {code: decide(View(UnitState(code), tuple(given)), policy, now).after for code, given in news.items()}


def _reference() -> Callable[[], bytes]:
    registry = CollectorRegistry()
    gauge = Gauge("denbao_indicator_value", "Reference.", ("unit", "indicator"), registry=registry)
    for number in range(_SAMPLE):
        gauge.labels(f"{number // 38:05}", f"indicator_{number % 38}").set(number / 7)
    return lambda: generate_latest(registry)


async def _own() -> bytes:
    return b""


async def _page(policy: Policy, states: dict[str, UnitState], number: int, name: str, sample: Spent) -> list[Figure]:
    kept = {code: _cut(state, number) for code, state in states.items()}
    exporter = load_exporters(ROOT / "exporters", ["prometheus"], ExporterContext("bench", _own))["prometheus"]
    exporter.start(Snapshot(policy.units, kept))
    async with Stalls() as first_stalls:
        with Watch() as first:
            page = await exporter.page("", "")
    series = sum(not line.startswith(b"#") for line in page.body.splitlines())
    registry = 1000 * series / _SAMPLE * sample.wall
    async with Stalls() as idle:
        await asyncio.sleep(0.3)
    async with Stalls() as stalls:
        changed = await _median(lambda turn: _after_change(exporter, kept, turn, ""))
        packed = await _median(lambda turn: _after_change(exporter, kept, turn, "gzip"))
    against = "prometheus-client's registry with as many gauges"
    return [
        Figure(f"series, {name}", series, ""),
        Figure(f"first page, {name}", 1000 * first.spent.wall, "ms", registry, against),
        Figure(f"page after one change, {name}", 1000 * changed, "ms", registry, against),
        Figure(f"the same packed, {name}", 1000 * packed, "ms", registry, against),
        Figure(f"bytes, {name}", len(page.body), "bytes"),
        Figure(f"bytes packed, {name}", len(gzip.compress(page.body, 1)), "bytes", len(page.body), "bytes"),
        Figure(f"event loop longest, first page, {name}", first_stalls.longest, "ms", idle.longest, "the idle loop's"),
        Figure(f"event loop longest, later pages, {name}", stalls.longest, "ms", idle.longest, "the idle loop's"),
        Figure(f"event loop p99, later pages, {name}", stalls.p99, "ms", idle.p99, "the idle loop's p99"),
    ]


def _cut(state: UnitState, number: int) -> UnitState:
    kept = list(state.evidence)[:number]
    criteria = dict(list(state.criteria.items())[:number])
    return replace(state, evidence={key: state.evidence[key] for key in kept}, criteria=criteria)


async def _median(work: Callable[[int], Awaitable[float]]) -> float:
    return sorted([await work(turn) for turn in range(_ROUNDS)])[_ROUNDS // 2]


async def _after_change(exporter: Exporter, states: dict[str, UnitState], turn: int, accept: str) -> float:
    code = list(states)[1 + turn]
    standing = states[code].standing
    assert standing is not None
    exporter.changed([replace(states[code], standing=replace(standing, colour=Colour.RED))])
    with Watch() as watch:
        await exporter.page("", accept)
    return watch.spent.wall
