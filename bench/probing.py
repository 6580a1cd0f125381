"""Probes per CPU second: the poller with its guarded, bounded fetches, and a bare aiohttp loop over the same pages."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import aiohttp

from bench.answers import answering
from bench.measure import Figure, Spent, Watch
from monitor.adapters.clock import SystemClock
from monitor.adapters.fetch import Fetcher
from monitor.adapters.guard import AddressGuard, parse_allow
from monitor.adapters.probes import Tools, open_probe
from monitor.config.probespec import HttpCheck, ProbeSpec
from monitor.model.reading import Collected
from monitor.service.build import PARALLEL
from monitor.service.poller import Poller

_PROBES = 1500
_ROUNDS = 3


def run() -> list[Figure]:
    """The quicker of some rounds each, in turns."""
    with answering() as port:
        ours, bare = asyncio.run(_rounds([f"http://127.0.0.1:{port}/centres/{n}/health" for n in range(_PROBES)]))
    against = "a bare aiohttp loop, as many at once"
    return [
        Figure("probes", _PROBES / ours.cpu, "per CPU s", _PROBES / bare.cpu, against),
        Figure("probes", _PROBES / ours.wall, "per s", _PROBES / bare.wall, against),
    ]


async def _rounds(urls: Sequence[str]) -> tuple[Spent, Spent]:
    ours, bare = [], []
    for _ in range(_ROUNDS):
        bare.append(await _spent(_bare, urls))
        ours.append(await _spent(_probe, urls))
    return min(ours, key=lambda spent: spent.cpu), min(bare, key=lambda spent: spent.cpu)


async def _spent(work: Callable[[Sequence[str]], Awaitable[int]], urls: Sequence[str]) -> Spent:
    with Watch() as watch:
        good = await work(urls)
    if good != len(urls):
        raise AssertionError(f"only {good} of {len(urls)} answered")
    return watch.spent


async def _bare(urls: Sequence[str]) -> int:
    room = asyncio.Semaphore(PARALLEL)

    async def ask(session: aiohttp.ClientSession, url: str) -> bool:
        async with room, session.get(url) as answer:
            return answer.status == 200 and bool(await answer.read())

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=PARALLEL)) as session:
        return sum(await asyncio.gather(*(ask(session, url) for url in urls)))


async def _probe(urls: Sequence[str]) -> int:
    port = urls[0].split(":")[2].partition("/")[0]
    clock, guard = SystemClock(), AddressGuard([parse_allow(f"127.0.0.0/8:{port}")])
    fetcher = Fetcher(guard, clock, limit=PARALLEL, limit_per_host=PARALLEL)
    specs = (ProbeSpec(f"p/{n}", f"{n:05}", "up", 60.0, 30.0, HttpCheck(url)) for n, url in enumerate(urls))
    tools = Tools(fetcher, guard, clock)
    sources = [open_probe(spec, tools) for spec in specs]
    found: list[Collected] = []
    await Poller(sources, clock, found.append, parallel=PARALLEL).sweep()
    await fetcher.close()
    return sum(reading.value is True for collected in found for reading in collected.readings)
