"""An SQL feed on a server: how its TLS begins, and how it asks for rows.

What the server says is asked of a real one, in tests/integration.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import Any, NoReturn

import asyncpg
import pytest

from monitor.adapters.clock import SystemClock
from monitor.adapters.feeds import open_feed
from monitor.adapters.fetch import Fetcher
from monitor.adapters.guard import AddressGuard
from monitor.config.allow import parse_allow
from monitor.config.secrets import Secret
from monitor.config.spec import Server
from tests.unit.feed_frames import CALENDAR, INDICATORS, NOW, RATE, UNITS, feed_spec


def test_no_protocol_is_offered_because_postgresql_17_refuses_all_but_its_own(monkeypatch):
    """Its rule (be-secure-openssl.c, alpn_cb): the offered protocols hold `postgresql`, or none is offered."""
    given: dict[str, Any] = {}

    async def connect(**options: Any) -> NoReturn:
        given.update(options)
        raise OSError("seen")

    monkeypatch.setattr(asyncpg, "connect", connect)
    clock, server = SystemClock(), Server("127.0.0.1", 5432, "reader", Secret("x"), tls=True)
    spec = feed_spec("sql", RATE, url="", database="d", query="SELECT 1", server=server)
    fetcher = Fetcher(AddressGuard([parse_allow("127.0.0.0/8:*")]), clock)
    asyncio.run(open_feed(spec, fetcher, clock, CALENDAR, INDICATORS, UNITS).collect(NOW))
    said = ssl.MemoryBIO()
    hello = given["ssl"].wrap_bio(ssl.MemoryBIO(), said, server_hostname="db.example")
    with suppress(ssl.SSLWantReadError):
        hello.do_handshake()
    assert given["ssl"].verify_mode is ssl.CERT_REQUIRED
    first = said.read()
    assert b"db.example" in first and b"http/1.1" not in first


class Rows:
    """A connection, its transaction, the statement and its cursor: it says each row, and keeps how many are wanted."""

    def __init__(self, width: int, count: int) -> None:
        self._left = [("x" * width, 1)] * count
        self.batches: list[int] = []

    def transaction(self, **_: Any) -> Rows:
        return self

    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...

    async def prepare(self, query: str) -> Rows:
        return self

    async def cursor(self, *values: object) -> Rows:
        return self

    async def fetch(self, number: int) -> list[tuple[str, int]]:
        self.batches.append(number)
        batch, self._left = self._left[:number], self._left[number:]
        return batch

    def get_attributes(self) -> list[Any]:
        return []

    def terminate(self) -> None: ...


@pytest.mark.parametrize(
    ("width", "count", "ways"),
    [(5, 510, [10, 500, 500]), (0, 510, [10, 500, 500]), (10_000, 50, [10, 50, 50]), (90_000, 50, [10])],
    ids=["narrow", "numbers only", "wide", "too wide"],
)
def test_narrow_rows_come_many_at_once_and_wide_ones_few(monkeypatch, width, count, ways):
    """Each batch is a way to the server and back, and is in memory before its size is known."""
    rows = Rows(width, count)

    async def connect(**_: Any) -> Rows:
        return rows

    monkeypatch.setattr(asyncpg, "connect", connect)
    clock, server = SystemClock(), Server("127.0.0.1", 5432, "reader", Secret("x"), tls=False)
    spec = feed_spec("sql", RATE, url="", database="d", query="SELECT 1", server=server, max_bytes=500_000)
    fetcher = Fetcher(AddressGuard([parse_allow("127.0.0.0/8:*")]), clock)
    asyncio.run(open_feed(spec, fetcher, clock, CALENDAR, INDICATORS, UNITS).collect(NOW))
    assert rows.batches == ways
