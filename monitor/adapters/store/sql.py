"""The store in an SQLite file."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Executable, Table, literal, select

from monitor.adapters.store import aged, codec, outbox, queries, rows, states, tables
from monitor.adapters.store.sqlite import SqliteFile, warnings
from monitor.alerting.limits import Counts, Limits, Rate, Spent, Waiting, admit
from monitor.alerting.muting import Held
from monitor.model.colour import Colour
from monitor.model.errors import Conflict
from monitor.model.incident import FAILED, LATER, Delivery, Incident, Notice, Outcome, Receipt, Unheard, own_alarm
from monitor.model.muting import Silence, Window
from monitor.model.reading import Reading, SourceHealth
from monitor.model.state import AuditEntry, Decision, Transition, UnitState
from monitor.ports import Hold, Lease, Pruned, Recorded, TakeOver

T = TypeVar("T")

_RECORDED: Mapping[str, tuple[Table, Callable[[Any], Any]]] = {
    "readings": (tables.reading, codec.reading_of),
    "transitions": (tables.transition, rows.transition_of),
    "notices": (tables.notice, lambda row: codec.NOTICE.decode(row.doc)),
    "audit": (tables.audit, lambda row: rows.audited(row)[0]),
}
_EVER = datetime.max.replace(tzinfo=UTC)


class SqlStore:
    """`monitor.ports.Store` over SQLAlchemy Core and aiosqlite.

    Transactions, with the documents that they write, run in one thread; what is read is decoded in another.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.warnings = warnings(sqlite3.sqlite_version_info)
        self._file = SqliteFile(path, read_only=read_only)
        self._thread: ThreadPoolExecutor | None = None

    async def open(self) -> None:
        """Open and migrate; with `read_only`, only look. Raises StoreError, also if another process has it open.

        The lock proves that nobody else lives: what a killed process was sending is free at once, not after its lease.
        """
        await self._file.open()
        if not self._file.read_only:
            await self._file.write(lambda writer: writer.execute(outbox.end_leases()))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store-codec")

    async def close(self) -> None:
        """Finish what is under way and let go."""
        await self._file.close()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.shutdown()

    async def load_states(self) -> Sequence[UnitState]:
        """See the port."""
        asked = (queries.all_series(), queries.all_rolling(), queries.all_states())
        series, rolling, states = await self._file.fetch_together(*asked)
        return await self._beside(lambda: rows.states_of(states, series, rolling))

    async def commit(self, decisions: Sequence[Decision]) -> Sequence[UnitState]:
        """See the port."""

        def work(writer: Connection) -> Sequence[UnitState]:
            rounds = rows.batches(decisions)
            for batch in rounds:
                _check_versions(writer, batch.versions)
                _write(writer, batch)
            return [state for batch in rounds for state in batch.after]

        return await self._file.write(work)

    async def save_health(self, health: Sequence[SourceHealth]) -> None:
        """See the port."""
        await self._file.write(lambda writer: _each(writer, queries.put(tables.health), map(rows.health_row, health)))

    async def load_health(self) -> Sequence[SourceHealth]:
        """See the port."""
        return await self._documents(queries.all_health(), codec.HEALTH.decode)

    async def lease(
        self,
        channel: str,
        owner: str,
        now: datetime,
        limit: int,
        seconds: float,
        hold: Hold | None = None,
        limits: Limits | None = None,
    ) -> Sequence[Lease]:
        """See the port."""

        def work(writer: Connection) -> tuple[Sequence[Any], Mapping[str, str]]:
            writer.execute(outbox.expire_leases(channel, now))
            writer.execute(outbox.suppress_no_news(channel, now))
            writer.execute(outbox.suppress_outlived(channel, now))
            found = _free(writer, channel, now, limit, hold)
            over: Mapping[str, str] = {}
            if limits is not None and limits.bound:
                found, over = _admitted(writer, channel, found, limits, now)
            until = now + timedelta(seconds=seconds)
            if found:
                writer.execute(outbox.claim([row.key for row in found], owner, until))
            return found, over

        claimed, over = await self._file.write(work)
        return [
            Lease(
                codec.NOTICE.decode(row.doc), owner, row.attempt + 1, row.maybe_sent, over.get(row.key, ""), row.since
            )
            for row in claimed
        ]

    async def settle(
        self,
        lease: Lease,
        receipt: Receipt,
        now: datetime,
        next_at: datetime | None = None,
        instead: Notice | None = None,
    ) -> bool:
        """See the port."""
        key = lease.notice.key

        def work(writer: Connection) -> bool:
            held = writer.execute(outbox.held_by(key, lease.owner, lease.attempt)).one_or_none()
            if held is None:
                if receipt.id:
                    writer.execute(outbox.learn_name(key, lease.attempt, receipt.id))
                return False
            planned = {"free_at": next_at} if states.planned(receipt, lease.notice) else {}
            writer.execute(outbox.settle(key, {**_settled(held, receipt, now, next_at), **planned}))
            if instead is not None and not held.withheld:
                writer.execute(outbox.owe_notice(), [rows.notice_row(instead, held.free, held.placed_at)])
            return True

        return await self._file.write(work)

    async def note_sent(self, notice: Notice, receipt: Receipt, at: datetime) -> None:
        """See the port."""
        row = rows.sent_row(notice, receipt, at)
        await self._file.write(lambda writer: writer.execute(outbox.owe_notice(), [row]))

    async def heard_later(
        self, channel: str, name: str, final: str, now: datetime, instead: TakeOver | None = None
    ) -> bool | None:
        """See the port."""
        if not name:
            return None

        def work(writer: Connection) -> bool | None:
            if not writer.execute(outbox.heard_later(channel, name, final, now)).rowcount:
                known = writer.execute(select(literal(1)).where(outbox.named(channel, name))).first()
                return None if known is None else False
            if final == FAILED and instead is not None:
                for row in writer.execute(outbox.failed_late(channel, name)).all():
                    _hand_over(writer, row.key, instead(codec.NOTICE.decode(row.doc)), now)
            return True

        return await self._file.write(work)

    async def next_due(self, channel: str) -> datetime | None:
        """See the port."""
        instant: datetime | None = (await self._file.fetch(outbox.next_due(channel)))[0][0]
        return instant

    async def hasten(self, now: datetime, by: float, beyond: float = 0.0) -> None:
        """See the port."""

        def work(writer: Connection) -> None:
            found = writer.execute(outbox.waiting_beyond(now + timedelta(seconds=beyond))).all()
            moved: list[rows.Row] = []
            for row in found:
                floor = states.not_before(row.due_at, row.urgent or row.attempt > 0, now, by)
                at = max(floor, (row.lease_until or row.next_at) - timedelta(seconds=by))
                place = states.place(row.place, at, by)
                moved.append({"hastened": row.key, "at": at, "free": min(row.free, at), "place": place})
            _each(writer, outbox.hasten(), moved)

        await self._file.write(work)

    async def audit(self, entry: AuditEntry) -> None:
        """See the port."""
        await self._file.write(lambda writer: _chain(writer, [entry]))

    async def mute(self, what: Silence | Window, entry: AuditEntry) -> None:
        """See the port."""
        row = rows.muting_row(what)

        def work(writer: Connection) -> None:
            writer.execute(queries.put(tables.muting), row)
            writer.execute(outbox.release(what.reason, entry.at))
            _chain(writer, [entry])

        await self._file.write(work)

    async def muted(self, *, not_over: datetime | None = None, limit: int = 500) -> Sequence[Silence | Window]:
        """See the port."""
        found = await self._file.fetch(queries.muted(not_over, limit))
        return [rows.muting_of(row) for row in found]

    async def audit_trail(self, *, limit: int = 500) -> Sequence[tuple[AuditEntry, str]]:
        """Audit entries with their chained hashes, newest first."""
        return [rows.audited(row) for row in await self._file.fetch(queries.audit_entries(limit))]

    async def incidents(self, *, open_only: bool = True, limit: int = 500) -> Sequence[Incident]:
        """See the port."""
        return await self._documents(queries.newest_incidents(open_only, limit), codec.INCIDENT.decode)

    async def incident(self, key_or_ref: str) -> Incident | None:
        """See the port; a reference may be typed in lower case."""
        found = await self._file.fetch(queries.incident_called(key_or_ref))
        return codec.INCIDENT.decode(found[0].doc) if found else None

    async def deliveries(self, *, incident: str | None = None, limit: int = 500) -> Sequence[Delivery]:
        """See the port."""
        found = await self._file.fetch(outbox.deliveries(incident, limit))
        return await self._beside(lambda: [rows.delivery_of(row) for row in found])

    async def outbox(self) -> Mapping[str, tuple[int, datetime | None]]:
        """See the port; what is leased counts as pending."""
        found = await self._file.fetch(outbox.waiting_by_channel())
        return {row.channel: (row.number, row.oldest) for row in found}

    async def stuck(self, before: datetime) -> tuple[int, datetime | None]:
        """See the port."""
        row = (await self._file.fetch(outbox.stuck(before)))[0]
        return row.number, row.oldest

    async def unheard(self, before: datetime, limit: int = 1000, *, calm: datetime | None = None) -> Sequence[Unheard]:
        """See the port."""
        found = await self._file.fetch(outbox.unheard(before, calm, limit))
        return [Unheard(row.incident, row.unit, row.call, row.due) for row in found]

    async def prune(self, what: str, before: datetime, *, after: int = 0, limit: int = 500) -> Pruned:
        """See the port."""
        if what not in aged.SORTS:
            raise ValueError(f"nothing called {what!r} is kept")
        sort = aged.SORTS[what]
        found = await self._file.fetch(aged.next_rows(sort, after, limit))
        # One row of a day on which the clock was ahead is young as well, and must not keep what follows.
        if not found or (sort.in_order and all(row.at >= before for row in found)):
            return Pruned(0, None)
        last = found[-1].mark

        def work(writer: Connection) -> int:
            if what == "notices":
                writer.execute(aged.count_old(after, last, before))
            number: int = writer.execute(aged.delete_old(sort, after, last, before)).rowcount
            if number:
                writer.execute(aged.note_until(what, before))
            return number

        return Pruned(await self._file.write(work), last if len(found) == limit else None)

    async def kept_since(self, what: str) -> datetime | None:
        """See the port `History`."""
        found = await self._file.fetch(aged.kept_since(what))
        return found[0].until if found else None

    async def forget(self, channel: str) -> None:
        """See the port."""
        await self._file.write(lambda writer: writer.execute(outbox.forget(channel)))

    async def overdue(self, before: datetime, limit: int) -> Sequence[Incident]:
        """See the port."""
        return await self._documents(queries.overdue(before, limit), codec.INCIDENT.decode)

    async def open_after(self, key: str, limit: int) -> Sequence[Incident]:
        """See the port."""
        return await self._documents(queries.open_after(key, limit), codec.INCIDENT.decode)

    async def owed(self, incidents: Collection[str]) -> Mapping[str, Mapping[str, tuple[str, str]]]:
        """See the port."""
        found = await self._file.fetch(outbox.notices_of(incidents))
        return await self._beside(lambda: rows.by_incident(found))

    async def outcomes(self) -> Mapping[tuple[str, Outcome], int]:
        """See the port; only final outcomes, so a number never falls."""
        kept, gone = await self._file.fetch_together(outbox.numbers_by_state(), aged.gone_by_state())
        numbers = Counter[tuple[str, Outcome]]()
        for row in (*kept, *gone):
            if row.state in states.FINAL:
                numbers[row.channel, Outcome(row.state)] += row.number
        return numbers

    async def carried(self, channel: str, since: datetime) -> int:
        """See the port."""
        number: int = (await self._file.fetch(outbox.spent(channel, since, _EVER)))[0].number
        return number

    async def transitions(self, unit: str, *, limit: int = 200) -> Sequence[Transition]:
        """See the port."""
        return [rows.transition_of(row) for row in await self._file.fetch(queries.transitions_of(unit, limit))]

    async def readings(self, unit: str, indicator: str, *, limit: int = 200) -> Sequence[Reading]:
        """See the port."""
        return [codec.reading_of(row) for row in await self._file.fetch(queries.readings_of(unit, indicator, limit))]

    async def recorded(self, what: str, *, after: int = 0, limit: int = 5000) -> Recorded:
        """See the port `History`."""
        if what not in _RECORDED:
            raise ValueError(f"nothing called {what!r} is recorded")
        table, fact = _RECORDED[what]
        found = await self._file.fetch(queries.recorded(table, after, limit))
        facts = await self._beside(lambda: [fact(row) for row in found])
        return Recorded(facts, found[-1].mark if len(found) == limit else None)

    async def last_received(self, before: datetime) -> datetime | None:
        """See the port `History`."""
        found = await self._file.fetch(queries.last_received(before))
        return found[0].received_at if found else None

    async def colours_at(self, units: Collection[str], at: datetime) -> Mapping[str, Colour]:
        """See the port `History`."""
        return {row.unit: Colour(row.after) for row in await self._file.fetch(queries.colours_at(units, at))}

    async def _documents(self, query: Executable, decode: Callable[[str], T]) -> list[T]:
        found = await self._file.fetch(query)
        return await self._beside(lambda: [decode(row.doc) for row in found])

    def _beside(self, work: Callable[[], T]) -> Awaitable[T]:
        """Run slow work beside the event loop."""
        return asyncio.get_running_loop().run_in_executor(self._thread, work)


