"""Repeats, recoveries, restarts and slow providers over the whole service, by the scenarios of docs/scenarios.md.

There are no timers of groups here: an incident is told when it opens, by its steps, and when it ends.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from monitor.config.spec import HeartbeatSpec
from monitor.model.colour import Colour
from monitor.model.incident import Notice, Outcome, Receipt
from monitor.model.reading import Reading
from monitor.model.unit import Level
from monitor.service.app import Service
from monitor.service.heartbeats import Signal
from monitor.testing.doubles import Reply
from monitor.testing.site import SYSTEM, small_site
from tests.scenario.mass_scene import PROBE, country, played, policy, reading, sent
from tests.scenario.mass_scene import at as second
from tests.scenario.muting_story import A, B, Story, at, play
from tests.unit.muting_scene import window

AGAIN, LOST = Receipt(Outcome.TRY_AGAIN, "busy"), Receipt(Outcome.UNKNOWN, "no answer within 15 s")


def a_is_down(unit: str, minute: float) -> bool:
    return unit == A and 2 <= minute < 60


def a_stays_down(unit: str, minute: float) -> bool:
    return unit == A and minute >= 2


def got(story: Story, recipient: str, channel: str, unit: str = A) -> list[tuple[int, str]]:
    """Whole minute and kind of what somebody got by one channel about a unit."""
    return [
        (int((ring.at - at(0)).total_seconds() // 60), ring.notice.kind)
        for ring in story.rings
        if (ring.notice.recipient, ring.notice.channel, ring.notice.unit) == (recipient, channel, unit)
    ]


def test_sc_01_the_same_trouble_claimed_for_an_earlier_time_is_one_message_and_the_start_stays():
    """SC-01, inverted on purpose: an older claim never overwrites a newer one, so the first start heard counts."""
    units = country(["19"])
    code = next(unit.code for unit in units if unit.level is Level.COMMUNE)
    earlier = Reading(code, PROBE, False, second(10), second(12), "probe")
    course = played(policy(units), [reading(code, True, 0), reading(code, False, 11), earlier], 500)
    assert [notice.recipient for _, notice in sent(course) if notice.recipient.startswith("commune")] == [
        f"commune-{code}"
    ]
    assert course.states[code].incidents["centre"].facts["since"] == second(11)


def test_sc_04_a_trouble_is_told_repeated_and_ended():
    """SC-04."""
    story = play(a_is_down, minutes=70)
    assert got(story, "chair", "sms") == [(28, "outage"), (48, "outage"), (62, "recovered")]


def test_sc_05_a_provider_that_fails_is_tried_until_it_works_and_who_was_told_is_not_told_again():
    """SC-05: a repeat comes at its own time, rounded up to nothing."""

    def provider(now: datetime, notice: Notice, _attempt: int) -> Reply:
        broken = notice.channel == "mail" and now < at(40)
        return Reply(AGAIN, arrives=False) if broken else Reply()

    story = play(a_stays_down, minutes=60, provider=provider)
    assert got(story, "chair", "sms") == [(28, "outage"), (48, "outage")]
    late, repeat = got(story, "chair", "mail")
    assert late in [(40, "outage"), (41, "outage")]
    assert repeat == (48, "outage")
    keys = [ring.key for ring in story.rings]
    assert len(keys) == len(set(keys))


def test_sc_07_a_trouble_that_is_never_heard_of_again_is_unknown_and_not_over():
    """SC-07, inverted on purpose: no data is stale, and stale resolves nothing; the calls go on."""
    story = play(lambda _unit, minute: None if minute >= 5 else minute >= 2, minutes=120, look=(110,))
    assert {story.colours[unit, 110] for unit in (A, B)} == {Colour.UNKNOWN}
    assert {ring.notice.kind for ring in story.rings if ring.notice.unit in (A, B)} == {"outage"}
    for unit in (A, B):
        assert [minute for minute, _ in got(story, "chair", "sms", unit)] == [28, 48, 68, 88, 108]


def test_sc_08_each_recovery_is_told_once_to_those_who_want_to_hear_of_it_and_recorded_for_all():
    """SC-08: each trouble has its own messages instead of one list of all."""
    units = country(["19"])
    one, two, three = [unit.code for unit in units if unit.level is Level.COMMUNE][:3]
    rules = policy(units)
    people = tuple(replace(p, recoveries=p.id != "nation-VN") for p in rules.directory.recipients)
    rules = replace(rules, directory=replace(rules.directory, recipients=people))
    script = ((one, False, 10), (two, False, 10), (one, True, 100), (three, False, 100), (two, True, 200))
    well = [reading(code, True, 0) for code in (one, two, three)]
    course = played(rules, [*well, *(reading(*line) for line in script)], 500)
    told = {
        who: sorted((moment, notice.unit, notice.kind) for moment, notice in sent(course) if notice.recipient == who)
        for who in ("province-19", "nation-VN")
    }
    bad = [(70.0, one, "outage"), (70.0, two, "outage"), (160.0, three, "outage")]
    good = [(100.0, one, "recovered"), (200.0, two, "recovered")]
    assert told["province-19"] == sorted(bad + good)
    assert told["nation-VN"] == sorted(bad)
    closed = {i.unit: i.closed_at for _, decision in course.decided for i in decision.incidents if not i.open}
    assert closed == {one: second(100), two: second(200)}


def test_sc_10_another_life_of_the_service_restarts_no_timer_and_repeats_no_message():
    """SC-10, inverted on purpose: the plan goes on where it was; there the timer counts from the reload."""

    def down(unit: str, minute: float) -> bool:
        return minute >= (2 if unit == A else 9)

    first = play(down, minutes=6)
    story = play(down, minutes=60, before=first, begin=6)
    calm = play(down, minutes=60)
    for person, channel in ((f"focal-{A}", "sms"), ("head", "mail"), ("chair", "sms")):
        assert got(story, person, channel) == got(calm, person, channel) != []
    assert got(story, "head", "mail") == [(13, "outage")]
    assert got(story, f"focal-{B}", "sms", B) == got(calm, f"focal-{B}", "sms", B) != []


def test_sc_11_what_ended_at_the_time_limit_of_a_stalled_provider_is_repeated_and_arrives_within_a_minute():
    """SC-11: after a pause, since it may have arrived; under the same key."""
    tries: list[tuple[str, int]] = []

    def provider(_now: datetime, notice: Notice, attempt: int) -> Reply:
        tries.append((notice.key, attempt))
        return Reply(LOST, arrives=False, delay=7.5) if attempt == 1 else Reply()

    story = play(a_stays_down, minutes=6, provider=provider)
    assert len({key for key, _ in tries}) == 1
    assert [attempt for _, attempt in tries] == [1, 2]
    [ring] = story.rings
    assert at(3) < ring.at <= at(4.8)


def test_sc_77_who_is_called_for_many_troubles_at_once_only_is_not_called_for_a_few():
    """SC-77: called after the wait in which a mass outage shows itself."""
    units = country(["19"])
    codes = [unit.code for unit in units if unit.level is Level.COMMUNE]
    rules = policy(units)
    plans = tuple(
        replace(plan, steps=plan.steps[:1]) if plan.name == "outage" else plan for plan in rules.directory.policies
    )  # a lone centre calls its commune only
    rules = replace(rules, directory=replace(rules.directory, policies=plans))

    def wide(number: int) -> list[tuple[float, str]]:
        news = [*(reading(code, True, 0) for code in codes), *(reading(code, False, 10) for code in codes[:number])]
        return [(s, n.kind) for s, n in sent(played(rules, news, 500)) if n.recipient == "province-19"]

    assert wide(18) == []
    assert wide(19) == [(70.0, "mass")]


def test_sc_79_what_is_over_before_the_one_message_for_many_is_due_is_not_in_it():
    """SC-79."""
    units = country(["19"])
    codes = [unit.code for unit in units if unit.level is Level.COMMUNE]

    def wide(back: int) -> list[tuple[str, bool]]:
        down = [reading(code, False, 10) for code in codes[:20]]
        well = [reading(code, True, second) for second, some in ((0, codes), (40, codes[:back])) for code in some]
        told = sent(played(policy(units), [*well, *down], 900))
        return [(n.kind, "19/92" in n.sms) for _, n in told if n.recipient == "province-19"]

    assert wide(1) == [("mass", True)]
    assert wide(19) == [("outage", False)]  # the one that is left, as any other
    assert wide(20) == []


def test_sc_91_a_job_is_late_after_its_grace_with_one_message_that_says_why():
    """SC-91, with an hour for its day: the time that is told is that of the last report, not of the grace."""
    site = replace(small_site(), heartbeats=(HeartbeatSpec("backup", SYSTEM, "system_up", 3600.0, 600.0),))
    looked: list[tuple[Colour, int]] = []

    async def report(service: Service) -> None:
        await service.heartbeats.hear("backup", Signal.SUCCESS, "")

    async def look(service: Service) -> None:
        state = service.evaluator.states[SYSTEM]
        looked.append((state.criteria["system"].colour, len(state.incidents)))

    story = play(lambda *_: False, [(1, report), (65, look), (75, look)], minutes=78, site=site)
    assert looked == [(Colour.GREEN, 0), (Colour.RED, 1)]
    [ring] = [ring for ring in story.rings if ring.notice.unit == SYSTEM]
    assert at(71) <= ring.at <= at(72.1)
    assert "no report since 2025-08-19T01:01:00+00:00" in ring.notice.body


def test_sc_92_what_becomes_green_without_having_been_bad_is_told_to_nobody():
    """SC-92, its second half: neither the first answer nor the end of maintenance is news."""
    planned, seen = window(at(10), at(20), f"unit={A}"), list[Colour]()

    async def announce(service: Service) -> None:
        await service.desk.add(planned, "an")

    async def look(service: Service) -> None:
        seen.append(service.evaluator.states[A].criteria["centre"].colour)

    story = play(lambda *_: False, [(5, announce), (5.1, look), (15, look), (30, look)], minutes=40)
    assert seen == [Colour.GREEN, Colour.MAINTENANCE, Colour.GREEN]
    assert [ring for ring in story.rings if ring.notice.unit == A] == []
