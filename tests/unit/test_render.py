"""Renderers: equal reports give equal bytes, types stay types, and nothing from outside does anything."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from monitor.adapters.render import FILES, FORMATS, charts
from monitor.adapters.render.html import style
from monitor.adapters.render.plain import harmless
from monitor.adapters.render.spelling import span_text, spelt
from monitor.engine.explain import number
from monitor.model.colour import Colour
from monitor.model.muting import Span
from monitor.reporting.report import Bar, Bars, Column, Report, Shares, Sort, Stretch, Strips, Table

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
AT = datetime(2025, 8, 6, 9, 30, tzinfo=UTC)
HOSTILE = (
    "=cmd|'/c calc'!A1",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "<script>alert(1)</script>",
    '"><img src=x>',
    "＝1+1",
)
COLUMNS = (
    Column("unit", ("Mã", "Code"), Sort.CODE),
    Column("name", ("Đơn vị", "Unit")),
    Column("share", ("Tỷ lệ", "Share"), Sort.PERCENT),
    Column("count", ("Số", "Count"), Sort.WHOLE),
    Column("value", ("Giá trị", "Value"), Sort.NUMBER),
    Column("took", ("Sau", "Took"), Sort.SECONDS),
    Column("at", ("Lúc", "At"), Sort.INSTANT),
    Column("day", ("Ngày", "Day"), Sort.INSTANT),
    Column("colour", ("Màu", "Colour"), Sort.COLOUR),
    Column("goal", ("Mục tiêu", "Goal"), Sort.LIMIT),
    Column("yes", ("Có", "Yes")),
)
ROW = ("02143", "Xã Văn Lang", 68.91, 92, 1234.5, 93_784.0, AT, date(2025, 8, 20), Colour.RED, ">= 80", True)


def report(*rows: tuple[object, ...], name: str = "Xã Văn Lang") -> Report:
    span = Span(datetime(2025, 8, 1, tzinfo=UTC), AT)
    return Report(
        kind="test",
        title=("Báo cáo thử", "Test report"),
        site=("Đèn báo", "Denbao"),
        zone=ZONE,
        at=AT,
        span=span,
        tables=(
            Table("first", ("Bảng một", "First"), COLUMNS, rows or (ROW, (None,) * len(COLUMNS))),  # type: ignore[arg-type]
            Table("second", ("Bảng hai", "Second"), COLUMNS[:2], (("01840", name),)),
        ),
        paragraphs=(("Một đoạn.", "A paragraph."),),
        charts=(
            Shares(("Phần", "Shares"), ((Colour.GREEN, 63), (Colour.YELLOW, 29), (Colour.RED, 0))),
            Bars(("Cột", "Bars"), (Bar(name, 68.91, Colour.YELLOW), Bar("none", None)), "%", 0.0, 100.0),
            Strips(("Dải", "Strips"), span, ((name, (Stretch(span.starts, span.ends, Colour.RED),)),)),
        ),
    )


def sheet(made: Report, place: int = 1) -> list[list[Any]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(FORMATS["xlsx"].write(made, None)))
    return book.get_sheet_by_index(place).to_python()


def rows_of_csv(made: Report, table: str | None = None) -> list[dict[str, str]]:
    text = FORMATS["csv"].write(made, table).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("name", FORMATS)
def test_equal_reports_give_equal_bytes_and_another_instant_gives_others(name):
    write = FORMATS[name].write
    assert write(report(), None) == write(report(), None)
    if name != "csv":
        assert write(report(), None) != write(replace(report(), at=datetime(2025, 8, 7, tzinfo=UTC), span=None), None)


def test_a_workbook_holds_real_types_under_frozen_headers():
    head, row = sheet(report())  # a row of nothing but missing values has no cell at all
    assert head[:2] == ["Mã\nCode", "Đơn vị\nUnit"]
    assert row[:2] == ["02143", "Xã Văn Lang"]  # a code keeps its zero
    assert row[2] == pytest.approx(0.6891) and row[3] == 92 and row[4] == 1234.5
    assert row[5].total_seconds() == pytest.approx(93_784)
    assert row[6] == datetime(2025, 8, 6, 16, 30)
    assert (row[7], row[8], row[9], row[10]) == (date(2025, 8, 20), "đỏ / red", "≥ 80", "có / yes")


def test_machine_words_are_said_in_words_to_people_and_stay_in_data():
    columns = (Column("measure", ("Đơn vị tính", "Measure"), Sort.CODE, words={"s": ("giây", "seconds")}),)
    made = replace(report(), tables=(Table("first", ("Bảng", "Table"), columns, (("s",), ("kW",))),))
    assert sheet(made)[1:] == [["giây / seconds"], ["kW"]]
    assert [row["measure"] for row in rows_of_csv(made)] == ["s", "kW"]
    assert json.loads(FORMATS["json"].write(made, None))["tables"]["first"] == [{"measure": "s"}, {"measure": "kW"}]
    assert 'giây <span class="en" lang="en">seconds</span>' in FORMATS["html"].write(made, None).decode()


def test_numbers_to_be_compared_have_all_their_digits_below_one_another():
    columns = (Column("points", ("Điểm", "Points"), Sort.NUMBER, fixed=True), Column("other", ("Số", "N"), Sort.NUMBER))
    made = replace(report(), tables=(Table("first", ("Bảng", "Table"), columns, ((76.5, 76.5), (1234.0, 7.0))),))
    text = FORMATS["text"].write(made, None).decode()
    assert re.search(r"76,50 +76,5\n", text) and re.search(r"1\.234,00 +7\n", text)


def test_an_outage_stands_out_of_its_strip_for_who_cannot_tell_red_from_green():
    span = Span(datetime(2025, 8, 1, tzinfo=UTC), AT)
    stretches = (Stretch(span.starts, AT, Colour.GREEN), Stretch(span.starts, AT, Colour.RED))
    found = charts.drawn(Strips(("Dải", "Strips"), span, (("x", stretches),)), ZONE).boxes
    heights = {box.colour: box.height for box in found}
    assert heights["red"] >= 1.5 * heights["green"]


def test_what_is_left_out_on_paper_is_folded_away_in_a_workbook():
    columns = (COLUMNS[0], replace(COLUMNS[1], data_only=True))
    made = replace(report(), tables=(Table("first", ("Bảng", "Table"), columns, (("01840", "n"),)),))
    book = zipfile.ZipFile(io.BytesIO(FORMATS["xlsx"].write(made, None)))
    found = re.findall(r"<col [^>]*>", book.read("xl/worksheets/sheet2.xml").decode())
    assert ['hidden="1"' in one for one in found] == [False, True]
    assert sheet(made)[1] == ["01840", "n"]


def test_a_workbook_says_how_numbers_are_shown_in_vietnam_and_freezes_its_header():
    book = zipfile.ZipFile(io.BytesIO(FORMATS["xlsx"].write(report(), None)))
    styles, first = book.read("xl/styles.xml").decode(), book.read("xl/worksheets/sheet2.xml").decode()
    for form in ("[$-42A]0.00%", "[$-42A]#,##0.00", "[$-42A]dd/mm/yyyy hh:mm:ss", "[h]:mm:ss"):
        assert form in styles
    assert 'state="frozen"' in first and "<autoFilter" in first
    assert "C3202B" in styles  # red is red, and says so in words
    assert {info.date_time for info in book.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_that_looks_like_a_formula_stays_a_text_in_a_workbook(text):
    made = report((text, text, *ROW[2:]))
    book = zipfile.ZipFile(io.BytesIO(FORMATS["xlsx"].write(made, None)))
    sheets = [book.read(name).decode() for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
    assert not any("<f>" in xml or "hyperlink" in xml for xml in sheets)
    assert sheet(made)[1][1] == text.replace("\t", " ")


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_that_looks_like_a_formula_gets_an_apostrophe_in_csv(text):
    [row] = rows_of_csv(report((text, text, *ROW[2:])))
    assert row["name"] == (f"'{text}" if text[0] not in '<"' else text)
    assert row["share"] == "68.91"  # numbers are numbers, also negative ones
    assert rows_of_csv(report(("1", "n", -5.5, *ROW[3:])))[0]["share"] == "-5.5"


@given(st.text(max_size=40))
def test_no_text_begins_a_formula_in_csv(text):
    assert not harmless(text).lstrip(" \u00a0").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_csv_holds_one_table_and_another_by_name_and_plain_values():
    [row, empty] = rows_of_csv(report())
    assert (row["unit"], row["at"], row["colour"]) == ("02143", "2025-08-06T16:30:00+07:00", "red")
    assert (row["took"], row["yes"], row["day"]) == ("93784.0", "true", "2025-08-20")
    assert set(empty.values()) == {""}
    assert rows_of_csv(report(), "second")[0]["unit"] == "01840"
    with pytest.raises(KeyError):
        rows_of_csv(report(), "third")


def test_json_is_plain():
    told = json.loads(FORMATS["json"].write(report(), None))
    assert (told["version"], told["kind"], told["at"]) == (1, "test", "2025-08-06T16:30:00+07:00")
    assert (told["from"], told["to"]) == ("2025-08-01T07:00:00+07:00", "2025-08-06T16:30:00+07:00")
    [row, empty] = told["tables"]["first"]
    assert (row["share"], row["colour"], row["took"], row["goal"]) == (68.91, "red", 93_784.0, ">= 80")
    assert set(empty.values()) == {None}


def test_text_is_read_by_people_in_both_languages_with_vietnamese_numbers():
    text = FORMATS["text"].write(report(), None).decode()
    assert "Báo cáo thử / Test report" in text and "Một đoạn.\n  A paragraph." in text
    assert re.search(r"02143 +Xã Văn Lang +68,91 % +92 +1\.234,5 +26:03:04 +06/08/2025 16:30 +20/08/2025", text)
    assert "đỏ / red" in text and "≥ 80" in text


class Tags(HTMLParser):
    """What a page is made of."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))


