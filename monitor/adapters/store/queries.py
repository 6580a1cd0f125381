"""Every question and order that goes to the database, each with a name and a sentence.

Functions without parameters are written for `executemany`: their bound parameters are filled once for each row.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Delete,
    Insert,
    Integer,
    Select,
    Table,
    Text,
    Update,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    literal_column,
    null,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects import sqlite

from monitor.adapters.store import states
from monitor.adapters.store.tables import (
    FAILING,
    OPEN,
    audit,
    health,
    incident,
    muting,
    notice,
    reading,
    rolling,
    series,
    transition,
    unit_state,
)
from monitor.model.incident import DELIVERED, FAILED, LEFT, LOOPBACK, Outcome, Phase

_earlier = notice.alias("earlier")
_free_since = func.coalesce(notice.c.free_at, notice.c.due_at, type_=notice.c.due_at.type)
# Not `in_`: the values of an IN are filled in for each execution, which `executemany` cannot do.
_waiting = or_(*(notice.c.state == state for state in sorted(states.WAITING)))
_undecided = notice.c.state.in_(sorted(states.UNDECIDED))
_withheld = notice.c.withheld != ""
_public = notice.c.channel != LOOPBACK
_unclosed = [phase.value for phase in Phase if phase is not Phase.CLOSED]


# -- units -------------------------------------------------------------------------------------------------------


@cache
def all_states() -> Select[Any]:
    """Documents of all units."""
    return select(unit_state.c.doc).order_by(unit_state.c.unit)


@cache
def all_series() -> Select[Any]:
    """Documents of the past of all units' indicators."""
    return select(series.c.unit, series.c.indicator, series.c.doc).order_by(series.c.unit, series.c.indicator)


@cache
def all_rolling() -> Select[Any]:
    """Closed tallies of all probes."""
    return select(rolling)


@cache
def versions_of() -> Select[Any]:
    """Stored versions of the units that a JSON list names; those never stored are missing."""
    asked = func.json_each(bindparam("units", type_=Text)).table_valued("value").alias("asked")
    return select(unit_state.c.unit, unit_state.c.version).where(unit_state.c.unit.in_(select(asked.c.value)))


@cache
def put(table: Table) -> Insert:
    """Write a row, over the one with the same primary key if there is one."""
    row = sqlite.insert(table)
    other = [column for column in table.columns if not column.primary_key]
    return row.on_conflict_do_update(set_={column.name: row.excluded[column.name] for column in other})


@cache
def all_health() -> Select[Any]:
    """Documents of all sources."""
    return select(health.c.doc).order_by(health.c.source)


# -- history -----------------------------------------------------------------------------------------------------


@cache
def append_reading() -> Insert:
    """Add a reading as the next revision of its key, unless the latest revision makes the same claim."""
    latest = reading.alias("latest")
    key = ("unit", "indicator", "as_of", "source")
    of_key = [latest.c[name] == bindparam(name, type_=reading.c[name].type) for name in key]
    last = select(func.coalesce(func.max(latest.c.revision), 0)).where(*of_key).scalar_subquery()
    same = exists().where(*of_key, latest.c.claim == bindparam("claim"), latest.c.revision == last)
    names = (*key, "claim", "received_at", "since", "note")
    values = [bindparam(name, type_=reading.c[name].type) for name in names]
    return insert(reading).from_select([*names, "revision"], select(*values, last + 1).where(~same))


def readings_of(unit: str, indicator: str, limit: int) -> Select[Any]:
    """History of one indicator, newest first, the latest revision of each key first."""
    order = (reading.c.as_of.desc(), reading.c.source, reading.c.revision.desc())
    of_indicator = (reading.c.unit == unit, reading.c.indicator == indicator)
    return select(reading).where(*of_indicator).order_by(*order).limit(limit)


def transitions_of(unit: str, limit: int) -> Select[Any]:
    """Changes of colour of one unit, last committed first."""
    return select(transition).where(transition.c.unit == unit).order_by(transition.c.id.desc()).limit(limit)


