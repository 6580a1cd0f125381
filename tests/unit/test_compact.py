"""Judging by the column says what `judge` says: the same colour, the same next look, for every value and instant."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import inf, nextafter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.engine import compact
from monitor.engine.book import Curve, Formula, Indicator, Measure, Pace, Period, RollUp
from monitor.engine.compact import CODES, COLOURS, NEVER, UNKNOWN, Column, GroupRule, Rule, Said, instant, micros
from monitor.engine.judge import judge
from monitor.engine.rollup import judge_rollup
from monitor.model.colour import Colour
from monitor.model.reading import Comparator
from monitor.model.series import NOTHING, MonthSum, Series
from monitor.model.verdict import Counts
from tests.unit.engine_scene import (
    CALENDAR,
    DAY,
    DOWN_MINUTES,
    GREEN,
    HOUR,
    MINUTE,
    NOON,
    OUTAGE_BANDS,
    RATE,
    RED,
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

BOUNDS = (0.0, 15.0, 60.0, 80.0, 95.5)
STAGE = measure("stage", "state", states=("done", "partly"))
MICROSECOND = timedelta.resolution

numbers = st.one_of(
    st.sampled_from(BOUNDS).flatmap(lambda bound: st.sampled_from([bound - 1e-9, bound, bound + 1e-9])),
    st.floats(-10, 120),
    st.integers(-5, 110),
    st.sampled_from([float("nan"), float("inf"), float("-inf"), 1e301, -1e301, 2**53 + 1]),
)
words = st.sampled_from([True, False, "done", "partly", "nobody knows this one"])
conditions = st.tuples(st.sampled_from([">", ">=", "<", "<=", "=="]), st.sampled_from(BOUNDS))
numeric_bands = st.lists(
    st.builds(band, st.sampled_from([GREEN, YELLOW, RED]), conditions, conditions)
    | st.builds(band, st.sampled_from([GREEN, YELLOW, RED]), conditions),
    max_size=4,
).map(tuple)
word_bands = st.lists(
    st.builds(
        lambda colour, op, word: band(colour, (op, word)),
        st.sampled_from([GREEN, YELLOW, RED]), st.sampled_from(["==", "==", "=="]), words,
    ), max_size=4,
).map(tuple)  # fmt: skip
dates = st.sampled_from(
    [{"before": date(2025, 8, 8)}, {"by": date(2025, 8, 6)}, *({"every": period} for period in Period)]
)
PACE = Pace(10.0, date(2025, 7, 1), Curve.LINEAR)


@st.composite
def targets(draw):
    floor, margin = draw(st.sampled_from([None, 60.0])), draw(st.sampled_from([0.0, 5.0, 0.1]))
    pace = draw(st.sampled_from([None, None, PACE, replace(PACE, behind_red=True)]))
    op = draw(st.sampled_from([">=", ">", "<=", "<", "=="]))
    return goal(op, draw(st.sampled_from(BOUNDS)), floor=floor, margin=margin, pace=pace, **draw(dates))


@st.composite
def word_targets(draw):
    return goal("==", draw(words), **draw(dates))


@st.composite
def rules(draw):
    """A criterion and its indicator: numbers, words, interruptions, and what does not go together."""
    indicator = draw(st.sampled_from([RATE, UP, STAGE, DOWN_MINUTES]))
    bands = draw(numeric_bands | word_bands | st.just(OUTAGE_BANDS) | st.just(YES_OR_NO))
    target = draw(st.none() | targets() | word_targets())
    max_age = draw(st.sampled_from([None, 90.0, 86400.0, 40 * 86400.0]))
    small = draw(st.sampled_from([0, 0, 20]))
    return rule(indicator.id, bands=bands, target=target, max_age=max_age, min_sample=small), indicator


ages = st.sampled_from(
    [timedelta(), MICROSECOND, 89 * timedelta(seconds=1), 90 * timedelta(seconds=1), DAY - MICROSECOND, DAY, 9 * DAY]
) | st.integers(0, 50 * 86400 * 10**6).map(lambda number: number * MICROSECOND)


@st.composite
def readings(draw, indicator: Indicator):
    now_ago, since = draw(ages), draw(st.none() | st.integers(0, 3000).map(lambda minutes: minutes * MINUTE))
    value = draw(numbers | words) if draw(st.booleans()) else draw(words if indicator.unit != "%" else numbers)
    sign = draw(st.sampled_from(["=", "=", "=", *(one.value for one in Comparator)]))
    sample = draw(st.sampled_from([None, None, 19.0, 20.0]))
    as_of = NOON - now_ago
    begun = None if since is None else as_of - since
    return told(value, as_of, indicator=indicator.evidence, sign=sign, denominator=sample, since=begun)


@st.composite
def scenes(draw):
    criterion, indicator = draw(rules())
    news = draw(st.lists(st.none() | readings(indicator), min_size=1, max_size=8))
    later = draw(st.lists(st.integers(0, 4 * 86400 * 10**6).map(lambda n: n * MICROSECOND), min_size=1, max_size=3))
    edges = [local(7), local(8), local(8) - MICROSECOND, local(1, month=9), NOON]
    return (
        criterion,
        indicator,
        news,
        draw(st.permutations([*(NOON + one for one in later), draw(st.sampled_from(edges))])),
    )


def told_by_judge(criterion, indicator, news, now):
    verdicts = [judge(criterion, indicator, reading, now, CALENDAR) for reading in news]
    return [(verdict.colour, verdict.recheck_at) for verdict in verdicts]


def told_by_column(compiled, column, now):
    found = compiled.judge(column, now)
    return [
        (COLOURS[code], instant(look)) for code, look in zip(found.codes.tolist(), found.looks.tolist(), strict=True)
    ]


def told_singly(compiled, column, now):
    asked = (compiled.one(column, place, now, micros(now)) for place in range(len(column.readings)))
    return [(COLOURS[code], instant(look)) for code, look in asked]


# Readings are of many kinds, so more than of others; a thousand take ten seconds.
@settings(max_examples=min(settings().max_examples * 10, max(settings().max_examples, 1_000)))
@given(scenes())
def test_a_column_says_what_judge_says_of_each_reading_at_every_instant(scene):
    criterion, indicator, news, instants = scene
    compiled, column = Rule(criterion, indicator, CALENDAR), Column(news)
    for now in instants:
        said = told_by_judge(criterion, indicator, news, now)
        assert told_by_column(compiled, column, now) == said
        assert told_singly(compiled, column, now) == said


@given(scenes(), st.data())
def test_a_place_that_gets_a_new_reading_is_as_if_the_column_were_made_anew(scene, data):
    criterion, indicator, news, instants = scene
    compiled, column = Rule(criterion, indicator, CALENDAR), Column(news)
    compiled.judge(column, instants[0])
    place = data.draw(st.integers(0, len(news) - 1))
    fresh = data.draw(st.none() | readings(indicator))
    column.put(place, fresh)
    anew = [*news[:place], fresh, *news[place + 1 :]]
    assert told_by_column(compiled, column, instants[-1]) == told_by_judge(criterion, indicator, anew, instants[-1])


BY_NUMBER = (RollUp.GREEN_SHARE, RollUp.SCORE, RollUp.WORST, RollUp.COUNT, RollUp.SHARE, RollUp.NTH_BEST)
NO_DATE = replace(goal(), before=None)  # a rule that breaks whoever judges by it


def share(rollup: RollUp = RollUp.GREEN_SHARE, **more):
    """A roll-up of children that are only counted."""
    return replace(rule("share", indicator=None, rollup=rollup), **more)


@st.composite
def groups(draw):
    """A roll-up by number, whatever it asks."""
    return share(
        draw(st.sampled_from(BY_NUMBER)),
        bands=draw(numeric_bands | word_bands),
        target=draw(st.none() | targets() | word_targets() | st.just(NO_DATE)),
        colours=draw(st.frozensets(st.sampled_from(Colour), min_size=1)),
        nth=draw(st.integers(1, 5)),
        max_red_share=draw(st.sampled_from([None, None, 5.0, 50.0])),
    )


@settings(max_examples=settings().max_examples * 2)
@given(
    groups(),
    st.lists(
        st.lists(st.integers(0, 5) | st.sampled_from([19, 95, 3321]), min_size=6, max_size=6), min_size=1, max_size=8
    ),
    st.sampled_from([0.0, 0.7, 1.0]),
    st.permutations([NOON, NOON + HOUR, local(7), local(8) - MICROSECOND, local(8), local(1, month=9)]),
)
def test_a_group_is_what_judge_rollup_says_of_its_children_at_every_instant(criterion, tallies, min_known, instants):
    compiled = GroupRule(criterion, CALENDAR, min_known)
    for now in instants:
        for tally in tallies:
            code, look = compiled.one(tally, now, micros(now))
            try:
                verdict = judge_rollup(criterion, Counts(*tally), now, CALENDAR, min_known)
                said = verdict.colour, verdict.recheck_at
            except ValueError:
                said = Colour.UNKNOWN, None
            assert (COLOURS[code], instant(look)) == said


@pytest.mark.parametrize(
    ("tally", "min_known", "colour"),
    [
        ((7, 0, 0, 3, 0, 0), 0.7, YELLOW),  # just enough of it is known
        ((6, 0, 0, 4, 0, 0), 0.7, Colour.UNKNOWN),
        ((0, 0, 0, 5, 0, 0), 0.0, Colour.UNKNOWN),
        ((0, 0, 0, 0, 2, 1), 0.7, Colour.MAINTENANCE),
    ],
)
def test_a_group_is_judged_when_enough_of_its_children_are_known(tally, min_known, colour):
    code, look = GroupRule(share(), CALENDAR, min_known).one(tally, NOON, micros(NOON))
    assert (COLOURS[code], instant(look)) == (colour, None)


OF_TEN = (3, 2, 3, 2, 1, 1)  # and two that are left out


@pytest.mark.parametrize(
    ("criterion", "value"),
    [
        (share(RollUp.GREEN_SHARE), 30.0),
        (share(RollUp.SCORE), 50.0),  # three and two halves, of the eight that are known
        (share(RollUp.COUNT, colours=frozenset({YELLOW, Colour.UNKNOWN})), 4.0),
        (share(RollUp.COUNT, colours=frozenset({RED})), 3.0),
        (share(RollUp.COUNT, colours=frozenset(Colour)), 10.0),
        (share(RollUp.SHARE, colours=frozenset({YELLOW, Colour.UNKNOWN})), 40.0),
        (share(RollUp.SHARE, colours=frozenset({GREEN, RED})), 60.0),
    ],
)
def test_the_value_of_a_group_is_that_of_judge_rollup(criterion, value):
    exact = replace(criterion, bands=(band(GREEN, ("==", value)),))
    assert GroupRule(exact, CALENDAR, 0.7).one(OF_TEN, NOON, micros(NOON)) == (CODES[GREEN], NEVER)
    assert judge_rollup(exact, Counts(*OF_TEN), NOON, CALENDAR, 0.7).value == value


@pytest.mark.parametrize(("most", "colour"), [(30.0, YELLOW), (29.9, RED)])
def test_a_group_with_too_many_red_ones_is_red_until_its_date_asks_for_more(most, colour):
    dated = share(bands=(), target=goal(operand=60.0), max_red_share=most)
    assert GroupRule(dated, CALENDAR, 0.7).one(OF_TEN, NOON, micros(NOON)) == (CODES[colour], micros(local(20)))


@pytest.mark.parametrize(
    ("criterion", "colour"),
    [
        *(
            (share(RollUp.NTH_BEST, nth=nth), colour)
            for nth, colour in ((3, GREEN), (4, YELLOW), (5, YELLOW), (6, RED))
        ),
        (share(RollUp.NTH_BEST, nth=9), Colour.UNKNOWN),
        (share(RollUp.WORST), RED),
    ],
)
def test_a_group_is_as_good_as_one_of_its_children(criterion, colour):
    assert GroupRule(criterion, CALENDAR, 0.7).one(OF_TEN, NOON, micros(NOON)) == (CODES[colour], NEVER)
    assert judge_rollup(criterion, Counts(*OF_TEN), NOON, CALENDAR, 0.7).colour is colour


@pytest.mark.parametrize("rollup", BY_NUMBER)
def test_groups_are_looked_up_and_only_empty_ones_are_asked(rollup, monkeypatch):
    asked = []

    def ask(criterion, counts, *rest):
        asked.append(counts)
        return judge_rollup(criterion, counts, *rest)

    monkeypatch.setattr(compact, "judge_rollup", ask)
    compiled = GroupRule(share(rollup, nth=2, max_red_share=20.0), CALENDAR, 0.7)
    for tally in ((5, 0, 0, 0, 0, 0), (3, 1, 1, 0, 2, 1), (0, 0, 5, 0, 0, 0), (3, 0, 0, 5, 0, 0), (0, 0, 0, 5, 0, 0)):
        compiled.one(tally, NOON, micros(NOON))
    assert asked == []
    compiled.one((0, 0, 0, 0, 2, 1), NOON, micros(NOON))
    assert asked == [Counts(maintenance=2, excluded=1)]


@pytest.mark.parametrize(
    ("criterion", "tally"),
    [
        (share(bands=(), target=goal(pace=replace(PACE, behind_red=True))), OF_TEN),
        (share(bands=YES_OR_NO), OF_TEN),
        (share(max_red_share=20.0, target=NO_DATE), OF_TEN),  # too red, if only it did not break
        (share(max_red_share=20.0, bands=(band(GREEN, (">=", 95.0)),)), OF_TEN),  # too red, which no band says
        (share(), (0, 0, 0, 0, 2, 1)),
    ],
)
def test_what_no_table_can_say_of_a_group_is_asked_of_judge_rollup(criterion, tally, monkeypatch):
    asked = []

    def ask(*given):
        asked.append(given)
        return judge_rollup(*given)

    monkeypatch.setattr(compact, "judge_rollup", ask)
    GroupRule(criterion, CALENDAR, 0.6).one(tally, NOON, micros(NOON))
    assert asked == [(criterion, Counts(*tally), NOON, CALENDAR, 0.6)]


@pytest.mark.parametrize(
    ("criterion", "indicator", "kind"),
    [
        (rule(), RATE, float),
        (rule(bands=(), target=goal(floor=60.0, margin=2.0)), RATE, float),
        (rule(target=goal(pace=PACE)), RATE, float),
        (rule("up", bands=YES_OR_NO), UP, str),
        (rule("down_minutes", bands=OUTAGE_BANDS), DOWN_MINUTES, str),
        (rule("down_minutes", bands=YES_OR_NO), DOWN_MINUTES, None),
        (rule(bands=(*YES_OR_NO, band(RED, ("<", 5.0)))), RATE, None),
        (rule(bands=()), RATE, None),
        (rule(bands=(band(RED, ("<", float("inf"))),)), RATE, None),
        (rule(target=goal(pace=replace(PACE, behind_red=True))), RATE, None),
        (rule(formulas=(Formula(RED, "value < 5"),)), RATE, None),
        (rule(inputs=("up",)), RATE, None),
    ],
)
def test_what_a_table_cannot_say_is_left_to_judge(criterion, indicator, kind):
    assert Rule(criterion, indicator, CALENDAR)._kind is kind


def asked_of(monkeypatch) -> list:
    """The values that are asked of the judge from now on."""
    asked = []

    def ask(criterion, indicator, reading, *rest):
        asked.append(reading.value)
        return judge(criterion, indicator, reading, *rest)

    monkeypatch.setattr(compact, "judge", ask)
    return asked


def test_numbers_are_looked_up_and_only_what_is_odd_is_asked(monkeypatch):
    compiled = Rule(rule(min_sample=20), RATE, CALENDAR)
    asked = asked_of(monkeypatch)
    plain = [told(float(number), denominator=20.0) for number in range(50)]
    odd = [
        told(101.0, sign=">"),
        told("word"),
        told(True),
        told(102.0, denominator=19.0),
        None,
        told(103.0, NOON - 9 * DAY),
    ]
    column = Column([*plain, *odd])
    compiled.judge(column, NOON)
    assert sorted(map(str, asked)) == ["101.0", "102.0", "True", "word"]
    asked.clear()
    for place in range(len(column.readings)):
        compiled.one(column, place, NOON, micros(NOON))
    assert sorted(map(str, asked)) == ["101.0", "102.0", "True", "word"]


def test_words_are_looked_up_and_only_what_is_odd_is_asked(monkeypatch):
    compiled = Rule(rule("stage", bands=(band(GREEN, ("==", "done")), band(RED, ("==", "late")))), STAGE, CALENDAR)
    asked = asked_of(monkeypatch)
    words_told = [told(word) for word in ("done", "partly", "late", True, False)]
    column = Column([*words_told, told("never heard of"), told(1.0), told("done", sign=">"), None])
    codes = compiled.judge(column, NOON).codes.tolist()
    singly = [compiled.one(column, place, NOON, micros(NOON))[0] for place in range(len(codes))]
    assert [COLOURS[code] for code in codes[:3]] == [GREEN, Colour.UNKNOWN, RED]
    assert singly == codes
    assert asked == ["never heard of", 1.0, "done"] * 2


def test_an_interruption_is_looked_up_while_it_works_and_asked_while_it_runs(monkeypatch):
    compiled = Rule(rule("down_minutes", bands=OUTAGE_BANDS), DOWN_MINUTES, CALENDAR)
    asked = asked_of(monkeypatch)
    column = Column([told(True), told(False, since=NOON - HOUR), told("done")])
    codes = compiled.judge(column, NOON).codes.tolist()
    assert [COLOURS[code] for code in codes[:2]] == [GREEN, RED]
    assert [compiled.one(column, place, NOON, micros(NOON))[0] for place in range(3)] == codes
    assert asked == [False, "done"] * 2


def test_a_column_holds_what_its_readings_say_and_a_new_one_takes_the_place_of_the_old():
    readings = [
        told(70.5), None, told(True), told("done", sign=">"), told(3, sign="~"), told(5.0, sign=">"),
        told(80.0, denominator=12.0), told(2.0**53),
    ]  # fmt: skip
    column = Column(readings)
    known = micros(NOON)
    assert column.claim.tolist() == [known, NEVER, *[known] * 6]
    assert column.number.tolist() == [70.5, 0, 0, 0, 3, 0, 80, 0]
    assert column.sample.tolist() == [inf] * 6 + [12, inf]
    assert column.word.tolist() == [0, 0, 1, 0, 0, 0, 0, 0]
    assert column.odd == {1, 2, 3, 5, 7}
    assert [column.plain_word(place) for place in range(8)] == [None, None, True, None, None, None, None, None]
    assert (column.claims.tolist(), column.numbers.tolist()) == (column.claim.tolist(), column.number.tolist())
    later = NOON + MICROSECOND
    anew = [
        None, told("done", later), told(1.0, later), told(-(2.0**53), later), told("done", later), told(4.0, later),
        told(81.0, later), told(2.0**53 - 1, later),
    ]  # fmt: skip
    for place, reading in enumerate(anew):
        column.put(place, reading)
    assert column.claim.tolist() == [NEVER, *[known + 1] * 7]
    assert column.word.tolist() == [0, 2, 0, 0, 2, 0, 0, 0]
    assert column.sample.tolist() == [inf] * 8
    assert column.odd == {0, 1, 3, 4}
    assert column.number.tolist()[5:] == [4.0, 81.0, 2.0**53 - 1]
    assert column.vocabulary == {True: 1, "done": 2}
    assert column.readings == anew


def test_what_no_number_of_cases_was_stated_of_is_no_small_sample(monkeypatch):
    compiled = Rule(rule(min_sample=20), RATE, CALENDAR)
    asked = asked_of(monkeypatch)
    column = Column([told(70.0), told(71.0)])
    column.put(0, told(72.0, denominator=19.0))
    column.put(1, told(73.0, denominator=20.0))
    for _ in range(2):
        compiled.one(column, 0, NOON, micros(NOON))
        compiled.one(column, 1, NOON, micros(NOON))
    assert asked == [72.0, 72.0]
    column.put(0, told(74.0))
    compiled.one(column, 0, NOON, micros(NOON))
    assert compiled.judge(column, NOON).codes.tolist() == [1, 1] and asked == [72.0, 72.0]


@pytest.mark.parametrize("criterion", [rule(bands=(), target=goal(before=date(2025, 8, 7))), rule()])
def test_a_table_is_drawn_once_a_day_and_again_when_its_deadline_comes(criterion, monkeypatch):
    drawn = []
    draw = compact._draw

    def watch(*given):
        drawn.append(given[3])
        return draw(*given)

    monkeypatch.setattr(compact, "_draw", watch)
    compiled, column = Rule(criterion, RATE, CALENDAR), Column([told(70.0)] * 9)
    midnight = local(7)
    for now in (NOON, NOON + HOUR, midnight - MICROSECOND, midnight, midnight + HOUR, NOON):
        compiled.judge(column, now)
    assert drawn == [NOON, midnight, NOON]


def test_a_recurring_goal_needs_a_table_for_each_month_and_no_more(monkeypatch):
    drawn = []
    draw = compact._draw

    def watch(*given):
        drawn.append(given[2])
        return draw(*given)

    monkeypatch.setattr(compact, "_draw", watch)
    monthly = replace(RATE, max_age=90 * 86400.0)
    compiled = Rule(rule(bands=(), target=goal(every=Period.MONTH)), monthly, CALENDAR)
    august, now = local(1, month=8), local(1, 12, month=9)
    instants = [august - MICROSECOND, august, local(31, 23, 59, 59), local(1, month=9), now]
    column = Column([*(told(90.0, at) for at in instants), None])
    said = told_by_judge(compiled.criterion, monthly, column.readings, now)
    assert told_by_column(compiled, column, now) == said
    assert sorted(drawn) == [micros(at) for at in (instants[0], instants[1], instants[3])]
    assert told_singly(compiled, column, now) == said
    assert len(drawn) == 3
    Rule(rule(bands=(), target=goal()), monthly, CALENDAR).judge(column, now)
    assert len(drawn) == 4


def test_a_reading_is_believed_until_the_instant_at_which_it_is_too_old():
    compiled = Rule(rule(max_age=3600.0), RATE, CALENDAR)
    claimed = (NOON - HOUR, NOON - HOUR + MICROSECOND, datetime(1969, 12, 31, tzinfo=UTC))
    column = Column([told(90.0, as_of) for as_of in claimed])
    said = [(Colour.UNKNOWN, None), (GREEN, NOON + MICROSECOND), (Colour.UNKNOWN, None)]
    assert told_by_column(compiled, column, NOON) == told_singly(compiled, column, NOON) == said


def test_a_number_at_a_bound_belongs_to_the_band_that_begins_there():
    compiled = Rule(rule(), RATE, CALENDAR)
    column = Column([told(value) for value in (80.0, nextafter(80.0, 0), 60.0, nextafter(60.0, 0))])
    said = told_by_column(compiled, column, NOON)
    assert [colour for colour, _ in said] == [GREEN, YELLOW, YELLOW, RED]
    assert told_singly(compiled, column, NOON) == said
    assert compiled.judge(column, NOON).codes.dtype == "uint8"


def test_a_sample_that_is_too_small_is_widened_by_what_is_remembered_of_its_own_place():
    compiled = Rule(rule(min_sample=40), measure(window=Period.MONTH), CALENDAR)
    july = Series(months=(MonthSum(12 * 2025 + 6, 30.0, 36.0),))
    few = told(50.0, numerator=6.0, denominator=12.0)
    for past, colour in (((NOTHING, july), YELLOW), ((july, NOTHING), Colour.EXCLUDED), ((), Colour.EXCLUDED)):
        column = Column([None, few], past)
        said = told_by_column(compiled, column, NOON)
        assert said[1][0] is colour
        assert told_singly(compiled, column, NOON) == said


AFTER_60, BEFORE_80 = nextafter(60.0, inf), nextafter(80.0, 0)


@pytest.mark.parametrize(
    ("cut", "most"), [(80.0, 1), (AFTER_60, 2), (nextafter(AFTER_60, inf), 56), (79.9, 56), (BEFORE_80, 56)]
)
def test_the_first_number_of_a_piece_is_found_exactly_and_mostly_at_a_bound(cut, most):
    asked = []

    def ask(number):
        asked.append(number)
        return Said(CODES[GREEN] if number >= cut else CODES[RED])

    assert compact._first(ask, 60.0, 80.0, Said(CODES[GREEN])) == cut
    assert len(asked) <= most


@pytest.mark.parametrize(
    ("bands", "pieces"),
    [
        (rule().bands, [(None, RED), (60.0, YELLOW), (80.0, GREEN)]),
        (
            (band(RED, (">", 60.0), ("<", 80.0)), band(GREEN, ("<=", 60.0)), band(GREEN, (">=", 80.0))),
            [(None, GREEN), (AFTER_60, RED), (80.0, GREEN)],
        ),
        (
            (band(GREEN, ("==", 60.0)),),
            [(None, Colour.UNKNOWN), (60.0, GREEN), (AFTER_60, Colour.UNKNOWN)],
        ),
        (
            (band(GREEN, ("<", 60.0)), band(RED, (">", 80.0))),
            [(None, GREEN), (60.0, Colour.UNKNOWN), (nextafter(80.0, inf), RED)],
        ),
    ],
)
def test_a_table_has_a_piece_for_each_answer_and_no_more(bands, pieces):
    compiled = Rule(rule(bands=bands), RATE, CALENDAR)
    table = compiled._table(micros(NOON), micros(NOON), NOON)
    assert table.cuts == [first for first, _ in pieces[1:]]
    assert [COLOURS[said.code] for said in table.pieces] == [colour for _, colour in pieces]


def test_what_is_said_may_change_at_the_bounds_of_bands_and_at_goal_floor_and_margin():
    dated = rule(bands=(band(RED, ("<", 30.0)),), target=goal(floor=60.0, margin=2.0))
    assert compact._operands(dated) == [30.0, 80.0, 60.0, 78.0, 82.0]
    assert compact._operands(rule(bands=(), target=goal())) == [80.0, 80.0, 80.0]
    assert compact._operands(rule(bands=(), target=goal("==", "done"))) == ["done"]


def test_a_span_of_a_column_is_judged_as_its_places_are(monkeypatch):
    compiled = Rule(rule(), RATE, CALENDAR)
    asked = asked_of(monkeypatch)
    column = Column([told(90.0), told(70.0), told(20.0), told(99.0, sign="<"), None, told(85.0, sign=">")])
    whole, part = compiled.judge(column, NOON), compiled.judge(column, NOON, slice(2, 6))
    assert whole.codes.tolist()[2:] == part.codes.tolist() == [2, 1, UNKNOWN, 0]
    assert whole.looks.tolist()[2:] == part.looks.tolist()
    assert asked == [99.0, 85.0] * 2


def test_instants_are_whole_microseconds_and_nothing_is_lost():
    odd = NOON + 1_234_567 * MICROSECOND
    assert instant(micros(odd)) == odd
    assert micros(odd) - micros(NOON) == 1_234_567 and isinstance(micros(odd), int)
    assert (micros(None), instant(NEVER)) == (NEVER, None)
    assert [CODES[colour] for colour in COLOURS] == list(range(6))
    assert set(COLOURS) == set(Colour)
    assert COLOURS[UNKNOWN] is Colour.UNKNOWN
    assert DOWN_MINUTES.measure is Measure.ELAPSED
