"""A site's own mapping from another system's codes to units: a CSV file with two columns."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from monitor.model.text import clean
from monitor.registry.lookup import Registry

COLUMNS = ("portal_code", "portal_uuid", "portal_v1", "former_code", "other_code")  # whose codes a column may hold
LONGEST = 1000  # characters of a foreign code, which may be the address of a page
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def foreign_code(text: str) -> str:
    """A code as it is compared: one line, a UUID in small letters. Empty for one that is longer than LONGEST."""
    code = clean(text, LONGEST + 1)
    if len(code) > LONGEST:
        return ""
    return code.lower() if _UUID.fullmatch(code) else code


@dataclass(frozen=True, slots=True)
class CodeMapping:
    """Unit by foreign code, and a sentence with `file:line` for each row that could not be used."""

    units: Mapping[str, str]
    problems: tuple[str, ...] = ()


def read_mapping(path: Path, registry: Registry, column: str = "portal_code", own: Collection[str] = ()) -> CodeMapping:
    """Read a mapping file with the columns `column` and `unit`, a unit of the registry or one of the site's `own`.
    Good rows count even if others are bad.

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
            return _collect(path, found, registry, own)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        return CodeMapping({}, (f"{path}: cannot be read: {error}",))


def _collect(
    path: Path, rows: Iterable[tuple[int, str | None, str | None]], registry: Registry, own: Collection[str]
) -> CodeMapping:
    units: dict[str, str] = {}
    problems: list[str] = []
    for line, foreign, unit in rows:
        code, target = foreign_code(foreign or ""), clean(unit or "")
        problem = _problem(code, target, units, registry, own)
        if problem:
            problems.append(f"{path}:{line}: {problem}")
        else:
            units[code] = target
    return CodeMapping(units, tuple(problems))


def _problem(code: str, unit: str, units: Mapping[str, str], registry: Registry, own: Collection[str]) -> str | None:
    if not code or not unit:
        return f"a row needs a code of at most {LONGEST} characters and a unit"
    if code in units:
        return f"code {code!r} is mapped twice; the first one counts"
    if registry.get(unit) is None and unit not in own:
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
