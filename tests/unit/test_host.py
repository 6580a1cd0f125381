"""The machine as the monitor's own alarm sees it: disk, memory beside the store, heartbeats through the one fetcher."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from monitor.adapters import host as host_module
from monitor.adapters.fetch import Failure, Fetcher, Request, Response
from monitor.adapters.host import SystemHost
from monitor.alerting.selfwatch import Alarm, Condition, Stage
from monitor.config.secrets import Secret

NOW = datetime(2025, 8, 6, 2, 0, 0, 5, tzinfo=UTC)
ALARM = Alarm(Condition.DISK_LOW, NOW, NOW, Stage.RAISED, 2, NOW, {"free": 3, "when": NOW}, "an")


class Outside:
    """Stands in for the fetcher."""

    def __init__(self, answer: Callable[[Request], Response | Failure]) -> None:
        self.answer = answer
        self.asked: list[Request] = []

    async def fetch(self, request: Request) -> Response | Failure:
        self.asked.append(request)
        return self.answer(request)


def status(number: int) -> Response:
    return Response(number, {}, b"", 0.1, "192.0.2.1", {})


def host(var: Path, *urls: str, outside: Outside | None = None) -> SystemHost:
    return SystemHost(var, [Secret(url) for url in urls], cast("Fetcher", outside or Outside(lambda _: status(200))))


async def test_alarms_come_back_exactly_as_they_were_remembered(tmp_path):
    one = host(tmp_path / "var")
    assert await one.recall() == {}
    await one.remember({ALARM.condition: ALARM})
    assert await host(tmp_path / "var").recall() == {Condition.DISK_LOW: ALARM}


async def test_a_file_that_cannot_be_read_or_written_is_told_in_the_log_and_nothing_more(tmp_path, caplog):
    (tmp_path / "own-alarms.json").write_text("[{}]")
    assert await host(tmp_path).recall() == {}
    assert "may be told again" in caplog.text
    (tmp_path / "file").write_text("")
    await host(tmp_path / "file" / "var").remember({})
    assert "cannot be written" in caplog.text


async def test_a_disk_that_hangs_keeps_one_thread_however_often_it_is_asked(tmp_path, monkeypatch, caplog):
    begun, back, asked, real = threading.Event(), threading.Event(), [], Path.replace

    def hanging(path: Path, target: Path) -> Path:
        asked.append(threading.current_thread())
        begun.set()
        back.wait()
        return real(path, target)

    monkeypatch.setattr(host_module, "_DEADLINE", 0.01)
    monkeypatch.setattr(Path, "replace", hanging)
    one = host(tmp_path)
    try:
        for _ in range(5):
            await one.remember({ALARM.condition: ALARM})
        begun.wait()
        assert (await one.recall(), len(asked), asked[0].daemon) == ({}, 1, True)  # it keeps no process alive
        assert caplog.text.count("own-alarms.json cannot be") == 6
    finally:
        back.set()
    asked[0].join()
    await asyncio.sleep(0)  # the loop hears of it
    monkeypatch.undo()
    assert await one.recall() == {ALARM.condition: ALARM}


def test_the_free_share_is_that_of_the_disk_under_var(tmp_path):
    share = host(tmp_path / "not-yet").free()
    assert share is not None
    assert 0 <= share <= 100
    assert host(Path("/nowhere/at/all")).free() is None


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (status(200), ""),
        (status(204), ""),
        (status(301), "address 1: HTTP status 301"),
        (status(500), "address 1: HTTP status 500"),
        (Failure("timeout", "no complete answer within 5 s", 5.0), "address 1: no complete answer within 5 s"),
    ],
)
async def test_a_heartbeat_is_heard_when_the_answer_is_good_and_the_address_is_never_named(tmp_path, answer, why):
    outside = Outside(lambda _: answer)
    assert await host(tmp_path, "https://watcher.example/s3cret", outside=outside).beat() == [why]
    assert (outside.asked[0].timeout, outside.asked[0].redirects) == (5.0, 0)


async def test_each_address_is_asked_on_its_own(tmp_path):
    outside = Outside(lambda request: status(200 if "two" in request.url else 503))
    answers = await host(tmp_path, "https://one.example/", "https://two.example/", outside=outside).beat()
    assert answers == ["address 1: HTTP status 503", ""]
