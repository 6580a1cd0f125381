"""`denbao import`: a table by hand is believed as a feed's is, told row by row, and one fact however often it comes."""

from __future__ import annotations

import asyncio
import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result

from monitor.adapters.store import open_store
from monitor.adapters.store.sql import SqlStore
from monitor.cli.importing import import_table
from monitor.cli.sites import CONTENT, bundled
from monitor.model.reading import Reading
from tests.integration.process import free_ports
from tests.unit.sites import change, make_site
from tests.unit.workbooks import workbook

WRITTEN = datetime(2026, 11, 20, 1, tzinfo=UTC)
TABLE = "Mã đơn vị,online_rate,Đủ nhân lực\n01840,75.5,true\n01843,,false\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The good site with a store on disk, and nobody at its address."""
    folder = make_site(tmp_path / "site", '"memory:"', "sqlite:var/denbao.db")
    change(folder / "config.yaml", "127.0.0.1:8866", f"127.0.0.1:{free_ports(1)[0]}")
    return folder


def put(folder: Path, content: str | bytes, name: str = "kpi.csv", written: datetime = WRITTEN) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    os.utime(path, (written.timestamp(), written.timestamp()))
    return path


def take(site: Path, file: Path, *options: str) -> Result:
    return CliRunner().invoke(import_table, [str(file), "--site", str(site), *options])


def taken(site: Path, file: Path, *options: str) -> dict[str, Any]:
    ended = take(site, file, "--json", *options)
    assert ended.exit_code in (0, 1), ended.output
    document: dict[str, Any] = json.loads(ended.stdout)
    return document


def stored(site: Path, unit: str = "01840", indicator: str = "online_rate") -> list[Reading]:
    async def ask() -> list[Reading]:
        store = open_store("sqlite:var/denbao.db", site, read_only=True)
        await store.open()
        try:
            return list(await store.readings(unit, indicator))
        finally:
            await store.close()

    return asyncio.run(ask())


def trail(site: Path) -> list[tuple[str, str, str]]:
    async def ask() -> list[tuple[str, str, str]]:
        store = open_store("sqlite:var/denbao.db", site, read_only=True)
        assert isinstance(store, SqlStore)
        await store.open()
        try:
            return [(entry.actor, entry.action, entry.detail) for entry, _ in await store.audit_trail()]
        finally:
            await store.close()

    return asyncio.run(ask())


def test_columns_belong_to_the_indicators_that_their_headers_name(site, tmp_path):
    document = taken(site, put(tmp_path, TABLE))
    assert document == {
        "file": str(tmp_path / "kpi.csv"),
        "readings": 3,
        "indicators": ["online_rate", "staff"],
        "refused": [],
        "way": "store",
    }
    [reading] = stored(site)
    assert (reading.value, reading.as_of, reading.source) == (75.5, WRITTEN, "push:local")
    assert reading.note == "import kpi.csv"
    assert stored(site, "01843", "staff")[0].value is False


def test_the_same_file_twice_is_one_fact_and_every_import_is_audited(site, tmp_path):
    file = put(tmp_path, TABLE)
    before = [taken(site, file), stored(site), stored(site, "01843", "staff")]
    assert [taken(site, file), stored(site), stored(site, "01843", "staff")] == before
    assert trail(site) == [("local", "push", "3 readings; import kpi.csv")] * 2


def test_a_dry_run_takes_nothing(site, tmp_path):
    ended = take(site, put(tmp_path, TABLE), "--dry-run")
    assert (
        ended.stdout == "kpi.csv: sẽ nhận / would take 3 số liệu / readings, 2 đơn vị / units\n  online_rate, staff\n"
    )
    assert not (site / "var").exists()


def test_a_bad_row_is_refused_with_file_and_line_and_the_good_ones_count(site, tmp_path):
    file = put(tmp_path, TABLE + "1840,5,true\n01843,137.5,true\n")
    ended = take(site, file)
    assert ended.exit_code == 1
    assert ended.stderr.splitlines() == [
        f"{file}:4: no unit has the code '1840': did you mean '01840'? Spreadsheets lose leading zeros (unknown-unit)",
        f"{file}:3: unit 01843 stands also in line 5, with other values (duplicate)",
        f"{file}:5: unit 01843 stands also in line 3, with other values (duplicate)",
    ]
    assert [reading.value for reading in stored(site)] == [75.5]


def test_a_workbook_with_dates_of_its_own(site, tmp_path):
    rows = [("BÁO CÁO",), ("Mã xã", "Ngày", "Hồ sơ trực tuyến"), ("01840", "19/11/2026", "63/92"), ("x", "", 5)]
    file = put(tmp_path, workbook(("Xã", rows)), "kpi.xlsx")
    ended = take(site, file)
    assert ended.stderr == f"{file}: sheet 'Xã', row 4: no unit has the code 'x' (unknown-unit)\n"
    [reading] = stored(site)
    assert (reading.numerator, reading.as_of) == (63, datetime(2026, 11, 18, 17, tzinfo=UTC))


