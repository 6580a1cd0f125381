"""What an edition of the digest reads: as much of a long history as of a short one."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Executable
from sqlalchemy.dialects import sqlite

from monitor.adapters.store import SqlStore, queries
from monitor.engine.book import Ruleset
from monitor.model.colour import Colour
from monitor.model.hours import Calendar, Sessions
from monitor.model.incident import Phase
from monitor.model.state import Transition, UnitState
from monitor.model.unit import Level, Unit, Units
from monitor.reporting.digest import Digest
from monitor.reporting.scene import Scene
from monitor.service.reports import digest_of
from tests.contract.store_facts import NOW, decision, incident

PROVINCE = Unit("19", Level.PROVINCE, "tinh", "Tỉnh", "Province", "Tinh", None, "19")
COMMUNES = tuple(Unit(f"1900{n}", Level.COMMUNE, "xa", "Xã", "Commune", "Xa", "19", "19") for n in range(3))
CALENDAR = Calendar(frozenset(), frozenset(), ZoneInfo("Asia/Ho_Chi_Minh"))
SCENE = Scene(
    ("Đèn báo", "Denbao"), Units((PROVINCE, *COMMUNES)), Ruleset({}, ()),
    Sessions(CALENDAR, (((time(7), time(17)),),) * 7), {},
)  # fmt: skip
HOUR = timedelta(hours=1)


class Counting(SqlStore):
    """A file that counts the rows it reads."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.rows = 0
        fetch = self._file.fetch

        async def counted(query: Executable) -> Sequence[object]:
            found = await fetch(query)
            self.rows += len(found)
            return found

        self._file.fetch = counted  # type: ignore[method-assign]


def colour(number: int) -> Colour:
    return (Colour.GREEN, Colour.YELLOW, Colour.RED)[number % 3]


def history(hours: int, until: datetime) -> tuple[Transition, ...]:
    """Each commune and one of its criteria change once an hour, for so many hours."""
    return tuple(
        Transition(unit.code, criterion, until - HOUR * left, Colour.UNKNOWN, colour(left))
        for left in range(hours, 0, -1)
        for unit in COMMUNES
        for criterion in ("", "kpi")
    )


async def edition(store: SqlStore, hours: int) -> Digest:
    """What is told at the end of a history: the last digest was three hours and a half ago."""
    over = [replace(incident(f"i{n}", phase=Phase.CLOSED), unit="19000", closed_at=NOW) for n in range(hours)]
    still = replace(incident("open"), unit="19000", opened_at=NOW - HOUR)
    await store.commit([decision(UnitState("19"), transitions=history(hours, NOW), incidents=(*over, still))])
    return await digest_of(SCENE, PROVINCE, NOW - 3.5 * HOUR, NOW, store, live=True)


@pytest.mark.parametrize("hours", [10, 1000])
async def test_an_edition_reads_a_row_for_each_unit_and_each_open_incident(tmp_path: Path, hours: int) -> None:
    store = Counting(tmp_path / "denbao.db")
    await store.open()
    told = await edition(store, hours)
    assert store.rows == len(COMMUNES) + 1
    assert {count.colour: count.before for count in told.counts if count.before} == {colour(4): 3}
    assert [one.key for one in told.incidents] == ["open"]
    await store.close()


async def test_the_database_does_as_much_for_a_long_history_as_for_a_short_one(tmp_path: Path) -> None:
    """Counted in steps of SQLite's machine, so that it measures work and not time."""

    async def steps(hours: int) -> int:
        path = tmp_path / f"{hours}.db"
        store = SqlStore(path)
        await store.open()
        await edition(store, hours)
        await store.close()
        asked = queries.colours_at([unit.code for unit in COMMUNES], NOW - 3.5 * HOUR)
        written = str(asked.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
        database, done = sqlite3.connect(path), 0

        def step() -> None:
            nonlocal done
            done += 1

        database.set_progress_handler(step, 1)
        assert len(database.execute(written).fetchall()) == len(COMMUNES)
        database.close()
        return done

    assert await steps(2000) == await steps(20)
