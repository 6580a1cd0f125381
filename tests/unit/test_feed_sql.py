"""SQL feeds: one SELECT on an SQLite file, which stays as it is, whatever the query wants."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.feeds import open_feed, sql
from monitor.adapters.feeds.body import Unreadable
from monitor.adapters.fetch import Fetcher
from monitor.adapters.guard import AddressGuard
from monitor.config.query import mistakes
from monitor.config.spec import AsOf, Column
from monitor.model.reading import Collected
from tests.unit.feed_frames import CALENDAR, FRAME, INDICATORS, MIDNIGHT, NOW, UNITS, feed_spec, refusals, sound, values
from tests.unit.sites import make_site, problems_of

COLUMNS = (Column("rate", "ratio", "n", "d"), Column("staffed", "staff", words={"đủ": True, "thiếu": False}))
QUERY = "SELECT commune AS code, ratio, n, d, staff, day FROM results"
ROWS = [
    ("02143", 68.91, 63, 92, "đủ", "2026-11-21", 11),
    ("01840", 5, None, None, "thiếu", "2026-11-20", 11),
    ("19", 7, None, None, None, "2026-10-20", 10),
]
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS code FROM n"


class Ticking:
    """A clock that moves on by itself at every look, in whatever thread."""

    def __init__(self, step: float = 0.0) -> None:
        self.time = 0.0
        self.step = step
        self.threads: set[str] = set()

    def monotonic(self) -> float:
        self.threads.add(threading.current_thread().name)
        self.time += self.step
        return self.time


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    with closing(sqlite3.connect(tmp_path / "data" / "register.db")) as database, database:
        database.execute("CREATE TABLE results (commune TEXT, ratio, n, d, staff, day TEXT, month INTEGER)")
        database.executemany("INSERT INTO results VALUES (?, ?, ?, ?, ?, ?, ?)", ROWS)
    return tmp_path


def ask(site: Path, query: str = QUERY, clock: Ticking | None = None, **fields: Any) -> Collected:
    clock = clock or Ticking()
    usual = {"url": "", "database": "data/register.db", "query": query}
    spec = feed_spec("sql", *fields.pop("columns", COLUMNS), **{**usual, **fields})
    fetcher = Fetcher(AddressGuard([]), clock)
    feed = open_feed(spec, fetcher, clock, CALENDAR, INDICATORS, UNITS, site)  # type: ignore[arg-type]
    return asyncio.run(feed.collect(NOW))


def test_rows_are_read_by_the_names_of_the_columns(site):
    collected = ask(site)
    assert values(collected) == {
        ("02143", "rate"): 68.91, ("02143", "staffed"): True, ("01840", "rate"): 5, ("01840", "staffed"): False,
        ("19", "rate"): 7,
    }  # fmt: skip
    assert (collected.failure, collected.rejected) == ("", ())
    assert next((reading.numerator, reading.denominator) for reading in collected.readings) == (63, 92)


def test_a_column_may_hold_the_date(site):
    collected = ask(site, as_of=AsOf.FIELD, as_of_field="day")
    assert next(reading.as_of for reading in collected.readings if reading.unit == "02143") == MIDNIGHT


def test_parameters_are_bound_and_so_is_the_local_date(site):
    query = f"{QUERY} WHERE month = :month AND 2026 = :year AND 4 = :quarter AND staff = :staff"
    tricky = "thiếu' OR '1' = '1"
    assert {unit for unit, _ in values(ask(site, query, parameters={"staff": "thiếu"}))} == {"01840"}
    assert values(ask(site, query, parameters={"staff": tricky})) == {}


def test_a_bad_row_is_told_by_its_number_and_the_others_count(site):
    collected = ask(
        site, f"{QUERY} UNION ALL SELECT '99999', 5, 1, 2, '', '' UNION ALL SELECT x'00ff', 5, 1, 2, '', ''"
    )
    assert len(values(collected)) == 5
    assert refusals(collected) == [("row 4", "unknown-unit"), ("row 5", "bad-row")]


def test_a_column_that_is_not_there_is_told_with_the_nearest_and_the_others_count(site):
    collected = ask(site, columns=(Column("rate", "ratios"), COLUMNS[1]))
    assert set(values(collected)) == {("02143", "staffed"), ("01840", "staffed")}
    assert collected.rejected[0].detail == "rate: no column 'ratios'; did you mean 'ratio'?"


def test_the_query_runs_outside_the_loop(site):
    clock = Ticking()
    asked = (
        f"{QUERY}, (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 50000) SELECT max(i) FROM n)"
    )
    assert ask(site, asked, clock).failure == ""
    assert any(name != threading.main_thread().name for name in clock.threads)


def test_a_query_that_does_not_end_is_given_up(site):
    assert ask(site, ENDLESS, Ticking(0.01)).failure == "feed portal: timeout: no complete answer within 5 s"


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM results",
        "WITH x AS (SELECT 1) DELETE FROM results",
        "DROP TABLE results",
        "CREATE TABLE other (x)",
        "ATTACH DATABASE 'other.db' AS other",
        "PRAGMA journal_mode = DELETE",
        "SELECT * FROM pragma_table_info('results')",
        "VACUUM INTO 'other.db'",
        "SELECT load_extension('x')",
        "BEGIN",
    ],
)
def test_whatever_is_no_reading_is_refused_and_the_file_stays_as_it_is(site, query):
    before = (site / "data" / "register.db").read_bytes()
    failure = ask(site, query).failure
    assert failure.startswith("feed portal: data/register.db: ")
    assert (site / "data" / "register.db").read_bytes() == before
    assert [path.name for path in (site / "data").iterdir()] == ["register.db"]


def test_several_statements_are_refused(site):
    assert "You can only execute one statement at a time" in ask(site, f"{QUERY}; DELETE FROM results").failure


def test_a_database_that_somebody_writes_in_is_a_failure_of_this_poll(site):
    with closing(sqlite3.connect(site / "data" / "register.db", isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        assert ask(site, timeout=0.01).failure == "feed portal: data/register.db: database is locked"
    assert ask(site).failure == ""


def test_a_database_with_a_write_ahead_log_is_read_while_it_is_written(site):
    with closing(sqlite3.connect(site / "data" / "register.db", isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("UPDATE results SET ratio = 9 WHERE commune = '19'")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE results SET ratio = 8 WHERE commune = '19'")
        assert values(ask(site))["19", "rate"] == 9


def test_more_rows_or_text_than_are_read_are_refused_together(site, monkeypatch):
    long = "SELECT '02143' AS code, printf('%.*c', 2000, 'x') AS ratio, 1 AS n, 1 AS d, '' AS staff"
    assert "the texts of the rows are larger than 1024 bytes" in ask(site, long, max_bytes=1024).failure
    monkeypatch.setattr(sql, "MAX_ROWS", 2)
    assert "more than the 2 rows that are read" in ask(site).failure


def test_one_value_cannot_fill_the_memory(site):
    assert "too big" in ask(site, "SELECT '02143' AS code, zeroblob(900000000) AS ratio").failure


def test_text_that_is_no_utf_8_is_a_damaged_cell_and_no_failure(site):
    collected = ask(site, "SELECT '02143' AS code, CAST(x'c3' AS TEXT) AS ratio, 1 AS n, 1 AS d, 'đủ' AS staff")
    assert set(values(collected)) == {("02143", "staffed")}
    assert refusals(collected) == [("row 1", "not-a-number")]


def test_what_is_no_database_or_not_there_is_a_failure(site):
    (site / "data" / "text.db").write_text("Mã đơn vị;Tỷ lệ" * 100)
    assert "file is not a database" in ask(site, database="data/text.db").failure
    assert "unable to open database file" in ask(site, database="data/none.db").failure
    assert not (site / "data" / "none.db").exists()
    assert "no such table: nowhere" in ask(site, "SELECT * FROM nowhere").failure


def test_a_link_is_not_followed(site, tmp_path):
    (site / "data" / "link.db").symlink_to(site / "data" / "register.db")
    assert "data/link.db is reached over a symbolic link" in ask(site, database="data/link.db").failure


def test_a_name_of_a_file_cannot_smuggle_in_an_option(site):
    (site / "data" / "register.db").rename(site / "data" / "a?mode=rwc&x=#%41.db")
    assert ask(site, database="data/a?mode=rwc&x=#%41.db").failure == ""


CELL = st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=9), st.binary(max_size=9),
                 st.sampled_from(["02143", "đủ", "63/92", "21/11/2026", 1.5, "\ud800"]))  # fmt: skip
NAMES = ("code", "day", "ratio", "n", "d", "staff")


@given(st.permutations(NAMES), st.lists(st.lists(CELL, min_size=6, max_size=6), max_size=6))
def test_no_row_of_a_result_breaks_its_reader(names, rows):
    spec = feed_spec("sql", *COLUMNS, as_of=AsOf.FIELD, as_of_field="day")
    sound(spec, sql.read(spec, names, rows, NOW, FRAME))


@given(st.lists(st.text(max_size=9), max_size=6))
def test_no_names_of_columns_break_it_either(names):
    spec = feed_spec("sql", *COLUMNS)
    try:
        sound(spec, sql.read(spec, ["code", *names], [["02143", *names]], NOW, FRAME))
    except Unreadable:
        assert "code" in [name.strip().lower() for name in names]


# -- what `check` says of a query --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        QUERY,
        "  -- a note\n/* another */ WITH x AS (SELECT 1) SELECT * FROM x",
        "select ':nobody' as \":x\", [a:b], `c:d` from results -- :e\n where month = :month",
        "SELECT year FROM r WHERE kind = :kind",
        "SELECT replace('into', 'x', 'update a set') AS updated, (deleted) FROM inserted -- into",
    ],
)
def test_a_good_query_has_no_mistakes(query):
    assert list(mistakes(query, ["kind"] if ":kind" in query else [])) == []


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("DELETE FROM results", "the query is no SELECT"),
        ("WITH x AS (SELECT 1) DELETE FROM results", "the query writes"),
        ("WITH x AS (SELECT 1) INSERT INTO results SELECT * FROM x", "the query writes"),
        ("WITH x AS (SELECT 1)\nREPLACE INTO results SELECT * FROM x", "the query writes"),
        ('with x as (select 1) update or ignore "results" set rate = 0', "the query writes"),
        ("WITH x AS (SELECT 1) /* ( */ -- (\n DELETE FROM results", "the query writes"),
        ("SELECT FROM results", 'SQLite does not understand the query: near "FROM": syntax error'),
        ("SELECT 1; SELECT 2", "You can only execute one statement at a time"),
        ("SELECT * FROM r WHERE a = ?", "the query has a parameter without a name"),
        ("SELECT * FROM r WHERE a = :a", "the query asks for :a, which is not given"),
        ("SELECT 'open", "SQLite does not understand the query"),
        ("SELECT nowhere(1)", "no such function: nowhere"),
        ("SELECT '\x00'", "SQLite does not understand the query"),
    ],
)
def test_a_bad_query_is_named_before_it_runs(query, said):
    assert said in "; ".join(what for what, _ in mistakes(query, []))


def test_parameters_that_are_not_used_or_already_given_are_mistakes():
    assert [what for what, _ in mistakes("SELECT :month", ["month", "kind"])] == [
        "the parameter 'month' is given by the feed itself",
        "the parameter 'kind' does not stand in the query",
    ]


@given(st.text(alphabet="SELECTselect *from'\"`[]:;()-/?1x\n\x00\ud800", max_size=60))
def test_no_text_breaks_the_look_at_a_query(text):
    assert all(isinstance(what, str) for what, _ in mistakes(f"SELECT {text}", ["x"]))


def test_check_takes_a_sound_sql_feed(tmp_path):
    feed = "    database: data/register.db\n    query: SELECT commune AS code, rate, staff FROM results"
    site = make_site(tmp_path, "    url: http://127.0.0.1:8867/portal", feed)
    config = site / "config.yaml"
    config.write_text(config.read_text().replace("kind: json", "kind: sql").replace("    rows: data\n", ""))
    assert problems_of(site) == [
        "config.yaml:35: there is no file data/register.db; make it, inside the site's own folder"
    ]
    (site / "data").mkdir()
    (site / "data" / "register.db").touch()
    assert problems_of(site) == []
