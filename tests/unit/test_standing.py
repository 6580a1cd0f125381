"""A unit's colour from its criteria."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.engine import reasons
from monitor.engine.book import StandingRule
from monitor.engine.standing import coverage, score, stand, stand_outside, stand_under_maintenance
from monitor.model.colour import Colour, worst
from monitor.model.verdict import Counts, CriterionState, Reason, Standing
from tests.unit.engine_scene import CALENDAR, COMMUNE, GREEN, HOUR, NOON, RANK, RED, UNKNOWN, YELLOW, held, local, units

RULE = StandingRule()
states = st.lists(
    st.builds(
        lambda number, colour, weight, critical: held(f"c{number}", colour, weight, critical=critical),
        st.integers(0, 99), st.sampled_from(Colour), st.sampled_from([0.0, 1.0, 2.0, 5.0, 10.0]), st.booleans(),
    ),
    max_size=12,
)  # fmt: skip


def stood(*criteria: CriterionState, before: Standing | None = None, now=NOON, rule: StandingRule = RULE) -> Standing:
    return stand(before, criteria, rule, now)


def codes(standing: Standing) -> list[str]:
    return [reason.code for reason in standing.reasons]


def test_nothing_to_judge_is_unknown_and_never_green():
    assert (stood().colour, codes(stood())) == (UNKNOWN, [reasons.NO_CRITERIA])
    shown_only = stood(held("shown", GREEN, 0))
    assert shown_only.colour is UNKNOWN
    assert stood(held("rate", Colour.EXCLUDED, 10)).colour is UNKNOWN


def test_a_unit_of_which_nothing_is_known_is_unknown_whatever_share_is_asked_for():
    silent = stood(held("a", UNKNOWN), held("b", UNKNOWN), rule=StandingRule(min_coverage=0.0))
    assert (silent.colour, codes(silent)) == (UNKNOWN, [reasons.KNOWN_SHARE])


@given(states)
def test_green_means_that_nothing_counted_is_red_and_nothing_critical_is_unknown(criteria):
    standing = stood(*criteria)
    counted = [c for c in criteria if c.colour is not Colour.EXCLUDED and (c.weight or c.critical)]
    critical = [c.colour for c in counted if c.critical]
    if RED in critical:
        assert standing.colour is RED
    elif any(not colour.known for colour in critical) or sum(
        c.weight for c in counted if c.colour.known
    ) < RULE.min_coverage * sum(c.weight for c in counted):
        assert standing.colour is UNKNOWN
    if standing.colour is GREEN:
        assert counted
        assert RED not in [c.colour for c in counted]
        assert standing.coverage >= RULE.min_coverage
        assert not any(c.colour is YELLOW and (c.weight >= RULE.yellow_weight or c.critical) for c in counted)


@given(states, st.integers(0, 11))
def test_a_criterion_that_gets_better_never_makes_the_unit_worse(criteria, which):
    known = [c for c in criteria if c.colour.known]
    if not known:
        return
    which %= len(known)
    better = list(known)
    better[which] = held(known[which].criterion, GREEN, known[which].weight, critical=known[which].critical)
    before, after = stood(*known), stood(*better)
    if before.colour.known and after.colour.known:
        assert RANK[after.colour] <= RANK[before.colour]


@given(states, st.integers(0, 11))
def test_silence_never_turns_a_unit_green(criteria, which):
    """What was yellow or red when it fell silent does not vanish from the colour of the unit."""
    known = [c for c in criteria if c.colour.known]
    if not known or stood(*known).colour is GREEN:
        return
    silent = list(known)
    silent[which % len(known)] = replace(known[which % len(known)], colour=UNKNOWN)
    assert stood(*silent).colour is not GREEN


def test_what_was_red_when_it_fell_silent_is_named():
    dark = stood(replace(held("a", RED, 1), colour=UNKNOWN), held("b", GREEN, 99))
    assert (dark.colour, codes(dark)) == (YELLOW, [reasons.LAST_LEVEL, reasons.CRITERION_RED])
    assert stood(replace(held("a", GREEN, 1), colour=UNKNOWN), held("b", GREEN, 99)).colour is GREEN


@pytest.mark.parametrize(
    ("criteria", "colour", "why"),
    [
        ([held("a", GREEN), held("b", GREEN)], GREEN, [reasons.ALL_GREEN]),
        ([held("a", RED, 1, critical=True), held("b", GREEN, 99)], RED, [reasons.CRITICAL_RED]),
        ([held("a", UNKNOWN, 1, critical=True), held("b", GREEN, 99)], UNKNOWN, [reasons.CRITICAL_UNKNOWN]),
        (
            [held("a", RED, 1, critical=True), held("b", UNKNOWN, 1, critical=True)],
            RED,
            [reasons.CRITICAL_RED],
        ),
        ([held("a", GREEN, 69), held("b", UNKNOWN, 31)], UNKNOWN, [reasons.KNOWN_SHARE]),
        ([held("a", GREEN, 70), held("b", UNKNOWN, 30)], GREEN, [reasons.ALL_GREEN]),
        ([held("a", RED, 1), held("b", GREEN, 99)], YELLOW, [reasons.CRITERION_RED]),
        ([held("a", RED, 51), held("b", GREEN, 49)], RED, [reasons.LOW_SCORE, reasons.CRITERION_RED]),
        ([held("a", RED, 50), held("b", GREEN, 50)], YELLOW, [reasons.LOW_SCORE, reasons.CRITERION_RED]),
        ([held("a", YELLOW, 4.9), held("b", GREEN, 95.1)], GREEN, [reasons.ALL_GREEN]),
        ([held("a", YELLOW, 5), held("b", GREEN, 95)], YELLOW, [reasons.CRITERION_YELLOW]),
        ([held("a", YELLOW, 1, critical=True), held("b", GREEN, 99)], YELLOW, [reasons.CRITERION_YELLOW]),
        ([held("a", GREEN, 0, critical=True)], GREEN, [reasons.ALL_GREEN]),
        ([held("a", RED, 0), held("b", GREEN, 10)], GREEN, [reasons.ALL_GREEN]),
        ([held("a", Colour.MAINTENANCE, 31), held("b", GREEN, 69)], UNKNOWN, [reasons.KNOWN_SHARE]),
        ([held("a", Colour.EXCLUDED, 90), held("b", GREEN, 10)], GREEN, [reasons.ALL_GREEN]),
        ([held(f"y{n}", YELLOW, 4) for n in range(11)] + [held("g", GREEN, 56)], YELLOW, None),
        ([held(f"y{n}", YELLOW, 4) for n in range(10)] + [held("g", GREEN, 60)], GREEN, [reasons.ALL_GREEN]),
    ],
)
def test_the_questions_are_asked_in_order(criteria, colour, why):
    standing = stood(*criteria)
    assert standing.colour is colour
    assert why is None or codes(standing) == why


def test_a_unit_is_not_simply_the_worst_of_its_criteria():
    criteria = [held("a", RED, 5), held("b", GREEN, 95)]
    assert worst(*(c.colour for c in criteria)) is RED
    assert stood(*criteria).colour is YELLOW


def test_weights_that_are_no_binary_fractions_still_meet_their_limits():
    """0.1 + 0.7 of 1.0 is 0.7999999999999999 for the machine and 80 % for everybody else."""
    reds = [held("a", GREEN, 0.1), held("b", GREEN, 0.7), held("c", RED, 0.2)]
    assert score(reds) == 0.8
    assert reasons.LOW_SCORE not in codes(stood(*reds))
    dark = [held("a", GREEN, 0.1), held("b", GREEN, 0.6), held("c", UNKNOWN, 0.3)]
    assert coverage(dark) == 0.7
    assert stood(*dark).colour is GREEN


def test_since_moves_only_with_the_colour_and_the_level_survives_silence():
    red = stood(held("a", RED, critical=True))
    still = stood(held("a", RED, critical=True), before=red, now=NOON + HOUR)
    dark = stood(held("a", UNKNOWN, critical=True), before=still, now=NOON + 2 * HOUR)
    again = stood(held("a", RED, critical=True), before=dark, now=NOON + 3 * HOUR)
    assert (still.since, dark.since) == (NOON, NOON + 2 * HOUR)
    assert (dark.colour, dark.level, dark.level_since) == (UNKNOWN, RED, NOON)
    assert (again.since, again.level_since) == (NOON + 3 * HOUR, NOON)


def test_a_system_is_the_cause_only_when_the_unit_would_not_be_so_without_it():
    shared = held("system", RED, critical=True, caused_by="HT")
    assert stood(shared, held("own", GREEN)).caused_by == "HT"
    assert stood(shared, held("own", RED, critical=True)).caused_by is None
    assert stood(held("system", GREEN, caused_by="HT"), held("own", RED, critical=True)).caused_by is None
    assert stood(held("system", UNKNOWN, critical=True, caused_by="HT"), held("own", GREEN)).caused_by == "HT"


def test_score_and_coverage_are_ratios_of_weights():
    criteria = [held("a", GREEN, 50), held("b", YELLOW, 20), held("c", RED, 10), held("d", UNKNOWN, 20)]
    assert (score(criteria), coverage(criteria)) == (0.75, 0.8)
    assert score([held("d", UNKNOWN)]) is None


def said(standing: Standing) -> list[tuple[str, dict]]:
    return [(reason.code, dict(reason.params)) for reason in standing.reasons]


def test_reasons_name_the_criteria_with_their_weights_and_the_numbers_behind_the_colour():
    red, dark = held("up", RED, 10.0, critical=True), held("up", UNKNOWN, 10.0, critical=True)
    assert said(stood(red)) == [(reasons.CRITICAL_RED, {"criterion": "up", "weight": 10.0})]
    assert said(stood(dark)) == [(reasons.CRITICAL_UNKNOWN, {"criterion": "up", "weight": 10.0})]
    third = stood(held("a", GREEN, 1.0), held("b", UNKNOWN, 2.0))
    assert said(third) == [(reasons.KNOWN_SHARE, {"known": 33.33, "needed": 70.0})]
    assert said(stood(held("a", GREEN, 2.0), held("b", YELLOW, 1.0)))[0] == (reasons.ALL_GREEN, {"score": 0.8333})
    bad = stood(held("a", GREEN, 1.0), held("b", RED, 2.0))
    assert said(bad) == [
        (reasons.LOW_SCORE, {"score": 0.3333, "limit": 0.5}),
        (reasons.CRITERION_RED, {"criterion": "b", "weight": 2.0}),
    ]


def test_a_low_score_names_every_yellow_and_a_good_one_only_the_heavy():
    low = stood(held("a", GREEN, 1.0), held("b", YELLOW, 2.0), held("c", YELLOW, 6.0))
    assert said(low) == [
        (reasons.LOW_SCORE, {"score": 0.5556, "limit": 0.8}),
        (reasons.CRITERION_YELLOW, {"criterion": "b", "weight": 2.0}),
        (reasons.CRITERION_YELLOW, {"criterion": "c", "weight": 6.0}),
    ]
    good = stood(held("a", GREEN, 80.0), held("b", YELLOW, 2.0), held("c", YELLOW, 6.0), held("d", RED, 1.0))
    assert said(good) == [
        (reasons.CRITERION_RED, {"criterion": "d", "weight": 1.0}),
        (reasons.CRITERION_YELLOW, {"criterion": "c", "weight": 6.0}),
    ]


def test_what_fell_silent_is_named_with_its_last_level():
    silent = replace(held("b", UNKNOWN, 2.0), level=RED)
    standing = stood(held("a", GREEN, 8.0), silent)
    assert standing.colour is YELLOW
    assert said(standing)[0] == (reasons.LAST_LEVEL, {"criterion": "b", "level": "red"})


def test_a_standing_carries_score_coverage_children_and_the_start_of_its_level():
    children = Counts(green=3, red=1)
    first = stand(None, [held("a", GREEN, 3.0), held("b", UNKNOWN, 1.0)], RULE, NOON, children)
    assert (first.score, first.coverage, first.children) == (1.0, 0.75, children)
    later = stood(held("a", RED, 3.0, critical=True), before=first, now=NOON + HOUR)
    assert (later.level, later.level_since) == (RED, NOON + HOUR)
    silent = stood(held("a", UNKNOWN, 3.0), before=later, now=NOON + 2 * HOUR)
    assert (silent.level, silent.level_since, silent.since) == (RED, NOON + HOUR, NOON + 2 * HOUR)
    still = stood(held("a", UNKNOWN, 3.0), before=silent, now=NOON + 3 * HOUR)
    assert still.since == NOON + 2 * HOUR


def test_weightless_critical_criteria_alone_cover_all_or_nothing():
    assert coverage([held("a", GREEN, 0.0, critical=True)]) == 1.0
    assert coverage([held("a", GREEN, 0.0, critical=True), held("b", UNKNOWN, 0.0, critical=True)]) == 0.0
    assert coverage([]) == 0.0
    assert said(stood(held("a", GREEN, 0.0, critical=True))) == [(reasons.ALL_GREEN, {"score": 1.0})]


def test_the_last_level_counts_for_what_fell_silent_and_for_nothing_else():
    working = replace(held("m", Colour.MAINTENANCE, 1.0), level=RED)
    silent = replace(held("s", UNKNOWN, 0.5), level=YELLOW)
    assert stood(held("a", GREEN, 8.0), working).colour is GREEN
    assert stood(held("a", GREEN, 8.0), working, silent).colour is GREEN


def test_a_criterion_that_falls_silent_while_red_does_not_raise_the_score():
    before = stand(None, [held("a", GREEN, 30.0), held("b", RED, 10.0)], StandingRule(), NOON)
    silent = replace(held("b", UNKNOWN, 10.0), level=RED)
    after = stand(before, [held("a", GREEN, 30.0), silent], StandingRule(), NOON)
    assert (before.score, after.score, after.coverage) == (0.75, 0.75, 0.75)


def test_a_criterion_that_falls_silent_while_green_takes_its_points_along():
    silent = replace(held("b", UNKNOWN, 10.0), level=GREEN)
    assert stand(None, [held("a", YELLOW, 30.0), silent], StandingRule(), NOON).score == 0.5


@pytest.mark.parametrize(
    ("days", "why"),
    [
        ((date(2025, 8, 7), None), Reason(reasons.NOT_THERE_YET, {"start": local(7)})),
        ((date(2025, 8, 7), date(2025, 9, 1)), Reason(reasons.NOT_THERE_YET, {"start": local(7)})),
        ((date(2025, 8, 6), date(2025, 8, 6)), Reason(reasons.NO_MORE, {"end": local(6)})),
        ((None, date(2025, 8, 1)), Reason(reasons.NO_MORE, {"end": local(1)})),
        ((None, None), Reason(reasons.NO_MORE, {"end": None})),
    ],
)
def test_a_unit_outside_its_days_is_excluded_with_the_day_that_says_so(days, why):
    unit = replace(units()[COMMUNE], valid_from=days[0], valid_to=days[1])
    counts = Counts(green=2)
    expected = Standing(Colour.EXCLUDED, NOON, UNKNOWN, NOON, None, 0.0, (why,), counts)
    assert stand_outside(None, unit, CALENDAR, NOON, counts) == expected


def test_a_unit_that_ends_keeps_its_last_level_and_the_instant_at_which_it_left():
    before = Standing(RED, NOON - HOUR, RED, NOON - HOUR)
    left = stand_outside(before, units()[COMMUNE], CALENDAR, NOON)
    assert (left.since, left.level, left.level_since) == (NOON, RED, NOON - HOUR)
    assert stand_outside(left, units()[COMMUNE], CALENDAR, NOON + HOUR).since == NOON


def test_planned_work_is_shown_with_its_reason_and_the_last_level_is_kept():
    why, counts = Reason(reasons.UNDER_MAINTENANCE, {"until": NOON}), Counts(green=2)
    fresh = Standing(Colour.MAINTENANCE, NOON, UNKNOWN, NOON, None, 0.0, (why,), counts)
    assert stand_under_maintenance(None, why, NOON, counts) == fresh
    before = Standing(RED, NOON - 2 * HOUR, RED, NOON - 2 * HOUR)
    begun = stand_under_maintenance(before, why, NOON - HOUR)
    assert (begun.since, begun.level, begun.level_since) == (NOON - HOUR, RED, NOON - 2 * HOUR)
    assert stand_under_maintenance(begun, why, NOON, counts) == replace(begun, children=counts)
