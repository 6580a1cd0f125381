"""A unit under planned work: maintenance is shown, nothing is judged, opened or told; afterwards it is judged anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.decide import Policy, View, Watch, decide
from monitor.engine import reasons
from monitor.engine.book import Need
from monitor.engine.explain import sentence
from monitor.model.colour import Colour
from monitor.model.incident import Phase
from monitor.model.muting import Window
from monitor.model.reading import Reading, SourceHealth
from monitor.model.state import Decision, UnitState
from monitor.reporting.facts import facts
from monitor.reporting.recompute import colour, criterion_colour
from tests.unit.engine_scene import (
    CALENDAR,
    CENTRE,
    COMMUNE,
    COMMUNES,
    GREEN,
    HOUR,
    MINUTE,
    NOON,
    PROVINCE,
    RED,
    SESSIONS,
    SHARE,
    SHARED,
    SYSTEM,
    UNKNOWN,
    directory,
    ruleset,
    told,
    units,
)
from tests.unit.muting_scene import muting, window

MAINTENANCE = Colour.MAINTENANCE
STARTS, ENDS = NOON + HOUR, NOON + 2 * HOUR
TWICE = replace(CENTRE, hold=Need(2), keep=Need(3))
FEED = Watch("portal", PROVINCE, frozenset({"rate"}), 600.0, frozenset(COMMUNES))


def policy(*windows: Window, criteria=(TWICE,), watches=()) -> Policy:
    found = windows or (window(STARTS, ENDS, f"unit={COMMUNE}"),)
    return Policy(units(), ruleset(*criteria), directory(), CALENDAR, SESSIONS, watches, muting=muting(*found))


class Life:
    """One unit through time."""

    def __init__(self, rules: Policy, unit: str = COMMUNE) -> None:
        self.rules = rules
        self.state = UnitState(unit)
        self.notices: list[str] = []
        self.health: dict[str, SourceHealth] = {}
        self.children: tuple[UnitState, ...] = ()

    def breaks(self) -> None:
        """Ten minutes before the work, for as many readings as its hold asks for."""
        for n in range(2):
            self.hear(False, STARTS - (10 - n) * MINUTE)

    def look(self, now, *news: Reading) -> Decision:
        made = decide(View(self.state, news, self.children, health=self.health), self.rules, now)
        self.state = replace(made.after, version=self.state.version + 1)
        self.notices += [notice.key for notice in made.notices]
        return made

    def hear(self, yes: bool, now) -> Decision:
        return self.look(now, told(yes, now, unit=self.state.unit, indicator="up", source="probe"))

    @property
    def colour(self) -> Colour:
        assert self.state.standing is not None
        return self.state.standing.colour

    @property
    def criterion(self) -> Colour:
        return self.state.criteria["up"].colour


def test_a_unit_under_work_shows_maintenance_says_why_and_until_when_and_opens_nothing():
    life = Life(policy())
    life.hear(True, NOON)
    assert life.state.recheck_at is not None and life.state.recheck_at <= STARTS
    life.look(STARTS)
    assert (life.colour, life.criterion) == (MAINTENANCE, MAINTENANCE)
    for n in range(1, 20):
        life.hear(False, STARTS + n * MINUTE)
    assert (life.colour, life.criterion, dict(life.state.incidents), life.notices) == (MAINTENANCE, MAINTENANCE, {}, [])
    assert life.state.standing is not None
    (why,) = life.state.standing.reasons
    assert sentence(why, "en", CALENDAR) == "under maintenance until 14:00 06/08/2025 (M-ONE: nâng cấp), not judged"


def test_it_begins_and_ends_to_the_instant_and_by_time_alone():
    life = Life(policy())
    life.hear(True, STARTS - MINUTE)
    assert life.look(STARTS - timedelta.resolution).after.recheck_at == STARTS
    assert life.colour is GREEN
    life.look(STARTS)
    assert life.state.recheck_at is not None and life.state.recheck_at <= ENDS
    assert life.look(ENDS - timedelta.resolution).after.recheck_at == ENDS
    assert life.colour is MAINTENANCE
    life.look(ENDS)
    assert life.colour is not MAINTENANCE


def test_afterwards_only_what_is_heard_from_then_on_counts_so_work_that_ends_well_pages_nobody():
    life = Life(policy())
    life.hear(True, NOON)
    life.look(STARTS)
    for n in range(1, 60):
        life.hear(False, STARTS + n * MINUTE)
    life.look(ENDS)
    assert (life.criterion, life.notices) == (MAINTENANCE, [])
    assert life.state.criteria["up"].reasons[0].code == reasons.AFTER_MAINTENANCE
    life.hear(True, ENDS + MINUTE)
    assert (life.colour, life.notices) == (GREEN, [])


def test_afterwards_a_hold_starts_from_the_first_fresh_reading():
    life = Life(policy())
    life.look(STARTS)
    life.hear(False, ENDS - MINUTE)
    life.look(ENDS)
    life.hear(False, ENDS + MINUTE)
    assert (life.criterion, life.notices) == (MAINTENANCE, [])
    life.hear(False, ENDS + 2 * MINUTE)
    assert life.criterion is RED and life.notices


def test_minutes_of_interruption_do_not_reach_behind_the_end():
    life = Life(policy())
    life.look(STARTS)
    life.hear(False, STARTS + MINUTE)
    life.look(ENDS)
    assert life.state.evidence["up"].since == ENDS
    assert life.hear(False, ENDS + MINUTE).after.evidence["up"].since == ENDS


def test_an_open_incident_is_paused_and_neither_calls_nor_ends_while_work_is_done():
    life = Life(policy())
    life.breaks()
    (opened,) = life.state.incidents.values()
    sent = len(life.notices)
    life.look(STARTS)
    for n in range(1, 30):
        life.hear(True, STARTS + n * MINUTE)
    (paused,) = life.state.incidents.values()
    assert (paused.key, paused.phase, len(life.notices)) == (opened.key, Phase.OPEN, sent)


def test_an_incident_that_was_open_and_is_mended_ends_with_its_recovery_and_no_further_page():
    life = Life(policy())
    life.breaks()
    life.look(STARTS)
    life.hear(False, ENDS - MINUTE)
    sent = len(life.notices)
    assert life.look(ENDS).notices == ()
    made = life.hear(True, ENDS + MINUTE)
    assert [incident.phase for incident in made.incidents] == [Phase.CLOSED]
    assert all("/recovery/" in key for key in life.notices[sent:])


def test_an_incident_that_is_still_there_goes_on_once_its_hold_is_met_again():
    life = Life(policy())
    life.breaks()
    (opened,) = life.state.incidents.values()
    life.look(STARTS)
    life.hear(False, ENDS - MINUTE)
    assert life.look(ENDS).notices == ()
    assert life.hear(False, ENDS + MINUTE).notices == ()
    made = life.hear(False, ENDS + 2 * MINUTE)
    assert len({notice.key.rsplit("/", 2)[0] for notice in made.notices}) <= 1
    assert life.state.incidents["up"].key == opened.key


def test_its_plan_stood_still_for_as_long_as_the_work_of_its_unit_lasted_whenever_that_is_seen():
    life = Life(policy())
    life.breaks()
    (opened,) = life.state.incidents.values()
    life.look(STARTS)
    for n in range(2):
        life.hear(False, ENDS + (20 + n) * MINUTE)
    (after,) = life.state.incidents.values()
    assert [step.due_at for step in after.steps] == [step.due_at + (ENDS - STARTS) for step in opened.steps]


def test_a_probe_that_says_nothing_afterwards_is_unknown_by_age_and_the_incident_calls_again():
    life = Life(policy())
    life.breaks()
    life.look(STARTS)
    life.hear(False, ENDS - MINUTE)
    life.look(ENDS)
    assert life.criterion is MAINTENANCE
    life.look(ENDS + 3 * HOUR)
    assert (life.criterion, life.colour) == (UNKNOWN, UNKNOWN)
    assert life.state.incidents


def test_silence_of_a_source_is_counted_from_the_end_and_an_open_one_is_neither_resolved_nor_forgotten():
    rules = policy(window(STARTS, ENDS, f"unit={PROVINCE}"), watches=(FEED,))
    fresh = Life(rules, PROVINCE)
    fresh.health = {"portal": SourceHealth("portal", PROVINCE, NOON, STARTS, STARTS + MINUTE, STARTS + MINUTE, "503")}
    fresh.look(STARTS + 30 * MINUTE)
    assert fresh.look(ENDS).after.recheck_at == ENDS + 10 * MINUTE
    assert not fresh.state.incidents
    fresh.look(ENDS + 10 * MINUTE)
    assert [*fresh.state.incidents] == ["silent:portal"]

    before = Life(rules, PROVINCE)
    before.health = {"portal": SourceHealth("portal", PROVINCE, NOON, NOON, NOON + MINUTE, NOON + MINUTE, "503")}
    before.look(STARTS - MINUTE)
    assert [*before.state.incidents] == ["silent:portal"]
    before.look(STARTS)
    before.look(ENDS)
    assert [*before.state.incidents] == ["silent:portal"]


def test_a_system_under_work_reaches_those_who_depend_on_it_as_maintenance_and_never_as_red():
    rules = policy(window(STARTS, ENDS, f"unit={SYSTEM}"), criteria=(TWICE, SHARED))
    system = UnitState(SYSTEM)
    down = told(False, STARTS + MINUTE, unit=SYSTEM, indicator="system_up", source="probe")
    system = decide(View(system, (down,)), rules, STARTS + MINUTE).after
    made = decide(View(UnitState(COMMUNE), systems={SYSTEM: system}), rules, STARTS + MINUTE).after
    inherited = made.criteria[SHARED.id]
    assert (inherited.colour, inherited.caused_by) == (MAINTENANCE, SYSTEM)
    assert not made.incidents


def test_its_province_is_judged_by_the_others():
    rules = policy(window(STARTS, ENDS, f"unit={COMMUNE}"), criteria=(TWICE, SHARE))
    states = []
    for code in COMMUNES:
        life = Life(rules, code)
        life.look(STARTS)
        life.hear(True, STARTS + MINUTE)
        states.append(life.state)
    above = Life(rules, PROVINCE)
    above.children = tuple(states)
    above.look(STARTS + MINUTE)
    share = above.state.criteria["share"].verdict
    assert (share.value, share.denominator) == (100.0, len(COMMUNES) - 1)


@pytest.mark.parametrize("after", [0, 30, 59, 60, 61, 62, 90])
def test_the_colours_can_be_computed_again_from_the_facts(after):
    rules = policy()
    life = Life(rules)
    life.hear(True, NOON)
    life.look(STARTS)
    if after > 60:
        life.look(ENDS)
        life.hear(False, ENDS + MINUTE)
    now = STARTS + after * MINUTE
    life.look(now)
    told_all = facts(rules.units[COMMUNE], life.state, rules.ruleset, CALENDAR, now)
    assert colour(told_all) == life.colour.value
    assert [criterion_colour(one, told_all) for one in told_all["criteria"]] == [
        state.colour.value for state in life.state.criteria.values()
    ]
