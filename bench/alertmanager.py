"""Debian's Alertmanager over the same alerts: what most would take instead. One process on the loopback, no cluster."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
from aiohttp import web

from bench.blackbox import _cpu as cpu_of
from tests.integration.process import free_ports

NAME = "prometheus-alertmanager"
_MOST_IN_A_ROW = 4  # refusals of one message
_CALM = 20.0  # seconds for the retries of what is still known


def there() -> bool:
    """Whether this machine has it."""
    return shutil.which(NAME) is not None


@dataclass
class Receiver:
    """A webhook. What it took is counted by alert; `busy` of its answers are 503, and it may be slow."""

    chance: Random = field(default_factory=lambda: Random(1))
    busy: float = 0.0  # share of the posts, 0 to 1
    slowest: float = 0.0  # seconds
    posts: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)  # taken: loop's second, path, body
    told: Counter[str] = field(default_factory=Counter)  # how often each firing alert was taken
    refused: Counter[str] = field(default_factory=Counter)

    async def take(self, request: web.Request) -> web.Response:
        """One notification."""
        body = await request.json()
        key = body["groupKey"]
        await asyncio.sleep(self.chance.uniform(0.0, self.slowest))
        if self.refused[key] < _MOST_IN_A_ROW and self.chance.random() < self.busy:
            self.refused[key] += 1
            return web.Response(status=503)
        self.refused[key] = 0
        self.posts.append((asyncio.get_running_loop().time(), request.path, body))
        self.told.update(one["labels"]["unit"] for one in body["alerts"] if one["status"] == "firing")
        return web.Response()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """Its port."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/{tail:.*}", self.take)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield int(runner.addresses[0][1])
        finally:
            await runner.cleanup()


class Alertmanager:
    """One process; it may be killed and started again over the same files."""

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        (folder / "alertmanager.yml").write_text(json.dumps(config), "utf-8")
        (self._port,) = free_ports(1)
        self._command = (
            NAME,
            f"--config.file={folder}/alertmanager.yml",
            f"--storage.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{self._port}",
            "--cluster.listen-address=",
        )
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Begin a life; does not wait until it answers."""
        nowhere = asyncio.subprocess.DEVNULL
        self._process = await asyncio.create_subprocess_exec(*self._command, stdout=nowhere, stderr=nowhere)

    async def kill(self) -> None:
        """End it as a power cut does."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    @property
    def cpu(self) -> float:
        """Seconds of processor of this life."""
        assert self._process is not None
        return cpu_of(self._process.pid)

    async def take(self, session: aiohttp.ClientSession, units: Sequence[Mapping[str, str]]) -> bool:
        """Hand over alerts that begin now; whether it answered that it has them."""
        now = datetime.now(UTC).isoformat()
        alerts = [{"labels": {"alertname": "centre", **labels}, "startsAt": now} for labels in units]
        with suppress(aiohttp.ClientError, TimeoutError):
            url = f"http://127.0.0.1:{self._port}/api/v2/alerts"
            async with session.post(url, json=alerts, timeout=aiohttp.ClientTimeout(total=2)) as answer:
                return answer.status == 200
        return False


@dataclass(frozen=True)
class Killed:
    """What became of the alerts that it had answered with 200."""

    accepted: int
    lost: int
    extra: int  # notifications beyond the first of an alert


@dataclass
class _Source:
    """Says that one more thing broke, five times a second, and has each answered with 200 before the next."""

    manager: Alertmanager
    session: aiohttp.ClientSession
    accepted: list[str] = field(default_factory=list)

    async def once(self) -> None:
        """Each alert until it is taken, and never again, as a script or a commune does."""
        while True:
            name = f"u{len(self.accepted)}"
            while not await self.manager.take(self.session, [{"unit": name}]):  # noqa: ASYNC110 (until it lives again)
                await asyncio.sleep(0.05)
            self.accepted.append(name)
            await asyncio.sleep(0.2)

    async def again(self, seconds: float) -> None:
        """All of them once more every so many seconds, as Prometheus does."""
        while True:
            await asyncio.sleep(seconds)
            await self.manager.take(self.session, [{"unit": name} for name in self.accepted])


