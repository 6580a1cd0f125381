"""Working time: which days are worked, when a local day begins, how long an office was open between two instants."""

from __future__ import annotations

import re
from bisect import bisect_left
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from monitor.model.text import clean

_DAY = timedelta(days=1)
_SATURDAY = 5
_DAY_ALONE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_REMEMBERED = 4096  # local instants whose UTC is kept: ten years of midnights
_YEARS = range(1900, 3000)  # that people may name: a span from others could lead out of the calendar
_HORIZON = 400  # days searched for the next session: longer than any closure between two Tets

Session = tuple[time, time]  # from, to in local time; "to" 00:00 means the end of the day


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working days of one place: Monday to Friday without `off`, and `worked` days whatever their weekday.

    Raises ValueError if a day is both off and worked.
    """

    off: frozenset[date]  # holidays and bridge days
    worked: frozenset[date]  # days worked to make up for a bridge day
    zone: ZoneInfo
    _lost: tuple[date, ...] = field(init=False, repr=False, compare=False)  # weekdays not worked
    _gained: tuple[date, ...] = field(init=False, repr=False, compare=False)  # weekend days worked
    _asked: list[tuple[datetime, datetime, date]] = field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if both := self.off & self.worked:
            raise ValueError(f"days both off and worked: {', '.join(map(str, sorted(both)))}")
        object.__setattr__(self, "_lost", tuple(sorted(day for day in self.off if day.weekday() < _SATURDAY)))
        object.__setattr__(self, "_gained", tuple(sorted(day for day in self.worked if day.weekday() >= _SATURDAY)))

    def is_working(self, day: date) -> bool:
        """Whether the office works on this day."""
        return day in self.worked or (day.weekday() < _SATURDAY and day not in self.off)

    def working_days_between(self, start: date, end: date) -> int:
        """Working days from `start` (counted) to `end` (not counted); 0 if `end` is not after `start`.

        `end` is thus the date of a deadline "before": from 2025-08-06, "before 2025-08-20" leaves 10.
        """
        if end <= start:
            return 0
        return _weekdays(start, end) - _count(self._lost, start, end) + _count(self._gained, start, end)

    def add_working_days(self, day: date, n: int) -> date:
        """The n-th working day after `day`, or before it if `n` is negative.

        With n = 0: `day` itself, or the next working day. Raises OverflowError beyond the years 1 to 9999.
        """
        if n == 0:
            return day if self.is_working(day) else self.add_working_days(day, 1)
        step, left = (_DAY, n) if n > 0 else (-_DAY, -n)
        while left:
            day += step
            left -= self.is_working(day)
        return day

    def local(self, now: datetime) -> datetime:
        """The instant on the local clock. Raises ValueError for a datetime without zone."""
        return _aware(now).astimezone(self.zone)

    def day(self, now: datetime) -> date:
        """The local day of an instant. Raises ValueError for a datetime without zone."""
        _aware(now)
        for start, end, day in self._asked:  # the answer before: nearly all ask about today
            if start <= now < end:
                return day
        day = self.local(now).date()
        self._asked[:] = [(self.start_of_day(day), self.start_of_day(day + _DAY), day)]
        return day

    def tomorrow(self, now: datetime) -> datetime:
        """First instant of the next local day, in UTC. Raises ValueError for a datetime without zone."""
        return self.start_of_day(self.day(now) + _DAY)

    def start_of_day(self, day: date) -> datetime:
        """First instant of the local day, in UTC. A day that a zone skipped starts where the next one does."""
        return first_instant(datetime.combine(day, time.min), self.zone)


@dataclass(frozen=True, slots=True)
class Sessions:
    """Office hours over a calendar: per weekday (Monday first) the sessions in which the office is open.

    A day `off` has no session; a `worked` day has those of the first weekday that has any. A weekend day with sessions
    of its own is open although it is no working day. Raises ValueError for sessions that are empty, overlap or are out
    of order.
    """

    calendar: Calendar
    weekly: tuple[tuple[Session, ...], ...]

    def __post_init__(self) -> None:
        if len(self.weekly) != 7 or not any(self.weekly):
            raise ValueError("office hours need seven weekdays and at least one session")
        for sessions in self.weekly:
            _refuse_disorder(sessions)

    def on(self, day: date) -> tuple[Session, ...]:
        """The sessions of this day, in local time."""
        if day in self.calendar.off:
            return ()
        if day in self.calendar.worked:
            return next(sessions for sessions in self.weekly if sessions)
        return self.weekly[day.weekday()]

    def working_minutes(self, start: datetime, end: datetime) -> int:
        """Whole minutes of office time from `start` to `end`; 0 if `end` is not after `start`."""
        start, end = _aware(start).astimezone(UTC), _aware(end).astimezone(UTC)
        if end <= start:
            return 0
        first, last = self.calendar.local(start).date(), self.calendar.local(end).date()
        open_time = timedelta()
        for opens, closes in self._spans(first, (last - first).days + 1):
            open_time += max(min(closes, end) - max(opens, start), timedelta())
        return open_time // timedelta(minutes=1)

    def next_working_instant(self, now: datetime) -> datetime | None:
        """`now` if the office is open, otherwise when it opens next, in UTC; None if not within 400 days."""
        now = _aware(now).astimezone(UTC)
        for opens, closes in self._spans(self.calendar.local(now).date(), _HORIZON):
            if now < closes:
                return max(opens, now)
        return None

    def between(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Sessions that touch [start, end), in order, uncut by those bounds; in UTC."""
        first, last = self.calendar.local(start).date(), self.calendar.local(end).date()
        return (span for span in self._spans(first, (last - first).days + 1) if span[0] < end and span[1] > start)

    def _spans(self, first: date, days: int) -> Iterator[tuple[datetime, datetime]]:
        # A fold can carry the evening of the day before into today: begin one day early.
        for offset in range(-1, days):
            day = first + offset * _DAY
            for opens, closes in self.on(day):
                closing_day = day if closes > time.min else day + _DAY
                span = (self._instant(day, opens), self._instant(closing_day, closes))
                if span[0] < span[1]:
                    yield span

    def _instant(self, day: date, at: time) -> datetime:
        return first_instant(datetime.combine(day, at), self.calendar.zone)