def _free(writer: Connection, channel: str, now: datetime, limit: int, hold: Hold | None) -> Sequence[Any]:
    """Claimable notices that nothing holds back; those that are held say why and until when."""
    while True:
        found: Sequence[Any] = writer.execute(outbox.claimable(channel, now, limit)).all()
        if hold is None:
            return found
        asked = [(row, hold(codec.NOTICE.decode(row.doc), now)) for row in found]
        held = {row.key: why for row, why in asked if why}
        if not held:
            return found
        _each(writer, outbox.hold_back(), _held_rows(held))


def _held_rows(held: Mapping[str, Held]) -> list[rows.Row]:
    return [{"held_key": key, "reason": why.reason, "until": why.until} for key, why in held.items()]


def _hand_over(writer: Connection, key: str, instead: Notice | None, now: datetime) -> None:
    if instead is not None:
        writer.execute(outbox.owe_notice(), [rows.notice_row(instead, now)])
        writer.execute(outbox.handed_over(key, states.handed_over(instead.channel)))


def _check_versions(writer: Connection, wanted: Mapping[str, int]) -> None:
    found = writer.execute(queries.versions_of(), {"units": json.dumps(list(wanted))})
    stored: dict[str, int] = {row.unit: row.version for row in found}
    for unit, version in wanted.items():
        if stored.get(unit, 0) != version:
            raise Conflict(unit)


