"""What every kind of feed does with its rows: whose they are, when they are from, whether they are believed.

A row that is not believed is refused with its place and a reason; the good rows of the same answer count. Two rows of
one unit and one day that contradict each other are both refused: nobody knows which is right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from functools import cache

from monitor.adapters.feeds.cells import Cell, is_blank, read_cell
from monitor.adapters.feeds.moments import default_moment, read_moment
from monitor.adapters.feeds.numbers import Unfit, shown
from monitor.config.spec import AsOf, Column, FeedSpec
from monitor.engine.book import Indicator
from monitor.engine.evidence import FUTURE_TOLERANCE
from monitor.engine.hygiene import bounded
from monitor.model.hours import Calendar
from monitor.model.reading import MAX_REJECTED, Collected, Reading, Rejected, Shape
from monitor.model.text import clean, fold
from monitor.registry import Ambiguous, Found, Names, NotFound, foreign_code, load_registry
from monitor.registry.records import Former, sentence

MAX_NAMES = 500  # names that are not found, of which the nearest are looked for
_MAX_GUESSES = 5  # looking for the nearest of 3,321 codes takes milliseconds
_SENTENCE = 300  # characters
_SHOWN = 60  # characters of a foreign text that is kept
_MAX_HEADERS = 200  # names by which a changed answer is noticed
_FIRST_YEAR = 2000  # what claims to be older is an empty date field: 1900, 1970


@dataclass(frozen=True, slots=True)
class Frame:
    """What a site knows and a row is held against."""

    calendar: Calendar
    indicators: Mapping[str, Indicator]
    units: frozenset[str]  # codes of the units that may stand in the feed
    written: datetime | None = None  # when what is read was written, where that is known; else it is as new as the poll
    ended: Mapping[str, date] = field(default_factory=dict)  # first day on which a unit of the site is no longer there


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a known unit at a credible moment. `series` keeps apart what cannot contradict (metric names)."""

    place: str  # "line 17"
    unit: str
    as_of: datetime
    cells: tuple[Cell, ...]
    series: str = ""


def failed(spec: FeedSpec, now: datetime, why: str, stage: str = "read") -> Collected:
    """Nothing of the answer can be used; `stage` is "fetch" when nothing came, "read" when it cannot be read."""
    return Collected(spec.id, now, failure=clean(f"feed {spec.id}: {why}", _SENTENCE), stage=stage)


