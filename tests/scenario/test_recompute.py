"""An explanation carries enough to compute the colour again, by a program that knows nothing of the engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings

from monitor.cli.sites import bundled
from monitor.model.state import UnitState
from monitor.replay.compare import rebuilt
from monitor.replay.past import read_past
from monitor.reporting.facts import facts
from monitor.reporting.recompute import Unreadable, colour, criterion_colour
from monitor.story.play import Play
from monitor.story.setting import story_site
from tests.scenario.test_looking_only_when_due import COMMUNE, EXAMPLES, POLLS, Line, policy


def agrees(unit, state, rules, now, systems=(), children=()):
    told = json.loads(
        json.dumps(facts(unit, state, rules.ruleset, rules.calendar, now, systems, children, rules.units))
    )
    for one in told["criteria"]:
        assert criterion_colour(one, told) == one["colour"], (unit.code, one)
    assert colour(told) == told["colour"] == state.standing.colour.value, told
    return told


def members(told):
    """Names of all members of an object, at whatever depth; not the colours, which are counted by their own names."""
    if isinstance(told, list):
        return {name for one in told for name in members(one)}
    if not isinstance(told, dict):
        return set()
    return {*told, *(name for key, value in told.items() if key != "children" for name in members(value))}


class Checked(Line):
    """Compares after every decision."""

    def look(self, now, *news, answers=()):
        super().look(now, *news, answers=answers)
        agrees(self.rules.units[self.state.unit], self.state, self.rules, now)


@settings(max_examples=EXAMPLES)
@given(polls=POLLS)
def test_every_committed_colour_of_a_commune_is_computed_again(polls):
    Checked(COMMUNE, policy()).play(polls, every_minute=False)


async def test_all_units_of_the_story_are_computed_again_at_every_instant_that_changed_something():
    site = story_site(bundled(), {})
    play = Play(site, lambda _event: None)
    await play.run()
    past = await read_past(play.service.store, play.clock.now())  # type: ignore[arg-type]
    await play.stop()
    course = rebuilt(site, past, site.ruleset, play.clock.now())
    assert len(course.decided) > 1000
    states, carried = {unit.code: UnitState(unit.code) for unit in site.units}, set()
    for now, decision in course.decided:
        unit = site.units[decision.after.unit]
        states[unit.code] = decision.after
        systems = [states[code] for code in unit.depends_on]
        children = [states[code] for code in site.units.children(unit.code)]
        carried |= members(agrees(unit, decision.after, course.policy, now, systems, children))
    page = (Path(__file__).parents[2] / "docs" / "explain.md").read_text()
    assert {name for name in carried if f"`{name}`" not in page} == set()
    assert {decision.after.unit for _, decision in course.decided} == {unit.code for unit in site.units}


def test_another_version_is_refused():
    with pytest.raises(Unreadable, match="version 2"):
        colour({"version": 2})
