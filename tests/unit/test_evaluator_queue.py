"""What the evaluator keeps in mind about later: one entry for each unit and instant, and none that is forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from monitor.adapters.store import MemoryStore
from monitor.model.reading import Reading
from monitor.service.app import policy_of
from monitor.service.evaluator import Evaluator
from monitor.testing import HandClock
from monitor.testing.site import COMMUNES, small_site

NOW = datetime(2025, 8, 6, 1, 30, tzinfo=UTC)
UNIT = COMMUNES[0]


async def opened() -> tuple[Evaluator, HandClock, list[str]]:
    clock, store = HandClock(NOW), MemoryStore()
    await store.open()
    decided: list[str] = []
    policy = policy_of(small_site())
    evaluator = Evaluator(policy, store, clock, lambda batch: decided.extend(one.after.unit for one in batch))
    return evaluator, clock, decided


async def learn(evaluator: Evaluator, value: float, at: datetime) -> None:
    evaluator._agenda.hear(Reading(UNIT, "queue", value, at, at, "test"))
    await evaluator.settle()


async def test_a_thousand_decisions_of_one_day_wait_for_one_midnight():
    evaluator, clock, decided = await opened()
    for number in range(1000):
        await learn(evaluator, float(number), clock.at + timedelta(milliseconds=number))
    assert decided.count(UNIT) == 1000
    assert len(evaluator._agenda.due) <= len(evaluator.states)


async def test_midnight_wakes_a_unit_once():
    evaluator, clock, decided = await opened()
    for number in range(3):
        await learn(evaluator, float(number), NOW + timedelta(seconds=number))
    midnight = evaluator.states[UNIT].recheck_at
    assert midnight == datetime(2025, 8, 6, 17, tzinfo=UTC)
    decided.clear()
    clock.at = midnight
    await evaluator.settle()
    assert decided.count(UNIT) == 1
    assert evaluator.states[UNIT].recheck_at == midnight + timedelta(days=1)


async def test_a_clock_that_is_set_back_after_midnight_does_not_lose_the_next_one():
    evaluator, clock, decided = await opened()
    await learn(evaluator, 1.0, NOW)
    midnight = evaluator.states[UNIT].recheck_at
    assert midnight is not None
    clock.at = midnight
    evaluator._agenda.wake_due()
    clock.at = midnight - timedelta(hours=1)
    await evaluator.settle()
    assert evaluator.states[UNIT].recheck_at == midnight
    decided.clear()
    clock.at = midnight
    await evaluator.settle()
    assert UNIT in decided


async def test_an_instant_that_no_longer_counts_wakes_nobody():
    evaluator, clock, decided = await opened()
    await learn(evaluator, 1.0, NOW)
    soon = NOW + timedelta(minutes=1)
    state = evaluator.states[UNIT]
    evaluator._states.adopt(replace(state, recheck_at=soon))
    evaluator._states.adopt(state)
    decided.clear()
    clock.at = soon
    await evaluator.settle()
    assert decided == []
