"""One question and its answer over one connection.

The client library's protocol and its parser with all their limits are used as they are. Its session, its request, its
connector (see fetch_dial) and its store of idle connections (see fetch_kept) are not: redirects, cookies, proxies,
tracing and streamed bodies are not for us, and a probe that asks the same every few seconds paid for them each time
more than for everything else.

Not public in aiohttp, and used here and in fetch_line: `aiohttp.client_proto.ResponseHandler` with `read`,
`set_response_params`, `start_timeout`, `should_close`, `closed`, `abort`, `exception` and, so that an idle connection
lets go of the last answer, `_parser`, `_payload`, `_buffer`. tests/contract/test_client_library.py says what is gone.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Hashable
from functools import lru_cache
from typing import TYPE_CHECKING

from aiohttp import ClientOSError, ServerDisconnectedError, StreamReader
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_parser import RawResponseMessage
from multidict import CIMultiDictProxy
from yarl import URL

from monitor.adapters.fetch_dial import Dialler, Place
from monitor.adapters.fetch_errors import let_go
from monitor.adapters.fetch_kept import Kept
from monitor.adapters.fetch_line import Line
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
    """A question as it is written on the wire, and where it goes. One is kept for each probe."""

    __slots__ = ("address", "first", "headers", "method", "often", "place")

    def __init__(
        self,
        url: URL,
        method: str,
        headers: tuple[tuple[str, str], ...],
        body: bytes | None,
        tls: ssl.SSLContext | None,
        family: Family,
    ) -> None:
        """Raises Broken where the method or a header cannot be sent."""
        self.address = str(url)
        self.method = sys.intern(method.upper())
        self.often = self.method in _OFTEN  # else it needs a new connection: an idle one may be closed just then
        self.place = Place(url.raw_host or "", url.port or 0, family, url.scheme == "https", tls)
        unsaid, self.headers = _headers(self.method, headers, None if body is None else len(body))
        host = url.host_port_subcomponent or ""
        if _FORBIDDEN.search(host):
            raise Broken("protocol", "its host holds what cannot be sent")
        host = f"Host: {host}\r\n" if unsaid else ""
        self.first = f"{self.method} {url.raw_path_qs} HTTP/1.1\r\n{host}".encode()  # lines; `headers` follow

    @property
    def url(self) -> URL:
        """The address."""
        return URL(self.address)


@lru_cache(maxsize=64)  # most probes say the same there: it is kept once
def _headers(method: str, headers: tuple[tuple[str, str], ...], size: int | None) -> tuple[bool, bytes]:
    """Whether `Host` is left to be said, and all but that. Raises Broken for what cannot be sent."""
    names = {name.lower() for name, _ in headers}
    own = [("Accept", "*/*")]
    if size is not None or method in ("POST", "PUT", "PATCH", "DELETE"):
        own.append(("Content-Length", str(size or 0)))
    if size is not None or method in ("POST", "PUT", "PATCH"):
        own.append(("Content-Type", "application/octet-stream"))
    if method not in _OFTEN:
        own.append(("Connection", "close"))
    lines = (*(pair for pair in own if pair[0].lower() not in names), *headers)
    if not _TOKEN.fullmatch(method) or any(_FORBIDDEN.search(text) for pair in lines for text in pair):
        raise Broken("protocol", "its method or a header holds what cannot be sent")
    return "host" not in names, "".join(f"{name}: {value}\r\n" for name, value in lines).encode()


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
        if self._place is None or self.status == _UPGRADE or not self.line.is_fit():
            self._kept.drop(self.line)
        else:
            self._kept.keep(self._place, self.line, asyncio.get_running_loop().time())


async def ask(dialler: Dialler, kept: Kept, letter: Letter, rest: bytes, watch: Stopwatch) -> Answer:
    """Send the letter and the `rest` of it, and wait for the head of the answer.

    How long is not bounded here. Where the other side closed an idle connection at that very moment, it is asked once
    more, over a new one. Raises aiohttp's exceptions, what `Dialler` raises, and Broken.
    """
    place = letter.place if letter.often else None
    again = True
    while True:
        watch.enter("connect")
        line = kept.take(place, asyncio.get_running_loop().time()) if again and place is not None else None
        if line is None:
            line = await dialler.open(letter.place, watch)
        watch.enter("first_byte")
        try:
            message, body = await _answered(line.wake(), letter, rest)
            return Answer(line, kept, place, message, body)
        except (ServerDisconnectedError, ClientOSError) as error:
            kept.drop(line)
            if not (again and line.uses):
                raise
            let_go(error)
            again = False
        except BaseException:
            kept.drop(line)
            raise


async def _answered(wire: ResponseHandler, letter: Letter, rest: bytes) -> tuple[RawResponseMessage, StreamReader]:
    wire.set_response_params(
        skip_payload=letter.method == "HEAD",
        read_until_eof=True,
        auto_decompress=False,
        read_bufsize=_BUFFER,
    )
    if wire.transport is None or wire.transport.is_closing():
        raise ServerDisconnectedError
    wire.transport.write(letter.first + letter.headers + rest)
    while True:
        message, body = await wire.read()
        if not 100 <= message.code < 200 or message.code == _UPGRADE:
            return message, body
