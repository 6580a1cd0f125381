"""One prober under measurement, in a process of its own: `python -m bench.prober KIND TARGETS PERIOD SECONDS PORT...`.

KIND is `service` (the whole service: judging, storing, exporting), `beside` (the same over targets that answer at once,
each tenth at one of the hostile ports after the first), or an aiohttp loop that counts the answers: `bare` on asyncio's
own event loop, `uvloop` on the one that the service runs on.
It warms up for a first sweep and one period, measures for SECONDS, prints one line of JSON and ends.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from time import perf_counter, process_time
from typing import Any

import aiohttp
import uvloop

from bench.measure import Stalls
from bench.targets import TIMEOUT, Target, beside, targets
from monitor.adapters.clock import SystemClock
from monitor.config.build import load_site
from monitor.config.probespec import HttpCheck, ProbeSpec
from monitor.config.spec import Site
from monitor.model.reading import Collected
from monitor.model.unit import Level
from monitor.registry import load_registry
from monitor.service.app import Service
from monitor.service.build import build_service
from monitor.service.garbage import collect_rarely, one_heap

SCRAPE = 15.0  # seconds between two pages of metrics
_CAUGHT_UP = 3.0  # seconds after which the watcher's own collection of garbage, half a second at 33,210, has passed


@dataclass(frozen=True, slots=True)
class Measured:
    """What one prober did within the time measured."""

    probes: int  # that ended
    good: int
    cpu: float  # seconds of processor, all threads
    seconds: float
    lateness: tuple[float, float]  # seconds, p50 and p99, from the instant due to the beginning
    memory: float  # MiB, the most it ever had
    missed: int = 0
    decisions: int = 0
    longest: float = 0.0  # seconds, greatest lateness
    age: tuple[float, float] = (0.0, 0.0)  # seconds, p50 and p99; of `beside`: a good answer's age at the next one
    stall: tuple[float, float] = (0.0, 0.0)  # milliseconds, p99 and longest of the event loop


def main(kind: str, number: str, period: str, seconds: str, *ports: str) -> None:
    """See the module."""
    collect_rarely()
    if kind in _SERVICES:
        one_heap()  # as `denbao run`
    # What is to be asked is held by nobody else: a service takes the addresses over and lets go of the rest.
    work = _SERVICES.get(kind, _bare)(_wanted(kind, int(number), float(period), *map(int, ports)), float(seconds))
    loop = asyncio.new_event_loop if kind == "bare" else uvloop.new_event_loop  # as `denbao run`
    with asyncio.Runner(loop_factory=loop) as runner:
        print(json.dumps(asdict(runner.run(work))), flush=True)


def _wanted(kind: str, number: int, period: float, first: int, *hostile: int) -> list[Target]:
    return beside(number, period, first, hostile) if kind == "beside" else targets(number, period, [first, *hostile])


class _Tally:
    """Counts while it is open."""

    def __init__(self) -> None:
        self.late = array("d")  # not a list: the memory measured is to be the prober's, not the tally's
        self.ages = array("d")
        self.outcomes: Counter[bool] = Counter()

    def clear(self) -> None:
        del self.late[:], self.ages[:]
        self.outcomes.clear()

    def measured(self, cpu: float, seconds: float, **more: Any) -> Measured:
        return Measured(
            sum(self.outcomes.values()),
            self.outcomes[True],
            cpu,
            seconds,
            _half_and_most(self.late),
            getrusage(RUSAGE_SELF).ru_maxrss / 1024,
            longest=max(self.late, default=0.0),
            age=_half_and_most(self.ages),
            **more,
        )


def _half_and_most(numbers: Sequence[float]) -> tuple[float, float]:
    ranked = sorted(numbers) or [0.0]
    return ranked[len(ranked) // 2], ranked[int(len(ranked) * 0.99)]


async def _bare(wanted: Sequence[Target], seconds: float) -> Measured:
    """Each target has its own place in the period, as ours; nothing is done with an answer but counting it."""
    tally, running, closing = _Tally(), set(), []
    loop = asyncio.get_running_loop()
    timeout = aiohttp.ClientTimeout(total=TIMEOUT)

    async def ask(session: aiohttp.ClientSession, target: Target, due: float) -> None:
        tally.late.append(loop.time() - due)
        try:
            async with session.get(target.url, timeout=timeout) as answer:
                good = answer.status == 200 and bool(await answer.read())
        except (aiohttp.ClientError, TimeoutError):
            good = False
        tally.outcomes[good] += 1

    # What cannot last until it is asked again is closed soon: of 33,210 more would be open than a process may have.
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=20.0 if wanted[0].period < 20 else 5.0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:

        def begin(target: Target, due: float) -> None:
            if closing:
                return
            task = loop.create_task(ask(session, target, due))
            running.add(task)
            task.add_done_callback(running.discard)
            loop.call_at(due + target.period, begin, target, due + target.period)

        begun = loop.time()
        for target in wanted:
            loop.call_at(begun + target.phase, begin, target, begun + target.phase)
        await asyncio.sleep(2 * wanted[0].period)
        tally.clear()
        cpu, wall = process_time(), perf_counter()
        await asyncio.sleep(seconds)
        found = tally.measured(process_time() - cpu, perf_counter() - wall)
        closing.append(True)
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    return found


async def _service(wanted: Sequence[Target], seconds: float, *, each: int, ages: bool) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        site = _site(Path(folder), wanted, each)
        stored(site)
        pairs = zip(site.probes, wanted, strict=True) if ages else ()
        heard = {probe.id: 0.0 for probe, one in pairs if not one.hostile}
        period = wanted[0].period
        del wanted, pairs
        service = build_service(site)
        tally = _Tally()
        decided = _counted(service, tally, heard)
        await service.start()
        while service.first_sweep_at is None:  # noqa: ASYNC110 (the service has no event for it)
            await asyncio.sleep(0.1)
        scraping = asyncio.ensure_future(_scrape(service.exporters))
        await asyncio.sleep(1.5 * period)
        async with Stalls(0.005) as stalls:
            await asyncio.sleep(_CAUGHT_UP)
            tally.clear()
            decided.clear()
            del stalls.lags[:]
            missed, cpu, wall = service.poller.missed, process_time(), perf_counter()
            await asyncio.sleep(seconds)
        more = {
            "stall": (stalls.p99, stalls.longest),
            "missed": service.poller.missed - missed,
            "decisions": decided["n"],
        }
        found = tally.measured(process_time() - cpu, perf_counter() - wall, **more)
        scraping.cancel()
        await service.stop()
    return found


def _counted(service: Service, tally: _Tally, heard: dict[str, float]) -> Counter[str]:
    """Let the tally hear of each poll, and return a count of the decisions; ages are told of the sources in `heard`."""
    decided = Counter[str]()
    collected, swept, committed = service._collected, service.metrics.swept, service._committed

    def taken(one: Collected) -> None:
        tally.outcomes[any(reading.value is True for reading in one.readings)] += 1
        if one.source in heard:
            before, heard[one.source] = heard[one.source], perf_counter()
            tally.ages.append(heard[one.source] - before)
        collected(one)

    service.poller._deliver = taken
    service.poller._observe = lambda source, late: (tally.late.append(late), swept(source, late))[1]
    service._committed = lambda decisions: (decided.update(n=len(decisions)), committed(decisions))[1]
    return decided


_SERVICES = {"service": partial(_service, each=3, ages=False), "beside": partial(_service, each=1, ages=True)}


async def _scrape(exporters: Mapping[str, object]) -> None:
    while True:
        for exporter in exporters.values():
            await exporter.page("", "gzip")  # type: ignore[attr-defined]
        await asyncio.sleep(SCRAPE)


_CONFIG = """
name: {vi: Đo, en: Bench}
listen: 127.0.0.1:8866
store: sqlite:var/bench.db
rules: [bench]
units:
  nation: true
  provinces: [%s]
