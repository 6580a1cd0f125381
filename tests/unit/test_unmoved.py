"""A criterion without news stays as it is until its instant: judging in part decides what judging all decides."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import decide as doorway
from monitor.decide import Policy, View, decide
from monitor.engine.book import Flap, Formula, Need, RollUp
from monitor.engine.unmoved import stays
from monitor.model.colour import Colour
from monitor.model.reading import Reading
from monitor.model.state import UnitState
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
    own = doorway._own

    def counting(view, unit, criterion, *rest):
        asked.add(criterion.id)
        return own(view, unit, criterion, *rest)

    monkeypatch.setattr(doorway, "_own", counting)
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
    dark = doorway.darken(state, "disk full", NOON).after
    again = decide(View(dark, ()), POLICY, NOON + MINUTE).after
    assert again.criteria["up"].colour is Colour.GREEN
