"""Why a unit has its colour."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from monitor.decide import Policy, View, decide
from monitor.engine.book import Book, Index, IndexGroup, Period, Points, RollUp, Where
from monitor.model.reading import Reading
from monitor.model.state import UnitState
from monitor.reporting.why import Why, headline, thresholds, why
from tests.unit.engine_scene import (
    CALENDAR,
    COMMUNE,
    GREEN,
    HOUR,
    MINUTE,
    NOON,
    OUTAGE_BANDS,
    PROVINCE,
    RED,
    SESSIONS,
    UNKNOWN,
    YELLOW,
    YES_OR_NO,
    directory,
    goal,
    local,
    rule,
    ruleset,
    standing_so,
    told,
    units,
)

CENTRE = rule("up", bands=YES_OR_NO, critical=True, outage=True, where=Where("rules/service_health.yaml", 12))
ONLINE = rule("rate", bands=(), target=goal(floor=60.0), legal_basis=("QĐ 766",), source="S0", assumed=True)
OUTAGE = rule("down_minutes", bands=OUTAGE_BANDS)


def explained(*news: Reading, criteria=(CENTRE, ONLINE), at=NOON, look=None, unit: str = COMMUNE, children=()) -> Why:
    rules = ruleset(*criteria)
    policy = Policy(units(), rules, directory(), CALENDAR, SESSIONS)
    state = decide(View(UnitState(unit), news, standing_so(*children)), policy, at).after
    return why(policy.units[unit], state, rules, CALENDAR, look or at)


def test_of_two_books_that_follow_one_another_only_the_valid_one_tells_of_its_index():
    scored = rule("rate", bands=(), points=Points(100.0, "A"), alert=frozenset())
    index = Index((IndexGroup("A", "A", "A", 100.0),))
    old = Book("old", "1", "Cũ", "Old", (scored,), valid_to=date(2025, 8, 6), index=index)
    new = Book("new", "1", "Mới", "New", (scored,), valid_from=date(2025, 8, 7), index=index)
    rules = replace(ruleset(scored), books=(old, new))
    policy = Policy(units(), rules, directory(), CALENDAR, SESSIONS)
    state = decide(View(UnitState(COMMUNE), (told(50.0),)), policy, NOON).after
    days = {at: why(policy.units[COMMUNE], state, rules, CALENDAR, at).indexes for at in (NOON, NOON + 24 * HOUR)}
    assert [[index.book for index in found] for found in days.values()] == [["old"], ["new"]]


def test_every_criterion_says_value_limits_deadline_age_and_place_of_its_rule():
    answer = explained(
        told(True, indicator="up"), told(68.91, numerator=6891.0, denominator=10_000.0), look=NOON + HOUR
    )
    by_id = {criterion.id: criterion for criterion in answer.criteria}
    online = by_id["rate"]
    assert online.value == ("68,91 % (6.891/10.000)", "68.91 % (6,891/10,000)")
    assert online.thresholds == ("target >= 80 before 2025-08-20", "floor 60")
    assert (online.deadline, online.working_days_left, online.overdue) == (local(20), 10, False)
    assert (online.data_age, online.source, online.weight) == (3600.0, "portal", 10.0)
    assert (online.legal_basis, online.basis, online.assumed) == (("QĐ 766",), "S0", True)
    assert online.reasons == (
        (
            "68,91 chưa đạt chỉ tiêu ≥ 80; còn 10 ngày làm việc",
            "68.91 does not yet meet the target ≥ 80; 10 working days left",
        ),
    )
    assert (by_id["up"].value[0], by_id["up"].rule) == ("có", "rules/service_health.yaml:12")


def test_what_the_source_said_of_a_bad_value_is_told_with_it():
    answer = explained(told(False, indicator="up", source="probe", note="refused: 10.1.2.3:443"), told(70.0))
    assert {one.id: one.told for one in answer.criteria} == {"up": "refused: 10.1.2.3:443", "rate": ""}


def test_the_most_urgent_criteria_come_first():
    answer = explained(told(False, indicator="up"), told(90.0), criteria=(ONLINE, OUTAGE, CENTRE))
    assert [(c.id, c.colour) for c in answer.criteria] == [("up", RED), ("down_minutes", YELLOW), ("rate", GREEN)]


def test_the_reasons_of_the_unit_name_criteria_by_their_titles():
    answer = explained(told(False, indicator="up"), told(90.0))
    assert (answer.colour, answer.level) == (RED, RED)
    assert answer.reasons == (("tiêu chí trọng yếu “Tiêu chí up” đỏ", "the critical criterion “Criterion up” is red"),)


def test_a_unit_that_was_never_judged_is_unknown_and_that_is_all():
    answer = why(units()[COMMUNE], UnitState(COMMUNE), ruleset(), CALENDAR, NOON)
    assert (answer.colour, answer.reasons, answer.criteria, answer.since) == (UNKNOWN, (), (), None)


def test_a_criterion_without_data_has_no_value_no_age_and_says_so():
    (centre,) = explained(criteria=(CENTRE,)).criteria
    assert (centre.value, centre.data_age, centre.as_of) == (("-", "-"), None, None)
    assert centre.reasons == (("chưa từng nhận được số liệu", "no data was ever received"),)


def test_a_rule_that_is_gone_is_left_out():
    state = decide(
        View(UnitState(COMMUNE)), Policy(units(), ruleset(CENTRE), directory(), CALENDAR, SESSIONS), NOON
    ).after
    assert why(units()[COMMUNE], state, ruleset(ONLINE), CALENDAR, NOON).criteria == ()


def test_an_interruption_is_told_in_minutes():
    later = NOON + 2 * MINUTE
    down = (told(False, indicator="up"), told(False, later, indicator="up"))
    (outage,) = explained(*down, criteria=(OUTAGE,), at=later).criteria
    assert outage.value == ("2 phút", "2 minutes")


def test_a_share_of_communes_is_told_in_per_cent_with_its_counts():
    share = rule("share", indicator=None, rollup=RollUp.GREEN_SHARE, max_red_share=5.0)
    (told_share,) = explained(criteria=(share,), unit=PROVINCE, children=(GREEN, YELLOW)).criteria
    assert told_share.value == ("50 % (1/2)", "50 % (1/2)")
    assert told_share.thresholds[-1] == "red share <= 5 %"
    assert told_share.reasons[-1][0] == "1 xanh, 1 vàng, 0 đỏ, 0 chưa rõ trên 2"


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (goal(by=date(2025, 8, 20)), "target >= 80 by 2025-08-20"),
        (goal(every=Period.MONTH), "target >= 80 every month"),
        (goal("==", True), "target == true before 2025-08-20"),
    ],
)
def test_limits_are_told_as_they_are_written(target, text):
    assert thresholds(rule(bands=(), target=target)) == (text,)
    assert thresholds(rule()) == ("green >= 80", "yellow >= 60 and < 80", "red < 60")


def test_the_headline_is_code_name_and_colour():
    answer = explained(told(False, indicator="up"))
    assert headline(answer) == ("02143 Xã 02143: ĐỎ", "02143 Commune 02143: RED")
