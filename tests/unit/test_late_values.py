"""A late value corrects its own day: the order in which readings arrive makes no difference in the end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.decide import Policy, View, decide
from monitor.engine.book import Period
from monitor.model.reading import Reading
from monitor.model.state import UnitState
from tests.unit.engine_scene import (
    CALENDAR,
    COMMUNE,
    SESSIONS,
    directory,
    local,
    measure,
    rule,
    ruleset,
    told,
    units,
)

RATE = measure(window=Period.MONTH, max_age=5 * 86400.0)
COUNT = measure("backlog", "count", max_age=5 * 86400.0)
SMALL = rule(min_sample=30)
RULES = replace(ruleset(SMALL, rule("backlog")), indicators={one.id: one for one in (RATE, COUNT)})
POLICY = Policy(units(), RULES, directory(), CALENDAR, SESSIONS)
NOW = local(20, 12)


def after(readings: list[Reading]) -> UnitState:
    """What is known and decided once these have arrived, one by one."""
    state = UnitState(COMMUNE)
    for reading in readings:
        state = decide(View(state, (replace(reading, received_at=NOW),)), POLICY, NOW).after
    return state


def standing(state: UnitState) -> object:
    """All that a reader sees of the unit."""
    assert state.standing is not None
    colours = {name: (held.colour, held.verdict.value, held.verdict.as_of) for name, held in state.criteria.items()}
    past = {
        name: (one.days, one.values, [(m.month, m.numerator, m.denominator) for m in one.months])
        for name, one in state.series.items()
    }
    counts = {name: (reading.as_of, reading.value) for name, reading in state.evidence.items()}
    return past, colours, counts, state.standing.colour, state.standing.score, state.standing.coverage


minutes = st.integers(0, 60 * 24 * 40)
figures = st.sampled_from(["rate", "backlog"]).flatmap(
    lambda name: st.builds(
        lambda at, value, whole: told(
            value, NOW - at * timedelta(minutes=1), indicator=name, numerator=value * whole / 100, denominator=whole
        ),
        minutes,
        st.sampled_from([50.0, 70.0, 90.0]),
        st.sampled_from([10.0, 40.0]),
    )
)
arrivals = st.lists(figures, min_size=2, max_size=10, unique_by=lambda one: (one.indicator, one.as_of))


@given(arrivals.flatmap(lambda found: st.tuples(st.just(found), st.permutations(found))))
@example(  # the repeat of half past ten is not kept by history, and yet the day is its
    (
        [told(50.0, local(19, 10)), told(70.0, local(19, 10, 15)), told(50.0, local(19, 10, 30))],
        [told(50.0, local(19, 10)), told(50.0, local(19, 10, 30)), told(70.0, local(19, 10, 15))],
    )
)
def test_the_order_of_arrival_changes_neither_series_nor_colours_nor_standing(both):
    first, second = both
    assert standing(after(first)) == standing(after(second))


def test_an_older_claim_of_a_day_does_not_take_it_from_a_newer_one():
    state = after([told(90.0, local(19, 16)), told(50.0, local(19, 10))])
    assert state.series["rate"].values == (90.0,)


def test_the_same_claim_with_another_value_is_a_correction():
    state = after([told(50.0, local(18)), told(90.0, local(19)), told(70.0, local(18))])
    assert state.series["rate"].values == (70.0, 90.0)


@pytest.mark.parametrize("value", [10.0, 70.0, 95.0])
def test_a_late_value_of_a_past_day_opens_nothing_and_tells_nobody(value):
    state = after([told(90.0, local(19))])
    decision = decide(View(state, (replace(told(value, local(18)), received_at=NOW),)), POLICY, NOW)
    assert decision.after.series["rate"].values == (value, 90.0)
    assert (decision.transitions, decision.incidents, decision.notices) == ((), (), ())


def test_a_correction_that_stays_red_tells_nobody_again():
    state = after([told(10.0, local(19))])
    [incident] = state.incidents.values()
    news = (replace(told(20.0, local(19)), received_at=NOW),)
    decision = decide(View(state, news), POLICY, NOW)
    assert decision.notices == () and list(decision.after.incidents) == [incident.cause]
    assert decision.after.incidents[incident.cause].generation == incident.generation
    assert decision.readings == news or decision.readings[0].value == 20.0


LAST_MONTH = local(20, month=7)


def month_so_far(value: float, as_of, whole: float) -> Reading:
    return replace(told(value, as_of, numerator=value * whole / 100, denominator=whole), received_at=NOW)


def corrected(state: UnitState, value: float, day: int):
    """The decision that follows a late figure of last month, of which this month's small sample is a part."""
    return decide(View(state, (month_so_far(value, local(day, month=7), 25.0),)), POLICY, NOW)


def test_a_wider_sample_that_is_corrected_to_and_fro_is_told_once():
    state = after([month_so_far(90.0, LAST_MONTH, 25.0), month_so_far(90.0, local(19), 10.0)])
    wrong = corrected(state, 10.0, 21)
    assert [one.kind for one in wrong.notices] == ["kpi_red"]
    mended = corrected(wrong.after, 95.0, 22)
    assert [one.kind for one in mended.notices] == ["kpi_met"] and not mended.after.incidents
    again = corrected(mended.after, 10.0, 23)
    assert again.after.criteria["rate"].colour.value == "red", "the colour follows"
    assert (again.notices, again.incidents, again.after.incidents) == ((), (), {})
    later = decide(View(again.after), POLICY, NOW + timedelta(hours=1))
    assert (later.notices, later.incidents) == ((), ())


def test_what_is_red_by_a_new_figure_is_told_however_often_the_months_before_it_were_corrected():
    state = after([month_so_far(90.0, LAST_MONTH, 25.0), month_so_far(90.0, local(19), 10.0)])
    for value, day in ((10.0, 21), (95.0, 22), (10.0, 23)):
        state = corrected(state, value, day).after
    news = month_so_far(90.0, local(20), 10.0)
    decision = decide(View(state, (news,)), POLICY, NOW)
    assert [one.kind for one in decision.notices] == ["kpi_red"]
