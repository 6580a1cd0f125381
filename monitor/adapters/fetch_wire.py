"""One question and its answer over one connection of the client library.

The library's connector (names, sockets, TLS), its protocol and its parser with all their limits are used as they are.
Its session, its request and its store of idle connections (see fetch_kept) are not: redirects, cookies, proxies,
tracing and streamed bodies are not for us, and a probe that asks the same every few seconds paid for them each time
more than for everything else.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from aiohttp import ClientOSError, ClientTimeout, ServerDisconnectedError, StreamReader, TCPConnector
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest, ConnectionKey
from aiohttp.http_parser import RawResponseMessage
from multidict import CIMultiDictProxy
from yarl import URL

from monitor.adapters.fetch_kept import Kept, Line
from monitor.adapters.fetch_types import Broken
from monitor.adapters.fetch_watch import Stopwatch
from monitor.config.probespec import Family

if TYPE_CHECKING:
    import ssl

_BUFFER = 65536  # bytes of a body that are read ahead
_UPGRADE = 101
_OFTEN = frozenset({"GET", "HEAD", "PUT"})  # may be sent a second time when the other side closes just then
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # in a header


class Letter:
    """A question as it is written on the wire, and where it goes: what the connector wants to know of a request.

    One is kept for each probe; what only a new connection asks for is made when it asks.
    """

    __slots__ = ("address", "head", "method", "often", "place", "ssl")
    proxy = None
    server_hostname = None

    def __init__(
        self,
        url: URL,
        method: str,
        headers: Iterable[tuple[str, str]],
        body: bytes | None,
        tls: ssl.SSLContext | None,
    ) -> None:
        """Raises Broken where the method or a header cannot be sent."""
        self.address = str(url)
        self.method = method.upper()
        self.often = self.method in _OFTEN  # else it needs a new connection: an idle one may be closed just then
        self.ssl: ssl.SSLContext | bool = tls or True
        self.place = (url.raw_host or "", url.port, url.scheme == "https", self.ssl)
        self.head = _head(url, self.method, headers, body)  # all but further headers and the blank line

    @property
    def url(self) -> URL:
        """The address."""
        return URL(self.address)

    @property
    def connection_key(self) -> ConnectionKey:
        """For the connector's errors."""
        return ConnectionKey(*self.place, None, None, None, None)

    @property
    def host(self) -> str:
        """As it is dialled."""
        return self.place[0]

    @property
    def port(self) -> int | None:
        """As it is dialled."""
        return self.place[1]

    def is_ssl(self) -> bool:
        """Whether the connection is encrypted."""
        return self.place[2]


def _head(url: URL, method: str, headers: Iterable[tuple[str, str]], body: bytes | None) -> bytes:
    given = list(headers)
    names = {name.lower() for name, _ in given}
    own = [("Host", url.host_port_subcomponent or ""), ("Accept", "*/*")]
    if body is not None or method in ("POST", "PUT", "PATCH", "DELETE"):
        own.append(("Content-Length", str(len(body or b""))))
    if body is not None or method in ("POST", "PUT", "PATCH"):
        own.append(("Content-Type", "application/octet-stream"))
    if method not in _OFTEN:
        own.append(("Connection", "close"))
    lines = [(name, value) for name, value in own if name.lower() not in names] + given
    if not _TOKEN.fullmatch(method) or any(_FORBIDDEN.search(text) for pair in lines for text in pair):
        raise Broken("protocol", "its method or a header holds what cannot be sent")
    said = "".join(f"{name}: {value}\r\n" for name, value in lines)
    return f"{method} {url.raw_path_qs} HTTP/1.1\r\n{said}".encode()


class Answer:
    """The head of an answer, and the connection on which its body follows. `end` must be called."""

    __slots__ = ("_kept", "_place", "body", "headers", "line", "status")

    def __init__(
        self, line: Line, kept: Kept, place: Hashable, message: RawResponseMessage, body: StreamReader
    ) -> None:
        self._kept = kept
        self._place = place  # where the connection may be used again; None: nowhere
        self.line = line
        self.status = message.code
        self.headers: CIMultiDictProxy[str] = message.headers
        self.body = body

    @property
    def length(self) -> int | None:
        """Bytes of the body as announced; None when nothing is."""
        announced = self.headers.get("Content-Length", "")
        return int(announced) if announced.isdecimal() else None

    def was_reset(self) -> bool:
        """Whether a body that ends with its connection ended by a reset; aiohttp hands it over as whole even then."""
        framed = "Content-Length" in self.headers or "Transfer-Encoding" in self.headers
        return not framed and isinstance(self.line.wire.exception(), OSError)

    def end(self) -> None:
        """Let go of the connection: the next one may have it, unless it is full or the answer was left unread."""
        wire = self.line.wire
        if self._place is None or self.status == _UPGRADE or wire.should_close:
            self._kept.drop(self.line)
            return
        # Each question gets a parser, a body and a queue of its own; an idle connection would hold the last, 4 KiB.
        wire._parser = wire._payload = None
        wire._buffer = _NOTHING
        self._kept.keep(self._place, self.line, asyncio.get_running_loop().time())


_NOTHING: deque[tuple[tuple[RawResponseMessage, StreamReader], int]] = deque()  # what idle connections have heard


@dataclass(frozen=True, slots=True)
class Lines:
    """Opens connections to addresses of one family, or takes those that are `kept`."""

    connector: TCPConnector
    kept: Kept
    family: Family
    limits: ClientTimeout  # for a connection attempt


async def ask(lines: Lines, letter: Letter, rest: bytes, watch: Stopwatch) -> Answer:
    """Send the letter and the `rest` of it, and wait for the head of the answer.

    How long is not bounded here. Where the other side closed an idle connection at that very moment, it is asked once
    more, over a new one. Raises aiohttp's exceptions, and Broken.
    """
    place = (lines.family, letter.place) if letter.often else None
    again = True
    while True:
        watch.enter("connect")
        line = await _line(lines, letter, place if again else None)
        watch.enter("first_byte")
        try:
            message, body = await _answered(line.wire, letter, rest)
            return Answer(line, lines.kept, place, message, body)
        except (ServerDisconnectedError, ClientOSError):
            lines.kept.drop(line)
            if not (again and line.uses):
                raise
            again = False
        except BaseException:
            lines.kept.drop(line)
            raise


async def _line(lines: Lines, letter: Letter, place: Hashable) -> Line:
    """An idle connection, or a new one."""
    if place is not None and (line := lines.kept.take(place, asyncio.get_running_loop().time())) is not None:
        return line
    try:
        wire = await lines.connector._create_connection(cast("ClientRequest", letter), [], lines.limits)
    except TimeoutError:
        raise Broken("timeout", "connecting took too long") from None
    return Line(wire, _peer(wire))


def _peer(wire: ResponseHandler) -> str:
    name = wire.transport.get_extra_info("peername") if wire.transport is not None else None
    return str(name[0]) if name else ""


async def _answered(wire: ResponseHandler, letter: Letter, rest: bytes) -> tuple[RawResponseMessage, StreamReader]:
    wire._buffer = deque()
    wire.set_response_params(
        skip_payload=letter.method == "HEAD",
        read_until_eof=True,
        auto_decompress=False,
        read_bufsize=_BUFFER,
    )
    if wire.transport is None or wire.transport.is_closing():
        raise ServerDisconnectedError
    wire.transport.write(letter.head + rest)
    while True:
        message, body = await wire.read()
        if not 100 <= message.code < 200 or message.code == _UPGRADE:
            return message, body
