"""Availability of 30 days for a province and the nation, beside two plain ways; and what a digest reads."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from functools import partial
from pathlib import Path

from bench.measure import Figure, Watch, best
from bench.nation import ROOT, national_policy
from monitor.adapters.render import FORMATS
from monitor.adapters.store import SqlStore
from monitor.config.rulebooks import load_rules
from monitor.decide import Policy
from monitor.model.colour import Colour
from monitor.model.hours import Sessions
from monitor.model.muting import Span
from monitor.model.state import Decision, Transition, UnitState
from monitor.model.unit import Level, Unit
from monitor.reporting.availability import availability_report, lines
from monitor.reporting.scene import Scene
from monitor.service.reports import Asked, digest_of, make, transitions

START = datetime(2026, 10, 1, tzinfo=UTC)
DAYS = 30
OUTAGES, WORKS = 20, 4  # of each unit in the span: a bad line, and a night of work each week
MINUTE = 60.0
TIMES = 3


def run() -> list[Figure]:
    """CPU ms from stored changes of colour to a report, for 92 and for 3,321 communes.

    References, in the same run: the same sums by a bare loop over the same changes, without office hours, without gaps
    of the monitor, without outages and without a report; and a walk minute by minute, as a table of samples is summed
    (measured for 92 communes, and 3,321 / 92 times that for the nation).
    """
    policy = _policy()
    communes = policy.units.at(Level.COMMUNE)
    province = [unit for unit in communes if unit.province == "19"]
    figures: list[Figure] = []
    walked = best(lambda: _by_minutes(_history(province, _outage(policy))), 1).cpu
    for name, units in (("92 communes", province), ("3,321 communes", communes)):
        figures += _of(name, units, policy, walked * len(units) / len(province))
    return figures + _editions(policy, province)


def _of(name: str, units: Sequence[Unit], policy: Policy, walked: float) -> list[Figure]:
    span = Span(START, START + timedelta(days=DAYS))
    changes = _history(units, _outage(policy))
    within = "19" if len(units) < 1000 else None
    scene = Scene(("Đèn báo", "Denbao"), policy.units, policy.ruleset, policy.sessions, within=within)
    report = availability_report(scene, changes, span)
    _agree(changes, report)
    summed = best(lambda: list(lines(scene, changes, span)))
    made = best(lambda: availability_report(scene, changes, span))
    bare = best(lambda: _bare(changes, span))
    figures = [
        Figure(f"{name}: changes of colour", len(changes), ""),
        Figure(f"{name}: sums", 1000 * summed.cpu, "CPU ms", 1000 * bare.cpu, "bare loop over the same changes"),
        Figure("  beside samples", 1000 * summed.cpu, "CPU ms", 1000 * walked, "walk minute by minute"),
        Figure(f"{name}: report", 1000 * made.cpu, "CPU ms", 1000 * bare.cpu, "bare loop over the same changes"),
    ]
    for form, write in FORMATS.items():
        spent = best(_writing(write.write, report))
        figures.append(Figure(f"{name}: written as {form}", 1000 * spent.cpu, "CPU ms", 1000 * made.cpu, "its report"))
        figures.append(Figure(f"  {form}", len(write.write(report, None)) / 1024, "KiB"))
    stored = _stored(changes, scene, span)
    figures.append(Figure(f"{name}: from SQLite to the report", 1000 * stored, "CPU ms", 1000 * made.cpu, "its report"))
    return figures


def _editions(policy: Policy, province: Sequence[Unit]) -> list[Figure]:
    """What is read for one edition of the digest of a province, whose units change colour for a month or for years.

    Reference: to read all changes, as the digest did before it asked for the colours of one instant.
    """
    scene = Scene(("Đèn báo", "Denbao"), policy.units, policy.ruleset, policy.sessions)
    month = [replace(change, criterion="") for change in _history(province, _outage(policy))]
    figures: list[Figure] = []
    for months in (1, 24):
        back = [timedelta(days=DAYS * number) for number in range(months - 1, -1, -1)]
        changes = [replace(change, at=change.at - ago) for ago in back for change in month]
        one, every = _edition(changes, scene, policy.units["19"])
        name = f"digest of 92 communes after {len(changes):,} changes"
        figures.append(Figure(name, 1000 * one, "CPU ms", 1000 * every, "reading all changes"))
    return figures


def _edition(changes: Sequence[Transition], scene: Scene, head: Unit) -> tuple[float, float]:
    """CPU seconds of an edition, and of reading all changes."""
    now = START + timedelta(days=DAYS)

    async def spent(path: Path) -> tuple[float, float]:
        store = SqlStore(path)
        await store.open()
        await store.commit([Decision(UnitState("VN"), UnitState("VN"), transitions=tuple(changes))])
        edition = partial(digest_of, scene, head, now - timedelta(hours=9), now, store, live=True)
        await edition()  # the first one prepares the statement
        found = []
        for work in (edition, partial(transitions, store, now)):
            with Watch() as watch:
                for _ in range(TIMES):
                    await work()
            found.append(watch.spent.cpu / TIMES)
        await store.close()
        return found[0], found[1]

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(spent(Path(folder) / "denbao.db"))


def _writing(write: Callable[..., bytes], report: object) -> Callable[[], bytes]:
    return lambda: write(report, None)


def _policy() -> Policy:
    """The nation's units under the bundled book of health, with offices that close."""
    policy = national_policy()
    ruleset, problems = load_rules(ROOT, ["service_health"])
    if ruleset is None:
        raise ValueError(problems)
    hours = ((time(7, 30), time(11, 30)), (time(13, 30), time(17)))
    return replace(policy, ruleset=ruleset, sessions=Sessions(policy.calendar, (hours,) * 5 + ((),) * 2))


