"""What is wrong with one unit now, by cause. Whether anybody hears of it is decided in monitor.alerting.incidents.

A criterion taken over from a system (`caused_by`) is that system's trouble, never this unit's. A colour that is held
back or kept by a hold counts as it is shown; while it flaps the one before counts, and nothing comes or goes by that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from monitor.engine.book import Criterion, Indicator, Measure
from monitor.engine.reasons import IN_THE_WAY, WIDER_WINDOW
from monitor.engine.target import gap
from monitor.model.colour import Colour
from monitor.model.incident import Kind
from monitor.model.reading import Value
from monitor.model.unit import Unit
from monitor.model.verdict import CriterionState, Param

SILENT_PREFIX = "silent:"
_AT_LEAST = (">=", ">")
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Silent:
    """A source that owes this unit something and does not speak."""

    source: str
    since: datetime  # last sign of life, aware UTC
    limit: float  # seconds of silence that are allowed
    last_value: Value | None
    last_at: datetime | None  # as_of of the last value


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong, with the facts its texts need."""

    cause: str  # criterion id, or "silent:<source>"
    kind: Kind
    colour: Colour
    since: datetime
    facts: Mapping[str, Param]


def troubles(
    unit: Unit,
    criteria: Mapping[str, CriterionState],
    rules: Mapping[str, Criterion],
    indicators: Mapping[str, Indicator],
    silent: Sequence[Silent],
    now: datetime,
) -> dict[str, Trouble]:
    """All troubles of a unit by cause, from held colours and silent sources."""
    found = {f"{SILENT_PREFIX}{source.source}": _silence(source) for source in silent}
    for key, state in criteria.items():
        rule = rules.get(key)
        if rule is None or state.caused_by is not None or not rule.applies_to(unit):
            continue
        kind = _kind(state, rule)
        if kind is not None:
            indicator = indicators.get(rule.indicator or "")
            since = began(state, indicator, now)
            found[key] = Trouble(key, kind, state.told, since, judged(state, rule, indicator))
    return found


def told_once(
    found: Mapping[str, Trouble],
    criteria: Mapping[str, CriterionState],
    incidents: Collection[str],
    told: Mapping[str, datetime],
) -> dict[str, Trouble]:
    """The troubles without those that only a late value of an earlier month has brought back.

    The months before a small sample may be corrected to and fro; of one figure of the present month the trouble is told
    once, and the next figure may be told again. `incidents` are open, `told` is UnitState.told.
    """
    return {
        cause: trouble
        for cause, trouble in found.items()
        if cause in incidents or (as_of := _widened(criteria.get(cause))) is None or as_of > told.get(cause, _NEVER)
    }


def telling(
    criteria: Mapping[str, CriterionState], incidents: Collection[str], told: Mapping[str, datetime]
) -> Mapping[str, datetime]:
    """What is remembered for `told_once` after a decision; the same object if nothing changed."""
    kept = {cause: at for cause, at in told.items() if (as_of := _widened(criteria.get(cause))) and as_of <= at}
    now = {cause: as_of for cause in incidents if (as_of := _widened(criteria.get(cause))) is not None}
    after = kept | now
    return told if after == told else after


def _widened(state: CriterionState | None) -> datetime | None:
    """The as_of of a figure that is judged by more than its month; None for everything else."""
    if state is None or not any(reason.code == WIDER_WINDOW for reason in state.verdict.reasons):
        return None
    return state.verdict.as_of


def _kind(state: CriterionState, rule: Criterion) -> Kind | None:
    if state.told not in rule.alert:
        return None
    if state.told is Colour.YELLOW:
        return Kind.KPI_YELLOW if _deadline_is_near(state, rule) else None
    if state.told is not Colour.RED:
        return None
    if rule.outage:
        return Kind.OUTAGE
    return Kind.OVERDUE if state.verdict.overdue else Kind.KPI_RED


def _deadline_is_near(state: CriterionState, rule: Criterion) -> bool:
    left = state.verdict.working_days_left
    return rule.target is not None and left is not None and left <= max(rule.target.remind_days, default=-1)


def began(state: CriterionState, indicator: Indicator | None, now: datetime) -> datetime:
    """When the trouble began: the first bad reading; for minutes since a failure, that failure.

    No age reaches behind a long silence: what was before it may have been another trouble.
    """
    value = state.verdict.value
    if indicator is None or indicator.measure is not Measure.ELAPSED or isinstance(value, (bool, str)) or not value:
        return state.episode_since or state.raw_since
    failed = now - timedelta(minutes=value)
    return failed if state.back_since is None else max(failed, state.back_since)


def judged(state: CriterionState, rule: Criterion, indicator: Indicator | None) -> dict[str, Param]:
    """Facts of a judged criterion, under the names that the texts use; what is unknown is None."""
    verdict = state.verdict
    return {
        **_names(rule, indicator),
        **_goal(state, rule, indicator),
        "colour": state.told.value,
        "value": verdict.value,
        "sign": verdict.comparator.value,
        "n": verdict.working_days_left,
        "deadline": verdict.deadline,
        "as_of": verdict.as_of,
        "num": verdict.numerator,
        "den": verdict.denominator,
        "source": None if rule.rollup else verdict.source or None,
        "group": rule.rollup is not None,
        "legal_basis": ", ".join(rule.legal_basis) or None,
        **_in_the_way(state),
    }


def _in_the_way(state: CriterionState) -> dict[str, Param]:
    """Codes of the units that keep a group from its goal, nearest to green first, as the roll-up named them."""
    named = next((reason.params for reason in state.verdict.reasons if reason.code == IN_THE_WAY), None)
    return {} if named is None else {"codes": named.get("units"), "more": named.get("more")}


def _names(rule: Criterion, indicator: Indicator | None) -> dict[str, Param]:
    if indicator is None:
        return {"kpi_vi": rule.title_vi, "kpi_en": rule.title_en, "measure": "%"}
    return {
        "kpi_vi": indicator.name_vi,
        "kpi_en": indicator.name_en,
        "kpi_sms": indicator.sms,
        "measure": indicator.unit,
        "service": indicator.evidence,
    }


def _goal(state: CriterionState, rule: Criterion, indicator: Indicator | None) -> dict[str, Param]:
    target, verdict = rule.target, state.verdict
    tries = state.raw_count if indicator is not None and indicator.measure is Measure.VALUE else None
    if target is None:
        return {"n_fail": tries}
    measure = "%" if indicator is None else indicator.unit
    distance = None if verdict.value is None else gap(target.goal, verdict.value)
    points = distance if measure == "%" and target.goal.op in _AT_LEAST and distance else None
    left, ahead = verdict.working_days_left, verdict.forecast
    return {
        "n_fail": tries,
        "target": target.goal.operand,
        "op": target.goal.op,
        "floor": target.floor,
        "gap": points,
        "pace": points / left if points and left else None,
        "trend": ahead.actual_pace if ahead and points else None,
    }


def _silence(silent: Silent) -> Trouble:
    facts: dict[str, Param] = {
        "source": silent.source,
        "limit": silent.limit,
        "last_value": silent.last_value,
        "last_time": silent.last_at,
    }
    return Trouble(f"{SILENT_PREFIX}{silent.source}", Kind.SILENT, Colour.UNKNOWN, silent.since, facts)