@dataclass(frozen=True, slots=True)
class Daily:
    """The same hours of every local day; those that end at or before they start end on the next day."""

    starts: time
    ends: time

    def end_of(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """When the hours that run at `now` are over, in UTC; None outside them."""
        return next((ends for starts, ends in self._spans(now, zone) if starts <= now < ends), None)

    def next_in(self, now: datetime, zone: ZoneInfo) -> datetime:
        """`now` within the hours, otherwise their next start, in UTC."""
        return next(max(starts, now) for starts, ends in self._spans(now, zone) if now < ends)

    def _spans(self, now: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
        # One day back for hours over midnight; hours that a change of the clock swallowed are left out.
        today = _aware(now).astimezone(zone).date()
        for day in (today + offset * _DAY for offset in range(-2, 4)):
            last = day if self.ends > self.starts else day + _DAY
            starts, ends = (
                first_instant(datetime.combine(*at), zone) for at in ((day, self.starts), (last, self.ends))
            )
            if starts < ends:
                yield starts, ends


def read_instant(text: str, zone: ZoneInfo, *, is_end: bool = False) -> datetime:
    """An instant that people typed, in UTC: ISO 8601, on the clocks of `zone` unless it carries an offset.

    A day alone is its first instant, or, where it `is_end`, counted in full. Raises ValueError, also for
    the years before 1900 and after 2999.
    """
    try:
        if int(text[:4]) not in _YEARS:
            raise ValueError
        if _DAY_ALONE.fullmatch(text):
            day = date.fromisoformat(text) + timedelta(days=is_end)
            return first_instant(datetime.combine(day, time.min), zone)
        said = datetime.fromisoformat(text)
        return said.astimezone(UTC) if said.tzinfo else first_instant(said, zone)
    except (ValueError, OverflowError):
        raise ValueError(f"{clean(text, 40)!r} is no instant; write 2026-11-28T22:00 or 2026-11-28") from None


@lru_cache(_REMEMBERED)  # a pure function, asked for the same midnights by every rule with a date
def first_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant, in UTC, at which local clocks show `wall` (without zone) or later.

    A time that clocks show twice is its first occurrence; one that they skip is the end of the gap.
    """
    late = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if _wall(late, zone) == wall:
        return late
    return _end_of_gap(wall.replace(microsecond=0), zone)


def _end_of_gap(wall: datetime, zone: ZoneInfo) -> datetime:
    # Read with the offset after the gap a skipped time lies before the gap's end, with the one before, at or after it.
    early, late = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (1, 0))
    while late - early > timedelta(seconds=1):
        middle = early + timedelta(seconds=(late - early) // timedelta(seconds=2))
        early, late = (early, middle) if _wall(middle, zone) >= wall else (middle, late)
    return late


@dataclass(frozen=True, slots=True)
class WorkingTimes:
    """Local times of working days, such as 07:30 and 16:30."""

    at: tuple[time, ...]  # in their order

    def last_before(self, at: datetime, calendar: Calendar) -> datetime:
        """The last of them before an instant, in UTC; a day before it where no working day is found in a year."""
        return next(self._instants(at, calendar, -1), at - _DAY)

    def first_after(self, at: datetime, calendar: Calendar) -> datetime | None:
        """The first of them after an instant, in UTC; None where no working day is found in a year."""
        return next(self._instants(at, calendar, +1), None)

    def _instants(self, at: datetime, calendar: Calendar, way: int) -> Iterator[datetime]:
        today = calendar.local(at).date()
        for day in (today + way * off * _DAY for off in range(_HORIZON)):
            for clock in self.at[::way] if calendar.is_working(day) else ():
                owed = first_instant(datetime.combine(day, clock), calendar.zone)
                if (owed > at) if way > 0 else (owed < at):
                    yield owed


def end_of_month(day: date) -> date:
    """Last day of the month of `day`."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def end_of_quarter(day: date) -> date:
    """Last day of the calendar quarter of `day`."""
    return end_of_month(day.replace(month=(day.month + 2) // 3 * 3, day=1))


def end_of_year(day: date) -> date:
    """Last day of the year of `day`."""
    return date(day.year, 12, 31)


def _wall(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError(f"an instant needs a time zone: {instant.isoformat()}")
    return instant


def _weekdays(start: date, end: date) -> int:
    weeks, rest = divmod((end - start).days, 7)
    until = start.weekday() + rest  # of the days that make no whole week; from 7 on they lie in the next one
    return 5 * weeks + min(until, _SATURDAY) - min(start.weekday(), _SATURDAY) + max(until - 7, 0)


def _count(days: tuple[date, ...], start: date, end: date) -> int:
    return bisect_left(days, end) - bisect_left(days, start)


def _refuse_disorder(sessions: tuple[Session, ...]) -> None:
    closed = time.min
    for number, (opens, closes) in enumerate(sessions):
        unbounded = closes == time.min
        if (not unbounded and closes <= opens) or opens < closed or (unbounded and number < len(sessions) - 1):
            raise ValueError(f"office hours {opens:%H:%M}-{closes:%H:%M} are empty, overlap or are out of order")
        closed = closes
