"""Committed facts for whoever shows them: the board's stream, the exporters, the sender."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from monitor.model.state import Decision

log = logging.getLogger(__name__)


class EventHub:
    """Hands every committed batch to its listeners, at once and in commit order."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[Sequence[Decision]], None]] = []

    def listen(self, listener: Callable[[Sequence[Decision]], None]) -> None:
        """Call `listener` with every batch from now on; it must be quick."""
        self._listeners.append(listener)

    def publish(self, decisions: Sequence[Decision]) -> None:
        """Called after a commit. A listener that breaks costs itself this batch, nobody else."""
        for listener in self._listeners:
            try:
                listener(decisions)
            except Exception:
                log.exception("a listener broke on a committed batch")
