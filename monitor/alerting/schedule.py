"""On-call schedules: who of the holders of a role is on duty at an instant.

At each instant exactly one line of a schedule answers, the first of these that has anything to say: an override, the
roster, the rotations in their order. Where none has, there is a hole. Everything is local time, turned into instants
day by day: a hand-over at an hour that clocks skip is at the end of the gap, at one that they show twice it is the
first time. Who comes next is counted in local days since the start, so no change of the clock skips or doubles a turn.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from monitor.model.hours import Daily, first_instant

_DAY = timedelta(days=1)


class Line(StrEnum):
    """What answered for a schedule."""

    OVERRIDE = "override"
    ROSTER = "roster"
    ROTATION = "rotation"
    HOLE = "hole"


@dataclass(frozen=True, slots=True)
class Rotation:
    """People who take turns, each for `days` local days from `at` to `at`."""

    members: tuple[str, ...]  # recipient ids, in order
    starts: date  # local day of the first turn
    at: time = time(7, 30)  # local time of the hand-over
    days: int = 7
    hours: Daily | None = None  # on duty only in these hours of each day; None: all day

    def turn(self, now: datetime, zone: ZoneInfo) -> tuple[str | None, datetime]:
        """Who has the turn, if anybody yet, and when this ends; whatever the hours are."""
        first = self._begins(self.starts, zone)
        if now < first:
            return None, first
        today = now.astimezone(zone).date()
        # The hand-over of today may lie ahead, and a day may have none of its own.
        number = max(n for n in self._around(today) if self._begins(self._day(n), zone) <= now)
        return self.members[number % len(self.members)], self._begins(self._day(number + 1), zone)

    def _around(self, today: date) -> range:
        number = (today - self.starts).days // self.days
        return range(max(number - 2, 0), max(number, 0) + 2)

    def _day(self, number: int) -> date:
        return self.starts + number * self.days * _DAY

    def _begins(self, day: date, zone: ZoneInfo) -> datetime:
        return first_instant(datetime.combine(day, self.at), zone)


@dataclass(frozen=True, slots=True)
class Spell:
    """Somebody on duty from one instant (counted) to another (not counted); a line of a roster, or an override."""

    starts: datetime  # aware UTC
    ends: datetime
    who: tuple[str, ...]  # recipient ids


@dataclass(frozen=True, slots=True)
class Duty:
    """Who is on duty, until when this is so at the least, and what says it."""

    who: tuple[str, ...]
    until: datetime
    line: Line


@dataclass(frozen=True, slots=True)
class Schedule:
    """Who of the holders of one role at one unit is on duty when. Spells are in order of their start."""

    id: str
    role: str
    scope: str
    zone: ZoneInfo
    rotations: tuple[Rotation, ...] = ()
    roster: tuple[Spell, ...] = ()  # do not overlap
    overrides: tuple[Spell, ...] = ()  # do not overlap

    @property
    def members(self) -> tuple[str, ...]:
        """Everybody who is ever on duty."""
        spelled = (who for spell in (*self.overrides, *self.roster) for who in spell.who)
        return tuple(dict.fromkeys((*(who for rotation in self.rotations for who in rotation.members), *spelled)))


def on_duty(schedule: Schedule, now: datetime) -> Duty:
    """Who is on duty at an aware instant. `until` lies after it; the answer after it may be the same one."""
    edges = [now + 400 * _DAY]
    for spells, line in ((schedule.overrides, Line.OVERRIDE), (schedule.roster, Line.ROSTER)):
        spell, until = _spell(spells, now)
        edges += [until] if until else []
        if spell is not None:
            return Duty(spell.who, min(edges), line)
    for rotation in schedule.rotations:
        member, until = rotation.turn(now, schedule.zone)
        edges.append(until)
        if member is None:
            continue
        ends = rotation.hours.end_of(now, schedule.zone) if rotation.hours else until
        if ends is not None:
            return Duty((member,), min(*edges, ends), Line.ROTATION)
        assert rotation.hours is not None
        edges.append(rotation.hours.next_in(now, schedule.zone))
    return Duty((), min(edges), Line.HOLE)


def _spell(spells: Sequence[Spell], now: datetime) -> tuple[Spell | None, datetime | None]:
    """The spell that runs, and when it ends; otherwise when the next one starts."""
    number = bisect_right(spells, now, key=lambda spell: spell.starts)
    if number and now < spells[number - 1].ends:
        return spells[number - 1], spells[number - 1].ends
    return None, spells[number].starts if number < len(spells) else None


def overlapping(spells: Sequence[Spell]) -> int | None:
    """The number of the first spell, in order of start, that begins before the one before it ends."""
    return next((n for n in range(1, len(spells)) if spells[n].starts < spells[n - 1].ends), None)
