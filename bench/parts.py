"""Where the memory of the whole service goes, part by part: `python -m bench.parts TARGETS`.

One process builds up a service as `bench.prober` measures it and looks at what the system holds for it (RSS) after each
part: the code, the site, the sources, what is known of all units, a page of metrics, and one idle connection for each
target. Nothing is timed, so a crowded machine says the same.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import uvloop

from bench.prober import _site, stored
from bench.targets import Target, listening, targets
from monitor.adapters.clock import SystemClock
from monitor.adapters.fetch import Request, Response
from monitor.adapters.probes.outcome import Outcome
from monitor.adapters.probes.probe import collected
from monitor.config.spec import Site
from monitor.service.build import build_service, open_network
from monitor.service.garbage import collect_rarely, one_heap

_AT_ONCE = 200  # fetches under way
_PAGE = 4096  # bytes


def main(number: str) -> None:
    """See the module."""
    collect_rarely()
    one_heap()
    seen = [("code and interpreter", _held())]
    with listening() as ports, tempfile.TemporaryDirectory() as folder:
        wanted = targets(int(number), 60.0, ports)
        site = _site(Path(folder), wanted, 3)
        stored(site)
        seen.append(("site: units, rules, settings of probes", _held()))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_build_up(site, wanted, seen))
    before = 0.0
    for part, held in seen:
        print(f"{part:45} {held - before:7.1f} MiB, together {held:7.1f}", flush=True)
        before = held


async def _build_up(site: Site, wanted: Sequence[Target], seen: list[tuple[str, float]]) -> None:
    service = build_service(site)
    await service.open()
    seen.append(("sources, store, service", _held()))
    now = SystemClock().now()
    phases = {"connect": 0.001, "first_byte": 0.001, "transfer": 0.001}
    for spec in site.probes:
        service._collected(collected(spec, now, [Outcome("", dict(phases), (), {"seconds": 0.003})], 0.003))
    service.evaluator.judge_all()
    await service.evaluator.settle()
    seen.append(("what is known of units, last polls", _held()))
    for exporter in service.exporters.values():
        await exporter.page("", "gzip")  # type: ignore[attr-defined]
    seen.append(("a page of metrics", _held()))
    _, fetcher = open_network(site, SystemClock())
    waiting = iter([f"{target.url.rpartition('/')[0]}/fast" for target in wanted])

    async def ask() -> int:
        return sum([isinstance(await fetcher.fetch(Request(url)), Response) for url in waiting])

    answered = sum(await asyncio.gather(*(ask() for _ in range(_AT_ONCE))))
    seen.append((f"{answered} idle connections", _held()))
    await fetcher.close()
    await service.stop()


def _held() -> float:
    """MiB that the system holds for this process now."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * _PAGE / 2**20


if __name__ == "__main__":
    main(*sys.argv[1:])
