"""The gate before every handler: the host that was meant, where the request came from, who sent it, what it may.

Closed by default: a route without an entry in the table is refused, and so is whoever cannot show a right.
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Iterable
from typing import NoReturn
from urllib.parse import urlsplit

from aiohttp import web

from monitor.config.spec import Token
from monitor.model.errors import StoreError
from monitor.model.state import AuditEntry
from monitor.model.text import clean
from monitor.service.app import Service
from monitor.web.access import OPEN_ON_LOOPBACK, Right, Tokens, may
from monitor.web.keys import CALLER, GATE
from monitor.web.limiter import Limiter
from monitor.web.problems import Handler, Problem
from monitor.web.route import Route

log = logging.getLogger(__name__)

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_ASK = {"WWW-Authenticate": "Bearer"}
WRONG_PER_MINUTE = 10  # refused tokens of one address


class Gate:
    """Checks every request of one application against its table of routes."""

    def __init__(self, service: Service, tokens: Tokens, routes: Iterable[Route]) -> None:
        self._service = service
        self._tokens = tokens
        self._routes = {(route.method, route.path): route for route in routes}
        self._wrong = Limiter(WRONG_PER_MINUTE, 60.0)
        listen = service.site.listen[0]
        self._loopback_only = is_loopback(listen)
        base = urlsplit(service.site.directory.base_url).hostname
        self._hosts = _LOOPBACK_NAMES | {listen.lower()} | ({base.lower()} if base else set())

    async def check(self, request: web.Request) -> None:
        """Let a request pass, with its caller noted, or raise a Problem."""
        self._check_host(request)
        route = self._route(request)
        self._check_origin(request, route)
        token = await self._token(request)
        if token is not None:
            request[CALLER] = token
        await self._authorise(request, route.right, token)

    def _route(self, request: web.Request) -> Route:
        resource = request.match_info.route.resource
        method = "GET" if request.method == "HEAD" else request.method
        route = self._routes.get((method, resource.canonical if resource else ""))
        if route is None:
            raise Problem(403, "forbidden", "nobody may do this")
        return route

    def _check_host(self, request: web.Request) -> None:
        """A name that somebody else's DNS points at us is not ours (rebinding)."""
        host = _hostname(f"//{request.host}")
        if host not in self._hosts and host != _local_address(request):
            raise Problem(421, "wrong-host", "this service does not answer to that name; set base_url to the right one")

    def _check_origin(self, request: web.Request, route: Route) -> None:
        """What changes something or holds a line open is only for our own pages and for programs."""
        if not route.same_origin:
            return
        site = request.headers.get("Sec-Fetch-Site", "none")
        origin = request.headers.get("Origin")
        # Our own form on a page without referrer sends "null"; the signed value is what it may.
        told = origin is not None and not (route.signed and origin == "null")
        foreign = told and urlsplit(origin or "").netloc.lower() != request.host.lower()
        if foreign or site not in ("none", "same-origin"):
            raise Problem(403, "cross-site", "requests from pages of another site are refused")

    async def _token(self, request: web.Request) -> Token | None:
        """The caller's token. A right one always passes: behind a proxy everybody comes from one address."""
        header = request.headers.get("Authorization")
        if header is None:
            return None
        scheme, _, presented = header.partition(" ")
        token = self._tokens.who(presented.strip()) if scheme.lower() == "bearer" else None
        return token or await self._refuse(request, presented)

    async def _refuse(self, request: web.Request, presented: str) -> NoReturn:
        """Say no to a wrong token; after some of one address no more is written down, and that is all it hears."""
        address, now = request.remote or "", self._service.clock.monotonic()
        self._wrong.check(address, now, "too-many-attempts", "too many refused tokens from this address")
        self._wrong.count(address, now)
        await self._audit(request, clean(presented.partition(".")[0], 40) or "?", "token refused")
        raise Problem(401, "token", "the token is not valid", headers=_ASK)

    async def _authorise(self, request: web.Request, right: Right, token: Token | None) -> None:
        if token is not None and may(token.role, right):
            return
        if right is Right.PUBLIC or (token is None and right in OPEN_ON_LOOPBACK and self._open(request)):
            return
        if token is None:
            raise Problem(401, "token", "send a token in the Authorization header", headers=_ASK)
        await self._audit(request, token.id, "role refused")
        raise Problem(403, "forbidden", f"the role {token.role} may not {right.value}")

    def _shown(self, request: web.Request) -> str:
        """The address as it may be written down."""
        route = self._route(request)
        return route.path if route.signed else request.path

    def _open(self, request: web.Request) -> bool:
        """Reading is open where only this machine listens."""
        return self._loopback_only and is_loopback(_local_address(request))

    async def _audit(self, request: web.Request, actor: str, action: str) -> None:
        entry = AuditEntry(
            self._service.clock.now(),
            actor,
            action,
            clean(f"{request.method} {self._shown(request)}", 200),
            clean(request.remote or "", 60),
        )
        try:
            await self._service.store.audit(entry)
        except StoreError as broken:
            log.error("a refusal could not be audited: %s", broken)


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every request passes the gate first; an address that does not exist is told as such behind it."""
    if request.match_info.http_exception is None:
        await request.app[GATE].check(request)
    return await handler(request)


def is_loopback(host: str) -> bool:
    """Whether an address or name is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _hostname(netloc: str) -> str:
    try:
        return (urlsplit(netloc).hostname or "").lower()
    except ValueError:
        return ""


def _local_address(request: web.Request) -> str:
    """The address of ours at which the request arrived."""
    name = request.transport.get_extra_info("sockname") if request.transport else None
    return str(name[0]) if isinstance(name, tuple) else ""
