"""Weights of the default site: what a shared system is judged by weighs at its dependants, once and in full."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from monitor.adapters.clock import SystemClock
from monitor.config.build import load_site
from monitor.decide import Policy, View, decide
from monitor.model.state import UnitState
from monitor.model.unit import DECIDE_ORDER, Level
from monitor.service.app import policy_of

ROOT = Path(__file__).parents[2]
NOW = SystemClock().now()


@pytest.fixture(scope="module")
def policy() -> Policy:
    return policy_of(load_site(ROOT, environ={}, now=NOW))


@pytest.fixture(scope="module")
def states(policy: Policy) -> Mapping[str, UnitState]:
    """Every unit judged once, with nothing known."""
    made = {unit.code: UnitState(unit.code) for unit in policy.units}
    for unit in sorted(policy.units, key=lambda one: DECIDE_ORDER[one.level]):
        children = tuple(made[code] for code in policy.units.children(unit.code))
        systems = {code: made[code] for code in unit.depends_on}
        made[unit.code] = decide(View(made[unit.code], (), children, systems), policy, NOW).after
    return made


def written(policy: Policy, level: Level) -> float:
    """What the active books state for a level, inherited criteria included."""
    return sum(criterion.weight.get(level, 0.0) for book in policy.ruleset.books for criterion in book.criteria)


def test_a_communes_weights_add_up_to_what_the_books_state_for_its_level(policy, states):
    stated = written(policy, Level.COMMUNE)
    carried = {
        sum(held.weight for held in states[unit.code].criteria.values()) for unit in policy.units.at(Level.COMMUNE)
    }
    assert carried == {stated}


def test_what_a_commune_takes_over_from_its_systems_is_a_good_part_of_it(policy, states):
    one = policy.units.at(Level.COMMUNE)[0]
    taken = [held for held in states[one.code].criteria.values() if held.caused_by is not None]
    inherited = [c for book in policy.ruleset.books for c in book.criteria if Level.COMMUNE in c.inherit]
    assert {held.criterion for held in taken} == {criterion.id for criterion in inherited}
    assert sum(held.weight for held in taken) == sum(c.weight[Level.COMMUNE] for c in inherited) > 0


def test_no_unit_weighs_more_than_its_level(policy, states):
    for unit in policy.units:
        assert sum(held.weight for held in states[unit.code].criteria.values()) <= written(policy, unit.level)


def test_the_sums_of_the_default_books_are_known(policy):
    """Of the 100 points of each level, those of the goals of 2025 are in a book whose dates have passed."""
    assert {level: written(policy, level) for level in Level} == {
        Level.NATION: 10.0, Level.PROVINCE: 50.0, Level.COMMUNE: 91.0, Level.SYSTEM: 33.0,
    }  # fmt: skip


def test_what_a_province_would_take_over_does_not_reach_one_that_names_no_systems(policy, states):
    """A province of the registry names systems for its communes only: 10 of its 50 points have nobody to come from."""
    inherited = sum(
        c.weight.get(Level.PROVINCE, 0.0)
        for book in policy.ruleset.books
        for c in book.criteria
        if Level.PROVINCE in c.inherit
    )
    carried = sum(held.weight for held in states["19"].criteria.values())
    assert (inherited, carried) == (10.0, written(policy, Level.PROVINCE) - inherited)
