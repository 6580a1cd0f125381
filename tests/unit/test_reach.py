"""The smallest set of children that must turn green, compared with trying all sets."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.engine.book import Criterion, RollUp
from monitor.engine.reach import Reach, smallest_set, standing_as, turned_green
from monitor.engine.rollup import Members, count, judge_rollup
from monitor.model.colour import LEFT_OUT, Colour
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
        state.unit for state in members.children if state.standing and state.standing.colour not in (GREEN, *LEFT_OUT)
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


def silent(code: str, level: Colour, ease: float):
    return child(code, UNKNOWN, level, ease)


SEVEN = tuple(child(f"g{n}", GREEN, GREEN, 1.0) for n in range(7))
HIDDEN_RED, DARK, OPEN_RED = silent("s", RED, 0.0), silent("u", YELLOW, 0.9), child("r", RED, RED, 0.9)


@pytest.mark.parametrize(
    "criterion",
    [
        group(RollUp.GREEN_SHARE, target=goal(operand=70.0), max_red_share=10.0),
        group(RollUp.COUNT, target=goal("<=", 1.0), colours=(RED,)),
    ],
)
def test_one_that_serves_in_two_ways_is_taken_before_two_that_are_easier(criterion):
    states = (*SEVEN, HIDDEN_RED, DARK, OPEN_RED)
    reach = found(criterion, Members(states, weighing(states)), 0.9)
    assert (reach.turned, reach.verdict.colour) == (("s",), GREEN)


def test_of_two_reds_the_easier_one_is_taken_whether_it_speaks_or_not():
    limited = group(RollUp.GREEN_SHARE, target=goal(operand=70.0), max_red_share=10.0)
    states = (*SEVEN, HIDDEN_RED, DARK, OPEN_RED)
    assert found(limited, Members(states, weighing(states)), 0.0).turned == ("r",)


@pytest.mark.parametrize(
    ("kind", "asked", "turned"),
    [(RollUp.WEIGHT_SHARE, 60.0, ("heavy",)), (RollUp.WEIGHT, 9.0, ("heavy",)), (RollUp.COUNT, 2.0, ("near0",))],
)
def test_the_heavy_one_is_taken_where_weight_decides_and_the_near_one_where_number_does(kind, asked, turned):
    states = (child("g", GREEN, GREEN, 1.0), child("heavy", RED, RED, 0.0),
              *(child(f"near{n}", YELLOW, YELLOW, 0.9) for n in range(5)))  # fmt: skip
    members = Members(states, weighing(states, 4.0, 5.0, 1.0, 1.0, 1.0, 1.0, 2.0))
    assert found(group(kind, target=goal(operand=asked)), members).turned == turned


def test_how_much_is_known_is_weighed_where_weight_decides():
    states = (child("g", GREEN, GREEN, 1.0), child("h", YELLOW, YELLOW, 0.5), silent("u", YELLOW, 0.9),
              silent("v", YELLOW, 0.9), silent("w", YELLOW, 0.9))  # fmt: skip
    members = Members(states, weighing(states, 5.0, 3.0, 1.0, 1.0, 1.0))
    assert found(group(RollUp.WEIGHT_SHARE, target=goal(operand=63.0)), members).turned == ("h",)


def test_just_enough_known_asks_nobody_to_speak():
    states = (*SEVEN[:6], child("near", YELLOW, YELLOW, 0.9), *(silent(f"u{n}", GREEN, 0.5) for n in range(3)))
    assert found(group(RollUp.GREEN_SHARE, target=goal(operand=70.0)), Members(states), 0.7).turned == ("near",)


def test_of_two_that_became_needless_the_harder_one_is_left_out():
    states = (*SEVEN[:3], silent("s1", RED, 0.8), silent("s2", RED, 0.1), silent("u", GREEN, 0.7),
              child("r", RED, RED, 0.5))  # fmt: skip
    members = Members(states, weighing(states, 1.0, 1.0, 1.0, 1.0, 1.0, 5.0, 10.0))
    criterion = group(RollUp.WEIGHT_SHARE, target=goal(operand=90.0), max_red_share=15.0)
    assert found(criterion, members, 0.8).turned == ("s1", "u", "r")


def test_what_cannot_be_reached_says_how_far_it_would_go():
    never = group(RollUp.COUNT, band(GREEN, (">=", 9.0)), band(RED, ("<", 9.0)))
    assert found(never, made([(RED, RED, 1)])).verdict.value == 1.0


def test_a_thought_colour_changes_nothing_else_of_a_standing_and_silence_keeps_its_level():
    before = Standing(RED, NOON, RED, NOON, 0.5, 0.9)
    assert standing_as(before, GREEN) == replace(before, colour=GREEN, level=GREEN)
    assert standing_as(before, UNKNOWN) == replace(before, colour=UNKNOWN)
    members = Members((UnitState("c0", 1, before), UnitState("c1", 1, before)))
    assert [one.standing for one in turned_green(members, ["c0"]).children] == [standing_as(before, GREEN), before]
    new = standing_as(None, UNKNOWN)
    assert (new.colour, new.level, new.score) == (UNKNOWN, UNKNOWN, None)
    assert new.since < NOON and new.level_since < NOON  # an instant like any other, before all that happened
