"""A request that is no HTTP is answered as every other mistake is, and what it said is kept out of the log."""

from __future__ import annotations

import json
import logging

from monitor.web.headers import HEADERS
from tests.unit.test_web_patience import connected
from tests.unit.web_site import running, site

SECRET = b"secret-of-the-operator"
BROKEN = b"GET /api/v1/units HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization : Bearer operator-1." + SECRET + b"\r\n\r\n"


async def answered() -> bytes:
    async with running(site()) as world, connected(world, BROKEN) as reader:
        return await reader.read()  # to the end: the connection is closed


async def test_the_token_in_it_is_neither_logged_nor_sent_back(caplog):
    caplog.set_level(logging.DEBUG)
    answer = await answered()
    logged = [record.getMessage() + str(record.exc_info) for record in caplog.records]
    assert any("could not be read" in line for line in logged)
    assert not any(SECRET.decode() in line for line in logged)
    assert SECRET not in answer


async def test_it_gets_a_problem_document_and_is_told_no_version():
    head, _, body = (await answered()).partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    sent = dict(line.split(": ", 1) for line in lines)
    assert " 400 " in first and sent["Content-Type"].startswith("application/problem+json")
    assert {name: sent.get(name) for name in HEADERS} == {**HEADERS}
    assert json.loads(body)["status"] == 400 and b"aiohttp" not in head + body
