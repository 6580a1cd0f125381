"""Reports at the borders of their time and of what there is: midnights, merged units, the date of one unit only."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from monitor.adapters.render.plain import harmless
from monitor.decide import Policy, View, decide
from monitor.engine.book import Book, Condition, Exemption, Ruleset, Target
from monitor.model.colour import Colour
from monitor.model.hours import Sessions
from monitor.model.incident import Incident, Kind
from monitor.model.muting import Span
from monitor.model.state import Transition, UnitState
from monitor.model.unit import Level, Units
from monitor.model.verdict import common_deadline
from monitor.reporting.availability import lines
from monitor.reporting.brief import brief
from monitor.reporting.digest import digest
from monitor.reporting.incidents import during
from monitor.reporting.periods import day_span, span_asked, told_at
from monitor.reporting.scene import Scene
from monitor.web import look
from monitor.web.texts import Words
from tests.unit.engine_scene import (
    CALENDAR,
    COMMUNE,
    OTHER,
    PROVINCE,
    RED,
    SESSIONS,
    YES_OR_NO,
    directory,
    goal,
    local,
    measure,
    rule,
    ruleset,
    told,
    units,
)
from tests.unit.web_site import running, site


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ({"day": "2025-08-19"}, datetime(2025, 8, 19, 16, 59, 59, tzinfo=UTC)),  # "before 20 August" is not over yet
        ({"month": "2025-08"}, datetime(2025, 8, 31, 16, 59, 59, tzinfo=UTC)),
        ({"from": "2025-08-01", "to": "2025-08-19"}, datetime(2025, 8, 19, 16, 59, 59, tzinfo=UTC)),
        ({"at": "2025-08-20T00:00"}, datetime(2025, 8, 19, 17, tzinfo=UTC)),  # an instant is that instant
        ({"month": "2025-09"}, datetime(2025, 9, 10, tzinfo=UTC)),  # not over: up to now
        ({}, datetime(2025, 9, 10, tzinfo=UTC)),
    ],
)
def test_a_span_that_is_over_is_told_as_of_its_own_last_second(said, at):
    now = datetime(2025, 9, 10, tzinfo=UTC)
    assert told_at(said, span_asked(said, CALENDAR, now), now) == at


def test_what_opens_at_midnight_is_of_the_day_that_begins_and_what_ends_then_of_the_day_before():
    scene, midnight = Scene(("x", "x"), units(), ruleset(), SESSIONS, {}), local(7)
    opened = Incident("k", "R", COMMUNE, "rate", Kind.OVERDUE, RED, midnight)
    closed = Incident("l", "S", COMMUNE, "rate", Kind.OVERDUE, RED, local(6, 8), closed_at=midnight)
    days = {day: [one.ref for one in during([opened, closed], scene, day_span(day, CALENDAR))] for day in DAYS}
    assert days == {"2025-08-06": ["S"], "2025-08-07": ["R"]}


DAYS = ("2025-08-06", "2025-08-07")


def test_a_unit_that_was_merged_away_is_measured_no_longer():
    up = rule("up", levels=frozenset({Level.COMMUNE}), bands=YES_OR_NO, critical=True, outage=True)
    gone = Units(tuple(replace(unit, valid_to=date(2025, 8, 7)) if unit.code == COMMUNE else unit for unit in units()))
    policy = Policy(gone, ruleset(up), directory(), CALENDAR, SESSIONS)
    state, changes = UnitState(COMMUNE), list[Transition]()
    for now, news in ((local(6, 8), (told(False, local(6, 8), indicator="up"),)), (local(7), ()), (local(8), ())):
        made = decide(View(state, news), policy, now)
        state, changes = made.after, [*changes, *made.transitions]
    assert state.colour is Colour.EXCLUDED
    scene = Scene(("x", "x"), gone, ruleset(up), SESSIONS, {})
    assert not list(lines(scene, changes, Span(local(10), local(20))))
    [line] = lines(scene, changes, Span(local(6), local(20)))
    assert line.measured.down == 16 * 3600  # from 08:00 to its last midnight


def test_a_span_from_decades_before_the_record_costs_no_more_and_says_the_same(monkeypatch):
    asked: list[int] = []
    between = Sessions.between

    def counted(sessions: Sessions, start: datetime, end: datetime):
        asked.append((end - start).days)
        return between(sessions, start, end)

    monkeypatch.setattr(Sessions, "between", counted)
    up = rule("up", levels=frozenset({Level.COMMUNE}), bands=YES_OR_NO, critical=True, outage=True)
    scene = Scene(("x", "x"), units(), ruleset(up), SESSIONS, {})
    changes = [Transition(COMMUNE, "up", local(5, 9), Colour.UNKNOWN, Colour.GREEN)]
    changes.append(Transition(COMMUNE, "up", local(6, 10), Colour.GREEN, RED))
    [near] = lines(scene, changes, Span(local(5), local(8)))
    [far] = lines(scene, changes, Span(datetime(1900, 1, 1, tzinfo=UTC), local(8)))
    assert max(asked) <= 3
    assert far.measured.unknown > near.measured.unknown
    assert replace(far.measured, unknown=0.0) == replace(near.measured, unknown=0.0)
    assert near.measured.office_down > 0


def test_the_digest_tells_the_date_of_the_province_and_not_of_one_commune_that_has_longer():
    target = rule(
        "rate", levels=frozenset({Level.COMMUNE, Level.PROVINCE}), bands=(), target=goal(before=date(2025, 8, 20))
    )
    paper = Exemption("rate", OTHER, "12/QD", date(2025, 8, 1), by=date(2025, 12, 31))
    rules = Ruleset({"rate": measure()}, (Book("book", "1", "S", "B", (target,)),), exemptions=(paper,))
    policy, now = Policy(units(), rules, directory(), CALENDAR, SESSIONS), local(6, 16, 30)
    states = {
        code: decide(View(UnitState(code), (told(70.0, local(6, 8), unit=code),)), policy, now).after
        for code in (COMMUNE, OTHER, PROVINCE)
    }
    scene = Scene(("x", "x"), units(), rules, SESSIONS, states)
    made = digest(scene, units()[PROVINCE], {}, (), local(5, 16, 30), now)
    [line] = made.goals
    assert (line.deadline, line.working_days_left) == (local(20), 10)
    said = brief(made, scene)
    assert (said["value"], said["deadline"], said["n"]) == (70.0, local(20), 10)
    assert "rank" not in said  # it is the only province


@pytest.mark.parametrize(("value", "rank"), [(80.0, (1, 2)), (60.0, (2, 2)), (None, None)])
def test_the_digest_tells_where_its_unit_stands_among_those_beside_it(value, rank):
    """T5; the first of one, or of those of whom nothing is known, is nobody's place."""
    target = rule("rate", levels=frozenset({Level.COMMUNE}), bands=(), target=goal(before=date(2025, 8, 20)))
    rules = Ruleset({"rate": measure()}, (Book("book", "1", "S", "B", (target,)),))
    policy, now = Policy(units(), rules, directory(), CALENDAR, SESSIONS), local(6, 16, 30)
    news = {COMMUNE: value, OTHER: 70.0}
    states = {
        code: decide(View(UnitState(code), (told(share, local(6, 8), unit=code),)), policy, now).after
        for code, share in news.items()
        if share is not None
    }
    scene = Scene(("x", "x"), units(), rules, SESSIONS, states)
    said = brief(digest(scene, units()[COMMUNE], {}, (), local(5, 16, 30), now), scene)
    assert (said.get("rank"), said.get("rank_total")) == (rank or (None, None))


