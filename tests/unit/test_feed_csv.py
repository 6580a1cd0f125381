"""CSV feeds: as spreadsheets of this country write them, and as they break."""

from __future__ import annotations

import unicodedata

import pytest

from monitor.adapters.feeds import csv as csv_feed
from monitor.config.spec import AsOf, Column
from monitor.model.reading import Comparator
from tests.unit.feed_frames import MIDNIGHT, feed_spec, parsed, refusals, values

COLUMNS = (
    Column("rate", "Tỷ lệ (%)"),
    Column("staffed", "Đủ nhân lực", words={"đủ": True, "một phần": "partly", "thiếu": False}),
)
SPEC = feed_spec("csv", *COLUMNS, unit="Mã đơn vị", delimiter=";", decimal=",")
HEADER = "Mã đơn vị;Tên;Tỷ lệ (%);Đủ nhân lực\n"
GOOD = HEADER + "02143;Xã Văn Lang;68,91;đủ\n01840;Phường;>80;Một phần\n"
EXPECTED = {
    ("02143", "rate"): 68.91, ("02143", "staffed"): True, ("01840", "rate"): 80.0, ("01840", "staffed"): "partly",
}  # fmt: skip


def with_loose_tones(text: str) -> str:
    """Letters as the code page has them: the tone is a character of its own."""
    marks = {char: unicodedata.normalize("NFD", char) for char in set(text)}
    tones = {char: "".join(mark for mark in marks[char] if mark in "\u0300\u0301\u0303\u0309\u0323") for char in marks}
    bare = {char: "".join(mark for mark in marks[char] if mark not in tones[char]) for char in marks}
    return "".join(unicodedata.normalize("NFC", bare[char]) + tones[char] for char in text)


def failure(body: str | bytes, spec=SPEC) -> str:
    collected = parsed(spec, body)
    assert collected.readings == () and collected.rejected == ()
    assert collected.failure.startswith("feed portal: ")
    return collected.failure


def test_values_are_read_by_header_with_decimal_commas_and_words():
    collected = parsed(SPEC, GOOD)
    assert values(collected) == EXPECTED
    assert collected.rejected == ()
    assert {reading.comparator for reading in collected.readings if reading.value == 80.0} == {Comparator.GT}


@pytest.mark.parametrize(("declared", "used"), [("utf-8", "utf-8-sig"), ("utf-16", "utf-16"), ("utf-8", "utf-8")])
def test_declared_encodings_are_read(declared, used):
    spec = feed_spec("csv", *COLUMNS, unit="Mã đơn vị", delimiter=";", decimal=",", encoding=declared)
    assert values(parsed(spec, GOOD.encode(used))) == EXPECTED


def test_the_old_vietnamese_code_page_with_its_loose_tone_marks_names_the_same_headers():
    spec = feed_spec("csv", *COLUMNS, unit="Mã đơn vị", delimiter=";", decimal=",", encoding="cp1258")
    assert values(parsed(spec, with_loose_tones(GOOD).encode("cp1258"))) == EXPECTED


@pytest.mark.parametrize(
    "header", ["MÃ ĐƠN VỊ ; Tên;tỷ  lệ (%);ĐỦ NHÂN LỰC", "Mã đơn vị;Tên;Ty\u0309 lê\u0323 (%);Đủ nhân lực"]
)
def test_headers_are_compared_as_people_mean_them(header):
    assert values(parsed(SPEC, f"{header}\n02143;x;68,91;đủ\n")) == {
        ("02143", "rate"): 68.91,
        ("02143", "staffed"): True,
    }


def test_blank_cells_are_missing_and_blank_lines_nothing():
    collected = parsed(SPEC, HEADER + "\n;;;\n02143;x;;đủ\n01840;x;5;\n")
    assert values(collected) == {("02143", "staffed"): True, ("01840", "rate"): 5}
    assert collected.rejected == ()


def test_quoted_cells_may_hold_delimiters_and_line_ends_and_lines_are_still_counted():
    collected = parsed(SPEC, HEADER + '02143;"Xã; Văn\nLang";"68,91";đủ\n99999;x;5;đủ\n')
    assert values(collected) == {("02143", "rate"): 68.91, ("02143", "staffed"): True}
    assert refusals(collected) == [("line 4", "unknown-unit")]


@pytest.mark.parametrize("row", ["02143;x;5", "02143;x;5;đủ;6"])
def test_a_row_of_another_width_is_refused_with_its_line(row):
    collected = parsed(SPEC, HEADER + row + "\n01840;x;5;đủ\n")
    assert refusals(collected) == [("line 2", "bad-row")]
    assert ("01840", "rate") in values(collected)


def test_empty_cells_behind_the_last_header_are_no_mistake():
    assert parsed(SPEC, HEADER + "02143;x;5;đủ;;\n").rejected == ()


def test_a_decimal_point_in_a_feed_of_commas_is_refused():
    collected = parsed(SPEC, HEADER + "02143;x;68.91;đủ\n")
    assert refusals(collected) == [("line 2", "decimal-sign")]
    assert "decimal point" in collected.rejected[0].detail


