"""XLSX feed: tables on the sheets of a workbook, by their headers; a bad row is told by sheet and row number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from monitor.adapters.feeds.body import Unreadable, is_html
from monitor.adapters.feeds.numbers import Unfit, shown
from monitor.adapters.feeds.rows import Answer, Frame, failed
from monitor.adapters.feeds.table import Table, nearest_header, spellings_of
from monitor.config.spec import FeedSpec
from monitor.config.spreadsheet import unpacked
from monitor.model.reading import Collected
from monitor.model.text import clean, fold

HEADER_WITHIN = 30  # filled rows from the top, among which the header is looked for: titles stand above it
MAX_SPREAD = 500_000  # cells that lie under merged ones
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 day 0 of Excel, in local time as all its dates
_LATER = 1462  # days after it on which a workbook counts from that has the calendar of 1904
_FIRST_DAY, _END_DAY = 36_526, 73_051  # days that are dates of 2000 to 2099

_Range = tuple[int, int, int, int]  # first row and column, last row and column


def parse(spec: FeedSpec, body: bytes, headers: Mapping[str, str], now: datetime, frame: Frame) -> Collected:
    """All believable values of one workbook. Never raises for what the file holds. Takes a process and some 0.1 s."""
    try:
        if not body:
            raise Unreadable("the answer is empty")
        if is_html(body, headers):
            raise Unreadable("not XLSX: looks like an HTML page")
        return read(spec, _unpacked(body, spec.sheets), now, frame)
    except Unreadable as error:
        return failed(spec, now, str(error))


def first_rows(spec: FeedSpec, body: bytes) -> list[str]:
    """The texts of the rows among which the header is looked for. Raises Unreadable."""
    document = _unpacked(body, spec.sheets)
    rows = [cells for content in document["sheets"] for _, cells in content["rows"][:HEADER_WITHIN]]
    return [text for cells in rows for raw in cells if (text := _label(raw))]


def _unpacked(body: bytes, sheets: Sequence[str]) -> dict[str, Any]:
    try:
        return unpacked(body, sheets)
    except ValueError as unusable:
        raise Unreadable(str(unusable)) from None


def read(spec: FeedSpec, document: Mapping[str, Any], now: datetime, frame: Frame) -> Collected:
    """All believable values of what `workbook.read` gives. Pure. Raises Unreadable when no sheet can be used."""
    answer = Answer(spec, frame, now)
    problems = [(f"sheet '{name}'", _no_sheet(name, document["names"])) for name in document["missing"]]
    tables: list[Table] = []
    for content in document["sheets"]:
        sheet = _Sheet(content["name"], dict(content["rows"]), _LATER if document["from_1904"] else 0)
        try:
            sheet.merged = _covered(content["merged"], sheet)
            tables.append(_take(spec, answer, sheet, apart=len(spec.sheets) > 1))
        except Unreadable as error:
            problems.append((f"sheet '{clean(sheet.name, 40)}'", str(error)))
    if not tables:
        raise Unreadable(": ".join(problems[0]) if problems else "no sheet was read")
    for place, said in problems:
        answer.refuse(place, "missing", said)
    _tell_missing(spec, answer, tables)
    return answer.collected()


def _tell_missing(spec: FeedSpec, answer: Answer, tables: Sequence[Table]) -> None:
    read = [column for column in spec.columns if any(column in table.columns for table in tables)]
    for column in spec.columns:
        if column not in read:
            said = f"{column.indicator}: {tables[0].missing[column.indicator]}"
            answer.refuse("", "missing", said, column=column.indicator)
    if answer.has_rows:
        answer.refuse_silent(read)


def _no_sheet(name: str, names: Sequence[str]) -> str:
    near = nearest_header(name, names)
    hint = f"did you mean {shown(near)}?" if near else "there are " + ", ".join(shown(one) for one in names[:8])
    return f"there is no such sheet; {hint}"


@dataclass(slots=True)
class _Sheet:
    """Filled cells by row number, from 1, and column, from 0; and the merged range that covers a cell."""

    name: str
    rows: Mapping[int, Sequence[Any]]
    day_0: int = 0  # as a day of Excel
    merged: Mapping[tuple[int, int], _Range] = field(default_factory=dict)

    def at(self, row: int, column: int) -> Any:
        """What stands in a cell; None for a blank one."""
        cells = self.rows.get(row, ())
        return cells[column] if column < len(cells) else None

    def spread(self, row: int, column: int) -> Any:
        """The same, where a merged cell says it for all that it covers."""
        first = self.merged.get((row, column), (row, column))
        return self.at(first[0], first[1])


def _covered(ranges: Sequence[Sequence[int]], sheet: _Sheet) -> dict[tuple[int, int], _Range]:
    last_row = max(sheet.rows, default=0)
    last_column = max((len(cells) for cells in sheet.rows.values()), default=0)
    covered: dict[tuple[int, int], _Range] = {}
    for top, left, bottom, right in ranges:
        area: _Range = (top + 1, left, min(bottom + 1, last_row), min(right, last_column))
        if len(covered) + (area[2] - area[0] + 1) * (area[3] - area[1] + 1) > MAX_SPREAD:
            raise Unreadable(f"merged cells cover more than {MAX_SPREAD} others")
        for row in range(area[0], area[2] + 1):
            for column in range(area[1], area[3] + 1):
                covered[row, column] = area
    return covered


def _take(spec: FeedSpec, answer: Answer, sheet: _Sheet, *, apart: bool) -> Table:
    """Read the rows below the header. Raises Unreadable when there is none."""
    first, last = _header(spec, sheet)
    table = Table(spec, answer, _names(sheet, first, last), apart=apart)
    for row in sheet.rows:
        if row > last:
            table.take(f"sheet '{clean(sheet.name, 40)}', row {row}", list(_cells(sheet, table, row)))
    return table


def _header(spec: FeedSpec, sheet: _Sheet) -> tuple[int, int]:
    """First and last row of the header: as many as the header of the unit is merged over."""
    wanted = {fold(spelling) for spelling in spellings_of(spec.unit, spec.aliases)}
    seen: list[str] = []
    for row in list(sheet.rows)[:HEADER_WITHIN]:
        for column, raw in enumerate(sheet.rows[row]):
            text = _label(raw)
            if text and fold(text) in wanted:
                return row, sheet.merged.get((row, column), (row, column, row, column))[2]
            seen.append(text)
    near = nearest_header(spec.unit, filter(None, seen))
    hint = f"; did you mean {shown(near)}?" if near else ""
    raise Unreadable(f"none of the first {HEADER_WITHIN} rows has the header {shown(spec.unit)}{hint}")


def _names(sheet: _Sheet, first: int, last: int) -> list[str]:
    """Headers by column. Of several rows they are joined: "Tỷ lệ / Đúng hạn" under a merged "Tỷ lệ"."""
    rows = range(first, last + 1)
    width = max(len(sheet.rows.get(row, ())) for row in rows)
    covering = (area for (row, _), area in sheet.merged.items() if first <= row < last)
    width = max(width, *(area[3] + 1 for area in covering), 0)
    return [" / ".join(_parts(sheet, rows, column)) for column in range(width)]


def _parts(sheet: _Sheet, rows: range, column: int) -> Iterator[str]:
    before = ""
    for row in rows:
        area = sheet.merged.get((row, column))
        # In the lowest row a header that is merged with its neighbour is the header of the first column only.
        beside = area is not None and row == rows[-1] and area[1] != column
        text = "" if beside else _label(sheet.spread(row, column))
        if text and text != before:
            yield text
            before = text


def _label(raw: object) -> str:
    if isinstance(raw, str):
        return clean(raw)
    return f"{raw:g}" if isinstance(raw, (int, float)) and not isinstance(raw, bool) else ""


def _cells(sheet: _Sheet, table: Table, row: int) -> Iterator[object]:
    for column in range(table.width):
        if column == table.unit_at:
            yield _code(sheet.spread(row, column))
        elif column == table.date_at:
            yield _day(sheet.spread(row, column), sheet.day_0)
        else:
            yield _value(sheet.at(row, column), sheet.merged.get((row, column)), table.headers)


_BARE = "a formula of which no result is stored: open the file in Excel or LibreOffice, and save it"


def _bare(raw: Any) -> Unfit | None:
    return Unfit("not-computed", _BARE) if isinstance(raw, dict) and "formula" in raw else None


def _code(raw: Any) -> object:
    if bare := _bare(raw):
        return bare
    if isinstance(raw, dict):
        return Unfit("bad-row", "there is a date or a time, not a code")
    return int(raw) if isinstance(raw, float) and raw.is_integer() else raw


def _day(raw: Any, day_0: int) -> object:
    """A date as text. A number is a day of Excel that was never formatted as one."""
    if bare := _bare(raw):
        return bare
    if isinstance(raw, dict):
        return raw.get("date") or Unfit("bad-row", f"{shown(raw['time'])} is a time without a day")
    if isinstance(raw, bool) or not isinstance(raw, (int, float)):
        return raw
    if not _FIRST_DAY <= raw + day_0 < _END_DAY:
        return Unfit("bad-row", f"{shown(raw)} is not a day of Excel between 2000 and 2099")
    return (_EPOCH + timedelta(seconds=round((raw + day_0) * 86_400))).isoformat()


def _value(raw: Any, area: _Range | None, names: Sequence[str]) -> object:
    if area is not None and area[0] != area[2]:
        return Unfit("merged", f"one cell over the rows {area[0]} to {area[2]}: whose value is it?")
    if area is not None and len(over := [name for name in names[area[1] : area[3] + 1] if name]) > 1:
        return Unfit("merged", f"one cell over the columns {shown(over[0])} to {shown(over[-1])}: whose value is it?")
    if bare := _bare(raw):
        return bare
    if isinstance(raw, dict):
        said = raw.get("date") or raw.get("time")
        return Unfit("not-a-number", f"{shown(said)} is a date or a time: Excel makes them of 3/4 and 8:30")
    return raw
