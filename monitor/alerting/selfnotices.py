"""The messages of the monitor's own alarm (text T12): to whom, in which words, under which key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from monitor.alerting.plan import Directory, Recipient
from monitor.alerting.selfwatch import Alarm, Call
from monitor.alerting.wording import TONE, Words, render
from monitor.model.colour import Colour
from monitor.model.hours import Calendar
from monitor.model.incident import LATER, Notice
from monitor.model.state import Withhold
from monitor.model.unit import Unit
from monitor.model.verdict import Param


@dataclass(frozen=True, slots=True)
class Operators:
    """Who hears of it, past all policies, rosters and quiet hours: the alarm must not depend on what it watches."""

    unit: Unit  # whose name and code the messages carry
    people: tuple[Recipient, ...]
    via: tuple[str, ...]  # channel ids, each an own message
    directory: Directory  # for the texts and the board's address
    calendar: Calendar


def notices(call: Call, operators: Operators, now: datetime) -> tuple[Notice, ...]:
    """One message for each recipient and channel. Nothing mutes them: they belong to no incident."""
    said = {person.locale: _facts(call, operators, now) for person in operators.people}
    return tuple(
        _notice(call, operators, person, channel, said[person.locale], now)
        for person in operators.people
        for channel in operators.via
        if channel in person.channels
    )


def outdated(call: Call, notice: Notice) -> Withhold:
    """What is still owed to the same address of the message before: this one says more."""
    alarm = call.alarm
    before = f"{alarm.key}/{alarm.told - 1}/self/{notice.recipient}/{notice.channel}"
    return Withhold(alarm.key, LATER, notices=frozenset({before}))


def _notice(
    call: Call, operators: Operators, person: Recipient, channel: str, facts: Mapping[str, Param], now: datetime
) -> Notice:
    alarm, unit = call.alarm, operators.unit
    message = render(call.text, {**facts, "recipient": person.name}, person.locale, operators.directory.texts)
    key = f"{alarm.key}/{alarm.told}/{call.text}/{person.id}/{channel}"
    return Notice(
        key, alarm.key, alarm.ref, unit.code, call.text, person.id, channel,
        now, message.subject, message.body, message.sms, urgent=True, words=message.words,
    )  # fmt: skip


def _facts(call: Call, operators: Operators, now: datetime) -> dict[str, Param]:
    alarm, unit, base = call.alarm, operators.unit, operators.directory.base_url.rstrip("/")
    over = call.text == "self_over"
    facts: dict[str, Param] = {
        **alarm.figures,
        "condition": alarm.condition.value,
        "code": unit.code,
        "level": unit.level.value,
        "unit_vi": unit.name_vi,
        "unit_en": unit.name_en,
        "unit_sms": unit.name_ascii,
        "id": alarm.ref,
        "now": now,
        "when": alarm.seen_at if over else alarm.since,
        TONE: (Colour.GREEN if over else Colour.RED).value,
        "url": f"{base}/" if base else None,
    }
    if over:
        facts["minutes"] = (alarm.seen_at - alarm.since).total_seconds() // 60
        facts |= dict.fromkeys(alarm.figures)
    return {name: _local(value, operators.calendar) for name, value in facts.items()}


def _local(value: Param, calendar: Calendar) -> Param:
    return calendar.local(value) if isinstance(value, datetime) else value


def said(alarm: Alarm, locale: str) -> str:
    """What an alarm says, as a clause: "the disk is nearly full, 3% free"."""
    return Words({**alarm.figures, "condition": alarm.condition.value}, locale, short=False).word("condition") or ""
