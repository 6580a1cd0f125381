"""A plan stands still while nothing is judged, and goes on with the time that was left."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta

import pytest

from monitor.alerting.incidents import Alerts, acknowledge
from monitor.alerting.muting import judged_first
from monitor.alerting.plan import Policy, StepSpec, TermsSpec
from monitor.alerting.setback import hastened
from monitor.model.colour import Colour
from monitor.model.hours import Daily
from monitor.model.incident import Kind, Phase
from tests.unit.alerting_scene import (
    CHAIR,
    DIRECTORY,
    FOCAL,
    HEAD,
    HOUR,
    centre,
    local,
    minutes,
    online,
    reacted,
)
from tests.unit.muting_scene import window

NOW = local(6, 9)
DOWN = centre(Colour.RED, NOW, 16.0)
WELL = centre(Colour.GREEN, NOW, 0.0)
DARK = centre(Colour.UNKNOWN, NOW, 0.0)
WORK = centre(Colour.MAINTENANCE, NOW, 0.0)


class Paused:
    """An outage told at 09:00 and paused from 09:10 on, in minutes since 09:00."""

    def __init__(self, directory=DIRECTORY, began: float = 10) -> None:
        self.directory = directory
        self.alerts = Alerts(open={})
        self.sees(DOWN, 0)
        self.sees(WORK, began, paused=True)

    def sees(self, criteria, minute: float, **scene) -> Alerts:
        self.alerts = reacted(self.alerts.open, criteria, NOW + minutes(minute), directory=self.directory, **scene)
        return self.alerts

    def told(self, criteria, minute: float, **scene) -> list[str]:
        return [notice.recipient for notice in self.sees(criteria, minute, **scene).notices]

    @property
    def incident(self):
        return self.alerts.open["centre"]


def test_after_four_hours_of_work_a_step_comes_with_the_time_that_was_left():
    line = Paused()
    assert line.told(WORK, 200, paused=True) == []
    assert line.told(DOWN, 251) == []  # 13:11: the first answer from after it
    assert line.alerts.recheck_at == NOW + minutes(271)
    assert [line.told(DOWN, minute) for minute in (270, 271, 360, 361)] == [[], ["head"], [], ["chair"]]
    assert [line.told(DOWN, minute) for minute in (420, 421)] == [[], ["chair"]]  # its repeats keep their hour


def test_without_work_of_the_unit_itself_the_pause_lasts_until_the_first_answer():
    """A system's work, or too little to be judged."""
    line = Paused()
    assert line.told(WORK, 250) == []  # over, and nothing was heard yet
    assert line.told(DOWN, 255) == []
    assert line.told(DOWN, 275) == ["head"]


def test_the_pause_ends_with_the_work_also_while_nobody_looks():
    """The work ended at 10:00; the monitor was off from 09:20 on and gets its first answer at 12:01."""
    line, works = Paused(), (window(NOW + minutes(10), NOW + minutes(60)),)
    assert line.told(WORK, 180, windows=works) == []
    assert line.told(DOWN, 181, windows=works) == ["head", "chair"]  # since 10:20 and 11:50
    assert line.alerts.recheck_at == NOW + minutes(170 + 60)


def test_of_work_that_comes_again_the_last_time_ends_the_pause():
    line = Paused()
    works = (window(NOW + minutes(10), NOW + minutes(20)), window(NOW + minutes(40), NOW + minutes(60), name="M-TWO"))
    assert line.told(DOWN, 61, windows=works) == []
    assert line.alerts.recheck_at == NOW + minutes(80)


def test_two_works_are_two_pauses():
    line = Paused()
    line.sees(DOWN, 20)
    line.sees(WORK, 25, paused=True)
    line.sees(DOWN, 55)
    assert [line.told(DOWN, minute) for minute in (69, 70)] == [[], ["head"]]


def test_what_nobody_can_see_after_the_work_goes_on_as_well():
    line = Paused()
    assert [line.told(DARK, minute) for minute in (251, 270, 271)] == [[], [], ["head"]]


def test_what_was_due_before_the_work_is_called_at_once_after_it():
    line = Paused(began=31)
    assert line.told(DOWN, 251) == ["head"]


def test_a_pause_in_the_watch_over_what_is_well_does_not_bring_the_steps_of_a_relapse_nearer():
    policies = tuple(replace(policy, terms=TermsSpec(close_after=HOUR)) for policy in DIRECTORY.policies)
    line = Paused(replace(DIRECTORY, policies=policies), began=10)
    line.sees(WELL, 20)
    assert line.incident.phase is Phase.CLOSING
    line.sees(WORK, 25, paused=True)
    assert line.told(DOWN, 85) == []
    assert [line.told(DOWN, minute) for minute in (99, 100)] == [[], ["head"]]


def test_who_answers_during_the_work_is_not_called_after_it_and_what_gets_worse_is_told_at_once():
    line = Paused()
    heard, _ = acknowledge(line.incident, "focal", "", NOW + minutes(60))
    line.alerts = replace(line.alerts, open={"centre": heard})
    assert [line.told(DOWN, minute) for minute in (251, 400)] == [[], []]
    assert line.incident.paused_since is None


