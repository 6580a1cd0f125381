"""Escalation: a policy frozen into steps when an incident opens, and which of them are due.

A step is called at its instant and, if it repeats, again and again until somebody answers. Calls that were missed
collapse into one. Quiet hours hold a call back until they end; what is over or answered by then is not told.

A step that reaches nobody is passed over: the next one is called at once, or as soon as its own hours begin. A reminder
of a deadline keeps its day. Where nobody further on is left to be called, the step waits until somebody is on duty or
holds the post; and what repeats is tried again each time.

Whom a step calls is frozen for the instant at which it is due. Where it is called at another one, those are called who
are there then.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from monitor.alerting.plan import Directory, Policy, Recipient, StepSpec
from monitor.alerting.roster import Called, called, holds, next_change, ways
from monitor.model.colour import Colour
from monitor.model.hours import Calendar, Daily, Sessions, first_instant
from monitor.model.incident import Address, Incident, Kind, Phase, Step
from monitor.model.unit import Level

_REPORT_AFTER = timedelta(hours=2)  # an outage is reported back within two hours
_NOON = 12  # a figure that is told in the afternoon is answered on the next working day
_HORIZON = 400  # days searched for an open office
_TRIES = 40  # days on which a step's own hours and those of the office may meet
NOBODY = "nobody"  # why a call reached nobody, as Step.skipped says it
SPARED = "told by a wider trouble"  # ... and why a step calls nobody any more
UNSEEN = "unseen"  # ... the step is only for what can be seen then
ANSWERED = "answered"  # ... whom it calls have answered, and others must still
LATER_STEP = "told by a later step"  # ... the same people are called by that one in the same moment
_NEVER: Mapping[str, Daily] = MappingProxyType({})
_OWN: Mapping[Address, Address] = MappingProxyType({})


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
    colour: Colour | None = None,
    not_before: datetime | None = None,
) -> tuple[Step, ...]:
    """The steps of a policy as instants and addresses, in order of time. Later edits of the site do not reach it.

    `reminders` are the instants of the steps that follow a deadline; without any such a step counts from `now`. Of a
    schedule the answer is frozen that it gives for the instant at which the step is due. Steps that are for other
    colours than `colour` are left out.
    """
    steps = [
        _frozen(spec, at, directory, lineage, sessions, dated=spec.reminders and bool(reminders))
        for spec in policy.steps
        if colour is None or not spec.colours or colour in spec.colours
        for at in _instants(spec, sessions, now, reminders, not_before)
    ]
    return tuple(sorted(steps, key=lambda step: step.due_at))


def _frozen(
    spec: StepSpec, at: datetime, directory: Directory, lineage: tuple[str, ...], sessions: Sessions, *, dated: bool
) -> Step:
    found = [called(directory, role, lineage, at, sessions.calendar) for role in spec.to]
    return Step(
        at,
        _addresses(found, spec.via),
        ",".join(spec.to),
        spec.repeat,
        office_hours=spec.office_hours,
        via=spec.via,
        duty=any(each.schedule is not None for each in found),
        hours=spec.hours,
        still=spec.still,
        dated=dated,
    )


def _instants(
    spec: StepSpec, sessions: Sessions, now: datetime, reminders: tuple[datetime, ...], not_before: datetime | None
) -> tuple[datetime, ...]:
    planned = reminders if spec.reminders and reminders else (now + timedelta(seconds=spec.after),)
    return tuple(dict.fromkeys(_waits(max(at, not_before or at), spec, sessions) for at in planned))


def _addresses(found: Iterable[Called], via: tuple[str, ...]) -> tuple[Address, ...]:
    people = (person for each in found for person in each.people)
    return tuple(dict.fromkeys(address for person in people for address in ways(person, via)))


def refreshed(
    steps: tuple[Step, ...], directory: Directory, lineage: tuple[str, ...], calendar: Calendar, now: datetime
) -> tuple[Step, ...]:
    """The plan with those whom the steps that are due call now.

    A step keeps the people that were frozen into it, with these exceptions: where somebody does not hold the role or
    have the channel any more, or nobody did, those are called who hold it now; a repeat, and a call that comes after
    the turn of duty in which it was due, goes to whoever is on duty by then.
    """
    day = calendar.local(now).date()

    def reached(step: Step, address: Address) -> bool:
        person = directory.person(address.recipient, day)
        there = person is not None and address.channel in person.channels
        return there and holds(directory, step.role, lineage, address.recipient, now, calendar)

    def handed_over(step: Step) -> bool:
        found = (called(directory, role, lineage, step.due_at, calendar) for role in step.role.split(","))
        return any(each.duty is not None and each.duty.until <= now for each in found)

    def outdated(step: Step) -> bool:
        gone = not step.to or not all(reached(step, address) for address in step.to)
        return gone or (step.duty and (step.fired > 0 or handed_over(step)))

    return tuple(
        resolved(step, directory, lineage, calendar, now) if due(step, now) and outdated(step) else step
        for step in steps
    )


def awaiting(
    steps: tuple[Step, ...], directory: Directory, lineage: tuple[str, ...], sessions: Sessions, now: datetime
) -> tuple[Step, ...]:
    """The plan after its calls. A step that is still due found nobody and has none behind it: it waits until that may
    be different. Where nothing is known of such an instant it is tried again if it repeats, and over otherwise."""
    return tuple(_until_somebody(step, directory, lineage, sessions, now) if due(step, now) else step for step in steps)


def _until_somebody(
    step: Step, directory: Directory, lineage: tuple[str, ...], sessions: Sessions, now: datetime
) -> Step:
    changes = (next_change(directory, role, lineage, now, sessions.calendar) for role in step.role.split(","))
    again = min((at for at in changes if at is not None), default=None)
    if again is not None:
        at = _waits(working(again, sessions) if step.dated else again, step, sessions)
        return replace(step, due_at=at, fixed=True)
    return replace(_advance(step, sessions, now), skipped=NOBODY)


def resolved(step: Step, directory: Directory, lineage: tuple[str, ...], calendar: Calendar, at: datetime) -> Step:
    """The step with those whom it calls at an instant. Of a call that was held, those of them who were not called yet:
    who took over from somebody who was held hears in their place."""
    if not step.via:  # frozen by a version that did not remember by which channels
        return step
    to = _addresses([called(directory, role, lineage, at, calendar) for role in step.role.split(",")], step.via)
    held = step.held and (tuple(one for one in to if one in step.held or one not in step.to) or step.held)
    return replace(step, to=to, held=held)


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


def _waits(at: datetime, step: Step | StepSpec, sessions: Sessions) -> datetime:
    """The first instant from `at` on that is in the hours of a step and in those of the office, if it asks for them.

    Where the two never meet within some weeks, its own hours count.
    """
    found = at
    for _ in range(_TRIES):
        inside = working(found, sessions) if step.office_hours else found
        found = step.hours.next_in(inside, sessions.calendar.zone) if step.hours else inside
        if found == inside:
            return found
    return step.hours.next_in(at, sessions.calendar.zone) if step.hours else at


def _opens(step: Step, sessions: Sessions) -> bool:
    """Whether a step is due because its hours begin then."""
    return not in_hours(step, step.due_at - timedelta(seconds=1), sessions)


def in_hours(step: Step, at: datetime, sessions: Sessions) -> bool:
    """Whether an instant lies in the hours of a step. What is due at another one cannot be called within them."""
    return _waits(at, step, sessions) <= at


def postponed(
    steps: tuple[Step, ...],
    since: datetime,
    sessions: Sessions,
    until: datetime,
    whom: Callable[[Step, datetime], Step],
) -> tuple[Step, ...]:
    """The plan after it stood still from `since` to `until`: what is due after so many minutes comes as much later.

    What had fallen due before is due at once. A reminder keeps its day, what waits for the opening of its hours or for
    another instant of the clock keeps that, and what quiet hours hold waits for their end.
    """
    lost = max(until - since, timedelta(0))

    def later(step: Step) -> Step:
        if finished(step) or step.dated or step.fixed or step.due_at <= since or _opens(step, sessions):
            return step
        at = _waits(step.due_at + lost, step, sessions)
        return replace(whom(replace(step, due_at=at), at), held=step.held)

    return tuple(later(step) for step in steps)


def finished(step: Step) -> bool:
    """True when the step calls nobody any more."""
    return step.fired > 0 and step.repeat is None


def due(step: Step, now: datetime) -> bool:
    """True when the step's next call is owed, or the end of somebody's quiet hours has come."""
    return _falls_due(step, now) or _let_go(step, now)


def _falls_due(step: Step, now: datetime) -> bool:
    return not finished(step) and step.due_at <= now


def _let_go(step: Step, now: datetime) -> bool:
    return step.held_until is not None and step.held_until <= now


def _put_off(step: Step, at: datetime, now: datetime) -> Step:
    """The step with what is due of it due at a later instant: when its hours begin, or somebody's quiet hours end."""
    if _falls_due(step, now):
        return replace(step, due_at=at, fixed=True, held=(), held_until=None)
    return replace(step, held_until=at)


