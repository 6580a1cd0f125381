"""Every kind of feed over a line that spoils the answer: one clear sentence in time, and no value of half an answer."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest

from monitor.adapters.feeds import open_feed
from monitor.config.spec import AsOf, Column, FeedSpec, Paging
from monitor.model.reading import Collected
from tests.contract import faults
from tests.contract.faults import Fault, Reader, Writer, proxy
from tests.contract.probe_tools import NOW, tools
from tests.unit.feed_frames import CALENDAR, INDICATORS, UNITS, feed_spec, values
from tests.unit.workbooks import workbook

HASTY, PATIENT = 0.3, 10.0  # seconds of a poll: where nothing comes; where something does, on a busy machine too
ROWS = b"02143,5\n" * 50
BODIES = {
    "json": b'{"rows": [' + b'{"code": "02143", "ratio": 5},' * 50 + b'{"code": "02143", "ratio": 5}]}',
    "json in pages": b'{"pages": 1, "rows": [{"code": "02143", "ratio": 5}]}',
    "csv": b"code,ratio\n" + ROWS,
    "xlsx": workbook(("1", [("code", "ratio"), ("02143", 5)])),
    "prometheus": b'rate{code="02143"} 5\n' * 50,
    "promql": b'{"status": "success", "data": {"resultType": "vector", "result": '
    b'[{"metric": {"code": "02143"}, "value": [1795237200, "5"]}]}}',
}
KINDS = tuple(BODIES)


def spec_of(kind: str, port: int, patience: float) -> FeedSpec:
    value = {"promql": "a_query", "prometheus": "rate"}.get(kind, "ratio")
    sort, url = kind.partition(" ")[0], f"http://127.0.0.1:{port}/?page={{page}}"
    spec = feed_spec(sort, Column("rate", value), url=url, timeout=patience, as_of=AsOf.FETCH)
    return replace(spec, paging=Paging(pages="pages")) if kind == "json in pages" else spec


async def asked(kind: str, fault: Fault, patience: float, *, length: bool = True) -> Collected:
    """A poll of a feed whose server stands behind a faulty line; an answer has its `length`, or ends with the line."""
    body = BODIES[kind]
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + (b"Content-Length: %d\r\n" % len(body) if length else b"")

    async def serve(reader: Reader, writer: Writer) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head + b"\r\n" + body)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with asyncio.timeout(60), proxy(server.sockets[0].getsockname()[1], fault) as port, tools() as used:
        feed = open_feed(spec_of(kind, port, patience), used.fetcher, used.clock, CALENDAR, INDICATORS, UNITS)
        collected = await feed.collect(NOW)
    server.close()
    assert bool(collected.failure) != bool(collected.readings)
    return collected


def _name(fault: Fault) -> str:
    return str(getattr(fault, "__name__", fault))


@pytest.mark.parametrize("length", [True, False], ids=["with its length", "to the end of the line"])
@pytest.mark.parametrize("fault", [faults.none, faults.in_pieces], ids=_name)
@pytest.mark.parametrize("kind", KINDS)
async def test_what_arrives_whole_is_read(kind: str, fault: Fault, length: bool) -> None:
    assert values(await asked(kind, fault, PATIENT, length=length)) == {("02143", "rate"): 5.0}


@pytest.mark.parametrize("fault", [faults.delay, faults.black_hole, faults.drip], ids=_name)
@pytest.mark.parametrize("kind", KINDS)
async def test_what_does_not_arrive_in_time_is_a_failure_at_the_fetch(kind: str, fault: Fault) -> None:
    collected = await asked(kind, fault, HASTY)
    assert collected.stage == "fetch" and "timeout: no complete answer within" in collected.failure
    assert collected.duration >= HASTY / 2


CUT, SHORT = "cut: the connection ", "truncated: the body is shorter than announced"
BROKEN: dict[Fault, str] = {
    faults.reset: CUT,
    faults.reset_midway: SHORT,
    faults.half_close: CUT,
    faults.truncated: SHORT,
    faults.noise: "protocol: the answer is not valid HTTP",
}


@pytest.mark.parametrize("fault", BROKEN, ids=_name)
@pytest.mark.parametrize("kind", KINDS)
async def test_what_arrives_broken_is_one_failure_at_the_fetch(kind: str, fault: Fault) -> None:
    collected = await asked(kind, fault, PATIENT)
    said = CUT if kind == "json in pages" and BROKEN[fault] is SHORT else BROKEN[fault]  # cut within the head
    assert collected.stage == "fetch" and said in collected.failure


@pytest.mark.parametrize("kind", KINDS)
async def test_half_an_answer_without_its_length_is_no_whole_one_when_the_line_is_reset(kind: str) -> None:
    assert CUT in (await asked(kind, faults.reset_midway, PATIENT, length=False)).failure