def test_a_step_that_comes_later_waits_for_its_hours_and_calls_who_is_there_then():
    late = StepSpec(HOUR, ("commune_centre_head",), ("mail",), hours=Daily(time(8), time(11)))
    policy = Policy("all", frozenset(Kind), (StepSpec(0, ("commune_focal",), ("mail",)), late))
    gone, successor = replace(HEAD, valid_to=date(2025, 8, 7)), replace(HEAD, id="next", valid_from=date(2025, 8, 7))
    line = Paused(replace(DIRECTORY, policies=(policy,), recipients=(FOCAL, gone, successor, CHAIR)))
    line.sees(DOWN, 251)  # with 50 minutes left it would come at 14:01
    assert line.alerts.recheck_at == local(7, 8)
    assert line.told(DOWN, 23 * 60) == ["next"]


@pytest.mark.parametrize("hours", [{"office_hours": True}, {"hours": Daily(time(7, 30), time(17))}])
def test_a_step_that_waits_for_the_opening_of_its_hours_keeps_that_instant(hours):
    policy = Policy("all", frozenset(Kind), (StepSpec(0.5 * HOUR, ("commune_focal",), ("mail",), **hours),))
    directory, opened = replace(DIRECTORY, policies=(policy,)), local(6, 20)
    alerts = reacted({}, DOWN, opened, directory=directory)
    assert alerts.recheck_at == local(7, 7, 30)
    paused = reacted(alerts.open, WORK, opened + minutes(60), directory=directory, paused=True)
    after = reacted(paused.open, DOWN, local(7, 5), directory=directory)
    assert after.recheck_at == local(7, 7, 30)
    within = reacted(paused.open, DOWN, local(7, 10), directory=directory)
    assert [notice.recipient for notice in within.notices] == ["focal"]  # it has passed


HOURLY = Policy("all", frozenset(Kind), (StepSpec(0, ("commune_focal",), ("mail",), repeat=HOUR),))


@pytest.mark.parametrize(
    ("focal", "calls"),
    [
        (replace(FOCAL, quiet=Daily(time(21), time(6)), wake=False), local(7, 6)),
        (replace(FOCAL, valid_from=date(2025, 8, 7)), local(7)),
    ],
    ids=["the end of quiet hours", "the first day of a successor"],
)
def test_what_waits_for_an_instant_of_the_clock_keeps_it_and_its_repeats_are_counted_from_there(focal, calls):
    directory, opened = replace(DIRECTORY, policies=(HOURLY,), recipients=(focal, HEAD, CHAIR)), local(6, 21, 50)

    def seen(before: Alerts, criteria, at, **scene) -> Alerts:
        return reacted(before.open, criteria, at, directory=directory, **scene)

    alerts = seen(Alerts({}), DOWN, opened)
    assert (alerts.notices, alerts.recheck_at) == ((), calls)
    paused = seen(alerts, WORK, local(6, 22), paused=True)
    after = seen(paused, DOWN, local(6, 23))
    assert (after.notices, after.recheck_at) == ((), calls)
    back = Alerts({"centre": hastened(after.open["centre"], timedelta(hours=2), local(6, 21))})
    assert seen(back, DOWN, local(6, 21)).recheck_at == calls
    told = seen(after, DOWN, calls)
    assert [notice.recipient for notice in told.notices] == ["focal"]
    paused = seen(told, WORK, calls + minutes(10), paused=True)
    assert seen(paused, DOWN, calls + minutes(30)).recheck_at == calls + minutes(60 + 20)


def test_a_reminder_of_a_deadline_keeps_its_day():
    yellow = online(Colour.YELLOW, NOW, 68.9, 10)
    opened = reacted({}, yellow, NOW)
    dated = [step.due_at for step in opened.open["online"].steps]
    paused = reacted(opened.open, online(Colour.MAINTENANCE, NOW, 68.9, 10), NOW + minutes(10), paused=True)
    after = reacted(paused.open, yellow, NOW + minutes(600))
    assert [step.due_at for step in after.open["online"].steps] == dated


def test_the_same_facts_at_the_same_instant_change_nothing_while_it_is_paused_and_after():
    line = Paused()
    assert line.sees(WORK, 10, paused=True).changed == ()
    assert line.sees(WORK, 90, paused=True).changed == ()
    line.sees(DOWN, 251)
    assert line.sees(DOWN, 251).changed == ()


def test_a_clock_that_is_set_back_during_the_work_leaves_as_much_time():
    line = Paused()
    hour = timedelta(hours=1)
    back = hastened(line.incident, hour, NOW + minutes(30) - hour)
    line.alerts = replace(line.alerts, open={"centre": back})
    assert line.told(DOWN, 40 - 60) == []  # thirty minutes of pause
    assert [line.told(DOWN, minute) for minute in (-1, 0)] == [[], ["head"]]


def test_a_message_from_before_the_work_waits_for_the_first_answer_after_it_and_a_quarter_of_an_hour_at_most():
    line, works = Paused(), (window(NOW + minutes(10), NOW + minutes(60)),)
    waiting = reacted({}, DOWN, NOW).notices[0]

    def held_until(minute: float, incident=line.incident):
        held = judged_first(waiting, [incident], works, NOW + minutes(minute))
        return held and held.until

    assert held_until(60) == NOW + minutes(61)
    assert held_until(74.5) == NOW + minutes(75)
    assert held_until(75) is None
    line.sees(DOWN, 62, windows=works)
    assert held_until(62, line.incident) is None
    assert judged_first(waiting, [], works, NOW + minutes(61)) is None  # it is over, or of no incident
    other = replace(line.incident, key="02143/other/t", paused_since=NOW + minutes(10))
    assert judged_first(waiting, [line.incident, other], works, NOW + minutes(62)) is None
