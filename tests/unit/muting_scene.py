"""Silences and windows for the tests, each in one line."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from monitor.model.matcher import parse_matchers
from monitor.model.muting import Muting, Repeat, Silence, Window
from monitor.model.recurrence import parse_recurrence

ZONE = "Asia/Ho_Chi_Minh"


def silence(starts: datetime, ends: datetime, *matchers: str, name: str = "S-ONE") -> Silence:
    return Silence(name, parse_matchers(matchers or ("unit=*",)), starts, ends, "an", "thay thiết bị", starts)


def window(starts: datetime, ends: datetime, *matchers: str, name: str = "M-ONE") -> Window:
    return Window(name, parse_matchers(matchers or ("unit=*",)), starts, ends, "an", "nâng cấp", starts)


def series(
    starts: datetime, ends: datetime, days: str, at: str, hours: float, *matchers: str, zone: str = ZONE
) -> Window:
    repeat = Repeat(parse_recurrence(days), time.fromisoformat(at), timedelta(hours=hours).total_seconds(), zone)
    return Window("M-AGAIN", parse_matchers(matchers or ("unit=*",)), starts, ends, "an", "sao lưu", starts, repeat)


def muting(*what: Silence | Window) -> Muting:
    return Muting(
        tuple(one for one in what if isinstance(one, Silence)), tuple(one for one in what if isinstance(one, Window))
    )
