"""The rule language as types: whom a criterion is for, when a book counts, how a condition is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.engine import book
from monitor.engine.book import (
    Book,
    Condition,
    Curve,
    Exemption,
    Pace,
    Period,
    Ruleset,
    exempted,
    first_day,
)
from monitor.model.unit import Level
from tests.unit.engine_scene import COMMUNE, OTHER, PROVINCE, SYSTEM, goal, measure, rule, units

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


@pytest.mark.parametrize(("day", "judged"), [(23, False), (24, True), (25, True), (26, False)])
def test_a_unit_has_criteria_only_on_the_days_on_which_it_is_there(day, judged):
    unit = replace(UNITS[COMMUNE], valid_from=date(2025, 8, 24), valid_to=date(2025, 8, 26))
    rules = Ruleset({}, (Book("book", "1", "Sổ", "Book", (rule(),)),))
    assert bool(rules.criteria_of(unit, date(2025, 8, day))) is judged


# -- versions, exemptions, periods ------------------------------------------------------------------------------------

AUGUST, OCTOBER = date(2025, 8, 1), date(2025, 10, 1)
PAPER = Exemption("rate", COMMUNE, "12/QĐ-UBND", AUGUST, by=OCTOBER, until=date(2025, 8, 31))


@pytest.mark.parametrize(
    ("changes", "both"),
    [
        ({"decided": date(2025, 8, 31)}, True),
        ({"decided": date(2025, 9, 1)}, False),
        ({"decided": date(2025, 7, 1), "until": date(2025, 7, 31)}, False),
        ({"decided": date(2025, 7, 1), "until": AUGUST}, True),
        ({"decided": date(2025, 7, 1), "until": None}, True),
        ({"unit": OTHER}, False),
        ({"criterion": "other"}, False),
    ],
)
def test_two_exemptions_overlap_on_a_day_that_both_count_for_one_target_of_one_unit(changes, both):
    other = replace(PAPER, **changes)
    assert PAPER.overlaps(other) is both
    assert other.overlaps(PAPER) is both


def version(name: str, valid_from: date, valid_to: date | None = None) -> Book:
    return Book(name, "1", "x", "x", (rule("rate", book=name),), valid_from, valid_to)


@pytest.mark.parametrize(
    ("day", "found"),
    [
        (date(2025, 6, 1), "year"),
        (date(2026, 2, 1), "year"),  # between two books: the newest that had begun
        (date(2026, 6, 1), "late"),
        (date(2024, 6, 1), "late"),  # before all of them
        (None, "late"),
    ],
)
def test_the_version_of_a_day_is_the_valid_one_else_the_newest_begun(day, found):
    year = version("year", date(2025, 1, 1), date(2025, 12, 31))
    late = version("late", date(2026, 3, 1))
    rules = Ruleset({}, (year, late))
    made = rules.criterion("rate", day)
    assert made is not None and made.book == found
    if day is not None:
        assert rules.criteria(day) == {"rate": made}


def test_a_valid_version_counts_although_a_later_one_has_begun_and_ended():
    year = version("year", date(2025, 1, 1), date(2025, 12, 31))
    spring = version("spring", date(2025, 3, 1), date(2025, 4, 30))
    made = Ruleset({}, (spring, year)).criterion("rate", date(2025, 6, 1))
    assert made is not None and made.book == "year"


def test_a_rule_promises_the_cadence_of_its_indicator_and_without_one_nothing():
    rules = Ruleset({"rate": measure(cadence=300.0)}, ())
    assert rules.cadence_of(rule()) == 300.0
    assert rules.cadence_of(rule("share", indicator=None)) == 0.0


def test_what_a_unit_takes_over_keeps_the_date_of_its_system():
    taken = rule(levels=frozenset({Level.SYSTEM}), inherit=frozenset({Level.COMMUNE}), target=goal())
    rules = Ruleset({}, (Book("book", "1", "x", "x", (taken,)),), exemptions=(PAPER,))
    assert rules.criteria_of(UNITS[COMMUNE], AUGUST) == (taken,)


def test_an_exemption_of_a_rule_without_a_date_changes_nothing():
    assert exempted(rule(), (PAPER,), UNITS[COMMUNE], AUGUST) == rule()


STEPPED = Pace(20.0, curve=Curve.STEPPED, steps=((AUGUST, 40.0),))


@pytest.mark.parametrize(
    ("dates", "pace", "start"),
    [
        ({"before": date(2025, 8, 20)}, STEPPED, date(2025, 8, 15)),
        ({"every": Period.MONTH}, STEPPED, AUGUST),
        ({"every": Period.QUARTER}, STEPPED, date(2025, 7, 1)),
        ({"every": Period.MONTH}, replace(STEPPED, start=date(2025, 8, 7)), date(2025, 8, 7)),
    ],
)
def test_an_exempted_target_has_the_new_date_alone_and_an_even_pace_to_it(dates, pace, start):
    given = replace(PAPER, decided=date(2025, 8, 15), until=None)
    target = exempted(rule(target=goal(**dates, pace=pace)), (given,), UNITS[COMMUNE], date(2025, 8, 16)).target
    assert target is not None and target.pace is not None
    assert (target.before, target.by, target.every) == (None, OCTOBER, None)
    assert (target.pace.curve, target.pace.steps, target.pace.start) == (Curve.LINEAR, (), start)


@pytest.mark.parametrize("month", range(1, 13))
def test_a_period_begins_with_its_month_quarter_or_year(month):
    day = date(2025, month, 28)
    quarter = (1, 1, 1, 4, 4, 4, 7, 7, 7, 10, 10, 10)[month - 1]
    assert first_day(Period.MONTH, day) == date(2025, month, 1)
    assert first_day(Period.QUARTER, day) == date(2025, quarter, 1)
    assert first_day(Period.YEAR, day) == date(2025, 1, 1)


@given(st.data())
def test_units_of_one_sort_share_their_criteria_and_each_gets_those_that_are_its_own(data):
    scopes: tuple[dict[str, Any], ...] = (
        {},
        {"kinds": frozenset({"xa"})},
        {"units": frozenset({COMMUNE})},
        {"provinces": frozenset({"01"})},
        {"levels": frozenset({Level.SYSTEM}), "inherit": frozenset({Level.COMMUNE})},
    )
    criteria = tuple(
        rule(f"c{number}", target=goal(), **scope)
        for number, scope in enumerate(data.draw(st.lists(st.sampled_from(scopes), max_size=4)))
    )
    books = (
        Book("first", "1", "Sổ", "Book", criteria[:2], valid_to=date(2025, 8, 6)),
        Book("second", "1", "Sổ", "Book", criteria[2:]),
    )
    own = Exemption("c2", OTHER, "12/CV", date(2025, 8, 1), by=date(2025, 9, 1), until=date(2025, 8, 6))
    rules = Ruleset({}, books, exemptions=data.draw(st.sampled_from([(), (own,)])))
    others = (replace(UNITS[COMMUNE], kind="phuong"), replace(UNITS[OTHER], province="01", code="99999"))
    asked = st.tuples(st.sampled_from([*UNITS, *others]), st.sampled_from([date(2025, 8, 6), date(2025, 8, 7)]))
    for unit, day in data.draw(st.lists(asked, max_size=12)):
        alone = tuple(
            exempted(one, rules.exemptions, unit, day) if one.applies_to(unit) else one
            for valid in books
            if valid.valid_on(day)
            for one in valid.criteria
            if one.applies_to(unit) or one.inherited_by(unit)
        )
        assert rules.criteria_of(unit, day) == alone
        assert rules.rules_of(unit, day) == {one.id: one for one in alone}


def test_the_criteria_of_a_sort_of_units_are_worked_out_once_a_day(monkeypatch):
    rules, asked = Ruleset({}, (Book("book", "1", "Sổ", "Book", (rule(),)),)), []

    def worked_out(_, unit, on):
        asked.append((unit.code, on))
        return ()

    monkeypatch.setattr(Ruleset, "_judging", worked_out)
    monkeypatch.setattr(book, "_REMEMBERED", 2)
    first, second = date(2025, 8, 6), date(2025, 8, 7)
    for unit, day in ((COMMUNE, first), (OTHER, first), (PROVINCE, first), (COMMUNE, first)):
        rules.criteria_of(UNITS[unit], day)
    assert asked == [(COMMUNE, first), (PROVINCE, first)]
    rules.criteria_of(UNITS[COMMUNE], second)  # no more than two are kept: it begins anew
    rules.criteria_of(UNITS[COMMUNE], first)
    assert asked[2:] == [(COMMUNE, second), (COMMUNE, first)]
