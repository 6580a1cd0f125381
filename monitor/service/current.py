"""The units as a running service would show them, from the store alone: for commands that look while none may run.

What is committed says how it was when somebody last judged. A service that is dead turns nothing unknown, and no date
red; so what fell due since is judged here as the service would judge it, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from monitor.config.spec import Site
from monitor.model.reading import SourceHealth
from monitor.model.state import Decision, UnitState
from monitor.ports import Clock, Store
from monitor.service.app import policy_of
from monitor.service.evaluator import Evaluator


async def current_states(site: Site, store: Store, clock: Clock) -> Mapping[str, UnitState]:
    """All units of the site as of now. Raises StoreError."""
    evaluator = Evaluator(policy_of(site), cast(Store, _Unwritten(store)), clock, lambda _decisions: None)
    await evaluator.load()
    await evaluator.settle()
    return evaluator.states


class _Unwritten:
    """The part of a store that the evaluator needs; what it commits is forgotten."""

    def __init__(self, store: Store) -> None:
        self.load_states = store.load_states
        self.load_health = store.load_health
        self.muted = store.muted

    async def commit(self, decisions: Sequence[Decision]) -> Sequence[UnitState]:
        """As if they were committed."""
        return [replace(decision.after, version=decision.before.version + 1) for decision in decisions]

    async def save_health(self, health: Sequence[SourceHealth]) -> None:
        """Nobody is asked, so nothing is new."""
