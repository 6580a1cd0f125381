"""Which places bear a name: the spellings of one scope (the communes of a province, or all provinces), folded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from monitor.model.text import fold, unaccent
from monitor.registry.records import PREFIXES, Place

_NEAR = 0.6  # difflib ratio from which a name is worth suggesting
_SUGGESTIONS = 3


@dataclass(frozen=True, slots=True)
class NameIndex:
    """Codes by spelling. Built once per scope from every record, old kinds included."""

    accented: Mapping[str, tuple[str, ...]]
    plain: Mapping[str, tuple[str, ...]]  # without marks, with and without kind
    bare: Mapping[str, tuple[str, ...]]  # without marks and without kind

    @classmethod
    def over(cls, places: Iterable[Place]) -> NameIndex:
        """The index of these places."""
        spellings = [(fold(text), place.code) for place in places for text in _spellings(place)]
        bare = [(unaccent(fold(place.bare_vi)), place.code) for place in places]
        return cls(_grouped(spellings), _grouped((unaccent(key), code) for key, code in spellings), _grouped(bare))

    def codes(self, name: str) -> tuple[str, ...]:
        """Codes of all places that the name may mean, in code order.

        A name without any mark may be the unaccented form of several, even where one of them is spelt just so.
        """
        key = fold(name)
        return (self.plain if key.isascii() else self.accented).get(key, ())

    def nearest(self, name: str) -> tuple[str, ...]:
        """At most three codes of places whose name is like this one, best first."""
        close = get_close_matches(without_kind(unaccent(fold(name))), self.bare, n=_SUGGESTIONS, cutoff=_NEAR)
        return tuple(code for key in close for code in self.bare[key])[:_SUGGESTIONS]


def _spellings(place: Place) -> Iterator[str]:
    yield place.name_vi
    yield place.bare_vi
    for prefix in PREFIXES[place.kind][1:]:
        yield f"{prefix} {place.bare_vi}"


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    groups: dict[str, set[str]] = {}
    for key, code in pairs:
        groups.setdefault(key, set()).add(code)
    return {key: tuple(sorted(codes)) for key, codes in groups.items()}


_KINDS = tuple(
    f"{spelling} "
    for prefixes in PREFIXES.values()
    for prefix in prefixes
    for spelling in (fold(prefix), unaccent(fold(prefix)))
)


def without_kind(key: str) -> str:
    """A folded name without the kind that stands before it."""
    return key.removeprefix(next((kind for kind in _KINDS if key.startswith(kind)), ""))
