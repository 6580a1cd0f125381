"""Units whose targets are probed each minute: what deciding and committing one costs when all its targets answered.

Each commune has ten targets, as in the largest size of `probing`: nearly all answers say the same again, one target in
twenty is dead and has an open incident. News is taken in, decided and committed by the evaluator, in memory and in
SQLite; nothing is fetched, shown or sent.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from time import process_time

from bench.measure import Figure, Watch
from bench.nation import national_policy
from monitor.adapters.clock import SystemClock
from monitor.adapters.store import open_store
from monitor.decide import Policy, View, decide
from monitor.engine.book import Band, Book, Condition, Criterion, Flap, Indicator, Need, Ruleset
from monitor.model.colour import Colour
from monitor.model.reading import Collected, Reading
from monitor.model.state import Decision, UnitState
from monitor.model.unit import Level
from monitor.service.evaluator import Evaluator
from monitor.service.garbage import collect_rarely

COMMUNES, TARGETS, DEAD = 300, 10, 20  # communes that are probed; targets of each; one target in so many is dead
_MINUTES = 6  # sweeps that are measured, after three that bring every criterion to rest
_STEP = timedelta(minutes=1)
_STORES = {"memory": "memory:", "SQLite": "sqlite:bench.db"}


class _Clock(SystemClock):
    """The system's clock, some minutes ahead; it starts in the first minutes of an hour, whichever that is."""

    def __init__(self) -> None:
        self._ahead = super().now().replace(minute=2, second=0, microsecond=0) - super().now()

    def now(self) -> datetime:
        return super().now() + self._ahead

    def step(self) -> None:
        self._ahead += _STEP


def run() -> list[Figure]:
    """Microseconds of processor, all threads, of one unit with ten answers."""
    collect_rarely()
    policy = probed_policy()
    figures = [Figure("decide alone, ten answers", 1e6 * _alone(policy), "CPU us")]
    for name, url in _STORES.items():
        with tempfile.TemporaryDirectory() as folder:
            heard, decided = asyncio.run(_sweeps(url, Path(folder), policy))
        figures.append(Figure(f"ten answers heard, {name}", 1e6 * heard, "CPU us"))
        figures.append(Figure(f"ten answers decided and committed, {name}", 1e6 * decided, "CPU us"))
    return figures


def probed_policy() -> Policy:
    """The nation, with a yes/no indicator and a critical criterion for each target."""
    policy = national_policy()
    names = [f"target_{number}" for number in range(TARGETS)]
    indicators = {
        name: Indicator(name, name, name, name, "bool", "infrastructure", max_age=150.0, cadence=60.0) for name in names
    }
    book = Book("bench", "1", "Đo", "Bench", tuple(map(_criterion, names)))
    return replace(policy, ruleset=Ruleset(indicators, (book,)))


def _criterion(name: str) -> Criterion:
    bands = (Band(Colour.GREEN, (Condition("==", True),), "true"), Band(Colour.RED, (Condition("==", False),), "false"))
    return Criterion(
        name, "bench", name, name, frozenset({Level.COMMUNE}), name, bands=bands, weight={Level.COMMUNE: 8.0},
        hold=Need(2), keep=Need(3), flap=Flap(50.0, 25.0), outage=True,
    )  # fmt: skip


def sweep(units: Sequence[str], now: datetime) -> list[list[Reading]]:
    """What the targets of each unit answer in the minute before `now`, one by one."""
    swept = []
    for place, unit in enumerate(units):
        answers = []
        for number in range(TARGETS):
            dead = (place * TARGETS + number) % DEAD == 0
            at = now - _STEP * (TARGETS - number) / (TARGETS + 1)
            note = "connect: nobody answered within 10 s" if dead else ""
            name = f"target_{number}"
            answers.append(Reading(unit, name, not dead, at, at + timedelta(seconds=0.1), f"{name}/{unit}", note=note))
        swept.append(answers)
    return swept


def _alone(policy: Policy) -> float:
    """CPU seconds of `decide` for one unit."""
    clock = _Clock()
    units = [unit.code for unit in policy.units.at(Level.COMMUNE)[:COMMUNES]]
    states, judged, spent = {unit: UnitState(unit) for unit in units}, None, list[float]()
    for _ in range(3 + _MINUTES):
        clock.step()
        now = clock.now()
        heard = sweep(units, now)
        begun = process_time()
        for unit, answers in zip(units, heard, strict=True):
            states[unit] = decide(View(states[unit], tuple(answers), judged_at=judged), policy, now).after
        spent.append(process_time() - begun)
        judged = now
    return median(spent[3:]) / len(units)


async def _sweeps(url: str, folder: Path, policy: Policy) -> tuple[float, float]:
    """CPU seconds of one unit for hearing its answers, and for deciding and committing."""
    clock, store = _Clock(), open_store(url, folder)
    units = [unit.code for unit in policy.units.at(Level.COMMUNE)[:COMMUNES]]
    await store.open()
    decided: list[Decision] = []
    evaluator = Evaluator(policy, store, clock, decided.extend)
    await evaluator.load()
    heard, spent = list[float](), list[float]()
    for _ in range(3 + _MINUTES):
        clock.step()
        polls = [Collected(one.source, one.as_of, (one,)) for answers in sweep(units, clock.now()) for one in answers]
        decided.clear()
        with Watch() as watch:
            for poll in polls:
                evaluator.take(poll)
        heard.append(watch.spent.cpu)
        with Watch() as watch:
            await evaluator.settle()
        spent.append(watch.spent.cpu)
        if (number := sum(decision.after.unit in units for decision in decided)) < len(units):
            raise AssertionError(f"{number} of {len(units)} units were decided")
    await store.close()
    return median(heard[3:]) / len(units), median(spent[3:]) / len(units)
