"""Drop folders: the newest whole file counts, it is as old as it is, and no link leads out of the site."""

from __future__ import annotations

import asyncio
import os
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.clock import SystemClock
from monitor.adapters.feeds import folder, open_feed
from monitor.adapters.fetch import Fetcher
from monitor.adapters.guard import AddressGuard
from monitor.config.spec import AsOf
from monitor.engine.hygiene import Known, after_poll, inspect
from monitor.model.reading import Collected, SourceHealth, Value
from monitor.ports import Remembering, Source
from monitor.registry import Names, load_registry
from tests.unit.feed_frames import CALENDAR, INDICATORS, NOW, RATE, UNITS, feed_spec, refusals, values
from tests.unit.sites import make_site, problems_of
from tests.unit.workbooks import workbook

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SPEC = feed_spec("csv", RATE, url="", folder="inbox", files="bao-cao-*.csv", as_of=AsOf.FETCH, max_silence=86_400.0)


def opened(site: Path, **fields: Any) -> Source:
    clock = SystemClock()
    spec = feed_spec(**{**{name: getattr(SPEC, name) for name in SPEC.__slots__ if name != "columns"}, **fields})
    return open_feed(spec, Fetcher(AddressGuard([]), clock), clock, CALENDAR, INDICATORS, UNITS, site)


def look(site: Path, **fields: Any) -> Collected:
    return asyncio.run(opened(site, **fields).collect(NOW))


def drop(site: Path, name: str, ratio: float = 5, written: datetime = NOW - HOUR, content: bytes = b"") -> Path:
    path = site / "inbox" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content or f"code,ratio\n02143,{ratio}\n".encode())
    os.utime(path, (written.timestamp(), written.timestamp()))
    return path


def test_the_newest_file_that_matches_is_read_and_dated_by_when_it_was_written(tmp_path):
    drop(tmp_path, "bao-cao-2.csv", 1, NOW - 2 * HOUR)
    drop(tmp_path, "bao-cao-1.csv", 7, NOW - HOUR)
    drop(tmp_path, "other.csv", 9, NOW - MINUTE)
    collected = look(tmp_path)
    assert (values(collected), collected.failure) == ({("02143", "rate"): 7}, "")
    assert [(reading.as_of, reading.received_at) for reading in collected.readings] == [(NOW - HOUR, NOW)]


def test_the_day_of_a_file_is_the_day_on_which_it_was_written(tmp_path):
    drop(tmp_path, "bao-cao-1.csv", written=NOW - 13 * HOUR)  # 23:00 of the day before, in Vietnam
    assert look(tmp_path, as_of=AsOf.DAY).readings[0].as_of == datetime.fromisoformat("2026-11-20T00:00+07:00")


def test_a_workbook_is_read_from_a_folder_too(tmp_path):
    book = workbook(("1", [("code", "ratio"), ("02143", 5)]))
    drop(tmp_path, "Báo cáo.XLSX", content=book)
    assert values(look(tmp_path, kind="xlsx", files="báo cáo*.xlsx")) == {("02143", "rate"): 5}


def test_a_bad_row_is_told_with_its_line(tmp_path):
    drop(tmp_path, "bao-cao-1.csv", content=b"code,ratio\n02143,5\n99999,5\n")
    assert refusals(look(tmp_path)) == [("bao-cao-1.csv, line 3", "unknown-unit")]


class Reader:
    """A feed on a folder, and what is remembered of it as the service does."""

    def __init__(self, site: Path, **fields: Any) -> None:
        self.site, self.fields = site, fields
        self.health: SourceHealth | None = None
        self.restart()

    def restart(self, **fields: Any) -> None:
        self.feed = opened(self.site, **self.fields, **fields)
        assert isinstance(self.feed, Remembering)
        self.feed.recall(self.health)

    def looks(self, now: datetime = NOW) -> list[Value]:
        """The values that a look brought, in their order."""
        self.last = asyncio.run(self.feed.collect(now))
        tables = [*self.last.before, self.last]
        known = Known(INDICATORS, CALENDAR, lambda _unit, _indicator: None)
        found: list[Value] = []
        for table in tables:
            taken = inspect(table, self.health, known)
            self.health = after_poll(self.health, taken, "19")
            found += [reading.value for reading in taken.readings]
        assert isinstance(self.feed, Remembering)
        self.feed.recall(self.health)
        return found

    @property
    def told(self) -> list[tuple[str, str]]:
        assert self.health is not None
        return sorted((one.row, one.reason) for one in self.health.rejected)


