"""The one pure doorway: evidence, colours, silences, incidents, and when to look again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.decide import Policy, View, Watch, acknowledge, decide, set_aside
from monitor.engine import reasons
from monitor.engine.book import Need
from monitor.model.colour import Colour
from monitor.model.errors import NotFound
from monitor.model.incident import Kind, Phase
from monitor.model.reading import Reading, SourceHealth
from monitor.model.state import Decision, UnitState
from monitor.model.unit import Level, Units
from monitor.model.verdict import Standing
from tests.unit.engine_scene import (
    CALENDAR,
    CENTRE,
    COMMUNE,
    COMMUNES,
    DAY,
    GREEN,
    HOUR,
    MINUTE,
    NATION,
    NOON,
    OTHER,
    OUTAGE_BANDS,
    PROVINCE,
    RED,
    SESSIONS,
    SHARE,
    SHARED,
    SYSTEM,
    UNKNOWN,
    band,
    directory,
    goal,
    local,
    rule,
    ruleset,
    standing_so,
    told,
    units,
)

LIMIT = 2 * HOUR
FEED = Watch("portal", PROVINCE, frozenset({"rate"}), LIMIT.total_seconds(), frozenset(COMMUNES))


def policy(*criteria, watches: tuple[Watch, ...] = ()) -> Policy:
    return Policy(units(), ruleset(*criteria), directory(), CALENDAR, SESSIONS, watches)


def up(yes: bool, at: datetime = NOON, unit: str = COMMUNE) -> Reading:
    return told(yes, at, unit=unit, indicator="up", source="probe")


def system(yes: bool, at: datetime = NOON) -> Decision:
    reading = told(yes, at, unit=SYSTEM, indicator="system_up", source="probe")
    return decide(View(UnitState(SYSTEM), (reading,)), policy(), at)


def stands(decision: Decision) -> Standing:
    assert decision.after.standing is not None
    return decision.after.standing


def first(unit: str = COMMUNE, *news: Reading, rules: Policy | None = None, now: datetime = NOON, **more) -> Decision:
    return decide(View(UnitState(unit), news, **more), rules or policy(), now)


def then(before: Decision, *news: Reading, rules: Policy | None = None, now: datetime, **more) -> Decision:
    return decide(View(replace(before.after, version=1), news, **more), rules or policy(), now)


# colours


def test_a_unit_without_any_data_is_unknown_and_opens_nothing():
    made = first()
    assert (stands(made).colour, made.incidents, made.notices, made.transitions) == (UNKNOWN, (), (), ())


def test_a_unit_of_which_all_is_known_gets_a_colour_and_says_what_changed():
    made = first(COMMUNE, up(True), told(90.0), systems={SYSTEM: system(True).after})
    assert stands(made).colour is GREEN
    assert {(t.criterion, t.before, t.after) for t in made.transitions} == {
        ("up", UNKNOWN, GREEN), ("rate", UNKNOWN, GREEN), ("system_up", UNKNOWN, GREEN), ("", UNKNOWN, GREEN),
    }  # fmt: skip
    assert {reading.indicator for reading in made.readings} == {"up", "rate"}


@given(st.lists(st.sampled_from([up(True), up(False), told(90.0), told(65.0), told(10.0)]), max_size=5))
def test_the_same_facts_at_the_same_instant_change_nothing(news):
    once = first(COMMUNE, *news)
    again = then(once, *news, now=NOON)
    assert (again.transitions, again.incidents, again.notices, again.withheld) == ((), (), (), ())
    assert again.after == replace(once.after, version=1)


def test_a_dark_shared_system_darkens_who_depends_on_it():
    assert stands(first(COMMUNE, up(True), told(90.0), systems={SYSTEM: UnitState(SYSTEM)})).colour is UNKNOWN


def test_a_red_shared_system_turns_the_commune_red_and_opens_no_incident_there():
    made = first(COMMUNE, up(True), told(90.0), systems={SYSTEM: system(False).after})
    assert (stands(made).colour, stands(made).caused_by) == (RED, SYSTEM)
    assert (made.incidents, made.notices) == ((), ())
    assert system(False).incidents[0].kind is Kind.OUTAGE


def test_a_red_shared_system_turns_a_province_that_depends_on_it_red_and_opens_no_incident_there():
    shared = replace(SHARED, inherit=frozenset({Level.COMMUNE, Level.PROVINCE}))
    around = Units(tuple(replace(u, depends_on=(SYSTEM,)) if u.code == PROVINCE else u for u in units()))
    rules = replace(policy(shared, rule("rate")), units=around)
    made = first(PROVINCE, told(90.0, unit=PROVINCE), rules=rules, systems={SYSTEM: system(False).after})
    assert (stands(made).colour, stands(made).caused_by) == (RED, SYSTEM)
    assert (made.incidents, made.notices) == ((), ())
    back = then(made, rules=rules, now=NOON + MINUTE, systems={SYSTEM: system(True).after})
    assert (stands(back).colour, back.incidents, back.notices) == (GREEN, (), ())


def test_a_province_is_judged_by_the_share_and_not_by_its_worst_commune():
    rules = policy(replace(SHARE, bands=(band(GREEN, (">=", 50.0)), band(RED, ("<", 50.0)))))
    assert stands(first(PROVINCE, rules=rules, children=standing_so(GREEN, RED))).colour is GREEN
    assert stands(first(PROVINCE, rules=rules, children=standing_so(UNKNOWN, UNKNOWN))).colour is UNKNOWN
    assert stands(first(PROVINCE, rules=rules, children=())).colour is UNKNOWN


def test_a_level_without_rules_is_unknown():
    made = first(NATION, rules=policy(CENTRE))
    assert stands(made).reasons[0].code == reasons.NO_CRITERIA


# looking again


def test_it_looks_again_at_the_next_local_midnight_at_the_latest():
    assert first().after.recheck_at == local(7)
    assert first(now=local(6, 23, 59, 59)).after.recheck_at == local(7)
    assert first(now=local(7)).after.recheck_at == local(8)


def test_it_looks_again_when_the_first_reading_is_too_old():
    assert first(COMMUNE, up(True), told(90.0)).after.recheck_at == NOON + timedelta(seconds=150)


ELAPSED = rule("down_minutes", bands=OUTAGE_BANDS, max_age=86_400.0, hold=Need(1, 600), critical=True, outage=True)
DATED = rule("rate", bands=(), target=goal("<=", 50.0), max_age=5 * 86_400.0, hold=Need(1, 1800))


@settings(max_examples=20)
@given(st.booleans(), st.floats(0, 100), st.integers(0, 24 * 60), st.integers(0, 2))
def test_looking_often_shows_nothing_that_looking_only_when_due_would_miss(yes, value, minute, days):
    """One criterion with an elapsed bound, one with deadline, age and hold, for three days."""
    rules = policy(ELAPSED, DATED)
    start = local(17) + days * DAY + minute * MINUTE
    lazy = eager = first(COMMUNE, up(yes, start), told(value, start), rules=rules, now=start)
    for number in range(1, 3 * 24 * 60, 29):
        now = start + number * MINUTE
        while (due := lazy.after.recheck_at) is not None and due <= now:
            lazy, eager = then(lazy, rules=rules, now=due), then(eager, rules=rules, now=due)
            assert lazy.after.recheck_at is not None
            assert lazy.after.recheck_at > due
        eager = then(eager, rules=rules, now=now)
        assert colours(lazy) == colours(eager)


def colours(decision: Decision) -> dict[str, Colour]:
    return {key: state.colour for key, state in decision.after.criteria.items()} | {"": stands(decision).colour}


# silent sources


def health(*, good: datetime | None = None, bad: datetime | None = None, since: datetime | None = None) -> SourceHealth:
    """A feed that answered well first an hour before noon."""
    start = None if good is None else NOON - HOUR
    failing = None if bad is None or (good is not None and good > bad) else since or bad
    return SourceHealth("portal", PROVINCE, start, good, bad, failing, "503" if bad else "")


WATCHED = policy(watches=(FEED,))


def silence(unit: str, known: SourceHealth | None, now: datetime, before: Decision | None = None, *news) -> Decision:
    state = before.after if before else UnitState(unit)
    view = View(state, news, health={} if known is None else {"portal": known})
    return decide(view, WATCHED, now)


def silent(decision: Decision) -> bool:
    return "silent:portal" in decision.after.incidents


def test_a_feed_that_is_down_is_one_incident_of_its_owner_and_none_of_the_communes():
    down = health(good=NOON, bad=NOON + LIMIT)
    assert not silent(silence(PROVINCE, health(good=NOON, bad=NOON + MINUTE), NOON + LIMIT - MINUTE))
    owner = silence(PROVINCE, down, NOON + LIMIT)
    assert silent(owner)
    assert owner.incidents[0].kind is Kind.SILENT
    for commune in COMMUNES:
        assert not silent(silence(commune, down, NOON + DAY))


def test_the_owner_is_looked_at_again_when_the_silence_has_lasted_long_enough():
    waiting = silence(PROVINCE, health(good=NOON, bad=NOON + MINUTE), NOON + MINUTE)
    assert waiting.after.recheck_at == NOON + LIMIT


def test_a_feed_that_never_answered_is_told_as_well():
    never = health(bad=NOON + LIMIT, since=NOON)
    assert not silent(silence(PROVINCE, replace(never, last_failure=NOON + MINUTE), NOON + MINUTE))
    assert silent(silence(PROVINCE, never, NOON + LIMIT))


def test_a_feed_that_speaks_again_closes_the_incident_and_tells_those_who_were_told():
    down = silence(PROVINCE, health(good=NOON, bad=NOON + LIMIT), NOON + LIMIT)
    back = silence(PROVINCE, health(good=NOON + 3 * HOUR, bad=NOON + LIMIT), NOON + 3 * HOUR, down)
    assert not silent(back)
    assert [incident.phase for incident in back.incidents] == [Phase.CLOSED]
    assert [notice.kind for notice in back.notices] == ["speaks_again"]


def test_one_missing_row_is_an_incident_of_that_commune_only():
    fine = health(good=NOON + LIMIT)
    row = told(90.0, NOON + LIMIT, unit=OTHER)
    assert silent(silence(COMMUNE, fine, NOON + LIMIT))
    assert not silent(silence(OTHER, fine, NOON + LIMIT, None, row))
    assert not silent(silence(PROVINCE, fine, NOON + LIMIT))


def test_a_feed_that_answers_and_brings_nothing_is_one_incident_of_its_owner_and_none_of_the_communes():
    row = told(90.0, NOON)
    for at in (NOON + LIMIT, NOON + 3 * LIMIT):
        empty = replace(health(good=at), newest=NOON)
        assert silent(silence(PROVINCE, empty, at))
        assert not silent(silence(COMMUNE, empty, at, None, row))
        assert not silent(silence(OTHER, empty, at))  # it never had a row
    before = replace(health(good=NOON + LIMIT - MINUTE), newest=NOON)
    waiting = silence(PROVINCE, before, NOON + LIMIT - MINUTE)
    assert (silent(waiting), waiting.after.recheck_at) == (False, NOON + LIMIT)


def test_a_job_whose_successes_come_in_time_is_not_silent_although_they_bring_no_rows():
    beat = replace(FEED, expects=frozenset())  # as of a heartbeat: it owes rows to nobody
    known = replace(health(good=NOON + 3 * LIMIT), newest=NOON)
    view = View(UnitState(beat.owner), health={"portal": known})
    assert not silent(decide(view, policy(watches=(beat,)), NOON + 3 * LIMIT + MINUTE))


def test_what_was_told_of_a_commune_stays_while_its_feed_brings_nothing_and_the_owner_hears_when_it_brings_rows_again():
    one = silence(
        COMMUNE, replace(health(good=NOON + LIMIT), newest=NOON + LIMIT), NOON + LIMIT, None, told(90.0, NOON)
    )
    later = NOON + 3 * LIMIT
    empty, full = (replace(health(good=later), newest=newest) for newest in (NOON + LIMIT, later))
    assert silent(one)
    assert silent(silence(COMMUNE, empty, later, one))
    owner = silence(PROVINCE, empty, later)
    back = silence(PROVINCE, full, later, owner)
    assert [notice.kind for notice in back.notices] == ["speaks_again"]
    assert silent(silence(COMMUNE, full, later, one))  # of the others it is told one by one from now on


def test_a_row_that_comes_back_closes_the_communes_incident():
    missing = silence(COMMUNE, health(good=NOON + LIMIT), NOON + LIMIT)
    row = told(90.0, NOON + LIMIT + MINUTE)
    back = silence(COMMUNE, health(good=NOON + LIMIT + MINUTE), NOON + LIMIT + MINUTE, missing, row)
    assert [notice.kind for notice in back.notices] == ["speaks_again"]


@pytest.mark.parametrize("seconds", [0, 59, 3600, 86_400])
def test_a_hiccup_of_the_feed_does_not_close_what_was_told_of_a_commune(seconds):
    missing = silence(COMMUNE, health(good=NOON + LIMIT), NOON + LIMIT)
    now = NOON + LIMIT + timedelta(seconds=seconds)
    assert silent(silence(COMMUNE, health(good=NOON + LIMIT, bad=now + MINUTE), now + MINUTE, missing))
    assert silent(silence(COMMUNE, None, now + MINUTE, missing))


def test_a_hiccup_of_the_feed_does_not_close_what_was_told_of_an_owner_without_its_own_row():
    watch = replace(FEED, expects=frozenset({PROVINCE}))
    rules = policy(watches=(watch,))
    at = NOON + LIMIT
    missing = decide(View(UnitState(PROVINCE), health={"portal": health(good=at)}), rules, at)
    assert silent(missing)
    hiccup = health(good=at, bad=at + MINUTE)
    assert silent(decide(View(missing.after, health={"portal": hiccup}), rules, at + MINUTE))


def test_a_monitor_that_slept_for_days_blames_nobody_until_a_poll_shows_it():
    asleep = health(good=NOON)
    late = NOON + 5 * DAY
    assert not silent(silence(PROVINCE, asleep, late))
    assert not silent(silence(COMMUNE, asleep, late, None, told(90.0)))
    spoke = health(good=late)
    assert silent(silence(COMMUNE, spoke, late, None, told(90.0)))  # the feed speaks, and the row is still missing
    assert not silent(silence(OTHER, spoke, late, None, told(90.0, late, unit=OTHER)))


def test_a_poll_that_fails_after_a_long_sleep_counts_from_the_last_answer():
    assert silent(silence(PROVINCE, health(good=NOON, bad=NOON + 5 * DAY), NOON + 5 * DAY))


def test_a_silent_incident_goes_on_calling_while_nobody_answers():
    down = silence(PROVINCE, health(good=NOON, bad=NOON + LIMIT), NOON + LIMIT)
    again = silence(PROVINCE, health(good=NOON, bad=NOON + LIMIT + HOUR), NOON + LIMIT + HOUR, down)
    assert (len(down.notices), len(again.notices)) == (1, 1)
    assert down.notices[0].key != again.notices[0].key


def test_a_watch_that_is_gone_retires_its_incident_without_a_word():
    down = silence(PROVINCE, health(good=NOON, bad=NOON + LIMIT), NOON + LIMIT)
    gone = decide(View(down.after), policy(), NOON + LIMIT + MINUTE)
    assert (gone.after.incidents, gone.notices) == ({}, ())
    assert gone.audit[0].action == "retired"


# incidents


def test_unknown_resolves_nothing_and_keeps_calling():
    down = first(COMMUNE, up(False))
    dark = then(down, now=NOON + 2 * HOUR)
    assert dark.after.criteria["up"].colour is UNKNOWN
    assert dark.after.incidents
    assert dark.notices


def test_an_answer_is_found_by_reference_or_key_and_written_down():
    down = first(COMMUNE, up(False))
    incident = down.incidents[0]
    for name in (incident.ref, incident.key):
        answered = acknowledge(down.after, name, "an", "đang xử lý", NOON + MINUTE)
        assert answered.after.incidents["up"].phase is Phase.ACKNOWLEDGED
        assert (answered.audit[0].actor, answered.audit[0].subject) == ("an", incident.key)
        assert answered.withheld[0].incident == incident.key
    with pytest.raises(NotFound):
        acknowledge(down.after, "AAAAAA", "an", "", NOON)


# a unit that cannot be judged


def test_a_unit_that_cannot_be_judged_is_dark_says_why_and_is_tried_again():
    down = first(COMMUNE, up(False), told(90.0))
    aside = set_aside(down.after, (), "ValueError: poison", NOON + MINUTE)
    assert (stands(aside).colour, stands(aside).level) == (UNKNOWN, RED)
    assert stands(aside).reasons[0].params["error"] == "ValueError: poison"
    assert aside.after.recheck_at == NOON + 2 * MINUTE
    assert aside.after.incidents == down.after.incidents
    assert ("", RED, UNKNOWN) in {(t.criterion, t.before, t.after) for t in aside.transitions}
    again = set_aside(aside.after, (), "ValueError: poison", NOON + 2 * MINUTE)
    assert (stands(again).since, again.transitions) == (NOON + MINUTE, ())


def test_criteria_that_nobody_judges_are_not_green_either():
    """Otherwise the communes would go on taking a green over from a system that nobody judges."""
    fine = system(True)
    aside = set_aside(fine.after, (), "ValueError", NOON + MINUTE)
    assert aside.after.criteria["system_up"].colour is UNKNOWN
    assert aside.after.criteria["system_up"].level is GREEN
    commune = first(COMMUNE, up(True), told(90.0), systems={SYSTEM: aside.after})
    assert stands(commune).colour is UNKNOWN
    healed = decide(View(aside.after), policy(), NOON + 2 * MINUTE)
    assert healed.after.criteria["system_up"].colour is GREEN


def test_the_news_of_a_unit_that_cannot_be_judged_counts_when_it_can_again():
    fine = first(COMMUNE, up(True), told(90.0))
    aside = set_aside(fine.after, (told(10.0, NOON + MINUTE),), "ValueError", NOON + MINUTE)
    assert [reading.value for reading in aside.readings] == [10.0]
    assert decide(View(aside.after), policy(), NOON + 2 * MINUTE).after.criteria["rate"].colour is RED


def test_not_even_news_that_cannot_be_read_stops_setting_a_unit_aside():
    naive = replace(told(10.0), as_of=datetime(2025, 8, 6))
    aside = set_aside(first(COMMUNE, told(90.0)).after, (naive,), "TypeError", NOON)
    assert stands(aside).colour is UNKNOWN
    assert aside.after.evidence["rate"].value == 90.0


def test_what_breaks_while_it_is_taken_over_costs_its_own_criterion_only(monkeypatch):
    def poison(*_):
        raise ValueError("poison")

    monkeypatch.setattr("monitor.decide.criteria.take_over", poison)
    made = first(COMMUNE, up(True), told(90.0), systems={SYSTEM: system(True).after})
    broken = [key for key, held in made.after.criteria.items() if held.reasons[0].code == "rule_broken"]
    assert broken == ["system_up"] and made.after.criteria["system_up"].colour is UNKNOWN
    assert made.after.criteria["rate"].colour is GREEN
