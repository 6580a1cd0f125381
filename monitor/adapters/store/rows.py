"""Decisions as rows for the tables. Encoding is the slow part of a commit: it runs in the thread that writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import product
from typing import Any

from monitor.adapters.store import codec, states
from monitor.alerting.auditor import owes_since
from monitor.model.colour import Colour
from monitor.model.incident import Delivery, Incident, Notice, Receipt, reference
from monitor.model.muting import Silence, Window
from monitor.model.reading import Reading, SourceHealth
from monitor.model.rolling import Rolling
from monitor.model.series import Series
from monitor.model.state import AuditEntry, Decision, Transition, UnitState, Withhold

Row = dict[str, Any]


@dataclass(slots=True)
class Batch:
    """Rows of decisions about different units, and the versions that these units must have."""

    versions: dict[str, int] = field(default_factory=dict)
    after: list[UnitState] = field(default_factory=list)  # with their new versions
    states: list[Row] = field(default_factory=list)
    series: list[Row] = field(default_factory=list)
    rolling: list[Row] = field(default_factory=list)
    incidents: list[Row] = field(default_factory=list)
    over: list[Row] = field(default_factory=list)
    withheld: list[Row] = field(default_factory=list)
    notices: list[Row] = field(default_factory=list)
    readings: list[Row] = field(default_factory=list)
    transitions: list[Row] = field(default_factory=list)
    audit: list[AuditEntry] = field(default_factory=list)

    def add(self, decision: Decision) -> None:
        """Take in one decision. Raises StoreError for a fact that cannot be encoded."""
        self.versions[decision.before.unit] = decision.before.version
        after = replace(decision.after, version=decision.before.version + 1)
        self.after.append(after)
        self.states.append(_state_row(after))
        self.series += _series_rows(decision)
        self.rolling += _rolling_rows(decision)
        self.incidents += map(_incident_row, decision.incidents)
        self.over += (_over_row(one) for one in decision.incidents if one.over_since is not None)
        self.withheld += (row for order in decision.withheld for row in _withheld_rows(order))
        self.notices += map(notice_row, decision.notices)
        self.readings += map(_reading_row, decision.readings)
        self.transitions += map(_transition_row, decision.transitions)
        self.audit += decision.audit


def _over_row(incident: Incident) -> Row:
    return {"first": f"{incident.unit}/{incident.cause}/", "over": incident.key, "at": incident.over_since}


def _withheld_rows(order: Withhold) -> Iterator[Row]:
    """One row for everybody (recipient None) and all messages (key None), or one for each that is meant."""
    whom: Iterable[str | None] = (None,) if order.recipients is None else sorted(order.recipients)
    keys: Iterable[str | None] = (None,) if order.notices is None else sorted(order.notices)
    about = {"of_incident": order.incident, "reason": order.reason}
    return ({**about, "of_recipient": who, "of_key": key} for who, key in product(whom, keys))


def batches(decisions: Sequence[Decision]) -> list[Batch]:
    """Decisions in rounds, in their order; a unit that is decided again begins a new round.

    So that within a round what is withheld can be written before what is newly owed, for all units at once.
    """
    rounds: list[Batch] = []
    for decision in decisions:
        if not rounds or decision.before.unit in rounds[-1].versions:
            rounds.append(Batch())
        rounds[-1].add(decision)
    return rounds


def health_row(health: SourceHealth) -> Row:
    """A row of the table `health`."""
    return {"source": health.source, "doc": codec.HEALTH.encode(health)}


def audit_row(entry: AuditEntry, hashed: str) -> Row:
    """A row of the table `audit`."""
    return {
        "at": entry.at,
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "detail": entry.detail,
        "hash": hashed,
    }


def _state_row(state: UnitState) -> Row:
    return {
        "unit": state.unit,
        "version": state.version,
        "recheck_at": state.recheck_at,
        "doc": codec.STATE.encode(replace(state, series={}, rolling=_open(state.rolling))),
    }


def _series_rows(decision: Decision) -> list[Row]:
    """Only what changed: most decisions change none, and a unit has many. A series never goes."""
    before, after = decision.before.series, decision.after.series
    changed = () if after is before else [key for key, past in after.items() if before.get(key) != past]
    return [{"unit": decision.after.unit, "indicator": key, "doc": codec.SERIES.encode(after[key])} for key in changed]


def _open(rolling: Mapping[str, Rolling]) -> Mapping[str, Rolling]:
    """Without the closed tallies, which have a table: every answer changes the rest."""
    return {source: _with_closed(one, b"", b"") for source, one in rolling.items()}


def _with_closed(rolling: Rolling, hours: bytes, days: bytes) -> Rolling:
    return replace(
        rolling,
        hours=None if rolling.hours is None else replace(rolling.hours, closed=hours),
        days=None if rolling.days is None else replace(rolling.days, closed=days),
    )


def _rolling_rows(decision: Decision) -> list[Row]:
    """Closed tallies that changed: once an hour."""
    before, after = decision.before.rolling, decision.after.rolling
    if after is before:
        return []
    closed = {source: _closed(rolling) for source, rolling in after.items()}
    return [
        {"unit": decision.after.unit, "source": source, "hours": hours, "days": days}
        for source, (hours, days) in closed.items()
        if (hours, days) != _closed(before.get(source))
    ]


def _closed(rolling: Rolling | None) -> tuple[bytes, bytes]:
    tiers = (None, None) if rolling is None else (rolling.hours, rolling.days)
    hours, days = (b"" if tier is None else tier.closed for tier in tiers)
    return hours, days


def states_of(states: Sequence[Any], series: Sequence[Any], rolling: Sequence[Any]) -> list[UnitState]:
    """The states that rows of the tables `unit_state`, `series` and `rolling` hold together."""
    closed = {(row.unit, row.source): (row.hours, row.days) for row in rolling}
    past: dict[str, dict[str, Series]] = {}
    for row in series:
        past.setdefault(row.unit, {})[row.indicator] = codec.SERIES.decode(row.doc)
    found = (codec.STATE.decode(row.doc) for row in states)
    return [
        replace(
            state,
            series=past.get(state.unit, {}),
            rolling={
                source: _with_closed(one, *closed.get((state.unit, source), (b"", b"")))
                for source, one in state.rolling.items()
            },
        )
        for state in found
    ]


def _incident_row(incident: Incident) -> Row:
    return {
        "key": incident.key,
        "ref": incident.ref,
        "unit": incident.unit,
        "cause": incident.cause,
        "phase": incident.phase.value,
        "colour": incident.colour.value,
        "opened_at": incident.opened_at,
        "owes_at": owes_since(incident),
        "doc": codec.INCIDENT.encode(incident),
    }


def notice_row(notice: Notice, free_at: datetime | None = None, placed_at: datetime | None = None) -> Row:
    """A row of the table `notice`, owed; `free_at` where nothing held it back since another instant than it says, and
    `placed_at` where it has the place of another one."""
    return {
        "key": notice.key,
        "channel": notice.channel,
        "recipient": notice.recipient,
        "incident": notice.incident,
        "requires": notice.requires,
        "urgent": notice.urgent,
        "due_at": notice.due_at,
        "next_at": notice.due_at,
        "state": states.PENDING,
        "attempt": 0,
        "owner": "",
        "maybe_sent": False,
        "withheld": "",
        "detail": "",
        "doc": codec.NOTICE.encode(notice),
        "origin": notice.origin,
        "reference": reference(notice.key),
        "provider_id": "",
        "final": "",
        "free_at": free_at or notice.free_at,
        "placed_at": placed_at,
    }


def sent_row(notice: Notice, receipt: Receipt, at: datetime) -> Row:
    """A row of the table `notice` that went past the outbox."""
    said = states.directly(receipt)
    return {**notice_row(notice), **said, "sent_at": at, "next_at": at}


def _reading_row(reading: Reading) -> Row:
    return {
        "unit": reading.unit,
        "indicator": reading.indicator,
        "as_of": reading.as_of,
        "source": reading.source,
        "claim": codec.claim(reading),
        "received_at": reading.received_at,
        "since": reading.since,
        "note": reading.note,
    }


def _transition_row(change: Transition) -> Row:
    return {
        "unit": change.unit,
        "criterion": change.criterion,
        "at": change.at,
        "before": change.before.value,
        "after": change.after.value,
        "reasons": codec.REASONS.encode(change.reasons),
    }


def transition_of(row: Any) -> Transition:
    """The change of colour that a row of the table `transition` holds."""
    reasons = codec.REASONS.decode(row.reasons)
    return Transition(row.unit, row.criterion, row.at, Colour(row.before), Colour(row.after), reasons)


def by_incident(found: Iterable[Any]) -> dict[str, dict[str, tuple[str, str]]]:
    """Rows of notices (incident, key, state, detail) by the incident they belong to."""
    owed: dict[str, dict[str, tuple[str, str]]] = {}
    for row in found:
        owed.setdefault(row.incident, {})[row.key] = (row.state, row.detail)
    return owed


def delivery_of(row: Any) -> Delivery:
    """What a row of the table `notice` says of its notice."""
    return Delivery(
        notice=codec.NOTICE.decode(row.doc),
        state=row.state,
        attempt=row.attempt,
        owner=row.owner,
        lease_until=row.lease_until,
        next_at=row.next_at if row.state in states.WAITING else None,
        sent_at=row.sent_at,
        detail=row.detail,
        provider_id=row.provider_id,
        final=row.final,
    )


def muting_row(what: Silence | Window) -> Row:
    """A row of the table `muting`."""
    sort, doc = (
        ("silence", codec.SILENCE.encode(what)) if isinstance(what, Silence) else ("window", codec.WINDOW.encode(what))
    )
    return {"id": what.id, "sort": sort, "ends": what.ends, "doc": doc}


def muting_of(row: Any) -> Silence | Window:
    """The silence or window that a row of the table `muting` holds."""
    return codec.SILENCE.decode(row.doc) if row.sort == "silence" else codec.WINDOW.decode(row.doc)


def audited(row: Any) -> tuple[AuditEntry, str]:
    """The audit entry that a row of the table `audit` holds, and its hash."""
    return AuditEntry(row.at, row.actor, row.action, row.subject, row.detail), row.hash
