"""Mistakes in roll-ups, and the sentences for them; what units weigh."""

from __future__ import annotations

import pytest

from monitor.config.build import load_site
from monitor.config.rulebooks import load_rules
from monitor.engine.book import RollUp
from monitor.model.colour import Colour
from tests.unit.sites import NOW, change, make_site
from tests.unit.test_rulebooks import rule, sentences, site

MISTAKES = {
    "rollup: nth_best": "'rollup: nth_best' and 'nth' belong together; write both or neither",
    'rollup: count, nth: 2, bands: {green: ">=2", red: "<2"}': (
        "'rollup: nth_best' and 'nth' belong together; write both or neither"
    ),
    'rollup: nth_best, nth: 2, bands: {green: ">=2", red: "<2"}': (
        "the n-th best child is a colour already; leave bands and target out"
    ),
    'rollup: green_share, colours: [red], bands: {green: ">=2", red: "<2"}': (
        "only a count, share or weight of children has colours; use count, share, weight, weight_share"
    ),
    "rollup: worst, max_red_share: 5": "max_red_share needs a roll-up that is a value; leave it out",
    'rollup: count, min_sample: 5, bands: {green: ">=2", red: "<2"}': (
        "only a rate has cases to count; leave min_sample out"
    ),
    'rollup: rate, bands: {green: ">=2", red: "<2"}': (
        "a rate sums up the figures of an indicator; name it under 'indicator'"
    ),
    'rollup: rate, indicator: late, bands: {green: ">=2", red: "<2"}': (
        "a rate sums up numerators and denominators, but 'late' is measured in count; name an indicator in %"
    ),
    'rollup: count, colours: [], bands: {green: ">=2", red: "<2"}': "no colour is counted; name at least one",
    'rollup: share, colours: [green, unknown], bands: {green: ">=2", red: "<2"}': (
        "green and unknown are counted alike; silence must never look good: take unknown out"
    ),
    'rollup: share, colours: [green, red], bands: {green: ">=2", red: "<2"}': (
        "green and red are counted, and yellow between them is not; add yellow or take one out"
    ),
    'rollup: share, colours: [yellow], bands: {green: "<2", red: ">=2"}': (
        "yellow alone falls when a child turns red; count [yellow, red] or [green, yellow]"
    ),
    'rollup: count, bands: {green: "<2", red: ">=2"}': (
        "the more children are green, the worse this would be; write >= for a good colour"
    ),
    'rollup: count, colours: [red], bands: {green: ">0", red: 0}': (
        "no child is red, and this would not be green; write 0 or <= for a bad colour"
    ),
    'rollup: count, colours: [red], target: {value: ">= 3", every: month}': (
        "no child is red, and this would not be green; write 0 or <= for a bad colour"
    ),
    'rollup: count, bands: {green: ">=3", red: "<2"}': "bands leave a hole from 2 below 3",
    'rollup: weight_share, bands: {green: ">=300", red: "<300"}': (
        "bands.green can never be reached: group lies from 0 up to 100"
    ),
}  # fmt: skip


@pytest.mark.parametrize("body", MISTAKES, ids=range(len(MISTAKES)))
def test_what_does_not_fit_together_in_a_roll_up_is_named_at_its_line(tmp_path, body):
    found = sentences(tmp_path, rule(body, "group", "[province]"))
    assert found == [f"rules/small.yaml:6: group: {MISTAKES[body]}"]


GOOD = (
    'rollup: count, bands: {green: ">=2", red: "<2"}',
    'rollup: count, colours: [red], bands: {green: 0, red: ">0"}',
    'rollup: count, colours: [red, unknown], bands: {green: "<=1", red: ">1"}',
    'rollup: share, colours: [green, yellow], target: {value: ">= 90", every: month}',
    'rollup: weight, bands: {green: ">=2.5", red: "<2.5"}',
    'rollup: weight_share, bands: {green: ">=80", yellow: "50 to <80", red: "<50"}',
    "rollup: nth_best, nth: 8",
    'rollup: rate, indicator: rate, min_sample: 30, target: {value: ">= 80", every: month, floor: 60}',
)


@pytest.mark.parametrize("body", GOOD, ids=range(len(GOOD)))
def test_every_kind_of_roll_up_can_be_written(tmp_path, body):
    assert sentences(tmp_path, rule(body, "group", "[province, nation]")) == []


def test_at_least_n_and_none_red_become_the_engines_types(tmp_path):
    text = rule(GOOD[1], "none_red", "[province]") + rule(GOOD[6], "eighth", "[nation]")
    ruleset, _ = load_rules(site(tmp_path, text), ["small"])
    assert ruleset is not None
    none_red, eighth = ruleset.books[0].criteria
    assert (none_red.rollup, none_red.colours) == (RollUp.COUNT, frozenset({Colour.RED}))
    assert (eighth.rollup, eighth.nth) == (RollUp.NTH_BEST, 8)


def test_units_weigh_what_the_site_says_and_1_otherwise(tmp_path):
    make_site(tmp_path)
    weights = "      commune_weights: {01840: 12.5}\n      weight: 3\n      communes_depend_on: [tthc]"
    change(tmp_path / "config.yaml", "      communes_depend_on: [tthc]", weights)
    made = load_site(tmp_path, environ={}, now=NOW)
    assert [made.units[code].weight for code in ("19", "01840", "01843", "tthc")] == [3, 12.5, 1, 1]
