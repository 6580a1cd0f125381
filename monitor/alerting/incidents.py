"""Incidents: one episode of one cause at one unit, from the first page to the recovery message.

Every decision of a unit brings its troubles here. For each cause an event is named, and one table says what that
event does to the incident; nothing else changes a phase. The rules behind the table:

* Only evidence ends an incident. A cause that is unknown keeps it open and escalating; one under maintenance or not
  judged keeps it open and quiet. A rule that is gone ends it without a word, but with an audit entry.
* An acknowledgement stops the calls, not the watch. Worsening, or a new deadline, is news to everybody: a new
  generation with a new plan and new keys, and the acknowledgement is dropped. So does an acknowledgement that
  expires while the trouble is there; before that the one who answered is reminded.
* Where a policy names parties (officials and the telecom operator), each must answer: an answer for one stops the
  calls to its people only.
* Easing while nobody answered replaces the plan by that of the lesser trouble. Easing under an acknowledgement changes
  nothing, so that falling back is no news to those who answered.
* A silence stops the calls, not the watch: phases change as ever, what falls due waits and comes once when it ends. So
  does maintenance, which also judges nothing: whatever is open is paused, nothing opens and nothing recovers.
* What a wider trouble takes in (`monitor.alerting.collapse`) opens no incident when a system explains it, and calls
  nobody who hears of the wider one. An open one is narrowed to the others (`covered`); when the wider one ends and it
  is still there after it was asked once more, those who were spared are called as for a new one (`uncovered`), and
  nobody else a second time.
* While a hold waits to believe an improvement, and while a criterion flaps, the trouble is what it was.
* An outage is over when it is green. Its yellow says that it is down, and not yet for long enough to be called for:
  that opens nothing, and ends nothing either.
* What is well is watched for as long as the policy says before it is over (`closing`). A relapse in that time is the
  same trouble: the plan goes on where it was, an acknowledgement still stands, and nobody hears of it. So it goes on
  where nobody can see any more whether it is well.
* What ended with nobody having answered stays in sight for as long as the policy says (`unanswered`): it calls nobody,
  an answer closes it, and a relapse is told anew.
* The recovery message goes to those who were owed a page, and the store sends it only if that page went out.

The same facts at the same instant change nothing: a restart sends only what fell due meanwhile.
"""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b

