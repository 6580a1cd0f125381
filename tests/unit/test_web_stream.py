"""Server-sent events: a snapshot first, then what is committed, a heartbeat, and no patience with who does not read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientResponse

from monitor.web import stream as streaming
from monitor.web.keys import STREAM
from monitor.web.stream import Broadcaster
from tests.unit.web_site import NOW, running, site, until, visiting


async def events(response: ClientResponse) -> AsyncIterator[tuple[str, Any]]:
    """(name, data) of each event."""
    name = ""
    async for line in response.content:
        word, _, rest = line.decode().rstrip("\n").partition(": ")
        if word == "event":
            name = rest
        if word == "data":
            yield name, json.loads(rest)


async def test_a_stream_begins_with_the_colours_of_all_its_units():
    async with running(site()) as world, visiting(world) as client:
        async with client.get("/api/v1/events?province=19") as response:
            assert response.content_type == "text/event-stream"
            assert response.headers["Cache-Control"] == "no-store"
            name, news = await anext(events(response))
        assert name == "snapshot"
        colours = {change["unit"]: change["colour"] for change in news["changes"]}
        assert (colours["02100"], colours["02101"], colours["tthc"]) == ("green", "unknown", "green")
        assert news["counts"] == {
            "19": {"green": 5, "yellow": 0, "red": 0, "unknown": 1, "maintenance": 0, "excluded": 0}
        }
        assert news["open_incidents"] == 0


async def test_a_committed_change_is_told_with_the_new_counts():
    async with running(site()) as world, visiting(world) as client:
        async with client.get("/api/v1/events") as response:
            heard = events(response)
            await anext(heard)
            await world.break_centre("02102")
            told: dict[str, Any] = {}
            while "02102" not in told:
                name, news = await anext(heard)
                told |= {change["unit"]: change for change in news["changes"]}
        assert name == "change"
        assert told["02102"]["colour"] == "red"
        assert told["02102"]["since"] == NOW.isoformat().replace("+00:00", "Z")
        assert (news["counts"]["19"]["red"], news["counts"]["19"]["green"]) == (1, 4)
        assert news["open_incidents"] == 1


async def test_a_reading_that_changes_no_colour_is_not_told():
    async with running(site()) as world, visiting(world) as client:
        async with client.get("/api/v1/events") as response:
            heard = events(response)
            await anext(heard)
            await world.learn("02102", "online_rate", 92.0)
            await world.break_centre("02103")
            _, news = await anext(heard)
        assert "02102" not in {change["unit"] for change in news["changes"]}


async def test_a_board_hears_its_own_province_and_what_all_share():
    async with running(site(communes=2, provinces=("19", "20"))) as world, visiting(world) as client:
        async with client.get("/api/v1/events?province=20") as response:
            heard = events(response)
            _, first = await anext(heard)
            units = {change["unit"] for change in first["changes"]}
            assert {"02102", "02103", "20", "tthc", "VN"} == units
            assert set(first["counts"]) == {"20"}
            await world.break_centre("02100")  # of the other province
            await world.break_centre("02102")
            _, news = await anext(heard)
        assert "02100" not in {change["unit"] for change in news["changes"]}


async def test_the_heart_beats_each_five_seconds_as_an_event_that_a_page_can_see():
    async with running(site()) as world, visiting(world) as client:
        async with client.get("/api/v1/events") as response:
            heard = events(response)
            await anext(heard)
            beat = asyncio.ensure_future(anext(heard))
            await until(beat.done, lambda: world.clock.move(5))
        assert beat.result()[0] == "beat"


async def test_a_slow_reader_gets_the_latest_colour_of_each_unit_not_a_backlog():
    async with running(site()) as world:
        box = Broadcaster(world.service).join(None)
        for _ in range(50):
            await world.break_centre("02102")
            await world.learn("02102", "centre_reachable", True)
            world.clock.move(60)
        assert set(box.changed) <= {"02102", "19", "VN"}
        assert len(box.changed) <= 3


async def test_a_reader_that_stops_reading_is_cut_off(monkeypatch):
    monkeypatch.setattr(streaming, "PATIENCE", 0.01)
    async with running(site()) as world, visiting(world) as client:
        assert client.app is not None
        broadcaster = client.app[STREAM]
        monkeypatch.setattr(broadcaster, "everything", lambda _scope: {"pad": "x" * 20_000_000})
        async with client.get("/api/v1/events"):
            await until(lambda: not broadcaster.clients)
        assert broadcaster.clients == 0


async def test_one_client_too_many_is_refused_and_a_gone_one_makes_room(monkeypatch):
    monkeypatch.setattr(streaming, "MOST_CLIENTS", 1)
    async with running(site()) as world, visiting(world) as client:
        async with client.get("/api/v1/events") as first:
            await anext(events(first))
            refused = await client.get("/api/v1/events")
            assert refused.status == 503
            assert refused.headers["Retry-After"]
        assert client.app is not None
        broadcaster = client.app[STREAM]
        await until(lambda: not broadcaster.clients, lambda: world.clock.move(5))
        async with client.get("/api/v1/events") as again:
            assert (await anext(events(again)))[0] == "snapshot"


async def test_a_stop_of_the_service_ends_all_streams():
    async with running(site()) as world, visiting(world) as client, client.get("/api/v1/events") as response:
        heard = events(response)
        await anext(heard)
        assert client.app is not None
        client.app[STREAM].close()
        assert [name async for name, _ in heard] in ([], ["beat"])


@pytest.mark.parametrize("query", ["province=77", "province=02103", "province=VN", "nonsense=1", "token=x"])
async def test_a_stream_of_nothing_known_is_refused(query):
    async with running(site()) as world, visiting(world) as client:
        assert (await client.get(f"/api/v1/events?{query}")).status in (400, 422)
