"""What an auditor gets: values, colours, incidents, messages and answers of a span as rows of text. Nobody is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.engine.explain import sentence
from monitor.model.hours import Calendar
from monitor.model.incident import Delivery, Incident
from monitor.model.reading import Reading
from monitor.model.state import AuditEntry, Transition
from monitor.reporting.anonymous import masked, person

Row = Sequence[str | int | float | bool | None]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One file of the pack: its name and the names of its columns."""

    name: str
    columns: tuple[str, ...]


VALUES = Sheet(
    "values.csv",
    ("unit", "indicator", "value", "comparator", "numerator", "denominator", "as_of", "received_at", "source", "note"),
)
COLOURS = Sheet("colours.csv", ("unit", "criterion", "at", "before", "after", "reasons", "reasons_vi"))
INCIDENTS = Sheet(
    "incidents.csv",
    ("incident", "ref", "unit", "cause", "kind", "colour", "policy", "opened_at", "closed_at", "phase", "generation"),
)
DELIVERIES = Sheet(
    "deliveries.csv",
    (
        "key",
        "incident",
        "unit",
        "kind",
        "role",
        "recipient",
        "channel",
        "due_at",
        "state",
        "attempts",
        "sent_at",
        "final",
        "provider_id",
        "detail",
        "text",
    ),
)
ANSWERS = Sheet("acknowledgements.csv", ("at", "by", "incident", "note"))
VERSIONS = Sheet("versions.csv", ("at", "what", "rules_version"))


def value_row(one: Reading, calendar: Calendar) -> Row:
    """One reading as it was received."""
    times = _iso(one.as_of, calendar), _iso(one.received_at, calendar)
    parts = one.value, one.comparator.value, one.numerator, one.denominator
    return one.unit, one.indicator, *parts, *times, one.source, masked(one.note)


def colour_row(one: Transition, calendar: Calendar) -> Row:
    """One change of colour with its reasons, as codes and as sentences; the unit's own has no criterion."""
    codes = " ".join(reason.code for reason in one.reasons)
    told = " ".join(sentence(reason, "vi", calendar) for reason in one.reasons)
    return one.unit, one.criterion, _iso(one.at, calendar), one.before.value, one.after.value, codes, masked(told)


def incident_row(one: Incident, calendar: Calendar) -> Row:
    """One incident as it stood at the end of the span."""
    opened, closed = _iso(one.opened_at, calendar), _iso(one.closed_at, calendar)
    head = one.key, one.ref, one.unit, one.cause, one.kind.value, one.colour.value, one.policy
    return *head, opened, closed, one.phase.value, one.generation


def delivery_row(one: Delivery, roles: Mapping[str, str], calendar: Calendar) -> Row:
    """One message: whom by role, what was said with numbers and addresses hidden, and what became of it."""
    notice = one.notice
    # A notice's key names its recipient: that part is told as the person is.
    parts = notice.key.split("/")
    key = "/".join(person(part) if part == notice.recipient else part for part in parts)
    return (
        key,
        notice.incident,
        notice.unit,
        notice.kind,
        roles.get(notice.recipient),
        person(notice.recipient),
        notice.channel,
        _iso(notice.due_at, calendar),
        one.state,
        one.attempt,
        _iso(one.sent_at, calendar),
        one.final,
        one.provider_id,
        masked(one.detail),
        masked(notice.sms or notice.subject),
    )


def answer_row(one: AuditEntry, calendar: Calendar) -> Row:
    """One acknowledgement."""
    return _iso(one.at, calendar), person(one.actor), one.subject, masked(one.detail)


def version_row(one: AuditEntry, calendar: Calendar) -> Row:
    """One start or stop of the service, with the version of site and rules that judged from then on."""
    return _iso(one.at, calendar), one.action, one.subject


def _iso(at: datetime | None, calendar: Calendar) -> str | None:
    return None if at is None else calendar.local(at).isoformat()
