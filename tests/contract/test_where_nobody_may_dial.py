"""Every kind of probe and feed goes through the address guard: none reaches what the allow-list does not name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from monitor.adapters.feeds import open_feed
from monitor.adapters.probes import open_probe
from monitor.config.probespec import (
    Asks,
    DnsCheck,
    HttpCheck,
    IcmpCheck,
    JourneyCheck,
    ProbeSpec,
    SmtpCheck,
    Step,
    TcpCheck,
    TlsCheck,
)
from monitor.config.spec import FeedSpec, Portal, Server
from monitor.config.template import Template
from monitor.model.reading import Collected
from tests.contract.probe_tools import NOW, Names, tools
from tests.unit.feed_frames import CALENDAR, INDICATORS, UNITS, feed_spec

HOSTS = {
    "loopback": "127.0.0.1",
    "a name that leads there": "inside.example",
    "decimal": "2130706433",
    "hexadecimal": "0x7f.1",
    "IPv6": "::1",
    "IPv4-mapped": "::ffff:127.0.0.1",
    "metadata": "169.254.169.254",
}
FEEDS = ("json", "csv", "xlsx", "prometheus", "promql", "portal766")


def url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def probes(host: str, port: int) -> dict[str, Asks]:
    return {
        "http": HttpCheck(url(host, port)),
        "journey": JourneyCheck((Step("open", Template((url(host, port),)), 5.0),), "19"),
        "tcp": TcpCheck(host, port),
        "smtp": SmtpCheck(host, port),
        "tls": TlsCheck(host, port),
        "dns": DnsCheck(host, "centre.example", port),
        "icmp": IcmpCheck(host),
    }


def feed_of(kind: str, host: str, port: int) -> FeedSpec:
    given: dict[str, Any] = {"url": url(host, port)}
    if kind == "portal766":
        given["portal"] = Portal(1, "1", "it@tinh.example")
    if kind == "sql":
        given |= {"url": "", "database": "x", "query": "SELECT 1", "server": Server(host, port, "reader", None, False)}
    return feed_spec(kind, **given)


@dataclass
class Forbidden(asyncio.DatagramProtocol):
    """Hears whoever comes, by TCP and by UDP."""

    heard: list[object] = field(default_factory=list)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.heard.append(addr)

    def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard.append(writer.get_extra_info("peername"))
        writer.close()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[int]:
        server = await asyncio.start_server(self.connected, "127.0.0.1", 0)
        port: int = server.sockets[0].getsockname()[1]
        udp, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, ("127.0.0.1", port))
        yield port
        udp.close()
        server.close()


async def asked(kind: str, host: str, port: int) -> Collected:
    async with tools(Names(), allow="127.0.0.0/8:1") as used:
        if kind in (*FEEDS, "sql"):
            spec = feed_of(kind, host, port)
            return await open_feed(spec, used.fetcher, used.clock, CALENDAR, INDICATORS, UNITS).collect(NOW)
        return await open_probe(ProbeSpec("it", "19", "up", 60.0, 5.0, probes(host, port)[kind]), used).collect(NOW)


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
@pytest.mark.parametrize("kind", [*probes("x", 1), *FEEDS, "sql"])
async def test_what_may_not_be_dialled_is_not_reached_and_that_is_said(kind: str, host: str) -> None:
    forbidden = Forbidden()
    async with forbidden.open() as port:
        found = await asked(kind, host, port)
    said = found.failure or found.readings[0].note
    assert "on the allow-list" in said or "not an IP address in its plain spelling" in said
    assert forbidden.heard == []
    assert not any(reading.value is True for reading in found.readings)


async def test_the_service_that_nobody_reached_would_have_heard_it() -> None:
    forbidden = Forbidden()
    async with forbidden.open() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await reader.read()
        writer.close()
    assert len(forbidden.heard) == 1
