"""The dns probe against a real name server on a socket: records, codes, TTL, forged and truncated answers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from monitor.adapters.probes import open_probe
from monitor.config.probespec import DnsCheck, ProbeSpec
from monitor.model.reading import Collected
from tests.contract.probe_tools import NOW, note_of, tools

Answer = Callable[[dns.message.Message], list[bytes]]


class NameServer(asyncio.DatagramProtocol):
    """Answers each datagram with these; by TCP with the last of them, whole."""

    asked_from: Any = None  # address of the last question

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        NameServer.asked_from = addr
        for raw in self.answer(dns.message.from_wire(data)):
            self.transport.sendto(raw, addr)

    async def by_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int.from_bytes(await reader.readexactly(2), "big")
        raw = answered("10.0.0.1", "10.0.0.2")(dns.message.from_wire(await reader.readexactly(length)))[-1]
        writer.write(len(raw).to_bytes(2, "big") + raw)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[int]:
    loop, made = asyncio.get_running_loop(), NameServer(answer)
    tcp = await asyncio.start_server(made.by_tcp, "127.0.0.1", 0)
    port = tcp.sockets[0].getsockname()[1]
    udp, _ = await loop.create_datagram_endpoint(lambda: made, ("127.0.0.1", port))
    yield port
    udp.close()
    tcp.close()


def answered(*addresses: str, rcode: dns.rcode.Rcode = dns.rcode.NOERROR, cut: bool = False) -> Answer:
    def answer(query: dns.message.Message) -> list[bytes]:
        reply = dns.message.make_response(query)
        reply.set_rcode(rcode)
        if addresses:
            reply.answer.append(dns.rrset.from_text(query.question[0].name, 300, "IN", "A", *addresses))
        if cut:
            reply.answer.clear()
            reply.flags |= dns.flags.TC
        return [reply.to_wire()]

    return answer


async def asked(answer: Answer, patience: float = 5.0, **settings: Any) -> Collected:
    async with serving(answer) as port, tools() as used:
        check = DnsCheck("127.0.0.1", "centre.example", port, **settings)
        spec = ProbeSpec("it", "19", "up", 60.0, patience, check, also={"ttl": "name_ttl"})
        return await open_probe(spec, used).collect(NOW)


@pytest.mark.parametrize(
    ("answer", "settings", "note"),
    [
        (answered("10.0.0.1"), {}, ""),
        (answered("10.0.0.1", "10.0.0.2"), {"expect": ("10.0.0.2",)}, ""),
        (answered("10.0.0.1"), {"expect": ("10.0.0.2",)}, "the answer lacks 10.0.0.2"),
        (answered(), {}, "the name has no A record"),
        (answered("10.0.0.1"), {"record": "MX"}, "the name has no MX record"),
        (answered(rcode=dns.rcode.NXDOMAIN), {}, "the server answers NXDOMAIN, expected NOERROR"),
        (answered(rcode=dns.rcode.NXDOMAIN), {"expect_rcode": "NXDOMAIN"}, ""),
        (answered("10.0.0.1", cut=True), {"expect": ("10.0.0.2",)}, ""),
    ],
    ids=["a record", "among two", "another", "none", "of another kind", "no name", "as hoped", "by TCP"],
)
async def test_an_answer_is_judged(answer, settings, note):
    assert note_of(await asked(answer, **settings)) == note


def of_others(*records: str) -> Answer:
    """An answer with records as they stand in a zone: name, TTL, class, kind and value."""

    def answer(query: dns.message.Message) -> list[bytes]:
        reply = dns.message.make_response(query)
        for name, ttl, value in (record.split(maxsplit=2) for record in records):
            reply.answer.append(dns.rrset.from_text(name, int(ttl), *value.split()))
        return [reply.to_wire()]

    return answer


@pytest.mark.parametrize(
    ("records", "note"),
    [
        (["other.example. 60 IN A 10.0.0.1"], "the name has no A record"),
        (["CENTRE.example. 60 IN A 10.0.0.1"], ""),
        (["centre.example. 60 IN CNAME www.example.", "www.example. 60 IN A 10.0.0.1"], ""),
        (["centre.example. 60 IN CNAME www.example.", "xyz.example. 60 IN A 10.0.0.1"], "the name has no A record"),
    ],
)
async def test_only_records_of_the_name_and_of_what_it_is_an_alias_of_count(records, note):
    assert note_of(await asked(of_others(*records))) == note


async def test_the_ttl_is_told_and_the_transcript_names_the_server():
    collected = await asked(answered("10.0.0.1"))
    assert [reading.value for reading in collected.readings] == [True, 300.0]
    assert collected.check is not None
    assert any("the server is 127.0.0.1" in line for line in collected.check.transcript)
    assert any("NOERROR: 10.0.0.1, ttl 300 s" in line for line in collected.check.transcript)


async def test_an_answer_to_another_question_is_passed_over():
    def answer(query: dns.message.Message) -> list[bytes]:
        other = dns.message.make_query("centre.example", "A", id=(query.id + 1) % 65536)
        return [*answered("10.9.9.9")(other), *answered("10.0.0.1")(query)]

    assert note_of(await asked(answer, expect=("10.0.0.1",))) == ""


def changed(raw: bytes, place: int, by: bytes) -> bytes:
    return raw[:place] + by + raw[place + len(by) :]


NOISE: dict[str, Callable[[dns.message.Message], bytes]] = {
    "noise": lambda query: b"noise",
    "its number only": lambda query: query.to_wire()[:2],
    "its head only": lambda query: query.to_wire()[:12],
    "the question itself": lambda query: query.to_wire(),
    "another number": lambda query: changed(answered("10.9.9.9")(query)[0], 0, b"\0\0"),
    "another name": lambda query: answered("10.9.9.9")(dns.message.make_query("b.example", "A", id=query.id))[0],
    "more records than there are": lambda query: changed(answered("10.9.9.9")(query)[0], 6, b"\0\xff"),
    "a name without an end": lambda query: answered("10.9.9.9")(query)[0][:40] + b"\xc0\x28" * 20,
    "an endless name": lambda query: changed(query.to_wire(), 2, b"\x81\x80\0\1\0\1") + b"\x3f" * 400,
}


@pytest.mark.parametrize("noise", NOISE.values(), ids=NOISE)
async def test_noise_ends_no_question_and_the_right_answer_that_follows_counts(noise):
    def answer(query: dns.message.Message) -> list[bytes]:
        return [noise(query), noise(query), *answered("10.0.0.1")(query)]

    found = await asked(answer, expect=("10.0.0.1",))
    assert note_of(found) == ""
    assert found.check is not None
    assert sum("passed over what is no answer to this question" in line for line in found.check.transcript) == 1


async def test_a_datagram_from_another_address_is_not_heard():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.2", 0))

        def answer(query: dns.message.Message) -> list[bytes]:
            stranger.sendto(answered("10.9.9.9")(query)[0], NameServer.asked_from)
            return answered("10.0.0.1")(query)

        assert note_of(await asked(answer, expect=("10.0.0.1",))) == ""


async def test_a_server_that_says_only_noise_is_given_up_in_time():
    note = note_of(await asked(lambda query: [b"noise"], patience=0.2))
    assert note == "no answer within 0.2 s, ended while waiting for the answer"


async def test_an_answer_of_thousands_of_records_is_not_read():
    """Each may have a name of a hundred parts to follow: 64 KiB took a second of processor."""
    note = note_of(await asked(lambda query: [changed(answered("10.0.0.1")(query)[0], 6, b"\1\xf5")]))
    assert note == "the answer has more than 500 records"


async def test_a_flood_of_what_is_no_answer_ends_the_probe():
    def answer(query: dns.message.Message) -> list[bytes]:
        other = dns.message.make_query("centre.example", "A", id=(query.id + 1) % 65536)
        return answered("10.9.9.9")(other) * 150

    assert note_of(await asked(answer)) == "100 datagrams came that are no answer to this question"


async def test_a_silent_server_is_given_up():
    note = note_of(await asked(lambda query: [], patience=0.2))
    assert note == "no answer within 0.2 s, ended while waiting for the answer"