def tags_of(made: Report) -> list[str]:
    """Its tags; not those of the English words, which are left out where they equal the Vietnamese ones."""
    return [tag for tag, _ in Tags(FORMATS["html"].write(made, None).decode()).seen if tag != "span"]


def test_a_page_loads_nothing_runs_nothing_and_draws_its_charts():
    page = FORMATS["html"].write(report(), None).decode()
    tags = Tags(page)
    names = [tag for tag, _ in tags.seen]
    assert names.count("svg") == 3 and not {"script", "img", "link", "iframe", "a"} & set(names)
    assert not [key for _, attrs in tags.seen for key in attrs if key.startswith("on") or key in ("style", "href")]
    assert "@page" in page and "url(" not in page and "display: table-header-group" in page
    assert "68,91 %" in page and "X" in page  # a letter beside each colour


@pytest.mark.parametrize("text", HOSTILE)
def test_what_comes_from_outside_is_only_text_on_a_page(text):
    made = replace(report((text, text, *ROW[2:]), name=text), title=(text, text), site=(text, text))
    made = replace(made, paragraphs=((text, text),), tables=(replace(made.tables[0], title=(text, text)),))
    assert tags_of(made) == tags_of(replace(report(ROW), tables=report(ROW).tables[:1]))


texts = st.text(max_size=30)


