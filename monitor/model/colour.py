"""The colours and their one order: green < yellow < red; unknown is beside them, never between."""

from __future__ import annotations

from enum import StrEnum

_SCORES = {"green": 1.0, "yellow": 0.5, "red": 0.0}
_NUMBERS: dict[str, int | None] = {"maintenance": -2, "unknown": -1, "green": 0, "yellow": 1, "red": 2, "excluded": None}


class Colour(StrEnum):
    """What a unit or criterion looks like. Maintenance and excluded are control states laid over a colour."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    UNKNOWN = "unknown"
    MAINTENANCE = "maintenance"
    EXCLUDED = "excluded"

    # Plain attributes and the hash of the word: each decision asks for them some hundred times.
    known: bool  # green, yellow and red: somebody judged it
    number: int | None  # exported to Prometheus: -2 maintenance, -1 unknown, 0 green, 1 yellow, 2 red; excluded has none
    score: float  # share of its weight that a known colour earns (ratio 0 to 1): green 1, yellow 0.5, red 0
    rank: int  # of a known colour: its distance from green

    __hash__ = str.__hash__

    def __init__(self, word: str) -> None:
        self.known = word in _SCORES
        self.number = _NUMBERS[word]
        if self.known:
            self.score, self.rank = _SCORES[word], list(_SCORES).index(word)

    def worse_than(self, other: Colour) -> bool:
        """True when both are known and this one is further from green."""
        return self.known and other.known and self.rank > other.rank


LEFT_OUT = frozenset({Colour.MAINTENANCE, Colour.EXCLUDED})  # in no denominator of a group
KNOWN = frozenset(colour for colour in Colour if colour.known)


def worst(*colours: Colour) -> Colour:
    """The known colour furthest from green; UNKNOWN when none is known."""
    known = [colour for colour in colours if colour.known]
    return max(known, key=lambda colour: colour.rank, default=Colour.UNKNOWN)
