"""TLS is always verified, and no redirect leads down from it."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from monitor.adapters.clock import SystemClock
from monitor.adapters.fetch import Failure, Fetcher, Request, Response
from monitor.adapters.guard import AddressGuard
from monitor.config.allow import parse_allow

pytestmark = [pytest.mark.integration, pytest.mark.needs("openssl")]


class Loopback(AbstractResolver):
    """Every name is this machine."""

    async def resolve(self, host: str, port: int = 0, family: object = None) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=2, proto=0, flags=0)]

    async def close(self) -> None:
        return None


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for centre.example and its key."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", "/CN=centre.example", "-addext", "subjectAltName=DNS:centre.example"]
    subprocess.run([*command, *names, "-keyout", key, "-out", cert], check=True, capture_output=True, timeout=30)
    return cert, key


@asynccontextmanager
async def serving(answer: bytes, certificate: tuple[Path, Path]) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def ask(url: str, trusted: Path | None = None, *, own: bool = False) -> Response | Failure:
    """The answer, by the TLS settings of the fetcher or by `own` ones of the request."""
    tls = None if trusted is None else ssl.create_default_context(cafile=str(trusted))
    guard = AddressGuard([parse_allow("127.0.0.0/8:*")], Loopback())
    fetcher = Fetcher(guard, SystemClock(), tls=None if own else tls)
    try:
        return await fetcher.fetch(Request(url, redirects=1, timeout=5.0, tls=tls if own else None))
    finally:
        await fetcher.close()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def test_a_self_signed_certificate_is_refused_with_the_reason(certificate: tuple[Path, Path]) -> None:
    async with serving(OK, certificate) as port:
        got = await ask(f"https://centre.example:{port}/")
    assert isinstance(got, Failure)
    assert got.kind == "tls"
    assert got.detail.startswith("the certificate is not trusted: self")


async def test_a_certificate_for_another_name_is_refused(certificate: tuple[Path, Path]) -> None:
    async with serving(OK, certificate) as port:
        got = await ask(f"https://other.example:{port}/", certificate[0])
    assert isinstance(got, Failure)
    assert got.kind == "tls"
    assert "mismatch" in got.detail


async def test_a_certificate_of_the_sites_own_authority_is_accepted(certificate: tuple[Path, Path]) -> None:
    async with serving(OK, certificate) as port:
        got = await ask(f"https://centre.example:{port}/", certificate[0])
    assert isinstance(got, Response)
    assert (got.body, got.peer) == (b"ok", "127.0.0.1")


async def test_to_stop_waits_for_no_machine_that_has_fallen_silent(certificate: tuple[Path, Path]) -> None:
    """Its power is gone: it will never agree that the connection is over."""
    over = asyncio.Event()

    async def falls_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await over.wait()
        writer.transport.abort()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    async with await asyncio.start_server(falls_silent, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        try:
            got = await asyncio.wait_for(ask(f"https://centre.example:{port}/", certificate[0]), 10.0)
        finally:
            over.set()
    assert isinstance(got, Response)


async def test_a_redirect_from_https_down_to_http_is_not_followed(certificate: tuple[Path, Path]) -> None:
    down = b"HTTP/1.1 302 Found\r\nLocation: http://centre.example/?token=s3cret\r\nContent-Length: 0\r\n\r\n"
    async with serving(down, certificate) as port:
        got = await ask(f"https://centre.example:{port}/", certificate[0])
    assert isinstance(got, Failure)
    assert (got.kind, got.detail) == ("redirect", "leads from https down to http: http://centre.example")


async def test_a_plain_server_where_tls_was_wanted_is_a_tls_failure() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        got = await ask(f"https://centre.example:{server.sockets[0].getsockname()[1]}/")
    assert isinstance(got, Failure)
    assert got.kind == "tls"


@pytest.mark.parametrize("own", [False, True], ids=["of the machine", "of the probe"])
async def test_a_server_that_wants_tls_renegotiation_is_cut_off_at_once(
    certificate: tuple[Path, Path], own: bool
) -> None:
    """Not by the deadline: each new handshake would cost as much as a connection, as often as the server likes."""
    cert, key = certificate
    command = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", str(cert), "-key", str(key), "-tls1_2"]
    pipe = asyncio.subprocess.PIPE
    server = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL)
    assert server.stdin is not None and server.stdout is not None

    async def wants_again(said: asyncio.StreamReader, orders: asyncio.StreamWriter) -> None:
        while not (await said.readline()).startswith(b"GET "):
            pass
        orders.write(b"R\n")
        await said.read()

    try:
        while not (line := await server.stdout.readline()).startswith(b"ACCEPT"):
            assert line, "openssl ended"
        acting = asyncio.create_task(wants_again(server.stdout, server.stdin))
        got = await ask(f"https://centre.example:{int(line.rpartition(b':')[2])}/", cert, own=own)
        acting.cancel()
    finally:
        server.kill()
        await server.wait()
    assert isinstance(got, Failure)
    assert got.kind == "cut"
