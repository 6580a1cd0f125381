"""The incidents of one unit: what happens to each, and what somebody answers. See `monitor.alerting.lifecycle`."""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b

from monitor.alerting.acts import ACTS, Case, call_due, counted, gone_on, narrowed
from monitor.alerting.answers import acknowledged, answered, dated, due, posted, suffices
from monitor.alerting.escalate import (
    NOBODY,
    next_call,
    resolved,
)
from monitor.alerting.lifecycle import COVERABLE, TABLE, Act, Event
from monitor.alerting.plan import Directory
from monitor.alerting.roster import holds
from monitor.alerting.scene import Scene
from monitor.alerting.troubles import SILENT_PREFIX, Trouble, judged
from monitor.model.colour import Colour
from monitor.model.hours import Calendar
from monitor.model.incident import (
    LEFT,
    MASS_PREFIX,
    Address,
    Incident,
    Kind,
    Notice,
    Phase,
    Step,
)
from monitor.model.state import AuditEntry, Withhold

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


def react(before: Mapping[str, Incident], found: Mapping[str, Trouble], scene: Scene, now: datetime) -> Alerts:
    """Open, worsen, escalate, keep and close the incidents of one unit.

    `before` are its open incidents by cause, `found` its troubles by cause.
    """
    found = {} if scene.paused else {**_lasting(before, scene), **_opening(before, found, scene)}
    causes = dict.fromkeys((*before, *found))
    cases = [_moved(before.get(cause), found.get(cause), cause, scene, now) for cause in causes]
    running = {case.incident.cause: case.incident for case in cases if case.incident.open}
    calls = (_next(case.incident, now) for case in cases if case.event is not Event.PAUSED)
    return Alerts(
        open=running,
        changed=tuple(case.incident for case in cases if not _same(case.incident, before.get(case.incident.cause))),
        notices=tuple(notice for case in cases for notice in case.notices),
        withheld=tuple(withhold for case in cases for withhold in case.withheld),
        recheck_at=min((at for at in calls if at is not None), default=None),
        audit=tuple(entry for case in cases for entry in case.audit),
    )


def _same(incident: Incident, before: Incident | None) -> bool:
    return incident is before or incident == before


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
    paused = incident.paused_since and now
    incident = gone_on(Case(incident, Event.STAYED, None, scene, now)).incident
    step, behind = incident.steps[index], incident.steps[index + 1 :]
    if step.skipped == NOBODY:  # handed on before
        return as_it_was, any(one.fired and not one.skipped for one in behind)
    vacated = _vacated(incident, step, left, scene, now)
    if vacated is None:
        return as_it_was, True
    steps = (*incident.steps[:index], vacated, *behind)
    case = call_due(Case(replace(incident, steps=steps), Event.STAYED, None, scene, now))
    others = ", ".join(dict.fromkeys(notice.recipient for notice in case.notices))
    case = case.noting("handed on", f"{left.recipient} {LEFT}: {others or 'nobody yet'}")
    after = replace(case.incident, paused_since=paused)
    nobody = not case.notices and after.steps[index].skipped == NOBODY
    told = Alerts({after.cause: after}, (after,), case.notices, case.withheld, _next(after, now), case.audit)
    return told, not nobody


def _vacated(incident: Incident, step: Step, left: Notice, scene: Scene, now: datetime) -> Step | None:
    """The step of a call that somebody did not hear who left: due for their successors, and for those for whom their
    telephone rang as well; or due anew so that the next one is called in its place; None where others of the same call
    are still there."""
    again = replace(step, fired=step.fired - 1, due_at=now if step.repeat is None else _last_time(step, now), to=())
    there = narrowed((resolved(again, scene.directory, scene.lineage, scene.calendar, now),), incident.cover, scene)[0]
    own = scene.directory.telephones
    rang = Address(left.recipient, left.origin)
    number = own.get(rang, rang)
    spared = {one for one in step.to if one != rang and own.get(one, one) == number}
    new = tuple(one for one in there.to if one not in step.to or one in spared)
    if new:
        return replace(step, to=there.to, held=(*step.held, *new), held_until=now)
    here = (scene.directory, step.role, scene.lineage)
    others = any(holds(*here, one.recipient, now, scene.calendar) for one in step.to)
    return None if others else again


def holds_post(
    incident: Incident, call: Notice, directory: Directory, lineage: tuple[str, ...], calendar: Calendar, now: datetime
) -> bool:
    """Whether the recipient of a call holds the post still that was called; of what is no call of the plan: yes."""
    step = next((step for step in incident.steps if step.called == call.call), None)
    return step is None or holds(directory, step.role, lineage, call.recipient, now, calendar)


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
    before, incident = incident, answered(incident, actor, note, now, party, until)
    event = Event.HEARD if incident.missing else Event.ACKNOWLEDGED
    move = TABLE.get((incident.phase, event))
    if move is None:
        raise ValueError(f"incident {incident.ref} is {incident.phase.value}")
    if event is Event.ACKNOWLEDGED:
        incident = acknowledged(incident, now)
    ended = now if move.to is Phase.CLOSED else None
    whom = incident.answered if event is Event.HEARD else None
    news = incident != before and Act.WITHHOLD in move.acts
    withheld = (Withhold(incident.key, event.value, whom),) if news else ()
    cover = incident.cover if move.to in COVERABLE else None
    return replace(incident, phase=move.to, closed_at=ended, cover=cover), withheld