def test_the_date_of_many_units_is_that_of_most_and_of_as_many_the_earlier():
    early, late = local(20), local(25)
    assert common_deadline([late, late, early, None]) == late
    assert common_deadline([late, early, None, None]) == early
    assert common_deadline([None]) is None


@pytest.mark.parametrize("text", ["ghi chu;=HYPERLINK(1)", "x; +1", "x\n=1", "x;＝1"])
def test_no_formula_gets_through_where_lists_are_parted_by_semicolons(text):
    assert "'" in harmless(text)
    assert harmless(text).replace("'", "") == text
    assert harmless("xong; khong con gi") == "xong; khong con gi"


async def test_the_board_tells_the_date_of_all_and_not_of_one_commune_that_has_longer():
    made = site()
    [book] = made.ruleset.books
    dated = Target(Condition(">=", 95.0), by=date(2026, 11, 25))
    criteria = tuple(replace(one, target=dated) if one.id == "online_rate" else one for one in book.criteria)
    paper = Exemption("online_rate", "02105", "12/QD", date(2026, 11, 1), by=date(2027, 12, 31))
    rules = replace(made.ruleset, books=(replace(book, criteria=criteria),), exemptions=(paper,))
    async with running(replace(made, ruleset=rules)) as world:
        here, words = world.service.site, Words("en", world.service.site.zone)
        below = here.units.children("19")
        rows = look.targets(world.service, words, here.units["19"], below, world.clock.now())
    [row] = [row for row in rows if row.title == "Online dossiers"]
    assert row.deadline is not None and here.calendar.local(row.deadline).date() == date(2026, 11, 26)
