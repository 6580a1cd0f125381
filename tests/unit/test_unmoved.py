"""A criterion without news stays as it is until its instant: judging in part decides what judging all decides."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.decide import AGE_PART, CALM, Policy, View, darken, decide, may_wait
from monitor.decide import criteria as room
from monitor.engine.book import Flap, Formula, Need, RollUp
from monitor.engine.standing import stand
from monitor.engine.unmoved import says_again, stands_still, stays
from monitor.model.colour import Colour
from monitor.model.reading import Comparator, Reading
from monitor.model.state import UnitState
from monitor.model.verdict import Counts
from tests.unit.engine_scene import (
    CALENDAR,
    CENTRE,
    COMMUNE,
    DAY,
    MINUTE,
    NOON,
    ONLINE,
    OUTAGE_BANDS,
    RATE,
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

RULES = (
    replace(CENTRE, hold=Need(2), keep=Need(seconds=90.0)),
    rule("restless", indicator="up", bands=YES_OR_NO, flap=Flap(50.0, 25.0, 8)),
    rule("interrupted", indicator="down_minutes", bands=OUTAGE_BANDS, outage=True),
    replace(ONLINE, hold=Need(2, of=3)),
    rule("fresh", indicator="rate", max_age=600.0),
    rule("goal", bands=(), target=goal(floor=40.0, trend_days=5)),
)
INDICATORS = {
    "rate": replace(RATE, sources=("portal", "manual"), disagree=5.0, warn_age=300.0),
    "goal": measure("goal"),
}
MADE = ruleset(*RULES)
POLICY = Policy(units(), replace(MADE, indicators={**MADE.indicators, **INDICATORS}), directory(), CALENDAR, SESSIONS)
PACES = st.sampled_from((1, 20, 60, 400, 4000, 90000))  # seconds to the next look: of a probe, of a feed, of a day
VALUES = st.sampled_from((30.0, 59.0, 80.0, 95.0))
AGES = st.sampled_from((0, 0, 86400, 3 * 86400))  # seconds: a late value corrects its own day
TOLD = st.tuples(st.sampled_from(("up", "rate", "rate", "goal")), st.sampled_from(("portal", "manual")), VALUES, AGES)
LOOKS = st.lists(st.tuples(PACES, st.lists(TOLD, max_size=2)), min_size=1, max_size=25)


def news(words, at) -> tuple[Reading, ...]:
    """What sources say at an instant; of `up`, a high value is yes."""
    return tuple(
        told(value >= 60, at, indicator=name, source="probe")
        if name == "up"
        else told(value, at - timedelta(seconds=age), indicator=name, source=source, received=at)
        for name, source, value, age in words
    )


def counted_ages_aside(state: UnitState) -> UnitState:
    """The state without the ages that its reasons counted: they were true when they were said."""

    def timeless(verdict):
        return replace(verdict, reasons=tuple(replace(r, params={**r.params, "age": 0}) for r in verdict.reasons))

    criteria = {key: replace(one, verdict=timeless(one.verdict)) for key, one in state.criteria.items()}
    return replace(state, criteria=criteria)


@given(looks=LOOKS)
def test_judging_what_has_news_decides_what_judging_all_decides(looks):
    now, part, whole, judged_at = local(19, 23, 50), UnitState(COMMUNE), UnitState(COMMUNE), None
    for seconds, words in looks:
        now += timedelta(seconds=seconds)
        heard = news(words, now)
        in_part = decide(View(part, heard, judged_at=judged_at), POLICY, now)
        in_whole = decide(View(whole, heard), POLICY, now)
        assert counted_ages_aside(in_part.after) == counted_ages_aside(in_whole.after)
        assert [n.key for n in in_part.notices] == [n.key for n in in_whole.notices]
        part, whole, judged_at = in_part.after, in_whole.after, now


def judged_again(monkeypatch, heard, now, judged_at=NOON) -> set[str]:
    """Criteria that are judged after a first look at noon."""
    first = decide(
        View(UnitState(COMMUNE), news([("up", "", 95.0, 0), ("goal", "portal", 50.0, 0)], NOON)), POLICY, NOON
    )
    asked: set[str] = set()
    own = room._own

    def counting(view, unit, criterion, *rest):
        asked.add(criterion.id)
        return own(view, unit, criterion, *rest)

    monkeypatch.setattr(room, "_own", counting)
    decide(View(first.after, heard, judged_at=judged_at), POLICY, now)
    return asked


ALL = {criterion.id for criterion in RULES}


def test_news_of_one_indicator_costs_its_own_criteria_and_what_only_time_can_tell(monkeypatch):
    later = NOON + MINUTE
    asked = judged_again(monkeypatch, news([("goal", "portal", 55.0, 0)], later), later)
    assert asked == {"goal", "interrupted"}


def test_a_criterion_is_judged_when_its_instant_has_come(monkeypatch):
    assert judged_again(monkeypatch, (), NOON + timedelta(seconds=150)) == {"up", "restless", "interrupted"}


@pytest.mark.parametrize(
    ("judged_at", "now"),
    [(None, NOON), (NOON, NOON + DAY), (NOON + MINUTE, NOON)],
    ids=["not judged under this policy", "another day", "the clock was set back"],
)
def test_all_are_judged_anew(monkeypatch, judged_at, now):
    assert judged_again(monkeypatch, (), now, judged_at) == ALL


def test_what_was_judged_at_this_very_instant_is_judged_in_part(monkeypatch):
    assert judged_again(monkeypatch, (), NOON) == {"interrupted"}


@pytest.mark.parametrize(
    "changes",
    [{"indicator": None, "rollup": RollUp.GREEN_SHARE}, {"formulas": (Formula(Colour.GREEN, "rate > 1"),)}],
    ids=["a roll-up", "a free condition"],
)
def test_what_other_units_or_several_indicators_decide_is_judged_every_time(changes):
    before = decide(View(UnitState(COMMUNE), ()), POLICY, NOON).after.criteria["goal"]
    assert stays(before, ONLINE, POLICY.ruleset.indicators, frozenset(), NOON) is True
    assert stays(before, replace(ONLINE, **changes), POLICY.ruleset.indicators, frozenset(), NOON) is False


def test_what_is_shown_while_nothing_can_be_committed_is_never_taken_for_judged():
    state = decide(View(UnitState(COMMUNE), news([("up", "", 95.0, 0)], NOON)), POLICY, NOON).after
    dark = darken(state, "disk full", NOON)
    again = decide(View(dark, ()), POLICY, NOON + MINUTE).after
    assert again.criteria["up"].colour is Colour.GREEN


# -- what says the same again may wait ---------------------------------------------------------------------------------

WATCHED = Policy(
    units(),
    ruleset(*RULES[:3], rule("among", indicator="up", bands=YES_OR_NO, hold=Need(2, of=3), keep=Need(3, of=5))),
    directory(),
    CALENDAR,
    SESSIONS,
)
ANSWERS = st.lists(
    st.tuples(st.sampled_from((15, 15, 15, 15, 30, 70, 200)), st.sampled_from((True, True, True, True, False))),
    min_size=1,
    max_size=60,
)


class Judged:
    """One unit as the evaluator treats it: decided at once, or (`patient`) when what it heard can no longer wait."""

    def __init__(self, patient: bool) -> None:
        self.patient = patient
        self.state = UnitState(COMMUNE)
        self.pending: list[Reading] = []
        self.until = None
        self.decided = 0
        self.said: list[tuple[datetime, Any]] = []  # changes of colour and notices, with their instants

    def hear(self, reading, now) -> None:
        self.pending.append(reading)
        wait = may_wait(self.state, reading, WATCHED, now) if self.patient and self.decided else 0.0
        if wait == 0.0:
            self.decide(now)
        elif self.until is None:
            self.until = now + timedelta(seconds=wait)

    def pass_time(self, now) -> None:
        """Decide at every instant up to now that the unit named, or at which its news must wait no longer."""
        while (at := min(filter(None, (self.until, self.state.recheck_at)), default=now + DAY)) <= now:
            self.decide(at)

    def decide(self, now) -> None:
        made = decide(View(self.state, tuple(self.pending), judged_at=NOON if self.decided else None), WATCHED, now)
        self.state, self.pending, self.until = made.after, [], None
        self.decided += 1
        self.said += [(now, change) for change in made.transitions]
        self.said += [(now, notice.key) for notice in made.notices]

    def shown(self):
        standing = self.state.standing
        held = {key: (one.colour, one.since, one.level) for key, one in self.state.criteria.items()}
        return standing and (standing.colour, standing.since, standing.score), held


def without_ages(said):
    return [(at, replace(what, reasons=()) if hasattr(what, "reasons") else what) for at, what in said]


@given(ANSWERS)
def test_a_unit_whose_same_news_waits_shows_and_tells_what_one_decided_at_once_does(answers):
    once, patient, now = Judged(False), Judged(True), NOON
    for pause, up in answers:
        now += timedelta(seconds=pause)
        for judged in (once, patient):
            judged.pass_time(now)
            judged.hear(told(up, now, indicator="up", source="probe"), now)
        assert patient.shown() == once.shown()
    assert without_ages(patient.said) == without_ages(once.said)


@given(ANSWERS)
def test_a_kill_loses_only_same_news_of_the_last_moments_so_no_evidence_grows_younger_by_it(answers):
    patient, now = Judged(True), NOON
    limit = timedelta(seconds=min(CALM, WATCHED.ruleset.indicators["up"].max_age / AGE_PART))
    for pause, up in answers:
        now += timedelta(seconds=pause)
        patient.pass_time(now)
        patient.hear(told(up, now, indicator="up", source="probe"), now)
        stored = patient.state.evidence["up"]
        assert all(stored.as_of < lost.as_of and lost.value is stored.value for lost in patient.pending)
        assert all(now - lost.received_at < limit for lost in patient.pending)


def test_most_answers_of_a_calm_unit_wait():
    patient, now = Judged(True), NOON
    for _ in range(240):
        now += timedelta(seconds=15)
        patient.pass_time(now)
        patient.hear(told(True, now, indicator="up", source="probe"), now)
    assert patient.decided < 100


@pytest.mark.parametrize(
    "changes",
    [
        {"value": False},
        {"note": "well at attempt 2"},
        {"source": "another"},
        {"as_of": NOON + timedelta(hours=1)},
        {"as_of": NOON - timedelta(seconds=1)},
        {"value": 1.0},
        {"comparator": Comparator.GT},
        {"numerator": 1.0},
        {"denominator": 1.0},
    ],
)
def test_what_says_something_else_does_not_wait(changes):
    patient = Judged(True)
    patient.hear(told(True, NOON, indicator="up", source="probe"), NOON)
    again = told(True, NOON + timedelta(seconds=15), indicator="up", source="probe")
    assert may_wait(patient.state, again, WATCHED, again.as_of) > 0
    assert may_wait(patient.state, replace(again, **changes), WATCHED, again.as_of) == 0


def test_the_very_same_reading_once_more_waits():
    patient, same = Judged(True), told(True, NOON, indicator="up", source="probe")
    patient.hear(same, NOON)
    assert may_wait(patient.state, same, WATCHED, NOON) > 0


@pytest.mark.parametrize("vague", [{"comparator": Comparator.GT}, {"numerator": 1.0}, {"denominator": 1.0}])
def test_what_follows_a_yes_that_was_not_bare_does_not_wait(vague):
    patient = Judged(True)
    patient.hear(replace(told(True, NOON, indicator="up", source="probe"), **vague), NOON)
    again = told(True, NOON + timedelta(seconds=15), indicator="up", source="probe")
    assert may_wait(patient.state, again, WATCHED, again.as_of) == 0


@pytest.mark.parametrize(
    ("more", "waits"),
    [
        (ONLINE, True),
        (rule("share", indicator=None, rollup=RollUp.GREEN_SHARE), True),
        (rule("free", indicator=None, bands=(), formulas=(Formula(Colour.GREEN, "rate > 1"),)), False),
        (rule("also", indicator="up", bands=YES_OR_NO), False),
    ],
    ids=["of another indicator", "a roll-up", "a free condition", "one that was never judged"],
)
def test_a_yes_waits_beside_what_it_cannot_touch_and_not_beside_what_may_wait_for_it(more, waits):
    patient = Judged(True)
    patient.hear(told(True, NOON, indicator="up", source="probe"), NOON)
    again = told(True, NOON + timedelta(seconds=15), indicator="up", source="probe")
    indicators = WATCHED.ruleset.indicators
    assert says_again(patient.state, again, (RULES[0],), indicators)
    assert says_again(patient.state, again, (RULES[0], more), indicators) is waits


# -- a standing that nothing moves -------------------------------------------------------------------------------------


@given(looks=LOOKS)
def test_a_standing_stays_only_where_it_would_be_made_the_same(looks):
    now, state, judged_at = local(19, 23, 50), UnitState(COMMUNE), None
    for seconds, words in looks:
        now += timedelta(seconds=seconds)
        after = decide(View(state, news(words, now), judged_at=judged_at), POLICY, now).after
        made = stand(state.standing, list(after.criteria.values()), POLICY.ruleset.standing, now)
        assert after.standing == made
        state, judged_at = after, now


@pytest.mark.parametrize(
    "changes",
    [{"colour": Colour.RED}, {"level": Colour.RED}, {"weight": 9.0}, {"critical": False}, {"caused_by": "HT"}],
    ids=str,
)
def test_what_a_standing_is_made_of_moves_it(changes):
    state = decide(View(UnitState(COMMUNE), news([("up", "", 95.0, 0)], NOON)), POLICY, NOON).after
    moved = {**state.criteria, "up": replace(state.criteria["up"], **changes)}
    fewer = {key: held for key, held in state.criteria.items() if key != "up"}
    assert state.standing is not None
    assert stands_still(state.criteria, dict(state.criteria), state.standing, None)
    assert not stands_still(state.criteria, moved, state.standing, None)
    assert not stands_still(state.criteria, fewer, state.standing, None)
    assert not stands_still(state.criteria, state.criteria, state.standing, Counts(green=1))


@given(looks=LOOKS)
def test_a_reading_waits_by_the_criteria_that_it_may_touch_as_by_all(looks):
    now, state = local(6, 12), UnitState(COMMUNE)
    unit = POLICY.units[COMMUNE]
    for seconds, words in looks:
        now += timedelta(seconds=seconds)
        for one in news(words, now):
            touched, _ = POLICY.ruleset.touched_by(one.indicator, unit, CALENDAR.day(now))
            known = POLICY.ruleset.indicators
            assert says_again(state, one, touched, known) is says_again(
                state, one, POLICY.criteria_of(unit, now), known
            )
        state = decide(View(state, news(words, now)), POLICY, now).after
