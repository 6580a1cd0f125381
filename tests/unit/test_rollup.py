"""Groups: what the children's colours say."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.engine import reasons
from monitor.engine.book import RollUp
from monitor.engine.rollup import count, judge_rollup
from monitor.model.colour import LEFT_OUT, Colour, worst
from monitor.model.verdict import Counts, Verdict
from tests.unit.engine_scene import CALENDAR, GREEN, NOON, RANK, RED, UNKNOWN, YELLOW, band, goal, local, rule

SHARE = rule("share", indicator=None, rollup=RollUp.GREEN_SHARE)
SCORE = rule("score", indicator=None, rollup=RollUp.SCORE)
WORST = rule("worst", indicator=None, rollup=RollUp.WORST, bands=())
colours = st.lists(st.sampled_from(Colour), max_size=40)


def judged(criterion, counts: Counts, min_known: float = 0.7, now=NOON) -> Verdict:
    return judge_rollup(criterion, counts, now, CALENDAR, min_known)


@given(colours)
def test_every_child_is_counted_once_and_those_left_out_are_outside_the_denominator(children):
    counts = count(children)
    assert counts.total == len([colour for colour in children if colour not in LEFT_OUT])
    assert counts.green == children.count(GREEN)


def test_63_of_92_is_68_48_per_cent():
    verdict = judged(SHARE, Counts(green=63, yellow=29))
    assert isinstance(verdict.value, float)
    assert (round(verdict.value, 2), verdict.numerator, verdict.denominator) == (68.48, 63, 92)
    assert verdict.colour is YELLOW


def test_children_of_whom_nothing_is_known_stay_in_the_denominator():
    """Ten communes that fall silent make the share of green smaller, never greater."""
    assert judged(SHARE, Counts(green=75, unknown=25)).value == 75.0
    assert judged(SHARE, Counts(green=75, excluded=25)).value == 100.0


def test_children_under_maintenance_leave_the_denominator_and_the_reason_counts_them():
    """Planned work at 25 of 100 communes makes the share of green neither smaller nor greater."""
    verdict = judged(SHARE, Counts(green=60, red=15, maintenance=25))
    assert (verdict.value, verdict.denominator) == (80.0, 75)
    told = next(why for why in verdict.reasons if why.code == reasons.CHILDREN_EXCLUDED)
    assert (told.params["total"], told.params["excluded"]) == (75, 25)


@pytest.mark.parametrize("criterion", [SHARE, SCORE, WORST])
def test_a_group_of_which_all_are_under_maintenance_is_so_itself_and_not_green(criterion):
    for counts in (Counts(maintenance=9), Counts(maintenance=8, excluded=1)):
        assert judged(criterion, counts).colour is Colour.MAINTENANCE


@pytest.mark.parametrize("criterion", [SHARE, SCORE, WORST])
@pytest.mark.parametrize("min_known", [0.0, 0.7, 1.0])
def test_an_empty_group_and_one_of_which_nothing_is_known_are_never_green(criterion, min_known):
    for counts in (Counts(), Counts(unknown=9), Counts(unknown=8, maintenance=1), Counts(unknown=8, excluded=1)):
        assert judged(criterion, counts, min_known).colour is UNKNOWN


@pytest.mark.parametrize("criterion", [SHARE, SCORE, WORST])
def test_sc_73_a_group_whose_children_are_all_excluded_is_excluded_and_not_green(criterion):
    """SC-73, inverted on purpose."""
    verdict = judged(criterion, Counts(excluded=9))
    assert (verdict.colour, verdict.reasons[0].code) == (Colour.EXCLUDED, reasons.EMPTY_GROUP)


@pytest.mark.parametrize("criterion", [SHARE, SCORE, WORST])
def test_too_little_known_is_unknown_and_says_how_much_is(criterion):
    assert judged(criterion, Counts(green=7, unknown=3)).colour is not UNKNOWN
    dark = judged(criterion, Counts(green=69, unknown=31))
    assert (dark.colour, dark.reasons[0].code) == (UNKNOWN, reasons.KNOWN_SHARE)
    assert dark.reasons[0].params == {"known": 69.0, "needed": 70.0}


def test_the_score_is_the_mean_of_what_is_known():
    assert judged(SCORE, Counts(green=1, yellow=1, red=2)).value == 37.5
    assert judged(SCORE, Counts(green=4, yellow=2, red=1, unknown=1)).value == pytest.approx(500 / 7)


def test_worst_is_the_worst_of_what_is_known():
    assert judged(WORST, Counts(green=9, yellow=1)).colour is YELLOW
    assert judged(WORST, Counts(green=9, red=1, unknown=1)).colour is RED
    assert judged(WORST, Counts(green=9, unknown=1)).colour is GREEN


def test_a_share_that_is_exactly_the_limit_meets_it():
    """Per cent are multiplied before they are divided: 57 of 100 is 57, not 56.99999999999999."""
    for green in range(101):
        bands = (band(GREEN, (">=", green)), band(RED, ("<", green)))
        exact = rule("share", indicator=None, rollup=RollUp.GREEN_SHARE, bands=bands)
        assert judged(exact, Counts(green=green, red=100 - green)).colour is GREEN


@pytest.mark.parametrize(("limit", "red"), [(5.0, 5), (7.0, 7), (14.0, 14), (28.0, 28), (29.0, 29)])
def test_a_red_share_counts_only_beyond_its_limit(limit, red):
    bands = (band(GREEN, (">=", 0.0)),)
    limited = rule("share", indicator=None, rollup=RollUp.GREEN_SHARE, bands=bands, max_red_share=limit)
    assert judged(limited, Counts(green=100 - red, red=red)).colour is GREEN
    too_red = judged(limited, Counts(green=99 - red, red=red + 1))
    assert (too_red.colour, too_red.reasons[0].code) == (RED, reasons.RED_SHARE)


def test_a_share_has_deadlines_like_any_value():
    criterion = rule(
        "share",
        indicator=None,
        rollup=RollUp.GREEN_SHARE,
        bands=(),
        target=goal(operand=100.0, before=date(2025, 8, 25)),
    )
    counts = Counts(green=63, yellow=29)
    before, after = judged(criterion, counts), judged(criterion, counts, now=local(25))
    assert (before.colour, before.working_days_left, before.recheck_at) == (YELLOW, 13, local(25))
    assert (after.colour, after.overdue) == (RED, True)
    assert judged(criterion, counts, now=local(24, 23, 59, 59)).colour is YELLOW


@given(st.integers(1, 200), st.integers(0, 200))
def test_a_province_is_never_simply_the_worst_of_its_communes(green, other):
    """One red commune among many green ones does not make the province red; the share decides."""
    counts = Counts(green=green * 5, red=1, yellow=other % 2)
    assert judged(SHARE, counts).colour is GREEN or counts.green / counts.total < 0.8
    assert worst(GREEN, RED) is RED
    assert judged(SHARE, Counts(green=91, red=1)).colour is GREEN


@given(colours, st.integers(0, 39), st.sampled_from([SHARE, SCORE, WORST]))
def test_a_child_that_gets_better_never_makes_the_group_worse(children, which, criterion):
    known = [colour for colour in children if colour.known]
    if not known:
        return
    which %= len(known)
    better = [*known[:which], GREEN, *known[which + 1 :]]
    before, after = judged(criterion, count(known)).colour, judged(criterion, count(better)).colour
    assert RANK[after] <= RANK[before]


@given(colours, st.sampled_from([SHARE, WORST]))
def test_a_child_that_falls_silent_never_improves_the_share(children, criterion):
    if GREEN not in children:
        return
    silent = list(children)
    silent[silent.index(GREEN)] = UNKNOWN
    before, after = judged(criterion, count(children)).colour, judged(criterion, count(silent)).colour
    assert after is UNKNOWN or (before in RANK and RANK[after] >= RANK[before])
