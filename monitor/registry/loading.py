"""Reading the product's CSV facts into a Registry. A broken fact is a broken promise: it raises ValueError."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import TypeVar

from monitor.model.unit import Level
from monitor.registry.lookup import Registry
from monitor.registry.records import NATION, Former, Place

_Record = TypeVar("_Record")


@lru_cache(maxsize=1)
def load_registry() -> Registry:
    """The registry that ships with denbao. Raises ValueError, with file and line, if its data is damaged."""
    former = tuple(_read("former.csv", _former))
    places = [*_read("provinces.csv", _province), *_read("communes.csv", _commune)]
    history: dict[str, tuple[Place, ...]] = {NATION.code: (NATION,)}
    for place in sorted(places, key=lambda place: (len(place.code), place.code, place.valid_from)):
        history[place.code] = (*history.get(place.code, ()), place)
    return Registry(history, former, dict(_read("aliases.csv", _alias)))


def _read(name: str, record: Callable[[dict[str, str]], _Record]) -> list[_Record]:
    rows = csv.DictReader((files("monitor.registry") / name).read_text(encoding="utf-8").splitlines())
    try:
        return [record(row) for row in rows]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{name}:{rows.line_num}: damaged registry data: {error!r}") from error


def _province(row: dict[str, str]) -> Place:
    return _place(row, Level.PROVINCE)


def _commune(row: dict[str, str]) -> Place:
    return _place(row, Level.COMMUNE)


def _place(row: dict[str, str], level: Level) -> Place:
    return Place(
        row["code"],
        row["kind"],
        level,
        row["province"],
        row["name_vi"],
        row["name_ascii"],
        date.fromisoformat(row["valid_from"]),
        date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
    )


def _former(row: dict[str, str]) -> Former:
    return Former(
        Level(row["level"]),
        row["code"] or None,
        row["name_vi"],
        row["name_ascii"],
        row["successor"],
        date.fromisoformat(row["valid_to"]),
        row["status"],
    )


def _alias(row: dict[str, str]) -> tuple[tuple[str, str], str]:
    return (row["system"], row["code"]), row["unit"]
