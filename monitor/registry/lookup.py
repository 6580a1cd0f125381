"""The registry: places by code and day, and by name within a province."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from monitor.model.text import clean, fold
from monitor.model.unit import Level
from monitor.registry.names import NameIndex, without_kind
from monitor.registry.records import Ambiguous, Former, Found, Match, NotFound, Place


@dataclass(frozen=True, slots=True)
class Names:
    """A province within which a table names its units by name."""

    registry: Registry
    province: str

    def find(self, name: str) -> Match:
        """The commune, ward or special zone of this name in the province, or the province itself."""
        match = self.registry.find(name, self.province)
        if not isinstance(match, NotFound):
            return match
        above = self.registry.find_province(name)
        return above if isinstance(above, Found) and above.place.code == self.province else match


@dataclass(frozen=True)
class Registry:
    """All places with their history. Without `on` the latest record of a place counts.

    `history` holds the records of each code, oldest first; `aliases` the unit of each (system, code).
    """

    history: Mapping[str, tuple[Place, ...]] = field(repr=False)
    former: tuple[Former, ...] = field(repr=False, default=())
    aliases: Mapping[tuple[str, str], str] = field(repr=False, default_factory=dict)
    _indexes: dict[str, NameIndex] = field(init=False, repr=False, compare=False, default_factory=dict)

    @property
    def provinces(self) -> tuple[Place, ...]:
        """The provinces and centrally run cities, by code."""
        return self._provinces

    @cached_property
    def _provinces(self) -> tuple[Place, ...]:
        return tuple(records[-1] for records in self.history.values() if records[-1].level is Level.PROVINCE)

    @cached_property
    def _communes(self) -> Mapping[str, tuple[str, ...]]:
        groups: dict[str, list[str]] = {province.code: [] for province in self._provinces}
        for code, (*_, place) in self.history.items():
            if place.level is Level.COMMUNE and place.province is not None:
                groups[place.province].append(code)
        return {province: tuple(codes) for province, codes in groups.items()}

    def get(self, code: str, on: date | None = None) -> Place | None:
        """The place with this code, as it was on a day; None if there is (or was then) none."""
        records = self.history.get(code, ())
        if on is None:
            return records[-1] if records else None
        return next((place for place in records if place.holds_on(on)), None)

    def communes(self, province: str | None = None, on: date | None = None) -> tuple[Place, ...]:
        """Communes, wards and special zones by code: of one province, or of the nation. Empty for an unknown code."""
        scopes = self._communes.values() if province is None else [self._communes.get(province, ())]
        return tuple(self._places([code for codes in scopes for code in codes], on))

    def find(self, name: str, province: str, on: date | None = None) -> Match:
        """The commune, ward or special zone of this name in a province given by its code.

        The kind may stand before the name, and must then be the right one. See `monitor.model.text.fold` for what is
        taken as the same spelling. A name without any mark means every place that looks so without marks.
        """
        if province not in self._communes:
            return NotFound(clean(name))
        return self._match(name, self._index(province), on)

    def find_province(self, name: str, on: date | None = None) -> Match:
        """The province of this name. A merged province is not found: its figures are not those of its successor."""
        return self._match(name, self._index(None), on)

    def alias(self, system: str, code: str) -> Place | None:
        """The place that another system calls `code`."""
        unit = self.aliases.get((system, code))
        return None if unit is None else self.get(unit)

    def ceased(self, code: str) -> Former | None:
        """The former unit that had this code."""
        return next((former for former in self.former if former.code == code), None)

    def _match(self, name: str, index: NameIndex, on: date | None) -> Match:
        places = tuple(self._places(index.codes(name), on))
        if len(places) == 1:
            return Found(places[0])
        if places:
            return Ambiguous(clean(name), places)
        former = self._former_named(name, index)
        near = index.nearest(name) if former is None else (former.successor, *index.nearest(name))
        return NotFound(clean(name), tuple(self._places(dict.fromkeys(near), on)), former)

    def _former_named(self, name: str, index: NameIndex) -> Former | None:
        key, scope = without_kind(fold(name)), {code for codes in index.bare.values() for code in codes}
        for former in self.former:
            spellings = (without_kind(fold(text)) for text in (former.name_vi, former.name_ascii))
            if former.successor in scope and key in spellings:
                return former
        return None

    def _index(self, province: str | None) -> NameIndex:
        scope = province or ""
        if scope not in self._indexes:
            codes = self._communes[province] if province else [place.code for place in self._provinces]
            self._indexes[scope] = NameIndex.over([place for code in codes for place in self.history[code]])
        return self._indexes[scope]

    def _places(self, codes: Iterable[str], on: date | None) -> Iterator[Place]:
        found = (self.get(code, on) for code in codes)
        return (place for place in found if place is not None)
