"""The fetch's own rules: redirects, headers, credentials, slots, phases."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import gzip
import os
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_parser import HttpResponseParser

from monitor.adapters.fetch import Failure, Fetcher, Request, Response, safe_url
from monitor.adapters.fetch_body import Gunzip, is_gzip
from monitor.adapters.fetch_cookies import Cookies
from monitor.adapters.fetch_errors import let_go
from monitor.adapters.fetch_kept import KEEP_ALIVE, Kept
from monitor.adapters.fetch_line import Ear, Line, PlainLine, SocketTransport
from monitor.adapters.fetch_redirect import next_hop
from monitor.adapters.fetch_types import Broken
from monitor.adapters.fetch_watch import Stopwatch
from monitor.adapters.guard import AddressGuard
from monitor.adapters.resolver import NameFailed
from monitor.config.allow import parse_allow


class TickingClock:
    """Each look at the clock finds it one second later."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        self.seconds += 1.0
        return self.seconds


class OneName(AbstractResolver):
    """Knows `centre.example`, on loopback."""

    async def resolve(self, host: str, port: int = 0, family: object = None) -> list[ResolveResult]:
        if host != "centre.example":
            raise NameFailed("domain name not found", real=True)
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=2, proto=0, flags=0)]

    async def close(self) -> None:
        return None


Answer = Callable[[str, int], bytes]


