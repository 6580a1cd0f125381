"""The store on disk: units committed in batches and one by one, notices claimed and settled; beside bare sqlite3."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from bench.measure import Figure, Watch
from bench.nation import national_policy, readings
from monitor.adapters.clock import SystemClock
from monitor.adapters.store import open_store
from monitor.adapters.store.codec import STATE
from monitor.decide import View, decide
from monitor.model.incident import Notice, Outcome, Receipt
from monitor.model.reading import Reading
from monitor.model.state import Decision, UnitState
from monitor.ports import Store

_BATCH, _SINGLE, _NOTICES = 500, 100, 300


def run() -> list[Figure]:
    """Per second on the wall: what a commit waits for is mostly the disk."""
    decisions = _decisions(_BATCH)
    with tempfile.TemporaryDirectory() as folder:
        bare_batch, bare_single = _bare(Path(folder) / "bare.db", [STATE.encode(one.after) for one in decisions])
        batch, single, sent = asyncio.run(_store(Path(folder), decisions))
    return [
        Figure("units committed, 500 at once", batch, "per s", bare_batch, "bare sqlite3, the documents alone"),
        Figure("commits of one unit", single, "per s", bare_single, "bare sqlite3, one document each"),
        Figure("notices claimed and settled", sent, "per s", bare_single, "bare sqlite3, one commit each"),
    ]


def _decisions(number: int) -> list[Decision]:
    """Units with one news each, as a poll brings it: all else was known before."""
    policy, now = national_policy(), SystemClock().now()
    news: dict[str, list[Reading]] = {}
    for reading in readings(policy, now):
        news.setdefault(reading.unit, []).append(reading)
    first = [decide(View(UnitState(code), tuple(given)), policy, now) for code, given in list(news.items())[:number]]
    later = SystemClock().now()
    return [
        decide(View(one.after, (_newer(news[one.after.unit][0], later),)), policy, later) for one in first
    ]  # fmt: skip


def _newer(reading: Reading, now: datetime) -> Reading:
    return replace(reading, as_of=now, received_at=now)


def _bare(path: Path, documents: Sequence[str]) -> tuple[float, float]:
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            file.execute(f"PRAGMA {pragma}")
        file.execute("CREATE TABLE state (unit TEXT PRIMARY KEY, doc TEXT)")
        rows = [(f"{number:05}", text) for number, text in enumerate(documents)]
        put = "INSERT INTO state VALUES (?, ?) ON CONFLICT DO UPDATE SET doc = excluded.doc"
        with Watch() as many:
            file.execute("BEGIN IMMEDIATE")
            file.executemany(put, rows)
            file.execute("COMMIT")
        with Watch() as single:
            for row in rows[:_SINGLE]:
                file.execute("BEGIN IMMEDIATE")
                file.execute(put, row)
                file.execute("COMMIT")
    return len(rows) / many.spent.wall, _SINGLE / single.spent.wall


async def _store(folder: Path, decisions: Sequence[Decision]) -> tuple[float, float, float]:
    store = open_store("sqlite:bench.db", folder)
    await store.open()
    fresh = [replace(one, before=UnitState(one.after.unit)) for one in decisions]
    with Watch() as many:
        states = await store.commit(fresh)
    again = [replace(one, before=state) for one, state in zip(decisions[:_SINGLE], states, strict=False)]
    with Watch() as single:
        for one in again:
            await store.commit([one])
    sent = await _outbox(store)
    await store.close()
    return len(fresh) / many.spent.wall, _SINGLE / single.spent.wall, sent


async def _outbox(store: Store) -> float:
    now = SystemClock().now()
    texts = ("Cảnh báo đỏ", "Xã Văn Lang mất kết nối", "Xa Van Lang mat ket noi")
    notices = tuple(Notice(f"n{n}", "i", "ABCDEF", "VN", "outage", "r", "log", now, *texts) for n in range(_NOTICES))
    nobody = UnitState("bench")
    await store.commit([Decision(nobody, nobody, notices=notices)])
    settled = 0
    with Watch() as watch:
        while leases := await store.lease("log", "bench", now, 4, 60.0):
            for lease in leases:
                settled += await store.settle(lease, Receipt(Outcome.SENT), now)
    if settled != _NOTICES:
        raise AssertionError(f"{settled} of {_NOTICES} notices were settled")
    return settled / watch.spent.wall
