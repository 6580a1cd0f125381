"""The public names for exporters and plug-ins. What is not here may change without notice."""

from __future__ import annotations

from monitor.model.colour import Colour
from monitor.model.incident import Incident, Outcome, Phase
from monitor.model.reading import Reading
from monitor.model.snapshot import Snapshot
from monitor.model.state import UnitState
from monitor.model.text import clean
from monitor.model.unit import Level, Unit, Units
from monitor.model.verdict import CriterionState, Standing
from monitor.ports import Exporter, Page

__all__ = [
    "Colour",
    "CriterionState",
    "Exporter",
    "Incident",
    "Level",
    "Outcome",
    "Page",
    "Phase",
    "Reading",
    "Snapshot",
    "Standing",
    "Unit",
    "UnitState",
    "Units",
    "clean",
]
