"""The `schedules:` section: rotations, rosters from a CSV, overrides; and what `denbao check` says of their holes."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from monitor.alerting.plan import Directory
from monitor.alerting.roster import called, gaps, turns
from monitor.alerting.schedule import Rotation, Schedule, Spell, overlapping
from monitor.config.fields import daily
from monitor.config.findings import Findings
from monitor.config.models import RotationSection, ScheduleSection, SiteFile
from monitor.config.problems import Location, Problem
from monitor.config.secrets import Secret
from monitor.config.sources import Surroundings
from monitor.model.hours import Calendar, read_instant
from monitor.model.muting import Span
from monitor.model.text import clean, fold

Addresses = Mapping[tuple[str, str], Secret]

_COLUMNS = ("from", "until", "who")
_AT: Location = ("schedules",)
_KNOWN = (timedelta(days=1), timedelta(days=800))  # before and after the start, of a calendar
_SHOWN = 3  # holes that are told with their hours


def build_schedules(
    file: SiteFile,
    around: Surroundings,
    directory: Directory,
    addresses: Mapping[tuple[str, str], Secret],
    now: datetime,
) -> tuple[Schedule, ...]:
    """The schedules of a site. Mistakes go to the findings; those of a roster with its file and line.

    The people of `directory` and their mail addresses are those whom an iCalendar file may name; what it says is taken
    from a day before `now` on.
    """
    around.findings.once(_AT, "schedule", [section.id for section in file.schedules])
    made: list[Schedule] = []
    for number, section in enumerate(file.schedules):
        roster = _roster(section, number, ZoneInfo(file.time_zone), around)
        if section.ical is not None:
            roster = _calendar(section, ZoneInfo(file.time_zone), around, _finder(section, directory, addresses), now)
        made.append(_schedule(section, number, file, around, roster))
    for number, schedule in enumerate(made):
        first = next((one for one in made[:number] if (one.role, one.scope) == (schedule.role, schedule.scope)), None)
        if first is not None:
            text = f"'{schedule.id}' is for the same role and unit as '{first.id}'"
            around.findings.add((*_AT, number), text, "put all lines into one schedule")
    return tuple(made)


def _schedule(
    section: ScheduleSection, number: int, file: SiteFile, around: Surroundings, roster: tuple[Spell, ...]
) -> Schedule:
    zone, at = ZoneInfo(file.time_zone), (*_AT, number)
    if not section.rotations and section.roster is None and section.ical is None:
        around.findings.add(at, f"the schedule '{section.id}' has neither rotations nor a roster", "write one of them")
    rotations = [
        around.findings.attempt((*at, "rotations", index, "hours"), "hours", partial(_rotation, entry))
        for index, entry in enumerate(section.rotations)
    ]
    return Schedule(
        section.id, section.role, section.scope, zone, tuple(one for one in rotations if one is not None),
        roster, _overrides(section, at, zone, around.findings),
    )  # fmt: skip


def _rotation(section: RotationSection) -> Rotation:
    hours = daily(section.hours) if section.hours else None
    return Rotation(tuple(section.members), section.starts, time.fromisoformat(section.at), section.days, hours)


def _overrides(section: ScheduleSection, at: Location, zone: ZoneInfo, findings: Findings) -> tuple[Spell, ...]:
    where = f"the override in '{section.id}'"
    found = [
        findings.attempt(
            (*at, "overrides", index), where, partial(_spell, entry.starts, entry.until, tuple(entry.who), zone)
        )
        for index, entry in enumerate(section.overrides)
    ]
    spells = sorted((spell for spell in found if spell is not None), key=lambda spell: spell.starts)
    if (late := overlapping(spells)) is not None:
        began = spells[late].starts.astimezone(zone)
        text = f"the override of '{section.id}' from {began:%Y-%m-%dT%H:%M} begins before the one before it ends"
        findings.add((*at, "overrides"), text, "let one end where the next begins")
    return tuple(spells)


def _roster(section: ScheduleSection, number: int, zone: ZoneInfo, around: Surroundings) -> tuple[Spell, ...]:
    name = section.roster
    if name is None:
        return ()
    if section.ical is not None:
        around.findings.add((*_AT, number), f"the schedule '{section.id}' has a roster twice", "keep roster or ical")
        return ()
    problems, found = around.findings.problems, list[tuple[Spell, int]]()
    rows: csv.DictReader[str] | None = None
    try:
        with around.folders.place(name).open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream, strict=True)
            if missing := [column for column in _COLUMNS if column not in (rows.fieldnames or ())]:
                problems.append(Problem(name, 1, f"column missing: {', '.join(missing)}"))
                return ()
            for row in rows:
                starts, until, who = (clean(row[column] or "") for column in _COLUMNS)
                try:
                    if row.get(None) is not None:
                        raise ValueError("it has more cells than there are headers; separate several names by blanks")
                    found.append((_spell(starts, until, tuple(who.split()), zone), rows.line_num))
                except ValueError as error:
                    what, _, right = str(error).partition("; ")
                    problems.append(Problem(name, rows.line_num, f"the row: {what}", right))
    except (OSError, UnicodeDecodeError, csv.Error):
        line = 1 if rows is None else rows.line_num + 1
        problems.append(Problem(name, line, "the roster cannot be read", "save it as CSV in UTF-8 inside the site"))
    found.sort(key=lambda entry: entry[0].starts)
    spells = tuple(spell for spell, _ in found)
    if (late := overlapping(spells)) is not None:
        text = f"the row begins before the one in line {found[late - 1][1]} ends"
        problems.append(Problem(name, found[late][1], text, "let one end where the next begins"))
    return spells


def _calendar(
    section: ScheduleSection,
    zone: ZoneInfo,
    around: Surroundings,
    find: Callable[[str], str | None],
    now: datetime,
) -> tuple[Spell, ...]:
    from monitor.config.ical import read_roster  # a tenth of a second, for the sites that have a calendar

    name, problems = section.ical or "", around.findings.problems
    try:
        body = around.folders.place(name).read_bytes()
        return read_roster(body, find, zone, now - _KNOWN[0], now + _KNOWN[1], partial(_say, problems, name))
    except OSError:
        problems.append(Problem(name, 1, "the calendar cannot be read", "put it inside the site"))
    except ValueError as wrong:
        what, _, right = str(wrong).partition("; ")
        problems.append(Problem(name, 1, f"the calendar {what}", right))
    return ()


def _say(problems: list[Problem], name: str, line: int, what: str, right: str) -> None:
    problems.append(Problem(name, line, what, right))


def _finder(section: ScheduleSection, directory: Directory, addresses: Addresses) -> Callable[[str], str | None]:
    """Who of the holders is meant by an id, a name or a mail address; None for nobody, or for more than one."""
    known: dict[str, set[str]] = {}
    for person in directory.post(section.role, section.scope):
        mails = (
            addresses[person.id, channel].reveal() for channel in person.channels if (person.id, channel) in addresses
        )
        for word in (person.id, person.name, *(mail for mail in mails if "@" in mail)):
            known.setdefault(fold(word), set()).add(person.id)
    return lambda word: next(iter(found)) if len(found := known.get(fold(word), set())) == 1 else None


def _spell(starts: str, until: str, who: tuple[str, ...], zone: ZoneInfo) -> Spell:
    if not who:
        raise ValueError("it names nobody; write recipients, separated by blanks")
    spell = Spell(read_instant(starts, zone), read_instant(until, zone, is_end=True), who)
    if spell.ends <= spell.starts:
        raise ValueError("it ends before it begins; write a later until")
    return spell


def check_schedules(file: SiteFile, directory: Directory, findings: Findings) -> None:
    """Whether the schedules are for roles and units of the site, and their members hold the role there."""
    for number, schedule in enumerate(directory.schedules):
        at = (*_AT, number)
        if schedule.role not in file.roles:
            findings.unknown((*at, "role"), "role", schedule.role, file.roles)
            continue
        held = {person.id for person in directory.post(schedule.role, schedule.scope)}
        for who in schedule.members:
            if who not in held and not findings.people_in_doubt:
                text = f"'{who}' of the schedule '{schedule.id}' does not hold '{schedule.role}' at '{schedule.scope}'"
                findings.add(at, text, "name holders only, or add the recipient")


def holes(
    file: SiteFile, directory: Directory, calendar: Calendar, now: datetime, findings: Findings
) -> Iterator[Problem]:
    """The stretches of each schedule in which nobody is on duty. Only `denbao check` asks: a service must start."""
    for number, (section, schedule) in enumerate(zip(file.schedules, directory.schedules, strict=True)):
        end, where = now + timedelta(seconds=section.ahead), (schedule.scope,)
        stretches = turns(directory, schedule.role, where, now, end, calendar)
        found = gaps(((at, bool(who.people)) for at, who in stretches), end)
        if found:
            text = f"nobody is on duty in '{schedule.id}' {said_spans(found, calendar)}"
            absent = called(directory, schedule.role, where, found[0].starts, calendar)
            if absent.duty is not None and absent.duty.who:
                if directory.person(absent.duty.who[0]) not in directory.post(schedule.role, schedule.scope):
                    continue  # a stranger: `check_schedules` has said so
                text += f" ('{absent.duty.who[0]}' does not hold '{schedule.role}' then)"
            meant = section.holes == "next_step"
            right = (
                "the next step is called at once"
                if meant
                else "fill it, write holes: next_step, or look less far ahead: ahead"
            )
            yield replace(findings.document.problem((*_AT, number), text, right), warning=meant)


def said_spans(spans: Sequence[Span], calendar: Calendar) -> str:
    """The first spans on the local clock, and how many more there are."""
    said = [f"from {_clock(span.starts, calendar)} to {_clock(span.ends, calendar)}" for span in spans[:_SHOWN]]
    more = len(spans) - len(said)
    last = f" and {more} times more until {_clock(spans[-1].ends, calendar)}" if more else ""
    return ", ".join(said) + last


def _clock(at: datetime, calendar: Calendar) -> str:
    return f"{calendar.local(at):%Y-%m-%dT%H:%M}"
