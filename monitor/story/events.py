"""What happens in the story, as facts to show. All instants are aware UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from monitor.model.colour import Colour
from monitor.model.incident import Notice
from monitor.model.verdict import Counts

Pair = tuple[str, str]  # Vietnamese, English


@dataclass(frozen=True, slots=True)
class Goal:
    """How one of the province's two goals stands."""

    criterion: str
    title: Pair
    value: float | None  # per cent
    colour: Colour
    deadline: datetime | None  # first instant that is too late
    working_days_left: int | None
    overdue: bool


@dataclass(frozen=True, slots=True)
class Board:
    """The province at one moment."""

    at: datetime
    communes: Counts
    colour: Colour
    score: float | None  # ratio 0 to 1
    goals: tuple[Goal, ...]
    open_incidents: int


@dataclass(frozen=True, slots=True)
class Change:
    """A unit, or one criterion of the province, has another colour."""

    at: datetime
    unit: str
    name: Pair
    criterion: str  # empty: the unit itself
    title: Pair
    before: Colour
    after: Colour
    why: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A message went out. `shown` is what the log channel printed."""

    at: datetime
    notice: Notice
    role: str
    shown: str


@dataclass(frozen=True, slots=True)
class Answered:
    """Somebody acknowledged an incident. `spared` are the calls that are not made because of it."""

    at: datetime
    unit: str
    cause: str
    ref: str
    actor: str
    note: str
    spared: tuple[datetime, ...]


Event = Board | Change | Told | Answered
