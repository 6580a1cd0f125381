"""Who would hear of it: the incidents and notices of one tested unit, made by the code that makes them in service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time

from monitor.alerting.incidents import react
from monitor.alerting.plan import Directory, Policy, Recipient, StepSpec
from monitor.alerting.troubles import troubles
from monitor.decide import Policy as Decided
from monitor.decide import scene_of
from monitor.engine.book import Ruleset
from monitor.model.hours import Calendar, Sessions
from monitor.model.incident import Incident, Kind, Notice
from monitor.model.reading import Reading
from monitor.model.unit import Unit, Units
from monitor.model.verdict import CriterionState

DUTY = "duty"  # the one post that hears of a unit which is not of the site


@dataclass(frozen=True, slots=True)
class Office:
    """Who can be told at the site, and when its offices are open."""

    directory: Directory
    sessions: Sessions


@dataclass(slots=True)
class Alarm:
    """The open incidents of one unit, and what became owed since `taken` was called last."""

    unit: Unit
    policy: Decided
    open: Mapping[str, Incident] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    recheck_at: datetime | None = None

    def react(self, criteria: Mapping[str, CriterionState], evidence: Mapping[str, Reading], now: datetime) -> None:
        """Open, escalate and close by what the criteria say now."""
        scene = scene_of(self.unit, criteria, evidence, self.policy, now)
        found = troubles(self.unit, criteria, scene.rules, scene.indicators, (), now)
        alerts = react(self.open, found, scene, now)
        self.open, self.recheck_at = alerts.open, alerts.recheck_at
        self.notices += alerts.notices

    def taken(self) -> list[tuple[str, str]]:
        """Text and role of every call since the last time: one for each role, however many hold it."""
        roles = {person.id: person.role for person in self.policy.directory.recipients}
        calls = {(n.key.rsplit("/", 2)[0], n.kind, roles[n.recipient]): None for n in self.notices}
        self.notices.clear()
        return sorted((kind, role) for _, kind, role in calls)


def alarm(unit: Unit, ruleset: Ruleset, calendar: Calendar, units: Units | None, office: Office | None) -> Alarm:
    """The alarm of a tested unit: by the plan of the site where the unit is of the site or lies in a province of it,
    otherwise one post is told of everything: of a date that is near by its reminders, of all else at once.
    """
    placed = _placed(unit, units)
    if units is None or office is None or placed is None:
        alone = Units((replace(unit, parent=None, province=None, depends_on=()),))
        return Alarm(unit, Decided(alone, ruleset, _duty(unit), calendar, _weekdays(calendar)))
    around = Units((*(other for other in units if other.code != unit.code), placed))
    return Alarm(placed, Decided(around, ruleset, office.directory, calendar, office.sessions))


def _placed(unit: Unit, units: Units | None) -> Unit | None:
    """The unit with its place in the site; None when it has none there."""
    if units is None:
        return None
    if unit.code in units and units[unit.code].level is unit.level:
        known = units[unit.code]
        return replace(unit, parent=known.parent, province=known.province, depends_on=known.depends_on)
    if unit.province is not None and unit.province in units and unit.code not in units:
        return replace(unit, parent=unit.province)
    return None


def _duty(unit: Unit) -> Directory:
    near = StepSpec(0, (DUTY,), ("log",), reminders=True)
    wrong = StepSpec(0, (DUTY,), ("log",))
    plans = Policy("near", frozenset({Kind.KPI_YELLOW}), (near,)), Policy("wrong", frozenset(Kind), (wrong,))
    return Directory((Recipient(DUTY, DUTY, unit.code, DUTY, channels=("log",)),), plans)


def _weekdays(calendar: Calendar) -> Sessions:
    return Sessions(calendar, (((time(8), time(17)),),) * 5 + ((), ()))
