"""The rate of a whole: figures of the children, summed. The mean of rates would let 3 dossiers weigh like 30,000.

A child that fell silent stays in the sum with its last figure: without it the whole would be better the day its worst
part stops reporting. It no longer counts as known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import fsum, isfinite

from monitor.engine.book import Criterion, Indicator
from monitor.model.colour import LEFT_OUT, Colour
from monitor.model.reading import Comparator, Reading
from monitor.model.state import UnitState
from monitor.model.unit import Units
from monitor.model.verdict import CriterionState

_AT_LEAST = frozenset({Comparator.GT, Comparator.GE})
_AT_MOST = frozenset({Comparator.LT, Comparator.LE})


@dataclass(frozen=True, slots=True)
class Figure:
    """What one child adds to the sum."""

    numerator: float
    denominator: float
    comparator: Comparator = Comparator.EQ  # how exactly the child's source states it
    until: datetime | None = None  # first instant at which it is too old; None: it is already, or the child sees to it
    fresh: bool = True  # False: the last one of a child that fell silent


def figure(
    criterion: Criterion, child: UnitState, units: Units, indicator: Indicator | None, now: datetime
) -> Figure | None:
    """The child's last figure; None when it never had one that is believed, or is left out.

    A child that the same criterion judges (a province below the nation) gives the sum that was made there and never the
    figure that it reports of itself: the two may differ, and a sum of both kinds would be neither.
    """
    if child.standing is not None and child.standing.colour in LEFT_OUT:
        return None
    if child.unit in units and units[child.unit].level in criterion.levels:
        return _passed_on(child.criteria.get(criterion.id))
    return None if indicator is None else _own(criterion, child.evidence.get(indicator.evidence), indicator, now)


def _passed_on(held: CriterionState | None) -> Figure | None:
    verdict = None if held is None else held.verdict
    if verdict is None or verdict.numerator is None or verdict.denominator is None:
        return None
    fresh = verdict.colour is not Colour.UNKNOWN
    return Figure(verdict.numerator, verdict.denominator, verdict.comparator, fresh=fresh)


def _own(criterion: Criterion, reading: Reading | None, indicator: Indicator, now: datetime) -> Figure | None:
    if reading is None or reading.numerator is None or reading.denominator is None:
        return None
    if not _possible(reading.numerator, reading.denominator):
        return None
    limit = criterion.max_age if criterion.max_age is not None else indicator.max_age
    until = reading.as_of + timedelta(seconds=limit)
    fresh = now < until
    return Figure(reading.numerator, reading.denominator, reading.comparator, until if fresh else None, fresh)


def _possible(numerator: float, denominator: float) -> bool:
    """A part is not negative and not more than its whole."""
    return isfinite(numerator) and isfinite(denominator) and 0 <= numerator <= denominator


def summed(figures: Sequence[Figure]) -> tuple[float, float, Comparator | None]:
    """Sum of the numerators, sum of the denominators, and what is said of the sum.

    "More than" and exact figures together are "more than"; with a "less than" among them nothing can be said: None.
    "About" is taken as the number it names, as everywhere.
    """
    signs = {one.comparator for one in figures}
    numerator, denominator = fsum(one.numerator for one in figures), fsum(one.denominator for one in figures)
    return numerator, denominator, _sign(signs)


def _sign(signs: set[Comparator]) -> Comparator | None:
    low, high = signs & _AT_LEAST, signs & _AT_MOST
    if low and high:
        return None
    if low:
        return Comparator.GT if Comparator.GT in low else Comparator.GE
    if high:
        return Comparator.LT if Comparator.LT in high else Comparator.LE
    return Comparator.APPROX if Comparator.APPROX in signs else Comparator.EQ
