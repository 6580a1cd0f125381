"""Dialling a host and port and talking over the connection, under one deadline and a cap on what is read."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from monitor.adapters.fetch_errors import let_go
from monitor.adapters.fetch_watch import DOING, Stopwatch
from monitor.adapters.guard import Refused
from monitor.adapters.probes.outcome import Outcome, Transcript
from monitor.adapters.probes.tools import Tools
from monitor.adapters.resolver import NameFailed
from monitor.config.probespec import Family
from monitor.model.text import clean

MAX_HEARD = 64 * 1024  # bytes


class Unwell(Exception):
    """The target is down; the text says why. Never leaves the probes."""


@dataclass(frozen=True, slots=True)
class Line:
    """An open connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    watch: Stopwatch

    async def send(self, data: bytes) -> None:
        """Send, and begin to wait."""
        self.watch.enter("first_byte")
        self.writer.write(data)
        await self.writer.drain()

    async def hear(self, enough: Callable[[bytes], bool]) -> bytes:
        """What comes until it is enough, the other side ends, or the cap is reached."""
        heard = b""
        self.watch.enter("first_byte")
        while not enough(heard) and len(heard) < MAX_HEARD:
            chunk = await self.reader.read(MAX_HEARD)
            self.watch.enter("transfer")
            if not chunk:
                break
            heard += chunk
        return heard[:MAX_HEARD]


@dataclass(frozen=True, slots=True)
class Target:
    """Where to dial, and for how many seconds in all."""

    host: str
    port: int
    timeout: float
    address: Family = "any"


async def talk(target: Target, tools: Tools, said: Transcript, say: Callable[[Line], Awaitable[None]]) -> Outcome:
    """Dial and call `say`, which raises Unwell when the target is down."""
    watch = Stopwatch(tools.clock)
    said.say(f"connect to {target.host} port {target.port}")
    problem = said.masked(await _problem(target, tools, said, say, watch))
    said.say(problem or "as expected")
    return Outcome(problem, watch.phases(), said.lines, {"seconds": watch.elapsed()})


async def _problem(
    target: Target, tools: Tools, said: Transcript, say: Callable[[Line], Awaitable[None]], watch: Stopwatch
) -> str:
    try:
        async with asyncio.timeout(target.timeout):
            reader, writer = await tools.guard.open_tcp(
                target.host, target.port, target.timeout, family=target.address, entered=watch.enter
            )
            try:
                said.say(f"connected to {writer.get_extra_info('peername')[0]}")
                await say(Line(reader, writer, watch))
            finally:
                with suppress(OSError):
                    writer.transport.abort()  # nothing is owed to a port that answered; closing politely could hang
    except TimeoutError:
        return _too_late(target.timeout, watch.phase)
    except (Unwell, OSError) as error:
        let_go(error)
        return reason(error)
    return ""


def _too_late(timeout: float, phase: str) -> str:
    if phase in ("name", "connect"):
        return f"no connection within {timeout:g} s"
    return f"no complete answer within {timeout:g} s, ended while {DOING[phase]}"


def reason(error: Exception) -> str:
    """What an expected error says to people, without credentials."""
    if isinstance(error, Unwell):
        return str(error)
    if isinstance(error, NameFailed):
        return f"the name has no usable address: {error.reason}"
    if isinstance(error, Refused):
        return f"refused by the address guard: {error.reason}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"no TLS: {(error.reason or 'handshake failed').replace('_', ' ').lower()}"
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return "the other side broke the connection off"
    return f"no connection: {clean(str(getattr(error, 'strerror', None) or error)).lower()}"
