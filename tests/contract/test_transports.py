"""What every transport promises: a receipt, in time, never an exception, and an end that leaves nothing running."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from monitor.adapters.clock import SystemClock
from monitor.adapters.transports.email import EmailTransport
from monitor.adapters.transports.log import LogTransport
from monitor.adapters.transports.pool import Pool
from monitor.adapters.transports.webhook import WebhookTransport
from monitor.adapters.transports.worker import Worker
from monitor.model.incident import Outcome, Receipt
from monitor.ports import Transport
from tests.integration.posts import (
    HURRIED,
    NOTICE,
    SLACK,
    HttpServer,
    MailServer,
    http_server,
    mail_server,
    new_pool,
    silence,
    transport,
)

KINDS = [
    "log",
    pytest.param("email", marks=pytest.mark.integration),
    pytest.param("webhook", marks=pytest.mark.integration),
]
POSTING = [kind for kind in KINDS if kind != "log"]


class Bench:
    """One transport of a kind, with a receiver that can be made to work, to stay silent or to be away."""

    def __init__(self, kind: str, mail: MailServer, http: HttpServer) -> None:
        self.kind = kind
        self.mail = mail
        self.http = http
        self.pool = new_pool()
        self.blocks: list[str] = []
        self.made: list[Transport] = []

    def open(self, *, deadline: float = 14.0, away: bool = False) -> Transport:
        if self.kind == "log":
            made: Transport = LogTransport("log", {"focal": "Đầu mối xã Văn Lang"}, self.blocks.append)
        elif self.kind == "email":
            url = self.mail.url.replace(str(self.mail.port), "1") if away else self.mail.url
            made = transport(EmailTransport, url, pool=self.pool, deadline=deadline)
        else:
            url = f"json://127.0.0.1:{1 if away else self.http.port}/"
            made = transport(WebhookTransport, url, pool=self.pool, deadline=deadline)
        self.made.append(made)
        return made

    def fall_silent(self) -> None:
        self.mail.data_reply = None
        self.http.play = silence

    @property
    def arrived(self) -> int:
        return len(self.blocks) + len(self.mail.mails) + len(self.http.requests)


@pytest.fixture(params=KINDS)
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    async with mail_server() as mail, http_server() as http:
        made = Bench(request.param, mail, http)
        yield made
        for one in made.made:
            await one.close()


async def test_a_message_that_went_is_called_sent(bench):
    receipt = await bench.open().send(NOTICE, attempt=1, maybe_sent=False)
    assert (receipt.outcome, bench.arrived) == (Outcome.SENT, 1)


async def test_it_has_exactly_the_methods_of_the_port(bench):
    made = bench.open()
    for name in ("send", "close"):
        assert inspect.signature(getattr(made, name)).parameters.keys() == {
            parameter for parameter in inspect.signature(getattr(Transport, name)).parameters if parameter != "self"
        }


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "", "sms": ""},
        {"subject": "x" * 10_000, "body": "đ" * 200_000},
        {"subject": "a\r\nBcc: b@c.example\r\n", "key": "\r\nX: y", "ref": "\n"},
        {"body": "\x00\x1b[2J\u202e", "recipient": "ai đó", "key": "đ/ơ/ư %0d%0a"},
        {"body": "\ud800", "subject": "\udfff", "sms": "\ud800", "key": "\ud800"},
    ],
    ids=["empty", "long", "line breaks", "controls", "lone surrogates"],
)
async def test_no_text_makes_it_raise(bench, changes):
    receipt = await bench.open().send(replace(NOTICE, **changes), attempt=1, maybe_sent=True)
    assert isinstance(receipt, Receipt)
    assert (await bench.open().send(NOTICE, attempt=1, maybe_sent=False)).outcome is Outcome.SENT


async def test_sends_at_the_same_time_do_not_mix(bench):
    made = bench.open()
    receipts = await asyncio.gather(*[made.send(NOTICE, attempt=n, maybe_sent=False) for n in range(1, 7)])
    assert [receipt.outcome for receipt in receipts] == [Outcome.SENT] * 6
    assert bench.arrived == 6


async def test_it_can_be_closed_twice_and_before_its_first_use(bench):
    made = bench.open()
    await made.close()
    await made.send(NOTICE, attempt=1, maybe_sent=False)
    await made.close()
    await made.close()
    assert bench.pool.pids == frozenset()


@pytest.mark.parametrize("bench", POSTING, indirect=True)
async def test_a_receiver_that_is_away_is_tried_again(bench):
    receipt = await bench.open(away=True).send(NOTICE, attempt=1, maybe_sent=False)
    assert receipt.outcome is Outcome.TRY_AGAIN


@pytest.mark.parametrize("bench", POSTING, indirect=True)
async def test_a_receiver_that_says_nothing_ends_unknown_at_the_deadline(bench):
    await bench.open().send(NOTICE, attempt=1, maybe_sent=False)
    bench.fall_silent()
    async with asyncio.timeout(HURRIED + SLACK):
        receipt = await bench.open(deadline=HURRIED).send(NOTICE, attempt=1, maybe_sent=False)
    assert receipt.outcome is Outcome.UNKNOWN


async def on_the_wire(bench: Bench) -> tuple[Transport, asyncio.Task[Receipt]]:
    """A second send that its receiver has heard and does not answer."""
    made = bench.open()
    await made.send(NOTICE, attempt=1, maybe_sent=False)
    bench.fall_silent()
    sending = asyncio.create_task(made.send(NOTICE, attempt=2, maybe_sent=False))
    while bench.arrived < 2:  # noqa: ASYNC110 (until the receiver has it)
        await asyncio.sleep(0.01)
    return made, sending


@pytest.mark.parametrize("bench", POSTING, indirect=True)
async def test_a_send_that_is_cut_off_takes_its_worker_with_it(bench):
    made, sending = await on_the_wire(bench)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await made.close()
    assert bench.pool.pids == frozenset()


@pytest.mark.parametrize("bench", POSTING, indirect=True)
async def test_closing_ends_what_is_on_the_wire_as_unknown(bench):
    made, sending = await on_the_wire(bench)
    await made.close()
    assert (await sending).outcome is Outcome.UNKNOWN


# -- workers that do not work, without Apprise -------------------------------------------------------------------


def script(code: str) -> tuple[str, ...]:
    """A worker of a few lines of shell."""
    return ("/bin/sh", "-c", code)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("exit 3", Outcome.TRY_AGAIN),
        ("exec sleep 60", Outcome.TRY_AGAIN),
        ("read hello; echo '{}'; read job; echo nonsense", Outcome.UNKNOWN),
        ("read hello; echo '{}'; read job; echo '[]'", Outcome.UNKNOWN),
        ("read hello; echo '{}'; read job; exit 0", Outcome.UNKNOWN),
        ("read hello; echo '{}'; read job; exec sleep 60", Outcome.UNKNOWN),
        ("read hello; echo '{}'; read job; exec tr '\\0' x < /dev/zero", Outcome.UNKNOWN),
        ("read hello; echo '{}'; read job; exec tr '\\0' x < /dev/zero >&2", Outcome.UNKNOWN),
    ],
)
async def test_a_broken_worker_ends_as_a_receipt_in_time(code, outcome):
    pool = Pool("trial", 1, (), SystemClock(), script(code))
    made = transport(WebhookTransport, "json://127.0.0.1/", pool=pool, deadline=0.5)
    async with asyncio.timeout(0.5 + SLACK):
        assert (await made.send(NOTICE, attempt=1, maybe_sent=False)).outcome is outcome
    await made.close()
    assert pool.pids == frozenset()


@pytest.mark.integration
async def test_a_worker_that_floods_its_output_unread_is_gone_when_it_was_killed():
    worker = Worker("trial", (), script("read hello; echo '{}'; exec tr '\\0' x < /dev/zero"))
    await worker.ready()
    while not flooded(worker):  # noqa: ASYNC110 (until nobody reads on, which is when its end goes unseen)
        await asyncio.sleep(0.001)
    async with asyncio.timeout(SLACK):
        await worker.kill()
    assert worker.pid is None


def flooded(worker: Worker) -> bool:
    process = worker._process
    assert process is not None and process.stdout is not None
    return process.stdout._paused  # type: ignore[attr-defined, no-any-return]


@pytest.mark.integration
async def test_a_worker_is_killed_with_what_it_started():
    worker = Worker("trial", (), script("read hello; sleep 600 & echo '{}'; read job"))
    await worker.ready()
    async with asyncio.timeout(SLACK):
        await worker.kill()
    assert worker.pid is None


async def test_a_worker_that_cannot_be_started_is_tried_again():
    pool = Pool("trial", 1, (), SystemClock(), ("/nonexistent/python",))
    made = transport(WebhookTransport, "json://127.0.0.1/", pool=pool)
    receipt = await made.send(NOTICE, attempt=1, maybe_sent=False)
    await made.close()
    assert receipt.outcome is Outcome.TRY_AGAIN


@pytest.mark.integration
async def test_a_slow_start_goes_on_for_the_next_notice_instead_of_beginning_anew():
    pool = Pool("trial", 1, (), SystemClock(), script("exec sleep 60"))
    made = transport(WebhookTransport, "json://127.0.0.1/", pool=pool, deadline=0.3)
    await made.send(NOTICE, attempt=1, maybe_sent=False)
    before = pool.pids
    await made.send(NOTICE, attempt=2, maybe_sent=False)
    assert pool.pids == before and len(before) == 1
    await made.close()


@pytest.mark.integration
async def test_a_notice_for_which_no_worker_is_free_in_time_is_tried_again():
    pool = Pool("trial", 1, (), SystemClock(), script("read hello; echo '{}'; read job; exec sleep 60"))
    patient = transport(WebhookTransport, "json://127.0.0.1/", pool=pool, deadline=14)
    hurried = transport(WebhookTransport, "json://127.0.0.1/", pool=pool, deadline=0.2)
    first = asyncio.create_task(patient.send(NOTICE, attempt=1, maybe_sent=False))
    await asyncio.sleep(0)
    assert await hurried.send(NOTICE, attempt=1, maybe_sent=False) == Receipt(Outcome.TRY_AGAIN, "all workers are busy")
    await patient.close()
    assert (await first).outcome in (Outcome.UNKNOWN, Outcome.TRY_AGAIN)


# -- the log -----------------------------------------------------------------------------------------------------


async def test_the_log_shows_the_very_text_an_official_would_get(bench_of_log):
    log, blocks = bench_of_log
    await log.send(NOTICE, attempt=2, maybe_sent=True)
    (block,) = blocks
    assert "log -> Đầu mối xã Văn Lang (focal) | ref S10234 | attempt 2 | may have been sent before\n" in block
    assert f"Subject: {NOTICE.subject}\n\n{NOTICE.body}\n" in block
    assert f"SMS ({len(NOTICE.sms)} characters): {NOTICE.sms}\n" in block


@pytest.fixture
def bench_of_log() -> tuple[LogTransport, list[str]]:
    blocks: list[str] = []
    return LogTransport("log", {"focal": "Đầu mối xã Văn Lang"}, blocks.append), blocks


async def test_a_log_that_cannot_be_written_is_tried_again():
    def broken(_: str) -> None:
        raise BrokenPipeError

    receipt = await LogTransport("log", {}, broken).send(NOTICE, attempt=1, maybe_sent=False)
    assert receipt == Receipt(Outcome.TRY_AGAIN, "cannot be written: BrokenPipeError")


async def test_without_a_writer_the_log_goes_to_standard_output(capsys):
    await LogTransport("log", {}).send(NOTICE, attempt=1, maybe_sent=False)
    assert NOTICE.subject in capsys.readouterr().out
