"""From a role to the people who are called for it: the nearest unit with holders, and of them who is on duty.

Who is called changes at two sorts of instants only: where a schedule hands over, and on the local midnights on which
somebody begins or ceases to hold the role. `turns` goes from one to the next, so what is said of a stretch of time is
what `called` says at its beginning.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.alerting.plan import Directory, Recipient
from monitor.alerting.schedule import Duty, Schedule, on_duty
from monitor.model.hours import Calendar
from monitor.model.incident import Address
from monitor.model.masking import masked_name
from monitor.model.muting import Span


@dataclass(frozen=True, slots=True)
class Called:
    """Who is called for a role at an instant, and why."""

    role: str
    people: tuple[Recipient, ...]
    scope: str = ""  # unit for which they hold the role; empty: nobody holds it anywhere above
    schedule: Schedule | None = None  # that chose them
    duty: Duty | None = None


def called(directory: Directory, role: str, lineage: tuple[str, ...], at: datetime, calendar: Calendar) -> Called:
    """Who is called for a role at an instant: those on duty at the nearest unit of the lineage that has holders.

    A hole in a schedule is not filled from further up: the next step is for that.
    """
    day = calendar.local(at).date()
    for scope in lineage:
        people = directory.post(role, scope, day)
        schedule = directory.schedule(role, scope)
        if schedule is not None:
            duty = on_duty(schedule, at)
            on = tuple(person for person in people if person.id in duty.who)
            return Called(role, on, scope, schedule, duty)
        if people:
            return Called(role, people, scope)
    return Called(role, ())


def holds(
    directory: Directory, roles: str, lineage: tuple[str, ...], recipient: str, at: datetime, calendar: Calendar
) -> bool:
    """Whether somebody holds one of these roles (joined by commas) on the local day, anywhere on the lineage."""
    day = calendar.local(at).date()
    posts = (directory.post(role, scope, day) for role in roles.split(",") for scope in lineage)
    return any(person.id == recipient for people in posts for person in people)


def turns(
    directory: Directory, role: str, lineage: tuple[str, ...], start: datetime, end: datetime, calendar: Calendar
) -> Iterator[tuple[datetime, Called]]:
    """Who is called for a role from `start` to `end`: stretches with their beginnings; neighbours may be equal."""
    edges = [edge for edge in _midnights(directory, role, lineage, calendar) if start < edge < end]
    while start < end:
        found = called(directory, role, lineage, start, calendar)
        yield start, found
        number = bisect_right(edges, start)
        start = min((*edges[number : number + 1], *((found.duty.until,) if found.duty else ()), end))


def next_change(
    directory: Directory, role: str, lineage: tuple[str, ...], at: datetime, calendar: Calendar
) -> datetime | None:
    """The next instant at which somebody else may be called for a role; None where none is known."""
    duty = called(directory, role, lineage, at, calendar).duty
    ends = () if duty is None else (duty.until,)
    return min((*ends, *(edge for edge in _midnights(directory, role, lineage, calendar) if edge > at)), default=None)


def _midnights(directory: Directory, role: str, lineage: tuple[str, ...], calendar: Calendar) -> list[datetime]:
    """When somebody begins or ceases to hold a role, in order."""
    holders = (person for scope in lineage for person in directory.post(role, scope))
    days = {day for person in holders for day in (person.valid_from, person.valid_to) if day is not None}
    return sorted(calendar.start_of_day(day) for day in days)


def gaps(stretches: Iterable[tuple[datetime, bool]], end: datetime) -> tuple[Span, ...]:
    """The spans in which it is false. Each stretch begins at its instant and lasts to the next one or to `end`."""
    found: list[Span] = []
    begins: datetime | None = None
    for at, fine in stretches:
        if not fine:
            begins = begins or at
        elif begins is not None:
            found.append(Span(begins, at))
            begins = None
    return (*found, Span(begins, end)) if begins is not None else tuple(found)


def ways(person: Recipient, via: tuple[str, ...]) -> Iterable[Address]:
    """Channels of the step that the person has; otherwise the person's first one, rather than none."""
    channels = [channel for channel in via if channel in person.channels] or person.channels[:1]
    return (Address(person.id, channel) for channel in channels)


def personal(person: Recipient, directory: Directory) -> bool:
    """Whether the name is a person's and not the title of the post."""
    return person.name not in directory.roles.get(person.role, ())


def discreet(directory: Directory) -> Directory:
    """The same with initials for the names of persons, for what is listed or logged."""
    people = directory.recipients
    shown = (replace(one, name=masked_name(one.name)) if personal(one, directory) else one for one in people)
    return replace(directory, recipients=tuple(shown))
