"""Thirty-four hostile answers and a good one: each ends as a value, in time, without reading more than its caps."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
import trustme
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.adapters.clock import SystemClock
from monitor.adapters.fetch import Failure, Fetcher, Request, Response
from monitor.adapters.guard import AddressGuard
from monitor.adapters.resolver import NameFailed
from monitor.config.allow import parse_allow
from tests.integration.hostile import (
    CAP,
    CASES,
    CSV,
    DEADLINE,
    GZ,
    HEAD,
    KERNEL_BUFFERS,
    MIB,
    PATIENT,
    Case,
    Peer,
    Stage,
    body,
    chunk,
    endless,
    raw,
    redirect_loop,
)
from tests.integration.hostile_client import HostileClient, Question
from tests.integration.hostile_tables import TABLES

pytestmark = pytest.mark.integration

SLACK = 1.5  # seconds a busy machine may add to a deadline before it counts as missed


class NoNames(AbstractResolver):
    """Knows no name, so that no answer can make the test ask a name server."""

    async def resolve(self, host: str, port: int = 0, family: object = None) -> list[ResolveResult]:
        raise NameFailed("domain name not found", real=True)

    async def close(self) -> None:
        return None


@asynccontextmanager
async def fetcher() -> AsyncIterator[Fetcher]:
    made = Fetcher(AddressGuard([parse_allow("127.0.0.0/8:*")], NoNames()), SystemClock())
    try:
        yield made
    finally:
        await made.close()


async def ask(stage: Stage, client: Fetcher, case: Case, seconds: float = DEADLINE) -> Response | Failure:
    url = f"http://user:s3cret@127.0.0.1:{stage.port}/feed?token=s3cret"
    request = Request(
        url, timeout=seconds, max_wire=case.max_wire, max_decoded=case.max_decoded, redirects=case.redirects
    )
    return await client.fetch(request)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
async def test_a_hostile_answer_ends_as_a_value_in_time_and_within_its_caps(case: Case) -> None:
    async with Stage(case.play).open() as stage, fetcher() as client:
        seconds = DEADLINE if "timeout" in case.kinds else PATIENT
        got = await ask(stage, client, case, seconds)
        assert got.elapsed < seconds + SLACK
        if case.kinds:
            assert isinstance(got, Failure), got
            assert got.kind in case.kinds
            assert "s3cret" not in got.detail
        else:
            assert isinstance(got, Response), got
            assert len(got.body) <= CAP
        await stage.finish()
        assert stage.sent < case.max_wire + KERNEL_BUFFERS


async def test_the_good_answer_arrives_whole_plain_chunked_and_packed() -> None:
    plain = body(CSV)
    chunked = raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(CSV[:100]) + chunk(CSV[100:]) + b"0\r\n\r\n")
    packed = body(gzip.compress(CSV), GZ)
    until_close = raw(HEAD + b"\r\n" + CSV)
    for play in (plain, chunked, packed, until_close):
        async with Stage(play).open() as stage, fetcher() as client:
            got = await ask(stage, client, Case("ok", play), seconds=PATIENT)
            assert isinstance(got, Response)
            assert (got.status, got.body, got.peer) == (200, CSV, "127.0.0.1")


async def test_a_body_that_ends_by_a_reset_is_not_taken_for_whole() -> None:
    async def play(peer: Peer) -> None:
        await peer.send(HEAD + b"\r\nhalf of it")
        await asyncio.sleep(0.05)
        peer.reset()

    async with Stage(play).open() as stage, fetcher() as client:
        got = await ask(stage, client, Case("reset", play), seconds=PATIENT)
    assert isinstance(got, Failure)
    assert got.kind == "cut"


async def test_hostile_peers_do_not_keep_a_good_one_from_being_read() -> None:
    silent, good = Stage(raw(b"", stay=True)), Stage(body(CSV))
    async with silent.open(), good.open(), fetcher() as client:
        stuck = [ask(silent, client, Case("silent", redirect_loop)) for _ in range(20)]
        fine = [ask(good, client, Case("good", redirect_loop), seconds=PATIENT) for _ in range(20)]
        answers = await asyncio.gather(*stuck, *fine)
    assert {got.kind for got in answers[:20] if isinstance(got, Failure)} == {"timeout"}
    assert all(isinstance(got, Response) for got in answers[20:])


async def test_a_server_that_never_reads_the_request_body_does_not_hold_the_client() -> None:
    async def play(peer: Peer) -> None:
        await asyncio.Event().wait()

    async with Stage(play).open() as stage, fetcher() as client:
        request = Request(f"http://127.0.0.1:{stage.port}/", method="POST", body=bytes(8 * MIB), timeout=DEADLINE)
        got = await client.fetch(request)
    assert isinstance(got, Failure)
    assert got.kind == "timeout"


HTTPISH = st.lists(
    st.sampled_from([
        b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 302 Found\r\n", b"HTTP/1.1 101 Up\r\n", b"HTTP/1.0 204 No\r\n", b"\r\n",
        b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n",
        b"Location: \xff//\r\n",
        b"Location: http://[::/\r\n", b"Content-Encoding: gzip\r\n", b"Set-Cookie: a=b\r\n", b"Upgrade: h2c\r\n",
        b"Connection: upgrade\r\n", b"3\r\nabc\r\n", b"0\r\n\r\n", gzip.compress(b"abc"), b"abc", b"\0", b"\xff\xfe",
    ]) | st.binary(max_size=40),
    max_size=12,
).map(b"".join)  # fmt: skip


@given(data=st.binary(max_size=300) | HTTPISH)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_bytes_as_an_answer_never_raise(data: bytes) -> None:
    async def once() -> Response | Failure:
        async with Stage(raw(data)).open() as stage, fetcher() as client:
            return await ask(stage, client, Case("random", redirect_loop, redirects=1))

    assert isinstance(asyncio.run(once()), Response | Failure)


LARGEST = (
    16.0  # MiB that one answer may cost beside what is kept of it; a feed's body alone may have 4, twice while joined
)
LARGEST_TABLE = 100.0  # MiB beside the body that a feed's reader may need for 4 MiB


@pytest.fixture(scope="module")
def hostile_client() -> Iterator[HostileClient]:
    with HostileClient() as client:
        yield client


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
@pytest.mark.parametrize("asked", ["probe", "fetch", "feed"])
async def test_a_hostile_answer_costs_little_memory(hostile_client: HostileClient, case: Case, asked: str) -> None:
    async with Stage(case.play).open() as stage:
        seconds = DEADLINE if "timeout" in case.kinds else PATIENT
        feed = "json" if asked == "feed" else ""
        question = Question(f"http://127.0.0.1:{stage.port}/", asked == "probe", seconds, case.redirects, feed)
        cost = await hostile_client.ask(question)
    assert cost.mib <= LARGEST
    assert cost.said or asked == "fetch"  # no hostile answer meets the condition, nor is one a table
    assert "broke" not in cost.said and "code failed" not in cost.said


@pytest.mark.nightly
@pytest.mark.parametrize("name", TABLES)
async def test_a_hostile_table_is_bounded_in_memory_and_one_clear_sentence(
    hostile_client: HostileClient, name: str
) -> None:
    kind, content = TABLES[name]
    async with Stage(body(content)).open() as stage:
        question = Question(f"http://127.0.0.1:{stage.port}/", probe=False, seconds=60.0, feed=kind)
        cost = await hostile_client.ask(question)
    assert cost.mib <= LARGEST_TABLE
    assert "broke its reader" not in cost.said


async def test_an_endless_body_over_tls_is_cut_off_too() -> None:
    authority, server, client = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    async with Stage(endless(HEAD + b"\r\n", bytes(MIB), 500)).open(server) as stage, fetcher() as asking:
        got = await asking.fetch(Request(f"https://127.0.0.1:{stage.port}/", max_wire=CAP, tls=client))
        await stage.finish()
    assert isinstance(got, Failure) and got.kind == "too-large"
    assert stage.sent < KERNEL_BUFFERS
