"""Too few cases in a month are judged by a wider window, and it is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.engine.book import Period
from monitor.engine.explain import sentence
from monitor.engine.judge import judge
from monitor.engine.series import record
from monitor.model.colour import Colour
from monitor.model.series import NOTHING, Series
from tests.unit.engine_scene import CALENDAR, GREEN, UNKNOWN, local, measure, rule, told

MONTHLY = measure(window=Period.MONTH)
FEW = rule(min_sample=30)


def month(number: int, good: float, cases: float = 18, sign: str = "="):
    return told(100 * good / cases, local(10, month=number), numerator=good, denominator=cases, sign=sign)


def past(*readings) -> Series:
    series = NOTHING
    for reading in readings:
        series = record(series, reading, MONTHLY, CALENDAR.local(reading.as_of).date())
    return series


def seen(now, *before, indicator=MONTHLY):
    return judge(FEW, indicator, now, now.as_of, CALENDAR, past(*before, now))


def test_eighteen_cases_a_month_are_never_judged_by_month_and_then_by_the_quarter():
    months = [month(number, 16) for number in range(1, 7)]  # 108 in six months
    verdicts = [seen(months[n], *months[:n]) for n in range(6)]
    assert [verdict.colour for verdict in verdicts] == [Colour.EXCLUDED, *[GREEN] * 5]
    assert (verdicts[5].numerator, verdicts[5].denominator) == (48, 54)
    assert verdicts[5].reasons[1].params["window"] == "quarter"


def test_a_year_is_taken_where_a_quarter_is_too_short_and_then_nothing():
    months = [month(number, 7, 8) for number in range(1, 7)]
    assert seen(months[3], *months[:3]).reasons[1].params["window"] == "year"
    few = seen(months[2], *months[:2])
    assert [reason.code for reason in few.reasons] == ["small_sample", "windows_tried"]
    assert few.reasons[1].params == {"quarter": 24, "year": 24}


def test_a_wider_window_is_judged_by_its_own_rate_and_says_what_it_was_made_of():
    verdict = seen(month(6, 9), month(4, 18))
    assert (verdict.value, verdict.numerator, verdict.denominator) == (75, 27, 36)
    assert sentence(verdict.reasons[1], "en") == (
        "only 18 cases in the month, at least 30 are needed: the last 3 months are judged together, 36 cases"
        " (2 of them known)"
    )


def test_a_window_that_holds_just_enough_cases_is_enough():
    assert seen(month(6, 12, 12), month(5, 18)).colour is GREEN


def test_what_nobody_asked_for_in_any_month_is_not_applicable():
    verdict = seen(replace(month(6, 0), denominator=0.0))
    assert (verdict.colour, verdict.reasons[-1].params) == (Colour.EXCLUDED, {"quarter": 0, "year": 0})


def test_a_month_that_does_not_add_up_is_not_counted_as_tried():
    verdict = seen(month(6, 16, sign=">"), month(5, 16))
    assert verdict.reasons[-1].params == {"quarter": None, "year": None}


@pytest.mark.parametrize(
    ("changes", "indicator"),
    [({"numerator": None}, MONTHLY), ({}, measure(unit="count", window=Period.MONTH))],
)
def test_only_a_rate_with_both_of_its_counts_is_widened(changes, indicator):
    verdict = seen(replace(month(6, 16), **changes), month(5, 16), indicator=indicator)
    assert (verdict.colour, [reason.code for reason in verdict.reasons]) == (Colour.EXCLUDED, ["small_sample"])


def test_a_figure_that_is_only_about_right_is_not_added_up():
    assert seen(month(6, 16), month(5, 16, sign="~")).colour is Colour.EXCLUDED
    assert seen(month(6, 16, sign=">"), month(5, 16)).colour is Colour.EXCLUDED


def test_a_correction_of_an_earlier_month_counts_and_older_paper_does_not():
    late = replace(month(5, 2), as_of=local(20, month=5), received_at=local(20, month=5))
    assert seen(month(6, 16), month(5, 16), late).numerator == 18
    assert seen(month(6, 16), late, month(5, 16)).numerator == 18


def test_a_state_and_a_cumulative_figure_are_not_widened():
    for window in (None, Period.QUARTER):
        assert seen(month(6, 16), month(5, 16), indicator=measure(window=window)).colour is Colour.EXCLUDED


def test_a_wide_figure_goes_stale_with_its_value():
    now = month(6, 16)
    verdict = judge(FEW, MONTHLY, now, local(20, month=6), CALENDAR, past(month(5, 16), now))
    assert verdict.colour is UNKNOWN
