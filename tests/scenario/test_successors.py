"""Somebody leaves their post while a message waits for them, in virtual time: who hears of it instead, and how soon."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from monitor.model.incident import LEFT, Outcome, Receipt
from monitor.testing import run
from monitor.testing.doubles import Reply
from monitor.testing.site import COMMUNES, PROVINCE, focal_of
from tests.unit.own_alarm_scene import START, Scene, lived

DOWN = Reply(Receipt(Outcome.TRY_AGAIN, "down"), arrives=False)
UNIT = COMMUNES[0]
TOMORROW = date(2025, 8, 7)


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL", "monitor")


def midnight(*, successor: bool) -> Scene:
    """The focal point of a commune leaves at midnight; the story begins at five to twelve."""
    scene = Scene(start=START + timedelta(hours=14, minutes=40))
    directory = scene.site.directory
    (leaves,) = (one for one in directory.recipients if one.id == focal_of(UNIT))
    follows = (replace(leaves, id="next", name="Người mới", valid_from=TOMORROW),) if successor else ()
    above = focal_of(PROVINCE) if not successor else ""  # who would stand in
    others = tuple(one for one in directory.recipients if one is not leaves and one.id != above)
    people = (replace(leaves, valid_to=TOMORROW), *follows, *others)
    scene.site = replace(scene.site, directory=replace(directory, recipients=people))
    scene.service = scene.made()
    return scene


async def night(scene: Scene) -> None:
    """Telephones do not work from five to midnight to five past it, and a centre is down meanwhile."""
    scene.broken["sms"] = DOWN
    scene.down.add(UNIT)
    await scene.passes(10)
    scene.broken.clear()
    await scene.passes(5)


def test_a_message_that_its_recipient_did_not_live_to_hear_goes_to_their_successor():
    async def story(scene: Scene) -> None:
        await night(scene)
        (ring,) = scene.transports["sms"].rings
        assert ring.notice.recipient == "next"
        assert "Người mới" in ring.notice.body
        (incident,) = scene.service.evaluator.states[UNIT].incidents.values()
        states = {
            one.notice.recipient: (one.state, one.detail) for one in await scene.store.deliveries(incident=incident.key)
        }
        assert states[focal_of(UNIT)] == ("suppressed", LEFT)
        assert states["next"] == ("sent", "")
        assert scene.on == []  # that nobody had heard is over

    async def all_of_it() -> None:
        await lived(midnight(successor=True), story)

    run(all_of_it())


def test_where_nobody_follows_the_next_step_is_called_before_its_time():
    async def story(scene: Scene) -> None:
        await night(scene)
        (incident,) = scene.service.evaluator.states[UNIT].incidents.values()
        (mail,) = scene.transports["mail"].rings
        assert mail.notice.recipient == "head"
        assert (mail.at - incident.opened_at).total_seconds() < 300  # its step is due after ten minutes
        assert scene.transports["sms"].rings == []

    async def all_of_it() -> None:
        await lived(midnight(successor=False), story)

    run(all_of_it())
