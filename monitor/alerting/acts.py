"""What the moves of an incident do (`monitor.alerting.lifecycle`): plan, cover, call, withhold, tell its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.alerting.answers import acknowledged, counting, ending, standing, suffices, terms_of
from monitor.alerting.collapse import hushed, once_more
from monitor.alerting.escalate import (
    SPARED,
    awaiting,
    choose,
    due,
    finished,
    fire,
    freeze,
    heard_once,
    in_hours,
    named,
    postponed,
    quiet_hours,
    refreshed,
    reminder_instants,
    resolved,
)
from monitor.alerting.lifecycle import Act, Event
from monitor.alerting.muting import silence_of
from monitor.alerting.notices import address_in, owed, pages, recoveries, reminders, replaced
from monitor.alerting.plan import Recipient
from monitor.alerting.roster import called
from monitor.alerting.scene import Scene
from monitor.alerting.troubles import Trouble
from monitor.model.incident import (
    LATER,
    Address,
    Answer,
    Cover,
    Incident,
    Kind,
    Notice,
    Phase,
    Step,
    Terms,
)
from monitor.model.muting import maintenance_spans
from monitor.model.state import AuditEntry, Withhold
from monitor.model.verdict import Param


@dataclass(frozen=True, slots=True)
class Case:
    """One incident on its way through one move."""

    incident: Incident
    event: Event
    trouble: Trouble | None
    scene: Scene
    now: datetime
    notices: tuple[Notice, ...] = ()
    withheld: tuple[Withhold, ...] = ()
    audit: tuple[AuditEntry, ...] = ()

    def noting(self, action: str, detail: str = "") -> Case:
        """With one more audit entry."""
        entry = AuditEntry(self.now, "denbao", action, self.incident.key, detail)
        return replace(self, audit=(*self.audit, entry))


def _plan(case: Case) -> Case:
    old, trouble, scene, now = case.incident, case.trouble, case.scene, case.now
    if trouble is None:
        raise ValueError(f"incident {old.ref} has no trouble to plan for")
    policy = choose(scene.directory, trouble.kind, scene.unit.level, trouble.cause)
    reminders, cover = _reminders(trouble, scene, now), scene.covers.get(trouble.cause)
    begun = old.opened_at if old.well_since is None else now  # what was well is counted anew, with others or alone
    first = begun + timedelta(seconds=scene.waits.get(trouble.cause, 0.0))
    plan = (scene.directory, scene.lineage, scene.sessions, now, reminders, trouble.colour, first)
    steps = freeze(policy, *plan) if policy else ()
    steps = narrowed(steps, cover, scene)
    terms = terms_of(policy, steps, scene, now) if policy else Terms()
    planned = replace(
        old,
        kind=trouble.kind,
        colour=trouble.colour,
        generation=old.generation + 1,
        since_generation=old.generation + 1,
        policy=policy.name if policy else "",
        steps=steps,
        cover=cover,
        facts=_facts(old, trouble, scene),
        terms=terms,
        answers=_kept_answers(case, terms),
        acked_by=None,
        acked_at=None,
        ack_note="",
    )
    planned = acknowledged(planned, now) if suffices(planned) else planned
    case = replace(case, incident=counting(planned, now))
    return case if policy else case.noting("no_policy", trouble.kind.value)


def _kept_answers(case: Case, terms: Terms) -> tuple[Answer, ...]:
    """A lesser trouble is no news to the parties that have answered; where it names none, anybody answered for all."""
    if case.event not in (Event.EASED, Event.SUFFICED) or case.incident.phase is Phase.UNANSWERED:
        return ()
    ends = None if terms.ack_expires is None else case.now + timedelta(seconds=terms.ack_expires)
    kept = [replace(one, until=one.until or ends) for one in standing(case.incident, case.now)]
    parties = {party.name for party in terms.parties}
    if not parties:
        return tuple(replace(answer, party="") for answer in kept[:1])
    return tuple(answer for answer in kept if answer.party in parties)


def _ask(case: Case) -> Case:
    """The plan begins anew for the parties whose answer has ended, and for those of no party if nobody was called any
    more; for the others it goes on."""
    old, scene, now = case.incident, case.scene, case.now
    left = replace(old, answers=standing(old, now), acked_by=None, acked_at=None, ack_note="")
    ended = {party.name for party in left.missing} & {answer.party for answer in old.answers}
    asked = {one for party in left.terms.parties if party.name in ended for one in party.recipients}
    others = {one for party in left.terms.parties for one in party.recipients} - asked

    def again(one: str) -> bool:
        return one in asked or (old.acked_by is not None and one not in others)

    policy, cover = choose(scene.directory, old.kind, scene.unit.level, old.cause), scene.covers.get(old.cause)
    plan = (scene.directory, scene.lineage, scene.sessions, now, (), old.colour, now)
    anew = (_only(step, again) for step in (freeze(policy, *plan) if policy else ()))
    kept = (step if finished(step) or not step.to else _only(step, lambda one: not again(one)) for step in old.steps)
    steps = sorted((step for step in (*kept, *anew) if step is not None), key=lambda step: step.due_at)
    planned = replace(left, generation=old.generation + 1, cover=cover, steps=narrowed(tuple(steps), cover, scene))
    return replace(case, incident=counting(planned, now))


def _only(step: Step, wanted: Callable[[str], bool]) -> Step | None:
    """A step's part for those of its recipients who are wanted; None when it has none."""
    to, held = (tuple(one for one in all_ if wanted(one.recipient)) for all_ in (step.to, step.held))
    return replace(step, to=to, held=held, held_until=step.held_until if held else None) if to else None


