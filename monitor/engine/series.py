"""Keeping the past of an indicator: one value a day, one sum a month, and no more of either than a rule can ask for.

A late value corrects its own day and no other, and of one day the newest claim counts, in whatever order they arrive. A
day that nothing was said of has no value; it is never filled in.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import TypeVar

from monitor.engine.book import Criterion, Indicator
from monitor.model.hours import Calendar
from monitor.model.reading import Comparator, Reading
from monitor.model.series import NOTHING, MonthSum, Series
from monitor.model.verdict import CriterionState, Standing

T = TypeVar("T")

DAYS = 62  # days kept: two months, the longest trend a target may ask for
SCORE = ""  # key of the unit's own score (ratio 0 to 1) among the series of its indicators
MONTHS = 12  # months kept: a year is the widest window of a sample


def remember(
    before: Mapping[str, Series],
    fresh: Iterable[Reading],
    indicators: Mapping[str, Indicator],
    calendar: Calendar,
    held: Mapping[str, Reading] | None = None,
) -> Mapping[str, Series]:
    """The series of a unit after new readings; the same object where nothing changed.

    `held` are the readings that counted before. They are taken in once more: the repeats of a value are not all in
    `fresh`, and a late claim that is older than the last repeat must not take its day from it.
    """
    fresh = tuple(fresh)
    if not fresh:
        return before
    after = dict(before)
    repeated = (held[name] for name in {reading.indicator for reading in fresh} if held and name in held)
    claimed, day, second = None, date.min, 0
    for reading in (*repeated, *fresh):
        indicator = indicators.get(reading.indicator)
        if indicator is not None and _is_figure(indicator, reading):
            if reading.as_of != claimed:  # those of one answer are mostly of one instant
                claimed, local = reading.as_of, calendar.local(reading.as_of)
                day, second = local.date(), 3600 * local.hour + 60 * local.minute + local.second
            series = after.get(reading.indicator, NOTHING)
            after[reading.indicator] = record(series, reading, indicator, day, second)
    return after if after != before else before


def remember_score(before: Mapping[str, Series], standing: Standing, day: date) -> Mapping[str, Series]:
    """The series with the unit's score of a local day under `SCORE`; of a unit that is not known there is none."""
    if standing.score is None or not standing.colour.known:
        return before
    past = before.get(SCORE, NOTHING)
    if past.days[-1:] == (day.toordinal(),) and past.values[-1] == standing.score:
        return before
    return {**before, SCORE: _with_day(past, day.toordinal(), standing.score)}


def _is_figure(indicator: Indicator, reading: Reading) -> bool:
    """Probes and words have no trend; what they say is in the history of readings."""
    return indicator.unit not in ("bool", "state") and not isinstance(reading.value, bool | str)


def record(series: Series, reading: Reading, indicator: Indicator, day: date, second: int = 0) -> Series:
    """The series with one reading of a local day taken in, claimed `second` seconds into it."""
    assert not isinstance(reading.value, bool | str)
    grown = _recorded(series, float(reading.value), day.toordinal(), second)
    if indicator.window is None or reading.numerator is None or reading.denominator is None:
        return grown
    month = 12 * day.year + day.month - 1
    sums = {total.month: total for total in series.months}
    claimed = reading.as_of.timestamp()
    if month in sums and sums[month].as_of > claimed:
        return grown
    exact = reading.comparator is Comparator.EQ
    sums[month] = MonthSum(month, reading.numerator, reading.denominator, claimed, exact)
    return replace(grown, months=tuple(sums[key] for key in sorted(sums))[-MONTHS:])


def _recorded(series: Series, value: float, day: int, second: int) -> Series:
    """The series with the value of a day, unless it holds a newer claim of that day."""
    if not series.days:
        return Series((day,), (value,), series.months, (second,) if second else ())
    days = series.days
    seconds = series.seconds or (0,) * len(days)
    place = bisect_left(days, day)
    if days[place : place + 1] == (day,) and seconds[place] > second:
        return series
    kept = _put(days, seconds, day, second)
    told = _put(days, days, day, day), _put(days, series.values, day, value)
    return Series(*told, series.months, kept if any(kept) else ())


def _with_day(series: Series, day: int, value: float) -> Series:
    """The series with the value of a day, whatever it held of it."""
    return replace(
        series, days=_put(series.days, series.days, day, day), values=_put(series.days, series.values, day, value)
    )


def remember_rollups(
    before: Mapping[str, Series],
    rules: Iterable[Criterion],
    judged: Mapping[str, CriterionState],
    calendar: Calendar,
    now: datetime,
) -> Mapping[str, Series]:
    """The series with today's value of each roll-up that has a target, under its id; the same object if unchanged."""
    after = before
    for rule in rules:
        if rule.rollup is None or rule.target is None or rule.id not in judged:
            continue
        value, known = judged[rule.id].verdict.value, judged[rule.id].colour.known
        if known and value is not None and not isinstance(value, (bool, str)):
            today = calendar.day(now).toordinal()
            after = {**after, rule.id: _with_day(after.get(rule.id, NOTHING), today, float(value))}
    return before if after is before or after == before else after


def _put(days: tuple[int, ...], said: tuple[T, ...], day: int, fresh: T) -> tuple[T, ...]:
    """What is said of each of `days`, with one day's put in or replaced; no more of it than is kept."""
    place = bisect_left(days, day)
    return (*said[:place], fresh, *said[bisect_right(days, day) :])[-DAYS:]
