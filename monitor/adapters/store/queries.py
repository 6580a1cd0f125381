"""Every question and order about units, history, incidents and muting, each with a name and a sentence.

Those about the outbox are in monitor.adapters.store.outbox.

Functions without parameters are written for `executemany`: their bound parameters are filled once for each row.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Insert,
    Integer,
    Select,
    Table,
    Text,
    bindparam,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.dialects import sqlite

from monitor.adapters.store.tables import (
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
from monitor.model.incident import LOOPBACK, Phase

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
    wanted = (mark > after, notice.c.channel != LOOPBACK) if table is notice else (mark > after,)
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
