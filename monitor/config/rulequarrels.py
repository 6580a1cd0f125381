"""Dated goals that contradict each other: the same is asked of the same units by dates that make no sense together.

A later date for the same goal takes the earlier one back; a later date for an easier goal can no longer be missed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import combinations, product

from monitor.config.problems import Problem
from monitor.engine.book import Book, Condition, Criterion

_UP, _DOWN = (">=", ">"), ("<=", "<")


def contradictions(books: Sequence[Book]) -> Iterator[Problem]:
    """One problem for each pair of goals that judge on a common day; recurring dates are left out.

    The same goal twice in one book is named where the book is read.
    """
    for book in books:
        for first, second in combinations(book.criteria, 2):
            if first.target is None or second.target is None or first.target.goal != second.target.goal:
                yield from _contradiction(first, second)
    for one, other in combinations(books, 2):
        for first, second in product(one.criteria, other.criteria) if one.overlaps(other) else ():
            if first.id != second.id:  # a criterion that is there twice is named as that
                yield from _contradiction(first, second)


def _contradiction(first: Criterion, second: Criterion) -> Iterator[Problem]:
    due, later = _last_day(first), _last_day(second)
    if due is None or later is None or due == later or not _same(first, second):
        return
    assert first.target is not None and second.target is not None
    goal, here = first.target.goal, second.target.goal
    early, late = (goal, here) if due < later else (here, goal)
    if goal != here and not _harder(early, late):
        return
    what = (
        f"{second.id}: {here} by {later}, while {first.id} in {first.where} asks {goal} of the same units by {due}; "
        f"{'the same goal has two dates' if goal == here else 'the easier goal has the later date'}"
    )
    yield Problem(second.target.where.file, second.target.where.line, what, "take one of them out")


def _last_day(criterion: Criterion) -> date | None:
    """Last day on which the goal can be met in time."""
    target = criterion.target
    if target is None:
        return None
    return target.before - timedelta(days=1) if target.before is not None else target.by


def _same(first: Criterion, second: Criterion) -> bool:
    """Whether both read the same of a common unit."""
    if (first.indicator, first.rollup) != (second.indicator, second.rollup):
        return False
    scopes = ((first.kinds, second.kinds), (first.provinces, second.provinces), (first.units, second.units))
    return bool(first.levels & second.levels) and all(not a or not b or a & b for a, b in scopes)


def _harder(one: Condition, other: Condition) -> bool:
    """Whether who meets `one` has met `other`, and not the other way round."""
    for ways, sign in ((_UP, 1), (_DOWN, -1)):
        if one.op in ways and other.op in ways:
            mine, theirs = one.operand, other.operand
            assert not isinstance(mine, str) and not isinstance(theirs, str)
            return sign * mine > sign * theirs
    return False
