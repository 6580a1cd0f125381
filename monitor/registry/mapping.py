"""A site's own mapping from another system's codes to units: a CSV file with two columns."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from monitor.model.text import clean
from monitor.registry.lookup import Registry

COLUMNS = ("portal_code", "portal_uuid", "portal_v1", "former_code", "other_code")  # whose codes a column may hold


@dataclass(frozen=True, slots=True)
class CodeMapping:
    """Unit by foreign code, and a sentence with `file:line` for each row that could not be used."""

    units: Mapping[str, str]
    problems: tuple[str, ...] = ()


def read_mapping(path: Path, registry: Registry, column: str = "portal_code") -> CodeMapping:
    """Read a mapping file with the columns `column` and `unit`. Good rows count even if others are bad.

    A file may hold several systems' codes, one row a unit (see COLUMNS): a blank code is one that the unit has not.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream)
            missing = [name for name in (column, "unit") if name not in (rows.fieldnames or ())]
            if missing:
                return CodeMapping({}, (f"{path}:1: column missing: {', '.join(missing)}",))
            wide = sum(name in COLUMNS for name in rows.fieldnames or ()) > 1
            found = ((rows.line_num, row[column], row["unit"]) for row in rows if row[column] or not wide)
            return _collect(path, found, registry)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        return CodeMapping({}, (f"{path}: cannot be read: {error}",))


def _collect(path: Path, rows: Iterable[tuple[int, str | None, str | None]], registry: Registry) -> CodeMapping:
    units: dict[str, str] = {}
    problems: list[str] = []
    for line, foreign, unit in rows:
        code, target = clean(foreign or ""), clean(unit or "")
        problem = _problem(code, target, units, registry)
        if problem:
            problems.append(f"{path}:{line}: {problem}")
        else:
            units[code] = target
    return CodeMapping(units, tuple(problems))


def _problem(code: str, unit: str, units: Mapping[str, str], registry: Registry) -> str | None:
    if not code or not unit:
        return "a row needs a code and a unit"
    if code in units:
        return f"code {code!r} is mapped twice; the first one counts"
    if registry.get(unit) is None:
        if former := registry.ceased(unit):
            return (
                f"unit {unit!r}, {former.name_vi}, is none since {former.valid_to}: it is part of {former.successor!r}"
            )
        return f"unit {unit!r} is not in the registry{_near(unit, registry)}"
    return None


def _near(unit: str, registry: Registry) -> str:
    if padded := next((code for code in (f"0{unit}", f"00{unit}", f"000{unit}") if code in registry.history), ""):
        return f"; did you mean '{padded}'? Spreadsheets lose leading zeros"
    near = get_close_matches(unit, registry.history, n=1, cutoff=0.8)
    return f"; did you mean '{near[0]}'?" if near else ""
