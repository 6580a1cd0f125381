"""The one bounded fetch: every HTTP question of the product goes through here.

Bounded in time (one total deadline), in bytes (on the wire and unpacked), in redirects and in where it may connect
(`AddressGuard`, asked where the socket is made). What the world does wrong comes back as a `Failure` value.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from dataclasses import replace
from functools import cache, lru_cache
from http import HTTPStatus
from types import MappingProxyType

from yarl import URL

from monitor.adapters.fetch_body import is_gzip, read_body
from monitor.adapters.fetch_dial import Dialler
from monitor.adapters.fetch_errors import EXPECTED, classify, let_go, safe_url
from monitor.adapters.fetch_headers import Headers
from monitor.adapters.fetch_kept import Kept
from monitor.adapters.fetch_redirect import REDIRECTS, next_hop, trusting
from monitor.adapters.fetch_types import MAX_REDIRECTS, Broken, Failure, Request, Response
from monitor.adapters.fetch_watch import DOING, Monotonic, Stopwatch
from monitor.adapters.fetch_wire import Answer, Letter, ask
from monitor.adapters.guard import AddressGuard, odd_literal

__all__ = ["Failure", "Fetcher", "Request", "Response", "ready", "safe_url"]

_NO_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


class Fetcher:
    """HTTP client for probes and feeds. `fetch` never raises for what the other side does.

    At most `limit` fetches run at once; waiting for a slot is not charged to the target. How many ask one host at once
    is bounded where polls begin (monitor.service.poller). `tls` replaces the default verified TLS settings, for a
    private certificate authority. `keep` is how many idle connections may stay open, without TLS and with it; unless
    said, as many as `fetch_kept` allows.
    """

    def __init__(
        self,
        guard: AddressGuard,
        clock: Monotonic,
        *,
        limit: int = 100,
        tls: ssl.SSLContext | None = None,
        keep: int | None = None,
    ) -> None:
        self.guard = self._guard = guard  # also for feeds that are asked in another language than HTTP
        self._clock = clock
        self._slots = asyncio.Semaphore(limit)
        self._dialler = Dialler(guard, unrepeated(tls) if tls else public_tls())
        self._kept = {tls: Kept(keep, tls=tls) for tls in (False, True)}

    async def fetch(self, request: Request) -> Response | Failure:
        """Ask once and read the whole answer within the request's deadline, which starts when a slot is free."""
        async with self._slots:
            watch = Stopwatch(self._clock)
            try:
                async with asyncio.timeout(request.timeout) as deadline:
                    return await self._follow(ready(request), watch)
            except EXPECTED as error:
                kind, detail = classify(error)
                let_go(error)
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
        letter = request.letter or _letter(request, _usable(request.url))
        cookie = request.cookies.header(letter.url) if request.cookies is not None else ""
        rest = (f"Cookie: {cookie}\r\n\r\n" if cookie else "\r\n").encode() + (request.body or b"")
        answer = await ask(self._dialler, self._kept[letter.place.encrypted], letter, rest, watch)
        watch.enter("transfer")
        watch.uses = answer.line.uses
        if request.cookies is not None:
            request.cookies.take(answer.headers, letter.url)
        return answer

    async def close(self) -> None:
        """Close idle connections and the resolver's sockets; a later fetch opens them again."""
        for kept in self._kept.values():
            await kept.close()
        await self._guard.close()


@cache
def public_tls() -> ssl.SSLContext:
    """TLS verified against the authorities that this machine trusts; read once, as that takes a while."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return unrepeated(context)


def unrepeated(context: ssl.SSLContext) -> ssl.SSLContext:
    """The same TLS settings, whose handshakes are never asked for again by the other side."""
    context.options |= ssl.OP_NO_RENEGOTIATION  # each costs us as much as a new connection, as often as it likes
    return context


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
    headers = _complete(request.headers)
    if url.user is not None and not any(name.lower() == "authorization" for name, _ in headers):
        pair = f"{url.user}:{url.password or ''}".encode()
        headers = (*headers, ("Authorization", f"Basic {base64.b64encode(pair).decode()}"))
    letter = _letter(replace(request, headers=headers), url.with_user(None).with_fragment(None))
    if letter.address == request.url:
        letter.address = request.url  # the same text once
    return replace(request, url=letter.address, headers=headers, letter=letter)


@lru_cache(maxsize=64)  # most probes have none of their own: theirs are one and the same
def _complete(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    rest = tuple(pair for pair in headers if pair[0].lower() != "accept-encoding")
    named = any(name.lower() == "user-agent" for name, _ in rest)
    return (*rest, ("Accept-Encoding", "gzip"), *(() if named else (("User-Agent", "denbao"),)))


def _letter(request: Request, url: URL) -> Letter:
    tls = None if request.tls is None else unrepeated(request.tls)
    return Letter(url, request.method, request.headers, request.body, tls, request.family)


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
