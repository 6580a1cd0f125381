"""CSV feed: columns by their header, in the declared encoding, delimiter and decimal sign."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from monitor.adapters.feeds.body import Unreadable, read_text
from monitor.adapters.feeds.cells import Cell
from monitor.adapters.feeds.numbers import shown
from monitor.adapters.feeds.rows import Answer, Frame, Row, failed
from monitor.config.spec import AsOf, Column, FeedSpec
from monitor.model.reading import Collected
from monitor.model.text import clean, fold

MAX_COLUMNS = 1_000
MAX_ROWS = 100_000
_NAMED = 8  # headers that a sentence lists


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
        header = _header(records)
        table = _Table(spec, header, answer)
        for count, record in enumerate(records, start=1):
            if count > MAX_ROWS:
                raise Unreadable(f"more than {MAX_ROWS} rows")
            table.take(record)
    except Unreadable as error:
        return failed(spec, now, str(error))
    if answer.has_rows:
        answer.refuse_silent(table.columns)
    return answer.collected()


def _records(text: str, delimiter: str) -> Iterator[_Record]:
    """Records with at least one cell filled in; a broken one carries its problem."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield _Record(line, (), _problem(str(error)))
        else:
            if any(cell and not cell.isspace() for cell in cells):
                yield _Record(line, cells)


def _problem(error: str) -> str:
    if "unexpected end" in error:
        return "a quotation mark opened here is never closed; the rest of the file is inside it"
    if "field limit" in error:
        return f"a cell is longer than {csv.field_size_limit()} characters"
    return f"not CSV: {error}"


def _header(records: Iterator[_Record]) -> _Record:
    header = next(records, _Record(1, (), "no header: the file is empty"))
    if header.problem:
        raise Unreadable(f"line {header.line}: {header.problem}")
    if len(header.cells) > MAX_COLUMNS:
        raise Unreadable(f"{len(header.cells)} columns are more than {MAX_COLUMNS}")
    return header


class _Table:
    """The rows under one header."""

    def __init__(self, spec: FeedSpec, header: _Record, answer: Answer) -> None:
        self._answer = answer
        self._width = len(header.cells)
        self._header = header
        self._places = _places(header.cells)
        self._unit = self._needed(spec.unit)
        self._date = self._needed(spec.as_of_field) if spec.as_of is AsOf.FIELD else None
        self.columns = tuple(column for column in spec.columns if self._has(column))

    def take(self, record: _Record) -> None:
        """Read one record."""
        place = f"line {record.line}"
        cells = record.cells
        if record.problem:
            self._answer.refuse(place, "bad-line", record.problem)
            return
        if len(cells) < self._width or any(not cell.isspace() for cell in cells[self._width :] if cell):
            self._answer.refuse(place, "bad-row", f"{len(cells)} cells under {self._width} headers")
            return
        unit = self._answer.unit(place, cells[self._unit])
        if unit is None:
            return
        as_of = self._answer.moment(place, None if self._date is None else cells[self._date])
        if as_of is not None:
            row = tuple(self._cell(column, cells) for column in self.columns)
            self._answer.add(Row(place, unit, as_of, row))

    def _cell(self, column: Column, cells: Sequence[str]) -> Cell:
        found = [cells[self._places[fold(name)]] if name else None for name in _names(column)]
        return Cell(column, *found)

    def _needed(self, name: str) -> int:
        problem = self._problem(name)
        if problem:
            raise Unreadable(f"line {self._header.line}: {problem}")
        return self._places[fold(name)]

    def _has(self, column: Column) -> bool:
        problems = [problem for name in _names(column) if name and (problem := self._problem(name))]
        for problem in problems:
            self._answer.refuse(f"line {self._header.line}", "missing", f"{column.indicator}: {problem}")
        return not problems

    def _problem(self, name: str) -> str:
        place = self._places.get(fold(name))
        if place is not None:
            return f"the header {shown(name)} stands twice" if place < 0 else ""
        near = get_close_matches(fold(name), self._places, n=1)
        if near:
            return f"no column {shown(name)}; did you mean {shown(self._header.cells[self._places[near[0]]])}?"
        listed = ", ".join(shown(cell) for cell in self._header.cells[:_NAMED])
        return f"no column {shown(name)}; there are {self._width}: {listed}"


def _places(header: Sequence[str]) -> dict[str, int]:
    """Column number by folded header; -1 for one that stands twice."""
    places: dict[str, int] = {}
    for number, cell in enumerate(header):
        key = fold(clean(cell))
        if key:
            places[key] = -1 if key in places else number
    return places


def _names(column: Column) -> tuple[str, str, str]:
    return column.value, column.numerator, column.denominator
