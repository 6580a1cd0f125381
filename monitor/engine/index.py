"""An index: the points that a unit earns by its rates, in groups that add up to 100, and the grade they give.

What is unknown or too old earns nothing and is counted as unknown: points are given beside the maximum that is known,
and they are never scaled up to make good for silence. A grade is given for the points of the whole maximum, so that
what falls silent can only lower it, and only while the known share reaches the book's limit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.engine import reasons
from monitor.engine.book import Book, Criterion, Grade, Index, Points
from monitor.model.colour import Colour
from monitor.model.reading import Comparator, Value
from monitor.model.verdict import CriterionState, Reason

_TOLERANCE = 1.0  # points by which a reported total may differ before it is said
_DIGITS = 9  # sums of points as people add them, not as the machine does


@dataclass(frozen=True, slots=True)
class ItemPoints:
    """One criterion's part of an index. `points` is None when its rate is unknown; it then counts as nothing."""

    criterion: str
    group: str
    maximum: float
    points: float | None


@dataclass(frozen=True, slots=True)
class GroupPoints:
    """One group: points of `maximum`, of which `known` could be earned by rates that are known."""

    id: str
    name_vi: str
    name_en: str
    maximum: float
    known: float
    points: float
    grade: Grade | None


@dataclass(frozen=True, slots=True)
class IndexPoints:
    """What a unit earns in one book's index; the same figures as of a group for all of them together."""

    book: str
    title_vi: str
    title_en: str
    maximum: float
    known: float
    points: float
    grade: Grade | None  # None: too little is known, or the index has no grades
    groups: tuple[GroupPoints, ...]
    items: tuple[ItemPoints, ...]

    @property
    def share(self) -> float | None:
        """Points in per cent of the known maximum; None when nothing is known. For reading, not for grading."""
        return round(100 * self.points / self.known, _DIGITS) if self.known else None


def points_of(rate: float, worth: Points) -> float:
    """Points of a rate in per cent: all at the target or above it, in proportion below it, never less than 0."""
    if rate >= worth.target:
        return worth.maximum
    return round(max(rate, 0.0) * worth.maximum / worth.target, _DIGITS)


def earns_only(criterion: Criterion) -> bool:
    """True when a criterion has points and nothing that gives a colour: it is scored, and no part of the standing."""
    return criterion.points is not None and not criterion.bands and criterion.target is None and not criterion.formulas


def earned(criterion: Criterion, value: Value, comparator: Comparator) -> tuple[Colour, tuple[Reason, ...]]:
    """What such a criterion says of a value: excluded from the colours, with its points.

    "More than 80" earns at least what 80 earns; "less than 80" may be anything, so it is unknown.
    """
    worth = criterion.points
    assert worth is not None
    if isinstance(value, bool | str):
        return Colour.UNKNOWN, (Reason(reasons.WRONG_TYPE, {"value": value}),)
    if comparator in (Comparator.LT, Comparator.LE):
        return Colour.UNKNOWN, (Reason(reasons.UNDECIDED, {"value": value, "sign": comparator.value}),)
    said = {"points": points_of(value, worth), "maximum": worth.maximum, "value": value, "target": worth.target}
    return Colour.EXCLUDED, (Reason(reasons.POINTS, said),)


def tally(book: Book, criteria: Mapping[str, CriterionState]) -> IndexPoints | None:
    """The index of a book for a unit with these criteria; None when none of the book's items is judged there."""
    index = book.index
    if index is None:
        return None
    items = tuple(_item(rule, rule.points, criteria[rule.id]) for rule in _scored(book) if rule.id in criteria)
    if not items:
        return None
    groups = tuple(_group(index, number, items, book.standing.min_coverage) for number in range(len(index.groups)))
    maximum, known = _total([g.maximum for g in groups]), _total([g.known for g in groups])
    points = _total([g.points for g in groups])
    grade = _grade(index, points, known, maximum, book.standing.min_coverage)
    return IndexPoints(book.id, book.title_vi, book.title_en, maximum, known, points, grade, groups, items)


def total_differs(index: IndexPoints, criteria: Mapping[str, CriterionState]) -> Reason | None:
    """Because of what the total that the national system reports is another than ours by more than one point.

    The reported one is the value of the criterion `<book>_total_score`. None when it is unknown, or when a part of
    our own is: what is not known would show as a difference.
    """
    held = criteria.get(f"{index.book}_total_score")
    if held is None or not held.colour.known or index.known != index.maximum:
        return None
    told = held.verdict.value
    if told is None or isinstance(told, bool | str) or round(abs(told - index.points), _DIGITS) <= _TOLERANCE:
        return None
    return Reason(reasons.INDEX_DIFFERS, {"book": index.book, "reported": told, "computed": index.points})


def _scored(book: Book) -> list[Criterion]:
    return [criterion for criterion in book.criteria if criterion.points is not None]


def _item(rule: Criterion, worth: Points | None, state: CriterionState) -> ItemPoints:
    assert worth is not None
    verdict = state.verdict
    rate = verdict.value
    scored = state.colour.known or any(reason.code == reasons.POINTS for reason in verdict.reasons)
    exact = verdict.comparator not in (Comparator.LT, Comparator.LE)
    judged = verdict.colour.known or verdict.colour is Colour.EXCLUDED
    if not (scored and judged and exact):
        return ItemPoints(rule.id, worth.group, worth.maximum, None)
    points = None if rate is None or isinstance(rate, bool | str) else points_of(rate, worth)
    return ItemPoints(rule.id, worth.group, worth.maximum, points)


def _group(index: Index, number: int, items: Sequence[ItemPoints], needed: float) -> GroupPoints:
    group = index.groups[number]
    own = [item for item in items if item.group == group.id]
    known = _total([item.maximum for item in own if item.points is not None])
    points = _total([item.points or 0.0 for item in own])
    grade = _grade(index, points, known, group.maximum, needed)
    return GroupPoints(group.id, group.name_vi, group.name_en, group.maximum, known, points, grade)


def _grade(index: Index, points: float, known: float, maximum: float, needed: float) -> Grade | None:
    if round(known / maximum, _DIGITS) < needed:
        return None
    share = round(100 * points / maximum, _DIGITS)
    return next((grade for grade in index.grades if share >= grade.at_least), None)


def _total(parts: Sequence[float]) -> float:
    return round(sum(parts), _DIGITS)