@given(texts, texts)
def test_every_text_can_be_written_in_every_format(one, two):
    made = replace(report((one, two, *ROW[2:]), name=one), title=(one, two))
    for form in FORMATS.values():
        assert form.write(made, None)


def test_broken_text_is_written_and_stops_nothing():
    made = report(("\ud800", "a\x00b\x1b[31m", *ROW[2:]))
    for form in FORMATS.values():
        assert form.write(made, None)
    assert "\x1b" not in FORMATS["text"].write(made, None).decode()


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00:00"), (59.6, "0:01:00"), (3600, "1:00:00"), (360_061, "100:01:01")]
)
def test_spans_are_hours_minutes_and_seconds(seconds, text):
    assert span_text(seconds) == text


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(1234567.891, 2, "1.234.567,89"), (99.995, 3, "99,995"), (100.0, 3, "100"), (-0.0, 2, "0"), (1200, 0, "1.200")],
)
def test_numbers_are_vietnamese_and_as_exact_as_their_column(value, digits, text):
    assert number(value, "vi", digits) == text


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (79.96, 1, "79,9"), (79.996, 2, "79,99"), (99.9996, 3, "99,999"), (99.4996, 3, "99,499"), (79.6, 0, "79"),
        (80.004, 2, "80,01"), (1.004, 2, "1,01"), (-0.001, 2, "-0,01"), (0.1 + 0.2, 1, "0,3"), (80.0, 2, "80"),
        (68.914, 2, "68,91"), (68.916, 2, "68,92"),
    ],
)  # fmt: skip
def test_no_number_is_shown_as_a_rounder_one_that_it_did_not_reach_or_passed(value, digits, text):
    assert number(value, "vi", digits) == text


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.integers(0, 3))
def test_what_is_less_is_never_shown_as_more_and_no_number_is_far_from_what_it_is(one, other, digits):
    shown = [float(number(value, "en", digits).replace(",", "")) for value in sorted((one, other))]
    assert shown[0] <= shown[1]
    assert all(abs(told - value) <= 10.0**-digits for told, value in zip(shown, sorted((one, other)), strict=True))