class Server:
    """A loopback server that keeps the heads it was sent; the answer is made from the head and the own port."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.heads: list[str] = []
        self.connections = 0
        self.port = 0
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                self.heads.append(head)
                self.asked.set()
                await self.gate.wait()
                writer.write(self._answer(head, self.port))
        except (OSError, asyncio.IncompleteReadError):
            writer.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Server]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()


@asynccontextmanager
async def fetcher(limit: int = 100, clock: TickingClock | None = None) -> AsyncIterator[Fetcher]:
    guard = AddressGuard([parse_allow("127.0.0.0/8:*")], OneName())
    made = Fetcher(guard, clock or TickingClock(), limit=limit)
    try:
        yield made
    finally:
        await made.close()


def say(text: str, *headers: str, status: str = "200 OK") -> bytes:
    lines = "".join(f"{line}\r\n" for line in headers)
    return f"HTTP/1.1 {status}\r\n{lines}Content-Length: {len(text)}\r\n\r\n{text}".encode()


def fine(head: str, port: int) -> bytes:
    return say("fine")


# --- redirects --------------------------------------------------------------------------------------------------------

SECRET = (("Authorization", "Bearer s3cret"), ("X-Api-Key", "s3cret"), ("Accept", "text/csv"))


def test_headers_stay_on_the_same_origin_and_only_harmless_ones_cross_to_another() -> None:
    request = Request("https://a.example/x", headers=SECRET)
    assert next_hop(request, 302, "/y").headers == SECRET
    assert next_hop(request, 302, "https://A.example:443/y").headers == SECRET
    assert next_hop(request, 302, "https://b.example/y").headers == (("Accept", "text/csv"),)
    assert next_hop(request, 302, "https://a.example:8443/y").headers == (("Accept", "text/csv"),)


@pytest.mark.parametrize(
    ("location", "hint"),
    [
        ("http://a.example/", "from https down to http"),
        ("file:///etc/passwd", "'file'"),
        ("ftp://a.example/", "'ftp'"),
        ("javascript:alert(1)", "'javascript'"),
        ("http://[::/", "not an address"),
        ("https://a.example:99999/", "not an address"),
        ("https://[:::::]/", "not an address"),
        ("https://" + "đ." * 2000 + "vn/", "not an address"),
    ],
)
def test_a_redirect_that_must_not_be_followed_says_why(location: str, hint: str) -> None:
    with pytest.raises(Broken, match=hint):
        next_hop(Request("https://a.example/"), 302, location)


def test_a_redirect_may_carry_a_long_query() -> None:
    assert next_hop(Request("http://a.example/"), 302, "/sso?request=" + "x" * 6000).url.endswith("xxx")


def test_userinfo_in_a_redirect_is_not_used() -> None:
    assert next_hop(Request("http://a.example/"), 302, "http://u:p@a.example/y").url == "http://a.example/y"


@pytest.mark.parametrize(
    ("method", "status", "then"),
    [("POST", 303, "GET"), ("POST", 302, "GET"), ("POST", 307, "POST"), ("HEAD", 303, "HEAD"), ("GET", 301, "GET")],
)
def test_the_method_after_a_redirect_follows_the_status(method: str, status: int, then: str) -> None:
    body = b"x" if method == "POST" else None
    hop = next_hop(Request("http://a.example/", method=method, body=body), status, "/y")
    assert (hop.method, hop.body) == (then, body if then == method else None)


def test_a_body_is_not_sent_on_to_another_origin() -> None:
    with pytest.raises(Broken, match="another place"):
        next_hop(Request("http://a.example/", method="POST", body=b"x"), 307, "http://b.example/")


async def test_redirects_are_followed_as_far_as_allowed_and_handed_back_when_not_wanted() -> None:
    def answer(head: str, port: int) -> bytes:
        step = int(head.split()[1].strip("/") or 0)
        return say("there") if step == 2 else say("", f"Location: /{step + 1}", status="302 Found")

    async with Server(answer).running() as server, fetcher() as client:
        url = f"http://127.0.0.1:{server.port}/0"
        asked = [await client.fetch(Request(url, redirects=allowed)) for allowed in (0, 1, 2, 3)]
    assert isinstance(asked[0], Response)
    assert (asked[0].status, asked[0].headers["location"]) == (302, "/1")
    assert isinstance(asked[1], Failure)
    assert (asked[1].kind, asked[1].detail) == ("redirect", "more than 1 redirects")
    assert [got.body for got in asked[2:] if isinstance(got, Response)] == [b"there", b"there"]


async def test_never_more_than_three_redirects_are_followed() -> None:
    """SC-101: and no socket is made for a private address, see test_guard."""

    def answer(head: str, port: int) -> bytes:
        return say("", "Location: /again", status="302 Found")

    async with Server(answer).running() as server, fetcher() as client:
        got = await client.fetch(Request(f"http://127.0.0.1:{server.port}/", redirects=50))
    assert isinstance(got, Failure)
    assert got.detail == "more than 3 redirects"
    assert len(server.heads) == 4


# --- what is sent and what comes back ---------------------------------------------------------------------------------


async def test_only_gzip_is_asked_for_and_credentials_of_the_url_travel_as_a_header() -> None:
    async with Server(fine).running() as server, fetcher() as client:
        url = f"http://us%65r:p%40ss@127.0.0.1:{server.port}/x?q=1#part"
        await client.fetch(Request(url, headers=(("Accept-Encoding", "br, zstd"),)))
    head = server.heads[0]
    assert head.startswith("GET /x?q=1 HTTP/1.1\r\n")
    assert "Accept-Encoding: gzip\r\n" in head
    assert "br" not in head
    assert "Authorization: Basic dXNlcjpwQHNz\r\n" in head


async def test_cookies_are_not_kept_and_the_connection_is() -> None:
    def answer(head: str, port: int) -> bytes:
        return say("fine", "Set-Cookie: a=b; Path=/")

    async with Server(answer).running() as server, fetcher() as client:
        for _ in range(2):
            await client.fetch(Request(f"http://127.0.0.1:{server.port}/"))
    assert server.connections == 1
    assert "Cookie" not in server.heads[1]


async def test_no_more_connections_stay_open_than_there_are_places() -> None:
    guard = AddressGuard([parse_allow("127.0.0.0/8:*")], OneName())
    async with Server(fine).running() as one, Server(fine).running() as other:
        client = Fetcher(guard, TickingClock(), keep=1)
        answers = [await client.fetch(Request(f"http://127.0.0.1:{s.port}/")) for s in (one, other, one, other, one)]
        await client.close()
    assert [got.uses for got in answers if isinstance(got, Response)] == [0, 0, 1, 0, 2]


async def test_an_idle_connection_holds_neither_the_last_body_nor_its_parser_nor_what_timed_it() -> None:
    def held() -> int:
        gc.collect()
        return sum(isinstance(one, aiohttp.StreamReader | HttpResponseParser | Stopwatch) for one in gc.get_objects())

    async with Server(fine).running() as server, fetcher() as client:
        before = held()
        got = await client.fetch(Request(f"http://127.0.0.1:{server.port}/"))
        after = held()
        again = await client.fetch(Request(f"http://127.0.0.1:{server.port}/"))
    assert isinstance(got, Response) and isinstance(again, Response)
    assert (after, again.uses) == (before, 1)


class Wire(ResponseHandler):
    """A connection that is open until it is closed, by whom ever."""

    def __init__(self) -> None:
        self.open, self.chatty = True, False
        self._buffer = deque()

    def is_connected(self) -> bool:
        return self.open

    @property
    def should_close(self) -> bool:
        return self.chatty

    def close(self) -> None:
        self.open = False

    abort = close


def test_a_connection_is_found_again_at_its_own_place_only_and_is_not_used_twice_at_a_time() -> None:
    kept, line = Kept(1), Line(Wire(), "192.0.2.1")
    kept.keep("here", line, 0.0)
    assert kept.take("there", 1.0) is None
    assert kept.take("here", 1.0) is line
    assert kept.take("here", 1.0) is None
    assert line.uses == 1


def test_of_two_idle_connections_the_last_one_used_is_taken_first() -> None:
    kept, first, second = Kept(2), Line(Wire(), ""), Line(Wire(), "")
    kept.keep("here", first, 0.0)
    kept.keep("here", second, 1.0)
    assert [kept.take("here", 2.0), kept.take("here", 2.0)] == [second, first]


def test_a_connection_that_was_idle_for_too_long_is_closed() -> None:
    kept, line, other = Kept(2), Line(Wire(), ""), Line(Wire(), "")
    kept.keep("here", line, 0.0)
    kept.keep("there", other, 0.0)
    assert kept.take("here", KEEP_ALIVE + 1) is None
    kept.keep("elsewhere", Line(Wire(), ""), KEEP_ALIVE + 1)  # looks at the others too
    assert not line.wire.is_connected() and not other.wire.is_connected()


def test_a_connection_on_which_something_was_said_unasked_is_not_used() -> None:
    wire = Wire()
    kept = Kept(1)
    kept.keep("here", Line(wire, ""), 0.0)
    wire.chatty = True
    assert kept.take("here", 1.0) is None
    assert not wire.open


def test_a_connection_in_use_keeps_its_place_until_it_is_dropped() -> None:
    kept, old, new = Kept(1), Line(Wire(), ""), Line(Wire(), "")
    kept.keep("here", old, 0.0)
    assert kept.take("here", 1.0) is old
    kept.keep("there", new, 1.0)
    assert not new.wire.is_connected()
    kept.drop(old)
    kept.keep("there", newer := Line(Wire(), ""), 2.0)
    assert newer.wire.is_connected() and not old.wire.is_connected()


def test_the_place_of_a_connection_that_the_other_side_closed_is_found_free_again() -> None:
    kept, old = Kept(1), Line(Wire(), "")
    kept.keep("here", old, 0.0)
    old.wire.close()
    kept.keep("there", new := Line(Wire(), ""), 60.0)
    assert new.wire.is_connected() and kept.take("here", 61.0) is None


def test_what_is_put_into_the_queue_of_an_idle_connection_is_not_heard_by_another() -> None:
    kept, one, other = Kept(2), Line(Wire(), ""), Line(Wire(), "")
    kept.keep("here", one, 0.0)
    kept.keep("there", other, 0.0)
    with contextlib.suppress(AttributeError):  # it may also take nothing
        one.wire._buffer.append(cast(Any, ("forged", 1)))
    assert not other.wire._buffer


def test_idle_connections_are_looked_at_some_each_second_and_all_within_half_a_minute() -> None:
    kept, lines = Kept(90), [Line(Wire(), "") for _ in range(60)]
    for number, line in enumerate(lines):
        kept.keep(number, line, 0.0)
        line.wire.close()
    left = []
    for second in range(1, 40):
        kept.keep("busy", kept.take("busy", float(second)) or Line(Wire(), ""), float(second))
        left.append(len(kept._idle))
    assert left[0] >= 50
    assert left[-1] == 1


async def test_an_idle_connection_that_the_server_closed_is_seen_and_not_asked() -> None:
    heads: list[bytes] = []
    closed = asyncio.Event()

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(fine("", 0))
        await writer.drain()
        writer.close()
        closed.set()

    async with await asyncio.start_server(once, "127.0.0.1", 0) as server, fetcher() as client:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        for _ in range(2):
            got = await client.fetch(Request(url, method="PUT"))
            assert isinstance(got, Response) and got.uses == 0
            await closed.wait()
            for idle in (line for lines in client._kept[False]._idle.values() for line in lines):
                while idle.is_fit():  # noqa: ASYNC110 (until it has come)
                    await asyncio.sleep(0)
            closed.clear()
    assert len(heads) == 2


async def test_an_idle_connection_is_a_socket_without_a_protocol() -> None:
    async with Server(fine).running() as server, fetcher() as client:
        got = await client.fetch(Request(f"http://127.0.0.1:{server.port}/"))
        (idle,) = next(iter(client._kept[False]._idle.values()))
        gc.collect()
        held = [type(one).__name__ for one in gc.get_objects() if isinstance(one, ResponseHandler)]
    assert isinstance(got, Response) and isinstance(idle, PlainLine)
    assert held == []


class Heard(asyncio.Protocol):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.said, self.ends, self.lost = b"", 0, asyncio.Event()
        self.error: Exception | None = None

    def data_received(self, data: bytes) -> None:
        self.said += data

    def eof_received(self) -> None:
        self.ends += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self.error = exc
        self.lost.set()


@asynccontextmanager
async def between() -> AsyncIterator[tuple[SocketTransport, Heard, socket.socket]]:
    """A transport, what its protocol hears, and the other end."""
    here, there = socket.socketpair()
    here.setblocking(False)
    there.setblocking(False)
    heard = Heard()
    transport = SocketTransport(asyncio.get_running_loop(), here, Ear(8))
    transport.serve(heard)
    try:
        yield transport, heard, there
    finally:
        transport.close()
        there.close()


async def test_what_comes_is_handed_on_in_pieces_and_the_end_is_told_once() -> None:
    async with between() as (transport, heard, there):
        there.send(b"more than eight bytes")
        there.close()
        await heard.lost.wait()
        transport.close()
        await asyncio.sleep(0)
    assert (heard.said, heard.ends, heard.error, transport.is_closing()) == (b"more than eight bytes", 1, None, True)


async def test_while_reading_is_paused_what_comes_waits() -> None:
    async with between() as (transport, heard, there):
        transport.pause_reading()
        there.send(b"late")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert heard.said == b""
        transport.resume_reading()
        while not heard.said:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert heard.said == b"late"


async def test_what_is_heard_together_with_the_end_of_its_own_connection_is_not_read() -> None:
    """Both sockets have something to say when the ear listens; the first to be told closes the other."""
    loop, ear, pairs = asyncio.get_running_loop(), Ear(), [socket.socketpair() for _ in range(2)]
    transports: list[SocketTransport] = []

    class Closing(Heard):
        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            for transport in transports:
                transport.close()

    protocols = [Closing(), Closing()]
    for (here, _), protocol in zip(pairs, protocols, strict=True):
        here.setblocking(False)
        transports.append(SocketTransport(loop, here, ear))
        transports[-1].serve(protocol)
    for _, there in pairs:
        there.send(b"x")
    await asyncio.gather(*(protocol.lost.wait() for protocol in protocols))
    assert sorted(protocol.said for protocol in protocols) == [b"", b"x"]
    for _, there in pairs:
        there.close()


def test_an_ear_keeps_nothing_open_and_may_be_used_by_one_event_loop_after_the_other() -> None:
    ear = Ear(8)

    async def said() -> bytes:
        here, there = socket.socketpair()
        here.setblocking(False)
        heard = Heard()
        transport = SocketTransport(asyncio.get_running_loop(), here, ear)
        transport.serve(heard)
        there.send(b"once")
        there.close()
        await heard.lost.wait()
        return heard.said

    before = len(os.listdir("/proc/self/fd"))
    assert [asyncio.run(said()) for _ in range(2)] == [b"once", b"once"]
    assert len(os.listdir("/proc/self/fd")) == before


def test_what_led_to_an_exception_is_let_go_of_past_one_that_was_never_raised() -> None:
    def raised(error: Exception) -> Exception:
        try:
            raise error
        except OSError as caught:
            return caught

    first, last, between = raised(OSError("first")), raised(OSError("last")), OSError("never raised")
    between.__context__, last.__cause__, first.__cause__ = first, between, last  # a circle, too
    let_go(last)
    assert (first.__traceback__, last.__traceback__) == (None, None)


async def test_a_question_larger_than_the_system_takes_at_once_is_sent_whole() -> None:
    loop = asyncio.get_running_loop()
    question = bytes(range(256)) * 20_000
    async with between() as (transport, _, there):
        transport.write(question)
        transport.write(b"end")
        came = b""
        while len(came) < len(question) + 3:
            came += await loop.sock_recv(there, 1 << 20)
    assert came == question + b"end"


async def test_writing_to_a_peer_that_is_gone_ends_the_connection_with_the_error() -> None:
    async with between() as (transport, heard, there):
        transport.pause_reading()
        there.close()
        transport.write(b"anybody?")
        await heard.lost.wait()
        transport.write(b"nobody")
    assert isinstance(heard.error, OSError)


@pytest.mark.parametrize("unasked", [b"x", b""])
async def test_what_comes_while_there_is_no_protocol_ends_the_connection_unread(unasked: bytes) -> None:
    async with between() as (transport, heard, there):
        transport.leave()
        await asyncio.sleep(0)
        assert not transport.is_closing()
        there.send(unasked) if unasked else there.close()
        while not transport.is_closing():  # noqa: ASYNC110
            await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert (heard.said, heard.ends, heard.lost.is_set()) == (b"", 0, False)


async def test_one_protocol_after_the_other_is_served_and_hears_its_own_only() -> None:
    async with between() as (transport, first, there):
        there.send(b"one")
        while not first.said:  # noqa: ASYNC110
            await asyncio.sleep(0)
        transport.pause_reading()  # as the client library does in the middle of a body
        transport.leave()
        transport.serve(second := Heard())
        there.send(b"two")
        while not second.said:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert (first.said, second.said) == (b"one", b"two")


async def test_what_a_server_sets_as_a_cookie_does_not_come_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    told = [
        "s3cret name=a",
        "s3cr\u00e9t=s3cret",
        "a=" + "s3cret" * 900,
        "no s3cret",
        "=s3cret",
        "a=s3cret; Domain=<s3cret>",
    ]
    caplog.set_level("DEBUG")
    setting = Server(lambda *_: say("fine", *(f"Set-Cookie: {one}" for one in told)))
    async with setting.running() as server, fetcher() as client:
        got = await client.fetch(Request(f"http://127.0.0.1:{server.port}/", cookies=Cookies()))
    assert isinstance(got, Response)
    assert "s3cret" not in caplog.text and "s3cr" not in caplog.text


async def test_a_connection_of_one_family_of_addresses_is_not_used_for_another() -> None:
    async with Server(fine).running() as server, fetcher() as client:
        url = f"http://127.0.0.1:{server.port}/"
        answers = [await client.fetch(Request(url, family=family)) for family in ("any", "ipv4", "any", "ipv4")]
    assert [got.uses for got in answers if isinstance(got, Response)] == [0, 0, 1, 1]
    assert server.connections == 2


async def test_what_a_server_says_unasked_is_never_taken_for_the_next_answer() -> None:
    writers: list[asyncio.StreamWriter] = []

    async def forger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(fine("", 0))
        writer.close()

    async with await asyncio.start_server(forger, "127.0.0.1", 0) as server, fetcher() as client:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        assert isinstance(await client.fetch(Request(url)), Response)
        (idle,) = next(iter(client._kept[False]._idle.values()))
        writers[0].write(say("forged"))
        while idle.is_fit():  # noqa: ASYNC110 (until it has come)
            await asyncio.sleep(0)
        got = await client.fetch(Request(url))
    assert isinstance(got, Response)
    assert (got.body, got.uses, len(writers)) == (b"fine", 0, 2)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 408 Request Timeout\r\n\r\n"])
async def test_a_farewell_that_the_event_loop_has_not_seen_yet_is_noticed(said: bytes) -> None:
    here, there = socket.socketpair()
    here.setblocking(False)
    line = PlainLine(here, "192.0.2.1", Ear())
    assert line.is_fit()
    there.sendall(said)
    there.close()
    assert not line.is_fit()
    line.close()
    assert not line.is_fit()


async def test_a_server_that_hangs_up_on_a_new_connection_is_asked_only_once() -> None:
    connections = 0

    async def moody(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        if connections > 1:
            writer.write(fine("", 0))
        writer.close()

    async with await asyncio.start_server(moody, "127.0.0.1", 0) as server, fetcher() as client:
        got = await client.fetch(Request(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"))
    assert isinstance(got, Failure) and got.kind == "cut"
    assert connections == 1


async def test_a_server_that_hangs_up_on_a_kept_connection_is_asked_again_over_a_new_one() -> None:
    connections = 0

    async def tired(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(fine("", 0))
        await reader.readuntil(b"\r\n\r\n")  # closes while the next question is on its way
        writer.close()

    async with await asyncio.start_server(tired, "127.0.0.1", 0) as server, fetcher() as client:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        answers = [await client.fetch(Request(url)) for _ in range(2)]
    assert [got.uses for got in answers if isinstance(got, Response)] == [0, 0]
    assert connections == 2


async def test_nor_is_it_asked_over_another_one_that_the_server_hung_up_on_as_well() -> None:
    connections, restarted, both_are_asked = 0, False, asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        old = not restarted
        if connections == 2:
            both_are_asked.set()
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                await both_are_asked.wait()
                if restarted and old:
                    break
                writer.write(fine("", 0))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, fetcher() as client:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        await asyncio.gather(*(client.fetch(Request(url)) for _ in range(2)))
        restarted = True
        got = await client.fetch(Request(url))
    assert isinstance(got, Response)
    assert connections == 3


async def test_the_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9/")
    async with Server(fine).running() as server, fetcher() as client:
        got = await client.fetch(Request(f"http://127.0.0.1:{server.port}/"))
    assert isinstance(got, Response)


async def test_header_names_are_lower_case_repeats_joined_and_values_clean_and_bounded() -> None:
    def answer(head: str, port: int) -> bytes:
        return say("", "X-A: 1", "x-a: 2", "X-Long: " + "y" * 5000, "X-Odd: a\xa0\u202eb")

    async with Server(answer).running() as server, fetcher() as client:
        got = await client.fetch(Request(f"http://127.0.0.1:{server.port}/"))
    assert isinstance(got, Response)
    assert got.headers["x-a"] == "1, 2"
    assert len(got.headers["x-long"]) == 1024
    assert got.headers["x-odd"] == "a b"


async def test_a_head_answer_may_announce_what_a_get_would_weigh() -> None:
    def answer(head: str, port: int) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 99999999\r\n\r\n"

    async with Server(answer).running() as server, fetcher() as client:
        got = await client.fetch(Request(f"http://127.0.0.1:{server.port}/", method="HEAD"))
    assert isinstance(got, Response)
    assert got.body == b""


async def test_an_empty_body_that_is_called_gzip_is_an_empty_body() -> None:
    """Some servers pack whatever they send, also nothing; browsers take it."""

    def answer(head: str, port: int) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"

    async with Server(answer).running() as server, fetcher() as client:
        got = await client.fetch(Request(f"http://127.0.0.1:{server.port}/"))
    assert isinstance(got, Response)
    assert got.body == b""


async def test_the_phases_of_a_fetch_add_up_to_its_elapsed_time() -> None:
    async with Server(fine).running() as server, fetcher() as client:
        got = await client.fetch(Request(f"http://centre.example:{server.port}/"))
    assert isinstance(got, Response)
    assert set(got.phases) == {"name", "connect", "first_byte", "transfer"}
    assert min(got.phases.values()) >= 1.0
    assert sum(got.phases.values()) == got.elapsed - 1.0  # the last look at the clock comes after the last phase


# --- failures as values -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["", "x", "ftp://a.example/", "http://", "http:///x", "http://[::/", "http://a:99999/", "http://\udcff/"]
)
async def test_an_unusable_address_is_a_failure(url: str) -> None:
    async with fetcher() as client:
        got = await client.fetch(Request(url))
    assert isinstance(got, Failure)
    assert got.kind == "protocol"


async def test_a_header_or_method_that_would_smuggle_lines_is_a_failure() -> None:
    async with Server(fine).running() as server, fetcher() as client:
        url = f"http://127.0.0.1:{server.port}/"
        for request in (
            Request(url, headers=(("X-A", "s3cret\r\nX-B: c"),)),
            Request(url, method="GET / HTTP/1.1\r\nX"),
        ):
            got = await client.fetch(request)
            assert isinstance(got, Failure)
            assert got.kind == "protocol"
            assert "s3cret" not in got.detail
    assert server.heads == []


async def test_a_closed_port_and_an_unknown_name_are_told_apart() -> None:
    async with Server(fine).running() as server:
        port = server.port
    async with fetcher() as client:
        closed = await client.fetch(Request(f"http://127.0.0.1:{port}/"))
        unknown = await client.fetch(Request("http://u:s3cret@nobody.example/?k=s3cret"))
    assert isinstance(closed, Failure)
    assert isinstance(unknown, Failure)
    assert (closed.kind, closed.detail) == ("connect", "no connection: connection refused")
    assert (unknown.kind, unknown.detail) == ("dns", "the name has no usable address: domain name not found")


async def test_a_timeout_says_in_which_phase_it_ended() -> None:
    async with Server(fine).running() as server, fetcher() as client:
        server.gate.clear()
        got = await client.fetch(Request(f"http://127.0.0.1:{server.port}/", timeout=0.05))
        server.gate.set()
    assert isinstance(got, Failure)
    assert (got.kind, got.detail) == (
        "timeout",
        "no complete answer within 0.05 s, ended while waiting for the answer",
    )


async def test_waiting_for_a_slot_is_not_charged_to_the_target() -> None:
    clock = TickingClock()
    async with Server(fine).running() as server, fetcher(limit=1, clock=clock) as client:
        request = Request(f"http://127.0.0.1:{server.port}/")
        server.gate.clear()
        both = [asyncio.create_task(client.fetch(request)) for _ in range(2)]
        await server.asked.wait()
        clock.seconds += 1000
        server.gate.set()
        first, second = await asyncio.gather(*both)
    assert first.elapsed > 1000
    assert second.elapsed < 1000


@pytest.mark.parametrize(
    "said",
    [
        b"no HTTP at all\r\n\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n",
    ],
    ids=["nothing of HTTP", "silence", "half a body", "a large head", "a broken chunk"],
)
async def test_a_fetch_that_fails_leaves_no_circle_for_the_collector_of_garbage(said: bytes) -> None:
    """A circle is its connection, its frames and its exception; in a day of hostile answers they were 100 MiB."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    gc.collect()
    gc.disable()
    try:
        async with fetcher() as asking:
            assert isinstance(await asking.fetch(Request(address)), Failure)
        for _ in range(5):
            await asyncio.sleep(0)
        assert not [one for one in gc.get_objects() if isinstance(one, ResponseHandler)]
    finally:
        gc.enable()
        server.close()


