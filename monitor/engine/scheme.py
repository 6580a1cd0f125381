"""Standing by the column: colour, score and coverage of thousands of units from the colours of their criteria.

The questions are those of `monitor.engine.standing`, in their order; a test compares the two. Where two ways of adding
the same weights up could be rounded differently, the units in doubt are asked one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import getitem, itemgetter

import numpy as np
from numpy.typing import NDArray

from monitor.engine.book import Criterion, StandingRule
from monitor.engine.compact import COLOURS, EXCLUDED, GREEN, MAINTENANCE, RED, UNKNOWN, YELLOW, Codes
from monitor.model.unit import Level

Floats = NDArray[np.float64]
Row = bytes | bytearray  # of one unit: number of a colour for each criterion
# How a unit stands: number of the colour, score of what is known (ratio), share of the weight that is known.
Stood = tuple[int, float | None, float]

_JUDGED = bytes([GREEN, YELLOW, RED])
_EXACT = 1 << 50  # sums of whole numbers below it are exact, and so are their halves and doubles
_DIGITS = 9  # as in monitor.engine.standing
_LAST = 10.0**_DIGITS
_REMEMBERED = 10_000  # sums of which the score is kept: more than the weights of most sites can add up to
_SURE = 0.5 - 1e-3  # of the last digit: nearer to the middle between two roundings, the order of adding up could decide


def counts(criterion: Criterion, level: Level) -> bool:
    """Whether a criterion has a say in the standing of units of a level; others are only shown."""
    return criterion.critical or criterion.weight.get(level, 0.0) > 0


class Scheme:
    """Criteria of a unit as weights, and the standing of colours under them: of one row, or of thousands at once.

    Where all weights are whole numbers of some decimal unit, sums of them are exact however they are made, and `gains`
    says how many half units each colour of each criterion earns: a row then stands by the sum that is kept beside it.
    """

    def __init__(self, criteria: Sequence[Criterion], level: Level, rule: StandingRule) -> None:
        weights = [criterion.weight.get(level, 0.0) for criterion in criteria]
        places = [place for place, criterion in enumerate(criteria) if counts(criterion, level)]
        critical = [number for number, place in enumerate(places) if criteria[place].critical]
        heavy = [n for n, place in enumerate(places) if n in critical or weights[place] >= rule.yellow_weight]
        unit = _unit(weights)
        self._rule, self._exact, self._critical, self._heavy = rule, unit is not None, critical, heavy
        self._counted = places if len(places) < len(criteria) else None
        self._pick, self._criticals, self._heavies = _picker(places), _picker(critical), _picker(heavy)
        self._weights = tuple(weights[place] for place in places)
        self._points = tuple(_earned(weight) for weight in self._weights)
        self._total = sum(self._weights)
        whole = [round(weight * unit) if unit else weight for weight in weights]
        self.gains = tuple(tuple(2 * points for points in _earned(weight)) for weight in whole)
        self._scaled = np.array([whole[place] for place in places], float)[:, np.newaxis]
        self._most = 2 * float(self._scaled.sum())
        self._scores: dict[float | None, float] = {}  # of sums met so far, where all is known

    def stand(self, row: Row, gained: float | None = None) -> Stood:
        """Standing of a row with one colour for each criterion; `gained` is the sum of their `gains`, if known."""
        if self._counted is not None:
            row = bytes(self._pick(row))
        if not self._total or row.translate(None, _JUDGED):
            coverage, known = self._coverage(row)
            found = round(sum(map(getitem, self._points, row)) / known, _DIGITS) if known else None
            return self._colour(row, found, coverage), found, coverage
        score = self._scores.get(gained)
        if score is None:
            score = self._scored(row, gained)
        if RED in row and self._critical and RED in self._criticals(row):
            return RED, score, 1.0
        return self._by_score(row, score), score, 1.0

    def _scored(self, row: Row, gained: float | None) -> float:
        """The score of a row of which all is known; by its sum, where the order of adding up cannot decide."""
        if gained is not None and self._exact:
            exact = gained / self._most * _LAST
            whole = round(exact)
            if abs(exact - whole) < _SURE:
                if len(self._scores) >= _REMEMBERED:
                    self._scores.clear()
                score = self._scores[gained] = whole / _LAST
                return score
        return round(sum(map(getitem, self._points, row)) / self._total, _DIGITS)

    def stand_all(self, table: Codes) -> tuple[Codes, Floats, Floats, Floats]:
        """Colours, scores (not a number where there is none), coverages and gains; `table` is criterion, unit."""
        counted, weights = table if self._counted is None else table[self._counted], self._scaled
        gained = ((RED - np.minimum(counted, RED)) * weights).sum(0)  # green earns two halves, yellow one
        coverage, known = np.ones(table.shape[1]), np.full(table.shape[1], self._most)
        if not self._total or counted.max() > RED:
            judged, there = counted <= RED, counted != EXCLUDED
            total, known = 2 * (there * weights).sum(0), 2 * (judged * weights).sum(0)
            coverage = (there.any(0) & (judged | ~there).all(0)).astype(float)  # where nothing has a weight
            np.divide(known, total, out=coverage, where=total > 0)
        scores = np.divide(gained, known, out=np.full(table.shape[1], np.nan), where=known > 0)
        (scores, doubtful), (coverage, unsure) = _rounded(scores), _rounded(coverage)
        codes = self._colours(counted, scores, coverage)
        for place in np.flatnonzero(doubtful | unsure).tolist():
            codes[place], score, coverage[place] = self.stand(table[:, place].tobytes())
            scores[place] = np.nan if score is None else score
        return codes, scores, coverage, gained

    def _colours(self, counted: Codes, scores: Floats, coverage: Floats) -> Codes:
        """The questions of `_colour` from the last to the first, so that an earlier one has the last word."""
        rule, critical = self._rule, counted[self._critical]
        codes = np.full(len(scores), GREEN, np.uint8)
        codes[(counted[self._heavy] == YELLOW).any(0)] = YELLOW
        codes[(counted == RED).any(0) | (scores < rule.green_score)] = YELLOW
        codes[scores < rule.red_score] = RED
        codes[(coverage == 0) | (coverage < rule.min_coverage)] = UNKNOWN
        codes[((critical == UNKNOWN) | (critical == MAINTENANCE)).any(0)] = UNKNOWN
        codes[(critical == RED).any(0)] = RED
        return codes

    def _coverage(self, row: Row) -> tuple[float, float]:
        counted = [(weight, code) for weight, code in zip(self._weights, row, strict=True) if code != EXCLUDED]
        total = sum(weight for weight, _ in counted)
        known = sum(weight for weight, code in counted if code <= RED)
        if total == 0:
            return float(bool(counted) and all(code <= RED for _, code in counted)), 0.0
        return round(known / total, _DIGITS), known

    def _colour(self, row: Row, score: float | None, coverage: float) -> int:
        if self._critical:
            critical = self._criticals(row)
            if RED in critical:
                return RED
            if UNKNOWN in critical or MAINTENANCE in critical:
                return UNKNOWN
        if coverage == 0 or coverage < self._rule.min_coverage:
            return UNKNOWN
        return self._by_score(row, 1.0 if score is None else score)

    def _by_score(self, row: Row, ratio: float) -> int:
        if ratio < self._rule.red_score:
            return RED
        if RED in row or ratio < self._rule.green_score:
            return YELLOW
        return YELLOW if YELLOW in row and YELLOW in self._heavies(row) else GREEN


def _earned(weight: float) -> tuple[float, ...]:
    """What each colour earns of a weight."""
    return tuple(weight * colour.score if colour.known else 0.0 for colour in COLOURS)


def _unit(weights: Sequence[float]) -> int | None:
    """The power of ten that makes whole numbers of all weights; None where there is none, or sums could be inexact."""
    for unit in (1, 10, 100, 1000):
        whole = [round(weight * unit) for weight in weights]
        if [number / unit for number in whole] == list(weights):
            return unit if sum(whole) < _EXACT else None
    return None


def _picker(places: Sequence[int]) -> Callable[[Row], Row | tuple[int, ...]]:
    """Takes the colours at some places out of a row."""
    if not places:
        return lambda _row: ()
    first, last = places[0], places[-1]
    return itemgetter(slice(first, last + 1)) if last - first < len(places) else itemgetter(*places)


def _rounded(ratios: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Rounded as `round` does, and where two ways of adding the same weights up could be rounded differently."""
    exact = ratios * _LAST
    whole = np.rint(exact)
    return whole / _LAST, np.abs(exact - whole) > _SURE
