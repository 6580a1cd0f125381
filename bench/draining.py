"""10,000 notices that are due at once, by four channels of which one is dead: its gateway takes and never answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import aiohttp

from bench.measure import Figure, Watch
from monitor.adapters.clock import SystemClock, chance
from monitor.adapters.store import open_store
from monitor.adapters.transports.pool import Pool
from monitor.adapters.transports.webhook import WebhookTransport
from monitor.alerting.outcome import Way
from monitor.config.secrets import Secret
from monitor.model.incident import Notice
from monitor.model.state import Decision, UnitState
from monitor.ports import Store
from monitor.service.sender import Sender

LIVING = ("mail", "sms", "chat")
DEAD = "zalo"
EACH = 2_500  # notices of a channel
PARALLEL = 4  # sends at once of a channel
_TURNS = 3
_LOOK = 0.5  # seconds between two looks at the outbox


def run(each: int = EACH) -> list[Figure]:
    """All with the dead channel; then less, in turns with and without it, the best of each; beside bare loops."""
    whole, with_dead, without, bare, workers = asyncio.run(_all(each))
    rate = sum(whole.rates.values())
    return [
        Figure(f"notices due, a quarter of them by {DEAD}, which is dead", each * (len(LIVING) + 1), ""),
        *(Figure(f"sent by {name}", whole.rates[name], "per s", rate, "all living channels") for name in LIVING),
        Figure(f"sent by {DEAD}", whole.sent[DEAD], ""),
        Figure(f"  asked so often, {PARALLEL} at once", whole.attempts[DEAD], ""),
        Figure("all living channels", rate, "per s", bare, "a bare loop of aiohttp"),
        Figure("the same", rate, "per s", workers, "the workers without an outbox"),
        Figure("the slowest channel, in turns", _slowest(with_dead), "per s", _slowest(without), f"without {DEAD}"),
        Figure("service alone, 1,000 notices", _cpu(with_dead), "CPU s", _cpu(without), f"without {DEAD}"),
    ]


def _slowest(turns: Sequence[_Drained]) -> float:
    return max(min(one.rates.values()) for one in turns)


def _cpu(turns: Sequence[_Drained]) -> float:
    return min(1000 * one.cpu / sum(one.sent.values()) for one in turns)


@dataclass(frozen=True)
class _Drained:
    rates: dict[str, float]  # per second, of each channel that lives
    sent: Counter[str]
    attempts: Counter[str]
    cpu: float  # seconds


async def _all(each: int) -> tuple[_Drained, list[_Drained], list[_Drained], float, float]:
    with_dead, without = list[_Drained](), list[_Drained]()
    async with _gateway() as port:
        whole = await _drained(port, (*LIVING, DEAD), each)
        for _ in range(_TURNS):
            without.append(await _drained(port, LIVING, each // 8))
            with_dead.append(await _drained(port, (*LIVING, DEAD), each // 8))
        return whole, with_dead, without, await _bare(port, each), await _by_workers(port, each)


def _transport(port: int, name: str) -> WebhookTransport:
    pool = Pool(name, PARALLEL, ("127.0.0.0/8:*",), SystemClock())
    return WebhookTransport(Secret(f"json://127.0.0.1:{port}/{name}"), lambda _: None, pool)


def _notices(name: str, number: int) -> tuple[Notice, ...]:
    now, texts = SystemClock().now(), ("Cảnh báo đỏ", "Xã Văn Lang mất kết nối", "Xa Van Lang mat ket noi")
    return tuple(
        Notice(f"{n}/0/0/0/p{n}/{name}", f"{n}", "ABCDEF", "VN", "outage", f"p{n}", name, now, *texts, urgent=True)
        for n in range(number)
    )


async def _drained(port: int, channels: Sequence[str], each: int) -> _Drained:
    transports = {name: _transport(port, name) for name in channels}
    with tempfile.TemporaryDirectory() as folder:
        store = open_store("sqlite:bench.db", Path(folder))
        await store.open()
        nobody = UnitState("bench")
        owed = tuple(one for name in channels for one in _notices(name, each))
        begun = SystemClock().now()
        await store.commit([Decision(nobody, nobody, notices=owed)])
        clock = SystemClock()
        sender = Sender(store, transports, {name: Way(PARALLEL) for name in channels}, clock, chance, "bench")
        task = asyncio.create_task(sender.run())
        with Watch() as watch:
            await _until_living_are_done(store)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await sender.drain(0)
        found = await store.deliveries(limit=10**6)
        await store.close()
    for transport in transports.values():
        await transport.close()
    at = {name: [d.sent_at for d in found if d.notice.channel == name and d.sent_at] for name in channels}
    ends = {name: (max(times) - begun).total_seconds() for name, times in at.items() if times}
    return _Drained(
        {name: each / seconds for name, seconds in ends.items()},
        Counter({name: len(times) for name, times in at.items()}),
        Counter({name: sum(d.attempt for d in found if d.notice.channel == name) for name in channels}),
        watch.spent.cpu,
    )


async def _until_living_are_done(store: Store) -> None:
    while set(await store.outbox()) - {DEAD}:  # noqa: ASYNC110 (nobody tells when it is empty)
        await asyncio.sleep(_LOOK)


async def _bare(port: int, each: int) -> float:
    """Posts per second of three times four loops over aiohttp, which know no outbox and no worker."""
    bodies = iter([json.dumps({"key": one.key, "body": one.body}) for one in _notices("bare", each)])

    async def post(session: aiohttp.ClientSession) -> None:
        for body in bodies:
            async with session.post(f"http://127.0.0.1:{port}/bare", data=body) as answer:
                await answer.read()

    begun = perf_counter()
    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(post(session) for _ in range(len(LIVING) * PARALLEL)))
    return each / (perf_counter() - begun)


async def _by_workers(port: int, each: int) -> float:
    """Messages per second of the same workers, with nothing owed, claimed or settled."""
    transports = [_transport(port, name) for name in LIVING]
    notices = iter(_notices("bare", each))

    async def post(transport: WebhookTransport) -> None:
        for one in notices:
            await transport.send(one, attempt=1, maybe_sent=False)

    begun = perf_counter()
    await asyncio.gather(*(post(transport) for transport in transports for _ in range(PARALLEL)))
    rate = each / (perf_counter() - begun)
    for transport in transports:
        await transport.close()
    return rate


@contextlib.asynccontextmanager
async def _gateway() -> AsyncIterator[int]:
    """A process of its own that answers every post, but not on the dead channel's path; its port."""
    command = (sys.executable, "-m", "bench.draining")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield int(await process.stdout.readline())
    finally:
        process.kill()
        await process.wait()


async def _serve() -> None:
    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
                await reader.readexactly(int(length.partition(b":")[2]))
                if head.startswith(f"POST /{DEAD}".encode()):
                    await reader.read()  # a black hole
                    break
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
