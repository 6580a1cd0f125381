"""Units: what gets a colour, and the two kinds of edges between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property

from monitor.model.errors import NotFound


class Level(StrEnum):
    """Rung of a unit. A system is a shared service that others depend on."""

    NATION = "nation"
    PROVINCE = "province"
    COMMUNE = "commune"
    SYSTEM = "system"

    __hash__ = str.__hash__  # of the word: each decision looks for levels in sets some dozen times


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing that gets a colour."""

    code: str  # a string; leading zeros are part of it
    level: Level
    kind: str  # xa, phuong, dac_khu, tinh, thanh_pho, nation, system
    name_vi: str  # full name with its kind: "Xã Văn Lang"
    name_en: str
    name_ascii: str  # unaccented, for SMS
    parent: str | None = None  # roll-up edge
    province: str | None = None  # code of the province it lies in
    depends_on: tuple[str, ...] = ()  # technical edges to systems
    weight: float = 1.0  # among its siblings, for roll-ups by weight (people served, dossiers ...)
    valid_from: date | None = None  # first local day on which it is there; None: always was
    valid_to: date | None = None  # first local day on which it is no more; None: still is

    def holds_on(self, day: date) -> bool:
        """Whether there is such a unit on a local day. Outside it is excluded, whatever is measured of it."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day < self.valid_to)


@dataclass(frozen=True)
class Units:
    """All units of a site with their edges. Parents and dependencies are checked by the config layer."""

    all: tuple[Unit, ...]
    _by_code: Mapping[str, Unit] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_code", {unit.code: unit for unit in self.all})

    def __getitem__(self, code: str) -> Unit:
        try:
            return self._by_code[code]
        except KeyError:
            raise NotFound(f"no unit has the code {code!r}") from None

    def __contains__(self, code: object) -> bool:
        return code in self._by_code

    def __iter__(self) -> Iterator[Unit]:
        return iter(self.all)

    def __len__(self) -> int:
        return len(self.all)

    def at(self, level: Level) -> tuple[Unit, ...]:
        """Units of one level, in site order."""
        return tuple(unit for unit in self.all if unit.level is level)

    @cached_property
    def _children(self) -> Mapping[str, tuple[str, ...]]:
        return _group((unit.parent, unit.code) for unit in self.all if unit.parent)

    @cached_property
    def _dependants(self) -> Mapping[str, tuple[str, ...]]:
        return _group((system, unit.code) for unit in self.all for system in unit.depends_on)

    def children(self, code: str) -> tuple[str, ...]:
        """Codes that roll up into this unit."""
        return self._children.get(code, ())

    def dependants(self, code: str) -> tuple[str, ...]:
        """Codes of units that technically depend on this one."""
        return self._dependants.get(code, ())

    def listeners(self, code: str) -> tuple[str, ...]:
        """Units for which a new colour of this one is news: its parent and its dependants."""
        parent = self[code].parent
        return (*((parent,) if parent else ()), *self.dependants(code))

    def lineage(self, code: str) -> tuple[str, ...]:
        """The unit itself, its parent, and so on to the top."""
        chain: list[str] = []
        step: str | None = code
        while step is not None and step not in chain:
            chain.append(step)
            step = self[step].parent
        return tuple(chain)

    def answering(self, code: str) -> tuple[str, ...]:
        """Where those who answer for a unit are looked for, nearest first: the unit itself and those above it.

        A system is answered for by its province as well, one without a province by the nation.
        """
        unit, above = self[code], self.lineage(code)
        if unit.level is not Level.SYSTEM:
            return above
        if unit.province is None:
            wider = tuple(nation.code for nation in self.at(Level.NATION))
        else:
            wider = self.lineage(unit.province) if unit.province in self else ()
        return tuple(dict.fromkeys((*above, *wider)))


# Decide bottom-up: systems first (communes inherit from them), then communes, provinces, the nation.
DECIDE_ORDER: Mapping[Level, int] = {Level.SYSTEM: 0, Level.COMMUNE: 1, Level.PROVINCE: 2, Level.NATION: 3}


def _group(pairs: Iterable[tuple[str | None, str]]) -> dict[str, tuple[str, ...]]:
    groups: dict[str, list[str]] = {}
    for owner, code in pairs:
        if owner is not None:
            groups.setdefault(owner, []).append(code)
    return {owner: tuple(codes) for owner, codes in groups.items()}
