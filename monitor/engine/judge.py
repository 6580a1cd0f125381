"""One criterion, one reading, one instant: the raw colour and why. Holds come after (monitor.engine.hold)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from monitor.engine import reasons
from monitor.engine.book import Band, Criterion, Indicator, Measure
from monitor.engine.compare import WrongType, all_hold
from monitor.engine.target import Outlook, outlook
from monitor.model.colour import Colour
from monitor.model.hours import Calendar
from monitor.model.reading import Comparator, Reading, Value
from monitor.model.verdict import Reason, Verdict


def judge(
    criterion: Criterion, indicator: Indicator, reading: Reading | None, now: datetime, calendar: Calendar
) -> Verdict:
    """Raw verdict. Nothing known, too old, too few or not understood is never green."""
    if reading is None:
        return Verdict(Colour.UNKNOWN, (Reason(reasons.NO_DATA),))
    value = measured(indicator, reading, now)
    known = _verdict_of(reading, value)
    limit = criterion.max_age if criterion.max_age is not None else indicator.max_age
    stale_at = reading.as_of + timedelta(seconds=limit)
    if now >= stale_at:
        age = (now - reading.as_of).total_seconds()
        return replace(known, reasons=(Reason(reasons.STALE, {"age": age, "limit": limit}),))
    if reading.denominator is not None and reading.denominator < criterion.min_sample:
        small = Reason(reasons.SMALL_SAMPLE, {"sample": reading.denominator, "needed": criterion.min_sample})
        return replace(known, colour=Colour.EXCLUDED, reasons=(small,), recheck_at=stale_at)
    verdict = judge_value(criterion, known, now, calendar)
    return _earlier(verdict, stale_at, *_crossings(criterion, indicator, reading, now))


def judge_value(criterion: Criterion, known: Verdict, now: datetime, calendar: Calendar) -> Verdict:
    """Judge `known.value` by bands and target, whatever its origin (reading or roll-up)."""
    if known.value is None:
        raise ValueError("judge_value needs a value")
    try:
        ahead = _outlook(criterion, known.value, known.comparator, known.as_of or now, now, calendar)
        banded = _band(criterion.bands, known.value, known.comparator) if criterion.bands else None
    except WrongType:
        wrong = Reason(reasons.WRONG_TYPE, {"value": known.value})
        return replace(known, colour=Colour.UNKNOWN, reasons=(wrong,))
    return _combine(known, banded, ahead, now)


def measured(indicator: Indicator, reading: Reading, now: datetime) -> Value:
    """The value to judge: the reading's, or minutes since its yes/no turned false (at least one second)."""
    if indicator.measure is not Measure.ELAPSED:
        return reading.value
    if reading.value is not False:
        return 0.0
    down = (now - (reading.since or reading.as_of)).total_seconds()
    return max(down, 1.0) / 60


def _verdict_of(reading: Reading, value: Value) -> Verdict:
    return Verdict(
        colour=Colour.UNKNOWN,
        reasons=(),
        value=value,
        comparator=reading.comparator,
        numerator=reading.numerator,
        denominator=reading.denominator,
        as_of=reading.as_of,
        received_at=reading.received_at,
        source=reading.source,
    )


def _outlook(
    criterion: Criterion, value: Value, comparator: Comparator, as_of: datetime, now: datetime, calendar: Calendar
) -> Outlook | None:
    if criterion.target is None:
        return None
    return outlook(criterion.target, value, comparator, as_of, now, calendar)


def _combine(known: Verdict, banded: tuple[Colour, Reason] | None, ahead: Outlook | None, now: datetime) -> Verdict:
    if ahead is None:
        colour, reason = banded or (Colour.UNKNOWN, Reason(reasons.NO_BAND, {"value": known.value}))
        return replace(known, colour=colour, reasons=(reason,))
    colour = ahead.colour
    why: tuple[Reason, ...] = (ahead.reason,)
    if banded is not None and colour is Colour.YELLOW and banded[0] is Colour.RED:
        # Bands beside a target say how bad "not yet" is; they never turn an unmet target green.
        colour, why = Colour.RED, (banded[1], ahead.reason)
    return replace(
        known,
        colour=colour,
        reasons=why,
        deadline=ahead.deadline,
        overdue=ahead.overdue,
        working_days_left=ahead.working_days_left,
        recheck_at=ahead.deadline if now < ahead.deadline else None,
    )


def _band(bands: tuple[Band, ...], value: Value, comparator: Comparator) -> tuple[Colour, Reason]:
    for band in bands:
        if all_hold(band.conditions, value, comparator):
            return band.colour, Reason(reasons.BAND, {"value": value, "band": band.text})
    # No band holds for all that ">75" may mean: take the stated number itself, but never green on a maybe.
    for band in bands:
        if all_hold(band.conditions, value):
            colour = Colour.YELLOW if band.colour is Colour.GREEN else band.colour
            return colour, Reason(reasons.UNDECIDED, {"value": value, "sign": comparator.value, "band": band.text})
    return Colour.UNKNOWN, Reason(reasons.NO_BAND, {"value": value})


def _crossings(criterion: Criterion, indicator: Indicator, reading: Reading, now: datetime) -> list[datetime]:
    """Instants at which an elapsed value alone crosses a bound of the rule."""
    if indicator.measure is not Measure.ELAPSED or reading.value is not False:
        return []
    start = reading.since or reading.as_of
    conditions = [condition for band in criterion.bands for condition in band.conditions]
    if criterion.target is not None:
        conditions.append(criterion.target.goal)
    bounds = [start + timedelta(minutes=c.operand) for c in conditions if not isinstance(c.operand, (bool, str))]
    # "more than 15" turns true just after the bound, "at least 15" on it.
    return [at for bound in bounds for at in (bound, bound + timedelta(seconds=1)) if at > now]


def _earlier(verdict: Verdict, *instants: datetime) -> Verdict:
    own = () if verdict.recheck_at is None else (verdict.recheck_at,)
    return replace(verdict, recheck_at=min((*own, *instants)))
