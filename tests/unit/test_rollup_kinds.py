"""Every way to ask a group: at least N, N per cent, weight, n-th best, the rate of the whole; and who is in the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.engine import reasons
from monitor.engine.book import Criterion, RollUp
from monitor.engine.rollup import Members, count, gap, in_the_way, judge_rollup
from monitor.model.colour import Colour
from monitor.model.reading import Comparator
from monitor.model.state import UnitState
from monitor.model.unit import Level, Unit, Units
from monitor.model.verdict import Standing, Verdict
from tests.unit.engine_scene import CALENDAR, DAY, GREEN, NOON, RATE, RED, UNKNOWN, YELLOW, band, goal, held, rule, told

EXCLUDED = Colour.EXCLUDED
SIX = (GREEN, GREEN, YELLOW, YELLOW, RED, RED)


def child(number: int, colour: Colour, *, level: Colour | None = None, score: float | None = None, **more) -> UnitState:
    was = level or (colour if colour.known else UNKNOWN)
    standing = Standing(colour, NOON, was, NOON, score, 0.0 if score is None else 1.0)
    return UnitState(f"{number:05}", 1, standing, **more)


def group(*colours: Colour) -> tuple[UnitState, ...]:
    return tuple(child(number, colour) for number, colour in enumerate(colours))


def judged(criterion: Criterion, children: tuple[UnitState, ...], weights=(), *, min_known: float = 0.7) -> Verdict:
    made = [Unit(one.unit, Level.COMMUNE, "xa", "x", "x", "x", weight=1.0) for one in children]
    made = [replace(unit, weight=weight) for unit, weight in zip(made, weights or [1.0] * len(made), strict=True)]
    members = Members(children, Units(tuple(made)), RATE)
    colours = (UNKNOWN if one.standing is None else one.standing.colour for one in children)
    return judge_rollup(criterion, count(colours), NOON, CALENDAR, min_known, members)


def asking(rollup: RollUp, good: tuple[str, float], *colours: Colour, **more) -> Criterion:
    """Green when the value stands so to a bound, otherwise red."""
    opposite = {">=": "<", "<": ">=", "<=": ">"}[good[0]]
    bands = (band(GREEN, good), band(RED, (opposite, good[1])))
    counted = frozenset(colours or (GREEN,))
    made = rule(
        "group", indicator=None, rollup=rollup, bands=bands, colours=counted, levels=frozenset({Level.PROVINCE})
    )
    return replace(made, **more)


@pytest.mark.parametrize(
    ("criterion", "colour"),
    [
        (asking(RollUp.COUNT, (">=", 2)), GREEN),  # fewer than two are green: no
        (asking(RollUp.COUNT, (">=", 3)), RED),  # fewer than three: yes
        (asking(RollUp.SHARE, (">=", 50)), RED),  # less than half are green: yes
        (asking(RollUp.SHARE, (">=", 50), GREEN, YELLOW), GREEN),  # less than half are at least yellow: no
    ],
)
def test_sc_67_so_many_or_so_many_per_cent_of_the_children(criterion, colour):
    """SC-67."""
    assert judged(criterion, group(*SIX)).colour is colour


@pytest.mark.parametrize(
    ("bound", "colours", "colour"),
    [
        (("<", 150), (YELLOW, RED), RED),  # 150 or more are at least yellow: yes
        (("<", 301), (YELLOW, RED), GREEN),  # 301 or more: no
        ((">=", 100), (GREEN,), GREEN),  # less than 100 are green: no
        ((">=", 101), (GREEN,), RED),  # less than 101: yes
    ],
)
def test_sc_68_the_weight_of_the_children_instead_of_their_number(bound, colours, colour):
    """SC-68."""
    verdict = judged(asking(RollUp.WEIGHT, bound, *colours), group(*SIX), (100, 0, 100, 0, 100, 0))
    assert (verdict.colour, verdict.denominator) == (colour, 300.0)


def test_a_share_of_weight_is_per_cent_of_all_weight():
    verdict = judged(asking(RollUp.WEIGHT_SHARE, (">=", 60)), group(GREEN, RED), (7, 3))
    assert (verdict.value, verdict.colour) == (70.0, GREEN)


def nth(number: int) -> Criterion:
    return rule("nth", indicator=None, rollup=RollUp.NTH_BEST, nth=number, bands=(), levels=frozenset({Level.PROVINCE}))


@pytest.mark.parametrize(("others", "colour"), [((RED,) * 2, GREEN), ((RED,) * 3, RED), ((YELLOW,) * 3, YELLOW)])
def test_sc_70_eight_of_ten_must_be_as_good(others, colour):
    """SC-70."""
    assert judged(nth(8), group(*[GREEN] * (10 - len(others)), *others)).colour is colour


def test_sc_71_two_of_three_are_as_good_as_the_second_best_of_them():
    """SC-71; inverted on purpose for one red, one yellow, one green: two of them are at least yellow, so yellow."""
    assert judged(nth(2), group(RED, YELLOW, GREEN)).colour is YELLOW
    assert judged(nth(2), group(RED, RED, UNKNOWN)).colour is UNKNOWN
    assert judged(nth(2), group(UNKNOWN, YELLOW, YELLOW)).colour is UNKNOWN
    alone = judged(nth(2), group(GREEN))
    assert (alone.colour, alone.reasons[0].code) == (UNKNOWN, reasons.NTH_UNKNOWN)


def test_none_red_is_a_count_of_reds_and_a_red_that_fell_silent_is_still_one():
    none_red = asking(RollUp.COUNT, ("<", 1), RED)
    assert judged(none_red, group(GREEN, YELLOW)).colour is GREEN
    silent = (*group(GREEN, GREEN, GREEN), child(9, UNKNOWN, level=RED))
    assert judged(none_red, silent).colour is RED


def test_excluded_children_leave_the_group_and_are_told():
    verdict = judged(asking(RollUp.SHARE, (">=", 50)), group(GREEN, RED, EXCLUDED))
    assert (verdict.value, verdict.denominator) == (50.0, 2)
    (told_children,) = [one for one in verdict.reasons if one.code == reasons.CHILDREN_EXCLUDED]
    assert told_children.params["excluded"] == 1


@pytest.mark.parametrize("rollup", [RollUp.COUNT, RollUp.SHARE, RollUp.WEIGHT, RollUp.WEIGHT_SHARE, RollUp.RATE])
def test_a_group_that_is_empty_or_all_excluded_is_never_green(rollup):
    criterion = asking(rollup, (">=", 0), indicator="rate")
    assert judged(criterion, ()).colour is UNKNOWN
    assert judged(criterion, group(EXCLUDED, EXCLUDED)).colour is EXCLUDED


# -- the rate of the whole --------------------------------------------------------------------------------------------

WHOLE = asking(RollUp.RATE, (">=", 80))
WHOLE = replace(WHOLE, indicator="rate")
TINTED = rule("whole", indicator="rate", rollup=RollUp.RATE, levels=frozenset({Level.PROVINCE}))


def reporting(number: int, numerator: float | None, denominator: float | None, **more) -> UnitState:
    value = 0.0 if not denominator or numerator is None else 100 * numerator / denominator
    code = f"{number:05}"
    return child(
        number, GREEN, evidence={"rate": told(value, unit=code, numerator=numerator, denominator=denominator, **more)}
    )


def test_the_rate_of_a_province_is_the_sum_of_its_communes_and_not_the_mean_of_their_rates():
    verdict = judged(WHOLE, (reporting(1, 1, 1), reporting(2, 500, 1000)))
    assert (verdict.numerator, verdict.denominator) == (501, 1001)
    assert verdict.value == pytest.approx(50.05, abs=0.001) and verdict.colour is RED


def test_a_commune_that_falls_silent_stays_in_the_rate_with_its_last_figure_and_counts_as_not_known():
    good, day = [reporting(number, 90, 100) for number in range(9)], NOON - 3 * DAY
    before = judged(TINTED, (*good, reporting(9, 0, 400)))
    silent = judged(TINTED, (*good, reporting(9, 0, 400, as_of=day)))
    assert (before.colour, silent.colour) == (YELLOW, YELLOW)
    assert silent.value == before.value == pytest.approx(62.31, abs=0.01)
    assert [why.params for why in silent.reasons if why.code == reasons.FIGURES_KEPT] == [{"silent": 1}]
    dark = judged(TINTED, (*good[:2], reporting(9, 0, 400, as_of=day)))
    assert (dark.colour, dark.reasons[0].code) == (UNKNOWN, reasons.KNOWN_SHARE)


@pytest.mark.parametrize(("of_a_hundred", "colour"), [(90, UNKNOWN), (70, UNKNOWN), (10, RED)])
def test_without_a_commune_that_never_gave_a_figure_the_whole_is_red_or_unknown(of_a_hundred, colour):
    verdict = judged(TINTED, (*[reporting(number, of_a_hundred, 100) for number in range(9)], child(9, UNKNOWN)))
    assert verdict.colour is colour
    assert [why.params for why in verdict.reasons if why.code == reasons.FIGURES_MISSING] == [{"missing": 1}]
    assert verdict.numerator is None  # the nation must not sum it either
    assert verdict.overdue is False


def test_a_province_too_little_known_of_stays_in_the_rate_of_the_nation_as_one_that_fell_silent():
    nation = replace(TINTED, levels=frozenset({Level.PROVINCE, Level.NATION}))

    def province(number: int, *communes: UnitState) -> UnitState:
        verdict = judged(nation, communes)
        return child(number, GREEN, criteria={nation.id: replace(held(nation.id, verdict.colour), verdict=verdict)})

    def whole(*provinces: UnitState) -> Verdict:
        made = Units(tuple(Unit(one.unit, Level.PROVINCE, "tinh", "x", "x", "x") for one in provinces))
        counts = count(one.standing.colour for one in provinces if one.standing)
        return judge_rollup(nation, counts, NOON, CALENDAR, 0.6, Members(provinces, made, RATE))

    good = [province(number, reporting(1, 90, 100)) for number in (1, 2)]
    told_of = whole(*good, province(3, reporting(2, 0, 400)))
    silent = whole(*good, province(3, reporting(2, 0, 400, as_of=NOON - 3 * DAY)))
    never = whole(*good, province(3, reporting(2, None, None)))
    assert (told_of.value, silent.value) == (30.0, 30.0)
    assert (told_of.colour, silent.colour, never.colour) == (RED, RED, UNKNOWN)


def test_the_sum_is_looked_at_again_when_its_oldest_figure_grows_too_old():
    older = reporting(1, 90, 100, as_of=NOON - timedelta(hours=40))
    assert judged(WHOLE, (older, reporting(2, 90, 100))).recheck_at == NOON + timedelta(hours=8)


def test_more_than_carries_over_to_the_sum_and_with_less_than_beside_it_nothing_is_known():
    more, exact = reporting(1, 90, 100, sign=">"), reporting(2, 90, 100)
    assert judged(WHOLE, (more, exact)).comparator is Comparator.GT
    unclear = judged(WHOLE, (more, reporting(3, 90, 100, sign="<")))
    assert (unclear.colour, unclear.reasons[0].code) == (UNKNOWN, reasons.UNCLEAR_SUM)


def test_a_part_greater_than_its_whole_is_not_believed():
    assert judged(WHOLE, (reporting(1, 300, 100), reporting(2, 50, 100)), min_known=0.5).value == 50.0


# -- who is in the way ------------------------------------------------------------------------------------------------

ALL_GREEN = rule(
    "share", indicator=None, rollup=RollUp.GREEN_SHARE, bands=(), target=goal(">=", 100.0),
    levels=frozenset({Level.PROVINCE}),
)  # fmt: skip


def test_a_group_target_names_who_keeps_it_from_its_goal_nearest_to_green_first():
    near, far, dark = child(3, YELLOW, score=0.95), child(1, RED, score=0.4), child(2, UNKNOWN)
    children = (
        far,
        dark,
        near,
        child(4, GREEN, score=1.0),
        child(5, EXCLUDED),
        *[child(n, GREEN) for n in range(6, 12)],
    )
    (why,) = [one for one in judged(ALL_GREEN, children).reasons if one.code == reasons.IN_THE_WAY]
    assert why.params == {"units": "00003, 00001, 00002", "total": 3, "more": 0}


def test_of_many_in_the_way_ten_are_named_and_the_others_counted():
    (why,) = [one for one in judged(ALL_GREEN, group(*[YELLOW] * 14)).reasons if one.code == reasons.IN_THE_WAY]
    assert (len(str(why.params["units"]).split(", ")), why.params["total"], why.params["more"]) == (10, 14, 4)


def test_a_goal_that_is_reached_names_nobody():
    assert not [one for one in judged(ALL_GREEN, group(GREEN, GREEN)).reasons if one.code == reasons.IN_THE_WAY]


def test_how_far_a_unit_is_from_green_counts_what_is_unknown_in_full():
    assert gap(None) == gap(child(1, UNKNOWN)) == 1.0
    assert gap(child(1, GREEN, score=0.75)) == 0.25


# -- properties -------------------------------------------------------------------------------------------------------

CHILDREN = st.lists(st.sampled_from((GREEN, YELLOW, RED, UNKNOWN, EXCLUDED)), max_size=12)
KINDS = (RollUp.COUNT, RollUp.SHARE, RollUp.WEIGHT, RollUp.WEIGHT_SHARE)
ORDER = {GREEN: 0, YELLOW: 1, RED: 2}


@given(CHILDREN, st.sampled_from(KINDS), st.integers(0, 9))
def test_the_order_of_the_children_says_nothing(colours, kind, seed):
    children = group(*colours)
    shuffled = list(children)
    Random(seed).shuffle(shuffled)
    criterion = asking(kind, (">=", 50))
    assert judged(criterion, children).colour is judged(criterion, tuple(shuffled)).colour


@given(CHILDREN, st.sampled_from((*KINDS, RollUp.NTH_BEST)), st.data())
def test_a_child_that_falls_silent_never_makes_its_group_greener(colours, kind, data):
    criterion = nth(2) if kind is RollUp.NTH_BEST else asking(kind, (">=", 2))
    children = group(*colours)
    before = judged(criterion, children, min_known=0.5).colour
    silent = tuple(
        child(number, UNKNOWN, level=colour) if colour.known and data.draw(st.booleans()) else children[number]
        for number, colour in enumerate(colours)
    )
    after = judged(criterion, silent, min_known=0.5).colour
    assert not (before.known and after.known and ORDER[after] < ORDER[before])


PARTS = st.tuples(st.integers(0, 50), st.integers(50, 500))
HOW = st.sampled_from(("told", "late", "never"))  # late: its last figure is too old
AGES = {"told": NOON, "late": NOON - 3 * DAY}


@given(st.lists(st.tuples(PARTS, HOW, HOW), min_size=1, max_size=8), st.booleans(), st.sampled_from((0.0, 0.5, 0.7)))
def test_a_reading_that_is_missing_or_late_never_makes_a_rate_greener(parts, less_is_better, min_known):
    bands = (band(GREEN, ("<", 20)), band(YELLOW, (">=", 20), ("<", 50)), band(RED, (">=", 50)))
    criterion = replace(TINTED, bands=bands) if less_is_better else TINTED

    def communes(worse: bool) -> tuple[UnitState, ...]:
        order = ("told", "late", "never")
        known = [max(one, other, key=order.index) if worse else one for _, one, other in parts]
        return tuple(
            child(number, GREEN) if how == "never" else reporting(number, *part, as_of=AGES[how])
            for number, ((part, _, _), how) in enumerate(zip(parts, known, strict=True))
        )

    before = judged(criterion, communes(False), min_known=min_known).colour
    after = judged(criterion, communes(True), min_known=min_known).colour
    assert not after.known or (before.known and ORDER[after] >= ORDER[before])


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(50, 99)), min_size=1, max_size=8))
def test_the_whole_is_the_sum_of_its_parts(parts):
    verdict = judged(WHOLE, tuple(reporting(number, *part) for number, part in enumerate(parts)))
    assert verdict.value == pytest.approx(100 * sum(n for n, _ in parts) / sum(d for _, d in parts))


def test_in_the_way_of_few_reds_are_the_reds():
    few_reds = asking(RollUp.SHARE, ("<=", 5), RED)
    found = in_the_way(few_reds, Members(group(GREEN, RED, YELLOW)))
    assert [one.unit for one in found] == ["00001"]
