"""What a roll-up can say: which of its keys belong together, and in which direction a group gets better.

A group whose colour improved when a child got worse or fell silent would be a rule that nobody means; it is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from monitor.config.problems import Location
from monitor.config.rulebands import conditions
from monitor.config.rulemodels import CriterionModel
from monitor.engine.book import Condition, Indicator
from monitor.engine.compare import all_hold
from monitor.model.reading import Value

ORDERED = ("worst", "nth_best")  # roll-ups that are a child's colour and no value
_BY_COLOUR = ("count", "share", "weight", "weight_share")
_PER_CENT = ("green_share", "score", "share", "weight_share")
_AT_LEAST = (">=", ">", "==")

Mistake = tuple[Location, str, str]


def group_measure(entry: CriterionModel) -> Indicator | None:
    """What the bands and goal of a roll-up are written in; None for what is judged as its indicator."""
    if entry.rollup not in (*_PER_CENT, "count", "weight"):
        return None
    unit = "%" if entry.rollup in _PER_CENT else "count" if entry.rollup == "count" else "points"
    top = 100.0 if entry.rollup in _PER_CENT else None
    return Indicator(entry.id, "", "", "", unit, "rollup", 0.0, minimum=0.0, maximum=top)


def group_mistakes(entry: CriterionModel, indicators: Mapping[str, Indicator] | None) -> Iterator[Mistake]:
    """Everything that does not fit together in a roll-up: place, what, what would be right."""
    if (entry.rollup == "nth_best") != (entry.nth is not None):
        yield (
            ("nth",) if entry.nth is not None else ("rollup",),
            "'rollup: nth_best' and 'nth' belong together",
            ("write both or neither"),
        )
    if "colours" in entry.model_fields_set and entry.rollup not in _BY_COLOUR:
        yield ("colours",), "only a count, share or weight of children has colours", f"use {', '.join(_BY_COLOUR)}"
    if entry.max_red_share is not None and entry.rollup in ORDERED:
        yield ("max_red_share",), "max_red_share needs a roll-up that is a value", "leave it out"
    if entry.min_sample and entry.rollup not in (None, "rate"):
        yield ("min_sample",), "only a rate has cases to count", "leave min_sample out"
    if entry.rollup == "rate":
        yield from _rate_mistakes(entry, indicators)
    if entry.rollup in _BY_COLOUR:
        yield from _colour_mistakes(entry)


def _rate_mistakes(entry: CriterionModel, indicators: Mapping[str, Indicator] | None) -> Iterator[Mistake]:
    name = entry.indicator or entry.id
    indicator = None if indicators is None else indicators.get(name)
    if indicators is not None and indicator is None:
        yield (
            (("indicator",) if entry.indicator else ("rollup",)),
            "a rate sums up the figures of an indicator",
            ("name it under 'indicator'"),
        )
    elif indicator is not None and (indicator.unit != "%" or indicator.of is not None):
        what = f"a rate sums up numerators and denominators, but '{name}' is measured in {indicator.unit}"
        yield (("indicator",) if entry.indicator else ("id",)), what, "name an indicator in %"


def _colour_mistakes(entry: CriterionModel) -> Iterator[Mistake]:
    colours = set(entry.colours)
    if not colours:
        yield ("colours",), "no colour is counted", "name at least one"
    elif "green" in colours and "unknown" in colours:
        yield ("colours",), "green and unknown are counted alike", "silence must never look good: take unknown out"
    elif "yellow" not in colours and {"green", "red"} <= colours:
        yield ("colours",), "green and red are counted, and yellow between them is not", "add yellow or take one out"
    elif "yellow" in colours and not colours & {"green", "red"}:
        yield ("colours",), "yellow alone falls when a child turns red", "count [yellow, red] or [green, yellow]"
    else:
        yield from _direction_mistakes(entry, "green" in colours)


def _direction_mistakes(entry: CriterionModel, good: bool) -> Iterator[Mistake]:
    for step, written in _green(entry):
        parts = _parts(written)
        if not parts or any(isinstance(part.operand, bool | str) for part in parts):
            continue  # said elsewhere
        counted = " and ".join(entry.colours)
        if good and not any(part.op in _AT_LEAST for part in parts):
            yield step, f"the more children are {counted}, the worse this would be", "write >= for a good colour"
        elif not good and not all_hold(parts, 0.0):
            yield step, f"no child is {counted}, and this would not be green", "write 0 or <= for a bad colour"


def _green(entry: CriterionModel) -> Iterator[tuple[Location, Value]]:
    if entry.bands is not None and entry.bands.green is not None:
        yield ("bands", "green"), entry.bands.green
    if entry.target is not None:
        yield ("target", "value"), entry.target.value


def _parts(written: Value) -> tuple[Condition, ...]:
    try:
        return conditions(written)
    except ValueError:
        return ()
