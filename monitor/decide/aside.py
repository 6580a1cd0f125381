"""A unit whose judging broke, or that cannot be stored: unknown, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from monitor.decide.criteria import TRY_AGAIN
from monitor.decide.transitions import transitions
from monitor.engine import reasons
from monitor.engine.sources import Heard, hear_unjudged
from monitor.model.colour import Colour
from monitor.model.reading import Reading
from monitor.model.state import Decision, UnitState
from monitor.model.verdict import CriterionState, Reason, Standing


def set_aside(state: UnitState, news: tuple[Reading, ...], why: str, now: datetime) -> Decision:
    """What is said of a unit whose judging broke: unknown, with the reason, to be tried again within a minute.

    So are its criteria, or others would go on taking them over. Its incidents stay open, its last real levels are
    remembered, and the news counts when it can be judged again; news that cannot even be read is history only.
    """
    reason = Reason(reasons.SET_ASIDE, {"error": why})
    try:
        heard = hear_unjudged(state.evidence, state.rivals, news)
    except Exception:  # whatever broke the judging may break this as well
        heard = Heard(state.evidence, state.rivals, ())
    told = replace(state, evidence=heard.evidence, rivals=heard.rivals)
    after = replace(_unknown(told, reason, now), recheck_at=now + TRY_AGAIN)
    return Decision(before=state, after=after, transitions=transitions(state, after, now), readings=news)


def darken(state: UnitState, why: str, now: datetime) -> UnitState:
    """What is shown, and never committed, of a unit judged otherwise than it is stored: unknown, and why."""
    return _unknown(state, Reason(reasons.BLIND, {"error": why}), now)


def _unknown(state: UnitState, reason: Reason, now: datetime) -> UnitState:
    return replace(
        state,
        standing=_dark(state.standing, reason, now),
        criteria={key: _unjudged(criterion, reason, now) for key, criterion in state.criteria.items()},
    )


def _dark(before: Standing | None, reason: Reason, now: datetime) -> Standing:
    if before is None:
        return Standing(Colour.UNKNOWN, now, Colour.UNKNOWN, now, reasons=(reason,))
    since = before.since if before.colour is Colour.UNKNOWN else now
    return Standing(
        Colour.UNKNOWN, since, before.level, before.level_since, reasons=(reason,), children=before.children
    )


def _unjudged(before: CriterionState, reason: Reason, now: datetime) -> CriterionState:
    verdict = replace(before.verdict, colour=Colour.UNKNOWN, reasons=(reason,), recheck_at=None)
    since = before.since if before.colour is Colour.UNKNOWN else now
    return replace(before, colour=Colour.UNKNOWN, since=since, verdict=verdict)