class Answer:
    """The rows of one answer, taken in one by one; `collected` is the outcome."""

    def __init__(self, spec: FeedSpec, frame: Frame, now: datetime) -> None:
        self._spec = spec
        self._frame = frame
        self._now = now
        self._default = default_moment(spec.as_of, frame.written or now, frame.calendar)
        self._codes = spec.mapping or {code: code for code in frame.units}
        self._rows: dict[tuple[str, str, date], list[Row]] = {}
        self._refused: list[Rejected] = []
        self._counts: Counter[str] = Counter()
        self._seen: set[str] = set()  # units with a row, and places of rows that name none
        self._headers: tuple[str, ...] = ()
        self._places: dict[tuple[str, str, datetime], str] = {}
        self._named = ("", "")  # place and unit of the row that is being read
        self._names: set[str] = set()  # of units, as the rows say them and by their own codes
        self._guesses = 0
        self._spoken: set[str] = set()  # indicators of which at least one row said something

    def refuse(
        self, place: str, reason: str, detail: str, *, unit: object = "", column: str = "", cell: object = None
    ) -> None:
        """Count a refused row, and keep it while there is room; `unit` and `cell` as they stand there."""
        self._counts[reason] += 1
        if len(self._refused) < MAX_REJECTED:
            whose = unit or (self._named[1] if self._named[0] == place else "")
            said = (clean(detail, _SENTENCE), _line(whose), column, _line(cell))
            self._refused.append(Rejected(self._spec.id, place, reason, *said))

    def saw(self, headers: Iterable[str]) -> None:
        """Note the names by which the answer parts its values; a later answer with others has changed its shape."""
        found = dict.fromkeys(filter(None, (_line(header) for header in (*self._headers, *headers))))
        self._headers = tuple(found)[:_MAX_HEADERS]

    def unit(self, place: str, raw: object) -> str | None:
        """The unit a row names, or None after refusing the row."""
        unit = self._unit(place, raw)
        self._seen.add(unit or place)
        self._names.update((_line(raw), *([unit] if unit else [])))
        self._named = (place, unit or "")
        return unit

    def _unit(self, place: str, raw: object) -> str | None:
        if isinstance(raw, Unfit):
            self.refuse(place, raw.reason, f"the unit: {raw.detail}")
            return None
        if is_blank(raw) or isinstance(raw, (bool, float)) or not isinstance(raw, (str, int)):
            self.refuse(place, "missing", f"the row names no unit under '{self._spec.unit}'", unit=raw)
            return None
        names = self._spec.names
        unit = self._by_code(place, str(raw)) if names is None else self._by_name(place, str(raw), names)
        ended = None if unit is None else self._frame.ended.get(unit)
        if ended is not None and ended <= self._frame.calendar.local(self._now).date():
            self.refuse(place, "former-unit", f"{shown(unit)} is no unit of this site since {ended}", unit=raw)
            return None
        return unit

    def _by_code(self, place: str, raw: str) -> str | None:
        unit = self._codes.get(foreign_code(raw))
        if unit is None or unit not in self._frame.units:
            code = clean(raw)
            if became := _former(code):
                self.refuse(place, "former-unit", became, unit=code)
            else:
                said = f"no unit has the code {shown(code)}{self._guess(code)}"
                self.refuse(place, "unknown-unit", said, unit=code)
            return None
        return unit

    def _by_name(self, place: str, name: str, names: Names) -> str | None:
        self._guesses += 1
        match = names.find(clean(name, 120)) if self._guesses <= MAX_NAMES else NotFound(clean(name, 60))
        if not isinstance(match, Found):
            reason = "ambiguous-unit" if isinstance(match, Ambiguous) else "unknown-unit"
            self.refuse(place, reason, sentence(match), unit=name)
        elif match.place.code not in self._frame.units:
            said = f"{match.place.name_vi} ({match.place.code}) is not in this site"
            self.refuse(place, "unknown-unit", said, unit=name)
        else:
            self._guesses -= 1  # a name that is found costs nothing
            return match.place.code
        return None

    def moment(self, place: str, raw: object, stamp: datetime | None = None) -> datetime | None:
        """When a row is from, or None after refusing it. `stamp` is a claim that every kind of `as_of` believes."""
        as_of: datetime | None = stamp or self._default
        if stamp is None and self._spec.as_of is AsOf.FIELD:
            if is_blank(raw):
                self.refuse(place, "missing", f"the row states no date under '{self._spec.as_of_field}'")
                return None
            as_of = None if isinstance(raw, Unfit) else read_moment(raw, self._frame.calendar)
        if as_of is None or as_of.year < _FIRST_YEAR:
            said = raw.detail if isinstance(raw, Unfit) else f"{shown(stamp or raw)} is not a credible date"
            bare = isinstance(raw, Unfit) and raw.reason == "not-computed"
            self.refuse(place, "not-computed" if bare else "bad-row", f"the date: {said}")
            return None
        if as_of - self._now > timedelta(seconds=FUTURE_TOLERANCE):
            ahead = int((as_of - self._now).total_seconds())
            local = self._frame.calendar.local(self._now)
            self.refuse(place, "future", f"dated {_at(as_of, local)}, {ahead} s after our clock")
            return None
        return as_of

    def add(self, row: Row) -> None:
        """Take a row in; it is judged with the others of its unit and local day when all are there."""
        day = self._frame.calendar.local(row.as_of).date()
        rows = self._rows.setdefault((row.unit, row.series, day), [])
        if len(rows) > MAX_REJECTED:  # they contradict each other, and as many are kept as are told
            self._counts["duplicate"] += 1
        elif rows and rows[-1].cells == row.cells:
            rows[-1] = max(rows[-1], row, key=lambda one: one.as_of)
        else:
            rows.append(row)
        self._spoken.update(cell.column.indicator for cell in row.cells if not is_blank(cell.value))

    def refuse_silent(self, columns: Iterable[Column]) -> None:
        """Name the columns about which no row said anything: they may have been renamed over there."""
        for column in columns:
            if column.indicator not in self._spoken:
                said = f"{column.indicator}: nothing stands under {shown(column.value)} anywhere"
                self.refuse("", "missing", said, column=column.indicator)

    @property
    def has_rows(self) -> bool:
        """Whether any row got as far as its values."""
        return bool(self._rows)

    def collected(self) -> Collected:
        """All believable values and the refused rows, at most MAX_REJECTED of them."""
        # Each is let go by itself: all of them in one piece would keep the other threads from their turn.
        readings = tuple(reading for key in list(self._rows) for reading in self._readings(self._rows.pop(key)))
        dated = None if self._spec.as_of is AsOf.FIELD else self._default
        shape = Shape(len(self._seen), self._headers, tuple(sorted(self._spoken)), dated=dated)
        return Collected(
            self._spec.id,
            self._now,
            readings,
            self._bounded(),
            refused=dict(self._counts),
            shape=shape,
            places=self._places,
            named=frozenset(self._names),
        )

    def _readings(self, rows: list[Row]) -> Iterable[Reading]:
        newest = max(rows, key=lambda row: row.as_of)
        if any(row.cells != newest.cells for row in rows):
            for row in rows:
                others = ", ".join(other.place for other in rows[:4] if other is not row) or "more than one place"
                said = f"unit {row.unit} stands also in {others}, with other values"
                self.refuse(row.place, "duplicate", said, unit=row.unit)
            return
        for cell in newest.cells:
            yield from self._reading(newest, cell)

    def _reading(self, row: Row, cell: Cell) -> Iterable[Reading]:
        name = cell.column.indicator
        stated = read_cell(cell, self._frame.indicators[name], self._spec.decimal)
        if isinstance(stated, Unfit):
            said, raw = f"unit {row.unit}, {name}: {stated.detail}", cell.raw
            self.refuse(row.place, stated.reason, said, unit=row.unit, column=name, cell=raw)
        elif stated is not None:
            if self._frame.indicators[name].rising:
                self._places[row.unit, name, row.as_of] = row.place
            yield Reading(
                unit=row.unit,
                indicator=name,
                value=stated.value,
                as_of=row.as_of,
                received_at=self._now,
                source=self._spec.id,
                comparator=stated.comparator,
                numerator=stated.numerator,
                denominator=stated.denominator,
            )

    def _guess(self, code: str) -> str:
        if alike := [known for known in (f"0{code}", f"00{code}") if known in self._codes]:
            return f": did you mean '{alike[0]}'? Spreadsheets lose leading zeros"
        self._guesses += 1
        near = get_close_matches(code, self._codes, n=1, cutoff=0.8) if self._guesses <= _MAX_GUESSES else []
        return f": did you mean '{near[0]}'?" if near else ""

    def _bounded(self) -> tuple[Rejected, ...]:
        return bounded(self._spec.id, self._refused, self._counts.total())


def _line(raw: object) -> str:
    """A foreign text as it is kept and shown: one short line."""
    return "" if raw is None or isinstance(raw, Unfit) else clean(str(raw)[: 4 * _SHOWN], _SHOWN)


@cache
def _former_names() -> Mapping[str, Former]:
    """Former units by the spellings of their names."""
    first_wins = reversed(load_registry().former)
    return {fold(name): one for one in first_wins for name in (one.name_ascii, one.name_vi)}


def _former(code: str) -> str:
    """What became of a unit of the registry that was merged away; empty for anything else."""
    registry = load_registry()
    former = registry.ceased(code) or _former_names().get(fold(code))
    successor = registry.get(former.successor) if former else None
    if former is None or successor is None or successor.bare_vi == former.name_vi:  # Tuyên Quang is still there
        return ""
    return f"{former.name_vi} became part of {successor.name_vi} ({successor.code}) on {former.valid_to}; send that one"


def _at(moment: datetime, local: datetime) -> str:
    try:
        return moment.astimezone(local.tzinfo).isoformat(timespec="seconds")
    except OverflowError:  # the last day of the year 9999
        return moment.isoformat(timespec="seconds")
