"""Where the time of a fetch goes: name, connection, waiting, body."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Protocol

import aiohttp

DOING = {
    "dns": "looking up the name",
    "connect": "connecting",
    "wait": "waiting for the answer",
    "body": "reading the body",
}


class Monotonic(Protocol):
    """The part of the clock that a fetch needs."""

    def monotonic(self) -> float:
        """Seconds that never step back."""


class Stopwatch:
    """Seconds spent per phase of one fetch, redirects added up."""

    def __init__(self, clock: Monotonic) -> None:
        self._clock = clock
        self._began = self._mark = clock.monotonic()
        self.phase = "connect"
        self.spent: dict[str, float] = {}

    def enter(self, phase: str) -> None:
        """Book the time since the last call on the phase that ends, and begin another one."""
        now = self._clock.monotonic()
        self.spent[self.phase] = self.spent.get(self.phase, 0.0) + now - self._mark
        self.phase, self._mark = phase, now

    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return self._clock.monotonic() - self._began


def tracing() -> aiohttp.TraceConfig:
    """Tell the stopwatch given as `trace_request_ctx` which phase begins."""
    config = aiohttp.TraceConfig()
    config.on_dns_resolvehost_start.append(_entering("dns"))
    config.on_dns_resolvehost_end.append(_entering("connect"))
    config.on_connection_create_end.append(_entering("wait"))
    config.on_connection_reuseconn.append(_entering("wait"))
    return config


def _entering(phase: str) -> Any:
    async def note(session: aiohttp.ClientSession, context: SimpleNamespace, params: object) -> None:
        context.trace_request_ctx.enter(phase)

    return note
