"""Too few cases for a rate: the window is widened from the month to a quarter, then to a year, and it is said.

Windows roll by calendar months, the month of the value last: a quarter is that month and the two before it, a year that
month and the eleven before it. A calendar quarter would judge a small commune in its third month and not in its first.
Only figures of a month so far (`window: month`) with both of their counts are summed; what is cumulative already, or
stated as "more than", "about", is not. A month that nobody spoke of is no month of nothing: the reason says how many of
the window's months are known. Nothing here depends on `now`, so staleness and `recheck_at` stay those of the value.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from monitor.engine import reasons
from monitor.engine.book import Criterion, Indicator, Period
from monitor.engine.evidence import believable
from monitor.model.hours import Calendar
from monitor.model.reading import Comparator, Reading
from monitor.model.series import Series
from monitor.model.verdict import Param, Reason

WINDOWS = ((Period.QUARTER, 3), (Period.YEAR, 12))  # wider windows, in months, the one tried first first


class Sample(NamedTuple):
    """What is judged in place of a reading: the reading itself or a wider one, and what is to be said of it."""

    reading: Reading
    notes: tuple[Reason, ...] = ()
    enough: bool = True  # False: no window holds enough cases, the rate is not applicable


@dataclass(frozen=True, slots=True)
class Window:
    """Sums of a wider window: `months` of its `size` months are known; `exact` is False where they do not add up."""

    period: Period
    months: int  # how many of its months are known
    size: int
    numerator: float
    denominator: float
    exact: bool


def widen(criterion: Criterion, indicator: Indicator, reading: Reading, past: Series, calendar: Calendar) -> Sample:
    """The smallest window that holds `min_sample` cases. A reading without a denominator is taken as it is."""
    if reading.denominator is None or reading.denominator >= criterion.min_sample:
        return Sample(reading)
    needed = criterion.min_sample
    tried: dict[str, Param] = {}
    for window in windows(indicator, reading, past, calendar):
        tried[window.period.value] = window.denominator if window.exact else None
        rate = 100 * window.numerator / window.denominator if window.denominator else 0.0
        if window.exact and window.denominator >= needed and believable(indicator, rate) is None:
            wide = replace(reading, value=rate, numerator=window.numerator, denominator=window.denominator)
            said: dict[str, Param] = {"window": window.period.value, "months": window.months, "of": window.size}
            said |= {"sample": window.denominator, "needed": needed, "month": reading.denominator}
            return Sample(wide, (Reason(reasons.WIDER_WINDOW, said),))
    few = Reason(reasons.SMALL_SAMPLE, {"sample": reading.denominator, "needed": needed})
    also = (Reason(reasons.WINDOWS_TRIED, tried),) if tried else ()
    return Sample(reading, (few, *also), enough=False)


def windows(indicator: Indicator, reading: Reading, past: Series, calendar: Calendar) -> Iterator[Window]:
    """The wider windows of a monthly figure, the one tried first first; none for other figures."""
    if indicator.window is not Period.MONTH or indicator.unit != "%" or reading.numerator is None:
        return
    assert reading.denominator is not None
    day = calendar.local(reading.as_of).date()
    month = 12 * day.year + day.month - 1
    for period, size in WINDOWS:
        # Of its own month the reading speaks itself: the month's sum may be that of a source that no longer counts.
        others = [total for total in past.months if month - size < total.month < month]
        yield Window(
            period,
            1 + len(others),
            size,
            reading.numerator + sum(total.numerator for total in others),
            reading.denominator + sum(total.denominator for total in others),
            reading.comparator is Comparator.EQ and all(total.exact for total in others),
        )
