"""Real databases of time series on loopback, and questions to them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import aiohttp

from tests.integration.process import free_ports

T = TypeVar("T")
PATIENCE = 90.0  # seconds until a question must have its answer
LOOK = 0.1  # seconds between two looks


async def until(why: str, look: Callable[[], Awaitable[T | None]]) -> T:
    """The first answer that is there. Fails with `why` when none comes."""
    end = asyncio.get_running_loop().time() + PATIENCE
    while (found := await look()) is None:
        assert asyncio.get_running_loop().time() < end, why
        await asyncio.sleep(LOOK)
    return found


class Prometheus:
    """A real one on loopback."""

    def __init__(self, base: str, http: aiohttp.ClientSession) -> None:
        self.base = base
        self._http = http

    async def ask(self, question: str) -> dict[tuple[str, ...], float]:
        """Values by label values of an instant query; nothing while Prometheus is not ready."""
        try:
            async with self._http.get(f"{self.base}/api/v1/query", params={"query": question}) as answer:
                found = await answer.json(content_type=None)
        except (aiohttp.ClientError, json.JSONDecodeError):
            return {}
        if found.get("status") != "success":
            return {}
        return {tuple(one["metric"].values()): float(one["value"][1]) for one in found["data"]["result"]}

    async def answers(self, question: str) -> dict[tuple[str, ...], float]:
        """The first answer that is not empty."""

        async def look() -> dict[tuple[str, ...], float] | None:
            return await self.ask(question) or None

        return await until(f"no answer to {question}", look)


@asynccontextmanager
async def prometheus(config: Path, *, port: int = 0) -> AsyncIterator[Prometheus]:
    """A Prometheus with this file, which keeps its data and exemplars beside it, and receives what is pushed."""
    port = port or free_ports(1)[0]
    async with _started(
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={config.with_suffix('.data')}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver",
        "--enable-feature=exemplar-storage",
        "--log.level=error",
        port=port,
    ) as asked:
        yield asked


@asynccontextmanager
async def victoria_metrics(config: Path, *, port: int = 0) -> AsyncIterator[Prometheus]:
    """A VictoriaMetrics that scrapes by the same file; it answers the same questions, and always receives."""
    port = port or free_ports(1)[0]
    async with _started(
        "victoria-metrics",
        f"-promscrape.config={config}",
        f"-storageDataPath={config.with_suffix('.victoria')}",
        f"-httpListenAddr=127.0.0.1:{port}",
        "-search.latencyOffset=0s",
        "-loggerLevel=ERROR",
        port=port,
    ) as asked:
        yield asked


@asynccontextmanager
async def _started(*command: str, port: int) -> AsyncIterator[Prometheus]:
    """A server that ends with the block."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with aiohttp.ClientSession() as http:
            yield Prometheus(f"http://127.0.0.1:{port}", http)
    finally:
        process.terminate()
        await process.wait()
