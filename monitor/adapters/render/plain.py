"""Reports for programs and terminals: JSON, CSV of one table, and text."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Sequence

from monitor.adapters.render.spelling import both, day_and_time, plain, spelt
from monitor.reporting.report import Cell, Report, Table

# What spreadsheets take for the beginning of a formula, also in full width. Where the decimal sign is a comma they part
# a line at semicolons, whatever is quoted, and read what follows as a cell of its own.
_SIGNS = "=+\\-@＝＋－＠"
_FORMULA = re.compile(f"(^|[;\r\n])([ \u00a0]*)(?=[{_SIGNS}])|^(?=[ \u00a0]*[\t\r\n])")


def as_json(report: Report) -> bytes:
    """Everything but the pictures. Its shape is version 1."""
    zone = report.zone
    document = {
        "version": 1,
        "kind": report.kind,
        "title": list(report.title),
        "site": list(report.site),
        "at": plain(report.at, zone),
        "from": None if report.span is None else plain(report.span.starts, zone),
        "to": None if report.span is None else plain(report.span.ends, zone),
        "empty": report.empty,
        "paragraphs": [list(words) for words in report.paragraphs],
        "tables": {
            table.id: [
                {column.id: plain(cell, zone) for column, cell in zip(table.columns, row, strict=True)}
                for row in table.rows
            ]
            for table in report.tables
        },
    }
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode("utf-8", "backslashreplace")


def as_csv(report: Report, name: str | None = None) -> bytes:
    """One table, the first unless another is named. Raises KeyError.

    It begins with a byte order mark, without which spreadsheets do not read UTF-8. A text that a spreadsheet would
    take for a formula gets an apostrophe in front.
    """
    table = report.tables[0] if name is None else report.table(name)
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow([column.id for column in table.columns])
    writer.writerows([_field(cell, report) for cell in row] for row in table.rows)
    return b"\xef\xbb\xbf" + file.getvalue().encode("utf-8", "backslashreplace")


def _field(cell: Cell, report: Report) -> str | int | float:
    value = both(cell) if isinstance(cell, tuple) else plain(cell, report.zone)
    if isinstance(value, bool):
        return str(value).lower()
    return harmless(value) if isinstance(value, str) else "" if value is None or isinstance(value, list) else value


def harmless(text: str) -> str:
    """The text, so that no spreadsheet takes it for a formula."""
    return _FORMULA.sub(lambda found: f"{found[1] or ''}'{found[2] or ''}", text)


def as_text(report: Report) -> bytes:
    """For a terminal: Vietnamese and English in turn, tables in columns."""
    lines = [_one_line(both(report.title)), _one_line(both(report.site)), when(report), ""]
    for vi, en in report.paragraphs:
        lines += [_one_line(vi), f"  {_one_line(en)}"]
    for table in report.tables:
        lines += ["", *_drawn(table.for_people(), report)]
    return ("\n".join(line.rstrip() for line in lines) + "\n").encode("utf-8", "backslashreplace")


def when(report: Report) -> str:
    """The instant or span of a report, in words."""
    if report.span is None:
        return f"lúc / at {day_and_time(report.at, report.zone)} ({report.zone})"
    starts, ends = (day_and_time(at, report.zone) for at in (report.span.starts, report.span.ends))
    return f"từ / from {starts} đến / to {ends} ({report.zone})"


def _drawn(table: Table, report: Report) -> list[str]:
    lines = [f"{both(table.title)} ({len(table.rows)})"]
    if table.note is not None:
        lines += [f"  {both(table.note)}"]
    if not table.rows:
        return lines
    cells = [
        [_one_line(spelt(cell, column, report.zone)) for column, cell in zip(table.columns, row, strict=True)]
        for row in table.rows
    ]
    heads = [[column.title[side] for column in table.columns] for side in (0, 1)]
    widths = [max(_width(row[place]) for row in (*heads, *cells)) for place in range(len(table.columns))]
    rights = [column.sort.right for column in table.columns]
    return [*lines, *(_line(row, widths, rights) for row in (*heads, *cells))]


def _line(row: Sequence[str], widths: Sequence[int], rights: Sequence[bool]) -> str:
    parts = []
    for text, width, right in zip(row, widths, rights, strict=True):
        gap = " " * (width - _width(text))
        parts.append(gap + text if right else text + gap)
    return "  " + "  ".join(parts)


def _one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _width(text: str) -> int:
    """Columns of a terminal that a text takes."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
