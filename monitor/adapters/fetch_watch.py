"""Where the time of a fetch goes: name, connection, TLS, waiting, body."""

from __future__ import annotations

import socket
import ssl
from contextvars import ContextVar
from typing import Protocol
from weakref import ref

from aiohttp.abc import AbstractResolver, ResolveResult

# By monitor.model.reading.PHASES.
DOING = {
    "name": "looking up the name",
    "connect": "connecting",
    "tls": "agreeing on TLS",
    "first_byte": "waiting for the answer",
    "transfer": "reading the answer",
}


class Monotonic(Protocol):
    """The part of the clock that a fetch needs."""

    def monotonic(self) -> float:
        """Seconds that never step back."""


class Stopwatch:
    """Seconds spent per phase of one fetch, redirects added up."""

    __slots__ = ("__weakref__", "_began", "_clock", "_mark", "phase", "spent", "uses")

    def __init__(self, clock: Monotonic) -> None:
        self._clock = clock
        self._began = self._mark = clock.monotonic()
        self.phase = "connect"
        self.uses = 0  # of the connection, before this fetch
        self.spent: dict[str, float] = {}

    def enter(self, phase: str) -> None:
        """Book the time since the last call on the phase that ends, and begin another one."""
        now = self._clock.monotonic()
        self.spent[self.phase] = self.spent.get(self.phase, 0.0) + now - self._mark
        self.phase, self._mark = phase, now

    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return self._clock.monotonic() - self._began

    def phases(self) -> dict[str, float]:
        """Seconds of the phases that were entered, in their order; the one under way counts up to now."""
        self.enter(self.phase)
        return {name: self.spent[name] for name in DOING if name in self.spent}


# A connection remembers the context in which it was opened, and must not keep what timed its first fetch.
_under_way: ContextVar[ref[Stopwatch]] = ContextVar("watch")


def _enter(phase: str) -> None:
    """Tell the stopwatch of the fetch under way, if there is one."""
    known = _under_way.get(None)
    if known is not None and (watch := known()) is not None:
        watch.enter(phase)


class _Handshake(ssl.SSLObject):
    """Tells the stopwatch of the fetch under way that TLS begins; the client library has no event for it."""

    def do_handshake(self) -> None:
        _enter("tls")
        super().do_handshake()


def watched(context: ssl.SSLContext) -> ssl.SSLContext:
    """The same TLS settings, whose handshakes are timed and never asked for again by the other side."""
    context.options |= ssl.OP_NO_RENEGOTIATION  # each costs us as much as a new connection, as often as it likes
    context.sslobject_class = _Handshake
    return context


def watch_here(watch: Stopwatch) -> None:
    """Time what the calling task does from now on with this stopwatch."""
    _under_way.set(ref(watch))


class WatchedNames(AbstractResolver):
    """Tells the stopwatch under way that a name is looked up.

    The client library's own tracing tells the same for some ten calls of empty hooks in each request.
    """

    def __init__(self, names: AbstractResolver) -> None:
        self._names = names

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """See aiohttp; afterwards the connection is made."""
        _enter("name")
        found = await self._names.resolve(host, port, family)
        _enter("connect")
        return found

    async def close(self) -> None:
        """Others use the resolver too."""
