"""Asks hostile servers from a process of its own and says what it cost: seconds, memory, the event loop's worst stall.

`HostileClient` starts it and passes questions on; `python -m tests.integration.hostile_client` is the process itself.
"""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Self

from yarl import URL

from bench.measure import Stalls
from monitor.adapters.clock import SystemClock
from monitor.adapters.feeds import open_feed
from monitor.adapters.fetch import Failure, Fetcher, Request
from monitor.adapters.guard import AddressGuard
from monitor.adapters.probes import Tools, open_probe
from monitor.config.allow import parse_allow
from monitor.config.probespec import Asks, DnsCheck, HttpCheck, ProbeSpec, SmtpCheck, TcpCheck, TlsCheck
from monitor.model.reading import Collected
from monitor.service.garbage import collect_rarely
from tests.unit.feed_frames import CALENDAR, INDICATORS, UNITS, feed_spec


@dataclass(frozen=True)
class Question:
    """What to ask: `probe` by an http probe with a JSON condition and its usual caps, else by a fetch with a feed's.

    Or `feed`: a feed of this kind fetches and reads. Or `kind`: a probe of this kind asks the URL's port.
    """

    url: str
    probe: bool
    seconds: float  # deadline
    redirects: int = 0
    feed: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Cost:
    """What came of it. `said` is the kind of failure, or empty; of a probe and a feed the whole sentence."""

    said: str
    seconds: float
    mib: float  # how far the process grew above what it had, at its largest
    stall: float  # milliseconds


class HostileClient:
    """The process; a context manager."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)

    async def ask(self, question: Question) -> Cost:
        """The cost of one question."""
        return await asyncio.to_thread(self._exchange, json.dumps(asdict(question)))

    def _exchange(self, line: str) -> Cost:
        assert self._process.stdin is not None and self._process.stdout is not None
        print(line, file=self._process.stdin, flush=True)
        return Cost(**json.loads(self._process.stdout.readline()))


async def _serve() -> None:
    collect_rarely()  # as the service does
    guard, clock = AddressGuard([parse_allow("127.0.0.0/8:*")]), SystemClock()
    fetcher = Fetcher(guard, clock)
    while line := await asyncio.to_thread(sys.stdin.readline):
        cost = await _cost(Question(**json.loads(line)), Tools(fetcher, guard, clock))
        sys.stdout.write(json.dumps(asdict(cost)) + "\n")
        sys.stdout.flush()
    await fetcher.close()


async def _cost(question: Question, tools: Tools) -> Cost:
    gc.collect()
    before, began = _memory("VmRSS"), perf_counter()
    _forget_peak()
    async with Stalls() as stalls:
        asked = _read if question.feed else _probed if question.probe else _fetched
        said = await asked(question, tools)
        seconds = perf_counter() - began
    return Cost(said, seconds, max(0.0, _memory("VmHWM") - before), stalls.longest)


async def _fetched(question: Question, tools: Tools) -> str:
    request = Request(question.url, timeout=question.seconds, redirects=question.redirects)
    answer = await tools.fetcher.fetch(request)
    return answer.kind if isinstance(answer, Failure) else ""


async def _probed(question: Question, tools: Tools) -> str:
    asks = _asks(question)
    spec = ProbeSpec("it", "19", "up", 60.0, question.seconds, asks)
    collected: Collected = await open_probe(spec, tools).collect(tools.clock.now())
    return collected.readings[0].note


def _asks(question: Question) -> Asks:
    port = URL(question.url).port or 0
    others: dict[str, Asks] = {
        "tcp": TcpCheck("127.0.0.1", port, expect="ready"),
        "smtp": SmtpCheck("127.0.0.1", port),
        "tls": TlsCheck("127.0.0.1", port),
        "dns": DnsCheck("127.0.0.1", "centre.example", port),
    }
    http = HttpCheck(question.url, redirects=question.redirects, expect_json="status == 'ok'")
    return others.get(question.kind, http)


async def _read(question: Question, tools: Tools) -> str:
    spec = feed_spec(question.feed, url=question.url, timeout=question.seconds)
    feed = open_feed(spec, tools.fetcher, tools.clock, CALENDAR, INDICATORS, UNITS)
    collected = await feed.collect(tools.clock.now())
    return collected.failure or f"{len(collected.readings)} values, {sum(collected.refused.values())} refused"


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5", "ascii")


def _memory(field: str) -> float:
    lines = Path("/proc/self/status").read_text("ascii", "replace").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{field}:"))


if __name__ == "__main__":
    asyncio.run(_serve())