def test_options_say_how_a_table_is_written(site, tmp_path):
    file = put(tmp_path, "Đơn vị;online_rate\n01840;68,91\n".encode("utf-16"))
    options = ("--unit", "Đơn vị", "--delimiter", ";", "--decimal", ",", "--encoding", "utf-16")
    taken(site, file, *options, "--as-of", "2026-08-20")
    [reading] = stored(site)
    assert (reading.value, reading.as_of) == (68.91, datetime(2026, 8, 19, 17, tzinfo=UTC))


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        ("unit,nothing\n01840,5\n", (), "no header names an indicator; write its id, or its name"),
        ("unit;online_rate\n01840;5\n", (), "It has one column: --delimiter ';'?"),
        ("name,online_rate\nx,5\n", (), "line 1: no column 'Mã đơn vị'"),
        ("<html>", (), "not CSV: looks like an HTML page"),
        ("", (), "the answer is empty"),
        (TABLE, ("--as-of", "2099-01-01"), "--as-of: '2099-01-01' is no date, or lies ahead; write 2025-08-20"),
        (TABLE, ("--as-of", "soon"), "--as-of: 'soon' is no date"),
        (TABLE, ("--feed", "portl"), "no feed of tables is called 'portl'; did you mean 'portal'?"),
        (TABLE, ("--feed", "portal"), "the feed 'portal' reads json, not csv"),
    ],
)
def test_what_cannot_be_read_at_all_is_wrong_use(site, tmp_path, content, options, said):
    ended = take(site, put(tmp_path, content), *options)
    assert (ended.exit_code, said in ended.stderr) == (2, True), ended.stderr
    assert not (site / "var").exists()


def test_a_file_of_another_sort_is_wrong_use(site, tmp_path):
    ended = take(site, put(tmp_path, TABLE, "kpi.pdf"))
    assert ended.exit_code == 2 and "neither CSV nor XLSX; save it as one of them" in ended.stderr


def test_a_file_is_read_as_a_feed_of_the_site_reads_its_own(site, tmp_path):
    rows = {"data": [{"code": "01840", "rate": "~81", "staff": "một phần"}, {"code": "01843", "staff": "rất đủ"}]}
    document = taken(site, put(tmp_path, json.dumps(rows), "a.json"), "--feed", "portal")
    assert document["readings"] == 2
    assert [(one["place"], one["reason"]) for one in document["refused"]] == [("data[1]", "unknown-word")]
    assert stored(site)[0].comparator == "~"


def test_a_store_in_memory_takes_nothing_while_the_service_does_not_run(tmp_path):
    folder = make_site(tmp_path / "site", "127.0.0.1:8866", f"127.0.0.1:{free_ports(1)[0]}")
    ended = take(folder, put(tmp_path, TABLE))
    assert ended.exit_code == 1 and "does not run, and the store of this site is its memory" in ended.stderr


# -- the daily report of the national system, by the feed that the shipped config holds ready --------------


@pytest.fixture
def national(tmp_path: Path) -> Path:
    """The shipped site with its feed `nq57` switched on."""
    folder = tmp_path / "shipped"
    (folder / "inbox" / "nq57").mkdir(parents=True)
    for name in CONTENT[1:]:
        (folder / name).symlink_to(bundled() / name)
    text = (bundled() / "config.yaml").read_text("utf-8")
    section = re.search(r"(?m)^  #- id: nq57\n(?:  #  .*\n)+", text)
    assert section is not None
    (folder / "config.yaml").write_text(text.replace(section[0], section[0].replace("  #", "  ")), "utf-8")
    return folder


def test_the_words_of_the_daily_report_give_the_reported_colour(national, tmp_path):
    said = ["Xanh", "HOÀN THÀNH", "đã  hoàn thành", "Vàng", "đỏ", "red", "chưa hoàn thành", "đang thực hiện", ""]
    codes = ["01840", "01843", "01849", "01864", "01879", "01882", "01894", "01906", "01912"]
    rows = [
        ("Mã đơn vị", "Ngày báo cáo", "Trạng thái"),
        *((code, "20/11/2026", word) for code, word in zip(codes, said, strict=True)),
    ]
    document = taken(national, put(tmp_path, workbook(("1", rows)), "nq57.xlsx"), "--feed", "nq57", "--dry-run")
    assert document["readings"] == 6
    refused = {one["place"]: one["reason"] for one in document["refused"]}
    assert refused == {"sheet '1', row 8": "unknown-word", "sheet '1', row 9": "unknown-word"}


