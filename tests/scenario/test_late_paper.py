"""A week of daily files in a drop folder: wrong on Monday, mended on Wednesday for Monday; half a file; a fall.

The files are real ones, read by the real feed; time is moved by hand. What is stored and owed is what is asserted.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from monitor.adapters.feeds import open_feed
from monitor.adapters.store.memory import MemoryStore
from monitor.config.spec import AsOf, Column, FeedSpec
from monitor.engine.book import Band, Book, Condition, Criterion, Indicator, Ruleset
from monitor.model.colour import Colour
from monitor.model.reading import Collected, Reading
from monitor.model.unit import Level
from monitor.ports import Source
from monitor.service.app import Adapters, Service
from monitor.service.metrics import SelfMetrics
from tests.unit.web_site import ManualClock, NoTimetable, site

MONDAY = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)  # 16:00 in Vietnam
UNIT = "02101"
FEED = FeedSpec(
    "report", "csv", "19", "", 300.0, 20.0, (Column("on_time", "Đúng hạn"),), 7 * 86400.0, unit="Mã", decimal=",",
    delimiter=";", as_of=AsOf.FIELD, as_of_field="Ngày", folder="inbox", files="*.csv",
)  # fmt: skip
ON_TIME = Indicator("on_time", "Đúng hạn", "On time", "DUNG HAN", "%", "kpi", 4 * 86400.0, minimum=0.0, maximum=100.0)
RULE = Criterion(
    "on_time", "book", "Đúng hạn", "On time", frozenset({Level.COMMUNE}), indicator="on_time",
    bands=(
        Band(Colour.GREEN, (Condition(">=", 90.0),), ">=90"),
        Band(Colour.YELLOW, (Condition("<", 90.0), Condition(">=", 80.0)), "80 to <90"),
        Band(Colour.RED, (Condition("<", 80.0),), "<80"),
    ),
    weight=dict.fromkeys(Level, 5.0),
)  # fmt: skip


@dataclass
class Office:
    """Somebody who puts files into the folder, and the service that reads them."""

    service: Service
    clock: ManualClock
    root: Path
    feed: Source
    files: int = 0

    async def puts(self, day: int, *rows: str, header: str = "Mã;Ngày;Đúng hạn") -> None:
        """A file is there at 16:00 of that day of November, and is polled."""
        self.clock.move((MONDAY.replace(day=day) - self.clock.now()).total_seconds())
        self.files += 1
        path = self.root / "inbox" / f"{self.files:03}.csv"
        path.write_text("\n".join((header, *rows, "")), encoding="utf-8")
        written = self.clock.now().timestamp() - 60
        os.utime(path, (written, written))
        await self.polls()

    async def polls(self, minutes: float = 0) -> None:
        """The folder is looked at, and everything that follows from it is decided and stored."""
        self.clock.move(60 * minutes)
        self.service._collected(await self.feed.collect(self.clock.now()))
        await self.service.evaluator.settle()

    def colour(self, unit: str = UNIT) -> Colour:
        """The colour of the rule at a unit."""
        return self.service.evaluator.states[unit].criteria["on_time"].colour

    def days(self) -> list[tuple[int, float]]:
        """Day of November and value, as trends see them."""
        past = self.service.evaluator.states[UNIT].series["on_time"]
        first = datetime(2026, 11, 1, tzinfo=UTC).toordinal()
        return [(day - first + 1, value) for day, value in zip(past.days, past.values, strict=True)]

    async def told(self) -> list[tuple[str, str]]:
        """Recipient and kind of everything that is owed or sent, oldest first."""
        deliveries = await self.service.store.deliveries()
        return [(one.notice.recipient, one.notice.kind) for one in reversed(deliveries)]

    async def changes(self) -> list[tuple[str, str]]:
        """Colours of the rule, from and to, oldest first."""
        found = await self.service.store.transitions(UNIT)
        return [(one.before.value, one.after.value) for one in reversed(found) if one.criterion == "on_time"]


@asynccontextmanager
async def office(root: Path, store: MemoryStore | None = None) -> AsyncIterator[Office]:
    (root / "inbox").mkdir(exist_ok=True)
    made = site(root)
    book = Book("book", "1", "Sổ", "Book", (RULE,))
    made = replace(made, ruleset=Ruleset({"on_time": ON_TIME}, (book,)), feeds=(FEED,), probes=())
    clock = ManualClock(MONDAY)
    known = tuple(unit.code for unit in made.units)
    feed = open_feed(FEED, cast("Any", None), clock, made.calendar, made.ruleset.indicators, known, root)
    adapters = Adapters(clock, store or MemoryStore(), NoTimetable(), (feed,), {}, {}, lambda: 0.5)
    service = Service(made, adapters, SelfMetrics())
    await service.open()
    yield Office(service, clock, root, feed, len(list((root / "inbox").iterdir())))


def rows(day: int, value: str, units: Sequence[str] = ("02101", "02102", "02103", "02104")) -> list[str]:
    return [f"{unit};{day:02}/11/2026;{value}" for unit in units]


async def test_a_wrong_monday_is_mended_on_wednesday_and_nobody_is_told_twice(tmp_path):
    async with office(tmp_path) as desk:
        await desk.puts(16, f"{UNIT};16/11/2026;9,5")  # 95 was meant
        assert desk.colour() is Colour.RED
        assert await desk.told() == [("focal-vn", "kpi_red")]
        await desk.puts(18, f"{UNIT};16/11/2026;95,0")
        assert desk.colour() is Colour.GREEN
        assert desk.days() == [(16, 95.0)]
        assert await desk.changes() == [("unknown", "red"), ("red", "green")]
        kept = await desk.service.store.readings(UNIT, "on_time")
        assert [reading.value for reading in kept] == [95.0, 9.5] and len({reading.as_of for reading in kept}) == 1
        before = await desk.told()
        assert before == [("focal-vn", "kpi_red"), ("focal-vn", "kpi_met")]
        assert not desk.service.evaluator.states[UNIT].incidents
        for _ in range(3):  # the file is read again and again
            await desk.polls(300)
        assert await desk.told() == before
        assert await desk.changes() == [("unknown", "red"), ("red", "green")]


async def test_a_correction_for_a_past_day_changes_that_day_and_neither_colour_nor_incidents(tmp_path):
    async with office(tmp_path) as desk:
        await desk.puts(16, f"{UNIT};16/11/2026;9,5")
        await desk.puts(17, f"{UNIT};17/11/2026;96,0")  # green again, the incident is over
        changes, told = await desk.changes(), await desk.told()
        await desk.puts(18, f"{UNIT};16/11/2026;95,0", f"{UNIT};15/11/2026;12,0", f"{UNIT};17/11/2026;96,0")
        assert desk.days() == [(15, 12.0), (16, 95.0), (17, 96.0)]
        assert (await desk.changes(), await desk.told()) == (changes, told)
        assert desk.service.evaluator.states[UNIT].evidence["on_time"].value == 96.0
        incidents = await desk.service.store.incidents(open_only=False)
        assert len(incidents) == 1 and not incidents[0].open


async def test_a_correction_that_is_still_red_escalates_no_second_time(tmp_path):
    async with office(tmp_path) as desk:
        await desk.puts(16, f"{UNIT};16/11/2026;9,5")
        await desk.polls(60)
        told = await desk.told()
        await desk.puts(18, f"{UNIT};16/11/2026;59,0")
        assert desk.days() == [(16, 59.0)]
        assert await desk.told() == told
        [incident] = desk.service.evaluator.states[UNIT].incidents.values()
        assert incident.opened_at == MONDAY


async def test_half_a_file_turns_nothing_red_until_it_is_confirmed(tmp_path):
    async with office(tmp_path) as desk:
        await desk.puts(16, *rows(16, "95,0"))
        await desk.puts(17, *rows(17, "9,5", ("02101",)))
        assert desk.colour() is Colour.GREEN and desk.days() == [(16, 95.0)]
        health = desk.service.evaluator.health["report"]
        assert health.held == 1 and health.rejected[0].reason == "rows-fell"
        await desk.puts(17, *rows(17, "95,5"))
        assert desk.days() == [(16, 95.0), (17, 95.5)]
        assert await desk.told() == []


async def test_bad_paper_is_quarantined_with_its_line_over_a_restart_and_its_unit_goes_stale_and_never_red(tmp_path):
    store = MemoryStore()
    async with office(tmp_path, store) as desk:
        await desk.puts(16, *rows(16, "95,0"))
        await desk.puts(17, *rows(17, "95,0", ("02102", "02103", "02104")), f"{UNIT};17/11/2026;9.5")
        first_seen = desk.clock.now()
        assert desk.colour() is Colour.GREEN
    async with office(tmp_path, store) as desk:
        [refused] = desk.service.evaluator.health["report"].rejected
        assert (refused.row, refused.reason, refused.unit, refused.cell, refused.first_seen) == (
            "002.csv, line 5", "decimal-sign", UNIT, "9.5", first_seen,
        )  # fmt: skip
        await desk.puts(20, *rows(20, "95,0", ("02102", "02103", "02104")), f"{UNIT};20/11/2026;9.5")
        assert desk.service.evaluator.health["report"].rejected[0].first_seen == first_seen
        assert desk.colour() is Colour.UNKNOWN and desk.colour("02102") is Colour.GREEN
        assert await desk.told() == []


async def test_the_log_names_feed_stage_row_and_reason_once_when_it_begins_and_once_when_it_ends(tmp_path, caplog):
    store = MemoryStore()
    async with office(tmp_path, store) as desk:
        await desk.puts(16, f"{UNIT};16/11/2026;95,0")
        await desk.puts(17, f"{UNIT};17/11/2026;9.5")
        await desk.polls(5)
    async with office(tmp_path, store) as desk:  # a restart is no news
        await desk.puts(18, f"{UNIT};18/11/2026;9.5")
        await desk.puts(18, f"{UNIT};18/11/2026;95,0")
        await desk.puts(18, f"{UNIT};18/11/2026;95,0", header="Mã;Ngày;Tỷ lệ đúng hạn")
        await desk.puts(18, f"{UNIT};18/11/2026;95,0")
    assert [line for line in caplog.messages if line.startswith("feed ")] == [
        "feed report: rows: 002.csv, line 2: decimal-sign: unit 02101, on_time: '9.5' is not a number: "
        "a decimal point in a feed whose decimal sign is ','",
        "feed report: rows: all are believed again",
        "feed report: rows: 005.csv, line 1: schema-drift: on_time: no column 'Đúng hạn'; "
        "did you mean 'Tỷ lệ đúng hạn'?; "
        "gone since then: 'Đúng hạn'; new: 'Tỷ lệ đúng hạn'",
        "feed report: columns: gone: 'Đúng hạn'; new: 'Tỷ lệ đúng hạn'",
        "feed report: rows: all are believed again",
        "feed report: columns: new: 'Đúng hạn'",
    ]


async def test_a_feed_whose_file_is_imported_every_day_is_not_called_silent_and_later_is(tmp_path):
    async with office(tmp_path) as desk:

        async def imports() -> None:
            now = desk.clock.now()
            row = Reading(UNIT, "on_time", 95.0, now, now, "report", note="import bao-cao.csv")
            desk.service.evaluator.take(Collected("report", now, (row,), by_hand=True))
            await desk.service.evaluator.settle()

        for _ in range(10):
            await desk.polls(24 * 60)  # nobody uses the folder: a failure, as ever
            await imports()
        assert await desk.told() == [] and desk.colour() is Colour.GREEN
        await desk.polls(7 * 24 * 60 - 10)
        assert await desk.told() == []  # its limit counts from the last import
        await desk.polls(20)
        assert [kind for _, kind in await desk.told()] == ["silent"]
        await imports()  # and that ends with the next one
        assert "silent:report" not in desk.service.evaluator.states["19"].incidents
        await desk.polls(5)
        assert "silent:report" not in desk.service.evaluator.states["19"].incidents


async def test_each_of_many_files_counts_by_itself_and_none_is_read_again_after_a_restart(tmp_path):
    store = MemoryStore()
    async with office(tmp_path, store) as desk:
        for number, unit in enumerate(("02101", "02102", "02103", "02104")):
            path = tmp_path / "inbox" / f"{unit}.csv"
            path.write_text(f"Mã;Ngày;Đúng hạn\n{unit};16/11/2026;9{number},0\n", "utf-8")
            written = desk.clock.now().timestamp() - 600 + number
            os.utime(path, (written, written))
        await desk.polls()
        states = desk.service.evaluator.states
        assert [states[f"0210{number}"].evidence["on_time"].value for number in range(1, 5)] == [90, 91, 92, 93]
        assert len((await store.load_health())[0].read) == 4
    async with office(tmp_path, store) as desk:
        found = await desk.feed.collect(desk.clock.now())
        assert ([reading.unit for reading in found.readings], found.before) == (["02104"], ())
