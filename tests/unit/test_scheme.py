"""Standing by the column says what standing one by one says: of one row, with the sum kept beside it, and of many."""

from __future__ import annotations

from dataclasses import replace
from math import isnan

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.engine.book import StandingRule
from monitor.engine.compact import CODES, COLOURS
from monitor.engine.scheme import Scheme, _picker, counts
from monitor.engine.standing import stand
from monitor.model.colour import Colour
from monitor.model.unit import Level
from tests.unit.engine_scene import GREEN, NOON, RED, YELLOW, held, rule

weights = st.sampled_from([0.0, 0.1, 0.7, 1.0, 2.5, 5.0, 10.0, 20.0, 1 / 3, 102.4])
colours = st.sampled_from(Colour)
limits = st.builds(StandingRule, *[st.sampled_from([0.0, 0.5, 0.7, 0.8, 1.0])] * 3, st.sampled_from([0.0, 5.0]))


@given(st.lists(st.tuples(colours, weights, st.booleans()), max_size=12), limits)
@example([(RED, 0.0, True)], StandingRule())  # what has no weight is known all the same
@example([(RED, 0.0, True), (Colour.UNKNOWN, 0.0, True)], StandingRule())
def test_a_row_of_colours_stands_as_its_criteria_do(row, limit):
    criteria = [rule(f"c{n}", weight={Level.COMMUNE: weight}, critical=c) for n, (_, weight, c) in enumerate(row)]
    states = [
        replace(held(f"c{n}", colour, weight, critical=c), level=Colour.UNKNOWN)
        for n, (colour, weight, c) in enumerate(row)
    ]
    standing = stand(None, states, limit, NOON)
    scheme = Scheme(criteria, Level.COMMUNE, limit)
    codes = bytes(CODES[colour] for colour, _, _ in row)
    gained = sum(gains[code] for gains, code in zip(scheme.gains, codes, strict=True))
    for known in (None, gained):
        code, score, coverage = scheme.stand(codes, known)
        assert (COLOURS[code], score, coverage) == (standing.colour, standing.score, standing.coverage)


@given(st.data(), st.lists(st.tuples(weights, st.booleans()), max_size=8), limits)
def test_many_units_stand_at_once_as_each_of_them_does(data, kinds, limit):
    criteria = [rule(f"c{n}", weight={Level.COMMUNE: w}, critical=c) for n, (w, c) in enumerate(kinds)]
    row = st.binary(min_size=len(kinds), max_size=len(kinds)).map(lambda drawn: bytes(b % 6 for b in drawn))
    rows = data.draw(st.lists(row | row.map(lambda r: bytes(code % 3 for code in r)), min_size=1, max_size=6))
    scheme = Scheme(criteria, Level.COMMUNE, limit)
    table = np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), len(kinds)).T
    codes, scores, coverages, gained = scheme.stand_all(np.ascontiguousarray(table))
    each = zip(codes.tolist(), scores.tolist(), coverages.tolist(), gained.tolist(), strict=True)
    for one, (code, score, coverage, gain) in zip(rows, each, strict=True):
        assert (code, None if isnan(score) else score, coverage) == scheme.stand(one)
        assert gain == pytest.approx(sum(gains[c] for gains, c in zip(scheme.gains, one, strict=True)))


def test_a_score_in_the_middle_between_two_roundings_is_rounded_as_the_judge_rounds_it():
    shares = [1 / 1024] * 1024
    criteria = [rule(f"c{n}", weight={Level.COMMUNE: weight}) for n, weight in enumerate(shares)]
    scheme = Scheme(criteria, Level.COMMUNE, StandingRule())
    for green in range(1, 64, 2):
        row = bytes([0] * green + [2] * (1024 - green))
        states = [replace(held(c.id, COLOURS[code], c.weight[Level.COMMUNE]), level=Colour.UNKNOWN)
                  for c, code in zip(criteria, row, strict=True)]  # fmt: skip
        expected = stand(None, states, StandingRule(), NOON).score
        column = np.frombuffer(row, np.uint8).reshape(-1, 1)
        assert scheme.stand(row)[1] == scheme.stand_all(column)[1][0] == expected
        gained = sum(gains[code] for gains, code in zip(scheme.gains, row, strict=True))
        assert scheme.stand(row, gained)[1] == expected


