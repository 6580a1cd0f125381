"""One criterion, one reading, one instant: the raw colour and why. Holds come after (monitor.engine.hold)."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from monitor.engine import reasons
from monitor.engine.book import Band, Criterion, Indicator, Measure
from monitor.engine.compare import WrongType, all_hold
from monitor.engine.index import earned, earns_only
from monitor.engine.sample import Sample, widen
from monitor.engine.target import Outlook, outlook, short_of
from monitor.model.colour import Colour
from monitor.model.hours import Calendar
from monitor.model.reading import Comparator, Reading, Value
from monitor.model.series import NOTHING, Series
from monitor.model.verdict import Reason, Verdict


class Ruling(NamedTuple):
    """What a rule says of a value at one instant; the rest of a verdict is where the value came from."""

    colour: Colour
    reasons: tuple[Reason, ...]
    deadline: datetime | None = None  # first instant at which it is too late
    overdue: bool = False
    working_days_left: int | None = None
    recheck_at: datetime | None = None  # next instant at which time alone could change it


_NO_DATA = Verdict(Colour.UNKNOWN, (Reason(reasons.NO_DATA),))


def judge(
    criterion: Criterion,
    indicator: Indicator,
    reading: Reading | None,
    now: datetime,
    calendar: Calendar,
    past: Series = NOTHING,
) -> Verdict:
    """Raw verdict. Nothing known, too old, too few or not understood is never green.

    `past` is what is remembered of the indicator: a rate of too few cases is judged by a wider window of it.
    """
    if reading is None:
        return _NO_DATA
    sample = widen(criterion, indicator, reading, past, calendar)
    reading = sample.reading
    value = measured(indicator, reading, now)
    ruling = _rule(criterion, indicator, sample, value, now, calendar)
    return Verdict(  # by their places: this is done for every reading
        ruling.colour, ruling.reasons, value, reading.comparator, reading.numerator, reading.denominator,
        reading.as_of, reading.received_at, reading.source, ruling.deadline, ruling.overdue, ruling.working_days_left,
        recheck_at=ruling.recheck_at,
    )  # fmt: skip


def _rule(
    criterion: Criterion, indicator: Indicator, sample: Sample, value: Value, now: datetime, calendar: Calendar
) -> Ruling:
    reading = sample.reading
    limit = criterion.max_age if criterion.max_age is not None else indicator.max_age
    stale_at = reading.as_of + timedelta(seconds=limit)
    if now >= stale_at:
        age = (now - reading.as_of).total_seconds()
        return Ruling(Colour.UNKNOWN, (Reason(reasons.STALE, {"age": age, "limit": limit}),))
    ageing, look_again = _ageing(indicator, reading, now, stale_at)
    beside = (*sample.notes, *ageing)
    if not sample.enough:
        return Ruling(Colour.EXCLUDED, beside, recheck_at=look_again)
    if earns_only(criterion):
        colour, why = earned(criterion, value, reading.comparator)
        return Ruling(colour, (*why, *beside), recheck_at=look_again)
    if indicator.measure is Measure.ELAPSED:
        look_again = min((look_again, *_crossings(criterion, reading, now)))
    ruling = judge_value(criterion, value, reading.comparator, reading.as_of, now, calendar, look_again)
    return ruling._replace(reasons=(*ruling.reasons, *beside)) if beside else ruling


def _ageing(
    indicator: Indicator, reading: Reading, now: datetime, stale_at: datetime
) -> tuple[tuple[Reason, ...], datetime]:
    """A word about data that is old though still believed; and when the next such word is due, or it is stale."""
    if indicator.warn_age is None:
        return (), stale_at
    warn_at = reading.as_of + timedelta(seconds=indicator.warn_age)
    if now < warn_at:
        return (), min(warn_at, stale_at)
    age = (now - reading.as_of).total_seconds()
    return (Reason(reasons.AGEING, {"age": age, "limit": indicator.warn_age}),), stale_at


def judge_value(
    criterion: Criterion,
    value: Value,
    comparator: Comparator,
    as_of: datetime,
    now: datetime,
    calendar: Calendar,
    look_again: datetime | None = None,
) -> Ruling:
    """Judge a value by bands and target, whatever its origin (reading or roll-up).

    `look_again` is when the value itself has to be looked at anew, for it ages or grows.
    """
    try:
        target = criterion.target
        ahead = None if target is None else outlook(target, value, comparator, as_of, now, calendar)
        colour, reason = _band(criterion.bands, value, comparator)
    except WrongType:
        return Ruling(Colour.UNKNOWN, (Reason(reasons.WRONG_TYPE, {"value": value}),), recheck_at=look_again)
    if ahead is not None:
        return _by_target(colour, reason, ahead, now, look_again)
    return Ruling(colour, (reason,), recheck_at=look_again)


def measured(indicator: Indicator, reading: Reading, now: datetime) -> Value:
    """The value to judge: the reading's, or minutes since it last said yes (at least one second)."""
    if indicator.measure is not Measure.ELAPSED:
        return reading.value
    if reading.value is True:
        return 0.0
    down = (now - (reading.since or reading.as_of)).total_seconds()
    return max(down, 1.0) / 60


def _by_target(banded: Colour, band: Reason, ahead: Outlook, now: datetime, look_again: datetime | None) -> Ruling:
    colour = ahead.colour
    why: tuple[Reason, ...] = (ahead.reason,)
    if colour is Colour.YELLOW and banded is Colour.RED:
        # Bands beside a target say how bad "not yet" is; they never turn an unmet target green.
        colour, why = Colour.RED, (band, ahead.reason)
    instants = [at for at in (look_again, ahead.deadline, ahead.recheck_at) if at is not None and at > now]
    look_again = min(instants, default=None)
    return Ruling(colour, (*why, *ahead.more), ahead.deadline, ahead.overdue, ahead.working_days_left, look_again)


@lru_cache(maxsize=4096, typed=True)
def _within(band: str, value: Value) -> Reason:
    """Made once for all units that have this value, as most of a probe's have."""
    return Reason(reasons.BAND, {"value": value, "band": band})


def _band(bands: tuple[Band, ...], value: Value, comparator: Comparator) -> tuple[Colour, Reason]:
    for band in bands:
        if all_hold(band.conditions, value, comparator):
            return band.colour, _within(band.text, value)
    # No band holds for all that ">75" may mean: take the stated number itself, but never green on a maybe.
    for band in bands:
        if all_hold(band.conditions, value):
            colour = Colour.YELLOW if band.colour is Colour.GREEN else band.colour
            return colour, Reason(reasons.UNDECIDED, {"value": value, "sign": comparator.value, "band": band.text})
    return Colour.UNKNOWN, Reason(reasons.NO_BAND, {"value": value})


def _crossings(criterion: Criterion, reading: Reading, now: datetime) -> list[datetime]:
    """Instants at which an elapsed value alone crosses a bound of the rule."""
    if reading.value is True:
        return []
    start = reading.since or reading.as_of
    bounds = [start + timedelta(minutes=bound) for bound in _bounds(criterion)]
    # "more than 15" turns true just after the bound, "at least 15" on it.
    return [at for bound in bounds for at in (bound, bound + timedelta.resolution) if at > now]


def _bounds(criterion: Criterion) -> list[float]:
    operands: list[Value | None] = [c.operand for band in criterion.bands for c in band.conditions]
    if criterion.target is not None:
        target = criterion.target
        operands += [target.goal.operand, target.floor, short_of(target.goal, target.margin)]
    return [operand for operand in operands if operand is not None and not isinstance(operand, (bool, str))]
