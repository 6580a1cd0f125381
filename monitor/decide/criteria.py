"""The criteria of one unit after the news: judged here, taken over from a system, broken, or under maintenance."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from monitor.decide.policy import Policy
from monitor.decide.view import View
from monitor.engine import reasons
from monitor.engine.book import Criterion
from monitor.engine.formula import judge_formulas
from monitor.engine.hold import hold, rest
from monitor.engine.inherit import take_over
from monitor.engine.judge import judge
from monitor.engine.pace import foretold
from monitor.engine.rollup import Members, judge_rollup
from monitor.engine.sources import remarks
from monitor.engine.unmoved import stays
from monitor.model.colour import Colour
from monitor.model.series import NOTHING
from monitor.model.text import clean
from monitor.model.unit import Unit
from monitor.model.verdict import Counts, CriterionState, Reason, Verdict

TRY_AGAIN = timedelta(minutes=1)  # after which what broke is judged anew


def judge_criteria(
    view: View,
    unit: Unit,
    policy: Policy,
    counts: Counts | None,
    news: frozenset[str] | None,
    work: Reason | None,
    now: datetime,
) -> dict[str, CriterionState]:
    """Criteria of a unit after the news; `news` names the indicators that something new is known of, None means all.

    `work` says that the unit is under maintenance.
    """
    states: dict[str, CriterionState] = {}
    for criterion in policy.criteria_of(unit, now):
        before = view.state.criteria.get(criterion.id)
        if criterion.applies_to(unit):
            if before and news is not None and stays(before, criterion, policy.ruleset.indicators, news, now):
                states[criterion.id] = before
                continue
            states[criterion.id] = _own(view, unit, criterion, before, policy, counts, work, now)
        elif taken := _taken(view, unit, criterion, before, policy, now):
            if work is not None:
                shown = _under_maintenance(taken.verdict, work)
                taken = rest(before, shown, criterion, unit.level, now, taken.caused_by)
            states[criterion.id] = taken
    return states


def _taken(
    view: View, unit: Unit, criterion: Criterion, before: CriterionState | None, policy: Policy, now: datetime
) -> CriterionState | None:
    try:
        return take_over(criterion, unit, _systems(view, unit, criterion, policy, now), before, now)
    except Exception as broken:  # it costs this criterion only, as one that is judged here
        verdict = _broken(view, criterion, policy, broken, now)
        return hold(before, verdict, criterion, unit.level, now, policy.ruleset.cadence_of(criterion))


def _systems(
    view: View, unit: Unit, criterion: Criterion, policy: Policy, now: datetime
) -> dict[str, CriterionState | None]:
    """What the systems of a unit carry for a criterion; None for one that owes it and was never judged.

    A system outside its validity owes nothing.
    """
    there = (code for code in unit.depends_on if code in view.systems and policy.is_there(policy.units[code], now))
    carried = {code: view.systems[code].criteria.get(criterion.id) for code in there}
    return {code: state for code, state in carried.items() if state or criterion.applies_to(policy.units[code])}


def _own(
    view: View,
    unit: Unit,
    criterion: Criterion,
    before: CriterionState | None,
    policy: Policy,
    counts: Counts | None,
    work: Reason | None,
    now: datetime,
) -> CriterionState:
    try:
        verdict = _verdict(view, criterion, policy, counts, now)
        if criterion.target is not None:
            verdict = _foretold(view, criterion, policy, verdict, now)
    except Exception as broken:  # one broken rule costs its own verdict and drops nothing else
        verdict = _broken(view, criterion, policy, broken, now)
    verdict = _fresh_only(verdict, criterion, before) if work is None else _under_maintenance(verdict, work)
    return hold(before, verdict, criterion, unit.level, now, policy.ruleset.cadence_of(criterion))


def _verdict(view: View, criterion: Criterion, policy: Policy, counts: Counts | None, now: datetime) -> Verdict:
    if criterion.rollup is not None:
        known = policy.ruleset.standing.min_coverage
        members = Members(view.children, policy.units, policy.ruleset.indicators.get(criterion.indicator or ""))
        return judge_rollup(criterion, counts or Counts(), now, policy.calendar, known, members)
    if criterion.formulas:
        return judge_formulas(criterion, policy.ruleset.indicators, view.state.evidence, now)
    indicator = policy.ruleset.indicators[criterion.indicator or ""]
    key, state = indicator.evidence, view.state
    past = state.series.get(key, NOTHING)
    verdict = judge(criterion, indicator, state.evidence.get(key), now, policy.calendar, past)
    if key not in state.rivals:
        return verdict
    beside = remarks(policy.ruleset.indicators[key], state.rivals[key], now)
    return replace(verdict, reasons=(*verdict.reasons, *beside)) if beside else verdict


def _foretold(view: View, criterion: Criterion, policy: Policy, verdict: Verdict, now: datetime) -> Verdict:
    key = criterion.id if criterion.rollup is not None else criterion.indicator or ""
    measured = policy.ruleset.indicators.get(criterion.indicator or "")
    try:
        return foretold(verdict, criterion, measured, view.state.series.get(key), now, policy.calendar)
    except Exception as broken:  # a forecast is said beside the colour and must not cost it
        return replace(verdict, reasons=(*verdict.reasons, Reason(reasons.FORECAST_BROKEN, {"error": _told(broken)})))


def _broken(view: View, criterion: Criterion, policy: Policy, broken: Exception, now: datetime) -> Verdict:
    """Unknown, and why, to be tried again in a minute; of what it would have judged, as much as can be said so."""
    indicator = policy.ruleset.indicators.get(criterion.indicator or "")
    reading = view.state.evidence.get(indicator.evidence) if indicator else None
    verdict = Verdict(
        Colour.UNKNOWN, (Reason(reasons.RULE_BROKEN, {"error": _told(broken)}),), recheck_at=now + TRY_AGAIN
    )
    if reading is None:
        return verdict
    return replace(verdict, as_of=reading.as_of, received_at=reading.received_at, source=reading.source)


def _told(broken: Exception) -> str:
    return clean(f"{type(broken).__name__}: {broken}")


def _under_maintenance(verdict: Verdict, work: Reason) -> Verdict:
    """Not judged; what would have been said is kept beside the reason."""
    return replace(verdict, colour=Colour.MAINTENANCE, reasons=(work, *verdict.reasons))


def _fresh_only(verdict: Verdict, criterion: Criterion, before: CriterionState | None) -> Verdict:
    """After maintenance a criterion that a hold or a probe protects waits for the first reading from after it.

    What was heard during the work says nothing; what goes stale meanwhile is unknown as ever.
    """
    if before is None or before.raw is not Colour.MAINTENANCE or not verdict.colour.known:
        return verdict
    if verdict.received_at is None or verdict.received_at != before.verdict.received_at:
        return verdict
    if not (criterion.outage or criterion.hold.readings > 1 or criterion.hold.of):
        return verdict
    return replace(verdict, colour=Colour.MAINTENANCE, reasons=(Reason(reasons.AFTER_MAINTENANCE), *verdict.reasons))
