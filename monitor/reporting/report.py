"""A report as a frozen value: what it says, whatever the format. `monitor.adapters.render` writes it down.

Everything is told twice, Vietnamese first. Values are plain and typed: per cent 0 to 100, spans in seconds, instants
aware; how a number or a date is spelt is the format's matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from monitor.model.colour import Colour
from monitor.model.muting import Span

Words = tuple[str, str]  # Vietnamese, English
Cell = str | int | float | bool | date | datetime | Colour | Words | None

_COLOURS: dict[Colour, Words] = {
    Colour.GREEN: ("xanh", "green"),
    Colour.YELLOW: ("vàng", "yellow"),
    Colour.RED: ("đỏ", "red"),
    Colour.UNKNOWN: ("chưa rõ", "unknown"),
    Colour.MAINTENANCE: ("bảo trì", "maintenance"),
    Colour.EXCLUDED: ("không tính", "excluded"),
}


def colour_words(colour: Colour) -> Words:
    """A colour by name: no report tells it by hue alone."""
    return _COLOURS[colour]


class Sort(StrEnum):
    """What a column holds: it decides how a cell is spelt and aligned."""

    TEXT = "text"
    CODE = "code"  # a text that looks like a number and is none: leading zeros stay
    WHOLE = "whole"
    NUMBER = "number"
    PERCENT = "percent"  # 0 to 100
    SECONDS = "seconds"  # a span
    INSTANT = "instant"
    LIMIT = "limit"  # of a rule, as it is written there: ">= 80"
    COLOUR = "colour"

    @property
    def right(self) -> bool:
        """Numbers stand at the right of their column."""
        return self in (Sort.WHOLE, Sort.NUMBER, Sort.PERCENT, Sort.SECONDS)


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `id` names it in JSON and CSV and never changes."""

    id: str
    title: Words
    sort: Sort = Sort.TEXT
    digits: int = 2  # after the decimal mark, where a person reads it
    data_only: bool = False  # left out where people read on paper, for paper is narrow
    fixed: bool = False  # with all its digits, so that numbers below one another can be compared: 76,50
    line: bool = False  # never broken into two lines
    words: Mapping[str, Words] = field(default_factory=dict)  # machine words as people say them; data keeps the codes


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under typed columns; a missing value is None and never a zero."""

    id: str
    title: Words
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: Words | None = None

    def for_people(self) -> Table:
        """The same without what is only for programs."""
        kept = [place for place, column in enumerate(self.columns) if not column.data_only]
        rows = tuple(tuple(row[place] for place in kept) for row in self.rows)
        return replace(self, columns=tuple(self.columns[place] for place in kept), rows=rows)


@dataclass(frozen=True, slots=True)
class Shares:
    """How many of each colour, as one bar."""

    title: Words
    parts: tuple[tuple[Colour, int], ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """One named value of a bar chart; None: not known."""

    label: str
    value: float | None
    colour: Colour = Colour.EXCLUDED  # excluded: no judgement is meant


@dataclass(frozen=True, slots=True)
class Bars:
    """Values one below the other, on a scale from `low` to `high`."""

    title: Words
    bars: tuple[Bar, ...]
    measure: str  # unit of measure, behind each number
    low: float
    high: float
    digits: int = 2  # after the decimal mark, and
    fixed: bool = False  # whether all of them: as in the column of the same values


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time of one colour."""

    starts: datetime
    ends: datetime
    colour: Colour


@dataclass(frozen=True, slots=True)
class Strips:
    """Colours over a span of time, one strip for each label."""

    title: Words
    span: Span
    strips: tuple[tuple[str, tuple[Stretch, ...]], ...]


Chart = Shares | Bars | Strips


@dataclass(frozen=True, slots=True)
class Report:
    """What is told at an instant, or of a span up to it."""

    kind: str  # digest, ranking, targets ...
    title: Words
    site: Words
    zone: ZoneInfo  # of all clocks in it
    at: datetime  # as of then; aware
    tables: tuple[Table, ...]
    span: Span | None = None
    paragraphs: tuple[Words, ...] = ()
    charts: tuple[Chart, ...] = ()
    empty: bool = False  # nothing was recorded of that time: it says so, and is no good news
    bad: bool = False  # somebody should look

    def table(self, name: str) -> Table:
        """One of its tables. Raises KeyError."""
        return {table.id: table for table in self.tables}[name]


def best_and_worst(rows: Iterable[Bar], most: int = 10) -> tuple[Bar, ...]:
    """The first and the last of rows in order of rank, where there are too many for a picture."""
    known = tuple(row for row in rows if row.value is not None)
    return known if len(known) <= 2 * most else (*known[:most], *known[-most:])
