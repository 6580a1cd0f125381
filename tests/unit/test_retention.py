"""Each night what is old goes, in small steps, and it is said how much."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from monitor.adapters.store.memory import MemoryStore
from monitor.cli.stored import refuse_deleted
from monitor.config.spec import Retention
from monitor.engine.book import Ruleset
from monitor.model.colour import Colour
from monitor.model.errors import StoreError
from monitor.model.hours import Calendar, Sessions
from monitor.model.incident import Outcome, Receipt
from monitor.model.muting import Span
from monitor.model.reading import Reading
from monitor.model.state import AuditEntry, Decision, Transition, UnitState
from monitor.model.unit import Units
from monitor.ports import Pruned
from monitor.replay.past import Past
from monitor.reporting.report import Report
from monitor.reporting.scene import Scene
from monitor.service.evidence import write_evidence
from monitor.service.reports import Asked, make
from monitor.service.retention import BATCH, Housekeeping
from monitor.testing import LoopClock, run
from monitor.testing.site import small_site
from tests.contract.store_facts import notice

START = datetime(2025, 8, 6, 2, tzinfo=UTC)  # nine in the morning
CALENDAR = Calendar(frozenset(), frozenset(), ZoneInfo("Asia/Ho_Chi_Minh"))
DAY = 86_400.0
KEPT = Retention(history=100 * DAY, messages=400 * DAY)


class Shelf(MemoryStore):
    """Counts the stretches in which it is asked, and can refuse."""

    def __init__(self, stretches: int = 1) -> None:
        super().__init__()
        self.asked: list[tuple[str, datetime, int, int]] = []
        self.stretches = stretches
        self.broken = False

    async def prune(self, what: str, before: datetime, *, after: int = 0, limit: int = 500) -> Pruned:
        if self.broken:
            raise StoreError("disk full")
        self.asked.append((what, before, after, limit))
        pruned = await super().prune(what, before)
        return Pruned(pruned.number, after + limit if after + limit < self.stretches * limit else None)


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL", "monitor")


def reading(days: float) -> Reading:
    at = START - timedelta(days=days)
    return Reading("00010", "rate", days, at, at, "portal")


async def filled(store: MemoryStore) -> None:
    await store.open()
    before = UnitState("00010")
    await store.commit([Decision(before, before, readings=tuple(reading(days) for days in (300, 200, 150, 10)))])
    await store.audit(AuditEntry(START - timedelta(days=300), "denbao", "start", "1"))


def test_what_is_old_goes_and_how_much_is_one_entry_for_each_sort():
    async def story() -> None:
        store, clock = Shelf(), LoopClock(START)
        await filled(store)
        gone = await Housekeeping(KEPT, store, clock, CALENDAR).tidy()
        assert {what: number for what, number in gone.items() if number} == {"readings": 2}
        said = [(one.action, one.subject, one.detail) for one, _ in await store.audit_trail()]
        assert said == [("pruned", "readings", "2 from before 2025-04-28T02:00:00+00:00"), ("start", "1", "")]
        order = [what for what, *_ in store.asked]
        assert order.index("notices") < order.index("incidents")
        assert {before for what, before, *_ in store.asked if what == "notices"} == {START - timedelta(days=400)}

    run(story())


def test_it_goes_on_in_small_steps_with_a_breath_between():
    async def story() -> None:
        store, clock = Shelf(stretches=3), LoopClock(START)
        await filled(store)
        await Housekeeping(KEPT, store, clock, CALENDAR).tidy()
        mine = [(after, limit) for what, _, after, limit in store.asked if what == "readings"]
        assert mine == [(0, BATCH), (BATCH, BATCH), (2 * BATCH, BATCH)]
        assert clock.now() > START

    run(story())


def test_it_is_done_each_night_at_three_and_tried_again_the_next_where_the_store_refused():
    async def story() -> None:
        store, clock = Shelf(), LoopClock(START)
        await filled(store)
        keeping = Housekeeping(KEPT, store, clock, CALENDAR)
        task = asyncio.ensure_future(keeping.run())
        store.broken = True
        await clock.sleep(20 * 3600)  # five in the morning
        assert store.asked == []
        store.broken = False
        await clock.sleep(21 * 3600)  # two in the morning
        assert store.asked == []
        await clock.sleep(2 * 3600)
        assert store.asked
        asked = len(store.asked)
        await clock.sleep(22 * 3600)
        assert len(store.asked) == asked
        task.cancel()

    run(story())


# -- what reports say of a time that is not kept -----------------------------------------------------------------------

DELETED = START - timedelta(days=100)
SCENE = Scene(("x", "x"), Units(()), Ruleset({}, ()), Sessions(CALENDAR, (((time(7), time(17)),),) * 7), {})


async def pruned_store() -> MemoryStore:
    """Everything from before 100 days ago is gone but for what is needed still."""
    store = MemoryStore()
    await store.open()
    before = UnitState("00010")
    old = tuple(
        Transition("00010", "", START - timedelta(days=days), Colour.UNKNOWN, Colour.GREEN) for days in (300, 200, 10)
    )
    messages = tuple(replace(notice(f"{days}"), due_at=START - timedelta(days=days)) for days in (300, 10))
    entry = AuditEntry(START - timedelta(days=300), "denbao", "start", "1")
    await store.commit([Decision(before, before, transitions=old, notices=messages, audit=(entry,))])
    for lease in await store.lease("log", "me", START, 10, 20):
        await store.settle(lease, Receipt(Outcome.SENT), START)
    for what in ("transitions", "notices"):
        assert (await store.prune(what, DELETED)).number == 1
    return store


async def reported(kind: str, starts: float, ends: float) -> Report:
    span = Span(START - timedelta(days=starts), START - timedelta(days=ends))
    return await make(Asked(kind, span), SCENE, await pruned_store())


@pytest.mark.parametrize("kind", ["deliveries", "availability"])
async def test_a_report_of_a_time_that_is_gone_says_from_when_on_there_is_a_record(kind):
    made = await reported(kind, 320, 250)
    assert made.empty
    (said,) = made.paragraphs
    assert said[1] == "Nothing was recorded of this time; the record begins at 2025-04-28 09:00."


@pytest.mark.parametrize("kind", ["deliveries", "availability"])
async def test_a_report_of_which_a_part_is_gone_says_so_and_one_that_is_whole_does_not(kind):
    part = await reported(kind, 150, 0)
    assert "Some of what was before 2025-04-28 09:00 is not kept any more" in part.paragraphs[-1][1]
    whole = await reported(kind, 50, 0)
    assert not [said for _, said in whole.paragraphs if "not kept" in said]


async def test_an_evidence_pack_names_the_sorts_that_are_not_whole_in_its_span(tmp_path):
    site = replace(small_site(), root=tmp_path)
    for starts, missing in ((150, ["notices", "transitions"]), (50, [])):
        span, file = Span(START - timedelta(days=starts), START), io.BytesIO()
        await write_evidence(file, site, SCENE, await pruned_store(), span)
        with zipfile.ZipFile(file) as pack:
            manifest = json.loads(pack.read("manifest.json"))
        assert sorted(manifest["not_kept_before"]) == missing
        assert set(manifest["not_kept_before"].values()) <= {"2025-04-28T09:00:00+07:00"}


def test_a_past_whose_readings_are_gone_is_not_rebuilt(capsys):
    refuse_deleted(Past(), DELETED, small_site())
    refuse_deleted(Past(kept=DELETED), DELETED, small_site())
    with pytest.raises(SystemExit) as ended:
        refuse_deleted(Past(kept=DELETED), DELETED - timedelta(seconds=1), small_site())
    assert ended.value.code == 1
    assert "Readings are kept since 2025-04-28 09:00:00 only" in capsys.readouterr().err
