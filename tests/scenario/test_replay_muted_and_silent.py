"""The past that is rebuilt: planned work that was ordered at run time, and probes that fell silent within the hour."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from monitor.config.probespec import HttpCheck, ProbeSpec
from monitor.config.spec import Site
from monitor.decide import View
from monitor.model.colour import Colour
from monitor.replay import course as replayed
from monitor.replay.compare import rebuilt, replay
from monitor.replay.past import Past, read_past
from monitor.testing.site import COMMUNES, POLL, PROVINCE, SYSTEM, small_site
from tests.scenario.muting_story import A, Story, at, play
from tests.unit.muting_scene import window

PROBES = tuple(
    ProbeSpec(f"probe/{unit}", unit, "reachable", POLL, 5.0, HttpCheck("http://127.0.0.1/")) for unit in COMMUNES[:2]
)


def site() -> Site:
    return replace(small_site(), probes=PROBES)


def worked() -> Story:
    """Work at A from 60 to 180, ordered while the service runs; A is down from 70 on."""
    work = window(at(60), at(180), f"unit={A}")
    return play(
        lambda unit, minute: unit == A and minute >= 70,
        [(0.5, lambda service: service.desk.add(work, "an"))],
        minutes=110,
        look=[100],
    )


def fell_silent() -> Story:
    """A's probe says nothing any more from minute 20 on."""
    return play(lambda unit, minute: None if unit == A and minute >= 20 else False, minutes=45, look=[40])


def past_of(story: Story, minute: float) -> Past:
    return asyncio.run(read_past(story.store, at(minute)))


def test_planned_work_that_was_ordered_at_run_time_is_rebuilt_as_it_was():
    course = rebuilt(site(), past_of(worked(), 100), site().ruleset, at(100))
    assert course.states[A].criteria["centre"].colour is Colour.MAINTENANCE


def test_the_same_rules_over_a_past_with_planned_work_differ_in_nothing():
    found = replay(site(), past_of(worked(), 100), site().ruleset, at(0), at(100))
    mine = [one for one in (*found.colours, *found.notices) if (one.was or one.now).unit == A]  # type: ignore[union-attr]
    assert [one for one in mine if (one.was or one.now).what in ("centre", "")] == []  # type: ignore[union-attr]
    assert not [one for one in found.notices if (one.was or one.now).unit == A]  # type: ignore[union-attr]


def test_nothing_is_rebuilt_green_that_was_recorded_as_unknown():
    story = fell_silent()
    course = rebuilt(site(), past_of(story, 40), site().ruleset, at(40))
    assert story.colours[A, 40] is Colour.UNKNOWN
    assert course.states[A].criteria["centre"].colour is Colour.UNKNOWN


def test_a_probe_that_answers_again_is_believed_again():
    story = play(lambda unit, minute: None if unit == A and 20 <= minute < 40 else False, minutes=60, look=[50])
    course = rebuilt(site(), past_of(story, 50), site().ruleset, at(50))
    assert course.states[A].criteria["centre"].colour is Colour.GREEN


def silent_and_back() -> Story:
    """A's probe says nothing from minute 20 to 40."""
    return play(lambda unit, minute: None if unit == A and 20 <= minute < 40 else False, minutes=110, look=[100])


def judged_anew(*seen: Any, judged_at: object, **more: Any) -> View:
    """The same, but nobody knows when it was judged."""
    return View(*seen, **more)


@pytest.mark.parametrize("story", [worked, silent_and_back])
def test_judging_what_the_news_concerns_rebuilds_what_judging_all_anew_does(story, monkeypatch):
    """The past is judged in part, as the service does; every unit is then as if each decision had judged all of it."""
    past = past_of(story(), 100)
    minutes = range(5, 101, 5)
    in_part = [rebuilt(site(), past, site().ruleset, at(minute)) for minute in minutes]
    monkeypatch.setattr(replayed, "View", judged_anew)
    anew = [rebuilt(site(), past, site().ruleset, at(minute)) for minute in minutes]
    assert {COMMUNES[0], PROVINCE, SYSTEM} <= set(anew[0].states)
    assert [course.states for course in in_part] == [course.states for course in anew]
    assert in_part[-1].decided == anew[-1].decided
