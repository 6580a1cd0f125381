"""Every kind of feed that is a page over a line that spoils the answer: the whole table, or a failure and no row."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from monitor.adapters.clock import SystemClock
from monitor.adapters.feeds import open_feed
from monitor.config.spec import AsOf, Column
from monitor.model.reading import Collected
from tests.contract import faults
from tests.contract.faults import Fault, Reader, Writer, proxy
from tests.contract.probe_tools import NOW, tools
from tests.contract.test_faulty_lines import HASTY, PATIENT
from tests.unit.feed_frames import CALENDAR, INDICATORS, UNITS, feed_spec, values
from tests.unit.workbooks import workbook

BODIES = {
    "json": b'{"rows": [' + b'{"code": "02143", "ratio": 5},' * 800 + b'{"code": "02143", "ratio": 5}]}',
    "csv": b"code,ratio\n" + b"02143,5\n" * 3000,
    "xlsx": workbook(("1", [("code", "ratio"), *(("02143", 5) for _ in range(2000))])),
    "prometheus": b'rate{code="02143"} 5\n' * 1000,
    "promql": b'{"status": "success", "data": {"resultType": "vector", "result": [{"metric": {"code": "02143"}, '
    b'"value": [1795237200, "5"]}]}}',
}
VALUES = {"promql": "q", "prometheus": "rate"}


async def asked(kind: str, fault: Fault, patience: float, *, framed: bool) -> Collected:
    """One poll; the end of an answer is told by its length, or by the end of the connection."""
    body = BODIES[kind]
    length = b"Content-Length: %d\r\n" % len(body) if framed else b""

    async def serve(reader: Reader, writer: Writer) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\n" + length + b"Connection: close\r\n\r\n" + body)
            await writer.drain()
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    target = server.sockets[0].getsockname()[1]
    async with proxy(target, fault) as port, tools() as used:
        column = Column("rate", VALUES.get(kind, "ratio"))
        spec = feed_spec(kind, column, url=f"http://127.0.0.1:{port}", timeout=patience, as_of=AsOf.FETCH)
        found = await open_feed(spec, used.fetcher, SystemClock(), CALENDAR, INDICATORS, UNITS).collect(NOW)
    server.close()
    return found


@pytest.mark.parametrize("framed", [True, False], ids=["by length", "by close"])
@pytest.mark.parametrize("kind", BODIES)
async def test_a_whole_answer_is_read(kind, framed):
    found = await asked(kind, faults.none, PATIENT, framed=framed)
    assert found.failure == "" and values(found) == {("02143", "rate"): 5.0}


@pytest.mark.parametrize("framed", [True, False], ids=["by length", "by close"])
@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("fault", [faults.delay, faults.black_hole, faults.drip, faults.half_close])
async def test_an_answer_that_does_not_come_to_its_end_in_time_is_a_failure(kind, fault, framed):
    found = await asked(kind, fault, HASTY, framed=framed)
    assert (found.readings, found.stage) == ((), "fetch") and found.failure


@pytest.mark.parametrize("framed", [True, False], ids=["by length", "by close"])
@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("fault", [faults.reset, faults.reset_midway])
async def test_an_answer_that_is_broken_off_is_a_failure_and_no_half_table(kind, fault, framed):
    found = await asked(kind, fault, PATIENT, framed=framed)
    assert (found.readings, found.stage) == ((), "fetch") and found.failure
