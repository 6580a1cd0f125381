"""Every kind of probe over a line that spoils the answer: one clear sentence, and an end in any case."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import dns.flags
import dns.message
import dns.rrset
import pytest
import trustme

from monitor.adapters.probes import open_probe
from monitor.config.probespec import (
    Asks,
    DnsCheck,
    HttpCheck,
    JourneyCheck,
    ProbeSpec,
    SmtpCheck,
    Step,
    TcpCheck,
    TlsCheck,
)
from monitor.config.template import Template
from monitor.model.reading import Collected
from tests.contract import faults
from tests.contract.faults import Fault, Reader, Writer, proxy
from tests.contract.probe_tools import NOW, Names, note_of, tools

HASTY, PATIENT = 0.3, 10.0  # seconds of an attempt: where nothing comes; where something does, on a busy machine too
AUTHORITY = trustme.CA()
CERTIFICATE = AUTHORITY.issue_cert("centre.example")
PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\nConnection: close\r\n\r\n" + b"ok" * 20
GREETING = b"220 mail.example ESMTP, one of the ministry's, ready\r\n"


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


def checks(port: int) -> dict[str, Asks]:
    name = "centre.example"
    step = Step("open", Template((f"http://{name}:{port}/",)), PATIENT)
    return {
        "http": HttpCheck(f"http://{name}:{port}/"),
        "https": HttpCheck(f"https://{name}:{port}/", tls=trusting()),
        "journey": JourneyCheck((step,), "19"),
        "tcp": TcpCheck(name, port, expect="ready"),
        "smtp": SmtpCheck(name, port, expect="ready"),
        "tls": TlsCheck(name, port, tls=trusting()),
        "dns": DnsCheck("127.0.0.1", name, port),
    }


KINDS = tuple(checks(1))


def _name(fault: Fault) -> str:
    return str(getattr(fault, "__name__", fault))


async def page(reader: Reader, writer: Writer) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(PAGE)


async def greeting(reader: Reader, writer: Writer) -> None:
    writer.write(GREETING)
    await reader.read()  # until the client is gone


async def records(reader: Reader, writer: Writer) -> None:
    length = int.from_bytes(await reader.readexactly(2), "big")
    query = dns.message.from_wire(await reader.readexactly(length))
    reply = dns.message.make_response(query)
    reply.answer.append(dns.rrset.from_text(query.question[0].name, 300, "IN", "A", "10.0.0.1"))
    raw = reply.to_wire()
    writer.write(len(raw).to_bytes(2, "big") + raw)


class CutOff(asyncio.DatagramProtocol):
    """A name server whose answers never fit, so that the probe asks again by TCP."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        reply = dns.message.make_response(dns.message.from_wire(data))
        reply.flags |= dns.flags.TC
        self.transport.sendto(reply.to_wire(), addr)


@asynccontextmanager
async def standing(kind: str, fault: Fault) -> AsyncIterator[int]:
    """A server of this kind behind a faulty line; yields the port that leads to it."""
    play = {"tcp": greeting, "smtp": greeting, "dns": records}.get(kind, page)
    context = None
    if kind in ("https", "tls"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        CERTIFICATE.configure_cert(context)

    async def serve(reader: Reader, writer: Writer) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await play(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with proxy(server.sockets[0].getsockname()[1], fault) as port:
        udp, _ = await asyncio.get_running_loop().create_datagram_endpoint(CutOff, ("127.0.0.1", port))
        yield port
        udp.close()
    server.close()


async def asked(kind: str, fault: Fault, patience: float) -> Collected:
    async with asyncio.timeout(60), standing(kind, fault) as port, tools(Names()) as used:
        return await open_probe(ProbeSpec("it", "19", "up", 60.0, patience, checks(port)[kind]), used).collect(NOW)


@pytest.mark.parametrize("fault", [faults.none, faults.in_pieces], ids=_name)
@pytest.mark.parametrize("kind", KINDS)
async def test_whatever_arrives_whole_is_well(kind: str, fault: Fault) -> None:
    assert note_of(await asked(kind, fault, PATIENT)) == ""


# Where each kind stands when the line falls silent, and when it drips.
SILENT = {"https": "agreeing on TLS", "tls": "agreeing on TLS"}
DRIPPING = {**SILENT, "tcp": "reading the answer", "smtp": "reading the answer", "dns": "reading the answer"}
ENDLESS: dict[Fault, dict[str, str]] = {faults.delay: SILENT, faults.black_hole: SILENT, faults.drip: DRIPPING}


@pytest.mark.parametrize("fault", ENDLESS, ids=_name)
@pytest.mark.parametrize("kind", KINDS)
async def test_what_does_not_arrive_in_time_is_given_up_and_the_phase_is_named(kind: str, fault: Fault) -> None:
    where = ENDLESS[fault].get(kind, "waiting for the answer")
    said = {"tls": "no TLS", "dns": "no answer"}.get(kind, "no complete answer")
    assert f"{said} within {HASTY} s, ended while {where}" in note_of(await asked(kind, fault, HASTY))


OFF, UNSAID = "the other side broke the connection off", "the other side hung up without saying 'ready'"
CUT, NO_TLS = "cut: the connection was closed before the answer was complete", f"tls: no TLS: {OFF}"
# By fault: what http and journey, https, tcp, smtp, tls and dns say.
BROKEN: dict[Fault, tuple[str, ...]] = {
    faults.reset: (CUT, NO_TLS, OFF, OFF, OFF, OFF),
    faults.reset_midway: (CUT, NO_TLS, OFF, OFF, OFF, OFF),
    faults.half_close: (
        CUT, NO_TLS, UNSAID, "the server hung up without a greeting", OFF, "the server hung up within its answer"
    ),
    faults.truncated: (
        CUT, NO_TLS, UNSAID, "the server hung up within its greeting", OFF, "the server hung up within its answer"
    ),
    faults.noise: (
        "protocol: the answer is not valid HTTP",
        "tls: no TLS: wrong version number",
        UNSAID,
        "greets with '\\x01",
        "no TLS: wrong version number",
        "the server hung up within its answer",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", BROKEN, ids=_name)
@pytest.mark.parametrize("kind", KINDS)
async def test_what_arrives_broken_is_named(kind: str, fault: Fault) -> None:
    place = ("http", "https", "tcp", "smtp", "tls", "dns").index("http" if kind == "journey" else kind)
    said = BROKEN[fault][place]
    step = "step 1 'open': " if kind == "journey" else ""
    assert note_of(await asked(kind, fault, PATIENT)).startswith(step + said)
