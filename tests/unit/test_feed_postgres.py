"""An SQL feed on a server: how its TLS begins. What the server says is asked of a real one, in tests/integration."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import Any, NoReturn

import asyncpg

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
