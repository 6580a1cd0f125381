from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.escalate import (
    choose,
    due,
    fire,
    freeze,
    next_call,
    reminder_instants,
    report_by,
    working,
)
from monitor.alerting.plan import Directory, Policy, Recipient, StepSpec
from monitor.model.colour import Colour
from monitor.model.incident import Address, Incident, Kind, Phase, Step
from monitor.model.unit import Level
from tests.unit.alerting_scene import (
    CALENDAR,
    DEADLINE,
    DIRECTORY,
    FOCAL,
    HOUR,
    HOURS,
    MINUTE,
    OUTAGES,
    REMINDERS,
    SESSIONS,
    centre,
    local,
    minutes,
    reacted,
)

NOW = local(6, 9)  # a Wednesday
LINEAGE = ("02143", "19", "VN")
EVERYBODY = {"focal", "head", "chair"}
A, B = Address("focal", "mail"), Address("chair", "sms")


def frozen(*specs: StepSpec, now: datetime = NOW, directory: Directory = DIRECTORY, reminders=()) -> tuple[Step, ...]:
    policy = Policy("p", frozenset(Kind), specs)
    return freeze(policy, directory, LINEAGE, SESSIONS, now, reminders)


def test_the_first_policy_that_matches_is_taken():
    outage = choose(DIRECTORY, Kind.OUTAGE, Level.COMMUNE, "centre")
    yellow = choose(DIRECTORY, Kind.KPI_YELLOW, Level.COMMUNE, "online")
    assert (outage, yellow) == (OUTAGES, REMINDERS)
    only = replace(OUTAGES, levels=frozenset({Level.SYSTEM}))
    assert choose(replace(DIRECTORY, policies=(only,)), Kind.OUTAGE, Level.COMMUNE, "centre") is None


def test_a_plan_is_instants_and_addresses():
    plan = freeze(OUTAGES, DIRECTORY, LINEAGE, SESSIONS, NOW)
    assert [step.due_at for step in plan] == [NOW, NOW + minutes(30), NOW + minutes(120)]
    assert plan[0].to == (Address("focal", "mail"), Address("focal", "sms"))
    assert [step.repeat for step in plan] == [None, None, HOUR]


def test_holders_are_looked_for_upwards_and_several_roles_make_one_step():
    duty = Recipient("duty", "dost_duty", "19", "Trực", channels=("mail",))
    directory = replace(DIRECTORY, recipients=(*DIRECTORY.recipients, duty))
    (step,) = frozen(StepSpec(0, ("commune_focal", "dost_duty"), ("mail",)), directory=directory)
    assert step.to == (A, Address("duty", "mail"))
    assert step.role == "commune_focal,dost_duty"


def test_whoever_has_none_of_the_channels_is_told_by_the_first_of_their_own():
    (step,) = frozen(StepSpec(0, ("commune_chair",), ("mail", "webhook")))
    assert step.to == (B,)


def test_one_address_in_two_roles_is_called_once():
    both = replace(FOCAL, role="commune_chair")
    directory = replace(DIRECTORY, recipients=(FOCAL, both))
    (step,) = frozen(StepSpec(0, ("commune_focal", "commune_chair"), ("mail",)), directory=directory)
    assert step.to == (A,)


@pytest.mark.parametrize(
    ("now", "waits_until"),
    [
        (local(6, 9), local(6, 9)),
        (local(6, 12), local(6, 13, 30)),
        (local(6, 22), local(7, 7, 30)),
        (local(8, 18), local(11, 7, 30)),  # Friday evening to Monday
        (local(1, 17, 30, month=9), local(3, 7, 30, month=9)),  # over National Day
    ],
)
def test_an_office_hours_step_waits_for_the_next_working_instant(now, waits_until):
    (step,) = frozen(StepSpec(0, ("commune_focal",), ("mail",), office_hours=True), now=now)
    assert step.due_at == waits_until


