"""One gateway that hangs, drips or floods delays no other channel and swells nothing: real workers, real sockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.adapters.clock import SystemClock
from monitor.adapters.store.memory import MemoryStore
from monitor.alerting.outcome import Way
from monitor.model.incident import Outcome
from monitor.model.state import Decision, UnitState
from monitor.ports import Transport
from monitor.service.sender import Sender
from monitor.simulate.gateways import BOTS, Mood
from tests.integration.gateway_tools import ALL, deliver, notice_by, opened
from tests.integration.posts import SLACK

pytestmark = pytest.mark.integration
MIB = 1024 * 1024
_PATIENT = 30.0  # seconds in which whatever is not held up is sent on a busy machine


async def owe(store: MemoryStore, channel: str, number: int) -> None:
    before = UnitState(channel)
    notices = tuple(replace(notice_by(channel, f"i/0/0/{n}/focal/{channel}"), incident=f"i/{n}") for n in range(number))
    due = SystemClock().now()
    owed = tuple(replace(one, due_at=due) for one in notices)
    await store.commit([Decision(before, before, notices=owed)])


async def states_of(store: MemoryStore, channel: str) -> list[str]:
    return [one.state for one in await store.deliveries() if one.notice.channel == channel]


@contextlib.asynccontextmanager
async def running(store: MemoryStore, transports: dict[str, Transport], ways: dict[str, Way]) -> AsyncIterator[None]:
    sender = Sender(store, transports, ways, SystemClock(), lambda: 0.0, "me")
    task = asyncio.create_task(sender.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await sender.drain(0)


@pytest.mark.parametrize("mood", ["silent", "drip"])
async def test_six_stuck_sends_of_one_gateway_hold_up_no_message_of_another(tmp_path, mood):
    store = MemoryStore()
    await store.open()
    async with opened(tmp_path, "esms", "vietguys", more=", timeout: 15s, parallel: 6") as (fake, every):
        transports = {name: every[name] for name in ("esms", "vietguys")}
        fake.moods["esms"] = Mood(mood)
        await owe(store, "esms", 6)
        async with running(store, transports, {"esms": Way(6), "vietguys": Way(2)}):
            async with asyncio.timeout(_PATIENT):
                while fake.asked["esms"] < 6:  # noqa: ASYNC110 (until all six hang on the wire)
                    await asyncio.sleep(0.02)
            await owe(store, "vietguys", 5)
            async with asyncio.timeout(_PATIENT):
                while await states_of(store, "vietguys") != ["sent"] * 5:  # noqa: ASYNC110 (see above)
                    await asyncio.sleep(0.02)
            assert set(await states_of(store, "esms")) <= {"leased", "unknown"}  # none lost, none called sent


def highest(pid: int) -> int:
    """The most memory a process ever had, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


@pytest.mark.parametrize("name", [name for name in ALL if name not in BOTS])
async def test_an_answer_of_300_mb_swells_neither_the_worker_nor_the_service(tmp_path, name):
    async with opened(tmp_path, name, more=", parallel: 1") as (fake, transports):
        transport = transports[name]
        await deliver(transport, name)
        (pid,) = transport._pool.pids  # type: ignore[attr-defined]
        before = highest(pid)
        fake.moods[name] = Mood("huge")
        assert (await deliver(transport, name, attempt=2)).outcome is Outcome.UNKNOWN
        assert transport._pool.pids == {pid}  # type: ignore[attr-defined]
        assert highest(pid) - before < 8 * MIB


@pytest.mark.parametrize("name", BOTS)
async def test_a_bots_answer_of_300_mb_ends_with_its_worker_at_most(tmp_path, name):
    async with opened(tmp_path, name, more=", timeout: 5s") as (fake, transports):
        transport = transports[name]
        fake.moods[name] = Mood("huge")
        async with asyncio.timeout(5 + SLACK):
            receipt = await deliver(transport, name)
        assert receipt.outcome in (Outcome.SENT, Outcome.UNKNOWN), receipt
        fake.moods.clear()
        assert (await deliver(transport, name, attempt=2)).outcome is Outcome.SENT
