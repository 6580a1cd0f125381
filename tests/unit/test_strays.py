"""What a channel owes that a reload took out of the site or renamed."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from monitor.alerting.outcome import Way
from monitor.model.incident import Notice
from monitor.service.strays import Strays
from tests.unit.test_sender import SENT, UNKNOWN, Office, office, settled

__all__ = ["office"]


def strays(office: Office, home: str = "sms2", *, heard: bool = False) -> Strays:
    async def hand_on(_: Notice) -> bool:
        return heard

    return Strays(office.store, office.channels, lambda _: home, office.clock, lambda: None, hand_on)


async def told(office: Office) -> dict[str, tuple[str, str]]:
    return {one.notice.key: (one.state, one.detail) for one in await office.store.deliveries()}


async def test_a_page_of_a_renamed_channel_is_told_by_the_recipients_first_channel(office):
    sms2 = office.channel("sms2")
    await office.owe("i/0/0/0/focal/sms", channel="sms")
    async with office.running(office.sender()):
        assert await strays(office).step() is False
        await office.clock.advance(10)
    assert len(sms2.sends) == 1
    assert await told(office) == {
        "i/0/0/0/focal/sms": ("refused", "the site has no channel sms any more; told by sms2 instead"),
        "i/0/0/0/focal/sms2": ("sent", ""),
    }


async def test_the_end_of_an_incident_follows_who_was_told_of_it_by_a_channel_that_is_gone(office):
    office.channel("sms")
    await office.owe("i/0/0/0/focal/sms", channel="sms")
    async with office.running(office.sender()):
        await office.clock.advance(1)
    office.channels.clear()
    sms2 = office.channel("sms2")
    await office.owe("i/0/recovery/focal/sms", channel="sms", requires="i/0/0/0/focal/sms")
    async with office.running(office.sender()):
        await strays(office).step()
        await office.clock.advance(10)
    assert [key for _, key, _, _ in sms2.sends] == ["i/0/recovery/focal/sms2"]


async def test_whoever_has_no_post_any_more_is_told_nothing_and_that_is_said(office):
    office.channel("sms2")
    await office.owe("i/0/0/0/focal/sms", channel="sms")
    await strays(office, home="").step()
    assert await told(office) == {"i/0/0/0/focal/sms": ("refused", "the site has no channel sms any more")}


async def test_what_may_have_arrived_before_the_channel_went_says_so(office):
    office.channel("sms", UNKNOWN)
    await office.owe("i/0/0/0/focal/sms", channel="sms")
    async with office.running(office.sender(ways={"sms": Way(1)})):
        await office.clock.advance(1)
    office.channels.clear()
    office.channel("sms2", SENT)
    waiting = strays(office)
    assert await waiting.step() is True  # its repeat is due in a while
    await office.clock.advance(60)
    assert await waiting.step() is False
    assert (await told(office))["i/0/0/0/focal/sms"][0] == "maybe_sent"


async def test_the_loop_is_woken_by_what_is_owed_to_a_channel_that_is_gone(office):
    office.channel("sms2")
    handing = strays(office)
    task = asyncio.ensure_future(handing.run())
    try:
        await settled()
        decision = await office.owe("i/0/0/0/focal/sms", channel="sms")
        await settled()
        assert len(await told(office)) == 1  # nothing is polled for
        handing.notice([replace(decision, notices=())])
        await settled()
        assert len(await told(office)) == 1
        handing.notice([decision])
        await settled()
        assert len(await told(office)) == 2
    finally:
        task.cancel()
