"""Whatever breaks while a changed site is read and built, the service that runs is told and goes on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from monitor.cli import run
from monitor.model.errors import ConfigError, StoreError
from tests.unit.sites import NOW, make_site


@dataclass
class Running:
    """As much of a running service as a reload sees."""

    site: SimpleNamespace
    clock: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(now=lambda: NOW))
    evaluator: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(degraded=""))
    problems: tuple[str, ...] = ()

    def refuse(self, problems: tuple[str, ...]) -> None:
        self.problems = problems


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (ConfigError(("config.yaml:1: one", "config.yaml:2: two")), ("config.yaml:1: one", "config.yaml:2: two")),
        (StoreError("another process has the store"), ("another process has the store",)),
        (PermissionError(13, "Permission denied"), ("cannot listen or open a file: [Errno 13] Permission denied",)),
        (ZeroDivisionError("division by zero"), ("ZeroDivisionError: division by zero",)),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_what_keeps_a_new_site_from_being_built_is_named_by_the_old_one(
    broken: Exception, sentence: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(_site: object) -> None:
        raise broken

    monkeypatch.setattr(run, "build_service", build)
    service = Running(SimpleNamespace(root=make_site(tmp_path)))
    assert await run._reloaded(service) is None  # type: ignore[arg-type]
    assert service.problems == sentence


async def test_while_the_store_is_away_nothing_is_reloaded_for_neither_site_could_be_started(tmp_path: Path) -> None:
    service = Running(SimpleNamespace(root=make_site(tmp_path)))
    service.evaluator.degraded = "disk full"
    assert await run._reloaded(service) is None  # type: ignore[arg-type]
    assert service.problems == (
        "not reloaded, for the store cannot be written now (disk full): reload again when it can",
    )


async def test_the_old_site_is_tried_until_it_starts_again(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts: list[Running] = []

    @contextlib.asynccontextmanager
    async def alive(_service: Running) -> AsyncIterator[None]:
        if len(attempts) < 3:
            raise OSError(28, "No space left on device")
        yield

    def build(site: SimpleNamespace) -> Running:
        attempts.append(Running(site))
        return attempts[-1]

    monkeypatch.setattr(run, "build_service", build)
    monkeypatch.setattr(run, "_alive", alive)
    monkeypatch.setattr(run, "AGAIN", 0.0)
    async with contextlib.AsyncExitStack() as life:
        assert await run._back_to(SimpleNamespace(), "why", asyncio.Queue(), life)  # type: ignore[arg-type]
    assert [service.problems for service in attempts] == [("why",)] * 3


async def test_an_order_to_stop_ends_the_trying(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(_site: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run, "build_service", build)
    orders: asyncio.Queue[bool] = asyncio.Queue()
    orders.put_nowait(False)
    async with contextlib.AsyncExitStack() as life:
        assert await run._back_to(SimpleNamespace(), "why", orders, life) is None  # type: ignore[arg-type]


async def test_a_service_that_does_not_stop_as_it_should_lets_go_of_its_store_all_the_same(caplog) -> None:
    closed: list[bool] = []

    async def stop() -> None:
        raise RuntimeError("a channel hung")

    async def close() -> None:
        closed.append(True)

    await run._stop(SimpleNamespace(stop=stop, store=SimpleNamespace(close=close)))  # type: ignore[arg-type]
    assert closed and "did not stop as it should" in caplog.text
