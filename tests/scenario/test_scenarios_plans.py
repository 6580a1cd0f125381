"""Plans as stories: who is called when, by schedules, quiet hours and conditions of steps."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from monitor.alerting.escalate import quiet_until
from monitor.alerting.plan import Directory, Policy, Recipient, StepSpec
from monitor.alerting.schedule import Rotation, Schedule, Spell
from monitor.model.colour import Colour
from monitor.model.hours import Daily
from monitor.model.incident import Address, Kind
from tests.unit.alerting_scene import (
    CHAIR,
    DIRECTORY,
    FOCAL,
    HEAD,
    HOUR,
    MINUTE,
    OUTAGES,
    ZONE,
    centre,
    local,
    minutes,
    online,
    reacted,
)

NOW = local(6, 9)
DOWN, UP = centre(Colour.RED, NOW, 20.0), centre(Colour.GREEN, NOW)
SHORT = online(Colour.RED, NOW, 40.0)  # below its floor: no outage
NIGHT = Daily(time(22), time(6))


def site(*steps: StepSpec, people: tuple[Recipient, ...] = DIRECTORY.recipients, schedules=()) -> Directory:
    return replace(DIRECTORY, policies=(replace(OUTAGES, steps=steps),), recipients=people, schedules=schedules)


def lived(start: datetime, directory: Directory, criteria, *, hours: int) -> list[tuple[datetime, str]]:
    """When whom is called in so many hours, looked at every hour."""
    alerts, heard = reacted({}, criteria, start, directory=directory), []
    for hour in range(hours + 1):
        now = start + timedelta(hours=hour)
        alerts = reacted(alerts.open, criteria, now, directory=directory) if hour else alerts
        heard += [(now, notice.recipient) for notice in alerts.notices]
    return heard


def told(alerts) -> list[tuple[str, str]]:
    return [(notice.recipient, notice.kind) for notice in alerts.notices]


FIRST = StepSpec(0, ("commune_focal",), ("mail",))
SLEEPER = replace(FOCAL, quiet=NIGHT)


def test_sc43_quiet_hours_hold_a_call_and_let_it_go_once():
    """SC-43."""
    quiet = site(FIRST, people=(SLEEPER,))
    alerts = reacted({}, SHORT, local(6, 23), directory=quiet)
    assert (told(alerts), alerts.recheck_at) == ([], local(7, 6))
    morning = reacted(alerts.open, SHORT, local(7, 6), directory=quiet)
    assert told(morning) == [("focal", "kpi_red")]
    assert told(reacted(morning.open, SHORT, local(7, 9), directory=quiet)) == []


def test_sc44_what_begins_and_ends_in_quiet_hours_is_not_told():
    """SC-44."""
    quiet = site(FIRST, people=(SLEEPER,))
    alerts = reacted({}, SHORT, local(6, 23), directory=quiet)
    over = reacted(alerts.open, online(Colour.GREEN, NOW, 90.0), local(7, 5), directory=quiet)
    assert (told(over), over.open) == ([], {})


def test_a_red_outage_wakes_unless_the_recipient_says_no():
    assert told(reacted({}, DOWN, local(6, 23), directory=site(FIRST, people=(SLEEPER,)))) == [("focal", "outage")]
    deep = site(FIRST, people=(replace(SLEEPER, wake=False),))
    assert told(reacted({}, DOWN, local(6, 23), directory=deep)) == []


def test_a_mass_outage_wakes_whom_one_outage_of_it_would_have_woken():
    night, people = local(6, 23), (SLEEPER, replace(CHAIR, quiet=NIGHT, wake=False))
    asleep = {kind: quiet_until(people, kind, Colour.RED, ZONE, night) for kind in (Kind.OUTAGE, Kind.MASS)}
    assert asleep[Kind.MASS] == asleep[Kind.OUTAGE] == {"chair": local(7, 6)}


def test_quiet_hours_of_one_keep_nobody_else_from_hearing():
    both = site(replace(FIRST, to=("commune_focal", "commune_chair"), repeat=None), people=(SLEEPER, CHAIR))
    alerts = reacted({}, SHORT, local(6, 23), directory=both)
    assert told(alerts) == [("chair", "kpi_red")]
    morning = reacted(alerts.open, SHORT, local(7, 6), directory=both)
    assert told(morning) == [("focal", "kpi_red")]
    assert {n.key for n in alerts.notices}.isdisjoint(n.key for n in morning.notices)
    assert told(reacted(morning.open, SHORT, local(7, 7), directory=both)) == []


def test_a_recovery_waits_for_the_end_of_quiet_hours_as_the_page_did():
    quiet = site(FIRST, people=(replace(SLEEPER, wake=False),))
    alerts = reacted({}, DOWN, local(6, 21), directory=quiet)
    over = reacted(alerts.open, UP, local(6, 23), directory=quiet)
    assert [notice.due_at for notice in over.notices] == [local(7, 6)]


AN, BINH = (replace(FOCAL, id=name, role="dost_duty", scope="19") for name in ("an", "binh"))
DAILY = Schedule("duty", "dost_duty", "19", ZONE, (Rotation(("an", "binh"), date(2025, 8, 6), time(17), 1),))
DUTY = StepSpec(0, ("dost_duty",), ("mail",), repeat=6 * HOUR)


def test_a_step_calls_who_is_on_duty_when_it_is_due_and_a_repeat_who_is_by_then():
    duty = site(replace(DUTY, after=5 * HOUR), people=(AN, BINH), schedules=(DAILY,))
    opened = reacted({}, DOWN, local(7, 13), directory=duty)  # an until 17:00, then binh
    first = reacted(opened.open, DOWN, local(7, 18), directory=duty)
    assert told(first) == [("binh", "outage")]
    later = reacted(first.open, DOWN, local(8, 0), directory=duty)
    assert told(later) == [("binh", "outage")]
    assert told(reacted(later.open, DOWN, local(8, 18), directory=duty)) == [("an", "outage")]


def test_an_edit_of_the_schedule_does_not_reach_a_step_that_is_frozen():
    duty = site(replace(DUTY, after=HOUR), people=(AN, BINH), schedules=(DAILY,))
    opened = reacted({}, DOWN, local(6, 18), directory=duty)
    other = replace(DAILY, overrides=(Spell(local(6, 0), local(8, 0), ("binh",)),))
    edited = replace(duty, schedules=(other,))
    assert told(reacted(opened.open, DOWN, local(6, 19), directory=edited)) == [("an", "outage")]


def test_who_is_gone_by_then_is_replaced_by_whoever_is_on_duty():
    duty = site(replace(DUTY, after=HOUR), people=(AN, BINH), schedules=(DAILY,))
    opened = reacted({}, DOWN, local(6, 18), directory=duty)
    roster = replace(DAILY, overrides=(Spell(local(6, 0), local(8, 0), ("binh",)),))
    gone = replace(duty, recipients=(replace(AN, valid_to=date(2025, 8, 6)), BINH), schedules=(roster,))
    assert told(reacted(opened.open, DOWN, local(6, 19), directory=gone)) == [("binh", "outage")]


def test_a_hole_in_a_schedule_goes_to_the_next_step_at_once_and_says_so():
    hole = replace(DAILY, rotations=())
    duty = site(DUTY, replace(FIRST, after=HOUR), people=(AN, FOCAL), schedules=(hole,))
    alerts = reacted({}, DOWN, NOW, directory=duty)
    assert told(alerts) == [("focal", "outage")]
    assert [entry.action for entry in alerts.audit] == ["nobody_to_call"]


WORKDAY = replace(DAILY, rotations=(replace(DAILY.rotations[0], hours=Daily(time(7, 30), time(17))),))


def test_the_last_step_in_a_hole_waits_until_somebody_is_on_duty_and_says_so():
    duty = site(replace(DUTY, repeat=None), people=(AN, BINH), schedules=(WORKDAY,))
    alerts = reacted({}, DOWN, local(6, 20), directory=duty)
    assert (told(alerts), alerts.recheck_at) == ([], local(7, 7, 30))
    assert [entry.action for entry in alerts.audit] == ["nobody_to_call"]
    assert told(reacted(alerts.open, DOWN, local(7, 7), directory=duty)) == []
    assert told(reacted(alerts.open, DOWN, local(7, 7, 30), directory=duty)) == [("an", "outage")]


def test_steps_that_are_all_in_a_hole_are_passed_over_to_the_last_one_which_waits():
    once, again = replace(DUTY, repeat=None), replace(DUTY, after=2 * HOUR, repeat=HOUR)
    duty = site(once, again, people=(AN, BINH), schedules=(WORKDAY,))
    alerts = reacted({}, DOWN, local(6, 20), directory=duty)
    assert (told(alerts), alerts.recheck_at, len(alerts.audit)) == ([], local(7, 7, 30), 2)
    morning = reacted(alerts.open, DOWN, local(7, 7, 30), directory=duty)
    assert (told(morning), morning.recheck_at) == ([("an", "outage")], local(7, 8, 30))


def test_a_hole_ends_no_repeats():
    duty = site(replace(DUTY, repeat=4 * HOUR), people=(AN, BINH), schedules=(WORKDAY,))
    alerts = reacted({}, DOWN, local(7, 16), directory=duty)
    assert told(alerts) == [("an", "outage")]
    evening = reacted(alerts.open, DOWN, local(7, 20), directory=duty)
    assert (told(evening), evening.recheck_at) == ([], local(8, 7, 30))
    assert told(reacted(evening.open, DOWN, local(8, 7, 30), directory=duty)) == [("binh", "outage")]


def test_a_post_that_nobody_holds_is_not_waited_for():
    alerts = reacted({}, DOWN, NOW, directory=site(DUTY, people=()))
    assert [entry.action for entry in alerts.audit] == ["nobody_to_call"]
    (incident,) = alerts.open.values()
    assert incident.steps[0].fired == 1
    assert told(reacted(alerts.open, DOWN, NOW + minutes(60), directory=site(DUTY, people=()))) == []


def test_steps_for_other_colours_are_left_out_of_the_plan():
    duty = site(FIRST, replace(FIRST, to=("commune_chair",), via=("sms",), colours=frozenset({Colour.YELLOW})))
    (incident,) = reacted({}, DOWN, NOW, directory=duty).open.values()
    assert [step.role for step in incident.steps] == ["commune_focal"]


def test_a_step_that_is_only_for_what_is_seen_is_passed_over_in_silence():
    still = site(FIRST, replace(FIRST, after=HOUR, to=("commune_chair",), via=("sms",), still=True))
    for colour, expected in ((Colour.RED, [("chair", "outage")]), (Colour.UNKNOWN, [])):
        opened = reacted({}, DOWN, NOW, directory=still)
        later = reacted(opened.open, centre(colour, NOW, 80.0), NOW + minutes(60), directory=still)
        assert (told(later), later.audit) == (expected, ())


def test_a_step_with_hours_waits_for_them():
    hours = site(replace(FIRST, hours=Daily(time(7), time(20))))
    alerts = reacted({}, DOWN, local(6, 21), directory=hours)
    assert (told(alerts), alerts.recheck_at) == ([], local(7, 7))


@pytest.mark.parametrize(
    ("hours", "rings"), [({"office_hours": True}, local(7, 7, 30)), ({"hours": Daily(time(7), time(20))}, local(7, 7))]
)
def test_a_call_that_a_silence_or_a_standstill_delayed_waits_for_the_hours_of_its_step(hours, rings):
    site_ = site(replace(FIRST, after=1.5 * HOUR, repeat=HOUR, **hours))
    opened = reacted({}, DOWN, local(6, 15), directory=site_)
    assert (told(opened), opened.recheck_at) == ([], local(6, 16, 30))
    late = reacted(opened.open, DOWN, local(6, 23), directory=site_)
    assert (told(late), late.recheck_at) == ([], rings)
    assert told(reacted(late.open, DOWN, rings, directory=site_)) == [("focal", "outage")]


def test_the_end_of_quiet_hours_is_no_leave_to_call_outside_the_hours_of_a_step():
    evening = replace(FIRST, to=("commune_focal", "commune_chair"), hours=Daily(time(7), time(22, 30)))
    for people in ((SLEEPER,), (SLEEPER, replace(CHAIR, channels=("mail",)))):
        directory = site(evening, people=people)
        opened = reacted({}, SHORT, local(6, 22, 10), directory=directory)
        assert told(opened) == [("chair", "kpi_red")] * (len(people) - 1)
        early = reacted(opened.open, SHORT, local(7, 6), directory=directory)
        assert (told(early), early.recheck_at) == ([], local(7, 7))
        assert told(reacted(early.open, SHORT, local(7, 7), directory=directory)) == [("focal", "kpi_red")]


def test_one_telephone_of_two_posts_rings_once_for_a_step_and_for_the_highest_of_several():
    both = replace(FIRST, to=("commune_focal", "commune_chair"), via=("sms",))
    chair = replace(both, to=("commune_chair",), after=0)
    one_number = {Address("chair", "sms"): Address("focal", "sms")}
    directory = replace(site(both), telephones=one_number)
    opened = reacted({}, DOWN, NOW, directory=directory)
    assert told(opened) == [("focal", "outage")]
    assert told(reacted({}, DOWN, NOW, directory=site(both))) == [("focal", "outage"), ("chair", "outage")]
    twice = reacted({}, DOWN, NOW, directory=replace(site(both, chair), telephones=one_number))
    assert told(twice) == [("chair", "outage")]
    over = reacted(opened.open, UP, NOW + minutes(5), directory=directory)
    assert told(over) == [("focal", "recovered")]


def test_sc82_the_second_person_is_told_after_thirty_minutes_and_the_first_not_again():
    """SC-82."""
    two = site(replace(FIRST, after=0), replace(FIRST, after=30 * MINUTE, to=("commune_chair",), via=("sms",)))
    opened = reacted({}, DOWN, NOW, directory=two)
    later = reacted(opened.open, DOWN, NOW + minutes(30), directory=two)
    assert (told(opened), told(later)) == ([("focal", "outage")], [("chair", "outage")])


def test_sc83_calls_missed_by_a_monitor_that_was_down_are_one_message():
    """SC-83."""
    two = site(replace(FIRST, after=MINUTE), replace(FIRST, after=2 * MINUTE))
    opened = reacted({}, DOWN, NOW, directory=two)
    assert told(reacted(opened.open, DOWN, NOW + minutes(3), directory=two)) == [("focal", "outage")]


# -- a step that reaches nobody ----------------------------------------------------------------------------------------

CHAIR_LATER = StepSpec(2 * HOUR, ("commune_chair",), ("sms",))
OLD, NEW = replace(CHAIR, id="old", valid_to=date(2025, 8, 7)), replace(CHAIR, id="new", valid_from=date(2025, 8, 7))


@pytest.mark.parametrize(
    ("hours", "rings"),
    [({"office_hours": True}, local(6, 7, 30)), ({"hours": Daily(time(6), time(20))}, local(6, 6))],
)
def test_a_step_that_comes_in_place_of_a_hole_keeps_its_own_hours(hours, rings):
    early = site(FIRST, replace(CHAIR_LATER, after=8 * HOUR, **hours), people=(CHAIR,))
    alerts = reacted({}, DOWN, local(6, 2), directory=early)
    assert (told(alerts), alerts.recheck_at) == ([], rings)
    assert told(reacted(alerts.open, DOWN, rings, directory=early)) == [("chair", "outage")]


def test_a_step_that_comes_in_place_of_a_hole_calls_who_is_on_duty_now():
    duty = site(FIRST, StepSpec(2 * HOUR, ("dost_duty",), ("mail",)), people=(AN, BINH), schedules=(DAILY,))
    assert told(reacted({}, DOWN, local(7, 16), directory=duty)) == [("an", "outage")]  # binh has the turn from 17:00


def test_a_step_that_comes_in_place_of_a_hole_calls_who_holds_the_post_today():
    post = site(FIRST, replace(CHAIR_LATER, after=4 * HOUR), people=(OLD, NEW))
    assert lived(local(6, 22), post, DOWN, hours=48) == [(local(6, 22), "old")]


def test_a_hole_between_two_turns_calls_one_further_step_and_not_one_at_each_repeat():
    steps = (replace(DUTY, repeat=HOUR), replace(FIRST, after=12 * HOUR), replace(CHAIR_LATER, after=24 * HOUR))
    never = replace(DAILY, rotations=())
    duty = site(*steps, people=(AN, FOCAL, CHAIR), schedules=(never,))
    assert lived(local(6, 9), duty, DOWN, hours=6) == [(local(6, 9), "focal")]


# -- a post that is vacant for a while ---------------------------------------------------------------------------------


def test_a_vacancy_of_a_day_uses_up_no_reminder_of_a_later_day():
    """The successor is known. Nobody holds the post on the morning of ten days left."""
    steps = (StepSpec(0, ("commune_focal",), ("mail",), reminders=True),)
    plan = replace(DIRECTORY, policies=(Policy("near", frozenset({Kind.KPI_YELLOW}), steps),))
    vacant = replace(plan, recipients=(replace(FOCAL, valid_from=date(2025, 8, 7)),))
    near = online(Colour.YELLOW, NOW, 60.0, left=10)
    heard = lived(local(6, 7), vacant, near, hours=24 * 14)
    assert heard == [(local(day, 8), "focal") for day in (7, 13, 15, 19)]  # looked at every hour, due at half past
    assert lived(local(6, 7), replace(plan, recipients=()), near, hours=24 * 14) == []


def test_a_reminder_of_one_post_takes_none_of_another_one_with_it():
    steps = tuple(StepSpec(0, (role,), ("mail",), reminders=True) for role in ("commune_centre_head", "commune_focal"))
    plan = replace(DIRECTORY, policies=(Policy("near", frozenset({Kind.KPI_YELLOW}), steps),), recipients=(HEAD,))
    heard = lived(local(6, 7), plan, online(Colour.YELLOW, NOW, 60.0, left=10), hours=24 * 14)
    assert heard == [(local(day, 8), "head") for day in (6, 13, 15, 19)]


def test_a_vacancy_of_a_day_ends_no_repeats():
    new = replace(NEW, valid_from=date(2025, 8, 8))
    post = site(replace(CHAIR_LATER, after=0, repeat=4 * HOUR), people=(OLD, new))
    heard = lived(local(6, 20), post, DOWN, hours=36)
    assert heard == [(local(6, 20), "old"), *((local(8, hour), "new") for hour in (0, 4, 8))]


def test_a_post_that_is_filled_later_is_called_at_the_next_repeat():
    """Nothing was known of a successor; the site is edited while the incident is open."""
    repeats = replace(CHAIR_LATER, after=0, repeat=4 * HOUR)
    alerts = reacted({}, DOWN, NOW, directory=site(repeats, people=()))
    assert (told(alerts), alerts.recheck_at) == ([], NOW + minutes(240))
    edited = site(repeats, people=(CHAIR,))
    assert told(reacted(alerts.open, DOWN, NOW + minutes(240), directory=edited)) == [("chair", "outage")]


# -- a call that comes later than it was due ---------------------------------------------------------------------------


def test_who_takes_over_from_somebody_whom_quiet_hours_hold_hears_in_their_place():
    early = replace(DAILY, rotations=(Rotation(("an", "binh"), date(2025, 8, 6), time(5), 1),))
    both = StepSpec(0, ("dost_duty", "commune_chair"), ("mail",))
    duty = site(both, people=(replace(AN, quiet=NIGHT), BINH, CHAIR), schedules=(early,))
    assert lived(local(6, 23), duty, SHORT, hours=30) == [(local(6, 23), "chair"), (local(7, 6), "binh")]
    stays = replace(early, rotations=(Rotation(("an",), date(2025, 8, 6), time(5), 1),))
    same = replace(duty, schedules=(stays,))
    assert lived(local(6, 23), same, SHORT, hours=30) == [(local(6, 23), "chair"), (local(7, 6), "an")]


def test_a_first_call_that_quiet_hours_hold_goes_to_who_is_on_duty_when_they_end():
    early = replace(DAILY, rotations=(Rotation(("an", "binh"), date(2025, 8, 6), time(5), 1),))
    duty = site(replace(DUTY, repeat=None), people=(replace(AN, quiet=NIGHT), BINH), schedules=(early,))
    assert lived(local(6, 23), duty, SHORT, hours=30) == [(local(7, 6), "binh")]


def test_a_first_call_that_comes_after_its_turn_of_duty_goes_to_who_is_on_duty_then():
    """As after a standstill, or after a silence of the incident."""
    duty = site(replace(DUTY, after=HOUR), people=(AN, BINH), schedules=(DAILY,))
    opened = reacted({}, DOWN, local(7, 15), directory=duty)  # due at 16:00, when an is on duty
    assert told(reacted(opened.open, DOWN, local(7, 16, 59), directory=duty)) == [("an", "outage")]
    assert told(reacted(opened.open, DOWN, local(7, 21), directory=duty)) == [("binh", "outage")]
