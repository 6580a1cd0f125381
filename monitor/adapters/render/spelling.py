"""How people read a value: Vietnamese numbers and dates, words for colours. Data formats stay plain."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from monitor.engine.explain import limit_text, number
from monitor.model.colour import Colour
from monitor.reporting.report import Cell, Column, Sort, Words, colour_words

_MISSING = "–"


def spelt(cell: Cell, column: Column, zone: ZoneInfo) -> str:
    """A cell as text for people, in one line."""
    if cell is None:
        return _MISSING
    if isinstance(cell, (Colour, tuple, bool)):
        return both(worded(cell))
    if isinstance(cell, (date, datetime)):
        return day_and_time(cell, zone)
    if isinstance(cell, str):
        return limit_text(cell, "vi") if column.sort is Sort.LIMIT else in_words(cell, column)
    return _figure(cell, column)


def in_words(code: str, column: Column) -> str:
    """A machine word by what people call it, where its column has such words; else as it is."""
    return both(column.words.get(code, (code, code)))


def worded(cell: Colour | Words | bool) -> Words:
    """What has a name in both languages: a colour, yes and no, or a pair of words as it is."""
    if isinstance(cell, Colour):
        return colour_words(cell)
    if isinstance(cell, bool):
        return ("có", "yes") if cell else ("không", "no")
    return cell


def _figure(cell: float, column: Column) -> str:
    if column.sort is Sort.SECONDS:
        return span_text(cell)
    if column.id == "change":
        return f"{cell:+d}" if isinstance(cell, int) and cell else "="
    text = number(cell, "vi", column.digits, fixed=column.fixed)
    return f"{text} %" if column.sort is Sort.PERCENT else text


def both(words: Words) -> str:
    """Vietnamese / English; once where they are equal."""
    return words[0] if words[0] == words[1] else f"{words[0]} / {words[1]}"


def day_and_time(at: date | datetime, zone: ZoneInfo) -> str:
    """19/08/2025, or 19/08/2025 16:30 on the clock of the report."""
    return f"{at.astimezone(zone):%d/%m/%Y %H:%M}" if isinstance(at, datetime) else f"{at:%d/%m/%Y}"


def span_text(seconds: float) -> str:
    """Hours, minutes and seconds: 26:03:07."""
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}"


def plain(cell: Cell, zone: ZoneInfo) -> str | int | float | bool | list[str] | None:
    """A cell as data: ISO 8601 with the offset of the report's zone, colours by their word, both languages."""
    if isinstance(cell, Colour):
        return cell.value
    if isinstance(cell, datetime):
        return cell.astimezone(zone).isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, tuple):
        return list(cell)
    return cell
