"""Jobs that report by themselves: on time, late, failed, and what a restart may not change."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, cast

import pytest

from monitor.config.spec import HeartbeatSpec
from monitor.engine.hygiene import after_poll
from monitor.model.reading import Collected, Reading, SourceHealth
from monitor.model.state import UnitState
from monitor.service.heartbeats import Heartbeat, Heartbeats, Signal
from monitor.service.ownline import LOOK, SETTLE, OwnLine
from monitor.service.poller import Poller
from monitor.testing import HandClock, LoopClock, VirtualTimetable, run

if TYPE_CHECKING:
    from monitor.service.evaluator import Evaluator

NOW = datetime(2026, 11, 18, 3, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
NIGHTLY = HeartbeatSpec("backup", "tthc", "centre_reachable", every=24 * 3600.0, grace=3600.0)


class Job:
    """A heartbeat and the clock that it goes by."""

    def __init__(self) -> None:
        self.clock = HandClock(NOW)
        self.beat = Heartbeat(NIGHTLY, OwnLine((), self.clock))

    def hear(self, signal: Signal, note: str, now: datetime) -> Reading | None:
        self.clock.at = now
        return self.beat.hear(signal, note, now)


def beat(*signals: tuple[Signal, datetime]) -> Job:
    made = Job()
    for signal, at in signals:
        made.hear(signal, "", at)
    return made


def told(one: Job, now: datetime) -> tuple[Reading, ...]:
    one.clock.at = now
    return run(one.beat.collect(now)).readings


def said(one: Job, now: datetime) -> Reading:
    [reading] = told(one, now)
    return reading


def heard(one: Job, signal: Signal, now: datetime, note: str = "") -> Reading:
    reading = one.hear(signal, note, now)
    assert reading is not None
    return reading


def test_a_job_that_never_reported_is_not_called_late():
    assert told(beat(), NOW + 1000 * HOUR) == ()


@pytest.mark.parametrize(
    ("later", "well"), [(timedelta(), True), (25 * HOUR - MINUTE, True), (25 * HOUR, False), (900 * HOUR, False)]
)
def test_it_is_on_time_until_its_period_and_its_grace_are_over(later, well):
    reading = said(beat((Signal.SUCCESS, NOW)), NOW + later)
    assert reading.value is well
    assert reading.as_of == NOW + later and reading.source == "heartbeat:backup"
    assert reading.note == ("" if well else "no report since 2026-11-18T03:00:00+00:00")


def test_a_late_job_that_reports_is_well_again():
    one = beat((Signal.SUCCESS, NOW), (Signal.SUCCESS, NOW + 40 * HOUR))
    assert said(one, NOW + 41 * HOUR).value is True


def test_a_failure_counts_at_once_and_until_the_next_success():
    one = beat((Signal.SUCCESS, NOW))
    reading = heard(one, Signal.FAIL, NOW + HOUR, "disk full")
    assert reading.value is False and reading.note == "the job says it failed: disk full"
    assert said(one, NOW + 2 * HOUR).value is False
    assert heard(one, Signal.SUCCESS, NOW + 3 * HOUR).value is True


def test_a_failure_is_heard_although_nothing_was_before_it():
    assert said(beat((Signal.FAIL, NOW)), NOW + HOUR).value is False


def test_a_run_that_begins_owes_its_end_within_the_grace():
    one = beat((Signal.SUCCESS, NOW - HOUR), (Signal.START, NOW))
    assert said(one, NOW + HOUR - MINUTE).value is True
    assert said(one, NOW + HOUR).note == "a run that began at 2026-11-18T03:00:00+00:00 has not ended within its grace"
    assert heard(one, Signal.SUCCESS, NOW + 2 * HOUR).value is True


def test_a_beginning_alone_says_nothing_yet():
    assert beat().hear(Signal.START, "", NOW) is None


def test_a_job_of_which_only_beginnings_were_heard_is_never_on_time():
    one = beat((Signal.START, NOW))
    assert told(one, NOW + HOUR - MINUTE) == () and one.beat.rests(NOW + HOUR - MINUTE)
    assert said(one, NOW + HOUR).value is False


def test_a_job_that_begins_again_and_again_and_never_ends_is_found():
    one = beat(*((Signal.START, NOW + 30 * MINUTE * number) for number in range(200)))
    reading = said(one, NOW + 100 * HOUR)
    assert reading.value is False and "began at 2026-11-18T03:00:00" in reading.note


def test_a_run_after_a_failure_owes_its_own_end():
    one = beat((Signal.START, NOW), (Signal.FAIL, NOW + MINUTE), (Signal.SUCCESS, NOW + HOUR))
    one.hear(Signal.START, "", NOW + 2 * HOUR)
    assert said(one, NOW + 3 * HOUR - MINUTE).value is True
    assert said(one, NOW + 3 * HOUR).value is False


class Kept:
    """What of one job outlives a restart: stands for the evaluator, with what it has committed."""

    def __init__(self) -> None:
        self.health: dict[str, SourceHealth] = {}
        self.states = {"tthc": UnitState("tthc")}

    def remember(self, health: SourceHealth) -> None:
        self.health[health.source] = health

    def commit(self, *readings: Reading) -> None:
        self.states = {"tthc": UnitState("tthc", evidence={reading.indicator: reading for reading in readings})}

    def restarted(self, now: datetime) -> Job:
        one = Job()
        one.clock.at = now
        jobs = Heartbeats([NIGHTLY], cast("Evaluator", self), one.clock, OwnLine((), one.clock))
        jobs.resume()
        one.beat = jobs.by_id["backup"]
        return one


def last(value: bool, at: datetime, note: str = "") -> Reading:
    return Reading("tthc", "centre_reachable", value, at, at, "heartbeat:backup", note=note)


def resumed(value: bool, at: datetime, note: str = "", *, success: datetime | None = NOW) -> Job:
    kept = Kept()
    kept.commit(last(value, at, note))
    if success is not None:
        kept.remember(SourceHealth("heartbeat:backup", "tthc", last_success=success))
    return kept.restarted(at + 10 * MINUTE)


def test_the_time_in_which_nobody_listened_does_not_make_a_job_late():
    one = resumed(True, NOW + 24 * HOUR)
    assert said(one, NOW + 25 * HOUR + 9 * MINUTE).value is True
    assert said(one, NOW + 25 * HOUR + 10 * MINUTE).value is False


@pytest.mark.parametrize("times", [1, 2, 5])
def test_the_time_in_which_nobody_listened_stays_excused_however_often_the_service_begins_again(times):
    kept = Kept()
    kept.remember(SourceHealth("heartbeat:backup", "tthc", last_success=NOW))
    kept.commit(last(True, NOW + HOUR))
    for number in range(times):  # the first time after five hours, the others at once
        one = kept.restarted(NOW + (6 + number) * HOUR)
        if number:
            kept.commit(*told(one, NOW + (6 + number) * HOUR))
    kept.commit(*told(one, NOW + 12 * HOUR))
    one = kept.restarted(NOW + 12 * HOUR)
    assert said(one, NOW + 30 * HOUR - MINUTE).value is True
    assert said(one, NOW + 30 * HOUR + times * HOUR).value is False


def test_a_service_that_dies_before_it_looked_excuses_the_same_time_once():
    kept = Kept()
    kept.remember(SourceHealth("heartbeat:backup", "tthc", last_success=NOW))
    kept.commit(last(True, NOW + HOUR))
    for minute in range(5):
        one = kept.restarted(NOW + 6 * HOUR + minute * MINUTE)
    assert said(one, NOW + 30 * HOUR + 3 * MINUTE).value is True
    assert said(one, NOW + 30 * HOUR + 4 * MINUTE).value is False


def test_a_success_counts_anew_whatever_was_excused_before():
    before = SourceHealth("heartbeat:backup", "tthc", last_success=NOW, listened=7200.0, resumed=NOW + 9 * HOUR)
    health = after_poll(before, Collected("heartbeat:backup", NOW + 10 * HOUR), "tthc")
    assert (health.last_success, health.listened, health.resumed) == (NOW + 10 * HOUR, 0.0, None)


@pytest.mark.parametrize("success", [NOW, None])
def test_what_had_failed_is_still_failed_after_a_restart_and_says_why(success):
    one = resumed(False, NOW + HOUR, "the job says it failed: disk full", success=success)
    assert said(one, NOW + 2 * HOUR).note == "the job says it failed: disk full"


def test_a_job_that_was_late_is_on_time_again_where_the_site_gives_it_longer():
    kept, one = Kept(), Job()
    kept.remember(SourceHealth("heartbeat:backup", "tthc", last_success=NOW))
    kept.commit(last(False, NOW + 26 * HOUR, f"no report since {NOW.isoformat(timespec='seconds')}"))
    one.clock.at = NOW + 27 * HOUR
    jobs = Heartbeats(
        [replace(NIGHTLY, every=7 * 24 * 3600.0)], cast("Evaluator", kept), one.clock, OwnLine((), one.clock)
    )
    jobs.resume()
    one.beat = jobs.by_id["backup"]
    assert said(one, NOW + 28 * HOUR).value is True


def test_a_restart_before_any_report_accuses_nobody():
    one = Kept().restarted(NOW)
    assert told(one, NOW + 100 * HOUR) == ()


class Stepped(LoopClock):
    """A clock whose wall time somebody sets."""

    by = timedelta()

    def now(self) -> datetime:
        return super().now() + self.by


@pytest.mark.parametrize("step", [-24 * HOUR, -HOUR, -10 * MINUTE, 10 * MINUTE, HOUR])
def test_a_wall_clock_that_is_set_moves_no_deadline(step):
    brought: list[tuple[float, bool]] = []

    async def whole() -> None:
        clock = Stepped(NOW)
        one = Heartbeat(HeartbeatSpec("sync", "tthc", "up", every=3600.0, grace=60.0), OwnLine((), clock))
        one.hear(Signal.SUCCESS, "", clock.now())
        for _ in range(2400):  # as the poller looks
            if clock.monotonic() >= 600:
                clock.by = step
            if not one.rests(clock.now()):
                for reading in (await one.collect(clock.now())).readings:
                    brought.append((clock.monotonic(), reading.value is True))
            await clock.sleep(2.0)

    run(whole())
    late = next(elapsed for elapsed, is_well in brought if not is_well)
    assert 3660 <= late <= 3665


def followed(spec: HeartbeatSpec, begins: datetime, hours: float) -> list[Reading]:
    """What a poller brings of a job that reported once, at the beginning."""
    brought: list[Reading] = []

    async def whole() -> None:
        clock = LoopClock(begins)
        one = Heartbeat(spec, OwnLine((), clock))
        one.hear(Signal.SUCCESS, "", clock.now())
        timetable, poller = VirtualTimetable(clock), Poller([one], clock, lambda c: brought.extend(c.readings))
        await poller.sweep()
        poller.start(timetable)
        await clock.sleep(hours * 3600)
        await timetable.stop()
        await poller.stop()

    run(whole())
    return brought


@pytest.mark.parametrize("name", ["backup", "sync", "export", "x", "nightly-1"])
@pytest.mark.parametrize("begins", [NOW, NOW + timedelta(seconds=17.3), NOW + timedelta(seconds=59.9)])
def test_a_job_that_is_late_is_found_so_within_five_seconds(name, begins):
    told_of = followed(HeartbeatSpec(name, "tthc", "up", every=3540.0, grace=37.0), begins, hours=1.2)
    late = next(reading.as_of for reading in told_of if reading.value is False)
    assert timedelta() <= late - (begins + timedelta(seconds=3577)) <= timedelta(seconds=5)


def test_what_does_not_change_is_said_no_more_often_than_its_freshness_needs():
    seen = [reading.as_of for reading in followed(NIGHTLY, NOW, hours=1)]
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(seen)]
    assert min(gaps) >= 30 and max(gaps) <= 32 and len(gaps) > 100


@dataclass
class Gateway:
    """The probe of the own line."""

    clock: LoopClock
    begins: float
    ends: float
    id: str = "gateway/VN"
    period: float = 15.0
    owner: str = "VN"

    async def collect(self, now: datetime) -> Collected:
        cut = self.begins <= self.clock.monotonic() < self.ends
        return Collected(self.id, now, (Reading("VN", "up", not cut, now, now, self.id),))


def followed_over_a_cut(begins: float, ends: float, restart: float = 0.0) -> tuple[list[Reading], list[Collected]]:
    """Readings of a job that reported once and owes the next report within an hour, and looks that said nothing."""
    said: list[Reading] = []
    nothing: list[Collected] = []
    spec = HeartbeatSpec("backup", "tthc", "centre_reachable", every=3000.0, grace=600.0)

    async def whole() -> None:
        clock, kept = LoopClock(NOW), Kept()
        kept.remember(SourceHealth("heartbeat:backup", "tthc", last_success=NOW))
        while clock.monotonic() < 7200:
            line = OwnLine([Gateway(clock, begins, ends)], clock)
            jobs = Heartbeats([spec], cast("Evaluator", kept), clock, line)
            jobs.resume()
            looking = asyncio.create_task(line.run())
            until = restart if clock.monotonic() < restart else 7200.0
            while clock.monotonic() < until:
                await clock.sleep(2.0)
                one = await jobs.by_id["backup"].collect(clock.now())
                kept.commit(*one.readings or said[-1:])
                said.extend(one.readings)
                nothing.extend([] if one.readings else [one])
            looking.cancel()

    run(whole())
    return said, nothing


def late_after(said: list[Reading]) -> float:
    return next((one.as_of - NOW).total_seconds() for one in said if one.value is False)


@pytest.mark.parametrize(("begins", "ends"), [(600.0, 1800.0), (3000.0, 4200.0), (3590.0, 4790.0)])
def test_the_time_in_which_the_own_line_was_cut_does_not_make_a_job_late(begins, ends):
    said, _ = followed_over_a_cut(begins, ends)
    assert 3600 <= late_after(said) - (ends - begins) <= 3600 + 2 * LOOK + SETTLE


def test_while_the_own_line_is_cut_nobody_knows_whether_a_job_is_on_time():
    said, nothing = followed_over_a_cut(600.0, 1800.0)
    times = [(one.as_of - NOW).total_seconds() for one in said]
    assert not [at for at in times if 600 + LOOK < at < 1800]
    assert nothing and all(not one.failure for one in nothing)


@pytest.mark.parametrize("restart", [1200.0, 2400.0])
def test_a_cut_stays_excused_after_a_restart(restart):
    said, _ = followed_over_a_cut(600.0, 1800.0, restart)
    assert 4800 - 2 * LOOK <= late_after(said) <= 4800 + 2 * LOOK


def test_what_a_job_said_of_its_failure_holds_while_the_own_line_is_cut():
    async def whole() -> Collected:
        clock = LoopClock(NOW)
        line = OwnLine([Gateway(clock, 0.0, 9.0)], clock)
        one = Heartbeat(NIGHTLY, line)
        one.hear(Signal.FAIL, "disk full", clock.now())
        await line.believable()
        assert line.cut
        return await one.collect(clock.now())

    assert [reading.value for reading in run(whole()).readings] == [False]
