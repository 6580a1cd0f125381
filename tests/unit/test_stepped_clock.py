"""The clock that stands still until it is moved."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from monitor.testing.stepped import SteppedClock

START = datetime(2025, 8, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)


async def note(clock: SteppedClock, seconds: float, seen: list[datetime]) -> None:
    await clock.sleep(seconds)
    seen.append(clock.now())


async def test_sleepers_wake_in_order_at_exactly_their_instant_and_those_behind_the_goal_do_not():
    clock, seen = SteppedClock(START), list[datetime]()
    tasks = [asyncio.create_task(note(clock, seconds, seen)) for seconds in (7200, 0.05, 1800)]
    await clock.run_until(START + HOUR)
    assert seen == [START + timedelta(milliseconds=50), START + timedelta(minutes=30)]
    assert clock.now() == START + HOUR
    assert clock.monotonic() == 3600.0
    await clock.run_until(START + 2 * HOUR)
    await asyncio.gather(*tasks)
    assert seen[-1] == START + 2 * HOUR


async def test_who_is_woken_finishes_all_its_steps_before_the_next_one_is_woken():
    clock, order = SteppedClock(START), list[str]()

    async def long() -> None:
        await clock.sleep(1)
        for _ in range(50):
            await clock.sleep(0)
        order.append("long")

    async def late() -> None:
        await clock.sleep(1.000001)
        order.append("late")

    tasks = [asyncio.create_task(work()) for work in (late, long)]
    await clock.run_until(START + HOUR)
    await asyncio.gather(*tasks)
    assert order == ["long", "late"]


async def test_sleep_until_ends_at_its_instant_and_at_once_for_the_past():
    clock = SteppedClock(START)
    task = asyncio.create_task(clock.sleep_until(START + HOUR))
    await clock.run_until(START + HOUR - timedelta(microseconds=1))
    assert not task.done()
    await clock.run_until(START + HOUR)
    await task
    await clock.sleep_until(START)


async def test_a_sleeper_that_was_cancelled_is_passed_over():
    clock = SteppedClock(START)
    task = asyncio.create_task(clock.sleep(5))
    await clock.run_until(START + timedelta(seconds=1))
    task.cancel()
    await clock.run_until(START + HOUR)
    assert task.cancelled()
    assert clock.now() == START + HOUR


async def test_a_pace_takes_real_time_and_changes_no_instant():
    clock, seen = SteppedClock(START, speed=36_000.0), list[datetime]()
    task = asyncio.create_task(note(clock, 1234.5, seen))
    begun = asyncio.get_running_loop().time()
    await clock.run_until(START + HOUR)
    assert asyncio.get_running_loop().time() - begun >= 0.099
    await task
    assert seen == [START + timedelta(seconds=1234.5)]


@pytest.mark.parametrize(("start", "speed"), [(datetime(2025, 8, 6), 1.0), (START, -1.0)])
def test_a_clock_without_zone_or_with_a_negative_pace_is_refused(start, speed):
    with pytest.raises(ValueError, match="aware start"):
        SteppedClock(start, speed)
