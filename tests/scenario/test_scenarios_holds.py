"""Flapping, silence and the two clocks, by the scenarios of docs/scenarios.md."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.store.codec import STATE
from monitor.decide import Policy, View, decide
from monitor.engine import reasons
from monitor.engine.book import Flap, Need
from monitor.engine.flapping import share
from monitor.engine.hold import hold
from monitor.engine.judge import judge
from monitor.model.incident import Incident
from monitor.model.state import Decision, UnitState
from monitor.model.unit import Level
from monitor.model.verdict import CriterionState, Verdict
from tests.unit.engine_scene import (
    CALENDAR,
    CENTRE,
    COMMUNE,
    DAY,
    GREEN,
    HOUR,
    MINUTE,
    NOON,
    RANK,
    RATE,
    RED,
    SESSIONS,
    UNKNOWN,
    UP,
    YELLOW,
    directory,
    rule,
    ruleset,
    told,
    units,
)

LETTERS = {"G": GREEN, "Y": YELLOW, "R": RED, "?": UNKNOWN}
DAMPED = replace(CENTRE, hold=Need(2), keep=Need(3), flap=Flap(50, 25))


def read(before: CriterionState | None, letter: str, now: datetime, criterion, cadence=60.0) -> CriterionState:
    silent = letter == "?" and before is not None
    at = before.verdict.as_of if silent and before is not None else now
    verdict = Verdict(LETTERS[letter], (), 1.0, as_of=at, received_at=at)
    return hold(before, verdict, criterion, Level.COMMUNE, now, cadence)


def history(letters: str, criterion) -> list[CriterionState]:
    states: list[CriterionState] = []
    for minute, letter in enumerate(letters):
        states.append(read(states[-1] if states else None, letter, NOON + minute * MINUTE, criterion))
    return states


def shown(letters: str, criterion) -> str:
    names = {colour: letter for letter, colour in LETTERS.items()}
    return "".join(names[state.colour] for state in history(letters, criterion))


class Office:
    """A commune whose state is written and read again between every two decisions."""

    def __init__(self, criterion) -> None:
        self.policy = Policy(units(), ruleset(criterion), directory(), CALENDAR, SESSIONS)
        self.state = UnitState(COMMUNE)
        self.now = NOON
        self.opened: list[Incident] = []
        self.paged: list[str] = []

    def poll(self, letters: str) -> None:
        for letter in letters:
            self.step((told(letter == "G", self.now, indicator="up", source="probe"),))
            self.now += MINUTE

    def step(self, news=()) -> Decision:
        decision = decide(View(self.state, news), self.policy, self.now)
        self.state = STATE.decode(STATE.encode(decision.after))
        assert self.state == decision.after
        self.opened += [i for i in decision.incidents if i.open and i.key not in {o.key for o in self.opened}]
        self.paged += [notice.key for notice in decision.notices]
        return decision

    @property
    def centre(self) -> CriterionState:
        return self.state.criteria["up"]


def test_sc_52_the_share_of_the_documented_example_and_its_end_after_seven_calm_readings():
    """SC-52."""
    example = "RRRYRYGGGGYYYYGGGYYYR"
    assert share(example, 21) == 39.1
    assert share((example + "R" * 7)[-21:], 21) < 25
    states = history(example + "R" * 7, rule(flap=Flap(30, 25)))
    assert states[20].flapping_since is not None
    assert (states[27].flapping_since, states[27].colour) == (None, RED)


def test_sc_53_the_end_of_flapping_pages_for_a_red_that_is_then_true():
    """SC-53, inverted on purpose: the state that is true when the calm comes is told."""
    office = Office(DAMPED)
    office.poll("GR" * 6)
    assert (office.centre.colour, office.centre.told, office.opened) == (RED, GREEN, [])
    assert office.centre.reasons[-1].code == reasons.FLAPPING
    office.poll("R" * 14)
    assert (office.centre.flapping_since is None, office.opened) == (False, [])
    office.poll("R" * 4)
    assert (office.centre.flapping_since is None) is True
    assert len(office.opened) == 1 and office.opened[0].colour is RED and office.paged


def test_sc_53_the_end_of_flapping_in_green_calls_nobody():
    office = Office(DAMPED)
    office.poll("GR" * 6 + "G" * 20)
    assert (office.centre.colour, office.centre.flapping_since, office.paged) == (GREEN, None, [])


def test_an_incident_that_was_open_stays_open_while_it_flaps_and_closes_when_the_calm_is_green():
    office = Office(DAMPED)
    office.poll("GRR" + "GR" * 6)
    assert office.centre.flapping_since is not None
    assert len(office.opened) == 1 and len(office.state.incidents) == 1
    office.poll("G" * 25)
    assert office.state.incidents == {} and len(office.opened) == 1


def test_sc_55_pinned_at_the_worst_and_silence_neither_pins_nor_is_pinned():
    """SC-55: by the share of changes, not by their number."""
    criterion = rule(flap=Flap(30, 25))
    states = history("GYGYGYGYRYGYGY", criterion)
    assert {state.colour for state in states[8:]} == {RED}
    assert states[-1].since == states[8].since
    silent = read(states[-1], "?", NOON + 16 * MINUTE, criterion)
    assert (silent.colour, silent.level, silent.recent) == (UNKNOWN, RED, states[-1].recent)
    assert shown("G?G?G?G?G?G?G?G?G?G?", criterion) == "G?" * 10


def test_sc_61_the_promise_when_the_silence_began_decides_whether_the_event_goes_on():
    """SC-61."""
    criterion = rule()
    for then, now, goes_on in ((300.0, 14400.0, False), (14400.0, 300.0, True)):
        red = read(None, "R", NOON, criterion, then)
        silent = read(red, "?", NOON + 30 * MINUTE, criterion, now)
        back = read(silent, "R", NOON + HOUR, criterion, now)
        assert back.episode_since == (NOON if goes_on else NOON + HOUR)
        assert (silent.colour, back.colour, back.since) == (UNKNOWN, RED, NOON + HOUR)


@pytest.mark.parametrize(("seconds", "goes_on"), [(239, True), (240, True), (241, False)])
def test_four_promised_cadences_are_a_short_gap_and_a_second_more_is_a_long_one(seconds, goes_on):
    red = read(None, "R", NOON, rule())
    silent = read(red, "?", NOON + 150 * MINUTE / 60, rule())
    back = read(silent, "R", NOON + timedelta(seconds=seconds), rule())
    assert (back.episode_since == NOON) is goes_on


def test_sc_62_a_unit_silent_for_a_month_that_comes_back_red_has_a_fresh_age():
    """SC-62: and the incident that was open is not opened or called anew."""
    office = Office(replace(CENTRE, hold=Need(2)))
    office.policy = replace(office.policy, ruleset=ruleset_promising(60.0, office.policy))
    office.poll("GRR")
    assert office.centre.episode_since == NOON + MINUTE
    office.now += 30 * DAY
    office.step()
    assert office.centre.colour is UNKNOWN and len(office.opened) == 1
    back = office.now
    calls = len(office.paged)
    office.poll("R")
    assert (office.centre.colour, office.centre.episode_since, office.centre.since) == (RED, back, back)
    assert len(office.opened) == 1 and len(office.paged) == calls


def ruleset_promising(cadence: float, policy: Policy):
    rules = policy.ruleset
    return replace(rules, indicators={**rules.indicators, "up": replace(UP, cadence=cadence)})


@pytest.mark.parametrize(("seconds", "colour"), [(0, GREEN), (299, GREEN), (300, UNKNOWN), (301, UNKNOWN)])
def test_sc_37_and_sc_64_what_is_older_than_its_limit_is_unknown_and_one_report_ends_that(seconds, colour):
    """SC-37, SC-64: our limit is the first instant of not believing, one second earlier than the look-back's."""
    criterion, short = rule(), replace(RATE, max_age=300.0)
    verdict = judge(criterion, short, told(90.0), NOON + timedelta(seconds=seconds), CALENDAR)
    assert verdict.colour is colour
    again = judge(criterion, short, told(90.0, NOON + HOUR), NOON + HOUR, CALENDAR)
    assert again.colour is GREEN


