"""What a start costs: importing the command and the service, and a service of the default site at rest."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from socket import socket
from time import perf_counter, sleep

from bench.measure import Figure

_TIMES = 3
_REST = 3.0  # seconds from the first board to the look at the memory
_PATIENCE = 60.0
_MEASURE = "from time import process_time as t; a=t(); import {}; print(t()-a)"


def run() -> list[Figure]:
    """CPU seconds of imports in fresh processes; seconds and memory of `denbao run` until every unit is judged."""
    reference = _import("aiohttp")
    return [
        Figure("import of the command line", _import("monitor.cli.main"), "CPU s", reference, "import aiohttp"),
        Figure("import of the service", _import("monitor.service.build"), "CPU s", reference, "import aiohttp"),
        *_service(),
    ]


def _import(module: str) -> float:
    command = [sys.executable, "-c", _MEASURE.format(module)]
    return min(float(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(_TIMES))


def _service() -> list[Figure]:
    bare = _resident([sys.executable, "-c", "import aiohttp, sys; print('judged', flush=True); sys.stdin.read()"])
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder) / "site"
        subprocess.run([sys.executable, "-m", "monitor", "init", str(site)], check=True, capture_output=True)
        _other_ports(site / "config.yaml")
        run_it = _resident([sys.executable, "-m", "monitor", "run", str(site)])
    return [
        Figure("from `denbao run` to every unit judged", run_it[0], "s"),
        Figure("memory of the service at rest", run_it[1], "MiB", bare[1], "a process that imported aiohttp"),
    ]


def _other_ports(config: Path) -> None:
    """Ports nobody listens on, in place of the default ones."""
    text = config.read_text("utf-8")
    sockets = []
    for port in sorted(set(re.findall(r"\b886\d\b", text))):
        sockets.append(free := socket())
        free.bind(("127.0.0.1", 0))
        text = re.sub(rf"\b{port}\b", str(free.getsockname()[1]), text)
    for free in sockets:
        free.close()
    config.write_text(text, "utf-8")


def _resident(command: list[str]) -> tuple[float, float]:
    """Seconds until a process says that it has judged, and its resident MiB a little later."""
    begun = perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = next((line for line in process.stdout if "judged" in line or perf_counter() - begun > _PATIENCE), "")
        took = perf_counter() - begun
        if "judged" not in said:
            raise AssertionError(f"{command} ended without a judged board")
        sleep(_REST)
        status = Path(f"/proc/{process.pid}/status").read_text()
        return took, int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024
    finally:
        process.terminate()
        process.wait()