def colours_at(units: Collection[str], at: datetime) -> Select[Any]:
    """The last change of colour of each of some units up to an instant: one step into an index for each."""
    asked = func.json_each(json.dumps(sorted(units))).table_valued("value").alias("asked")
    past = transition.alias("past")
    # Written out, not bound: the index is over these rows only, and is taken where that can be seen.
    of_unit = (past.c.unit == asked.c.value, past.c.criterion == literal_column("''"), past.c.at <= at)
    last = select(past.c.id).where(*of_unit).order_by(past.c.at.desc(), past.c.id.desc()).limit(1)
    found = asked.join(transition, transition.c.id == last.correlate(asked).scalar_subquery())
    return select(transition.c.unit, transition.c.after).select_from(found)


def recorded(table: Table, after: int, limit: int) -> Select[Any]:
    """Rows of a table in the order in which they were first written, each with its `mark`, from a mark on."""
    mark = literal_column(f"{table.name}.rowid", Integer)
    wanted = (mark > after, _public) if table is notice else (mark > after,)
    return select(mark.label("mark"), table).where(*wanted).order_by(mark).limit(limit)


def last_received(before: datetime) -> Select[Any]:
    """The last written reading that was received before an instant: read backwards, so that little is read."""
    newest = literal_column("reading.rowid", Integer).desc()
    return select(reading.c.received_at).where(reading.c.received_at < before).order_by(newest).limit(1)


def audit_entries(limit: int) -> Select[Any]:
    """Audit entries, newest first."""
    return select(audit).order_by(audit.c.id.desc()).limit(limit)


@cache
def last_hash() -> Select[Any]:
    """Hash of the newest audit entry."""
    return select(audit.c.hash).order_by(audit.c.id.desc()).limit(1)


# -- incidents ---------------------------------------------------------------------------------------------------


def newest_incidents(open_only: bool, limit: int) -> Select[Any]:
    """Documents of incidents, newest first."""
    wanted = incident.c.phase.in_(_unclosed) if open_only else true()
    return (
        select(incident.c.doc).where(wanted).order_by(incident.c.opened_at.desc(), incident.c.key.desc()).limit(limit)
    )


def overdue(before: datetime, limit: int) -> Select[Any]:
    """Documents of incidents that have owed a call since before an instant, the oldest first."""
    order = (incident.c.owes_at, incident.c.key)
    return select(incident.c.doc).where(incident.c.owes_at <= before).order_by(*order).limit(limit)


def open_after(key: str, limit: int) -> Select[Any]:
    """Documents of open incidents in the order of their keys, from the one that follows a key on."""
    return select(incident.c.doc).where(text(OPEN), incident.c.key > key).order_by(incident.c.key).limit(limit)


def incident_called(key_or_ref: str) -> Select[Any]:
    """Document of the incident with this key, or else of the newest with this reference."""
    named = or_(incident.c.key == key_or_ref, incident.c.ref == key_or_ref.upper())
    order = ((incident.c.key == key_or_ref).desc(), incident.c.opened_at.desc(), incident.c.key.desc())
    return select(incident.c.doc).where(named).order_by(*order).limit(1)


# -- muting ------------------------------------------------------------------------------------------------------


def muted(not_over: datetime | None, limit: int) -> Select[Any]:
    """Silences and windows, the last to end first."""
    wanted = true() if not_over is None else muting.c.ends > not_over
    return select(muting).where(wanted).order_by(muting.c.ends.desc(), muting.c.id.desc()).limit(limit)


# -- outbox ------------------------------------------------------------------------------------------------------


@cache
def owe_notice() -> Insert:
    """Put a notice into the outbox; one with the same key is left alone."""
    return sqlite.insert(notice).on_conflict_do_nothing(index_elements=[notice.c.key])


# Notices of one incident, of all its recipients or of one; all of them or one.
_meant = and_(
    notice.c.incident == bindparam("of_incident"),
    or_(bindparam("of_recipient", type_=Text).is_(None), notice.c.recipient == bindparam("of_recipient", type_=Text)),
    or_(bindparam("of_key", type_=Text).is_(None), notice.c.key == bindparam("of_key", type_=Text)),
)


@cache
def withhold_waiting() -> Update:
    """Suppress what waits of an incident, with the reason."""
    return (
        update(notice)
        .where(_meant, _waiting)
        .values(state=Outcome.SUPPRESSED.value, detail=bindparam("reason"), owner="", lease_until=None)
    )


@cache
def withhold_gone() -> Update:
    """Note on what is being sent of an incident, or was sent, that it is not to be tried again."""
    went = or_(*(notice.c.state == state for state in sorted(states.WENT)))
    return update(notice).where(_meant, went).values(withheld=bindparam("reason"))


