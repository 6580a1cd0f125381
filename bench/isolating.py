"""Whether hostile targets cost the others anything: the whole service over 3,300 units, without and with 330 of them.

Every known hostile answer (tests/integration/hostile.py) is played, each at a port of its own, by a process that gives
way to the service's (nice): what it burns to make bombs and floods is not what is measured.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from bench.measure import Figure
from bench.prober import Measured
from bench.targets import listener, listening
from tests.integration.hostile import CASES, Stage

UNITS, PERIOD = 3300, 30.0
_WINDOW = 90.0  # seconds that are measured
_PATIENCE = 420.0
_NICE = 10
_PLAYED = 30.0  # seconds; more than any question takes


def run() -> list[Figure]:
    """P8 and P9: memory, stalls, and how old the others' answers get. The reference is the run without hostile ones."""
    with listening() as (port, *_), _hostile() as ports:
        calm, spoilt = (_measured(port, hostile) for hostile in ((), ports))
    of, against = f"{UNITS} units every {PERIOD:g} s, {UNITS // 10} hostile", "no hostile ones"
    return [
        Figure(f"{of}: the others' answers, age p99", spoilt.age[1], "s", calm.age[1], against),
        Figure("  age p50", spoilt.age[0], "s", calm.age[0], against),
        Figure("  lateness p99", 1000 * spoilt.lateness[1], "ms", 1000 * calm.lateness[1], against),
        Figure("  event loop's stall p99", spoilt.stall[0], "ms", calm.stall[0], against),
        Figure("  longest stall", spoilt.stall[1], "ms", calm.stall[1], against),
        Figure("  memory at most", spoilt.memory, "MiB", calm.memory, against),
        Figure("  CPU s for 1,000 probes", _cost(spoilt), "s", _cost(calm), against),
        Figure("  missed", spoilt.missed, "", calm.missed or None, against),
        Figure("  answered well", spoilt.good, "", 0.9 * calm.good, "nine tenths of those without"),
    ]


def _measured(port: int, hostile: Sequence[int]) -> Measured:
    command = [sys.executable, "-m", "bench.prober", "beside", str(UNITS), str(PERIOD), str(_WINDOW)]
    ports = map(str, (port, *hostile))
    said = subprocess.run([*command, *ports], stdout=subprocess.PIPE, check=True, timeout=_PATIENCE).stdout
    return Measured(**json.loads(said.splitlines()[-1]))


def _cost(measured: Measured) -> float:
    return 1000 * measured.cpu / measured.probes


@contextmanager
def _hostile() -> Iterator[list[int]]:
    process = subprocess.Popen([sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None and process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait()


def _played(stage: Stage) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
    """Plays to each who connects, for a while: who never looks whether anybody listens keeps thousands of sockets."""

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = stage.accept(reader, writer)
        loop = asyncio.get_running_loop()
        loop.call_later(_PLAYED, task.cancel)
        loop.call_later(_PLAYED, writer.transport.abort)

    return accept


async def _serve() -> None:
    os.nice(_NICE)
    here = [listener() for _ in CASES]
    served = zip(CASES, here, strict=True)
    servers = [await asyncio.start_server(_played(Stage(case.play)), sock=at, backlog=512) for case, at in served]
    print(json.dumps([at.getsockname()[1] for at in here]), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    assert len(servers) == len(CASES)  # they live until here
    os._exit(0)  # what is still played to somebody is nobody's concern any more


if __name__ == "__main__":
    asyncio.run(_serve())
