"""Hostile servers that speak no HTTP, for tcp, smtp, tls and dns probes, each with what is said of it."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dns.message
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.integration.hostile import MIB, Peer, Play, drip, raw

Opened = Callable[[], AbstractAsyncContextManager[int]]  # yields the port


@dataclass(frozen=True)
class HostilePeer:
    """`kind` of the probe that asks it; the `said` of that probe begins so; whether the answer `never` comes."""

    kind: str
    open: Opened
    said: str
    never: bool = False


def flood(piece: bytes) -> Play:
    """The same piece as often as the client lets us."""

    async def play(peer: Peer) -> None:
        await peer.flood(piece, 10_000)

    return play


def speaking(play: Play, tls: Callable[[], ssl.SSLContext] | None = None) -> Opened:
    """A server that plays this to whoever connects."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[int]:
        tasks: set[asyncio.Task[None]] = set()

        async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(OSError):
                await play(Peer(reader, writer))
            writer.close()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            tasks.add(asyncio.create_task(act(reader, writer)))

        server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls() if tls else None)
        yield server.sockets[0].getsockname()[1]
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    return opened


@cache
def thousands_of_names() -> ssl.SSLContext:
    """A certificate of 60 KiB, whose subject and issuer have thousands of parts."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"a{number}") for number in range(2000)])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
    pem = made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as folder:
        place = Path(folder) / "server.pem"
        place.write_bytes(pem + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        context.load_cert_chain(place)
    return context


class _NameServer(asyncio.DatagramProtocol):
    def __init__(self, answer: Callable[[bytes], list[bytes]]) -> None:
        self._answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        for datagram in self._answer(data):
            self._transport.sendto(datagram, addr)


def answering(answer: Callable[[bytes], list[bytes]]) -> Opened:
    """A name server that answers a question with these datagrams."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[int]:
        loop = asyncio.get_running_loop()
        udp, _ = await loop.create_datagram_endpoint(lambda: _NameServer(answer), ("127.0.0.1", 0))
        yield udp.get_extra_info("sockname")[1]
        udp.close()

    return opened


def _records(count: int) -> Callable[[bytes], list[bytes]]:
    """So many records, each with a name of a hundred and twenty parts to be followed."""

    def answer(question: bytes) -> list[bytes]:
        head = question[:2] + struct.pack("!5H", 0x8180, 1, count, 0, 0) + question[12:]
        rest = struct.pack("!HHIH", 1, 1, 60, 4)
        first = b"\x01a" * 120 + b"\0" + rest + bytes(4)
        others = (struct.pack("!H", 0xC000 | len(head)) + rest + struct.pack("!I", n) for n in range(1, count))
        return [head + first + b"".join(others)]

    return answer


def _texts(question: bytes) -> list[bytes]:
    text = b"\xff" + b"\x01" * 255
    record = b"\xc0\x0c" + struct.pack("!HHIH", 16, 1, 60, len(text)) + text
    return [question[:2] + struct.pack("!5H", 0x8180, 1, 240, 0, 0) + question[12:] + record * 240]


def _noise(question: bytes) -> list[bytes]:
    other = dns.message.make_query("centre.example", "A").to_wire()
    return [bytes(60_000), b"", b"noise", other, question] * 60


PEERS: Mapping[str, HostilePeer] = {
    "tcp: endless": HostilePeer("tcp", speaking(flood(bytes(MIB))), "the other side does not say 'ready'"),
    "tcp: drip": HostilePeer("tcp", speaking(drip(b"", b"x")), "no complete answer within", never=True),
    "tcp: silence": HostilePeer("tcp", speaking(raw(b"", stay=True)), "no complete answer within", never=True),
    "smtp: endless": HostilePeer("smtp", speaking(flood(b"220-welcome\r\n" * 1000)), "its greeting never ends"),
    "smtp: one line": HostilePeer("smtp", speaking(flood(b"220 " + b"x" * MIB)), "its greeting never ends"),
    "smtp: noise": HostilePeer("smtp", speaking(flood(bytes(range(1, 256)) * 100)), "greets with"),
    "tls: endless": HostilePeer("tls", speaking(flood(bytes(MIB))), "no TLS: "),
    "tls: silence": HostilePeer("tls", speaking(raw(b"", stay=True)), "no TLS within", never=True),
    "tls: names": HostilePeer("tls", speaking(raw(b""), thousands_of_names), "the certificate is not trusted"),
    "dns: 5,000 records": HostilePeer("dns", answering(_records(4000)), "the answer has more than 500 records"),
    "dns: 500 records": HostilePeer("dns", answering(_records(500)), "the name has no A record"),
    "dns: texts": HostilePeer("dns", answering(_texts), "the name has no A record"),
    "dns: noise": HostilePeer("dns", answering(_noise), "no answer within", never=True),
    "dns: silence": HostilePeer("dns", answering(lambda _: []), "no answer within", never=True),
}  # fmt: skip