def test_files_that_came_between_two_looks_are_all_read_the_oldest_first_and_once(tmp_path):
    reader, found = Reader(tmp_path), []
    for numbers in ((1,), (4, 2, 3), (), (5,)):
        for number in numbers:
            drop(tmp_path, f"bao-cao-{number}.csv", number, NOW - HOUR + number * MINUTE)
        found.append(reader.looks())
    assert found == [[1], [2, 3, 4], [], [5]]


def test_each_file_is_a_table_of_its_own_with_its_own_instant(tmp_path):
    for number in range(92):
        drop(tmp_path, f"bao-cao-{number}.csv", number, NOW - 2 * HOUR + number * MINUTE)
    found = asyncio.run(opened(tmp_path).collect(NOW))
    read = [reading for table in (*found.before, found) for reading in table.readings]
    assert [(one.value, one.as_of) for one in read] == [(n, NOW - 2 * HOUR + n * MINUTE) for n in range(92)]


def test_only_the_first_table_of_a_look_tells_what_lies_there_for_thousands_may(tmp_path):
    for number in range(3):
        drop(tmp_path, f"bao-cao-{number}.csv", number, NOW - 2 * HOUR + number * MINUTE)
    reader = Reader(tmp_path)
    reader.looks()
    tables = [one.tables for one in (*reader.last.before, reader.last)]
    assert [None if one is None or one.there is None else len(one.there) for one in tables] == [3, None, None]
    (tmp_path / "inbox" / "bao-cao-0.csv").unlink()
    drop(tmp_path, "bao-cao-3.csv", 3, NOW - MINUTE)
    reader.looks()
    assert reader.health is not None and len(set(reader.health.read)) == len(reader.health.read) == 3


def test_a_restart_reads_the_newest_file_once_more_and_no_other(tmp_path):
    for number in (1, 2, 3):
        drop(tmp_path, f"bao-cao-{number}.csv", number, NOW - HOUR + number * MINUTE)
    reader = Reader(tmp_path)
    assert reader.looks() == [1, 2, 3]
    reader.restart()
    assert (reader.looks(), reader.looks()) == ([3], [])


def test_files_are_read_again_when_they_were_written_anew_or_are_read_otherwise(tmp_path):
    reader = Reader(tmp_path)
    for number in (1, 2):
        drop(tmp_path, f"bao-cao-{number}.csv", number, NOW - HOUR + number * MINUTE)
    assert reader.looks() == [1, 2]
    drop(tmp_path, "bao-cao-1.csv", 7, NOW - HOUR)  # with an older date than the newest
    assert reader.looks() == [7]
    reader.restart(mapping={"02143": "01840"})
    assert reader.looks() == [7, 2]


def test_an_archive_that_lies_there_at_the_first_look_is_not_read_and_what_is_put_there_later_is(tmp_path):
    reader = Reader(tmp_path)
    drop(tmp_path, "bao-cao-0.csv", 1, NOW - 30 * HOUR)
    drop(tmp_path, "bao-cao-1.csv", 2)
    assert reader.looks() == [2]
    drop(tmp_path, "bao-cao-9.csv", 3, NOW - 29 * HOUR)  # of Friday, copied on Monday with its date
    assert reader.looks() == [3]


def test_files_of_long_ago_are_read_where_those_that_were_read_before_were_taken_away(tmp_path):
    reader, later = Reader(tmp_path), NOW + timedelta(days=4)
    read = drop(tmp_path, "bao-cao-1.csv", 1)
    assert reader.looks() == [1]
    read.unlink()
    assert reader.looks() == []
    for number in (2, 3, 4):  # a line was down for days
        drop(tmp_path, f"bao-cao-{number}.csv", number, NOW + number * HOUR)
    reader.restart()
    assert reader.looks(later) == [2, 3, 4]


def test_a_file_that_the_disk_withholds_is_told_and_tried_again(tmp_path, monkeypatch):
    reader = Reader(tmp_path)
    for number in (1, 2):
        drop(tmp_path, f"bao-cao-{number}.csv", number, NOW - HOUR + number * MINUTE)
    with monkeypatch.context() as patch:
        withhold(patch, "bao-cao-1.csv")
        assert (reader.looks(), reader.told, reader.looks()) == ([2], [("bao-cao-1.csv", "unreadable")], [])
    assert (reader.looks(), reader.told, reader.looks()) == ([1], [], [])


