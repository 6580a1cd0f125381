"""The rule language as types: whom a criterion is for, when a book counts, how a condition is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from monitor.engine.book import Book, Condition, Ruleset
from monitor.model.unit import Level
from tests.unit.engine_scene import COMMUNE, OTHER, PROVINCE, SYSTEM, rule, units

UNITS = units()
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (Condition("==", True), "== true"),
        (Condition("==", False), "== false"),
        (Condition("==", "partly"), "== partly"),
        (Condition(">=", 80.0), ">= 80"),
        (Condition("<", 99.5), "< 99.5"),
        (Condition("<", 1e20), "< 1e+20"),
    ],
)
def test_a_condition_reads_as_it_is_written(condition, text):
    assert str(condition) == text


@pytest.mark.parametrize(
    ("scope", "judged"),
    [
        ({}, True),
        ({"levels": frozenset({Level.PROVINCE})}, False),
        ({"provinces": frozenset({PROVINCE})}, True),
        ({"provinces": frozenset({"01"})}, False),
        ({"kinds": frozenset({"xa"})}, True),
        ({"kinds": frozenset({"phuong"})}, False),
        ({"units": frozenset({COMMUNE})}, True),
        ({"units": frozenset({OTHER})}, False),
    ],
)
def test_a_criterion_judges_whom_its_scope_names(scope, judged):
    assert rule(**scope).applies_to(UNITS[COMMUNE]) is judged


@pytest.mark.parametrize(
    ("scope", "taken"),
    [
        ({"inherit": frozenset()}, False),
        ({"inherit": frozenset({Level.COMMUNE})}, True),
        ({"inherit": frozenset({Level.COMMUNE}), "provinces": frozenset({PROVINCE})}, True),
        ({"inherit": frozenset({Level.COMMUNE}), "provinces": frozenset({"01"})}, False),
        ({"inherit": frozenset({Level.COMMUNE}), "kinds": frozenset({"system"}), "units": frozenset({SYSTEM})}, True),
    ],
)
def test_a_criterion_is_taken_over_by_level_and_province_whatever_systems_it_judges(scope, taken):
    assert rule(**scope).inherited_by(UNITS[COMMUNE]) is taken


def test_a_book_counts_from_its_first_day_to_its_last_one_and_on_both():
    first, last = date(2025, 7, 1), date(2025, 8, 25)
    book = Book("book", "1", "Sổ", "Book", (rule(),), first, last)
    assert [book.valid_on(day) for day in (first - DAY, first, last, last + DAY)] == [False, True, True, False]
    open_end, open_start = replace(book, valid_to=None), replace(book, valid_from=None)
    assert [open_end.valid_on(day) for day in (first - DAY, first, date.max)] == [False, True, True]
    assert [open_start.valid_on(day) for day in (date.min, last, last + DAY)] == [True, True, False]


def test_a_day_asks_only_the_books_that_count_on_it_in_their_order():
    old = Book("old", "1", "Cũ", "Old", (rule("a"), rule("b")), valid_to=date(2025, 8, 25))
    new = Book("new", "2", "Mới", "New", (rule("c"),), valid_from=date(2025, 8, 25))
    both = Ruleset({}, (old, new))
    asked = [[c.id for c in both.criteria_of(UNITS[COMMUNE], date(2025, 8, day))] for day in (24, 25, 26)]
    assert asked == [["a", "b"], ["a", "b", "c"], ["c"]]
