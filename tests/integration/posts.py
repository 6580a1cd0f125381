"""A notice, and servers on the loopback that say what a test tells them to."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from monitor.adapters.clock import SystemClock
from monitor.adapters.transports.email import EmailTransport
from monitor.adapters.transports.pool import Pool
from monitor.adapters.transports.posting import Posting
from monitor.adapters.transports.worker import Worker
from monitor.config.secrets import Secret
from monitor.model.incident import Notice
from monitor.ports import Clock

PATIENT = 14.0  # seconds, where an answer comes: also on a busy machine
HURRIED = 1.0  # seconds, where none comes
SLACK = 5.0  # seconds a busy machine may add before a deadline counts as missed
LOOPBACK = ("127.0.0.0/8:*",)
PASSWORD = "s3cr3t-w0rd"
ADDRESS = "van.thu+truc@xa-van-lang.example"

NOTICE = Notice(
    key="00010/portal/2026-11-20T05:00:00+00:00/0/1/0/focal/email",
    incident="00010/portal/2026-11-20T05:00:00+00:00",
    ref="S10234",
    unit="00010",
    kind="outage",
    recipient="focal",
    channel="email",
    due_at=datetime(2026, 11, 20, 5, tzinfo=UTC),
    subject="[ĐỎ] Xã Văn Lang: Cổng dịch vụ công không truy cập được",
    body="Kính gửi Đầu mối xã Văn Lang,\n\nTỷ lệ đạt 81,5% :smile: \\n & <b>không</b>.\n.\n\nMã: S10234",
    sms="[DO] Xa Van Lang: Cong DVC khong truy cap duoc. Ma S10234",
)


def transport(
    kind: type[Posting] = EmailTransport,
    url: str = "",
    *,
    deadline: float = PATIENT,
    pool: Pool | None = None,
    address: str | None = ADDRESS,
    allow: tuple[str, ...] = LOOPBACK,
) -> Posting:
    """A transport that may dial the loopback, and knows one address for everybody."""
    pool = pool or new_pool(allow)
    return kind(Secret(url), lambda _: None if address is None else Secret(address), pool, deadline)


def new_pool(allow: tuple[str, ...] = LOOPBACK, size: int = 2) -> Pool:
    """Workers of a channel named trial."""
    return Pool("trial", size, allow, SystemClock())


class Shelf:
    """Healthy workers that the pool of one test leaves to that of the next: each takes half a second to start.

    Handed on is what a service would use again: a worker of the same channel that may dial the same.
    """

    def __init__(self) -> None:
        self._idle: defaultdict[tuple[str, tuple[str, ...]], list[Worker]] = defaultdict(list)

    def pool(self, channel: str, size: int, allow: Sequence[str], clock: Clock) -> Pool:
        """A pool that takes from here before it starts one, and leaves here what is well when it is closed."""
        return _Lent(self._idle[channel, tuple(allow)], channel, size, allow, clock)

    async def close(self) -> None:
        """Kill them all."""
        await asyncio.gather(*(worker.kill() for idle in self._idle.values() for worker in idle))


class _Lent(Pool):
    def __init__(self, shelf: list[Worker], channel: str, size: int, allow: Sequence[str], clock: Clock) -> None:
        super().__init__(channel, size, allow, clock)
        self._shelf = shelf

    def _take(self) -> Worker:
        if not self._idle and self._shelf:
            worker = self._shelf.pop()
            self._born[worker] = self._clock.monotonic()
            self._idle.append(worker)
        return super()._take()

    async def close(self) -> None:
        for worker in self._idle:
            if worker.usable:
                del self._born[worker]
                self._shelf.append(worker)
        await super().close()


@asynccontextmanager
async def shelf() -> AsyncIterator[Shelf]:
    """For the tests of a module, which share an event loop then."""
    made = Shelf()
    try:
        yield made
    finally:
        await made.close()


async def gone(pid: int) -> bool:
    """Whether a process that was killed has ended; killing it is not instant."""
    async with asyncio.timeout(SLACK):
        while is_running(pid):  # noqa: ASYNC110 (the pool reaps it, nobody else is told)
            await asyncio.sleep(0.02)
    return True


async def missed(pid: int, pool: Pool) -> bool:
    """Whether the pool has noticed that one of its workers ended."""
    async with asyncio.timeout(SLACK):
        while pid in pool.pids:  # noqa: ASYNC110 (see above)
            await asyncio.sleep(0.02)
    return True


def is_running(pid: int) -> bool:
    """Whether the process is there, though it may be stopped."""
    return Path(f"/proc/{pid}").exists()


def exposed(pid: int) -> bytes:
    """What every user of the machine, or the owner of the process, can read of it."""
    return Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()


class MailServer:
    """A real SMTP server. Replies are changed by a test; `mails` is what it took."""

    def __init__(self) -> None:
        self.port = 0
        self.recipient_reply = "250 OK"
        self.data_reply: str | None = "250 OK queued"  # None: never
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []

    @property
    def url(self) -> str:
        """An Apprise URL with a user, no password, and the recipient's address to fill in."""
        return f"mailto://127.0.0.1:{self.port}/{{address}}?from=denbao@tinh.example&name=Đèn báo"

    def session(self) -> SMTP:
        """The protocol of one connection."""
        return SMTP(self, hostname="mail.example", auth_require_tls=False, authenticator=_check_login)

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        if self.recipient_reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient_reply

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.original_content
        assert content is not None
        mail = message_from_bytes(content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.recipients.append(list(envelope.rcpt_tos))
        if self.data_reply is None:
            await asyncio.Event().wait()
        return self.data_reply or ""


def _check_login(server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: Any) -> AuthResult:
    return AuthResult(success=login.password == PASSWORD.encode(), handled=False)


@asynccontextmanager
async def mail_server() -> AsyncIterator[MailServer]:
    """Listens on the loopback until the block ends."""
    mail = MailServer()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(mail.session, "127.0.0.1", 0)
    mail.port = server.sockets[0].getsockname()[1]
    try:
        yield mail
    finally:
        server.close()


Play = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class HttpServer:
    """Reads one request per connection, then lets a test's play answer it."""

    def __init__(self) -> None:
        self.port = 0
        self.play: Play = answer(200)
        self.requests: list[tuple[str, dict[str, str], Any]] = []  # request line, headers in lower case, JSON body

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.rstrip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            self.requests.append((first, headers, json.loads(body)))
            await self.play(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            return  # the worker was killed, as the test wanted
        finally:
            writer.close()

    async def speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak first, as a mail server does."""
        with contextlib.suppress(OSError):
            await self.play(reader, writer)
        writer.close()


@asynccontextmanager
async def http_server(play: Play | None = None, *, speaks_first: bool = False) -> AsyncIterator[HttpServer]:
    """Listens on the loopback until the block ends."""
    http = HttpServer()
    http.play = play or http.play
    server = await asyncio.start_server(http.speak if speaks_first else http.serve, "127.0.0.1", 0)
    http.port = server.sockets[0].getsockname()[1]
    try:
        yield http
    finally:
        server.close()


def answer(status: int, *headers: str, body: bytes = b"") -> Play:
    """One complete answer."""

    async def play(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", "Connection: close", *headers, "", "")
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()

    return play


def drip(head: bytes, piece: bytes = b"x") -> Play:
    """A beginning, then a piece every now and then, for ever."""

    async def play(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            await writer.drain()
            await asyncio.sleep(0.05)
            writer.write(piece)

    return play


async def silence(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """No answer, for as long as the other side stays."""
    await reader.read()
