from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor.alerting.plan import Directory, Policy, Recipient, StepSpec
from monitor.config.rulebooks import load_rules
from monitor.model.colour import Colour
from monitor.model.hours import Calendar
from monitor.model.incident import Kind
from monitor.model.reading import Reading
from monitor.model.unit import Level, Unit, Units
from monitor.ruletest import Office, Report, run_books, run_tests
from monitor.ruletest.timeline import Timeline
from tests.unit.alerting_scene import SESSIONS

CALENDAR = Calendar(frozenset(), frozenset(), ZoneInfo("Asia/Ho_Chi_Minh"))
FILES = {
    "indicators.yaml": """
indicators:
  rate: {name: {vi: Tỷ lệ, en: Rate}, sms: Ty le, unit: "%", group: services, cadence: daily, source: a paper}
  up: {name: {vi: Có, en: Up}, sms: Co, unit: bool, group: infrastructure, cadence: 60s, source: a paper}
""",
    "small.yaml": """
book: small
version: "1"
title: {vi: Nhỏ, en: Small}
criteria:
  - id: rate
    applies_to: {levels: [commune]}
    target: {value: ">= 80", before: 2025-08-20, floor: 60}
    alert: [red, yellow]
    weight: {commune: 8}
    source: a paper
  - id: up
    applies_to: {levels: [system]}
    inherit: [commune]
    bands: {green: true, red: false}
    for: 1x 60s
    critical: true
    source: a paper
""",
}


def run(root: Path, tests: str, units: Units | None = None, office: Office | None = None) -> Report:
    (root / "rules").mkdir()
    for name, text in FILES.items():
        (root / "rules" / name).write_text(text, "utf-8")
    (root / "rules/small_test.yaml").write_text(f"book: small\ntests:\n{tests}", "utf-8")
    ruleset, problems = load_rules(root, ["small"])
    assert ruleset is not None, problems
    return run_tests(root, ruleset, CALENDAR, units, office)


def test_nothing_judges_a_unit_of_the_site_on_the_days_on_which_it_is_not_there(tmp_path):
    unit = Unit(
        "02143", Level.COMMUNE, "xa", "Xã", "Commune", "Xa", valid_from=date(2025, 8, 1), valid_to=date(2025, 8, 19)
    )
    report = run(
        tmp_path,
        """
  - name: from the first day to the last
    unit: "02143"
    given: [{indicator: rate, value: 70}]
    expect:
      - {at: 2025-07-31T23:59:59, judged: false}
      - {at: 2025-08-18T23:59:59, colour: yellow}
      - {at: 2025-08-19T00:00, judged: false}
""",
        Units((unit,)),
    )
    assert [line for result in report.results for line in result.failures] == []
    assert (report.passed, report.problems) == (1, ())


def test_a_test_that_sees_what_it_expects_passes_and_is_covered(tmp_path):
    report = run(
        tmp_path,
        """
  - name: late
    criterion: rate
    unit: commune
    given: [{value: 70}]
    expect:
      - {at: 2025-08-19T23:59:59, colour: yellow, working_days_left: 1, overdue: false, reasons: [not_yet], value: 70}
      - {at: 2025-08-20T00:00, colour: red, overdue: true, deadline: 2025-08-20T00:00:00+07:00}
""",
    )
    assert (report.passed, report.failed, report.ok) == (1, 0, True)
    assert report.coverage["rate"] == {Colour.YELLOW, Colour.RED}
    assert report.unreached == ("up",)


def test_every_difference_is_a_sentence_with_file_and_line(tmp_path):
    report = run(
        tmp_path,
        """
  - name: wrong
    criterion: rate
    unit: commune
    given: [{value: 70}]
    expect:
      - {at: 2025-08-19T08:00, colour: green, working_days_left: 5, overdue: true, reasons: [band], value: 71}
      - {at: 2025-08-19T09:00, deadline: 2025-08-21T00:00, caused_by: box}
""",
    )
    assert (report.passed, report.failed, report.ok) == (0, 1, False)
    first = "rules/small_test.yaml:9: wrong: at 2025-08-19T08:00 "
    second = "rules/small_test.yaml:10: wrong: at 2025-08-19T09:00 "
    assert report.results[0].failures == (
        f"{first}the colour is yellow, not green (70 does not yet meet the target ≥ 80; 1 working day left)",
        f"{first}the reasons are not_yet, without band",
        f"{first}the value is 70, not 71",
        f"{first}1 working days are left, not 5",
        f"{first}it is not overdue",
        f"{second}it is caused by nothing else, not by box",
        f"{second}the deadline is 2025-08-19T17:00:00+00:00, not 2025-08-21T00:00",
    )


