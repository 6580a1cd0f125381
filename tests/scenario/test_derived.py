"""The procedure system is down for twenty minutes: what the default rules make of what is derived from its probe.

It is asked every 15 seconds from 08:00 to 11:05 on 6 August 2025, does not answer from 09:00 (counted) to 09:20 (not
counted), and every tenth good answer takes two seconds instead of 0.2.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from monitor.adapters.store.memory import MemoryStore
from monitor.config.build import load_site
from monitor.config.spec import Site
from monitor.decide import View, decide
from monitor.model.colour import Colour
from monitor.model.muting import Window
from monitor.model.reading import Collected, Reading
from monitor.model.rolling import Answer
from monitor.model.state import Decision, UnitState
from monitor.service.app import Adapters, Service, policy_of
from monitor.service.metrics import SelfMetrics
from monitor.testing import LoopClock, VirtualTimetable, run
from monitor.testing.doubles import ScriptedSource
from tests.unit.muting_scene import window

ROOT = Path(__file__).parents[2]
SYSTEM, PROBE = "tthc-19", "system-health/tthc-19"
START = datetime(2025, 8, 6, 1, tzinfo=UTC)  # eight in the morning
DOWN, BACK, END = timedelta(hours=1), timedelta(minutes=80), timedelta(minutes=185)
STEP = timedelta(seconds=15)
OUTAGE, AVAILABLE, SLOW = "system_outage_minutes", "system_availability_30d", "system_latency_p95"


def polled(now: datetime) -> Collected:
    """What the probe brings at an instant."""
    since = now - START
    good = not DOWN <= since < BACK
    took = (2.0 if since // STEP % 10 == 9 else 0.2) if good else None
    reading = Reading(SYSTEM, "system_reachable", good, now, now, PROBE, note="" if good else "HTTP 503")
    return Collected(PROBE, now, (reading,), answer=Answer(SYSTEM, PROBE, now, good, took, 1, int(not good)))


@cache
def site() -> Site:
    return load_site(ROOT, environ={}, now=START)


@dataclass
class Course:
    """Decisions about the system, in the order of their commits, through one or more lives of the service."""

    clock: LoopClock = field(default_factory=lambda: LoopClock(START))
    store: MemoryStore = field(default_factory=MemoryStore)
    decided: list[Decision] = field(default_factory=list)

    async def live(self, until: timedelta) -> None:
        """Run one life of the service."""
        source = ScriptedSource(PROBE, SYSTEM, polled, STEP.total_seconds())
        adapters = Adapters(self.clock, self.store, VirtualTimetable(self.clock), (source,), {}, {}, lambda: 0.5)
        service = Service(site(), adapters, SelfMetrics())
        service.hub.listen(lambda decisions: self.decided.extend(d for d in decisions if d.after.unit == SYSTEM))
        await service.start()
        await self.clock.sleep((START + until - self.clock.now()).total_seconds())
        await service.stop()

    def colours(self, criterion: str) -> list[tuple[timedelta, Colour]]:
        """When a criterion changed its colour, to the second."""
        changes = [t for decision in self.decided for t in decision.transitions if t.criterion == criterion]
        return [(timedelta(seconds=round((t.at - START).total_seconds())), t.after) for t in changes]

    def readings(self, indicator: str) -> list[Reading]:
        return [r for decision in self.decided for r in decision.readings if r.indicator == indicator]


async def one_life() -> Course:
    course = Course()
    await course.live(END)
    return course


async def two_lives() -> Course:
    course = Course()
    await course.live(timedelta(minutes=70, seconds=5))  # in the middle of the outage
    await course.live(END)
    return course


@pytest.fixture(scope="module")
def course() -> Course:
    return run(one_life())


@pytest.fixture(scope="module")
def restarted() -> Course:
    return run(two_lives())


def test_the_outage_is_yellow_at_the_second_bad_answer_and_red_at_the_second_after_fifteen_minutes(course):
    changes = course.colours(OUTAGE)
    assert [colour for _, colour in changes] == [Colour.GREEN, Colour.YELLOW, Colour.RED, Colour.GREEN]
    yellow, red, green = (at for at, _ in changes[1:])
    assert DOWN + STEP <= yellow < DOWN + 2 * STEP
    assert red == first_bad(course) + timedelta(minutes=15) + STEP  # for: 2x
    assert BACK + 2 * STEP <= green < BACK + 3 * STEP  # keep: 3x


def first_bad(course: Course) -> timedelta:
    bad = next(r for r in course.readings("system_reachable") if r.value is False)
    return timedelta(seconds=round((bad.as_of - START).total_seconds()))


def test_availability_is_what_was_measured_by_the_hour_and_when_the_system_is_well_again(course):
    told = course.readings(AVAILABLE)
    well_again = next(reading for reading in told if reading.as_of >= START + BACK)
    assert well_again.denominator == pytest.approx(80, abs=0.3)
    assert well_again.value == pytest.approx(100 * 60 / 80, abs=0.3)
    last = told[-1]
    assert timedelta(hours=3) <= last.as_of - START < timedelta(hours=3) + STEP
    assert last.denominator == pytest.approx(180, abs=0.26)  # the first answer after eleven o'clock
    assert last.denominator - last.numerator == pytest.approx(20, abs=0.01)
    assert last.value == pytest.approx(100 * 160 / 180, abs=0.02)
    assert last.note.endswith("down 20.0 min, 100.0 % of the time measured")


def test_the_percentile_is_the_slow_tenth_of_the_good_answers(course):
    last = course.readings(SLOW)[-1]
    assert last.value == pytest.approx(2.0, rel=0.03)
    assert last.denominator == pytest.approx((180 - 20) * 4, abs=3)  # told at eleven


def test_too_short_a_past_is_not_judged(course):
    state = course.decided[-1].after
    assert state.criteria[AVAILABLE].colour is Colour.EXCLUDED  # 185 of the 1,000 minutes that the rule asks for
    assert state.criteria[SLOW].colour is Colour.GREEN  # 640 answers, where 100 are enough


def test_a_restart_in_the_middle_of_the_outage_changes_nothing(course, restarted):
    assert restarted.colours(OUTAGE) == course.colours(OUTAGE)
    assert restarted.colours(SLOW) == course.colours(SLOW)
    mine, others = restarted.readings(AVAILABLE)[-1], course.readings(AVAILABLE)[-1]
    assert mine.note == others.note
    assert mine.value == pytest.approx(others.value, abs=1e-3)


def test_who_hears_that_it_works_again_hears_of_thirty_days_when_enough_of_them_was_measured(course):
    """T2 of the default texts. The outage of this course ends after 80 minutes, which are no month."""
    ends = [n for d in course.decided for n in d.notices if n.kind == "recovered"]
    assert ends and not any("Độ sẵn sàng" in notice.body for notice in ends)
    state, policy, ends = month(), policy_of(replace(site(), feeds=())), []
    for step in range(120):
        now = START + timedelta(hours=20, minutes=step)
        good = step >= 60
        reading = Reading(SYSTEM, "system_reachable", good, now, now, PROBE)
        made = decide(View(state, (reading,), answers=(Answer(SYSTEM, PROBE, now, good, 0.2, 1, 0),)), policy, now)
        state, ends = made.after, [*ends, *(n for n in made.notices if n.kind == "recovered")]
    assert state.evidence[AVAILABLE].value == pytest.approx(100 * (1 - 80 / 1260))
    assert {"Độ sẵn sàng 30 ngày: 93,65%." in notice.body for notice in ends} == {True}


def month(*planned: Window) -> UnitState:
    """The system after 20 hours, decided without a service."""
    policy = policy_of(replace(site(), feeds=(), maintenance=planned))
    state, now = UnitState(SYSTEM), START
    while now < START + timedelta(hours=20):
        answer = polled(now)
        view = View(state, answer.readings, answers=(answer.answer,) if answer.answer else ())
        state = decide(view, policy, now).after
        now += 4 * STEP
    return state


def test_twenty_minutes_of_twenty_hours_are_red_and_planned_maintenance_is_left_out():
    state = month()
    assert state.evidence[AVAILABLE].value == pytest.approx(100 * (1 - 20 / 1140), abs=0.01)
    assert state.criteria[AVAILABLE].colour is Colour.RED
    planned = month(window(START + DOWN, START + BACK, f"unit={SYSTEM}"))
    assert planned.evidence[AVAILABLE].value == 100.0
    assert planned.evidence[AVAILABLE].denominator == pytest.approx(1140 - 20, abs=0.01)
    assert planned.evidence[AVAILABLE].note.endswith("20.0 min of maintenance left out")
    assert planned.criteria[AVAILABLE].colour is Colour.GREEN
