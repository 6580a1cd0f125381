"""What may be deleted once it is old: questions and orders for each sort of record, in the order of the commits.

Each looks at the next rows only, by their number, so that no transaction is long however much there is. What is old is
kept all the same where something that is kept needs it: the last change of colour and the last reading of each sort
before the time that is kept, messages and incidents that are not over. The audit trail only grows, and is not here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Delete,
    Insert,
    Integer,
    Select,
    Table,
    and_,
    delete,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy.dialects import sqlite

from monitor.adapters.store import states
from monitor.adapters.store.tables import OPEN, incident, muting, notice, pruned, reading, tally, transition
from monitor.model.incident import LOOPBACK, Phase

Over = Callable[[datetime], ColumnElement[bool]]  # which old rows are needed by nothing, before an instant


@dataclass(frozen=True, slots=True)
class Aged:
    """One sort of record: its table, the instant by which a row is old, and what else must be true of it."""

    table: Table
    at: Column[Any]
    over: Over
    in_order: bool = True  # rows were written in the order of their instants: a stretch of young ones ends the search


def _newer_reading(before: datetime) -> ColumnElement[bool]:
    later = reading.alias("later")
    same = [later.c[name] == reading.c[name] for name in ("unit", "indicator", "source")]
    newer = or_(
        later.c.as_of > reading.c.as_of,
        and_(later.c.as_of == reading.c.as_of, later.c.revision > reading.c.revision),
    )
    return exists(literal(1)).where(*same, later.c.as_of >= reading.c.as_of, newer, later.c.received_at < before)


def _newer_change(before: datetime) -> ColumnElement[bool]:
    later = transition.alias("later")
    same = (later.c.unit == transition.c.unit, later.c.criterion == transition.c.criterion)
    return exists(literal(1)).where(*same, later.c.id > transition.c.id, later.c.at < before)


def _settled(_before: datetime) -> ColumnElement[bool]:
    own = exists(literal(1)).where(incident.c.key == notice.c.incident, text(f"incident.{OPEN}"))
    return and_(notice.c.state.in_(sorted(states.FINAL)), notice.c.channel != LOOPBACK, ~own)


def _closed(before: datetime) -> ColumnElement[bool]:
    ended = func.julianday(func.json_extract(incident.c.doc, "$.closed_at"))
    owed = exists(literal(1)).where(notice.c.incident == incident.c.key)
    return and_(incident.c.phase == Phase.CLOSED.value, ended < func.julianday(before.isoformat()), ~owed)


def _nothing_else(_before: datetime) -> ColumnElement[bool]:
    return literal_column("1") == 1


SORTS: Mapping[str, Aged] = {
    "readings": Aged(reading, reading.c.received_at, _newer_reading),
    "transitions": Aged(transition, transition.c.at, _newer_change),
    "notices": Aged(notice, notice.c.due_at, _settled),
    "incidents": Aged(incident, incident.c.opened_at, _closed),
    "silences": Aged(muting, muting.c.ends, _nothing_else, in_order=False),
}


def _mark(table: Table) -> ColumnElement[int]:
    return literal_column(f"{table.name}.rowid", Integer)


def next_rows(sort: Aged, after: int, limit: int) -> Select[Any]:
    """Number and instant of the next rows."""
    mark = _mark(sort.table)
    return select(mark.label("mark"), sort.at.label("at")).where(mark > after).order_by(mark).limit(limit)


def _old(sort: Aged, after: int, last: int, before: datetime) -> tuple[ColumnElement[bool], ...]:
    mark = _mark(sort.table)
    return mark > after, mark <= last, sort.at < before, sort.over(before)


def delete_old(sort: Aged, after: int, last: int, before: datetime) -> Delete:
    """Delete what of these rows is old and needed by nothing."""
    return delete(sort.table).where(*_old(sort, after, last, before))


def count_old(after: int, last: int, before: datetime) -> Insert:
    """Add the messages that `delete_old` deletes to the counts, so that no counter falls."""
    old = _old(SORTS["notices"], after, last, before)
    numbers = select(notice.c.channel, notice.c.state, func.count()).where(*old)
    counted = sqlite.insert(tally).from_select(
        ["channel", "state", "number"], numbers.group_by(notice.c.channel, notice.c.state)
    )
    return counted.on_conflict_do_update(
        index_elements=[tally.c.channel, tally.c.state],
        set_={"number": tally.c.number + counted.excluded.number},
    )


def note_until(what: str, until: datetime) -> Insert:
    """Remember since when a sort of record is whole."""
    row = sqlite.insert(pruned).values(what=what, until=until)
    later = func.max(pruned.c.until, row.excluded.until)
    return row.on_conflict_do_update(index_elements=[pruned.c.what], set_={"until": later})


def kept_since(what: str) -> Select[Any]:
    """Since when a sort of record is whole."""
    return select(pruned.c.until).where(pruned.c.what == what)


def gone_by_state() -> Select[Any]:
    """Per channel and state: how many messages are gone."""
    return select(tally.c.channel, tally.c.state, tally.c.number)
