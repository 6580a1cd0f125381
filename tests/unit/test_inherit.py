"""Shared systems: their criteria reach the units that depend on them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.engine import reasons
from monitor.engine.inherit import take_over
from monitor.model.colour import Colour
from monitor.model.state import UnitState
from monitor.model.unit import Level, Unit
from tests.unit.engine_scene import GREEN, HOUR, NOON, RED, SHARED, UNKNOWN, YELLOW, held

UNIT = Unit("02143", Level.COMMUNE, "xa", "Xã", "Commune", "Xa", "19", "19", ("HT", "NP"))


def system(code: str, colour: Colour) -> UnitState:
    return UnitState(code, 1, criteria={SHARED.id: held(SHARED.id, colour, 8.0, critical=True)})


def taken(*systems: UnitState, before=None, now=NOON):
    carried = {state.unit: state.criteria.get(SHARED.id) for state in systems}
    return take_over(SHARED, UNIT, carried, before, now)


def test_a_unit_takes_over_the_colour_with_its_own_weight_and_names_the_cause():
    state = taken(system("HT", RED))
    assert (state.colour, state.caused_by, state.weight, state.critical) == (RED, "HT", 10.0, True)
    assert state.reasons[0].code == reasons.INHERITED
    assert state.reasons[0].params == {"system": "HT"}
    assert state.verdict.recheck_at is None


def test_without_a_system_that_carries_it_there_is_nothing_to_take_over():
    assert taken() is None


def test_a_system_that_owes_it_and_was_never_judged_is_unknown():
    dark = taken(UnitState("HT"), system("NP", GREEN))
    assert (dark.colour, dark.caused_by, dark.reasons[-1].code) == (UNKNOWN, "HT", reasons.NO_DATA)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (GREEN, RED, RED),
        (YELLOW, GREEN, YELLOW),
        (UNKNOWN, GREEN, UNKNOWN),  # silence of one system never becomes the other's green
        (UNKNOWN, YELLOW, UNKNOWN),
        (UNKNOWN, RED, RED),
        (Colour.MAINTENANCE, GREEN, Colour.MAINTENANCE),
        (Colour.EXCLUDED, GREEN, GREEN),
    ],
)
def test_of_two_systems_the_more_urgent_counts(one, other, expected):
    assert taken(system("HT", one), system("NP", other)).colour is expected
    assert taken(system("HT", other), system("NP", one)).colour is expected


def test_since_is_when_the_unit_took_the_colour_over():
    first = taken(system("HT", RED))
    assert taken(system("HT", RED), before=first, now=NOON + HOUR).since == NOON
    assert taken(system("HT", GREEN), before=first, now=NOON + HOUR).since == NOON + HOUR


def test_holds_of_the_system_are_not_applied_twice():
    waiting = system("HT", GREEN)
    state = replace(waiting.criteria[SHARED.id], raw=RED, raw_count=1)
    assert taken(replace(waiting, criteria={SHARED.id: state})).colour is GREEN


def test_a_system_that_was_never_judged_is_unknown_since_now():
    dark = taken(UnitState("HT"), now=NOON + HOUR)
    assert (dark.since, dark.level_since, dark.raw_since) == (NOON + HOUR,) * 3


def test_the_system_looks_again_by_itself_so_its_dependants_need_not():
    state = system("HT", RED).criteria[SHARED.id]
    due = replace(state, verdict=replace(state.verdict, recheck_at=NOON + HOUR))
    found = taken(UnitState("HT", 1, criteria={SHARED.id: due}))
    assert found.verdict.recheck_at is None


def test_a_level_for_which_no_weight_is_written_weighs_nothing():
    light = replace(SHARED, weight={Level.SYSTEM: 5.0})
    state = take_over(light, UNIT, {"HT": system("HT", RED).criteria[SHARED.id]}, None, NOON)
    assert state is not None
    assert state.weight == 0.0
