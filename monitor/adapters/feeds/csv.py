"""CSV feed: columns by their header, in the declared encoding, delimiter and decimal sign."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from monitor.adapters.feeds.body import Unreadable, read_text
from monitor.adapters.feeds.rows import Answer, Frame, failed
from monitor.adapters.feeds.table import MAX_COLUMNS, MAX_ROWS, Table
from monitor.config.spec import FeedSpec
from monitor.model.reading import Collected

MAX_LINES = 5 * MAX_ROWS  # a row may have several, and some are blank
MOST_SIGNS = 10 * MAX_COLUMNS  # delimiters of one line, of which some may stand in texts


@dataclass(frozen=True, slots=True)
class _Record:
    line: int  # where it begins
    cells: Sequence[str]
    problem: str = ""


def parse(spec: FeedSpec, body: bytes, headers: Mapping[str, str], now: datetime, frame: Frame) -> Collected:
    """All believable values of one file. Never raises for what the file holds."""
    answer = Answer(spec, frame, now)
    try:
        records = _records(read_text(body, headers, spec.encoding, "CSV"), spec.delimiter)
        table = _table(spec, answer, records)
        for count, record in enumerate(records, start=1):
            if count > MAX_ROWS:
                raise Unreadable(f"more than {MAX_ROWS} rows")
            _take(answer, table, record)
    except Unreadable as error:
        return failed(spec, now, str(error))
    if answer.has_rows:
        answer.refuse_silent(table.columns)
    return answer.collected()


def first_row(spec: FeedSpec, body: bytes) -> Sequence[str]:
    """The cells of the first row that is filled in. Raises Unreadable."""
    return next(_records(read_text(body, {}, spec.encoding, "CSV"), spec.delimiter), _Record(1, ())).cells


def _records(text: str, delimiter: str) -> Iterator[_Record]:
    """Records with at least one cell filled in; a broken one carries its problem."""
    lines = _Lines(text, delimiter)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = lines.read + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield _Record(line, (), _problem(str(error)))
        else:
            if any(cell and not cell.isspace() for cell in cells):
                yield _Record(line, cells)


class _Lines:
    """The lines of a file; each is read in one go, in which no other thread gets its turn, so it is bounded."""

    def __init__(self, text: str, delimiter: str) -> None:
        self.read = 0  # lines, also those that were refused, which the reader does not count
        self._lines = io.StringIO(text, newline="")
        self._delimiter = delimiter

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.read += 1
        if self.read > MAX_LINES:
            raise Unreadable(f"more than {MAX_LINES} lines")
        if line.count(self._delimiter) > MOST_SIGNS:
            raise csv.Error(f"more than {MOST_SIGNS} times '{self._delimiter}' in one line")
        return line


def _problem(error: str) -> str:
    if "unexpected end" in error:
        return "a quotation mark opened here is never closed; the rest of the file is inside it"
    if "field limit" in error:
        return f"a cell is longer than {csv.field_size_limit()} characters"
    return f"not CSV: {error}"


def _table(spec: FeedSpec, answer: Answer, records: Iterator[_Record]) -> Table:
    header = next(records, _Record(1, (), "no header: the file is empty"))
    if header.problem:
        raise Unreadable(f"line {header.line}: {header.problem}")
    if len(header.cells) > MAX_COLUMNS:
        raise Unreadable(f"{len(header.cells)} columns are more than {MAX_COLUMNS}")
    try:
        table = Table(spec, answer, header.cells)
    except Unreadable as error:
        raise Unreadable(f"line {header.line}: {error}") from None
    for indicator, said in table.missing.items():
        answer.refuse(f"line {header.line}", "missing", f"{indicator}: {said}", column=indicator)
    return table


def _take(answer: Answer, table: Table, record: _Record) -> None:
    place, cells, width = f"line {record.line}", record.cells, table.width
    if record.problem:
        answer.refuse(place, "bad-line", record.problem)
    elif len(cells) < width or any(not cell.isspace() for cell in cells[width:] if cell):
        answer.refuse(place, "bad-row", f"{len(cells)} cells under {width} headers")
    else:
        table.take(place, cells)
