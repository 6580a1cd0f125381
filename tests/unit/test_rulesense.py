from __future__ import annotations

import pytest

from monitor.ruletest.models import series_values
from tests.unit.test_rulebooks import HEADER, rule, sentences
from tests.unit.test_ruletest import run

TARGET = "target: {{value: '>= 80', before: {}}}"


def book(tmp_path, criteria: str, header: str = "") -> list[str]:
    return sentences(tmp_path, criteria, header=HEADER + header)


@pytest.mark.parametrize(
    ("valid", "said"),
    [
        ("valid: {from: 2025-08-20}\n", "before the book begins on 2025-08-20; correct the date or valid.from"),
        ("valid: {to: 2025-08-18}\n", "after the book ends on 2025-08-18; correct the date or valid.to"),
    ],
)
def test_a_date_outside_the_book_is_named(tmp_path, valid, said):
    found = book(tmp_path, rule(TARGET.format("2025-08-20")), valid)
    assert found == [f"rules/small.yaml:7: rate: the last day to meet the target is 2025-08-19, {said}"]


@pytest.mark.parametrize("valid", ["valid: {from: 2025-08-19}\n", "valid: {to: 2025-08-19}\n"])
def test_a_date_on_the_edge_of_the_book_is_fine(tmp_path, valid):
    assert book(tmp_path, rule(TARGET.format("2025-08-20")), valid) == []


def test_the_same_goal_by_two_dates_is_named_and_two_goals_are_fine(tmp_path):
    one = rule(TARGET.format("2025-08-20"))
    other = rule("indicator: rate, " + TARGET.format("2025-08-25"), "again")
    assert book(tmp_path, one + other) == [
        "rules/small.yaml:7: again: 'rate' asks the same of the same units by another date (2025-08-19, here"
        " 2025-08-24); take one of them out"
    ]
    assert book(tmp_path, one + other.replace("80", "90")) == []
    assert book(tmp_path, one + rule("indicator: rate, " + TARGET.format("2025-08-25"), "again", "[province]")) == []


def test_weights_must_add_up_to_what_the_book_states(tmp_path):
    criteria = rule("bands: {green: '>=0'}, weight: {commune: 8}")
    assert book(tmp_path, criteria, "weights: {commune: 8}\n") == []
    assert book(tmp_path, criteria, "weights: {commune: 100}\n") == [
        "rules/small.yaml:5: the weights of level commune add up to 8, not to the 100 that the book states;"
        " correct one of them"
    ]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("80 81 82x3 _ 85", [80, 81, 82, 82, 82, None, 85]),
        ("80+1x3 _x2", [80, 81, 82, None, None]),
        ("10-0.5x2", [10, 9.5]),
        ("true falsex2 partly", [True, False, False, "partly"]),
    ],
)
def test_a_series_is_written_short(text, values):
    assert series_values(text) == values


@pytest.mark.parametrize("text", ["80+1", "8 8..1", "true+1x2", "80x99999"])
def test_a_wrong_series_is_named(text):
    with pytest.raises(ValueError, match="is no value of a series"):
        series_values(text)


def test_a_series_is_judged_reading_by_reading_and_coverage_names_what_was_not_reached(tmp_path):
    report = run(
        tmp_path,
        """
  - name: a week
    criterion: rate
    unit: commune
    series: [{start: 2025-08-11T01:00, every: 1d, values: "70x2 85"}]
    expect:
      - {at: 2025-08-12T02:00, colour: yellow}
      - {at: 2025-08-13T02:00, colour: green}
""",
    )
    assert report.results[0].failures == ()
    missing = [str(part) for part, reached in report.parts.items() if not reached]
    assert missing == [
        "rules/small.yaml:8: rate: no test reaches the target unmet after its date",
        "rules/small.yaml:8: rate: no test reaches a value below the floor before the date",
        "rules/small.yaml:15: up: no test reaches the green band true",
        "rules/small.yaml:15: up: no test reaches the red band false",
    ]
    assert report.share == pytest.approx(100 * 2 / 6)
