"""The nation ruled from nothing: in columns, in a plain loop, by `decide`, and by recording rules of Prometheus."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import which
from statistics import fmean, median
from threading import Thread
from time import perf_counter
from typing import Any, NamedTuple

from bench.measure import Figure, Watch, best
from bench.nation import FAIR, GOOD, national_policy
from monitor.adapters.clock import SystemClock
from monitor.decide import Policy, View, decide
from monitor.engine.sheet import Sheet
from monitor.model.reading import Reading
from monitor.model.state import UnitState
from monitor.model.unit import DECIDE_ORDER, Level
from monitor.service.garbage import collect_rarely

REPEATS = 7  # the quickest counts
CHANGES = 4000  # readings put in one after the other
EDGES = 30  # rounds in which one commune of each province changes to and fro
LIMIT = 60.0  # seconds Prometheus may take to start, scrape and evaluate
MEMORY = 2_000_000_000  # bytes of address space that Prometheus' heap may reach

Grid = Sequence[Sequence[float]]  # indicator, unit


def run() -> list[Figure]:
    """Seconds from values in memory to colours of every unit, beside three other ways in the same run.

    What goes in: the newest readings of every unit, laid out in columns (`Sheet.fill`, measured by itself), and rules
    of which no table was drawn yet. Inside the measured time: drawing the tables by asking the judge; colour and next
    look of every reading; score, coverage and colour of every unit; counts, and the roll-ups to the nation. What comes
    out are arrays of all these. Not inside: laying out, and taking the sheet down again.
    """
    collect_rarely()  # as the service does
    policy, now = national_policy(), SystemClock().now()
    policy = _numbers_only(policy)
    readings = list(_readings(policy, now))
    evidence = _evidence(readings)
    communes = policy.units.at(Level.COMMUNE)
    grid = [[evidence[unit.code][one].value for unit in communes] for one in policy.ruleset.indicators]
    count = len(communes) * len(grid)

    rows = _rows(policy, evidence)
    known = {code: UnitState(code, evidence=of) for code, of in evidence.items()}
    sheet = _sheet(policy, now)
    filled = best(lambda: sheet.fill(known), 3)
    judged = _fresh(policy, known, now)
    # In turns, so that other work on the machine meets all three.
    rounds = [
        [best(work, 1) for work in (judged, lambda: plain(policy, rows, now.timestamp()), lambda: bands_alone(grid))]
        for _ in range(REPEATS)
    ]
    full, loop, bands = (min(spent, key=lambda one: one.cpu) for spent in zip(*rounds, strict=True))
    again = best(lambda: sheet.judge(now), REPEATS)
    sheet = _sheet(policy, now)
    sheet.fill(known)
    sheet.judge(now)
    changes, edges = _changes(sheet, readings, now), _edges(policy, now)
    ordinary = best(lambda: _decide_all(policy, evidence, now), 1)
    agreed = _agree(sheet, policy, now)
    same, nothing = "plain loop, the same questions", "nation from nothing, columns"
    figures = [
        Figure("judgements of communes", count, ""),
        Figure("nation from nothing, columns", 1000 * full.cpu, "CPU ms", 1000 * loop.cpu, same),
        Figure("  beside less", 1000 * full.cpu, "CPU ms", 1000 * bands.cpu, "plain loop, bands alone"),
        Figure("nation once more, tables drawn", 1000 * again.cpu, "CPU ms", 1000 * loop.cpu, same),
        Figure("readings laid out in columns", 1000 * filled.cpu, "CPU ms", 1000 * full.cpu, "judging them"),
        Figure("one changed reading, commune to nation", 1e6 * changes.turned, "µs", 1e6 * full.cpu, nothing),
        Figure("  mean of new values spread as the old", 1e6 * changes.mixed, "CPU µs", 1e6 * full.cpu, nothing),
        Figure("  one that changes its unit's colour", 1e6 * changes.moving, "µs", 1e6 * full.cpu, nothing),
        Figure("  one that changes its province's colour as well", 1e6 * edges.province, "µs", 1e6 * full.cpu, nothing),
        Figure("  and the nation's: the longest way", 1e6 * edges.nation, "µs", 1e6 * full.cpu, nothing),
        Figure("  the same colours once more", 1e6 * changes.again, "µs", 1e6 * full.cpu, nothing),
        Figure("  units that changed with it, on average", changes.moved, ""),
        Figure("units on which columns and decide agree", agreed, "", len(policy.units), "units"),
        Figure("decide with reasons, holds, alerts", ordinary.cpu, "CPU s", loop.cpu, same),
    ]  # fmt: skip
    if which("prometheus") is None:
        print("ruling: prometheus is not installed; its figures are left out")
        return figures
    seconds, red = prometheus(policy, grid)
    if red != sum(value < FAIR for column in grid for value in column):
        raise AssertionError(f"Prometheus counts {red} reds")
    return [
        *figures,
        Figure("recording rules of Prometheus, bands alone", seconds, "s", full.wall, "nation from nothing, columns"),
    ]


def bands_alone(grid: Grid) -> list[int]:
    """The reference that does least: each value against two thresholds."""
    colours = []
    for column in grid:
        for value in column:
            if value >= GOOD:
                colours.append(0)
            elif value >= FAIR:
                colours.append(1)
            else:
                colours.append(2)
    return colours


Rows = Mapping[str, tuple[list[float], list[float]]]  # unit -> values, claims in seconds


def plain(policy: Policy, rows: Rows, moment: float) -> dict[str, int]:  # noqa: PLR0912, PLR0915 - one plain loop
    """The same questions, hard-wired: age, next look, floor, goal, date, bands, score, standing, shares."""
    due = datetime(2099, 8, 19, 17, tzinfo=UTC).timestamp()
    dated = [bool(c.target) for c in policy.ruleset.books[0].criteria if c.indicator]
    limit = 30 * 86400.0
    stands: dict[str, int] = {}
    children: dict[str, list[int]] = {}
    for unit in sorted(policy.units, key=lambda unit: DECIDE_ORDER[unit.level]):
        values, claims = rows[unit.code]
        look, known, points, reds, critical = due, 0, 0.0, 0, 0
        for number, value in enumerate(values):
            stale = claims[number] + limit
            if moment >= stale:
                continue
            look = min(look, stale)
            known += 1
            if value >= GOOD:
                points += 1.0
            elif value < FAIR or (dated[number] and moment >= due):
                reds += 1
                critical += number == 1
            else:
                points += 0.5
        total = len(values)
        if unit.level is not Level.COMMUNE:
            green, count = children[unit.code]
            share = 100 * green / count
            colour = 0 if share >= GOOD else 1 if share >= FAIR else 2
            known, total, points = known + 20, total + 20, points + (20.0, 10.0, 0.0)[colour]
            critical += colour == 2
        if critical:
            colour = 2
        elif known / total < 0.7:
            colour = 3
        else:
            score = points / known
            colour = 2 if score < 0.5 else 1 if reds or score < 0.8 else 0
        stands[unit.code] = colour
        if unit.parent is not None:
            tally = children.setdefault(unit.parent, [0, 0])
            tally[0] += colour == 0
            tally[1] += 1
    return stands


def _rows(policy: Policy, evidence: Mapping[str, Mapping[str, Reading]]) -> Rows:
    return {
        code: ([of[name].value for name in policy.ruleset.indicators], [of[name].as_of.timestamp() for name in of])
        for code, of in evidence.items()
    }


def _numbers_only(policy: Policy) -> Policy:
    """Every criterion over a number, so that all ways answer the same questions; a quarter of them with a date."""
    book = policy.ruleset.books[0]
    numeric = next(c for c in book.criteria if c.indicator and not c.target and len(c.bands) == 3)
    dated = next(c for c in book.criteria if c.target)
    indicators = {key: replace(one, unit="%", states=()) for key, one in policy.ruleset.indicators.items()}
    criteria = [
        replace(c, bands=() if n % 4 == 0 else numeric.bands, target=dated.target if n % 4 == 0 else None)
        if c.indicator
        else c
        for n, c in enumerate(book.criteria)
    ]
    ruleset = replace(policy.ruleset, indicators=indicators, books=(replace(book, criteria=tuple(criteria)),))
    return replace(policy, ruleset=ruleset)


def _readings(policy: Policy, now: datetime) -> Iterator[Reading]:
    """Every unit different: values spread over the colours, ages over a day. The same numbers in each run."""
    state = 766
    for unit in policy.units:
        for indicator in policy.ruleset.indicators:
            state = (1103515245 * state + 12345) % 2**31
            value, age = 60 + 40 * ((state >> 8) % 1000) / 1000, (state >> 4) % 86400
            yield Reading(unit.code, indicator, value - 20 * (value < 62), now - timedelta(seconds=age), now, "bench")


def _evidence(readings: Sequence[Reading]) -> dict[str, dict[str, Reading]]:
    evidence: dict[str, dict[str, Reading]] = {}
    for reading in readings:
        evidence.setdefault(reading.unit, {})[reading.indicator] = reading
    return evidence


def _sheet(policy: Policy, now: datetime) -> Sheet:
    rules = policy.ruleset
    return Sheet(
        policy.units, lambda unit: policy.criteria_of(unit, now), rules.indicators, rules.standing, policy.calendar
    )


def _fresh(policy: Policy, known: Mapping[str, UnitState], now: datetime) -> Callable[[], object]:
    """Judging by sheets that were never judged before: each call takes a new one."""
    sheets = [_sheet(policy, now) for _ in range(REPEATS)]
    for sheet in sheets:
        sheet.fill(known)
    done: list[Sheet] = []  # kept, for taking a sheet down is no part of judging

    def judge() -> None:
        done.append(sheets.pop())
        done[-1].judge(now)

    return judge


class _Changes(NamedTuple):
    """Seconds for a new reading and all it changes up to the nation."""

    turned: float  # median where every new value turns its criterion red
    moving: float  # median of those among them that change the colour of a unit
    again: float  # the same after all have been as before in between
    mixed: float  # mean where the new values are those of other units
    moved: float  # units that change colour with a reading that turned red, on average


def _changes(sheet: Sheet, readings: Sequence[Reading], now: datetime) -> _Changes:
    old = readings[1 :: max(1, len(readings) // CHANGES)]
    values = [float(reading.value) for reading in old]
    red = [min(40.0, 100.0 - value) + 0.01 for value in values]
    first = _put_in(sheet, old, red, now)
    _put_in(sheet, old, values, now)
    again = _put_in(sheet, old, red, now)
    _put_in(sheet, old, values, now)
    other = [
        replace(one, value=another.value, as_of=now) for one, another in zip(old, [*old[7:], *old[:7]], strict=True)
    ]
    with Watch() as watch:
        for reading in other:
            sheet.put(reading, now)
    return _Changes(
        median(spent for spent, _ in first),
        median(spent for spent, changed in first if changed),
        median(spent for spent, changed in again if changed),
        watch.spent.cpu / len(other),
        fmean(changed for _, changed in first),
    )


class _Edges(NamedTuple):
    """Median seconds for a new reading where all that lies above it stands at the edge of another colour."""

    province: float  # changes the colours of a commune and of its province
    nation: float  # ... and of the nation


def _edges(policy: Policy, now: datetime) -> _Edges:
    """All is green but for as many communes of each province as that can bear, and then as many provinces."""
    key, keys = list(policy.ruleset.indicators)[2], policy.ruleset.indicators
    good = [Reading(unit.code, one, 90.0, now, now, "bench") for unit in policy.units for one in keys]
    sheet = _sheet(policy, now)
    sheet.fill({code: UnitState(code, evidence=of) for code, of in _evidence(good).items()})
    sheet.judge(now)
    below = [policy.units.children(province.code) for province in policy.units.at(Level.PROVINCE)]
    last = [_last(sheet, [Reading(code, key, 90.0, now, now, "bench") for code in codes], now) for codes in below]
    province = _to_and_fro(sheet, last, now, 2)
    while len(sheet.put(replace(last[-1], value=20.0), now)) < 3:
        last.pop()
    sheet.put(last[-1], now)
    return _Edges(province, _to_and_fro(sheet, last, now, 3))


def _last(sheet: Sheet, good: Sequence[Reading], now: datetime) -> Reading:
    """Turn units red one by one, up to the one with which their province changes its colour: that one stays green."""
    for reading in good:
        if len(sheet.put(replace(reading, value=20.0), now)) > 1:
            sheet.put(reading, now)
            return reading
    raise AssertionError("a province bears everything")


def _to_and_fro(sheet: Sheet, good: Sequence[Reading], now: datetime, moved: int) -> float:
    """Median seconds for turning each of them red and green again, by which so many units change their colour."""
    old = [reading for reading in good for _ in range(2)] * EDGES
    found = _put_in(sheet, old, [20.0, 90.0] * (len(old) // 2), now)
    if {changed for _, changed in found} != {moved}:
        raise AssertionError(f"not always did {moved} units change")
    return median(spent for spent, _ in found)


def _put_in(sheet: Sheet, old: Sequence[Reading], values: Sequence[float], now: datetime) -> list[tuple[float, int]]:
    """Seconds for each new value, and how many units it changed."""
    found = []
    for reading, value in zip(old, values, strict=True):
        fresh = replace(reading, value=value, as_of=now)
        before = perf_counter()
        changed = sheet.put(fresh, now)
        found.append((perf_counter() - before, len(changed)))
    return found


def _decide_all(policy: Policy, evidence: Mapping[str, Mapping[str, Reading]], now: datetime) -> dict[str, UnitState]:
    states = {unit.code: UnitState(unit.code) for unit in policy.units}
    for unit in sorted(policy.units, key=lambda unit: DECIDE_ORDER[unit.level]):
        children = tuple(states[code] for code in policy.units.children(unit.code))
        view = View(states[unit.code], tuple(evidence.get(unit.code, {}).values()), children)
        states[unit.code] = decide(view, policy, now).after
    return states


def _agree(sheet: Sheet, policy: Policy, now: datetime) -> int:
    """Units of which both say the same, after the changes. Raises AssertionError when there is a difference."""
    evidence = {unit.code: sheet.evidence(unit.code) for unit in policy.units}
    states = _decide_all(policy, evidence, now)
    for code, state in states.items():
        if state.standing is None or state.standing.colour is not sheet.colour(code):
            raise AssertionError(f"columns and decide differ at {code}")
    return len(states)


# Prometheus: the same values as gauges, the same two thresholds as recording rules


def prometheus(policy: Policy, grid: Grid) -> tuple[float, int]:
    """Quickest evaluation of the rule group in seconds, and the reds it found."""
    with tempfile.TemporaryDirectory() as name, _page(_exposition(policy, grid)) as target:
        folder = Path(name)
        (folder / "rules.yml").write_text(
            json.dumps({"groups": [{"name": "bench", "rules": list(_recording(policy))}]})
        )
        scrape = {"job_name": "nation", "static_configs": [{"targets": [target]}]}
        every = {"scrape_interval": "8s", "scrape_timeout": "8s", "evaluation_interval": "8s"}
        config = {"global": every, "rule_files": ["rules.yml"], "scrape_configs": [scrape]}
        (folder / "prometheus.yml").write_text(json.dumps(config))
        with _running(folder) as address:
            return _evaluated(address)


def _recording(policy: Policy) -> Iterator[dict[str, str]]:
    for number in range(len(policy.ruleset.indicators)):
        name = f"bench_value_{number}"
        colour = f"({name} < bool {GOOD}) + ({name} < bool {FAIR})"
        yield {"record": f"bench_colour_{number}", "expr": colour}
    yield {"record": "bench_red", "expr": 'count({__name__=~"bench_colour_.+"} == 2)'}


def _exposition(policy: Policy, grid: Grid) -> bytes:
    communes = policy.units.at(Level.COMMUNE)
    lines = []
    for number, column in enumerate(grid):
        lines.append(f"# TYPE bench_value_{number} gauge")
        lines += [
            f'bench_value_{number}{{unit="{unit.code}",province="{unit.province}"}} {value!r}'
            for unit, value in zip(communes, column, strict=True)
        ]
    return "\n".join([*lines, ""]).encode()


@contextmanager
def _page(body: bytes) -> Iterator[str]:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def _running(folder: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [
        "prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address={address}", "--log.level=error",
    ]  # fmt: skip
    process = subprocess.Popen(command, env={**os.environ, "GOMEMLIMIT": str(MEMORY)}, stderr=subprocess.DEVNULL)
    try:
        yield address
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _evaluated(address: str) -> tuple[float, int]:
    """Waits for two evaluations that saw every value. Raises TimeoutError when they do not come within LIMIT."""
    found: dict[str, float] = {}
    reds, end = 0, perf_counter() + LIMIT
    while len(found) < 2:
        if perf_counter() > end:
            if found:
                break
            raise TimeoutError(f"no evaluation by Prometheus within {LIMIT:.0f} s")
        time.sleep(0.5)
        try:
            group = _ask(address, "rules")["groups"][0]
            answer = _ask(address, "query?query=bench_red")["result"]
        except (OSError, IndexError, KeyError):
            continue
        complete = all(rule["health"] == "ok" for rule in group["rules"]) and group["evaluationTime"] > 0.2
        if answer and complete:
            reds = int(answer[0]["value"][1])
            found[group["lastEvaluation"]] = group["evaluationTime"]
    return min(found.values()), reds


def _ask(address: str, what: str) -> Any:
    with urllib.request.urlopen(f"http://{address}/api/v1/{what}", timeout=5) as answer:
        return json.load(answer)["data"]
