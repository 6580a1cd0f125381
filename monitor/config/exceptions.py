"""The register of exceptions, `rules/exceptions.yaml`: other dates of single units, each by a paper. Optional.

It is read after the rule books and the units, for it names both. Nothing of a register with a mistake counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from monitor.config.problems import Location, Problem
from monitor.config.rulebooks import REGISTER
from monitor.config.rulemodels import ExemptionModel, RegisterModel
from monitor.config.yaml import Document, read, validate
from monitor.engine.book import Exemption, Ruleset, Where
from monitor.model.nearest import nearest
from monitor.model.unit import Units


def with_exceptions(root: Path, ruleset: Ruleset, units: Units) -> tuple[Ruleset, list[Problem]]:
    """The ruleset with the exceptions of a site, if it has any, or every problem in them."""
    if not (root / REGISTER).exists():
        return ruleset, []
    document, problems = read(root / REGISTER, REGISTER)
    if document is None:
        return ruleset, problems
    model, problems = validate(RegisterModel, document)
    if model is None:
        return ruleset, problems
    made = tuple(_exemption(document, entry, number) for number, entry in enumerate(model.exceptions))
    for number, entry in enumerate(model.exceptions):
        problems += _mistakes(document, entry, ("exceptions", number), ruleset, units)
    problems += _overlaps(made)
    return (ruleset, problems) if problems else (replace(ruleset, exemptions=made), [])


def _exemption(document: Document, entry: ExemptionModel, number: int) -> Exemption:
    return Exemption(
        criterion=entry.criterion,
        unit=entry.unit,
        paper=entry.paper,
        decided=entry.decided,
        before=entry.before,
        by=entry.by,
        until=entry.until,
        where=Where(document.name, document.line(("exceptions", number))),
    )


def _mistakes(
    document: Document, entry: ExemptionModel, at: Location, ruleset: Ruleset, units: Units
) -> Iterator[Problem]:
    name = f"the exception of '{entry.unit}' for '{entry.criterion}'"
    dates = [key for key in ("before", "by") if getattr(entry, key) is not None]
    if len(dates) != 1:
        said = "two dates (before and by)" if dates else "no date"
        yield document.problem((*at, *dates[-1:]), f"{name} has {said}", "give exactly one of before, by")
    if entry.until is not None and entry.until < entry.decided:
        what = f"{name} ends on {entry.until}, before it was decided on {entry.decided}"
        yield document.problem((*at, "until"), what, "'until' is the last day on which it counts")
    if entry.unit not in units:
        yield document.problem(
            (*at, "unit"), f"unknown unit '{entry.unit}'", nearest(entry.unit, [u.code for u in units])
        )
    versions = [c for book in ruleset.books for c in book.criteria if c.id == entry.criterion]
    if not versions:
        known = [c.id for book in ruleset.books for c in book.criteria]
        what = f"there is no criterion '{entry.criterion}' in the active rule books"
        yield document.problem((*at, "criterion"), what, nearest(entry.criterion, known))
    elif all(c.target is None for c in versions):
        what = f"the criterion '{entry.criterion}' has no target, so no date to except from"
        yield document.problem((*at, "criterion"), what, "name a criterion with a target")
    elif entry.unit in units and not any(c.applies_to(units[entry.unit]) for c in versions):
        what = f"the criterion '{entry.criterion}' does not judge the unit '{entry.unit}'"
        yield document.problem((*at, "unit"), what, "name a unit in its applies_to")
    recurring = [c.target.every.value for c in versions if c.target is not None and c.target.every is not None]
    if recurring and entry.until is None:
        what = f"{name} has no end, and its goal recurs: every {recurring[0]} from now on would have that date"
        yield document.problem(at, what, "write until: the last day on which it counts")


def _overlaps(made: Sequence[Exemption]) -> Iterator[Problem]:
    for number, later in enumerate(made):
        first = next((earlier for earlier in made[:number] if later.overlaps(earlier)), None)
        if first is not None:
            what = f"the exception of '{later.unit}' for '{later.criterion}' overlaps with another one"
            right = f"let the one at {first.where} end before it: until"
            yield Problem(later.where.file, later.where.line, what, right)
