"""The index: points by rate, group and unit."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from monitor.config.rulebooks import load_rules
from monitor.engine.book import Points
from monitor.engine.hold import hold
from monitor.engine.index import points_of, tally, total_differs
from monitor.engine.judge import judge
from monitor.model.unit import Level
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
    assert points_of(60, Points(4, "MDSH", 80)) == 3.0


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
