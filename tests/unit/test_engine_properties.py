"""What holds for the whole engine, whatever the readings: `decide` from a unit's news to its standing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.decide import Policy, View, decide
from monitor.engine.rollup import count
from monitor.model.reading import Reading
from monitor.model.state import UnitState
from tests.unit.engine_scene import (
    CALENDAR,
    CENTRE,
    COMMUNE,
    EVERYWHERE,
    NOON,
    ONLINE,
    PROVINCE,
    RANK,
    SESSIONS,
    SHARE,
    SHARED,
    SYSTEM,
    directory,
    goal,
    measure,
    rule,
    ruleset,
    standing_so,
    told,
    units,
)

GOAL = rule("goal", bands=(), target=goal(floor=40.0), levels=EVERYWHERE)
RULES = replace(
    ruleset(replace(CENTRE, critical=False), SHARED, ONLINE, SHARE, GOAL),
    indicators={**ruleset().indicators, "goal": measure("goal")},
)
POLICY = Policy(units(), RULES, directory(), CALENDAR, SESSIONS)
VALUES = st.sampled_from((10.0, 39.9, 40.0, 59.99, 60.0, 79.99, 80.0, 100.0))
FIGURES = st.fixed_dictionaries({}, optional={"rate": VALUES, "goal": VALUES, "up": st.booleans()})
COLOURS = st.lists(st.sampled_from(tuple(RANK)), min_size=1, max_size=12)


def system(up: bool = True) -> UnitState:
    return decide(View(UnitState(SYSTEM), (told(up, unit=SYSTEM, indicator="system_up"),)), POLICY, NOON).after


def judged(figures, now=NOON, before=None, *, up=True):
    news = tuple(told(value, now, indicator=key) for key, value in figures.items())
    return decide(View(before or UnitState(COMMUNE), news, systems={SYSTEM: system(up)}), POLICY, now).after


def not_better(worse: UnitState, than: UnitState) -> bool:
    """Unknown is beside the colours: it may follow from less, and it is never an improvement."""
    assert worse.standing is not None and than.standing is not None
    if not worse.standing.colour.known or not than.standing.colour.known:
        return not worse.standing.colour.known or not than.standing.colour.known
    return RANK[worse.standing.colour] >= RANK[than.standing.colour]


@given(figures=FIGURES, name=st.sampled_from(("rate", "goal")), lower=VALUES)
def test_a_worse_figure_never_improves_a_colour_or_a_score(figures, name, lower):
    figures = {"up": True, "rate": 100.0, "goal": 100.0, **figures}
    before = judged(figures)
    after = judged({**figures, name: min(lower, figures[name])})
    assert not_better(after, before)
    assert after.standing.score <= before.standing.score


@given(figures=FIGURES)
def test_a_system_that_is_down_never_improves_those_who_depend_on_it(figures):
    assert not_better(judged(figures, up=False), judged(figures))


@given(figures=FIGURES, later=st.integers(1, 72))
def test_silence_never_improves_a_colour(figures, later):
    """Time alone: readings go stale, the deadline of the target comes no nearer than its day."""
    before = judged(figures)
    state, end = before, NOON + timedelta(hours=later)
    while state.recheck_at is not None and state.recheck_at <= end:
        state = judged({}, state.recheck_at, state)
        assert not_better(state, before)


@given(figures=FIGURES, names=st.permutations(("up", "rate", "goal")), split=st.integers(0, 3))
def test_the_order_in_which_different_claims_arrive_changes_nothing(figures, names, split):
    news = [told(figures[name], indicator=name) for name in names if name in figures]
    at_once = decide(View(UnitState(COMMUNE), tuple(news[::-1]), systems={SYSTEM: system()}), POLICY, NOON).after
    state = UnitState(COMMUNE)
    for part in (news[:split], news[split:]):
        state = decide(View(state, tuple(part), systems={SYSTEM: system()}), POLICY, NOON).after
    assert state.standing is not None and at_once.standing is not None
    assert (state.standing.colour, state.standing.score) == (at_once.standing.colour, at_once.standing.score)
    assert {key: c.colour for key, c in state.criteria.items()} == {k: c.colour for k, c in at_once.criteria.items()}


@given(figures=FIGURES)
def test_the_same_inputs_give_the_same_decision(figures):
    assert judged(figures) == judged(figures)


@given(colours=COLOURS)
def test_the_colours_of_a_level_add_up_to_its_units(colours):
    state = decide(View(UnitState(PROVINCE), (), standing_so(*colours)), POLICY, NOON).after
    assert state.standing is not None and state.standing.children == count(colours)
    assert state.standing.children.total + state.standing.children.excluded == len(colours)


@given(colours=COLOURS, place=st.integers(0, 11))
def test_a_worse_child_never_improves_its_parent(colours, place):
    place %= len(colours)
    worse = [*colours[:place], max(RANK, key=RANK.__getitem__), *colours[place + 1 :]]
    before = decide(View(UnitState(PROVINCE), (), standing_so(*colours)), POLICY, NOON).after
    after = decide(View(UnitState(PROVINCE), (), standing_so(*worse)), POLICY, NOON).after
    assert not_better(after, before)


@settings(max_examples=settings().max_examples // 4)  # each is hundreds of decisions
@given(
    values=st.lists(st.tuples(st.integers(0, 240), st.sampled_from(("up", "rate", "goal")), VALUES), max_size=12),
    offset=st.integers(0, 120),
)
def test_looking_only_when_due_is_looking_every_second(values, offset):
    """Four minutes around a deadline and a midnight, with a probe that goes stale within them."""
    start = NOON.replace(hour=16, minute=58, second=0) + timedelta(days=13, seconds=offset)
    news: dict[int, list[Reading]] = {}
    for second, name, value in values:
        at = start + timedelta(seconds=second)
        news.setdefault(second, []).append(told(value >= 60 if name == "up" else value, at, indicator=name))
    lazy, eager = _watched(news, start, every_second=False), _watched(news, start, every_second=True)
    assert lazy == eager


def _watched(news, start, *, every_second):
    state = UnitState(COMMUNE)
    said: list[object] = []
    for second in range(245):
        now = start + timedelta(seconds=second)
        due = state.recheck_at is None or state.recheck_at <= now
        if every_second or due or second in news:
            view = View(state, tuple(news.get(second, ())), systems={SYSTEM: system()})
            decision = decide(view, POLICY, now)
            state = decision.after
            said += [(t.criterion, t.at, t.before, t.after) for t in decision.transitions]
            said += [(n.key, n.due_at) for n in decision.notices]
    return said
