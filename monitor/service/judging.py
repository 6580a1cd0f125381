"""Judges one unit from what is known now; one that cannot be judged is set aside, and the others go on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime

from monitor.decide import Policy, View, decide, set_aside
from monitor.model.reading import SourceHealth
from monitor.model.state import Decision
from monitor.service.agenda import Heard
from monitor.service.states import States

log = logging.getLogger(__name__)


class Judge:
    """One per evaluator."""

    def __init__(self, policy: Callable[[], Policy], states: States, health: Mapping[str, SourceHealth]) -> None:
        self.set_aside: dict[str, str] = {}  # unit -> why its decision failed; it is tried again within a minute
        self._policy = policy
        self._states = states
        self._health = health

    def decide(self, unit: str, news: Heard, now: datetime) -> Decision:
        """What becomes of a unit by the news."""
        try:
            decision = decide(self._view(unit, news), self._policy(), now)
        except Exception as broken:  # one poison unit is set aside with a visible reason; the loop goes on
            log.exception("unit %s cannot be judged", unit)
            self.set_aside[unit] = f"{type(broken).__name__}: {broken}"
            return set_aside(self._states.latest[unit], tuple(news.readings), self.set_aside[unit], now)
        self.set_aside.pop(unit, None)
        return decision

    def _view(self, unit: str, news: Heard) -> View:
        policy, states = self._policy(), self._states.latest
        children = tuple(states[code] for code in policy.units.children(unit))
        systems = {code: states[code] for code in policy.units[unit].depends_on}
        health = {w.source: self._health[w.source] for w in policy.watches_of(unit) if w.source in self._health}
        readings, answers = tuple(news.readings), tuple(news.answers)
        above = tuple(states[code] for code in policy.units.lineage(unit)[1:])
        return View(states[unit], readings, children, systems, health, self._states.judged.get(unit), answers, above)
