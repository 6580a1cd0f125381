"""Vietnam's working calendar: computed holidays, overruled by the site's file of bridge and make-up days.

`holidays.csv` is what the library `holidays` computes (MIT; `written_anew` in tests/unit/test_calendar.py writes it).
Asked at each start, the library would import the calendars of 250 countries.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

from monitor.model.hours import Calendar
from monitor.model.text import clean

_KINDS = ("off", "work", "confirmed", "check")
_COLUMNS = ("date", "kind", "why", "status")
_LONGEST = 366  # days in one row: a slip in a year must not make a calendar of centuries


COMPUTED = frozenset(range(2020, 2061))  # years


@dataclass(frozen=True, slots=True)
class Override:
    """One row of the overrides file, both days included.

    `off` and `work` win over computed days; `confirmed` says that a year was checked and needs nothing more; `check`
    that it must still be checked.
    """

    first: date
    last: date
    kind: str
    why: str
    source: str  # file:line

    def days(self) -> Iterator[date]:
        """Every day of the row."""
        return (self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1))


@dataclass(frozen=True, slots=True)
class OfficeCalendar:
    """The calendar with what must be known about it."""

    calendar: Calendar
    years: frozenset[int]  # outside these only Saturday and Sunday are known
    overrides: tuple[Override, ...]
    problems: tuple[str, ...]  # rows or files that could not be used, as sentences with file:line

    def confirmed(self, year: int) -> bool:
        """Whether somebody has checked the swaps of this year."""
        rows = [row for row in self.overrides if row.first.year <= year <= row.last.year]
        return any(row.kind != "check" for row in rows) and not any(row.kind == "check" for row in rows)


def vietnam_calendar(overrides: Path | None, years: Iterable[int], zone: ZoneInfo) -> OfficeCalendar:
    """Working days of Vietnam in these years: what is computed, then the overrides file, which wins."""
    known = frozenset(years) & COMPUTED
    rows, problems = read_overrides(overrides) if overrides else ((), ())
    off, worked = ({day for day in days if day.year in known} for days in _computed())
    for row in rows:
        if row.kind in ("off", "work"):
            won, lost = (off, worked) if row.kind == "off" else (worked, off)
            won.update(row.days())
            lost.difference_update(row.days())
    return OfficeCalendar(Calendar(frozenset(off), frozenset(worked), zone), known, rows, problems)


@cache
def _computed() -> tuple[frozenset[date], frozenset[date]]:
    """Days off, and Saturdays or Sundays that are worked."""
    rows = list(csv.DictReader((files("monitor.registry") / "holidays.csv").read_text(encoding="utf-8").splitlines()))
    off, worked = ({date.fromisoformat(row["date"]) for row in rows if row["kind"] == kind} for kind in ("off", "work"))
    return frozenset(off), frozenset(worked)


def calendar_warnings(office: OfficeCalendar, now: datetime) -> list[str]:
    """Sentences for the operator: this or next year is outside the calendar, or its swaps are not confirmed."""
    this_year = office.calendar.local(now).year
    return [text for year in (this_year, this_year + 1) for text in _year_warnings(office, year)]


def _year_warnings(office: OfficeCalendar, year: int) -> Iterator[str]:
    if year not in office.years:
        yield f"the calendar does not cover {year}: its holidays count as working days"
    checks = [row for row in office.overrides if row.kind == "check" and row.first.year <= year <= row.last.year]
    yield from (f"{row.source}: working days of {year} are to be checked: {row.why}" for row in checks)
    if not checks and not office.confirmed(year):
        yield f"no confirmed bridge or make-up days for {year}: its working days are computed"


def read_overrides(path: Path) -> tuple[tuple[Override, ...], tuple[str, ...]]:
    """The usable rows of an overrides file, and a sentence for each thing that is not."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            if missing := [name for name in _COLUMNS[:2] if name not in (reader.fieldnames or ())]:
                return (), (f"{path}:1: column missing: {', '.join(missing)}",)
            answers = [_override(row, f"{path}:{reader.line_num}") for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        return (), (f"{path}: cannot be read: {error}",)
    rows = tuple(answer for answer in answers if isinstance(answer, Override))
    problems = tuple(answer for answer in answers if isinstance(answer, str))
    return rows, problems + tuple(_contradictions(rows))


def _override(row: dict[str, str | None], source: str) -> Override | str:
    cells = {name: clean(row.get(name) or "") for name in _COLUMNS}
    first, _, last = cells["date"].partition("..")
    try:
        span = date.fromisoformat(first), date.fromisoformat(last or first)
    except ValueError:
        return f"{source}: date {cells['date']!r} is neither a day (2026-01-02) nor a span (2026-01-02..2026-01-05)"
    if not 0 <= (span[1] - span[0]).days < _LONGEST:
        return f"{source}: span {cells['date']!r} ends before it begins or is longer than a year"
    if cells["kind"] not in _KINDS:
        return f"{source}: kind {cells['kind']!r} is not one of {', '.join(_KINDS)}"
    why = "; ".join(text for text in (cells["why"], cells["status"]) if text)
    return Override(*span, cells["kind"], why, source)


def _contradictions(rows: tuple[Override, ...]) -> Iterator[str]:
    seen: dict[date, Override] = {}
    for row in rows:
        for day in row.days() if row.kind in ("off", "work") else ():
            other = seen.get(day, row)
            if other.kind != row.kind:
                yield f"{row.source}: {day} is {row.kind!r} here and {other.kind!r} at {other.source}; this row counts"
            seen[day] = row