def test_the_label_of_a_bar_is_written_as_the_same_value_in_its_column():
    column = Column("value", ("Giá trị", "Value"), Sort.PERCENT, fixed=True)
    bars = tuple(Bar(f"xã {value}", value) for value in (97.6, 97.75, 79.996))
    drawn = charts.drawn(Bars(("Tỷ lệ", "Rate"), bars, "%", 0.0, 100.0, column.digits, fixed=column.fixed), ZONE)
    told = [label.text for label in drawn.labels if "%" in label.text]
    assert told == [spelt(bar.value, column, ZONE) for bar in bars] == ["97,60 %", "97,75 %", "79,99 %"]


def test_a_workbook_shows_no_rounder_number_than_there_is_either():
    columns = (Column("share", ("Tỷ lệ", "Share"), Sort.PERCENT, fixed=True),)
    made = replace(report(), tables=(Table("first", ("Bảng", "Table"), columns, ((79.996,), (68.916,))),))
    with zipfile.ZipFile(io.BytesIO(FORMATS["xlsx"].write(made, None))) as book:
        styles = book.read("xl/styles.xml").decode()
    assert set(re.findall(r"(0\.0+)%", styles)) == {"0.000", "0.00"}


# -- on paper ----------------------------------------------------------------------------------------------------


def test_without_weasyprint_a_pdf_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(ValueError, match=r"a PDF needs WeasyPrint, .* pip install 'denbao\[pdf\]', .* libpango-1.0-0"):
        FILES["pdf"].needs()


@pytest.fixture
def on_paper() -> Callable[[Report], bytes]:
    """Writes a PDF; left out where WeasyPrint or the system's Pango is missing."""
    try:
        FILES["pdf"].needs()
    except ValueError as missing:
        pytest.skip(str(missing))
    return lambda made: FILES["pdf"].write(made, None)


def drawn(pdf: bytes) -> str:
    """What the pages are drawn with, unpacked."""
    packed = re.findall(rb"/FlateDecode.*?stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    return "\n".join(zlib.decompress(stream).decode("latin-1") for stream in packed)


def test_equal_reports_give_equal_paper_with_the_pictures_in_their_colours(on_paper):
    made = on_paper(report())
    assert made.startswith(b"%PDF-") and made == on_paper(report())
    assert made != on_paper(replace(report(), at=datetime(2025, 8, 7, tzinfo=UTC), span=None))
    for colour in re.findall(r"\.fill-(?:green|yellow|red) { fill: #(\w{6}); }", style()):
        parts = (int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4))
        assert f"{' '.join(f'{part:.6g}' for part in parts)} rg" in drawn(made)


@pytest.mark.parametrize("text", [*HOSTILE, "\ud800", "a\x00b\x1b[31m", "</svg></style><img src='http://192.0.2.1/'>"])
def test_no_text_keeps_a_report_from_paper_or_makes_it_load_anything(on_paper, text, monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr("monitor.adapters.render.pdf._nothing", lambda url, *_, **__: asked.append(url))
    assert on_paper(report((text, text, *ROW[2:]), name=text)).startswith(b"%PDF-")
    assert asked == []
