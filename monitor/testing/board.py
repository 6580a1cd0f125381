"""Looks at what the service shows while it runs, and compares it with the disk and with the truth (I7)."""

from __future__ import annotations

from monitor.adapters.store.memory import MemoryStore
from monitor.config.spec import Site
from monitor.model.colour import Colour
from monitor.model.state import UnitState
from monitor.service.app import Service
from monitor.testing.ledger import Ledger
from monitor.testing.site import COMMUNES, MAX_AGE

SLACK = 10.0  # seconds in which a service that is well turns a stale green into unknown
BEHIND = 150.0  # seconds after which memory and disk must agree again


class Board:
    """What somebody sees who looks every half minute."""

    def __init__(self, site: Site, disk: MemoryStore, ledger: Ledger) -> None:
        self._site = site
        self._disk = disk
        self._ledger = ledger
        self._differs: dict[str, float] = {}  # unit -> since when memory and disk differ

    async def look(self, service: Service) -> None:
        """One look."""
        shown = service.snapshot().states
        stored = {state.unit: state for state in await self._disk.load_states()}
        for unit, state in shown.items():
            self._compare(unit, state, stored.get(unit))
        for unit in COMMUNES:
            self._age(unit, service.evaluator.shown[unit])

    def _compare(self, unit: str, shown: UnitState, stored: UnitState | None) -> None:
        if stored is None or shown == stored:
            self._differs.pop(unit, None)
            return
        since = self._differs.setdefault(unit, self._ledger.second)
        if self._ledger.well_after(since, BEHIND) < self._ledger.second:
            self._ledger.violated("I7", f"{unit} is shown in version {shown.version}, stored in {stored.version}")
            del self._differs[unit]

    def _age(self, unit: str, shown: UnitState) -> None:
        if shown.standing is None or shown.standing.colour is not Colour.GREEN:
            return
        told = [answer.second for answer in self._ledger.answers[f"probe/{unit}"] if answer.good is not None]
        last = told[-1] if told else 0.0
        if self._ledger.well_after(last, MAX_AGE + SLACK) < self._ledger.second:
            self._ledger.violated("I7", f"{unit} is green on an answer of second {last:.0f}")

    def final(self, service: Service) -> None:
        """The last look; the invariants compare it with the truth."""
        self._ledger.final = dict(service.snapshot().states)