async def test_a_closed_fetcher_works_again_when_asked_again() -> None:
    async with Server(fine).running() as server, fetcher() as client:
        for _ in range(2):
            got = await client.fetch(Request(f"http://127.0.0.1:{server.port}/"))
            assert isinstance(got, Response)
            await client.close()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:pass@a.example:8443/x?token=abc&b=#f", "https://a.example:8443/x?token=***&b=***"),
        ("http://a.example/", "http://a.example/"),
        ("http://[::/?token=abc", "(unreadable address)"),
        ("http://u:p%0d%0a@a.example/\r\nx", "http://a.example/x"),
    ],
)
def test_an_address_is_shown_without_credentials(url: str, shown: str) -> None:
    assert safe_url(url) == shown


# --- packing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 999, 1000])
def test_a_packed_body_up_to_its_cap_is_read_byte_by_byte(size: int) -> None:
    sink = Gunzip(1000)
    for byte in gzip.compress(b"x" * size):
        sink.feed(bytes([byte]))
    assert sink.finish() == b"x" * size


def test_a_packed_body_one_byte_over_its_cap_is_refused() -> None:
    with pytest.raises(Broken) as caught:
        Gunzip(1000).feed(gzip.compress(b"x" * 1001))
    assert caught.value.kind == "too-large"


@pytest.mark.parametrize(
    ("values", "packed"),
    [((), False), (("identity",), False), (("gzip",), True), (("X-GZIP",), True), (("identity, gzip",), True)],
)
def test_gzip_and_identity_are_the_known_encodings(values: tuple[str, ...], packed: bool) -> None:
    assert is_gzip(values) is packed
