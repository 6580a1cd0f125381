"""Whatever the rules are, the colour that is committed is the colour that its facts compute."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.cli.sites import bundled
from monitor.config.build import load_site
from monitor.decide import Policy, View, darken, decide, set_aside
from monitor.engine.book import (
    Condition,
    Curve,
    Exemption,
    Flap,
    Formula,
    Measure,
    Need,
    Pace,
    Period,
    Points,
    RollUp,
    Target,
)
from monitor.model.colour import Colour
from monitor.model.reading import Comparator, Reading
from monitor.model.state import UnitState
from monitor.model.unit import Level, Units
from monitor.model.verdict import Standing
from monitor.reporting.recompute import Unreadable, colour
from monitor.service.app import policy_of
from tests.scenario.test_recompute import agrees
from tests.unit.engine_scene import (
    CALENDAR,
    COMMUNE,
    DAY,
    GREEN,
    HOUR,
    NATION,
    NOON,
    OUTAGE_BANDS,
    PROVINCE,
    RATE_BANDS,
    RED,
    SESSIONS,
    SHARED,
    SYSTEM,
    UNKNOWN,
    YELLOW,
    directory,
    local,
    measure,
    rule,
    ruleset,
    told,
    units,
)

EXAMPLES = settings().max_examples // 5  # each is dozens of decisions
KNOWN = (GREEN, YELLOW, RED)
NUMBERS = st.sampled_from((0.0, 39.9, 40.0, 55.0, 59.99, 60.0, 75.0, 79.99, 80.0, 95.0, 100.0))
SIGNS = st.sampled_from(("=", "=", "=", ">", ">=", "<", "<=", "~"))
NEEDS = st.one_of(
    st.just(Need()),
    st.builds(Need, st.integers(1, 3), st.sampled_from((0.0, 90.0, 3600.0, 86400.0))),
    st.integers(1, 3).flatmap(lambda n: st.integers(n, 5).map(lambda of: Need(n, 0.0, of))),
)
FLAPS = st.one_of(st.none(), st.builds(Flap, st.just(20.0), st.just(10.0), st.sampled_from((4, 8, 21))))
STEPS = ((date(2025, 8, 7), 50.0), (date(2025, 8, 9), 70.0))
PACES = st.one_of(
    st.none(),
    st.builds(
        Pace,
        st.just(10.0),
        st.just(date(2025, 7, 1)),
        st.sampled_from(Curve),
        st.just(STEPS),
        st.sampled_from((0.0, 7.5)),
        st.booleans(),
    ),
)
DATES = st.sampled_from(({"before": date(2025, 8, 8)}, {"by": date(2025, 8, 7)}, {"every": Period.MONTH}))


@st.composite
def targets(draw, operands=(60.0, 80.0)):
    goal = Condition(draw(st.sampled_from((">=", ">", "<=", "<"))), draw(st.sampled_from(operands)))
    return Target(
        goal,
        **draw(DATES),
        floor=draw(st.sampled_from((None, 40.0, 90.0))),
        margin=draw(st.sampled_from((0.0, 5.0, 25.0))),
        pace=draw(PACES),
    )


@st.composite
def rates(draw):
    """A rule over a rate: bands, a target or both, or points only; holds, flapping, a smallest sample."""
    form = draw(st.sampled_from(("bands", "target", "both", "points")))
    return rule(
        bands=RATE_BANDS if form in ("bands", "both") else (),
        target=draw(targets()) if form in ("target", "both") else None,
        points=Points(10.0, "a") if form == "points" else None,
        hold=draw(NEEDS),
        keep=draw(NEEDS),
        flap=draw(FLAPS),
        min_sample=draw(st.sampled_from((0, 0, 30))),
        max_age=draw(st.sampled_from((None, 7200.0))),
        critical=draw(st.booleans()),
    )


@st.composite
def conditions(draw):
    """A free condition; what it reads and how it fails is drawn, and it is as blind to missing inputs as CEL."""
    bound, broken = draw(NUMBERS), draw(st.sampled_from((None, None, None, "error", "raises")))

    def above(values):
        if broken == "raises":
            raise ArithmeticError("a rule that breaks")
        if broken == "error" or "rate" not in values:
            return "no such value"
        return not isinstance(values["rate"], str) and values["rate"] >= bound

    made = (
        Formula(RED, "up == false", evaluate=lambda values: values.get("up") is False),
        Formula(GREEN, f"rate >= {bound}", evaluate=above),
    )
    return rule(
        "free",
        indicator=None,
        bands=(),
        formulas=made,
        inputs=("rate", "up"),
        hold=draw(NEEDS),
        keep=draw(NEEDS),
        min_sample=draw(st.sampled_from((0, 30))),
    )


EXEMPTIONS = st.sampled_from(
    (
        (),
        (Exemption("rate", COMMUNE, "12/QĐ", date(2025, 8, 7), by=date(2025, 8, 9), until=date(2025, 8, 8)),),
        (Exemption("rate", COMMUNE, "13/QĐ", date(2025, 8, 6), before=date(2025, 8, 7)),),
    )
)


@st.composite
def policies(draw):
    elapsed = rule("down_minutes", bands=OUTAGE_BANDS, hold=draw(NEEDS), keep=draw(NEEDS), outage=True)
    rules = ruleset(draw(rates()), elapsed, draw(conditions()), replace(SHARED, hold=draw(NEEDS)))
    sources = draw(st.sampled_from(((), ("portal", "paper"))))
    rate = measure(
        window=Period.MONTH,
        warn_age=3600.0,
        sources=sources,
        disagree=5.0,
        cadence=draw(st.sampled_from((0.0, 3600.0))),
        minimum=0.0,
        maximum=100.0,
    )
    rules = replace(rules, indicators={**rules.indicators, "rate": rate}, exemptions=draw(EXEMPTIONS))
    return Policy(units(), rules, directory(), CALENDAR, SESSIONS)


RATES = st.tuples(
    st.just("rate"), NUMBERS, SIGNS, st.sampled_from((None, 10.0, 100.0)), st.sampled_from(("portal", "paper"))
)
SWITCHES = st.tuples(st.sampled_from(("up", "system_up")), st.booleans())
STORY = st.lists(
    st.tuples(st.sampled_from((60, 600, 3600, 20 * 3600, 40 * 86400)), st.one_of(RATES, SWITCHES)),
    min_size=1,
    max_size=14,
)


def as_reading(at, indicator, value, sign="=", of=None, source="probe"):
    more = {} if of is None else {"numerator": value * of / 100, "denominator": of}
    unit = SYSTEM if indicator == "system_up" else COMMUNE
    return told(value, at, unit=unit, indicator=indicator, source=source, sign=sign, **more)


def played(policy, story, each):
    """Commune and system through a story: decided at news and when due, a few looks each time."""
    states = {code: UnitState(code) for code in (COMMUNE, SYSTEM)}
    now = NOON
    for gap, row in story:
        end = now + timedelta(seconds=gap)
        for _ in range(6):
            due = min((s.recheck_at for s in states.values() if s.recheck_at), default=end)
            if due >= end:
                break
            now = max(due, now)
            look(policy, states, now, (), each)
        now = end
        look(policy, states, now, (as_reading(now, *row),), each)


def look(policy, states, now, news, each):
    for code in (SYSTEM, COMMUNE):
        own = tuple(one for one in news if one.unit == code)
        view = View(states[code], own, systems={SYSTEM: states[SYSTEM]} if code == COMMUNE else {})
        states[code] = decide(view, policy, now).after
        each(code, states, now)


@settings(max_examples=EXAMPLES)
@given(policy=policies(), story=STORY)
def test_every_rule_of_a_unit_is_computed_again(policy, story):
    def compare(code, states, now):
        systems = (states[SYSTEM],) if code == COMMUNE else ()
        agrees(policy.units[code], states[code], policy, now, systems)
        until = min(one.recheck_at for one in states.values() if one.recheck_at) - timedelta.resolution
        if code == COMMUNE and until > now:
            agrees(policy.units[code], states[code], policy, until, systems)

    played(policy, story, compare)


@settings(max_examples=EXAMPLES)
@given(policy=policies(), story=STORY)
def test_what_was_set_aside_or_is_not_stored_is_computed_as_unknown(policy, story):
    last = {}
    played(policy, story, lambda code, states, now: last.update({code: (states[code], now)}))
    for code, (state, now) in last.items():
        for dark in (set_aside(state, (), "broken", now).after, darken(state, "no store", now)):
            agrees(policy.units[code], dark, policy, now)


@st.composite
def groups(draw):
    """A roll-up of any kind over communes that are drawn, silent ones and ones without a figure among them."""
    kind = draw(st.sampled_from(RollUp))
    codes = tuple(f"021{n:02}" for n in range(draw(st.integers(1, 6))))
    plain = units(codes)
    weighed = Units(
        tuple(replace(u, weight=draw(st.sampled_from((0.0, 0.1, 1.0, 2.5)))) if u.code in codes else u for u in plain)
    )
    by_value = kind not in (RollUp.WORST, RollUp.NTH_BEST)
    aimed = by_value and draw(st.booleans())
    criterion = rule(
        "group",
        levels=frozenset({Level.PROVINCE, Level.NATION}),
        indicator="rate" if kind is RollUp.RATE else None,
        rollup=kind,
        bands=RATE_BANDS if by_value and not (aimed and draw(st.booleans())) else (),
        target=draw(targets((3.0, 60.0))) if aimed else None,
        colours=draw(st.sampled_from((frozenset({GREEN}), frozenset({RED}), frozenset({YELLOW, RED})))),
        nth=draw(st.integers(1, 4)),
        max_red_share=draw(st.sampled_from((None, None, 20.0))),
        min_sample=draw(st.sampled_from((0, 150))),
        hold=draw(NEEDS),
        keep=draw(NEEDS),
        flap=draw(FLAPS),
    )
    moments = [[draw(child(code)) for code in codes] for _ in range(draw(st.integers(1, 4)))]
    return Policy(weighed, ruleset(criterion), directory(), CALENDAR, SESSIONS), moments


@st.composite
def child(draw, code):
    shown, level = draw(st.sampled_from((*KNOWN, *Colour))), draw(st.sampled_from((*KNOWN, UNKNOWN)))
    level = shown if shown.known else level
    standing = draw(st.sampled_from((Standing(shown, NOON, level, NOON), Standing(shown, NOON, level, NOON), None)))
    part, whole, sign = draw(NUMBERS), draw(st.sampled_from((50.0, 100.0, 400.0))), draw(SIGNS)
    age = draw(st.sampled_from((timedelta(0), 47 * HOUR, 3 * DAY)))
    reading = told(part, NOON - age, unit=code, sign=sign, numerator=part, denominator=whole)
    return UnitState(code, 1, standing, evidence=draw(st.sampled_from(({"rate": reading}, {"rate": reading}, {}))))


@given(scene=groups())
def test_every_roll_up_is_computed_again(scene):
    policy, moments = scene
    state = UnitState(PROVINCE)
    for number, children in enumerate(moments):
        now = NOON + number * HOUR
        state = decide(View(state, children=tuple(children)), policy, now).after
        agrees(policy.units[PROVINCE], state, policy, now, (), children)


@given(scene=groups())
def test_a_nation_that_sums_what_its_provinces_summed_is_computed_again(scene):
    policy, moments = scene
    province = decide(View(UnitState(PROVINCE), children=tuple(moments[0])), policy, NOON).after
    nation = decide(View(UnitState(NATION), children=(province,)), policy, NOON).after
    agrees(policy.units[NATION], nation, policy, NOON, (), (province,))


SITE = load_site(bundled(), environ={}, now=local(1))
RULES = policy_of(SITE)


def made_up(unit: str, at, dice: Random, mood: str) -> tuple[Reading, ...]:
    """Something for every indicator: the bounds of its own rules and their neighbours, or a middling number."""
    found = []
    for indicator in SITE.ruleset.indicators.values():
        if indicator.measure is Measure.ELAPSED or dice.random() < 0.05:
            continue
        whole = dice.choice((None, 3.0, 400.0)) if indicator.unit == "%" else None
        value = _value(indicator, dice, mood)
        part = None if whole is None else float(value) * whole / 100
        sign = dice.choice((Comparator.EQ, Comparator.EQ, Comparator.GT, Comparator.APPROX))
        if indicator.unit in ("bool", "state"):
            sign = Comparator.EQ
        found.append(Reading(unit, indicator.id, value, at, at, "made-up", sign, part, whole))
    return tuple(found)


def _value(indicator, dice, mood):
    if indicator.unit == "state":
        return dice.choice(indicator.states)
    if indicator.unit == "bool":
        return mood == "good" or (mood == "middling" and dice.random() < 0.7)
    bounds = [
        c.operand
        for book in SITE.ruleset.books
        for criterion in book.criteria
        if criterion.indicator == indicator.id
        for band in criterion.bands
        if mood == "middling" or band.colour is {"good": GREEN, "bad": RED}[mood]
        for c in band.conditions
        if not isinstance(c.operand, (bool, str))
    ]
    value = dice.choice(bounds or [50.0]) + dice.choice((-1.0, 0.0, 1.0))
    low = 0.0 if indicator.minimum is None else indicator.minimum
    return max(low, value if indicator.maximum is None else min(indicator.maximum, value))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("mood", ["good", "middling", "bad"])
def test_all_units_of_the_site_are_computed_again_on_made_up_readings(mood, seed):
    dice, order = Random(f"{mood} {seed}"), (Level.SYSTEM, Level.COMMUNE, Level.PROVINCE, Level.NATION)
    states = {unit.code: UnitState(unit.code) for unit in SITE.units}
    colours: Counter[Colour] = Counter()
    assert len(states) == 97
    for step in range(2):
        now = local(18, 9) + step * 3 * DAY  # before a date of the rules, and after it
        for unit in sorted(SITE.units, key=lambda unit: order.index(unit.level)):
            children = tuple(states[code] for code in SITE.units.children(unit.code))
            systems = {code: states[code] for code in unit.depends_on}
            view = View(states[unit.code], made_up(unit.code, now, dice, mood), children, systems)
            states[unit.code] = decide(view, RULES, now).after
            agrees(unit, states[unit.code], RULES, now, tuple(systems.values()), children)
            colours.update(one.colour for one in states[unit.code].criteria.values())
    assert {GREEN, YELLOW, RED} <= set(colours), colours


def test_a_kind_that_nobody_knows_is_unreadable_and_no_colour():
    policy = RULES
    state = decide(View(UnitState("02143"), made_up("02143", NOON, Random(1), "good")), policy, NOON).after
    told_again = agrees(SITE.units["02143"], state, policy, NOON)
    told_again["criteria"][0] |= {"kind": "median", "broken": None}
    with pytest.raises(Unreadable, match="'median'"):
        colour(told_again)
