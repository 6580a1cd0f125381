"""Weights of the default site: what a shared system is judged by weighs at its dependants, once and in full."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from monitor.adapters.clock import SystemClock
from monitor.config.build import load_site
from monitor.config.rulebooks import load_rules
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


def carried(states: Mapping[str, UnitState], code: str) -> float:
    """What the criteria of a unit weigh together, those that it takes over included."""
    return sum(held.weight for held in states[code].criteria.values())


@pytest.mark.parametrize("level", [Level.NATION, Level.PROVINCE, Level.COMMUNE])
def test_the_weights_of_every_unit_add_up_to_what_the_books_state_for_its_level(policy, states, level):
    assert {carried(states, unit.code) for unit in policy.units.at(level)} == {written(policy, level)}


def test_a_system_weighs_what_is_asked_of_it_and_takes_nothing_over(policy, states):
    for unit in policy.units.at(Level.SYSTEM):
        asked = [c for book in policy.ruleset.books for c in book.criteria if c.applies_to(unit)]
        assert carried(states, unit.code) == sum(c.weight[Level.SYSTEM] for c in asked) > 0


@pytest.mark.parametrize(("code", "points"), [("02143", 29.0), ("19", 10.0)])
def test_what_a_unit_takes_over_from_its_systems_is_a_good_part_of_it(policy, states, code, points):
    level = policy.units[code].level
    taken = [held for held in states[code].criteria.values() if held.caused_by is not None]
    inherited = [c for book in policy.ruleset.books for c in book.criteria if level in c.inherit]
    assert {held.criterion for held in taken} == {criterion.id for criterion in inherited}
    assert sum(held.weight for held in taken) == sum(c.weight[level] for c in inherited) == points


def test_the_sums_of_the_default_books_are_known(policy):
    assert {level: written(policy, level) for level in Level} == {
        Level.NATION: 10.0, Level.PROVINCE: 50.0, Level.COMMUNE: 91.0, Level.SYSTEM: 33.0,
    }  # fmt: skip


def test_with_the_goals_of_2025_a_province_has_100_points_and_a_commune_100_and_12_of_ours():
    """The domain's 38 criteria, each once; a commune's centre (8) and its operator line (4) are asked besides."""
    stated: dict[Level, dict[str, float]] = {level: {} for level in Level}
    for name in ("service_health", "recurring_targets", "two_tier_readiness"):
        ruleset, problems = load_rules(ROOT, [name])
        assert ruleset is not None, problems
        for criterion in (criterion for book in ruleset.books for criterion in book.criteria):
            for level, weight in criterion.weight.items():
                stated[level][criterion.indicator or criterion.id] = weight
    assert sum(stated[Level.PROVINCE].values()) == 100.0
    assert sum(stated[Level.COMMUNE].values()) == 100.0 + 8.0 + 4.0
