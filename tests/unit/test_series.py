"""What is remembered of an indicator's past: a value a day, a sum a month, and no more than a rule can ask for."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from monitor.engine.book import Period, RollUp
from monitor.engine.series import DAYS, MONTHS, SCORE, record, remember, remember_rollups, remember_score
from monitor.model.reading import Value
from monitor.model.series import NOTHING, Series
from monitor.model.verdict import CriterionState, Standing
from tests.unit.engine_scene import (
    CALENDAR,
    DAY,
    GREEN,
    HOUR,
    NOON,
    RATE,
    RED,
    UNKNOWN,
    UP,
    goal,
    held,
    local,
    measure,
    rule,
    told,
)

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
    august, july = 12 * 2025 + 7, 12 * 2025 + 6
    assert sums(one) == [(august, 5.0, 10.0)]
    assert sums(two) == [(august, 12.0, 20.0)]
    assert sums(three) == [(july, 4.0, 5.0), (august, 12.0, 20.0)]


def sums(series: Series) -> list[tuple[int, float, float]]:
    return [(total.month, total.numerator, total.denominator) for total in series.months]


def test_an_older_claim_does_not_overwrite_a_newer_sum_of_its_month():
    newer = record(NOTHING, told(60.0, NOON, numerator=12.0, denominator=20.0), MONTHLY, FIRST)
    older = record(newer, told(50.0, NOON - HOUR, numerator=5.0, denominator=10.0), MONTHLY, FIRST)
    assert sums(older) == sums(newer)


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


def test_of_one_day_the_newest_claim_counts_in_whatever_order_they_arrive():
    eve, noon = local(5, 23, 59, 58), local(6, 12, 34, 56)
    known = remember({}, [told(70.0, eve), told(71.0, noon)], {"rate": RATE}, CALENDAR)
    assert known["rate"].seconds == (86_398, 45_296)
    older = [told(1.0, local(5, 23, 59, 57)), told(2.0, local(6, 12, 34, 55)), told(3.0, local(6, 12, 33, 57))]
    assert remember(known, older, {"rate": RATE}, CALENDAR) is known
    newer = remember(known, [told(72.0, eve)], {"rate": RATE}, CALENDAR)
    assert (newer["rate"].values, newer["rate"].seconds) == ((72.0, 71.0), (86_398, 45_296))
    assert remember({}, [told(70.0, local(6))], {"rate": RATE}, CALENDAR)["rate"].seconds == ()


def test_a_late_claim_takes_no_day_from_a_value_that_has_been_repeated_since():
    before = remember({}, [told(70.0, NOON - 2 * HOUR)], {"rate": RATE}, CALENDAR)
    held_now, late = {"rate": told(70.0, NOON)}, [told(60.0, NOON - HOUR)]
    assert remember(before, late, {"rate": RATE}, CALENDAR, held_now)["rate"].values == (70.0,)
    assert remember(before, late, {"rate": RATE}, CALENDAR, {"up": told(True)})["rate"].values == (60.0,)


@pytest.mark.parametrize(("sign", "exact"), [("=", True), (">", False), ("~", False)])
def test_a_sum_knows_whether_its_figure_was_exact(sign, exact):
    counted = record(NOTHING, told(50.0, sign=sign, numerator=5.0, denominator=10.0), MONTHLY, FIRST)
    assert [total.exact for total in counted.months] == [exact]


def test_what_changes_nothing_is_the_same_object_and_what_changes_leaves_the_old_one_alone():
    before = remember({}, [told(70.0)], {"rate": RATE}, CALENDAR)
    assert remember(before, [told(70.0)], {"rate": RATE}, CALENDAR) is before
    assert remember(before, [], {"rate": RATE}, CALENDAR) is before
    after = remember(before, [told(71.0)], {"rate": RATE}, CALENDAR)
    assert (before["rate"].values, after["rate"].values) == ((70.0,), (71.0,))


# -- what a unit computes of itself -----------------------------------------------------------------------------------


def scored(score: float | None, colour=GREEN) -> Standing:
    return Standing(colour, NOON, colour, NOON, score)


def test_the_score_of_a_unit_is_remembered_day_by_day():
    one = remember_score({}, scored(0.5), FIRST)
    two = remember_score(one, scored(0.75, RED), FIRST + DAY)
    assert two[SCORE].values == (0.5, 0.75)
    assert two[SCORE].days == (FIRST.toordinal(), FIRST.toordinal() + 1)
    assert remember_score(one, scored(0.25), FIRST)[SCORE].values == (0.25,)


@pytest.mark.parametrize("standing", [scored(None), scored(0.5, UNKNOWN), scored(None, UNKNOWN)])
def test_a_unit_without_a_score_or_a_colour_adds_no_day(standing):
    before = remember_score({}, scored(0.5), FIRST)
    assert remember_score(before, standing, FIRST + DAY) is before


def test_the_same_score_on_the_same_day_is_the_same_object():
    one = remember_score({}, scored(0.5), FIRST)
    two = remember_score(one, scored(0.75), FIRST + DAY)
    assert remember_score(one, scored(0.5), FIRST) is one
    assert remember_score(two, scored(0.75), FIRST + DAY) is two


def share(name: str, **changes):
    return rule(name, indicator=None, rollup=RollUp.GREEN_SHARE, **changes)


SHARES = (
    rule("plain", target=goal()),  # no roll-up: its indicator has a series
    share("undated"),
    share("unjudged", target=goal()),
    share("dark", target=goal()),
    share("wordy", target=goal()),
    share("dated", target=goal()),
)


def judged(value: Value | None = 50.0, colour=GREEN) -> CriterionState:
    state = held("x", colour)
    return replace(state, verdict=replace(state.verdict, value=value))


def test_a_roll_up_with_a_date_is_remembered_and_nothing_else():
    states = {name: judged() for name in ("plain", "undated", "dated")}
    states |= {"dark": judged(colour=UNKNOWN), "wordy": judged(True)}
    after = remember_rollups({}, SHARES, states, CALENDAR, NOON)
    assert after == {"dated": Series((CALENDAR.local(NOON).date().toordinal(),), (50.0,))}
    assert remember_rollups(after, SHARES, states, CALENDAR, NOON) is after
    assert len(remember_rollups(after, SHARES, states, CALENDAR, NOON + DAY)["dated"].days) == 2
    assert remember_rollups({}, SHARES, {"dated": judged(None)}, CALENDAR, NOON) == {}