async def killed(folder: Path, kills: int, seed: int, *, again: float | None) -> Killed:
    """kill -9 at random instants while alerts come in and a webhook is busy and slow.

    `again`: seconds after which the source repeats all alerts; None: never.
    """
    receiver, chance = Receiver(Random(seed), busy=0.4, slowest=0.25), Random(seed + 1)
    async with receiver.listening() as port, aiohttp.ClientSession() as session:
        each = {"receiver": "hook", "group_by": ["unit"], "group_wait": "0s", "group_interval": "1s"}
        hook = {"name": "hook", "webhook_configs": [{"url": f"http://127.0.0.1:{port}/", "send_resolved": False}]}
        manager = Alertmanager(folder, {"route": {**each, "repeat_interval": "4h"}, "receivers": [hook]})
        source = _Source(manager, session)
        tasks = [asyncio.create_task(source.once())]
        tasks += [asyncio.create_task(source.again(again))] if again else []
        try:
            for _ in range(kills):
                await manager.start()
                await asyncio.sleep(chance.uniform(0.4, 2.5))
                await manager.kill()
            await manager.start()
            tasks[0].cancel()
            receiver.busy = 0.0
            await asyncio.sleep(_CALM)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await manager.kill()
    told = [receiver.told[name] for name in source.accepted]
    return Killed(len(told), told.count(0), sum(max(number - 1, 0) for number in told))


@dataclass(frozen=True)
class Grouped:
    """What its routes made of a mass outage."""

    notifications: Mapping[str, int]  # receiver -> how many to all of it
    most: Mapping[str, int]  # receiver -> most for one group
    first: Mapping[str, float]  # receiver -> seconds from the first alert, in unscaled time
    cpu: float


async def grouped(folder: Path, units: Sequence[Mapping[str, str]], faster: float) -> Grouped:
    """A minute in which all of these fall, with its default group_wait and group_interval, `faster` times as fast."""
    receiver = Receiver()
    wait, interval = 30 / faster, 300 / faster
    async with receiver.listening() as port, aiohttp.ClientSession() as session:
        routes = [("commune", ["unit"]), ("province", ["province"]), ("nation", ["alertname"])]
        config = {
            "route": {
                "receiver": "nobody",
                "group_wait": f"{wait * 1000:.0f}ms",
                "group_interval": f"{interval * 1000:.0f}ms",
                "repeat_interval": "4h",
                "routes": [{"receiver": name, "group_by": by, "continue": True} for name, by in routes],
            },
            "receivers": [
                {"name": "nobody"},
                *(
                    {"name": name, "webhook_configs": [{"url": f"http://127.0.0.1:{port}/{name}"}]}
                    for name, _ in routes
                ),
            ],
        }
        manager = Alertmanager(folder, config)
        await manager.start()
        try:
            while not await manager.take(session, [units[0]]):  # noqa: ASYNC110 (until it answers)
                await asyncio.sleep(0.1)
            begun = asyncio.get_running_loop().time()
            slices = 60
            for number in range(slices):
                await manager.take(session, units[number::slices])
                at = begun + (number + 1) * 60 / faster / slices
                await asyncio.sleep(max(at - asyncio.get_running_loop().time(), 0))
            await asyncio.sleep(wait + interval + 5)
            cpu = manager.cpu
        finally:
            await manager.kill()
    notified = Counter(path[1:] for _, path, _ in receiver.posts)
    of_group = Counter((path[1:], body["groupKey"]) for _, path, body in receiver.posts)
    most = {name: max((n for (of, _), n in of_group.items() if of == name), default=0) for name, _ in routes}
    first = {
        name: min(((at - begun) * faster for at, path, _ in receiver.posts if path[1:] == name), default=float("nan"))
        for name, _ in routes
    }
    return Grouped(notified, most, first, cpu)
