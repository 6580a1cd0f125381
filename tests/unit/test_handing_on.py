"""A message whose recipient has left the post meanwhile: who is called in their place, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time

from monitor.alerting.incidents import acknowledge, hand_on, holds_post
from monitor.alerting.outcome import Way
from monitor.alerting.plan import Directory
from monitor.model.colour import Colour
from monitor.model.errors import StoreError
from monitor.model.hours import Daily
from monitor.model.incident import LEFT, Address, Cover, Fault, Incident, Notice, Outcome, Receipt
from monitor.service.sender import Sender
from tests.unit.alerting_scene import (
    CALENDAR,
    CHAIR,
    DIRECTORY,
    FOCAL,
    HEAD,
    OUTAGES,
    centre,
    local,
    minutes,
    reacted,
    scene,
)
from tests.unit.test_sender import Office, office
from tests.unit.test_strays import strays, told

__all__ = ["office"]

CALLED = local(6, 23, 50)
AFTER = local(7, 0, 1)  # past midnight
DOWN = centre(Colour.RED, CALLED, 16.0)
NEXT = replace(FOCAL, id="next", name="Phạm Thị Dung", valid_from=date(2025, 8, 7))
LEAVING = replace(FOCAL, valid_to=date(2025, 8, 7))


def of(*people) -> Directory:
    return replace(DIRECTORY, recipients=people)


def opened(directory: Directory) -> tuple[Incident, tuple[Notice, ...]]:
    alerts = reacted({}, DOWN, CALLED, directory=directory)
    return alerts.open["centre"], alerts.notices


def handed_on(incident: Incident, left: Notice, directory: Directory, now=AFTER):
    alerts, heard = hand_on(incident, left, scene(DOWN, directory=directory), now)
    return alerts.open["centre"], [(one.recipient, one.channel, one.call) for one in alerts.notices], heard, alerts


def test_who_shares_the_telephone_of_one_who_left_is_called():
    leaving, other = replace(LEAVING, channels=("sms",)), replace(FOCAL, id="other", channels=("sms",))
    for stands, spared in (("focal", "other"), ("other", "focal")):  # which address stands for the number
        shared = {Address(spared, "sms"): Address(stands, "sms")}
        directory = replace(of(leaving, other, HEAD, CHAIR), telephones=shared)
        incident, (sms,) = opened(directory)  # one number rings once
        assert sms.recipient == "focal"
        _, calls, heard, _ = handed_on(incident, sms, directory)
        assert (calls, heard) == ([("other", "sms", "0/0/0")], True)


def test_who_holds_the_post_now_is_called_by_their_own_channels_under_new_keys():
    directory = of(LEAVING, NEXT, HEAD, CHAIR)
    incident, (mail, sms) = opened(directory)
    after, calls, heard, alerts = handed_on(incident, mail, directory)
    assert heard
    assert calls == [("next", "mail", "0/0/0"), ("next", "sms", "0/0/0")]
    assert {notice.due_at for notice in alerts.notices} == {AFTER}
    assert "Phạm Thị Dung" in alerts.notices[0].body
    assert [(entry.action, entry.detail) for entry in alerts.audit] == [("handed on", f"focal {LEFT}: next")]
    again, calls, heard, alerts = handed_on(after, sms, directory)  # their other message finds it done
    assert (again, calls, heard, alerts.audit) == (after, [], True, ())


def test_who_holds_another_post_by_now_has_left_this_one():
    moved = replace(FOCAL, role="clerk")
    directory = of(moved, replace(NEXT, valid_from=None), HEAD, CHAIR)
    incident, (mail, _) = opened(of(FOCAL, HEAD, CHAIR))
    where = (("02143", "19", "VN"), CALENDAR, CALLED)
    assert not holds_post(incident, mail, directory, *where)
    assert holds_post(incident, mail, of(FOCAL, HEAD, CHAIR), *where)
    assert handed_on(incident, mail, directory, CALLED)[1] == [("next", "mail", "0/0/0"), ("next", "sms", "0/0/0")]
    nobody = of(moved, HEAD, CHAIR)
    assert handed_on(incident, mail, nobody, CALLED)[1] == [("head", "mail", "0/1/0")]


def test_where_nobody_took_over_the_next_step_is_called_at_once():
    directory = of(LEAVING, HEAD, CHAIR)
    incident, (mail, sms) = opened(directory)
    after, calls, heard, alerts = handed_on(incident, mail, directory)
    assert heard
    assert calls == [("head", "mail", "0/1/0")]
    assert [entry.action for entry in alerts.audit] == ["nobody_to_call", "handed on"]
    assert handed_on(after, sms, directory)[1:3] == ([], True)


def test_a_plan_that_maintenance_pauses_stands_still_after_a_call_of_it_was_handed_on():
    directory, work = of(LEAVING, NEXT, HEAD, CHAIR), centre(Colour.MAINTENANCE, CALLED, 0.0)
    _, (mail, _) = alerts = opened(directory)
    paused = reacted({"centre": alerts[0]}, work, CALLED + minutes(5), directory=directory, paused=True)
    after, calls, _, _ = handed_on(paused.open["centre"], mail, directory)
    assert calls == [("next", "mail", "0/0/0"), ("next", "sms", "0/0/0")]
    back = reacted({"centre": after}, DOWN, CALLED + minutes(125), directory=directory)
    assert (back.notices, back.recheck_at) == ((), CALLED + minutes(125 + 25))  # as much was left when it began


def test_the_call_of_the_next_step_replaces_what_still_waits_of_an_earlier_one_to_the_same_address():
    steps = (*(replace(step, to=("commune_centre_head",)) for step in OUTAGES.steps[1:2]), OUTAGES.steps[0])
    steps = (replace(steps[0], after=0), replace(steps[1], after=60), replace(steps[0], after=7200))
    directory = replace(of(LEAVING, HEAD), policies=(replace(OUTAGES, steps=steps),))
    first = reacted({}, DOWN, CALLED, directory=directory)
    second = reacted(first.open, DOWN, CALLED + minutes(1), directory=directory)
    left = second.notices[0]
    _, called, heard, alerts = handed_on(second.open["centre"], left, directory)
    assert ([recipient for recipient, _, _ in called], heard) == (["head"], True)
    assert [order.notices for order in alerts.withheld] == [frozenset({first.notices[0].key})]


def test_where_nobody_at_all_is_left_that_is_said():
    directory = of(LEAVING)
    incident, (mail, sms) = opened(directory)
    after, calls, heard, _ = handed_on(incident, mail, directory)
    assert (calls, heard) == ([], False)
    assert handed_on(after, sms, directory)[1:3] == ([], False)


def test_who_else_was_called_by_the_same_call_is_not_called_twice():
    other = replace(FOCAL, id="other", channels=("sms",))
    directory = of(LEAVING, other, HEAD)
    incident, notices = opened(directory)
    assert [one.recipient for one in notices] == ["focal", "focal", "other"]
    assert handed_on(incident, notices[0], directory)[:3] == (incident, [], True)
    directory = of(LEAVING, other, NEXT, HEAD)
    assert [one[:2] for one in handed_on(incident, notices[0], directory)[1]] == [("next", "mail"), ("next", "sms")]


def test_what_was_answered_or_called_anew_since_is_owed_to_nobody():
    directory = of(LEAVING, NEXT, HEAD, CHAIR)
    incident, (mail, _) = opened(directory)
    answered, _ = acknowledge(incident, "head", "", AFTER)
    assert handed_on(answered, mail, directory)[:3] == (answered, [], True)
    stale = replace(mail, key=mail.key.replace("/0/0/0/", "/0/0/7/"))
    assert handed_on(incident, stale, directory)[:3] == (incident, [], True)


def test_a_step_that_repeats_goes_on_in_its_rhythm():
    repeating = replace(OUTAGES, steps=(replace(OUTAGES.steps[0], repeat=3600.0), *OUTAGES.steps[1:]))
    for people in ((LEAVING, NEXT, HEAD), (LEAVING, HEAD)):
        directory = replace(of(*people), policies=(repeating,))
        incident, (mail, _) = opened(directory)
        after, *_ = handed_on(incident, mail, directory)
        assert after.steps[0].due_at == incident.steps[0].due_at == CALLED + minutes(60)
        assert after.steps[0].fired == 1


def test_a_successor_who_hears_of_the_wider_trouble_is_not_called():
    directory = of(LEAVING, replace(NEXT, scope="19", role="commune_focal"), HEAD)
    incident, (mail, _) = opened(directory)
    covered = replace(incident, cover=Cover("19", "mass:centre", spares=("19",)))
    _, calls, heard, _ = handed_on(covered, mail, directory)
    assert (calls, heard) == ([], True)


def test_the_quiet_hours_of_a_successor_hold_the_call_until_they_end():
    asleep = replace(NEXT, quiet=Daily(time(22), time(6)), wake=False)
    directory = of(LEAVING, asleep, HEAD)
    incident, (mail, _) = opened(directory)
    after, calls, heard, alerts = handed_on(incident, mail, directory)
    assert (calls, heard) == ([], True)
    assert after.steps[0].held_until == local(7, 6)
    assert alerts.recheck_at is not None and alerts.recheck_at <= local(7, 6)


# -- the way there -----------------------------------------------------------------------------------------------

GONE = Receipt(Outcome.REFUSED, LEFT, fault=Fault.LEFT)


def sender(office: Office, answers: list[bool | Exception], asked: list[str]) -> Sender:
    async def hand_on(notice: Notice) -> bool:
        asked.append(notice.recipient)
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    ways = {"sms": Way(4, next_of={"focal": "mail"}), "mail": Way(4)}
    made = Sender(office.store, office.channels, ways, office.clock, lambda: 0.0, "one")
    made.hand_on = hand_on
    return made


async def test_what_is_handed_on_is_suppressed_with_its_reason_and_otherwise_refused(office):
    office.channel("sms", GONE, GONE)
    office.channel("mail")
    await office.owe("i/0/0/0/focal/sms", "i/0/1/0/focal/sms")
    asked: list[str] = []
    async with office.running(sender(office, [True, False], asked)):
        await office.clock.advance(1)
    assert asked == ["focal", "focal"]
    assert await told(office) == {  # by no other channel of somebody who left
        "i/0/0/0/focal/sms": ("suppressed", LEFT),
        "i/0/1/0/focal/sms": ("refused", LEFT),
    }


async def test_a_store_that_refuses_loses_nothing(office):
    office.channel("sms", GONE, GONE)
    office.channel("mail")
    await office.owe("i/0/0/0/focal/sms")
    async with office.running(sender(office, [StoreError("disk full"), True], [])):
        await office.clock.advance(0)
        assert (await told(office))["i/0/0/0/focal/sms"][0] == "try_again"
        await office.clock.advance(5)
    assert (await told(office))["i/0/0/0/focal/sms"] == ("suppressed", LEFT)


async def test_what_a_channel_owes_that_is_gone_is_handed_on_as_well(office):
    await office.owe("i/0/0/0/focal/sms", channel="sms")
    await strays(office, home="", heard=True).step()
    assert await told(office) == {"i/0/0/0/focal/sms": ("suppressed", LEFT)}