def test_a_unit_that_is_no_longer_there_is_refused_as_a_feed_refuses_it(site):
    change(site / "config.yaml", '      province: "19"', '      province: "19"\n      valid_to: 2026-08-01')
    found = taken(site, put(site, "Mã đơn vị,online_rate\ntthc,75.5\n01840,75.5\n"))
    assert [row["reason"] for row in found["refused"]] == ["former-unit"], found


@pytest.mark.parametrize("typed", [";;", "", "\n", '"'])
def test_a_delimiter_is_one_sign(site: Path, typed: str):
    ended = take(site, put(site, TABLE), "--delimiter", typed, "--dry-run")
    assert ended.exit_code == 2 and "is not one sign; write ';' or '\\t'" in ended.output


HANDLED = """\
indicators:
  handled:
    name: {vi: Hồ sơ đã giải quyết, en: Handled}
    sms: Da giai quyet
    unit: count
    group: services
    cadence: daily
    monotonic: rising
    minimum: 0
    source: a test
"""


@pytest.fixture
def counting(site: Path) -> Path:
    """A site to which a figure that only grows is brought by hand."""
    change(site / "rules" / "indicators.yaml", "indicators:\n", HANDLED)
    change(site / "config.yaml", "channels:\n", "by_hand: [handled]\nchannels:\n")
    return site


TODAY = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).date()
YESTERDAY = TODAY - timedelta(days=1)
COUNTS = "Mã đơn vị,Ngày số liệu,handled\n"
GOOD_COUNT = f"{COUNTS}01840,{YESTERDAY},1200\n"
SLIP = f"{COUNTS}01840,{TODAY},12\n01843,{TODAY},5\n"


def test_a_count_that_goes_backwards_is_refused_with_its_line_and_the_others_count(counting, tmp_path):
    """1,200 handled by yesterday and 12 by today is a slip of the pen, refused as a feed's is."""
    taken(counting, put(tmp_path, GOOD_COUNT))
    found = taken(counting, put(tmp_path, SLIP))
    assert [(one["place"], one["reason"]) for one in found["refused"]] == [("line 2", "backwards")]
    assert f"12, but 1200 on {YESTERDAY}: it only grows" in found["refused"][0]["detail"]
    assert found["readings"] == 1
    assert [reading.value for reading in stored(counting, "01840", "handled")] == [1200.0]
    assert [reading.value for reading in stored(counting, "01843", "handled")] == [5.0]


def test_a_count_that_goes_backwards_is_corrected_by_another_claim_of_the_same_day(counting, tmp_path):
    taken(counting, put(tmp_path, GOOD_COUNT))
    corrected = taken(counting, put(tmp_path, f"{COUNTS}01840,{YESTERDAY},11\n01840,{TODAY},12\n"))
    assert (corrected["readings"], corrected["refused"]) == (2, [])


def test_what_the_running_service_refuses_as_fallen_is_told_and_the_rest_is_taken(counting, tmp_path, monkeypatch):
    asked: list[list[str]] = []

    async def ask(_site: object, _path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any], dict[str, str]]:
        asked.append([row["unit"] for row in body["readings"]])
        if "01840" not in asked[-1]:
            return 200, {"accepted": len(asked[-1])}, {}
        fallen = {"row": asked[-1].index("01840"), "field": "value", "detail": "it only grows"}
        return 422, {"type": "urn:denbao:problem:backwards", "errors": [fallen]}, {}

    monkeypatch.setattr("monitor.cli.importing.ask", ask)
    found = taken(counting, put(tmp_path, SLIP))
    assert asked == [["01840", "01843"], ["01843"]]
    assert (found["way"], found["readings"]) == ("service", 1)
    assert [(one["place"], one["reason"]) for one in found["refused"]] == [("line 2", "backwards")]


def test_what_is_imported_for_a_feed_is_that_feeds_word_and_ends_its_silence(national, tmp_path):
    change(national / "config.yaml", "127.0.0.1:8866", f"127.0.0.1:{free_ports(1)[0]}")
    rows = [("Mã đơn vị", "Ngày báo cáo", "Trạng thái"), ("01840", "20/11/2026", "Xanh")]
    document = taken(national, put(tmp_path, workbook(("1", rows)), "nq57.xlsx"), "--feed", "nq57")
    assert (document["readings"], document["way"]) == (1, "store")
    [reading] = stored(national, "01840", "reported_colour")
    assert (reading.value, reading.source, reading.note) == ("green", "nq57", "import nq57.xlsx")

    async def health() -> list[tuple[str, bool]]:
        store = open_store("sqlite:var/denbao.db", national, read_only=True)
        await store.open()
        try:
            return [(one.source, one.answers) for one in await store.load_health()]
        finally:
            await store.close()

    assert asyncio.run(health()) == [("nq57", True)]
