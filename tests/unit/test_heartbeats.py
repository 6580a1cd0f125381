"""Jobs that report by themselves: on time, late, failed, and what a restart may not change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from monitor.config.spec import HeartbeatSpec
from monitor.model.reading import Reading
from monitor.service.heartbeats import Heartbeat, Signal
from monitor.service.poller import Poller
from monitor.testing import LoopClock, VirtualTimetable, run

NOW = datetime(2026, 11, 18, 3, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
NIGHTLY = HeartbeatSpec("backup", "tthc", "centre_reachable", every=24 * 3600.0, grace=3600.0)


def beat(*signals: tuple[Signal, datetime]) -> Heartbeat:
    made = Heartbeat(NIGHTLY)
    for signal, at in signals:
        made.hear(signal, "", at)
    return made


def told(one: Heartbeat, now: datetime) -> tuple[Reading, ...]:
    return run(one.collect(now)).readings


def said(one: Heartbeat, now: datetime) -> Reading:
    [reading] = told(one, now)
    return reading


def heard(one: Heartbeat, signal: Signal, now: datetime, note: str = "") -> Reading:
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


def resumed(value: bool, last: datetime, note: str = "", *, success: datetime | None = NOW) -> Heartbeat:
    one = Heartbeat(NIGHTLY)
    reading = Reading("tthc", "centre_reachable", value, last, last, "heartbeat:backup", note=note)
    one.resume(success, reading, last + 10 * MINUTE)
    return one


def test_the_time_in_which_nobody_listened_does_not_make_a_job_late():
    one = resumed(True, NOW + 24 * HOUR)
    assert said(one, NOW + 25 * HOUR + 9 * MINUTE).value is True
    assert said(one, NOW + 25 * HOUR + 10 * MINUTE).value is False


def test_what_had_failed_is_still_failed_after_a_restart_and_says_why():
    one = resumed(False, NOW + HOUR, "the job says it failed: disk full")
    assert said(one, NOW + 2 * HOUR).note == "the job says it failed: disk full"


def test_a_restart_before_any_report_accuses_nobody():
    one = Heartbeat(NIGHTLY)
    one.resume(None, None, NOW)
    assert told(one, NOW + 100 * HOUR) == ()


def followed(spec: HeartbeatSpec, begins: datetime, hours: float) -> list[Reading]:
    """What a poller brings of a job that reported once, at the beginning."""
    brought: list[Reading] = []

    async def whole() -> None:
        clock = LoopClock(begins)
        one = Heartbeat(spec)
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