def test_readings_come_in_at_their_own_time_whatever_their_order_in_the_file(tmp_path):
    report = run(
        tmp_path,
        """
  - name: two days
    criterion: rate
    unit: commune
    given:
      - {value: 85, as_of: 2025-08-11T01:00}
      - {value: 70, as_of: 2025-08-10T01:00}
    expect:
      - {at: 2025-08-11T02:00, colour: green}
      - {at: 2025-08-10T02:00, colour: yellow}
      - {at: 2025-08-13T03:00, colour: unknown, reasons: [stale]}
""",
    )
    assert report.results[0].failures == ()


def test_a_hold_ripens_between_the_instants_of_a_test(tmp_path):
    report = run(
        tmp_path,
        """
  - name: a minute of patience
    criterion: up
    unit: system
    given:
      - {value: true, as_of: 2025-08-11T08:00}
      - {value: false, as_of: 2025-08-11T08:01}
    expect:
      - {at: 2025-08-11T08:01:59, colour: green, reasons: [pending]}
      - {at: 2025-08-11T08:02:30, colour: red}
""",
    )
    assert report.results[0].failures == ()


def test_a_unit_inherits_what_a_test_tells_of_its_system_and_nothing_else(tmp_path):
    report = run(
        tmp_path,
        """
  - name: depends on none
    unit: commune
    given: [{indicator: rate, value: 90}]
    expect: [{at: 2025-08-11T08:00, colour: green, score: 100}]
  - name: depends on one that is down
    unit: commune
    given: [{indicator: rate, value: 90}, {indicator: up, value: false}]
    expect:
      - {at: 2025-08-11T08:00, colour: unknown}
      - {at: 2025-08-11T08:01, colour: red, caused_by: system, reasons: [critical_red]}
""",
    )
    assert [result.failures for result in report.results] == [(), ()]
    assert report.unreached == ()


def test_what_the_book_does_not_judge_must_be_expected_so(tmp_path):
    report = run(
        tmp_path,
        """
  - name: a province has no rate here
    criterion: rate
    unit: province
    expect: [{at: 2025-08-11T08:00, judged: false}, {at: 2025-08-11T09:00, colour: green}]
  - name: nor any rule
    unit: nation
    expect: [{at: 2025-08-11T08:00, colour: green}]
  - name: a commune has
    criterion: rate
    unit: commune
    given: [{value: 90}]
    expect: [{at: 2025-08-11T08:00, judged: false}]
""",
    )
    assert [len(result.failures) for result in report.results] == [1, 1, 1]
    assert report.results[0].failures[0].endswith("nothing judges made-province by it")


def test_a_unit_of_the_site_can_be_named_by_its_code(tmp_path):
    units = Units((Unit("02143", Level.COMMUNE, "xa", "Xã Văn Lang", "Van Lang Commune", "Xa Van Lang"),))
    report = run(
        tmp_path,
        """
  - name: Văn Lang
    criterion: rate
    unit: "02143"
    given: [{value: 90}]
    expect: [{at: 2025-08-11T08:00, colour: green}]
""",
        units,
    )
    assert report.ok


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("criterion: rote", "rules/small_test.yaml:4: the book has no criterion 'rote'; did you mean 'rate'?"),
        ("unit: '02143'", "rules/small_test.yaml:5: there is no unit '02143'; "
         "write a level, a code of the site, or {level: ..., code: ...}"),
        ("given: [{indicator: rote, value: 1}]",
         "rules/small_test.yaml:6: there is no indicator 'rote'; did you mean 'rate'?"),
        ("expect: [{at: yesterday}]", "rules/small_test.yaml:7: tests[0].expect[0].at is no instant; "
         "write it as 2025-08-20T00:00:00+07:00"),
        ("expect: [{at: 2025-08-11T08:00, color: green}]",
         "rules/small_test.yaml:7: unknown key 'color' in tests[0].expect[0]; did you mean 'colour'?"),
    ],
)  # fmt: skip
def test_a_test_that_cannot_be_run_is_a_problem_not_a_pass(tmp_path, change, sentence):
    keys = {
        "criterion": "criterion: rate", "unit": "unit: commune", "given": "given: [{value: 1}]",
        "expect": "expect: [{at: 2025-08-11T08:00}]",
    }  # fmt: skip
    keys[change.split(":")[0]] = change
    report = run(tmp_path, "  - name: odd\n" + "".join(f"    {line}\n" for line in keys.values()))
    assert [str(problem) for problem in report.problems] == [sentence]
    assert (report.ok, report.passed) == (False, 0)


