"""A probe always answers: up or down is the reading, why it is down is the reading's note."""

from __future__ import annotations

from datetime import datetime

from monitor.config.spec import ProbeSpec
from monitor.model.reading import Collected, Reading
from monitor.model.text import clean


def result(spec: ProbeSpec, now: datetime, problem: str, seconds: float) -> Collected:
    """One reading of the probe's yes/no indicator; `problem` is empty when the target is well."""
    reading = Reading(
        unit=spec.unit,
        indicator=spec.gives,
        value=not problem,
        as_of=now,
        received_at=now,
        source=spec.id,
        note=clean(problem),
    )
    return Collected(spec.id, now, (reading,), duration=seconds)
