"""Pseudo-random numbers that depend on nothing but their parts: no generator, no state, no clock.

The same parts give the same number on every machine and after every restart, so a simulated
province can be described, repeated and compared byte for byte.
"""

from __future__ import annotations

import hashlib
import math

_SCALE = float(1 << 64)


def draw(*parts: object) -> float:
    """A number in [0, 1) that is a pure function of `parts` (compared by their text)."""
    text = "\x1f".join(str(part) for part in parts)
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / _SCALE


def between(low: float, high: float, *parts: object) -> float:
    """A number in [low, high), a pure function of `parts`."""
    return low + (high - low) * draw(*parts)


def drift(position: float, knot: float, *parts: object) -> float:
    """A slowly wandering number in [0, 1): a new level every `knot` steps of `position`, smooth in between."""
    index = math.floor(position / knot)
    share = position / knot - index
    weight = (1.0 - math.cos(math.pi * share)) / 2.0
    return draw(*parts, index) * (1.0 - weight) + draw(*parts, index + 1) * weight
