"""Duty rosters from iCalendar files (RFC 5545), as calendar programs export them.

An event says who is on duty in its summary or by its attendees. Recurring events are expanded with `dateutil` on the
wall clock of their own zone and turned into instants occurrence by occurrence, so no change of the clock moves a duty.
Single occurrences that were moved (RECURRENCE-ID), added (RDATE), taken out (EXDATE) or cancelled count. Events at the
same time put all of their people on duty.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr
from icalendar import Calendar, Event

from monitor.alerting.schedule import Spell
from monitor.model.hours import first_instant
from monitor.model.text import clean

MAX_BYTES = 2 << 20
MAX_EVENTS = 2_000
MAX_RECURRING = 200  # of these: each may take a second to find that it never happens
MAX_SPELLS = 10_000
_PARTS = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTH", "BYMONTHDAY", "BYSETPOS", "WKST"})
_FREQUENCIES = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # days of the months
_BETWEEN = re.compile(r"\s*(?:[,;&+/]| và | and )\s*")

Say = Callable[[int, str, str], None]  # line, what is wrong, what would be right
Find = Callable[[str], str | None]  # a name, id or mail address -> the id of the holder who is meant


@dataclass(frozen=True, slots=True)
class _Entry:
    """One event of the file."""

    line: int
    event: Event
    zone: ZoneInfo  # of its times; that of the site for days and for times without a zone

    def wall(self, at: date | datetime) -> datetime:
        """A time of the event on the clocks of its zone."""
        if not isinstance(at, datetime):
            return datetime.combine(at, time.min)
        return at.astimezone(self.zone).replace(tzinfo=None) if at.tzinfo else at

    def instant(self, at: date | datetime) -> datetime:
        """A time of the event in UTC."""
        return first_instant(self.wall(at), self.zone)


def read_roster(body: bytes, find: Find, zone: ZoneInfo, start: datetime, end: datetime, say: Say) -> tuple[Spell, ...]:
    """Who is on duty from `start` to `end` by the events of a file, in order and without overlaps.

    Mistakes go to `say` with their line; an event with a mistake counts for nothing. Raises ValueError with a sentence
    ("what; right") for a file that cannot be used at all.
    """
    entries = [entry for entry in _entries(_text(body), zone, say) if _usable(entry, say)]
    moved = {(uid, instant) for uid, instant in map(_instead_of, entries) if instant is not None}
    found: list[Spell] = []
    for entry in entries:
        if str(entry.event.get("STATUS", "")).upper() == "CANCELLED":
            continue
        who = _who(entry.event, find)
        if not who:
            say(entry.line, "the event names nobody who holds the role, or somebody who cannot be told from another",
                "write an id, a name or a mail address of the directory into its summary")  # fmt: skip
            continue
        try:
            spans = list(_spans(entry, moved, start, end))
        except (ValueError, OverflowError) as wrong:
            what, _, right = str(wrong).partition("; ")
            say(entry.line, f"the event {what}", right)
            continue
        found += [Spell(begins, ends, who) for begins, ends in spans]
        if len(found) > MAX_SPELLS:
            raise ValueError(f"has more than {MAX_SPELLS} duties; take older ones out")
    return _flat(found)


def _text(body: bytes) -> str:
    if len(body) > MAX_BYTES:
        raise ValueError(f"is larger than {MAX_BYTES >> 20} MiB; export duties only")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8; export it as an iCalendar file anew") from None


def _entries(text: str, zone: ZoneInfo, say: Say) -> Iterator[_Entry]:
    lines = [number for number, line in enumerate(text.split("\n"), 1) if line.rstrip().upper() == "BEGIN:VEVENT"]
    if len(lines) > MAX_EVENTS:
        raise ValueError(f"has more than {MAX_EVENTS} events; export fewer")
    try:
        events = Calendar.from_ical(text).walk("VEVENT")
    except (ValueError, IndexError, KeyError):
        raise ValueError("is no iCalendar file; export it anew") from None
    if len(events) != len(lines):
        raise ValueError("is no iCalendar file; export it anew")
    if sum("RRULE" in event for event in events) > MAX_RECURRING:
        raise ValueError(f"has more than {MAX_RECURRING} recurring events; export fewer")
    for line, event in zip(lines, events, strict=True):
        if event.errors:
            what = event.errors[0][0] or "a line that is no property"  # what it says may be personal
            say(line, f"the event cannot be read: {what}", "export it anew")
        elif isinstance(event, Event):
            yield _Entry(line, event, _zone(event) or zone)


def _zone(event: Event) -> ZoneInfo | None:
    at = getattr(event.get("DTSTART"), "dt", None)
    if not isinstance(at, datetime) or at.tzinfo is None:
        return None
    return at.tzinfo if isinstance(at.tzinfo, ZoneInfo) else ZoneInfo("UTC")


def _usable(entry: _Entry, say: Say) -> bool:
    """Whether the times of an event can be understood."""
    for name in ("DTSTART", "DTEND"):
        stated = entry.event.get(name)
        at = getattr(stated, "dt", None)
        if name == "DTSTART" and at is None:
            say(entry.line, "the event has no beginning", "write DTSTART")
            return False
        zone = stated.params.get("TZID") if stated is not None else None
        if zone and isinstance(at, datetime) and not (isinstance(at.tzinfo, ZoneInfo) or at.tzinfo is UTC):
            say(entry.line, f"the time zone '{clean(str(zone), 40)}' is not known", "write Asia/Ho_Chi_Minh")
            return False
    if entry.instant(entry.event.end) <= entry.instant(entry.event.start):
        say(entry.line, "the event ends before it begins, or has no end", "write DTEND or DURATION")
        return False
    return True


def _instead_of(entry: _Entry) -> tuple[str, datetime | None]:
    """UID of an event, and the beginning of the occurrence that it stands for, if it is a single one of many."""
    original = entry.event.get("RECURRENCE-ID")
    return str(entry.event.get("UID", "")), None if original is None else entry.instant(original.dt)


def _who(event: Event, find: Find) -> tuple[str, ...]:
    """Ids of those on duty: of all names in the summary, otherwise of those attendees who hold the role."""
    summary = clean(str(event.get("SUMMARY", "")))
    names = [summary] if find(summary) else [part for part in _BETWEEN.split(summary) if part]
    found = [find(name) for name in names]
    if not found or None in found:
        found = [find(str(one.params.get("CN", ""))) or find(_address(str(one))) for one in event.attendees]
    return tuple(dict.fromkeys(who for who in found if who is not None))


def _address(text: str) -> str:
    return text[len("mailto:") :] if text.lower().startswith("mailto:") else text


def _spans(
    entry: _Entry, moved: set[tuple[str, datetime]], start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime]]:
    event = entry.event
    lasts = entry.wall(event.end) - entry.wall(event.start)
    uid, instead = _instead_of(entry)
    out = {entry.instant(day) for day in event.exdates}
    whole = {day for day in event.exdates if not isinstance(day, datetime)}
    for begins in _beginnings(entry, start - lasts - timedelta(days=1), end):
        at, ends = first_instant(begins, entry.zone), first_instant(begins + lasts, entry.zone)
        gone = at in out or begins.date() in whole or (instead is None and (uid, at) in moved)
        if not gone and at < end and ends > start and at < ends:
            yield at, ends


def _beginnings(entry: _Entry, start: datetime, end: datetime) -> Iterable[datetime]:
    """When an event begins on the clocks of its zone, in order; those long before `start` are left out."""
    first = entry.wall(entry.event.start)
    if entry.event.get("RECURRENCE-ID") is not None:
        return [first]
    more = [entry.wall(begins) for begins, _ in entry.event.rdates]
    rules = entry.event.rrules
    if not rules:
        return sorted({first, *more})
    if len(rules) > 1:
        raise ValueError("recurs by more than one rule; make two events of it")
    found = _expanded(rules[0], first, entry, *(entry.wall(at.astimezone(entry.zone)) for at in (start, end)))
    return sorted({*found, *more})


def _expanded(rule: Any, first: datetime, entry: _Entry, low: datetime, high: datetime) -> list[datetime]:
    parts = {str(name).upper(): list(values) for name, values in rule.items()}
    _check_rule(parts)
    until = parts.pop("UNTIL", [None])[0]
    text = ";".join(part for part in rule.to_ical().decode().split(";") if not part.upper().startswith("UNTIL="))
    if isinstance(until, datetime):
        last = entry.wall(until)
    else:
        last = high if until is None else datetime.combine(until, time.max)
    made = rrulestr(text, dtstart=first)
    found = list[datetime]()
    for at in made:
        if at > min(last, high):
            break
        if at >= low:
            found.append(at)
    return found


def _check_rule(parts: dict[str, list[Any]]) -> None:
    """Refuse what no duty needs and what might be looked for in vain for long. Raises ValueError."""
    if unusual := sorted(set(parts) - _PARTS):
        raise ValueError(f"recurs by {', '.join(unusual)}; use days, weeks, months or years")
    if parts["FREQ"][0] not in _FREQUENCIES:
        raise ValueError(f"recurs {clean(str(parts['FREQ'][0]), 20)}; use days, weeks, months or years")
    days, months = (parts.get(name) or [] for name in ("BYMONTHDAY", "BYMONTH"))
    most = max((_LONGEST[int(month) - 1] for month in months if 1 <= int(month) <= 12), default=31)
    if days and all(not 1 <= abs(int(day)) <= most for day in days):
        raise ValueError("recurs on a day that its months do not have; choose another day")


def _flat(spells: Sequence[Spell]) -> tuple[Spell, ...]:
    """Spells that do not overlap: at each instant all people of those that run then, in order of their events."""
    changes: dict[datetime, list[tuple[int, int]]] = {}
    for number, spell in enumerate(spells):
        changes.setdefault(spell.starts, []).append((number, 1))
        changes.setdefault(spell.ends, []).append((number, -1))
    running: Counter[int] = Counter()
    found: list[Spell] = []
    for begins, ends in pairwise(sorted(changes)):
        for number, change in changes[begins]:
            running[number] += change
            if not running[number]:
                del running[number]
        on = dict.fromkeys(
            who for number in sorted(n for n, count in running.items() if count) for who in spells[number].who
        )
        if not on:
            continue
        if found and found[-1].ends == begins and found[-1].who == tuple(on):
            found[-1] = Spell(found[-1].starts, ends, tuple(on))
        else:
            found.append(Spell(begins, ends, tuple(on)))
    return tuple(found)