def test_fractions_give_the_rate_and_its_parts():
    reading = parsed(SPEC, HEADER + "19;x;63/92;đủ\n").readings[0]
    assert (reading.value, reading.numerator, reading.denominator) == (68.4782608696, 63, 92)


def test_dates_come_from_their_column():
    spec = feed_spec("csv", Column("rate", "r"), as_of=AsOf.FIELD, as_of_field="Ngày")
    collected = parsed(spec, "code,Ngày,r\n19,21/11/2026,5\n02143,,5\n01840,ngày mai,5\n")
    assert [reading.as_of for reading in collected.readings] == [MIDNIGHT]
    assert refusals(collected) == [("line 3", "missing"), ("line 4", "bad-row")]


def test_a_broken_quotation_costs_its_line():
    collected = parsed(SPEC, HEADER + '02143;"x"y;5;đủ\n01840;x;6;đủ\n')
    assert refusals(collected) == [("line 2", "bad-line")]
    assert values(collected)[("01840", "rate")] == 6


def test_a_quotation_that_is_never_closed_keeps_the_rows_before_it_and_names_where_it_began():
    collected = parsed(SPEC, HEADER + '01840;x;6;đủ\n02143;"x;5;đủ\n19;x;7;đủ\n')
    assert values(collected) == {("01840", "rate"): 6, ("01840", "staffed"): True}
    assert refusals(collected) == [("line 3", "bad-line")]
    assert "never closed" in collected.rejected[0].detail


def test_a_cell_beyond_all_measure_costs_its_line():
    collected = parsed(SPEC, HEADER + f"02143;{'x' * 200_000};5;đủ\n01840;x;6;đủ\n")
    assert refusals(collected)[0] == ("line 2", "bad-line")
    assert ("02143", "rate") not in values(collected)


def test_a_missing_column_is_named_with_the_nearest_and_the_others_count():
    collected = parsed(SPEC, "Mã đơn vị;Tên;Tỷ lệ;Đủ nhân lực\n02143;x;5;đủ\n")
    assert values(collected) == {("02143", "staffed"): True}
    assert refusals(collected) == [("line 1", "missing")]
    assert "no column 'Tỷ lệ (%)'; did you mean 'Tỷ lệ'?" in collected.rejected[0].detail


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "the answer is empty"),
        ("<html><body>502</body></html>", "not CSV: looks like an HTML page"),
        (GOOD.replace(";", ","), "line 1: no column 'Mã đơn vị'; there are 1: 'Mã đơn vị,Tên"),
        ("Mã đơn vị;Mã đơn vị;Tỷ lệ (%)\n", "line 1: the header 'Mã đơn vị' stands twice"),
        (";" * 1_000 + "\n" + "x" + ";" * 1_000, "1001 columns are more than 1000"),
        ('"Mã đơn vị', "line 1: a quotation mark opened here is never closed"),
        (GOOD.encode("utf-16"), "not utf-8 text: byte 1 in line 1"),
        ('{"rows": []}', "no column 'Mã đơn vị'"),
    ],
)
def test_what_cannot_be_used_as_a_whole_is_one_clear_sentence(body, said):
    assert said in failure(body)


def test_a_file_cut_within_a_letter_keeps_its_whole_rows():
    collected = parsed(SPEC, GOOD.encode().rstrip()[:-1] + b"\xe1\xba")
    assert ("02143", "rate") in values(collected)
    assert refusals(collected) == [("line 3", "unknown-word")]


def test_an_encoding_that_nobody_knows_is_a_sentence_too():
    assert "'klingon' is not known" in failure(GOOD, feed_spec("csv", *COLUMNS, encoding="klingon"))


def test_too_many_rows_are_refused_together(monkeypatch):
    monkeypatch.setattr(csv_feed, "MAX_ROWS", 1)
    assert "more than 1 rows" in failure(GOOD)


def test_a_row_of_thousands_of_cells_costs_itself_only(monkeypatch):
    """Each line is read in one go that keeps all else from its turn."""
    monkeypatch.setattr(csv_feed, "MOST_SIGNS", 6)
    collected = parsed(SPEC, GOOD.replace("01840", ";;;;;;;\n01840"))
    assert refusals(collected) == [("line 3", "bad-line")]
    assert "more than 6 times ';' in one line" in collected.rejected[0].detail
    assert values(collected) == EXPECTED


def test_the_lines_after_a_refused_one_keep_their_numbers(monkeypatch):
    monkeypatch.setattr(csv_feed, "MOST_SIGNS", 6)
    collected = parsed(SPEC, HEADER + ";;;;;;;\n01840;Phường;x;đủ\n")
    assert refusals(collected)[-1] == ("line 3", "not-a-number")


def test_a_header_of_thousands_of_cells_is_refused_before_it_is_read(monkeypatch):
    monkeypatch.setattr(csv_feed, "MOST_SIGNS", 2)
    assert "line 1: not CSV: more than 2 times ';' in one line" in failure(GOOD)


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_too_many_lines_are_refused_though_they_are_blank(monkeypatch, end):
    monkeypatch.setattr(csv_feed, "MAX_LINES", 50)
    assert "more than 50 lines" in failure(GOOD + end * 50)
