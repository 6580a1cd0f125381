"""One trouble, one message: a whole country, a third of a province, a lone centre, and a line that explains it all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.alerting.auditor import excused
from monitor.alerting.escalate import SPARED
from monitor.alerting.plan import Collapse, TermsSpec
from monitor.decide import Policy
from monitor.model.incident import Kind, Notice, Phase
from monitor.model.reading import Reading
from monitor.model.segments import gsm_length
from monitor.model.unit import Level, Unit, Units
from monitor.replay.course import Course
from tests.scenario.mass_scene import LINE, LINES, at, country, played, policy, reading, sent
from tests.unit.muting_scene import muting, silence, window

THAI_NGUYEN = "19"
WAIT = 60.0


def communes(units: Iterable[Unit]) -> list[str]:
    return [unit.code for unit in units if unit.level is Level.COMMUNE]


def opened(course: Course) -> Counter[tuple[str, Kind]]:
    """Incidents that were opened, by level and kind."""
    keys = {(i.key, i.unit, i.kind) for _, decision in course.decided for i in decision.incidents}
    return Counter((course.policy.units[unit].level.value, kind) for _, unit, kind in keys)


# -- SC-76: the whole country -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def blackout() -> Course:
    """3,321 centres that were well go down within a minute, and stay so for ten."""
    units = country()
    codes = communes(units)
    well = [reading(code, True, 0.0) for code in codes]
    down = [reading(code, False, 10.0 + 60.0 * number / len(codes)) for number, code in enumerate(codes)]
    return played(policy(units), [*well, *down], 600.0)


def test_nobody_gets_more_than_one_message_when_the_country_is_cut_off(blackout):
    told = Counter((notice.recipient, notice.channel) for _, notice in sent(blackout))
    assert set(told.values()) == {1}
    assert len(told) == 3321 + 34 + 1


def test_those_who_stand_for_more_hear_of_the_widest_trouble_only(blackout):
    said = {notice.recipient: notice.unit for _, notice in sent(blackout)}
    assert said["nation-VN"] == "VN"
    assert all(said[f"province-{unit.code}"] == unit.code for unit in blackout.policy.units.at(Level.PROVINCE))
    assert opened(blackout) == {("commune", Kind.OUTAGE): 3321, ("province", Kind.MASS): 34, ("nation", Kind.MASS): 1}


def test_the_first_message_comes_at_once_and_the_last_within_two_minutes_of_the_first_failure(blackout):
    seconds = [second for second, _ in sent(blackout)]
    assert min(seconds) < 10 + WAIT
    assert max(seconds) <= 10 + 60 + WAIT


def test_the_one_message_to_the_nation_counts_all_provinces_in_one_segment(blackout):
    ((_, notice),) = [one for one in sent(blackout) if one[1].recipient == "nation-VN"]
    assert "34/34" in notice.sms
    assert "3.321" in notice.body
    assert "VN" in notice.sms
    assert gsm_length(notice.sms) <= 160


# -- a third of a province, and its end -------------------------------------------------------------------------------


def third(until: float, *, back: int = 0) -> Course:
    units = country([THAI_NGUYEN])
    codes = communes(units)
    some = codes[: len(codes) // 3]
    well = [reading(code, True, 0.0) for code in codes]
    down = [reading(code, False, 10.0 + number) for number, code in enumerate(some)]
    again = [reading(code, True, 600.0) for code in some[:back]]
    return played(policy(units), [*well, *down, *again], until)


def test_a_third_of_a_province_is_one_incident_of_the_province():
    course = third(500.0)
    mass = course.states[THAI_NGUYEN].incidents["mass:centre"]
    wide = [notice for _, notice in sent(course) if notice.recipient == f"province-{THAI_NGUYEN}"]
    assert [notice.unit for notice in wide] == [THAI_NGUYEN]
    assert (mass.facts["affected"], mass.facts["total"], mass.facts["whole"]) == (30, 92, False)
    assert len(str(mass.facts["codes"]).split(", ")) == 5
    assert set(Counter(notice.recipient for _, notice in sent(course)).values()) == {1}
    first = course.states[communes(course.policy.units)[0]]
    assert first.incidents["centre"].cover is not None
    assert [step.skipped for step in first.incidents["centre"].steps] == ["", SPARED, SPARED]
    assert "collapsed" in [reason.code for reason in first.criteria["centre"].verdict.reasons]


def test_it_lasts_until_fewer_than_half_of_the_threshold_are_left():
    assert "mass:centre" in third(700.0, back=20).states[THAI_NGUYEN].incidents  # 10 left, and 19 began it
    over = third(700.0, back=21)
    assert "mass:centre" not in over.states[THAI_NGUYEN].incidents
    left = communes(over.policy.units)[21:30]
    late = [notice for second, notice in sent(over) if second >= 600 and notice.kind == "outage"]
    assert {notice.unit for notice in late} == set(left)  # they are told of one by one ...
    assert {notice.recipient for notice in late} == {f"province-{THAI_NGUYEN}", "nation-VN"}  # ... to who was spared


def test_those_who_come_back_a_poll_later_than_the_others_are_no_news_of_their_own():
    units = country([THAI_NGUYEN])
    codes = communes(units)
    well = [reading(code, True, 0.0) for code in codes]
    down = [reading(code, False, 10.0) for code in codes[:30]]
    back = [reading(code, True, 600.0 + 2 * number) for number, code in enumerate(codes[:30])]
    course = played(policy(units), [*well, *down, *back], 1500.0)
    late = [notice.kind for second, notice in sent(course) if second >= 600 and "commune" not in notice.recipient]
    assert late == ["mass_over"] * 2


# -- some of it is muted ----------------------------------------------------------------------------------------------


def muted_third(quiet: int, until: float, *, ends: float, starts: float = 0.0, planned: bool = False) -> Course:
    """Thirty centres of a province go down, the first so many of them under a silence or a window."""
    units = country([THAI_NGUYEN])
    codes = communes(units)
    mute = (window if planned else silence)(at(starts), at(ends), f"unit={'|'.join(codes[:quiet])}")
    rules = replace(policy(units), muting=muting(mute))
    well = [reading(code, True, 0.0) for code in codes]
    down = [reading(code, False, 10.0 + number) for number, code in enumerate(codes[:30])]
    again = [reading(code, False, ends + 30.0) for code in codes[:30]]
    return played(rules, [*well, *down, *again], until)


def wide(course: Course) -> list[tuple[float, Notice]]:
    """What those heard who stand for the province."""
    return [(second, one) for second, one in sent(course) if one.recipient == f"province-{THAI_NGUYEN}"]


def test_a_mass_outage_of_which_every_unit_is_silenced_is_quiet_until_the_silence_ends():
    course = muted_third(30, 3600.0, ends=1800.0)
    assert [second for second, _ in sent(course) if second < 1800] == []
    assert [(second, "30/92" in one.sms, one.unit) for second, one in wide(course)] == [(1800.0, True, THAI_NGUYEN)]
    assert max(Counter(notice.recipient for _, notice in sent(course)).values()) == 1


def test_of_a_mass_outage_that_is_silenced_in_part_the_others_are_told_and_counted():
    course = muted_third(5, 1500.0, ends=1800.0)
    ((_, told),) = wide(course)
    assert "25/92" in told.sms
    assert not set(communes(course.policy.units)[:5]) & {one.unit for _, one in sent(course)}
    assert not any(code in told.body for code in communes(course.policy.units)[:5])


def test_one_unit_that_is_not_silenced_is_told_and_when_the_silence_of_the_others_ends_so_are_they():
    course = muted_third(29, 3600.0, ends=1800.0)
    (first, second) = wide(course)
    assert ("1/92" in first[1].sms, first[0] < 200) == (True, True)
    assert ("30/92" in second[1].sms, second[0]) == (True, 1800.0)


def test_maintenance_at_every_unit_of_a_mass_outage_makes_it_quiet_and_ends_nothing():
    course = muted_third(30, 900.0, starts=300.0, ends=1800.0, planned=True)
    assert [second for second, _ in sent(course) if second >= 300] == []
    mass = course.states[THAI_NGUYEN].incidents["mass:centre"]
    assert (mass.phase, mass.facts["affected"]) == (Phase.OPEN, 0)
    assert excused(mass, course.states[THAI_NGUYEN], course.policy.units, course.policy.muting, at(900.0))


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(1, 60), st.booleans()), min_size=3, max_size=8),
    st.lists(st.tuples(st.integers(0, 255), st.integers(0, 40), st.integers(1, 60)), max_size=3),
)
def test_nothing_muted_is_sent_and_nothing_else_is_lost(
    down: list[tuple[int, bool]], quiet: list[tuple[int, int, int]]
):
    """Centres fall at a second of the first minute, some come back; each silence is over some of them, in minutes."""
    units = country([THAI_NGUYEN])
    fall = dict(zip(communes(units), down, strict=False))
    over = {
        f"S-{n}": (at(60 * first), at(60 * (first + lasts)), [code for i, code in enumerate(fall) if which >> i & 1])
        for n, (which, first, lasts) in enumerate(quiet)
    }
    mutes = [silence(a, b, f"unit={'|'.join(of)}", name=name) for name, (a, b, of) in over.items() if of]
    rules = replace(policy(units, (Collapse("centre", Level.PROVINCE, 3),)), muting=muting(*mutes))
    news = [reading(code, True, 0.0) for code in communes(units)]
    for code, (begun, back) in fall.items():
        news += [reading(code, False, float(begun))] + ([reading(code, True, 3000.0)] if back else [])
    course = played(rules, news, 9000.0)

    def hushed(code: str, second: float) -> bool:
        return any(a <= at(second) < b and code in of for a, b, of in over.values())

    heard = wide(course)
    for second, notice in heard:
        assert notice.requires or not hushed(notice.unit, second)
        if notice.kind == "mass":
            bad = [code for code, (begun, back) in fall.items() if begun <= second and not (back and second >= 3000)]
            assert f" {sum(not hushed(code, second) for code in bad)}/92" in notice.sms
    told = {notice.unit for _, notice in heard if not notice.requires}
    covered = "mass:centre" in course.states[THAI_NGUYEN].incidents and THAI_NGUYEN in told
    assert all(covered or code in told for code, (_, back) in fall.items() if not back)


def test_a_nation_counts_no_province_of_which_every_unit_is_silenced():
    units = country()
    codes = communes(units)
    silenced = "|".join(unit.code for unit in units.at(Level.PROVINCE)[:30])
    quiet = muting(silence(at(0), at(7200), f"province={silenced}", "level=commune"))
    well = [reading(code, True, 0.0) for code in codes]
    course = played(replace(policy(units), muting=quiet), [*well, *(reading(c, False, 10.0) for c in codes)], 600.0)
    ((_, told),) = [one for one in sent(course) if one[1].recipient == "nation-VN"]
    assert " 4/34" in told.sms


# -- partial grows into total ----------------------------------------------------------------------------------------


def test_partial_that_grows_into_total_is_the_same_incident_told_once_more():
    units = country([THAI_NGUYEN])
    codes = communes(units)
    well = [reading(code, True, 0.0) for code in codes]
    down = [reading(code, False, 10.0 if number < 30 else 400.0) for number, code in enumerate(codes)]
    course = played(policy(units), [*well, *down], 900.0)
    wide = [notice for _, notice in sent(course) if notice.recipient == f"province-{THAI_NGUYEN}"]
    assert ["30/92" in notice.sms for notice in wide] == [True, False]
    assert "92/92" in wide[1].sms
    assert len({notice.incident for notice in wide}) == 1
    mass = course.states[THAI_NGUYEN].incidents["mass:centre"]
    assert (mass.generation, mass.phase) == (1, Phase.OPEN)


def test_a_mass_outage_that_grows_is_no_news_until_it_is_total():
    """SC-14, inverted on purpose: a changed set is not sent at once, and the same set is never repeated by itself."""
    units = country([THAI_NGUYEN])
    codes = communes(units)
    well = [reading(code, True, 0.0) for code in codes]
    down = [reading(code, False, 10.0 if number < 30 else 400.0) for number, code in enumerate(codes[:60])]
    course = played(policy(units), [*well, *down], 1500.0)
    assert len([notice for _, notice in sent(course) if notice.recipient == f"province-{THAI_NGUYEN}"]) == 1


def test_what_is_over_before_anybody_was_told_is_never_told():
    """SC-13."""
    units = country([THAI_NGUYEN])
    codes = communes(units)
    news = [reading(code, up, second) for code in codes for second, up in ((0.0, True), (10.0, False), (40.0, True))]
    course = played(policy(units), news, 500.0)
    assert opened(course)[("province", Kind.MASS)] == 1
    assert [notice for _, notice in sent(course) if not notice.requires] == []


def test_the_same_trouble_heard_twice_is_one_incident_and_two_units_are_two():
    """SC-17."""
    units = country([THAI_NGUYEN])
    one, other = communes(units)[:2]
    failures = [reading(one, False, 10.0), reading(one, False, 12.0), reading(other, False, 14.0)]
    course = played(policy(units), [reading(one, True, 0.0), reading(other, True, 0.0), *failures], 500.0)
    assert opened(course) == {("commune", Kind.OUTAGE): 2}


# -- relapses of what ended unanswered -------------------------------------------------------------------------------


def reviewed(units: Units) -> Policy:
    """What ends unanswered stays in sight for a day."""
    made = policy(units)
    plans = tuple(replace(plan, terms=TermsSpec(review=86_400.0)) for plan in made.directory.policies)
    return replace(made, directory=replace(made.directory, policies=plans))


def test_centres_that_fell_hours_apart_and_relapse_together_are_one_mass_outage():
    units = country([THAI_NGUYEN])
    codes = communes(units)
    news = [reading(code, True, 0.0) for code in codes]
    for number, code in enumerate(codes[:30], 1):
        news += [reading(code, False, 600.0 * number), reading(code, True, 600.0 * number + 300)]
    news += [reading(code, False, 20_000.0) for code in codes[:30]]
    course = played(reviewed(units), news, 20_500.0)
    late = [(second, one) for second, one in sent(course) if second >= 20_000 and "commune" not in one.recipient]
    assert {(second, one.recipient, "30/92" in one.sms) for second, one in late} == {
        (20_000 + WAIT, f"province-{THAI_NGUYEN}", True),
        (20_000 + WAIT, "nation-VN", True),
    }


def test_a_mass_outage_that_relapses_is_counted_for_as_long_as_a_new_one_before_it_is_told():
    units = country([THAI_NGUYEN])
    codes = communes(units)
    news = [reading(code, True, 0.0) for code in codes]
    news += [reading(code, False, 10.0) for code in codes[:30]] + [reading(code, True, 600.0) for code in codes[:30]]
    news += [reading(code, False, 3000.0 + number) for number, code in enumerate(codes[:40])]
    course = played(reviewed(units), news, 3500.0)
    late = [one for second, one in sent(course) if second >= 3000 and one.recipient == f"province-{THAI_NGUYEN}"]
    assert ["40/92" in one.sms for one in late] == [True]


# -- a lone centre ---------------------------------------------------------------------------------------------------


def test_a_lone_centre_is_told_to_all_of_its_plan_after_the_wait():
    units = country([THAI_NGUYEN])
    codes = communes(units)
    course = played(policy(units), [*(reading(c, True, 0.0) for c in codes), reading(codes[0], False, 10.0)], 500.0)
    assert {(second, notice.recipient) for second, notice in sent(course)} == {
        (10 + WAIT, f"commune-{codes[0]}"),
        (10 + WAIT, f"province-{THAI_NGUYEN}"),
        (10 + WAIT, "nation-VN"),
    }


def test_the_same_troubles_hours_apart_are_no_mass_outage():
    units = country([THAI_NGUYEN])
    codes = communes(units)
    news = [*(reading(c, True, 0.0) for c in codes), *(reading(c, False, 301.0 * n) for n, c in enumerate(codes, 1))]
    assert "mass:centre" not in played(policy(units), news, 30_000.0).states[THAI_NGUYEN].incidents


# -- SC-19: a line that explains -------------------------------------------------------------------------------------


def line_story(line: Sequence[tuple[float, bool]], until: float, *, centre_back: float | None = None) -> Course:
    units = country([THAI_NGUYEN], lines=True)
    codes = communes(units)[:3]
    news = [reading(code, True, 0.0) for code in codes] + [reading(code, False, 30.0) for code in codes]
    news += [reading(code, True, centre_back) for code in codes if centre_back is not None]
    news += [reading(f"{LINES}{THAI_NGUYEN}", up, second, LINE) for second, up in line]
    return played(policy(units), news, until)


def test_while_the_line_is_down_it_has_the_incident_and_the_centres_have_none():
    course = line_story([(0, True), (20, False), (40, False)], 500.0)
    assert opened(course) == {("system", Kind.OUTAGE): 1}
    assert {notice.unit for _, notice in sent(course)} == {f"{LINES}{THAI_NGUYEN}"}
    held = course.states[communes(course.policy.units)[0]].criteria["centre"]
    assert "explained" in [reason.code for reason in held.verdict.reasons]


def test_the_answer_of_the_line_is_waited_for_before_the_centre_is_blamed():
    course = line_story([(0, True), (50, False), (70, False)], 500.0)
    assert opened(course) == {("system", Kind.OUTAGE): 1}


def test_a_line_that_answers_well_leaves_the_centre_to_be_blamed_at_once():
    course = line_story([(0, True), (50, True)], 500.0)
    begun = {incident.opened_at for _, decision in course.decided for incident in decision.incidents}
    assert begun == {at(50)}


def test_a_line_that_says_nothing_more_is_waited_for_two_and_a_half_of_its_periods():
    course = line_story([(0, True)], 500.0)
    begun = {incident.opened_at for _, decision in course.decided for incident in decision.incidents}
    assert begun == {at(30 + 150)}


def test_a_centre_that_is_still_down_when_the_line_is_back_is_told():
    course = line_story([(0, True), (20, False), (40, False), (300, True)], 500.0)
    late = {notice.unit for second, notice in sent(course) if second >= 300 and notice.kind == "outage"}
    assert late == set(communes(course.policy.units)[:3])


def test_a_centre_that_came_back_with_the_line_is_never_told():
    course = line_story([(0, True), (20, False), (40, False), (300, True)], 500.0, centre_back=290.0)
    assert opened(course) == {("system", Kind.OUTAGE): 1}


def test_a_centre_that_comes_back_a_poll_later_than_the_line_is_never_told():
    course = line_story([(0, True), (20, False), (40, False), (300, True)], 900.0, centre_back=350.0)
    assert opened(course) == {("system", Kind.OUTAGE): 1}


def test_a_call_that_waits_is_no_longer_owed_when_the_line_is_found_down():
    course = line_story([(0, True), (31, True), (50, False), (70, False)], 600.0)
    units = {notice.unit for _, notice in sent(course)}
    assert units == {f"{LINES}{THAI_NGUYEN}"}
    incident = course.states[communes(course.policy.units)[0]].incidents["centre"]
    assert incident.cover is not None
    assert incident.cover.whole


# -- a restart, and looking too often ---------------------------------------------------------------------------------


def test_to_decide_everything_again_changes_nothing_and_tells_nobody():
    course = third(500.0)
    before = len(course.decided)
    course._round(at(500.0), {}, set(course.states))
    again = course.decided[before:]
    assert len(again) >= len(course.states)
    assert not any(decision.notices or decision.withheld or decision.incidents for _, decision in again)


@pytest.mark.parametrize("every", [1.0, 7.0])
def test_looking_at_everything_all_the_time_tells_the_same(every):
    news = [(0, True), (31, True), (50, False), (70, False), (200, True)]
    calm = line_story(news, 400.0)
    busy = line_story([], 0.0)
    units = communes(busy.policy.units)[:3]
    readings = [reading(code, True, 0.0) for code in units] + [reading(code, False, 30.0) for code in units]
    readings += [reading(f"{LINES}{THAI_NGUYEN}", up, second, LINE) for second, up in news]
    busy = Course(busy.policy, sorted(readings, key=lambda one: (one.received_at, one.unit)))
    second, watched = 0.0, [*units, THAI_NGUYEN, "VN", f"{LINES}{THAI_NGUYEN}"]
    for reached in range(401):
        fresh: dict[str, list[Reading]] = {}
        for one in busy.news:
            if one.received_at == at(reached):
                fresh.setdefault(one.unit, []).append(one)
        dirty = set(watched) if reached >= second else set()
        second = reached + every if dirty else second
        busy._round(at(reached), fresh, dirty if reached else set(busy.states))
    assert [(s, n.key) for s, n in sent(calm)] == [(s, n.key) for s, n in sent(busy)]
