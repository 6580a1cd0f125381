"""Flapping: a colour that changes too often to be believed, by the weighted share of changes among the last readings.

A window of 21 readings has 20 places where the colour may have changed. The oldest place weighs 0.8, each later one
0.4 / 20 more, so that the newest counts half as much again. The share is the summed weight of the changes, in per cent
of the number of places; a window that is not yet full counts as if it had been calm before. Silence is no reading: it
neither changes anything nor is it pinned.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from monitor.engine.book import Flap
from monitor.model.colour import Colour, worst
from monitor.model.verdict import CriterionState

REMEMBERED = 21  # readings that a state keeps
_SHARES = 4096  # strings of readings whose share is kept: most units have the same few
_OLDEST, _RISE = 0.8, 0.4  # weight of the oldest place; how much more a place after the newest would weigh
_LETTERS: Mapping[Colour, str] = {Colour.GREEN: "G", Colour.YELLOW: "Y", Colour.RED: "R"}
_COLOURS = {letter: colour for colour, letter in _LETTERS.items()}


class Swing(NamedTuple):
    """Whether a criterion flaps, and by how much."""

    since: datetime | None = None  # None: it does not
    share: float = 0.0  # per cent
    end: float = 0.0  # per cent below which it is calm
    window: int = REMEMBERED  # readings looked at

    @property
    def calm(self) -> bool:
        """True when only the colour that is then true has still to be confirmed."""
        return self.share < self.end


_CALM = Swing()


def spelt(colour: Colour) -> str:
    """The initial of a known colour; nothing for any other."""
    return _LETTERS.get(colour, "")


def remembered(recent: str, colour: Colour) -> str:
    """The readings remembered after one more."""
    return (recent + spelt(colour))[-REMEMBERED:]


def colours_of(recent: str, last: int) -> list[Colour]:
    """The last so many colours, oldest first."""
    return [_COLOURS[letter] for letter in recent[len(recent) - min(last, len(recent)) :]]


@lru_cache(_SHARES)
def share(recent: str, window: int) -> float:
    """Weighted share of changes among the last `window` readings, per cent, to one decimal."""
    places, seen = window - 1, recent[-window:]
    first = places - (len(seen) - 1)
    changed = (first + n for n, (one, other) in enumerate(pairwise(seen)) if one != other)
    return round(100 / places * sum(_OLDEST + _RISE * place / places for place in changed), 1)


def greatest(window: int) -> float:
    """The share of readings that all differ from the one before, per cent."""
    return share(("GR" * window)[:window], window)


def swing(flap: Flap | None, recent: str, before: CriterionState | None, settled: bool, now: datetime) -> Swing:
    """Whether it flaps now. `settled`: the colour that is true now would count by the holds alone."""
    if flap is None:
        return _CALM
    found, since = share(recent, flap.window), None if before is None else before.flapping_since
    if since is None:
        return Swing(now if found >= flap.start else None, found, flap.end, flap.window)
    over = found < flap.end and settled
    return Swing(None if over else since, found, flap.end, flap.window)


def pinned(flap: Swing, recent: str, base: Colour) -> Colour:
    """What is shown while it flaps: the worst of the window, and never better than the level before it."""
    return worst(base, *colours_of(recent, flap.window))
