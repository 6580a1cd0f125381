"""When a row's figures are from: the poll (or the file), the day of it, or a date that the row states."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time

from monitor.config.spec import AsOf
from monitor.model.hours import Calendar
from monitor.model.text import clean

_DAY_FIRST = re.compile(
    r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4})(?:[ T]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?)?", re.ASCII
)
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def default_moment(as_of: AsOf, now: datetime, calendar: Calendar) -> datetime:
    """What a row without a claim of its own is dated: `now`, or 00:00 of its local day."""
    if as_of is AsOf.DAY:
        return calendar.start_of_day(calendar.local(now).date())
    return now


def parts_of(now: datetime, calendar: Calendar) -> dict[str, int]:
    """What a question may name of the local day: `year`, `quarter`, `month`."""
    day = calendar.local(now).date()
    return {"year": day.year, "quarter": (day.month + 2) // 3, "month": day.month}


def read_moment(raw: object, calendar: Calendar) -> datetime | None:
    """Aware UTC; None for what is no date. Takes ISO 8601 and dd/mm/yyyy, each with or without a time.

    A day alone is its local beginning; a time without offset is a time of the site's zone.
    """
    if isinstance(raw, datetime):
        return raw.astimezone(UTC)
    if not isinstance(raw, str):
        return None
    try:
        return _read_text(clean(raw, 60), calendar)
    except (ValueError, OverflowError):
        return None


def _read_text(text: str, calendar: Calendar) -> datetime:
    day_first = _DAY_FIRST.fullmatch(text)
    if day_first is not None:
        day, _, month, year, hour, minute, second = day_first.groups()
        on = date(int(year), int(month), int(day))
        at = None if hour is None else time(int(hour), int(minute), int(second or 0))
        return calendar.start_of_day(on) if at is None else _in_zone(datetime.combine(on, at), calendar)
    if _ISO_DAY.fullmatch(text):
        return calendar.start_of_day(date.fromisoformat(text))
    return _in_zone(datetime.fromisoformat(text), calendar)


def _in_zone(moment: datetime, calendar: Calendar) -> datetime:
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=calendar.zone)).astimezone(UTC)
