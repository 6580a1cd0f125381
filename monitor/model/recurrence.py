"""Days on which something comes again, in local time: `day`, `mon,thu`, `1,15`, `last`, `2nd sun`, `last fri`."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NTH = {"1st": 1, "2nd": 2, "3rd": 3, "4th": 4, "last": -1}
_WORDS = {number: word for word, number in _NTH.items()}
_NUMBER = re.compile(r"[1-9][0-9]?", re.ASCII)
_LAST_DAY = -1


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Days on which any part matches; with no part at all every day does."""

    weekdays: frozenset[int] = frozenset()  # 0 is Monday
    month_days: frozenset[int] = frozenset()  # 1 to 31; -1 is the last one. A month without a 31st has none
    nth: frozenset[tuple[int, int]] = frozenset()  # (1 to 4, or -1 for the last; weekday)

    def falls_on(self, day: date) -> bool:
        """Whether a local day is one of them."""
        if not (self.weekdays or self.month_days or self.nth):
            return True
        length = monthrange(day.year, day.month)[1]
        return (
            day.weekday() in self.weekdays
            or day.day in self.month_days
            or (day.day == length and _LAST_DAY in self.month_days)
            or ((day.day - 1) // 7 + 1, day.weekday()) in self.nth
            or (day.day > length - 7 and (-1, day.weekday()) in self.nth)
        )

    def __str__(self) -> str:
        nth = (f"{_WORDS[number]} {WEEKDAYS[weekday]}" for number, weekday in sorted(self.nth))
        days = ("last" if day == _LAST_DAY else str(day) for day in sorted(self.month_days, key=lambda d: d % 32))
        return ",".join((*(WEEKDAYS[day] for day in sorted(self.weekdays)), *days, *nth)) or "day"


def parse_recurrence(text: str) -> Recurrence:
    """The days from words joined by commas. Raises ValueError with a sentence that says what would be right."""
    words = [" ".join(word.split()).lower() for word in text.split(",")]
    if words == ["day"]:
        return Recurrence()
    weekdays: set[int] = set()
    month_days: set[int] = set()
    nth: set[tuple[int, int]] = set()
    for word in words:
        number, _, name = word.partition(" ")
        if word in WEEKDAYS:
            weekdays.add(WEEKDAYS.index(word))
        elif word == "last":
            month_days.add(_LAST_DAY)
        elif _NUMBER.fullmatch(word) and int(word) <= 31:
            month_days.add(int(word))
        elif number in _NTH and name in WEEKDAYS:
            nth.add((_NTH[number], WEEKDAYS.index(name)))
        else:
            raise ValueError(
                f"{word[:40]!r} names no day; write day, or of mon to sun, 1 to 31, last, '2nd sun', 'last fri', "
                "joined by commas"
            )
    return Recurrence(frozenset(weekdays), frozenset(month_days), frozenset(nth))
