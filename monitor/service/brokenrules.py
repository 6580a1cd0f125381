"""Rules that break while they judge: said in the log when one begins and when it judges again, and counted."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from prometheus_client import Metric
from prometheus_client.registry import Collector

from monitor.engine.reasons import RULE_BROKEN
from monitor.model.state import Decision, UnitState
from monitor.model.verdict import Param
from monitor.service import instruments

log = logging.getLogger(__name__)


class BrokenRules(Collector):
    """Listens to committed decisions. `units` tells of each broken criterion at which units it breaks."""

    def __init__(self) -> None:
        self.units: dict[str, set[str]] = {}

    def start(self, states: Iterable[UnitState]) -> None:
        """Take over what was committed before, without a word."""
        for state in states:
            for criterion in _broken(state):
                self.units.setdefault(criterion, set()).add(state.unit)

    def committed(self, decisions: Sequence[Decision]) -> None:
        """Note which rules broke or judge again."""
        for decision in decisions:
            unit, now = decision.after.unit, _broken(decision.after)
            for criterion in now.keys() - {name for name, units in self.units.items() if unit in units}:
                self._begin(criterion, unit, now[criterion])
            for criterion in [name for name, units in self.units.items() if unit in units and name not in now]:
                self._end(criterion, unit)

    def _begin(self, criterion: str, unit: str, error: Param) -> None:
        if criterion not in self.units:
            log.error("the rule %s breaks while it judges %s, so its verdict is unknown: %s", criterion, unit, error)
        self.units.setdefault(criterion, set()).add(unit)

    def _end(self, criterion: str, unit: str) -> None:
        self.units[criterion].discard(unit)
        if not self.units[criterion]:
            del self.units[criterion]
            log.warning("the rule %s judges again", criterion)

    def collect(self) -> Iterable[Metric]:
        """Called by the registry when the page is made."""
        family = instruments.collected("denbao_rule_broken_units")
        for criterion, units in sorted(self.units.items()):
            family.add_metric((criterion,), len(units))
        return (family,)


def _broken(state: UnitState) -> dict[str, Param]:
    """What each broken criterion of a unit says of itself; one taken over from a system is that system's."""
    return {
        name: reason.params.get("error")
        for name, held in state.criteria.items()
        if held.caused_by is None
        for reason in held.verdict.reasons
        if reason.code == RULE_BROKEN
    }
