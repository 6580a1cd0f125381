"""A rule that fails while it judges costs its own verdict and nothing else."""

from __future__ import annotations

from dataclasses import replace

from monitor.decide import View, decide
from monitor.engine.book import Formula
from monitor.model.colour import Colour
from monitor.model.incident import Phase
from monitor.model.state import Decision, UnitState
from tests.unit.engine_scene import COMMUNE, HOUR, MINUTE, NOON, RED, SYSTEM, UNKNOWN, rule, told
from tests.unit.test_decide import first, policy, stands, system, then, up


def explode(_values: object) -> bool:
    raise ZeroDivisionError("planted in a rule")


SOUND = rule("rate")
BROKEN = replace(SOUND, bands=(), formulas=(Formula(Colour.GREEN, "planted", evaluate=explode),), inputs=("rate",))


def at_commune(*news, rules, now=NOON) -> Decision:
    return first(COMMUNE, *news, rules=rules, now=now, systems={SYSTEM: system(True).after})


def test_a_broken_rule_is_unknown_with_its_error_and_the_other_rules_of_the_unit_go_on():
    whole, made = policy(), policy()
    criteria = tuple(BROKEN if c.id == "rate" else c for c in whole.ruleset.books[0].criteria)
    made = replace(made, ruleset=replace(made.ruleset, books=(replace(made.ruleset.books[0], criteria=criteria),)))
    sound = at_commune(up(True), told(90.0), rules=whole)
    found = at_commune(up(True), told(90.0), rules=made)
    assert found.after.criteria["rate"].colour is UNKNOWN
    why = found.after.criteria["rate"].reasons[0]
    assert (why.code, why.params) == ("rule_broken", {"error": "ZeroDivisionError", "text": "planted in a rule"})
    assert {k: v for k, v in found.after.criteria.items() if k != "rate"} == {
        k: v for k, v in sound.after.criteria.items() if k != "rate"
    }
    assert found.after.recheck_at == NOON + MINUTE
    assert stands(found).colour is not RED


def test_an_incident_of_the_rule_stays_open_while_it_is_broken_and_others_still_open():
    whole = policy()
    criteria = tuple(BROKEN if c.id == "rate" else c for c in whole.ruleset.books[0].criteria)
    made = replace(whole, ruleset=replace(whole.ruleset, books=(replace(whole.ruleset.books[0], criteria=criteria),)))
    before = at_commune(up(True), told(10.0), rules=whole)
    assert "rate" in before.after.incidents
    later = then(before, told(10.0, NOON + HOUR), rules=made, now=NOON + HOUR, systems={SYSTEM: system(True).after})
    assert later.after.criteria["rate"].level is RED
    assert later.after.incidents["rate"].phase is not Phase.CLOSED


def test_a_broken_rule_without_a_past_does_not_stop_the_unit():
    made = policy(BROKEN)
    assert decide(View(UnitState(COMMUNE)), made, NOON).after.criteria["rate"].reasons[0].code == "rule_broken"
