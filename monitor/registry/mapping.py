"""A site's own mapping from another system's codes to units: a CSV file with two columns."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from monitor.model.text import clean
from monitor.registry.lookup import Registry


@dataclass(frozen=True, slots=True)
class CodeMapping:
    """Unit by foreign code, and a sentence with `file:line` for each row that could not be used."""

    units: Mapping[str, str]
    problems: tuple[str, ...] = ()


def read_mapping(path: Path, registry: Registry, column: str = "portal_code") -> CodeMapping:
    """Read a mapping file with the columns `column` and `unit`. Good rows count even if others are bad."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream)
            missing = [name for name in (column, "unit") if name not in (rows.fieldnames or ())]
            if missing:
                return CodeMapping({}, (f"{path}:1: column missing: {', '.join(missing)}",))
            return _collect(path, ((rows.line_num, row[column], row["unit"]) for row in rows), registry)
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
        return f"unit {unit!r} is not in the registry"
    return None
