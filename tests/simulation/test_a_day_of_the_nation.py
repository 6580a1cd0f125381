"""A day of the national registry in virtual time, with faults: every poll that was due is accounted for.

The probes are real down to the fetch; a thin double of it answers by a script drawn from the address and the minute.
"""

from __future__ import annotations

import faulthandler
import logging
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from zlib import crc32

import pytest

from monitor.adapters.fetch import Failure, Request, Response
from monitor.adapters.guard import AddressGuard
from monitor.adapters.probes import Tools, open_probe
from monitor.config.probespec import HttpCheck, ProbeSpec
from monitor.model.reading import Collected
from monitor.registry import load_registry
from monitor.service.metrics import SelfMetrics
from monitor.service.places import Places
from monitor.service.poller import PollEnd, Poller
from monitor.service.sweep import phase
from monitor.testing.clock import LoopClock, VirtualTimetable, run

log = logging.getLogger(__name__)

START = datetime(2026, 11, 20, 5, 0, 0, 250_000, tzinfo=UTC)
TIMEOUT = 5.0
LONG = 4 * 3600  # seconds
SHARED = 40  # communes whose pages stand on one server of their province, which is slow


class ScriptedFetch:
    """Answers after a while, late, wrongly, not at all, or breaks; the same at every run."""

    def __init__(self, clock: LoopClock) -> None:
        self._clock = clock
        self.at_host: Counter[str] = Counter()
        self.most_at_host = 0

    async def fetch(self, request: Request) -> Response | Failure:
        began, host = self._clock.monotonic(), request.url.split("/")[2]
        die = crc32(f"{request.url} {self._clock.now():%d%H%M}".encode()) % 1000
        self.at_host[host] += 1
        self.most_at_host = max(self.most_at_host, self.at_host[host])
        try:
            await self._clock.sleep(200.0 if die < 2 else TIMEOUT if die < 50 else 2.0 if die < 350 else 0.1)
        finally:
            self.at_host[host] -= 1
        passed = self._clock.monotonic() - began
        if die < 2:
            raise RuntimeError("a plug-in hangs beyond its deadline and breaks")
        if die < 50:
            return Failure("timeout", "no complete answer", passed)
        return Response(503 if die < 60 else 200, {}, b"ok", passed, "192.0.2.1", {})


class Day:
    """Polls the communes for some time; `due` is counted from phases alone, and the rest as the service counts it."""

    def __init__(self, communes: int, period: float, seconds: float) -> None:
        self.clock = clock = LoopClock(START)
        self.fetch = ScriptedFetch(clock)
        tools = Tools(self.fetch, AddressGuard(), clock)  # type: ignore[arg-type]
        places = load_registry().communes()[:communes]
        hosts = {f"up/{one.code}": _host(n, one.province or "") for n, one in enumerate(places)}
        self.sources = [open_probe(_spec(one, hosts[one], period), tools) for one in hosts]
        self.answers: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.ends: Counter[PollEnd] = Counter()
        self.longest: defaultdict[str, float] = defaultdict(float)  # seconds late, by host
        self.hosts = hosts
        self.metrics = SelfMetrics()
        self.poller = Poller(
            self.sources,
            clock,
            self._deliver,
            places=Places(4096, 8, hosts),
            observe=self._observe,
            count=self._count,
        )
        self._seconds = seconds
        self.period = int(period)

    async def run(self) -> None:
        timetable = VirtualTimetable(self.clock)
        first = self.clock._loop.create_task(self.poller.sweep())
        await self.clock.sleep(0)
        self.poller.start(timetable)
        await self.clock.sleep(self._seconds)
        await timetable.stop()
        await self.poller.stop(grace=1.0)
        await first

    def due(self) -> int:
        """One at the first sweep, and one in each second of a source's own phase until the stop."""
        begun, ended = int(START.timestamp()), int((START + timedelta(seconds=self._seconds)).timestamp())
        places = (phase(source.id, self.period) for source in self.sources)
        return len(self.sources) + sum((ended - at) // self.period - (begun - at) // self.period for at in places)

    def _observe(self, source: str, seconds: float) -> None:
        host = self.hosts[source]
        self.longest[host] = max(self.longest[host], seconds)

    def _deliver(self, collected: Collected) -> None:
        (self.failures if collected.failure else self.answers)[collected.source] += 1

    def _count(self, end: PollEnd) -> None:
        self.ends[end] += 1
        self.metrics.ended(end)


def _host(number: int, province: str) -> str:
    return f"shared-{province}.example:80" if number % 100 < SHARED else f"c{number}.example:80"


def _spec(source: str, host: str, period: float) -> ProbeSpec:
    unit = source.partition("/")[2]
    return ProbeSpec(source, unit, "up", period, TIMEOUT, HttpCheck(f"http://{host}/{unit}"))


@pytest.mark.parametrize(
    ("communes", "period", "hours"),
    [
        pytest.param(3321, 60.0, 0.25, id="a quarter of an hour of all"),
        pytest.param(120, 300.0, 24.0, id="a day of some"),
        pytest.param(3321, 300.0, 24.0, id="a day of all", marks=pytest.mark.nightly),
        pytest.param(3321, 60.0, 24.0, id="a day of all, each minute", marks=pytest.mark.nightly),
    ],
)
def test_every_poll_of_a_day_is_answered_failed_missed_or_cancelled(communes, period, hours):
    # A day of all is longer than a test that hangs is waited for: ten minutes of processor, on a busy machine an hour.
    faulthandler.dump_traceback_later(LONG, exit=True, file=2)

    async def whole() -> Day:
        day = Day(communes, period, hours * 3600 + 0.5)
        await day.run()
        return day

    day = run(whole())
    log.info("of %d polls %s; the longest %.1f s late", day.due(), dict(day.ends), max(day.longest.values()))
    assert sum(day.ends.values()) == day.due()
    assert day.ends[PollEnd.ANSWERED] == day.answers.total()
    assert day.ends[PollEnd.FAILED] == day.failures.total() > 0
    assert day.ends[PollEnd.MISSED] == day.poller.missed
    assert day.fetch.most_at_host <= 8
    alone = [seconds for host, seconds in day.longest.items() if not host.startswith("shared")]
    assert max(alone) <= 0.005, "nobody waits for the slow server of others"
    assert max(day.longest.values()) < 60
