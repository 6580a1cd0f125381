"""The public names for exporters and plug-ins. What is not here may change without notice."""

from __future__ import annotations

from monitor.model.colour import Colour as Colour
from monitor.model.incident import Incident as Incident
from monitor.model.incident import Outcome as Outcome
from monitor.model.incident import Phase as Phase
from monitor.model.reading import Reading as Reading
from monitor.model.snapshot import Snapshot as Snapshot
from monitor.model.state import UnitState as UnitState
from monitor.model.text import clean as clean
from monitor.model.unit import Level as Level
from monitor.model.unit import Unit as Unit
from monitor.model.unit import Units as Units
from monitor.model.verdict import CriterionState as CriterionState
from monitor.model.verdict import Standing as Standing
from monitor.ports import Exporter as Exporter
from monitor.ports import Page as Page
