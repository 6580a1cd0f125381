"""The troubles of one unit, and which of them a system explains or a mass trouble above takes in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from monitor.alerting.collapse import UNSHELTERED, Sheltered, hushed, masses, shelter
from monitor.alerting.muting import silence_of
from monitor.alerting.troubles import Silent, Trouble, told_once, troubles
from monitor.decide.policy import Policy
from monitor.decide.view import View
from monitor.engine import reasons
from monitor.model.incident import Incident
from monitor.model.matcher import subject
from monitor.model.unit import Unit
from monitor.model.verdict import CriterionState, Reason

_SHELTER = frozenset({reasons.EXPLAINED, reasons.AWAITED, reasons.COLLAPSED})


def troubles_of(
    view: View,
    unit: Unit,
    criteria: Mapping[str, CriterionState],
    policy: Policy,
    silent: list[Silent],
    now: datetime,
) -> dict[str, Trouble]:
    """What is wrong with a unit, by cause: its criteria, its silent sources, and what it counts below."""
    own = troubles(unit, criteria, policy.rules_of(unit, now), policy.ruleset.indicators, silent, now)
    own = told_once(own, criteria, view.state.incidents, view.state.told)
    if not policy.directory.collapses or not view.children or not policy.is_there(unit, now):
        return own
    there = tuple(child for child in view.children if policy.is_there(policy.units[child.unit], now))
    asked = policy.directory.collapses
    known = (policy.rules, policy.ruleset.indicators, lambda incident: _is_muted(incident, policy, now))
    return {**own, **masses(unit.level, view.state.incidents, there, asked, *known)}


def _is_muted(incident: Incident, policy: Policy, now: datetime) -> bool:
    """Whether nobody is to hear of an incident now: maintenance of its unit, a silence, or a mass that is all muted."""
    unit, muting = policy.units[incident.unit], policy.muting
    if hushed(incident) or policy.maintenance(unit, now) is not None:
        return True
    return bool(muting.silences) and silence_of(incident, subject(unit.code, policy.units), muting, now) is not None


def shelter_of(view: View, found: Mapping[str, Trouble], policy: Policy, now: datetime) -> Sheltered:
    """Which of its troubles, and of its open incidents, something else explains or takes in."""
    if not found and not view.state.incidents:
        return UNSHELTERED
    systems = {code: state for code, state in view.systems.items() if policy.is_there(policy.units[code], now)}
    return shelter(view.state, found, policy.explains, systems, view.above, now)


def marked(criteria: dict[str, CriterionState], sheltered: Sheltered) -> dict[str, CriterionState]:
    """The criteria with the reason why nobody, or not everybody, is called for them."""
    return {key: _with_reason(state, sheltered.why.get(key)) for key, state in criteria.items()}


def _with_reason(state: CriterionState, why: Reason | None) -> CriterionState:
    if why is None:
        for reason in state.verdict.reasons:
            if reason.code in _SHELTER:
                break
        else:
            return state
    said = tuple(reason for reason in state.verdict.reasons if reason.code not in _SHELTER)
    told = said if why is None else (*said, why)
    return state if told == state.verdict.reasons else replace(state, verdict=replace(state.verdict, reasons=told))
