"""Date tables: every kind of target one second before, at and one second after its instant."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.engine import reasons
from monitor.engine.book import (
    Book,
    Condition,
    Curve,
    Exemption,
    Pace,
    Period,
    RollUp,
    Ruleset,
    Target,
    exempted,
    first_day,
)
from monitor.engine.judge import judge
from monitor.engine.pace import expected, foretold, next_turn, quantile, slopes
from monitor.engine.target import deadline, outlook
from monitor.model.colour import Colour
from monitor.model.hours import Calendar
from monitor.model.reading import Comparator, Reading
from monitor.model.series import NOTHING, Series
from monitor.model.unit import Level, Unit
from monitor.model.verdict import Forecast
from monitor.registry.calendar import vietnam_calendar
from tests.unit.engine_scene import COMMUNE, GREEN, RANK, RATE, RED, YELLOW, goal, rule, told

ROOT = Path(__file__).parents[2]
HCM, BERLIN, NEW_YORK = ZoneInfo("Asia/Ho_Chi_Minh"), ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
PLAIN = {zone: Calendar(frozenset(), frozenset(), zone) for zone in (HCM, BERLIN, NEW_YORK)}
VIETNAM = vietnam_calendar(ROOT / "rules/calendar_overrides.csv", range(2024, 2028), HCM).calendar
SECOND = timedelta(seconds=1)
UNIT = Unit(COMMUNE, Level.COMMUNE, "xa", "Xã", "Commune", "Xa")


def seen(target: Target, value, now, calendar=VIETNAM, as_of=None, sign="="):
    return outlook(target, value, Comparator(sign), as_of or now - SECOND, now, calendar)


def utc(zone, *parts):
    return datetime(*parts).replace(tzinfo=zone).astimezone(UTC)


# -- the instant itself -----------------------------------------------------------------------------------------------

DATES = [
    (goal(before=date(2025, 8, 20)), HCM, "2025-08-19T17:00:00+00:00"),
    (goal(by=date(2025, 8, 20)), HCM, "2025-08-20T17:00:00+00:00"),
    (goal(by=date(2024, 2, 29)), HCM, "2024-02-29T17:00:00+00:00"),
    (goal(before=date(2024, 2, 29)), HCM, "2024-02-28T17:00:00+00:00"),
    (goal(by=date(2026, 2, 16)), HCM, "2026-02-16T17:00:00+00:00"),  # in Tết
    (goal(by=date(2026, 1, 10)), HCM, "2026-01-10T17:00:00+00:00"),  # a worked Saturday
    (goal(by=date(2025, 10, 26)), BERLIN, "2025-10-26T23:00:00+00:00"),  # 25 hours long
    (goal(before=date(2025, 10, 26)), BERLIN, "2025-10-25T22:00:00+00:00"),
    (goal(by=date(2025, 3, 30)), BERLIN, "2025-03-30T22:00:00+00:00"),  # 23 hours long
    (goal(before=date(2025, 3, 30)), BERLIN, "2025-03-29T23:00:00+00:00"),
    (goal(by=date(2025, 11, 2)), NEW_YORK, "2025-11-03T05:00:00+00:00"),
    (goal(by=date(2025, 3, 9)), NEW_YORK, "2025-03-10T04:00:00+00:00"),
    (goal(every=Period.MONTH), HCM, "2025-08-31T17:00:00+00:00"),
    (goal(every=Period.MONTH), HCM, "2024-02-29T17:00:00+00:00"),
    (goal(every=Period.MONTH), HCM, "2025-02-28T17:00:00+00:00"),
    (goal(every=Period.QUARTER), HCM, "2025-09-30T17:00:00+00:00"),
    (goal(every=Period.YEAR), HCM, "2025-12-31T17:00:00+00:00"),
    (goal(every=Period.MONTH), BERLIN, "2025-10-31T23:00:00+00:00"),
    (goal(every=Period.MONTH), BERLIN, "2025-03-31T22:00:00+00:00"),
    (goal(every=Period.QUARTER), NEW_YORK, "2025-04-01T04:00:00+00:00"),
]
KINDS: dict[str, tuple[dict[str, Any], Colour, Colour]] = {
    "plain": ({}, YELLOW, RED),
    "beyond its floor": ({"floor": 75.0}, RED, RED),
    "within its margin": ({"margin": 10.0}, YELLOW, YELLOW),
    "beyond its margin": ({"margin": 5.0}, YELLOW, RED),
    "behind its curve": ({"pace": Pace(0.0, date(2024, 1, 1), behind_red=True)}, RED, RED),
    "ahead of its curve": ({"pace": Pace(0.0, date(2024, 1, 1), tolerance=30.0, behind_red=True)}, YELLOW, RED),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("target", "zone", "instant"), DATES)
def test_every_kind_of_target_turns_at_its_instant_and_not_a_second_sooner(target, zone, instant, kind):
    changes, early, late = KINDS[kind]
    target, at, calendar = replace(target, **changes), datetime.fromisoformat(instant), PLAIN[zone]
    as_of = at - SECOND
    assert deadline(target, as_of, calendar).at == at
    found = [seen(target, 70.0, now, calendar, as_of) for now in (at - SECOND, at, at + SECOND)]
    assert [one.colour for one in found] == [early, late, late]
    assert [one.overdue for one in found] == [False, True, True]
    met = [seen(target, 80.0, now, calendar, as_of) for now in (at - SECOND, at, at + SECOND)]
    assert [(one.colour, one.overdue) for one in met] == [(GREEN, False)] * 3


@pytest.mark.parametrize(
    ("day", "left"),
    [
        (date(2026, 1, 1), 5),  # 1 and 2 January are off: 5 to 8, and Friday the 9th, before Saturday
        (date(2026, 1, 9), 1),
        (date(2026, 1, 2), 5),
    ],
)
def test_working_days_left_before_the_worked_saturday(day, left):
    now = VIETNAM.start_of_day(day)
    assert seen(goal(before=date(2026, 1, 10)), 70.0, now).working_days_left == left
    assert seen(goal(by=date(2026, 1, 10)), 70.0, now).working_days_left == left + 1


@pytest.mark.parametrize(("day", "left"), [(date(2026, 2, 13), 1), (date(2026, 2, 16), 0), (date(2026, 2, 20), 0)])
def test_no_day_of_tet_is_left_to_work(day, left):
    assert seen(goal(by=date(2026, 2, 22)), 70.0, VIETNAM.start_of_day(day)).working_days_left == left


# -- the margin -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("op", "value", "colour"),
    [(">=", 77.0, YELLOW), (">=", 76.99, RED), ("<=", 83.0, YELLOW), ("<=", 83.01, RED), (">", 80.0, YELLOW)],
)
def test_after_the_date_a_miss_by_the_margin_is_yellow_and_overdue_all_the_same(op, value, colour):
    late = seen(goal(op, before=date(2025, 8, 20), margin=3.0), value, utc(HCM, 2025, 8, 21))
    code = reasons.WITHIN_MARGIN if colour is YELLOW else reasons.OVERDUE
    assert (late.colour, late.overdue, late.reason.code) == (colour, True, code)


def test_a_goal_without_a_margin_has_none():
    assert seen(goal(">", before=date(2025, 8, 20)), 80.0, utc(HCM, 2025, 8, 21)).colour is RED


# -- the curve --------------------------------------------------------------------------------------------------------

LINE = goal(before=date(2025, 8, 20), pace=Pace(60.0, date(2025, 8, 6)))
STEPS = replace(LINE, pace=Pace(60.0, None, Curve.STEPPED, ((date(2025, 8, 8), 65.0), (date(2025, 8, 15), 75.0))))


@pytest.mark.parametrize(
    ("day", "line", "steps"),
    [(5, 60, 60), (6, 60, 60), (7, 62, 60), (8, 64, 65), (9, 66, 65), (11, 66, 65), (15, 74, 75), (19, 78, 75),
     (20, 80, 75)],
)  # fmt: skip
def test_the_curve_grows_with_the_working_days_that_are_over(day, line, steps):
    for target, asked in ((LINE, line), (STEPS, steps)):
        assert expected(target, date(2025, 8, 19), date(2025, 8, day), VIETNAM) == asked


def test_the_curve_counts_the_worked_saturday_and_not_the_bridge_day():
    target = goal(by=date(2026, 1, 12), pace=Pace(0.0, date(2025, 12, 31)))  # 31; 5 to 10; 12 January
    days = [date(2026, 1, 3), date(2026, 1, 5), date(2026, 1, 10), date(2026, 1, 11), date(2026, 1, 12)]
    assert [expected(target, date(2026, 1, 12), day, VIETNAM) for day in days] == [10, 10, 60, 70, 70]


@pytest.mark.parametrize(("day", "turns"), [(5, 7), (6, 7), (8, 9), (9, 12), (10, 12), (18, 19), (19, None)])
def test_a_linear_curve_turns_after_each_working_day(day, turns):
    found = next_turn(LINE, date(2025, 8, 19), date(2025, 8, day), VIETNAM)
    assert (found and found.day) == turns


@pytest.mark.parametrize(("day", "turns"), [(5, 8), (7, 8), (8, 15), (14, 15), (15, None), (19, None)])
def test_a_stepped_curve_turns_on_its_next_day_alone(day, turns):
    found = next_turn(STEPS, date(2025, 8, 19), date(2025, 8, day), VIETNAM)
    assert (found and found.day) == turns
    late = replace(STEPS, pace=Pace(60.0, None, Curve.STEPPED, ((date(2025, 8, 19), 70.0),)))
    assert next_turn(late, date(2025, 8, 19), date(2025, 8, 18), VIETNAM) == date(2025, 8, 19)


def test_a_recurring_curve_without_a_start_turns_after_the_first_working_day_of_its_period():
    monthly = goal(every=Period.MONTH, pace=Pace(60.0))
    assert next_turn(monthly, date(2025, 9, 30), date(2025, 8, 20), VIETNAM) == date(2025, 9, 4)  # 1 and 2 are off


def test_a_curve_asks_for_fractions_and_for_the_whole_goal_where_no_working_day_is_left_to_grow_on():
    sixths = goal(before=date(2025, 8, 14), pace=Pace(60.0, date(2025, 8, 6)))
    assert expected(sixths, date(2025, 8, 13), date(2025, 8, 7), VIETNAM) == 63.333333
    weekend = goal(by=date(2025, 8, 10), pace=Pace(60.0, date(2025, 8, 9)))
    assert expected(weekend, date(2025, 8, 10), date(2025, 8, 9), VIETNAM) == 80
    without_start = goal(before=date(2025, 8, 20), pace=Pace(60.0))
    assert [expected(without_start, date(2025, 8, 19), date(2025, 8, day), VIETNAM) for day in (19, 20)] == [60, 80]


def test_behind_the_curve_is_a_reason_and_red_only_where_the_rule_says_so():
    now = utc(HCM, 2025, 8, 15, 9)
    mild, harsh = LINE, replace(LINE, pace=Pace(60.0, date(2025, 8, 6), behind_red=True))
    for target, colour in ((mild, YELLOW), (harsh, RED)):
        found = seen(target, 73.9, now)
        assert (found.colour, [reason.code for reason in found.more]) == (colour, [reasons.BEHIND_PACE])
    assert seen(harsh, 74.0, now).colour is YELLOW  # on the curve is not behind it, and never green


def test_a_smaller_is_better_goal_has_its_curve_from_above():
    target = goal(
        "<=", 20.0, before=date(2025, 8, 20), pace=Pace(40.0, date(2025, 8, 6), tolerance=1.0, behind_red=True)
    )
    now = utc(HCM, 2025, 8, 13, 9)  # half the way
    assert [seen(target, value, now).colour for value in (20.0, 31.0, 31.1)] == [GREEN, YELLOW, RED]


def test_the_curve_alone_turns_a_value_red_at_the_midnight_that_the_verdict_names():
    harsh = replace(LINE, pace=Pace(60.0, date(2025, 8, 6), behind_red=True))
    midnight = utc(HCM, 2025, 8, 8)
    found = [seen(harsh, 63.0, now) for now in (midnight - SECOND, midnight)]
    assert ([one.colour for one in found], found[0].recheck_at) == ([YELLOW, RED], midnight)


@pytest.mark.parametrize(
    ("every", "first"),
    [(Period.MONTH, date(2024, 2, 1)), (Period.QUARTER, date(2024, 1, 1)), (Period.YEAR, date(2024, 1, 1))],
)
def test_the_pace_of_a_recurring_goal_starts_with_the_period(every, first):
    assert first_day(every, date(2024, 2, 29)) == first
    target = goal(every=every, pace=Pace(60.0))
    last = deadline(target, utc(HCM, 2024, 2, 29), VIETNAM).last_good_day
    assert expected(target, last, first, VIETNAM) == 60
    assert expected(target, last, last + timedelta(days=1), VIETNAM) == 80


# -- exemptions -------------------------------------------------------------------------------------------------------

PAPER = Exemption("rate", COMMUNE, "12/QĐ-UBND", date(2025, 8, 25), before=date(2025, 9, 20), until=date(2025, 9, 15))
JUDGED = rule(bands=(), target=goal(before=date(2025, 8, 20)))


def excepted(now: datetime, *register: Exemption) -> Target:
    book = Book("book", "1", "Sổ", "Book", (JUDGED,))
    rules = Ruleset({"rate": RATE}, (book,), exemptions=register or (PAPER,))
    (found,) = rules.criteria_of(UNIT, VIETNAM.local(now).date())
    assert found.target is not None
    return found.target


@pytest.mark.parametrize(
    ("instant", "before", "after"),
    [
        ((2025, 8, 20), (YELLOW, False), (RED, True)),  # the general date: nothing was decided yet
        ((2025, 8, 25), (RED, True), (YELLOW, False)),  # decided
        ((2025, 9, 16), (YELLOW, False), (RED, True)),  # `until` is over
        ((2025, 9, 20), (RED, True), (RED, True)),
    ],
)
def test_an_exemption_counts_from_its_decision_to_its_end_and_never_before(instant, before, after):
    at = utc(HCM, *instant)
    for now, wanted in ((at - SECOND, before), (at, after), (at + SECOND, after)):
        found = seen(excepted(now), 70.0, now)
        assert (found.colour, found.overdue) == wanted


def test_an_exempted_verdict_names_the_paper_and_both_dates_whatever_its_colour():
    now = utc(HCM, 2025, 9, 1)
    for value in (70.0, 90.0):
        (why,) = seen(excepted(now), value, now).more
        dates = {"old": utc(HCM, 2025, 8, 20), "new": utc(HCM, 2025, 9, 20)}
        assert (why.code, why.params) == (reasons.EXEMPTED, {"paper": "12/QĐ-UBND", **dates})


def test_a_verdict_looks_again_when_an_exemption_begins_and_when_it_ends():
    days = [(2025, 8, 21), (2025, 8, 26), (2025, 9, 16)]
    found = [seen(excepted(now), 70.0, now).recheck_at for now in (utc(HCM, *day) for day in days)]
    assert found == [utc(HCM, 2025, 8, 25), utc(HCM, 2025, 9, 16), None]


def test_an_exemption_of_another_unit_or_target_changes_nothing():
    now = utc(HCM, 2025, 9, 1)
    for other in (replace(PAPER, unit="02144"), replace(PAPER, criterion="other")):
        assert excepted(now, other) == JUDGED.target


def test_an_exempted_curve_leads_evenly_to_the_new_date():
    assert STEPS.pace is not None
    stepped = replace(JUDGED, target=replace(STEPS, pace=replace(STEPS.pace, start=date(2025, 8, 6))))
    target = exempted(stepped, (PAPER,), UNIT, date(2025, 8, 25)).target
    assert target is not None and target.pace is not None
    assert (target.pace.curve, target.pace.start, target.pace.steps) == (Curve.LINEAR, date(2025, 8, 6), ())
    assert expected(target, date(2025, 9, 19), date(2025, 9, 20), VIETNAM) == 80


# -- the forecast -----------------------------------------------------------------------------------------------------


def forecast(value: float, now: datetime, past: Series = NOTHING, target: Target | None = None):
    return foretell(target or JUDGED.target, told(value, now - SECOND), now, past)


def foretell(target: Target | None, reading: Reading, now: datetime, past: Series = NOTHING):
    criterion = replace(JUDGED, target=target)
    verdict = judge(criterion, RATE, reading, now, VIETNAM)
    return foretold(verdict, criterion, replace(RATE, minimum=0.0, maximum=100.0), past, now, VIETNAM)


def daily(first: date, *values: float) -> Series:
    return Series(tuple(first.toordinal() + number for number in range(len(values))), values)


def test_the_forecast_of_thai_nguyen_needs_one_point_eleven_a_working_day():
    found = forecast(68.91, utc(HCM, 2025, 8, 6, 8))
    assert (found.days_left, found.working_days_left) == (14, 10)
    assert found.forecast.required_pace == pytest.approx(1.109)
    assert (found.forecast.actual_pace, found.forecast.projected, found.forecast.points) == (None, None, 1)


def test_a_steady_pace_is_found_whatever_one_wild_day_says_and_weekends_are_no_time():
    # Friday 1 August to Tuesday 5 August: 60, (60, 60), 99, 62; today 63.
    past = daily(date(2025, 8, 1), 60, 60, 60, 99, 62)
    found = forecast(63.0, utc(HCM, 2025, 8, 6, 8), past).forecast
    assert found.actual_pace == pytest.approx(1.0)
    assert found.projected == pytest.approx(73.0)
    assert (found.low, found.high) == (0, 100)  # six days say little, and a share is a share
    assert found.points == 6


def test_two_days_give_no_pace_and_what_is_older_than_the_trend_is_left_out():
    now = utc(HCM, 2025, 8, 6, 8)
    assert forecast(63.0, now, daily(date(2025, 8, 5), 62)).forecast.actual_pace is None
    old = daily(date(2025, 6, 2), 1, 2, 3, 4)
    assert forecast(63.0, now, old).forecast.points == 1


def test_the_pace_of_a_recurring_goal_is_that_of_its_own_period():
    past = daily(date(2025, 7, 29), 90, 91, 92, 10, 10, 10, 11, 12)
    found = forecast(13.0, utc(HCM, 2025, 8, 6, 8), past, goal(every=Period.MONTH)).forecast
    assert (found.actual_pace, found.points) == (pytest.approx(1.0), 6)


def test_a_goal_that_is_met_needs_nothing_and_one_that_is_late_cannot_be_reached_in_time():
    assert forecast(85.0, utc(HCM, 2025, 8, 6)).forecast.required_pace == 0
    late = forecast(70.0, utc(HCM, 2025, 8, 20))
    assert (late.forecast.required_pace, late.days_left, late.forecast.projected) == (None, 0, None)


def test_a_yes_or_no_has_days_left_and_no_forecast():
    criterion = replace(JUDGED, target=goal("==", True))
    verdict = judge(criterion, RATE, told(False, utc(HCM, 2025, 8, 6)), utc(HCM, 2025, 8, 6), VIETNAM)
    found = foretold(verdict, criterion, RATE, None, utc(HCM, 2025, 8, 6), VIETNAM)
    assert (found.days_left, found.forecast) == (14, None)


def test_the_forecast_names_what_the_curve_asks_for_as_long_as_there_is_time():
    past = daily(date(2025, 8, 11), 60, 61, 62, 63)
    for days in (NOTHING, past):
        assert forecast(64.0, utc(HCM, 2025, 8, 15, 8), days, LINE).forecast.expected == 74
    last = forecast(64.0, utc(HCM, 2025, 8, 19, 8), past, LINE).forecast
    assert (last.expected, last.projected) == (78, pytest.approx(64 + last.actual_pace))
    late = forecast(64.0, utc(HCM, 2025, 8, 20, 8), past, LINE).forecast
    assert late == Forecast(None, late.actual_pace, points=5) and late.actual_pace > 0
    assert forecast(64.0, utc(HCM, 2025, 8, 20, 8), NOTHING, LINE).forecast == Forecast(points=1)
    met = forecast(85.0, utc(HCM, 2025, 8, 20, 8), past, LINE).forecast
    assert (met.required_pace, met.points) == (0, 5)


@pytest.mark.parametrize(("op", "value", "sign"), [(">=", 85.0, "<"), (">", 80.0, ">"), ("<=", 75.0, ">")])
def test_a_number_that_states_or_means_the_goal_needs_no_pace_even_when_it_is_late(op, value, sign):
    target = goal(op)
    for now in (utc(HCM, 2025, 8, 6), utc(HCM, 2025, 8, 20)):
        assert foretell(target, told(value, now - SECOND, sign=sign), now).forecast.required_pace == 0


@pytest.mark.parametrize(
    ("days", "points"),
    [((-6,), 1), ((-5,), 2), ((-5, -1, 0), 3), ((-5, -1, 0, 1), 3)],
)
def test_the_trend_reaches_back_so_many_days_with_today_as_the_last(days, points):
    now = utc(HCM, 2025, 8, 20, 8)
    first = date(2025, 8, 20).toordinal()
    past = Series(tuple(first + day for day in days), tuple(60.0 + day for day in days))
    target = goal(before=date(2025, 9, 20), trend_days=6)
    assert forecast(70.0, now, past, target).forecast.points == points


def test_a_value_counts_for_the_day_of_its_claim_and_what_is_remembered_of_later_days_is_left_out():
    now = utc(HCM, 2025, 8, 14, 8)
    past = daily(date(2025, 8, 11), 60, 61, 50, 40)
    verdict = judge(JUDGED, RATE, told(62.0, utc(HCM, 2025, 8, 13, 20)), now, VIETNAM)
    of_yesterday = foretold(verdict, JUDGED, RATE, past, now, VIETNAM).forecast
    assert of_yesterday is not None and (of_yesterday.points, of_yesterday.actual_pace) == (3, 1.0)
    of_today = foretold(replace(verdict, as_of=None), JUDGED, RATE, past, now, VIETNAM).forecast
    assert of_today is not None and of_today.points == 4
    first_day_of_trend = replace(JUDGED, target=goal(trend_days=2))
    found = foretold(verdict, first_day_of_trend, RATE, NOTHING, now, VIETNAM).forecast
    assert found is not None and found.points == 1


def test_only_a_number_before_a_number_has_a_forecast_and_only_what_was_judged_by_a_date_has_days_left():
    now = utc(HCM, 2025, 8, 6)
    verdict = judge(JUDGED, RATE, told(60.0, now - SECOND), now, VIETNAM)
    yes = replace(JUDGED, target=goal("==", True))
    for criterion, value in ((JUDGED, None), (JUDGED, True), (JUDGED, "word"), (yes, 60.0)):
        found = foretold(replace(verdict, value=value), criterion, RATE, None, now, VIETNAM)
        assert (found.days_left, found.forecast) == (14, None)
    undated = replace(verdict, deadline=None)
    for criterion, one in (
        (JUDGED, undated), (JUDGED, replace(verdict, colour=Colour.UNKNOWN)),
        (replace(JUDGED, target=None), verdict), (replace(JUDGED, target=None), undated),
    ):  # fmt: skip
        assert foretold(one, criterion, RATE, None, now, VIETNAM) is one


@pytest.mark.parametrize(
    ("rollup", "values", "within"),
    [
        (RollUp.COUNT, (90, 92, 94, 96), (116, 116)), (RollUp.WEIGHT, (90, 92, 94, 96), (116, 116)),
        (RollUp.SHARE, (90, 92, 94, 96), (100, 100)), (RollUp.COUNT, (4, 3, 2, 1), (0, 0)),
        (RollUp.SHARE, (4, 3, 2, 1), (0, 0)), (None, (90, 92, 94, 96), (116, 116)), (None, (4, 3, 2, 1), (-9, -9)),
    ],
)  # fmt: skip
def test_a_projection_is_kept_within_what_the_figure_can_be(rollup, values, within):
    now = utc(HCM, 2025, 8, 7, 8)  # Thursday, with ten working days to the 20th
    criterion = replace(JUDGED, rollup=rollup, target=goal(by=date(2025, 8, 20), operand=500.0))
    verdict = judge(replace(JUDGED, target=criterion.target), RATE, told(values[-1], now - SECOND), now, VIETNAM)
    for indicator in (None, RATE):
        found = foretold(verdict, criterion, indicator, daily(date(2025, 8, 4), *values), now, VIETNAM).forecast
        assert found is not None and (found.low, found.projected) == within


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1), (0.1, 1.4), (0.25, 2), (0.5, 4), (0.6, 5.6), (0.9, 12.8), (1.0, 16)]
)
def test_a_quantile_lies_between_its_neighbours_in_proportion(share, value):
    assert quantile([1, 2, 4, 8, 16], share) == pytest.approx(value)
    assert quantile([7.0], share) == 7


def test_the_pace_is_the_median_of_all_pairs_and_its_bounds_leave_a_tenth_on_either_side():
    monday = date(2025, 8, 4).toordinal()
    days = (monday, monday + 1, monday + 2, monday + 5, monday + 6)
    # Saturday and Sunday stand at the place of Friday, and the last of them counts: 10, 11, 14, nothing, 12.
    found = slopes(days, (10, 11, 14, 99, 12), PLAIN[HCM])
    assert found == pytest.approx((0.75, -1 / 3, 2.5))


# -- properties -------------------------------------------------------------------------------------------------------

VALUES = st.integers(0, 1000).map(lambda tenth: tenth / 10)
NOWS = st.integers(0, 60 * 24 * 60).map(lambda minute: utc(HCM, 2025, 7, 10) + timedelta(minutes=minute))


@st.composite
def targets(draw) -> Target:
    op, sign = draw(st.sampled_from([(">=", -1), (">", -1), ("<=", 1), ("<", 1)]))
    amount = st.integers(1, 30).map(float)
    steps = ((date(2025, 8, 1), 50 + sign * 10.0), (date(2025, 8, 11), 50 + sign * 5.0))
    curve = draw(st.sampled_from(Curve))
    pace = Pace(50 + sign * 20.0, date(2025, 7, 20), curve, steps, draw(st.integers(0, 5)), draw(st.booleans()))
    when = draw(st.sampled_from([{"before": date(2025, 8, 20)}, {"by": date(2025, 8, 16)}, {"every": Period.MONTH}]))
    return Target(
        Condition(op, 50.0), **when, floor=draw(st.none() | amount.map(lambda far: 50 + sign * far)),
        margin=draw(st.just(0.0) | amount), pace=draw(st.none() | st.just(pace)),
    )  # fmt: skip


@given(targets(), VALUES, VALUES, NOWS, st.sampled_from(["=", ">", "<", "~"]))
def test_a_better_value_never_has_a_worse_colour(target, one, other, now, sign):
    worse, better = sorted((one, other), reverse=target.goal.op in ("<", "<="))
    colours = [seen(target, value, now, sign=sign).colour for value in (worse, better)]
    assert RANK[colours[1]] <= RANK[colours[0]]


@given(targets(), VALUES, NOWS, st.integers(0, 60 * 24 * 30))
def test_nothing_changes_between_two_looks(target, value, now, later):
    as_of, then = now - SECOND, now + timedelta(minutes=later)
    first = seen(target, value, now, as_of=as_of)
    again = [at for at in (first.deadline, first.recheck_at) if at is not None and at > now]
    if all(then < at for at in again):
        second = seen(target, value, then, as_of=as_of)
        assert (second.colour, second.overdue) == (first.colour, first.overdue)
        assert [reason.params for reason in second.more] == [reason.params for reason in first.more]


@given(targets(), VALUES, NOWS)
def test_a_pace_makes_nothing_better(target, value, now):
    with_pace, without = (seen(one, value, now) for one in (target, replace(target, pace=None)))
    assert RANK[with_pace.colour] >= RANK[without.colour]


@given(VALUES, NOWS)
def test_the_required_pace_for_the_days_left_is_the_gap(value, now):
    found = forecast(value, now)
    if found.forecast is not None and found.forecast.required_pace and found.working_days_left:
        assert found.forecast.required_pace * found.working_days_left == pytest.approx(80 - value)


@given(st.lists(VALUES, min_size=3, max_size=20), st.floats(-5, 5))
def test_a_series_that_is_lifted_evenly_has_the_pace_lifted(values, lift):
    days = tuple(date(2025, 7, 7).toordinal() + 7 * number for number in range(len(values)))
    lifted = tuple(value + 5 * lift * number for number, value in enumerate(values))
    calm, more = (slopes(days, made, PLAIN[HCM]) for made in (tuple(values), lifted))
    assert calm is not None and more is not None
    assert more.middle == pytest.approx(calm.middle + lift, abs=1e-6)
