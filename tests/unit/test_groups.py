"""Groups of every kind: at least N, N per cent, weight, order, and the rate of the whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.decide import Policy, View, decide
from monitor.engine import reasons
from monitor.engine.book import Book, Criterion, RollUp, Ruleset
from monitor.engine.rate import figure, summed
from monitor.engine.rollup import Members, count, gap, in_the_way, judge_rollup
from monitor.model.colour import Colour
from monitor.model.reading import Comparator
from monitor.model.state import UnitState
from monitor.model.unit import Level, Unit, Units
from monitor.model.verdict import CriterionState, Standing, Verdict
from tests.unit.engine_scene import (
    CALENDAR,
    DAY,
    GREEN,
    NATION,
    NOON,
    PROVINCE,
    RANK,
    RATE,
    RED,
    SESSIONS,
    UNKNOWN,
    YELLOW,
    band,
    directory,
    goal,
    local,
    rule,
    told,
    units,
)

EXCLUDED = Colour.EXCLUDED
NONE_KNOWN_NEEDED = 0.0
SIX = (GREEN, GREEN, YELLOW, YELLOW, RED, RED)  # severities 0, 0, 1, 1, 2, 2


def group(kind: RollUp, *bands, colours: tuple[Colour, ...] = (GREEN,), **changes) -> Criterion:
    levels = frozenset({Level.PROVINCE, Level.NATION})
    return rule("group", indicator=None, rollup=kind, bands=bands, colours=frozenset(colours), levels=levels, **changes)


def child(code: str, colour: Colour, level: Colour | None = None, score: float | None = None, known: float = 1.0):
    standing = Standing(colour, NOON, level or (colour if colour.known else UNKNOWN), NOON, score, known)
    return UnitState(code, 1, standing)


def children(*of: Colour) -> tuple[UnitState, ...]:
    return tuple(child(f"c{number:02}", colour) for number, colour in enumerate(of))


def weighing(states: tuple[UnitState, ...], *weights: float) -> Units:
    return Units(
        tuple(
            Unit(state.unit, Level.COMMUNE, "xa", state.unit, state.unit, state.unit, PROVINCE, PROVINCE, (), weight)
            for state, weight in zip(states, weights or (1.0,) * len(states), strict=True)
        )
    )


def judged(
    criterion: Criterion, states: tuple[UnitState, ...], min_known=0.7, now=NOON, weights=(), indicator=None
) -> Verdict:
    members = Members(states, weighing(states, *weights), indicator)
    counts = count(state.standing.colour if state.standing else UNKNOWN for state in states)
    return judge_rollup(criterion, counts, now, CALENDAR, min_known, members)


def codes(verdict: Verdict) -> list[str]:
    return [reason.code for reason in verdict.reasons]


# -- scenarios --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "colours", "fewer_than", "is_so"),
    [
        (RollUp.COUNT, (GREEN,), 2, False), (RollUp.COUNT, (GREEN,), 3, True),
        (RollUp.SHARE, (GREEN,), 50, True), (RollUp.SHARE, (GREEN, YELLOW), 50, False),
    ],
)  # fmt: skip
def test_sc_67_fewer_than_n_children_and_less_than_n_per_cent_of_them(kind, colours, fewer_than, is_so):
    """SC-67."""
    criterion = group(
        kind, band(RED, ("<", float(fewer_than))), band(GREEN, (">=", float(fewer_than))), colours=colours
    )
    assert (judged(criterion, children(*SIX)).colour is RED) is is_so


@pytest.mark.parametrize(
    ("colours", "op", "limit", "is_so"),
    [
        ((YELLOW, RED), ">=", 150, True), ((YELLOW, RED), ">=", 301, False),
        ((GREEN,), "<", 100, False), ((GREEN,), "<", 101, True),
    ],
)  # fmt: skip
def test_sc_68_the_weight_of_children_at_a_level(colours, op, limit, is_so):
    """SC-68."""
    criterion = group(RollUp.WEIGHT, band(RED, (op, float(limit))), colours=colours)
    weights = (100, 1e-12, 100, 1e-12, 100, 1e-12)
    assert (judged(criterion, children(*SIX), weights=weights).colour is RED) is is_so


@pytest.mark.parametrize(
    ("bad", "colour"), [((RED, RED), GREEN), ((RED, RED, RED), RED), ((YELLOW, YELLOW, YELLOW), YELLOW)]
)
def test_sc_70_the_eighth_best_of_ten_is_the_colour_of_the_group(bad, colour):
    """SC-70."""
    eight = group(RollUp.NTH_BEST, nth=8)
    assert judged(eight, children(*[GREEN] * (10 - len(bad)), *bad)).colour is colour


def test_sc_71_two_of_three():
    """SC-71, inverted on purpose where one is unknown: how much is known is asked first, and what is sure is said."""
    at_least_two = group(RollUp.COUNT, band(GREEN, (">=", 2.0)), band(RED, ("<", 2.0)))
    second = group(RollUp.NTH_BEST, nth=2)
    assert judged(at_least_two, children(RED, YELLOW, GREEN)).colour is RED
    assert judged(second, children(RED, YELLOW, GREEN)).colour is YELLOW
    assert judged(at_least_two, children(RED, RED, UNKNOWN), 0.6).colour is RED
    assert judged(second, children(RED, RED, UNKNOWN), 0.6).colour is RED
    assert judged(second, children(UNKNOWN, YELLOW, YELLOW)).colour is UNKNOWN
    assert judged(second, children(GREEN)).colour is UNKNOWN
    assert codes(judged(second, children(GREEN)))[0] == reasons.NTH_UNKNOWN
    assert judged(second, children(UNKNOWN, GREEN), 0.5).colour is UNKNOWN


KINDS = (
    group(RollUp.COUNT, band(GREEN, (">=", 0.0))),
    group(RollUp.COUNT, band(GREEN, ("==", 0.0)), band(RED, (">", 0.0)), colours=(RED,)),
    group(RollUp.SHARE, band(GREEN, (">=", 50.0)), band(RED, ("<", 50.0))),
    group(RollUp.WEIGHT, band(GREEN, (">=", 2.0)), band(RED, ("<", 2.0))),
    group(RollUp.WEIGHT_SHARE, band(GREEN, (">=", 50.0)), band(RED, ("<", 50.0))),
    group(RollUp.NTH_BEST, nth=1),
    group(RollUp.WORST),
    group(RollUp.SCORE, band(GREEN, (">=", 80.0)), band(YELLOW, (">=", 50.0), ("<", 80.0)), band(RED, ("<", 50.0))),
    group(RollUp.GREEN_SHARE, band(GREEN, (">=", 50.0)), band(RED, ("<", 50.0)), max_red_share=20.0),
)
IDS = [f"{kind.rollup}-{len(kind.bands)}-{sorted(kind.colours)[0]}" for kind in KINDS]


@pytest.mark.parametrize("criterion", [*KINDS, group(RollUp.RATE, band(GREEN, (">=", 0.0)))])
def test_sc_73_all_excluded_is_excluded_and_an_empty_group_is_unknown(criterion):
    """SC-73, inverted on purpose: a group whose children are all paused is not up."""
    assert judged(criterion, children(EXCLUDED, EXCLUDED)).colour is EXCLUDED
    for dark in ((), (UNKNOWN,), (Colour.MAINTENANCE, UNKNOWN), (EXCLUDED, UNKNOWN)):
        assert judged(criterion, children(*dark), NONE_KNOWN_NEEDED).colour is UNKNOWN


def test_sc_73_one_down_beside_one_that_was_never_judged_is_down():
    down = judged(group(RollUp.WORST), children(RED, UNKNOWN), 0.5)
    assert down.colour is RED
    assert down.reasons[0].params["unknown"] == 1


# -- what holds for all of them ---------------------------------------------------------------------------------------

some = st.lists(st.sampled_from(Colour), min_size=1, max_size=12)
heavy = st.floats(0.5, 50)


@pytest.mark.parametrize("criterion", KINDS, ids=IDS)
@given(of=some, data=st.data())
def test_the_order_of_the_children_means_nothing(criterion, of, data):
    states = children(*of)
    weights = data.draw(st.lists(heavy, min_size=len(of), max_size=len(of)))
    order = data.draw(st.permutations(range(len(of))))
    mixed = judged(criterion, tuple(states[n] for n in order), weights=[weights[n] for n in order])
    straight = judged(criterion, states, weights=weights)
    assert (mixed.colour, mixed.value, mixed.reasons) == (straight.colour, straight.value, straight.reasons)


@pytest.mark.parametrize("criterion", KINDS, ids=IDS)
@given(of=some, which=st.integers(0, 11), min_known=st.sampled_from((0.0, 0.5, 0.7)))
def test_a_child_that_falls_silent_never_improves_a_group(criterion, of, which, min_known):
    states = list(children(*of))
    which %= len(of)
    silent = list(states)
    silent[which] = child(states[which].unit, UNKNOWN, level=states[which].standing.level)
    before, after = judged(criterion, tuple(states), min_known), judged(criterion, tuple(silent), min_known)
    if of[which] is EXCLUDED or not before.colour.known:
        return
    assert after.colour is UNKNOWN or RANK[after.colour] >= RANK[before.colour]


@pytest.mark.parametrize("criterion", KINDS, ids=IDS)
@given(of=some, which=st.integers(0, 11), to=st.sampled_from((YELLOW, RED)))
def test_a_child_that_gets_worse_never_improves_a_group(criterion, of, which, to):
    which %= len(of)
    if not to.worse_than(of[which]):
        return
    worse = [*of[:which], to, *of[which + 1 :]]
    before, after = judged(criterion, children(*of)), judged(criterion, children(*worse))
    assert not before.colour.worse_than(after.colour)
    assert before.colour.known == after.colour.known


@given(some)
def test_counts_of_all_colours_add_up_to_the_group(of):
    at_all = [group(RollUp.COUNT, band(GREEN, (">=", 0.0)), colours=(colour,)) for colour in (GREEN, YELLOW, RED)]
    known = [colour for colour in of if colour.known]
    if not known or len(known) < 0.7 * len([c for c in of if c is not EXCLUDED]):
        return
    assert sum(float(judged(one, children(*of)).value or 0) for one in at_all) == len(known)


def test_a_red_child_that_fell_silent_still_counts_as_red_and_the_answer_says_so():
    none_red = KINDS[1]
    states = (*children(*[GREEN] * 9), child("x", UNKNOWN, level=RED))
    verdict = judged(none_red, states)
    assert (verdict.colour, verdict.value) == (RED, 1.0)
    assert verdict.reasons[-1].params == {"yellow": 0, "red": 1}
    assert judged(group(RollUp.WORST), states).colour is RED
    assert judged(KINDS[7], states).value == 90.0
    limited = group(RollUp.GREEN_SHARE, band(GREEN, (">=", 50.0)), max_red_share=5.0)
    assert judged(limited, states).colour is RED


def test_excluded_children_are_named_beside_the_total():
    verdict = judged(KINDS[2], children(GREEN, EXCLUDED))
    assert (verdict.value, verdict.denominator) == (100.0, 1)
    assert verdict.reasons[-1].code == reasons.CHILDREN_EXCLUDED
    assert verdict.reasons[-1].params["excluded"] == 1


def test_what_is_known_is_weighed_where_weight_counts():
    states = children(GREEN, UNKNOWN)
    assert judged(KINDS[4], states, weights=(8.0, 2.0)).value == 80.0
    assert judged(KINDS[4], states, weights=(2.0, 8.0)).colour is UNKNOWN


# -- group targets ----------------------------------------------------------------------------------------------------

ALL_GREEN = group(RollUp.GREEN_SHARE, target=goal(operand=100.0, before=date(2025, 8, 25)))


def test_a_group_target_names_what_stands_in_its_way_the_nearest_to_green_first():
    states = (
        child("far", RED, score=0.1), child("b", YELLOW, score=0.75), child("a", YELLOW, score=0.75),
        child("green", GREEN, score=0.99), child("half", YELLOW, score=0.9, known=0.8), child("out", EXCLUDED),
        child("dark", UNKNOWN),
    )  # fmt: skip
    members = Members(states, weighing(states))
    assert [state.unit for state in in_the_way(ALL_GREEN, members)] == ["a", "b", "half", "far", "dark"]
    assert [gap(state) for state in states[:2]] == [0.9, 0.25]
    assert (gap(states[4]), gap(states[6]), gap(None)) == (0.28, 1.0, 1.0)
    verdict = judged(ALL_GREEN, states)
    assert verdict.reasons[-1].params == {"units": "a, b, half, far, dark", "total": 5, "more": 0}
    none_red = replace(ALL_GREEN, rollup=RollUp.COUNT, colours=frozenset({RED}), target=goal("<=", 0.0))
    assert [state.unit for state in in_the_way(none_red, members)] == ["far"]


def test_no_more_than_ten_units_are_named_and_the_others_are_counted():
    verdict = judged(ALL_GREEN, children(*[YELLOW] * 34))
    assert verdict.reasons[-1].params == {
        "units": "c00, c01, c02, c03, c04, c05, c06, c07, c08, c09", "total": 34, "more": 24,
    }  # fmt: skip
    assert reasons.IN_THE_WAY not in codes(judged(ALL_GREEN, children(*[GREEN] * 34)))


# -- the rate of the whole --------------------------------------------------------------------------------------------

WHOLE = rule(
    "whole", indicator="rate", rollup=RollUp.RATE, levels=frozenset({Level.PROVINCE, Level.NATION}), min_sample=30
)
STANDS = Standing(GREEN, NOON, GREEN, NOON)
DARK = UnitState("dark", 1, STANDS)


def counted(code: str, numerator: float | None, denominator: float | None, sign: str = "=", as_of=NOON) -> UnitState:
    value = 100 * numerator / denominator if numerator and denominator else 0.0
    reading = told(value, as_of, unit=code, sign=sign, numerator=numerator, denominator=denominator)
    return UnitState(code, 1, STANDS, evidence={"rate": reading})


def whole(*states: UnitState, now=NOON, min_known=0.7) -> Verdict:
    return judged(WHOLE, states, min_known, now, indicator=RATE)


def test_the_rate_of_a_province_is_the_sum_of_its_communes_and_not_the_mean_of_their_rates():
    verdict = whole(counted("big", 100, 1000), counted("small", 10, 10))
    assert (verdict.numerator, verdict.denominator) == (110, 1010)
    assert verdict.value == pytest.approx(10.891, abs=1e-3)
    assert verdict.colour is RED
    assert verdict.reasons[-1].params == {"known": 2, "total": 2, "excluded": 0}


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=20))
def test_the_rate_of_the_whole_is_the_sum_over_the_sum_in_any_order(pairs):
    figures = [(min(pair), max(pair)) for pair in pairs]
    states = [counted(f"c{n}", *figure) for n, figure in enumerate(figures)]
    verdict, turned = whole(*states), whole(*reversed(states))
    top, below = sum(n for n, _ in figures), sum(d for _, d in figures)
    assert (verdict.numerator, verdict.denominator) == (top, below) == (turned.numerator, turned.denominator)
    if below < 30:
        assert verdict.colour is EXCLUDED
        assert codes(verdict)[0] == reasons.SMALL_SAMPLE
    else:
        assert verdict.value == pytest.approx(100 * top / below)


def test_figures_that_are_old_missing_or_impossible_are_not_known_and_are_asked_again_when_the_next_one_ages():
    old = NOON - timedelta(seconds=RATE.max_age)
    good = [counted(f"g{n}", 80, 100) for n in range(7)]
    bad = [counted("old", 1, 100, as_of=old), counted("none", None, 100), counted("more", 101, 100)]
    verdict = whole(*good, bad[0])
    assert (verdict.numerator, verdict.denominator, verdict.colour) == (561, 800, YELLOW)
    assert verdict.reasons[-1].params == {"known": 7, "total": 8, "excluded": 0}
    with_gaps = whole(*good, *bad)
    assert (with_gaps.numerator, with_gaps.colour) == (None, UNKNOWN)
    assert with_gaps.reasons[0].params == {"missing": 2}
    assert with_gaps.reasons[-1].params == {"known": 7, "total": 10, "excluded": 0}
    assert verdict.recheck_at == NOON + timedelta(seconds=RATE.max_age)
    fewer = whole(*good[:6], *bad, counted("x", -1, 100))
    assert (fewer.colour, fewer.value) == (UNKNOWN, None)
    assert [why.params["known"] for why in fewer.reasons if why.code == reasons.KNOWN_SHARE] == [60.0]
    aged = whole(*good, now=verdict.recheck_at)
    assert (aged.colour, aged.reasons[-1].params["known"]) == (UNKNOWN, 0)


@given(st.lists(st.tuples(st.integers(30, 99), st.integers(100, 200)), min_size=4, max_size=9), st.integers(0, 8))
def test_a_figure_that_is_missing_never_makes_the_group_better_known(figures, which):
    states = [counted(f"c{n}", *figure) for n, figure in enumerate(figures)]
    fewer = list(states)
    fewer[which % len(states)] = replace(fewer[which % len(states)], evidence={})
    assert whole(*fewer, min_known=1.0).colour is UNKNOWN


def test_excluded_communes_leave_the_sum():
    out = replace(counted("out", 0, 1000), standing=replace(STANDS, colour=EXCLUDED))
    planned = replace(out, unit="planned", standing=replace(STANDS, colour=Colour.MAINTENANCE))
    verdict = whole(counted("in", 90, 100), out, planned)
    assert (verdict.numerator, verdict.denominator) == (90, 100)
    assert verdict.reasons[-1].params == {"known": 1, "total": 1, "excluded": 2}


@pytest.mark.parametrize(
    ("signs", "of_the_sum"),
    [("==", "="), ("=>", ">"), ("=≥", ">="), (">≥", ">"), ("=<", "<"), ("=≤", "<="), ("<≤", "<"), ("~=", "~"),
     ("~>", ">"), ("<>", None), ("≤≥", None)],
)  # fmt: skip
def test_what_the_sources_say_roughly_is_said_roughly_of_the_sum(signs, of_the_sum):
    meant = {"≥": ">=", "≤": "<="}
    for order in permutations(signs):
        states = [counted(f"c{n}", 80, 100, meant.get(sign, sign)) for n, sign in enumerate(order)]
        verdict = whole(*states)
        if of_the_sum is None:
            assert (verdict.colour, codes(verdict)[0]) == (UNKNOWN, reasons.UNCLEAR_SUM)
        else:
            assert verdict.comparator is Comparator(of_the_sum)


def test_more_than_75_of_the_whole_is_not_counted_green():
    verdict = whole(counted("a", 90, 100, ">"), counted("b", 70, 100))
    assert (verdict.value, verdict.colour) == (80.0, GREEN)
    verdict = whole(counted("a", 80, 100, ">"), counted("b", 70, 100))
    assert (verdict.value, verdict.colour, codes(verdict)[0]) == (75.0, YELLOW, reasons.UNDECIDED)
    assert summed([])[:2] == (0, 0)


def test_the_nation_sums_what_was_summed_in_its_provinces_and_never_what_they_report_of_themselves():
    communes = ("a", "b", "c")
    place = units(communes)
    policy = Policy(
        place, Ruleset({"rate": RATE}, (Book("book", "1", "x", "x", (WHOLE,)),)), directory(), CALENDAR, SESSIONS
    )
    own = told(1.0, unit=PROVINCE, numerator=1.0, denominator=100.0)
    states = tuple(counted(code, 90, 100) for code in communes)
    province = decide(View(UnitState(PROVINCE), (own,), states), policy, NOON).after
    assert province.criteria["whole"].verdict.value == 90.0
    assert (province.criteria["whole"].verdict.numerator, province.evidence["rate"].value) == (270, 1.0)
    nation = decide(View(UnitState(NATION), children=(province,)), policy, NOON).after
    assert (nation.criteria["whole"].verdict.numerator, nation.criteria["whole"].verdict.denominator) == (270, 300)
    unjudged = decide(View(UnitState(NATION), children=(UnitState(PROVINCE, evidence={"rate": own}),)), policy, NOON)
    assert unjudged.after.criteria["whole"].colour is UNKNOWN


def test_a_new_figure_without_a_new_colour_is_news_for_the_parent_that_sums():
    place = units(("a", "b"))
    commune = rule("own", indicator="rate", levels=frozenset({Level.COMMUNE}))
    rules = Ruleset({"rate": RATE}, (Book("book", "1", "x", "x", (WHOLE, commune)),))
    policy = Policy(place, rules, directory(), CALENDAR, SESSIONS)
    first = decide(View(UnitState("a"), (told(90.0, unit="a", numerator=90, denominator=100),)), policy, NOON)
    later = NOON + timedelta(hours=1)
    more = told(91.0, later, unit="a", numerator=91, denominator=100)
    second = decide(View(first.after, (more,)), policy, later)
    assert not second.transitions
    assert policy.changes_a_sum(second, later)
    same = decide(View(second.after), policy, later)
    assert not policy.changes_a_sum(same, later)
    without = replace(policy, ruleset=Ruleset({"rate": RATE}, (Book("book", "1", "x", "x", (commune,)),)))
    assert not without.changes_a_sum(second, later)


def test_a_unit_remembers_one_score_a_day_and_none_while_it_is_unknown():
    place = units(("a",))
    commune = rule("own", indicator="rate", levels=frozenset({Level.COMMUNE}))
    rules = Ruleset({"rate": RATE}, (Book("book", "1", "x", "x", (commune,)),))
    policy = Policy(place, rules, directory(), CALENDAR, SESSIONS)
    state = decide(View(UnitState("a"), (told(70.0, unit="a"),)), policy, NOON).after
    state = decide(
        View(state, (told(90.0, NOON + timedelta(hours=1), unit="a"),)), policy, NOON + timedelta(hours=1)
    ).after
    day = local(6).astimezone(CALENDAR.zone).date().toordinal()
    assert (state.series[""].days, state.series[""].values) == ((day,), (1.0,))
    dark = decide(View(state), policy, NOON + 4 * DAY).after
    assert dark.standing is not None
    assert (dark.standing.colour, dark.series[""].days) == (UNKNOWN, (day,))


def test_a_state_of_an_unjudged_province_gives_no_figure():
    held = CriterionState("whole", UNKNOWN, NOON, UNKNOWN, NOON, UNKNOWN, NOON, 1, Verdict(UNKNOWN, ()), 1.0)
    states = (UnitState(PROVINCE, 1, STANDS, {"whole": held}),)
    members = Members(states, units(), RATE)
    verdict = judge_rollup(WHOLE, count([GREEN]), NOON, CALENDAR, 0.0, members)
    assert (verdict.colour, verdict.value) == (UNKNOWN, None)


# -- what is told -----------------------------------------------------------------------------------------------------


def test_a_verdict_of_a_group_is_made_now_and_by_the_roll_up_whatever_comes_of_it():
    least = group(RollUp.COUNT, band(GREEN, (">=", 1.0)), band(RED, ("<", 1.0)))
    rates = [counted("a", 90, 100), counted("b", 0, 10), counted("c", 80, 100, ">"), counted("d", 80, 100, "<")]
    made = [judged(least, children(*of)) for of in ((), (EXCLUDED,), (UNKNOWN,), (GREEN,))]
    made += [
        judged(group(RollUp.WORST), children(RED)),
        whole(*rates[:1], DARK),
        whole(*rates[:1]),
        whole(rates[1]),
        whole(*rates[2:]),
    ]
    assert {(verdict.as_of, verdict.source) for verdict in made} == {(NOON, "roll-up")}


def test_every_child_is_told_by_its_colour_and_those_under_maintenance_apart():
    verdict = judged(group(RollUp.WORST), children(GREEN, GREEN, YELLOW, RED, UNKNOWN, Colour.MAINTENANCE), 0.5)
    assert (verdict.reasons[0].code, verdict.reasons[0].params) == (
        reasons.CHILDREN_EXCLUDED,
        {"green": 2, "yellow": 1, "red": 1, "unknown": 1, "total": 5, "excluded": 1},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("nth", "of", "code", "params"),
    [
        (3, (GREEN, YELLOW, YELLOW, RED), reasons.NTH_BEST, {"nth": 3, "reached": 3, "level": "yellow"}),
        (2, (GREEN, YELLOW, YELLOW, RED), reasons.NTH_BEST, {"nth": 2, "reached": 3, "level": "yellow"}),
        (5, (GREEN, YELLOW, YELLOW, RED), reasons.NTH_UNKNOWN, {"nth": 5}),
    ],
)
def test_the_nth_best_tells_how_many_are_as_good(nth, of, code, params):
    why = judged(group(RollUp.NTH_BEST, nth=nth), children(*of)).reasons
    assert [(one.code, one.params) for one in why[:-1]] == [(code, params)]
    assert why[-1].code == reasons.CHILDREN


def test_shares_are_told_to_a_hundredth_of_a_per_cent():
    limited = group(RollUp.GREEN_SHARE, band(GREEN, (">=", 0.0)), max_red_share=20.5)
    too_red = judged(limited, children(RED, RED, *[GREEN] * 5))
    assert too_red.reasons[0].params == {"share": 28.57, "limit": 20.5}
    dark = judged(limited, children(UNKNOWN, UNKNOWN, UNKNOWN, *[GREEN] * 4))
    assert dark.reasons[0].params == {"known": 57.14, "needed": 70.0}


def test_a_child_that_fell_silent_yellow_takes_nothing_from_the_share_of_red():
    limited = group(RollUp.GREEN_SHARE, band(GREEN, (">=", 0.0)), max_red_share=20.0)
    states = (*children(*[GREEN] * 7), child("x", UNKNOWN, YELLOW), child("y", UNKNOWN, RED), child("z", RED))
    verdict = judged(limited, states)
    assert (verdict.colour, verdict.reasons[-1].code) == (GREEN, reasons.CHILDREN_SILENT)
    assert verdict.reasons[-1].params == {"yellow": 1, "red": 1}
    assert judged(replace(limited, max_red_share=19.9), states).colour is RED
    score = group(RollUp.SCORE, band(GREEN, (">=", 0.0)))
    assert judged(score, states).value == 75.0  # 7 of 10, and half of the silent yellow one


def test_only_a_child_that_does_not_speak_is_called_silent():
    speaking = (*children(YELLOW, GREEN, GREEN), child("x", UNKNOWN, GREEN))
    for kind in (RollUp.WORST, RollUp.SCORE):
        verdict = judged(group(kind, band(GREEN, (">=", 0.0))), speaking)
        assert reasons.CHILDREN_SILENT not in codes(verdict)
    assert judged(group(RollUp.SCORE, band(GREEN, (">=", 0.0))), speaking).value == pytest.approx(250 / 3)


@pytest.mark.parametrize(
    ("colours", "level", "value"), [((RED,), GREEN, 0.0), ((GREEN,), GREEN, 0.0), ((RED,), RED, 1.0)]
)
def test_silence_is_counted_only_at_a_bad_level_that_is_asked_for(colours, level, value):
    some = group(RollUp.COUNT, band(GREEN, (">=", 0.0)), colours=colours)
    assert judged(some, (child("x", UNKNOWN, level),), NONE_KNOWN_NEEDED).colour is UNKNOWN
    beside = (child("x", UNKNOWN, level), *children(YELLOW, YELLOW, YELLOW))
    assert judged(some, beside).value == value


# -- weights ----------------------------------------------------------------------------------------------------------


def test_where_only_numbers_are_known_every_child_weighs_the_same():
    counts = count((GREEN, GREEN, GREEN, YELLOW, EXCLUDED))
    for kind, value in ((RollUp.COUNT, 3.0), (RollUp.WEIGHT, 3.0), (RollUp.SHARE, 75.0), (RollUp.WEIGHT_SHARE, 75.0)):
        verdict = judge_rollup(group(kind, band(GREEN, (">=", 0.0))), counts, NOON, CALENDAR)
        assert (verdict.value, verdict.numerator, verdict.denominator) == (value, 3.0, 4.0)
    dark = judge_rollup(group(RollUp.WEIGHT, band(GREEN, (">=", 0.0))), count((GREEN, UNKNOWN)), NOON, CALENDAR, 0.6)
    assert dark.colour is UNKNOWN
    assert judge_rollup(KINDS[1], count((GREEN, GREEN, GREEN, UNKNOWN)), NOON, CALENDAR).value == 0.0


def test_a_number_of_children_is_no_weight_and_a_weight_may_be_a_fraction():
    states = children(GREEN, GREEN, RED)
    at_all = band(GREEN, (">=", 0.0))
    assert judged(group(RollUp.COUNT, at_all), states, weights=(2.5, 0.25, 4.0)).value == 2.0
    assert judged(group(RollUp.WEIGHT, at_all), states, weights=(2.5, 0.25, 4.0)).value == 2.75


def test_known_weight_is_compared_as_it_is_and_no_weight_at_all_is_nothing_known():
    least = group(RollUp.WEIGHT, band(GREEN, (">=", 0.0)))
    states = children(GREEN, UNKNOWN)
    assert judged(least, states, 0.7, weights=(6.0, 4.0)).reasons[0].params == {"known": 60.0, "needed": 70.0}
    assert judged(least, children(GREEN, RED), NONE_KNOWN_NEEDED, weights=(0.0, 0.0)).colour is UNKNOWN


def test_a_child_that_is_in_no_list_of_units_weighs_one():
    states = children(GREEN, RED)
    members = Members(states, weighing(states[:1], 3.0))
    verdict = judge_rollup(KINDS[4], count((GREEN, RED)), NOON, CALENDAR, 0.7, members)
    assert (verdict.value, verdict.denominator) == (75.0, 4.0)


# -- rates once more --------------------------------------------------------------------------------------------------


def test_a_rate_of_too_few_cases_says_how_few_and_looks_again_when_they_grow_old():
    small = whole(counted("a", 10, 20), counted("b", 5, 9))
    assert (small.reasons[0].code, small.reasons[0].params) == (reasons.SMALL_SAMPLE, {"sample": 29, "needed": 30})
    assert (small.value, small.numerator, small.denominator) == (None, 15, 29)
    assert whole(counted("a", 10, 20), counted("b", 5, 10)).value == 50.0
    none_asked = replace(WHOLE, min_sample=0)
    one_case = judged(none_asked, (counted("a", 1, 1),), indicator=RATE)
    assert (one_case.value, one_case.colour) == (100.0, GREEN)
    assert judged(none_asked, (counted("a", 0, 0),), indicator=RATE).reasons[0].params == {"sample": 0, "needed": 1}


def test_whatever_a_rate_comes_to_is_looked_at_again_when_its_first_figure_grows_old():
    younger, ages = NOON + timedelta(hours=1), NOON + timedelta(seconds=RATE.max_age)
    for states in (
        (counted("a", 80, 100), counted("b", 80, 100, as_of=younger)),
        (counted("a", 1, 2), counted("b", 1, 2, as_of=younger)),
        (counted("a", 80, 100, ">"), counted("b", 80, 100, "<", as_of=younger)),
        (counted("a", 80, 100), counted("b", None, None)),
    ):
        verdict = whole(*states, now=younger)
        assert (verdict.recheck_at, verdict.reasons[-1].code) == (ages, reasons.SUMMED)


def test_a_sum_that_nothing_can_be_said_of_shows_its_number():
    unclear = whole(counted("a", 80, 100, ">"), counted("b", 70, 100, "<"))
    assert (unclear.value, unclear.reasons[0].params) == (75.0, {"value": 75.0})


def test_a_rate_has_dates_and_a_limit_of_red_children_like_any_group():
    dated = replace(WHOLE, bands=(), target=goal())
    late = judged(dated, (counted("a", 70, 100),), indicator=RATE, now=local(20))
    assert (late.colour, late.overdue, late.deadline) == (UNKNOWN, False, None)  # two weeks old
    aged = replace(dated, max_age=30 * 86400.0)
    for now, colour in ((local(19), YELLOW), (local(20), RED)):
        found = judged(aged, (counted("a", 70, 100),), indicator=RATE, now=now)
        assert (found.colour, found.deadline) == (colour, local(20))
    red = replace(counted("a", 90, 100), standing=replace(STANDS, colour=RED, level=RED))
    silent = replace(counted("b", 90, 100), standing=replace(STANDS, colour=UNKNOWN, level=RED))
    limited = replace(WHOLE, max_red_share=50.0)
    assert judged(limited, (red, counted("b", 90, 100)), indicator=RATE).colour is GREEN
    too_red = judged(limited, (red, silent), indicator=RATE)
    assert (too_red.colour, too_red.reasons[0].params) == (RED, {"share": 100.0, "limit": 50.0})


@pytest.mark.parametrize(
    ("verdict", "found"),
    [
        (Verdict(GREEN, (), 80.0, Comparator.GT, 80.0, 100.0), (80.0, 100.0, Comparator.GT)),
        (Verdict(GREEN, (), 80.0, numerator=80.0), None), (Verdict(GREEN, (), 80.0, denominator=80.0), None),
        (None, None),
    ],
)  # fmt: skip
def test_a_province_passes_its_sum_on_as_it_was_stated_or_not_at_all(verdict, found):
    held = verdict and CriterionState("whole", GREEN, NOON, GREEN, NOON, GREEN, NOON, 1, verdict, 1.0)
    state = UnitState(PROVINCE, 1, STANDS, {"whole": held} if held else {})
    made = figure(WHOLE, state, units(), RATE, NOON)
    assert (made and (made.numerator, made.denominator, made.comparator)) == found


@pytest.mark.parametrize(("colour", "fresh"), [(GREEN, True), (RED, True), (Colour.EXCLUDED, True), (UNKNOWN, False)])
def test_the_sum_of_a_province_that_is_unknown_is_passed_on_as_an_old_one(colour, fresh):
    verdict = Verdict(colour, (), 80.0, numerator=80.0, denominator=100.0)
    held = CriterionState("whole", colour, NOON, GREEN, NOON, colour, NOON, 1, verdict, 1.0)
    made = figure(WHOLE, UnitState(PROVINCE, 1, STANDS, {"whole": held}), units(), RATE, NOON)
    assert made is not None
    assert (made.fresh, made.until) == (fresh, None)


def test_a_figure_that_is_too_old_is_not_looked_at_again_for_its_age():
    reading = told(80.0, NOON, unit="a", numerator=80.0, denominator=100.0)
    state, old = UnitState("a", evidence={"rate": reading}), NOON + timedelta(seconds=RATE.max_age)
    found = [figure(WHOLE, state, units(("a",)), RATE, now) for now in (old - timedelta.resolution, old)]
    assert [(one.until, one.fresh) for one in found if one] == [(old, True), (None, False)]
