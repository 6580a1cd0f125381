"""Where nothing fails nothing is sent twice: 100,000 messages through the outbox and its sender in virtual time."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime

import pytest

from monitor.adapters.store.memory import MemoryStore
from monitor.alerting.outcome import Way
from monitor.model.incident import Notice
from monitor.model.state import Decision, UnitState
from monitor.service.sender import Sender
from monitor.testing.clock import LoopClock, run
from monitor.testing.doubles import RecordingTransport, Reply

START = datetime(2026, 11, 20, 5, tzinfo=UTC)
AT_ONCE = 1_000
CHANNELS = ("zalo", "sms")


def notice(number: int, channel: str, due: datetime) -> Notice:
    return Notice(f"i{number}/0/0/0/p/{channel}", f"i{number}", "ABCDEF", "00010", "outage", "p", channel, due, *"sbt")


@pytest.mark.parametrize("messages", [4_000, pytest.param(100_000, marks=pytest.mark.nightly)])
def test_nothing_is_sent_twice_or_not_at_all(messages):
    async def story() -> None:
        clock, store = LoopClock(START), MemoryStore()
        transports = {name: RecordingTransport(clock, lambda *_: Reply(delay=0.2)) for name in CHANNELS}
        ways = {"zalo": Way(100, next_of={"p": "sms"}), "sms": Way(100, blind=True)}
        sender = Sender(store, transports, ways, clock, lambda: 0.5, "me")
        await store.open()
        task, state = asyncio.ensure_future(sender.run()), UnitState("00010")
        for first in range(0, messages, AT_ONCE):
            owed = [notice(n, CHANNELS[n % 2], clock.now()) for n in range(first, first + AT_ONCE)]
            decision = Decision(state, state, notices=tuple(owed))
            (state,) = await store.commit([decision])
            sender.notice([decision])
            await clock.sleep(5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        rung = Counter(ring.key for transport in transports.values() for ring in transport.rings)
        assert await store.outbox() == {}
        assert len(rung) == messages and set(rung.values()) == {1}

    run(story())
