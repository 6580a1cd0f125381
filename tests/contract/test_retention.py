"""What old rows both stores delete, and what they keep because it is needed still."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.dialects import sqlite

from monitor.adapters.store import MemoryStore, SqlStore, aged
from monitor.model.colour import Colour
from monitor.model.incident import LOOPBACK, Outcome, Phase, Receipt
from monitor.model.muting import Silence
from monitor.model.reading import Reading
from monitor.model.state import AuditEntry, Decision, Transition, UnitState
from monitor.ports import Store
from monitor.service.reports import Records
from tests.contract.store_facts import NOW, incident, notice

UNIT = "00010"


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Records]:
    made = MemoryStore() if request.param == "memory" else SqlStore(tmp_path / "denbao.db")
    await made.open()
    yield made
    await made.close()


def day(number: float) -> datetime:
    return NOW + timedelta(days=number)


def value(number: float, said: float, source: str = "portal", received: float | None = None) -> Reading:
    return Reading(UNIT, "rate", said, day(number), day(number if received is None else received), source)


def change(number: float, after: Colour, criterion: str = "") -> Transition:
    return Transition(UNIT, criterion, day(number), Colour.UNKNOWN, after)


async def written(store: Store, **facts) -> None:
    states = {state.unit: state for state in await store.load_states()}
    before = states.get(UNIT, UnitState(UNIT))
    await store.commit([Decision(before, before, **facts)])


async def facts(store: Records, what: str) -> list:
    return list((await store.recorded(what)).facts)


async def all_pruned(store: Store, what: str, before: datetime, limit: int = 2) -> int:
    """In as many stretches as it takes."""
    number, mark = 0, 0
    while True:
        pruned = await store.prune(what, before, after=mark, limit=limit)
        number += pruned.number
        if pruned.mark is None:
            return number
        assert pruned.mark > mark
        mark = pruned.mark


async def test_of_readings_the_last_of_each_source_before_the_time_is_kept(store: Records) -> None:
    old = [value(0, 1), value(1, 2), value(1, 3, received=1.5), value(1, 9, "backup"), value(2, 4)]
    young = [value(10, 5), value(11, 6)]
    await written(store, readings=(*old, *young))
    assert await all_pruned(store, "readings", day(5)) == 3
    assert await facts(store, "readings") == [old[3], old[4], *young]
    assert await store.readings(UNIT, "rate") == [young[1], young[0], old[4], old[3]]
    assert await store.kept_since("readings") == day(5)
    assert await all_pruned(store, "readings", day(5)) == 0


async def test_of_changes_of_colour_the_last_of_each_criterion_before_the_time_is_kept(store: Records) -> None:
    old = [change(0, Colour.GREEN), change(1, Colour.RED, "a"), change(2, Colour.RED), change(3, Colour.GREEN)]
    young = [change(9, Colour.YELLOW)]
    await written(store, transitions=(*old, *young))
    assert await all_pruned(store, "transitions", day(5)) == 2
    assert await facts(store, "transitions") == [old[1], old[3], *young]
    assert await store.colours_at([UNIT], day(6)) == {UNIT: Colour.GREEN}  # as it was before anything was deleted
    assert await store.kept_since("transitions") == day(5)


async def test_one_row_of_a_day_on_which_the_clock_was_ahead_keeps_nothing_that_follows(store: Records) -> None:
    ahead = change(3000, Colour.RED, "a")
    await written(store, transitions=(ahead, *(change(number, Colour.GREEN) for number in range(4))))
    assert await all_pruned(store, "transitions", day(500), limit=500) == 3
    assert ahead in await facts(store, "transitions")


async def test_messages_go_when_they_are_decided_and_their_incident_is_closed(store: Records) -> None:
    closed, open_one = incident("i"), incident("j")
    pages = [notice(f"{key}/0/{step}/0/focal/log") for key in ("i", "j") for step in range(3)]
    pages = [replace(one, incident=one.key[0]) for one in pages]
    canary = replace(notice("c", channel=LOOPBACK), incident="c")
    waiting = replace(notice("digest/1"), incident="digest", due_at=day(20))
    await written(store, incidents=(closed, open_one), notices=(*pages, canary, waiting))
    for lease in await store.lease("log", "me", day(1), 10, 20):
        await store.settle(lease, Receipt(Outcome.SENT), day(1))
    over = replace(closed, phase=Phase.CLOSED, closed_at=day(2))
    await written(store, incidents=(over,))
    counts = await store.outcomes()
    assert counts == {("log", Outcome.SENT): 6}
    assert await all_pruned(store, "incidents", day(3)) == 0  # it has messages
    assert await all_pruned(store, "notices", day(3)) == 3
    assert {one.notice.key[0] for one in await store.deliveries()} == {"j", "d"}
    assert await store.outcomes() == counts  # no counter falls
    assert await all_pruned(store, "incidents", day(1)) == 0  # opened before that, and closed after it
    assert await all_pruned(store, "incidents", day(3)) == 1
    assert await store.incident("i") is None
    assert await store.incident("j") == open_one
    await written(store, incidents=(replace(open_one, phase=Phase.CLOSED, closed_at=day(2)),))
    assert await all_pruned(store, "notices", day(3)) == 3
    assert await store.outcomes() == counts
    assert await store.kept_since("notices") == day(3)
    assert await store.kept_since("readings") is None


async def test_silences_go_when_they_ended_before_the_time(store: Records) -> None:
    for number in (1, 2, 9):
        made = Silence(f"S{number}", (), day(0), day(number), "an", "works", day(0))
        await store.mute(made, AuditEntry(day(0), "an", "silence", made.id))
    assert await all_pruned(store, "silences", day(5)) == 2
    assert [one.id for one in await store.muted()] == ["S9"]


async def test_the_audit_trail_is_not_deleted(store: Records) -> None:
    with pytest.raises(ValueError, match="'audit'"):
        await store.prune("audit", day(1))


async def test_another_word_is_refused(store: Records) -> None:
    with pytest.raises(ValueError, match="'colours'"):
        await store.prune("colours", day(1))


async def test_no_stretch_reads_more_than_its_rows(tmp_path: Path) -> None:
    """By the numbers of the rows, and by an index where one row asks for another."""
    store = SqlStore(tmp_path / "denbao.db")
    await store.open()
    await store.close()
    with sqlite3.connect(tmp_path / "denbao.db") as file:
        for what, sort in aged.SORTS.items():
            for query in (aged.next_rows(sort, 1, 500), aged.delete_old(sort, 1, 500, NOW)):
                text = str(query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
                plan = [row[3] for row in file.execute(f"EXPLAIN QUERY PLAN {text}")]
                assert not [line for line in plan if line.startswith("SCAN") and "VIRTUAL" not in line], (what, plan)
    file.close()
