"""Our own clock is set back by an hour: what arrives from then on is news all the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from monitor.decide import Policy, View, decide
from monitor.engine.book import Need
from monitor.model.reading import Reading, SourceHealth
from monitor.model.state import Decision, UnitState
from tests.unit.engine_scene import (
    CALENDAR,
    COMMUNE,
    GREEN,
    HOUR,
    MINUTE,
    NOON,
    RED,
    SESSIONS,
    UNKNOWN,
    YES_OR_NO,
    directory,
    rule,
    ruleset,
    told,
    units,
)
from tests.unit.engine_scene import UP as INDICATOR

BACK = NOON - HOUR
FRESH = timedelta(seconds=INDICATOR.max_age)
TWICE = rule("up", bands=YES_OR_NO, hold=Need(2), keep=Need(2), critical=True)
LATER = rule("up", bands=YES_OR_NO, hold=Need(1, 600.0), critical=True)


def policy(criterion=TWICE) -> Policy:
    return Policy(units(), ruleset(criterion), directory(), CALENDAR, SESSIONS)


def up(yes: bool, at: datetime) -> Reading:
    return told(yes, at, indicator="up", source="probe")


def judged(before: UnitState, at: datetime, *news: Reading, criterion=TWICE) -> Decision:
    return decide(View(before, news), policy(criterion), at)


def colour(decision: Decision):
    return decision.after.criteria["up"].colour


def test_a_centre_that_fails_after_the_step_turns_red_in_two_checks():
    green = judged(UnitState(COMMUNE), NOON, up(True, NOON)).after
    once = judged(green, BACK + MINUTE, up(False, BACK + MINUTE))
    twice = judged(once.after, BACK + 2 * MINUTE, up(False, BACK + 2 * MINUTE))
    assert (colour(once), colour(twice)) == (GREEN, RED)


def test_a_green_is_no_fresher_for_the_step():
    green = judged(UnitState(COMMUNE), NOON, up(True, NOON)).after
    seen = judged(green, BACK).after
    assert colour(judged(seen, BACK + FRESH)) is UNKNOWN


def test_a_run_that_was_under_way_ripens_no_later_than_a_new_one():
    green = judged(UnitState(COMMUNE), NOON - 2 * HOUR, up(True, NOON - 2 * HOUR), criterion=LATER).after
    failing = judged(green, NOON, up(False, NOON), criterion=LATER).after
    after = BACK + 1 * MINUTE
    first = judged(failing, after, up(False, after), criterion=LATER)
    ripe = after + 10 * MINUTE
    assert (colour(first), colour(judged(first.after, ripe, up(False, ripe), criterion=LATER))) == (GREEN, RED)


def test_a_feed_that_failed_before_the_step_and_answers_after_it_answers():
    before = SourceHealth("portal", "19", NOON - HOUR, NOON - HOUR, NOON, failing_since=NOON)
    assert not before.answers
    assert replace(before, last_success=BACK + MINUTE, failing_since=None).answers
