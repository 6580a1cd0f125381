"""Whatever the other side says, a probe answers with an outcome: no exception leaves it, its words are bounded."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, cast
from unittest.mock import patch

import dns.flags
import dns.message
import dns.rrset
import pytest
import trustme
from aiohttp.client_proto import ResponseHandler
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from monitor.adapters.clock import SystemClock
from monitor.adapters.fetch import Failure, Fetcher, Request, Response
from monitor.adapters.fetch_cookies import Cookies
from monitor.adapters.fetch_line import Line
from monitor.adapters.fetch_types import MAX_HEADER_VALUE
from monitor.adapters.guard import AddressGuard
from monitor.adapters.probes import KINDS
from monitor.adapters.probes.capture import LONGEST, NotCaptured, Taker
from monitor.adapters.probes.judge import MOST
from monitor.adapters.probes.outcome import MAX_LINE, MAX_LINES, Outcome
from monitor.adapters.probes.talk import MAX_HEARD
from monitor.adapters.probes.tls import TlsAsk
from monitor.adapters.probes.tools import Tools
from monitor.config.probespec import (
    Asks,
    Capture,
    DnsCheck,
    HttpCheck,
    IcmpCheck,
    JourneyCheck,
    SmtpCheck,
    Step,
    TcpCheck,
    TlsCheck,
)
from monitor.config.template import parse_template
from tests.unit.fuzz_corpus import inputs
from tests.unit.sites import DATA

NOW = datetime(2026, 11, 21, 5, tzinfo=UTC)
CLOCK = SystemClock()
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def checked(outcome: Outcome) -> Outcome:
    """What holds of every outcome."""
    assert isinstance(outcome, Outcome)
    assert len(outcome.transcript) <= MAX_LINES
    assert all(len(line) <= MAX_LINE + 20 and not CONTROL.search(line) for line in outcome.transcript)
    assert all(value >= 0 for value in outcome.phases.values())
    return outcome


def outcome_of(asks: Asks, tools: Any, seconds: float = 5.0) -> Outcome:
    async def once() -> Outcome:
        return await KINDS[type(asks)](asks, seconds, cast(Tools, tools))(NOW)

    return checked(asyncio.run(once()))


# --- what is said over a connection -----------------------------------------------------------------------------------


class Said:
    """A guard whose connections say these pieces and end."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces
        self.sent = b""
        self.transport = self

    async def open_tcp(self, host: str, port: int, deadline: float, **options: Any) -> tuple[asyncio.StreamReader, Any]:
        reader = asyncio.StreamReader()
        for piece in self._pieces:
            reader.feed_data(piece)
        reader.feed_eof()
        return reader, self

    def get_extra_info(self, name: str) -> tuple[str, int]:
        return ("192.0.2.1", 25)

    def write(self, data: bytes) -> None:
        self.sent += data

    async def drain(self) -> None:
        return None

    def abort(self) -> None:
        return None


SMTPISH = st.lists(
    st.sampled_from([b"220", b"220-", b"220 ", b"\r\n", b"\n", b"554 no", b"\xff", b"\0", b"mail"])
    | st.binary(max_size=20),
    max_size=20,
)


def greeted(*pieces: bytes) -> None:
    outcome = outcome_of(SmtpCheck("h"), Tools(cast(Any, None), cast(Any, Said(*pieces)), CLOCK))
    heard = b"".join(pieces)
    assert not CONTROL.search(outcome.problem)
    assert heard.lstrip().startswith(b"220") or outcome.problem


def searched(*pieces: bytes) -> None:
    outcome = outcome_of(TcpCheck("h", 1, expect="ok"), Tools(cast(Any, None), cast(Any, Said(*pieces)), CLOCK))
    assert (outcome.problem == "") == (b"ok" in b"".join(pieces)[:MAX_HEARD])


@given(pieces=SMTPISH)
def test_any_greeting_is_judged(pieces: list[bytes]) -> None:
    greeted(*pieces)


@given(pieces=st.lists(st.binary(max_size=100), max_size=10))
def test_any_text_over_tcp_is_searched(pieces: list[bytes]) -> None:
    searched(*pieces)


# --- datagrams --------------------------------------------------------------------------------------------------------


def datagram_sockets() -> tuple[socket.socket, socket.socket]:
    """Two on loopback that hear each other only."""
    ours, theirs = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    for sock in (ours, theirs):
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
    ours.connect(theirs.getsockname())
    theirs.connect(ours.getsockname())
    return ours, theirs