def _cover(case: Case) -> Case:
    """The plan for those who do not hear of a wider trouble; who was spared so far is called as for a new one."""
    old, scene, now = case.incident, case.scene, case.now
    cover, steps, generation = scene.covers.get(old.cause), old.steps, old.generation
    if (spared := old.cover) is not None:
        policy = choose(scene.directory, old.kind, scene.unit.level, old.cause)
        plan = (scene.directory, scene.lineage, scene.sessions, now, (), old.colour, _asked_again(case))
        anew = freeze(policy, *plan) if policy else ()
        kept = () if spared.whole else tuple(step for step in steps if step.skipped != SPARED)
        anew = _of(anew, scene, lambda scope: not _called_anyway(spared, scope))
        steps = tuple(sorted((*kept, *anew), key=lambda step: step.due_at))
        generation += 1
    steps = narrowed(steps, cover, scene)
    covered = replace(old, cover=cover, generation=generation, steps=steps)
    return replace(case, incident=_waiting_for(covered, scene, now))


def _waiting_for(incident: Incident, scene: Scene, now: datetime) -> Incident:
    """With the parties that the plan calls as it is now, unless that would leave none that has not answered."""
    policy = choose(scene.directory, incident.kind, scene.unit.level, incident.cause)
    if policy is None or not policy.terms.parties:
        return incident
    parties = terms_of(policy, incident.steps, scene, now).parties
    narrower = replace(incident, terms=replace(incident.terms, parties=parties))
    return incident if incident.answers and not narrower.missing else narrower


def _asked_again(case: Case) -> datetime:
    """When those who were spared are called: not before the unit itself had the time to come back as well."""
    rule = case.scene.rules.get(case.incident.cause)
    indicator = case.scene.indicators.get(rule.indicator or "") if rule else None
    wait = timedelta(seconds=case.scene.waits.get(case.incident.cause, 0.0))
    return case.now + max(wait, once_more(indicator))


def narrowed(steps: tuple[Step, ...], cover: Cover | None, scene: Scene) -> tuple[Step, ...]:
    """The steps without those who hear of the wider trouble; what was called stays as it was.

    A step of which nobody is left keeps its place: calls are named by that, and no name is given twice.
    """
    if cover is None:
        return steps
    return tuple(_part(step, scene, lambda scope: _called_anyway(cover, scope)) or _spared(step) for step in steps)


def _spared(step: Step) -> Step:
    """A step that calls nobody any more, because all of its people hear of a wider trouble."""
    over = replace(step, repeat=None, held=(), held_until=None)
    return over if step.fired else replace(over, to=(), fired=1, skipped=SPARED)


