"""What a plan waits for after the clock was set back: as far ahead as it was, and not an hour more.

Only what is counted from an instant moves: steps after so many minutes, repeats, the end of an answer. What the local
clock names (office hours, hours of a step, reminders before a date) stays where it is. Who sleeps, or is to be on duty
later, is asked for again: the end of their quiet hours was that of another day.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.model.incident import Incident, Step
from monitor.model.state import AuditEntry, Decision, UnitState


def hastened_plans(state: UnitState, by: float, now: datetime) -> Decision | None:
    """The unit's plans after the clock was set back by so many seconds (0: nobody knows); None: nothing changes."""
    known = timedelta(seconds=by)
    sooner = {cause: hastened(one, known or one.opened_at - now, now) for cause, one in state.incidents.items()}
    changed = tuple(one for cause, one in sooner.items() if one != state.incidents[cause])
    if not changed:
        return None
    entries = tuple(AuditEntry(now, "denbao", "clock set back", one.key, f"{by:.0f} s") for one in changed)
    return Decision(state, replace(state, incidents=sooner), incidents=changed, audit=entries)


def hastened(incident: Incident, by: timedelta, now: datetime) -> Incident:
    """The incident after our clock was set back by so much, to `now`."""
    if by <= timedelta(0):
        return incident

    def sooner(at: datetime | None) -> datetime | None:
        return at if at is None or at <= now else max(now, at - by)

    dated = "deadline" in incident.facts
    steps = tuple(step if dated or _named(step) else _sooner(step, sooner) for step in incident.steps)
    well, paused = incident.well_since, incident.paused_since
    return replace(
        incident,
        steps=steps,
        answers=tuple(replace(answer, until=sooner(answer.until)) for answer in incident.answers),
        acked_until=sooner(incident.acked_until),
        remind_at=sooner(incident.remind_at),
        well_since=min(well, now) if well else None,
        paused_since=paused and paused - by,
    )


def _named(step: Step) -> bool:
    return step.office_hours or step.hours is not None


def _sooner(step: Step, sooner: Callable[[datetime | None], datetime | None]) -> Step:
    """Who is asleep or not there at that instant is waited for again, until an instant of the clock as it is now."""
    return replace(step, due_at=sooner(step.due_at) or step.due_at, held_until=sooner(step.held_until))
