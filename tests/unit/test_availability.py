"""Availability from colours: what is up, down, not measured and left out, to the second."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.colour import Colour
from monitor.model.hours import Calendar, Sessions
from monitor.model.muting import Span
from monitor.model.state import Transition
from monitor.model.verdict import Reason
from monitor.reporting.availability import Grades, How, Measured, Office, blind_stretches, measured, pieces

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
START = datetime(2026, 11, 16, 0, 0, tzinfo=UTC)  # a Monday, 07:00 in Vietnam
CALENDAR = Calendar(frozenset(), frozenset(), ZONE)
SESSIONS = Sessions(CALENDAR, (((time(7, 30), time(11, 30)), (time(13), time(17))),) * 5 + ((),) * 2)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def change(minute: float, after: Colour, value: float | None = None) -> Transition:
    reasons = () if value is None else (Reason("band", {"value": value}),)
    return Transition("02143", "centre", at(minute), Colour.UNKNOWN, after, reasons)


def told(changes: list[Transition], first=0.0, last=100.0, elapsed=False, blind=()) -> Measured:
    span = Span(at(first), at(last))
    return measured(pieces(changes, elapsed, span, blind), Office(SESSIONS, span))


def minutes(*seconds: float) -> tuple[float, ...]:
    return tuple(one / 60 for one in seconds)


WEEK = [
    change(-50, Colour.GREEN),
    change(10, Colour.RED),
    change(20, Colour.YELLOW),
    change(40, Colour.UNKNOWN),
    change(60, Colour.MAINTENANCE),
    change(90, Colour.GREEN),
]


def test_an_aim_leaves_a_budget_of_the_time_that_was_measured():
    """SC-100, in part: what is used and left, without alerts by the rate at which it burns."""
    had = told([change(-5, Colour.GREEN), change(10, Colour.RED), change(11, Colour.UNKNOWN), change(51, Colour.GREEN)])
    assert minutes(had.up, had.down, had.unknown) == (59, 1, 40)
    assert had.budget(95.0) == pytest.approx(0.05 * 60 * 60)  # of an hour that was measured three minutes
    assert had.budget(100.0) == 0.0
    assert told([]).budget(95.0) is None


@given(st.floats(0, 1e7), st.floats(0, 1e7), st.floats(50, 99.99))
def test_a_budget_is_overdrawn_exactly_where_the_availability_is_below_the_aim(up: float, down: float, aim: float):
    had = Measured(up, down)
    budget, share = had.budget(aim), had.availability
    assert (budget is None) is (share is None)
    if budget is not None and share is not None and share != pytest.approx(aim, abs=1e-6):
        assert (down > budget) is (share < aim)


def test_sc_74_every_colour_counts_as_what_it_is():
    """SC-74."""
    had = told(WEEK)
    assert minutes(had.up, had.down, had.unknown, had.left_out) == (40, 10, 20, 30)
    assert had.availability == 80.0
    assert had.known == pytest.approx(100 * 50 / 70)
    assert (had.outages, had.longest) == (1, 600.0)


def test_an_excluded_time_is_left_out_as_well():
    had = told([change(-1, Colour.GREEN), change(50, Colour.EXCLUDED)])
    assert minutes(had.up, had.left_out) == (50, 50)


def test_before_the_first_colour_nothing_was_measured():
    had = told([change(75, Colour.GREEN)])
    assert (minutes(had.up, had.unknown), had.availability) == ((25, 75), 100.0)
    assert told([]).availability is None
    assert told([change(-5, Colour.UNKNOWN)]).availability is None


def test_a_colour_from_before_the_span_stands_at_its_begin_and_one_from_after_it_is_not_looked_at():
    had = told([change(-500, Colour.GREEN), change(-100, Colour.RED), change(100, Colour.GREEN)])
    assert (minutes(had.up, had.down), had.outages, had.availability) == ((0, 100), 1, 0.0)


def test_an_interruption_that_is_counted_is_down_from_its_beginning_also_while_it_is_yellow():
    changes = [
        change(-9, Colour.GREEN),
        change(32, Colour.YELLOW, 2.0),
        change(45, Colour.RED, 15.0),
        change(70, Colour.GREEN, 0.0),
    ]
    had = told(changes, elapsed=True)
    assert (minutes(had.up, had.down, had.longest), had.outages) == ((60, 40, 40), 1)


def test_an_interruption_never_reaches_back_behind_the_colour_before_it():
    had = told([change(-9, Colour.GREEN), change(30, Colour.UNKNOWN), change(40, Colour.RED, 20.0)], elapsed=True)
    assert minutes(had.up, had.down, had.unknown) == (30, 70, 0)


def test_an_outage_that_goes_on_through_something_unknown_is_one():
    changes = [change(0, Colour.RED), change(20, Colour.UNKNOWN), change(30, Colour.RED), change(40, Colour.GREEN)]
    again = [*changes, change(50, Colour.RED)]
    assert (told(changes).outages, minutes(told(changes).longest)) == (1, (30,))
    assert told(again).outages == 2


def test_what_nobody_measured_is_cut_out_of_up_and_down_but_not_out_of_maintenance():
    blind = blind_stretches(((at(15), at(35)), (at(70), at(80)), (at(95), at(95.5))), timedelta(minutes=5))
    had = told(WEEK, blind=blind)
    # 15 to 20 was red, 20 to 35 yellow; 70 to 80 maintenance; half a minute is a restart
    assert minutes(had.up, had.down, had.unknown, had.left_out) == (25, 5, 40, 30)


def test_a_monitor_that_is_blind_all_the_time_measures_nothing():
    had = told(WEEK, blind=((at(-1000).timestamp(), at(1000).timestamp()),))
    assert (had.availability, minutes(had.unknown, had.left_out)) == (None, (70, 30))


def test_office_hours_are_counted_on_the_local_clock():
    # 07:00 to 17:30 local: the office is open 07:30 to 11:30 and 13:00 to 17:00
    had = told([change(-1, Colour.GREEN), change(60, Colour.RED), change(390, Colour.GREEN)], 0, 630)
    assert minutes(had.office_up, had.office_down) == (30 + 210, 210 + 30)
    assert had.in_office_hours == 50.0
    weekend = told([change(-1, Colour.RED)], 5 * 1440, 7 * 1440)
    assert (weekend.availability, weekend.in_office_hours) == (0.0, None)


def test_two_changes_in_one_moment_are_the_last_one():
    had = told([change(-1, Colour.GREEN), change(50, Colour.RED), change(50, Colour.GREEN)])
    assert (had.availability, had.outages) == (100.0, 0)


@pytest.mark.parametrize(
    ("share", "colour"),
    [
        (100.0, Colour.GREEN),
        (99.5, Colour.GREEN),
        (99.499, Colour.YELLOW),
        (99.0, Colour.YELLOW),
        (98.999, Colour.RED),
        (None, Colour.UNKNOWN),
    ],
)
def test_grades_count_their_own_edge_and_nothing_measured_has_none(share, colour):
    assert Grades().of(share) is colour


moments = st.integers(-300, 400)
histories = st.lists(st.tuples(moments, st.sampled_from(list(Colour))), max_size=12)
gaps = st.lists(st.tuples(moments, st.integers(0, 100)), max_size=3)


@given(histories, gaps, st.booleans())
def test_every_second_of_the_span_counts_once(history, gaps, elapsed):
    changes = [change(minute, colour, 3.0) for minute, colour in sorted(history, key=lambda one: one[0])]
    blind = blind_stretches(((at(first), at(first + length)) for first, length in gaps), timedelta(0))
    found = pieces(changes, elapsed, Span(at(0), at(100)), blind)
    assert [start for start, _, _ in found[1:]] == [end for _, end, _ in found[:-1]]
    had = told(changes, elapsed=elapsed, blind=blind)
    assert sum((had.up, had.down, had.unknown, had.left_out)) == pytest.approx(6000)


@given(histories, gaps)
def test_silence_never_improves_what_is_known_to_be_down(history, gaps):
    """Taking changes to green away, or being blind, adds no second of up."""
    changes = [change(minute, colour) for minute, colour in sorted(history, key=lambda one: one[0])]
    blind = blind_stretches(((at(first), at(first + length)) for first, length in gaps), timedelta(0))
    assert told(changes, blind=blind).up <= told(changes).up + 1e-6
    silent = [
        change((one.at - START).total_seconds() / 60, Colour.UNKNOWN if one.after is Colour.GREEN else one.after)
        for one in changes
    ]
    assert told(silent).up <= told(changes).up + 1e-6


@given(histories)
def test_the_sums_are_those_of_a_plain_walk_minute_by_minute(history):
    changes = [change(minute, colour) for minute, colour in sorted(history, key=lambda one: one[0])]
    tally = dict.fromkeys(How, 0)
    for minute in range(100):
        last = next((one.after for one in reversed(changes) if one.at <= at(minute)), Colour.UNKNOWN)
        how = {Colour.RED: How.DOWN, Colour.GREEN: How.UP, Colour.YELLOW: How.UP, Colour.UNKNOWN: How.UNKNOWN}
        tally[how.get(last, How.LEFT_OUT)] += 1
    had = told(changes)
    assert minutes(had.up, had.down, had.unknown, had.left_out) == pytest.approx(tuple(tally.values()))
