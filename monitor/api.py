"""The public names for exporters and plug-ins. What is not here may change without notice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from monitor.model.catalogue import CATALOGUE, Metric, MetricKind, Topic
from monitor.model.colour import Colour
from monitor.model.incident import Incident, Outcome, Phase
from monitor.model.reading import Collected, Reading
from monitor.model.snapshot import Snapshot
from monitor.model.state import UnitState
from monitor.model.text import clean
from monitor.model.unit import Level, Unit, Units
from monitor.model.verdict import CriterionState, Reason, Standing
from monitor.ports import Exporter, Page


@dataclass(frozen=True, slots=True)
class ExporterContext:
    """What the service hands to an exporter's `create(context)`."""

    version: str  # of denbao
    own_metrics: Callable[[], Awaitable[bytes]]  # the service's metrics about itself, Prometheus text
    # Ranks within one group of units: (unit, indicator or "score", rank). Pure and quick; may run in a thread.
    ranks: Callable[[Sequence[Unit], Mapping[str, UnitState]], Iterable[tuple[str, str, int]]] = lambda _, __: ()


__all__ = [
    "CATALOGUE",
    "Collected",
    "Colour",
    "CriterionState",
    "Exporter",
    "ExporterContext",
    "Incident",
    "Level",
    "Metric",
    "MetricKind",
    "Outcome",
    "Page",
    "Phase",
    "Reading",
    "Reason",
    "Snapshot",
    "Standing",
    "Topic",
    "Unit",
    "UnitState",
    "Units",
    "clean",
]