def _called_anyway(cover: Cover, scope: str) -> bool:
    """Whether those of a unit are called although a wider trouble takes this one in."""
    return not cover.whole and scope not in cover.spares


def _of(steps: tuple[Step, ...], scene: Scene, wanted: Callable[[str], bool]) -> tuple[Step, ...]:
    """The steps of those who hold their roles at the units that are wanted."""
    return tuple(own for step in steps if (own := _part(step, scene, wanted)) is not None)


def _part(step: Step, scene: Scene, wanted: Callable[[str], bool]) -> Step | None:
    """A step's part for them; None when it has none. One that nobody is on duty for is theirs whose schedule it is."""
    held = tuple(address for address in step.held if wanted(_scope(address, scene)))
    step = replace(step, held=held, held_until=step.held_until if held else None)
    if finished(step):
        return step
    if not step.to:
        posts = (
            called(scene.directory, role, scene.lineage, step.due_at, scene.calendar) for role in step.role.split(",")
        )
        return step if any(wanted(post.scope) for post in posts) else None
    to = tuple(address for address in step.to if wanted(_scope(address, scene)))
    return replace(step, to=to) if to else None


def _scope(address: Address, scene: Scene) -> str:
    """The unit for which somebody holds a role; of somebody who left it is not known, and spares nobody."""
    person = scene.recipient(address.recipient)
    return "" if person is None else person.scope


def _reminders(trouble: Trouble, scene: Scene, now: datetime) -> tuple[datetime, ...]:
    rule, deadline = scene.rules.get(trouble.cause), trouble.facts.get("deadline")
    if rule is None or rule.target is None or not isinstance(deadline, datetime) or deadline <= now:
        return ()
    return reminder_instants(deadline, rule.target.remind_days, scene.sessions, now)


def _facts(old: Incident, trouble: Trouble, scene: Scene) -> dict[str, Param]:
    """The trouble's facts, the reason the source gave, and who was told before."""
    facts = {**trouble.facts, "since": trouble.since, "reason": scene.reason(trouble.cause)}
    told = [step for step in old.steps if step.told]
    earlier = old.facts.get("reminders")
    roles = [*str(old.facts.get("previous_roles") or "").split(","), *(r for s in told for r in s.role.split(","))]
    facts["reminders"] = (earlier if isinstance(earlier, int) else 0) + sum(step.told for step in told) or None
    facts["previous_roles"] = ",".join(dict.fromkeys(role for role in roles if role)) or None
    return {name: value for name, value in facts.items() if value is not None}


def call_due(case: Case) -> Case:
    """What is due becomes owed, unless the incident is silenced."""
    if not any(due(step, case.now) for step in case.incident.steps) or _silenced(case):
        return case
    scene, old, now = case.scene, case.incident, case.now
    steps = narrowed(refreshed(old.steps, scene.directory, scene.lineage, scene.calendar, now), old.cover, scene)
    known = reachable(steps, scene, now)
    quiet = quiet_hours(known.values(), old.kind, old.colour)
    seen = case.event is not Event.UNSEEN
    fired = fire(steps, known, scene.sessions, now, old.answered, seen=seen, quiet=quiet, whom=_whom(case))
    fired = heard_once(fired, scene.directory.telephones)
    called = named(fired, old.generation)
    waiting = awaiting(called, scene.directory, scene.lineage, scene.sessions, now)
    incident = replace(case.incident, steps=waiting)
    if fired.calls and seen and (reason := scene.reason(incident.cause)):
        incident = replace(incident, facts={**incident.facts, "reason": reason})  # what is wrong now
    notices = tuple(n for call in fired.calls for n in pages(incident, call, case.scene, case.now))
    still_owed = () if Withhold(old.key, case.event.value) in case.withheld else old.owed
    again = replaced(still_owed, notices, scene)
    later = (Withhold(old.key, LATER, notices=again),) if again else ()
    incident = replace(incident, owed=owed(incident.owed, notices))
    notices, withheld = (*case.notices, *notices), (*case.withheld, *later)
    case = replace(case, incident=incident, notices=notices, withheld=withheld)
    for step in fired.empty:
        case = case.noting("nobody_to_call", step.role)
    for call in fired.calls:
        if not in_hours(step := steps[call.step], call.at, scene.sessions):
            case = case.noting("called_outside_hours", step.role)
    return case