by_hand: [%s]
channels: {log: {kind: log}}
roles: {focal: {vi: Đầu mối, en: Focal point}}
recipients: [{id: focal, role: focal, scope: VN, channels: [log]}]
escalation:
  via: [log]
  policies: [{name: all, kinds: [outage, kpi_yellow, kpi_red, overdue, silent], steps: [{after: 0s, to: [focal]}]}]
network: {allow: ["127.0.0.0/8:*"]}
exporters: [prometheus]
"""


_MAKE = """
import asyncio, sys
from pathlib import Path
from monitor.adapters.store import open_store

async def make():
    store = open_store(sys.argv[1], Path(sys.argv[2]))
    await store.open()
    await store.close()

asyncio.run(make())
"""


def stored(site: Site) -> None:
    """Make the database, in another process: it is there at every start but the first, which imports Alembic."""
    subprocess.run([sys.executable, "-c", _MAKE, site.store_url, str(site.root)], check=True)


def _site(root: Path, wanted: Sequence[Target], least: int) -> Site:
    """The whole nation; each commune that is probed has a few targets, each an indicator with a critical criterion."""
    each = max(least, -(-len(wanted) // len(load_registry().communes())))  # each asks for an indicator of its own
    (root / "rules").mkdir()
    (root / "exporters").symlink_to(Path("exporters").resolve())
    names = [f"target_{n}" for n in range(each)]
    provinces = ", ".join(f'{{code: "{place.code}"}}' for place in load_registry().provinces)
    (root / "config.yaml").write_text(_CONFIG % (provinces, ", ".join(names)), "utf-8")
    (root / "rules" / "indicators.yaml").write_text("".join(["indicators:\n", *map(_indicator, names)]), "utf-8")
    (root / "rules" / "bench.yaml").write_text("".join([_BOOK, *map(_criterion, names)]), "utf-8")
    site = load_site(root, environ={}, now=SystemClock().now())
    communes = [unit.code for unit in site.units.at(Level.COMMUNE)]
    specs, nothing = [], dict[str, str]()  # one table for all, as those of one entry of a config have
    for at, target in enumerate(wanted):
        unit, name = communes[at // each % len(communes)], names[at % each]
        asks = HttpCheck(target.url)
        specs.append(ProbeSpec(f"{name}/{unit}", unit, name, target.period, TIMEOUT, asks, also=nothing))
    return replace(site, probes=tuple(specs))


_BOOK = """
book: bench
version: "1"
title: {vi: Đo, en: Bench}
criteria:
  - id: green
    title: {vi: Tỷ lệ xanh, en: Share of green}
    applies_to: {levels: [province, nation]}
    rollup: green_share
    bands: {green: ">=90", yellow: "50 to <90", red: "<50"}
    weight: {province: 10, nation: 10}
    alert: []
    source: bench
"""


def _indicator(name: str) -> str:
    names = f"name: {{vi: {name}, en: {name}}}, sms: {name}"
    return f"  {name}: {{{names}, unit: bool, group: infrastructure, cadence: 60s, source: bench}}\n"


def _criterion(name: str) -> str:
    return f"""
  - id: {name}
    applies_to: {{levels: [commune]}}
    bands: {{green: true, red: false}}
    for: 2x
    keep: 3x
    flap: {{start: 50, end: 25}}
    weight: {{commune: 8}}
    outage: true
    alert: [red]
    source: bench
"""


if __name__ == "__main__":
    main(*sys.argv[1:])
