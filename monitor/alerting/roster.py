"""From a role to the people who are called for it: the nearest unit with holders, and of them who is on duty."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from monitor.alerting.plan import Directory, Recipient
from monitor.alerting.schedule import Duty, Schedule, on_duty
from monitor.model.hours import Calendar
from monitor.model.incident import Address


@dataclass(frozen=True, slots=True)
class Called:
    """Who is called for a role at an instant, and why."""

    role: str
    people: tuple[Recipient, ...]
    scope: str = ""  # unit for which they hold the role; empty: nobody holds it anywhere above
    schedule: Schedule | None = None  # that chose them
    duty: Duty | None = None

    @property
    def hole(self) -> bool:
        """Whether the role has holders, and nobody of them is on duty."""
        return self.duty is not None and not self.people


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


def ways(person: Recipient, via: tuple[str, ...]) -> Iterable[Address]:
    """Channels of the step that the person has; otherwise the person's first one, rather than none."""
    channels = [channel for channel in via if channel in person.channels] or person.channels[:1]
    return (Address(person.id, channel) for channel in channels)
