from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.config.formula import compile_formula
from monitor.config.rulebooks import load_rules
from monitor.engine.book import Criterion, Indicator
from monitor.engine.explain import sentence
from monitor.engine.formula import judge_formulas
from monitor.model.colour import Colour
from monitor.model.reading import Comparator, Reading, Value
from monitor.model.verdict import Verdict
from tests.unit.test_rulebooks import rule, sentences, site

NOW = datetime(2026, 11, 24, 3, tzinfo=UTC)
INPUTS = {
    "rate": Indicator("rate", "", "", "", "%", "services", 3600.0),
    "late": Indicator("late", "", "", "", "count", "services", 7200.0),
    "open": Indicator("open", "", "", "", "bool", "services", 3600.0),
    "mode": Indicator("mode", "", "", "", "state", "services", 3600.0, states=("full", "part")),
}
WHEN = "inputs: [rate, late], when: {red: 'rate < 50 || late > 9', yellow: 'rate < 80', green: 'late <= 9 || rate > 0'}"


def reading(name: str, value: Value, comparator: Comparator = Comparator.EQ, age: float = 0) -> Reading:
    at = NOW - timedelta(seconds=age)
    return Reading("u", name, value, at, at, "feed", comparator, denominator=5)


def free(tmp_path, body: str = WHEN) -> tuple[Criterion, dict[str, Indicator]]:
    ruleset, problems = load_rules(site(tmp_path, rule(body, "both")), ["small"])
    assert ruleset is not None, problems
    return ruleset.books[0].criteria[0], dict(ruleset.indicators)


def judged(tmp_path, *readings: Reading) -> Verdict:
    criterion, indicators = free(tmp_path)
    return judge_formulas(criterion, indicators, {r.indicator: r for r in readings}, NOW)


@pytest.mark.parametrize(
    ("rate", "late", "colour"),
    [(90.0, 3.0, "green"), (90.0, 10.0, "red"), (79.9, 0.0, "yellow"), (49.0, 0.0, "red"), (80.0, 9.0, "green")],
)
def test_the_first_true_condition_from_red_to_green_is_the_colour(tmp_path, rate, late, colour):
    verdict = judged(tmp_path, reading("rate", rate), reading("late", late))
    assert verdict.colour.value == colour
    assert [why.code for why in verdict.reasons] == ["formula"]


def test_a_missing_input_is_never_green_and_is_named(tmp_path):
    verdict = judged(tmp_path, reading("rate", 90.0))
    assert verdict.colour is Colour.UNKNOWN
    assert [sentence(why, "en") for why in verdict.reasons] == ["the condition lacks the input late"]


def test_a_green_that_holds_whatever_is_missing_is_unknown_all_the_same(tmp_path):
    criterion, indicators = free(tmp_path, "inputs: [rate, late], when: {green: 'rate > 1 || late > 1'}")
    verdict = judge_formulas(criterion, indicators, {"rate": reading("rate", 90.0)}, NOW)
    assert verdict.colour is Colour.UNKNOWN


def test_a_red_that_holds_whatever_is_missing_stays_red(tmp_path):
    verdict = judged(tmp_path, reading("rate", 40.0))
    assert verdict.colour is Colour.RED
    assert [why.code for why in verdict.reasons] == ["formula", "input_missing"]


def test_a_stale_input_counts_as_missing_from_its_instant_on_and_that_instant_is_announced(tmp_path):
    criterion, indicators = free(tmp_path)
    evidence = {"rate": reading("rate", 90.0), "late": reading("late", 1.0)}
    fresh = judge_formulas(criterion, indicators, evidence, NOW)
    assert fresh.colour is Colour.GREEN and fresh.recheck_at == NOW + timedelta(hours=50)
    assert judge_formulas(criterion, indicators, evidence, fresh.recheck_at).colour is Colour.UNKNOWN
    just_before = fresh.recheck_at - timedelta(seconds=1)
    assert judge_formulas(criterion, indicators, evidence, just_before).colour is Colour.GREEN


