"""What the tests of probes share: tools that may dial this machine, and names that lead to it."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from aiohttp.abc import AbstractResolver, ResolveResult

from monitor.adapters.clock import SystemClock
from monitor.adapters.fetch import Fetcher
from monitor.adapters.guard import AddressGuard
from monitor.adapters.probes import Tools
from monitor.adapters.resolver import NameFailed
from monitor.config.allow import parse_allow
from monitor.model.reading import Collected

NOW = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)


class Names(AbstractResolver):
    """Every name is this machine, by IPv4 only."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if family == socket.AF_INET6:
            raise NameFailed("no address of the wanted family", real=True)
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=2, proto=0, flags=0)]

    async def close(self) -> None:
        return None


@asynccontextmanager
async def tools(names: AbstractResolver | None = None, allow: str = "127.0.0.0/8:*") -> AsyncIterator[Tools]:
    """Tools on real time and real sockets."""
    clock = SystemClock()
    guard = AddressGuard([parse_allow(allow)], names)
    fetcher = Fetcher(guard, clock)
    yield Tools(fetcher, guard, clock)
    await fetcher.close()


def note_of(collected: Collected) -> str:
    """Why the target is down; empty when it is well."""
    reading = collected.readings[0]
    assert (reading.value is True) == (reading.note == "")
    return reading.note
