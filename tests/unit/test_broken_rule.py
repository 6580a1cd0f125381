"""A rule that breaks while it judges is unknown by itself, is told once, and costs nobody else anything (SC-35)."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from monitor.decide import Policy, View, decide
from monitor.decide import criteria as room
from monitor.engine import reasons
from monitor.model.state import Decision, UnitState
from monitor.service.brokenrules import BrokenRules
from tests.unit.engine_scene import (
    CALENDAR,
    CENTRE,
    COMMUNE,
    GREEN,
    MINUTE,
    NOON,
    ONLINE,
    RED,
    SESSIONS,
    UNKNOWN,
    band,
    directory,
    goal,
    rule,
    ruleset,
    told,
    units,
)

# So many minutes after an outage began lies no date: the instant at which the band is left cannot be computed.
NEVER = rule("down_minutes", bands=(band(GREEN, ("<", 1e15)), band(RED, (">=", 1e15))))
DOWN = told(False, indicator="up", source="probe")


def policy(*criteria) -> Policy:
    return Policy(units(), ruleset(*criteria), directory(), CALENDAR, SESSIONS)


BROKEN, MENDED = policy(CENTRE, ONLINE, NEVER), policy(CENTRE, ONLINE, replace(NEVER, bands=(band(GREEN, ("<", 9.0)),)))


def judged(rules: Policy = BROKEN, before: UnitState | None = None, at=NOON) -> Decision:
    return decide(View(before or UnitState(COMMUNE), (DOWN, told(90.0))), rules, at)


def test_its_verdict_is_unknown_and_says_why():
    state = judged().after.criteria["down_minutes"]
    assert state.colour is UNKNOWN and state.verdict.as_of == NOON
    (reason,) = state.reasons
    assert reason.code == reasons.RULE_BROKEN and "OverflowError" in str(reason.params["error"])


def test_the_other_criteria_of_the_unit_and_its_incidents_go_on():
    decision = judged()
    colours = {name: state.colour for name, state in decision.after.criteria.items()}
    assert colours == {"up": RED, "rate": GREEN, "down_minutes": UNKNOWN}
    assert [incident.cause for incident in decision.incidents] == ["up"] and decision.notices


def test_a_forecast_that_breaks_costs_no_colour(monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> None:
        raise OverflowError("date value out of range")

    monkeypatch.setattr(room, "foretold", broken)
    state = judged(policy(rule(bands=(), target=goal()))).after.criteria["rate"]
    assert state.colour is GREEN
    assert state.reasons[-1].code == reasons.FORECAST_BROKEN


def test_an_open_incident_of_the_rule_stays_open_while_it_is_broken():
    opened = decide(View(UnitState(COMMUNE), (DOWN,)), policy(replace(NEVER, bands=(band(RED, ("<", 9.0)),))), NOON)
    assert list(opened.after.incidents) == ["down_minutes"]
    broken = decide(View(opened.after), policy(NEVER), NOON + MINUTE)
    assert list(broken.after.incidents) == ["down_minutes"]


def test_it_is_told_when_it_begins_and_when_it_ends_and_counted_meanwhile(caplog: pytest.LogCaptureFixture):
    seen, registry = BrokenRules(), CollectorRegistry()
    registry.register(seen)
    begun = judged()
    with caplog.at_level(logging.WARNING):
        seen.committed([begun])
        seen.committed([judged(before=begun.after, at=NOON + MINUTE)])
    assert [record.message.split(",")[0] for record in caplog.records] == [
        "the rule down_minutes breaks while it judges 02143"
    ]
    assert b'denbao_rule_broken_units{criterion="down_minutes"} 1.0' in generate_latest(registry)
    with caplog.at_level(logging.WARNING):
        seen.committed([judged(MENDED, begun.after, NOON + MINUTE)])
    assert caplog.records[-1].message == "the rule down_minutes judges again"
    assert b"criterion=" not in generate_latest(registry)


def test_after_a_restart_it_is_still_counted_and_not_told_anew(caplog: pytest.LogCaptureFixture):
    seen = BrokenRules()
    seen.start([judged().after])
    with caplog.at_level(logging.WARNING):
        seen.committed([judged()])
    assert seen.units == {"down_minutes": {COMMUNE}} and not caplog.records
