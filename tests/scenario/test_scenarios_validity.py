"""Units with a first and a last day, by SC-65 of docs/scenarios.md: outside their validity they are left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from monitor.decide import Policy, View, Watch, decide
from monitor.engine import reasons
from monitor.engine.explain import sentence
from monitor.model.colour import Colour
from monitor.model.incident import Phase
from monitor.model.reading import Reading, SourceHealth
from monitor.model.state import Decision, UnitState
from monitor.model.unit import Level, Unit, Units
from monitor.model.verdict import Standing
from monitor.replay.course import Course
from monitor.reporting.facts import facts
from monitor.reporting.recompute import colour
from tests.unit.engine_scene import (
    CALENDAR,
    COMMUNE,
    COMMUNES,
    GREEN,
    OTHER,
    PROVINCE,
    RATE,
    RED,
    SESSIONS,
    SHARE,
    SYSTEM,
    directory,
    local,
    measure,
    rule,
    ruleset,
    told,
    units,
)

EXCLUDED = Colour.EXCLUDED
BEGINS, ENDS = date(2025, 8, 9), date(2025, 8, 20)
A_SECOND = timedelta(seconds=1)
ON_RATE = rule("rate", levels=frozenset({Level.COMMUNE}), alert=frozenset({RED}), weight={Level.COMMUNE: 10.0})
OF_SYSTEM = rule("speed", levels=frozenset({Level.SYSTEM}), inherit=frozenset({Level.COMMUNE}), alert=frozenset())
MORNINGS = [local(day, 8) for day in range(6, 26)]
FEED = Watch("portal", PROVINCE, frozenset({"rate"}), 3600.0, frozenset(COMMUNES))


def site(code: str) -> Units:
    """The small site, of which one unit is there from 9 August until 20 August begins."""
    return Units(tuple(replace(u, valid_from=BEGINS, valid_to=ENDS) if u.code == code else u for u in units()))


def course(around: Units, *criteria, rates: tuple[float, float] = (90.0, 10.0), speed: float = 10.0) -> Course:
    """A figure of each commune and of the system every morning."""
    rules = ruleset(*criteria)
    rules = replace(rules, indicators={**rules.indicators, "rate": RATE, "speed": measure("speed")})
    policy = Policy(around, rules, directory(), CALENDAR, SESSIONS, (FEED,))
    return Course(policy, [reading for at in MORNINGS for reading in morning(at, rates, speed)])


def morning(at: datetime, rates: tuple[float, float], speed: float) -> list[Reading]:
    figures = [told(rate, at, unit=code) for code, rate in zip(COMMUNES, rates, strict=True)]
    return [*figures, told(speed, at, unit=SYSTEM, indicator="speed")]


def standing(of: Course, code: str) -> Standing:
    found = of.states[code].standing
    assert found is not None
    return found


def shown(of: Course, code: str, until: datetime) -> Colour:
    of.run(until)
    return standing(of, code).colour


def decisions(of: Course, code: str) -> list[tuple[datetime, Decision]]:
    return [(at, decision) for at, decision in of.decided if decision.after.unit == code]


def whole(around: Units, until: datetime) -> Course:
    made = course(around, ON_RATE, SHARE)
    made.run(until)
    return made


def test_sc_65_before_its_first_day_a_unit_is_left_out_whatever_is_measured_of_it():
    """SC-65."""
    made = whole(site(OTHER), local(9) - A_SECOND)
    found = made.states[OTHER]
    assert (standing(made, OTHER).colour, standing(made, OTHER).score) == (EXCLUDED, None)
    assert (found.criteria, found.evidence, found.incidents) == ({}, {}, {})
    share = made.states[PROVINCE].criteria["share"].verdict
    assert (share.value, share.denominator) == (100.0, 1.0)
    assert standing(made, PROVINCE).children is not None
    assert standing(made, PROVINCE).children.excluded == 1  # type: ignore[union-attr]


def test_sc_65_it_begins_in_the_second_in_which_its_first_day_begins_and_by_time_alone():
    """SC-65. What was said of it before counts for nothing: it is unknown until somebody speaks of it."""
    begun = whole(site(OTHER), local(9))
    assert standing(begun, OTHER).colour is Colour.UNKNOWN
    assert decisions(begun, OTHER)[-1][0] == local(9)
    judged = whole(site(OTHER), local(9, 8))
    assert (standing(judged, OTHER).colour, [*judged.states[OTHER].incidents]) == (RED, ["rate"])
    assert judged.states[PROVINCE].criteria["share"].verdict.value == 50.0


def test_sc_65_when_its_last_day_is_over_it_is_left_out_and_its_incident_retired_without_a_word():
    """SC-65."""
    before = whole(site(OTHER), local(20) - A_SECOND)
    assert (standing(before, OTHER).colour, len(before.states[OTHER].incidents)) == (RED, 1)
    made = whole(site(OTHER), local(20))
    at, ended = decisions(made, OTHER)[-1]
    assert (at, standing(made, OTHER).colour) == (local(20), EXCLUDED)
    assert [incident.phase for incident in ended.incidents] == [Phase.CLOSED]
    assert ([withheld.reason for withheld in ended.withheld], ended.notices) == (["retired"], ())
    assert [entry.action for entry in ended.audit] == ["retired"]
    assert [(t.criterion, t.after) for t in ended.transitions] == [("", EXCLUDED)]
    assert made.states[PROVINCE].criteria["share"].verdict.value == 100.0


def test_sc_65_it_is_neither_green_nor_red_and_calls_nobody_outside_its_days():
    """SC-65."""
    made = whole(site(OTHER), local(25))
    outside = [(at, one) for at, one in decisions(made, OTHER) if not local(9) <= at < local(20)]
    assert {one.after.standing.colour for _, one in outside if one.after.standing} == {EXCLUDED}
    assert not [one.notices for _, one in outside if one.notices]
    assert standing(made, OTHER).since == local(20)


@pytest.mark.parametrize(
    ("at", "code", "vi", "en"),
    [
        (local(8), reasons.NOT_THERE_YET, "chưa có hiệu lực, từ 00:00 09/08/2025", "counts from 00:00 09/08/2025 on"),
        (local(21), reasons.NO_MORE, "không còn hiệu lực từ 00:00 20/08/2025", "no more since 00:00 20/08/2025"),
    ],
)
def test_sc_65_it_says_in_both_languages_that_it_is_not_there(at, code, vi, en):
    """SC-65."""
    (why,) = standing(whole(site(OTHER), at), OTHER).reasons
    assert why.code == code
    assert vi in sentence(why, "vi", CALENDAR)
    assert en in sentence(why, "en", CALENDAR)


def test_sc_65_a_group_of_which_nobody_is_there_is_not_green():
    """SC-65."""
    nobody = Units(tuple(replace(u, valid_to=date(2025, 8, 1)) if u.level is Level.COMMUNE else u for u in units()))
    made = course(nobody, ON_RATE, SHARE, rates=(90.0, 90.0))
    assert shown(made, PROVINCE, local(8)) is Colour.UNKNOWN
    assert made.states[PROVINCE].criteria["share"].colour is EXCLUDED


def test_sc_65_nothing_is_taken_over_from_a_system_that_is_not_there():
    """SC-65."""
    made = course(site(SYSTEM), ON_RATE, OF_SYSTEM, rates=(90.0, 90.0))
    assert shown(made, COMMUNE, local(9) - A_SECOND) is GREEN
    assert "speed" not in made.states[COMMUNE].criteria
    taken = course(site(SYSTEM), ON_RATE, OF_SYSTEM, rates=(90.0, 90.0))
    taken.run(local(9, 8))
    assert taken.states[COMMUNE].criteria["speed"].colour is RED
    gone = course(site(SYSTEM), ON_RATE, OF_SYSTEM, rates=(90.0, 90.0))
    assert shown(gone, COMMUNE, local(20)) is GREEN


@pytest.mark.parametrize("code", [OTHER, SYSTEM])
def test_sc_65_every_colour_of_it_is_computed_again_from_its_explanation(code):
    """SC-65."""
    made = course(site(code), ON_RATE, OF_SYSTEM, SHARE)
    made.run(local(25))
    states = {unit.code: made.states[unit.code] for unit in made.policy.units}
    for now, decision in made.decided:
        unit: Unit = made.policy.units[decision.after.unit]
        states[unit.code] = decision.after
        systems, children = ([states[c] for c in of] for of in (unit.depends_on, made.policy.units.children(unit.code)))
        told_of = facts(unit, decision.after, made.policy.ruleset, CALENDAR, now, systems, children, made.policy.units)
        assert colour(told_of) == told_of["colour"], (unit.code, now)


def test_sc_65_a_source_that_is_silent_of_it_owes_it_nothing_and_what_was_told_of_that_is_retired():
    """SC-65."""
    policy = course(site(OTHER), ON_RATE).policy

    def silent(before: UnitState, now: datetime) -> Decision:
        speaks = SourceHealth("portal", PROVINCE, last_success=now, first_success=local(6))
        return decide(View(before, health={"portal": speaks}), policy, now)

    assert silent(UnitState(OTHER), local(8)).after.incidents == {}
    during = silent(UnitState(OTHER), local(10))
    assert [*during.after.incidents] == ["silent:portal"]
    after = silent(replace(during.after, version=1), local(20))
    assert (after.after.incidents, after.notices) == ({}, ())
    assert [entry.action for entry in after.audit] == ["retired"]
