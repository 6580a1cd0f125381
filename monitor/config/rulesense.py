"""What is wrong with a rule book as a whole: dates that contradict each other, weights that do not add up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import combinations

from monitor.config.problems import Problem
from monitor.config.rulemodels import BookModel, CriterionModel, ScopeModel
from monitor.config.yaml import Document


def senseless(document: Document, model: BookModel) -> Iterator[Problem]:
    """Every such mistake of a book."""
    yield from _weights(document, model)
    for number, entry in enumerate(model.criteria):
        yield from _date_outside(document, model, number, entry)
    yield from _quarrels(document, model)


def _weights(document: Document, model: BookModel) -> Iterator[Problem]:
    for level, stated in model.weights.items():
        found = sum(entry.weight.get(level, 0.0) for entry in model.criteria)
        if abs(found - stated) > 1e-6:
            what = f"the weights of level {level} add up to {found:g}, not to the {stated:g} that the book states"
            yield document.problem(("weights", level), what, "correct one of them")


def _last_day(entry: CriterionModel) -> date | None:
    """Last day on which the goal can be met in time."""
    if entry.target is None:
        return None
    return entry.target.before - timedelta(days=1) if entry.target.before is not None else entry.target.by


def _date_outside(document: Document, model: BookModel, number: int, entry: CriterionModel) -> Iterator[Problem]:
    last, since, to = _last_day(entry), model.valid.since, model.valid.to
    at = ("criteria", number, "target")
    if last is not None and since is not None and last < since:
        what = f"{entry.id}: the last day to meet the target is {last}, before the book begins on {since}"
        yield document.problem(at, what, "correct the date or valid.from")
    if last is not None and to is not None and last > to:
        what = f"{entry.id}: the last day to meet the target is {last}, after the book ends on {to}"
        yield document.problem(at, what, "correct the date or valid.to")


def _quarrels(document: Document, model: BookModel) -> Iterator[Problem]:
    dated = [(number, entry, last) for number, entry in enumerate(model.criteria) if (last := _last_day(entry))]
    for (_, one, first), (number, other, second) in combinations(dated, 2):
        if first != second and _same_goal(one, other) and _overlap(one.applies_to, other.applies_to):
            what = f"{other.id}: '{one.id}' asks the same of the same units by another date ({first}, here {second})"
            yield document.problem(("criteria", number, "target"), what, "take one of them out")


def _same_goal(one: CriterionModel, other: CriterionModel) -> bool:
    assert one.target is not None and other.target is not None
    named = (one.indicator or one.id, one.rollup) == (other.indicator or other.id, other.rollup)
    return named and one.target.value == other.target.value


def _overlap(one: ScopeModel, other: ScopeModel) -> bool:
    pairs = ((one.kinds, other.kinds), (one.provinces, other.provinces), (one.units, other.units))
    apart = any(mine and theirs and not set(mine) & set(theirs) for mine, theirs in pairs)
    return bool(set(one.levels) & set(other.levels)) and not apart
