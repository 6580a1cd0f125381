"""Which parts of a criterion the tests reached: its bands, its conditions, and both sides of its deadline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from monitor.engine import reasons
from monitor.engine.book import Criterion, Where
from monitor.model.colour import Colour
from monitor.model.verdict import CriterionState


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that a test can reach."""

    criterion: str
    what: str  # "band green >=80", "before the deadline, unmet"
    where: Where

    def __str__(self) -> str:
        return f"{self.where}: {self.criterion}: no test reaches {self.what}"


def parts(criterion: Criterion) -> Mapping[tuple[str, str], Part]:
    """Everything of a criterion that tests should reach, by the code and parameter of the reason that shows it."""
    return {key: Part(criterion.id, what, where) for key, what, where in _parts(criterion)}


def _parts(criterion: Criterion) -> Iterator[tuple[tuple[str, str], str, Where]]:
    target = criterion.target
    if target is not None:
        yield (reasons.TARGET_MET, ""), "the target met", target.where
        if target.every is None or criterion.rollup is None:
            yield (reasons.NOT_YET, ""), "the target unmet before its date", target.where
            yield (reasons.OVERDUE, ""), "the target unmet after its date", target.where
        if target.floor is not None:
            yield (reasons.BELOW_FLOOR, ""), "a value below the floor before the date", target.where
    for band in criterion.bands:
        # Beside a target only the red band says anything: how bad "not yet" is.
        if target is None or band.colour is Colour.RED:
            yield (reasons.BAND, band.text), f"the {band.colour.value} band {band.text}", band.where
    for formula in criterion.formulas:
        yield (reasons.FORMULA, formula.text), f"the {formula.colour.value} condition {formula.text}", formula.where
    if criterion.max_red_share is not None:
        yield (reasons.RED_SHARE, ""), "more red children than max_red_share", criterion.where


def reached(state: CriterionState) -> frozenset[tuple[str, str]]:
    """What the verdict of a test shows."""
    return frozenset(
        (why.code, str(why.params.get("band", why.params.get("expression", "")))) for why in state.verdict.reasons
    )
