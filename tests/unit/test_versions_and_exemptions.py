"""Versions of a criterion and exemptions, through the one doorway: incidents, reminders, forecasts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path

import pytest

from monitor.alerting.escalate import reminder_instants
from monitor.config.rulebooks import load_rules
from monitor.decide import Policy, View, decide
from monitor.engine.book import Book, Exemption, RollUp, Ruleset
from monitor.model.hours import Calendar, Sessions
from monitor.model.incident import Kind, Phase
from monitor.model.state import Decision, UnitState
from monitor.model.unit import Level
from monitor.registry.calendar import vietnam_calendar
from monitor.reporting.why import why
from tests.unit.engine_scene import (
    CALENDAR,
    COMMUNE,
    GREEN,
    OTHER,
    PROVINCE,
    RED,
    SESSIONS,
    YELLOW,
    ZONE,
    directory,
    goal,
    local,
    measure,
    rule,
    standing_so,
    told,
    units,
)

OLD = rule("rate", levels=frozenset({Level.COMMUNE}), book="first")
NEW = replace(OLD, book="second", title_en="New")
FIRST = Book("first", "1", "Sổ", "First", (OLD,), valid_to=date(2025, 8, 31))
SECOND = Book("second", "2", "Sổ", "Second", (NEW,), valid_from=date(2025, 9, 1))
MONTHLY = measure(max_age=90 * 86400.0)
PAPER = Exemption("rate", COMMUNE, "12/QĐ-UBND", date(2025, 8, 25), before=date(2025, 9, 20))


def policy(*books: Book, exemptions: tuple[Exemption, ...] = (), sessions: Sessions = SESSIONS) -> Policy:
    rules = Ruleset({"rate": MONTHLY}, books, exemptions=exemptions)
    return Policy(units(), rules, directory(), sessions.calendar, sessions)


def step(before: UnitState | Decision, now: datetime, by: Policy, *news) -> Decision:
    state = before if isinstance(before, UnitState) else before.after
    return decide(View(state, news), by, now)


def book(**changes) -> Book:
    dated = replace(OLD, bands=(), target=goal(**changes), alert=frozenset({RED, YELLOW}))
    return Book("book", "1", "Sổ", "Book", (dated,))


# -- versions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "found"), [(date(2025, 8, 31), OLD), (date(2025, 9, 1), NEW), (None, NEW), (date(2020, 1, 1), OLD)]
)
def test_a_rule_is_looked_up_as_it_was_valid_on_the_day(day, found):
    rules = Ruleset({}, (FIRST, SECOND))
    assert rules.criterion("rate", day) == found
    assert rules.criterion("nothing", day) is None


def test_a_rule_that_ended_without_a_successor_is_still_found_for_what_it_judged():
    assert Ruleset({}, (FIRST,)).criteria(date(2026, 1, 1)) == {"rate": OLD}


def test_an_incident_stays_open_when_a_new_version_takes_over_at_midnight():
    by = policy(FIRST, SECOND)
    opened = step(UnitState(COMMUNE), local(31, 23, 30), by, told(50.0, local(31, 23, 30)))
    assert opened.after.recheck_at == local(1, month=9)
    taken_over = step(opened, local(1, month=9), by)
    (incident,) = taken_over.after.incidents.values()
    assert (incident.phase, incident.opened_at, incident.generation) == (Phase.OPEN, local(31, 23, 30), 0)
    assert (taken_over.incidents, taken_over.notices, taken_over.audit) == ((), (), ())
    assert taken_over.after.criteria["rate"].since == local(31, 23, 30)


def test_an_incident_is_retired_when_no_version_follows():
    by = policy(FIRST)
    ended = step(step(UnitState(COMMUNE), local(31, 12), by, told(50.0, local(31, 12))), local(1, month=9), by)
    assert (ended.after.incidents, [entry.action for entry in ended.audit]) == ({}, ["retired"])


def test_the_explanation_names_the_version_of_the_day():
    by = policy(FIRST, SECOND)
    judged = step(UnitState(COMMUNE), local(31, 12), by, told(50.0, local(31, 12)))
    for now, title in ((local(31, 13), OLD.title_en), (local(1, month=9), "New")):
        answer = why(units()[COMMUNE], judged.after, by.ruleset, CALENDAR, now)
        assert [criterion.title[1] for criterion in answer.criteria] == [title]


def written(root: Path, name: str, valid: str) -> None:
    text = (
        f"book: {name}\nversion: '1'\ntitle: {{vi: S, en: B}}\n{valid}criteria:\n"
        "  - {id: rate, applies_to: {levels: [commune]}, source: a,\n"
        "     bands: {green: '>=80', yellow: '60 to <80', red: '<60'}}\n"
    )
    (root / f"rules/{name}.yaml").write_text(text, "utf-8")


@pytest.mark.parametrize(
    ("first", "second", "mistakes"),
    [
        ("valid: {to: 2025-08-31}\n", "valid: {from: 2025-09-01}\n", 0),
        ("valid: {to: 2025-09-01}\n", "valid: {from: 2025-09-01}\n", 1),
        ("", "valid: {from: 2025-09-01}\n", 1),
    ],
)
def test_two_books_may_carry_one_criterion_only_one_after_the_other(tmp_path, first, second, mistakes):
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/indicators.yaml").write_text(
        "indicators:\n  rate: {name: {vi: T, en: R}, sms: T, unit: '%', group: services, cadence: daily, source: a}\n"
    )
    written(tmp_path, "one", first)
    written(tmp_path, "two", second)
    _, problems = load_rules(tmp_path, ["one", "two"])
    assert [problem.what for problem in problems] == ["the criterion 'rate' is there twice"] * mistakes


# -- exemptions and reminders -----------------------------------------------------------------------------------------


def test_an_exemption_ends_what_is_overdue_from_its_day_on_and_leaves_what_was():
    by = policy(book(), exemptions=(PAPER,))
    late = step(step(UnitState(COMMUNE), local(19, 12), by, told(70.0, local(19, 12))), local(20), by)
    assert [i.kind for i in late.after.incidents.values()] == [Kind.OVERDUE]
    (still,) = step(late, local(24, 23, 59, 59), by).after.incidents.values()
    assert (still.kind, still.generation, still.phase) == (Kind.OVERDUE, 1, Phase.OPEN)
    given = step(late, local(25), by)
    state = given.after.criteria["rate"]
    assert (state.colour, state.verdict.deadline, state.verdict.days_left) == (YELLOW, local(20, month=9), 26)
    assert [i.closed_at for i in given.incidents] == [local(25)]
    assert [(change.before, change.after) for change in given.transitions if change.criterion] == [(RED, YELLOW)]


def test_what_was_judged_before_the_decision_is_judged_the_same_with_the_register():
    news = told(70.0, local(19, 12))
    for now in (local(19, 13), local(20), local(24, 23, 59, 59)):
        found = [
            step(UnitState(COMMUNE), now, policy(book(), exemptions=register), news).after.criteria["rate"]
            for register in ((), (PAPER,))
        ]
        without, excepted = (replace(one, verdict=replace(one.verdict, recheck_at=None)) for one in found)
        assert excepted == without


def test_reminders_go_by_the_exempted_date_and_to_the_exempted_unit_only():
    by = policy(book(), exemptions=(replace(PAPER, decided=date(2025, 8, 1)),))
    for unit, near in ((COMMUNE, False), (OTHER, True)):
        found = step(UnitState(unit), local(13, 8), by, told(70.0, local(13, 8), unit=unit))
        assert bool(found.after.incidents) is near
    closer = step(UnitState(COMMUNE), local(12, 8, month=9), by, told(70.0, local(12, 8, month=9)))
    (incident,) = closer.after.incidents.values()
    assert incident.facts["deadline"] == local(20, month=9)


def test_nobody_is_reminded_of_a_target_that_is_met():
    by = policy(book())
    found = step(UnitState(COMMUNE), local(13, 8), by, told(80.0, local(13, 8)))
    assert (found.after.incidents, found.notices) == ({}, ())
    reminded = step(UnitState(COMMUNE), local(13, 8), by, told(70.0, local(13, 8)))
    assert len(reminded.after.incidents) == 1
    met = step(reminded, local(14, 8), by, told(80.0, local(14, 8)))
    assert met.after.incidents == {}


def test_t_minus_days_count_the_worked_saturday_and_not_the_bridge_day():
    calendar: Calendar = vietnam_calendar(
        Path(__file__).parents[2] / "rules/calendar_overrides.csv", range(2025, 2028), ZONE
    ).calendar
    sessions = Sessions(calendar, ((((time(7, 30), time(17))),),) * 5 + ((), ()))
    too_late = calendar.start_of_day(date(2026, 1, 13))  # Tuesday; Monday the 12th is the last good day
    found = reminder_instants(too_late, (10, 5, 3, 1), sessions, calendar.start_of_day(date(2025, 12, 20)))
    days = [calendar.local(at).date() for at in found]
    assert days == [date(2025, 12, 29), date(2026, 1, 7), date(2026, 1, 9), date(2026, 1, 12)]
    assert [calendar.working_days_between(day, date(2026, 1, 13)) for day in days] == [10, 5, 3, 1]


def test_the_explanation_names_the_paper_and_the_forecast_in_both_languages():
    by = policy(book(), exemptions=(PAPER,))
    judged = step(UnitState(COMMUNE), local(1, month=9), by, told(70.0, local(1, month=9)))
    (found,) = why(units()[COMMUNE], judged.after, by.ruleset, CALENDAR, local(1, 12, month=9)).criteria
    assert "target >= 80 before 2025-09-20" in found.thresholds
    vi, en = found.reasons[-1]
    assert vi == "theo 12/QĐ-UBND, hạn là trước 00:00 20/09/2025 thay vì trước 00:00 20/08/2025"
    assert en == "by 12/QĐ-UBND, due before 00:00 20/09/2025 instead of before 00:00 20/08/2025"
    assert found.ahead == (("cần thay đổi 0,71 mỗi ngày làm việc", "0.71 per working day are needed"),)


# -- the past of a roll-up --------------------------------------------------------------------------------------------


def test_a_roll_up_with_a_target_remembers_its_days_and_has_a_pace():
    share = rule(
        "share", levels=frozenset({Level.PROVINCE}), indicator=None, rollup=RollUp.GREEN_SHARE, bands=(),
        target=goal(">=", 100.0, before=date(2025, 8, 25)),
    )  # fmt: skip
    by = policy(Book("book", "1", "Sổ", "Book", (share,)))
    state = UnitState(PROVINCE)
    for day, green in ((4, 1), (5, 2), (6, 3)):
        for hour in (8, 9):  # the last value of a day counts
            children = standing_so(*(GREEN if n < green + (hour == 9) else YELLOW for n in range(10)))
            state = decide(View(state, children=children), by, local(day, hour)).after
    assert state.series["share"].values == (20.0, 30.0, 40.0)
    ahead = state.criteria["share"].verdict.forecast
    assert ahead is not None
    assert ahead.actual_pace == pytest.approx(10.0)
    assert ahead.required_pace == pytest.approx(60 / 13)
    assert ahead.projected == 100.0
    assert state.criteria["share"].verdict.days_left == 19