def next_call(incident: Incident) -> datetime | None:
    """When somebody is called next if nobody answers; None when nobody is."""
    if incident.phase is not Phase.OPEN:
        return None
    own = [step.due_at for step in incident.steps if not finished(step)]
    held = [step.held_until for step in incident.steps if step.held_until is not None]
    return min((*own, *held), default=None)


def fire(
    steps: tuple[Step, ...],
    known: Collection[str],
    sessions: Sessions,
    now: datetime,
    answered: Collection[str] = (),
    *,
    seen: bool = True,
    quiet: Mapping[str, Daily] = _NEVER,
    whom: Callable[[Step, datetime], Step] = lambda step, _: step,
) -> Fired:
    """Call all that is due. `known` are the recipients who can still be reached, `answered` need not be called.

    Somebody whom several steps call at the same time hears only the highest of them. Who has quiet hours now, by
    `quiet`, is called once at their end. What is late waits for the hours of its step; where all of these are quiet
    hours, it is called when the quiet hours end. Steps that are only for what is `seen` are passed over when it is not.
    `whom` gives a step that is moved to another instant the people whom it calls then.
    """
    plan, calls, empty, zone = list(steps), list[Call](), list[Step](), sessions.calendar.zone
    asleep = {person: ends for person, hours in quiet.items() if (ends := hours.end_of(now, zone)) is not None}

    for index, step in enumerate(plan):  # sees what the passes below change
        if not due(step, now):
            continue
        first = _falls_due(step, now)
        at, repeat = (step.due_at, step.fired) if first else (step.held_until or now, step.fired - 1)
        if in_hours(step, at, sessions) and (opens := _waits(now, step, sessions)) > now:  # late, and outside its hours
            plan[index] = whom(_put_off(step, opens, now), opens)
            continue
        if step.still and not seen:
            plan[index] = replace(_advance(step, sessions, now), skipped=UNSEEN)
            continue
        reached = [address for address in (step.to if first else step.held) if address.recipient in known]
        if not reached and first:
            empty.append(step)
            later = _call_next_at_once(plan, index, sessions, now, whom)
            plan[index] = _passed(step, sessions, now, later=later)
            continue
        to = [address for address in reached if address.recipient not in answered]
        held = tuple(address for address in to if address.recipient in asleep)
        ends = min((asleep[address.recipient] for address in held), default=None)
        until = ends and _awake(whom, replace(step, held=held), ends, known, sessions, quiet)
        if first and until is not None and len(held) == len(to):
            plan[index] = whom(_put_off(step, until, now), until)  # nobody hears it before
            continue
        loud = tuple(address for address in to if address not in held)
        calls.extend([Call(index, repeat, at, loud)] if loud else [])
        called = replace(_advance(step, sessions, now) if first else step, held=held, held_until=until)
        plan[index] = replace(called, skipped="" if to else ANSWERED if reached else NOBODY)
    return heard_once(Fired(tuple(plan), tuple(calls), tuple(empty)))