def _write(writer: Connection, batch: rows.Batch) -> None:
    _each(writer, queries.put(tables.unit_state), batch.states)
    _each(writer, queries.put(tables.series), batch.series)
    _each(writer, queries.put(tables.rolling), batch.rolling)
    _each(writer, queries.put(tables.incident), batch.incidents)
    _each(writer, outbox.free_good_news(), batch.over)
    # First what is no longer owed, then what is: a worsened incident withholds its old calls and makes new ones.
    _each(writer, outbox.withhold_waiting(), batch.withheld)
    _each(writer, outbox.withhold_gone(), batch.withheld)
    _each(writer, outbox.owe_notice(), batch.notices)
    replaced = (row["of_key"] for row in batch.withheld if row["reason"] == LATER)
    _each(writer, outbox.take_place(), ({"replaced": key} for key in replaced))
    _each(writer, queries.append_reading(), batch.readings)
    _each(writer, tables.transition.insert(), batch.transitions)
    _chain(writer, batch.audit)


def _each(writer: Connection, statement: Executable, parameters: Iterable[rows.Row]) -> None:
    if found := list(parameters):
        writer.execute(statement, found)


def _chain(writer: Connection, entries: Sequence[AuditEntry]) -> None:
    if not entries:
        return
    last = writer.execute(queries.last_hash()).scalar_one_or_none() or codec.FIRST_HASH
    chained: list[rows.Row] = []
    for entry in entries:
        last = codec.chained(last, entry)
        chained.append(rows.audit_row(entry, last))
    _each(writer, tables.audit.insert(), chained)