@cache
def hold_back() -> Update:
    """Do not send a notice yet, and say why."""
    until = bindparam("until", type_=notice.c.next_at.type)
    held = update(notice).where(notice.c.key == bindparam("held_key"))
    return held.values(next_at=until, free_at=until, detail=bindparam("reason"))


@cache
def hold_over_limit() -> Update:
    """The same for what is over a limit: what is urgent was asked for in vain."""
    state = case((notice.c.urgent, Outcome.TRY_AGAIN.value), else_=notice.c.state)
    return hold_back().values(state=state)


def release(reason: str, now: datetime) -> Update:
    """What is held for this reason may be claimed again."""
    held = (_waiting, notice.c.detail == reason, notice.c.next_at > now)
    return update(notice).where(*held).values(next_at=now, free_at=now)


def waiting_beyond(instant: datetime) -> Select[Any]:
    """What is to be claimed, or a claim on which runs out, later than an instant."""
    waits = (notice.c.next_at, notice.c.lease_until, notice.c.due_at, notice.c.urgent, notice.c.attempt)
    columns = (notice.c.key, notice.c.state, *waits, _free_since.label("free"))
    later = or_(and_(_waiting, notice.c.next_at > instant), notice.c.lease_until > instant)
    return select(*columns).where(_undecided, later)


@cache
def hasten() -> Update:
    """Let a notice be claimed at another instant, and a claim on it run out then."""
    at = bindparam("at", type_=notice.c.next_at.type)
    free = bindparam("free", type_=notice.c.free_at.type)
    lease = case((notice.c.lease_until.is_not(None), at), else_=null())
    return (
        update(notice).where(notice.c.key == bindparam("hastened")).values(next_at=at, lease_until=lease, free_at=free)
    )


def expire_leases(channel: str, now: datetime) -> Update:
    """Give up on claims whose time has run out: they may have been sent, and may be claimed again unless withheld."""
    return end_leases().where(notice.c.channel == channel, notice.c.lease_until <= now)


def end_leases() -> Update:
    """Give up on all claims: whoever made them is dead."""
    return (
        update(notice)
        .where(notice.c.state == states.LEASED)
        .values(
            state=case((_withheld, Outcome.SUPPRESSED.value), else_=Outcome.UNKNOWN.value),
            detail=case((_withheld, notice.c.withheld), else_=notice.c.detail),
            owner=case((_withheld, ""), else_=notice.c.owner),
            maybe_sent=True,
            lease_until=None,
        )
    )


def suppress_never_told(channel: str, now: datetime) -> Update:
    """Suppress due good news to an address that no bad news of the incident reached."""
    return (
        update(notice)
        .where(*_due(channel, now), notice.c.requires.is_not(None), ~_blocked(), ~_told())
        .values(state=Outcome.SUPPRESSED.value, detail=states.NEVER_TOLD, owner="", lease_until=None)
    )


def claimable(channel: str, now: datetime, limit: int) -> Select[Any]:
    """Due notices of a channel that wait for no other: urgent before old."""
    names = ("key", "doc", "attempt", "maybe_sent", "recipient", "urgent", "incident")
    columns = [notice.c[name] for name in names]
    free = or_(notice.c.requires.is_(None), and_(~_blocked(), _told()))
    order = (notice.c.urgent.desc(), notice.c.due_at, notice.c.key)
    return select(*columns).where(*_due(channel, now), free).order_by(*order).limit(limit)


def claim(keys: Collection[str], owner: str, until: datetime) -> Update:
    """Lease these notices to an owner and count the attempt."""
    return (
        update(notice)
        .where(notice.c.key.in_(sorted(keys)))
        .values(state=states.LEASED, owner=owner, attempt=notice.c.attempt + 1, lease_until=until)
    )


_went_at = func.coalesce(notice.c.sent_at, notice.c.next_at, type_=notice.c.next_at.type)


def spent(channel: str, since: datetime, now: datetime) -> Select[Any]:
    """How many messages of a channel went, may have gone or are going since an instant, and when the first did."""
    return select(func.count().label("number"), func.min(_went_at).label("oldest")).where(_went(channel, since, now))


