"""New connections: the name is looked up, the guard is asked about the address, then come TCP and, if wanted, TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aiohttp.client_proto import ResponseHandler

from monitor.adapters.fetch_errors import unreached
from monitor.adapters.fetch_line import Ear, Line, PlainLine
from monitor.adapters.fetch_watch import Stopwatch
from monitor.adapters.guard import HANDSHAKE, AddressGuard, Refused, literal
from monitor.config.probespec import Family


class Place(NamedTuple):
    """Where a connection leads. Two questions with the same place may use the same one, one after the other."""

    host: str  # name or IP literal
    port: int
    family: Family  # which addresses of the name are dialled
    encrypted: bool
    tls: ssl.SSLContext | None  # own settings of TLS


@dataclass(frozen=True, slots=True)
class Dialler:
    """Opens connections to what the guard lets through. How long the other side may take is for who asks to say.

    `tls` are the settings where a place has none of its own.
    """

    guard: AddressGuard
    tls: ssl.SSLContext
    ear: Ear = field(default_factory=Ear)

    async def open(self, place: Place, watch: Stopwatch) -> Line:
        """A new connection. Raises Refused, NameFailed, ssl.SSLError, or Broken."""
        infos = await self._addresses(place, watch)
        try:
            return await self._made(await self.guard.dial(infos), place, watch)
        except (Refused, ssl.SSLError):
            raise
        except OSError as error:
            raise unreached(error, watch.phase) from None

    async def _addresses(self, place: Place, watch: Stopwatch) -> Sequence[Any]:
        if (known := literal(place.host, place.port)) is not None:
            return (known,)
        watch.enter("name")
        found = await self.guard.addresses(place.host, place.port, place.family)
        watch.enter("connect")
        return found

    async def _made(self, sock: socket.socket, place: Place, watch: Stopwatch) -> Line:
        try:
            peer = str(sock.getpeername()[0])
            if not place.encrypted:
                return PlainLine(sock, place.host if peer == place.host else peer, self.ear)
            watch.enter("tls")
            return Line(await _encrypted(sock, place.tls or self.tls, place.host), peer)
        except BaseException:
            sock.close()
            raise


async def _encrypted(sock: socket.socket, tls: ssl.SSLContext, host: str) -> ResponseHandler:
    loop = asyncio.get_running_loop()
    name = host.rstrip(".")  # as certificates spell it
    _, wire = await loop.create_connection(
        lambda: ResponseHandler(loop), sock=sock, ssl=tls, server_hostname=name, ssl_handshake_timeout=HANDSHAKE
    )
    return wire
