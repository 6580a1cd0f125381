"""`python -m bench [NAME ...] [--targets N | --full]`: all benchmarks, or some; JSON in bench/results/."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from bench import (
    auditing,
    deciding,
    directory,
    draining,
    hostile,
    isolating,
    judging,
    kills,
    massing,
    probing,
    replaying,
    reporting,
    reviving,
    rolling,
    ruling,
    scraping,
    starting,
    storing,
)
from bench.measure import Figure

BENCHES: Mapping[str, Callable[[], list[Figure]]] = {
    "judging": judging.run,
    "deciding": deciding.run,
    "ruling": ruling.run,
    "scraping": scraping.run,
    "directory": directory.run,
    "probing": probing.run,
    "hostile": hostile.run,
    "isolating": isolating.run,
    "replaying": replaying.run,
    "reporting": reporting.run,
    "rolling": rolling.run,
    "storing": storing.run,
    "auditing": auditing.run,
    "massing": massing.run,
    "draining": draining.run,
    "starting": starting.run,
    "reviving": reviving.run,
    "kills": kills.run,
}
RESULTS = Path(__file__).parent / "results"


def main(arguments: Sequence[str]) -> int:
    """Exit code 0, or 2 for a name that is no benchmark."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--targets", type=int, help="of probing, each asked every 15 s (2,000 unless said)")
    parser.add_argument("--full", action="store_true", help="probing in its full sizes: half an hour, two idle cores")
    options = parser.parse_args(arguments)
    names, benches = options.names, dict(BENCHES)
    if options.full or options.targets:
        benches["probing"] = lambda: probing.run(probing.FULL if options.full else ((options.targets, 15.0),))
    if unknown := [name for name in names if name not in BENCHES]:
        print(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    for name in names or BENCHES:
        begun = perf_counter()
        figures = benches[name]()
        _show(name, figures, perf_counter() - begun)
        _keep(name, figures)
    return 0


def _show(name: str, figures: Sequence[Figure], seconds: float) -> None:
    print(f"\n{name} ({seconds:.0f} s)")
    for one in figures:
        ratio = "" if one.ratio is None else f"{one.ratio:10.3g} x {one.reference:.4g} ({one.against})"
        print(f"  {one.name:52} {one.value:12.4g} {one.unit:8}{ratio}", flush=True)


def _keep(name: str, figures: Sequence[Figure]) -> None:
    RESULTS.mkdir(exist_ok=True)
    record = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "figures": [one.as_json() for one in figures],
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
