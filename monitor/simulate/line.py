"""The operator line: a plain TCP port that accepts connections while the line is up and refuses them otherwise."""

from __future__ import annotations

import asyncio
import socket
from typing import Final

BANNER: Final = b"line-19 ready\r\n"


class Line:
    """One listening port. Its number stays reserved while it is closed, so that it can open again."""

    def __init__(self) -> None:
        self._reserved: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._address = ("", 0)

    @property
    def port(self) -> int:
        """The port number; 0 before `reserve`."""
        return self._address[1]

    @property
    def listening(self) -> bool:
        """Whether connections are accepted now."""
        return self._server is not None

    def reserve(self, host: str, port: int) -> None:
        """Take the port (0: any free one) without listening. Raises OSError when it is taken."""
        self._reserved = _bound(host, port)
        self._address = (host, self._reserved.getsockname()[1])

    async def open(self) -> None:
        """Accept connections; no effect when it does already."""
        if self._server is None:
            self._server = await asyncio.start_server(_greet, sock=_bound(*self._address))

    async def shut(self) -> None:
        """Refuse connections; no effect when it does already."""
        if self._server is not None:
            server, self._server = self._server, None
            server.close()
            await server.wait_closed()

    async def release(self) -> None:
        """Stop listening and give the port back."""
        await self.shut()
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None


def _bound(host: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    bound.setblocking(False)
    return bound


async def _greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        writer.write(BANNER)
        await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()