class Datagrams:
    """A guard whose name server answers each question with what `spoil` makes of a good answer."""

    def __init__(self, spoil: Any, by_tcp: bytes = b"") -> None:
        self._spoil = spoil
        self.by_tcp = by_tcp
        self.tasks: list[asyncio.Task[None]] = []

    async def open_datagram(self, host: str, port: int, **options: Any) -> socket.socket:
        ours, theirs = datagram_sockets()
        self.tasks.append(asyncio.create_task(self._answer(theirs)))
        return ours

    async def _answer(self, sock: socket.socket) -> None:
        with sock:
            raw = await asyncio.get_running_loop().sock_recv(sock, 65535)
            for datagram in self._spoil(good(dns.message.from_wire(raw))):
                await asyncio.get_running_loop().sock_sendall(sock, datagram)

    async def open_tcp(self, *given: Any, **options: Any) -> tuple[asyncio.StreamReader, Any]:
        return await Said(self.by_tcp).open_tcp("", 0, 1.0)


def good(query: dns.message.Message) -> dns.message.Message:
    reply = dns.message.make_response(query)
    name = query.question[0].name
    reply.answer.append(dns.rrset.from_text(name, 300, "IN", "A", "10.0.0.1", "10.0.0.2"))
    reply.answer.append(dns.rrset.from_text(name, 60, "IN", "MX", "10 mail.example."))
    return reply


CHANGES = st.lists(st.tuples(st.integers(2, 120), st.integers(0, 255)), min_size=1, max_size=6)


def spoilt(reply: dns.message.Message, changes: list[tuple[int, int]], length: int) -> bytes:
    raw = bytearray(reply.to_wire())
    for place, byte in changes:
        raw[place % len(raw)] = byte
    return bytes(raw[:length])


@given(changes=CHANGES, length=st.integers(0, 130), record=st.sampled_from(["A", "MX", "TXT", "SOA"]))
def test_any_spoilt_answer_of_a_name_server_is_judged(changes, length, record) -> None:
    def spoil(reply: dns.message.Message) -> list[bytes]:
        return [spoilt(reply, changes, length), reply.to_wire()]

    tools = Tools(cast(Any, None), cast(Any, Datagrams(spoil)), CLOCK)
    outcome_of(DnsCheck("h", "centre.example", record=record), tools)


@given(raw=st.binary(max_size=80), length=st.integers(0, 100))
def test_any_bytes_of_a_name_server_by_tcp_are_judged(raw: bytes, length: int) -> None:
    def cut(reply: dns.message.Message) -> list[bytes]:
        reply.answer.clear()
        reply.flags |= dns.flags.TC
        return [reply.to_wire()]

    guard = Datagrams(cut, length.to_bytes(2, "big") + raw)
    assert outcome_of(DnsCheck("h", "centre.example"), Tools(cast(Any, None), cast(Any, guard), CLOCK)).problem


class Echoes:
    """A guard whose host sends these datagrams, and then back what it was sent."""

    def __init__(self, *said: bytes) -> None:
        self._said = said
        self.tasks: list[asyncio.Task[None]] = []

    async def open_ping(self, host: str, **options: Any) -> tuple[socket.socket, str]:
        ours, theirs = datagram_sockets()
        self.tasks.append(asyncio.create_task(self._answer(theirs)))
        return ours, "192.0.2.1"

    async def _answer(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with sock:
            asked = await loop.sock_recv(sock, 2048)
            for datagram in (*self._said, b"\0" + asked[1:]):
                await loop.sock_sendall(sock, datagram)


def pinged(said: list[bytes]) -> None:
    tools = Tools(cast(Any, None), cast(Any, Echoes(*said)), CLOCK)
    outcome = outcome_of(IcmpCheck("h", packets=1), tools)
    assert (outcome.problem, outcome.figures["loss"]) == ("", 0.0)


@given(said=st.lists(st.binary(max_size=20) | st.binary(max_size=4).map(b"\0\0".__add__), max_size=20))
def test_any_packets_beside_an_echo_do_not_lose_it(said: list[bytes]) -> None:
    pinged(said)


# --- TLS --------------------------------------------------------------------------------------------------------------

AUTHORITY = trustme.CA()
DER = ssl.PEM_cert_to_DER_cert(AUTHORITY.issue_cert("centre.example").cert_chain_pems[0].bytes().decode())


@given(
    changes=st.lists(st.tuples(st.integers(0, len(DER) - 1), st.integers(0, 255)), max_size=8), cut=st.integers(0, 9)
)
def test_any_spoilt_certificate_is_described_or_refused(changes, cut) -> None:
    raw = bytearray(DER)
    for place, byte in changes:
        raw[place] = byte
    shown(bytes(raw[: len(raw) - cut]))


def shown(certificate: bytes) -> None:
    ask = TlsAsk(TlsCheck("centre.example"), 5.0, Tools(cast(Any, None), cast(Any, None), CLOCK))

    async def shake(*_: object) -> tuple[bytes, str]:
        return certificate, "TLSv1.3"

    with patch.object(ask, "_shake", shake):
        checked(asyncio.run(ask(NOW)))


# --- http -------------------------------------------------------------------------------------------------------------


class Answers:
    """A fetcher that gives these answers in turns."""

    def __init__(self, *answers: Response | Failure) -> None:
        self._answers = list(answers)
        self.asked: list[Request] = []

    async def fetch(self, request: Request) -> Response | Failure:
        self.asked.append(request)
        return self._answers[len(self.asked) % len(self._answers)]


JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "status"]), inner, max_size=3)
    ),
    max_leaves=8,
)
TOKENS = st.sampled_from(["abcdef123", '"s3cret77"'])
BODIES = TOKENS.map(str.encode) | st.binary(max_size=200) | JSONISH.map(lambda data: json.dumps(data).encode())
HEADERS = st.dictionaries(
    st.sampled_from(["content-type", "location", "x-token"]),
    st.text(st.characters(codec="utf-8"), max_size=40),
    max_size=3,
)
PATHS = (
    "status == 'ok'",
    "a.b[0] > `1`",
    "sum(a)",
    "length(@)",
    "sort_by(a, &b)[0].status",
    "max(a) == 'x'",
    "to_number(a)",
)


