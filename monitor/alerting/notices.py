"""Calls and recoveries as notices: who gets which words under which key. Derived keys make repeats recognisable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from monitor.alerting.escalate import Call, quiet_until, report_by, working
from monitor.alerting.links import Purpose, address
from monitor.alerting.plan import Recipient
from monitor.alerting.roster import ways
from monitor.alerting.scene import Scene
from monitor.alerting.troubles import SILENT_PREFIX, judged
from monitor.alerting.wording import KPI_LIMIT, TONE, Message, render
from monitor.model.colour import Colour, worst
from monitor.model.hours import Calendar
from monitor.model.incident import Address, Answer, Incident, Kind, Notice, Step
from monitor.model.text import unaccent
from monitor.model.verdict import Param

RECOVERY_TEXTS = {
    Kind.OUTAGE: "recovered",
    Kind.KPI_YELLOW: "kpi_met",
    Kind.KPI_RED: "kpi_met",
    Kind.OVERDUE: "kpi_met",
    Kind.SILENT: "speaks_again",
    Kind.MASS: "mass_over",
}

_NAMED = 3  # criteria that a message names as still red

STILL_OPEN = "still_open"
REMINDER = "reminder"


def text_of(incident: Incident, call: Call) -> str:
    """Which text a call uses: that of the kind; of a deadline that was told already, the reminder."""
    again = call.step > 0 or call.repeat > 0
    return REMINDER if again and incident.kind is Kind.KPI_YELLOW else incident.kind.value


def pages(incident: Incident, call: Call, scene: Scene, now: datetime) -> tuple[Notice, ...]:
    """The notices of one call: one for each address whose recipient is still known."""
    people = ((address, scene.recipient(address.recipient)) for address in call.to)
    return tuple(_page(incident, call, address, person, scene, now) for address, person in people if person)


def _page(incident: Incident, call: Call, address: Address, person: Recipient, scene: Scene, now: datetime) -> Notice:
    facts = {**_facts(incident, person, scene, now), **_plan_facts(incident, incident.steps[call.step], scene, now)}
    message = render(text_of(incident, call), facts, person.locale, scene.directory.texts)
    key = f"{incident.key}/{incident.generation}/{call.step}/{call.repeat}/{address.recipient}/{address.channel}"
    return _notice(incident, incident.kind.value, key, address, call.at, message)


def recoveries(incident: Incident, scene: Scene, now: datetime) -> tuple[Notice, ...]:
    """One message to each address that was owed a page, held by the store until that page is decided.

    That a service is back is told at once, all else when the office is open; quiet hours hold it as they hold pages.
    """
    due_at = now if incident.kind in (Kind.OUTAGE, Kind.MASS) else working(now, scene.sessions)
    told = [(key, address_in(key)) for key in incident.owed]
    people = [(key, address, scene.recipient(address.recipient)) for key, address in told]
    known = (person for _, _, person in people if person)
    quiet = quiet_until(known, incident.kind, incident.colour, scene.calendar.zone, due_at)
    return tuple(
        _recovery(incident, key, address, person, scene, quiet.get(person.id, due_at), now)
        for key, address, person in people
        if person and person.recoveries
    )


def reminders(incident: Incident, answers: Iterable[Answer], scene: Scene, now: datetime) -> tuple[Notice, ...]:
    """One message to each of those who gave these answers, by the first way they were called, that it is open still.

    Quiet hours hold it as they hold a call. Somebody who is not in the directory (a token of the board) cannot be
    reached.
    """
    ends = {answer.by: answer.until for answer in answers}
    called = {address.recipient: address for address in map(address_in, reversed(incident.owed))}
    people = [person for person in map(scene.recipient, ends) if person is not None]
    quiet = quiet_until(people, incident.kind, incident.colour, scene.calendar.zone, now)
    addressed = ((person, called.get(person.id) or next(iter(ways(person, ())), None)) for person in people)
    return tuple(
        _reminder(incident, address, person, ends[person.id], scene, quiet.get(person.id, now), now)
        for person, address in addressed
        if address
    )


def _reminder(
    incident: Incident,
    address: Address,
    person: Recipient,
    until: datetime | None,
    scene: Scene,
    due_at: datetime,
    now: datetime,
) -> Notice:
    facts = {**_facts(incident, person, scene, now), "due": until}
    message = render(
        STILL_OPEN, {key: _local(value, scene) for key, value in facts.items()}, person.locale, scene.directory.texts
    )
    ends = until.isoformat() if until else ""
    key = f"{incident.key}/{incident.generation}/reminder/{ends}/{address.recipient}/{address.channel}"
    return replace(_notice(incident, STILL_OPEN, key, address, due_at, message), until=until)


def _recovery(
    incident: Incident, told: str, address: Address, person: Recipient, scene: Scene, due_at: datetime, now: datetime
) -> Notice:
    text = RECOVERY_TEXTS[incident.kind]
    facts = {**_facts(incident, person, scene, now), **_end_facts(incident, scene, now)}
    message = render(text, facts, person.locale, scene.directory.texts)
    key = f"{incident.key}/{incident.generation}/recovery/{address.recipient}/{address.channel}"
    return _notice(incident, text, key, address, due_at, message, requires=told)


def _notice(
    incident: Incident,
    text: str,
    key: str,
    address: Address,
    due_at: datetime,
    message: Message,
    *,
    requires: str | None = None,
) -> Notice:
    """One message about an incident, with what silences ask for; good news waits for what it `requires`."""
    return Notice(
        key, incident.key, incident.ref, incident.unit, text, address.recipient, address.channel,
        due_at, message.subject, message.body, message.sms,
        urgent=incident.colour is Colour.RED and requires is None, requires=requires,
        cause=incident.cause, trouble=incident.kind, colour=incident.colour, words=message.words,
    )  # fmt: skip


def address_in(key: str) -> Address:
    """The address in a notice's key."""
    _, recipient, channel = key.rsplit("/", 2)
    return Address(recipient, channel)


