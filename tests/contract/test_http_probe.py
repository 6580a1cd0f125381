"""The http probe against a real server: what counts as well, what is said when it is not, and what stays secret."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import pytest
import trustme
from aiohttp import web

from monitor.adapters.fetch import Fetcher
from monitor.adapters.fetch_kept import OLDEST
from monitor.adapters.guard import AddressGuard
from monitor.adapters.probes import Tools, open_probe
from monitor.adapters.resolver import NameFailed
from monitor.config.allow import parse_allow
from monitor.config.probespec import HttpCheck, ProbeSpec
from monitor.config.secrets import Secret
from monitor.model.reading import Collected
from monitor.testing import LoopClock
from tests.contract.probe_tools import NOW, Names, note_of, tools

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    yield runner.addresses[0][1]
    await runner.cleanup()


def answering(body: str = "ok", status: int = 200, **headers: str) -> Handler:
    async def handler(request: web.BaseRequest) -> web.Response:
        return web.Response(text=body, status=status, headers=headers)

    return handler


async def asked(handler: Handler, times: int = 1, **settings: Any) -> Collected:
    async with serving(handler) as port, tools() as used:
        check = HttpCheck(f"http://127.0.0.1:{port}/health", **settings)
        probe = open_probe(ProbeSpec("it", "19", "up", 60.0, 5.0, check), used)
        for _ in range(times - 1):
            await probe.collect(NOW)
        return await probe.collect(NOW)


@pytest.mark.parametrize(
    ("body", "condition", "note"),
    [
        ('{"status": "ok", "queue": 3}', "status == 'ok' && queue < `10`", ""),
        ('{"status": "ok", "queue": 30}', "queue < `10`", "'queue < `10`' is not true of the answer"),
        ('{"status": "ok"}', "status", "'status' is not true of the answer"),
        ('{"queue": "x"}', "sum(queue) > `1`", "the answer does not fit 'sum(queue) > `1`'"),
        ("<html>", "status", "the answer is not JSON"),
        ("[" * 100_000, "status", "the answer is not JSON"),
    ],
)
async def test_a_condition_on_a_json_answer_is_met_or_named(body, condition, note):
    assert note_of(await asked(answering(body), expect_json=condition)) == note


@pytest.mark.parametrize(
    ("settings", "note"),
    [
        ({"min_bytes": 2, "max_bytes": 2}, ""),
        ({"min_bytes": 3}, "the answer has 2 bytes, expected at least 3"),
        ({"max_bytes": 1}, "too-large: announces more than 1 bytes"),
        ({"expect_text": "fine"}, "the answer does not contain 'fine'"),
        ({"expect_status": (204, 301)}, "HTTP status 200, expected 204, 301"),
    ],
)
async def test_size_text_and_status_are_looked_at(settings, note):
    assert note_of(await asked(answering(), **settings)) == note


async def test_method_body_and_headers_are_sent_and_stay_out_of_the_transcript():
    heard: list[tuple[str, str, str]] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        heard.append((request.method, await request.text(), request.headers["X-Key"]))
        return web.Response(text="s3cret-token", headers={"Set-Cookie": "session=s3cret-token"})

    secret = Secret("s3cret-token")
    collected = await asked(
        handler, method="POST", body=Secret('{"token": "s3cret-token"}'), headers=(("X-Key", secret),)
    )
    assert heard == [("POST", '{"token": "s3cret-token"}', "s3cret-token")]
    assert collected.check is not None
    assert "POST http://127.0.0.1" in collected.check.transcript[0]
    assert "s3cret" not in repr(collected)


async def test_later_checks_use_the_connection_of_the_first_and_count_it():
    collected = await asked(answering(), times=3)
    assert collected.check is not None
    assert any("over a connection used 2 times before" in line for line in collected.check.transcript)
    assert "name" not in collected.check.phases


async def test_a_post_has_a_connection_of_its_own_since_it_must_not_be_sent_twice():
    collected = await asked(answering(), times=2, method="POST", body=Secret("x"))
    assert collected.check is not None
    assert any("over a new connection" in line for line in collected.check.transcript)


async def test_redirects_are_followed_as_far_as_the_config_says():
    async def handler(request: web.BaseRequest) -> web.Response:
        if request.path == "/login":
            return web.Response(text="ok")
        raise web.HTTPFound("/login")

    assert note_of(await asked(handler, redirects=1)) == ""
    assert note_of(await asked(handler)) == "HTTP status 302, expected 200"


async def test_an_answer_over_ipv4_only_is_no_answer_to_an_ipv6_check():
    async with serving(answering()) as port, tools(Names()) as used:

        async def note(address: Any) -> str:
            check = HttpCheck(f"http://centre.example:{port}/", address=address)
            return note_of(await open_probe(ProbeSpec("it", "19", "up", 60.0, 5.0, check), used).collect(NOW))

        assert await note("any") == await note("ipv4") == ""
        assert await note("ipv6") == "dns: the name has no usable address: no address of the wanted family"


async def test_a_client_certificate_is_shown_and_tls_has_a_phase_of_its_own():
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("centre.example").configure_cert(server)
    authority.configure_trust(server)
    server.verify_mode = ssl.CERT_REQUIRED
    bare, known = ssl.create_default_context(), ssl.create_default_context()
    for context in (bare, known):
        authority.configure_trust(context)
    authority.issue_cert("denbao.example").configure_cert(known)
    async with serving(answering(), server) as port, tools(Names()) as used:

        async def collected(tls: ssl.SSLContext) -> Collected:
            check = HttpCheck(f"https://centre.example:{port}/", tls=tls)
            return await open_probe(ProbeSpec("it", "19", "up", 60.0, 5.0, check), used).collect(NOW)

        good = await collected(known)
        assert note_of(good) == ""
        assert good.check is not None
        assert list(good.check.phases) == ["name", "connect", "tls", "first_byte", "transfer"]
        assert note_of(await collected(bare)) != ""


async def test_a_hanging_server_is_named_with_the_phase_it_hangs_in():
    """SC-98: a probe that ends at its budget is an answer, "no"; the budget is told in its note and is no series."""

    async def handler(request: web.BaseRequest) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async with serving(handler) as port, tools() as used:
        check = HttpCheck(f"http://127.0.0.1:{port}/")
        collected = await open_probe(ProbeSpec("it", "19", "up", 60.0, 0.2, check), used).collect(NOW)
    assert note_of(collected) == "timeout: no complete answer within 0.2 s, ended while waiting for the answer"
    assert (collected.readings[0].value, collected.failure) == (False, "")
    assert collected.check is not None
    assert "first_byte" in collected.check.phases


@contextmanager
def time_that_jumps() -> Iterator[Callable[[float], None]]:
    """The clock of the event loop, and how to move it on by some seconds."""
    loop, ahead = asyncio.get_running_loop(), [0.0]
    real = loop.time

    def jump(seconds: float) -> None:
        ahead[0] += seconds

    loop.time = lambda: real() + ahead[0]  # type: ignore[method-assign]
    yield jump
    loop.time = real  # type: ignore[method-assign]


@pytest.mark.parametrize(("seconds", "note"), [(19.0, ""), (21.0, "timeout: no complete answer within 20 s")])
async def test_an_answer_may_take_as_long_to_begin_as_the_timeout_says(seconds, note):
    with time_that_jumps() as jump:

        async def slow(request: web.BaseRequest) -> web.Response:
            jump(seconds)
            for _ in range(10):  # whoever has a deadline before this instant hears of it first
                await asyncio.sleep(0)
            return web.Response(text="ok")

        async with serving(slow) as port, tools() as used:
            check = HttpCheck(f"http://127.0.0.1:{port}/")
            probe = open_probe(ProbeSpec("it", "19", "up", 60.0, 20.0, check), used)
            found = note_of(await probe.collect(NOW))
    assert found.partition(",")[0] == note


@pytest.mark.parametrize(
    ("seconds", "note"),
    [(4.0, ""), (11.0, "timeout: no complete answer within 10 s, ended while connecting")],
)
async def test_a_connection_may_take_as_long_to_open_as_the_timeout_says(seconds, note):
    """The second packet that asks for it is sent after a second, the third after three: a lossy line is no dead one."""
    with time_that_jumps() as jump:

        class Far(AddressGuard):
            async def connect(self, info: Any) -> socket.socket:
                jump(seconds)
                for _ in range(10):
                    await asyncio.sleep(0)
                return await super().connect(info)

        guard, clock = Far([parse_allow("127.0.0.0/8:*")]), LoopClock(NOW)
        fetcher = Fetcher(guard, clock)
        async with serving(answering()) as port:
            check = HttpCheck(f"http://127.0.0.1:{port}/")
            probe = open_probe(ProbeSpec("it", "19", "up", 60.0, 10.0, check), Tools(fetcher, guard, clock))
            found = await probe.collect(NOW)
        await fetcher.close()
    assert note_of(found) == note
    assert found.check is not None
    assert found.check.phases["connect"] == pytest.approx(seconds, abs=1.0)


class Dying(Names):
    """Names that are gone from the name server from some moment on."""

    dead = False

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> Any:
        if self.dead:
            raise NameFailed("NXDOMAIN", real=True)
        return await super().resolve(host, port, family)


async def test_a_name_that_is_gone_is_noticed_though_the_old_server_still_answers_over_the_connection_that_was_kept():
    names, said = Dying(), []
    with time_that_jumps() as jump:
        async with serving(answering()) as port, tools(names) as used:
            probe = open_probe(
                ProbeSpec("it", "19", "up", 30.0, 5.0, HttpCheck(f"http://centre.example:{port}/")), used
            )
            assert note_of(await probe.collect(NOW)) == ""
            names.dead = True
            for _ in range(int(OLDEST / 30) + 2):
                jump(30.0)
                said.append(note_of(await probe.collect(NOW)))
    assert said[:10] == [""] * 10
    assert said[-1].startswith("dns: ")


@asynccontextmanager
async def portal_and_sign_on(back: bool, server: ssl.SSLContext) -> AsyncIterator[str]:
    """Two servers of one authority; the first leads to the second, and that perhaps back to the first."""
    places: dict[str, int] = {}

    async def sign_on(request: web.BaseRequest) -> web.Response:
        there = {"Location": f"https://centre.example:{places['portal']}/in"}
        return web.Response(status=302, headers=there) if back else web.Response(text="ok")

    async def portal(request: web.BaseRequest) -> web.Response:
        there = {"Location": f"https://centre.example:{places['sign-on']}/"}
        return web.Response(text="ok") if request.path == "/in" else web.Response(status=302, headers=there)

    async with serving(portal, server) as places["portal"], serving(sign_on, server) as places["sign-on"]:
        yield f"https://centre.example:{places['portal']}/"


@pytest.mark.parametrize("back", [False, True])
async def test_the_authority_of_the_site_is_trusted_wherever_a_redirect_leads(back):
    authority, server = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("centre.example").configure_cert(server)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with portal_and_sign_on(back, server) as url, tools(Names()) as used:
        check = HttpCheck(url, redirects=2, tls=trusting)
        found = await open_probe(ProbeSpec("it", "19", "up", 60.0, 5.0, check), used).collect(NOW)
    assert note_of(found) == ""


async def test_a_client_certificate_is_not_shown_to_the_other_server_that_a_redirect_leads_to():
    authority, server = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("centre.example").configure_cert(server)
    authority.configure_trust(server)
    server.verify_mode = ssl.CERT_OPTIONAL
    known, shown = ssl.create_default_context(), []
    authority.configure_trust(known)
    authority.issue_cert("denbao.example").configure_cert(known)

    async def sign_on(request: web.BaseRequest) -> web.Response:
        shown.append(request.get_extra_info("peercert"))
        return web.Response(text="ok")

    async with serving(sign_on, server) as other:

        async def portal(request: web.BaseRequest) -> web.Response:
            shown.append(request.get_extra_info("peercert"))
            return web.Response(status=302, headers={"Location": f"https://centre.example:{other}/"})

        async with serving(portal, server) as port, tools(Names()) as used:
            check = HttpCheck(f"https://centre.example:{port}/", redirects=1, tls=known)
            found = await open_probe(ProbeSpec("it", "19", "up", 60.0, 5.0, check), used).collect(NOW)
    assert note_of(found) == ""
    assert [bool(certificate) for certificate in shown] == [True, False]


async def test_agreeing_on_tls_may_take_as_long_as_the_timeout_says():
    authority, server = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("centre.example").configure_cert(server)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with time_that_jumps() as jump:

        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            """The other side thinks for eight seconds about the first word."""
            hello = await reader.read(65536)
            jump(8.0)
            for _ in range(10):
                await asyncio.sleep(0)
            there, back = await asyncio.open_connection("127.0.0.1", port)
            back.write(hello)
            await asyncio.gather(poured(reader, back), poured(there, writer))

        async with serving(answering(), server) as port, tools(Names()) as used:
            slow = await asyncio.start_server(relay, "127.0.0.1", 0)
            url = f"https://centre.example:{slow.sockets[0].getsockname()[1]}/"
            probe = open_probe(ProbeSpec("it", "19", "up", 60.0, 20.0, HttpCheck(url, tls=trusting)), used)
            found = note_of(await probe.collect(NOW))
            slow.close()
    assert found == ""


async def poured(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