def test_a_source_that_only_says_more_than_is_no_exact_input(tmp_path):
    verdict = judged(tmp_path, reading("rate", 90.0, Comparator.GT), reading("late", 0.0))
    assert verdict.colour is Colour.UNKNOWN
    assert sentence(verdict.reasons[0], "en") == ("the source only says rate > 90: not exact enough for the condition")


@pytest.mark.parametrize("rate", [None, reading("rate", 90.0, age=51 * 3600), reading("rate", 90.0, Comparator.GT)])
def test_an_input_that_is_there_counts_whatever_is_wrong_with_the_one_before_it(tmp_path, rate):
    readings = [reading("late", 10.0), *([rate] if rate else [])]
    assert judged(tmp_path, *readings).colour is Colour.RED


def test_a_stale_input_is_named_with_its_age_and_the_limit_of_the_rule_before_that_of_the_indicator(tmp_path):
    criterion, indicators = free(tmp_path)
    own = replace(criterion, max_age=3_600_300.0)
    stale = judge_formulas(own, indicators, {"rate": reading("rate", 40.0, age=7_200_300)}, NOW)
    assert (stale.reasons[0].code, stale.reasons[0].params) == (
        "input_stale", {"indicator": "rate", "age": 2000.1, "limit": 1000.1},
    )  # fmt: skip
    fresh = judge_formulas(own, indicators, {"rate": reading("rate", 40.0, age=3_600_299)}, NOW)
    assert (fresh.colour, fresh.recheck_at) == (Colour.RED, NOW + timedelta(seconds=1))


def test_a_verdict_shows_the_first_value_that_counts_and_is_as_old_as_the_oldest_input(tmp_path):
    rate, late = reading("rate", 90.0, age=1800), replace(reading("late", 3.0, age=60), source="probe")
    verdict = judged(tmp_path, late, rate)
    assert (verdict.value, verdict.source) == (90.0, "feed, probe")
    assert (verdict.as_of, verdict.received_at) == (rate.as_of, late.received_at)
    assert judged(tmp_path, rate, reading("late", 3.0)).source == "feed"


def test_without_any_input_there_is_no_value_no_age_and_no_instant_to_look_again(tmp_path):
    verdict = judged(tmp_path)
    assert (verdict.value, verdict.as_of, verdict.received_at, verdict.recheck_at) == (None, None, None, None)
    assert (verdict.colour, verdict.source) == (Colour.UNKNOWN, "")


@pytest.mark.parametrize(
    ("needed", "colour", "said"),
    [
        (5, Colour.RED, "the condition rate < 50 || late > 9 is true"),
        (6, Colour.EXCLUDED, "only 5 cases, at least 6 are needed: not judged"),
    ],
)
def test_too_few_cases_of_one_input_are_too_few(tmp_path, needed, colour, said):
    criterion, indicators = free(tmp_path)
    many, uncounted = replace(reading("rate", 40.0), denominator=5), replace(reading("late", 3.0), denominator=None)
    verdict = judge_formulas(replace(criterion, min_sample=needed), indicators, {"rate": many, "late": uncounted}, NOW)
    assert (verdict.colour, sentence(verdict.reasons[0], "en")) == (colour, said)


@pytest.mark.parametrize(
    ("evaluate", "error"), [(None, "it was never compiled"), (lambda values: "too large", "too large")]
)
def test_a_condition_that_cannot_be_evaluated_is_unknown_and_says_what_went_wrong(tmp_path, evaluate, error):
    criterion, indicators = free(tmp_path)
    broken = replace(criterion, formulas=(replace(criterion.formulas[0], evaluate=evaluate),))
    evidence = {"rate": reading("rate", 40.0), "late": reading("late", 3.0)}
    verdict = judge_formulas(broken, indicators, evidence, NOW)
    assert verdict.colour is Colour.UNKNOWN
    assert [sentence(why, "en") for why in verdict.reasons] == [
        f"the condition rate < 50 || late > 9 cannot be evaluated: {error}"
    ]


