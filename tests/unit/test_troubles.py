from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.alerting.troubles import Silent, troubles
from monitor.engine.book import Condition, RollUp
from monitor.model.colour import Colour
from monitor.model.incident import Kind
from tests.unit.alerting_scene import (
    CENTRE,
    COMMUNE,
    DEADLINE,
    INDICATORS,
    ONLINE,
    RULES,
    centre,
    local,
    minutes,
    online,
)

NOW = local(6, 9)


def found(criteria, rules=RULES, silent=(), now=NOW):
    return troubles(COMMUNE, criteria, rules, INDICATORS, silent, now)


def test_green_is_no_trouble():
    assert found(centre(Colour.GREEN, NOW)) == {}


@pytest.mark.parametrize("colour", [Colour.UNKNOWN, Colour.MAINTENANCE, Colour.EXCLUDED])
def test_what_is_not_known_is_no_trouble_of_its_own(colour):
    assert found(centre(colour, NOW)) == {}


def test_a_red_service_is_an_outage_since_it_failed():
    trouble = found(centre(Colour.RED, NOW, 16.0))["centre"]
    assert (trouble.kind, trouble.colour, trouble.since) == (Kind.OUTAGE, Colour.RED, NOW - minutes(16))


def test_a_criterion_taken_over_from_a_system_is_the_system_s_trouble():
    assert found(centre(Colour.RED, NOW, 16.0, caused_by="SYS-19")) == {}


def test_a_rule_that_no_longer_judges_the_unit_makes_no_trouble():
    assert found(centre(Colour.RED, NOW, 16.0), rules={}) == {}
    elsewhere = {"centre": replace(CENTRE, units=frozenset({"02144"}))}
    assert found(centre(Colour.RED, NOW, 16.0), rules=elsewhere) == {}


def test_a_red_figure_is_overdue_once_its_deadline_passed_and_red_before():
    assert found(online(Colour.RED, NOW, 40.0, 10))["online"].kind is Kind.KPI_RED
    assert found(online(Colour.RED, NOW, 79.9, 0, overdue=True))["online"].kind is Kind.OVERDUE


def test_a_rule_that_does_not_alert_on_red_is_quiet():
    quiet = {"online": replace(ONLINE, alert=frozenset())}
    assert found(online(Colour.RED, NOW, 40.0, 10), rules=quiet) == {}


@pytest.mark.parametrize(("left", "kinds"), [(11, []), (10, [Kind.KPI_YELLOW]), (0, [Kind.KPI_YELLOW]), (None, [])])
def test_yellow_is_trouble_only_when_the_first_reminder_is_near(left, kinds):
    assert [t.kind for t in found(online(Colour.YELLOW, NOW, 68.91, left)).values()] == kinds


def test_yellow_without_a_target_or_a_wish_to_hear_of_it_is_no_trouble():
    yellow = online(Colour.YELLOW, NOW, 68.91, 5)
    assert found(yellow, rules={"online": replace(ONLINE, target=None)}) == {}
    assert found(yellow, rules={"online": replace(ONLINE, alert=frozenset({Colour.RED}))}) == {}


def test_the_facts_say_what_is_wanted_and_how_far_it_is():
    facts = found(online(Colour.YELLOW, NOW, 68.91, 10))["online"].facts
    assert (facts["value"], facts["target"], facts["op"], facts["gap"]) == (68.91, 80.0, ">=", 11.09)
    assert facts["pace"] == pytest.approx(1.109)
    assert (facts["deadline"], facts["legal_basis"], facts["kpi_sms"]) == (DEADLINE, "QĐ 766", "HS truc tuyen")


def test_a_goal_of_at_most_has_no_gap_to_climb():
    target = replace(ONLINE.target, goal=Condition("<=", 5.0)) if ONLINE.target else None
    facts = found(online(Colour.YELLOW, NOW, 9.0, 10), rules={"online": replace(ONLINE, target=target)})
    assert facts["online"].facts["gap"] is None


def test_a_roll_up_speaks_by_its_title():
    rule = replace(ONLINE, indicator=None, rollup=RollUp.GREEN_SHARE)
    facts = found(online(Colour.YELLOW, NOW, 68.48, 10), rules={"online": rule})["online"].facts
    assert (facts["kpi_vi"], facts["measure"]) == ("Trực tuyến", "%")


def test_a_silent_source_is_a_trouble_of_its_own():
    silence = Silent("portal", local(5, 1), 86_400.0, 68.91, local(4))
    trouble = found({}, silent=[silence])["silent:portal"]
    assert (trouble.kind, trouble.colour, trouble.since) == (Kind.SILENT, Colour.UNKNOWN, local(5, 1))
    assert trouble.facts["last_value"] == 68.91