LETTERS = "GYR?mx"  # in the order of COLOURS
Weights = tuple[float | None, ...]  # None: critical, and without a weight
TEN: Weights = (4.0, 2.0, 2.0, 2.0)


def scheme_of(weights: Weights, limit: StandingRule | None = None) -> Scheme:
    """A criterion for each weight; at no other level has any of them a weight."""
    criteria = [
        rule(f"c{number}", weight={} if weight is None else {Level.COMMUNE: weight}, critical=weight is None)
        for number, weight in enumerate(weights)
    ]
    return Scheme(criteria, Level.COMMUNE, limit or StandingRule())


def codes_of(letters: str) -> bytes:
    return bytes(LETTERS.index(letter) for letter in letters)


def kept_beside(scheme: Scheme, row: bytes) -> float:
    """The sum that is kept beside a row."""
    return sum(gains[code] for gains, code in zip(scheme.gains, row, strict=True))


@pytest.mark.parametrize(
    ("weights", "row", "colour", "score", "coverage"),
    [
        (TEN, "GGGG", "G", 1.0, 1.0),
        (TEN, "GGGY", "G", 0.9, 1.0),
        (TEN, "GGYY", "G", 0.8, 1.0),  # at the score for green
        (TEN, "GYYY", "Y", 0.7, 1.0),
        (TEN, "GGGR", "Y", 0.8, 1.0),
        (TEN, "RGGY", "Y", 0.5, 1.0),  # at the score for red
        (TEN, "RGYY", "R", 0.4, 1.0),
        (TEN, "GG??", "?", 1.0, 0.6),
        (TEN, "GGm?", "?", 1.0, 0.6),
        (TEN, "GGx?", "G", 1.0, 0.75),
        (TEN, "xGGY", "G", 0.833333333, 1.0),
        (TEN, "RYYx", "R", 0.25, 1.0),
        (TEN, "xxxx", "?", None, 0.0),
        (TEN, "x?mx", "?", None, 0.0),
        ((7.0, 3.0), "G?", "G", 1.0, 0.7),  # at the share that must be known
        ((5.0, 45.0), "YG", "Y", 0.95, 1.0),  # at the weight from which yellow counts
        ((4.9, 45.1), "YG", "G", 0.951, 1.0),
        ((45.0, 5.0), "YG", "Y", 0.55, 1.0),
        ((0.0, 10.0), "RG", "G", 1.0, 1.0),  # what has no weight has no say
        ((10.0, 0.0), "G?", "G", 1.0, 1.0),
        ((None, 10.0), "RG", "R", 1.0, 1.0),  # unless it is critical
        ((10.0, None), "GR", "R", 1.0, 1.0),
        ((None, 8.0, 2.0), "GGR", "Y", 0.8, 1.0),
        ((None, 10.0), "YG", "Y", 1.0, 1.0),
        ((None, 10.0), "?G", "?", 1.0, 1.0),
        ((None, 10.0), "mG", "?", 1.0, 1.0),
        ((None, 10.0), "xG", "G", 1.0, 1.0),
        ((None, None, 10.0), "R?G", "R", 1.0, 1.0),
        ((None,), "G", "G", None, 1.0),
        ((None,), "Y", "Y", None, 1.0),
        ((None,), "x", "?", None, 0.0),
        ((None, None), "Gx", "G", None, 1.0),
        ((None, None), "G?", "?", None, 0.0),
        ((None, None, None), "xxG", "G", None, 1.0),
        ((1 / 3, 1 / 3), "GR", "Y", 0.5, 1.0),
        ((1 / 7, 1 / 7), "G?", "?", 1.0, 0.5),  # all of it weighs less than one
        ((), "", "?", None, 0.0),
    ],
)
def test_a_row_stands_so_by_itself_by_its_sum_and_among_others(weights, row, colour, score, coverage):
    scheme, codes = scheme_of(weights), codes_of(row)
    expected = (LETTERS.index(colour), score, coverage)
    assert scheme.stand(codes) == scheme.stand(codes, kept_beside(scheme, codes)) == expected
    table = np.frombuffer(codes * 3, np.uint8).reshape(3, len(codes)).T
    found = scheme.stand_all(np.ascontiguousarray(table))
    for code, its_score, its_coverage, gained in zip(*(column.tolist() for column in found), strict=True):
        assert (code, None if isnan(its_score) else its_score, its_coverage) == expected
        assert gained == kept_beside(scheme, codes)