def _next(incident: Incident, now: datetime) -> datetime | None:
    """When time alone moves an incident on: a call, a reminder, the end of an answer or of a watch.

    What is overdue waits for evidence: an answer does not lapse while nobody can see the trouble.
    """
    watched = incident.phase in (Phase.CLOSING, Phase.UNANSWERED)
    calling = (incident.remind_at, incident.acked_until, next_call(incident))
    instants = (_well_until(incident),) if watched else calling
    return min((at for at in instants if at is not None and at > now), default=None)


def _well_until(incident: Incident) -> datetime | None:
    """When a watch over something that is well ends; None while it is not well."""
    if incident.well_since is None:
        return None
    spans = {Phase.CLOSING: incident.terms.close_after, Phase.UNANSWERED: incident.terms.review or 0.0}
    return incident.well_since + timedelta(seconds=spans.get(incident.phase, 0.0))


def _moved(incident: Incident | None, trouble: Trouble | None, cause: str, scene: Scene, now: datetime) -> Case:
    """One move; where that was about a wider trouble, also what its answers have become meanwhile."""
    case = _move(incident, trouble, cause, scene, now)
    if case.event not in (Event.COVERED, Event.UNCOVERED):
        return case
    then = _move(case.incident, trouble, cause, scene, now)
    told, withheld, audit = (*case.notices, *then.notices), (*case.withheld, *then.withheld), (*case.audit, *then.audit)
    return replace(then, notices=told, withheld=withheld, audit=audit)


def _move(incident: Incident | None, trouble: Trouble | None, cause: str, scene: Scene, now: datetime) -> Case:
    incident = incident and dated(incident, now)
    event = _event(incident, trouble, cause, scene, now)
    move = TABLE[None if incident is None else incident.phase, event]
    case = Case(posted(incident, scene, now) if incident else _opened(trouble, scene, now), event, trouble, scene, now)
    case = gone_on(counted(case))
    for act in move.acts:
        case = ACTS[act](case)
    ended = now if move.to is Phase.CLOSED else None
    well = case.incident.well_since if move.to in (Phase.CLOSING, Phase.UNANSWERED, Phase.CLOSED) else None
    cover = case.incident.cover if move.to in COVERABLE else None
    now_is, kept = (move.to, ended, well, cover), case.incident
    if now_is == (kept.phase, kept.closed_at, kept.well_since, kept.cover):
        return case  # most decisions find an incident as it is
    return replace(case, incident=replace(kept, phase=move.to, closed_at=ended, well_since=well, cover=cover))


def _event(incident: Incident | None, trouble: Trouble | None, cause: str, scene: Scene, now: datetime) -> Event:
    if incident is None:
        return Event.APPEARED
    if scene.paused:
        return Event.PAUSED
    if trouble is not None:
        event = _covering(incident, cause, scene, _again(incident, _change(incident, trouble, scene), now))
        return Event.SUFFICED if event is Event.EASED and _sufficed(incident, trouble, scene, now) else event
    if cause.startswith(MASS_PREFIX):
        return _well(incident, now) if cause in scene.causes else Event.RETIRED
    if cause.startswith(SILENT_PREFIX):
        gone = scene.sources is not None and cause.removeprefix(SILENT_PREFIX) not in scene.sources
        event = Event.RETIRED if gone else Event.RECOVERED
    else:
        event = _without_trouble(cause, scene)
    if event is Event.UNSEEN and incident.phase in COVERABLE:
        answered = incident.phase is Phase.CLOSING and incident.acked_by is not None
        return Event.RESUMED if answered else _covering(incident, cause, scene, event)
    return _well(incident, now) if event is Event.RECOVERED else event


def _covering(incident: Incident, cause: str, scene: Scene, event: Event) -> Event:
    """The event, or that a wider trouble begins or ends to take this one in. What plans anew minds that by itself."""
    cover = scene.covers.get(cause)
    whole = cover is not None and cover.whole
    if incident.phase is Phase.ACKNOWLEDGED:
        return Event.STAYED if whole else event
    if incident.phase not in COVERABLE or event is Event.RESUMED:
        return event
    if cover != incident.cover and (whole or Act.PLAN not in TABLE[incident.phase, event].acts):
        return Event.COVERED if cover is not None else Event.UNCOVERED
    if whole:
        return Event.RELAPSED if incident.phase is Phase.CLOSING else Event.STAYED
    return event


def _again(incident: Incident, change: Event, now: datetime) -> Event:
    """What a trouble that is there means to an incident in this phase."""
    if change in (Event.WORSENED, Event.RENEWED) or (change is Event.EASED and incident.acked_by is None):
        return change
    if incident.phase is Phase.UNANSWERED:
        return Event.RELAPSED
    ended = due(incident, now)
    if incident.phase is Phase.CLOSING and ended in (None, Event.REMINDED):
        return Event.RELAPSED if incident.acked_by is None else Event.RESUMED
    return ended or change


def _sufficed(incident: Incident, trouble: Trouble, scene: Scene, now: datetime) -> bool:
    """Whether those have answered who must for a lesser trouble, by the plan for that."""
    if not incident.answers or incident.phase not in COVERABLE:
        return False
    return suffices(ACTS[Act.PLAN](Case(incident, Event.EASED, trouble, scene, now)).incident)


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
