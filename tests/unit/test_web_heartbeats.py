"""Heartbeats and bound tokens over HTTP: committed before the answer, refused with a reason, remembered."""

from __future__ import annotations

from dataclasses import replace
from typing import cast
from unittest.mock import AsyncMock

import pytest

from monitor.adapters.store.memory import MemoryStore
from monitor.config.spec import HeartbeatSpec
from monitor.model.errors import StoreError
from monitor.service.heartbeats import Heartbeats
from tests.unit.web_site import bearer, running, site, token, visiting

JOB = HeartbeatSpec("backup", "tthc", "centre_reachable", every=86400.0, grace=3600.0)
BOUND = replace(token("pusher"), units=frozenset({"02103"}), indicators=frozenset({"online_rate"}))
HERE = "/api/v1/heartbeats/backup"


def watched(**changes):
    return replace(site(), heartbeats=(JOB,), **changes)


async def reads(client) -> str:
    return str((await (await client.get("/api/v1/units/tthc")).json())["colour"])


@pytest.mark.parametrize("body", [{}, {"json": {}}, {"json": {"signal": "success", "note": "42 GB"}}])
async def test_a_success_is_committed_before_the_answer(body):
    async with running(watched()) as world, visiting(world) as client:
        answer = await client.post(HERE, headers=bearer("pusher"), **body)
        assert answer.status == 200
        assert await answer.json() == {"heartbeat": "backup", "signal": "success"}
        held = world.service.evaluator.states["tthc"].evidence["centre_reachable"]
        assert (held.value, held.source) == (True, "heartbeat:backup")


async def test_a_failure_turns_the_unit_red_and_the_next_success_green_again():
    async with running(watched()) as world, visiting(world) as client:
        for signal, colour in (("fail", "red"), ("start", "red"), ("success", "green")):
            answer = await client.post(HERE, json={"signal": signal, "note": "disk full"}, headers=bearer("pusher"))
            assert answer.status == 200
            assert await reads(client) == colour
            world.clock.move(60)


async def test_the_last_success_is_remembered_by_the_store():
    async with running(watched()) as world, visiting(world) as client:
        assert (await client.post(HERE, headers=bearer("pusher"))).status == 200
        [health] = [h for h in await world.service.store.load_health() if h.source == "heartbeat:backup"]
        assert health.last_success == world.clock.now()
        again = Heartbeats((JOB,), world.service.evaluator, world.clock, world.service.own_line)
        again.resume()
        world.clock.move(25 * 3600)
        [reading] = (await again.by_id["backup"].collect(world.clock.now())).readings
        assert reading.value is False


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        ("/api/v1/heartbeats/nonsense", {}, 404),
        (HERE, {"json": {"signal": "maybe"}}, 422),
        (HERE, {"json": {"signal": ["fail"]}}, 422),
        (HERE, {"json": {"note": 7}}, 422),
        (HERE, {"json": {"colour": "green"}}, 422),
        (HERE, {"data": b"ok"}, 415),
        (HERE + "?token=x", {}, 400),
    ],
)
async def test_what_is_no_signal_is_refused_and_changes_nothing(path, options, status):
    async with running(watched()) as world, visiting(world) as client:
        before = world.service.evaluator.states["tthc"].evidence
        assert (await client.post(path, headers=bearer("pusher"), **options)).status == status
        assert world.service.evaluator.states["tthc"].evidence == before


async def test_nothing_is_taken_without_a_token_or_by_a_reader():
    async with running(watched()) as world, visiting(world) as client:
        assert (await client.post(HERE)).status == 401
        assert (await client.post(HERE, headers=bearer("viewer"))).status == 403


async def test_a_signal_that_cannot_be_committed_is_asked_for_again():
    async with running(watched()) as world, visiting(world) as client, world.without_store():
        answer = await client.post(HERE, headers=bearer("pusher"))
        assert answer.status == 503 and answer.headers["Retry-After"]


async def test_a_success_that_could_not_be_remembered_is_not_answered_as_taken():
    async with running(watched()) as world, visiting(world) as client:
        save = world.service.store.save_health
        world.service.store.save_health = AsyncMock(side_effect=StoreError("disk full"))  # type: ignore[method-assign]
        assert (await client.post(HERE, headers=bearer("pusher"))).status == 503
        world.service.store.save_health = save  # type: ignore[method-assign]


async def test_a_bound_token_speaks_of_its_own_units_and_indicators_only():
    async with running(watched(tokens=(BOUND,))) as world, visiting(world) as client:

        async def push(unit: str, indicator: str, value: object) -> int:
            row = {"unit": unit, "indicator": indicator, "value": value, "as_of": "2026-11-18T09:30:00+07:00"}
            return (await client.post("/api/v1/readings", json={"readings": [row]}, headers=bearer("pusher"))).status

        assert await push("02103", "online_rate", 70) == 200
        assert await push("02104", "online_rate", 70) == 422
        assert await push("02103", "centre_reachable", True) == 422
        assert (await client.post(HERE, headers=bearer("pusher"))).status == 403


async def test_how_long_was_listened_is_committed_by_the_service_that_begins_again():
    async with running(watched()) as world, visiting(world) as client:
        await client.post(HERE, headers=bearer("pusher"))
        world.clock.move(3600)
        evaluator = world.service.evaluator
        evaluator.take(await world.service.heartbeats.by_id["backup"].collect(world.clock.now()))
        await evaluator.submit(())
        world.clock.move(5 * 3600)
        Heartbeats((JOB,), evaluator, world.clock, world.service.own_line).resume()
        await evaluator.submit(())
        [health] = [h for h in await world.service.store.load_health() if h.source == "heartbeat:backup"]
        assert (health.listened, health.resumed) == (3600.0, world.clock.now())


@pytest.mark.parametrize(
    ("body", "said"), [({}, "success"), ({"signal": "fail", "note": "disk full"}, "fail; disk full")]
)
async def test_a_signal_that_a_person_sends_is_in_the_audit_and_that_of_a_robot_is_not(body, said):
    async with running(watched()) as world, visiting(world) as client:
        for role in ("pusher", "operator"):
            assert (await client.post(HERE, json=body, headers=bearer(role))).status == 200
        trail = [entry for entry, _ in await cast("MemoryStore", world.service.store).audit_trail()]
        told = [(one.actor, one.subject, one.detail) for one in trail if one.action == "push"]
        assert told == [("operator-1", "heartbeat:backup", said)]


async def test_a_job_that_reports_while_the_store_is_away_is_not_late_though_it_is_answered_503():
    async with running(watched()) as world, visiting(world) as client:
        assert (await client.post(HERE, headers=bearer("pusher"))).status == 200
        beat = world.service.heartbeats.by_id["backup"]
        async with world.without_store():
            for _ in range(2):
                world.clock.move(20 * 3600)
                assert (await client.post(HERE, headers=bearer("pusher"))).status == 503
        [reading] = (await beat.collect(world.clock.now())).readings
        assert reading.value is True
