"""Which troubles a wider one takes in, so that people hear of the wider one only.

* Down the dependencies: a criterion may be `explained_by` criteria of the systems that the unit depends on. While one
  of those is failing (an outage criterion yellow is down, and not yet for long enough to be called for), nobody is
  called for it here. A system whose last answer is older than the failure is waited for, but not for longer than
  `PATIENCE` of its periods. When it is well again, the unit's own next answer is waited for in the same way
  (`ONCE_MORE`): all that fell with a system do not come back in the same second.
* Up the tree: when as many children as a `Collapse` says are in the same trouble and fell into it within its window,
  their parent has one mass trouble. It lasts until fewer than half as many are left. What a system explains is not
  counted. At the children everybody is spared who stands for that parent or for more; their own people are called.
  What is muted at the children is part of the trouble and of no message: only the others are told, and counted there.

All of it follows from the states of others as they are, never from a clock: it changes when one of them does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil

from monitor.alerting.plan import Collapse
from monitor.alerting.troubles import Trouble
from monitor.engine import reasons
from monitor.engine.book import Criterion, Indicator
from monitor.model.colour import Colour
from monitor.model.incident import MASS_PREFIX, Cover, Incident, Kind, Phase
from monitor.model.reading import Reading
from monitor.model.state import UnitState
from monitor.model.unit import Level
from monitor.model.verdict import Param, Reason

PATIENCE = 2.5  # promised periods of a system for which its next answer is waited for
ONCE_MORE = 1.5  # promised periods of a unit for which its own is, after what took it in has ended ...
LONGEST = 900.0  # ... but no more than so many seconds
NAMED = 5  # units that a message names
_DOWN = (Colour.YELLOW, Colour.RED)
_BAD = (Phase.OPEN, Phase.ACKNOWLEDGED)


@dataclass(frozen=True, slots=True)
class Explainer:
    """A criterion of a system that explains another one, and where the answers of both are."""

    criterion: str
    indicator: Indicator | None
    own: Indicator | None  # of what is explained


@dataclass(frozen=True, slots=True)
class Sheltered:
    """Which causes of one unit are taken in, and why."""

    covers: Mapping[str, Cover] = field(default_factory=dict)
    awaited: Mapping[str, datetime] = field(default_factory=dict)  # cause -> until when a system is waited for
    why: Mapping[str, Reason] = field(default_factory=dict)


UNSHELTERED = Sheltered()


def failing(state: UnitState, criterion: str) -> bool:
    """Whether a system fails at a criterion: by its last evidence, as shown, or by its incident when nobody can see."""
    held, incident = state.criteria.get(criterion), state.incidents.get(criterion)
    bad = held is not None and (held.raw in _DOWN or held.colour in _DOWN)
    return bad or (incident is not None and incident.phase in _BAD)


def mass_of(state: UnitState, cause: str) -> Incident | None:
    """The mass incident of a unit for a cause or for the mass of it, while it lasts."""
    incident = state.incidents.get(f"{MASS_PREFIX}{cause.removeprefix(MASS_PREFIX)}")
    return incident if incident is not None and incident.phase in _BAD else None


def shelter(
    state: UnitState,
    found: Mapping[str, Trouble],
    explainers: Mapping[str, Sequence[Explainer]],
    systems: Mapping[str, UnitState],
    above: Sequence[UnitState],
    now: datetime,
) -> Sheltered:
    """What takes in the troubles of a unit. `explainers` by cause; `above` are its parent, its parent's parent ..."""
    covers: dict[str, Cover] = {}
    awaited: dict[str, datetime] = {}
    why: dict[str, Reason] = {}
    for cause in dict.fromkeys((*found, *state.incidents)):
        able = explainers.get(cause, ())
        if cover := _explained(able, systems) or _collapsed(cause, above):
            covers[cause] = cover
            code, params = (reasons.EXPLAINED, {"system": cover.unit, "criterion": cover.cause})
            why[cause] = Reason(code, params) if cover.whole else Reason(reasons.COLLAPSED, {"unit": cover.unit})
        elif (
            cause in found
            and cause not in state.incidents
            and (wait := _awaited(found[cause], able, state, systems, now))
        ):
            awaited[cause], system, criterion = wait
            why[cause] = Reason(reasons.AWAITED, {"system": system, "criterion": criterion, "until": awaited[cause]})
    return Sheltered(covers, awaited, why)


def _explained(explainers: Sequence[Explainer], systems: Mapping[str, UnitState]) -> Cover | None:
    for code, system in systems.items():
        for explainer in explainers:
            if failing(system, explainer.criterion):
                return Cover(code, explainer.criterion)
    return None


def _collapsed(cause: str, above: Sequence[UnitState]) -> Cover | None:
    for place, unit in enumerate(above):
        if (incident := mass_of(unit, cause)) is not None:
            return Cover(unit.unit, incident.cause, tuple(wider.unit for wider in above[place:]))
    return None


