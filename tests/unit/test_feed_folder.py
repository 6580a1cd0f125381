"""Drop folders: the newest whole file counts, it is as old as it is, and no link leads out of the site."""

from __future__ import annotations

import asyncio
import os
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.clock import SystemClock
from monitor.adapters.feeds import folder, open_feed
from monitor.adapters.fetch import Fetcher
from monitor.adapters.guard import AddressGuard
from monitor.config.spec import AsOf
from monitor.model.reading import Collected
from monitor.ports import Source
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
    assert refusals(look(tmp_path)) == [("line 3", "unknown-unit")]


def test_files_between_two_looks_of_which_only_the_last_is_read_are_told_once(tmp_path):
    async def story() -> list[Collected]:
        feed, found = opened(tmp_path), []
        for numbers in ((1,), (2, 3, 4), ()):
            for number in numbers:
                drop(tmp_path, f"bao-cao-{number}.csv", number, NOW - HOUR + number * MINUTE)
            found.append(await feed.collect(NOW))
        return found

    first, second, third = asyncio.run(story())
    assert (first.rejected, third.rejected, values(second)) == ((), (), {("02143", "rate"): 4})
    assert sorted(refusals(second)) == [("bao-cao-2.csv", "passed-over"), ("bao-cao-3.csv", "passed-over")]


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
        for thread in own:
            thread.join()
        await asyncio.sleep(0)
        for _ in range(1000):  # a hundredth of a second may be too short here and there
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
    assert refusals(look(tmp_path)) == [("line 2", "future")]


def test_a_file_from_a_clock_that_is_ahead_hides_none_of_those_that_come_after_it(tmp_path):
    drop(tmp_path, "bao-cao-1.csv", 1, NOW + 24 * HOUR)
    drop(tmp_path, "bao-cao-2.csv", 95, NOW - 10 * MINUTE)
    found = look(tmp_path)
    assert values(found) == {("02143", "rate"): 95}
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