from monitor.alerting.collapse import hushed, once_more
from monitor.alerting.escalate import (
    NOBODY,
    awaiting,
    choose,
    due,
    finished,
    fire,
    freeze,
    named,
    next_call,
    quiet_until,
    refreshed,
    reminder_instants,
    resolved,
    terms_of,
)
from monitor.alerting.muting import silence_of
from monitor.alerting.notices import address_in, owed, pages, recoveries, reminders
from monitor.alerting.plan import Recipient
from monitor.alerting.roster import called
from monitor.alerting.scene import Scene
from monitor.alerting.troubles import SILENT_PREFIX, Trouble, judged
from monitor.model.colour import Colour
from monitor.model.incident import (
    LEFT,
    MASS_PREFIX,
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
from monitor.model.state import AuditEntry, Withhold
from monitor.model.text import clean
from monitor.model.verdict import Param

__all__ = ["TABLE", "Act", "Alerts", "Event", "Move", "Scene", "acknowledge", "hand_on", "mermaid", "react"]


class Event(StrEnum):
    """What can happen to an incident. The word is also the reason why pending notices are withheld."""

    APPEARED = "appeared"
    STAYED = "stayed"
    WORSENED = "worsened"
    EASED = "eased"
    RENEWED = "renewed"  # the same trouble with another deadline
    UNSEEN = "unseen"  # unknown
    PAUSED = "paused"  # maintenance, or too little to be judged
    ACKNOWLEDGED = "acknowledged"  # by everybody who must
    HEARD = "heard"  # one party has answered, another has not
    COVERED = "covered"  # a wider trouble takes it in
    UNCOVERED = "uncovered"  # ... and does no longer
    REMINDED = "reminded"  # an acknowledgement is about to lapse
    LAPSED = "lapsed"  # an acknowledgement is too old
    CALMED = "calmed"  # well, but not yet for long enough
    RELAPSED = "relapsed"  # bad again before it was over
    RESUMED = "resumed"  # the same, and acknowledged
    RECOVERED = "recovered"
    UNANSWERED = "unanswered"  # recovered, and nobody had answered
    FORGOTTEN = "forgotten"  # unanswered for too long
    RETIRED = "retired"  # nobody judges this any more


class Act(StrEnum):
    """What a move does, in this order."""

    WITHHOLD = "withhold"  # pending notices are no longer owed
    PLAN = "plan"  # freeze a plan of a new generation
    COVER = "cover"  # the plan for those who do not hear of a wider trouble
    CALL = "call"  # what is due becomes owed
    RECOVER = "recover"  # tell those who were told
    REMIND = "remind"  # tell the one who answered that it is still open
    WELL = "well"  # since when it is well
    NOTE = "note"  # audit entry


@dataclass(frozen=True, slots=True)
class Move:
    """The next phase, and what is done on the way."""

    to: Phase
    acts: tuple[Act, ...] = ()


_ANEW = Move(Phase.OPEN, (Act.WITHHOLD, Act.PLAN, Act.CALL))
_CALL = Move(Phase.OPEN, (Act.CALL,))
_QUIET = Move(Phase.ACKNOWLEDGED)
_WATCH = Move(Phase.CLOSING, (Act.WELL,))
_WATCHED = Move(Phase.CLOSING)
_COVER = Move(Phase.OPEN, (Act.WITHHOLD, Act.COVER, Act.CALL))
_UNCOVER = Move(Phase.OPEN, (Act.COVER, Act.CALL))
_END = Move(Phase.CLOSED, (Act.WITHHOLD, Act.RECOVER))
_REVIEW = Move(Phase.UNANSWERED, (Act.WITHHOLD, Act.RECOVER, Act.WELL))
_SEEN = Move(Phase.UNANSWERED)
_DROP = Move(Phase.CLOSED, (Act.WITHHOLD, Act.NOTE))

# A pair that is not listed cannot happen or is refused. None: there is no incident yet.
TABLE: Mapping[tuple[Phase | None, Event], Move] = {
    (None, Event.APPEARED): Move(Phase.OPEN, (Act.PLAN, Act.CALL)),
    (Phase.OPEN, Event.STAYED): _CALL,
    (Phase.OPEN, Event.UNSEEN): _CALL,
    (Phase.OPEN, Event.PAUSED): Move(Phase.OPEN),
    (Phase.OPEN, Event.WORSENED): _ANEW,
    (Phase.OPEN, Event.EASED): _ANEW,
    (Phase.OPEN, Event.RENEWED): _ANEW,
    (Phase.OPEN, Event.COVERED): _COVER,
    (Phase.OPEN, Event.UNCOVERED): _UNCOVER,
    (Phase.OPEN, Event.HEARD): Move(Phase.OPEN, (Act.WITHHOLD,)),
    (Phase.OPEN, Event.ACKNOWLEDGED): Move(Phase.ACKNOWLEDGED, (Act.WITHHOLD,)),
    (Phase.OPEN, Event.CALMED): _WATCH,
    (Phase.OPEN, Event.RECOVERED): _END,
    (Phase.OPEN, Event.UNANSWERED): _REVIEW,
    (Phase.OPEN, Event.RETIRED): _DROP,
    (Phase.ACKNOWLEDGED, Event.STAYED): _QUIET,
    (Phase.ACKNOWLEDGED, Event.UNSEEN): _QUIET,
    (Phase.ACKNOWLEDGED, Event.PAUSED): _QUIET,
    (Phase.ACKNOWLEDGED, Event.EASED): _QUIET,
    (Phase.ACKNOWLEDGED, Event.ACKNOWLEDGED): _QUIET,
    (Phase.ACKNOWLEDGED, Event.REMINDED): Move(Phase.ACKNOWLEDGED, (Act.REMIND,)),
    (Phase.ACKNOWLEDGED, Event.LAPSED): _ANEW,
    (Phase.ACKNOWLEDGED, Event.WORSENED): _ANEW,
    (Phase.ACKNOWLEDGED, Event.RENEWED): _ANEW,
    (Phase.ACKNOWLEDGED, Event.CALMED): _WATCH,
    (Phase.ACKNOWLEDGED, Event.RECOVERED): _END,
    (Phase.ACKNOWLEDGED, Event.RETIRED): _DROP,
    (Phase.CLOSING, Event.CALMED): _WATCHED,
    (Phase.CLOSING, Event.UNSEEN): _CALL,
    (Phase.CLOSING, Event.PAUSED): _WATCHED,
    (Phase.CLOSING, Event.HEARD): Move(Phase.CLOSING, (Act.WITHHOLD,)),
    (Phase.CLOSING, Event.ACKNOWLEDGED): Move(Phase.CLOSING, (Act.WITHHOLD,)),
    (Phase.CLOSING, Event.RELAPSED): _CALL,
    (Phase.CLOSING, Event.COVERED): _COVER,
    (Phase.CLOSING, Event.UNCOVERED): _UNCOVER,
    (Phase.CLOSING, Event.RESUMED): _QUIET,
    (Phase.CLOSING, Event.EASED): _ANEW,
    (Phase.CLOSING, Event.WORSENED): _ANEW,
    (Phase.CLOSING, Event.RENEWED): _ANEW,
    (Phase.CLOSING, Event.RECOVERED): _END,
    (Phase.CLOSING, Event.UNANSWERED): _REVIEW,
    (Phase.CLOSING, Event.RETIRED): _DROP,
    (Phase.UNANSWERED, Event.UNANSWERED): _SEEN,
    (Phase.UNANSWERED, Event.UNSEEN): _SEEN,
    (Phase.UNANSWERED, Event.PAUSED): _SEEN,
    (Phase.UNANSWERED, Event.HEARD): _SEEN,
    (Phase.UNANSWERED, Event.RELAPSED): _ANEW,
    (Phase.UNANSWERED, Event.EASED): _ANEW,
    (Phase.UNANSWERED, Event.WORSENED): _ANEW,
    (Phase.UNANSWERED, Event.RENEWED): _ANEW,
    (Phase.UNANSWERED, Event.ACKNOWLEDGED): Move(Phase.CLOSED),
    (Phase.UNANSWERED, Event.FORGOTTEN): Move(Phase.CLOSED, (Act.NOTE,)),
    (Phase.UNANSWERED, Event.RETIRED): Move(Phase.CLOSED, (Act.NOTE,)),
}

SPARED = "told by a wider trouble"
_COVERABLE = (Phase.OPEN, Phase.CLOSING)  # in which somebody may be called again by the plan as it is
_SEVERITY = {Kind.SILENT: 0, Kind.KPI_YELLOW: 1, Kind.KPI_RED: 2, Kind.OUTAGE: 2, Kind.MASS: 2, Kind.OVERDUE: 3}


@dataclass(frozen=True, slots=True)
class Alerts:
    """What became of the incidents of one unit."""

    open: Mapping[str, Incident]  # cause -> open or acknowledged incident
    changed: tuple[Incident, ...] = ()  # opened, changed or closed
    notices: tuple[Notice, ...] = ()
    withheld: tuple[Withhold, ...] = ()  # meant for notices owed before; to be applied before `notices` are added
    recheck_at: datetime | None = None  # when somebody is called next
    audit: tuple[AuditEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class _Case:
    """One incident on its way through one move."""

    incident: Incident
    event: Event
    trouble: Trouble | None
    scene: Scene
    now: datetime
    notices: tuple[Notice, ...] = ()
    withheld: tuple[Withhold, ...] = ()
    audit: tuple[AuditEntry, ...] = ()

    def noting(self, action: str, detail: str = "") -> _Case:
        """With one more audit entry."""
        entry = AuditEntry(self.now, "denbao", action, self.incident.key, detail)
        return replace(self, audit=(*self.audit, entry))


def react(before: Mapping[str, Incident], found: Mapping[str, Trouble], scene: Scene, now: datetime) -> Alerts:
    """Open, worsen, escalate, keep and close the incidents of one unit.

    `before` are its open incidents by cause, `found` its troubles by cause.
    """
    found = {} if scene.paused else {**_lasting(before, scene), **_opening(before, found, scene)}
    causes = dict.fromkeys((*before, *found))
    cases = [_move(before.get(cause), found.get(cause), cause, scene, now) for cause in causes]
    running = {case.incident.cause: case.incident for case in cases if case.incident.open}
    calls = (_next(case.incident) for case in cases if case.event is not Event.PAUSED)
    return Alerts(
        open=running,
        changed=tuple(case.incident for case in cases if case.incident != before.get(case.incident.cause)),
        notices=tuple(notice for case in cases for notice in case.notices),
        withheld=tuple(withhold for case in cases for withhold in case.withheld),
        # What is overdue waits for evidence: an answer does not lapse while nobody can see the trouble.
        recheck_at=min((at for at in calls if at is not None and at > now), default=None),
        audit=tuple(entry for case in cases for entry in case.audit),
    )


def _opening(before: Mapping[str, Incident], found: Mapping[str, Trouble], scene: Scene) -> dict[str, Trouble]:
    """The troubles but for those without an incident that a system explains, or may explain."""
    closed = {cause for cause, cover in scene.covers.items() if cover.whole} | scene.awaited
    return {cause: trouble for cause, trouble in found.items() if cause in before or cause not in closed}


def _lasting(before: Mapping[str, Incident], scene: Scene) -> dict[str, Trouble]:
    """The outages that were told and are down again after a good answer, though not yet for long enough to be red.

    What was told to be over already stays so until it is red.
    """
    found: dict[str, Trouble] = {}
    for cause, incident in before.items():
        rule, state = scene.rules.get(cause), scene.criteria.get(cause)
        if rule is None or state is None or incident.phase is Phase.UNANSWERED:
            continue
        if rule.outage and Colour.RED in rule.alert and state.told is Colour.YELLOW and rule.applies_to(scene.unit):
            since = incident.facts.get("since")
            begun = since if isinstance(since, datetime) else incident.opened_at
            facts = {**incident.facts, **judged(state, rule, scene.indicators.get(rule.indicator or ""))}
            found[cause] = Trouble(cause, incident.kind, incident.colour, begun, facts)
    return found


def hand_on(incident: Incident, left: Notice, scene: Scene, now: datetime) -> tuple[Alerts, bool]:
    """The call whose message `left` went to nobody, because its recipient holds the post no more, goes to their
    successors, or else the next step is called at once. With it whether somebody hears of it by that, or nobody need.

    A call that was repeated or planned anew since is over: nothing is owed for it.
    """
    as_it_was = Alerts({incident.cause: incident})
    index = next((at for at, step in enumerate(incident.steps) if step.called == left.call), None)
    if index is None or incident.phase is not Phase.OPEN:
        return as_it_was, True
    step, behind = incident.steps[index], incident.steps[index + 1 :]
    if step.skipped == NOBODY:  # handed on before
        return as_it_was, any(one.fired and not one.skipped for one in behind)
    vacated = _vacated(incident, step, scene, now)
    if vacated is None:
        return as_it_was, True
    steps = (*incident.steps[:index], vacated, *behind)
    case = _call(_Case(replace(incident, steps=steps), Event.STAYED, None, scene, now))
    others = ", ".join(dict.fromkeys(notice.recipient for notice in case.notices))
    case = case.noting("handed on", f"{left.recipient} {LEFT}: {others or 'nobody yet'}")
    after = case.incident
    nobody = not case.notices and after.steps[index].skipped == NOBODY
    return Alerts({after.cause: after}, (after,), case.notices, recheck_at=_next(after), audit=case.audit), not nobody


def _vacated(incident: Incident, step: Step, scene: Scene, now: datetime) -> Step | None:
    """The step of a call that somebody did not hear who left: due for their successors, or due anew so that the next
    one is called in its place; None where others of the same call are still there."""
    again = replace(step, fired=step.fired - 1, due_at=now if step.repeat is None else _last_time(step, now), to=())
    there = _narrowed((resolved(again, scene.directory, scene.lineage, scene.calendar, now),), incident.cover, scene)[0]
    new = tuple(one for one in there.to if one not in step.to)
    if new:
        return replace(step, to=there.to, held=(*step.held, *new), held_until=now)
    known = _reachable((step,), scene, now)
    return None if any(one.recipient in known for one in step.to) else again


def _last_time(step: Step, now: datetime) -> datetime:
    """About when a step that repeats was called last, so that its repeats keep their rhythm."""
    return min(now, step.due_at - timedelta(seconds=step.repeat or 0.0))


def acknowledge(
    incident: Incident, actor: str, note: str, now: datetime, *, party: str = "", until: datetime | None = None
) -> tuple[Incident, tuple[Withhold, ...]]:
    """Somebody answers: no further calls. The first one who answered stays.

    Where the terms name parties an answer counts for `party`, or else for those the actor belongs to; the calls to the
    others go on. It counts until `until`, or as long as the terms say. Raises ValueError when the incident is closed,
    when there is no such party, or when it is not said for whom somebody answers who belongs to none.
    """
    for name in _answers_for(incident, actor, party):
        answer = Answer(clean(actor), now, clean(note, 1000), name)
        incident = replace(incident, answers=(*incident.answers, answer))
    event = Event.HEARD if incident.missing else Event.ACKNOWLEDGED
    move = TABLE.get((incident.phase, event))
    if move is None:
        raise ValueError(f"incident {incident.ref} is {incident.phase.value}")
    if event is Event.ACKNOWLEDGED:
        incident = _acknowledged(incident, now) if incident.acked_by is None else incident
        incident = _counting(incident, now, until)
    ended = now if move.to is Phase.CLOSED else None
    whom = incident.answered if event is Event.HEARD else None
    withheld = (Withhold(incident.key, event.value, whom),) if Act.WITHHOLD in move.acts else ()
    cover = incident.cover if move.to in _COVERABLE else None
    return replace(incident, phase=move.to, closed_at=ended, cover=cover), withheld


def _answers_for(incident: Incident, actor: str, party: str) -> tuple[str, ...]:
    """The names of the parties that an answer is new for."""
    parties = {each.name: each for each in incident.terms.parties}
    if party and party not in parties:
        raise ValueError(f"incident {incident.ref} has no party {party!r}; it has {', '.join(parties) or 'none'}")
    if not parties:
        return () if incident.answers else ("",)
    mine = [party] if party else [name for name, each in parties.items() if actor in each.recipients]
    if not mine:
        raise ValueError(f"say for whom you answer: {', '.join(parties)}")
    return tuple(each.name for each in incident.missing if each.name in mine)


def _acknowledged(incident: Incident, now: datetime) -> Incident:
    return replace(
        incident,
        acked_by=", ".join(dict.fromkeys(answer.by for answer in incident.answers)),
        acked_at=now,
        ack_note="; ".join(answer.note for answer in incident.answers if answer.note),
    )


def _counting(incident: Incident, now: datetime, until: datetime | None) -> Incident:
    """With the time until which an answer counts, from this answer on: to answer again makes it longer, and shorter
    only who says for how long."""
    terms = incident.terms
    if until is None and terms.ack_expires is not None:
        ends = now + timedelta(seconds=terms.ack_expires)
        until = ends if incident.acked_until is None else max(ends, incident.acked_until)
    if until is None:
        return replace(incident, acked_until=None, remind_at=None)
    remind = None if terms.ack_remind is None else until - timedelta(seconds=terms.ack_remind)
    return replace(incident, acked_until=until, remind_at=remind if remind and remind > now else None)


def _next(incident: Incident) -> datetime | None:
    """When time alone moves an incident on: a call, a reminder, the end of an answer or of a watch."""
    if incident.phase is Phase.ACKNOWLEDGED:
        return min((at for at in (incident.remind_at, incident.acked_until) if at is not None), default=None)
    ends = _well_until(incident)
    return ends if incident.phase in (Phase.CLOSING, Phase.UNANSWERED) else next_call(incident)


def _well_until(incident: Incident) -> datetime | None:
    """When a watch over something that is well ends; None while it is not well."""
    if incident.well_since is None:
        return None
    spans = {Phase.CLOSING: incident.terms.close_after, Phase.UNANSWERED: incident.terms.review or 0.0}
    return incident.well_since + timedelta(seconds=spans.get(incident.phase, 0.0))


def _move(incident: Incident | None, trouble: Trouble | None, cause: str, scene: Scene, now: datetime) -> _Case:
    event = _event(incident, trouble, cause, scene, now)
    move = TABLE[None if incident is None else incident.phase, event]
    case = _Case(incident or _opened(trouble, scene, now), event, trouble, scene, now)
    case = _counted(case)
    for act in move.acts:
        case = _ACTS[act](case)
    ended = now if move.to is Phase.CLOSED else None
    well = case.incident.well_since if move.to in (Phase.CLOSING, Phase.UNANSWERED, Phase.CLOSED) else None
    cover = case.incident.cover if move.to in _COVERABLE else None
    return replace(case, incident=replace(case.incident, phase=move.to, closed_at=ended, well_since=well, cover=cover))


def _event(incident: Incident | None, trouble: Trouble | None, cause: str, scene: Scene, now: datetime) -> Event:
    if incident is None:
        return Event.APPEARED
    if scene.paused:
        return Event.PAUSED
    if trouble is not None:
        return _covering(incident, cause, scene, _again(incident, _change(incident, trouble, scene), now))
    if cause.startswith(MASS_PREFIX):
        return _well(incident, now) if cause in scene.causes else Event.RETIRED
    if cause.startswith(SILENT_PREFIX):
        gone = scene.sources is not None and cause.removeprefix(SILENT_PREFIX) not in scene.sources
        event = Event.RETIRED if gone else Event.RECOVERED
    else:
        event = _without_trouble(cause, scene)
    if event is Event.UNSEEN and incident.phase in _COVERABLE:
        answered = incident.phase is Phase.CLOSING and incident.acked_by is not None
        return Event.RESUMED if answered else _covering(incident, cause, scene, event)
    return _well(incident, now) if event is Event.RECOVERED else event


def _covering(incident: Incident, cause: str, scene: Scene, event: Event) -> Event:
    """The event, or that a wider trouble begins or ends to take this one in. What plans anew minds that by itself."""
    cover = scene.covers.get(cause)
    whole = cover is not None and cover.whole
    if incident.phase is Phase.ACKNOWLEDGED:
        return Event.STAYED if whole else event
    if incident.phase not in _COVERABLE or event is Event.RESUMED:
        return event
    if cover != incident.cover and (whole or Act.PLAN not in TABLE[incident.phase, event].acts):
        return Event.COVERED if cover is not None else Event.UNCOVERED
    if whole:
        return Event.RELAPSED if incident.phase is Phase.CLOSING else Event.STAYED
    return event


def _again(incident: Incident, change: Event, now: datetime) -> Event:
    """What a trouble that is there means to an incident in this phase."""
    news = change in (Event.WORSENED, Event.RENEWED)
    if incident.phase is Phase.ACKNOWLEDGED and not news:
        if incident.acked_until is not None and now >= incident.acked_until:
            return Event.LAPSED
        return Event.REMINDED if incident.remind_at is not None and now >= incident.remind_at else change
    if incident.phase in (Phase.CLOSING, Phase.UNANSWERED) and not news:
        answered = Event.RESUMED if incident.acked_by is not None else Event.RELAPSED
        return change if change is Event.EASED and incident.acked_by is None else answered
    return change


def _well(incident: Incident, now: datetime) -> Event:
    """What having recovered means to an incident in this phase."""
    over = _well_until(incident)
    if incident.phase is Phase.UNANSWERED:
        return Event.FORGOTTEN if over is not None and now >= over else Event.UNANSWERED
    if incident.terms.close_after > 0 and (over is None or now < over):
        return Event.CALMED
    reviewed = incident.terms.review is not None and incident.acked_by is None and incident.owed
    return Event.UNANSWERED if reviewed else Event.RECOVERED


def _change(incident: Incident, trouble: Trouble, scene: Scene) -> Event:
    state = scene.criteria.get(trouble.cause)
    if state is not None and (state.base is not None or state.raw is not state.colour):
        return Event.STAYED
    was, is_now = _SEVERITY[incident.kind], _SEVERITY[trouble.kind]
    deadline = trouble.facts.get("deadline")
    same = incident.facts.get("deadline") == deadline
    if is_now > was:
        return Event.WORSENED
    if is_now < was and (same or deadline is None):
        return Event.EASED
    if trouble.facts.get("whole") and not incident.facts.get("whole"):  # partial has grown into total
        return Event.RENEWED
    if incident.facts.get("few") and not trouble.facts.get("few"):  # most of it was muted, and is not any more
        return Event.RENEWED
    return Event.STAYED if same else Event.RENEWED


def _without_trouble(cause: str, scene: Scene) -> Event:
    rule, state = scene.rules.get(cause), scene.criteria.get(cause)
    if rule is None or not rule.applies_to(scene.unit):
        return Event.RETIRED
    if state is None or state.told is Colour.UNKNOWN:
        return Event.UNSEEN
    if not state.told.known:
        return Event.PAUSED
    down = state.told is Colour.RED or (rule.outage and state.told is Colour.YELLOW and Colour.RED not in rule.alert)
    return Event.RETIRED if down else Event.RECOVERED  # bad, but it alerts no more


def _opened(trouble: Trouble | None, scene: Scene, now: datetime) -> Incident:
    if trouble is None:
        raise ValueError("an incident needs a trouble to open")
    key = f"{scene.unit.code}/{trouble.cause}/{now.isoformat()}"
    ref = b32encode(blake2b(key.encode(), digest_size=5).digest()).decode()[:6]
    # The first plan makes it generation 0.
    return Incident(key, ref, scene.unit.code, trouble.cause, trouble.kind, trouble.colour, now, generation=-1)


def _plan(case: _Case) -> _Case:
    old, trouble, scene, now = case.incident, case.trouble, case.scene, case.now
    if trouble is None:
        raise ValueError(f"incident {old.ref} has no trouble to plan for")
    policy = choose(scene.directory, trouble.kind, scene.unit.level, trouble.cause)
    reminders, cover = _reminders(trouble, scene, now), scene.covers.get(trouble.cause)
    begun = old.opened_at if old.well_since is None else now  # what was well is counted anew, with others or alone
    first = begun + timedelta(seconds=scene.waits.get(trouble.cause, 0.0))
    plan = (scene.directory, scene.lineage, scene.sessions, now, reminders, trouble.colour, first)
    steps = freeze(policy, *plan) if policy else ()
    day = scene.calendar.local(now).date()
    planned = replace(
        old,
        kind=trouble.kind,
        colour=trouble.colour,
        generation=old.generation + 1,
        since_generation=old.generation + 1,
        policy=policy.name if policy else "",
        steps=_narrowed(steps, cover, scene),
        cover=cover,
        facts=_facts(old, trouble, scene),
        terms=terms_of(policy, scene.directory, scene.lineage, day) if policy else Terms(),
        answers=(),
        acked_by=None,
        acked_at=None,
        acked_until=None,
        remind_at=None,
        ack_note="",
    )
    case = replace(case, incident=planned)
    return case if policy else case.noting("no_policy", trouble.kind.value)


def _cover(case: _Case) -> _Case:
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
    return replace(
        case, incident=replace(old, cover=cover, generation=generation, steps=_narrowed(steps, cover, scene))
    )


def _asked_again(case: _Case) -> datetime:
    """When those who were spared are called: not before the unit itself had the time to come back as well."""
    rule = case.scene.rules.get(case.incident.cause)
    indicator = case.scene.indicators.get(rule.indicator or "") if rule else None
    wait = timedelta(seconds=case.scene.waits.get(case.incident.cause, 0.0))
    return case.now + max(wait, once_more(indicator))


def _narrowed(steps: tuple[Step, ...], cover: Cover | None, scene: Scene) -> tuple[Step, ...]:
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


def _call(case: _Case) -> _Case:
    if not any(due(step, case.now) for step in case.incident.steps) or _silenced(case):
        return case
    scene, old, now = case.scene, case.incident, case.now
    steps = _narrowed(refreshed(old.steps, scene.directory, scene.lineage, scene.calendar, now), old.cover, scene)
    known = _reachable(steps, scene, now)
    quiet = quiet_until(known.values(), old.kind, old.colour, scene.calendar.zone, now)
    seen = case.event is not Event.UNSEEN

    def whom(step: Step, at: datetime) -> Step:
        there = resolved(step, scene.directory, scene.lineage, scene.calendar, at)
        return _narrowed((there,), old.cover, scene)[0]

    fired = fire(steps, known, scene.sessions, now, old.answered, seen=seen, quiet=quiet, whom=whom)
    called = named(fired, old.generation)
    waiting = awaiting(called, scene.directory, scene.lineage, scene.sessions, now)
    incident = replace(case.incident, steps=waiting)
    if fired.calls and seen and (reason := scene.reason(incident.cause)):
        incident = replace(incident, facts={**incident.facts, "reason": reason})  # what is wrong now
    notices = tuple(n for call in fired.calls for n in pages(incident, call, case.scene, case.now))
    incident = replace(incident, owed=owed(incident.owed, notices))
    case = replace(case, incident=incident, notices=(*case.notices, *notices))
    for step in fired.empty:
        case = case.noting("nobody_to_call", step.role)
    return case


def _reachable(steps: tuple[Step, ...], scene: Scene, now: datetime) -> dict[str, Recipient]:
    """Those whom the steps call, or would if they were called now, and who hold their roles today."""
    day = scene.calendar.local(now).date()
    roles = dict.fromkeys(role for step in steps for role in step.role.split(","))
    ids = dict.fromkeys(address.recipient for step in steps for address in (*step.to, *step.held))
    there = (person for role in roles for person in scene.directory.holders(role, scene.lineage, day))
    known = (person for one in ids if (person := scene.directory.person(one, day)) is not None)
    return {person.id: person for person in (*known, *there)}


def _counted(case: _Case) -> _Case:
    """With the count of a mass trouble as it is now; whether it is total stays as it was told."""
    if case.trouble is None or case.trouble.kind is not Kind.MASS:
        return case
    latest = {name: case.trouble.facts[name] for name in ("affected", "total", "units", "codes", "more")}
    return replace(case, incident=replace(case.incident, facts={**case.incident.facts, **latest}))


def _silenced(case: _Case) -> bool:
    if hushed(case.incident):
        return True
    about = case.scene.about
    return about is not None and silence_of(case.incident, about, case.scene.muting, case.now) is not None


def _withhold(case: _Case) -> _Case:
    cover = case.scene.covers.get(case.incident.cause) if case.event is Event.COVERED else None
    if cover is None:
        return replace(case, withheld=(Withhold(case.incident.key, case.event.value),))
    told = [address_in(key) for key in case.incident.owed]
    spared = frozenset(one.recipient for one in told if not _called_anyway(cover, _scope(one, case.scene)))
    return replace(case, withheld=(Withhold(case.incident.key, cover.reason, spared),)) if spared else case


def _recover(case: _Case) -> _Case:
    return replace(case, notices=recoveries(case.incident, case.scene, case.now))


def _remind(case: _Case) -> _Case:
    case = replace(case, incident=replace(case.incident, remind_at=None))
    return replace(case, notices=(*case.notices, *reminders(case.incident, case.scene, case.now)))


def _well_now(case: _Case) -> _Case:
    """The watch begins; what ended unanswered was well before it was over."""
    return replace(case, incident=replace(case.incident, well_since=case.now))


def _note(case: _Case) -> _Case:
    return case.noting(case.event.value, _NOTES[case.event])


_NOTES = {
    Event.RETIRED: "nothing judges this any more",
    Event.FORGOTTEN: "nobody answered while it was kept in sight",
}


_ACTS: Mapping[Act, Callable[[_Case], _Case]] = {
    Act.WITHHOLD: _withhold,
    Act.PLAN: _plan,
    Act.COVER: _cover,
    Act.CALL: _call,
    Act.RECOVER: _recover,
    Act.REMIND: _remind,
    Act.WELL: _well_now,
    Act.NOTE: _note,
}


def mermaid() -> str:
    """The table as a Mermaid state diagram, for the documentation."""
    lines = ["stateDiagram-v2"]
    for (phase, event), move in TABLE.items():
        start = "[*]" if phase is None else phase.value
        acts = f": {event.value}" + (f" / {', '.join(move.acts)}" if move.acts else "")
        lines.append(f"    {start} --> {move.to.value}{acts}")
    return "\n".join([*lines, f"    {Phase.CLOSED.value} --> [*]"]) + "\n"