def test_sc_38_silence_resolves_nothing():
    """SC-38, inverted on purpose."""
    office = Office(replace(CENTRE, hold=Need(2)))
    office.poll("GRR")
    for _ in range(5):
        office.now += HOUR
        office.step()
    assert office.centre.colour is UNKNOWN and len(office.state.incidents) == 1


def test_sc_34_a_restart_keeps_the_age_of_a_hold_whatever_its_length():
    """SC-34, inverted on purpose: age lost to a long downtime is not lost here, and there is no grace."""
    criterion = rule(hold=Need(1, 25 * 60.0))
    red = read(read(None, "G", NOON, criterion), "R", NOON + MINUTE, criterion)
    assert red.verdict.recheck_at == NOON + 26 * MINUTE
    assert read(red, "R", NOON + 26 * MINUTE, criterion).colour is RED


def test_n_of_m_counts_bad_readings_that_are_not_in_a_row():
    criterion = rule(hold=Need(3, of=5), keep=Need(3))
    assert shown("GRGRGRGGG", criterion) == "GGGGGRRRG"
    assert shown("GRGGRGGRGG", criterion) == "G" * 10
    assert shown("GYGYR", criterion) == "GGGGY"  # three on the bad side, only one of them red


def test_n_of_m_counts_nothing_that_was_before_the_level_or_before_a_silence():
    assert shown("GGGRRG", rule(hold=Need(2), keep=Need(3, of=5))) == "GGGGRR"
    assert shown("GRR?R", rule(hold=Need(3, of=5))) == "GGG?G"


