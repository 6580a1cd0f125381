"""Free conditions: the first that is true, from red to green, is the colour. A missing input is never green."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.engine import reasons
from monitor.engine.book import Criterion, Formula, Indicator
from monitor.model.colour import Colour
from monitor.model.reading import Comparator, Reading, Value
from monitor.model.verdict import Param, Reason, Verdict

_EXACT = (Comparator.EQ, Comparator.APPROX)


@dataclass(slots=True)
class Inputs:
    """What the conditions may read, why the rest is missing, and when a value grows too old."""

    values: dict[str, Value] = field(default_factory=dict)
    readings: list[Reading] = field(default_factory=list)
    missing: list[Reason] = field(default_factory=list)
    instants: list[datetime] = field(default_factory=list)


def judge_formulas(
    criterion: Criterion, indicators: Mapping[str, Indicator], evidence: Mapping[str, Reading], now: datetime
) -> Verdict:
    """Raw verdict of a criterion with free conditions.

    A red or yellow that is true whatever the missing inputs are stands; green needs all of them. An error is unknown.
    """
    found = gather(criterion, indicators, evidence, now)
    colour, why = _colour(criterion, found)
    return Verdict(
        colour=colour,
        reasons=why,
        value=next(iter(found.values.values()), None),
        as_of=min((reading.as_of for reading in found.readings), default=None),
        received_at=max((reading.received_at for reading in found.readings), default=None),
        source=", ".join(dict.fromkeys(reading.source for reading in found.readings)),
        recheck_at=min(found.instants, default=None),
    )


def gather(
    criterion: Criterion, indicators: Mapping[str, Indicator], evidence: Mapping[str, Reading], now: datetime
) -> Inputs:
    """What the conditions of a criterion may read at an instant, and why the rest is missing."""
    found = Inputs()
    for name in criterion.inputs:
        reading = evidence.get(indicators[name].evidence)
        if reading is None:
            found.missing.append(Reason(reasons.INPUT_MISSING, {"indicator": name}))
            continue
        found.readings.append(reading)
        limit = criterion.max_age if criterion.max_age is not None else indicators[name].max_age
        stale_at = reading.as_of + timedelta(seconds=limit)
        if now >= stale_at:
            age = round((now - reading.as_of).total_seconds() / 3600, 1)
            params: dict[str, Param] = {"indicator": name, "age": age, "limit": round(limit / 3600, 1)}
            found.missing.append(Reason(reasons.INPUT_STALE, params))
            continue
        found.instants.append(stale_at)
        if reading.comparator not in _EXACT:
            said: dict[str, Param] = {"indicator": name, "sign": reading.comparator.value, "value": reading.value}
            found.missing.append(Reason(reasons.INPUT_INEXACT, said))
        else:
            found.values[name] = reading.value
    return found


def _colour(criterion: Criterion, found: Inputs) -> tuple[Colour, tuple[Reason, ...]]:
    small = [r.denominator for r in found.readings if r.denominator is not None]
    if small and min(small) < criterion.min_sample:
        needed: dict[str, Param] = {"sample": min(small), "needed": criterion.min_sample}
        return Colour.EXCLUDED, (Reason(reasons.SMALL_SAMPLE, needed),)
    for formula in criterion.formulas:
        answer = formula.evaluate(found.values) if formula.evaluate else "it was never compiled"
        if isinstance(answer, str):
            return Colour.UNKNOWN, tuple(found.missing) or (_error(formula, answer),)
        if answer:
            return _true(formula, found.missing)
    return Colour.UNKNOWN, (*found.missing, Reason(reasons.NO_FORMULA))


def _true(formula: Formula, missing: Sequence[Reason]) -> tuple[Colour, tuple[Reason, ...]]:
    if formula.colour is Colour.GREEN and missing:
        return Colour.UNKNOWN, tuple(missing)
    return formula.colour, (Reason(reasons.FORMULA, {"expression": formula.text}), *missing)


def _error(formula: Formula, error: str) -> Reason:
    return Reason(reasons.FORMULA_ERROR, {"expression": formula.text, "error": error})
