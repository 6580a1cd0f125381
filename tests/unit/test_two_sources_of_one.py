"""Two sources that fill one indicator of one unit: refused, unless the indicator says which of them counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.config.build import load_site
from monitor.service.app import measuring
from tests.unit.sites import NOW, change, make_site, problems_of

SECOND = """\
  - id: centre-tcp
    kind: tcp
    units: {level: commune}
    gives: centre_reachable
    host: "{code}.example.vn"
    port: 443
    period: 30s
    timeout: 5s
feeds:
"""
COLUMNS = "    columns:\n"
CADENCE = "    cadence: 30s\n"


def _with_two(folder: Path) -> Path:
    return make_site(folder, "feeds:\n", SECOND)


@pytest.mark.parametrize("preferred", ["centre", "centre-tcp"])
def test_a_second_probe_stands_in_where_the_indicator_lists_the_first(tmp_path, preferred):
    change(_with_two(tmp_path) / "rules" / "indicators.yaml", CADENCE, f"{CADENCE}    sources: [{preferred}]\n")
    assert problems_of(tmp_path) == []


def test_a_third_probe_is_refused_where_the_indicator_lists_only_one(tmp_path):
    change(_with_two(tmp_path) / "config.yaml", "feeds:\n", SECOND.replace("centre-tcp", "centre-third"))
    change(tmp_path / "rules" / "indicators.yaml", CADENCE, f"{CADENCE}    sources: [centre]\n")
    [problem] = problems_of(tmp_path)
    assert problem.startswith("config.yaml:42: 'centre_reachable' of the unit '01840' is filled in line 34 already")


def test_a_feed_that_is_expected_to_have_the_units_of_a_probe_is_refused(tmp_path):
    column = "      centre_reachable: {value: up, words: {có: true, không: false}}\n"
    make_site(tmp_path, COLUMNS, COLUMNS + column)
    change(tmp_path / "config.yaml", "    period: 5m\n", "    period: 1m\n")
    [problem] = problems_of(tmp_path)
    assert problem.startswith("config.yaml:42: 'centre_reachable' of the unit '01840' is filled in line 19 already")


def test_probes_of_other_units_may_fill_the_same_indicator(tmp_path):
    make_site(tmp_path, "    units: {level: commune}\n    gives", "    units: {codes: ['01840']}\n    gives")
    change(tmp_path / "config.yaml", "feeds:\n", SECOND.replace("{level: commune}", "{codes: ['01843']}"))
    assert problems_of(tmp_path) == []


def test_one_probe_fills_an_indicator_once(tmp_path):
    names = (
        "  - id: names\n    kind: dns\n    units: {codes: [tthc]}\n    gives: centre_reachable\n"
        "    server: ns.example.vn\n    name: example.vn\n    record: A\n    period: 30s\n    timeout: 5s\n"
        "    also: {seconds: answer, ttl: answer}\nfeeds:\n"
    )
    make_site(tmp_path, "feeds:\n", names)
    answer = (
        "indicators:\n  answer:\n    name: {vi: Trả lời, en: Answer}\n    sms: Tra loi\n    unit: s\n"
        "    group: infrastructure\n    cadence: 30s\n    sources: [names]\n    source: a test\n"
    )
    change(tmp_path / "rules" / "indicators.yaml", "indicators:\n", answer)
    [problem] = problems_of(tmp_path)
    assert problem.startswith("config.yaml:40: 'answer' of the unit 'tthc' is filled in line 40 already")


SECOND_FEED = """\
  - id: other
    kind: json
    owner: "19"
    url: http://127.0.0.1:8867/other
    period: 5m
    max_silence: 26h
    rows: data
    unit: code
    expects: {codes: ["01840"]}
    columns:
      online_rate: {value: rate}
channels:
"""


def test_two_feeds_of_one_unit_are_refused_unless_one_is_preferred(tmp_path):
    make_site(tmp_path, "channels:\n", SECOND_FEED)
    assert problems_of(tmp_path) == [
        "config.yaml:54: 'online_rate' of the unit '01840' is filled in line 42 already; "
        "fill another indicator, or list the preferred one under 'sources' of 'online_rate'"
    ]
    rate = "  online_rate:\n"
    change(tmp_path / "rules" / "indicators.yaml", rate, f"{rate}    sources: [other]\n")
    assert problems_of(tmp_path) == []


def test_a_feed_of_which_nobody_says_whose_rows_it_has_is_refused_where_all_that_it_could_name_is_filled(tmp_path):
    any_row = SECOND_FEED.replace('    expects: {codes: ["01840"]}\n', "")
    make_site(tmp_path / "some", "channels:\n", any_row)
    assert problems_of(tmp_path / "some") == []  # it may be about the province or the system
    every = "    expects: {codes: ['19', tthc, '01840', '01843']}\n"
    make_site(tmp_path / "all", "channels:\n", any_row)
    change(tmp_path / "all" / "config.yaml", "    expects: {level: commune}\n", every)
    [problem] = problems_of(tmp_path / "all")
    assert "'online_rate' of every unit that a row could name is filled in line 42 already; say under 'exp" in problem


def test_two_feeds_of_an_indicator_that_says_from_where_on_they_disagree_are_both_kept(tmp_path):
    make_site(tmp_path, "channels:\n", SECOND_FEED)
    change(tmp_path / "rules" / "indicators.yaml", "  online_rate:\n", "  online_rate:\n    disagree: 5\n")
    assert problems_of(tmp_path) == []


def test_feeds_of_other_units_may_share_a_table_of_codes(tmp_path):
    (make_site(tmp_path) / "codes.csv").write_text("unit,other_code\n01840,A\n01843,B\n", encoding="utf-8")
    table = "    mapping: codes.csv\n    codes: other_code\n"
    change(tmp_path / "config.yaml", "    expects: {level: commune}\n", f"{table}    expects: {{codes: ['01843']}}\n")
    change(tmp_path / "config.yaml", "channels:\n", SECOND_FEED.replace("    expects", f"{table}    expects"))
    assert problems_of(tmp_path) == []
    change(tmp_path / "config.yaml", "    expects: {codes: ['01843']}\n", "    expects: {level: commune}\n")
    [problem] = problems_of(tmp_path)
    assert "'online_rate' of the unit '01840' is filled in line 44 already; fill another indicator" in problem
    change(tmp_path / "config.yaml", "    expects: {level: commune}\n", "")
    assert problems_of(tmp_path) == [
        "config.yaml:57: 'online_rate' of the unit '01840' is filled in line 43 already; say under 'expects' of each "
        "feed whose rows it has, fill another indicator, or list the preferred one under 'sources' of 'online_rate'"
    ]


def test_a_source_measures_what_it_fills_and_nothing_else(tmp_path):
    found = measuring(load_site(make_site(tmp_path), environ={}, now=NOW))
    assert {("centre", "centre_reachable"), ("portal", "online_rate")} <= found
    assert not {("centre", "online_rate"), ("portal", "centre_reachable")} & found
