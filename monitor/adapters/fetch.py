"""The one bounded fetch: every HTTP question of the product goes through here.

Bounded in time (one total deadline), in bytes (on the wire and unpacked), in redirects and in where it may connect
(`AddressGuard`, asked where the socket is made). What the world does wrong comes back as a `Failure` value.
"""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING

import aiohttp
from aiohttp.client_proto import ResponseHandler
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from monitor.adapters.fetch_body import is_gzip, read_body
from monitor.adapters.fetch_errors import EXPECTED, classify, safe_url
from monitor.adapters.fetch_redirect import REDIRECTS, next_hop
from monitor.adapters.fetch_types import MAX_REDIRECTS, Broken, Failure, Request, Response
from monitor.adapters.fetch_watch import DOING, Monotonic, Stopwatch, WatchedConnector, watch_here, watched
from monitor.adapters.guard import AddressGuard, odd_literal
from monitor.model.text import clean

if TYPE_CHECKING:
    from aiohttp.connector import Connection

__all__ = ["Failure", "Fetcher", "Request", "Response", "ready", "safe_url"]

_SOCK_READ = 5.0  # seconds of silence after which a peer counts as gone
_KEEP_ALIVE = 20.0  # seconds: a 15 s probe reuses its TLS session, and idle sockets stay few
_MAX_HEADERS, _MAX_HEADER_VALUE = 64, 1024
_NO_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


class _Answer(aiohttp.ClientResponse):
    """Remembers the peer: aiohttp lets go of the connection as soon as a small body has been read."""

    peer = ""
    _wire: ResponseHandler | None = None

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        transport = connection.transport
        name = transport.get_extra_info("peername") if transport is not None else None
        self.peer = str(name[0]) if name else ""
        self._wire = connection.protocol
        return await super().start(connection)

    def was_reset(self) -> bool:
        """Whether a body that ends with its connection ended by a reset; aiohttp hands it over as whole even then."""
        framed = "Content-Length" in self.headers or "Transfer-Encoding" in self.headers
        return not framed and self._wire is not None and isinstance(self._wire.exception(), OSError)

    def drop(self) -> None:
        """Close the connection even if aiohttp has put it aside for the next request."""
        if self._wire is not None:
            self._wire.close()


class Fetcher:
    """HTTP client for probes and feeds. `fetch` never raises for what the other side does.

    At most `limit` fetches run at once; waiting for a slot is not charged to the target. How many ask one host at once
    is bounded where polls begin (monitor.service.poller). `connect` is the seconds one connection attempt may take.
    `tls` replaces the default verified TLS settings, for a private certificate authority.
    """

    def __init__(
        self,
        guard: AddressGuard,
        clock: Monotonic,
        *,
        limit: int = 100,
        connect: float = 3.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._guard = guard
        self._clock = clock
        self._slots = asyncio.Semaphore(limit)
        self._connect = connect
        self._tls = watched(tls) if tls else public_tls()
        self._sessions: dict[socket.AddressFamily, aiohttp.ClientSession] = {}

    async def fetch(self, request: Request) -> Response | Failure:
        """Ask once and read the whole answer within the request's deadline, which starts when a slot is free."""
        async with self._slots:
            watch = Stopwatch(self._clock)
            watch_here(watch)
            try:
                async with asyncio.timeout(request.timeout) as deadline:
                    return await self._follow(ready(request), watch)
            except EXPECTED as error:
                kind, detail = classify(error)
            if deadline.expired():
                detail = f"no complete answer within {request.timeout:g} s, ended while {DOING[watch.phase]}"
                kind = "timeout"
            return Failure(kind, detail, watch.elapsed(), watch.phases())

    async def _follow(self, request: Request, watch: Stopwatch) -> Response:
        followed, allowed = 0, min(request.redirects, MAX_REDIRECTS)
        while True:
            answer = await self._send(request, watch)
            try:
                location = answer.headers.get("Location") if answer.status in REDIRECTS and allowed > 0 else None
                if location is None:
                    return await _whole(answer, request, watch)
            finally:
                answer.close()
            if followed == allowed:
                raise Broken("redirect", f"more than {allowed} redirects")
            followed += 1
            request = next_hop(request, answer.status, location)

    async def _send(self, request: Request, watch: Stopwatch) -> _Answer:
        url = request.target or _usable(request.url)
        watch.enter("connect")
        answer = await self._open_session(request.family).request(
            request.method,
            url,
            headers=CIMultiDict(request.headers),
            data=request.body,
            allow_redirects=False,
            ssl=watched(request.tls) if request.tls else True,
        )
        watch.enter("transfer")
        assert isinstance(answer, _Answer)
        return answer

    def _open_session(self, family: socket.AddressFamily) -> aiohttp.ClientSession:
        if family not in self._sessions:
            self._sessions[family] = aiohttp.ClientSession(
                connector=self._connector(family),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect, sock_read=_SOCK_READ),
                response_class=_Answer,
                auto_decompress=False,
                trust_env=False,
                read_bufsize=65536,
            )
        return self._sessions[family]

    def _connector(self, family: socket.AddressFamily) -> aiohttp.TCPConnector:
        # No limits here: waiting in aiohttp's queue would be charged to the target. The resolver has its own cache.
        return WatchedConnector(
            self._guard.names,
            self._guard.socket_factory,
            limit=0,
            family=family,
            use_dns_cache=False,
            keepalive_timeout=_KEEP_ALIVE,
            ssl=self._tls,
        )

    async def close(self) -> None:
        """Close idle connections and the resolver's sockets; a later fetch opens them again."""
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()
        await self._guard.close()


