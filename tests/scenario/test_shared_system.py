"""The default site when its procedure system goes down: many colours, one incident."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.config.build import load_site
from monitor.model.colour import Colour
from monitor.model.incident import Phase
from monitor.model.reading import Reading
from monitor.replay.course import Course
from monitor.service.app import policy_of

ROOT = Path(__file__).parents[2]
MINUTE = timedelta(minutes=1)
START = datetime(2026, 11, 23, 2, tzinfo=UTC)  # a Monday, 9:00 in Việt Nam
SYSTEM = "tthc-19"
GOES_DOWN, COMES_BACK, QUIET = 10, 40, 60  # minutes


@pytest.fixture(scope="module")
def course() -> Course:
    """An hour in which every system answers every minute, but for half an hour of one. Nobody speaks of the centres."""
    policy = policy_of(load_site(ROOT, environ={}, now=START))
    asked = [(SYSTEM, "system_reachable"), ("dvcqg", "system_reachable"), ("line-19", "line_reachable")]
    news = [
        Reading(code, what, code != SYSTEM or not GOES_DOWN <= minute < COMES_BACK, at, at, "probe")
        for minute in range(QUIET)
        for at in [START + minute * MINUTE]
        for code, what in asked
    ]
    made = Course(policy, news)
    made.run(START + QUIET * MINUTE)
    return made


def test_communes_and_province_turn_red_because_of_it(course):
    first: dict[str, str | None] = {}
    for _, decision in course.decided:
        standing = decision.after.standing
        if standing is not None and standing.colour is Colour.RED:
            first.setdefault(decision.after.unit, standing.caused_by)
    assert first.pop(SYSTEM) is None
    assert first.pop("VN") is None  # by the score of its provinces
    assert first == dict.fromkeys(("19", *course.policy.units.children("19")), SYSTEM)


def test_only_the_system_has_an_incident_and_nobody_is_called_for_anything_else(course):
    """Nothing is inhibited here, for what is taken over opens no incident of its own."""
    opened = {incident.unit for _, decision in course.decided for incident in decision.incidents}
    called = [notice for _, decision in course.decided for notice in decision.notices]
    assert (opened, {notice.unit for notice in called}) == ({SYSTEM}, {SYSTEM})
    assert len({notice.incident for notice in called}) == 1


def test_it_names_92_communes_and_their_province_as_those_who_depend_on_it(course):
    bodies = [notice.body for _, decision in course.decided for notice in decision.notices if notice.kind == "outage"]
    assert bodies
    assert all("93 đơn vị phụ thuộc" in body for body in bodies)


def test_the_province_is_as_it_was_when_the_system_is_back(course):
    told = [(at, decision.after.standing) for at, decision in course.decided if decision.after.unit == "19"]
    before = [standing.colour for at, standing in told if standing and at < START + GOES_DOWN * MINUTE]
    red = [at for at, standing in told if standing and standing.colour is Colour.RED]
    assert (before[-1], told[-1][1].colour) == (Colour.UNKNOWN,) * 2  # most of its figures are not in this story
    assert red[0] == START + (GOES_DOWN + 16) * MINUTE  # after 15 minutes, confirmed by a second reading
    assert red[-1] < START + (COMES_BACK + 5) * MINUTE
    (over,) = course.states[SYSTEM].incidents.values()
    assert over.phase is Phase.UNANSWERED  # nobody answered: it stays in sight for a day


@pytest.mark.parametrize("cause", ["system_outage_minutes", "line_outage_minutes"])
def test_one_good_answer_in_an_outage_is_neither_told_as_its_end_nor_as_a_second_outage(cause):
    """The hold takes "yes, no, no" for an improvement to yellow: it is down, and not yet for long enough to be red."""
    policy = policy_of(load_site(ROOT, environ={}, now=START))
    unit, what = {"system": (SYSTEM, "system_reachable"), "line": ("line-19", "line_reachable")}[cause.split("_")[0]]
    good, down, back = (
        40,
        [*range(3, 40), *range(41, 70)],
        80,
    )  # minutes: of the good answer, of the bad ones, of the end
    asked = [
        Reading(unit, what, minute not in down, at, at, "probe")
        for minute in range(back)
        for at in [START + minute * MINUTE]
    ]
    course = Course(policy, asked)
    course.run(START + back * MINUTE)
    heard = [(at, notice) for at, decision in course.decided for notice in decision.notices if notice.unit == unit]
    assert len({notice.incident for _, notice in heard}) == 1
    assert {notice.key.split("/")[3] for _, notice in heard if notice.kind == "outage"} == {"0"}  # and it is one plan
    over = [at for at, notice in heard if notice.kind == "recovered"]
    assert over
    assert min(over) >= START + down[-1] * MINUTE
    assert any(  # so the story is the one that is meant
        decision.after.criteria[cause].colour is Colour.YELLOW
        for at, decision in course.decided
        if decision.after.unit == unit and START + good * MINUTE < at < START + 55 * MINUTE
    )
