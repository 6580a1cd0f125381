"""The colours and their one order: green < yellow < red; unknown is beside them, never between."""

from __future__ import annotations

from enum import StrEnum

_SCORES = {"green": 1.0, "yellow": 0.5, "red": 0.0}
_NUMBERS: dict[str, int | None] = {
    "maintenance": -2, "unknown": -1, "green": 0, "yellow": 1, "red": 2, "excluded": None,
}  # fmt: skip


class _Word(StrEnum):
    """What is known of a colour: plain attributes, and the word's own hash, for a decision asks hundreds of times."""

    known: bool  # green, yellow and red: somebody judged it
    number: int | None  # in Prometheus: -2 maintenance, -1 unknown, 0 green, 1 yellow, 2 red; excluded has none
    score: float  # share of its weight that a known colour earns (ratio 0 to 1): green 1, yellow 0.5, red 0
    rank: int  # of a known colour: its distance from green

    __hash__ = str.__hash__


class Colour(_Word):
    """What a unit or criterion looks like. Maintenance and excluded are control states laid over a colour."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    UNKNOWN = "unknown"
    MAINTENANCE = "maintenance"
    EXCLUDED = "excluded"

    def worse_than(self, other: Colour) -> bool:
        """True when both are known and this one is further from green."""
        return self.known and other.known and self.rank > other.rank


for _colour in Colour:
    _colour.known, _colour.number = _colour.value in _SCORES, _NUMBERS[_colour.value]
    if _colour.known:
        _colour.score, _colour.rank = _SCORES[_colour.value], list(_SCORES).index(_colour.value)

LEFT_OUT = frozenset({Colour.MAINTENANCE, Colour.EXCLUDED})  # in no denominator of a group
KNOWN = frozenset(colour for colour in Colour if colour.known)


def worst(*colours: Colour) -> Colour:
    """The known colour furthest from green; UNKNOWN when none is known."""
    known = [colour for colour in colours if colour.known]
    return max(known, key=lambda colour: colour.rank, default=Colour.UNKNOWN)
