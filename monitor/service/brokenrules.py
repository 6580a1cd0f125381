"""Rules that fail while they judge: said in the log when it begins and ends, and counted by criterion."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence

from monitor.engine.explain import sentence
from monitor.engine.reasons import RULE_BROKEN
from monitor.model.state import Decision, UnitState
from monitor.model.verdict import CriterionState, Reason

log = logging.getLogger(__name__)


class BrokenRules:
    """One per service; hears every committed decision."""

    def __init__(self) -> None:
        self._units: dict[str, set[str]] = {}  # criterion -> units whose verdict it costs

    def counts(self) -> Mapping[str, int]:
        """Units by criterion; a rule that judges again is 0."""
        return {criterion: len(units) for criterion, units in self._units.items()}

    def take_over(self, states: Iterable[UnitState]) -> None:
        """What was committed before the start."""
        for state in states:
            self._hear(state)

    def committed(self, decisions: Sequence[Decision]) -> None:
        """Listener of the hub."""
        for decision in decisions:
            self._hear(decision.after)

    def _hear(self, state: UnitState) -> None:
        found = {key: why for key, held in state.criteria.items() if (why := _broken(held)) is not None}
        for criterion, why in found.items():
            units = self._units.setdefault(criterion, set())
            if not units:
                log.error("the rule %s failed at unit %s: %s", criterion, state.unit, sentence(why, "en"))
            units.add(state.unit)
        for criterion, units in self._units.items():
            if criterion not in found and state.unit in units:
                units.discard(state.unit)
                if not units:
                    log.warning("the rule %s judges all its units again", criterion)


def _broken(held: CriterionState) -> Reason | None:
    if held.caused_by is not None:  # it is counted at the system
        return None
    return next((why for why in held.verdict.reasons if why.code == RULE_BROKEN), None)
