"""What is remembered of a probe's answers: sums of each hour and of each local day, from which figures are derived.

`monitor.engine.rolling` says how they grow and what is read from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

Stretch = tuple[datetime, datetime]  # from (counted) to (not counted), aware UTC


@dataclass(frozen=True, slots=True)
class Answer:
    """What one poll of a probe adds. A poll that could not ask, or is not believed, is no answer."""

    unit: str
    source: str  # id of the probe
    at: datetime  # aware UTC, when the poll began
    good: bool  # what the poll as a whole says, after all attempts
    seconds: float | None = None  # how long a good answer took; a bad one has no latency
    sent: int = 1  # packets of a ping; attempts of other kinds
    lost: int = 0  # those of them that came to nothing


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums of one stretch of time."""

    start: int  # the hour, counted from 1970 in UTC; or the ordinal of the local day (`date.toordinal`)
    up: float = 0.0  # seconds
    down: float = 0.0  # seconds
    excluded: float = 0.0  # seconds of planned maintenance, neither up nor down
    sent: int = 0
    lost: int = 0
    latencies: Mapping[int, int] = field(default_factory=dict)  # class of latency -> good answers


@dataclass(frozen=True, slots=True)
class Tier:
    """The open stretch and those before it."""

    since: float  # seconds since 1970: when measuring began
    open: Tally
    closed: bytes = b""  # packed tallies, oldest first: 20 times smaller than as objects


@dataclass(frozen=True, slots=True)
class Rolling:
    """All that is remembered of one probe at one unit."""

    at: float  # seconds since 1970: the last answer
    good: bool  # what it said
    run: float  # seconds since 1970: since when all answers say so
    hours: Tier | None = None  # None: no derived figure asks for them
    days: Tier | None = None
