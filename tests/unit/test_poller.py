"""When the sources are asked: in their seconds of the minute, however late a second came."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta

import pytest

from monitor.model.reading import Collected
from monitor.service.poller import Poller
from monitor.service.sweep import SLOTS, slots_of
from monitor.testing import HandClock

START = datetime(2026, 11, 20, 5, tzinfo=UTC)


class Asked:
    """A source that remembers when it was asked."""

    owner = "02143"

    def __init__(self, clock: HandClock, period: float) -> None:
        self.id = f"probe-{period:g}"
        self.period = period
        self.at: list[float] = []
        self._clock = clock

    async def collect(self, now: datetime) -> Collected:
        self.at.append(self._clock.monotonic())
        return Collected(self.id, now)


async def asked(period: float, late: dict[float, float], until: float) -> list[float]:
    """Instants of the polls when the second `s` comes `late[s]` seconds late, after a first sweep at 0."""
    clock = HandClock(START)
    source = Asked(clock, period)
    poller = Poller([source], clock, lambda _collected: None)
    await poller.sweep()
    for second in range(1, int(until)):
        clock.at = max(clock.at, START + timedelta(seconds=second + late.get(second, 0.0)))
        await poller.tick(second % SLOTS)
        await asyncio.sleep(0)
    return source.at


def gaps(instants: list[float]) -> list[float]:
    return [after - before for before, after in itertools.pairwise(instants)]


@pytest.mark.parametrize("period", [15, 30, 60, 300])
async def test_a_source_is_asked_once_in_each_period(period):
    at = await asked(period, {}, 10 * period)
    assert max(gaps(at)) <= 1.5 * period, "after the first sweep the slot is up to half a period away from the rest"
    assert set(gaps(at[1:])) == {period}


@pytest.mark.parametrize("period", [15, 30, 60, 300])
@pytest.mark.parametrize("late", [1.0, 5.0])
async def test_a_second_that_comes_late_costs_no_source_a_period(period, late):
    slot = min(slots_of(Asked(HandClock(START), period)))
    second = next(s for s in range(period, period + SLOTS) if s % SLOTS == slot)
    at = await asked(period, {second: late}, 10 * period)
    assert max(gaps(at[1:])) <= period + late


async def test_a_source_that_is_still_answering_is_not_asked_twice():
    clock = HandClock(START)
    source = Asked(clock, 15)
    begun, gate = asyncio.Event(), asyncio.Event()

    async def slow(now: datetime) -> Collected:
        source.at.append(clock.monotonic())
        begun.set()
        await gate.wait()
        return Collected(source.id, now)

    source.collect = slow  # type: ignore[method-assign]
    poller = Poller([source], clock, lambda _collected: None)
    sweep = asyncio.ensure_future(poller.sweep())
    await begun.wait()
    clock.at = START + timedelta(seconds=60)
    await poller.tick(slots_of(source)[0])
    assert poller.missed == 1
    gate.set()
    await sweep
    assert source.at == [0.0]


async def test_a_source_that_forgets_its_deadline_gives_its_place_back():
    clock, begun, answers = HandClock(START), asyncio.Event(), list[Collected]()

    class Forgetful(Asked):
        async def collect(self, now: datetime) -> Collected:
            begun.set()
            await asyncio.Event().wait()
            return Collected(self.id, now)

    source = Forgetful(clock, 60.0)
    poller = Poller([source], clock, answers.append)
    sweep = asyncio.create_task(poller.sweep())
    await begun.wait()
    for passed in (299.0, 300.0):
        assert not answers
        clock.at = START + timedelta(seconds=passed)
        await poller.tick(int(passed) % SLOTS)
        await asyncio.sleep(0)
    await sweep
    assert [answer.failure for answer in answers] == ["no answer within 300 s"]
    assert poller.missed == 0
