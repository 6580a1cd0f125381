"""The real commands as real processes, watched from outside: exit code, output, ports, children."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

T = TypeVar("T")

PATIENCE = 90.0  # seconds a crowded machine may take for what takes one or two by itself
LOOK = 0.05  # seconds between two looks
STOP = 30.0  # seconds in which a service has to stop, as deploy/denbao.service has it; polls under way have ten of them
PROGRAM = (sys.executable, "-m", "monitor")
_BLOCKS, _BLOCK = (12_000, 32_000), 200  # ports below those that Linux gives away; how many one process has
_HELD: list[socket.socket] = []


async def until(why: str, what: Callable[..., Awaitable[T | None]], *given: Any, seconds: float = PATIENCE) -> T:
    """The first true answer of `what(*given)`; an AssertionError with `why` and the last answer when none comes."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not (answer := await what(*given)):
        assert loop.time() < end, f"not within {seconds:g} s: {why}; last seen: {answer!r}"
        await asyncio.sleep(LOOK)
    return answer


def free_ports(number: int) -> list[int]:
    """Ports nobody listens on now and the kernel gives to nobody, each to one process of the suite alone.

    A site's file names its ports, so they must be known before it starts, and it takes seconds to start: a port that
    the kernel had chosen could be another's by then.
    """
    found: list[int] = []
    while len(found) < number:
        port = next(_own_ports())
        with contextlib.suppress(OSError), socket.socket() as sock:
            sock.bind(("127.0.0.1", port))
            found.append(port)
    return found


@cache
def _own_ports() -> Iterator[int]:
    """The ports of a block that this process has until it ends; again from the first one after the last."""
    for first in range(*_BLOCKS, _BLOCK):
        lock = socket.socket(socket.AF_UNIX)  # a name without a file, which the kernel frees with the process
        with contextlib.suppress(OSError):
            lock.bind(f"\0denbao-tests-ports-{first}")
            _HELD.append(lock)
            return itertools.cycle(range(first, first + _BLOCK))
        lock.close()
    raise OSError(f"all ports of {_BLOCKS} are held by other runs of the suite")


def descendants(pid: int) -> dict[int, str]:
    """Command lines of all children of a process, and of theirs."""
    parents: dict[int, int] = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(place.parent.name)] = int(place.read_text().rpartition(")")[2].split()[1])
    found: dict[int, str] = {}
    wanted = {pid}
    while wanted:
        wanted = {child for child, parent in parents.items() if parent in wanted and child not in found}
        found |= {child: command_line(child) for child in wanted}
    return found


def command_line(pid: int) -> str:
    """How a process was started; empty when it is gone or only waits to be reaped."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


async def all_gone(pids: Mapping[int, str]) -> bool:
    """Whether none of these processes runs any more. A number that was given to another process does not count."""
    return not [pid for pid, command in pids.items() if command and command_line(pid) == command]


@dataclass(frozen=True, slots=True)
class Said:
    """What one command left behind."""

    code: int
    out: str
    err: str


async def denbao(*arguments: str | Path, environ: Mapping[str, str] | None = None, seconds: float = PATIENCE) -> Said:
    """Run one command to its end."""
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        *map(str, arguments),
        env={**os.environ, **(environ or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(seconds):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Said(process.returncode, out.decode(), err.decode())


class Running:
    """One long-running command. It may be started again after it ended; its output is kept over all its lives."""

    def __init__(self, *arguments: str | Path, log: Path, environ: Mapping[str, str] | None = None) -> None:
        self._command = (*PROGRAM, *map(str, arguments))
        self._environ = {**os.environ, **(environ or {})}
        self._out, self._err = log.with_suffix(".out"), log.with_suffix(".err")
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """Id of the process of this life."""
        assert self._process is not None, "it was never started"
        return self._process.pid

    @property
    def code(self) -> int | None:
        """Exit code; None while it runs."""
        return None if self._process is None else self._process.returncode

    @property
    def out(self) -> str:
        """Everything it wrote to standard output."""
        return self._out.read_text("utf-8", "replace")

    @property
    def err(self) -> str:
        """Everything it wrote to standard error."""
        return self._err.read_text("utf-8", "replace")

    async def start(self) -> None:
        """Begin a life; does not wait for anything but the process itself."""
        assert self._process is None or self.code is not None, "it runs already"
        with self._out.open("ab") as out, self._err.open("ab") as err:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, env=self._environ, stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=err
            )

    async def ended(self, seconds: float = STOP) -> int:
        """Wait for its end; the exit code."""
        assert self._process is not None, "it was never started"
        async with asyncio.timeout(seconds):
            return await self._process.wait()

    async def stop(self, seconds: float = STOP) -> int:
        """Ask it to end, as a supervisor does; the exit code."""
        os.kill(self.pid, signal.SIGTERM)
        return await self.ended(seconds)

    async def kill(self) -> None:
        """End it as a power cut does; also when it has ended already."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def running(
    *arguments: str | Path, log: Path, environ: Mapping[str, str] | None = None
) -> AsyncIterator[Running]:
    """A started command that ends with the block, whatever happens."""
    process = Running(*arguments, log=log, environ=environ)
    await process.start()
    try:
        yield process
    finally:
        await process.kill()


class Client:
    """Asks one server on the loopback; what cannot be reached is an answer, too: (0, "")."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"

    async def get(self, path: str) -> tuple[int, str]:
        """Status and text."""
        return await self._ask("GET", path)

    async def json(self, path: str) -> Any:
        """The document of an answer that must be good."""
        status, text = await self._ask("GET", path)
        assert status == 200, (status, text)
        return json.loads(text)

    async def put(self, path: str, **body: Any) -> None:
        """A command that must be followed."""
        status, text = await self._ask("PUT", path, json=body)
        assert status == 200, (status, text)

    async def post(self, path: str, token: str, **body: Any) -> tuple[int, str]:
        """Status and text of something that needs a token."""
        return await self._ask("POST", path, json=body, headers={"Authorization": f"Bearer {token}"})

    async def hand_over(self, path: str, secret: str, **body: str) -> tuple[int, str]:
        """Status and text of a message that a provider hands over."""
        return await self._ask("POST", path, json=body, headers={"X-Denbao-Secret": secret})

    async def form(self, path: str, **fields: str) -> tuple[int, str]:
        """Status and text of a form that was sent as a browser does."""
        return await self._ask("POST", path, data=fields, headers={"Sec-Fetch-Site": "same-origin", "Origin": "null"})

    async def _ask(self, method: str, path: str, **options: Any) -> tuple[int, str]:
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.request(method, self.base + path, **options) as answer,
            ):
                return answer.status, await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            return 0, ""


Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


async def metrics(client: Client) -> Samples:
    """The page of /metrics by name and labels."""
    status, text = await client.get("/metrics")
    assert status == 200, (status, text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def total(samples: Samples, name: str, **labels: str) -> float:
    """Sum of the series of a name that have these labels; 0 when there is none."""
    wanted: Sequence[tuple[str, str]] = tuple(labels.items())
    return sum(value for (called, has), value in samples.items() if called == name and has.issuperset(wanted))