def test_a_reading_of_a_whole_unit_must_name_its_indicator(tmp_path):
    report = run(
        tmp_path,
        """
  - name: whose
    unit: commune
    given: [{value: 1}]
    expect: [{at: 2025-08-11T08:00, given: 2}]
""",
    )
    assert [str(problem) for problem in report.problems] == [
        "rules/small_test.yaml:6: the reading names no indicator; add 'indicator'",
        "rules/small_test.yaml:7: the reading names no indicator; add 'indicator'",
    ]


def test_a_book_that_cannot_be_used_is_told_by_the_run_over_all_books(tmp_path):
    run(tmp_path, "  - {name: n, criterion: rate, unit: commune, expect: [{at: 2025-08-11T08:00}]}\n")
    (tmp_path / "rules/lost_test.yaml").write_text("book: lost\ntests: []\n", "utf-8")
    report = run_books(tmp_path, CALENDAR)
    assert [str(problem) for problem in report.problems] == ["rules/lost.yaml:1: there is no such file"]
    assert report.passed == 1


def test_time_alone_moves_a_unit_only_at_the_instants_the_engine_asked_for(tmp_path):
    run(tmp_path, "  - {name: n, criterion: rate, unit: commune, expect: [{at: 2025-08-11T08:00}]}\n")
    ruleset, _ = load_rules(tmp_path, ["small"])
    assert ruleset is not None
    line = Timeline(Unit("02143", Level.COMMUNE, "xa", "Xã", "Commune", "Xa"), ruleset, CALENDAR)
    start, due = datetime(2025, 8, 19, 3, tzinfo=UTC), datetime(2025, 8, 19, 17, tzinfo=UTC)
    line.advance(start, [Reading("02143", "rate", 70.0, start, start, "test")])
    line.advance(datetime(2025, 8, 20, 3, tzinfo=UTC))
    assert (line.criteria["rate"].colour, line.criteria["rate"].since) == (Colour.RED, due)


OUTAGE = """
  - name: an outage
    criterion: up
    unit: UNIT
    expect:
      - {at: 2025-08-11T08:00, given: true, incidents: [], notices: []}
      - {at: 2025-08-11T08:01, given: false, colour: green, incidents: [], notices: []}
      - {at: 2025-08-11T08:02, given: false, incidents: [up], notices: [{kind: kpi_red, to: ROLE}]}
      - {at: 2025-08-11T09:00, given: false, incidents: [up], notices: []}
      - {at: 2025-08-11T09:01, given: true, incidents: [], notices: [{kind: kpi_met, to: ROLE}]}
"""


def outage(unit: str, role: str) -> str:
    return OUTAGE.replace("UNIT", unit).replace("ROLE", role)


def test_a_test_expects_incidents_notices_and_silence(tmp_path):
    assert run(tmp_path, outage("system", "duty")).results[0].failures == ()


def test_a_wrong_expectation_of_who_hears_of_it_fails_with_file_and_line(tmp_path):
    report = run(
        tmp_path,
        """
  - name: wrong
    criterion: up
    unit: system
    expect:
      - {at: 2025-08-11T08:00, given: true, incidents: [up], notices: [{kind: kpi_red, to: duty}]}
      - {at: 2025-08-11T08:01, given: false}
      - {at: 2025-08-11T08:02, given: false, incidents: [], notices: []}
      - {at: 2025-08-11T08:03, given: false, notices: [{kind: kpi_red, to: duty}]}
      - {at: 2025-08-11T08:04, given: true, notices: [{kind: kpi_red, to: duty}]}
""",
    )
    place = "rules/small_test.yaml"
    assert report.results[0].failures == (
        f"{place}:8: wrong: at 2025-08-11T08:00 the open incidents are none, not up",
        f"{place}:8: wrong: at 2025-08-11T08:00 what became owed is silence, not kpi_red to duty",
        f"{place}:10: wrong: at 2025-08-11T08:02 the open incidents are up, not none",
        f"{place}:10: wrong: at 2025-08-11T08:02 what became owed is kpi_red to duty, not silence",
        f"{place}:11: wrong: at 2025-08-11T08:03 what became owed is silence, not kpi_red to duty",
        f"{place}:12: wrong: at 2025-08-11T08:04 what became owed is kpi_met to duty, not kpi_red to duty",
    )


