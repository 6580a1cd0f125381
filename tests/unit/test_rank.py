"""Ranks: ties, silence, change since yesterday."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.engine.book import Book, Index, IndexGroup, Points, RollUp, StandingRule
from monitor.engine.hold import hold
from monitor.engine.judge import judge
from monitor.engine.rank import Place, Ranked, Ranking, higher_is_better, index_rankings, rankings, ranks, value_on
from monitor.model.colour import Colour
from monitor.model.series import Series
from monitor.model.state import UnitState
from monitor.model.unit import Level, Unit
from monitor.model.verdict import CriterionState, Standing, Verdict
from tests.unit.engine_scene import CALENDAR, GREEN, NOON, RED, UNKNOWN, band, goal, measure, rule, ruleset, told

TODAY = date(2025, 8, 6)
RATE = Ranked("rate", ("rate",), "rate", True, 2.0)
SCORE = Ranked("score")
values = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 4), min_size=1)


def unit(code: str) -> Unit:
    return Unit(code, Level.COMMUNE, "xa", code, code, code)


def says(code: str, value: float | None, *, known: bool = True, was: float | None = None, days_ago: int = 1):
    """A unit whose rate has this value now and had another one on an earlier day."""
    colour = GREEN if known and value is not None else UNKNOWN
    held = CriterionState("rate", colour, NOON, colour, NOON, colour, NOON, 1, Verdict(colour, (), value), 1.0)
    past = Series() if was is None else Series((TODAY.toordinal() - days_ago,), (was,))
    standing = Standing(colour, NOON, colour, NOON, value)
    return UnitState(code, 1, standing, {"rate": held}, series={"rate": past, "": past})


def placed(*states: UnitState, ranked: Ranked = RATE) -> dict[str, Place]:
    found = ranks(ranked, [unit(state.unit) for state in states], {state.unit: state for state in states}, TODAY)
    return {place.unit: place for place in found}


def positions(places: Mapping[str, Place]) -> dict[str, int | None]:
    return {code: place.rank for code, place in places.items()}


def test_equal_values_share_a_rank_and_the_next_one_counts_them_all():
    places = placed(says("d", 5.0), says("c", 7.0), says("b", 7.0), says("a", 9.0))
    assert positions(places) == {"a": 1, "b": 2, "c": 2, "d": 4}
    assert list(places) == ["a", "b", "c", "d"]
    assert {place.of for place in places.values()} == {4}


def test_where_less_is_better_the_least_is_first():
    assert positions(placed(says("a", 3.0), says("b", 1.0), ranked=replace(RATE, higher_is_better=False))) == {
        "b": 1, "a": 2,
    }  # fmt: skip


@given(values)
def test_a_rank_is_one_more_than_the_number_of_better_units(of):
    places = placed(*(says(code, float(value)) for code, value in of.items()))
    for code, value in of.items():
        assert places[code].rank == 1 + sum(other > value for other in of.values())


@given(values, st.data())
def test_silence_improves_no_rank(of, data):
    silent = data.draw(st.sampled_from(sorted(of)))
    before = placed(*(says(code, float(value)) for code, value in of.items()))
    for ranked in (RATE, SCORE):
        after = placed(
            *(says(code, float(value), known=code != silent, was=float(value)) for code, value in of.items()),
            ranked=ranked,
        )
        assert after[silent].rank is None
        assert {code: place.rank for code, place in after.items() if code != silent} == {
            code: place.rank for code, place in before.items() if code != silent
        }
        assert {place.of for place in after.values()} == {len(of)}


def test_who_never_said_anything_takes_no_place():
    places = placed(says("a", 1.0), says("b", None), UnitState("c"), replace(says("d", None), series={}))
    assert positions(places) == {"a": 1, "b": None, "c": None, "d": None}
    assert places["a"].of == 1


@given(st.lists(st.tuples(st.none() | st.integers(0, 4), st.none() | st.integers(0, 4))), st.booleans())
def test_ranks_in_two_steps_are_the_ranks(of, higher):
    states = [says(f"{number:02}", now, was=was) for number, (now, was) in enumerate(of)]
    for ranked in (replace(RATE, higher_is_better=higher), SCORE):
        places = placed(*states, ranked=ranked)
        ranking = Ranking({ranked.id: ranked})
        figures = {state.unit: figure for state in states if (figure := ranking.figures(state).get(ranked.id))}
        found = dict(zip(figures, ranking.ranks(ranked.id, list(figures.values())), strict=True))
        assert {code: found.get(code) for code in places} == positions(places)


def test_a_unit_has_figures_only_of_what_it_has_a_place_by():
    ranking = Ranking({"rate": RATE, "score": SCORE, "other": Ranked("other", ("other",), "other")})
    assert ranking.figures(says("a", 9.0)) == {"rate": (9.0, 9.0), "score": (9.0, 9.0)}
    silent = says("a", 9.0, known=False, was=8.0)
    assert ranking.figures(silent) == {"rate": (None, 9.0), "score": (None, 8.0)}
    assert ranking.figures(says("a", None)) == ranking.figures(UnitState("a")) == {}


def test_change_is_told_between_two_days_on_which_both_were_known():
    places = placed(says("a", 9.0, was=5.0), says("b", 7.0, was=7.0), says("c", 6.0), says("d", 5.0, was=6.0))
    assert {code: place.change for code, place in places.items()} == {"a": 2, "b": -1, "c": None, "d": -1}


def test_a_unit_that_falls_silent_wins_nobody_a_place():
    first = [says("a", 9.0, was=9.0), says("b", 7.0, was=7.0), says("c", 5.0, was=5.0)]
    dark = [says("a", 9.0, known=False, was=9.0), *first[1:]]
    assert [place.change for place in placed(*first).values()] == [0, 0, 0]
    assert positions(placed(*dark)) == {"a": None, "b": 2, "c": 3}
    assert {code: place.change for code, place in placed(*dark).items()} == {"b": 0, "c": 0, "a": None}


def test_yesterdays_value_may_be_older_as_long_as_it_was_believed():
    assert placed(says("a", 1.0, was=1.0, days_ago=3))["a"].change == 0
    assert placed(says("a", 1.0, was=1.0, days_ago=4))["a"].change is None
    assert placed(says("a", 1.0, was=1.0, days_ago=0))["a"].change is None
    assert value_on(Series((10, 12), (1.0, 2.0)), 11, 7) == 1.0


def test_too_few_cases_and_what_a_system_gives_have_no_rank_and_keep_no_place():
    few, taken = says("few", 100.0), says("taken", 50.0)
    held = few.criteria["rate"]
    few = replace(few, criteria={"rate": replace(held, verdict=replace(held.verdict, colour=Colour.EXCLUDED))})
    taken = replace(taken, criteria={"rate": replace(taken.criteria["rate"], caused_by="HT")})
    out = replace(says("out", 99.0), standing=Standing(Colour.EXCLUDED, NOON, GREEN, NOON))
    places = placed(few, taken, out, says("a", 1.0))
    assert positions(places) == {"a": 1, "few": None, "out": None, "taken": None}
    assert places["a"].of == 1


@pytest.mark.parametrize(
    ("criterion", "higher"),
    [
        (rule(bands=(), target=goal(">=", 80.0)), True), (rule(bands=(), target=goal("<", 3.0)), False),
        (rule(bands=(band(GREEN, (">", 3.0)), band(RED, ("<=", 3.0)))), True),
        (rule(bands=(band(GREEN, ("==", 0.0)), band(RED, (">", 0.0)))), False),
        (rule(bands=(band(GREEN, ("==", 0.0)), band(RED, (">=", 0.0)))), False),
        (rule(bands=(band(GREEN, ("==", 100.0)), band(RED, ("<", 100.0)))), True),
        (rule(bands=(band(GREEN, ("==", 100.0)), band(RED, ("<=", 100.0)))), True),
        (rule(bands=(band(GREEN, ("==", 5.0)), band(RED, ("<", 5.0)), band(RED, (">", 5.0)))), None),
        (rule(bands=(band(GREEN, (">=", 1.0), ("<", 5.0)),)), None),
        (rule(bands=(band(GREEN, ("==", True)),)), None), (rule(bands=()), None),
    ],
)  # fmt: skip
def test_which_way_is_better_follows_from_the_rule(criterion, higher):
    assert higher_is_better(criterion) is higher


def test_the_score_and_every_number_with_a_better_end_are_ranked():
    share = rule("share", indicator=None, rollup=RollUp.GREEN_SHARE)
    words = rule("up", bands=(band(GREEN, ("==", True)),))
    also = rule("rate_2030", indicator="rate", bands=(), target=goal())
    made = ruleset(rule("rate"), also, words, share)
    made = replace(made, indicators={**made.indicators, "rate": measure(max_age=2 * 86400.0)})
    assert rankings(made) == (
        SCORE,
        Ranked("rate", ("rate", "rate_2030"), "rate", True, 2.0),
        Ranked("share", ("share",), "share", True, 7.0),
    )


def test_a_place_shows_the_value_and_those_without_a_rank_come_last():
    places = placed(says("z", 9.0), says("b", 7.0), says("a", None), says("c", 8.0))
    assert [(place.unit, place.value) for place in places.values()] == [("z", 9.0), ("c", 8.0), ("b", 7.0), ("a", None)]


def test_who_speaks_without_a_number_keeps_the_place_of_the_last_one_that_was_known():
    past = Series(tuple(TODAY.toordinal() - day for day in (3, 2, 1)), (9.0, 8.0, 5.0))
    beside = (says("a", 7.0), says("b", 3.0))
    assert positions(placed(*beside, replace(says("dark", None), series={"rate": past}))) == {
        "a": 1, "b": 3, "dark": None,
    }  # fmt: skip
    unbelieved = replace(says("dark", 8.0, known=False), series={"rate": past})
    assert positions(placed(*beside, unbelieved)) == {"a": 2, "b": 3, "dark": None}


def test_a_unit_without_a_past_is_ranked_and_its_change_is_not_known():
    places = placed(replace(says("a", 7.0), series={}), says("b", 3.0, was=3.0))
    assert {code: (place.rank, place.change) for code, place in places.items()} == {"a": (1, None), "b": (2, 0)}


def test_the_score_is_ranked_by_what_it_is_now_and_its_change_by_what_it_was():
    scores = (says("a", 0.9, was=0.2), says("b", 0.5, was=0.4), says("c", 0.7))
    places = placed(*scores, ranked=SCORE)
    assert {code: (place.rank, place.change) for code, place in places.items()} == {
        "a": (1, 1), "c": (2, None), "b": (3, -1),
    }  # fmt: skip


def test_without_a_day_no_change_is_told():
    state = says("a", 1.0, was=1.0)
    (place,) = ranks(RATE, [unit("a")], {"a": state}, None)
    assert (place.rank, place.change) == (1, None)


def test_a_unit_of_which_nothing_is_stored_is_named_without_a_rank():
    places = ranks(RATE, [unit("a"), unit("b")], {"a": says("a", 3.0)}, None)
    assert [(place.unit, place.rank) for place in places] == [("a", 1), ("b", None)]


def test_a_rate_of_the_whole_has_a_past_of_its_own():
    whole = rule("whole", indicator="rate", rollup=RollUp.RATE)
    assert rankings(ruleset(whole))[1] == Ranked("rate", ("whole",), "whole", True, 2.0)
    assert rankings(ruleset(replace(whole, rollup=None)))[1] == Ranked("rate", ("whole",), "rate", True, 2.0)


# -- by the points of an index ----------------------------------------------------------------------------------------

ITEMS = {"a1": ("A", 30.0), "a2": ("A", 20.0), "b1": ("B", 50.0)}
BOOK = Book(
    "d766",
    "1",
    "Bộ chỉ số",
    "Index",
    tuple(rule(name, bands=(), points=Points(most, group), alert=frozenset()) for name, (group, most) in ITEMS.items()),
    standing=StandingRule(min_coverage=0.5),
    index=Index((IndexGroup("A", "A", "A", 50.0), IndexGroup("B", "B", "B", 50.0))),
)
SCORED = replace(ruleset(), books=(BOOK,), indicators={name: measure(name, max_age=2 * 86400.0) for name in ITEMS})
WHOLE, A, B = index_rankings(BOOK, SCORED)


def earns(code: str, now: Mapping[str, float], was: Mapping[str, float] | None = None) -> UnitState:
    """A unit with these rates now, and with others (unless the same) at the end of yesterday."""
    held = {}
    for criterion in BOOK.criteria:
        reading = told(now[criterion.id], indicator=criterion.id) if criterion.id in now else None
        verdict = judge(criterion, SCORED.indicators[criterion.id], reading, NOON, CALENDAR)
        held[criterion.id] = hold(None, verdict, criterion, Level.COMMUNE, NOON)
    past = now if was is None else was
    series = {name: Series((TODAY.toordinal() - 1,), (value,)) for name, value in past.items()}
    return UnitState(code, 1, Standing(GREEN, NOON, GREEN, NOON, 1.0), held, series=series)


def all_at(rate: float) -> dict[str, float]:
    return dict.fromkeys(ITEMS, rate)


def test_an_index_and_each_of_its_groups_is_ranked_by_points():
    states = (earns("x", {"a1": 100.0, "a2": 100.0, "b1": 0.0}), earns("y", all_at(80.0)))
    found = {one.id: placed(*states, ranked=one) for one in (WHOLE, A, B)}
    assert {id: positions(places) for id, places in found.items()} == {
        "d766": {"y": 1, "x": 2}, "d766:A": {"x": 1, "y": 2}, "d766:B": {"y": 1, "x": 2},
    }  # fmt: skip
    assert {id: places["y"].value for id, places in found.items()} == {"d766": 80.0, "d766:A": 40.0, "d766:B": 40.0}


def test_indexes_are_ranked_beside_scores_and_indicators_while_their_book_is_valid():
    assert [one.id for one in rankings(SCORED)] == ["score", "d766", "d766:A", "d766:B"]
    ended = replace(SCORED, books=(replace(BOOK, valid_to=date(2025, 8, 5)),))
    assert [one.id for one in rankings(ended, TODAY)] == ["score"]
    assert len(rankings(ended, date(2025, 8, 5))) == len(rankings(ended)) == 4


def test_a_book_that_is_over_earns_nothing_more():
    valid = {BOOK.id: True}
    ranking = Ranking({one.id: one for one in rankings(SCORED)}, lambda book: valid[book.id])
    state = earns("x", all_at(50.0))
    assert ranking.figures(state)["d766:A"] == (25.0, 25.0)
    assert [index.points for index in ranking.indexes(state)] == [50.0]
    valid[BOOK.id] = False
    assert (set(ranking.figures(state)), ranking.indexes(state)) == ({"score"}, ())


def test_a_rate_that_falls_silent_earns_nothing_and_keeps_the_place_of_its_last_value_open():
    whole = (earns("x", all_at(90.0)), earns("y", all_at(80.0)), earns("z", all_at(60.0)))
    dark = (earns("x", {"a1": 90.0, "b1": 90.0}, all_at(90.0)), *whole[1:])
    assert positions(placed(*whole, ranked=WHOLE)) == {"x": 1, "y": 2, "z": 3}
    places = placed(*dark, ranked=WHOLE)
    assert positions(places) == {"x": 2, "y": 2, "z": 3}
    assert places["x"].value == 72.0  # of the place that waits for it, it does not stand behind


def test_below_the_known_share_that_a_grade_needs_there_is_no_place():
    places = placed(earns("x", {"a1": 100.0}), earns("y", all_at(10.0)), ranked=WHOLE)
    assert positions(places) == {"y": 2, "x": None}  # x has no place, and the one of its 30 points stays open
    assert places["y"].of == 2
    assert positions(placed(earns("x", {"a1": 100.0}), ranked=A)) == {"x": 1}
    assert positions(placed(earns("x", {}, {}), ranked=WHOLE)) == {"x": None}


def test_the_change_of_a_place_by_points_is_told_where_the_same_rates_were_known_on_both_days():
    places = placed(
        earns("x", all_at(90.0), all_at(50.0)),
        earns("y", all_at(80.0), all_at(80.0)),
        earns("new", all_at(95.0), {"a1": 95.0, "b1": 95.0}),
        earns("dark", {"a1": 10.0, "b1": 10.0}, all_at(10.0)),
        ranked=WHOLE,
    )
    assert {code: place.change for code, place in places.items()} == {"x": 1, "y": -1, "new": None, "dark": None}


def test_a_change_by_points_is_of_all_rates_of_the_group_together():
    places = placed(
        earns("x", {"a1": 0.0, "a2": 100.0}, {"a1": 100.0, "a2": 0.0}),
        earns("y", {"a1": 100.0, "a2": 0.0}, {"a1": 0.0, "a2": 100.0}),
        ranked=A,
    )
    assert {code: place.change for code, place in places.items()} == {"x": -1, "y": 1}


def test_what_is_silent_on_both_days_earned_nothing_yesterday_either():
    behind, ahead = {"a1": 50.0}, {"a1": 50.0, "a2": 2.5}
    places = placed(earns("x", behind), earns("y", ahead), ranked=A)
    assert {code: (place.rank, place.change) for code, place in places.items()} == {"x": (2, 0), "y": (1, 0)}


def test_just_the_known_share_that_a_grade_needs_is_enough():
    assert positions(placed(earns("x", {"b1": 100.0}), ranked=WHOLE)) == {"x": 1}


def test_points_are_added_as_people_add_them():
    tenths = earns("x", {"a1": 1.0 / 3, "a2": 1.0}), earns("y", {"a1": 1.0, "a2": 0.0})
    places = placed(*tenths, ranked=A)
    assert [places[code].rank for code in "xy"] == [1, 1]
    assert [places[code].change for code in "xy"] == [0, 0]


def test_an_index_asks_each_rate_for_its_worth_and_for_its_own_past():
    summed = rule("sum", bands=(), points=Points(10.0, "A"), rollup=RollUp.GREEN_SHARE, alert=frozenset())
    by_rule = rule("b1", bands=(), points=Points(50.0, "B"), alert=frozenset())
    alone = replace(by_rule, id="alone", indicator=None)
    elsewhere = replace(by_rule, id="elsewhere", indicator="nowhere")
    book = replace(BOOK, criteria=(summed, by_rule, alone, elsewhere, rule("colour only")))
    made = list(index_rankings(book, SCORED))
    assert [(one.id, one.scored and one.scored.group) for one in made] == [
        ("d766", None), ("d766:A", "A"), ("d766:B", "B"),
    ]  # fmt: skip
    for one in made:
        assert one.scored is not None
        assert {name: (rate.worth, rate.series, rate.believed) for name, rate in one.scored.rates.items()} == {
            "sum": (summed.points, "sum", 7.0),
            "b1": (by_rule.points, "b1", 2.0),
            "alone": (by_rule.points, "alone", 7.0),
            "elsewhere": (by_rule.points, "nowhere", 7.0),
        }
    assert list(index_rankings(replace(book, index=None), SCORED)) == []


RATES = st.dictionaries(st.sampled_from(sorted(ITEMS)), st.integers(0, 5).map(lambda n: 20.0 * n))


@given(st.dictionaries(st.sampled_from("abcd"), RATES, min_size=2), st.data())
def test_silence_of_a_rate_improves_no_place_by_points(of, data):
    states = {code: earns(code, rates) for code, rates in of.items()}
    code = data.draw(st.sampled_from(sorted(of)))
    fewer = {name: rate for name, rate in of[code].items() if data.draw(st.booleans())}
    dark = {**states, code: earns(code, fewer, of[code])}
    for ranked in (WHOLE, A, B):
        before, after = (positions(placed(*found.values(), ranked=ranked)) for found in (states, dark))
        for unit_code, rank in after.items():
            earlier = before[unit_code]
            assert rank is None or (earlier is not None and rank >= earlier)
        in_steps = Ranking({ranked.id: ranked})
        figures = {one.unit: in_steps.figures(one).get(ranked.id, (None, None)) for one in dark.values()}
        assert dict(zip(figures, in_steps.ranks(ranked.id, list(figures.values())), strict=True)) == after
