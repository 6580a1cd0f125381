"""Spans of time as people name them: a day, a month, a quarter; and the instants of the digest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

from monitor.model.hours import Calendar, WorkingTimes, read_instant
from monitor.model.muting import Span

SPAN = timedelta(days=30)  # of a report for which none is asked
NAMES = ("at", "from", "to", "day", "month", "quarter")  # what a span can be asked by
DIGESTS = WorkingTimes((time(7, 30), time(16, 30)))  # unless the site says others
_SECOND = timedelta(seconds=1)
_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_QUARTER = re.compile(r"(\d{4})-?Q([1-4])", re.ASCII | re.IGNORECASE)


def span_asked(said: Mapping[str, str], calendar: Calendar, now: datetime) -> Span:
    """The span that was asked for by `NAMES`, cut at now; 30 days up to `at`, or to now where nothing is said.

    `from` and `to` may be given alone; a day alone as `to` is counted in full. Raises ValueError with what is right.
    """
    named = [name for name in ("at", "day", "month", "quarter") if name in said]
    if len(named) + ("from" in said or "to" in said) > 1:
        raise ValueError("give one of at, day, month, quarter, or from with to")
    if named and named[0] != "at":
        span = {"day": day_span, "month": month_span, "quarter": quarter_span}[named[0]](said[named[0]], calendar)
    else:
        end = read_instant(said["at"], calendar.zone) if "at" in said else now
        end = read_instant(said["to"], calendar.zone, is_end=True) if "to" in said else end
        span = Span(read_instant(said["from"], calendar.zone) if "from" in said else end - SPAN, end)
    if span.starts >= now or ("at" in said and span.ends > now):
        raise ValueError("that time has not come yet")
    if span.ends <= span.starts:
        raise ValueError("the span ends before it begins; give a later end")
    return Span(span.starts, min(span.ends, now))


def told_at(said: Mapping[str, str], span: Span, now: datetime) -> datetime:
    """The instant of which states are told: the last second of a day, month or quarter that is over, not the next one.

    A goal "before 20 August" that was missed turns red at the first instant of the 20th; the report of the 19th does
    not know it.
    """
    whole = any(name in said for name in ("to", "day", "month", "quarter"))
    return span.ends - _SECOND if whole and span.ends < now else span.ends


def is_past(said: Mapping[str, str]) -> bool:
    """Whether something else was asked for than how it is now."""
    return any(name in said for name in NAMES if name != "from")


def day_span(text: str, calendar: Calendar) -> Span:
    """The local day 2025-08-06. Raises ValueError."""
    try:
        day = date.fromisoformat(text)
        return _days(day, day + timedelta(days=1), calendar)
    except (ValueError, OverflowError):
        raise ValueError(f"{text[:40]!r} is no day; write 2025-08-06") from None


def month_span(text: str, calendar: Calendar) -> Span:
    """The calendar month 2025-08. Raises ValueError."""
    found = _MONTH.fullmatch(text)
    if found is None or not 1 <= int(found[2]) <= 12 or not 1 <= int(found[1]) < 9999:
        raise ValueError(f"{text[:40]!r} is no month; write 2025-08")
    return _months(int(found[1]), int(found[2]), 1, calendar)


def quarter_span(text: str, calendar: Calendar) -> Span:
    """The calendar quarter 2025-Q3. Raises ValueError."""
    found = _QUARTER.fullmatch(text)
    if found is None or not 1 <= int(found[1]) < 9999:
        raise ValueError(f"{text[:40]!r} is no quarter; write 2025-Q3")
    return _months(int(found[1]), 3 * int(found[2]) - 2, 3, calendar)


def _months(year: int, month: int, number: int, calendar: Calendar) -> Span:
    after = month - 1 + number
    return _days(date(year, month, 1), date(year + after // 12, after % 12 + 1, 1), calendar)


def _days(first: date, after: date, calendar: Calendar) -> Span:
    return Span(calendar.start_of_day(first), calendar.start_of_day(after))