def spent_by_recipient(channel: str, since: datetime, now: datetime) -> Select[Any]:
    """The same for each recipient."""
    numbers = (func.count().label("number"), func.min(_went_at).label("oldest"))
    return select(notice.c.recipient, *numbers).where(_went(channel, since, now)).group_by(notice.c.recipient)


def _went(channel: str, since: datetime, now: datetime) -> ColumnElement[bool]:
    """Each part names the channel, so that each has an index of its own: a claim must not read the whole channel.

    What went later than now went before the clock was set back, nobody knows when: it holds nothing back.
    """
    here = notice.c.channel == channel
    sent, going = and_(notice.c.sent_at > since, notice.c.sent_at <= now), notice.c.state == states.LEASED
    unsure = and_(text("maybe_sent IS 1"), notice.c.state != Outcome.SENT.value, notice.c.next_at > since)
    return or_(and_(here, sent), and_(here, going), and_(here, unsure))


def held_by(key: str, owner: str, attempt: int) -> Select[Any]:
    """What there is to know for settling a claim; nothing if somebody took it over or it is decided."""
    held = (notice.c.key == key, notice.c.owner == owner, notice.c.attempt == attempt, _undecided)
    return select(notice.c.withheld, notice.c.maybe_sent, notice.c.provider_id, _free_since.label("free")).where(*held)


def settle(key: str, values: dict[str, Any]) -> Update:
    """Write what became of a claim and end it."""
    return update(notice).where(notice.c.key == key).values(owner="", lease_until=None, **values)


def heard_later(channel: str, name: str, final: str, now: datetime) -> Update:
    """Note what a provider says of a message by our name or its own. What waited to be repeated has arrived."""
    named = or_(notice.c.reference == name, notice.c.provider_id == name)
    arrived = and_(literal(final == DELIVERED), _undecided)
    return (
        update(notice)
        .where(notice.c.channel == channel, named)
        .values(
            final=final,
            state=case((arrived, Outcome.SENT.value), else_=notice.c.state),
            sent_at=case((arrived, literal(now, notice.c.sent_at.type)), else_=notice.c.sent_at),
            owner=case((arrived, ""), else_=notice.c.owner),
            lease_until=case((arrived, null()), else_=notice.c.lease_until),
        )
    )


def failed_late(channel: str, name: str) -> Select[Any]:
    """Messages with this name that went, or may have, and were not withheld since: another channel may take over."""
    named = or_(notice.c.reference == name, notice.c.provider_id == name)
    wanted = (notice.c.attempt > 0, ~_withheld, notice.c.state.in_(sorted(states.FALLIBLE)))
    return select(notice.c.key, notice.c.doc).where(notice.c.channel == channel, named, *wanted)


def handed_over(key: str, why: str) -> Update:
    """What its provider could not deliver is not repeated; a send that is under way may still end as sent."""
    waits = notice.c.state.in_(sorted(states.WAITING))
    return (
        update(notice)
        .where(notice.c.key == key)
        .values(
            withheld=why,
            state=case((waits, Outcome.REFUSED.value), else_=notice.c.state),
            detail=case((waits, why), else_=notice.c.detail),
            owner=case((waits, ""), else_=notice.c.owner),
        )
    )


def forget(channel: str) -> Delete:
    """Delete what a channel was ever owed."""
    return delete(notice).where(notice.c.channel == channel)


def next_due(channel: str) -> Select[Any]:
    """First instant at which something can be claimed, or a claim runs out."""
    leased = notice.c.state == states.LEASED
    instant = case((leased, notice.c.lease_until), else_=notice.c.next_at)
    return select(func.min(instant)).where(notice.c.channel == channel, _undecided, or_(leased, ~_blocked()))


def deliveries(of_incident: str | None, limit: int) -> Select[Any]:
    """Notices with what became of them, the last due first."""
    wanted = _public if of_incident is None else notice.c.incident == of_incident
    return select(notice).where(wanted).order_by(notice.c.due_at.desc(), notice.c.key.desc()).limit(limit)


def waiting_by_channel() -> Select[Any]:
    """Per channel: how many notices are undecided, and since when the oldest could have gone."""
    oldest = func.min(_free_since, type_=notice.c.due_at.type)
    numbers: tuple[Any, ...] = (func.count().label("number"), oldest.label("oldest"))
    return select(notice.c.channel, *numbers).where(_undecided, _public).group_by(notice.c.channel)


