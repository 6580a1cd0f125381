"""Reports as workbooks: real numbers and dates, frozen headers, colours with their word, and nothing that computes.

Every text is written as a text: a name such as `=cmd|...` stays a name. Dates of creation are the report's instant, so
that equal reports give equal bytes. Numbers carry the Vietnamese locale (LCID 042A); which marks are then shown is up
to the program that opens the file.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from monitor.adapters.render.plain import when
from monitor.adapters.render.spelling import both, spelt, worded
from monitor.engine.explain import number
from monitor.model.colour import Colour
from monitor.reporting.report import Cell, Column, Report, Sort, Table, colour_words

if TYPE_CHECKING:  # imported where a workbook is written
    from xlsxwriter import Workbook
    from xlsxwriter.worksheet import Worksheet

_VIETNAMESE = "[$-42A]"
_PAINT: Mapping[Colour, tuple[str, str]] = {  # background, letters
    Colour.GREEN: ("#D5EDDF", "#14532D"),
    Colour.YELLOW: ("#FFE9A8", "#4A3600"),
    Colour.RED: ("#C3202B", "#FFFFFF"),
    Colour.UNKNOWN: ("#DDE3E9", "#2B3640"),
    Colour.MAINTENANCE: ("#CFE2F5", "#123A5E"),
    Colour.EXCLUDED: ("#F4F6F8", "#55626F"),
}
_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": True,
}
_INDENTED = {"align": "left", "indent": 1}  # a text does not touch the number beside it
# What is left out on paper is folded away here, on the screen and on paper: the sign + above the columns shows it.
_FOLDED = {"level": 1, "hidden": True}
_EXACT = 6  # decimals that are shown at most
_NARROW, _WIDE, _COVER = 9, 60, 70  # widths of columns, in digits
_HIGH = 15.0  # points of one line of text; programs other than Excel do not fit rows to what is wrapped
_LONGEST = 32_000  # characters; a cell holds 32,767
_DAY = 86_400.0


def as_xlsx(report: Report) -> bytes:
    """A sheet for each table, after one that says what this is."""
    file = io.BytesIO()
    from xlsxwriter import Workbook

    book = Workbook(file, _OPTIONS)
    book.set_properties(
        {"title": report.title[0], "subject": report.title[1], "created": _wall(report.at, report.zone)}
    )
    styles = _Styles(book)
    _cover(book.add_worksheet("Báo cáo"), report, styles)
    for place, table in enumerate(report.tables, 1):
        _sheet(book.add_worksheet(_sheet_name(table, place)), table, report, styles)
    book.close()
    return file.getvalue()


class _Styles:
    """Formats by what they look like; a workbook wants each made once."""

    def __init__(self, book: Workbook) -> None:
        self._book = book
        self._made: dict[tuple[tuple[str, Any], ...], Any] = {}

    def __call__(self, **look: Any) -> Any:
        key = tuple(sorted(look.items()))
        if key not in self._made:
            self._made[key] = self._book.add_format({"valign": "top", **look})
        return self._made[key]


def _cover(sheet: Worksheet, report: Report, style: _Styles) -> None:
    sheet.set_column(0, 1, _COVER)
    _for_paper(sheet)
    lines = [report.title, report.site, (when(report), ""), *report.paragraphs]
    lines += [table.title for table in report.tables]
    for row, words in enumerate(lines):
        sheet.set_row(row, _HIGH * max(1 + len(text) // _COVER for text in words))
        for place in (0, 1):
            sheet.write_string(row, place, _text(words[place]), style(text_wrap=True, bold=row == 0))


def _sheet(sheet: Worksheet, table: Table, report: Report, style: _Styles) -> None:
    head = {"bold": True, "text_wrap": True, "bg_color": "#16202B", "font_color": "#FFFFFF"}
    for place, column in enumerate(table.columns):
        title = "\n".join(dict.fromkeys(column.title))
        side = {"align": "right"} if column.sort.right else _INDENTED
        sheet.write_string(0, place, _text(title), style(**head, **side))
        sheet.set_column(place, place, _width(place, table), None, _FOLDED if column.data_only else {})
    for row, cells in enumerate(table.rows, 1):
        for place, (column, cell) in enumerate(zip(table.columns, cells, strict=True)):
            _write(sheet, (row, place), cell, column, report.zone, style)
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)
    sheet.set_row(0, 2 * _HIGH)
    _for_paper(sheet)
    if table.rows:
        sheet.autofilter(0, 0, len(table.rows), len(table.columns) - 1)


def _for_paper(sheet: Worksheet) -> None:
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)


def _write(sheet: Worksheet, at: tuple[int, int], cell: Cell, column: Column, zone: ZoneInfo, style: _Styles) -> None:
    if cell is None:
        return
    if isinstance(cell, Colour):
        paper, ink = _PAINT[cell]
        sheet.write_string(*at, both(colour_words(cell)), style(bg_color=paper, font_color=ink, **_INDENTED))
    elif isinstance(cell, datetime):
        sheet.write_datetime(*at, _wall(cell, zone), style(num_format=f"{_VIETNAMESE}dd/mm/yyyy hh:mm:ss"))
    elif isinstance(cell, date):
        sheet.write_datetime(*at, cell, style(num_format=f"{_VIETNAMESE}dd/mm/yyyy"))
    elif isinstance(cell, bool):  # TRUE is no word of an office, and LibreOffice makes a formula of it
        sheet.write_string(*at, both(worded(cell)), style(**_INDENTED))
    elif isinstance(cell, (int, float)):
        value, form = _number(cell, column)
        sheet.write_number(*at, value, style(num_format=form))
    else:
        sheet.write_string(*at, _text(spelt(cell, column, zone)), style(num_format="@", **_INDENTED))


def _number(value: float, column: Column) -> tuple[float, str]:
    """The number as a workbook counts it, and how it is shown."""
    if column.sort is Sort.SECONDS:
        return value / _DAY, "[h]:mm:ss"
    digits = 0 if column.sort is Sort.WHOLE else _digits(value, column)
    decimals = "." + "0" * digits if digits else ""
    if column.sort is Sort.PERCENT:
        return value / 100, f"{_VIETNAMESE}0{decimals}%"
    return value, f"{_VIETNAMESE}#,##0{decimals}"


def _digits(value: float, column: Column) -> int:
    """Those of its column; more where a workbook, which only rounds, would show a rounder number than it is."""
    fit = (n for n in range(column.digits, _EXACT) if number(value, "en", n, fixed=True) == f"{value:,.{n}f}")
    return next(fit, _EXACT)


def _wall(at: datetime, zone: ZoneInfo) -> datetime:
    """A workbook knows no zones: the local clock, to the second."""
    return at.astimezone(zone).replace(tzinfo=None, microsecond=0)


def _text(text: str) -> str:
    kept = "".join(char if char.isprintable() or char == "\n" else " " for char in text[:_LONGEST])
    return kept.encode("utf-8", "replace").decode()


def _sheet_name(table: Table, number: int) -> str:
    """At most 31 characters, none of those that a workbook refuses, and no two alike."""
    kept = "".join(" " if char in r"[]:*?/\'" else char for char in table.title[0])
    return f"{number} {kept}"[:31].strip()


def _width(place: int, table: Table) -> float:
    column = table.columns[place]
    if column.sort in (Sort.INSTANT, Sort.COLOUR):
        return 20
    seen = [*column.title, *(_seen(row[place]) for row in table.rows[:500])]
    return min(max(_NARROW, *(len(text) + 2 for text in seen)), _WIDE)


def _seen(cell: Cell) -> str:
    return both(cell) if isinstance(cell, tuple) else cell if isinstance(cell, str) else ""
