"""Connections that never ask anything, and bodies that never come, end by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from monitor.testing import HandClock
from monitor.web import query
from monitor.web.app import create_app, serve
from monitor.web.patience import HEAD_SECONDS, LOOK, Patience
from tests.unit.test_web_receipts import signing
from tests.unit.web_site import NOW, World, running, site, until


class Wire:
    def __init__(self) -> None:
        self.closed = False

    def force_close(self) -> None:
        self.closed = True


def test_a_connection_without_a_question_is_ended_in_time_and_no_other():
    clock, mute, asking, late = HandClock(NOW), Wire(), Wire(), Wire()
    patience = Patience(clock)
    patience.asked(asking)
    patience.look([mute, asking])
    clock.at += timedelta(seconds=HEAD_SECONDS - 1)
    patience.look([mute, asking, late])
    assert not mute.closed
    clock.at += timedelta(seconds=1)
    patience.look([mute, asking, late])
    assert (mute.closed, asking.closed, late.closed) == (True, False, False)


@asynccontextmanager
async def connected(world: World, first: bytes) -> AsyncIterator[asyncio.StreamReader]:
    """Somebody who has sent these bytes and waits."""
    runner = await serve(create_app(world.service, world.tokens), "127.0.0.1", 0)
    try:
        reader, writer = await asyncio.open_connection(*runner.addresses[0][:2])
        writer.write(first)
        yield reader
        writer.close()
    finally:
        await runner.cleanup()


async def test_a_webhook_whose_body_never_comes_is_told_so(monkeypatch):
    monkeypatch.setattr(query, "BODY_SECONDS", 0.01)
    head = b"POST /api/v1/receipts/zalo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n"
    head += b"Content-Type: application/json\r\n\r\n{"
    async with running(signing()) as world, connected(world, head) as reader:
        assert b" 408 " in await reader.readline()


async def test_a_head_that_never_ends_is_ended():
    async with running(site()) as world, connected(world, b"GET / HTTP/1.1\r\nHost: 127.0") as reader:
        end = asyncio.ensure_future(reader.read())
        await until(end.done, then=lambda: world.clock.move(LOOK))
        assert end.result() == b""
