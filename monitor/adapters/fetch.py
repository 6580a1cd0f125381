"""The one bounded fetch: every HTTP question of the product goes through here.

Bounded in time (one total deadline), in bytes (on the wire and unpacked), in redirects and in where it may connect
(`AddressGuard`, asked where the socket is made). What the world does wrong comes back as a `Failure` value.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from dataclasses import replace
from functools import cache
from http import HTTPStatus
from types import MappingProxyType

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from monitor.adapters.fetch_body import is_gzip, read_body
from monitor.adapters.fetch_errors import EXPECTED, classify, safe_url
from monitor.adapters.fetch_headers import Headers
from monitor.adapters.fetch_kept import Kept
from monitor.adapters.fetch_redirect import REDIRECTS, next_hop, trusting
from monitor.adapters.fetch_types import MAX_REDIRECTS, Broken, Failure, Request, Response
from monitor.adapters.fetch_watch import DOING, Monotonic, Stopwatch, WatchedNames, watch_here, watched
from monitor.adapters.fetch_wire import Answer, Letter, Lines, ask
from monitor.adapters.guard import AddressGuard, odd_literal
from monitor.config.probespec import Family

__all__ = ["Failure", "Fetcher", "Request", "Response", "ready", "safe_url"]

_NO_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


class Fetcher:
    """HTTP client for probes and feeds. `fetch` never raises for what the other side does.

    At most `limit` fetches run at once; waiting for a slot is not charged to the target. How many ask one host at once
    is bounded where polls begin (monitor.service.poller). `connect` is the seconds one connection attempt may take.
    `tls` replaces the default verified TLS settings, for a private certificate authority. `keep` is how many idle
    connections may stay open, without TLS and with it; unless said, as many as `fetch_kept` allows.
    """

    def __init__(
        self,
        guard: AddressGuard,
        clock: Monotonic,
        *,
        limit: int = 100,
        connect: float = 3.0,
        tls: ssl.SSLContext | None = None,
        keep: int | None = None,
    ) -> None:
        self.guard = self._guard = guard  # also for feeds that are asked in another language than HTTP
        self._clock = clock
        self._slots = asyncio.Semaphore(limit)
        self._limits = aiohttp.ClientTimeout(sock_connect=connect)
        self._tls = watched(tls) if tls else public_tls()
        self._kept = {tls: Kept(keep, tls=tls) for tls in (False, True)}
        self._lines: dict[tuple[Family, bool], Lines] = {}

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
            if kind == "connect" and watch.phase == "tls":
                kind, detail = "tls", "no TLS: the other side broke the connection off"
            if deadline.expired():
                detail = f"no complete answer within {request.timeout:g} s, ended while {DOING[watch.phase]}"
                kind = "timeout"
            return Failure(kind, detail, watch.elapsed(), watch.phases())

    async def _follow(self, request: Request, watch: Stopwatch) -> Response:
        first, followed, allowed = request, 0, min(request.redirects, MAX_REDIRECTS)
        while True:
            answer = await self._send(request, watch)
            try:
                location = answer.headers.get("Location") if answer.status in REDIRECTS and allowed > 0 else None
                if location is None:
                    return await _whole(answer, request, watch)
            finally:
                answer.end()
            if followed == allowed:
                raise Broken("redirect", f"more than {allowed} redirects")
            followed += 1
            request = trusting(next_hop(request, answer.status, location), first)

    async def _send(self, request: Request, watch: Stopwatch) -> Answer:
        letter = request.letter or _letter(request)
        cookie = request.cookies.header(letter.url) if request.cookies is not None else ""
        rest = (f"Cookie: {cookie}\r\n\r\n" if cookie else "\r\n").encode() + (request.body or b"")
        answer = await ask(self._open_lines(request.family, letter), letter, rest, watch)
        watch.enter("transfer")
        watch.uses = answer.line.uses
        if request.cookies is not None:
            request.cookies.take(answer.headers, letter.url)
        return answer

    def _open_lines(self, family: Family, letter: Letter) -> Lines:
        tls = letter.is_ssl()
        if (found := self._lines.get((family, tls))) is not None:
            return found
        # The resolver has its own cache.
        connector = aiohttp.TCPConnector(
            resolver=WatchedNames(_Picked(self._guard, family)),
            socket_factory=self._guard.socket_factory,
            use_dns_cache=False,
            ssl=self._tls,
        )
        lines = self._lines[family, tls] = Lines(connector, self._kept[tls], family, self._limits)
        return lines

    async def close(self) -> None:
        """Close idle connections and the resolver's sockets; a later fetch opens them again."""
        lines, self._lines = self._lines, {}
        for kept in self._kept.values():
            await kept.close()
        for one in lines.values():
            await one.connector.close()
        await self._guard.close()


class _Picked(AbstractResolver):
    """The guard's names for aiohttp: the addresses of one family, or all in the preferred order."""

    def __init__(self, guard: AddressGuard, family: Family) -> None:
        self._guard = guard
        self._family = family

    async def resolve(self, host: str, port: int = 0, family: object = None) -> list[ResolveResult]:
        return list(await self._guard.look_up(host, port, self._family))

    async def close(self) -> None:
        """The guard is closed by the fetcher."""


@cache
def public_tls() -> ssl.SSLContext:
    """TLS verified against the authorities that this machine trusts; read once, as that takes a while."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return watched(context)


async def _whole(answer: Answer, request: Request, watch: Stopwatch) -> Response:
    body = b""
    if answer.status == HTTPStatus.SWITCHING_PROTOCOLS:
        raise Broken("protocol", "switches to a protocol that nobody asked for")
    if request.method.upper() != "HEAD" and answer.status not in _NO_BODY and (length := answer.length) != 0:
        if (length or 0) > request.max_wire:
            raise Broken("too-large", f"announces more than {request.max_wire} bytes")
        gzip = is_gzip(answer.headers.getall("Content-Encoding", ()))
        body = await read_body(answer.body, gzip, request.max_wire, request.max_decoded)
    if answer.was_reset():
        raise Broken("cut", "the connection broke while the body was read")
    headers, phases, peer = Headers(answer.headers), MappingProxyType(watch.phases()), answer.line.peer
    return Response(answer.status, headers, body, watch.elapsed(), peer, phases, watch.uses, request.url)


def ready(request: Request) -> Request:
    """Ask for gzip only, say who we are, and move the URL's userinfo into a header that redirects can drop.

    A request that is asked again and again is best made ready once. Raises Broken for an unusable URL.
    """
    if request.letter is not None:
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
    sent = tuple(headers)
    letter = Letter(url.with_user(None).with_fragment(None), request.method, sent, request.body, _watched(request.tls))
    return replace(request, url=letter.address, headers=sent, letter=letter)


def _letter(request: Request) -> Letter:
    return Letter(_usable(request.url), request.method, request.headers, request.body, _watched(request.tls))


def _watched(tls: ssl.SSLContext | None) -> ssl.SSLContext | None:
    return None if tls is None else watched(tls)


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
