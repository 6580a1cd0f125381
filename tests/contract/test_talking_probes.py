"""tcp and smtp probes against real sockets: what is expected comes, does not come, comes slowly or without end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from monitor.adapters.probes import open_probe
from monitor.config.probespec import Asks, ProbeSpec, SmtpCheck, TcpCheck
from monitor.config.secrets import Secret
from monitor.model.reading import Collected
from tests.contract.probe_tools import NOW, note_of, tools


class Peer:
    """Says these pieces one after another, then stays or hangs up; remembers what it heard."""

    def __init__(self, *pieces: bytes, stays: bool = False, hears: bool = False, endless: bool = False) -> None:
        self.pieces, self.stays, self.hears, self.endless = pieces, stays, hears, endless
        self.heard = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            if self.hears:  # closing with unread bytes would be a reset
                self.heard += await reader.read(4096)
            for piece in self.pieces:
                writer.write(piece)
                await writer.drain()
            while self.endless:
                writer.write(b"x" * 65536)
                await writer.drain()
            if self.stays:
                while chunk := await reader.read(4096):
                    self.heard += chunk
        writer.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[int]:
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        yield server.sockets[0].getsockname()[1]
        server.close()


async def asked(peer: Peer, asks: str, patience: float = 5.0, expect: str = "", send: str = "") -> Collected:
    async with peer.running() as port, tools() as used:
        secret = Secret(send) if send else None
        checks: dict[str, Asks] = {
            "tcp": TcpCheck("127.0.0.1", port, send=secret, expect=expect),
            "smtp": SmtpCheck("127.0.0.1", port, expect=expect),
        }
        return await open_probe(ProbeSpec("it", "19", "up", 60.0, patience, checks[asks]), used).collect(NOW)


async def test_a_text_that_comes_in_pieces_is_found():
    collected = await asked(Peer(b"SSH-", b"2.0-x\r\n", stays=True), "tcp", expect="SSH-2.0")
    assert note_of(collected) == ""
    assert collected.check is not None
    assert list(collected.check.phases) == ["name", "connect", "first_byte", "transfer"]


async def test_what_is_sent_arrives_and_is_not_shown():
    peer = Peer(stays=True)
    collected = await asked(peer, "tcp", send="AUTH s3cret\r\n", expect="+OK", patience=0.3)
    assert peer.heard == b"AUTH s3cret\r\n"
    assert note_of(collected) == "no complete answer within 0.3 s, ended while waiting for the answer"
    assert "s3cret" not in repr(collected)


async def test_a_peer_that_repeats_the_secret_does_not_bring_it_into_the_transcript():
    peer = Peer(b"-ERR unknown s3cret\r\n", hears=True)
    collected = await asked(peer, "tcp", send="AUTH s3cret\r\n", expect="+OK")
    assert note_of(collected) == "the other side hung up without saying '+OK'"
    assert "s3cret" not in repr(collected)


async def test_a_peer_without_end_is_listened_to_for_64_kib():
    assert note_of(await asked(Peer(endless=True), "tcp", expect="+OK")) == "the other side does not say '+OK'"


@pytest.mark.parametrize(
    ("greeting", "expect", "note"),
    [
        (b"220 mail.example ESMTP\r\n", "", ""),
        (b"220-mail.example\r\n220 ESMTP ready\r\n", "ready", ""),
        (b"220 mail.example ESMTP\r\n", "Postfix", "the greeting does not contain 'Postfix'"),
        (b"554 no service here\r\n", "", "greets with '554 no service here', expected 220"),
        (b"SSH-2.0-x\r\n", "", "greets with 'SSH-2.0-x', expected 220"),
        (b"\x1c220 mail.example\r\n", "", "greets with '', expected 220"),
        (b"", "", "the server hung up without a greeting"),
    ],
)
async def test_a_greeting_is_judged(greeting, expect, note):
    assert note_of(await asked(Peer(greeting), "smtp", expect=expect)) == note


async def test_a_mail_server_that_stays_silent_is_down():
    collected = await asked(Peer(stays=True), "smtp", patience=0.2)
    assert note_of(collected) == "no complete answer within 0.2 s, ended while waiting for the answer"


async def test_an_address_that_is_not_allowed_is_never_dialled():
    async with Peer(b"220 x\r\n").running() as port, tools(allow="10.0.0.0/8:*") as used:
        probe = open_probe(ProbeSpec("it", "19", "up", 60.0, 5.0, SmtpCheck("127.0.0.1", port)), used)
        note = note_of(await probe.collect(NOW))
    assert note == f"refused by the address guard: loopback address, port {port}: not on the allow-list"
