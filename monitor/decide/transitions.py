"""Which colours changed."""

from __future__ import annotations

from datetime import datetime

from monitor.model.colour import Colour
from monitor.model.state import Transition, UnitState
from monitor.model.verdict import CriterionState


def transitions(before: UnitState, after: UnitState, now: datetime) -> tuple[Transition, ...]:
    """Criteria of the unit, and the unit itself, that have another colour now."""
    changes = [
        Transition(after.unit, key, now, _colour(before.criteria.get(key)), state.colour, state.verdict.reasons)
        for key, state in after.criteria.items()
        if _colour(before.criteria.get(key)) is not state.colour
    ]
    if after.standing is not None and before.colour is not after.colour:
        unit = Transition(after.unit, "", now, before.colour, after.colour, after.standing.reasons)
        changes.append(unit)
    return tuple(changes)


def _colour(state: CriterionState | None) -> Colour:
    return Colour.UNKNOWN if state is None else state.colour
