"""The whole service probing many slow and dead targets, a bare aiohttp loop, and Prometheus with blackbox.

Each prober, and the targets, are processes of their own, one prober after the other. `--targets N` says how many are
asked every 15 s; `--full` asks 10,000 every 15 s and then 33,210 every 60 s, which takes half an hour and two cores.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

from bench import blackbox
from bench.measure import Figure
from bench.prober import Measured
from bench.targets import listening, targets

QUICK = ((2000, 15.0),)
FULL = ((10_000, 15.0), (33_210, 60.0))
_WINDOW = 60.0  # seconds that are measured: as long as an answer that says the same again may wait to be stored
_PATIENCE = 420.0  # seconds after which a prober is ended


def run(sizes: Sequence[tuple[int, float]] = QUICK) -> list[Figure]:
    """CPU seconds for 1,000 probes, lateness, memory, missed polls."""
    return [figure for number, period in sizes for figure in _compared(number, period)]


def _compared(number: int, period: float) -> list[Figure]:
    name = f"{number} every {period:g} s"
    with listening() as ports:
        bare, quick, ours = (_prober(kind, number, period, ports) for kind in ("bare", "uvloop", "service"))
        theirs = blackbox.measure(targets(number, period, ports), _WINDOW) if blackbox.there() else None
    found = [
        Figure(f"{name}: CPU s for 1,000 probes", _cost(ours), "s", _cost(bare), "a bare aiohttp loop"),
        Figure("  the same", _cost(ours), "s", _cost(quick), "the bare loop on uvloop"),
        Figure("  lateness p50", 1000 * ours.lateness[0], "ms", 1000 * bare.lateness[0], "the bare loop"),
        Figure("  lateness p99", 1000 * ours.lateness[1], "ms", 1000 * bare.lateness[1], "the bare loop"),
        Figure("  lateness, longest", 1000 * ours.longest, "ms", 1000 * bare.longest, "the bare loop"),
        Figure("  memory at most", ours.memory, "MiB", bare.memory, "the bare loop"),
        Figure("  missed", ours.missed, ""),
        Figure("  probes in the time measured", ours.probes, "", number / period * _WINDOW, "due"),
        Figure("  answered well", ours.good, "", bare.good, "the bare loop"),
        Figure("  decisions", ours.decisions, "", ours.probes, "probes"),
    ]
    if theirs is not None:
        against = "Prometheus and blackbox"
        found += [
            Figure("  CPU s for 1,000 probes", _cost(ours), "s", _cost(theirs), against),
            Figure("  lateness p99", 1000 * ours.lateness[1], "ms", 1000 * theirs.lateness[1], against),
            Figure("  memory at most", ours.memory, "MiB", theirs.memory, against),
            Figure("  answered well", ours.good, "", theirs.good, against),
        ]
    return found


def _prober(kind: str, number: int, period: float, ports: Sequence[int]) -> Measured:
    command = [sys.executable, "-m", "bench.prober", kind, str(number), str(period), str(_WINDOW), *map(str, ports)]
    said = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=_PATIENCE).stdout
    return Measured(**json.loads(said.splitlines()[-1]))


def _cost(measured: Measured) -> float:
    return 1000 * measured.cpu / measured.probes