def withhold(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    read = folder._content

    def broken(at: int, found: folder.Found, most: int) -> bytes:
        return read(at, replace(found, name="gone") if found.name in names else found, most)

    monkeypatch.setattr(folder, "_content", broken)


def test_files_that_the_disk_withholds_for_long_hold_up_none_that_come_after_them(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "AT_ONCE", 2)
    withhold(monkeypatch, "bao-cao-1.csv", "bao-cao-2.csv", "bao-cao-3.csv")
    for number in range(1, 6):
        drop(tmp_path, f"bao-cao-{number}.csv", number, NOW - HOUR + number * MINUTE)
    reader = Reader(tmp_path)
    assert [reader.looks() for _ in range(3)] == [[], [4], [5]]


def test_a_newest_file_that_is_broken_fails_the_feed_though_older_ones_are_withheld(tmp_path, monkeypatch):
    withhold(monkeypatch, "bao-cao-1.csv")
    drop(tmp_path, "bao-cao-1.csv", 1, NOW - 3 * HOUR)
    reader = Reader(tmp_path)
    assert (reader.looks(), bool(reader.last.failure)) == ([], True)
    drop(tmp_path, "bao-cao-2.csv", content=b"<html>")
    assert (reader.looks(), bool(reader.last.failure)) == ([], True)
    drop(tmp_path, "bao-cao-3.csv", 3, NOW - MINUTE)
    assert (reader.looks(), bool(reader.last.failure)) == ([3], False)


def test_what_one_look_does_not_read_is_told_and_read_at_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "AT_ONCE", 2)
    for number in range(5):
        drop(tmp_path, f"bao-cao-{number}.csv", number, NOW - HOUR + number * MINUTE)
    reader = Reader(tmp_path)
    assert reader.looks() == [0, 1]
    assert reader.told == [("bao-cao-2.csv", "waiting")]
    assert "left for the next look: 3, this one first" in reader.last.rejected[0].detail
    assert (reader.looks(), reader.looks(), reader.told) == ([2, 3], [4], [])


def test_one_look_reads_a_bounded_number_of_bytes_and_seconds(tmp_path):
    for number in range(9):
        drop(tmp_path, f"bao-cao-{number}.csv", number, NOW - HOUR + number * MINUTE, b"code,ratio\n" + b" " * 900)
    found = asyncio.run(opened(tmp_path, max_bytes=1024).collect(NOW))
    assert len(found.before) == 5


def test_a_broken_file_is_told_and_holds_up_none_of_those_after_it(tmp_path):
    reader = Reader(tmp_path)
    drop(tmp_path, "bao-cao-1.csv", content=b"<html>", written=NOW - 3 * HOUR)
    drop(tmp_path, "bao-cao-2.csv", content=b"code,ratio\n02143,7\n99999,7\n", written=NOW - 2 * HOUR)
    drop(tmp_path, "bao-cao-3.csv", 5)
    assert (reader.looks(), reader.last.failure) == ([7, 5], "")
    told = [("bao-cao-1.csv", "unreadable"), ("bao-cao-2.csv, line 3", "unknown-unit")]
    assert reader.told == told
    assert (reader.looks(), reader.told) == ([], told)
    (tmp_path / "inbox" / "bao-cao-1.csv").unlink()
    assert (reader.looks(), reader.told) == ([], told[1:])
    drop(tmp_path, "bao-cao-4.csv", 5, NOW + 24 * HOUR)
    assert (reader.looks(NOW + 25 * HOUR), reader.told) == ([5], [])  # told for as long as the feed may be silent


def test_the_newest_file_fails_the_feed_while_it_is_broken_and_those_before_it_are_read(tmp_path):
    reader = Reader(tmp_path)
    drop(tmp_path, "bao-cao-1.csv", 7, NOW - 2 * HOUR)
    drop(tmp_path, "bao-cao-2.csv", content=b"<html>")
    assert (reader.looks(), bool(reader.last.failure)) == ([7], True)
    assert (reader.looks(), bool(reader.last.failure)) == ([], True)
    drop(tmp_path, "bao-cao-3.csv", 8, NOW - MINUTE)
    assert (reader.looks(), reader.told) == ([8], [("bao-cao-2.csv", "unreadable")])


def test_a_file_with_fewer_rows_is_held_back_and_counts_at_the_next_look(tmp_path):
    columns = {"as_of": AsOf.FETCH}
    reader = Reader(tmp_path, **columns)
    many = b"code,ratio\n" + b"".join(b"%05d,1\n" % number for number in range(8)) + b"02143,1\n"
    drop(tmp_path, "bao-cao-1.csv", content=many, written=NOW - 2 * HOUR)
    drop(tmp_path, "bao-cao-2.csv", 2, NOW - HOUR)
    assert reader.looks() == [1]
    assert reader.looks() == [2]


