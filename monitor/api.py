"""The public names for exporters and plug-ins. What is not here may change without notice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from monitor.engine.index import IndexPoints
from monitor.engine.rank import NO_FIGURE, NO_RANKING, Figure, Ranking
from monitor.model.catalogue import CATALOGUE, Metric, MetricKind, Topic
from monitor.model.colour import Colour
from monitor.model.incident import Incident, Outcome, Phase
from monitor.model.reading import Collected, Reading
from monitor.model.snapshot import Snapshot
from monitor.model.state import UnitState
from monitor.model.text import clean
from monitor.model.unit import Level, Unit, Units
from monitor.model.verdict import CriterionState, Reason, Standing
from monitor.ports import Complaining, Exporter, Page, Preparing
from monitor.reporting.exposition import (
    END,
    OPENMETRICS,
    TEXT,
    Family,
    Fragment,
    Labels,
    Samples,
    gzipped,
    head,
    pack,
    packed_head,
    rendered,
    wants_gzip,
    wants_openmetrics,
)


@dataclass(frozen=True, slots=True)
class ExporterContext:
    """What the service hands to an exporter's `create(context)`."""

    version: str  # of denbao
    # The service's metrics about itself: as Prometheus text, or (True) as OpenMetrics without its end.
    own_metrics: Callable[[bool], Awaitable[bytes]]
    ranking: Ranking = NO_RANKING  # how units of one group are ranked
    max_series: int = 500_000  # of units and totals on one page


__all__ = [
    "CATALOGUE",
    "END",
    "NO_FIGURE",
    "OPENMETRICS",
    "TEXT",
    "Collected",
    "Colour",
    "Complaining",
    "CriterionState",
    "Exporter",
    "ExporterContext",
    "Family",
    "Figure",
    "Fragment",
    "Incident",
    "IndexPoints",
    "Labels",
    "Level",
    "Metric",
    "MetricKind",
    "Outcome",
    "Page",
    "Phase",
    "Preparing",
    "Ranking",
    "Reading",
    "Reason",
    "Samples",
    "Snapshot",
    "Standing",
    "Topic",
    "Unit",
    "UnitState",
    "Units",
    "clean",
    "gzipped",
    "head",
    "pack",
    "packed_head",
    "rendered",
    "wants_gzip",
    "wants_openmetrics",
]
