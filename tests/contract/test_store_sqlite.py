"""What only a file can get wrong: who opens it, what is on the disk, what happens when it fails."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import ClauseElement, create_engine, literal, select
from sqlalchemy.dialects import sqlite

from monitor.adapters.store import SqlStore, codec, migrate, open_store, outbox, queries, rows, tables
from monitor.adapters.store.sqlite import warnings
from monitor.model.errors import StoreError
from monitor.model.incident import Address, Phase, Step
from monitor.model.series import MonthSum, Series
from monitor.model.state import UnitState
from tests.contract.store_facts import NOW, SENT, at, decision, entry, incident, notice, owing, reading, rich_state


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "denbao.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqlStore]:
    made = SqlStore(path)
    await made.open()
    yield made
    await made.close()


def files_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir()) if folder.exists() else []


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)


# -- opening -----------------------------------------------------------------------------------------------------


async def test_a_second_writer_is_refused_and_told_who_is_first(store: SqlStore, path: Path) -> None:
    """SC-94, inverted on purpose: no nodes agree on who sends, there is one."""
    with pytest.raises(StoreError, match=r"denbao\.db is in use by another process \(\d+\)"):
        await SqlStore(path).open()
    await store.commit([decision()])


async def test_a_closed_store_lets_the_next_one_in(store: SqlStore, path: Path) -> None:
    await store.close()
    heir = SqlStore(path)
    await heir.open()
    await heir.close()


async def test_a_store_is_opened_once(store: SqlStore) -> None:
    with pytest.raises(StoreError, match="already open"):
        await store.open()


async def test_a_reader_sees_what_the_running_service_commits_and_changes_nothing(store: SqlStore, path: Path) -> None:
    reader = open_store(f"sqlite:{path}", Path("elsewhere"), read_only=True)
    await reader.open()
    (state,) = await store.commit([owing(notice())])
    assert await reader.load_states() == [state]
    with pytest.raises(StoreError, match="reading only"):
        await reader.lease("log", "me", NOW, 10, 20)
    await reader.close()
    assert len(await store.lease("log", "me", NOW, 10, 20)) == 1


async def test_a_reader_makes_no_file(path: Path) -> None:
    with pytest.raises(StoreError, match="does not exist: start the service once"):
        await SqlStore(path, read_only=True).open()
    assert files_in(path.parent) == []


async def test_a_reader_asks_for_a_start_of_the_service_if_the_tables_are_of_another_version(path: Path) -> None:
    write(path, b"")
    sqlite3.connect(path).execute("CREATE TABLE alembic_version (version_num TEXT)").connection.close()
    with pytest.raises(StoreError, match="start the service once"):
        await SqlStore(path, read_only=True).open()


async def test_a_reader_says_that_a_newer_version_has_written_the_file(store: SqlStore, path: Path) -> None:
    await store.close()
    with sqlite3.connect(path) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    with pytest.raises(StoreError, match="a newer denbao has written this database: its tables are of version 9999"):
        await SqlStore(path, read_only=True).open()


async def test_a_file_of_a_newer_version_is_left_alone(store: SqlStore, path: Path) -> None:
    await store.close()
    with sqlite3.connect(path) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    with pytest.raises(StoreError, match="this version of denbao or an older one"):
        await store.open()
    with pytest.raises(StoreError, match="not open"):
        await store.load_states()


async def test_a_file_that_is_no_database_is_an_error_that_names_it(path: Path) -> None:
    write(path, b"Xa Van Lang" * 1000)
    with pytest.raises(StoreError, match=r"denbao\.db cannot be opened: file is not a database"):
        await SqlStore(path).open()


async def test_odd_characters_in_the_path_are_part_of_the_name(tmp_path: Path) -> None:
    odd = tmp_path / "xã 100%?mode=memory#1" / "đèn báo.db"
    store = SqlStore(odd)
    await store.open()
    await store.commit([decision()])
    await store.close()
    assert files_in(odd.parent) == [odd.name, odd.name + ".lock"]


@pytest.mark.parametrize("version", [(3, 40, 1), (3, 44, 5), (3, 45, 0), (3, 50, 6), (3, 51, 2)])
def test_a_version_that_can_lose_rows_is_named(version: tuple[int, int, int]) -> None:
    (warning,) = warnings(version)
    assert warning.startswith(f"SQLite {'.'.join(map(str, version))} can lose rows")


@pytest.mark.parametrize("version", [(3, 44, 6), (3, 50, 7), (3, 51, 3), (3, 52, 0), (4, 0, 0)])
def test_a_repaired_version_is_fine(version: tuple[int, int, int]) -> None:
    assert warnings(version) == []


# -- on the disk -------------------------------------------------------------------------------------------------


async def test_the_migrations_make_the_tables_of_this_version(store: SqlStore, path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []
    engine.dispose()


async def test_series_leave_the_documents_of_the_first_tables_and_nothing_else_changes(path: Path) -> None:
    past = {"rate": Series((739000, 739001), (60.0, 0.1 + 0.2), (MonthSum(24305, 3.0, 4.0),)), "tỷ lệ": Series()}
    states = [replace(rich_state("00010"), version=1, series=past), replace(rich_state("00013"), version=7, series={})]
    path.parent.mkdir()
    with sqlite3.connect(path) as old:
        engine = create_engine("sqlite://", creator=lambda: old)
        with engine.begin() as connection:
            config = migrate._config()
            config.attributes["connection"] = connection
            command.upgrade(config, "0001")
        rows = [(state.unit, state.version, codec.STATE.encode(state)) for state in states]
        old.executemany("INSERT INTO unit_state (unit, version, doc) VALUES (?, ?, ?)", rows)
    old.close()
    store = SqlStore(path)
    await store.open()
    assert await store.load_states() == states
    await store.close()
    with sqlite3.connect(path) as new:
        assert new.execute("SELECT count(*) FROM series").fetchone() == (2,)
        assert "739000" not in new.execute("SELECT doc FROM unit_state WHERE unit = '00010'").fetchone()[0]
    new.close()


async def test_what_an_older_version_owed_is_owed_on_and_its_good_news_still_follows_the_bad(path: Path) -> None:
    pages = (notice("i/0", channel="sms"), notice("i/1", channel="sms", requires="i/0"))
    path.parent.mkdir()
    with sqlite3.connect(path) as old:
        engine = create_engine("sqlite://", creator=lambda: old)
        with engine.begin() as connection:
            config = migrate._config()
            config.attributes["connection"] = connection
            command.upgrade(config, "0002")
        added = ("origin", "reference", "provider_id", "final", "free_at", "placed_at")
        for page in pages:
            row = {key: value for key, value in rows.notice_row(page).items() if key not in added}
            row |= {name: row[name].isoformat(timespec="microseconds") for name in ("due_at", "next_at")}
            names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
            old.execute(f"INSERT INTO notice ({names}) VALUES ({marks})", row)
    old.close()
    store = SqlStore(path)
    await store.open()
    (first,) = await store.lease("sms", "me", at(1), 10, 20)
    assert first.notice == pages[0]
    await store.settle(first, SENT, at(2))
    (second,) = await store.lease("sms", "me", at(3), 10, 20)
    assert second.notice == pages[1]
    await store.close()


async def test_since_when_an_older_versions_incidents_owe_a_call_is_filled_in(path: Path) -> None:
    focal = (Address("focal", "log"),)
    steps = (Step(at(5), focal, fired=1), Step(at(9), focal), Step(at(1), focal, fired=1, held_until=at(7)))
    ones = [replace(incident("i"), steps=steps), replace(incident("j"), steps=steps, phase=Phase.ACKNOWLEDGED)]
    path.parent.mkdir()
    with sqlite3.connect(path) as old:
        engine = create_engine("sqlite://", creator=lambda: old)
        with engine.begin() as connection:
            config = migrate._config()
            config.attributes["connection"] = connection
            command.upgrade(config, "0005")
        for one in ones:
            row = {key: value for key, value in rows._incident_row(one).items() if key != "owes_at"}
            row |= {"opened_at": row["opened_at"].isoformat(timespec="microseconds")}
            names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
            old.execute(f"INSERT INTO incident ({names}) VALUES ({marks})", row)
    old.close()
    store = SqlStore(path)
    await store.open()
    assert await store.overdue(at(7), 10) == ones[:1]
    assert await store.overdue(at(6.9), 10) == []
    await store.close()


async def test_what_the_own_alarm_asks_each_minute_is_answered_from_indexes(store: SqlStore, path: Path) -> None:
    """P14: a run of the auditor must not grow with the number of incidents."""
    asked = {
        "ix_incident_owes_at": queries.overdue(NOW, 10),
        "ix_incident_open": queries.open_after("i", 10),
        "ix_notice_incident": outbox.notices_of(["i"]),
        "ix_notice_failed": outbox.unheard(NOW, NOW, 10),
    }
    with sqlite3.connect(path) as file:
        for index, query in asked.items():
            text = str(query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
            plan = [row[3] for row in file.execute(f"EXPLAIN QUERY PLAN {text}")]
            assert any(index in line for line in plan), (index, plan)
            assert not [line for line in plan if line in ("SCAN incident", "SCAN notice")], plan
            assert not [line for line in plan if "ix_notice_state" in line], plan  # all that was ever sent
    file.close()


def test_only_a_series_that_changed_is_written() -> None:
    past = Series((739000,), (60.0,))
    before = UnitState("00010", series={"rate": past, "other": past})
    same = rows.batches([decision(before, after=replace(before, recheck_at=NOW))])
    grown = replace(before, series={**before.series, "rate": Series((739000,), (61.0,))})
    changed = rows.batches([decision(before, after=grown)])
    assert [row["indicator"] for batch in same for row in batch.series] == []
    assert [row["indicator"] for batch in changed for row in batch.series] == ["rate"]


async def test_what_is_committed_is_synced_through_a_write_ahead_log(store: SqlStore) -> None:
    def settings(writer) -> list[object]:
        names = ("journal_mode", "synchronous", "busy_timeout")
        return [writer.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names]

    assert await store._file.write(settings) == ["wal", 2, 5000]  # 2 is FULL


async def test_a_closed_store_leaves_one_file_with_everything(store: SqlStore, path: Path) -> None:
    await store.commit([decision(readings=tuple(reading(indicator=str(number)) for number in range(2000)))])
    await store.close()
    assert files_in(path.parent) == ["denbao.db", "denbao.db.lock"]


async def test_the_audit_only_grows(store: SqlStore, path: Path) -> None:
    await store.audit(entry())
    database = sqlite3.connect(path)
    for change in ("UPDATE audit SET actor = 'nobody'", "DELETE FROM audit"):
        with pytest.raises(sqlite3.IntegrityError, match="the audit only grows"):
            database.execute(change)
    database.close()


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (outbox.claimable("log", NOW, 10), "ix_notice_claim"),
        (outbox.expire_leases("log", NOW), "ix_notice_claim"),
        (outbox.next_due("log"), "ix_notice_claim"),
        (outbox.deliveries("i", 10), "ix_notice_incident"),
        (outbox.deliveries(None, 10), "ix_notice_newest"),
        (queries.newest_incidents(True, 10), "ix_incident_newest"),
        (queries.incident_called("ABCDEF"), "ix_incident_ref"),
        (queries.transitions_of("00010", 10), "ix_transition_unit"),
        (queries.colours_at(["00010", "00020"], NOW), "ix_transition_colour"),
    ],
)
async def test_what_is_asked_often_has_an_index(store: SqlStore, path: Path, query: ClauseElement, index: str) -> None:
    written = str(query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
    database = sqlite3.connect(path)
    plan = " ".join(row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {written}"))
    database.close()
    assert f"INDEX {index}" in plan


@pytest.mark.parametrize(
    "query",
    [
        outbox.heard_later("sms", "name", "failed", NOW),
        select(literal(1)).where(outbox.named("sms", "name")),
        outbox.failed_late("sms", "name"),
    ],
    ids=["heard", "known", "failed"],
)
async def test_a_message_is_found_by_its_name_at_a_provider(store: SqlStore, path: Path, query) -> None:
    """And not among all that its channel ever sent, once for each final status."""
    written = str(query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
    database = sqlite3.connect(path)
    plan = {row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {written}") if "notice" in row[3]}
    database.close()
    assert plan == {f"SEARCH notice USING INDEX ix_notice_{name} ({name}=?)" for name in ("reference", "provider_id")}


@pytest.mark.parametrize("query", [outbox.claimable("sms", NOW, 10), outbox.next_due("sms")], ids=["claim", "next"])
async def test_whether_a_trouble_is_back_is_looked_up_by_its_key(store: SqlStore, path: Path, query) -> None:
    """And not among all that is open in the country, once for each recovery that is due."""
    written = str(query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
    database = sqlite3.connect(path)
    plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {written}") if "relapse" in row[3]]
    database.close()
    assert plan and all("(key>? AND key<?)" in line for line in plan), plan


@pytest.mark.parametrize(
    "query",
    [
        outbox.suppress_no_news("sms", NOW),
        outbox.suppress_outlived("sms", NOW),
        outbox.claimable("sms", NOW, 10),
        outbox.next_due("sms"),
        outbox.withhold_waiting(),
        outbox.withhold_gone(),
        outbox.take_place(),
        outbox.free_good_news(),
    ],
    ids=["no news", "outlived", "claim", "next", "withhold", "note", "place", "good news"],
)
async def test_of_other_messages_those_of_a_trouble_are_looked_up_by_its_key(
    store: SqlStore, path: Path, query
) -> None:
    """And not among all that was ever sent or waits in the country, once for each recovery that is due or commit."""
    written = query.compile(dialect=sqlite.dialect(), compile_kwargs={"render_postcompile": True})
    database = sqlite3.connect(path)
    plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {written}", ["x"] * str(written).count("?"))]
    database.close()
    found = [line for line in plan if line.startswith(("SEARCH", "SCAN"))]
    keys = ("ix_notice_claim (channel=?", "ix_notice_incident (incident", "autoindex_notice_1 (key", "incident_1 (key")
    assert found and all(any(key in line for key in keys) for line in found), plan


# -- failing -----------------------------------------------------------------------------------------------------


async def test_a_full_disk_is_a_store_error_and_loses_nothing_that_was_committed(store: SqlStore) -> None:
    def limit(writer, pages: int) -> None:
        writer.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    (state,) = await store.commit([owing(notice())])
    await store._file.write(lambda writer: limit(writer, 1))
    large = tuple(replace(notice(f"n{number}"), body="x" * 5000) for number in range(50))
    with pytest.raises(StoreError, match="full"):
        await store.commit([owing(*large, before=state)])
    assert await store.load_states() == [state]
    await store._file.write(lambda writer: limit(writer, 1_000_000))
    await store.commit([owing(*large, before=state)])
    assert len(await store.deliveries()) == 51


async def test_a_foreign_writer_that_does_not_let_go_is_a_store_error(store: SqlStore, path: Path) -> None:
    def impatient(writer) -> None:
        writer.exec_driver_sql("PRAGMA busy_timeout=0")

    await store._file.write(impatient)
    foreign = sqlite3.connect(path, isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked"):
        await store.commit([decision()])
    foreign.execute("ROLLBACK")
    foreign.close()
    await store.commit([decision()])


@pytest.mark.parametrize(
    "poison",
    [
        decision(readings=(reading(indicator="\ud800"),)),
        decision(after=replace(UnitState("00010"), evidence={"kpi": replace(reading(), note="\ud800")})),
        decision(readings=(reading(as_of=NOW.replace(tzinfo=None)),)),
    ],
    ids=["a surrogate in a column", "a surrogate in a document", "an instant without a zone"],
)
async def test_what_cannot_be_written_is_a_store_error_and_writes_nothing(store: SqlStore, poison) -> None:
    with pytest.raises(StoreError):
        await store.commit([owing(notice(), before=UnitState("00020")), poison])
    assert not await store.load_states()
    await store.commit([decision()])


async def test_a_caller_that_gives_up_does_not_tear_the_transaction(store: SqlStore) -> None:
    begun, given_up = threading.Event(), threading.Event()

    def slow(writer) -> None:
        begun.set()
        given_up.wait()
        writer.exec_driver_sql("INSERT INTO health VALUES ('feed', '{}')")

    waiting = asyncio.create_task(store._file.write(slow))
    await asyncio.to_thread(begun.wait)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    given_up.set()
    await store.commit([decision()])
    assert len(await store._file.fetch(queries.all_health())) == 1


async def test_closing_waits_for_the_transactions_under_way(store: SqlStore, path: Path) -> None:
    commits = [asyncio.create_task(store.commit([decision(UnitState(f"{unit:05}"))])) for unit in range(20)]
    while not await store.load_states():  # until the first one is through
        pass
    await store.close()
    done = await asyncio.gather(*commits, return_exceptions=True)
    await store.open()
    kept = {state.unit for state in await store.load_states()}
    assert kept == {states[0].unit for states in done if not isinstance(states, BaseException)}


async def test_an_unreadable_document_is_a_store_error(store: SqlStore, path: Path) -> None:
    await store.commit([decision(incidents=(incident(),))])
    database = sqlite3.connect(path)
    with database:
        database.execute("UPDATE incident SET doc = '{}'")
    database.close()
    with pytest.raises(StoreError, match="unreadable"):
        await store.incidents()


async def test_ten_writers_at_once_take_turns(store: SqlStore) -> None:
    async def raise_version(unit: str) -> None:
        state = UnitState(unit)
        for _ in range(5):
            (state,) = await store.commit([decision(state)])

    await asyncio.gather(*(raise_version(str(unit)) for unit in range(10)))
    assert {state.version for state in await store.load_states()} == {5}


async def test_a_notice_is_claimed_by_one_of_many(store: SqlStore) -> None:
    await store.commit([owing(*(notice(str(number)) for number in range(20)))])
    claims = await asyncio.gather(*(store.lease("log", str(owner), NOW, 7, 20) for owner in range(5)))
    keys = [lease.notice.key for leases in claims for lease in leases]
    assert sorted(keys) == sorted(map(str, range(20)))
    settled = await asyncio.gather(*(store.settle(lease, SENT, NOW) for leases in claims for lease in leases))
    assert all(settled)


def test_the_newest_version_is_known_without_reading_the_migrations() -> None:
    assert migrate.newest() == migrate.versions()[-1]