def owed(before: tuple[str, ...], new: tuple[Notice, ...]) -> tuple[str, ...]:
    """The last key for each address: what a recovery waits for."""
    return tuple({address_in(key): key for key in (*before, *(notice.key for notice in new))}.values())


def replaced(before: tuple[str, ...], new: Iterable[Notice], scene: Scene) -> frozenset[str]:
    """Keys of the calls that new ones make needless where they still wait: to the same person by the same channel, or
    by one that takes over from it. `before` as `Incident.owed`."""
    found = set[str]()
    for notice in new:
        person = scene.recipient(notice.recipient)
        after = {} if person is None else person.after
        by = _in_turn(notice.channel, after)
        for key in before:
            earlier = address_in(key)
            if earlier.recipient == notice.recipient and notice.channel in _in_turn(earlier.channel, after):
                head = key.removesuffix(earlier.channel)
                found |= {head + channel for channel in by}
    return frozenset(found)


def _in_turn(channel: str, after: Mapping[str, str]) -> tuple[str, ...]:
    """A channel and those that take over from it."""
    found = [channel]
    while (following := after.get(found[-1])) is not None and following not in found:
        found.append(following)
    return tuple(found)


def _facts(incident: Incident, person: Recipient, scene: Scene, now: datetime) -> dict[str, Param]:
    since = incident.facts.get("since")
    lasted = (now - since).total_seconds() if isinstance(since, datetime) else None
    facts: dict[str, Param] = {
        **incident.facts,
        **_latest(incident, scene),
        **_last_figure(incident, scene),
        **_names(scene),
        "id": incident.ref,
        "now": now,
        "when": since,
        "h": lasted,
        TONE: incident.colour.value,
        **_addressee(person, scene),
        **_role("role", person.role, scene),
        "scope": scene.dependants,
        "isp": scene.directory.operator_name or None,
        "isp_hotline": scene.directory.operator_hotline or None,
        **_links(incident, scene),
    }
    return {key: _local(value, scene) for key, value in facts.items()}


def _latest(incident: Incident, scene: Scene) -> dict[str, Param]:
    """What the criterion says now; nothing if it says nothing, so that the facts of the opening stand."""
    state, rule = scene.criteria.get(incident.cause), scene.rules.get(incident.cause)
    if state is None or rule is None or not state.colour.known:
        return {}
    return judged(state, rule, scene.indicators.get(rule.indicator or ""))


def _last_figure(incident: Incident, scene: Scene) -> dict[str, Param]:
    """Name and measure of the figure that a silent source gave last."""
    if incident.kind is not Kind.SILENT:
        return {}
    source = incident.cause.removeprefix(SILENT_PREFIX)
    given = (reading for reading in scene.evidence.values() if reading.source == source)
    last = max(given, key=lambda reading: reading.as_of, default=None)
    indicator = scene.indicators.get(last.indicator) if last else None
    if indicator is None:
        return {}
    return {"kpi_vi": indicator.name_vi, "kpi_en": indicator.name_en, "measure": indicator.unit}


def _addressee(person: Recipient, scene: Scene) -> dict[str, Param]:
    """A post is addressed in the language of the message, a person by name."""
    vi, en = scene.directory.roles.get(person.role, ("", ""))
    return {"recipient_vi": vi, "recipient_en": en} if person.name == vi else {"recipient": person.name}