def _awaited(
    trouble: Trouble, explainers: Sequence[Explainer], state: UnitState, systems: Mapping[str, UnitState], now: datetime
) -> tuple[datetime, str, str] | None:
    """Until when whose answer to what is waited for; of what never spoke, or promised nothing, none is."""
    waits: list[tuple[datetime, str, str]] = []
    for code, system in systems.items():
        for explainer in explainers:
            asked = _last(system, explainer.indicator)
            if asked is not None and asked.as_of < trouble.since:
                waits.append((trouble.since + _span(PATIENCE, explainer.indicator), code, explainer.criterion))
            held, own = system.criteria.get(explainer.criterion), _last(state, explainer.own)
            if held is not None and held.colour is Colour.GREEN and own is not None and own.as_of < held.since:
                waits.append((held.since + once_more(explainer.own), state.unit, trouble.cause))
    return max((wait for wait in waits if now < wait[0]), default=None)


def _last(state: UnitState, indicator: Indicator | None) -> Reading | None:
    return state.evidence.get(indicator.evidence) if indicator else None


def once_more(indicator: Indicator | None, answers: int = 1) -> timedelta:
    """For how long a unit's own next answers are waited for, so many as are needed to be believed: when a wider trouble
    has ended, or when we slept."""
    return min(_span(ONCE_MORE + answers - 1, indicator), timedelta(seconds=LONGEST))


def _span(periods: float, indicator: Indicator | None) -> timedelta:
    return timedelta(seconds=periods * indicator.cadence if indicator else 0.0)


def hushed(incident: Incident) -> bool:
    """Whether nobody is to hear of a mass incident now, because all that it counts is muted."""
    return incident.kind is Kind.MASS and incident.facts.get("affected") == 0


def masses(
    level: Level,
    incidents: Mapping[str, Incident],
    children: Sequence[UnitState],
    collapses: Iterable[Collapse],
    rules: Mapping[str, Criterion],
    indicators: Mapping[str, Indicator],
    muted: Callable[[Incident], bool] = hushed,
) -> dict[str, Trouble]:
    """Mass troubles of a unit by cause. `incidents` are its own open ones, `rules` those of the site by id.

    `muted` says of a child's incident that nobody is to hear of it now.
    """
    found = ((rule, _mass(rule, incidents, children)) for rule in collapses if rule.at is level)
    return {
        rule.cause: _trouble(
            rule, begun, [one for one in begun if not muted(one)], len(children), rules.get(rule.criterion), indicators
        )
        for rule, begun in found
        if begun
    }


def _mass(rule: Collapse, incidents: Mapping[str, Incident], children: Sequence[UnitState]) -> tuple[Incident, ...]:
    """The incidents of a mass trouble, the oldest first; none where there is no such trouble."""
    begun = sorted(filter(None, (counted(child, rule) for child in children)), key=lambda one: (_begun(one), one.unit))
    needed = _needed(rule, len(children))
    own = incidents.get(rule.cause)
    lasting = own is not None and own.well_since is None
    enough = 2 * len(begun) >= needed if lasting else _most_within(begun, rule.within) >= needed
    return tuple(begun) if enough else ()


def _needed(rule: Collapse, children: int) -> int:
    return max(rule.at_least, ceil(rule.share * children / 100))


def counted(child: UnitState, rule: Collapse) -> Incident | None:
    """The incident of a child that a rule counts."""
    found = (child.incidents.get(cause) for cause in rule.causes)
    bad = (one for one in found if one is not None and one.phase in _BAD)
    return next((one for one in bad if one.cover is None or not one.cover.whole), None)


def _begun(incident: Incident) -> datetime:
    """When it opened; when it relapsed, where it had ended and was still in sight."""
    since = incident.facts.get("since")
    return max(incident.opened_at, since) if isinstance(since, datetime) else incident.opened_at


def _most_within(begun: Sequence[Incident], seconds: float) -> int:
    most, first = 0, 0
    for last, incident in enumerate(begun):
        while (_begun(incident) - _begun(begun[first])).total_seconds() > seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def _trouble(
    rule: Collapse,
    begun: Sequence[Incident],
    loud: Sequence[Incident],
    total: int,
    criterion: Criterion | None,
    indicators: Mapping[str, Indicator],
) -> Trouble:
    indicator = indicators.get(criterion.indicator or "") if criterion else None
    since = [at for one in begun if isinstance(at := one.facts.get("since"), datetime)]
    facts: dict[str, Param] = {
        "affected": len(loud),
        "total": total,
        "units": sum(map(_communes, loud)) if any(one.kind is Kind.MASS for one in loud) else None,
        "codes": ", ".join(one.unit for one in loud[:NAMED]),
        "more": max(0, len(loud) - NAMED),
        "whole": 100 * len(loud) >= rule.total * total,
        "few": len(loud) < _needed(rule, total) <= len(begun),  # muting alone keeps it below what begins one
        "service": indicator.evidence if indicator else None,
    }
    return Trouble(rule.cause, Kind.MASS, Colour.RED, min(since, default=begun[0].opened_at), facts)


def _communes(incident: Incident) -> int:
    """For how many units below an incident stands."""
    if incident.kind is not Kind.MASS:
        return 1
    known = incident.facts.get("units") or incident.facts.get("affected")
    return known if isinstance(known, int) else 1
