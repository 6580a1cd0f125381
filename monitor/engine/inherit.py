"""Shared systems: their criteria reach the units that depend on them and carry their weight there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from monitor.engine import reasons
from monitor.engine.book import Criterion
from monitor.engine.hold import hold
from monitor.model.colour import Colour
from monitor.model.unit import Unit
from monitor.model.verdict import CriterionState, Reason, Verdict

# As for criteria of one unit: a red counts before what is unknown, and silence of one system is never another's green.
_URGENCY = (Colour.RED, Colour.UNKNOWN, Colour.MAINTENANCE, Colour.YELLOW, Colour.GREEN, Colour.EXCLUDED)
_NOTHING = Verdict(Colour.UNKNOWN, (Reason(reasons.NO_DATA),))


def take_over(
    criterion: Criterion,
    unit: Unit,
    carried: Mapping[str, CriterionState | None],
    before: CriterionState | None,
    now: datetime,
) -> CriterionState | None:
    """The state a unit takes over for `criterion`; None when none of the systems it depends on carries it.

    `carried` are the systems' states by code, None for a system that owes one and was never judged.
    The system's own holds have been applied already, so its colour counts here at once.
    """
    if not carried:
        return None
    found = [(code, state or hold(None, _NOTHING, criterion, unit.level, now)) for code, state in carried.items()]
    code, theirs = min(found, key=lambda pair: _URGENCY.index(pair[1].colour))
    why = Reason(reasons.INHERITED, {"system": code})
    verdict: Verdict = replace(theirs.verdict, reasons=(why, *theirs.verdict.reasons), recheck_at=None)
    since = before.since if before is not None and before.colour is theirs.colour else now
    return replace(theirs, since=since, verdict=verdict, weight=criterion.weight.get(unit.level, 0.0), caused_by=code)