def test_when_no_condition_is_true_it_is_unknown(tmp_path):
    criterion, indicators = free(tmp_path, "inputs: [rate], when: {red: 'rate < 50'}")
    verdict = judge_formulas(criterion, indicators, {"rate": reading("rate", 90.0)}, NOW)
    assert (verdict.colour, verdict.reasons[0].code) == (Colour.UNKNOWN, "no_formula")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rate >", "column 6: Syntax error"),
        ("rate > 'full'", "column 6: found no matching overload for '_>_' applied to '(double, string)'"),
        ("rate + 1", "is neither true nor false; compare it with something"),
        ("rat > 1", "column 1: 'rat' is no input; did you mean 'rate'?"),
        ("mode == 'ful'", "column 9: 'ful' is no state of an input; did you mean 'full'?"),
        ("rate > size(mode)", "column 8: 'size' is a function; conditions have none"),
        ("late / rate > 1", "column 6: only a number other than 0 may divide; multiply the other side"),
        ("late / 0 > 1", "column 6: only a number other than 0 may divide; multiply the other side"),
        ("mode.matches('x')", "column 5: '.' cannot stand in a condition"),
        ("(" * 13 + "open" + ")" * 13, "column 13: more than 12 brackets within brackets"),
        ("open && " * 30 + "open", "has 244 characters; at most 200 are allowed"),
    ],
)
def test_a_wrong_condition_is_named_with_its_column(text, said):
    with pytest.raises(ValueError, match=r"column|characters|neither") as caught:
        compile_formula(text, INPUTS)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("open && rate >= 80", True),
        ("(rate + late) / 2 > 40", True),
        ("mode in ['full', 'part']", True),
        ("mode == 'part' ? rate > 90 : rate > 80", True),
        ("!open || -rate > 0", False),
    ],
)
def test_conditions_read_numbers_yes_no_and_states(text, true):
    assert compile_formula(text, INPUTS)({"rate": 85.0, "late": 2.0, "open": True, "mode": "full"}) is true


def test_a_wrong_condition_in_a_book_is_named_with_file_and_line(tmp_path):
    assert sentences(tmp_path, rule("inputs: [late], when: {red: 'late > true'}")) == [
        "rules/small.yaml:6: rate: when.red column 6: found no matching overload for '_>_' applied to '(double, bool)'"
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("when: {red: 'rate < 1'}, bands: {green: '>=0'}", "a condition judges by itself"),
        ("inputs: [late], bands: {green: '>=0'}", "only a condition has inputs"),
        ("inputs: [lat], when: {red: 'rate < 1'}", "there is no indicator 'lat'"),
        ("inputs: [outage], when: {red: 'outage > 1'}", "'outage' grows by itself"),
        ("when: {}", "the criterion has neither bands nor a target"),
    ],
)
def test_what_does_not_go_with_a_condition_is_named(tmp_path, body, said):
    assert any(said in one for one in sentences(tmp_path, rule(body)))


_SIGNS = ("(", ")", "[", "]", "/", "&&", "||", "!", "==", "<", "+", "-", "*", "?", ":", ",")
_WORDS = ("rate", "late", "open", "mode", "1", "0.5", "'full'", "true", "in", *_SIGNS)
_PIECES = st.sampled_from(_WORDS)
_VALUES = st.fixed_dictionaries({}, optional={
    "rate": st.floats(allow_nan=False, allow_infinity=False) | st.text() | st.booleans(),
    "late": st.floats(allow_nan=False), "open": st.booleans() | st.just("x"), "mode": st.text(),
})  # fmt: skip


@given(st.lists(_PIECES, max_size=25).map(" ".join) | st.text(max_size=60), _VALUES)
def test_no_condition_escapes_as_anything_but_a_sentence(text, values):
    try:
        evaluate = compile_formula(text, INPUTS)
    except ValueError:
        return
    assert isinstance(evaluate(values), bool | str)
