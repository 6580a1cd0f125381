"""The national registry, judged from nothing and after one changed reading, in memory and on disk."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bench.measure import Figure, Spent, Stalls, Watch, best
from bench.nation import FAIR, GOOD, as_polls, national_policy, readings, value_of
from monitor.adapters.clock import SystemClock
from monitor.adapters.store import open_store
from monitor.decide import Policy
from monitor.model.reading import Reading
from monitor.model.state import Decision
from monitor.model.unit import Level
from monitor.service.evaluator import Evaluator
from monitor.service.garbage import collect_rarely

_STORES = {"memory": "memory:", "SQLite": "sqlite:bench.db"}
_ROUNDS = 5  # changed readings one after the other; the median counts


def run() -> list[Figure]:
    """Seconds, decisions per second, and how the event loop fares meanwhile."""
    collect_rarely()  # as the service does
    policy = national_policy()
    news = list(readings(policy, SystemClock().now()))
    bare = best(lambda: compare(news))
    figures: list[Figure] = []
    for name, url in _STORES.items():
        with tempfile.TemporaryDirectory() as folder:
            figures += asyncio.run(_judge(name, url, Path(folder), policy, news, bare))
    return figures


def compare(news: Sequence[Reading]) -> int:
    """The reference: the same number of values against two thresholds in a bare loop."""
    good = 0
    for reading in news:
        value = reading.value
        if not isinstance(value, str):
            if value >= GOOD:
                good += 1
            elif value < FAIR:
                good -= 1
    return good


async def _judge(
    name: str, url: str, folder: Path, policy: Policy, news: Sequence[Reading], bare: Spent
) -> list[Figure]:
    clock, store = SystemClock(), open_store(url, folder)
    await store.open()
    decided: list[Decision] = []
    evaluator = Evaluator(policy, store, clock, decided.extend)
    await evaluator.load()
    async with Stalls() as idle:
        await asyncio.sleep(0.3)
    for poll in as_polls(list(news), clock.now()):
        evaluator.take(poll)
    async with Stalls() as stalls:
        with Watch() as watch:
            await evaluator.settle()
    number, judgements = len(decided), sum(len(decision.after.criteria) for decision in decided)
    changed = await _changes(evaluator, policy, decided)
    repeated = await _repeats(evaluator, policy)
    await store.close()
    spent = watch.spent
    against = f"{len(news)} values against two thresholds"
    return [
        Figure(f"nation from nothing, {name}", spent.wall, "s", bare.wall, against),
        Figure(f"processor for that, {name}", spent.cpu, "CPU s", bare.cpu, against),
        Figure(f"decisions, {name}", number / spent.cpu, "per CPU s"),
        Figure(f"judgements, {name}", judgements / spent.cpu, "per CPU s", len(news) / bare.cpu, "bare comparisons"),
        Figure(f"one changed reading to the nation, {name}", 1000 * changed, "ms", 1000 * bare.wall, against),
        Figure(
            f"a probe's answer judged again, {name}",
            1e6 * repeated,
            "CPU µs",
            1e6 * spent.cpu / number,
            "a whole decision",
        ),
        Figure(f"event loop p99 while judging, {name}", stalls.p99, "ms", idle.p99, "the idle loop's p99"),
        Figure(f"event loop longest while judging, {name}", stalls.longest, "ms", idle.longest, "the idle loop's"),
    ]


async def _changes(evaluator: Evaluator, policy: Policy, decided: list[Decision]) -> float:
    """Median seconds from a reading that turns a commune red, or green again, to the nation's commit."""
    commune = policy.units.at(Level.COMMUNE)[1]
    indicator = list(policy.ruleset.indicators.values())[1]
    times = []
    for number in range(_ROUNDS):
        decided.clear()
        reading = _newer(evaluator, commune.code, indicator.id)
        changed = replace(reading, value=value_of(indicator, GOOD if number % 2 else 20.0))
        waiting = asyncio.ensure_future(evaluator.submit([changed]))
        await asyncio.sleep(0)
        with Watch() as watch:
            await evaluator.settle()
        await waiting
        times.append(watch.spent.wall)
        levels = [policy.units[decision.after.unit].level for decision in decided]
        if levels[:2] != [Level.COMMUNE, Level.PROVINCE]:
            raise AssertionError(f"the change went to {levels}")
    return sorted(times)[_ROUNDS // 2]


async def _repeats(evaluator: Evaluator, policy: Policy) -> float:
    """CPU seconds for one answer that says the same again, of one indicator at each commune, committed."""
    communes = policy.units.at(Level.COMMUNE)
    indicator = list(policy.ruleset.indicators)[1]
    again = [_newer(evaluator, commune.code, indicator) for commune in communes]
    for poll in as_polls(again, again[0].received_at):
        evaluator.take(poll)
    with Watch() as watch:
        await evaluator.settle()
    return watch.spent.cpu / len(communes)


def _newer(evaluator: Evaluator, unit: str, indicator: str) -> Reading:
    last = evaluator.states[unit].evidence[indicator]
    return replace(last, as_of=last.as_of + timedelta(seconds=1), received_at=last.received_at + timedelta(seconds=1))
