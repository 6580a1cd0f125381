"""Tables of people: columns by their header, in whatever spelling the feed knows them. Shared by CSV and XLSX."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from monitor.adapters.feeds.body import Unreadable
from monitor.adapters.feeds.cells import Cell
from monitor.adapters.feeds.numbers import shown
from monitor.adapters.feeds.rows import Answer, Row
from monitor.config.spec import AsOf, Column, FeedSpec
from monitor.model.text import clean, fold

MAX_COLUMNS = 1_000
MAX_ROWS = 100_000
_NAMED = 8  # headers that a sentence lists
_TWICE = -1


class Table:
    """The rows under one header. Raises Unreadable when the header names no unit, or no date where one is needed.

    `missing` says by indicator why its column cannot be read, `columns` are the others. `unit_at` and `date_at` are
    the places of the unit and of the date, `width` is the number of `headers`.
    """

    def __init__(self, spec: FeedSpec, answer: Answer, headers: Sequence[str], *, apart: bool = False) -> None:
        self._answer = answer
        self._aliases = spec.aliases
        self.width = len(headers)
        self.headers = headers
        answer.saw(headers)
        self._places = _places(headers)
        self.unit_at = self._needed(spec.unit)
        self.date_at = self._needed(spec.as_of_field) if spec.as_of is AsOf.FIELD else None
        self._apart = apart  # columns of one unit may come from several tables, and contradict each other one by one
        self.missing = {column.indicator: said for column in spec.columns if (said := self._lacks(column))}
        self.columns = tuple(column for column in spec.columns if column.indicator not in self.missing)
        self._reads = tuple(
            (column, [self._find(name) if name else [] for name in _names(column)]) for column in self.columns
        )

    def take(self, place: str, cells: Sequence[object]) -> None:
        """Read one row, which has a cell for every header."""
        unit = self._answer.unit(place, cells[self.unit_at])
        if unit is None:
            return
        as_of = self._answer.moment(place, None if self.date_at is None else cells[self.date_at])
        if as_of is None:
            return
        found = tuple(Cell(column, *(cells[at[0]] if at else None for at in places)) for column, places in self._reads)
        if self._apart:
            for cell in found:
                self._answer.add(Row(place, unit, as_of, (cell,), cell.column.indicator))
        else:
            self._answer.add(Row(place, unit, as_of, found))

    def _needed(self, name: str) -> int:
        found = self._find(name)
        if len(found) != 1 or found[0] == _TWICE:
            raise Unreadable(self._problem(name, found))
        return found[0]

    def _lacks(self, column: Column) -> str:
        names = [(name, self._find(name)) for name in _names(column) if name]
        problems = (self._problem(name, found) for name, found in names)
        return next((problem for problem in problems if problem), "")

    def _find(self, name: str) -> list[int]:
        """Places of the columns under a name or one of its other spellings; one, if all is well."""
        spellings = dict.fromkeys(fold(spelling) for spelling in spellings_of(name, self._aliases))
        return [self._places[spelling] for spelling in spellings if spelling in self._places]

    def _problem(self, name: str, found: Sequence[int]) -> str:
        if _TWICE in found:
            return f"the header {shown(name)} stands twice"
        if len(found) > 1:
            both = " and ".join(shown(self.headers[place]) for place in found[:2])
            return f"the headers {both} both stand for {shown(name)}"
        if found:
            return ""
        if near := nearest_header(name, self.headers):
            return f"no column {shown(name)}; did you mean {shown(near)}?"
        listed = ", ".join(shown(header) for header in self.headers[:_NAMED])
        return f"no column {shown(name)}; there are {len(self.headers)}: {listed}"


def spellings_of(name: str, aliases: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """A header as the config names it, and the others that mean the same."""
    return (name, *aliases.get(name, ()))


def nearest_header(name: str, headers: Iterable[str]) -> str:
    """The header that a missing one may have become; empty if none is near."""
    known = {fold(header): header for header in headers}
    near = get_close_matches(fold(name), known, n=1)
    return known[near[0]] if near else ""


def _places(headers: Sequence[str]) -> dict[str, int]:
    """Column number by folded header; _TWICE for one that stands twice."""
    places: dict[str, int] = {}
    for number, cell in enumerate(headers):
        key = fold(clean(cell))
        if key:
            places[key] = _TWICE if key in places else number
    return places


def _names(column: Column) -> tuple[str, str, str]:
    return column.value, column.numerator, column.denominator
