"""What the monitor says of itself: on the board, in the API, as a metric; answered by command and by SMS."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from monitor.adapters.store.memory import MemoryStore
from monitor.alerting.selfnotices import Operators
from monitor.alerting.selfwatch import Alarm, Condition, Stage
from monitor.config.spec import OwnAlarm
from tests.unit.test_web_replies import FOCAL, HEAD, answers, made, write
from tests.unit.web_site import World, bearer, running, visiting


def with_operator():
    plain = made()
    (focal, *_) = [person for person in plain.directory.recipients if person.id == "focal-vn"]
    unit = next(iter(plain.units))
    return replace(plain, own_alarm=OwnAlarm(Operators(unit, (focal,), ("sms",), plain.directory, plain.calendar)))


def low(world: World) -> Alarm:
    now = world.service.clock.now()
    alarm = Alarm(Condition.DISK_LOW, now, now, Stage.RAISED, 1, now + timedelta(hours=1), {"free": 3})
    world.service.self_watch.alarms = {alarm.condition: alarm}
    return alarm


async def test_the_board_says_it_in_the_readers_language_with_the_reference():
    async with running(with_operator()) as world, visiting(world) as client:
        assert "own-alarms" not in await (await client.get("/")).text()
        alarm = low(world)
        page = await (await client.get("/?lang=vi")).text()
        assert f"<li>ổ đĩa sắp đầy, còn trống 3% <code>{alarm.ref}</code></li>" in page
        assert "the disk is nearly full, 3% free" in await (await client.get("/?lang=en")).text()


@pytest.mark.parametrize("path", ["/", "/nothing-here", "/public/99", "/badge/99.svg"])
async def test_who_may_not_read_is_not_told_of_it(path):
    async with running(replace(with_operator(), listen=("0.0.0.0", 8866))) as world, visiting(world) as client:
        alarm = low(world)
        answer = await client.get(path)
        page = await answer.text()
        assert answer.status in (401, 404)
        assert alarm.ref not in page and "own-alarms" not in page


async def test_the_api_lists_it_and_the_command_ack_answers_it():
    async with running(with_operator()) as world, visiting(world) as client:
        alarm = low(world)
        path = f"/api/v1/incidents/{alarm.ref}/ack"
        answer = await client.post(path, json={}, headers=bearer("operator"))
        assert answer.status == 200
        said = await answer.json()
        assert (said["ref"], said["condition"], said["acknowledged_by"]) == (alarm.ref, "disk_low", "operator-1")
        assert (await (await client.get("/api/v1/site")).json())["own_alarms"] == [said]
        assert (await client.post("/api/v1/incidents/NOBODY/ack", json={}, headers=bearer("operator"))).status == 404
        entries = [
            entry
            for entry, _ in await cast("MemoryStore", world.service.store).audit_trail()
            if entry.subject == alarm.key
        ]
        assert [(entry.actor, entry.action) for entry in entries] == [("operator-1", "own alarm answered")]


async def test_every_condition_has_a_metric_from_the_first_page_on():
    async with running(with_operator()) as world:
        low(world)
        value = world.service.metrics.registry.get_sample_value
        assert {one: value("denbao_self_alarm", {"condition": one}) for one in Condition} == {
            one: float(one is Condition.DISK_LOW) for one in Condition
        }


async def test_an_operator_answers_by_sms_and_nobody_else_does():
    async with running(with_operator()) as world, visiting(world) as client:
        alarm = low(world)
        assert await write(client, f"OK {alarm.ref}", HEAD, 1) == "unknown"
        assert not world.service.self_watch.shown()[0].answered_by
        assert await write(client, f"ok {alarm.ref.lower()}", FOCAL, 2) == "own_acked"
        assert world.service.self_watch.shown()[0].answered_by == "focal-vn"
        assert (await answers(world))[-1].sms.startswith("DA NHAN: he thong giam sat tu bao")
