"""Facts of August 2025 that the engine must reproduce, by the shipped rule books and the shipped calendar."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor.config.build import load_site
from monitor.config.rulebooks import load_rules
from monitor.engine.book import Criterion, Ruleset
from monitor.engine.judge import judge
from monitor.engine.rollup import judge_rollup
from monitor.model.colour import Colour, worst
from monitor.model.hours import Calendar
from monitor.model.reading import Comparator, Reading
from monitor.model.unit import Level, Unit
from monitor.model.verdict import Counts, Verdict
from monitor.registry.calendar import vietnam_calendar
from monitor.ruletest import Office, run_books
from monitor.ruletest.timeline import Timeline

ROOT = Path(__file__).parents[2]
ON_THE_DAY = "2025-08-06T08:00:00+07:00"
THAI_NGUYEN = Counts(green=63, yellow=29, red=0)


@pytest.fixture(scope="module")
def calendar() -> Calendar:
    office = vietnam_calendar(ROOT / "rules/calendar_overrides.csv", range(2025, 2032), ZoneInfo("Asia/Ho_Chi_Minh"))
    assert office.problems == ()
    return office.calendar


def rules(book: str) -> Ruleset:
    ruleset, problems = load_rules(ROOT, [book])
    assert ruleset is not None, problems
    return ruleset


def criterion(book: str, name: str) -> Criterion:
    found = rules(book).criterion(name)
    assert found is not None
    return found


def judged(calendar: Calendar, book: str, name: str, value: float, at: str = ON_THE_DAY, sign: str = "=") -> Verdict:
    now = datetime.fromisoformat(at).astimezone(UTC)
    reading = Reading("19", name, value, now, now, "test", Comparator(sign))
    return judge(criterion(book, name), rules(book).indicators[name], reading, now, calendar)


def rolled_up(calendar: Calendar, counts: Counts, at: str = ON_THE_DAY) -> Verdict:
    now = datetime.fromisoformat(at).astimezone(UTC)
    return judge_rollup(criterion("two_tier_readiness", "communes_green_share"), counts, now, calendar)


@pytest.mark.parametrize(
    ("at", "colour", "overdue", "days"),
    [
        (ON_THE_DAY, Colour.YELLOW, False, 10),
        ("2025-08-19T23:59:59+07:00", Colour.YELLOW, False, 1),
        ("2025-08-20T00:00:00+07:00", Colour.RED, True, 0),
    ],
)
def test_an_online_rate_of_68_91_is_yellow_until_20_august_begins(calendar, at, colour, overdue, days):
    verdict = judged(calendar, "two_tier_readiness", "online_submission_rate", 68.91, at)
    assert (verdict.colour, verdict.overdue, verdict.working_days_left) == (colour, overdue, days)


def test_63_of_92_communes_green_and_none_red_is_yellow_with_13_working_days_left(calendar):
    verdict = rolled_up(calendar, THAI_NGUYEN)
    assert isinstance(verdict.value, float)
    assert (round(verdict.value, 2), verdict.colour, verdict.working_days_left) == (68.48, Colour.YELLOW, 13)
    assert (verdict.numerator, verdict.denominator, verdict.overdue) == (63, 92, False)


def test_the_green_share_is_overdue_when_25_august_begins(calendar):
    assert rolled_up(calendar, THAI_NGUYEN, "2025-08-24T23:59:59+07:00").colour is Colour.YELLOW
    late = rolled_up(calendar, THAI_NGUYEN, "2025-08-25T00:00:00+07:00")
    assert (late.colour, late.overdue) == (Colour.RED, True)


@pytest.mark.parametrize(
    ("book", "name", "sign", "value", "colour"),
    [
        ("recurring_targets", "payment_procedure_rate", "=", 86.72, Colour.GREEN),
        ("recurring_targets", "payment_dossier_rate", "=", 55.13, Colour.YELLOW),
        ("recurring_targets", "digitisation_rate", ">", 80, Colour.GREEN),
        ("recurring_targets", "online_submission_rate", ">", 75, Colour.YELLOW),
        ("two_tier_readiness", "online_submission_rate", ">", 75, Colour.YELLOW),
        ("two_tier_readiness", "g1552_compliance_rate", "=", 20.48, Colour.RED),
        ("two_tier_readiness", "essential_services_ready", "=", 10, Colour.RED),
        ("two_tier_readiness", "essential_services_ready", "=", 21, Colour.YELLOW),
    ],
)
def test_published_figures_have_their_colours(calendar, book, name, sign, value, colour):
    assert judged(calendar, book, name, value, sign=sign).colour is colour


@pytest.mark.parametrize(
    ("book", "counts", "colour"),
    [
        ("two_tier_readiness", Counts(green=91, yellow=0, red=1), Colour.YELLOW),
        ("service_health", Counts(green=90, yellow=1, red=1), Colour.GREEN),
    ],
)
def test_a_province_is_not_simply_the_worst_of_its_communes(calendar, book, counts, colour):
    now = datetime.fromisoformat(ON_THE_DAY).astimezone(UTC)
    share = judge_rollup(criterion(book, "communes_green_share"), counts, now, calendar)
    assert share.colour is colour
    assert worst(Colour.GREEN, Colour.YELLOW, Colour.RED) is Colour.RED


def test_a_commune_short_of_its_online_goal_is_yellow_and_stays_yellow_after_the_date(calendar):
    """29 communes of the report were not green yet, and none was red."""
    line = Timeline(
        Unit("02143", Level.COMMUNE, "xa", "Xã Văn Lang", "Van Lang", "Xa Van Lang", province="19"),
        rules("two_tier_readiness"),
        calendar,
    )
    done = {"procs_published_rate": 100.0, "procs_synced_rate": 100.0, "centre_address_published": True,
            "hotline_published": True, "centre_equipped": True, "online_submission_rate": 64.0}  # fmt: skip
    colours = []
    for at in (ON_THE_DAY, "2025-08-20T00:00:00+07:00"):
        now = datetime.fromisoformat(at).astimezone(UTC)
        line.advance(now, [Reading("02143", key, value, now, now, "test") for key, value in done.items()])
        assert line.standing is not None
        colours.append((line.standing.colour, line.criteria["commune_online_submission_rate"].colour))
    assert colours == [(Colour.YELLOW, Colour.YELLOW), (Colour.YELLOW, Colour.RED)]


def test_the_rule_tests_shipped_with_the_site_pass_and_reach_every_criterion(calendar):
    site = load_site(ROOT, environ={}, now=datetime(2026, 11, 20, tzinfo=UTC))
    report = run_books(ROOT, calendar, site.units, Office(site.directory, site.sessions))
    failures = [failure for result in report.results for failure in result.failures]
    assert (failures, report.problems, report.unreached) == ([], (), ())
    assert report.passed >= 80
