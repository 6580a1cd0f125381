"""The whole site in columns says what deciding each unit says, when nothing has to be confirmed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.decide import Policy, View, decide
from monitor.engine import compact
from monitor.engine.book import Criterion, Formula, Period, RollUp
from monitor.engine.compact import CODES, EXCLUDED
from monitor.engine.scheme import Scheme
from monitor.engine.sheet import Sheet
from monitor.model.colour import Colour
from monitor.model.errors import NotFound
from monitor.model.reading import Reading
from monitor.model.series import MonthSum, Series
from monitor.model.state import UnitState
from monitor.model.unit import DECIDE_ORDER, Level, Units
from tests.unit.engine_scene import (
    CALENDAR,
    CENTRE,
    COMMUNE,
    DAY,
    GREEN,
    NATION,
    NOON,
    ONLINE,
    PROVINCE,
    RED,
    SESSIONS,
    SHARE,
    SHARED,
    SYSTEM,
    band,
    directory,
    goal,
    local,
    rule,
    ruleset,
    told,
    units,
)  # fmt: skip

FIVE = ("02143", "02144", "02145", "02146", "02147")
WORST = rule("worst", levels=frozenset({Level.PROVINCE, Level.NATION}), indicator=None, rollup=RollUp.WORST)
BY_DATE = rule("share", levels=frozenset({Level.PROVINCE, Level.NATION}), indicator=None, rollup=RollUp.GREEN_SHARE,
               bands=(), target=goal(operand=60.0))  # fmt: skip
DATED = replace(ONLINE, target=goal(floor=30.0), bands=())
FOR_ALL = replace(SHARED, inherit=frozenset({Level.COMMUNE, Level.PROVINCE}))
HEAVY = replace(WORST, rollup=RollUp.WEIGHT_SHARE, bands=ONLINE.bands)
RATE = replace(WORST, id="sum", rollup=RollUp.RATE, indicator="rate", bands=ONLINE.bands, min_sample=40)
ENOUGH = replace(ONLINE, min_sample=20)
FREE = rule(
    "free", levels=frozenset({Level.COMMUNE}), indicator=None, bands=(), inputs=("rate", "up"),
    formulas=(Formula(RED, "rate < 60", evaluate=lambda known: float(known["rate"]) < 60 if "rate" in known else "?"),
              Formula(GREEN, "up", evaluate=lambda known: known["up"] is True if "up" in known else "missing")),
)  # fmt: skip
BROKEN = rule(
    "broken", levels=frozenset({Level.COMMUNE}), indicator="up", bands=(), target=replace(goal(), before=None)
)
OF_SOME = replace(SHARED, levels=frozenset({Level.SYSTEM, Level.COMMUNE}), units=frozenset({SYSTEM, "02144"}))
KINDS = (
    replace(SHARE, id="score", rollup=RollUp.SCORE, max_red_share=20.0),
    replace(SHARE, id="count", rollup=RollUp.COUNT, colours=frozenset({RED}),
            bands=(band(GREEN, ("<", 1.0)), band(RED, (">=", 1.0)))),
    replace(SHARE, id="nth", rollup=RollUp.NTH_BEST, nth=3, bands=()),
)  # fmt: skip
SITES = [(CENTRE, SHARED, ONLINE, SHARE), (CENTRE, FOR_ALL, DATED, WORST), (SHARED, DATED, BY_DATE), (CENTRE, ONLINE),
         (CENTRE, FOR_ALL, ONLINE, replace(SHARE, critical=False)), (CENTRE, ONLINE, HEAVY), (ONLINE, RATE, SHARE),
         (ENOUGH, SHARE, RATE), (CENTRE, FREE, SHARE), (BROKEN, ONLINE, WORST), (OF_SOME, CENTRE, SHARE),
         (CENTRE, ONLINE, *KINDS), (replace(ONLINE, weight={}), CENTRE, replace(SHARE, critical=False))]  # fmt: skip

JULY = 12 * 2025 + 6
PAST = {"rate": Series(months=(MonthSum(JULY - 4, 30.0, 90.0), MonthSum(JULY, 9.0, 12.0)))}


def policy(criteria: tuple[Criterion, ...]) -> Policy:
    around = Units(tuple(replace(u, depends_on=(SYSTEM,)) if u.code == PROVINCE else u for u in units(FIVE)))
    rules = ruleset(*criteria)
    indicators = {**rules.indicators, "rate": replace(rules.indicators["rate"], window=Period.MONTH)}
    return Policy(around, replace(rules, indicators=indicators), directory(), CALENDAR, SESSIONS)


def sheet_of(of: Policy, readings: list[Reading], now: datetime) -> Sheet:
    evidence: dict[str, dict[str, Reading]] = {}
    for reading in readings:
        evidence.setdefault(reading.unit, {})[reading.indicator] = reading
    states = {unit.code: UnitState(unit.code, evidence=evidence.get(unit.code, {}), series=PAST) for unit in of.units}
    rules = of.ruleset
    sheet = Sheet(of.units, lambda unit: of.criteria_of(unit, now), rules.indicators, rules.standing, CALENDAR)
    sheet.fill(states)
    return sheet


def decided(of: Policy, readings: list[Reading], now: datetime) -> dict[str, UnitState]:
    states = {unit.code: UnitState(unit.code, series=PAST) for unit in of.units}
    for unit in sorted(of.units, key=lambda unit: DECIDE_ORDER[unit.level]):
        children = tuple(states[code] for code in of.units.children(unit.code))
        news = tuple(reading for reading in readings if reading.unit == unit.code)
        view = View(states[unit.code], news, children, {code: states[code] for code in unit.depends_on})
        states[unit.code] = decide(view, of, now).after
    return states


values = {"up": st.booleans(), "system_up": st.booleans(), "rate": st.sampled_from([20.0, 50.0, 70.0, 80.0, 95.0])}


@st.composite
def feeds(draw):
    keys = [(SYSTEM, "system_up"), *((code, indicator) for code in FIVE for indicator in ("up", "rate"))]
    told_of = draw(st.lists(st.sampled_from(keys), unique=True))
    ago = st.sampled_from([timedelta(), timedelta(seconds=149), timedelta(seconds=150)])
    news = [told(draw(values[what]), NOON - draw(ago), unit=unit, indicator=what) for unit, what in told_of]
    return [_of_cases(one, draw(st.sampled_from([None, 4.0, 10.0, 40.0]))) for one in news]


def _of_cases(reading: Reading, cases: float | None) -> Reading:
    if reading.indicator != "rate" or cases is None:
        return reading
    return replace(reading, numerator=float(reading.value) / 100 * cases, denominator=cases)


def agrees(sheet: Sheet, states: dict[str, UnitState]) -> None:
    for code, state in states.items():
        assert state.standing is not None
        raw = {key: criterion.verdict.colour for key, criterion in state.criteria.items()}
        assert {key: colour for key, colour in sheet.colours(code).items() if key in raw} == raw
        assert sheet.colour(code) is state.standing.colour
        assert sheet.stood(code)[1:] == (state.standing.score, state.standing.coverage)
        if state.standing.children is not None:
            assert sheet.counts(code) == state.standing.children


@given(st.sampled_from(SITES), feeds(), st.sampled_from([timedelta(), 20 * DAY]))
def test_a_site_from_nothing_is_what_deciding_every_unit_says(site, readings, later):
    of, now = policy(site), NOON + later
    sheet = sheet_of(of, readings, now)
    sheet.judge(now)
    agrees(sheet, decided(of, readings, now))


@given(st.sampled_from(SITES), feeds(), feeds())
def test_readings_put_in_one_by_one_lead_where_judging_anew_leads(site, readings, more):
    of = policy(site)
    sheet = sheet_of(of, readings, NOON)
    sheet.judge(NOON)
    before = {unit.code: sheet.colour(unit.code) for unit in of.units}
    told_changed = [code for reading in more for code in sheet.put(reading, NOON)]
    known = {(reading.unit, reading.indicator): reading for reading in (*readings, *more)}
    agrees(sheet, decided(of, list(known.values()), NOON))
    assert {code for code, colour in before.items() if sheet.colour(code) is not colour} <= set(told_changed)


@given(st.sampled_from(SITES), st.sampled_from([*FIVE, SYSTEM, PROVINCE]), feeds(), feeds())
def test_units_that_are_not_there_are_left_out_and_nobody_takes_anything_over_from_them(site, gone, readings, more):
    of = policy(site)
    ended = replace(of.units[gone], valid_to=CALENDAR.local(NOON).date())
    of = replace(of, units=Units(tuple(ended if unit.code == gone else unit for unit in of.units)))
    sheet = sheet_of(of, readings, NOON)
    sheet.judge(NOON)
    agrees(sheet, decided(of, readings, NOON))
    assert sheet.colour(gone) is Colour.EXCLUDED
    for reading in more:
        assert gone not in sheet.put(reading, NOON)
    known = {(reading.unit, reading.indicator): reading for reading in (*readings, *more)}
    agrees(sheet, decided(of, list(known.values()), NOON))


def test_a_system_with_many_dependants_stands_every_one_of_them_once():
    of = policy(SITES[4])
    good = [told(True, unit=SYSTEM, indicator="system_up")]
    good += [told(value, unit=code, indicator=name) for code in FIVE for name, value in (("up", True), ("rate", 90.0))]
    sheet = sheet_of(of, good, NOON)
    sheet.judge(NOON)
    assert sheet.put(told(False, unit=SYSTEM, indicator="system_up"), NOON) == [SYSTEM, *FIVE, PROVINCE, NATION]


def test_one_reading_names_whom_it_changed_up_to_the_nation():
    of = policy(SITES[0])
    good = [told(True, unit=SYSTEM, indicator="system_up")]
    good += [told(value, unit=code, indicator=name) for code in FIVE for name, value in (("up", True), ("rate", 90.0))]
    sheet = sheet_of(of, good, NOON)
    sheet.judge(NOON)
    assert {sheet.colour(code) for code in (*FIVE, PROVINCE, NATION)} == {GREEN}
    assert sheet.put(told(False, unit=COMMUNE, indicator="up"), NOON) == [COMMUNE]
    assert sheet.colour(COMMUNE) is RED
    assert sheet.put(told(False, unit="02144", indicator="up"), NOON) == ["02144", PROVINCE, NATION]
    assert sheet.put(told(80.0, unit="02145"), NOON) == []
    assert sheet.look("02145") == NOON + timedelta(seconds=150)


def test_a_reading_of_a_strange_unit_is_not_found_and_one_that_no_rule_reads_changes_nothing():
    sheet = sheet_of(policy(SITES[0]), [], NOON)
    sheet.judge(NOON)
    with pytest.raises(NotFound, match="no unit has the code '99999'"):
        sheet.put(told(80.0, unit="99999"), NOON)
    assert sheet.put(told(5.0, indicator="queue"), NOON) == []


def all_good(of: Policy) -> Sheet:
    """A site at noon at which everything is green."""
    good = [told(True, unit=SYSTEM, indicator="system_up")]
    good += [told(value, unit=code, indicator=name) for code in FIVE for name, value in (("up", True), ("rate", 90.0))]
    sheet = sheet_of(of, good, NOON)
    sheet.judge(NOON)
    return sheet


def test_a_roll_up_is_looked_up_in_a_table_that_is_drawn_once_a_day(monkeypatch):
    drawn, draw = [], compact._draw

    def watch(criterion, *rest):
        drawn.append(criterion.id)
        return draw(criterion, *rest)

    monkeypatch.setattr(compact, "_draw", watch)
    sheet = all_good(policy(SITES[0]))
    assert drawn.count("share") == 1  # for the province and for the nation
    for code in FIVE[:2]:
        sheet.put(told(50.0, unit=code), NOON)
    assert sheet.colour(NATION) is RED
    late = local(7)
    sheet.put(told(90.0, late, unit=FIVE[0]), late - timedelta.resolution)
    assert drawn.count("share") == 1
    sheet.put(told(50.0, late, unit=FIVE[0]), late)
    assert drawn.count("share") == 2


def test_a_reading_that_changes_no_colour_stands_nobody(monkeypatch):
    sheet = all_good(policy(SITES[0]))
    stood = []
    stand = Scheme.stand

    def counting(scheme, row, gained=None):
        stood.append(gained)
        return stand(scheme, row, gained)

    monkeypatch.setattr(Scheme, "stand", counting)
    sheet.put(told(85.0, unit=COMMUNE), NOON)
    assert stood == []
    sheet.put(told(70.0, unit=COMMUNE), NOON)  # yellow, and so is the commune; the province has four of five
    assert stood == [50.0]  # halves of its weights: green, green and yellow; the province's share stays green
    sheet.put(told(70.0, unit=FIVE[1]), NOON)
    assert stood[1:] == [50.0, 10.0, 0.0]  # three of five are too few


def test_a_unit_that_ends_is_left_out_from_its_day_on_when_something_reaches_it():
    of = policy(SITES[0])
    ended = replace(of.units[COMMUNE], valid_to=CALENDAR.local(NOON).date() + timedelta(days=1))
    of = replace(of, units=Units(tuple(ended if unit.code == COMMUNE else unit for unit in of.units)))
    sheet = all_good(of)
    assert sheet.counts(PROVINCE).green == 5
    assert isinstance(sheet.counts(PROVINCE).green, int)  # it is written in reasons
    later = local(7)
    assert sheet.put(told(False, later, indicator="up"), later - timedelta.resolution) == [COMMUNE]
    assert COMMUNE in sheet.put(told(True, later, indicator="up"), later)
    assert sheet.stood(COMMUNE) == (EXCLUDED, None, 0.0)
    assert (sheet.counts(PROVINCE).green, sheet.counts(PROVINCE).excluded) == (4, 1)


def test_a_unit_that_has_not_begun_is_left_out():
    of, tomorrow = policy(SITES[0]), CALENDAR.local(local(7)).date()
    begins = replace(of.units[COMMUNE], valid_from=tomorrow)
    sheet = all_good(replace(of, units=Units(tuple(begins if unit.code == COMMUNE else unit for unit in of.units))))
    assert sheet.stood(COMMUNE) == (EXCLUDED, None, 0.0)
    assert (sheet.counts(PROVINCE).green, sheet.counts(PROVINCE).excluded) == (4, 1)


def test_a_reading_that_no_rule_of_its_unit_reads_is_kept_and_changes_nothing():
    sheet = all_good(policy(SITES[0]))
    assert sheet.put(told(False, unit=COMMUNE, indicator="system_up"), NOON) == []
    assert sheet.colours(COMMUNE)["system_up"] is GREEN


def test_a_unit_stands_with_score_and_share_known_and_is_looked_at_no_later_than_its_readings_ask():
    sheet = all_good(policy(SITES[3]))
    assert sheet.stood(COMMUNE) == (CODES[GREEN], 1.0, 1.0)
    assert sheet.stood(SYSTEM) == (CODES[Colour.UNKNOWN], None, 0.0)  # nothing is asked of it here
    earlier = NOON - timedelta(seconds=60)
    sheet.put(told(True, earlier, indicator="up"), NOON)
    assert sheet.look(COMMUNE) == earlier + timedelta(seconds=150)
    sheet.put(told(True, NOON, indicator="up"), NOON)
    assert sheet.look(COMMUNE) == earlier + timedelta(seconds=150)
    assert sheet.look(SYSTEM) is None
    assert sheet.counts(COMMUNE).total == 0


def test_what_changes_at_a_system_is_taken_over_from_it_even_where_the_system_stands_as_before():
    slow = rule("slow", levels=frozenset({Level.SYSTEM}), inherit=frozenset({Level.COMMUNE}), indicator="rate")
    of = policy((SHARED, slow, SHARE))
    readings = [told(False, unit=SYSTEM, indicator="system_up"), told(90.0, unit=SYSTEM)]
    sheet = sheet_of(of, readings, NOON)
    sheet.judge(NOON)
    assert sheet.colours(COMMUNE)["slow"] is GREEN
    assert sheet.put(told(50.0, unit=SYSTEM), NOON) == []
    assert sheet.colours(COMMUNE)["slow"] is RED
    agrees(sheet, decided(of, [readings[0], told(50.0, unit=SYSTEM)], NOON))


def test_units_of_one_level_are_judged_by_their_own_criteria():
    one = replace(ONLINE, units=frozenset({COMMUNE}))
    other = replace(ONLINE, id="low", units=frozenset({FIVE[1]}), bands=(band(RED, (">=", 80.0)),))
    sheet = sheet_of(policy((one, other)), [told(90.0), told(90.0, unit=FIVE[1])], NOON)
    sheet.judge(NOON)
    assert (sheet.colours(COMMUNE), sheet.colours(FIVE[1])) == ({"rate": GREEN}, {"low": RED})


def test_a_criterion_of_several_groups_of_units_is_judged_for_each_unit_by_its_own_reading():
    low = replace(ONLINE, id="low", units=frozenset({FIVE[1]}), bands=(band(RED, (">=", 30.0)),))
    rates = dict(zip(FIVE, (90.0, 50.0, 70.0, 90.0, 20.0), strict=True))
    sheet = sheet_of(policy((ONLINE, low)), [told(rate, unit=code) for code, rate in rates.items()], NOON)
    sheet.judge(NOON)
    assert [sheet.colours(code)["rate"] for code in FIVE] == [GREEN, RED, Colour.YELLOW, GREEN, RED]
    assert sheet.colours(FIVE[1])["low"] is RED


def test_roll_ups_of_one_unit_are_judged_each_by_its_own_rule():
    sheet = all_good(policy((CENTRE, SHARE, WORST)))
    sheet.put(told(False, indicator="up"), NOON)
    assert sheet.colours(PROVINCE) == {"share": GREEN, "worst": RED}


def test_a_free_condition_that_has_an_indicator_of_its_own_is_judged_by_its_condition():
    of, readings = policy((replace(FREE, indicator="rate"), SHARE)), [told(90.0), told(True, indicator="up")]
    sheet = sheet_of(of, readings, NOON)
    sheet.judge(NOON)
    assert sheet.colours(COMMUNE) == {"free": GREEN}
    agrees(sheet, decided(of, readings, NOON))


def test_who_is_there_is_asked_once_a_day(monkeypatch):
    sheet, asked, later = all_good(policy(SITES[0])), [], local(7)
    monkeypatch.setattr(Sheet, "_forget", lambda _, now: asked.append(now))
    sheet.put(told(False, indicator="up"), later - timedelta.resolution)
    assert asked == []
    sheet.put(told(True, later, indicator="up"), later)
    assert asked == [later]


def test_what_no_system_of_a_unit_carries_is_left_out_at_it():
    of = policy(SITES[0])
    alone = Units(tuple(replace(unit, depends_on=()) if unit.code == COMMUNE else unit for unit in of.units))
    sheet = all_good(replace(of, units=alone))
    assert sheet.colours(COMMUNE)["system_up"] is Colour.EXCLUDED
    assert sheet.colour(COMMUNE) is sheet.colours(FIVE[1])["system_up"] is GREEN


def test_a_share_by_weight_with_a_date_asks_for_no_more_than_its_date_does():
    of = policy((ONLINE, replace(HEAVY, bands=(), target=goal(operand=60.0))))
    readings = [told(90.0 if number < 2 else 50.0, unit=code) for number, code in enumerate(FIVE[:4])]
    sheet = sheet_of(of, readings, NOON)
    sheet.judge(NOON)
    assert sheet.colours(PROVINCE) == {"worst": Colour.YELLOW}
    agrees(sheet, decided(of, readings, NOON))


def test_a_weight_of_red_ones_takes_in_no_child_that_was_never_heard_of():
    few_red = (band(GREEN, ("<", 50.0)), band(RED, (">=", 50.0)))
    of = policy((ONLINE, replace(HEAVY, bands=few_red, colours=frozenset({RED}))))
    readings = [told(90.0 if number < 2 else 50.0, unit=code) for number, code in enumerate(FIVE[:4])]
    sheet = sheet_of(of, readings, NOON)
    sheet.judge(NOON)
    assert sheet.colours(PROVINCE) == {"worst": GREEN}  # 40 per cent
    agrees(sheet, decided(of, readings, NOON))


def test_a_reading_that_changes_only_the_first_of_two_criteria_that_read_it_stands_its_unit():
    low = rule("low", indicator="rate", bands=(band(GREEN, (">=", 10.0)), band(RED, ("<", 10.0))))
    sheet = sheet_of(policy((ONLINE, replace(low, levels=ONLINE.levels))), [told(90.0)], NOON)
    sheet.judge(NOON)
    assert sheet.put(told(50.0), NOON) == [COMMUNE]
    assert sheet.colours(COMMUNE) == {"rate": RED, "low": GREEN}


def test_each_reading_that_is_put_in_adds_to_the_months_by_which_the_next_small_sample_is_widened():
    sheet = sheet_of(policy(SITES[7]), [], NOON)
    sheet.judge(NOON)
    few = told(50.0, numerator=5.0, denominator=10.0)
    sheet.put(few, NOON)
    assert sheet.colours(COMMUNE)["rate"] is Colour.YELLOW  # with July: 14 of 22
    sheet.put(told(25.0, local(31, month=7), numerator=3.0, denominator=12.0), NOON)
    sheet.put(few, NOON)
    assert sheet.colours(COMMUNE)["rate"] is RED  # with July as it was told late: 8 of 22
    sheet.fill({})
    sheet.judge(NOON)
    sheet.put(few, NOON)
    assert sheet.colours(COMMUNE)["rate"] is Colour.EXCLUDED  # nothing is remembered


def test_a_free_condition_of_a_system_is_taken_over_when_it_changes():
    free = replace(FREE, levels=frozenset({Level.SYSTEM}), inherit=frozenset({Level.COMMUNE}))
    of = policy((SHARED, free, SHARE))
    readings = [told(True, unit=SYSTEM, indicator="system_up"), told(True, unit=SYSTEM, indicator="up")]
    sheet = sheet_of(of, [*readings, told(90.0, unit=SYSTEM)], NOON)
    sheet.judge(NOON)
    sheet.put(told(50.0, unit=SYSTEM), NOON)
    assert sheet.colours(COMMUNE)["free"] is RED
    agrees(sheet, decided(of, [*readings, told(50.0, unit=SYSTEM)], NOON))


SECOND = "HT2"


@pytest.mark.parametrize(
    ("one", "other", "taken"),
    [(True, True, GREEN), (True, False, RED), (False, True, RED), (True, None, Colour.UNKNOWN), (None, False, RED)],
)
def test_of_several_systems_the_most_urgent_colour_is_taken_over(one, other, taken):
    slow = rule("slow", levels=frozenset({Level.SYSTEM}), indicator="rate")  # theirs alone, and before what is shared
    of = policy((CENTRE, slow, SHARED, ONLINE, SHARE))
    both = [replace(u, depends_on=(SYSTEM, SECOND)) if u.code == COMMUNE else u for u in of.units]
    of = replace(of, units=Units((*both, replace(of.units[SYSTEM], code=SECOND))))
    readings = [
        told(value, unit=system, indicator="system_up")
        for system, value in ((SYSTEM, one), (SECOND, other))
        if value is not None
    ]
    sheet = sheet_of(of, readings, NOON)
    sheet.judge(NOON)
    assert sheet.colours(COMMUNE)["system_up"] is taken
    agrees(sheet, decided(of, readings, NOON))


def test_a_share_with_a_date_is_asked_anew_when_its_date_has_come():
    of, evening, morning = policy(SITES[2]), local(19, 23, 59), local(20, 0, 0, 1)
    good = [told(True, evening, unit=SYSTEM, indicator="system_up")]
    readings = good + [told(90.0 if n < 2 else 50.0, evening, unit=code) for n, code in enumerate(FIVE)]
    sheet = sheet_of(of, readings, evening)
    sheet.judge(evening)
    assert sheet.colours(PROVINCE)["share"] is Colour.YELLOW  # 40 % green, and 60 % not owed before the 20th
    assert sheet.look(PROVINCE) == local(20)
    late = [told(True, morning, unit=SYSTEM, indicator="system_up"), told(40.0, morning, unit=FIVE[0])]
    for reading in late:
        sheet.put(reading, morning)
    assert sheet.colours(PROVINCE)["share"] is RED


def test_a_unit_is_looked_at_again_when_the_first_of_its_readings_grows_too_old():
    of = policy(SITES[0])
    old, older = NOON - timedelta(seconds=20), NOON - timedelta(seconds=70)
    readings = [told(True, older, indicator="up"), told(90.0, old), told(False, old, unit=FIVE[1], indicator="up")]
    sheet = sheet_of(of, readings, NOON)
    sheet.judge(NOON)
    assert sheet.look(COMMUNE) == older + timedelta(seconds=150)
    assert sheet.look(FIVE[1]) == old + timedelta(seconds=150)


def test_a_sheet_gives_back_the_readings_that_a_units_rules_look_at():
    of = policy(SITES[0])
    readings = [told(90.0), told(True, indicator="up"), told(5.0, indicator="queue")]
    assert sheet_of(of, readings, NOON).evidence(COMMUNE) == {"rate": readings[0], "up": readings[1]}


@pytest.mark.parametrize("moving", [replace(SHARE, critical=False), replace(HEAVY, id="share")])
def test_a_province_of_which_only_the_first_of_two_roll_ups_changes_stands_anew(moving):
    calm = replace(moving, id="calm", bands=(band(GREEN, (">=", 0.0)),))
    sheet = all_good(policy((CENTRE, moving, calm)))
    assert PROVINCE in [code for unit in FIVE[:2] for code in sheet.put(told(False, unit=unit, indicator="up"), NOON)]
    assert sheet.colours(PROVINCE)["calm"] is GREEN


def test_a_figure_that_changes_no_colour_of_its_unit_is_summed_up_anew_all_the_same():
    sheet = sheet_of(
        policy((ONLINE, RATE)), [told(90.0, unit=code, numerator=90.0, denominator=100.0) for code in FIVE], NOON
    )
    sheet.judge(NOON)
    assert sheet.colours(PROVINCE)["sum"] is GREEN
    assert sheet.put(told(90.0, numerator=100.0, denominator=1000.0), NOON) == [PROVINCE, NATION]
    assert (sheet.colours(PROVINCE)["sum"], sheet.colour(COMMUNE)) == (RED, GREEN)
