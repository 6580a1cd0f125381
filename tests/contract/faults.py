"""A proxy on loopback that spoils what a server says: held back, reset, dripped, half closed, swallowed, cut short."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter


@dataclass(frozen=True)
class Wire:
    """One connection through the proxy: what the server says is read from `server` and owed to `client`."""

    server: Reader
    client: Writer

    async def first(self) -> bytes:
        """The server's first words."""
        return await self.server.read(65536)

    async def rest(self) -> None:
        """Pass on all that is still to come."""
        while data := await self.server.read(65536):
            self.client.write(data)
            await self.client.drain()

    def reset(self) -> None:
        """End the connection the rude way."""
        sock = self.client.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.client.transport.abort()


Fault = Callable[[Wire], Awaitable[None]]


async def none(wire: Wire) -> None:
    """Everything arrives."""
    await wire.rest()


async def in_pieces(wire: Wire) -> None:
    """Everything arrives, byte by byte."""
    while data := await wire.server.read(65536):
        for byte in data:
            wire.client.write(bytes([byte]))
            await asyncio.sleep(0)


async def delay(wire: Wire) -> None:
    """The server's words are held back for longer than anybody waits."""
    await wire.first()
    await asyncio.Event().wait()


async def black_hole(wire: Wire) -> None:
    """What is sent vanishes, and nothing comes back."""
    await asyncio.Event().wait()


async def drip(wire: Wire) -> None:
    """One byte every 20 ms."""
    for byte in await wire.first():
        wire.client.write(bytes([byte]))
        await asyncio.sleep(0.02)


async def reset(wire: Wire) -> None:
    """Reset as soon as the server has something to say."""
    await wire.first()
    wire.reset()


async def reset_midway(wire: Wire) -> None:
    """Half of the answer, then a reset."""
    data = await wire.first()
    wire.client.write(data[: len(data) // 2])
    await wire.client.drain()
    await asyncio.sleep(0.02)  # a reset overtakes what the other side has not read yet
    wire.reset()


async def half_close(wire: Wire) -> None:
    """Our side is closed for writing at once, while the client may go on sending."""
    wire.client.write_eof()
    await asyncio.Event().wait()


async def truncated(wire: Wire) -> None:
    """Half of the answer, then a polite end."""
    data = await wire.first()
    wire.client.write(data[: len(data) // 2])


async def noise(wire: Wire) -> None:
    """Other bytes than those of the server, as many."""
    wire.client.write(bytes(range(1, 256)) * (1 + len(await wire.first()) // 255))


@asynccontextmanager
async def proxy(target: int, fault: Fault) -> AsyncIterator[int]:
    """Stands before a port of this machine; yields its own port."""
    tasks: set[asyncio.Task[None]] = set()

    async def carry(reader: Reader, writer: Writer) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
        up = asyncio.create_task(_pass(reader, far_writer))
        try:
            with suppress(OSError):
                await fault(Wire(far_reader, writer))
        finally:
            up.cancel()
            far_writer.close()
            writer.close()

    def accept(reader: Reader, writer: Writer) -> None:
        task = asyncio.create_task(carry(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pass(reader: Reader, writer: Writer) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