def test_old_data_is_named_from_its_warning_on_and_looked_at_then():
    daily = replace(RATE, max_age=50 * 3600.0, warn_age=26 * 3600.0)
    fresh = judge(rule(), daily, told(90.0), NOON, CALENDAR)
    assert fresh.recheck_at == NOON + 26 * HOUR
    old = judge(rule(), daily, told(90.0), NOON + 26 * HOUR, CALENDAR)
    assert (old.colour, old.reasons[-1].code, old.recheck_at) == (GREEN, reasons.AGEING, NOON + 50 * HOUR)


FLAPS = st.none() | st.just(Flap(30, 25)) | st.just(Flap(50, 25)) | st.just(Flap(40, 20, 9))
NEEDS = st.sampled_from([Need(), Need(2), Need(3, of=5), Need(1, 150)])


@given(st.text("GYR?", max_size=40), NEEDS, NEEDS, FLAPS)
def test_flapping_always_ends_when_the_readings_are_steady(raws, worse, better, flap):
    for letter in "GYR":
        state = history(raws + letter * 30, rule(hold=worse, keep=better, flap=flap))[-1]
        assert (state.flapping_since, state.colour) == (None, LETTERS[letter])


@given(st.text("GYR", min_size=1, max_size=40), NEEDS, NEEDS, FLAPS)
def test_a_reading_at_least_as_bad_as_what_is_shown_never_makes_it_better(raws, worse, better, flap):
    states = history(raws, rule(hold=worse, keep=better, flap=flap))
    for one, other in pairwise(states):
        if one.colour.known and RANK[other.raw] >= RANK[one.colour]:
            assert RANK[other.colour] >= RANK[one.colour]


@given(st.text("GYR", max_size=25), NEEDS, NEEDS)
def test_of_two_next_readings_the_worse_one_never_shows_the_better_colour(raws, worse, better):
    criterion = rule(hold=worse, keep=better)
    before = history("G" + raws, criterion)[-1]
    now = NOON + HOUR
    ranks = [RANK[read(before, letter, now, criterion).colour] for letter in "GYR"]
    assert ranks == sorted(ranks)


@given(st.text("GYR?", max_size=40), NEEDS, NEEDS, FLAPS)
def test_looking_more_often_than_when_due_changes_nothing(raws, worse, better, flap):
    criterion = rule(hold=worse, keep=better, flap=flap)
    state: CriterionState | None = None
    for minute, letter in enumerate(raws):
        received = NOON + minute * MINUTE
        state = read(state, letter, received, criterion)
        for second in range(1, 60, 7):
            now = received + timedelta(seconds=second)
            again = hold(
                state, replace(state.verdict, reasons=(), recheck_at=None), criterion, Level.COMMUNE, now, 60.0
            )
            due = state.verdict.recheck_at
            assert again.colour is state.colour or (due is not None and due <= now)
            assert (again.recent, again.episode_since) == (state.recent, state.episode_since) or due is not None
            state = again if due is not None and due <= now else state
