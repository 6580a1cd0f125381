"""The way past the outbox: tries until it went, gives up what nobody needs, never stands in its own way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from monitor.model.errors import StoreError
from monitor.model.incident import Fault, Notice, Outcome, Receipt
from monitor.service.direct import DirectWay, Note
from monitor.testing import LoopClock, run
from monitor.testing.doubles import RecordingTransport, Reply
from tests.contract.store_facts import notice

NOW = datetime(2025, 8, 6, 2, tzinfo=UTC)
DOWN = Reply(Receipt(Outcome.TRY_AGAIN, "down"), arrives=False)
ONE = replace(notice("self/disk_low/1"), incident="self/disk_low")


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL", "monitor")


async def noted(_notice: Notice, _receipt: Receipt, _at: datetime) -> None:
    """A store that works."""


def played(
    script: Callable[[Notice, int], Reply],
    story: Callable[[DirectWay, LoopClock], Awaitable[None]],
    note: Note | None = None,
) -> RecordingTransport:
    async def all_of_it() -> RecordingTransport:
        clock = LoopClock(NOW)
        transport = RecordingTransport(clock, script)
        way = DirectWay({"log": transport}, clock, note or noted)
        await story(way, clock)
        await way.stop()
        return transport

    return run(all_of_it())


def test_a_message_is_tried_with_longer_and_longer_pauses_until_it_went():
    async def story(way: DirectWay, clock: LoopClock) -> None:
        way.send(ONE)
        way.send(ONE)
        await clock.sleep(100)
        assert way.pending("self/disk_low")
        await clock.sleep(1000)
        assert not way.pending("self/disk_low")

    wire = played(lambda _, attempt: DOWN if attempt < 5 else Reply(), story)
    assert [(ring.at - NOW).total_seconds() for ring in wire.asked] == [0, 15, 45, 105, 225]
    assert [ring.attempt for ring in wire.asked] == [1, 2, 3, 4, 5]
    assert len(wire.rings) == 1


@pytest.mark.parametrize(("fault", "tries"), [(Fault.RECIPIENT, 1), (Fault.MESSAGE, 1), (Fault.CHANNEL, 4)])
def test_only_what_no_repeat_can_mend_is_given_up(fault, tries):
    async def story(way: DirectWay, clock: LoopClock) -> None:
        way.send(ONE)
        await clock.sleep(120)

    wire = played(lambda *_: Reply(Receipt(Outcome.REFUSED, "no", fault=fault), arrives=False), story)
    assert len(wire.asked) == tries


def test_what_went_is_noted_as_soon_as_the_store_works_as_of_when_it_went():
    kept: list[tuple[str, float]] = []
    tried: list[float] = []

    async def story(way: DirectWay, clock: LoopClock) -> None:
        async def note(notice: Notice, _receipt: Receipt, at: datetime) -> None:
            tried.append((clock.now() - NOW).total_seconds())
            if len(tried) < 3:
                raise StoreError("disk full")
            kept.append((notice.key, (at - NOW).total_seconds()))

        way._note = note
        await clock.sleep(10)
        way.send(ONE)
        await clock.sleep(1)
        assert not way.pending("self/disk_low")
        await clock.sleep(300)

    played(lambda *_: Reply(), story)
    assert tried == [10, 25, 55]
    assert kept == [(ONE.key, 10.0)]


@pytest.mark.parametrize("asked", [999_999_999.0, float("inf"), float("nan"), -5.0])
def test_no_provider_puts_an_alarm_off_for_longer_than_five_minutes(asked):
    async def story(way: DirectWay, clock: LoopClock) -> None:
        way.send(ONE)
        await clock.sleep(301)

    busy = Reply(Receipt(Outcome.TRY_AGAIN, "HTTP 429", retry_after=asked), arrives=False)
    wire = played(lambda _, attempt: busy if attempt == 1 else Reply(), story)
    assert len(wire.rings) == 1


def test_a_transport_that_breaks_is_asked_again():
    async def story(way: DirectWay, clock: LoopClock) -> None:
        way.send(ONE)
        await clock.sleep(60)

    wire = played(lambda _, attempt: Reply(arrives=False, error=OSError()) if attempt == 1 else Reply(), story)
    assert len(wire.rings) == 1


def test_a_stuck_message_delays_no_other():
    async def story(way: DirectWay, clock: LoopClock) -> None:
        way.send(ONE)
        way.send(replace(ONE, key="other", incident="self/other"))
        await clock.sleep(10)

    wire = played(lambda one, _: Reply(delay=1000 if one.key == ONE.key else 0.1), story)
    assert [ring.key for ring in wire.rings] == ["other"]


def test_a_newer_message_takes_the_place_of_one_that_did_not_go_and_says_who_was_never_told():
    async def story(way: DirectWay, clock: LoopClock) -> None:
        way.send(ONE)
        way.send(replace(ONE, key="self/disk_low/1b", recipient="head"))
        await clock.sleep(5)
        assert way.replace("self/disk_low", over=False) == {("focal", "log")}
        await clock.sleep(100)
        way.send(replace(ONE, key="self/disk_low/2"))
        assert way.replace("self/disk_low", over=True) == {("focal", "log")}
        assert way.replace("self/disk_low", over=True) == frozenset()
        await clock.sleep(1)
        assert not way.pending("self/disk_low")

    wire = played(lambda one, _: Reply() if one.recipient == "head" else DOWN, story)
    assert [ring.notice.recipient for ring in wire.rings] == ["head"]
