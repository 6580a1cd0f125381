"""A value as its source states it, against a condition."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.engine.book import Condition
from monitor.engine.compare import WrongType, all_hold, holds
from monitor.model.reading import Comparator

OPS = (">", ">=", "<", "<=", "==")
numbers = st.integers(-200, 200).map(lambda n: n / 2)


@pytest.mark.parametrize(
    ("sign", "value", "op", "operand", "expected"),
    [
        ("=", 80, ">=", 80, True),
        ("=", 80, ">", 80, False),
        ("=", 79.99, ">=", 80, False),
        ("=", 80, "==", 80, True),
        (">", 80, ">=", 80, True),  # "more than 80" meets "at least 80"
        (">", 80, ">", 80, True),
        (">=", 80, ">", 80, False),  # it may be exactly 80
        (">", 75, ">=", 80, False),  # undecided is not met
        (">", 75, "<", 80, False),  # nor is it surely missed
        ("<", 15, "<", 15, True),
        ("<=", 15, "<", 15, False),
        ("<=", 15, "<=", 15, True),
        ("<", 15, ">=", 0, False),
        ("<=", 15, ">=", 0, False),
        ("<=", 15, "==", 15, False),
        (">", 80, "==", 80, False),
        (">=", 80, "==", 80, False),
        ("~", 14000, ">=", 14000, True),  # "almost 14,000" is judged as 14,000
        ("~", 13999, ">=", 14000, False),
        ("~", 14000, "<", 14000, False),
        ("~", 14000, ">", 14000, False),
    ],
)
def test_a_statement_meets_a_condition_only_if_all_it_may_mean_does(sign, value, op, operand, expected):
    assert holds(Condition(op, operand), value, Comparator(sign)) is expected


@pytest.mark.parametrize("op", [">", ">=", "<", "<="])
@pytest.mark.parametrize("pair", [(True, True), ("partly", "partly"), (1.0, "partly"), ("partly", 1.0), (1.0, True)])
def test_words_and_yes_or_no_have_no_order(op, pair):
    with pytest.raises(WrongType):
        holds(Condition(op, pair[0]), pair[1])


@pytest.mark.parametrize("pair", [(True, 1.0), (1.0, True), (0.0, False), (5.0, "5"), ("5", 5.0)])
def test_a_number_is_never_equal_to_a_word_or_a_yes(pair):
    with pytest.raises(WrongType):
        holds(Condition("==", pair[0]), pair[1])


def test_a_word_beside_yes_and_no_is_neither_of_them():
    assert not holds(Condition("==", True), "partly")
    assert not holds(Condition("==", "partly"), False)
    assert holds(Condition("==", "partly"), "partly")
    assert not holds(Condition("==", "partly"), "done")
    assert not holds(Condition("==", True), False)


@pytest.mark.parametrize(
    ("sign", "op", "end"), [(">", "<", inf), (">=", "<", inf), ("<", ">", -inf), ("<=", ">", -inf)]
)
def test_whatever_is_stated_lies_on_this_side_of_infinity(sign, op, end):
    assert holds(Condition(op, end), 80, Comparator(sign))


def test_a_band_needs_all_its_conditions():
    middle = (Condition(">=", 60.0), Condition("<", 80.0))
    assert [all_hold(middle, value) for value in (59.9, 60, 79.9, 80)] == [False, True, True, False]
    assert not all_hold(middle, 75, Comparator.GT)  # it may be 80
    assert all_hold(middle[:1], 75, Comparator.GT)


@given(st.sampled_from(OPS), numbers, st.sampled_from(Comparator), numbers, st.floats(0, 1e6))
def test_what_holds_for_a_statement_holds_for_every_number_that_it_allows(op, operand, sign, stated, distance):
    condition = Condition(op, operand)
    if not holds(condition, stated, sign):
        return
    allowed = {
        Comparator.GT: stated + distance + 1e-9,
        Comparator.GE: stated + distance,
        Comparator.LT: stated - distance - 1e-9,
        Comparator.LE: stated - distance,
    }.get(sign, stated)
    assert holds(condition, allowed)
