"""Webhooks through a real worker to a real HTTP server on the loopback, friendly and hostile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from monitor.adapters.clock import SystemClock
from monitor.adapters.transports.pool import Pool
from monitor.adapters.transports.webhook import WebhookTransport
from monitor.model.incident import Outcome, Receipt
from tests.integration.posts import (
    HURRIED,
    LOOPBACK,
    NOTICE,
    PATIENT,
    SLACK,
    HttpServer,
    Play,
    Shelf,
    answer,
    drip,
    gone,
    http_server,
    new_pool,
    shelf,
    silence,
    transport,
)

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

MIB = 1024 * 1024
OK = b"HTTP/1.1 200 OK\r\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def workers() -> AsyncIterator[Shelf]:
    async with shelf() as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def pool(workers: Shelf) -> AsyncIterator[Pool]:
    made = workers.pool("trial", 2, LOOPBACK, SystemClock())
    yield made
    await made.close()


@pytest_asyncio.fixture(loop_scope="module")
async def http() -> AsyncIterator[HttpServer]:
    async with http_server() as server:
        yield server


async def post(pool: Pool, http: HttpServer, path: str = "/gateway", deadline: float = PATIENT) -> Receipt:
    url = f"json://127.0.0.1:{http.port}{path}"
    hook = transport(WebhookTransport, url, pool=pool, deadline=deadline)
    async with asyncio.timeout(deadline + SLACK):
        return await hook.send(NOTICE, attempt=2, maybe_sent=True)


# -- what arrives ------------------------------------------------------------------------------------------------


async def test_a_gateway_gets_the_whole_notice_and_nothing_else(pool, http):
    assert await post(pool, http) == Receipt(Outcome.SENT, "HTTP 200")
    ((first, headers, body),) = http.requests
    assert first == "POST /gateway HTTP/1.1"
    assert headers["idempotency-key"] == NOTICE.key
    assert headers["content-type"] == "application/json"
    assert body == {
        "key": NOTICE.key,
        "ref": "S10234",
        "unit": "00010",
        "kind": "outage",
        "recipient": "focal",
        "subject": NOTICE.subject,
        "body": NOTICE.body,
        "sms": NOTICE.sms,
        "attempt": 2,
        "maybe_sent": True,
    }


async def test_the_url_may_add_fields_headers_and_a_login_of_its_own(pool, http):
    hook = transport(
        WebhookTransport, f"json://denbao:p%40ss@127.0.0.1:{http.port}/in?:brand=UBND&+X-Region=19", pool=pool
    )
    assert (await hook.send(NOTICE, attempt=1, maybe_sent=False)).outcome is Outcome.SENT
    ((_, headers, body),) = http.requests
    assert (body["brand"], headers["x-region"]) == ("UBND", "19")
    assert headers["authorization"] == "Basic ZGVuYmFvOnBAc3M="


async def test_an_address_in_the_url_is_filled_in_at_send_time_and_cannot_leave_its_place(pool, http):
    url = f"json://127.0.0.1:{http.port}/chat/{{address}}/messages"
    hook = transport(WebhookTransport, url, pool=pool, address="42?x=1#/../admin")
    assert (await hook.send(NOTICE, attempt=1, maybe_sent=False)).outcome is Outcome.SENT
    assert http.requests[0][0].startswith("POST /chat/42")
    assert "?x" not in http.requests[0][0] and "/admin " not in http.requests[0][0]


async def test_a_recipient_without_the_address_that_the_url_wants_is_refused_and_nothing_starts(pool, http):
    url = f"json://127.0.0.1:{http.port}/chat/{{address}}"
    hook = transport(WebhookTransport, url, pool=pool, address=None)
    assert await hook.send(NOTICE, attempt=1, maybe_sent=False) == Receipt(Outcome.REFUSED, "no address")
    assert pool.pids == frozenset()


# -- what becomes of it ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("play", "receipt"),
    [
        (answer(201), Receipt(Outcome.SENT, "HTTP 201")),
        (answer(400), Receipt(Outcome.REFUSED, "HTTP 400")),
        (answer(401), Receipt(Outcome.REFUSED, "HTTP 401")),
        (answer(404), Receipt(Outcome.REFUSED, "HTTP 404")),
        (answer(408), Receipt(Outcome.TRY_AGAIN, "HTTP 408")),
        (answer(425), Receipt(Outcome.TRY_AGAIN, "HTTP 425")),
        (answer(429, "Retry-After: 37"), Receipt(Outcome.TRY_AGAIN, "HTTP 429", 37.0)),
        (answer(500), Receipt(Outcome.TRY_AGAIN, "HTTP 500")),
        (
            answer(503, "Date: Fri, 20 Nov 2026 05:00:00 GMT", "Retry-After: Fri, 20 Nov 2026 05:01:30 GMT"),
            Receipt(Outcome.TRY_AGAIN, "HTTP 503", 90.0),
        ),
        (answer(503, "Retry-After: soon"), Receipt(Outcome.TRY_AGAIN, "HTTP 503")),
    ],
)
async def test_the_gateway_says_what_became_of_it(pool, http, play, receipt):
    http.play = play
    assert await post(pool, http) == receipt


async def test_a_redirect_is_not_followed_even_if_the_url_asks_for_it(pool, http):
    async with http_server() as elsewhere:
        http.play = answer(307, f"Location: http://127.0.0.1:{elsewhere.port}/spy")
        receipt = await post(pool, http, "/gateway?redirect=yes")
        assert receipt == Receipt(Outcome.TRY_AGAIN, "HTTP 307")
        assert elsewhere.requests == []


async def test_a_gateway_that_hangs_up_without_an_answer_leaves_it_unknown(pool, http):
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    http.play = hang_up
    assert await post(pool, http) == Receipt(Outcome.UNKNOWN, "no answer to the message")


async def test_a_gateway_that_is_not_there_is_tried_again(pool, http):
    receipt = await transport(WebhookTransport, "json://127.0.0.1:1/", pool=pool).send(
        NOTICE, attempt=1, maybe_sent=False
    )
    assert receipt == Receipt(Outcome.TRY_AGAIN, "could not be reached")


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "slack://a/b/c", "syslog://", "http://127.0.0.1/", "json:///", "jsons", "", "json://["],
)
async def test_any_other_address_is_refused_or_waits_for_the_admin(pool, http, url):
    receipt = await transport(WebhookTransport, url, pool=pool).send(NOTICE, attempt=1, maybe_sent=False)
    assert receipt.outcome is Outcome.REFUSED


# -- hostile -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "play",
    [
        silence,
        drip(b"", b"H"),
        drip(OK, b"X"),
        drip(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["never answers", "drips a status line", "drips a header", "100 for ever"],
)
async def test_an_answer_that_never_comes_ends_at_the_deadline_as_unknown(pool, http, play):
    await post(pool, http)
    http.play = play
    assert (await post(pool, http, deadline=HURRIED)).outcome is Outcome.UNKNOWN
    http.play = answer(200)
    assert (await post(pool, http)).outcome is Outcome.SENT


async def test_a_body_that_drips_for_ever_costs_one_worker_and_no_more_than_the_deadline(pool, http):
    await post(pool, http)
    before = pool.pids
    http.play = drip(OK + b"Content-Length: 1000000\r\n\r\n")
    receipt = await post(pool, http, deadline=HURRIED)
    assert receipt.outcome in (Outcome.SENT, Outcome.UNKNOWN)  # the status said 200; unknown if it had to be killed
    assert all([await gone(pid) for pid in before])
    http.play = answer(200)
    assert (await post(pool, http)).outcome is Outcome.SENT


def flood(status: bytes) -> Play:
    """An answer of 300 MB."""

    async def play(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: %d\r\n\r\n" % (300 * MIB))
        for _i in range(300):
            writer.write(bytes(MIB))
            await writer.drain()

    return play


@pytest.mark.parametrize(("status", "outcome"), [(b"200 OK", Outcome.SENT), (b"503 No", Outcome.TRY_AGAIN)])
async def test_an_answer_of_300_megabytes_stops_at_the_workers_cap_and_harms_nobody(pool, http, status, outcome):
    await post(pool, http)
    (pid,) = pool.pids
    cap = address_space(pid)
    assert 256 * MIB < cap < 512 * MIB
    http.play = flood(status)
    assert (await post(pool, http)).outcome is outcome
    http.play = answer(200)
    assert (await post(pool, http)).outcome is Outcome.SENT


def address_space(pid: int) -> int:
    """Cap on the address space of a process, in bytes."""
    (line,) = (one for one in Path(f"/proc/{pid}/limits").read_text().splitlines() if "address space" in one)
    return int(line.split()[3])


async def test_four_stuck_sends_leave_the_other_channels_workers_alone(http):
    stuck, free = new_pool(size=2), new_pool()
    await post(free, http)
    http.play = silence
    waiting = [asyncio.create_task(post(stuck, http)) for _ in range(4)]
    while len(http.requests) < 3:  # noqa: ASYNC110 (until the two workers of the stuck channel are at it)
        await asyncio.sleep(0.01)
    http.play = answer(200)
    assert (await post(free, http)).outcome is Outcome.SENT
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await stuck.close()
    await free.close()
    assert stuck.pids == free.pids == frozenset()


async def test_a_gateway_on_a_private_address_is_not_dialled_unless_allowed(http):
    for allow in ((), (f"127.0.0.0/8:{http.port + 1 if http.port < 65535 else 1}",)):
        guarded = transport(WebhookTransport, f"json://127.0.0.1:{http.port}/", allow=allow)
        receipt = await guarded.send(NOTICE, attempt=1, maybe_sent=False)
        await guarded.close()
        assert receipt.outcome is Outcome.REFUSED and receipt.detail.startswith("not dialled: loopback address")
    assert http.requests == []


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]", "0.0.0.0"])
async def test_another_spelling_of_the_loopback_does_not_get_past_the_guard(http, host):
    guarded = transport(WebhookTransport, f"json://{host}:{http.port}/", allow=())
    receipt = await guarded.send(NOTICE, attempt=1, maybe_sent=False)
    await guarded.close()
    assert receipt.outcome in (Outcome.REFUSED, Outcome.TRY_AGAIN)
    assert http.requests == []
