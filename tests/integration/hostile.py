"""Hostile web servers: thirty-four known answers and some more, each with the failure that is right for it."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import ssl
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

CAP = 64 * 1024
DEADLINE = 0.6  # seconds, where the answer never comes
PATIENT = 10.0  # seconds, where it does, on a busy machine too
KERNEL_BUFFERS = 24 * 1024 * 1024  # what the two loopback sockets may swallow though nobody reads
MIB = 1024 * 1024
HEAD = b"HTTP/1.1 200 OK\r\n"


class Peer:
    """One hostile connection; counts what it could get rid of."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.sent = 0

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()
        self.sent += len(data)

    async def flood(self, piece: bytes, times: int) -> None:
        for _ in range(times):
            await self.send(piece)

    async def until_gone(self) -> None:
        while await self.reader.read(65536):
            pass

    def reset(self) -> None:
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()


Play = Callable[[Peer], Awaitable[None]]


def body(data: bytes, *headers: str) -> Play:
    """A well-framed answer with this body."""
    lines = "".join(f"{line}\r\n" for line in (*headers, f"Content-Length: {len(data)}"))
    return raw(HEAD + lines.encode() + b"\r\n" + data)


def raw(data: bytes, *, stay: bool = False) -> Play:
    """These bytes, then the end of the connection (or silence)."""

    async def play(peer: Peer) -> None:
        await peer.send(data)
        if stay:
            await peer.until_gone()

    return play


def endless(head: bytes, piece: bytes, times: int = 10_000) -> Play:
    """A head, then the same piece as often as the client lets us."""

    async def play(peer: Peer) -> None:
        await peer.send(head)
        await peer.flood(piece, times)

    return play


def drip(head: bytes, piece: bytes) -> Play:
    """A head, then a small piece every 20 ms for ever."""

    async def play(peer: Peer) -> None:
        await peer.send(head)
        while True:
            await peer.send(piece)
            await asyncio.sleep(0.02)

    return play


async def reset(peer: Peer) -> None:
    peer.reset()


