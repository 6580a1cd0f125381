"""How fast: the way a value should take to its goal, the way it takes, and where that ends.

The curve: a linear one grows evenly with the working days that are over, from the baseline on the morning of `start` to
the goal at the end of the last good day; a stepped one asks for what the rule lists, from each listed day on. A goal
that recurs and names no start starts on the first day of its period.

The forecast: `actual_pace` is the Theil-Sen slope, the median of the slopes between all pairs of days, over the last
`trend_days` and, where the goal recurs, over its own period only. Time is counted in working days, so a weekend neither
helps nor hurts; of several values on one working day, or on the free days after it, the last counts. `projected` is the
value plus that pace for each working day left; `low` and `high` are the same with the slopes that a tenth of the pairs
lie below and above. All three are kept within what the indicator can be. Fewer than three days give no pace.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from monitor.engine.book import Criterion, Curve, Indicator, Pace, RollUp, Target, first_day
from monitor.engine.compare import holds
from monitor.model.hours import Calendar
from monitor.model.series import NOTHING, Series
from monitor.model.verdict import Forecast, Verdict

FEWEST = 3  # days of data for a pace
TAIL = 0.1  # share of the pairwise slopes beyond either end of the uncertainty
_DAY = timedelta(days=1)
_DIGITS = 6
_REMEMBERED = 16_384  # slopes kept: more than a province with a hundred communes has series
_UNBOUNDED = frozenset({RollUp.COUNT, RollUp.WEIGHT})  # roll-ups that are no per cent


class Slopes(NamedTuple):
    """Change per working day: the middle of all pairs, and the outer ones."""

    middle: float
    low: float
    high: float


def expected(target: Target, last_good_day: date, today: date, calendar: Calendar) -> float | None:
    """What the curve asks for on the morning of `today`, in the indicator's unit; None without a curve."""
    pace, goal = target.pace, target.goal.operand
    if pace is None or isinstance(goal, (bool, str)):
        return None
    start = _start(pace, target, last_good_day)
    if pace.curve is Curve.STEPPED:
        return next((value for day, value in reversed(pace.steps) if day <= today), pace.baseline)
    whole = calendar.working_days_between(start, last_good_day + _DAY)
    done = calendar.working_days_between(start, min(today, last_good_day + _DAY))
    return round(pace.baseline + (goal - pace.baseline) * (done / whole if whole else 1.0), _DIGITS)


def next_turn(target: Target, last_good_day: date, today: date, calendar: Calendar) -> date | None:
    """The next day, not after the last good one, on which the curve asks for something else than today."""
    pace = target.pace
    if pace is None:
        return None
    if pace.curve is Curve.STEPPED:
        turn = next((day for day, _ in pace.steps if day > today), last_good_day + _DAY)
    else:
        turn = calendar.add_working_days(max(today, _start(pace, target, last_good_day)), 0) + _DAY
    return turn if turn <= last_good_day else None


def _start(pace: Pace, target: Target, last_good_day: date) -> date:
    if pace.start is not None:
        return pace.start
    return last_good_day if target.every is None else first_day(target.every, last_good_day)


def foretold(
    verdict: Verdict,
    criterion: Criterion,
    indicator: Indicator | None,
    past: Series | None,
    now: datetime,
    calendar: Calendar,
) -> Verdict:
    """The verdict of a target with its days left and, where the goal is a number, its forecast.

    `past` is the series of the indicator, or of the roll-up itself. What was not judged against a date stays as it is.
    """
    target, due = criterion.target, verdict.deadline
    if target is None or due is None or not verdict.colour.known:
        return verdict
    today = calendar.day(now)
    last_good_day = calendar.local(due - timedelta.resolution).date()
    days_left = max((last_good_day - today).days + 1, 0)
    ahead = _forecast(verdict, target, last_good_day, today, calendar, past or NOTHING)
    if ahead is not None and ahead.projected is not None:
        ahead = _within(ahead, *_bounds(criterion, indicator))
    return replace(verdict, days_left=days_left, forecast=ahead)


def _forecast(
    verdict: Verdict, target: Target, last_good_day: date, today: date, calendar: Calendar, past: Series
) -> Forecast | None:
    value, goal = verdict.value, target.goal.operand
    if value is None or isinstance(value, (bool, str)) or isinstance(goal, (bool, str)):
        return None
    left = calendar.working_days_between(today, last_good_day + _DAY)
    met = holds(target.goal, value) or holds(target.goal, value, verdict.comparator)
    required = 0.0 if met else (goal - value) / left if left else None
    early = today <= last_good_day
    asked = expected(target, last_good_day, today, calendar) if early else None
    own = today if verdict.as_of is None else calendar.local(verdict.as_of).date()
    days, values = _window(past, own, value, target, last_good_day, today)
    found = slopes(days, values, calendar)
    if found is None:
        return Forecast(required, expected=asked, points=len(days))
    if not early:
        return Forecast(required, found.middle, points=len(days))
    projected, low, high = (value + slope * left for slope in found)
    return Forecast(required, found.middle, projected, low, high, asked, len(days))


def _window(
    past: Series, own: date, value: float, target: Target, last_good_day: date, today: date
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Days and values that the pace is taken from; the present value is that of its `own` day."""
    first = today.toordinal() - target.trend_days + 1
    if target.every is not None:
        first = max(first, first_day(target.every, last_good_day).toordinal())
    left, right = bisect_left(past.days, first), bisect_right(past.days, today.toordinal())
    days, values = past.days[left:right], past.values[left:right]
    day = own.toordinal()
    if not first <= day <= today.toordinal():
        return days, values
    place = bisect_left(days, day)
    return (*days[:place], day), (*values[:place], value)


def _slopes(days: tuple[int, ...], values: tuple[float, ...], calendar: Calendar) -> Slopes | None:
    """Median and outer slopes per working day between all pairs of days (ordinals); None for fewer than three days."""
    places: dict[int, float] = {}
    if days:
        start = date.fromordinal(days[0])
        for day, value in zip(days, values, strict=True):
            places[calendar.working_days_between(start, date.fromordinal(day + 1))] = value
    if len(places) < FEWEST:
        return None
    points = list(places.items())
    found = sorted(
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for number, later in enumerate(points)
        for earlier in points[:number]
    )
    return Slopes(quantile(found, 0.5), quantile(found, TAIL), quantile(found, 1 - TAIL))


# A pure function, remembered because a unit is judged far more often than the values of its days change.
slopes = lru_cache(_REMEMBERED)(_slopes)


def quantile(ordered: list[float], share: float) -> float:
    """The value below which that share of an ordered list lies, between its neighbours in proportion."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _within(ahead: Forecast, low: float | None, high: float | None) -> Forecast:
    projected, least, most = (_kept(value, low, high) for value in (ahead.projected, ahead.low, ahead.high))
    return replace(ahead, projected=projected, low=least, high=most)


def _kept(value: float | None, low: float | None, high: float | None) -> float | None:
    if value is None:
        return None
    value = value if low is None else max(low, value)
    return value if high is None else min(high, value)


def _bounds(criterion: Criterion, indicator: Indicator | None) -> tuple[float | None, float | None]:
    if criterion.rollup is not None:
        return (0.0, None) if criterion.rollup in _UNBOUNDED else (0.0, 100.0)
    return (None, None) if indicator is None else (indicator.minimum, indicator.maximum)