def test_what_a_newer_file_says_of_the_unit_ends_what_an_older_one_was_refused_for(tmp_path):
    reader = Reader(tmp_path)
    drop(tmp_path, "bao-cao-1.csv", content=b"code,ratio\n02143,x\n", written=NOW - 2 * HOUR)
    drop(tmp_path, "bao-cao-2.csv", content=b"code,ratio\n01840,y\n", written=NOW - HOUR)
    reader.looks()
    assert [row for row, _ in reader.told] == ["bao-cao-1.csv, line 2", "bao-cao-2.csv, line 2"]
    drop(tmp_path, "bao-cao-3.csv", 5, NOW - MINUTE)
    reader.looks()
    assert [row for row, _ in reader.told] == ["bao-cao-2.csv, line 2"]


@pytest.mark.parametrize(
    ("whose", "row"),
    [
        ({"mapping": {"H55.1": "02143", "H55.2": "01840"}}, "H55.1,x"),  # a value, told by the code of the site
        ({"names": Names(load_registry(), "19")}, "Xã Văn Lang,x"),
        ({"names": Names(load_registry(), "19")}, "Xã Văn Lag,1"),
    ],
)
def test_so_it_is_where_rows_name_their_units_by_other_codes_or_by_names(tmp_path, whose, row):
    reader = Reader(tmp_path, **whose)
    drop(tmp_path, "bao-cao-1.csv", content=f"code,ratio\n{row}\n".encode(), written=NOW - 2 * HOUR)
    reader.looks()
    assert [row for row, _ in reader.told] == ["bao-cao-1.csv, line 2"]
    drop(tmp_path, "bao-cao-2.csv", content=f"code,ratio\n{row.partition(',')[0]},5\n".encode(), written=NOW - HOUR)
    reader.looks()
    assert "bao-cao-1.csv, line 2" not in [row for row, _ in reader.told]


def test_a_share_that_hangs_keeps_one_thread_of_its_own_and_is_looked_at_again_when_it_is_back(tmp_path, monkeypatch):
    drop(tmp_path, "bao-cao-1.csv")
    back, looked, real = threading.Event(), [], os.scandir

    def hanging(path: Any) -> Any:
        looked.append(threading.current_thread())
        back.wait()
        return real(path)

    async def story() -> tuple[list[str], Collected]:
        feed = opened(tmp_path, timeout=0.01)
        failures = [(await feed.collect(NOW)).failure for _ in range(5)]
        own = set(looked)
        assert len(looked) == 1 and all(thread.daemon for thread in own)  # it keeps no process alive
        back.set()
        for _ in range(1000):  # a hundredth of a second may be too short here and there
            for thread in threading.enumerate():
                if thread.name == "apart":
                    thread.join()
            await asyncio.sleep(0)
            if not (found := await feed.collect(NOW)).failure:
                break
        return failures, found

    monkeypatch.setattr(os, "scandir", hanging)
    failures, found = asyncio.run(story())
    assert set(failures) == {"feed portal: timeout: the folder inbox does not answer within 0.01 s"}
    assert values(found) == {("02143", "rate"): 5}


def test_what_excel_puts_beside_a_workbook_that_somebody_has_open_is_not_the_newest_workbook(tmp_path):
    drop(tmp_path, "bao-cao.xlsx", content=workbook(("1", [("code", "ratio"), ("02143", 5)])), written=NOW - HOUR)
    drop(tmp_path, "~$bao-cao.xlsx", content=b"\x05Admin" + b" " * 159, written=NOW - MINUTE)
    found = look(tmp_path, kind="xlsx", files="*.xlsx")
    assert found.failure == "" and values(found) == {("02143", "rate"): 5}


def test_a_file_that_changes_right_now_is_passed_over(tmp_path):
    drop(tmp_path, "bao-cao-1.csv", 7)
    drop(tmp_path, "bao-cao-2.csv", 8, NOW - timedelta(seconds=1))
    assert values(look(tmp_path)) == {("02143", "rate"): 7}
    drop(tmp_path, "bao-cao-2.csv", 8, NOW - timedelta(seconds=folder.SETTLED))
    assert values(look(tmp_path)) == {("02143", "rate"): 8}


def test_a_folder_in_which_nobody_puts_anything_more_is_silent(tmp_path):
    drop(tmp_path, "bao-cao-1.csv", written=NOW - 25 * HOUR)
    assert look(tmp_path).failure == "feed portal: the newest file, 'bao-cao-1.csv', is 25 hours old"


