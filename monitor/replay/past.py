"""What was: the recorded history of a store, or readings from a file."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Protocol

from monitor.engine.book import Indicator, Ruleset
from monitor.engine.evidence import believable
from monitor.model.hours import Calendar, read_instant
from monitor.model.incident import Notice
from monitor.model.muting import Silence, Window
from monitor.model.reading import Comparator, Reading, Value
from monitor.model.state import AuditEntry, Transition
from monitor.model.unit import Units
from monitor.ports import History

MOST = 100_000  # silences and windows that are read
_NEEDED = ("unit", "indicator", "value", "as_of")
_COLUMNS = (*_NEEDED, "received_at", "source", "numerator", "denominator", "comparator")


@dataclass(frozen=True, slots=True)
class Past:
    """What was received, judged, owed, answered and muted, each in the order of its commits."""

    readings: tuple[Reading, ...] = ()
    transitions: tuple[Transition, ...] = ()
    notices: tuple[Notice, ...] = ()
    answers: tuple[AuditEntry, ...] = ()
    muted: tuple[Silence | Window, ...] = ()  # ordered at run time
    kept: datetime | None = None  # what was received before this is not all there any more; None: it is


class Muted(History, Protocol):
    """A store's history, and what was muted."""

    async def muted(self, *, limit: int) -> Sequence[Silence | Window]:
        """See the port of the store."""


async def read_past(history: Muted, until: datetime) -> Past:
    """All that was recorded up to an instant. Raises StoreError."""
    found: dict[type, list[object]] = {kind: [] for kind in (Reading, Transition, Notice, AuditEntry)}
    for what in ("readings", "transitions", "notices", "audit"):
        mark: int | None = 0
        while mark is not None:
            stretch = await history.recorded(what, after=mark)
            mark = stretch.mark
            for fact in stretch.facts:
                if _at(fact) <= until:
                    found[type(fact)].append(fact)
    answers = [one for one in found[AuditEntry] if isinstance(one, AuditEntry) and one.action == "acknowledge"]
    return Past(
        tuple(one for one in found[Reading] if isinstance(one, Reading)),
        tuple(one for one in found[Transition] if isinstance(one, Transition)),
        tuple(one for one in found[Notice] if isinstance(one, Notice)),
        tuple(answers),
        tuple(from_its_order(one) for one in await history.muted(limit=MOST) if one.created <= until),
        await history.kept_since("readings"),
    )


def from_its_order(one: Silence | Window) -> Silence | Window:
    """The same, but nothing was muted before it was ordered."""
    return replace(one, starts=max(one.starts, one.created))


def _at(fact: Reading | Transition | Notice | AuditEntry) -> datetime:
    if isinstance(fact, Reading):
        return fact.received_at
    return fact.due_at if isinstance(fact, Notice) else fact.at


def read_file(path: Path, units: Units, ruleset: Ruleset, calendar: Calendar) -> tuple[Past, list[str]]:
    """Readings of a CSV file, and every mistake in it as `file:line: what; what would be right`.

    Columns: unit, indicator, value, as_of; and received_at (as_of by default), source, numerator, denominator,
    comparator if wanted. Instants without an offset are in the site's time zone.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return _rows(path.name, csv.DictReader(file), units, ruleset.indicators, calendar)
    except (OSError, UnicodeDecodeError, csv.Error) as broken:
        return Past(), [f"{path.name}:1: cannot be read: {broken}; a CSV file in UTF-8 is needed"]


def _rows(
    name: str, rows: csv.DictReader[str], units: Units, indicators: Mapping[str, Indicator], calendar: Calendar
) -> tuple[Past, list[str]]:
    header: Sequence[str] = rows.fieldnames or ()
    wrong = [f"'{one}' is missing" for one in _NEEDED if one not in header]
    wrong += [f"'{one}' is no column" for one in header if one not in _COLUMNS]
    if wrong:
        return Past(), [f"{name}:1: {what}; the columns are {', '.join(_COLUMNS)}" for what in wrong]
    readings: list[Reading] = []
    problems: list[str] = []
    for row in rows:
        try:
            readings.append(_reading(row, units, indicators, calendar))
        except ValueError as wrong_row:
            problems.append(f"{name}:{rows.line_num}: {wrong_row}")
    return Past(tuple(readings)), problems


def _reading(row: Mapping[str, str], units: Units, indicators: Mapping[str, Indicator], calendar: Calendar) -> Reading:
    told = {key: (text or "").strip() for key, text in row.items() if key in _COLUMNS}
    if told["unit"] not in units:
        raise ValueError(f"no unit has the code '{told['unit']}'; write a code of the site")
    indicator = indicators.get(told["indicator"])
    if indicator is None:
        raise ValueError(f"there is no indicator '{told['indicator']}'; write one of rules/indicators.yaml")
    value = _value(told["value"], indicator)
    as_of = read_instant(told["as_of"], calendar.zone)
    received = read_instant(told["received_at"], calendar.zone) if told.get("received_at") else as_of
    if received < as_of:
        raise ValueError("it was received before it was true; 'received_at' is at or after 'as_of'")
    sign = told.get("comparator") or "="
    if sign not in tuple(Comparator):
        raise ValueError(f"'{sign}' is no comparator; write one of {' '.join(Comparator)}")
    numbers = [_number(told[key]) if told.get(key) else None for key in ("numerator", "denominator")]
    source = told.get("source") or "file"
    return Reading(told["unit"], indicator.id, value, as_of, received, source, Comparator(sign), numbers[0], numbers[1])


def _value(text: str, indicator: Indicator) -> Value:
    value: Value = text
    if indicator.unit == "bool" and text in ("true", "false"):
        value = text == "true"
    elif indicator.unit not in ("bool", "state"):
        value = _number(text)
    if wrong := believable(indicator, value):
        raise ValueError(f"{wrong}; write a value of {indicator.id} ({indicator.unit})")
    return value


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise ValueError(f"'{text}' is not a number; write it with a decimal point")
    return number
