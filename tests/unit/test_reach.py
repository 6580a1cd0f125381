"""The smallest set of children that must turn green, compared with trying all sets."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.engine.book import Criterion, RollUp
from monitor.engine.reach import Reach, smallest_set, turned_green
from monitor.engine.rollup import Members, count, judge_rollup
from monitor.model.colour import Colour
from monitor.model.state import UnitState
from monitor.model.verdict import Standing
from tests.unit.engine_scene import CALENDAR, GREEN, NOON, RED, UNKNOWN, YELLOW, band, goal
from tests.unit.test_groups import ALL_GREEN, child, children, group, weighing

SOME = st.lists(
    st.tuples(st.sampled_from(Colour), st.sampled_from((UNKNOWN, YELLOW, RED)), st.integers(0, 10)),
    min_size=1, max_size=8,
)  # fmt: skip


def made(of: list[tuple[Colour, Colour, int]], weights: tuple[float, ...] = ()) -> Members:
    states = tuple(
        child(f"c{n}", colour, colour if colour.known else level, score / 10)
        for n, (colour, level, score) in enumerate(of)
    )
    return Members(states, weighing(states, *weights))


def found(criterion: Criterion, members: Members, min_known: float = 0.7) -> Reach:
    reach = smallest_set(criterion, members, NOON, CALENDAR, min_known)
    assert reach is not None
    return reach


def does(criterion: Criterion, members: Members, codes: tuple[str, ...], min_known: float) -> bool:
    thought = turned_green(members, codes)
    counts = count(state.standing.colour if state.standing else UNKNOWN for state in thought.children)
    return judge_rollup(criterion, counts, NOON, CALENDAR, min_known, thought).colour is GREEN


def by_trying(criterion: Criterion, members: Members, min_known: float) -> int | None:
    codes = [
        state.unit
        for state in members.children
        if state.standing and state.standing.colour not in (GREEN, Colour.EXCLUDED)
    ]
    sizes = (size for size in range(len(codes) + 1) for some in combinations(codes, size)
             if does(criterion, members, some, min_known))  # fmt: skip
    return next(sizes, None)


def agrees(criterion: Criterion, members: Members, min_known: float) -> None:
    reach, least = found(criterion, members, min_known), by_trying(criterion, members, min_known)
    assert (None if reach.turned is None else len(reach.turned)) == least
    if reach.turned is not None:
        assert does(criterion, members, reach.turned, min_known)


@settings(deadline=None)
@given(SOME, st.sampled_from((0.0, 50.0, 80.0, 100.0)), st.sampled_from((None, 0.0, 20.0)), st.sampled_from((0.0, 0.7)))
def test_for_a_share_no_smaller_set_exists(of, share, limit, min_known):
    criterion = group(RollUp.GREEN_SHARE, target=goal(operand=share), max_red_share=limit)
    agrees(criterion, made(of), min_known)


@settings(deadline=None)
@given(SOME, st.integers(0, 4), st.sampled_from(((GREEN,), (GREEN, YELLOW))), st.sampled_from((0.0, 0.7)))
def test_for_at_least_n_no_smaller_set_exists(of, least, colours, min_known):
    criterion = group(RollUp.COUNT, target=goal(operand=float(least)), colours=colours)
    agrees(criterion, made(of), min_known)


@settings(deadline=None)
@given(SOME, st.integers(0, 2), st.sampled_from(((RED,), (YELLOW, RED))))
def test_for_none_red_no_smaller_set_exists(of, most, colours):
    criterion = group(RollUp.COUNT, target=goal("<=", float(most)), colours=colours)
    agrees(criterion, made(of), 0.0)


@settings(deadline=None)
@given(SOME, st.data())
def test_by_weight_no_smaller_set_exists(of, data):
    weights = tuple(data.draw(st.lists(st.integers(1, 9), min_size=len(of), max_size=len(of))))
    share = data.draw(st.sampled_from((70.0, 80.0, 100.0)))
    agrees(group(RollUp.WEIGHT_SHARE, target=goal(operand=share)), made(of, weights), 0.7)


def test_the_easiest_ones_are_taken_and_named_first():
    of = [(RED, RED, 1), (YELLOW, YELLOW, 7), (YELLOW, YELLOW, 9), (GREEN, GREEN, 9), (YELLOW, YELLOW, 9)]
    assert found(group(RollUp.GREEN_SHARE, target=goal(operand=60.0)), made(of)).turned == ("c2", "c4")
    assert found(ALL_GREEN, made(of)).turned == ("c2", "c4", "c1", "c0")
    assert found(ALL_GREEN, made([(GREEN, GREEN, 9)])).turned == ()


def test_what_cannot_be_reached_is_said_and_an_order_of_children_is_no_such_question():
    never = group(RollUp.COUNT, band(GREEN, (">=", 9.0)), band(RED, ("<", 9.0)))
    assert found(never, made([(RED, RED, 1)])).turned is None
    assert found(ALL_GREEN, Members()).turned is None
    assert smallest_set(group(RollUp.WORST), made([(RED, RED, 1)]), NOON, CALENDAR, 0.7) is None


def test_a_child_that_was_never_judged_can_be_thought_green():
    states = (*children(GREEN), UnitState("never"))
    assert found(ALL_GREEN, Members(states, weighing(states)), 0.0).turned == ("never",)


@pytest.mark.parametrize("score", [None, 0.5])
def test_thinking_changes_nothing(score):
    members = Members((UnitState("c0", 1, Standing(RED, NOON, RED, NOON, score)),))
    found(ALL_GREEN, members)
    assert members.children[0].standing == Standing(RED, NOON, RED, NOON, score)