def stuck(before: datetime) -> Select[Any]:
    """How many notices should have gone before an instant, and since when the oldest should have.

    That is from when nothing held it back; good news waits for bad news.
    """
    oldest = func.min(_free_since, type_=notice.c.due_at.type)
    numbers: list[Any] = [func.count().label("number"), oldest.label("oldest")]
    return select(*numbers).where(_undecided, _public, notice.c.requires.is_(None), _free_since < before)


def unheard(before: datetime, limit: int) -> Select[Any]:
    """Calls of unanswered incidents of which every message failed, and after which nobody was told; oldest first."""
    in_vain = notice.c.state.in_(sorted(states.IN_VAIN))
    again = and_(notice.c.state == states.LEASED, notice.c.attempt > 1)
    failed_late = and_(notice.c.state == Outcome.SENT.value, notice.c.final == FAILED)
    left = and_(notice.c.state == Outcome.SUPPRESSED.value, notice.c.detail == LEFT)
    failed = case((or_(in_vain, again, failed_late, left), 1), else_=0)
    mine = (notice.c.incident == incident.c.key, notice.c.requires.is_(None))
    failing = select(notice.c.incident).where(text(FAILING))
    call = func.substr(
        notice.c.key,
        func.length(notice.c.incident) + 2,
        func.length(notice.c.key)
        - func.length(notice.c.incident) - func.length(notice.c.recipient) - func.length(notice.c.channel) - 3,
    ).label("call")  # fmt: skip
    due: ColumnElement[Any] = func.min(notice.c.due_at, type_=notice.c.due_at.type).label("due")
    over_limit = and_(notice.c.state == Outcome.TRY_AGAIN.value, notice.c.attempt == 0)
    since = func.min(case((over_limit, notice.c.due_at), else_=_free_since), type_=notice.c.due_at.type).label("since")
    calls = (
        select(notice.c.incident, incident.c.unit, call, due, since)
        .join(incident, and_(*mine))
        .where(incident.c.phase == Phase.OPEN.value, notice.c.incident.in_(failing))
        .group_by(notice.c.incident, incident.c.unit, call)
        .having(func.sum(failed) == func.count(), func.sum(case((left, 1), else_=0)) < func.count())
        .subquery("calls")
    )
    told = exists(literal(1)).where(
        _earlier.c.incident == calls.c.incident,
        _earlier.c.requires.is_(None),
        case((_earlier.c.state == Outcome.SENT.value, 1), else_=0)
        == 1,  # by incident: of all that was sent is too much
        _earlier.c.final != FAILED,
        _earlier.c.due_at > calls.c.due,
    )
    order = (calls.c.due, calls.c.incident, calls.c.call)
    return select(calls).where(calls.c.since < before, ~told).order_by(*order).limit(limit)


def notices_of(incidents: Collection[str]) -> Select[Any]:
    """Notices of some incidents: whose they are, and what became of them."""
    columns = (notice.c.incident, notice.c.key, notice.c.state, notice.c.detail)
    return select(*columns).where(notice.c.incident.in_(sorted(incidents)))


def numbers_by_state() -> Select[Any]:
    """Per channel and state: how many notices. All states, so that the index answers it and no row is read."""
    number = func.count().label("number")
    return select(notice.c.channel, notice.c.state, number).where(_public).group_by(notice.c.channel, notice.c.state)


def _due(channel: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (notice.c.channel == channel, _waiting, notice.c.next_at <= now)


def _blocked() -> ColumnElement[bool]:
    """Some bad news of the same incident to the same address is undecided."""
    return exists(literal(1)).where(*_bad_news(), _earlier.c.state.in_(sorted(states.UNDECIDED)))


def _told() -> ColumnElement[bool]:
    """Some bad news of the same incident to the same address was sent, or may have been."""
    sent = or_(_earlier.c.state == Outcome.SENT.value, _earlier.c.maybe_sent.is_(True))
    return exists(literal(1)).where(*_bad_news(), sent, _earlier.c.final != FAILED)


def _bad_news() -> tuple[ColumnElement[bool], ...]:
    """What was owed before this good news; nothing for bad news."""
    return (
        notice.c.requires.is_not(None),
        _earlier.c.incident == notice.c.incident,
        _earlier.c.recipient == notice.c.recipient,
        _earlier.c.origin == notice.c.origin,
        _earlier.c.requires.is_(None),
    )