def test_a_yellow_target_is_silent_until_its_reminders_and_each_of_them_is_one_notice(tmp_path):
    report = run(
        tmp_path,
        """
  - name: a date comes near
    criterion: rate
    unit: commune
    given: [{value: 70}]
    expect:
      - {at: 2025-08-05T23:59:59, colour: yellow, incidents: [], notices: []}
      - {at: 2025-08-06T07:59:59, incidents: [rate], notices: []}
      - {at: 2025-08-06T08:00, incidents: [rate], notices: [{kind: kpi_yellow, to: duty}]}
      - {at: 2025-08-12T18:00, notices: []}
      - {at: 2025-08-15T18:00, notices: [{kind: kpi_yellow, to: duty}, {kind: kpi_yellow, to: duty}]}
      - {at: 2025-08-19T08:00, incidents: [rate], notices: [{kind: kpi_yellow, to: duty}]}
      - {at: 2025-08-20T08:00, incidents: [rate], notices: [{kind: overdue, to: duty}]}
""",
    )
    assert report.results[0].failures == ()


def site(*recipients: Recipient) -> tuple[Units, Office]:
    system = Unit("box", Level.SYSTEM, "system", "Hộp", "Box", "Hop", province="19")
    province = Unit("19", Level.PROVINCE, "tinh", "Tỉnh", "Province", "Tinh")
    plan = Policy("all", frozenset(Kind), (StepSpec(0, ("guard",), ("log",)),))
    return Units((system, province)), Office(Directory(recipients, (plan,)), SESSIONS)


GUARD = Recipient("g", "guard", "19", "Guard", channels=("log",))


@pytest.mark.parametrize(
    ("unit", "role"),
    [("box", "guard"), ("{level: system, code: new, province: '19'}", "guard"), ("system", "duty")],
)
def test_a_unit_of_the_site_is_told_of_by_the_plan_of_the_site_and_any_other_by_one_post(tmp_path, unit, role):
    units, office = site(GUARD)
    assert run(tmp_path, outage(unit, role), units, office).results[0].failures == ()


def test_a_role_that_two_people_hold_is_one_call_and_a_role_that_nobody_holds_is_silence(tmp_path):
    second = Recipient("h", "guard", "19", "Second", channels=("log",))
    units, office = site(GUARD, second)
    assert run(tmp_path, outage("box", "guard"), units, office).ok
    (tmp_path / "other").mkdir()
    failures = run(tmp_path / "other", outage("box", "guard"), *site()).results[0].failures
    assert [failure.split(" 2025-08-11T")[1] for failure in failures] == [
        "08:02 what became owed is silence, not kpi_red to guard",
        "09:01 what became owed is silence, not kpi_met to guard",
    ]


def test_calls_and_reminders_fall_due_between_the_instants_of_a_test(tmp_path):
    report = run(
        tmp_path,
        """
  - name: reminded in the morning, met at noon
    criterion: rate
    unit: commune
    given:
      - {value: 70, as_of: 2025-08-05T20:00}
      - {value: 80, as_of: 2025-08-06T12:00}
    expect:
      - {at: 2025-08-05T21:00, colour: yellow, incidents: [], notices: []}
      - at: 2025-08-06T13:00
        colour: green
        incidents: []
        notices: [{kind: kpi_yellow, to: duty}, {kind: kpi_met, to: duty}]
""",
    )
    assert report.results[0].failures == ()


def test_of_a_roll_up_every_colour_of_the_worst_and_the_gate_of_the_known_are_measured(tmp_path):
    group = """
  - id: worst
    title: {vi: Nhóm, en: Group}
    rollup: worst
    applies_to: {levels: [province]}
    source: a paper
"""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/indicators.yaml").write_text(FILES["indicators.yaml"], "utf-8")
    (tmp_path / "rules/small.yaml").write_text(FILES["small.yaml"].rstrip() + group, "utf-8")
    tests = "".join(
        f"  - {{name: n, criterion: worst, unit: province, children: {children}, expect: [{{at: 2025-08-11T08:00}}]}}\n"
        for children in ("{green: 3}", "{green: 2, red: 1}")
    )
    (tmp_path / "rules/small_test.yaml").write_text(f"book: small\ntests:\n{tests}", "utf-8")
    report = run_books(tmp_path, CALENDAR)
    assert [part.what for part, reached in report.parts.items() if part.criterion == "worst" and not reached] == [
        "a group of which too little is known",
        "a group whose worst is yellow",
    ]