@cache
def public_tls() -> ssl.SSLContext:
    """TLS verified against the authorities that this machine trusts; read once, as that takes a while."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return watched(context)


async def _whole(answer: _Answer, request: Request, watch: Stopwatch) -> Response:
    body = b""
    if answer.status == HTTPStatus.SWITCHING_PROTOCOLS:
        answer.drop()
        raise Broken("protocol", "switches to a protocol that nobody asked for")
    if request.method.upper() != "HEAD" and answer.status not in _NO_BODY and answer.content_length != 0:
        if (answer.content_length or 0) > request.max_wire:
            raise Broken("too-large", f"announces more than {request.max_wire} bytes")
        gzip = is_gzip(answer.headers.getall("Content-Encoding", ()))
        body = await read_body(answer.content.iter_any(), gzip, request.max_wire, request.max_decoded)
    if answer.was_reset():
        raise Broken("cut", "the connection broke while the body was read")
    phases = watch.phases()
    headers = _tidy(answer.headers)
    return Response(answer.status, headers, body, watch.elapsed(), answer.peer, MappingProxyType(phases), watch.reused)


def _tidy(headers: CIMultiDictProxy[str]) -> Mapping[str, str]:
    joined: dict[str, str] = {}
    for name, value in headers.items():
        key = name[:100].lower()
        if key in joined:
            joined[key] = f"{joined[key]}, {value}"[:_MAX_HEADER_VALUE]
        elif len(joined) < _MAX_HEADERS:
            joined[key] = value[:_MAX_HEADER_VALUE]
    return MappingProxyType({clean(name): clean(value, _MAX_HEADER_VALUE) for name, value in joined.items()})


def ready(request: Request) -> Request:
    """Ask for gzip only, say who we are, and move the URL's userinfo into a header that redirects can drop.

    A request that is asked again and again is best made ready once. Raises Broken for an unusable URL.
    """
    if request.target is not None:
        return request
    url = _usable(request.url)
    given = {name.lower() for name, _ in request.headers}
    headers = [pair for pair in request.headers if pair[0].lower() != "accept-encoding"]
    headers.append(("Accept-Encoding", "gzip"))
    if "user-agent" not in given:
        headers.append(("User-Agent", "denbao"))
    if url.user is not None and "authorization" not in given:
        pair = f"{url.user}:{url.password or ''}".encode()
        headers.append(("Authorization", f"Basic {base64.b64encode(pair).decode()}"))
    target = url.with_user(None).with_fragment(None)
    return replace(request, url=str(target), headers=tuple(headers), target=target)


def _usable(text: str) -> URL:
    try:
        url = URL(text)
    except ValueError:
        url = URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise Broken("protocol", "the address is not a usable http or https URL")
    if odd_literal(url.host):
        raise Broken("refused-address", "not an IP address in its plain spelling")
    return url