def test_reminders_come_at_the_opening_of_the_day_with_exactly_n_working_days_left():
    instants = reminder_instants(DEADLINE, (10, 5, 3, 1), SESSIONS, local(5, 12))
    assert instants == (local(6, 7, 30), local(13, 7, 30), local(15, 7, 30), local(19, 7, 30))
    too_late = CALENDAR.local(DEADLINE).date()
    days = [CALENDAR.local(at).date() for at in instants]
    assert [CALENDAR.working_days_between(day, too_late) for day in days] == [10, 5, 3, 1]


def test_a_reminder_that_has_passed_comes_at_once_and_only_one_of_them():
    assert reminder_instants(DEADLINE, (10, 5, 3, 1), SESSIONS, local(14, 9)) == (
        local(14, 9), local(15, 7, 30), local(19, 7, 30),
    )  # fmt: skip


def test_at_once_is_in_office_hours_and_not_twice_on_one_morning():
    at_night = reminder_instants(DEADLINE, (10, 5), SESSIONS, local(12, 23))
    assert at_night == (local(13, 7, 30),)


def test_after_the_last_opening_before_the_deadline_nobody_is_reminded():
    assert reminder_instants(DEADLINE, (10, 1), SESSIONS, local(19, 18)) == ()


def test_a_reminder_step_becomes_one_step_for_each_instant():
    instants = (local(13, 7, 30), local(15, 7, 30))
    plan = frozen(StepSpec(0, ("commune_focal",), ("mail",), reminders=True), reminders=instants)
    assert tuple(step.due_at for step in plan) == instants


def test_a_reminder_step_without_a_deadline_counts_from_now():
    (step,) = frozen(StepSpec(60, ("commune_focal",), ("mail",), reminders=True))
    assert step.due_at == NOW + minutes(1)


def test_sc82_the_second_person_is_called_after_the_delay_and_the_first_not_again():
    plan = frozen(
        StepSpec(30 * MINUTE, ("commune_focal",), ("mail",)), StepSpec(60 * MINUTE, ("commune_chair",), ("sms",))
    )
    first = fire(plan, EVERYBODY, SESSIONS, NOW + minutes(30))
    second = fire(first.steps, EVERYBODY, SESSIONS, NOW + minutes(60))
    assert [call.to for call in first.calls] == [(A,)]
    assert [call.to for call in second.calls] == [(B,)]


def test_sc83_somebody_due_by_two_steps_after_a_pause_hears_once():
    plan = frozen(
        StepSpec(1 * MINUTE, ("commune_focal",), ("mail",)), StepSpec(2 * MINUTE, ("commune_focal",), ("mail",))
    )
    fired = fire(plan, EVERYBODY, SESSIONS, NOW + minutes(3))
    assert [(call.step, call.to) for call in fired.calls] == [(1, (A,))]
    assert fire(fired.steps, EVERYBODY, SESSIONS, NOW + minutes(9)).calls == ()


def test_missed_repeats_collapse_into_one_call_and_keep_the_rhythm():
    plan = frozen(StepSpec(0, ("commune_focal",), ("mail",), repeat=HOUR))
    first = fire(plan, EVERYBODY, SESSIONS, NOW)
    late = fire(first.steps, EVERYBODY, SESSIONS, NOW + minutes(5 * 60 + 10))
    assert [(call.repeat, call.at) for call in late.calls] == [(1, NOW + minutes(60))]
    assert late.steps[0].due_at == NOW + minutes(6 * 60)


def test_repeats_of_an_office_hours_step_wait_for_the_morning():
    plan = frozen(StepSpec(0, ("commune_focal",), ("mail",), repeat=2 * HOUR, office_hours=True), now=local(6, 16))
    fired = fire(plan, EVERYBODY, SESSIONS, local(6, 16))
    assert fired.steps[0].due_at == local(7, 7, 30)


