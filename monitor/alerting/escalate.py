"""Escalation: a policy frozen into steps when an incident opens, and which of them are due.

A step is called at its instant and, if it repeats, again and again until somebody answers. Calls that were missed
collapse into one. A step that reaches nobody is passed over: the next one is called at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from monitor.alerting.plan import Directory, Policy, Recipient, StepSpec
from monitor.model.hours import Sessions, first_instant
from monitor.model.incident import Address, Incident, Kind, Party, Phase, Step, Terms
from monitor.model.unit import Level

_REPORT_AFTER = timedelta(hours=2)  # an outage is reported back within two hours
_NOON = 12  # a figure that is told in the afternoon is answered on the next working day
_HORIZON = 400  # days searched for an open office


@dataclass(frozen=True, slots=True)
class Call:
    """One call of one step that fell due."""

    step: int  # index in the plan
    repeat: int  # 0 for the first call
    at: datetime  # when it was due
    to: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class Fired:
    """What falling due made of a plan."""

    steps: tuple[Step, ...]
    calls: tuple[Call, ...] = ()
    empty: tuple[Step, ...] = ()  # due, but nobody to call


def choose(directory: Directory, kind: Kind, level: Level, cause: str) -> Policy | None:
    """The first policy that matches."""
    return next((policy for policy in directory.policies if policy.matches(kind, level, cause)), None)


def freeze(
    policy: Policy,
    directory: Directory,
    lineage: tuple[str, ...],
    sessions: Sessions,
    now: datetime,
    reminders: tuple[datetime, ...] = (),
    not_before: datetime | None = None,
) -> tuple[Step, ...]:
    """The steps of a policy as instants and addresses, in order of time. Later edits of the site do not reach it.

    `reminders` are the instants of the steps that follow a deadline; without any such a step counts from `now`.
    """
    steps = [
        Step(
            max(at, not_before or at),
            _addresses(spec, directory, lineage),
            ",".join(spec.to),
            spec.repeat,
            office_hours=spec.office_hours,
        )
        for spec in policy.steps
        for at in _instants(spec, sessions, now, reminders)
    ]
    return tuple(sorted(steps, key=lambda step: step.due_at))


def _instants(
    spec: StepSpec, sessions: Sessions, now: datetime, reminders: tuple[datetime, ...]
) -> tuple[datetime, ...]:
    if spec.reminders and reminders:
        return reminders
    return (_waits(now + timedelta(seconds=spec.after), spec.office_hours, sessions),)


def _addresses(spec: StepSpec, directory: Directory, lineage: tuple[str, ...]) -> tuple[Address, ...]:
    holders = (person for role in spec.to for person in directory.holders(role, lineage))
    return tuple(dict.fromkeys(address for person in holders for address in _ways(person, spec.via)))


def _ways(person: Recipient, via: tuple[str, ...]) -> Iterable[Address]:
    """Channels of the step that the person has; otherwise the person's first one, rather than none."""
    channels = [channel for channel in via if channel in person.channels] or person.channels[:1]
    return (Address(person.id, channel) for channel in channels)


def reminder_instants(
    deadline: datetime, remind_days: Collection[int], sessions: Sessions, now: datetime
) -> tuple[datetime, ...]:
    """When to remind: at the opening of the office with exactly N working days left, for each N that lies ahead.

    If a reminder has already passed, one comes at once (in office hours). None lies on or after `deadline`.
    """
    calendar = sessions.calendar
    too_late = calendar.local(deadline).date()
    days = (calendar.add_working_days(too_late, -n) for n in remind_days if n > 0)
    planned = sorted({working(calendar.start_of_day(day), sessions) for day in days})
    ahead = [at for at in planned if now < at < deadline]
    at_once = working(now, sessions)
    if len(ahead) < len(planned) and at_once < deadline:
        ahead.insert(0, at_once)
    return tuple(sorted(set(ahead)))


def working(at: datetime, sessions: Sessions) -> datetime:
    """`at` or the next opening of the office; `at` itself where no office opens within a year."""
    return sessions.next_working_instant(at) or at


