"""What is remembered of an indicator's past: a value a day, a sum a month, and no more than a rule can ask for."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from monitor.engine.book import Period
from monitor.engine.series import DAYS, MONTHS, record, remember
from monitor.model.series import NOTHING, MonthSum, Series
from tests.unit.engine_scene import CALENDAR, DAY, NOON, RATE, UP, local, measure, told

MONTHLY = measure(window=Period.MONTH)
FIRST = date(2025, 8, 6)


def days(*known: tuple[date, float]) -> Series:
    series = NOTHING
    for day, value in known:
        series = record(series, told(value), RATE, day)
    return series


def test_a_day_has_one_value_and_the_last_one_counts():
    assert days((FIRST, 70.0), (FIRST, 71.0)) == Series((FIRST.toordinal(),), (71.0,))


def test_a_late_value_is_put_at_its_own_day_and_corrects_only_that():
    late = days((FIRST, 70.0), (FIRST + 2 * DAY, 74.0), (FIRST + DAY, 72.0), (FIRST, 69.0))
    start = FIRST.toordinal()
    assert late == Series((start, start + 1, start + 2), (69.0, 72.0, 74.0))


def test_no_more_days_are_kept_than_a_trend_may_ask_for():
    series = days(*((FIRST + number * DAY, float(number)) for number in range(DAYS + 3)))
    assert DAYS == 62
    assert series.values == tuple(float(number) for number in range(3, DAYS + 3))
    assert series.days == tuple(FIRST.toordinal() + number for number in range(3, DAYS + 3))


def test_a_month_keeps_the_last_sums_of_a_figure_that_covers_it():
    one = record(NOTHING, told(50.0, numerator=5.0, denominator=10.0), MONTHLY, date(2025, 8, 1))
    two = record(one, told(60.0, numerator=12.0, denominator=20.0), MONTHLY, date(2025, 8, 31))
    three = record(two, told(80.0, numerator=4.0, denominator=5.0), MONTHLY, date(2025, 7, 31))
    assert one.months == (MonthSum(12 * 2025 + 7, 5.0, 10.0),)
    assert two.months == (MonthSum(12 * 2025 + 7, 12.0, 20.0),)
    assert three.months == (MonthSum(12 * 2025 + 6, 4.0, 5.0), MonthSum(12 * 2025 + 7, 12.0, 20.0))


def test_no_more_months_are_kept_than_a_year():
    series = NOTHING
    for number in range(MONTHS + 2):
        day = date(2025 + number // 12, number % 12 + 1, 15)
        series = record(series, told(50.0, numerator=float(number), denominator=100.0), MONTHLY, day)
    assert MONTHS == 12
    assert [total.numerator for total in series.months] == [float(number) for number in range(2, MONTHS + 2)]
    assert [total.month for total in series.months] == [12 * 2025 + number for number in range(2, MONTHS + 2)]


@pytest.mark.parametrize("parts", [{}, {"numerator": 5.0}, {"denominator": 10.0}])
def test_a_sum_needs_both_its_parts(parts):
    assert record(NOTHING, told(50.0, **parts), MONTHLY, FIRST).months == ()


def test_a_state_has_no_sums_and_a_word_or_a_probe_no_past():
    counted = told(50.0, numerator=5.0, denominator=10.0)
    assert record(NOTHING, counted, RATE, FIRST).months == ()
    known = {"rate": RATE, "up": UP, "stage": measure("stage", "state", states=("done",))}
    news = [told(1.0, indicator="up"), told("done", indicator="stage"), told(1.0, indicator="stage"), told(True)]
    assert remember({}, [*news, told("partly"), told(3.0, indicator="nobody")], known, CALENDAR) == {}


def test_a_value_belongs_to_the_local_day_of_its_claim():
    late_evening = local(6, 23, 30)
    early_morning = local(7, 0, 30)
    found = remember({}, [told(70.0, late_evening), told(71.0, early_morning)], {"rate": RATE}, CALENDAR)
    assert found["rate"].days == (FIRST.toordinal(), FIRST.toordinal() + 1)
    assert found["rate"].values == (70.0, 71.0)


def test_what_changes_nothing_is_the_same_object_and_what_changes_leaves_the_old_one_alone():
    before = remember({}, [told(70.0)], {"rate": RATE}, CALENDAR)
    assert remember(before, [told(70.0, NOON + timedelta(hours=1))], {"rate": RATE}, CALENDAR) is before
    assert remember(before, [], {"rate": RATE}, CALENDAR) is before
    after = remember(before, [told(71.0)], {"rate": RATE}, CALENDAR)
    assert (before["rate"].values, after["rate"].values) == ((70.0,), (71.0,))