@st.composite
def responses(draw: st.DrawFn) -> Response:
    status = draw(st.integers(100, 599))
    body, headers = draw(BODIES), MappingProxyType(draw(HEADERS))
    return Response(status, headers, body, 0.01, "192.0.2.1", {"connect": 0.01}, draw(st.integers(0, 3)))


@given(answer=responses(), path=st.sampled_from(PATHS))
def test_any_answer_is_judged_by_any_condition(answer: Response, path: str) -> None:
    check = HttpCheck("http://h/", expect_status=tuple(range(100, 600)), expect_json=path)
    outcome_of(check, Tools(cast(Any, Answers(answer)), cast(Any, None), CLOCK))


CAPTURES = (
    Capture("t", "json", "a.b || status || @"),
    Capture("t", "body", '"([^"]*)"'),
    Capture("t", "body", r"(\w+)"),
    Capture("t", "header", "X-Token", "([a-z]+)"),
    Capture("t", "header", "Location"),
    Capture("t", "cookie", "t"),
    Capture("t", "cookie", "t", decode="percent"),
)


@given(answer=responses(), capture=st.sampled_from(CAPTURES))
def test_any_answer_gives_a_value_of_bounded_length_or_none(answer: Response, capture: Capture) -> None:
    async def value() -> str:
        return Taker(capture).value(answer, "http://h/", Cookies(), MOST)

    with suppress(NotCaptured):
        taken = asyncio.run(value())
        assert 0 < len(taken) <= LONGEST
        assert taken.encode()


@given(first=responses(), second=responses(), capture=st.sampled_from(CAPTURES))
def test_any_two_answers_make_a_journey_that_ends_and_shows_no_captured_value(first, second, capture) -> None:
    def text(template: str) -> Any:
        return parse_template(template, DATA, {})

    anything = tuple(range(100, 600))
    steps = (
        Step("one", text("http://h/"), 5.0, expect_status=anything, capture=(capture,)),
        Step(
            "two",
            text("http://h/{t}?t={t}"),
            5.0,
            method="POST",
            headers=(("X-T", text("a {t}")),),
            body=text('{"t": "{t}"}'),
            body_is="json",
            expect_status=anything,
        ),
    )
    answers = Answers(second, first)
    outcome = outcome_of(JourneyCheck(steps, "19"), Tools(cast(Any, answers), cast(Any, None), CLOCK))
    assert outcome.problem or len(answers.asked) == 2
    if len(answers.asked) == 2:
        assert answers.asked[1].body is not None
        taken = json.loads(answers.asked[1].body)["t"]
        if len(taken) >= 6 and taken.isalnum():
            assert taken not in "".join(outcome.transcript)


# --- http as it comes over the wire -----------------------------------------------------------------------------------


class Peer:
    """Opens connections whose other side says the same to every question and hangs up, and the transport to it."""

    def __init__(self, said: bytes) -> None:
        self._said = said
        self._closing = False
        self._wire: ResponseHandler | None = None
        self.questions = 0

    async def open(self, *_: object) -> Line:
        self._closing = False
        self._wire = ResponseHandler(asyncio.get_running_loop())
        self._wire.connection_made(cast(Any, self))
        return Line(self._wire, "192.0.2.1")

    def write(self, _data: bytes) -> None:
        self.questions += 1
        asyncio.get_running_loop().call_soon(self._say, self._wire)

    def _say(self, wire: ResponseHandler | None) -> None:
        assert wire is not None
        if not self._closing:
            wire.data_received(self._said)
        wire.eof_received()
        wire.connection_lost(None)

    def get_extra_info(self, name: str) -> object:
        return None

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        self._closing = True

    def pause_reading(self) -> None:
        """What was said is there already."""

    resume_reading = pause_reading


