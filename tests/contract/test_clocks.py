"""What every clock promises: the machine's, and the one of tests and stories, on a real loop and on a virtual one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from monitor.adapters.clock import SystemClock
from monitor.ports import Clock
from monitor.testing import Deadlock, LoopClock, VirtualLoop, run

START = datetime(2025, 8, 6, 1, 30, tzinfo=UTC)
Check = Callable[[Clock], Awaitable[None]]


def on_the_machine(check: Check) -> None:
    asyncio.run(_with(check, SystemClock))


def on_a_fast_clock(check: Check) -> None:
    asyncio.run(_with(check, lambda: LoopClock(START, speed=50.0)))


def in_virtual_time(check: Check) -> None:
    run(_with(check, lambda: LoopClock(START)))


def in_virtual_time_at_another_speed(check: Check) -> None:
    run(_with(check, lambda: LoopClock(START, speed=7.0)), seed=1)


async def _with(check: Check, make: Callable[[], Clock]) -> None:
    await check(make())


@pytest.fixture(params=[on_the_machine, on_a_fast_clock, in_virtual_time, in_virtual_time_at_another_speed])
def every(request: pytest.FixtureRequest) -> Callable[[Check], None]:
    """Runs a check with one of the clocks."""
    chosen: Callable[[Check], None] = request.param
    return chosen


def test_now_is_aware_utc(every):
    async def check(clock: Clock) -> None:
        assert clock.now().utcoffset() == timedelta(0)

    every(check)


def test_a_sleep_takes_at_least_its_time_on_both_faces_of_the_clock(every):
    async def check(clock: Clock) -> None:
        wall, mono = clock.now(), clock.monotonic()
        await clock.sleep(0.02)
        assert clock.monotonic() - mono >= 0.0199
        assert clock.now() - wall >= timedelta(seconds=0.0199)

    every(check)


def test_sleep_until_ends_at_the_instant_or_after_it_and_at_once_for_the_past(every):
    async def check(clock: Clock) -> None:
        goal = clock.now() + timedelta(seconds=0.02)
        await clock.sleep_until(goal)
        assert clock.now() >= goal
        await clock.sleep_until(goal - timedelta(days=1))

    every(check)


def test_a_sleep_of_zero_lets_others_run(every):
    async def check(clock: Clock) -> None:
        ran: list[str] = []
        other = asyncio.get_running_loop().create_task(_note(ran, "other"))
        for _ in range(3):  # a shuffled loop may first come back here
            await clock.sleep(0)
        assert ran == ["other"]
        await other

    every(check)


async def _note(where: list[str], what: str) -> None:
    where.append(what)


def test_in_virtual_time_a_week_is_over_at_once_and_to_the_second():
    async def week() -> datetime:
        clock = LoopClock(START)
        await clock.sleep(7 * 86400)
        return clock.now()

    assert run(week()) == START + timedelta(days=7)


def test_a_fast_clock_shows_more_time_than_the_loop():
    async def hour() -> tuple[float, datetime]:
        clock = LoopClock(START, speed=3600.0)
        await clock.sleep_until(START + timedelta(hours=1))
        return asyncio.get_running_loop().time(), clock.now()

    seconds, now = run(hour())
    assert seconds == pytest.approx(1.0)
    assert now >= START + timedelta(hours=1)


def test_waiting_for_ever_with_nothing_scheduled_is_a_deadlock():
    async def stuck() -> None:
        await asyncio.Event().wait()

    loop = VirtualLoop()
    try:
        with pytest.raises(Deadlock):
            loop.run_until_complete(stuck())
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def orders(seed: int | None) -> list[int]:
    async def race() -> list[int]:
        ran: list[int] = []

        async def one(number: int) -> None:
            ran.append(number)

        await asyncio.gather(*(one(number) for number in range(8)))
        return ran

    return run(race(), seed=seed)


def test_a_seed_shuffles_what_is_ready_and_always_in_the_same_way():
    assert orders(None) == list(range(8))
    assert orders(1) != orders(None)
    assert orders(1) == orders(1)
    assert len({tuple(orders(seed)) for seed in range(20)}) > 10


def test_shuffling_changes_the_order_but_never_the_time():
    async def many() -> float:
        chance = Random(5)
        await asyncio.gather(*(asyncio.sleep(chance.uniform(0, 60)) for _ in range(50)))
        return asyncio.get_running_loop().time()

    assert run(many(), seed=1) == run(many(), seed=2) == run(many())


@pytest.mark.parametrize(("start", "speed"), [(datetime(2025, 8, 6), 1.0), (START, 0.0), (START, -1.0)])
def test_a_clock_without_zone_or_speed_is_refused(start, speed):
    async def make() -> None:
        with pytest.raises(ValueError, match="aware start"):
            LoopClock(start, speed)

    run(make())
