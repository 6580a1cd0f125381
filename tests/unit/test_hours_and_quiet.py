"""A step whose own hours lie within somebody's quiet hours, or never meet those of the office, is called."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta

from monitor.alerting.plan import Policy, StepSpec
from monitor.model.colour import Colour
from monitor.model.hours import Daily
from monitor.model.incident import Kind
from tests.unit.alerting_scene import CHAIR, DIRECTORY, FOCAL, HEAD, local, online, reacted
from tests.unit.test_answers import told

NIGHT = Daily(time(22), time(6))
START = local(6, 20)


def followed(directory, days: int = 10):
    """All calls of a red figure within so many days: looked at each time the plan asks for, and each hour."""
    red = online(Colour.RED, START, 40.0, 10)
    alerts, now, calls = reacted({}, red, START, directory=directory), START, []
    calls += [(now, *one) for one in told(alerts)]
    end = START + timedelta(days=days)
    while now < end:
        now = min(alerts.recheck_at or end, now + timedelta(hours=1))
        alerts = reacted(alerts.open, red, now, directory=directory)
        calls += [(now, *one) for one in told(alerts)]
    return calls


def plan(*people):
    step = StepSpec(0, ("commune_focal",), ("mail",), hours=NIGHT)
    return replace(DIRECTORY, recipients=(*people, HEAD, CHAIR), policies=(Policy("all", frozenset(Kind), (step,)),))


def test_somebody_whom_a_step_calls_at_night_hears_at_the_end_of_their_quiet_hours():
    asleep = replace(FOCAL, channels=("mail",), quiet=NIGHT)
    assert followed(plan(asleep)) == [(local(7, 6), "focal", "kpi_red")]


def test_that_a_step_was_called_outside_its_hours_is_in_the_audit_log():
    red, asleep = online(Colour.RED, START, 40.0, 10), replace(FOCAL, channels=("mail",), quiet=NIGHT)
    begun = reacted({}, red, START, directory=plan(asleep))
    waiting = reacted(begun.open, red, local(6, 22), directory=plan(asleep))
    called = reacted(waiting.open, red, local(7, 6), directory=plan(asleep))
    assert [(entry.action, entry.detail) for entry in called.audit] == [("called_outside_hours", "commune_focal")]
    assert begun.audit == waiting.audit == ()


def test_what_quiet_hours_hold_until_a_time_outside_the_hours_of_the_step_waits_for_them_where_somebody_hears_it():
    asleep = replace(FOCAL, channels=("mail",), quiet=Daily(time(19), time(5)))
    day = StepSpec(0, ("commune_focal",), ("mail",), hours=Daily(time(7), time(21)))
    directory = replace(DIRECTORY, recipients=(asleep, HEAD, CHAIR), policies=(Policy("all", frozenset(Kind), (day,)),))
    assert followed(directory) == [(local(7, 7), "focal", "kpi_red")]


def test_one_of_two_whom_it_calls_has_quiet_hours_and_hears_at_their_end():
    asleep = replace(FOCAL, channels=("mail",), quiet=NIGHT)
    awake = replace(FOCAL, id="awake", channels=("mail",))
    assert followed(plan(asleep, awake)) == [(local(6, 22), "awake", "kpi_red"), (local(7, 6), "focal", "kpi_red")]


def test_hours_that_never_meet_the_office_are_called_in_their_own_hours():
    step = StepSpec(0, ("commune_focal",), ("mail",), hours=Daily(time(18), time(22)), office_hours=True)
    directory = replace(DIRECTORY, policies=(Policy("all", frozenset(Kind), (step,)),))
    assert followed(directory, 60) == [(START, "focal", "kpi_red")]
