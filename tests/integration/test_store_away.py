"""A real service whose disk is full, or whose database somebody holds and sleeps: what it says, does and forgets."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.integration.posts import HttpServer, http_server
from tests.integration.process import Running, metrics, total, until
from tests.integration.trial import COMMUNES, Trial, make_trial

# A minute and more: the alarm begins after thirty seconds in which nothing could be stored.
pytestmark = [pytest.mark.integration, pytest.mark.nightly]

PUSHER = "pusher-7b1c0d2e"
DOWN, WELL_AGAIN = COMMUNES[:3], COMMUNES[2]
SOON = 75.0  # seconds for what must come within 60, on a busy machine
_HOLD = """
import sqlite3, sys, time
database = sqlite3.connect(sys.argv[1])
database.execute("BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep(600)
"""
Broken = Callable[[Trial, Running], contextlib.AbstractContextManager[None]]


@contextlib.contextmanager
def full_disk(trial: Trial, service: Running) -> Iterator[None]:
    """Nothing can be written any more: a small disk is filled, or, where none may be mounted, no file may grow."""
    var = trial.folder / "var"
    if not os.path.ismount(var):
        before = resource.prlimit(service.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(service.pid, resource.RLIMIT_FSIZE, (1, before[1]))
        yield
        resource.prlimit(service.pid, resource.RLIMIT_FSIZE, before)
        return
    ballast = var / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 4096)
    yield
    ballast.unlink()


@contextlib.contextmanager
def held_and_asleep(trial: Trial, _service: Running) -> Iterator[None]:
    """Another process took the database's write lock and was stopped."""
    command = [sys.executable, "-c", _HOLD, str(trial.folder / "var" / "denbao.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as held:
        try:
            assert held.stdout is not None and held.stdout.readline() == b"held\n"
            held.send_signal(signal.SIGSTOP)
            yield
        finally:
            held.kill()


@contextlib.contextmanager
def small_disk(var: Path) -> Iterator[None]:
    """A disk of its own for `var`, where this user may mount one."""
    var.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", var], capture_output=True, check=False)
    try:
        yield
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", "-l", var], check=True)


def set_up(trial: Trial, hook: HttpServer) -> None:
    """The operator hears of the monitor by the same webhook; one token may push.

    Asked each second, a busy machine would make the line look down now and then, which covers the centres behind it.
    """
    trial.ask_every("3s", "3s")
    trial.channel("webhook", "webhook", f"json://127.0.0.1:{hook.port}/", hook.port)
    trial.outage_plan({"after": "0s", "to": ["commune_focal"]})
    trial.config["own_alarm"] = {"to": ["central-support-vn"]}
    known = hashlib.sha256(PUSHER.encode()).hexdigest()
    trial.config["access"] = {"tokens": [{"id": "portal", "role": "pusher", "sha256": known}]}
    trial.write()


async def push(trial: Trial) -> tuple[int, bool]:
    """Status of one pushed reading, and whether the answer says when to come again."""
    as_of = datetime.now(UTC).isoformat(timespec="seconds")
    row = {"unit": COMMUNES[5], "indicator": "digital_signature_rate", "value": 91.0, "as_of": as_of}
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer portal.{PUSHER}"}) as session:
        answer = await session.post(f"{trial.board.base}/api/v1/readings", json={"readings": [row]})
        return answer.status, "Retry-After" in answer.headers


def about(hook: HttpServer, kind: str) -> list[dict[str, Any]]:
    return [body for _, _, body in hook.requests if body["kind"] == kind]


async def paged(hook: HttpServer) -> list[dict[str, Any]]:
    return [body for body in about(hook, "self") if "database" in body["body"] or "cơ sở dữ liệu" in body["body"]]


async def told(hook: HttpServer, units: tuple[str, ...]) -> bool:
    return {body["unit"] for body in about(hook, "outage")} >= set(units)


async def taken(trial: Trial) -> bool:
    """Whether a push is; not tried before the service says that it may work, for a token has sixty a minute."""
    ready = (await trial.board.get("/readyz"))[0] == 200
    return ready and await push(trial) == (200, False)


async def judged_in_memory(trial: Trial, units: tuple[str, ...]) -> bool:
    """Whether these are red, and that is said to be stored nowhere: on the board, by the API and as a metric."""
    found = [await trial.unit(code) for code in units]
    marked = all(unit["not_stored_since"] and not unit["incidents"] for unit in found)
    away = total(await metrics(trial.board), "denbao_store_away_seconds")
    page = (await trial.board.get("/"))[1]
    return all(unit["colour"] == "red" for unit in found) and marked and away > 0 and "Chưa lưu được từ" in page


async def well_in_memory(trial: Trial, unit: str) -> bool:
    """Whether good answers have lasted for long enough, and that is stored nowhere either."""
    found = await trial.unit(unit)
    return bool(found["not_stored_since"]) and found["colour"] != "red"


async def polls(trial: Trial) -> float:
    return total(await metrics(trial.board), "denbao_polls_total", outcome="answered")


@pytest.mark.parametrize("broken", [full_disk, held_and_asleep])
async def test_a_store_that_is_away_refuses_pushes_pages_once_goes_on_polling_and_comes_back_in_silence(
    broken: Broken, tmp_path: Path
):
    """P12."""
    trial = await make_trial(tmp_path)
    with small_disk(trial.folder / "var") if broken is full_disk else contextlib.nullcontext():
        async with http_server() as hook:
            set_up(trial, hook)
            async with trial.serving() as service:
                await until("pushes are taken", taken, trial)
                before = await polls(trial)
                with broken(trial, service):
                    for code in DOWN:
                        await trial.put_centre(code, "down")
                    assert await push(trial) == (503, True)
                    await until("the operator is paged", paged, hook, seconds=SOON)
                    assert (await trial.board.get("/readyz"))[0] == 503
                    await until("judging goes on", judged_in_memory, trial, DOWN)
                    await trial.put_centre(WELL_AGAIN, "up")
                    await until("who is well again is judged so", well_in_memory, trial, WELL_AGAIN)
                    assert await polls(trial) > before + 50
                    assert about(hook, "outage") == []
                await until("pushes are taken again", taken, trial)
                await until("who is still down is told", told, hook, DOWN[:2])
                await asyncio.sleep(5)  # what else would come
                assert sorted(body["unit"] for body in about(hook, "outage")) == sorted(DOWN[:2])
                assert len(await paged(hook)) == 1
                assert await service.stop(SOON) == 0 and "Traceback" not in service.err