def test_a_file_from_the_future_is_not_believed(tmp_path):
    drop(tmp_path, "bao-cao-1.csv", written=NOW + HOUR)
    assert refusals(look(tmp_path)) == [("bao-cao-1.csv, line 2", "future")]
    assert values(asyncio.run(opened(tmp_path).collect(NOW + 2 * HOUR))) == {("02143", "rate"): 5}


def test_a_file_from_a_clock_that_is_ahead_hides_none_of_those_that_come_after_it(tmp_path):
    drop(tmp_path, "bao-cao-1.csv", 1, NOW + 24 * HOUR)
    drop(tmp_path, "bao-cao-2.csv", 95, NOW - 10 * MINUTE)
    found = look(tmp_path)
    assert values(found.before[0]) == {("02143", "rate"): 95}
    assert [(one.row, one.reason) for one in found.rejected] == [("bao-cao-1.csv", "future")]
    assert found.refused == {"future": 1}


def test_a_file_that_is_ahead_by_less_than_a_minute_is_the_newest(tmp_path):
    drop(tmp_path, "bao-cao-1.csv", 1, NOW + timedelta(seconds=50))
    drop(tmp_path, "bao-cao-2.csv", 95, NOW - 10 * MINUTE)
    assert values(look(tmp_path)) == {("02143", "rate"): 1}


def test_no_file_and_no_folder_are_failures(tmp_path):
    assert "the folder inbox cannot be opened: No such file or directory" in look(tmp_path).failure
    drop(tmp_path, ".bao-cao-1.csv")
    (tmp_path / "inbox" / "bao-cao-folder.csv").mkdir()
    assert "no file in inbox matches 'bao-cao-*.csv', or it is still being written" in look(tmp_path).failure


def test_a_link_is_not_followed(tmp_path):
    secret = drop(tmp_path, "bao-cao-1.csv").rename(tmp_path / "elsewhere.csv")
    (tmp_path / "inbox" / "bao-cao-2.csv").symlink_to(secret)
    assert "no file in inbox matches" in look(tmp_path).failure


def test_a_file_that_becomes_a_link_between_two_looks_is_not_followed(tmp_path, monkeypatch):
    path = drop(tmp_path, "bao-cao-1.csv")
    content = folder._content

    def swapped(*given: Any) -> bytes:
        path.rename(tmp_path / "elsewhere.csv")
        path.symlink_to(tmp_path / "elsewhere.csv")
        return content(*given)

    monkeypatch.setattr(folder, "_content", swapped)
    assert "'bao-cao-1.csv' cannot be read: " in look(tmp_path).failure


@pytest.mark.parametrize("linked", ["inbox", "a"])
def test_a_folder_behind_a_link_is_not_entered(tmp_path, linked):
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    site.mkdir()
    (elsewhere / "inbox").mkdir(parents=True)
    drop(elsewhere, "bao-cao-1.csv")
    (site / linked).symlink_to(elsewhere / "inbox" if linked == "inbox" else elsewhere)
    name = "inbox" if linked == "inbox" else "a/inbox"
    assert f"the folder {name} cannot be opened" in look(site, folder=name).failure


def test_a_pipe_is_no_file(tmp_path):
    drop(tmp_path, "x")
    os.mkfifo(tmp_path / "inbox" / "bao-cao-1.csv")
    assert "no file in inbox matches" in look(tmp_path).failure


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    drop(tmp_path, "bao-cao-1.csv", content=b"code,ratio\n" + b" " * 2000)
    assert look(tmp_path, max_bytes=1024).failure == "feed portal: 'bao-cao-1.csv' is larger than 1024 bytes"


def test_more_files_than_are_looked_at_are_a_failure(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "MAX_FILES", 1)
    drop(tmp_path, "bao-cao-1.csv")
    drop(tmp_path, "bao-cao-2.csv")
    assert "more than 1 files in the folder; clear it up" in look(tmp_path).failure


def test_check_wants_the_folder_itself_and_no_link_to_it(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    by = "    folder: inbox\n    files: '*.csv'"
    site = make_site(tmp_path / "site", "    url: http://127.0.0.1:8867/portal", by)
    config = site / "config.yaml"
    config.write_text(config.read_text().replace("kind: json", "kind: csv").replace("    rows: data\n", ""))
    assert problems_of(site) == ["config.yaml:35: there is no folder inbox; make it, inside the site's own folder"]
    (site / "inbox").symlink_to(tmp_path / "elsewhere")
    assert problems_of(site) == ["config.yaml:35: 'inbox' is reached over a symbolic link; name the folder itself"]
    (site / "inbox").unlink()
    (site / "inbox").mkdir()
    assert problems_of(site) == []