def _awake(
    whom: Callable[[Step, datetime], Step],
    step: Step,
    ends: datetime,
    known: Collection[str],
    sessions: Sessions,
    quiet: Mapping[str, Daily],
) -> datetime:
    """When a step is called that quiet hours hold until `ends`: in its own hours, if somebody hears it there."""
    opens = _waits(ends, step, sessions)
    there = (quiet.get(one.recipient) for one in whom(step, opens).held if one.recipient in known)
    hears = any(hours is None or hours.end_of(opens, sessions.calendar.zone) is None for hours in there)
    return opens if hears else ends


def heard_once(fired: Fired, telephones: Mapping[Address, Address] = _OWN) -> Fired:
    """Whom several steps call at the same time hears only the highest, and so do posts that share a telephone.

    `telephones`: the address of a post -> that of another one, which stands for both.
    """
    kept, plan = _highest(fired.calls, telephones), list(fired.steps)
    for spared in {call.step for call in fired.calls} - {call.step for call in kept}:
        plan[spared] = replace(plan[spared], skipped=LATER_STEP)
    return replace(fired, steps=tuple(plan), calls=kept)


def named(fired: Fired, generation: int) -> tuple[Step, ...]:
    """The steps, each with the name of its call: what the keys of its notices begin with, after the incident's key."""
    plan = list(fired.steps)
    for call in fired.calls:
        step, name = plan[call.step], f"{generation}/{call.step}/{call.repeat}"
        plan[call.step] = replace(step, called=name, told=step.told + (name != step.called))
    return tuple(plan)