def _whom(case: Case) -> Callable[[Step, datetime], Step]:
    """A step with those whom it calls at another instant."""
    scene, cover = case.scene, case.incident.cover

    def there(step: Step, at: datetime) -> Step:
        return narrowed((resolved(step, scene.directory, scene.lineage, scene.calendar, at),), cover, scene)[0]

    return there


def gone_on(case: Case) -> Case:
    """What is no pause any more: the plan goes on with the time that was left when the work ended, if there was any."""
    old, scene = case.incident, case.scene
    if old.paused_since is None or case.event is Event.PAUSED:
        return case
    works = maintenance_spans(scene.windows, old.paused_since, case.now)
    until = works[-1].ends if works else case.now
    steps = postponed(old.steps, old.paused_since, scene.sessions, until, _whom(case))
    return replace(case, incident=replace(old, steps=steps, paused_since=None))


def _pause(case: Case) -> Case:
    if case.incident.paused_since is not None:
        return case
    return replace(case, incident=replace(case.incident, paused_since=case.now))


def reachable(steps: tuple[Step, ...], scene: Scene, now: datetime) -> dict[str, Recipient]:
    """Those whom the steps call, or would if they were called now, and who hold their roles today."""
    day = scene.calendar.local(now).date()
    roles = dict.fromkeys(role for step in steps for role in step.role.split(","))
    ids = dict.fromkeys(address.recipient for step in steps for address in (*step.to, *step.held))
    there = (person for role in roles for person in scene.directory.holders(role, scene.lineage, day))
    known = (person for one in ids if (person := scene.directory.person(one, day)) is not None)
    return {person.id: person for person in (*known, *there)}


def counted(case: Case) -> Case:
    """With the count of a mass trouble as it is now; whether it is total stays as it was told."""
    if case.trouble is None or case.trouble.kind is not Kind.MASS:
        return case
    latest = {name: case.trouble.facts[name] for name in ("affected", "total", "units", "codes", "more")}
    return replace(case, incident=replace(case.incident, facts={**case.incident.facts, **latest}))


def _silenced(case: Case) -> bool:
    if hushed(case.incident):
        return True
    about = case.scene.about
    return about is not None and silence_of(case.incident, about, case.scene.muting, case.now) is not None


def _withhold(case: Case) -> Case:
    cover = case.scene.covers.get(case.incident.cause) if case.event is Event.COVERED else None
    if cover is None:
        return replace(case, withheld=(Withhold(case.incident.key, case.event.value),))
    told = [address_in(key) for key in case.incident.owed]
    spared = frozenset(one.recipient for one in told if not _called_anyway(cover, _scope(one, case.scene)))
    return replace(case, withheld=(Withhold(case.incident.key, cover.reason, spared),)) if spared else case


def _recover(case: Case) -> Case:
    return replace(case, notices=recoveries(case.incident, case.scene, case.now))


def _remind(case: Case) -> Case:
    owed_now = reminders(case.incident, ending(case.incident, case.now), case.scene, case.now)
    return replace(case, incident=counting(case.incident, case.now), notices=(*case.notices, *owed_now))


def _well_now(case: Case) -> Case:
    """The watch begins; what ended unanswered was well before it was over."""
    return replace(case, incident=replace(case.incident, well_since=case.now))


def _note(case: Case) -> Case:
    return case.noting(case.event.value, _NOTES[case.event])


_NOTES = {
    Event.RETIRED: "nothing judges this any more",
    Event.FORGOTTEN: "nobody answered while it was kept in sight",
}


ACTS: Mapping[Act, Callable[[Case], Case]] = {
    Act.WITHHOLD: _withhold,
    Act.PAUSE: _pause,
    Act.PLAN: _plan,
    Act.ASK: _ask,
    Act.COVER: _cover,
    Act.CALL: call_due,
    Act.RECOVER: _recover,
    Act.REMIND: _remind,
    Act.WELL: _well_now,
    Act.NOTE: _note,
}
