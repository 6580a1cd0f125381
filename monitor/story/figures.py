"""What the story puts in: the figures of each day's report. Nothing here is judged.

Sourced (press report of 6 August 2025, plan 02-KH/BCĐTW): on that day 63 of the 92 communes were green and none red,
68.91 per cent of dossiers were filed online, the province was "ready"; the goals of 80 per cent before 20 August and of
all communes green before 25 August; the hour 16:00 is that of the national report.

Invented for the example: everything from 7 August on, and on 6 August which communes were the 29, their own rates, and
that the online rate was all they lacked. The public report names no commune; here a hash of its code chooses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from zoneinfo import ZoneInfo

from monitor.model.reading import Collected, Reading, Value

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
PROVINCE = "19"
SOURCE = "nq57"
START = datetime(2025, 8, 6, 0, 0, tzinfo=UTC)  # 07:00 in Thái Nguyên
END = datetime(2025, 8, 26, 10, 0, tzinfo=UTC)  # 17:00
REPORT_AT = time(16)
ONLINE, COMMUNE_ONLINE, SHARE = "online_submission_rate", "commune_online_submission_rate", "communes_green_share"

_FIRST, _LAST = date(2025, 8, 6), date(2025, 8, 26)
_SHORT, _STRAGGLERS = 29, 2  # communes not green on 6 August, and those of them that miss 25 August
_GOAL = 80.0  # per cent
_MISSING = (date(2025, 8, 12), date(2025, 8, 13))  # reports without the row of the silent commune
_CLIMB = tuple(date(2025, 8, day) for day in (7, 8, 11, 12, 13, 14, 15, 18, 19, 20, 21, 22))  # working days

# Per cent of the province's dossiers filed online, by day of August 2025; only the first one is a fact.
_PROVINCE_ONLINE = (
    68.91, 69.74, 70.66, 70.93, 71.12, 72.2, 73.31, 74.42, 75.38, 76.3, 76.52,
    76.71, 77.6, 78.45, 79.12, 79.7, 80.34, 80.52, 80.63, 81.05, 81.37,
)  # fmt: skip
_READY: dict[str, Value] = {  # the list that was due before 1 July; "ready" is read as: all of it is done
    "procs_published_rate": 100.0,
    "procs_synced_rate": 100.0,
    "centre_address_published": True,
    "hotline_published": True,
    "centre_equipped": True,
}
_READY_PROVINCE: dict[str, Value] = {
    "flows_forms_issued": True,
    "devolved_guidance_issued": True,
    "dc_cloud_ready": True,
}
INDICATORS = (ONLINE, *_READY, *_READY_PROVINCE)


@dataclass(frozen=True, slots=True)
class Path:
    """How one commune's online rate moves (per cent): on 6 August, and in the first report at its goal."""

    start: float
    reaches: date
    reached: float


class Figures:
    """The reports of a province with these communes: the same for the same codes, on every machine."""

    def __init__(self, communes: Sequence[str]) -> None:
        ranked = sorted(communes, key=_draw)
        self.silent = ranked[_SHORT]  # a green commune whose row is missing in two reports
        self._paths = {code: _at_goal(81 + 14 * _draw(code)) for code in communes}
        climbing = _SHORT - _STRAGGLERS
        for place, code in enumerate(ranked[:_SHORT]):
            reaches = _CLIMB[place * len(_CLIMB) // climbing] if place < climbing else _LAST
            start, above = 62 + 15 * _draw(code + "/start"), _draw(code + "/reached")
            self._paths[code] = Path(start, reaches, _GOAL + 0.1 + above)

    def report(self, now: datetime) -> Collected:
        """The report of the local day of `now`, as its source hands it over at `now`."""
        day = now.astimezone(ZONE).date()
        rows = {PROVINCE: {ONLINE: _PROVINCE_ONLINE[(day - _FIRST).days], **_READY, **_READY_PROVINCE}}
        rows |= {code: {ONLINE: _rate(path, day), **_READY} for code, path in self._paths.items()}
        if day in _MISSING:
            del rows[self.silent]
        readings = [
            Reading(unit, indicator, value, now, now, SOURCE)
            for unit, row in rows.items()
            for indicator, value in row.items()
        ]
        return Collected(SOURCE, now, tuple(readings))


def report_instants() -> tuple[datetime, ...]:
    """When the reports come, in UTC: every day, weekends too."""
    days = (_FIRST + timedelta(days=n) for n in range((_LAST - _FIRST).days + 1))
    return tuple(datetime.combine(day, REPORT_AT, ZONE).astimezone(UTC) for day in days)


def _rate(path: Path, day: date) -> float:
    """Per cent: an even climb over the working days to the goal, a slow one after it."""
    if day < path.reaches:
        done, whole = (_working_days(until) for until in (day, path.reaches))
        return round(min(path.start + (_GOAL - path.start) * done / whole, _GOAL - 0.3), 1)
    return round(path.reached + 0.15 * (day - path.reaches).days, 1)


def _at_goal(rate: float) -> Path:
    return Path(rate, _FIRST, rate)


def _working_days(until: date) -> int:
    return sum((_FIRST + timedelta(days=n)).weekday() < 5 for n in range(1, (until - _FIRST).days + 1))


def _draw(text: str) -> float:
    """A number in [0, 1) that depends on the text only."""
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest()) / 2**32
