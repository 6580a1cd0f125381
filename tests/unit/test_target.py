"""Goals with a date."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.engine import reasons
from monitor.engine.book import Pace, Period, Target
from monitor.engine.compare import WrongType
from monitor.engine.target import deadline, gap, outlook
from monitor.model.reading import Comparator
from tests.unit.engine_scene import CALENDAR, GREEN, NOON, RANK, RED, YELLOW, goal, local


def judged(target: Target, value, now, as_of=NOON, sign="="):
    return outlook(target, value, Comparator(sign), as_of, now, CALENDAR)


@pytest.mark.parametrize(
    ("target", "last_yellow"),
    [
        (goal(before=date(2025, 8, 20)), local(19, 23, 59, 59)),
        (goal(by=date(2025, 8, 20)), local(20, 23, 59, 59)),
        (goal(every=Period.MONTH), local(31, 23, 59, 59)),
        (goal(every=Period.QUARTER), local(30, 23, 59, 59, month=9)),
        (goal(every=Period.YEAR), local(31, 23, 59, 59, month=12)),
    ],
)
def test_an_unmet_goal_is_yellow_to_the_last_second_and_then_red(target, last_yellow):
    too_late = last_yellow + timedelta(seconds=1)
    assert deadline(target, NOON, CALENDAR).at == too_late
    in_time, late = judged(target, 68.91, last_yellow), judged(target, 68.91, too_late)
    assert (in_time.colour, in_time.overdue) == (YELLOW, False)
    assert in_time.working_days_left == in_time.reason.params["days"]
    assert (late.colour, late.overdue, late.working_days_left) == (RED, True, 0)
    assert (late.reason.code, late.reason.params["days"]) == (reasons.OVERDUE, 1)


@pytest.mark.parametrize("now", [NOON, local(19, 23, 59, 59), local(20), local(1, month=12)])
def test_a_goal_that_is_met_is_green_before_and_after_its_date(now):
    assert (judged(goal(), 80.0, now).colour, judged(goal(), 80.0, now).overdue) == (GREEN, False)


def test_working_days_left_count_today_and_not_the_day_that_is_too_late():
    assert judged(goal(before=date(2025, 8, 20)), 68.91, NOON).working_days_left == 10
    assert judged(goal(before=date(2025, 8, 25)), 68.91, NOON).working_days_left == 13
    assert judged(goal(by=date(2025, 9, 2)), 68.91, local(1, 9, month=9)).working_days_left == 1  # 2 September is off


def test_the_days_overdue_are_days_of_the_calendar_of_viet_nam():
    days = [judged(goal(), 68.91, now).reason.params["days"] for now in (local(20), local(20, 23, 59), local(21))]
    assert days == [1, 1, 2]


@pytest.mark.parametrize(
    ("every", "as_of", "last_day"),
    [
        (Period.MONTH, local(31, 23, 59, 59, month=7), date(2025, 7, 31)),
        (Period.MONTH, local(1), date(2025, 8, 31)),
        (Period.QUARTER, local(30, 12, month=6), date(2025, 6, 30)),
        (Period.QUARTER, local(1, month=7), date(2025, 9, 30)),
        (Period.YEAR, local(31, 23, 59, 59, month=12), date(2025, 12, 31)),
    ],
)
def test_a_recurring_goal_belongs_to_the_period_of_its_value(every, as_of, last_day):
    assert deadline(goal(every=every), as_of, CALENDAR).last_good_day == last_day


def test_a_month_that_ended_unmet_stays_red_until_a_value_of_the_new_month():
    monthly = goal(every=Period.MONTH)
    july = local(31, 20, month=7)
    assert judged(monthly, 70.0, local(1, 8), as_of=july).colour is RED
    assert judged(monthly, 70.0, local(1, 8), as_of=local(1, 2)).colour is YELLOW


@pytest.mark.parametrize(
    ("target", "value", "sign", "colour"),
    [
        (goal(floor=60.0), 59.99, "=", RED),
        (goal(floor=60.0), 60.0, "=", YELLOW),
        (goal(floor=60.0), 60.0, "<", RED),  # surely beyond the floor
        (goal(floor=60.0), 60.0, ">", YELLOW),
        (goal(floor=60.0), 75.0, ">", YELLOW),  # ">75" against 80: undecided, so not green
        (goal(floor=60.0), 80.0, ">", GREEN),
        (goal("<=", 3.0, floor=8.0), 8.01, "=", RED),
        (goal("<=", 3.0, floor=8.0), 8.0, "=", YELLOW),
        (goal("<=", 3.0, floor=8.0), 8.0, ">", RED),
        (goal("<=", 3.0, floor=8.0), 3.0, "=", GREEN),
        (goal(">=", 14000.0), 14000.0, "~", GREEN),
        (goal("==", True), False, "=", YELLOW),
        (goal("==", True), "partly", "=", YELLOW),
        (goal("==", True), True, "=", GREEN),
    ],
)
def test_the_floor_is_red_and_what_may_miss_the_goal_is_not_green(target, value, sign, colour):
    assert judged(target, value, NOON, sign=sign).colour is colour


def test_a_word_where_a_number_is_due_is_not_judged():
    with pytest.raises(WrongType):
        judged(goal(), "a lot", NOON)


def test_a_goal_without_any_date_is_a_broken_promise():
    with pytest.raises(ValueError, match=r"^a target needs one of before, by, every$"):
        deadline(Target(goal().goal), NOON, CALENDAR)


def test_the_gap_is_the_distance_to_the_goal():
    assert gap(goal().goal, 68.91) == 11.09
    assert gap(goal().goal, 79.1234564) == 0.876544
    for asked, value in ((goal("==", True), False), (goal(), True), (goal("==", True), 1.0)):
        assert gap(asked.goal, value) is None


LATE = local(22, 9)
PACED = Pace(60.0, date(2025, 8, 6), tolerance=1.5)


@pytest.mark.parametrize(
    ("target", "value", "now", "sign", "code", "params"),
    [
        (goal(), 82.5, NOON, "=", reasons.TARGET_MET, {"value": 82.5, "goal": ">= 80"}),
        (goal(), 68.91, NOON, "=", reasons.NOT_YET, {"value": 68.91, "goal": ">= 80", "gap": 11.09, "days": 10}),
        (goal(floor=60.0), 50.0, NOON, "=", reasons.BELOW_FLOOR, {"value": 50.0, "floor": 60.0, "goal": ">= 80"}),
        (goal("<", 80.0, floor=90.0), 90.5, NOON, "=", reasons.BELOW_FLOOR,
         {"value": 90.5, "floor": 90.0, "goal": "< 80"}),
        (goal(margin=2.5), 77.5, LATE, "=", reasons.WITHIN_MARGIN,
         {"value": 77.5, "goal": ">= 80", "days": 3, "margin": 2.5}),
        (goal(margin=2.5), 77.49, LATE, "=", reasons.OVERDUE, {"value": 77.49, "goal": ">= 80", "days": 3}),
        (goal("<=", margin=2.5), 82.5, LATE, ">", reasons.OVERDUE, {"value": 82.5, "goal": "<= 80", "days": 3}),
        (goal(margin=2.5), 77.5, LATE, "<", reasons.OVERDUE, {"value": 77.5, "goal": ">= 80", "days": 3}),
        (goal("==", True, floor=1.0), False, NOON, "=", reasons.NOT_YET,
         {"value": False, "goal": "== true", "gap": None, "days": 10}),
        (goal("==", True, pace=PACED), False, NOON, "=", reasons.NOT_YET,
         {"value": False, "goal": "== true", "gap": None, "days": 10}),
    ],
)  # fmt: skip
def test_a_target_tells_the_figures_that_its_sentence_names(target, value, now, sign, code, params):
    reason = judged(target, value, now, sign=sign).reason
    assert (reason.code, reason.params) == (code, params)


@pytest.mark.parametrize(
    ("value", "sign", "expected"), [(70.5, "=", None), (70.4, "=", 72.0), (70.5, "<", 72.0), (70.5, ">", None)]
)
def test_behind_the_curve_is_told_with_what_the_curve_asks_and_what_it_forgives(value, sign, expected):
    more = judged(goal(pace=PACED), value, local(14, 9), sign=sign).more  # six of ten working days are over
    told = [{"value": value, "expected": expected, "tolerance": 1.5}] if expected else []
    assert [(reason.code, reason.params) for reason in more] == [(reasons.BEHIND_PACE, params) for params in told]


def test_a_goal_that_is_met_counts_its_days_and_looks_again_when_an_exemption_turns():
    met = judged(goal(turns=date(2025, 8, 12)), 80.0, NOON)
    assert (met.working_days_left, met.recheck_at) == (10, local(12))


LOW_IS_GOOD = goal("<=", 20.0, floor=40.0)


@given(
    st.sampled_from([goal(), goal(floor=60.0), LOW_IS_GOOD]), st.floats(0, 100), st.floats(0, 100), st.integers(0, 30)
)
def test_a_better_value_never_has_a_worse_colour(target, one, other, days):
    worse, better = sorted((one, other), reverse=target is LOW_IS_GOOD)
    now = NOON + timedelta(days=days)
    assert RANK[judged(target, better, now).colour] <= RANK[judged(target, worse, now).colour]


@given(st.floats(0, 100), st.integers(0, 60 * 24 * 30), st.integers(0, 60 * 24 * 30))
def test_time_alone_never_improves_a_colour(value, one, other):
    early, late = (NOON + timedelta(minutes=minute) for minute in sorted((one, other)))
    assert RANK[judged(goal(floor=60.0), value, early).colour] <= RANK[judged(goal(floor=60.0), value, late).colour]
