"""What the incidents of one unit may look at when they react to its troubles."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from monitor.alerting.collapse import UNSHELTERED, Sheltered
from monitor.alerting.scene import Scene
from monitor.decide.policy import Policy
from monitor.model.incident import Cover
from monitor.model.matcher import subject
from monitor.model.reading import Reading
from monitor.model.unit import Unit
from monitor.model.verdict import CriterionState


def scene_of(
    unit: Unit,
    criteria: Mapping[str, CriterionState],
    evidence: Mapping[str, Reading],
    policy: Policy,
    now: datetime,
    *,
    paused: bool = False,
    sheltered: Sheltered = UNSHELTERED,
) -> Scene:
    """What a reaction to the troubles of a unit may look at; `paused` while it is under maintenance."""
    return Scene(
        unit=unit,
        lineage=policy.units.answering(unit.code),
        province=policy.units[unit.province] if unit.province and unit.province in policy.units else None,
        directory=policy.directory,
        rules=policy.rules_of(unit, now),
        indicators=policy.ruleset.indicators,
        criteria=criteria,
        calendar=policy.calendar,
        sessions=policy.sessions,
        evidence=evidence,
        plans=policy.plans,
        sources=frozenset(watch.source for watch in policy.owing(unit, now)),
        dependants=_dependants(unit, policy, now),
        about=subject(unit.code, policy.units) if policy.muting.silences else None,
        muting=policy.muting,
        windows=policy.muting.windows_of(unit.code, policy.units),
        covers=sheltered.covers,
        awaited=frozenset(sheltered.awaited),
        waits=_first_waits(unit, sheltered.covers, policy),
        causes=_mass_causes(unit, policy) if policy.is_there(unit, now) else frozenset(),
        paused=paused,
    )


def _mass_causes(unit: Unit, policy: Policy) -> frozenset[str]:
    return frozenset(rule.cause for rule in policy.directory.collapses if rule.at is unit.level)


def _first_waits(unit: Unit, covers: Mapping[str, Cover], policy: Policy) -> dict[str, float]:
    """For how long a first call waits, by cause: until a mass trouble is counted, here and at the parent."""
    above = policy.units[unit.parent].level if unit.parent else None
    waits = {rule.cause: rule.wait for rule in policy.directory.collapses if rule.at is unit.level}
    for rule in policy.directory.collapses:
        for cause in rule.causes if rule.at is above else ():
            cover = covers.get(cause)
            if cover is None or cover.unit != unit.parent:  # otherwise those above are spared already
                waits[cause] = max(rule.wait, waits.get(cause, 0.0))
    return waits


def _dependants(unit: Unit, policy: Policy, now: datetime) -> int:
    day = policy.calendar.day(now)
    return sum(policy.units[code].holds_on(day) for code in policy.units.dependants(unit.code))
