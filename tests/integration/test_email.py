"""Email through a real worker to a real SMTP server on the loopback."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from monitor.adapters.clock import SystemClock
from monitor.adapters.shelf import FolderShelf
from monitor.adapters.transports.email import EmailTransport
from monitor.adapters.transports.pool import Pool
from monitor.model.incident import Outcome, Receipt, reference
from tests.integration.posts import (
    ADDRESS,
    HURRIED,
    LOOPBACK,
    NOTICE,
    PASSWORD,
    SLACK,
    MailServer,
    Shelf,
    drip,
    exposed,
    gone,
    http_server,
    mail_server,
    missed,
    new_pool,
    shelf,
    transport,
)

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


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
async def mail() -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        yield server


async def send(pool: Pool, mail: MailServer, **changes) -> Receipt:
    return await transport(EmailTransport, mail.url, pool=pool).send(
        replace(NOTICE, **changes), attempt=1, maybe_sent=False
    )


# -- what arrives ------------------------------------------------------------------------------------------------


async def test_an_official_gets_subject_and_body_letter_by_letter(pool, mail):
    assert await send(pool, mail) == Receipt(Outcome.SENT, "SMTP 250")
    (letter,) = mail.mails
    assert letter["Subject"] == NOTICE.subject
    assert letter.get_content_type() == "multipart/alternative"
    text, html = letter.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert text.get_content().replace("\r\n", "\n").rstrip("\n") == NOTICE.body
    assert "&lt;b&gt;không&lt;/b&gt;" in html.get_content() and "<b>" not in html.get_content()
    assert letter["From"] == "Đèn báo <denbao@tinh.example>"
    assert letter["To"] == ADDRESS
    assert mail.recipients == [[ADDRESS]]


async def test_every_attempt_carries_the_same_key_and_message_id_and_its_own_number(pool, mail):
    post = transport(EmailTransport, mail.url, pool=pool)
    await post.send(NOTICE, attempt=1, maybe_sent=False)
    await post.send(NOTICE, attempt=2, maybe_sent=True)
    first, second = mail.mails
    assert first.get_all("Message-ID") == second.get_all("Message-ID") and len(first.get_all("Message-ID")) == 1
    assert first["X-Denbao-Key"] == second["X-Denbao-Key"] == NOTICE.key
    assert first["X-Denbao-Ref"] == "S10234"
    assert (first["X-Denbao-Attempt"], second["X-Denbao-Attempt"]) == ("1", "2")
    assert (first["X-Denbao-Maybe-Sent"], second["X-Denbao-Maybe-Sent"]) == (None, "yes")
    assert first["Auto-Submitted"] == "auto-generated"


async def test_all_messages_of_an_incident_are_one_conversation(pool, mail):
    await send(pool, mail)
    await send(pool, mail, key="i/recovery", kind="recovered")
    await send(pool, mail, incident="another", key="another")
    first, second, other = (letter["References"] for letter in mail.mails)
    assert first == second != other
    assert [letter["In-Reply-To"] for letter in mail.mails] == [first, second, other]
    assert len({letter["Message-ID"] for letter in mail.mails}) == 3


async def test_only_addresses_of_the_web_become_links(pool, mail):
    body = "Xem https://board.example/units/00010?a=1&b=2. Không: javascript:alert(1) <a href='x'>y</a>"
    await send(pool, mail, body=body)
    (_, html) = mail.mails[0].iter_parts()
    page = html.get_content()
    assert '<a href="https://board.example/units/00010?a=1&amp;b=2"' in page
    assert page.count("<a ") == 1


async def test_two_notices_differ_in_their_message_id(pool, mail):
    await send(pool, mail)
    await send(pool, mail, key="another")
    assert mail.mails[0]["Message-ID"] != mail.mails[1]["Message-ID"]


async def test_a_subject_and_a_key_cannot_smuggle_in_a_header_or_a_recipient(pool, mail):
    await send(
        pool, mail, subject="Đỏ\r\nBcc: spy@evil.example\r\n\r\nnew body", key="a\r\nX-Evil: 1\r\n", ref="r\nX: 1"
    )
    (letter,) = mail.mails
    assert letter["Bcc"] is None and letter["X-Evil"] is None and letter["X"] is None
    assert letter["Subject"] == "Đỏ Bcc: spy@evil.example new body"
    assert mail.recipients == [[ADDRESS]]


@pytest.mark.parametrize(
    "address", ["a@x.example,b@y.example", "a@x.example b@y.example", "nobody", "a@x\r\nRCPT TO:<b>"]
)
async def test_what_is_not_exactly_one_address_is_refused_and_nobody_gets_it(pool, mail, address):
    post = transport(EmailTransport, mail.url, pool=pool, address=address)
    receipt = await post.send(NOTICE, attempt=1, maybe_sent=False)
    assert receipt.outcome is Outcome.REFUSED
    assert mail.recipients == []


async def test_options_of_the_url_bring_no_copies_no_retries_and_no_second_recipient(pool, mail):
    mail.recipient_reply = "451 later"
    url = mail.url + "&cc=a@x.example&bcc=b@y.example&to=c@z.example&retry=5&optional=yes&pgp=sign&wkd=yes"
    post = transport(EmailTransport, url, pool=pool)
    assert (await post.send(NOTICE, attempt=1, maybe_sent=False)).outcome is Outcome.TRY_AGAIN
    mail.recipient_reply = "250 OK"
    assert (await post.send(NOTICE, attempt=2, maybe_sent=False)).outcome is Outcome.SENT
    assert mail.recipients == [[ADDRESS]]


async def test_a_url_that_names_its_mailbox_itself_needs_no_address(pool, mail):
    url = mail.url.replace("{address}", "truc%40tinh.example")
    post = transport(EmailTransport, url, pool=pool, address=None)
    assert (await post.send(NOTICE, attempt=1, maybe_sent=False)).outcome is Outcome.SENT
    assert mail.recipients == [["truc@tinh.example"]]


# -- what becomes of it ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "receipt"),
    [
        ("550 5.1.1 no such user van.thu", Receipt(Outcome.REFUSED, "SMTP 550 5.1.1")),
        ("553 not here", Receipt(Outcome.REFUSED, "SMTP 553")),
        ("451 4.7.1 greylisted", Receipt(Outcome.TRY_AGAIN, "SMTP 451 4.7.1")),
        ("421 closing", Receipt(Outcome.TRY_AGAIN, "SMTP 421")),
    ],
)
async def test_the_server_speaks_about_the_recipient(pool, mail, reply, receipt):
    mail.recipient_reply = reply
    assert await send(pool, mail) == receipt


@pytest.mark.parametrize(
    ("reply", "receipt"),
    [
        ("554 5.7.1 looks like spam", Receipt(Outcome.REFUSED, "SMTP 554 5.7.1")),
        ("452 4.3.1 disk full", Receipt(Outcome.TRY_AGAIN, "SMTP 452 4.3.1")),
    ],
)
async def test_the_server_speaks_about_the_message(pool, mail, reply, receipt):
    mail.data_reply = reply
    assert await send(pool, mail) == receipt


async def test_a_server_that_is_not_there_is_tried_again(pool, mail):
    url = mail.url.replace(str(mail.port), "1")
    receipt = await transport(EmailTransport, url, pool=pool).send(NOTICE, attempt=1, maybe_sent=False)
    assert receipt == Receipt(Outcome.TRY_AGAIN, "could not be reached")


async def test_a_server_that_takes_the_message_and_says_nothing_leaves_it_unknown(pool, mail):
    await send(pool, mail)
    mail.data_reply = None
    hurried = transport(EmailTransport, mail.url, pool=pool, deadline=HURRIED)
    async with asyncio.timeout(HURRIED + SLACK):
        receipt = await hurried.send(NOTICE, attempt=1, maybe_sent=False)
    assert receipt.outcome is Outcome.UNKNOWN


async def test_a_server_that_greets_for_ever_costs_one_worker_and_no_more_than_the_deadline(pool, mail):
    await send(pool, mail)
    before = pool.pids
    async with http_server(drip(b"220-wait\r\n", b"220-wait\r\n"), speaks_first=True) as mute:
        url = mail.url.replace(str(mail.port), str(mute.port))
        hurried = transport(EmailTransport, url, pool=pool, deadline=HURRIED)
        async with asyncio.timeout(HURRIED + SLACK):
            receipt = await hurried.send(NOTICE, attempt=1, maybe_sent=False)
        assert receipt.outcome in (Outcome.TRY_AGAIN, Outcome.UNKNOWN)  # the latter if it had to be killed
        assert all([await gone(pid) for pid in before])  # its thread would have listened for ever


async def test_a_worker_that_hangs_is_killed_at_the_deadline_and_replaced(pool, mail):
    await send(pool, mail)
    (hung,) = pool.pids
    os.kill(hung, signal.SIGSTOP)
    hurried = transport(EmailTransport, mail.url, pool=pool, deadline=HURRIED)
    async with asyncio.timeout(HURRIED + SLACK):
        assert await hurried.send(NOTICE, attempt=1, maybe_sent=False) == Receipt(Outcome.UNKNOWN, "timed out")
    assert await gone(hung)
    assert (await send(pool, mail)).outcome is Outcome.SENT
    assert len(mail.mails) == 2


async def test_a_worker_that_died_while_idle_costs_nothing(pool, mail):
    await send(pool, mail)
    (dead,) = pool.pids
    os.kill(dead, signal.SIGKILL)
    assert await missed(dead, pool)
    assert (await send(pool, mail)).outcome is Outcome.SENT


async def test_a_healthy_worker_is_used_again(pool, mail):
    await send(pool, mail)
    before = pool.pids
    await send(pool, mail)
    assert pool.pids == before and len(before) == 1


# -- secrets and addresses ---------------------------------------------------------------------------------------


async def test_no_secret_stands_in_arguments_environment_receipts_or_logs(mail, monkeypatch, caplog):
    pool = new_pool()  # its worker is started with the password in our environment
    monkeypatch.setenv("DENBAO_SMTP_PASSWORD", PASSWORD)
    caplog.set_level(0)
    url = mail.url.replace("127.0.0.1", f"truc:{PASSWORD}@127.0.0.1")
    receipt = await transport(EmailTransport, url, pool=pool).send(NOTICE, attempt=1, maybe_sent=False)
    assert receipt.outcome is Outcome.SENT
    (pid,) = pool.pids
    assert PASSWORD.encode() not in exposed(pid)
    await pool.close()
    assert PASSWORD not in caplog.text + repr(receipt)


async def test_a_refused_login_is_tried_again_because_the_message_was_not_judged(pool, mail):
    url = mail.url.replace("127.0.0.1", "truc:wrong@127.0.0.1")
    receipt = await transport(EmailTransport, url, pool=pool).send(NOTICE, attempt=1, maybe_sent=False)
    assert receipt == Receipt(Outcome.TRY_AGAIN, "login refused: SMTP 535")
    assert mail.mails == []


async def test_a_mail_server_on_a_private_address_is_not_dialled_unless_allowed(mail):
    guarded = transport(EmailTransport, mail.url, allow=())
    receipt = await guarded.send(NOTICE, attempt=1, maybe_sent=False)
    await guarded.close()
    assert receipt.outcome is Outcome.REFUSED and receipt.detail.startswith("not dialled: loopback address")
    assert mail.recipients == []


# -- attachments -------------------------------------------------------------------------------------------------


def carrying(pool: Pool, mail: MailServer, folder: Path) -> EmailTransport:
    post = transport(EmailTransport, mail.url, pool=pool)
    assert isinstance(post, EmailTransport)
    post.shelf = FolderShelf(folder)
    return post


async def test_attachments_arrive_byte_by_byte_under_their_names_beside_the_message(pool, mail, tmp_path):
    page, book = "<h1>Bản tin</h1>".encode(), b"PK\x03\x04" + bytes(range(256)) * 1000
    (tmp_path / "denbao-digest-19.html").write_bytes(page)
    (tmp_path / "denbao-digest-19.xlsx").write_bytes(book)
    notice = replace(NOTICE, attachments=("denbao-digest-19.html", "denbao-digest-19.xlsx"))
    receipt = await carrying(pool, mail, tmp_path).send(notice, attempt=1, maybe_sent=False)
    assert receipt == Receipt(Outcome.SENT, "SMTP 250")
    (letter,) = mail.mails
    assert letter["Subject"] == NOTICE.subject
    message, *files = letter.iter_parts()
    text, _html = message.iter_parts()
    assert text.get_content().replace("\r\n", "\n").rstrip("\n") == NOTICE.body
    assert [
        (file.get_filename(), file.get_content_type(), file.get_content_disposition(), file.get_payload(decode=True))
        for file in files
    ] == [
        ("denbao-digest-19.html", "text/html", "attachment", page),
        (
            "denbao-digest-19.xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "attachment",
            book,
        ),
    ]
    assert letter.get_all("Message-ID") == [f"<{reference(NOTICE.key)}@127.0.0.1>"]


async def test_a_message_goes_without_an_attachment_that_is_gone_and_says_so(pool, mail, tmp_path):
    (tmp_path / "b.html").write_bytes(b"b")
    notice = replace(NOTICE, attachments=("a.html", "b.html", "../../etc/passwd"))
    receipt = await carrying(pool, mail, tmp_path).send(notice, attempt=1, maybe_sent=False)
    assert receipt == Receipt(Outcome.SENT, "SMTP 250, without 1 of 2 attachments")
    (letter,) = mail.mails
    assert [part.get_filename() for part in letter.iter_attachments()] == ["b.html"]


async def test_the_next_message_of_the_same_worker_carries_nothing_of_the_last_one(pool, mail, tmp_path):
    (tmp_path / "a.html").write_bytes(b"a")
    post = carrying(pool, mail, tmp_path)
    await post.send(replace(NOTICE, attachments=("a.html",)), attempt=1, maybe_sent=False)
    await post.send(replace(NOTICE, key="another"), attempt=1, maybe_sent=False)
    assert mail.mails[1].get_content_type() == "multipart/alternative"
