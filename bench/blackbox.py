"""Debian's Prometheus with its blackbox exporter over the same targets: what most would take instead."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from socket import socket
from subprocess import DEVNULL, Popen
from time import perf_counter, sleep
from urllib.parse import urlencode
from urllib.request import urlopen

from bench.prober import Measured
from bench.targets import TIMEOUT, Target

_PROMETHEUS, _BLACKBOX = "prometheus", "prometheus-blackbox-exporter"
_TICKS = os.sysconf("SC_CLK_TCK")


def there() -> bool:
    """Whether this machine has both."""
    return all(shutil.which(name) for name in (_PROMETHEUS, _BLACKBOX))


def measure(wanted: Sequence[Target], seconds: float) -> Measured:
    """Processor time of both together; lateness is how much the time between two scrapes differs from the period."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as held:
        root, (web, probing) = Path(folder), _free_ports(2)
        (root / "prometheus.yml").write_text(_config(wanted, probing), "utf-8")
        (root / "blackbox.yml").write_text(_MODULE, "utf-8")
        listen = f"--web.listen-address=127.0.0.1:{probing}"
        blackbox = held.enter_context(_running(_BLACKBOX, f"--config.file={root}/blackbox.yml", listen))
        listen = f"--web.listen-address=127.0.0.1:{web}"
        files = (f"--config.file={root}/prometheus.yml", f"--storage.tsdb.path={root}/data")
        prometheus = held.enter_context(_running(_PROMETHEUS, *files, listen))
        both = (blackbox.pid, prometheus.pid)
        sleep(2 * wanted[0].period)
        cpu, wall = sum(map(_cpu, both)), perf_counter()
        sleep(seconds)
        cpu, wall = sum(map(_cpu, both)) - cpu, perf_counter() - wall
        asked = int(wall)
        good = _value(web, f"sum(sum_over_time(probe_success[{asked}s]))")
        ended = _value(web, f"sum(count_over_time(up[{asked}s]))")
        late = sorted(_lateness(web, asked, wanted[0].period)) or [0.0]
        memory = sum(map(_peak, both))
    middle, most = late[len(late) // 2], late[int(len(late) * 0.99)]
    return Measured(int(ended * wall / asked), int(good), cpu, wall, (middle, most), memory, longest=late[-1])


_MODULE = """
modules:
  http:
    prober: http
    timeout: 5s
    http: {preferred_ip_protocol: ip4, valid_status_codes: [200]}
"""


def _config(wanted: Sequence[Target], port: int) -> str:
    urls = ", ".join(f'"{target.url}"' for target in wanted)
    return f"""
global: {{scrape_interval: {wanted[0].period:g}s, scrape_timeout: {TIMEOUT + 1:g}s}}
scrape_configs:
  - job_name: probe
    metrics_path: /probe
    params: {{module: [http]}}
    static_configs: [{{targets: [{urls}]}}]
    relabel_configs:
      - {{source_labels: [__address__], target_label: __param_target}}
      - {{source_labels: [__param_target], target_label: instance}}
      - {{target_label: __address__, replacement: "127.0.0.1:{port}"}}
"""


def _lateness(web: int, asked: int, period: float) -> Iterator[float]:
    for series in _ask(web, f"up[{asked}s]"):
        for (before, _), (after, _) in pairwise(series["values"]):
            yield abs(after - before - period)


def _value(web: int, query: str) -> float:
    found = _ask(web, query)
    return float(found[0]["value"][1]) if found else 0.0


def _ask(web: int, query: str) -> list[dict[str, list[tuple[float, str]]]]:
    with urlopen(f"http://127.0.0.1:{web}/api/v1/query?{urlencode({'query': query})}", timeout=30) as answer:
        found: list[dict[str, list[tuple[float, str]]]] = json.load(answer)["data"]["result"]
    return found


@contextmanager
def _running(*command: str) -> Iterator[Popen[bytes]]:
    process = Popen(command, stdout=DEVNULL, stderr=DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _cpu(pid: int) -> float:
    """Seconds of processor of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _peak(pid: int) -> float:
    """The most MiB that a process ever had in memory."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def _free_ports(number: int) -> list[int]:
    taken = [socket() for _ in range(number)]
    for one in taken:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in taken]
    for one in taken:
        one.close()
    return ports
