"""For which units a decision is news."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from monitor.alerting.collapse import counted, failing, mass_of
from monitor.decide.policy import Policy
from monitor.engine import reasons
from monitor.model.state import Decision, UnitState


def listeners(decision: Decision, states: Mapping[str, UnitState], policy: Policy, now: datetime) -> tuple[str, ...]:
    """Units for which a decision is news.

    A new colour is for the parent and, at a system, for everybody who depends on it; a new figure for a parent that
    sums it up; a trouble for a parent that counts it; a mass trouble for those below it; a system that fails, or that
    answers, for those who wait for that.
    """
    before, after = decision.before, decision.after
    if decision.transitions or policy.changes_a_sum(decision, now):
        return (*policy.units.listeners(after.unit), *_below(before, after, states, policy))
    found = _waiting(decision, states, policy)
    return (*found, *_counting(before, after, policy), *_below(before, after, states, policy))


def _counting(before: UnitState, after: UnitState, policy: Policy) -> tuple[str, ...]:
    parent = policy.units[after.unit].parent
    if parent is None or before.incidents == after.incidents:
        return ()
    asked = policy.directory.collapses
    return (parent,) if any(counted(before, rule) != counted(after, rule) for rule in asked) else ()


def _below(before: UnitState, after: UnitState, states: Mapping[str, UnitState], policy: Policy) -> tuple[str, ...]:
    if before.incidents == after.incidents:
        return ()
    turned = {
        cause
        for rule in policy.directory.collapses
        for cause in rule.causes
        if (mass_of(before, cause) is None) != (mass_of(after, cause) is None)
    }
    if not turned:
        return ()
    below, codes = list(policy.units.children(after.unit)), list[str]()
    while below:
        codes += below
        below = [child for code in below for child in policy.units.children(code)]
    return tuple(code for code in codes if not turned.isdisjoint(states[code].incidents))


def _waiting(decision: Decision, states: Mapping[str, UnitState], policy: Policy) -> tuple[str, ...]:
    before, after = decision.before, decision.after
    dependants = policy.units.dependants(after.unit) if policy.explaining else ()
    if not dependants:
        return ()
    if any(failing(before, one) != failing(after, one) for one in policy.explaining):
        return dependants
    return (
        tuple(code for code in dependants if _awaits(states[code], policy)) if before.evidence != after.evidence else ()
    )


def _awaits(state: UnitState, policy: Policy) -> bool:
    held = (state.criteria.get(key) for key in policy.explains)
    return any(reason.code == reasons.AWAITED for one in held if one for reason in one.verdict.reasons)
