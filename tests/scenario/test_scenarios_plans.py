"""Plans as stories: who is called when, by schedules, quiet hours and conditions of steps."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time

from monitor.alerting.escalate import quiet_until
from monitor.alerting.plan import Directory, Recipient, StepSpec
from monitor.alerting.schedule import Rotation, Schedule, Spell
from monitor.model.colour import Colour
from monitor.model.hours import Daily
from monitor.model.incident import Kind
from tests.unit.alerting_scene import (
    CHAIR,
    DIRECTORY,
    FOCAL,
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