def _outage(policy: Policy) -> str:
    """The criterion that says whether a centre works."""
    commune = policy.units.at(Level.COMMUNE)[0]
    found = (c for book in policy.ruleset.books for c in book.criteria if c.outage and c.applies_to(commune))
    return next(found).id


def _history(units: Sequence[Unit], criterion: str) -> list[Transition]:
    chance = random.Random(19)
    found: list[Transition] = []
    for unit in units:
        at, colour = START - timedelta(hours=1), Colour.UNKNOWN
        found.append(Transition(unit.code, criterion, at, colour, Colour.GREEN))
        slots = sorted(chance.sample(range(DAYS * 24), OUTAGES + WORKS))
        for place, hour in enumerate(slots):
            bad = Colour.MAINTENANCE if place % 6 == 5 else Colour.RED
            begins = START + timedelta(hours=hour, minutes=chance.randrange(10))
            ends = begins + timedelta(minutes=1 + chance.randrange(45))
            found.append(Transition(unit.code, criterion, begins, Colour.GREEN, bad))
            found.append(Transition(unit.code, criterion, ends, bad, Colour.GREEN))
    return sorted(found, key=lambda change: change.at)


def _bare(changes: Sequence[Transition], span: Span) -> dict[str, list[float]]:
    """Up and down of each unit, and nothing else."""
    start, end = span.starts.timestamp(), span.ends.timestamp()
    last: dict[str, tuple[float, Colour]] = {}
    sums: dict[str, list[float]] = {}
    for change in changes:
        at = max(change.at.timestamp(), start)
        since, colour = last.get(change.unit, (start, Colour.UNKNOWN))
        had = sums.setdefault(change.unit, [0.0, 0.0])
        if colour is Colour.GREEN:
            had[0] += at - since
        elif colour is Colour.RED:
            had[1] += at - since
        last[change.unit] = at, change.after
    for unit, (since, colour) in last.items():
        if colour is Colour.GREEN:
            sums[unit][0] += end - since
        elif colour is Colour.RED:
            sums[unit][1] += end - since
    return sums


def _by_minutes(changes: Sequence[Transition]) -> dict[str, list[int]]:
    """What a table of one sample a minute is summed by."""
    of_unit: dict[str, list[tuple[float, Colour]]] = {}
    for change in changes:
        of_unit.setdefault(change.unit, []).append((change.at.timestamp(), change.after))
    sums: dict[str, list[int]] = {}
    begin = START.timestamp()
    for unit, cuts in of_unit.items():
        place, had = 0, [0, 0]
        for minute in range(DAYS * 24 * 60):
            now = begin + minute * MINUTE
            while place + 1 < len(cuts) and cuts[place + 1][0] <= now:
                place += 1
            colour = cuts[place][1]
            if colour is Colour.GREEN:
                had[0] += 1
            elif colour is Colour.RED:
                had[1] += 1
        sums[unit] = had
    return sums


def _agree(changes: Sequence[Transition], report: object) -> None:
    """The report says what the bare loop says, or nothing is measured."""
    from monitor.reporting.report import Report

    assert isinstance(report, Report)
    table = report.table("units")
    down = [column.id for column in table.columns].index("down")
    told = {str(row[0]): row[down] for row in table.rows}
    plain = _bare(changes, Span(START, START + timedelta(days=DAYS)))
    assert told.keys() == plain.keys()
    wrong = [unit for unit, had in plain.items() if abs(float(str(told[unit])) - had[1]) > 0.01]
    assert not wrong, wrong[:3]


def _stored(changes: Sequence[Transition], scene: Scene, span: Span) -> float:
    """CPU seconds from a database file to the report."""

    async def filled(path: Path) -> None:
        store = SqlStore(path)
        await store.open()
        await store.commit([Decision(UnitState("VN"), UnitState("VN"), transitions=tuple(changes))])
        await store.close()

    async def told(path: Path) -> None:
        store = SqlStore(path, read_only=True)
        await store.open()
        await make(Asked("availability", span, scene.within), scene, store)
        await store.close()

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "denbao.db"
        asyncio.run(filled(path))
        return best(lambda: asyncio.run(told(path))).cpu