@pytest.mark.parametrize(
    ("weights", "gains"),
    [
        ((2.0, 1.0), (4, 2)),
        ((0.5, 1.0), (10, 20)),
        ((0.25, 1.0), (50, 200)),
        ((0.125, 1.0), (250, 2000)),
        ((0.0625, 1.0), (0.125, 2.0)),  # no whole number of thousandths
        ((2.0**49, 2.0**49 - 1), (2.0**50, 2.0**50 - 2)),
    ],
)
def test_weights_are_counted_in_halves_of_the_greatest_decimal_unit_that_makes_them_whole(weights, gains):
    scheme = scheme_of(weights)
    assert tuple(earned[0] for earned in scheme.gains) == gains
    assert tuple(earned[1] for earned in scheme.gains) == tuple(full / 2 for full in gains)
    assert {earned[2:] for earned in scheme.gains} == {(0.0,) * 4}


@pytest.mark.parametrize("weights", [TEN, (0.1, 0.9), (2.0**49, 2.0**49 - 1)])
def test_the_sum_that_is_kept_beside_a_row_is_believed_where_such_sums_are_exact(weights):
    scheme, green = scheme_of(weights), codes_of("G" * len(weights))
    assert scheme.stand(green, 0.0) == (CODES[RED], 0.0, 1.0)
    assert scheme.stand(green, kept_beside(scheme, green) / 2) == (CODES[YELLOW], 0.5, 1.0)


@pytest.mark.parametrize("row", ["", "xxxx"])
def test_where_nothing_counts_nothing_is_known_even_if_nothing_has_to_be(row):
    scheme = scheme_of(TEN[: len(row)], StandingRule(min_coverage=0.0))
    assert scheme.stand(codes_of(row))[0] == CODES[Colour.UNKNOWN]
    table = np.frombuffer(codes_of(row + "G" * len(row)), np.uint8).reshape(2, len(row)).T
    found = scheme.stand_all(np.ascontiguousarray(table))[0].tolist()
    assert found == [CODES[Colour.UNKNOWN], CODES[GREEN] if row else CODES[Colour.UNKNOWN]]


def test_nobody_is_asked_one_by_one_where_no_rounding_is_in_doubt(monkeypatch):
    scheme = scheme_of(TEN)
    asked = []
    monkeypatch.setattr(Scheme, "stand", lambda _, row: asked.append(row))
    table = np.frombuffer(codes_of("GGYRRRRRGG?xxxxx????"), np.uint8).reshape(5, 4).T
    assert scheme.stand_all(np.ascontiguousarray(table))[0].tolist() == [CODES[c] for c in (YELLOW, RED, GREEN)] + [
        3,
        3,
    ]
    assert asked == []


@pytest.mark.parametrize(("weights", "row"), [((2.0**49, 2.0**49), "GG"), ((0.0625, 1.0), "GG"), ((7.0, 3.0), "G?")])
def test_where_sums_may_be_inexact_or_not_all_is_known_the_row_is_added_up(weights, row):
    assert scheme_of(weights).stand(codes_of(row), 0.0) == (0, 1.0, 0.7 if "?" in row else 1.0)


