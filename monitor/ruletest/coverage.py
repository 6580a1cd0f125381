"""Which parts of a criterion the tests reached: bands, conditions, both sides of its deadline, what a group can say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from monitor.engine import reasons
from monitor.engine.book import Book, Criterion, RollUp, Target, Where
from monitor.engine.target import LAST_DAY
from monitor.model.colour import Colour
from monitor.model.verdict import CriterionState

_COLOUR = "colour"  # no code of a reason: the colour itself


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that a test can reach."""

    criterion: str
    what: str  # "band green >=80", "before the deadline, unmet"
    where: Where

    def __str__(self) -> str:
        return f"{self.where}: {self.criterion}: no test reaches {self.what}"


def parts(criterion: Criterion, book: Book) -> Mapping[tuple[str, str], Part]:
    """Everything of a criterion that tests should reach, by the code and parameter of the reason that shows it."""
    return {key: Part(criterion.id, what, where) for key, what, where in _parts(criterion, book)}


def _parts(criterion: Criterion, book: Book) -> Iterator[tuple[tuple[str, str], str, Where]]:
    target = criterion.target
    if target is not None:
        yield (reasons.TARGET_MET, ""), "the target met", target.where
        # The value of a roll-up is of now, so a recurring date is never behind it.
        lasting = target.every is None or criterion.rollup is None
        if lasting:
            yield (reasons.NOT_YET, ""), "the target unmet before its date", target.where
        if lasting and _outlives(book, target):
            yield (reasons.OVERDUE, ""), "the target unmet after its date", target.where
        if target.floor is not None:
            yield (reasons.BELOW_FLOOR, ""), "a value below the floor before the date", target.where
    for band in criterion.bands:
        # Beside a target only the red band says anything: how bad "not yet" is.
        if target is None or band.colour is Colour.RED:
            yield (reasons.BAND, band.text), f"the {band.colour.value} band {band.text}", band.where
    for formula in criterion.formulas:
        yield (reasons.FORMULA, formula.text), f"the {formula.colour.value} condition {formula.text}", formula.where
    if criterion.rollup is not None:
        yield from _group_parts(criterion)


def _group_parts(criterion: Criterion) -> Iterator[tuple[tuple[str, str], str, Where]]:
    yield (reasons.KNOWN_SHARE, ""), "a group of which too little is known", criterion.where
    if criterion.max_red_share is not None:
        yield (reasons.RED_SHARE, ""), "more red children than max_red_share", criterion.where
    for colour in (Colour.GREEN, Colour.YELLOW, Colour.RED) if criterion.rollup is RollUp.WORST else ():
        yield (_COLOUR, colour.value), f"a group whose worst is {colour.value}", criterion.where


def _outlives(book: Book, target: Target) -> bool:
    """Whether the book still judges on the day after the (first) date of its target."""
    if book.valid_to is None:
        return True
    if target.every is not None:
        return book.valid_from is None or LAST_DAY[target.every](book.valid_from) < book.valid_to
    last = target.by if target.before is None else target.before - timedelta(days=1)
    return last is None or last < book.valid_to


def reached(state: CriterionState) -> frozenset[tuple[str, str]]:
    """What the verdict of a test shows."""
    said = {(why.code, str(why.params.get("band", why.params.get("expression", "")))) for why in state.verdict.reasons}
    return frozenset({*said, (_COLOUR, state.verdict.colour.value)})
