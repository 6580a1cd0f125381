"""XLSX feeds: tables of people on sheets, and what a hostile file may not do."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, date, datetime, time

import pytest

from monitor.adapters.feeds import xlsx
from monitor.config import spreadsheet
from monitor.config import workbook as reading
from monitor.config.spec import AsOf, Column
from monitor.model.reading import Collected
from tests.unit.feed_frames import MIDNIGHT, RATE, feed_spec, parsed, refusals, values
from tests.unit.workbooks import changed, in_sheet, workbook

COLUMNS = (
    Column("rate", "Tỷ lệ (%)"),
    Column("staffed", "Đủ nhân lực", words={"đủ": True, "một phần": "partly", "thiếu": False}),
)
ALIASES = {
    "Mã đơn vị": ("Ma don vi", "Mã ĐVHC", "Mã xã"),
    "Tỷ lệ (%)": ("Ty le (%)", "Tỷ lệ / Đúng hạn"),
}
SPEC = feed_spec("xlsx", *COLUMNS, unit="Mã đơn vị", decimal=",", aliases=ALIASES)
DATED = feed_spec("xlsx", COLUMNS[0], unit="Mã đơn vị", aliases=ALIASES, as_of=AsOf.FIELD, as_of_field="Ngày")
HEADER = ("Mã đơn vị", "Tên", "Tỷ lệ (%)", "Đủ nhân lực")
ROWS = (("02143", "Xã Văn Lang", 68.91, "đủ"), ("01840", "Phường", ">80", "Một phần"))
GOOD = workbook(("Báo cáo", [HEADER, *ROWS]))
EXPECTED = {
    ("02143", "rate"): 68.91, ("02143", "staffed"): True, ("01840", "rate"): 80.0, ("01840", "staffed"): "partly",
}  # fmt: skip


def sheet(*rows: tuple[object, ...], **more: object) -> bytes:
    return workbook(("Báo cáo", rows), **more)  # type: ignore[arg-type]


def failure(body: bytes, spec=SPEC) -> str:
    collected = parsed(spec, body)
    assert (collected.readings, collected.rejected) == ((), ())
    assert collected.failure.startswith("feed portal: ")
    return collected.failure


def details(collected: Collected) -> list[str]:
    return [rejected.detail for rejected in collected.rejected]


def test_values_are_read_by_header_with_numbers_texts_and_words():
    collected = parsed(SPEC, GOOD)
    assert (values(collected), collected.rejected) == (EXPECTED, ())


def test_a_title_and_blank_rows_may_stand_above_the_header():
    title = ("BÁO CÁO THÁNG 11",)
    assert values(parsed(SPEC, sheet(title, (), ("", "Tỉnh Thái Nguyên"), (), HEADER, *ROWS))) == EXPECTED


@pytest.mark.parametrize("spelling", ["MA DON VI", "mã  đvhc", "Mã Xã", "Mã đơn vị "])
def test_a_header_is_known_by_each_of_its_spellings_whatever_its_case(spelling):
    assert values(parsed(SPEC, sheet((spelling, *HEADER[1:]), *ROWS))) == EXPECTED


def test_marks_are_only_forgiven_where_a_spelling_without_them_is_listed():
    collected = parsed(SPEC, sheet((*HEADER[:3], "Du nhan luc"), *ROWS))
    assert refusals(collected) == [("", "missing")]
    assert details(collected) == ["staffed: no column 'Đủ nhân lực'; did you mean 'Du nhan luc'?"]


def test_two_columns_that_stand_for_one_header_are_ambiguous():
    assert "the headers 'Mã đơn vị' and 'Mã xã' both stand for 'Mã đơn vị'" in failure(
        sheet(("Mã xã", *HEADER), ("1", *ROWS[0]))
    )


def test_a_bad_row_is_refused_with_its_sheet_and_row_and_the_others_count():
    collected = parsed(SPEC, sheet(HEADER, ("99999", "x", 5, "đủ"), (), ("02143", "x", 137, "đủ"), ROWS[1]))
    assert ("01840", "rate") in values(collected)
    assert refusals(collected) == [
        ("sheet 'Báo cáo', row 2", "unknown-unit"),
        ("sheet 'Báo cáo', row 4", "out-of-range"),
    ]


@pytest.mark.parametrize("code", [2143, 2143.0])
def test_a_code_that_became_a_number_is_not_guessed_but_explained(code):
    collected = parsed(SPEC, sheet(HEADER, (code, "x", 5, "đủ")))
    assert collected.readings == ()
    assert details(collected) == ["no unit has the code '2143': did you mean '02143'? Spreadsheets lose leading zeros"]


def test_blank_cells_are_missing_and_never_zero():
    collected = parsed(SPEC, sheet(HEADER, ("02143", "x", None, "đủ"), ("01840", "x", " ", None), ("19", "x", 5, "đủ")))
    assert values(collected) == {("02143", "staffed"): True, ("19", "rate"): 5, ("19", "staffed"): True}
    assert collected.rejected == ()


def test_a_value_that_excel_made_a_date_of_is_refused():
    collected = parsed(SPEC, sheet(HEADER, ("02143", "x", date(2026, 4, 3), "đủ"), ("01840", "x", time(8, 30), "đủ")))
    assert [reason for _, reason in refusals(collected)] == ["not-a-number", "not-a-number"]
    assert "'2026-04-03' is a date or a time" in details(collected)[0]


@pytest.mark.parametrize(
    "day", [date(2026, 11, 21), datetime(2026, 11, 21), "21/11/2026", "2026-11-21", 46347, 46347.0]
)
def test_dates_come_as_dates_as_texts_and_as_the_numbers_of_excel(day):
    collected = parsed(DATED, sheet(("Mã xã", "Ngày", "Tỷ lệ (%)"), ("02143", day, 5)))
    assert [reading.as_of for reading in collected.readings] == [MIDNIGHT]


@pytest.mark.parametrize("day", [46347 - 1462, date(2026, 11, 21)])
@pytest.mark.parametrize("stated", [b'date1904="1"', b"date1904 = 'true'"])
def test_a_workbook_that_counts_from_1904_says_the_same_days(day, stated):
    book = workbook(("Báo cáo", [("Mã đơn vị", "Tỷ lệ (%)", "Ngày"), ("02143", 5, day)]), date_1904=True)

    def change(name: str, content: bytes) -> bytes:
        return content.replace(b'date1904="1"', stated) if name == "xl/workbook.xml" else content

    [reading] = parsed(DATED, changed(book, change)).readings
    assert reading.as_of == MIDNIGHT


def test_a_date_with_a_time_of_day_is_local():
    collected = parsed(DATED, sheet(("Mã xã", "Ngày", "Tỷ lệ (%)"), ("02143", datetime(2026, 11, 21, 8, 30), 5)))
    assert collected.readings[0].as_of == datetime(2026, 11, 21, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("day", [5, 1e9, True, time(8, 30), None, "ngày mai"])
def test_what_is_no_day_is_refused(day):
    collected = parsed(DATED, sheet(("Mã xã", "Ngày", "Tỷ lệ (%)"), ("02143", day, 5)))
    assert collected.readings == () and len(collected.rejected) == 1


def test_a_merged_date_holds_for_all_its_rows():
    rows = (("Mã xã", "Ngày", "Tỷ lệ (%)"), ("02143", None, 5), ("01840", None, 6))
    collected = parsed(DATED, sheet(*rows, merged=[(1, 1, 2, 1, "21/11/2026")]))
    assert values(collected) == {("02143", "rate"): 5, ("01840", "rate"): 6}


def test_a_value_merged_over_several_rows_is_nobodys():
    rows = (HEADER, ("02143", "x", None, "đủ"), ("01840", "x", None, "đủ"))
    collected = parsed(SPEC, sheet(*rows, merged=[(1, 2, 2, 2, "5")]))
    assert set(values(collected)) == {("02143", "staffed"), ("01840", "staffed")}
    assert [reason for _, reason in refusals(collected)] == ["merged", "merged"]
    assert "one cell over the rows 2 to 3: whose value is it?" in details(collected)[0]


def test_a_value_merged_over_several_columns_is_nobodys():
    rows = (HEADER, ("02143", "x", None, None), ("01840", "x", 7, "đủ"))
    collected = parsed(SPEC, sheet(*rows, merged=[(1, 2, 1, 3, "5")]))
    assert values(collected) == {("01840", "rate"): 7, ("01840", "staffed"): True}
    assert [reason for _, reason in refusals(collected)] == ["merged", "merged"]


def test_a_value_merged_as_its_header_is_belongs_to_that():
    rows = (("Mã xã", None, None), ("02143", None, None))
    merged = [(0, 1, 0, 2, "Tỷ lệ (%)"), (1, 1, 1, 2, 5)]
    assert values(parsed(feed_spec("xlsx", COLUMNS[0], unit="Mã xã"), sheet(*rows, merged=merged))) == {
        ("02143", "rate"): 5
    }


def test_a_header_of_two_rows_names_its_columns_by_both():
    rows = (
        (None, None, None, None, "Đủ nhân lực"),
        (None, None, "Đúng hạn", "Quá hạn", None),
        ("02143", "x", 5, 6, "đủ"),
    )
    merged = [(0, 0, 1, 0, "Mã xã"), (0, 1, 1, 1, "Tên"), (0, 2, 0, 3, "Tỷ lệ")]
    collected = parsed(SPEC, sheet(*rows, merged=merged))
    assert values(collected) == {("02143", "rate"): 5, ("02143", "staffed"): True}
    assert collected.rejected == ()


def test_a_header_over_two_columns_names_the_first():
    rows = ((None, None, "Đủ nhân lực"), ("02143", 5, "đủ"))
    spec = feed_spec("xlsx", COLUMNS[1], unit="Mã đơn vị")
    assert values(parsed(spec, sheet(*rows, merged=[(0, 0, 0, 1, "Mã đơn vị")]))) == {("02143", "staffed"): True}


def test_a_workbook_of_several_sheets_asks_which_and_a_hidden_one_does_not_count():
    two = (("A", [HEADER, ROWS[0]]), ("B", [HEADER, ROWS[1]]))
    assert "2 sheets ('A', 'B'); name those to be read under sheets" in failure(workbook(*two))
    assert set(values(parsed(SPEC, workbook(*two, hidden=["B"])))) == {("02143", "rate"), ("02143", "staffed")}
    both = feed_spec("xlsx", *COLUMNS, unit="Mã đơn vị", sheets=("b", "A"))
    assert values(parsed(both, workbook(*two))) == EXPECTED


def test_columns_may_stand_on_different_sheets():
    book = workbook(("A", [HEADER[:3], ROWS[0][:3]]), ("B", [("Mã đơn vị", "Đủ nhân lực"), ("02143", "đủ")]))
    spec = feed_spec("xlsx", *COLUMNS, unit="Mã đơn vị", sheets=("A", "B"))
    collected = parsed(spec, book)
    assert values(collected) == {("02143", "rate"): 68.91, ("02143", "staffed"): True}
    assert collected.rejected == ()


def test_sheets_that_contradict_each_other_are_both_refused():
    spec = feed_spec("xlsx", COLUMNS[0], unit="Mã đơn vị", sheets=("A", "B"))
    book = workbook(("A", [HEADER, ROWS[0]]), ("B", [HEADER, ("02143", "x", 5, "đủ")]))
    assert refusals(parsed(spec, book)) == [("sheet 'A', row 2", "duplicate"), ("sheet 'B', row 2", "duplicate")]


def test_a_sheet_that_is_not_there_is_told_with_the_nearest_and_the_others_count():
    spec = feed_spec("xlsx", *COLUMNS, unit="Mã đơn vị", sheets=("Báo cáo", "Phụ lục 1"))
    collected = parsed(spec, workbook(("Báo cáo", [HEADER, *ROWS]), ("Phụ lục", [])))
    assert values(collected) == EXPECTED
    assert details(collected) == ["there is no such sheet; did you mean 'Phụ lục'?"]
    other = feed_spec("xlsx", *COLUMNS, unit="Mã đơn vị", sheets=("Số liệu",))
    assert "sheet 'Số liệu': there is no such sheet; there are 'Báo cáo'" in failure(GOOD, other)


def test_a_table_without_the_header_of_the_unit_is_one_clear_sentence():
    said = failure(sheet(("Mã đơn vi.", "Tên"), ("02143", "x")))
    assert "none of the first 30 rows has the header 'Mã đơn vị'; did you mean 'Mã đơn vi.'?" in said


def test_a_cell_far_below_without_anything_in_it_does_no_harm():
    far = in_sheet(b"</sheetData>", b'<row r="1048576"><c r="XFD1048576" s="0"/></row></sheetData>')
    assert values(parsed(SPEC, changed(GOOD, far))) == EXPECTED


# -- hostile files -----------------------------------------------------------------------------------------------------

CELL = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
FAR = changed(GOOD, in_sheet(b"</sheetData>", CELL))
DOCTYPE = changed(GOOD, in_sheet(b"<worksheet", b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet'))
BLANKS = changed(GOOD, in_sheet(b"<sheetData>", b"<sheetData>" + b" " * (65 * 1024 * 1024)))
CROWD = changed(GOOD, lambda _, content: content, {f"xl/media/{n}.png": b"" for n in range(250)})
ENCODED = changed(GOOD, lambda name, content: content.decode().encode("utf-16") if "sheet1" in name else content)
NO_BOOK = changed(GOOD, lambda name, content: None if name == "xl/workbook.xml" else content)
HIDDEN = changed(GOOD, in_sheet(b"</sheetData>", CELL.replace(b" r=", b' x=">" r=')))
ENDLESS_TAG = changed(GOOD, in_sheet(b"</sheetData>", b"<c " + b'r="A1" ' * 1_000_000))
STRINGS = changed(GOOD, lambda name, content: content.replace(b'uniqueCount="', b'uniqueCount="90000000'))
BROKEN = "it breaks the reader, or takes too much memory or time"
HOSTILE = {
    "a cell at the far end that hides": (HIDDEN, BROKEN),
    "a tag of a million attributes": (ENDLESS_TAG, "not usable XLSX"),
    "a promise of 90 million strings": (STRINGS, BROKEN),
    "a cell at the far end": (FAR, "1048576 rows and 16384 columns are more than are read"),
    "a document type": (DOCTYPE, "declares a document type"),
    "65 MiB of blanks": (BLANKS, "unpacked it is larger than 64 MiB"),
    "250 parts": (CROWD, "parts are more than 200"),
    "UTF-16": (ENCODED, "a part is not UTF-8"),
    "another zip": (NO_BOOK, "no Excel workbook"),
    "an old .xls": (b"\xd0\xcf\x11\xe0" + bytes(600), "an old .xls, or a file with a password; save it as .xlsx"),
    "a cut file": (GOOD[:-40], "damaged, cut off, or no XLSX file at all"),
    "half a file": (GOOD[: len(GOOD) // 2], "damaged, cut off"),
    "a page": (b"<!doctype html><html>login</html>", "not XLSX: looks like an HTML page"),
    "a CSV": ("Mã đơn vị;Tỷ lệ\n".encode(), "no XLSX file at all"),
    "nothing": (b"", "the answer is empty"),
}


@pytest.mark.parametrize("name", list(HOSTILE))
def test_a_hostile_or_wrong_file_is_refused_in_one_sentence(name):
    body, said = HOSTILE[name]
    assert said in failure(body)


def test_a_directory_that_lies_about_the_size_of_a_part_is_not_believed():
    bomb = bytearray(BLANKS)
    with pytest.raises(reading.Refused):
        reading.guard(bytes(bomb))
    at = bytes(bomb).rindex(b"xl/worksheets/sheet1.xml") - 46  # its entry in the directory
    assert bomb[at : at + 4] == b"PK\x01\x02"
    bomb[at + 24 : at + 28] = (1000).to_bytes(4, "little")
    with pytest.raises(reading.Refused, match=r"damaged|larger"):
        reading.guard(bytes(bomb))


def test_what_breaks_the_reading_process_costs_this_answer_only(monkeypatch, tmp_path):
    killed = tmp_path / "killed.py"
    killed.write_text("import os; os.kill(os.getpid(), 6)")
    monkeypatch.setattr(spreadsheet, "_PROGRAM", (spreadsheet._PROGRAM[0], str(killed)))
    assert "it breaks the reader, or takes too much memory or time" in failure(GOOD)


def test_a_reading_process_that_does_not_end_is_given_up(monkeypatch):
    def late(*_: object, timeout: float, **__: object) -> None:
        raise subprocess.TimeoutExpired("workbook.py", timeout)

    monkeypatch.setattr(subprocess, "run", late)
    assert "reading it takes longer than 30 s" in failure(GOOD)


def test_what_the_guard_cannot_know_ends_at_the_limits_of_the_process():
    many = b"".join(b"<row>" + b"<c><v>1</v></c>" * 1000 + b"</row>" for _ in range(3000))
    said = failure(changed(GOOD, in_sheet(b"<sheetData>", b"<sheetData>" + many)))
    assert "not usable XLSX: " in said


def test_a_sheet_of_too_many_merged_cells_is_refused(monkeypatch):
    monkeypatch.setattr(xlsx, "MAX_SPREAD", 3)
    said = failure(sheet(HEADER, ROWS[0], ROWS[1], merged=[(1, 1, 2, 2, "x")]))
    assert "merged cells cover more than 3 others" in said


def bare(book: bytes) -> bytes:
    """The same workbook as a program writes it that computes no formula."""
    return changed(book, lambda name, part: re.sub(rb"(<f>[^<]*</f>)<v>[^<]*</v>", rb"\1", part))


@pytest.mark.parametrize(
    "row",
    [("=CONCAT(2143)", "20/11/2026", 5), ("02143", "=DATE(2026,11,20)", 5), ("02143", "20/11/2026", "=2+3")],
)
def test_a_formula_that_was_never_computed_is_refused_and_is_no_blank(row):
    spec = feed_spec("xlsx", RATE, as_of=AsOf.FIELD, as_of_field="date")
    other = ("01840", "20/11/2026", 7)
    found = parsed(spec, bare(sheet(("code", "date", "ratio"), row, other)))
    assert values(found) == {("01840", "rate"): 7}
    assert refusals(found) == [("sheet 'Báo cáo', row 2", "not-computed")]


def test_a_formula_whose_result_is_an_empty_text_is_blank_and_one_of_another_sheet_costs_nothing():
    empty = in_sheet(b'<c r="B2"><f>2+3</f><v>0</v></c>', b'<c r="B2" t="str"><f>2+3</f><v></v></c>')
    book = workbook(("A", [("code", "ratio"), ("02143", "=2+3")]), ("B", [("=1+1",)]))
    found = parsed(feed_spec("xlsx", RATE, sheets=("A",)), changed(book, empty))
    assert (found.readings, refusals(found)) == ((), [("", "missing")])
    unread = parsed(feed_spec("xlsx", RATE, sheets=("A",)), bare(book))
    assert refusals(unread) == [("sheet 'A', row 2", "not-computed")]


def test_a_formula_far_outside_makes_no_room_for_itself():
    far = in_sheet(b"</sheetData>", b'<row r="9000000"><c r="XFD9000000"><f>1</f></c></row></sheetData>')
    assert "than are read" in failure(changed(GOOD, far)) or "more than" in failure(changed(GOOD, far))