def _advance(step: Step, sessions: Sessions, now: datetime) -> Step:
    step = replace(step, fixed=False, held=(), held_until=None)
    if step.repeat is None:
        return replace(step, fired=step.fired + 1)
    every = timedelta(seconds=step.repeat)
    missed = max((now - step.due_at) // every, 0)
    following = _waits(step.due_at + (missed + 1) * every, step, sessions)
    return replace(step, fired=step.fired + 1, due_at=following)


def quiet_hours(people: Iterable[Recipient], kind: Kind | None, colour: Colour | None) -> dict[str, Daily]:
    """The quiet hours of those whom this does not wake.

    A red outage does, unless they say no. So does a mass outage: those who hear of it are spared each single one.
    """
    wakes = kind in (Kind.OUTAGE, Kind.MASS) and colour is Colour.RED
    return {p.id: p.quiet for p in people if p.quiet is not None and not (wakes and p.wake)}


def quiet_until(
    people: Iterable[Recipient], kind: Kind | None, colour: Colour | None, zone: ZoneInfo, now: datetime
) -> dict[str, datetime]:
    """Until when the quiet hours last that those have now whom this does not wake."""
    spans = ((person, hours.end_of(now, zone)) for person, hours in quiet_hours(people, kind, colour).items())
    return {person: ends for person, ends in spans if ends is not None}


def quiet_end(person: Recipient, now: datetime, zone: ZoneInfo) -> datetime | None:
    """When the quiet hours end that somebody has now; None: they have none now."""
    return None if person.quiet is None else person.quiet.end_of(now, zone)


def _passed(step: Step, sessions: Sessions, now: datetime, *, later: bool) -> Step:
    """A step that reached nobody. It goes on repeating; with nobody further on it stays due: `awaiting`."""
    gone_on = _advance(step, sessions, now) if later else replace(step, due_at=now, held=(), held_until=None)
    return replace(gone_on, skipped=NOBODY)


def _call_next_at_once(
    plan: list[Step], index: int, sessions: Sessions, now: datetime, whom: Callable[[Step, datetime], Step]
) -> bool:
    """Whether there is a step further on that is called in place of this one; it is, as soon as its hours allow it.

    None is where somebody further on was called already. A reminder keeps its day, so that no vacancy uses up those
    that come after it.
    """
    behind = range(index + 1, len(plan))
    if any(plan[later].fired and not plan[later].skipped for later in behind):
        return False
    for later in behind:
        step = plan[later]
        if step.fired or step.dated:
            continue
        at = _waits(now, step, sessions)
        plan[later] = whom(replace(step, due_at=at), at) if at < step.due_at else step
        if not finished(plan[later]):
            return True
    return False


def _highest(calls: Sequence[Call], telephones: Mapping[Address, Address]) -> tuple[Call, ...]:
    told: set[Address] = set()
    kept: list[Call] = []
    for call in reversed(calls):
        rings = {telephones.get(address, address): address for address in reversed(call.to)}
        to = tuple(address for line, address in reversed(rings.items()) if line not in told)
        told.update(rings)
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
