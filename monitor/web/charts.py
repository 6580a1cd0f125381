"""Small pictures as plain geometry; the templates draw them as SVG, the style sheet gives them their colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.model.colour import Colour
from monitor.model.reading import Reading
from monitor.model.state import Transition

WIDTH = 1000.0  # units of the drawing, stretched to the page
SPARK = (120.0, 28.0)  # width and height of a trend line
_EDGE = 3.0


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of one colour."""

    x: float
    width: float
    colour: Colour
    since: datetime


def timeline(transitions: Sequence[Transition], now: datetime) -> tuple[Segment, ...]:
    """The colours of a unit from its first known change until now; `transitions` newest first."""
    changes = [change for change in reversed(transitions) if not change.criterion]
    if not changes or changes[0].at >= now:
        return ()
    start, whole = changes[0].at, (now - changes[0].at).total_seconds()
    ends = [change.at for change in changes[1:]] + [now]
    return tuple(
        Segment(
            x=round((change.at - start).total_seconds() / whole * WIDTH, 2),
            width=round((end - change.at).total_seconds() / whole * WIDTH, 2),
            colour=change.after,
            since=change.at,
        )
        for change, end in zip(changes, ends, strict=True)
    )


Part = tuple[Colour, float, float]  # colour, x, width


def bar(counts: Sequence[tuple[Colour, int]]) -> tuple[Part, ...]:
    """Shares side by side."""
    total = sum(count for _, count in counts) or 1
    parts, x = [], 0.0
    for colour, count in counts:
        width = count / total * WIDTH
        parts.append((colour, round(x, 2), round(width, 2)))
        x += width
    return tuple(parts)


def sparkline(readings: Sequence[Reading]) -> str:
    """Points of a trend line through numeric readings, newest first; empty when there are fewer than two."""
    values = [
        float(reading.value)
        for reading in reversed(readings)
        if isinstance(reading.value, (int, float)) and not isinstance(reading.value, bool)
    ]
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    width, height = SPARK[0] - 2 * _EDGE, SPARK[1] - 2 * _EDGE
    rise = [(value - low) / (high - low) if high > low else 0.5 for value in values]
    step = width / (len(values) - 1)
    return " ".join(
        f"{_EDGE + number * step:.1f},{_EDGE + height * (1 - share):.1f}" for number, share in enumerate(rise)
    )
