"""Web servers on loopback that probes are measured against: each target an address of its own, in other processes.

`/fast` answers at once, `/slow` after 1 to 3 s (by the address asked), `/dead` takes the question and never answers.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from subprocess import PIPE, Popen
from zlib import crc32

SLOW, DEAD = 30, 5  # targets of 100
TIMEOUT = 5.0  # seconds a question may take
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\n\r\nok"
_PROCESSES = 1


@dataclass(frozen=True, slots=True)
class Target:
    """One address to ask, and when: `phase` seconds into every `period`."""

    url: str
    period: float
    phase: float
    hostile: bool = False


def targets(number: int, period: float, ports: Sequence[int]) -> list[Target]:
    """So many targets on hosts of their own; the sorts are mixed evenly."""
    return [Target(_url(at, ports[at % len(ports)]), period, _phase(at, period)) for at in range(number)]


def beside(number: int, period: float, port: int, hostile: Sequence[int]) -> list[Target]:
    """So many that answer at once, but for each tenth: that is at one of the hostile ports, if there are any."""
    found = [Target(f"http://{_host(at)}:{port}/fast", period, _phase(at, period)) for at in range(number)]
    for at in range(0, number, 10) if hostile else ():
        url = f"http://{_host(at)}:{hostile[at // 10 % len(hostile)]}/"
        found[at] = replace(found[at], url=url, hostile=True)
    return found


def _url(number: int, port: int) -> str:
    sort = crc32(str(number).encode()) % 100
    path = "dead" if sort < DEAD else "slow" if sort < DEAD + SLOW else "fast"
    return f"http://{_host(number)}:{port}/{path}"


def _host(number: int) -> str:
    host = number + 256  # 127.0.1.0 and on
    return f"127.{host >> 16 & 255}.{host >> 8 & 255}.{host & 255}"


def _phase(number: int, period: float) -> float:
    return crc32(f"phase {number}".encode()) / 2**32 * period


@contextmanager
def listening() -> Iterator[list[int]]:
    """The ports; the servers end with the block."""
    processes = [Popen([sys.executable, "-m", "bench.targets"], stdin=PIPE, stdout=PIPE) for _ in range(_PROCESSES)]
    try:
        yield [int(process.stdout.readline()) for process in processes if process.stdout is not None]
    finally:
        for process in processes:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()


class _Server(asyncio.Protocol):
    """One connection; one question at a time comes in, as probes ask."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._heard = b""

    def data_received(self, data: bytes) -> None:
        self._heard += data
        if b"\r\n\r\n" not in self._heard:
            return
        heard, self._heard = self._heard, b""
        if heard.startswith(b"GET /fast"):
            self._transport.write(_ANSWER)
        elif heard.startswith(b"GET /slow"):
            delay = 1.0 + next(_slowness) % 64 / 32
            asyncio.get_running_loop().call_later(delay, self._late)

    def _late(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(_ANSWER)


_slowness = count()


def listener() -> socket.socket:
    """Listens at every address of 127.0.0.0/8, and at none that another machine could reach."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
    made.bind(("0.0.0.0", 0))
    return made


async def _serve() -> None:
    here = listener()
    server = await asyncio.get_running_loop().create_server(_Server, sock=here, backlog=4096)
    print(here.getsockname()[1], flush=True)
    async with server:
        await asyncio.to_thread(sys.stdin.read)
    os._exit(0)  # thousands of open connections are nobody's concern any more


if __name__ == "__main__":
    asyncio.run(_serve())