LARGEST = 1024  # bytes of a body


def wired(said: bytes) -> None:
    """An answer of these bytes is a response within all its bounds, or a failure."""

    async def once() -> None:
        peer = Peer(said)
        fetcher = Fetcher(AddressGuard(), CLOCK)
        with patch.object(fetcher, "_dialler", peer):
            cookies = Cookies()
            got = await fetcher.fetch(
                Request("http://a.example/x", max_wire=LARGEST, max_decoded=LARGEST, redirects=2, cookies=cookies)
            )
        assert peer.questions <= 3
        assert len(cookies.header(URL("http://a.example/x"))) <= 2 * len(said)
        if isinstance(got, Failure):
            assert got.detail and not CONTROL.search(got.detail)
            return
        assert len(got.body) <= LARGEST
        assert len(got.headers) <= 64
        assert all(len(value) <= MAX_HEADER_VALUE and not CONTROL.search(value) for value in got.headers.values())

    asyncio.run(once())


HTTPISH = st.lists(
    st.sampled_from([b"HTTP/1.1 200 OK", b"HTTP/1.1 302 Found", b"HTTP/1.0 204 x", b"\r\n", b"\n", b"Content-Length: ",
                     b"Transfer-Encoding: chunked", b"Location: ", b"http://b.example/", b"Set-Cookie: a=b; Path=/",
                     b"Content-Encoding: gzip", b"5", b"99999", b": ", b"\0", b"\xff", b"0\r\n\r\n"])
    | st.binary(max_size=20),
    max_size=20,
)  # fmt: skip


@given(pieces=HTTPISH)
def test_any_bytes_over_the_wire_are_an_answer_or_a_failure(pieces: list[bytes]) -> None:
    wired(b"".join(pieces))


# --- what the fuzzer says (tests/integration/fuzzing.py) --------------------------------------------------------------

RECORDS = ("A", "MX", "TXT", "SOA", "CAA", "SRV")


def _by_name_server(said: bytes) -> None:
    """The first byte chooses what is asked; the rest follows the number of the question, by UDP and by TCP."""

    def spoil(reply: dns.message.Message) -> list[bytes]:
        raw = reply.to_wire()
        answer = raw[:2] + said[1:]
        guard.by_tcp = len(answer).to_bytes(2, "big") + answer
        return [answer, raw]

    guard = Datagrams(spoil)
    record = RECORDS[said[0] % len(RECORDS)] if said else "A"
    outcome_of(DnsCheck("h", "centre.example", record=record), Tools(cast(Any, None), cast(Any, guard), CLOCK))


def _by_packets(said: bytes) -> None:
    pinged(said.split(b"\xff")[:50])


def _by_json(said: bytes) -> None:
    """Every condition and every capture is asked of the body."""
    answer = Response(200, {"content-type": "text/html", "x-token": "abc"}, said, 0.01, "192.0.2.1", {})
    for path in PATHS:
        checks = Tools(cast(Any, Answers(answer)), cast(Any, None), CLOCK)
        outcome_of(HttpCheck("http://h/", expect_json=path), checks)

    async def taken() -> None:
        for capture in CAPTURES:
            with suppress(NotCaptured):
                assert 0 < len(Taker(capture).value(answer, "http://h/", Cookies(), MOST)) <= LONGEST

    asyncio.run(taken())


FUZZED: Mapping[str, Callable[[bytes], None]] = {
    "dns": _by_name_server,
    "smtp": greeted,
    "tcp": searched,
    "tls": shown,
    "icmp": _by_packets,
    "http": wired,
    "condition": _by_json,
}
SEEDS: Mapping[str, bytes] = {
    "dns": b"\0" + good(dns.message.make_query("centre.example", "A")).to_wire()[2:],
    "smtp": b"220-mail.example\r\n220 ready\r\n",
    "tcp": b"well, ok\n",
    "tls": DER,
    "icmp": b"\0\0\0\0\0\0\0\1denbao\xff\x08\0\xff\0",
    "http": (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nSet-Cookie: a=b; Path=/\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    ),
    "condition": b'{"status": "ok", "a": [{"b": [1, 2], "status": "x"}], "t": "abcdef"}',
}


@pytest.mark.parametrize("kind", list(FUZZED))
def test_what_the_fuzzer_once_found_does_not_break_a_probe(kind: str) -> None:
    kept = inputs(kind)
    assert kept
    for said in (SEEDS[kind], *kept):
        FUZZED[kind](said)
