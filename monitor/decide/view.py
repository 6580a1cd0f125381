"""What one decision may look at besides the policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monitor.model.reading import Reading, SourceHealth
from monitor.model.rolling import Answer
from monitor.model.state import UnitState


@dataclass(frozen=True, slots=True)
class View:
    """What one decision may look at besides the policy."""

    state: UnitState
    news: tuple[Reading, ...] = ()
    children: tuple[UnitState, ...] = ()
    systems: Mapping[str, UnitState] = field(default_factory=dict)
    health: Mapping[str, SourceHealth] = field(default_factory=dict)
    # When this very policy made this very state out of judging; None: every criterion is judged anew.
    judged_at: datetime | None = None
    answers: tuple[Answer, ...] = ()  # of the unit's probes, oldest first
    above: tuple[UnitState, ...] = ()  # its parent, its parent's parent and so on; read where a site collapses
