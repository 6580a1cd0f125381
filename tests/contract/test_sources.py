"""What every source promises, over real loopback sockets: `collect` always answers with a value, never raises."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from monitor.adapters import feeds
from monitor.adapters.clock import SystemClock
from monitor.adapters.fetch import Fetcher
from monitor.adapters.guard import AddressGuard
from monitor.adapters.probes import Tools, open_probe
from monitor.config.allow import parse_allow
from monitor.config.probespec import Asks, HttpCheck, ProbeSpec, TcpCheck
from monitor.config.secrets import Secret
from monitor.config.spec import AsOf
from monitor.model.reading import Collected
from monitor.ports import Source
from tests.unit.feed_frames import CALENDAR, INDICATORS, NOW, RATE, UNITS, feed_spec
from tests.unit.workbooks import workbook

PATIENT = 10.0  # seconds, where the answer comes
HASTY = 0.3  # seconds, where it never does
FEEDS = ("json", "csv", "xlsx", "prometheus", "promql")
KINDS = ("http", "tcp", *FEEDS)  # those that ask first; for the others see test_talking_probes
every_kind = pytest.mark.parametrize("kind", KINDS)
every_feed = pytest.mark.parametrize("kind", FEEDS)
GOOD = {
    "http": b"ok",
    "tcp": b"",
    "json": json.dumps({"rows": [{"code": "02143", "ratio": 5}]}).encode(),
    "csv": b"code,ratio\n02143,5\n",
    "xlsx": workbook(("1", [("code", "ratio"), ("02143", 5)])),
    "prometheus": b'ratio{code="02143"} 5\n',
    "promql": (
        b'{"status": "success", "data": {"resultType": "vector", "result": ['
        b'{"metric": {"code": "02143"}, "value": [1795237200.5, "5"]}]}}'
    ),
}

Reply = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def whole(body: bytes, status: str = "200 OK", extra: str = "") -> Reply:
    """A complete answer with its length."""

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{extra}Connection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()

    return reply


def raw(data: bytes, stay: bool = False) -> Reply:
    """These very bytes; then the end, or silence until the client goes."""

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        while stay and await reader.read(65536):
            pass

    return reply


async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b" " * 65536)
        await writer.drain()


HOSTILE = {
    "empty body": whole(b""),
    "login page": whole(b"<!doctype html><html><body>login</body></html>", extra="Content-Type: text/html\r\n"),
    "error 500": whole(b"Internal Server Error", "500 Internal Server Error"),
    "redirect": whole(b"", "302 Found", "Location: http://127.0.0.1:1/\r\n"),
    "no content": raw(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "noise": whole(bytes(range(256)) * 20),
    "noise beyond a thread": whole(bytes(range(256)) * 600),
    "broken gzip": whole(b"\x1f\x8b\x08noise", extra="Content-Encoding: gzip\r\n"),
    "no http": raw(b"220 mail.example ESMTP\r\n"),
    "hung up": raw(b""),
    "cut": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"),
    "deep": whole(b"[" * 50_000),
}
ENDLESS = {
    "never": raw(b"", stay=True),
    "half a head": raw(b"HTTP/1.1 200 OK\r\nContent-", stay=True),
    "half a body": raw(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"rows": [', stay=True),
}


@asynccontextmanager
async def listening(reply: Reply) -> AsyncIterator[int]:
    """A server that reads one request and replies; yields its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            if b"content-length: " in head:
                await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
            await reply(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.fixture
async def opened() -> AsyncIterator[Callable[..., Source]]:
    """Opens a source of a kind that asks a port of this machine."""
    clock = SystemClock()
    guard = AddressGuard([parse_allow("127.0.0.0/8:*")])
    fetcher = Fetcher(guard, clock)

    def open_source(kind: str, port: int, timeout: float = PATIENT, **fields: object) -> Source:
        if kind in FEEDS:
            spec = feed_spec(kind, RATE, url=f"http://127.0.0.1:{port}/", timeout=timeout, id="it", **fields)
            return feeds.open_feed(spec, fetcher, clock, CALENDAR, INDICATORS, UNITS)
        checks: dict[str, Asks] = {
            "http": HttpCheck(f"http://127.0.0.1:{port}/"),
            "tcp": TcpCheck("127.0.0.1", port),
        }
        return open_probe(ProbeSpec("it", "19", "staffed", 60.0, timeout, checks[kind]), Tools(fetcher, guard, clock))

    yield open_source
    await fetcher.close()


def check(collected: Collected) -> None:
    """What holds for every answer of every kind."""
    assert isinstance(collected, Collected)
    assert (collected.source, collected.at) == ("it", NOW)
    assert collected.duration >= 0
    assert all(reading.source == "it" and reading.received_at == NOW for reading in collected.readings)


@every_kind
async def test_a_source_knows_its_name_period_and_owner(kind, opened):
    source = opened(kind, 1)
    assert (source.id, source.period, source.owner) == ("it", 60.0, "19")


@every_kind
async def test_a_good_answer_brings_a_value(kind, opened):
    async with listening(whole(GOOD[kind])) as port:
        collected = await opened(kind, port).collect(NOW)
    check(collected)
    assert (collected.failure, collected.rejected) == ("", ())
    assert [reading.value for reading in collected.readings] == [5.0 if kind in FEEDS else True]


@every_kind
@pytest.mark.parametrize("name", list(HOSTILE))
async def test_a_bad_answer_is_a_value_too(kind, name, opened):
    async with listening(HOSTILE[name]) as port:
        collected = await opened(kind, port).collect(NOW)
    check(collected)
    if kind in FEEDS:
        assert collected.readings == ()
        assert collected.failure.startswith("feed it: ")


@every_kind
@pytest.mark.parametrize("name", list(ENDLESS))
async def test_an_answer_that_never_ends_is_given_up(kind, name, opened):
    async with listening(ENDLESS[name]) as port:
        collected = await opened(kind, port, HASTY).collect(NOW)
    check(collected)
    if kind in FEEDS:
        assert "timeout" in collected.failure


@every_kind
async def test_a_flood_is_cut_off(kind, opened):
    async with listening(flood) as port:
        collected = await opened(kind, port).collect(NOW)
    check(collected)
    if kind in FEEDS:
        assert "too-large" in collected.failure


@every_kind
async def test_a_closed_port_is_a_value(kind, opened):
    async with listening(raw(b"")) as port:
        pass
    collected = await opened(kind, port).collect(NOW)
    check(collected)
    assert collected.failure if kind in FEEDS else collected.readings[0].value is False


@every_kind
async def test_the_same_source_can_be_asked_again_after_a_failure(kind, opened):
    now_good = asyncio.Event()

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await (whole(GOOD[kind]) if now_good.is_set() else raw(b""))(reader, writer)

    async with listening(reply) as port:
        source = opened(kind, port)
        check(await source.collect(NOW))
        now_good.set()
        if kind != "tcp":
            assert (await source.collect(NOW)).readings[0].value in (5.0, True)


@pytest.mark.parametrize("kind", [kind for kind in FEEDS if kind != "xlsx"])  # which never is read in the loop
async def test_a_large_answer_is_read_in_a_thread_with_the_same_outcome(kind, opened):
    fillers = {
        "json": b" " * 100_000,
        "csv": b"\n" * 100_000,
        "prometheus": b"# x\n" * 25_000,
        "promql": b" " * 100_000,
    }

    async with listening(whole(GOOD[kind] + fillers[kind])) as port:
        collected = await opened(kind, port).collect(NOW)
    assert [reading.value for reading in collected.readings] == [5.0]


async def test_a_fault_of_the_reader_itself_is_a_failure_and_goes_to_the_log(opened, monkeypatch, caplog):
    def broken(*_: object) -> Collected:
        raise IndexError("list index out of range")

    monkeypatch.setitem(feeds.KINDS, "json", broken)
    async with listening(whole(GOOD["json"])) as port:
        source = opened("json", port)
        collected = await source.collect(NOW)
    check(collected)
    assert "the answer broke its reader" in collected.failure
    assert "IndexError" in caplog.text


async def test_a_question_carries_the_local_date_the_body_and_the_secret_headers(opened):
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        heard.append(head + await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    body = '{"timeType": "month", "year": {year}, "month": {month}, "quarter": {quarter}, "x": "{0} {root}"}'
    source = opened("json", port, method="POST", body=body, headers=(("X-Key", Secret("s3cret")),))
    await source.collect(NOW)
    server.close()
    assert b'{"timeType": "month", "year": 2026, "month": 11, "quarter": 4, "x": "{0} {root}"}' in heard[0]
    assert b"POST / HTTP/1.1" in heard[0] and b"X-Key: s3cret" in heard[0] and b"application/json" in heard[0]


@pytest.mark.parametrize("kind", ["json", "csv", "xlsx"])
async def test_a_file_server_sends_an_unchanged_table_only_once(kind, opened, tmp_path):
    path, statuses = tmp_path / "table", []

    async def send(request: web.Request) -> web.StreamResponse:
        answer = web.FileResponse(path)
        await answer.prepare(request)
        statuses.append(answer.status)
        return answer

    def put(content: bytes, written: datetime) -> None:
        path.write_bytes(content)
        os.utime(path, (written.timestamp(), written.timestamp()))

    app = web.Application()
    app.router.add_get("/", send)
    async with TestServer(app) as server:
        source = opened(kind, server.port, conditional=True, as_of=AsOf.FETCH)
        put(GOOD[kind], NOW - timedelta(minutes=50))
        found = [await source.collect(NOW) for _ in range(2)]
        put(GOOD[kind], NOW - timedelta(minutes=10))
        found += [await source.collect(NOW) for _ in range(2)]
    assert statuses == [200, 304, 200, 304]
    assert [reading.as_of for one in found for reading in one.readings] == [
        *[NOW - timedelta(minutes=50)] * 2, *[NOW - timedelta(minutes=10)] * 2,
    ]  # fmt: skip
