"""The working calendar and the office hours of a site."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

from monitor.config.findings import Findings
from monitor.config.folders import Folders
from monitor.config.models import OfficeHours, SiteFile
from monitor.model.hours import Calendar, Session, Sessions
from monitor.registry.calendar import vietnam_calendar

_FIRST_YEAR = 2024  # reports look back to the year before the reform
_YEARS_AHEAD = 6  # targets reach to 2030
_ALWAYS: tuple[Session, ...] = ((time.min, time.min),)


def build_sessions(file: SiteFile, folders: Folders, now: datetime, findings: Findings) -> Sessions:
    """Office hours over the calendar of the years around `now`. Mistakes go to `findings`."""
    calendar = _calendar(file, folders, now, findings)
    weekly = _weekly(file.office_hours)
    found = findings.attempt(("office_hours",), "", lambda: Sessions(calendar, weekly))
    return found or Sessions(calendar, (_ALWAYS,) * 7)


def _weekly(hours: OfficeHours) -> tuple[tuple[Session, ...], ...]:
    days = [hours.weekdays] * 5 + [hours.saturday, hours.sunday]
    return tuple(tuple(_session(text) for text in day) for day in days)


def _session(text: str) -> Session:
    opens, closes = (time.fromisoformat(part) for part in text.split("-"))
    return opens, closes


def _calendar(file: SiteFile, folders: Folders, now: datetime, findings: Findings) -> Calendar:
    zone = ZoneInfo(file.time_zone)
    path = folders.place(file.calendar) if file.calendar else None
    if path is not None and not path.is_file():
        findings.add(("calendar",), f"there is no file {file.calendar}")
        path = None
    office = vietnam_calendar(path, range(_FIRST_YEAR, now.astimezone(zone).year + _YEARS_AHEAD), zone)
    for sentence in office.problems:
        findings.borrow(sentence, folders.home(file.calendar or ""))
    return office.calendar
