"""The colours and their one order: green < yellow < red; unknown is beside them, never between."""

from __future__ import annotations

from enum import StrEnum


class Colour(StrEnum):
    """What a unit or criterion looks like. Maintenance and excluded are control states laid over a colour."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    UNKNOWN = "unknown"
    MAINTENANCE = "maintenance"
    EXCLUDED = "excluded"

    @property
    def number(self) -> int | None:
        """Value exported to Prometheus: -2 maintenance, -1 unknown, 0 green, 1 yellow, 2 red; excluded has none."""
        return _NUMBERS[self]

    @property
    def known(self) -> bool:
        """True for green, yellow and red: somebody judged it."""
        return self in KNOWN

    def worse_than(self, other: Colour) -> bool:
        """True when both are known and this one is further from green."""
        return self.known and other.known and _ORDER[self] > _ORDER[other]

    @property
    def score(self) -> float:
        """Share of its weight that a known colour earns (ratio 0 to 1): green 1, yellow 0.5, red 0."""
        return _SCORES[self]


LEFT_OUT = frozenset({Colour.MAINTENANCE, Colour.EXCLUDED})  # in no denominator of a group
KNOWN = frozenset({Colour.GREEN, Colour.YELLOW, Colour.RED})
_ORDER = {Colour.GREEN: 0, Colour.YELLOW: 1, Colour.RED: 2}
_SCORES = {Colour.GREEN: 1.0, Colour.YELLOW: 0.5, Colour.RED: 0.0}
_NUMBERS: dict[Colour, int | None] = {
    Colour.MAINTENANCE: -2,
    Colour.UNKNOWN: -1,
    Colour.GREEN: 0,
    Colour.YELLOW: 1,
    Colour.RED: 2,
    Colour.EXCLUDED: None,
}


def worst(*colours: Colour) -> Colour:
    """The known colour furthest from green; UNKNOWN when none is known."""
    known = [colour for colour in colours if colour.known]
    return max(known, key=_ORDER.__getitem__, default=Colour.UNKNOWN)