def test_a_share_known_in_the_middle_between_two_roundings_is_rounded_as_the_judge_rounds_it():
    scheme = scheme_of((1 / 1024,) * 1024, StandingRule(min_coverage=0.0))
    for known in range(1, 64, 2):
        row = bytes([0] * known + [3] * (1024 - known))
        column = np.frombuffer(row, np.uint8).reshape(-1, 1)
        codes, scores, coverages, _ = scheme.stand_all(column)
        assert scheme.stand(row) == (codes[0], scores[0], coverages[0]) == (0, 1.0, round(known / 1024, 9))


@pytest.mark.parametrize("share", [1234567885, 1234567895, 5000000015, 9876543215, 9876543225, 9999999995])
def test_a_share_that_only_looks_like_the_middle_is_rounded_by_what_it_is(share):
    scheme = scheme_of((float(share), float(10**10 - share)), StandingRule(min_coverage=0.0))
    table = np.ascontiguousarray(np.frombuffer(codes_of("GRG?"), np.uint8).reshape(2, 2).T)
    _, scores, coverages, _ = scheme.stand_all(table)
    exact = round(share / 10**10, 9)
    assert (scores.tolist(), coverages.tolist()) == ([exact, 1.0], [1.0, exact])
    assert scheme.stand(codes_of("GR"), kept_beside(scheme, codes_of("GR")))[1] == exact


def test_of_units_without_any_weight_each_is_known_by_itself():
    rows = ("GG", "Gx", "G?", "xx", "?x")
    table = np.frombuffer(codes_of("".join(rows)), np.uint8).reshape(len(rows), 2).T
    coverages = scheme_of((None, None)).stand_all(np.ascontiguousarray(table))[2]
    assert coverages.tolist() == [1.0, 1.0, 0.0, 0.0, 0.0]


def test_any_of_two_critical_criteria_counts_and_columns_keep_their_sorts():
    scheme = scheme_of((None, None, 4.0))
    rows = codes_of("GRG"), codes_of("RGG"), codes_of("G?G"), codes_of("GGG")
    assert [scheme.stand(row)[0] for row in rows] == [CODES[RED], CODES[RED], CODES[Colour.UNKNOWN], CODES[GREEN]]
    table = np.frombuffer(b"".join(rows), np.uint8).reshape(4, 3).T
    columns = scheme.stand_all(np.ascontiguousarray(table))
    assert [column.dtype.name for column in columns] == ["uint8", "float64", "float64", "float64"]


def test_the_scores_of_no_more_than_so_many_sums_are_kept_and_each_is_right(monkeypatch):
    kept, alone = scheme_of(TEN), scheme_of(TEN)
    monkeypatch.setattr("monitor.engine.scheme._REMEMBERED", 2)
    for letters in ("GGGG", "GGGY", "RGGY", "GGGG", "GGYY", "YYYY", "GGGY"):
        row = codes_of(letters)
        assert kept.stand(row, kept_beside(kept, row)) == alone.stand(row)
        assert len(kept._scores) <= 2
    kept._scores = dict.fromkeys(kept._scores, 0.75)
    assert kept.stand(codes_of("GGGY"), kept_beside(kept, codes_of("GGGY")))[1] == 0.75


def test_a_criterion_counts_where_it_has_a_weight_or_is_critical():
    light = rule(weight={Level.COMMUNE: 0.5, Level.NATION: 0.0})
    assert [counts(light, level) for level in (Level.COMMUNE, Level.NATION, Level.PROVINCE)] == [True, False, False]
    assert counts(replace(light, critical=True), Level.PROVINCE)


def test_a_score_that_the_order_of_adding_up_may_decide_is_never_kept():
    scheme = scheme_of((1 / 1024,) * 1024)
    row = bytes([0] + [2] * 1023)
    scheme.stand(row, kept_beside(scheme, row))
    assert scheme._scores == {}


@pytest.mark.parametrize(("places", "row", "picked"), [((), "GYR", ""), ((1,), "GYR", "Y"), ((0, 1), "GYR", "GY"),
                                                       ((0, 2), "GYR", "GR"), ((1, 2, 4), "GYRRY", "YRY")])  # fmt: skip
def test_the_colours_that_count_are_picked_out_of_a_row(places, row, picked):
    assert bytes(_picker(places)(codes_of(row))) == codes_of(picked)
