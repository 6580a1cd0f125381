"""One criterion, one reading, one instant."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.engine import reasons
from monitor.engine.book import Points
from monitor.engine.explain import sentence
from monitor.engine.judge import judge
from monitor.model.colour import Colour
from monitor.model.reading import Comparator
from monitor.model.verdict import Verdict
from tests.unit.engine_scene import (
    CALENDAR,
    DOWN_MINUTES,
    GREEN,
    HOUR,
    MINUTE,
    NOON,
    OUTAGE_BANDS,
    RANK,
    RATE,
    RATE_BANDS,
    RED,
    UNKNOWN,
    UP,
    YELLOW,
    YES_OR_NO,
    band,
    goal,
    local,
    measure,
    rule,
    told,
)  # fmt: skip

SECOND = timedelta(seconds=1)
LIMIT = timedelta(seconds=RATE.max_age)
OUTAGE = rule("down_minutes", bands=OUTAGE_BANDS)


def judged(criterion, reading, now=NOON, indicator=RATE) -> Verdict:
    return judge(criterion, indicator, reading, now, CALENDAR)


def code(verdict: Verdict) -> str:
    return verdict.reasons[0].code


@given(st.sampled_from([rule(), rule(target=goal()), rule(bands=(), target=goal(floor=60.0))]), st.datetimes())
def test_nothing_known_is_unknown_and_never_green(criterion, instant):
    verdict = judged(criterion, None, instant.replace(tzinfo=NOON.tzinfo))
    assert (verdict.colour, code(verdict), verdict.recheck_at) == (UNKNOWN, reasons.NO_DATA, None)


@given(st.floats(0, 100), st.integers(0, 10 * 24 * 3600), st.booleans())
def test_what_is_too_old_is_unknown_whatever_it_says(value, later, with_target):
    criterion = rule(target=goal()) if with_target else rule()
    stale = judged(criterion, told(value), NOON + LIMIT + later * SECOND)
    assert (stale.colour, code(stale), stale.value) == (UNKNOWN, reasons.STALE, value)
    assert judged(criterion, told(value), NOON + LIMIT - SECOND).colour is not UNKNOWN


def test_a_criterion_may_believe_less_long_than_its_indicator():
    short = rule(max_age=60.0)
    assert judged(short, told(90.0), NOON + 59 * SECOND).colour is GREEN
    assert judged(short, told(90.0), NOON + 60 * SECOND).colour is UNKNOWN
    assert judged(short, told(90.0)).recheck_at == NOON + MINUTE


@given(st.floats(0, 100), st.floats(0, 100), st.sampled_from([None, 60.0]), st.integers(0, 40))
def test_a_better_value_never_has_a_worse_colour(one, other, floor, days):
    worse, better = sorted((one, other))
    now = NOON + timedelta(days=days)
    for criterion in (rule(), rule(target=goal(floor=floor)), rule(bands=(), target=goal(floor=floor))):
        colours = [judged(criterion, told(value, now), now).colour for value in (better, worse)]
        assert RANK[colours[0]] <= RANK[colours[1]]


@pytest.mark.parametrize(
    ("value", "sign", "colour", "why"),
    [
        (80.0, "=", GREEN, reasons.BAND),
        (79.99, "=", YELLOW, reasons.BAND),
        (60.0, "=", YELLOW, reasons.BAND),
        (59.99, "=", RED, reasons.BAND),
        (80.0, ">", GREEN, reasons.BAND),
        (75.0, ">", YELLOW, reasons.UNDECIDED),
        (80.0, "<=", YELLOW, reasons.UNDECIDED),  # "at most 80" is never green on a maybe
        (60.0, "<", RED, reasons.BAND),
        (50.0, ">", RED, reasons.UNDECIDED),
        (80.0, "~", GREEN, reasons.BAND),
        ("a lot", "=", UNKNOWN, reasons.WRONG_TYPE),
        (True, "=", UNKNOWN, reasons.WRONG_TYPE),
        (float("nan"), "=", UNKNOWN, reasons.NO_BAND),
    ],
)
def test_bands_judge_what_the_source_states(value, sign, colour, why):
    verdict = judged(rule(), told(value, sign=sign))
    assert (verdict.colour, code(verdict)) == (colour, why)


def test_a_number_that_no_band_covers_is_unknown_and_says_so():
    gap = rule(bands=(band(GREEN, (">=", 80.0)), band(RED, ("<", 60.0))))
    assert code(judged(gap, told(70.0))) == reasons.NO_BAND
    assert judged(gap, told(70.0)).colour is UNKNOWN


def test_a_word_that_no_band_names_is_unknown():
    ready = rule("ready", bands=YES_OR_NO)
    verdict = judged(ready, told("partly", indicator="ready"), indicator=measure("ready", "bool", states=("partly",)))
    assert (verdict.colour, code(verdict)) == (UNKNOWN, reasons.NO_BAND)


def test_a_criterion_without_bands_and_without_target_judges_nothing():
    assert judged(rule(bands=()), told(90.0)).colour is UNKNOWN


@given(st.sampled_from(Comparator), st.floats(0, 100))
def test_green_means_that_everything_the_source_may_mean_is_green(sign, stated):
    verdict = judged(rule(), told(stated, sign=sign.value))
    if verdict.colour is GREEN:
        assert sign in (Comparator.EQ, Comparator.APPROX, Comparator.GT, Comparator.GE)
        assert stated >= 80


def test_too_few_cases_are_not_judged_and_not_counted():
    small = rule(min_sample=20)
    verdict = judged(small, told(10.0, numerator=1.0, denominator=19.0))
    assert (verdict.colour, code(verdict)) == (Colour.EXCLUDED, reasons.SMALL_SAMPLE)
    assert judged(small, told(10.0, numerator=2.0, denominator=20.0)).colour is RED
    assert judged(small, told(10.0)).colour is RED  # nobody said how many


def test_bands_beside_a_target_say_how_bad_not_yet_is_and_never_that_it_is_fine():
    both = rule(target=goal(operand=90.0))
    colours = [judged(both, told(value)).colour for value in (95.0, 85.0, 70.0, 50.0)]
    assert colours == [GREEN, YELLOW, YELLOW, RED]
    assert judged(both, told(85.0, local(20)), local(20)).colour is RED


@pytest.mark.parametrize(("now", "colour", "overdue"), [(local(19, 23, 59, 59), YELLOW, False), (local(20), RED, True)])
def test_the_golden_second_before_and_after_the_deadline(now, colour, overdue):
    verdict = judged(rule(bands=(), target=goal(floor=60.0)), told(68.91, local(19, 20)), now)
    assert (verdict.colour, verdict.overdue, verdict.deadline) == (colour, overdue, local(20))


def test_a_target_looks_again_at_its_deadline_and_then_only_at_the_age():
    criterion = rule(bands=(), target=goal())
    fresh = told(68.91, local(19, 20))
    assert judged(criterion, fresh, local(19, 21)).recheck_at == local(20)
    assert judged(criterion, fresh, local(20)).recheck_at == fresh.as_of + LIMIT


# elapsed: minutes since a yes/no turned false


def down(now: datetime, since: datetime = NOON) -> Verdict:
    return judged(OUTAGE, told(False, now, indicator="up", since=since), now, DOWN_MINUTES)


@pytest.mark.parametrize(
    ("seconds", "colour"), [(0, YELLOW), (1, YELLOW), (60, YELLOW), (899, YELLOW), (900, RED), (9000, RED)]
)
def test_an_interruption_is_yellow_from_its_first_second_and_red_from_the_fifteenth_minute(seconds, colour):
    assert down(NOON + seconds * SECOND).colour is colour


def test_what_works_has_an_interruption_of_zero_minutes():
    verdict = judged(OUTAGE, told(True, indicator="up"), NOON, DOWN_MINUTES)
    assert (verdict.colour, verdict.value) == (GREEN, 0.0)
    assert verdict.recheck_at == NOON + timedelta(seconds=DOWN_MINUTES.max_age)


def test_a_word_is_not_a_yes_so_an_interruption_that_is_not_denied_goes_on():
    verdict = judged(OUTAGE, told("partly", NOON + HOUR, indicator="up", since=NOON), NOON + HOUR, DOWN_MINUTES)
    assert (verdict.colour, verdict.value) == (RED, 60.0)


def test_an_interruption_is_looked_at_again_exactly_when_it_crosses_a_bound():
    bound = NOON + 15 * MINUTE
    assert down(bound - MINUTE).recheck_at == bound
    assert down(NOON + 5 * MINUTE).recheck_at == NOON + 7.5 * MINUTE  # the age of the probe comes first


def test_more_than_fifteen_minutes_begins_the_instant_after():
    strict = rule("down_minutes", bands=(band(YELLOW, ("<=", 15.0)), band(RED, (">", 15.0))))

    def at(now):
        return judged(strict, told(False, now, indicator="up", since=NOON), now, DOWN_MINUTES)

    bound = NOON + 15 * MINUTE
    assert at(bound).colour is YELLOW
    assert at(at(bound).recheck_at).colour is RED
    assert at(bound).recheck_at - bound < SECOND


def test_an_elapsed_target_crosses_its_goal_and_its_floor():
    criterion = rule("down_minutes", bands=(), target=goal("<=", 10.0, floor=20.0))

    def at(now):
        return judged(criterion, told(False, now, indicator="up", since=NOON), now, DOWN_MINUTES)

    assert at(NOON + 9 * MINUTE).recheck_at == NOON + 10 * MINUTE
    assert at(NOON + 19 * MINUTE).recheck_at == NOON + 20 * MINUTE
    assert [at(NOON + n * MINUTE).colour for n in (10, 11, 20, 21)] == [GREEN, YELLOW, YELLOW, RED]


CRITERIA = [
    (OUTAGE, DOWN_MINUTES),
    (rule("down_minutes", bands=(band(GREEN, ("<=", 3.0)), band(RED, (">", 3.0)))), DOWN_MINUTES),
    (rule("down_minutes", bands=OUTAGE_BANDS, max_age=7 * 24 * 3600.0), DOWN_MINUTES),
    (rule("down_minutes", bands=(), target=goal("<=", 10.0, floor=700.0), max_age=1e6), DOWN_MINUTES),
    (rule(target=goal(before=date(2025, 8, 8), floor=60.0)), RATE),
    (rule(max_age=90_000.0), RATE),
]


@given(st.sampled_from(CRITERIA), st.floats(0, 100), st.booleans(), st.integers(0, 3 * 24 * 60))
def test_between_two_looks_nothing_changes(pair, value, answer, start):
    """Looking each minute for two days sees no colour that looking at `recheck_at` only would have missed."""
    criterion, indicator = pair
    reading = told(answer if indicator is DOWN_MINUTES else value, indicator=indicator.evidence, since=NOON)
    now = NOON + start * MINUTE
    verdict = judged(criterion, reading, now, indicator)
    assert verdict.recheck_at is None or verdict.recheck_at > now
    for minute in range(0, 2 * 24 * 60, 7):
        later = now + minute * MINUTE
        if verdict.recheck_at is not None and later >= verdict.recheck_at:
            break
        assert judged(criterion, reading, later, indicator).colour is verdict.colour


def test_a_verdict_carries_what_it_was_judged_from():
    verdict = judged(rule(), told(68.48, numerator=63.0, denominator=92.0, received=NOON + SECOND), NOON + MINUTE)
    assert (verdict.numerator, verdict.denominator, verdict.source) == (63.0, 92.0, "portal")
    assert (verdict.as_of, verdict.received_at) == (NOON, NOON + SECOND)


def test_yes_and_no_have_their_colours():
    up = rule("up", bands=YES_OR_NO)
    assert [judged(up, told(yes, indicator="up"), indicator=UP).colour for yes in (True, False)] == [GREEN, RED]
    assert RATE_BANDS[0].text == ">= 80"


@pytest.mark.parametrize(
    ("criterion", "reading", "params"),
    [
        (
            rule(),
            told(90.0, NOON - LIMIT - HOUR),
            {"age": LIMIT.total_seconds() + 3600.0, "limit": LIMIT.total_seconds()},
        ),
        (rule(min_sample=20), told(90.0, denominator=19.0), {"sample": 19.0, "needed": 20}),
        (rule(), told("many"), {"value": "many"}),
        (rule(bands=()), told(70.0), {"value": 70.0}),
        (rule(bands=(band(RED, ("<", 60.0)),)), told(70.0), {"value": 70.0}),
        (rule(), told(70.0), {"value": 70.0, "band": ">= 60 and < 80"}),
        (rule(), told(75.0, sign=">"), {"value": 75.0, "sign": ">", "band": ">= 60 and < 80"}),
    ],
)
def test_a_reason_carries_the_numbers_behind_it(criterion, reading, params):
    assert judged(criterion, reading).reasons[0].params == params


def test_a_rule_without_bands_says_that_no_band_covers_the_value():
    assert code(judged(rule(bands=()), told(70.0))) == reasons.NO_BAND


@pytest.mark.parametrize("reading", [told("many"), told(10.0, denominator=19.0), told(70.0)])
def test_whatever_is_said_of_a_value_it_is_looked_at_again_when_it_is_too_old(reading):
    assert judged(rule(min_sample=20), reading).recheck_at == reading.as_of + LIMIT


def test_a_target_reads_the_sign_of_its_value():
    criterion = rule(bands=(), target=goal(">", 80.0))
    assert judged(criterion, told(80.0, sign=">")).colour is GREEN
    assert judged(criterion, told(80.0)).colour is YELLOW
    assert judged(criterion, told(80.0, sign=">")).comparator is Comparator.GT


def test_a_verdict_carries_the_days_that_are_left():
    verdict = judged(rule(bands=(), target=goal()), told(70.0))
    assert verdict.working_days_left == 10
    assert judged(rule(), told(70.0)).working_days_left is None


def test_red_bands_beside_a_target_are_told_before_it():
    verdict = judged(rule(target=goal(operand=90.0)), told(50.0))
    assert [reason.code for reason in verdict.reasons] == [reasons.BAND, reasons.NOT_YET]
    assert [one.code for one in judged(rule(target=goal(operand=90.0)), told(70.0)).reasons] == [reasons.NOT_YET]


def test_an_elapsed_value_crosses_the_bounds_of_its_bands_and_of_its_target():
    criterion = rule("down_minutes", bands=OUTAGE_BANDS, target=goal("<=", 10.0, floor=100.0), max_age=1e6)

    def at(minutes):
        now = NOON + minutes * MINUTE
        return judged(criterion, told(False, now, indicator="up", since=NOON), now, DOWN_MINUTES).recheck_at

    assert at(9) == NOON + 10 * MINUTE
    assert at(14) == NOON + 15 * MINUTE
    assert at(99) == NOON + 100 * MINUTE


DAILY = measure(max_age=50 * 3600.0, warn_age=26 * 3600.0)


@pytest.mark.parametrize(
    ("age", "said", "look_again"),
    [
        (26 * HOUR - SECOND, None, 26 * HOUR),
        (26 * HOUR, "the data is 26 hours old (a warning from 26 hours on) and still believed", 50 * HOUR),
        (30 * HOUR, "the data is 30 hours old (a warning from 26 hours on) and still believed", 50 * HOUR),
        (50 * HOUR, None, None),
    ],
)
def test_old_data_is_named_from_its_warning_on_until_it_is_believed_no_more(age, said, look_again):
    verdict = judged(rule(), told(90.0), NOON + age, DAILY)
    warned = [sentence(why, "en") for why in verdict.reasons if why.code == reasons.AGEING]
    assert warned == ([] if said is None else [said])
    assert verdict.recheck_at == (None if look_again is None else NOON + look_again)


def test_a_warning_that_comes_after_the_end_of_belief_is_never_said():
    late = measure(max_age=3600.0, warn_age=7200.0)
    assert judged(rule(), told(90.0), NOON, late).recheck_at == NOON + HOUR
    assert [why.code for why in judged(rule(), told(90.0), NOON + 2 * HOUR, late).reasons] == [reasons.STALE]


@pytest.mark.parametrize(
    ("sign", "colour", "said"),
    [
        ("=", Colour.EXCLUDED, "60 % earns 3 of 4 points (all of them from 80 % on)"),
        ("<", UNKNOWN, "the source only says <60: it may miss the band, so it is not counted green"),
    ],
)
def test_what_only_earns_points_has_no_colour_and_goes_stale_like_all_else(sign, colour, said):
    verdict = judged(rule(bands=(), points=Points(4, "MDSH", 80)), told(60.0, sign=sign))
    assert (verdict.colour, sentence(verdict.reasons[0], "en")) == (colour, said)
    assert verdict.recheck_at == NOON + LIMIT


def test_a_centre_that_has_just_said_no_is_out_for_a_second():
    assert judged(OUTAGE, told(False, indicator="up"), indicator=DOWN_MINUTES).value == 1 / 60