def _names(scene: Scene) -> dict[str, Param]:
    unit, province = scene.unit, scene.province
    names: dict[str, Param] = {
        "code": unit.code,
        "level": unit.level.value,
        "unit_vi": unit.name_vi,
        "unit_en": unit.name_en,
        "unit_sms": unit.name_ascii,
    }
    if province is not None and province.code != unit.code:
        names |= {"province_vi": province.name_vi, "province_en": province.name_en}
    return names


def _links(incident: Incident, scene: Scene) -> dict[str, Param]:
    base = scene.directory.base_url.rstrip("/")
    if not base:
        return {}
    ack, why = (address(purpose, base, incident.ref) for purpose in (Purpose.ACKNOWLEDGE, Purpose.WHY))
    return {"ack_url": ack, "why_url": why, "url": f"{base}/units/{incident.unit}"}


def _role(name: str, roles: str, scene: Scene) -> dict[str, Param]:
    """Titles of one or several roles (joined by commas) in both languages; an untitled role is its id."""
    titles = [scene.directory.roles.get(role, (role, role)) for role in roles.split(",") if role]
    if not titles:
        return {}
    vi, en = zip(*titles, strict=True)
    return {f"{name}_vi": ", ".join(vi), f"{name}_en": ", ".join(en)}


def _plan_facts(incident: Incident, step: Step, scene: Scene, now: datetime) -> dict[str, Param]:
    due = report_by(incident.kind, scene.sessions, now)
    later = (s for s in incident.steps if s.fired == 0 and s.to and s.role != step.role)
    following = min(later, key=lambda s: s.due_at, default=None)
    facts: dict[str, Param] = {"due": due, "days_late": _days_late(incident, scene, now)}
    facts |= _role("previous_roles", str(incident.facts.get("previous_roles") or ""), scene)
    if following is not None:
        facts |= {"next_time": following.due_at, **_role("next_role", following.role, scene)}
    return {key: _local(value, scene) for key, value in facts.items()}


def _days_late(incident: Incident, scene: Scene, now: datetime) -> int | None:
    deadline = _latest(incident, scene).get("deadline") or incident.facts.get("deadline")
    return days_late(deadline, now, scene.calendar) if isinstance(deadline, datetime) else None


def days_late(deadline: datetime, now: datetime, calendar: Calendar) -> int | None:
    """Calendar days past the last good day: 1 on the first day that is too late. None before that."""
    return None if now < deadline else (calendar.local(now).date() - calendar.local(deadline).date()).days + 1


def _end_facts(incident: Incident, scene: Scene, now: datetime) -> dict[str, Param]:
    """When it ended, how long it lasted, in whole minutes, and what is true of the unit now."""
    since, ended = incident.facts.get("since"), incident.well_since or now
    still = _still_red(incident, scene)
    tone = Colour.RED if still else _end_colour(incident, scene)
    facts: dict[str, Param] = {"when": scene.calendar.local(ended), TONE: tone.value, **still}
    if isinstance(since, datetime):
        facts |= {"minutes": (ended - since).total_seconds() // 60}
        facts |= {"work_minutes": scene.sessions.working_minutes(since, ended)}
    return facts


def _end_colour(incident: Incident, scene: Scene) -> Colour:
    """What its criterion has come to; where a source speaks again, the worst of the unit's."""
    if incident.kind is Kind.SILENT:
        return worst(*(state.told for state in scene.criteria.values()))
    state = scene.criteria.get(incident.cause)
    return Colour.GREEN if state is None else state.told


def _still_red(incident: Incident, scene: Scene) -> dict[str, Param]:
    """What the unit is red by although this incident is over: the first ones by name, and how many more."""
    red = (key for key, state in scene.criteria.items() if state.told is Colour.RED and key != incident.cause)
    rules = [scene.rules[key] for key in red if key in scene.rules]
    if not rules:
        return {}
    figures = (scene.indicators.get(rule.indicator or "") for rule in rules[:1])
    short = next(one.sms if one else unaccent(rules[0].title_vi) for one in figures)[:KPI_LIMIT].rstrip()

    def named(titles: Sequence[str], most: int) -> str:
        more = len(titles) - most
        return ", ".join(titles[:most]) + (f" (+{more})" if more > 0 else "")

    return {
        "still_vi": named([rule.title_vi for rule in rules], _NAMED),
        "still_en": named([rule.title_en for rule in rules], _NAMED),
        "still_sms": short + (f" +{len(rules) - 1}" if len(rules) > 1 else ""),
    }


def _local(value: Param, scene: Scene) -> Param:
    return scene.calendar.local(value) if isinstance(value, datetime) else value