def test_a_step_that_reaches_nobody_is_passed_over_and_named():
    plan = frozen(
        StepSpec(0, ("nobody_has_this",), ("mail",), repeat=HOUR),
        StepSpec(30 * MINUTE, ("nor_this",), ("mail",)),
        StepSpec(2 * HOUR, ("commune_chair",), ("sms",)),
    )
    fired = fire(plan, EVERYBODY, SESSIONS, NOW)
    assert [call.to for call in fired.calls] == [(B,)]
    assert [step.role for step in fired.empty] == ["nobody_has_this", "nor_this"]
    assert fire(fired.steps, EVERYBODY, SESSIONS, NOW + minutes(600)).calls == ()


def test_somebody_who_left_the_directory_is_passed_over_too():
    plan = frozen(StepSpec(0, ("commune_focal",), ("mail",)), StepSpec(HOUR, ("commune_chair",), ("sms",)))
    fired = fire(plan, {"chair"}, SESSIONS, NOW)
    assert [call.to for call in fired.calls] == [(B,)]


@given(st.lists(st.integers(0, 500), min_size=1, max_size=8), st.integers(1, 300))
def test_no_step_is_called_before_its_time_and_a_second_look_calls_nobody(offsets, repeat):
    plan = frozen(
        StepSpec(10 * MINUTE, ("commune_focal",), ("mail",)),
        StepSpec(90 * MINUTE, ("commune_centre_head",), ("mail",)),
        StepSpec(200 * MINUTE, ("commune_chair",), ("sms",), repeat=repeat * MINUTE),
    )
    for offset in sorted(offsets):
        now = NOW + minutes(offset)
        fired = fire(plan, EVERYBODY, SESSIONS, now)
        assert all(call.at <= now for call in fired.calls)
        assert not any(due(step, now) for step in fired.steps)
        assert fire(fired.steps, EVERYBODY, SESSIONS, now).calls == ()
        plan = fired.steps


def test_the_next_call_is_the_earliest_unfinished_step_of_an_open_incident():
    steps = (Step(NOW, (A,), fired=1), Step(NOW + minutes(9), (B,)), Step(NOW + minutes(5), (A,), repeat=60, fired=3))
    incident = Incident("k", "R", "02143", "centre", Kind.OUTAGE, Colour.RED, NOW, steps=steps)
    assert next_call(incident) == NOW + minutes(5)
    assert next_call(replace(incident, phase=Phase.ACKNOWLEDGED)) is None
    assert next_call(replace(incident, steps=steps[:1])) is None


@pytest.mark.parametrize(
    ("kind", "now", "by"),
    [
        (Kind.OUTAGE, local(6, 23), local(7, 1)),
        (Kind.KPI_YELLOW, local(6, 8), local(6, 17)),
        (Kind.OVERDUE, local(6, 14), local(7, 17)),
        (Kind.KPI_RED, local(8, 14), local(11, 17)),
        (Kind.KPI_RED, local(9, 8), local(11, 17)),
    ],
)
def test_an_outage_is_answered_in_two_hours_and_a_figure_by_the_close_of_an_office_day(kind, now, by):
    assert report_by(kind, SESSIONS, now) == by


def test_an_office_that_never_opens_holds_nothing_back():
    shut = replace(SESSIONS, weekly=(HOURS,) + ((),) * 6, calendar=replace(CALENDAR, off=frozenset(_mondays())))
    assert working(NOW, shut) == NOW
    assert report_by(Kind.KPI_RED, shut, NOW) == NOW + minutes(24 * 60)


def _mondays():
    first = local(4).astimezone(CALENDAR.zone).date()
    return [first + (minutes(7 * 24 * 60) * week) for week in range(80)]


def test_a_step_that_names_a_channel_which_its_people_have_no_more_calls_them_by_their_own():
    begin = local(6, 9)
    opened = reacted({}, centre(Colour.RED, begin, 20.0), begin)
    renamed = tuple(
        replace(one, channels=tuple("sms2" if channel == "sms" else channel for channel in one.channels))
        for one in DIRECTORY.recipients
    )
    site = replace(DIRECTORY, recipients=renamed)
    late = reacted(opened.open, centre(Colour.RED, begin, 20.0), begin + minutes(120), directory=site)
    assert [(one.recipient, one.channel) for one in late.notices if one.recipient == "chair"] == [("chair", "sms2")]
