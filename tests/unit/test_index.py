"""The index: points by rate, group and unit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.config.rulebooks import load_rules
from monitor.engine import reasons
from monitor.engine.book import Book, Grade, Index, IndexGroup, Points, StandingRule
from monitor.engine.hold import hold
from monitor.engine.index import GroupPoints, ItemPoints, earned, points_of, tally, total_differs
from monitor.engine.judge import judge
from monitor.model.colour import Colour
from monitor.model.reading import Comparator
from monitor.model.unit import Level
from monitor.model.verdict import Verdict
from tests.unit.engine_scene import CALENDAR, NOON, measure, rule, told

_LOADED = load_rules(Path(__file__).parents[2], ["d766"])[0]
assert _LOADED is not None
INDICATORS, BOOK = _LOADED.indicators, _LOADED.books[0]
assert BOOK.index is not None
GROUPS = BOOK.index.groups
RATES = st.floats(0, 100)
UNITS = st.dictionaries(st.sampled_from([criterion.id for criterion in BOOK.criteria]), RATES)


def scored(rates):
    states = {}
    for criterion in BOOK.criteria:
        reading = told(rates[criterion.id], indicator=criterion.indicator or "") if criterion.id in rates else None
        verdict = judge(criterion, INDICATORS[criterion.indicator or ""], reading, NOON, CALENDAR)
        states[criterion.id] = hold(None, verdict, criterion, Level.COMMUNE, NOON)
    found = tally(BOOK, states)
    assert found is not None
    return found


def rank(grade) -> float:
    return -1 if grade is None else grade.at_least


def test_sixty_per_cent_of_digitised_components_earn_three_points():
    assert [points_of(rate, Points(4, "MDSH", 80)) for rate in (60, 0.5, 0, -1)] == [3.0, 0.025, 0, 0]


@given(RATES, RATES, st.floats(1, 100), st.floats(1, 22))
def test_points_grow_with_the_rate_and_never_exceed_the_maximum(one, other, target, most):
    low, high = (points_of(rate, Points(most, "G", target)) for rate in sorted((one, other)))
    assert 0 <= low <= high <= most


@given(UNITS)
def test_the_total_is_that_of_the_groups_and_of_the_items(rates):
    found = scored(rates)
    assert abs(found.points - sum(group.points for group in found.groups)) < 1e-6
    assert abs(found.points - sum(item.points or 0 for item in found.items)) < 1e-6
    assert found.maximum == 100
    assert found.points <= found.known <= found.maximum


@given(UNITS, st.data())
def test_taking_a_reading_away_never_raises_points_or_grade(rates, data):
    fewer = dict(rates)
    if rates:
        del fewer[data.draw(st.sampled_from(sorted(rates)))]
    more, less = scored(rates), scored(fewer)
    assert less.points <= more.points
    assert less.known <= more.known
    assert rank(less.grade) <= rank(more.grade)
    assert all(rank(a.grade) <= rank(b.grade) for a, b in zip(less.groups, more.groups, strict=True))


def test_online_services_have_twelve_points_and_payment_ten():
    assert {group.id: group.maximum for group in GROUPS} == {
        "CKMB": 18, "TDGQ": 20, "CLGQ": 12, "TTTT": 10, "MDHL": 18, "MDSH": 22,
    }  # fmt: skip


def said_of(reported, rates):
    name = "d766_total_score"
    verdict = judge(rule(name), measure(name), told(reported, indicator=name), NOON, CALENDAR)
    return total_differs(scored(rates), {name: hold(None, verdict, rule(name), Level.COMMUNE, NOON)})


def test_a_reported_total_is_told_when_it_differs_by_more_than_a_point_from_one_that_is_wholly_known():
    full = {criterion.id: 100.0 for criterion in BOOK.criteria}
    said = said_of(98.9, full)
    assert said is not None and said.params == {"book": "d766", "reported": 98.9, "computed": 100.0}
    assert said_of(99.0, full) is None
    full.popitem()
    assert said_of(50.0, full) is None


# -- a small index of two groups --------------------------------------------------------------------------------------

GOOD, FAIR = Grade("good", "Tốt", "Good", 62.5), Grade("fair", "Khá", "Fair", 50.0)
SMALL = Index((IndexGroup("A", "Nhóm A", "Group A", 12.0), IndexGroup("B", "Nhóm B", "Group B", 4.0)), (GOOD, FAIR))
FIRST = rule("first", bands=(), points=Points(8.0, "A", 80.0))
SECOND = rule("second", bands=(), points=Points(4.0, "A"))
THIRD = rule("third", points=Points(4.0, "B"))
UNSCORED = rule("unscored")
RULES = {one.id: one for one in (FIRST, SECOND, THIRD, UNSCORED)}
TOLD = {"first": 40.0, "second": 100.0, "third": 50.0}


def state_of(criterion, rate, sign="=", **changes):
    verdict = judge(criterion, measure(criterion.id), told(rate, indicator=criterion.id, sign=sign), NOON, CALENDAR)
    return hold(None, replace(verdict, **changes), criterion, Level.COMMUNE, NOON)


def small(min_coverage=0.7, **states):
    book = Book("book", "1", "Sổ", "Book", tuple(RULES.values()), standing=StandingRule(min_coverage), index=SMALL)
    found = tally(book, {**{name: state_of(RULES[name], value) for name, value in TOLD.items()}, **states})
    assert found is not None
    return found


def test_a_unit_has_its_points_by_item_and_group_with_names_and_grades():
    found = small()
    assert found.items == (
        ItemPoints("first", "A", 8.0, 4.0), ItemPoints("second", "A", 4.0, 4.0), ItemPoints("third", "B", 4.0, 2.0),
    )  # fmt: skip
    assert found.groups == (
        GroupPoints("A", "Nhóm A", "Group A", 12.0, 12.0, 8.0, GOOD),
        GroupPoints("B", "Nhóm B", "Group B", 4.0, 4.0, 2.0, FAIR),
    )
    assert (found.book, found.title_vi, found.title_en) == ("book", "Sổ", "Book")
    assert (found.maximum, found.known, found.points, found.grade, found.share) == (16.0, 16.0, 10.0, GOOD, 62.5)


def test_what_is_not_known_is_no_part_of_the_known_maximum_and_too_little_known_has_no_grade():
    dark = small(0.75, third=state_of(THIRD, "word"))
    assert dark.items[2] == ItemPoints("third", "B", 4.0, None)
    assert (dark.known, dark.points, dark.share, dark.grade) == (12.0, 8.0, pytest.approx(200 / 3), FAIR)
    assert (dark.groups[1].known, dark.groups[1].points, dark.groups[1].grade) == (0.0, 0.0, None)
    assert small(0.76, third=state_of(THIRD, "word")).grade is None
    nothing = {name: state_of(RULES[name], "word") for name in TOLD}
    assert (small(0.0, **nothing).share, small(0.0, **nothing).grade) == (None, None)


@pytest.mark.parametrize(("value", "grade"), [(50.0, FAIR), (49.9, None), (62.4, FAIR), (62.5, GOOD), (100.0, GOOD)])
def test_a_grade_begins_at_its_share_of_the_points(value, grade):
    assert small(third=state_of(THIRD, value)).groups[1].grade == grade


@pytest.mark.parametrize(
    ("state", "points"),
    [
        (state_of(THIRD, 50.0), 2.0),
        (state_of(THIRD, 50.0, ">"), 2.0),
        (state_of(THIRD, 50.0, "<"), None),  # it may be anything below
        (state_of(THIRD, 50.0, "<="), None),
        (state_of(THIRD, 50.0, colour=Colour.EXCLUDED), None),  # too few cases
        (state_of(THIRD, 50.0, colour=Colour.UNKNOWN), None),
        (replace(state_of(THIRD, 50.0), verdict=Verdict(Colour.UNKNOWN, (), 50.0)), None),  # shown as it was
        (state_of(THIRD, 50.0, value=None), None),
        (state_of(THIRD, 50.0, value="word"), None),
        (state_of(THIRD, 50.0, value=True), None),
    ],
)
def test_only_a_rate_that_is_known_and_stated_well_earns(state, points):
    assert small(third=state).items[2] == ItemPoints("third", "B", 4.0, points)


@pytest.mark.parametrize(
    ("value", "sign", "colour", "code", "params"),
    [
        (40.0, ">", Colour.EXCLUDED, reasons.POINTS, {"points": 4.0, "maximum": 8.0, "value": 40.0, "target": 80.0}),
        (40.0, "<", Colour.UNKNOWN, reasons.UNDECIDED, {"value": 40.0, "sign": "<"}),
        (40.0, "<=", Colour.UNKNOWN, reasons.UNDECIDED, {"value": 40.0, "sign": "<="}),
        ("word", "=", Colour.UNKNOWN, reasons.WRONG_TYPE, {"value": "word"}),
        (True, "=", Colour.UNKNOWN, reasons.WRONG_TYPE, {"value": True}),
    ],
)
def test_what_only_earns_is_no_colour_and_says_what_it_earned_or_why_not(value, sign, colour, code, params):
    found, why = earned(FIRST, value, Comparator(sign))
    assert (found, [(reason.code, reason.params) for reason in why]) == (colour, [(code, params)])


@pytest.mark.parametrize("value", [None, True, "word"])
def test_a_reported_total_that_is_no_known_number_differs_from_nothing(value):
    total = replace(THIRD, id="book_total_score")
    assert total_differs(small(), {}) is None
    assert total_differs(small(), {total.id: state_of(total, 50.0, value=value)}) is None
    assert total_differs(small(), {total.id: state_of(total, 50.0, colour=Colour.UNKNOWN)}) is None
    said = total_differs(small(), {total.id: state_of(total, 50.0)})
    assert said is not None and said.code == reasons.INDEX_DIFFERS
