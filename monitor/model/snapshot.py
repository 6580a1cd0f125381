"""What is known and committed now, for whoever shows it: exporters, reports, the board."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.model.state import UnitState
from monitor.model.unit import Units


@dataclass(frozen=True)
class Snapshot:
    """All units and their last committed states; a unit that was never judged has a state of version 0."""

    units: Units
    states: Mapping[str, UnitState]
