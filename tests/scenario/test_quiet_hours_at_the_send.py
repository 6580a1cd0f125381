"""Whoever has quiet hours hears nothing in them, whatever kept a message until then."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, time

import pytest

from monitor.alerting.limits import Limits
from monitor.alerting.muting import asleep
from monitor.model.colour import Colour
from monitor.model.hours import Daily
from monitor.model.incident import Kind, Notice, Outcome, Receipt
from monitor.testing.doubles import Reply
from monitor.testing.site import ZONE, small_site
from tests.scenario.muting_story import A, B, at, play
from tests.unit.muting_scene import silence

EVENING = 15 * 60.0 - 20  # 22:40 on the local clock, in minutes after the start of the story at 08:00
NIGHT = Daily(time(23), time(23, 30))  # from minute +20 to +50


def sleepers(*, quiet=NIGHT, wake=False, **channel):
    site = small_site()
    people = tuple(replace(one, quiet=quiet, wake=wake) for one in site.directory.recipients)
    channels = {name: replace(spec, **channel) for name, spec in site.channels.items()}
    return replace(site, directory=replace(site.directory, recipients=people), channels=channels)


def down_from(start, end=9e9):
    return lambda unit, minute: unit == A and EVENING + start <= minute < EVENING + end


def gateway_down_until(end):
    busy = Reply(Receipt(Outcome.TRY_AGAIN, "busy"), arrives=False)
    return lambda now, _notice, _attempt: busy if now < at(EVENING + end) else Reply()


def rung(story):
    """Minute after 22:40, recipient and kind of each first message."""
    heard = [(round((ring.at - at(EVENING)).total_seconds() / 60), ring.notice) for ring in story.rings]
    return sorted((minute, one.recipient, one.channel) for minute, one in heard if one.kind == "outage")


def test_what_a_gateway_did_not_take_in_the_evening_rings_when_the_quiet_hours_end():
    night = {"begin": EVENING, "minutes": EVENING + 52, "site": sleepers(), "provider": gateway_down_until(30)}
    story = play(down_from(0), **night)
    assert {minute for minute, *_ in rung(story)} == {50}
    assert len(rung(story)) == len(set(rung(story)))


def test_what_a_silence_held_rings_when_the_quiet_hours_end_and_not_with_the_silence():
    work = silence(at(EVENING + 5), at(EVENING + 35), f"unit={A}")

    async def mute(service):
        await service.desk.add(work, "an")

    night = {"begin": EVENING, "minutes": EVENING + 52, "site": sleepers(), "provider": gateway_down_until(10)}
    story = play(down_from(0), [(EVENING + 5, mute)], **night)
    assert {minute for minute, *_ in rung(story)} == {50}


def test_what_the_days_budget_held_does_not_ring_at_midnight():
    site = sleepers(quiet=Daily(time(23, 45), time(0, 10)), limits=Limits(per_day=1, zone=ZONE))
    late = EVENING + 60  # 23:40
    both = lambda unit, minute: minute >= late + (2 if unit == B else 0)  # noqa: E731
    minutes = {minute - 60 for minute, *_ in rung(play(both, begin=late, minutes=late + 32, site=site))}
    assert max(minutes) == 30
    assert not minutes & set(range(5, 30))


def test_what_is_over_before_the_quiet_hours_end_is_not_told_at_all():
    """SC-44."""
    night = {"begin": EVENING, "minutes": EVENING + 52, "site": sleepers(), "provider": gateway_down_until(25)}
    assert play(down_from(0, 30), **night).rings == []


def test_a_red_outage_that_wakes_is_not_held_at_the_send_either():
    night = {"begin": EVENING, "minutes": EVENING + 32, "site": sleepers(wake=True), "provider": gateway_down_until(30)}
    assert {minute for minute, *_ in rung(play(down_from(0), **night))} == {30}


@pytest.mark.parametrize(
    ("about", "held"),
    [
        ({"kind": "outage", "cause": "up", "trouble": Kind.OUTAGE, "colour": Colour.RED}, False),
        ({"kind": "outage", "cause": "up", "trouble": Kind.OUTAGE, "colour": Colour.YELLOW}, True),
        ({"kind": "kpi_red", "cause": "rate", "trouble": Kind.KPI_RED, "colour": Colour.RED}, True),
        ({"kind": "brief"}, True),
        ({"kind": "reply"}, False),
        ({"kind": "heard_nobody"}, False),
    ],
)
def test_who_wrote_gets_an_answer_at_night_and_a_digest_waits(about, held):
    directory, night = sleepers(wake=True).directory, datetime(2025, 8, 19, 23, 10, tzinfo=ZONE)
    notice = Notice(
        "k", "i", "R", A, recipient="head", channel="mail", due_at=night, subject="", body="", sms="", **about
    )
    found = asleep(notice, directory, ZONE, night)
    assert (found.until if found else None) == (night.replace(minute=30) if held else None)


def told_to_head(story):
    heard = [(round((ring.at - at(EVENING)).total_seconds() / 60), ring.notice) for ring in story.rings]
    return [(minute, one.kind) for minute, one in heard if (one.recipient, one.channel) == (f"focal-{A}", "sms")]


def test_sc44_a_trouble_that_is_back_in_the_morning_is_not_said_to_be_over():
    """SC-44, told before: the end that waited is withheld, and the relapse is told as a trouble of its own."""
    down = lambda unit, minute: unit == A and not EVENING + 25 <= minute < EVENING + 35  # noqa: E731
    story = play(down, begin=EVENING, minutes=EVENING + 53, site=sleepers())
    assert [kind for _, kind in told_to_head(story)] == ["outage", "outage"]
    ends = [one for one in asyncio.run(story.store.deliveries()) if one.notice.kind == "recovered"]
    assert {(one.state, one.detail) for one in ends} == {("suppressed", "the trouble is back")}


def test_sc46_a_relapse_that_came_and_went_at_night_leaves_one_recovery_in_the_morning():
    """SC-46."""
    down = lambda unit, minute: unit == A and (minute < EVENING + 25 or EVENING + 33 <= minute < EVENING + 42)  # noqa: E731
    story = play(down, begin=EVENING, minutes=EVENING + 53, site=sleepers())
    assert told_to_head(story)[1:] == [(50, "recovered")]
