"""Silences and windows from what people type: on the command line, in the API, on the board, in config.yaml.

Instants are ISO 8601, on the site's clock unless they carry an offset. A day alone is its first instant as a start, and
is counted in full as an end.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from monitor.model.hours import read_instant
from monitor.model.matcher import OF_UNITS, Field, Matcher, parse_matchers, unknown_name
from monitor.model.muting import Repeat, Silence, Window, identity, mistake
from monitor.model.recurrence import parse_recurrence
from monitor.model.text import clean
from monitor.model.unit import Units

LONGEST_COMMENT = 500  # characters
_CLOCK = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)


class Refused(ValueError):
    """An order that cannot be carried out: the field that is wrong, and a sentence that says what would be right."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field = field


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody asked for, as typed; empty or None: not given."""

    matchers: tuple[str, ...]
    comment: str
    starts: str = ""  # instant or day; now if it is not given
    seconds: float | None = None  # how long; of a recurring window each time
    until: str = ""  # instant or day; of a recurring window the end of all
    every: str = ""  # days, see monitor.model.recurrence
    at: str = ""  # clock time, HH:MM


def silence_of(order: Order, by: str, units: Units, causes: Collection[str], zone: ZoneInfo, now: datetime) -> Silence:
    """The silence. `causes` are those that incidents of the site can have. Raises Refused."""
    for field, given in (("every", order.every), ("at", order.at)):
        if given:
            raise Refused(field, "a silence does not come again; a maintenance window may")
    matchers = _matchers(order, frozenset(Field), units, causes)
    starts = _starts(order, zone, now)
    ends = _ends(order, starts, zone)
    made = Silence("", matchers, starts, ends, clean(by), _comment(order), now)
    _check(mistake(made, now), order)
    return replace(made, id=_name("S", made))


def window_of(order: Order, by: str, units: Units, zone: ZoneInfo, now: datetime, name: str = "") -> Window:
    """The maintenance window. One of the site has a name already, and may be over. Raises Refused."""
    matchers = _matchers(order, OF_UNITS, units)
    starts = _starts(order, zone, now)
    repeat = _repeat(order, zone)
    ends = _ends(order, starts, zone) if repeat is None else _instant("until", order.until, zone, is_end=True)
    created = min(now, starts) if name else now
    made = Window(name, matchers, starts, ends, clean(by), _comment(order), created, repeat)
    _check(mistake(made, created), order)
    return made if name else replace(made, id=_name("M", made))


def _matchers(
    order: Order, fields: frozenset[Field], units: Units, causes: Collection[str] = ()
) -> tuple[Matcher, ...]:
    try:
        made = parse_matchers(order.matchers, fields)
    except ValueError as wrong:
        raise Refused("matchers", str(wrong)) from None
    _refuse(unknown_name(made, units, causes), "matchers")
    return made


def _comment(order: Order) -> str:
    said = clean(order.comment, LONGEST_COMMENT)
    if not said:
        raise Refused("comment", "say why: who reads it later must understand it")
    return said


def _starts(order: Order, zone: ZoneInfo, now: datetime) -> datetime:
    return _instant("from", order.starts, zone, is_end=False) if order.starts else now


def _ends(order: Order, starts: datetime, zone: ZoneInfo) -> datetime:
    if (order.seconds is None) == (not order.until):
        raise Refused("until", "it needs an end: give exactly one of 'for' (such as 2h) and 'until'")
    if order.seconds is None:
        return _instant("until", order.until, zone, is_end=True)
    try:
        return starts + timedelta(seconds=order.seconds)
    except OverflowError:
        raise Refused("for", "it lasts too long") from None


def _repeat(order: Order, zone: ZoneInfo) -> Repeat | None:
    if not order.every:
        if order.at:
            raise Refused("at", "'at' goes with 'every'; a single window takes 'from'")
        return None
    if order.seconds is None:
        raise Refused("for", "say how long each time: 'for', such as 2h")
    if not order.until:
        raise Refused("until", "a window that comes again needs an end: 'until', such as 2026-12-31")
    if not _CLOCK.fullmatch(order.at):
        raise Refused("at", "say when on the local clock it begins each time: 'at', such as 22:00")
    try:
        days = parse_recurrence(order.every)
    except ValueError as wrong:
        raise Refused("every", str(wrong)) from None
    return Repeat(days, time.fromisoformat(order.at), order.seconds, zone.key)


def _instant(field: str, text: str, zone: ZoneInfo, *, is_end: bool) -> datetime:
    try:
        return read_instant(text, zone, is_end=is_end)
    except ValueError as unclear:
        raise Refused(field, str(unclear)) from None


def _refuse(why: str | None, field: str) -> None:
    if why is not None:
        raise Refused(field, why)


def _check(wrong: tuple[str, str] | None, order: Order) -> None:
    if wrong is not None:
        field = "for" if wrong[0] == "until" and not order.until else wrong[0]
        raise Refused(field, wrong[1])


def _name(sort: str, made: Silence | Window) -> str:
    return identity(
        sort, made.created, *map(str, made.matchers), str(made.starts), str(made.ends), made.by, made.comment
    )