async def redirect_loop(peer: Peer) -> None:
    await peer.send(b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def bomb(window: int, *headers: str) -> Play:
    """64 MiB of zero bytes, packed into 64 KiB, when the curtain rises."""

    async def play(peer: Peer) -> None:
        packer = zlib.compressobj(9, zlib.DEFLATED, window)
        packed = b"".join(packer.compress(bytes(MIB)) for _ in range(64)) + packer.flush()
        await body(packed, *headers)(peer)

    return play


def packed_for_ever(peer: Peer) -> Awaitable[None]:
    """gzip that never ends, 4 GiB if somebody unpacked it all."""
    packer = zlib.compressobj(9, zlib.DEFLATED, GZIP_WINDOW)
    piece = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    return endless(HEAD + GZ.encode() + b"\r\n\r\n" + piece, again, 4096)(peer)


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


@dataclass(frozen=True)
class Case:
    """A hostile answer and the kinds of failure that are right for it; none: it is the parser's business."""

    name: str
    play: Play
    kinds: tuple[str, ...] = ()
    redirects: int = 0
    max_wire: int = CAP
    max_decoded: int = CAP


CSV = b"unit,value\n" + b"00010,93.5\n" * 2090
SERIES = b"".join(f'up{{i="{number}"}} 1\n'.encode() for number in range(40_000))
GZ = "Content-Encoding: gzip"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
GZIP_WINDOW, ZLIB_WINDOW = 31, 15

CASES = [
    Case("big500", endless(HEAD + b"Content-Length: 524288000\r\n\r\n", bytes(MIB), 500), ("too-large",)),
    Case("big500 metrics", endless(HEAD + b"\r\n", b"up 1\n" * 200_000, 500), ("too-large",)),
    Case("infinite chunked", endless(HEAD + CHUNKED + b"\r\n", chunk(bytes(65536))), ("too-large",)),
    Case("one line", endless(HEAD + b"Content-Length: 104857600\r\n\r\n", b"a" * MIB, 100), ("too-large",)),
    Case("slow body", drip(HEAD + b"Content-Length: 5000\r\n\r\n", b"x"), ("timeout",)),
    Case("slow headers", drip(HEAD, b"X-A: b\r\n"), ("timeout", "protocol", "too-large")),
    Case("no answer", raw(b"", stay=True), ("timeout",)),
    Case("100 for ever", drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 50), ("timeout",)),
    Case("bad utf8", body(b"up \xff\xfe\xc3\x28 1\n")),
    Case("big header", endless(HEAD + b"X-Big: ", b"a" * MIB, 100), ("too-large", "protocol")),
    Case("many headers", endless(HEAD, b"X-A: b\r\n" * 10_000, 100), ("too-large", "protocol")),
    Case("redirect loop", redirect_loop, ("redirect",), redirects=3),
    Case("gzip bomb", bomb(GZIP_WINDOW, GZ), ("too-large",), max_wire=4 * MIB),
    Case("gzip bomb 4g", packed_for_ever, ("too-large",), max_wire=4 * MIB),
    Case("gzip series", body(gzip.compress(SERIES), GZ), ("too-large",), max_wire=4 * MIB),
    Case("gzip trunc", body(gzip.compress(CSV)[:-20], GZ), ("truncated",)),
    Case("deflate bomb", bomb(ZLIB_WINDOW, "Content-Encoding: deflate"), ("bad-encoding",)),
    Case("short body", raw(HEAD + b"Content-Length: 100\r\n\r\nshort"), ("truncated",)),
    Case("neg length", raw(HEAD + b"Content-Length: -5\r\n\r\nhello"), ("protocol",)),
    Case("huge length", raw(HEAD + b"Content-Length: 9223372036854775000\r\n\r\nhello", stay=True), ("too-large",)),
    Case("two lengths", raw(HEAD + b"Content-Length: 5\r\nContent-Length: 3\r\n\r\nhello"), ("protocol",)),
    Case("bad chunk", raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nhello\r\n0\r\n\r\n"), ("protocol",)),
    Case("garbage", raw(b"SSH-2.0-OpenSSH_9.6\r\n"), ("protocol",)),
    Case("rst", reset, ("cut",)),
    Case("cookie bomb", body(b"ok", *(f"Set-Cookie: c{n}={'x' * 400}" for n in range(100)))),
    Case("nul bytes", body(b"up\0 1\n\0\0")),
    Case("long label", body(b'up{a="' + b"x" * 8 * MIB + b'"} 1\n'), ("too-large",)),
    Case("many labels", body(b"up{" + b",".join(b'l%d="v"' % n for n in range(4000)) + b"} 1\n")),
    Case("dup series", body(b"up 1\nup 2\n")),
    Case("future ts", body(b"up 1 32503680000000\n")),
    Case("html", body(b"<html><body>Log in</body></html>", "Content-Type: text/html")),
    Case("json deep", body(b"[" * 20_000 + b"]" * 20_000)),
    Case("json bigint", body(b'{"v": ' + b"9" * 5000 + b"}")),
    Case("json dupkeys", body(json.dumps({str(n): 1 for n in range(20_000)}).encode()), ("too-large",)),
    # Beyond the corpus: what this client in particular could get wrong.
    Case("gzip and more", body(gzip.compress(CSV) + b"left over", GZ), ("bad-encoding",)),
    Case("two gzip members", body(gzip.compress(b"a") + gzip.compress(b"b"), GZ), ("bad-encoding",)),
    Case("not gzip at all", body(b"plain text", GZ), ("bad-encoding",)),
    Case("gzip twice", body(gzip.compress(gzip.compress(CSV)), "Content-Encoding: gzip, gzip"), ("bad-encoding",)),
    Case("brotli", body(b"\x8b\x02\x80", "Content-Encoding: br"), ("bad-encoding",)),
    Case("chunks cut short", raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel"), ("truncated",)),
    Case("closed at once", raw(b""), ("cut",)),
    Case("switching protocols", raw(b"HTTP/1.1 101 Switching\r\n\r\n" + bytes(100), stay=True), ("protocol",)),
    Case("http/0.9", raw(b"hello"), ("protocol", "cut")),
]  # fmt: skip


class Stage:
    """A loopback server that plays one case to whoever connects."""

    def __init__(self, play: Play) -> None:
        self._play = play
        self._tasks: set[asyncio.Task[None]] = set()
        self.sent = 0
        self.port = 0

    async def _act(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            await self._play(peer)
        self.sent += peer.sent
        writer.close()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> asyncio.Task[None]:
        """Play to one more."""
        task = asyncio.create_task(self._act(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @asynccontextmanager
    async def open(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[Stage]:
        server = await asyncio.start_server(self.accept, "127.0.0.1", 0, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def finish(self) -> None:
        """Wait until the peers noticed that the client is gone."""
        if self._tasks:
            _, still_connected = await asyncio.wait(self._tasks, timeout=5)
            assert not still_connected
