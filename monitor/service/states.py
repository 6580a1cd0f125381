"""The states of all units in memory: what the store holds of them, what is decided on, what is shown."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from monitor.model.errors import NotFound
from monitor.model.state import UnitState
from monitor.model.unit import Units
from monitor.service.agenda import Agenda


class States:
    """One per evaluator. While the store is away colours are shown that it does not hold; incidents are always its."""

    def __init__(self, units: Units, agenda: Agenda) -> None:
        self.stored: dict[str, UnitState] = {unit.code: UnitState(unit.code) for unit in units}
        self.latest = dict(self.stored)  # what is decided on: as in `stored`, or further where something is kept
        self.judged: dict[str, datetime] = {}  # unit -> when its state was judged here, under this policy
        self._unstored: dict[str, UnitState] = {}  # unit -> what is shown of it, where that is not stored
        self._units = units
        self._agenda = agenda

    @property
    def shown(self) -> Mapping[str, UnitState]:
        """The units as they are judged now."""
        return ChainMap(self._unstored, self.stored) if self._unstored else self.stored

    def adopt(self, state: UnitState) -> None:
        """What the store holds of a unit counts, and nothing of it is kept any more."""
        self.stored[state.unit] = self.latest[state.unit] = state
        self._unstored.pop(state.unit, None)
        self._agenda.follow(state)

    def adopt_foreign(self, state: UnitState) -> None:
        """The same of a state that somebody else committed: the unit and whoever looks at it are decided anew."""
        self.judged.pop(state.unit, None)
        self.adopt(state)
        self._agenda.look((state.unit, *self._units.listeners(state.unit)))

    def keep(self, state: UnitState) -> UnitState:
        """Decide on from a state that is not stored; what is shown of it."""
        stored = self.stored[state.unit]
        shown = replace(state, incidents=stored.incidents, version=stored.version)
        self.latest[state.unit], self._unstored[state.unit] = state, shown
        self._agenda.follow(state)
        return shown

    def took(self, state: UnitState, *, whole: bool) -> None:
        """The store turns out to have taken what was kept of a unit up to this state; `whole`: all of it."""
        self.stored[state.unit] = state
        if whole:
            self.latest[state.unit] = state
            self._unstored.pop(state.unit, None)

    def unit_of(self, ref: str) -> str:
        """The unit of an open incident, by its key or reference. Raises NotFound."""
        for unit, state in self.stored.items():
            if any(ref in (incident.ref, incident.key) for incident in state.incidents.values()):
                return unit
        raise NotFound(f"no open incident {ref!r}")