def _waits(at: datetime, office_hours: bool, sessions: Sessions) -> datetime:
    return working(at, sessions) if office_hours else at


def finished(step: Step) -> bool:
    """True when the step calls nobody any more."""
    return step.fired > 0 and step.repeat is None


def due(step: Step, now: datetime) -> bool:
    """True when the step's next call is owed."""
    return not finished(step) and step.due_at <= now


def next_call(incident: Incident) -> datetime | None:
    """When somebody is called next if nobody answers; None when nobody is."""
    if incident.phase is not Phase.OPEN:
        return None
    return min((step.due_at for step in incident.steps if not finished(step)), default=None)


def terms_of(policy: Policy, directory: Directory, lineage: tuple[str, ...]) -> Terms:
    """What a policy says of answering and ending, with the people who hold its parties' roles now.

    A party that nobody holds is left out: nobody could answer for it.
    """
    spec = policy.terms
    held = {name: _holders(roles, directory, lineage) for name, roles in spec.parties.items()}
    parties = tuple(Party(name, people) for name, people in held.items() if people)
    return Terms(spec.close_after, spec.review, spec.ack_expires, spec.ack_remind, parties)


def _holders(roles: tuple[str, ...], directory: Directory, lineage: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(person.id for role in roles for person in directory.holders(role, lineage)))


def fire(
    steps: tuple[Step, ...],
    known: Collection[str],
    sessions: Sessions,
    now: datetime,
    answered: Collection[str] = (),
) -> Fired:
    """Call all that is due. `known` are the recipients who can still be reached, `answered` need not be called.

    Somebody whom several steps call at the same time hears only the highest of them.
    """
    plan, calls, empty = list(steps), list[Call](), list[Step]()
    for index, step in enumerate(plan):  # sees what the passes below change
        if not due(step, now):
            continue
        reached = [address for address in step.to if address.recipient in known]
        if reached:
            to = tuple(address for address in reached if address.recipient not in answered)
            calls.extend([Call(index, step.fired, step.due_at, to)] if to else [])
            plan[index] = _advance(step, sessions, now)
        else:
            empty.append(step)
            plan[index] = replace(step, fired=step.fired + 1, repeat=None)
            _call_next_at_once(plan, index, now)
    return Fired(tuple(plan), _highest(calls), tuple(empty))


def _advance(step: Step, sessions: Sessions, now: datetime) -> Step:
    if step.repeat is None:
        return replace(step, fired=step.fired + 1)
    every = timedelta(seconds=step.repeat)
    missed = (now - step.due_at) // every
    following = _waits(step.due_at + (missed + 1) * every, step.office_hours, sessions)
    return replace(step, fired=step.fired + 1, due_at=following)


def _call_next_at_once(plan: list[Step], index: int, now: datetime) -> None:
    for later in range(index + 1, len(plan)):
        if plan[later].fired == 0:
            plan[later] = replace(plan[later], due_at=min(plan[later].due_at, now))
            return


def _highest(calls: list[Call]) -> tuple[Call, ...]:
    told: set[Address] = set()
    kept: list[Call] = []
    for call in reversed(calls):
        to = tuple(address for address in call.to if address not in told)
        told.update(to)
        if to:
            kept.append(replace(call, to=to))
    return tuple(reversed(kept))


def report_by(kind: Kind, sessions: Sessions, now: datetime) -> datetime:
    """When the result is to be reported back: two hours for an outage or many, otherwise the close of an office day.

    That is today before noon, the next office day afterwards.
    """
    if kind in (Kind.OUTAGE, Kind.MASS):
        return now + _REPORT_AFTER
    local = sessions.calendar.local(now)
    for ahead in range(local.hour >= _NOON, _HORIZON):
        day = local.date() + timedelta(days=ahead)
        if opened := sessions.on(day):
            closes = opened[-1][1]
            last = day if closes > time.min else day + timedelta(days=1)
            return first_instant(datetime.combine(last, closes), sessions.calendar.zone)
    return now + timedelta(days=1)
