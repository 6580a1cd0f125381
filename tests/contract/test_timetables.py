"""What a timetable promises: every second of the minute is called, and a stepped wall clock stops nothing."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.adapters.clock import SystemClock
from monitor.adapters.timetable import SlotTimetable
from monitor.testing import LoopClock, VirtualTimetable, run

ROOT = Path(__file__).resolve().parents[2]
START = datetime(2025, 8, 6, 1, 30, 58, 250_000, tzinfo=UTC)


def test_the_virtual_timetable_calls_every_second_of_the_minute_once():
    async def two_minutes() -> list[tuple[datetime, int]]:
        clock = LoopClock(START)
        timetable, called = VirtualTimetable(clock), list[tuple[datetime, int]]()

        async def tick(slot: int) -> None:
            called.append((clock.now(), slot))

        timetable.start(tick)
        await clock.sleep(120)
        await timetable.stop()
        await clock.sleep(60)
        return called

    called = run(two_minutes())
    assert [slot for _, slot in called] == [59, *range(60), *range(59)]
    assert all(at.second == slot and at.microsecond < 10 for at, slot in called)


def test_a_tick_that_takes_long_is_never_run_twice_at_a_time_and_holds_up_no_other():
    async def three_minutes() -> tuple[list[int], int, int]:
        clock = LoopClock(START)
        timetable, called, most = VirtualTimetable(clock), list[int](), 0
        inside: list[int] = []

        async def tick(slot: int) -> None:
            nonlocal most
            inside.append(slot)
            most = max(most, inside.count(5))
            called.append(slot)
            await clock.sleep(90 if slot == 5 else 0)
            inside.remove(slot)

        timetable.start(tick)
        await clock.sleep(180)
        await timetable.stop()
        assert inside == []
        return called, most, timetable.skipped

    called, most, skipped = run(three_minutes())
    assert most == 1 and skipped == 1
    assert called.count(5) == 2 and called.count(6) == 3


def test_what_lags_behind_runs_once_and_late():
    async def held_up() -> list[int]:
        clock = LoopClock(START, speed=3000.0)  # ten minutes of this clock in each pass below
        timetable, called = VirtualTimetable(clock), list[int]()

        async def tick(slot: int) -> None:
            called.append(slot)

        timetable.start(tick)
        await asyncio.sleep(0)
        asyncio.get_running_loop()._virtual += 0.2  # type: ignore[attr-defined]
        await asyncio.sleep(0.0001)
        await timetable.stop()
        return called

    assert sorted(run(held_up())) == list(range(60))


async def test_the_real_timetable_has_a_job_for_every_second_and_drops_none_for_being_late():
    clock = LoopClock(START)
    timetable = SlotTimetable(clock)

    async def tick(slot: int) -> None:
        pass

    timetable.start(tick)
    jobs = timetable._scheduler.get_jobs()
    try:
        assert sorted(int(job.id) for job in jobs) == list(range(60))
        assert all(job.misfire_grace_time is None and job.max_instances == 1 and job.coalesce for job in jobs)
        assert all(job.next_run_time - jobs[0].next_run_time < timedelta(minutes=1) for job in jobs)
    finally:
        await timetable.stop()


@pytest.mark.parametrize("kind", [SlotTimetable, VirtualTimetable])
async def test_stopping_waits_for_the_ticks_under_way_and_cancels_none(kind, caplog):
    clock = SystemClock()
    timetable, begun, release, ended = kind(clock), asyncio.Event(), asyncio.Event(), list[int]()

    async def tick(slot: int) -> None:
        begun.set()
        await release.wait()
        ended.append(slot)

    timetable.start(tick)
    await begun.wait()
    stopping = asyncio.create_task(timetable.stop())
    done, _ = await asyncio.wait({stopping}, timeout=0.1)
    assert not done and ended == []
    release.set()
    await stopping
    assert len(ended) >= 1
    assert caplog.records == []


STEPPED = """
import asyncio, sys, time
from pathlib import Path
from monitor.adapters.clock import SystemClock
from monitor.adapters.clock import SystemClock
from monitor.adapters.timetable import SlotTimetable

async def main():
    clock, called = SystemClock(), []
    timetable = SlotTimetable(clock)

    async def tick(slot):
        called.append(clock.monotonic())

    timetable.start(tick)
    await asyncio.sleep(1.5)
    stepped, before = clock.monotonic(), clock.now()
    Path(sys.argv[1]).write_text(sys.argv[2])
    jump = (clock.now() - before).total_seconds()
    await asyncio.sleep(5.0)
    await timetable.stop()
    after = [at for at in called if at > stepped + 2.5]
    print(f"{jump:.0f} {called[0] < stepped} {len(after)} {timetable.steps}")

asyncio.run(main())
"""


@pytest.mark.integration
@pytest.mark.needs("faketime")
@pytest.mark.parametrize("step", ["-1h", "+1h"])
def test_a_wall_clock_that_is_set_by_an_hour_stops_no_job(tmp_path, step):
    stepper = tmp_path / "step"
    stepper.write_text("+0")
    command = [
        shutil.which("env") or "env", f"FAKETIME_TIMESTAMP_FILE={stepper}", "FAKETIME_NO_CACHE=1",
        "DONT_FAKE_MONOTONIC=1", f"LD_PRELOAD={preload()}", sys.executable, "-c", STEPPED, str(stepper), step,
    ]  # fmt: skip
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    jump, ran_before, after, steps = ran.stdout.split()
    assert abs(abs(int(jump)) - 3600) < 60, "the wall clock was not stepped"
    assert ran_before == "True" and int(after) >= 2 and int(steps) >= 1


def preload() -> str:
    """The library that `faketime` loads; it knows where it lies."""
    asked = subprocess.run(
        ["faketime", "-f", "+0", "printenv", "LD_PRELOAD"], capture_output=True, text=True, timeout=10, check=True
    )
    return asked.stdout.strip()