def _admitted(
    writer: Connection, channel: str, found: Sequence[Any], limits: Limits, now: datetime
) -> tuple[Sequence[Any], Mapping[str, str]]:
    """Those of the due notices that the limits let through or to another channel, and why that; the others are held."""
    if not found:
        return (), {}
    counts = Counts(
        _spent_by_recipient(writer, channel, limits.per_recipient, now),
        _spent(writer, channel, limits.per_channel, now),
        _spent_since(writer, channel, limits.day_start(now), now).number if limits.per_day is not None else 0,
    )
    waiting = [Waiting(row.key, row.recipient, bool(row.urgent), own_alarm(row.incident)) for row in found]
    admission = admit(waiting, counts, limits, now)
    _each(writer, outbox.hold_over_limit(), _held_rows(admission.held))
    return [row for row in found if row.key not in admission.held], admission.passed


def _spent_by_recipient(writer: Connection, channel: str, rate: Rate | None, now: datetime) -> Mapping[str, Spent]:
    if rate is None:
        return {}
    since = now - timedelta(seconds=rate.seconds)
    found = writer.execute(outbox.spent_by_recipient(channel, since, now))
    return {row.recipient: Spent(row.number, row.oldest) for row in found}


def _spent(writer: Connection, channel: str, rate: Rate | None, now: datetime) -> Spent:
    return Spent() if rate is None else _spent_since(writer, channel, now - timedelta(seconds=rate.seconds), now)


def _spent_since(writer: Connection, channel: str, since: datetime, now: datetime) -> Spent:
    row = writer.execute(outbox.spent(channel, since, now)).one()
    return Spent(row.number, row.oldest)


def _settled(held: Any, receipt: Receipt, now: datetime, next_at: datetime | None) -> dict[str, Any]:
    return {
        "state": states.state_after(receipt.outcome, held.withheld),
        "detail": states.detail_after(receipt.outcome, receipt.detail, held.withheld),
        "maybe_sent": held.maybe_sent or receipt.outcome in states.MAYBE,
        "sent_at": now if receipt.outcome is Outcome.SENT else None,
        "provider_id": receipt.id or held.provider_id,
        "next_at": next_at or now,
    }
