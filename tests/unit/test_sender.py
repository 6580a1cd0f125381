"""The sender over the store in memory: claim, send, then mark, under a clock moved by hand."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.adapters.store.memory import MemoryStore
from monitor.adapters.transports.factory import LONGEST
from monitor.alerting.limits import Limits, Rate
from monitor.alerting.outcome import Way
from monitor.alerting.replies import REPLY
from monitor.model.colour import Colour
from monitor.model.errors import StoreError
from monitor.model.incident import Fault, Kind, Notice, Outcome, Receipt
from monitor.model.state import Decision, UnitState
from monitor.ports import Hold, Lease
from monitor.service.sender import LEASE, Sender
from monitor.testing.clock import LoopClock, run
from monitor.testing.stepped import SteppedClock

NOON = datetime(2026, 11, 20, 5, tzinfo=UTC)
SENT, AGAIN, REFUSED, UNKNOWN = (
    Receipt(outcome) for outcome in (Outcome.SENT, Outcome.TRY_AGAIN, Outcome.REFUSED, Outcome.UNKNOWN)
)


async def settled() -> None:
    """Let every task run until it waits for the clock or for a gate."""
    for _ in range(60):
        await asyncio.sleep(0)


class HandClock(SteppedClock):
    """Time that passes only when told to."""

    back = 0.0  # seconds by which the wall clock was set back

    def now(self) -> datetime:
        return super().now() - timedelta(seconds=self.back)

    async def advance(self, seconds: float) -> None:
        await self.run_until(super().now() + timedelta(seconds=seconds))


class DiaryStore(MemoryStore):
    """The store in memory that writes down who claimed and marked what, and can be broken."""

    def __init__(self, diary: list[str]) -> None:
        super().__init__()
        self.diary = diary
        self.broken: set[str] = set()

    async def lease(
        self,
        channel: str,
        owner: str,
        now: datetime,
        limit: int,
        seconds: float,
        hold: Hold | None = None,
        limits: Limits | None = None,
    ) -> Sequence[Lease]:
        self._refuse("lease")
        leases = await super().lease(channel, owner, now, limit, seconds, hold, limits)
        self.diary += [f"claim {lease.notice.key}" for lease in leases]
        return leases

    async def settle(
        self,
        lease: Lease,
        receipt: Receipt,
        now: datetime,
        next_at: datetime | None = None,
        instead: Notice | None = None,
    ) -> bool:
        self._refuse("settle")
        marked = await super().settle(lease, receipt, now, next_at, instead)
        self.diary.append(f"mark {lease.notice.key} {receipt.outcome if marked else 'too late'}")
        return marked

    def _refuse(self, method: str) -> None:
        if method in self.broken:
            raise StoreError("disk full")


@dataclass
class ScriptedTransport:
    """Answers with the receipts of a script, then SENT; waits at its gate if there is one."""

    clock: HandClock
    diary: list[str]
    script: list[Receipt | Exception] = field(default_factory=list)
    gate: asyncio.Event | None = None
    takes: float = 0.0
    sends: list[tuple[float, str, int, bool]] = field(default_factory=list)
    flying: int = 0
    most: int = 0

    async def send(self, notice: Notice, *, attempt: int, maybe_sent: bool) -> Receipt:
        self.sends.append((self.clock.monotonic(), notice.key, attempt, maybe_sent))
        self.diary.append(f"send {notice.key}")
        self.flying += 1
        self.most = max(self.most, self.flying)
        try:
            if self.gate is not None:
                await self.gate.wait()
            if self.takes:
                await self.clock.sleep(self.takes)
        finally:
            self.flying -= 1
        answer = self.script.pop(0) if self.script else SENT
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        """Nothing to stop."""

    @property
    def times(self) -> list[float]:
        return [time for time, *_ in self.sends]


class Office:
    """A store, a clock and channels, and a sender that runs until the end of the test."""

    def __init__(self) -> None:
        self.clock = HandClock(NOON)
        self.diary: list[str] = []
        self.store = DiaryStore(self.diary)
        self.channels: dict[str, ScriptedTransport] = {}
        self._versions: dict[str, int] = {}

    def channel(self, name: str = "sms", *script: Receipt | Exception, gate: bool = False) -> ScriptedTransport:
        self.channels[name] = ScriptedTransport(self.clock, self.diary, list(script), asyncio.Event() if gate else None)
        return self.channels[name]

    def sender(self, owner: str = "one", ways: Mapping[str, Way] | None = None) -> Sender:
        return Sender(
            self.store, self.channels, ways or dict.fromkeys(self.channels, Way(4)), self.clock, lambda: 0.0, owner
        )

    async def owe(self, *keys: str, channel: str = "sms", after: float = 0.0, **more) -> Decision:
        due_at = self.clock.now() + timedelta(seconds=after)
        owed = tuple(replace(notice(key, channel, due_at), **more) for key in keys)
        before = UnitState("00010", self._versions.get("00010", 0))
        decision = Decision(before, before, notices=owed)
        (state,) = await self.store.commit([decision])
        self._versions["00010"] = state.version
        return decision

    async def states(self) -> dict[str, str]:
        return {delivery.notice.key: delivery.state for delivery in await self.store.deliveries()}

    @contextlib.asynccontextmanager
    async def running(self, sender: Sender) -> AsyncIterator[None]:
        task = asyncio.create_task(sender.run())
        try:
            await settled()
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await sender.drain(0)


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    made = Office()
    await made.store.open()
    yield made
    await made.store.close()


def notice(key: str, channel: str, due: datetime) -> Notice:
    return Notice(key, "i", "ABCDEF", "00010", "outage", "focal", channel, due, "Cảnh báo đỏ", "Nội dung", "Noi dung")


def of(key: str) -> Callable[[str], bool]:
    return lambda line: key in line.split()


# -- order -------------------------------------------------------------------------------------------------------


async def test_a_notice_is_claimed_then_sent_then_marked(office):
    office.channel()
    await office.owe("a")
    async with office.running(office.sender()):
        await office.clock.advance(0)
    assert office.diary == ["claim a", "send a", "mark a sent"]


async def test_what_is_sent_or_refused_is_never_sent_again(office):
    channel = office.channel("sms", SENT, REFUSED)
    await office.owe("a", "b")
    async with office.running(office.sender()):
        await office.clock.advance(3600)
    assert len(channel.sends) == 2
    assert await office.states() == {"a": "sent", "b": "refused"}


async def test_a_final_status_by_the_providers_name_counts_also_where_it_overtakes_the_answer_to_the_send(office):
    channel = office.channel("sms", replace(SENT, id="provider-7"), gate=True)
    await office.owe("a")
    sender = office.sender()
    async with office.running(sender):
        await office.clock.advance(0)
        assert not await sender.heard_later("sms", "provider-7", "delivered")
        channel.gate.set()
        await settled()
    (found,) = await office.store.deliveries()
    assert (found.state, found.final, found.provider_id) == ("sent", "delivered", "provider-7")


async def test_a_final_status_of_nobodys_message_is_forgotten(office):
    office.channel()
    sender = office.sender()
    async with office.running(sender):
        assert not await sender.heard_later("sms", "provider-7", "failed")
        await office.owe("a")
        await office.clock.advance(5)
    assert [one.final for one in await office.store.deliveries()] == [""]


async def test_a_notice_owed_now_wakes_its_channel_at_once(office):
    channel = office.channel()
    sender = office.sender()
    async with office.running(sender):
        sender.notice([await office.owe("a")])
        await settled()
        assert channel.times == [0.0]


async def test_a_notice_for_later_waits_for_its_time(office):
    channel = office.channel()
    await office.owe("a", after=7.5)
    async with office.running(office.sender()):
        await office.clock.advance(60)
    assert channel.times == [7.5]


async def test_a_notice_that_nobody_announced_is_found_within_five_seconds(office):
    channel = office.channel()
    async with office.running(office.sender()):
        await office.clock.advance(1)
        await office.owe("a")
        await office.clock.advance(5)
    assert channel.times == [5.0]


async def test_what_is_not_worth_sending_any_more_is_given_up_with_its_reason_and_said_in_the_audit_trail(office):
    channel = office.channel()
    incident = {"cause": "centre", "trouble": Kind.KPI_YELLOW, "colour": Colour.YELLOW}
    await office.owe("yellow", "red", **incident)
    await office.owe("red-one", **{**incident, "colour": Colour.RED})
    sender = office.sender()
    await office.clock.advance(86_400)  # in which it could have sent them
    async with office.running(sender):
        await office.clock.advance(1)
    assert [key for _, key, *_ in channel.sends] == ["red-one"]
    assert await office.states() == {"yellow": "refused", "red": "refused", "red-one": "sent"}
    assert {one.detail for one in await office.store.deliveries() if one.state == "refused"} == {
        "too late: it was worth sending until 2026-11-21 05:00 UTC"
    }
    said = [entry.subject for entry, _ in await office.store.audit_trail() if entry.action == "too late"]
    assert said == ["i", "i"]


async def test_what_fell_due_while_the_service_was_off_is_sent_when_it_is_on_again(office):
    channel = office.channel()
    calm = {"cause": "centre", "trouble": Kind.KPI_YELLOW, "colour": Colour.YELLOW}
    await office.owe("call", **calm)
    await office.owe("answer", kind=REPLY)
    await office.clock.advance(2 * 86_400)
    async with office.running(office.sender()):
        await office.clock.advance(1)
    assert {key for _, key, *_ in channel.sends} == {"call", "answer"}
    assert set((await office.states()).values()) == {"sent"}


async def test_what_is_late_since_the_start_is_given_up_also_where_the_clock_was_ahead_then(office):
    office.channel("sms", *[AGAIN] * 1000)
    async with office.running(office.sender()):
        await office.clock.advance(1)
        office.clock.back = 7 * 3600
        await office.clock.advance(10)
        await office.owe("answer", kind=REPLY)
        await office.clock.advance(2 * 3600)
    assert await office.states() == {"answer": "suppressed"}


# -- again -------------------------------------------------------------------------------------------------------


async def test_a_channel_that_says_try_again_is_tried_after_1_2_4_and_8_seconds(office):
    channel = office.channel("sms", AGAIN, AGAIN, AGAIN, AGAIN, SENT)
    await office.owe("a")
    async with office.running(office.sender()):
        await office.clock.advance(60)
    assert channel.times == [0.0, 1.0, 3.0, 7.0, 15.0]
    assert [(key, attempt, maybe) for _, key, attempt, maybe in channel.sends] == [
        ("a", attempt, False) for attempt in (1, 2, 3, 4, 5)
    ]


async def test_sc40_a_recovery_whose_channel_fails_is_tried_until_it_went(office):
    """SC-40, its second half inverted on purpose: a recovery is never counted as told while nothing was sent."""
    channel = office.channel("sms", SENT, AGAIN, AGAIN, SENT)
    await office.owe("page")
    async with office.running(office.sender()):
        await office.clock.advance(1)
        await office.owe("recovery", requires="page")
        await office.clock.advance(60)
    assert [key for _, key, _, _ in channel.sends] == ["page", "recovery", "recovery", "recovery"]


async def test_a_provider_that_names_a_pause_is_left_alone_for_it(office):
    channel = office.channel("sms", replace(AGAIN, retry_after=37.0), SENT)
    await office.owe("a")
    async with office.running(office.sender()):
        await office.clock.advance(60)
    assert channel.times == [0.0, 37.0]


async def test_a_pause_of_one_notice_does_not_hold_up_another_of_the_channel(office):
    channel = office.channel("sms", replace(AGAIN, retry_after=37.0), SENT)
    await office.owe("a")
    await office.owe("b", after=2)
    async with office.running(office.sender()):
        await office.clock.advance(30)
    assert [(time, key) for time, key, *_ in channel.sends] == [(0.0, "a"), (2.0, "b")]


async def test_what_may_have_gone_is_repeated_late_under_the_same_key_and_says_so(office):
    channel = office.channel("sms", UNKNOWN, AGAIN, SENT)
    await office.owe("a")
    async with office.running(office.sender()):
        await office.clock.advance(60)
    assert channel.sends == [(0.0, "a", 1, False), (15.0, "a", 2, True), (17.0, "a", 3, True)]
    assert await office.states() == {"a": "sent"}


async def test_a_slow_receiver_gets_at_most_three_sends_in_ninety_seconds(office):
    channel = office.channel("sms", *[UNKNOWN] * 9)
    channel.takes = 15.0
    await office.owe("a")
    async with office.running(office.sender()):
        await office.clock.advance(89)
    assert len(channel.sends) <= 3


async def test_a_transport_that_breaks_its_promise_counts_as_unknown(office):
    channel = office.channel("sms", RuntimeError("mailto://user:password@host"))
    await office.owe("a")
    async with office.running(office.sender()):
        await office.clock.advance(1)
        (delivery,) = await office.store.deliveries()
        assert (delivery.state, delivery.detail) == ("unknown", "RuntimeError")
        await office.clock.advance(20)
    assert channel.sends[1][1:] == ("a", 2, True)


# -- bulkheads ---------------------------------------------------------------------------------------------------


async def test_a_stuck_channel_does_not_delay_another(office):
    stuck, healthy = office.channel("sms", gate=True), office.channel("email")
    await office.owe(*"abcdef", channel="sms")
    await office.owe(*"ghijkl", channel="email")
    async with office.running(office.sender()):
        await office.clock.advance(0)
        assert len(healthy.sends) == 6
        assert len(stuck.sends) == 4


async def test_no_more_than_parallel_sends_are_on_the_wire_and_a_landing_starts_the_next(office):
    channel = office.channel("sms", gate=True)
    await office.owe(*"abcde")
    async with office.running(office.sender(ways={"sms": Way(2)})):
        await office.clock.advance(10)
        assert len(channel.sends) == 2
        channel.gate.set()
        await settled()
    assert (len(channel.sends), channel.most) == (5, 2)


async def test_a_notice_is_claimed_only_when_it_can_be_sent_at_once(office):
    office.channel("sms", gate=True)
    await office.owe(*"abcde")
    async with office.running(office.sender(ways={"sms": Way(2)})):
        await office.clock.advance(10)
        assert sorted((await office.states()).values()) == ["leased", "leased", "pending", "pending", "pending"]


# -- ends and accidents ------------------------------------------------------------------------------------------


async def test_drain_lets_what_is_on_the_wire_land_and_be_marked(office):
    channel = office.channel("sms", gate=True)
    await office.owe("a")
    sender = office.sender()
    await sender.step("sms")
    await settled()
    draining = asyncio.create_task(sender.drain())
    channel.gate.set()
    await draining
    assert await office.states() == {"a": "sent"}


def test_drain_waits_for_as_long_as_a_transport_may_take():
    """What was cut off would be sent a second time by the next start."""

    class Slow:
        async def send(self, notice: Notice, *, attempt: int, maybe_sent: bool) -> Receipt:
            await asyncio.sleep(LONGEST)
            return SENT

        async def close(self) -> None:
            """Nothing to stop."""

    async def story() -> None:
        made = Office()
        await made.store.open()
        await made.owe("a")
        sender = Sender(made.store, {"sms": Slow()}, {"sms": Way()}, LoopClock(NOON), lambda: 0.0, "one")
        await sender.step("sms")
        await sender.drain()
        assert await made.states() == {"a": "sent"}

    run(story())


async def test_drain_of_an_idle_sender_ends_at_once(office):
    office.channel()
    await office.sender().drain()


async def test_what_does_not_land_in_time_is_cut_off_and_sent_by_the_next_sender_after_the_lease(office):
    channel = office.channel("sms", gate=True)
    await office.owe("a")
    first = office.sender()
    await first.step("sms")
    await settled()
    await first.drain(0)
    assert await office.states() == {"a": "leased"}
    channel.gate.set()
    async with office.running(office.sender("two")):
        await office.clock.advance(LEASE + 1)
    assert channel.sends == [(0.0, "a", 1, False), (LEASE, "a", 2, True)]


async def test_a_sender_that_comes_back_too_late_marks_nothing(office):
    channel = office.channel("sms", UNKNOWN, SENT, gate=True)
    await office.owe("a")
    slow, quick = office.sender("one"), office.sender("two")
    await slow.step("sms")
    await settled()
    await office.clock.advance(LEASE + 1)
    await quick.step("sms")
    await settled()
    channel.gate.set()
    await settled()
    assert list(filter(of("mark"), office.diary)) == ["mark a too late", "mark a sent"]
    assert await office.states() == {"a": "sent"}


@pytest.mark.parametrize("outage", [7, 90])  # shorter and longer than the lease
async def test_a_receipt_that_cannot_be_written_is_written_as_soon_as_it_can(office, outage):
    channel = office.channel()
    await office.owe("a")
    office.store.broken = {"settle"}
    async with office.running(office.sender()):
        await office.clock.advance(outage)
        assert await office.states() == {"a": "leased"}
        office.store.broken = set()
        await office.clock.advance(1)
    assert await office.states() == {"a": "sent"}
    assert len(channel.sends) == 1


async def test_an_outbox_that_cannot_be_read_is_read_again_after_a_second(office):
    channel = office.channel()
    await office.owe("a")
    office.store.broken = {"lease"}
    async with office.running(office.sender()):
        await office.clock.advance(4.5)
        office.store.broken = set()
        await office.clock.advance(0.5)
    assert channel.times == [5.0]


# -- the next channel, and channels that are broken for everybody ------------------------------------------------


def chained(blind: bool = False) -> dict[str, Way]:
    return {"zalo": Way(4, blind=blind, next_of={"focal": "sms"}), "sms": Way(4)}


NEXT = Receipt(Outcome.REFUSED, "no Zalo account")
BROKEN = Receipt(Outcome.REFUSED, "no balance", fault=Fault.CHANNEL)


async def test_what_one_channel_refuses_the_next_one_sends_at_once_with_the_reason_said(office):
    zalo, sms = office.channel("zalo", NEXT), office.channel("sms", SENT)
    await office.owe("i/0/1/0/focal/zalo", channel="zalo")
    async with office.running(office.sender(ways=chained())):
        await office.clock.advance(1)
    assert len(zalo.sends) == len(sms.sends) == 1
    states = {one.notice.key: (one.state, one.detail) for one in await office.store.deliveries()}
    assert states == {
        "i/0/1/0/focal/zalo": ("refused", "no Zalo account; told by sms instead"),
        "i/0/1/0/focal/sms": ("sent", ""),
    }


async def test_a_channel_that_is_broken_for_everybody_rests_and_delays_nobody_who_has_another(office):
    zalo, sms = office.channel("zalo", BROKEN, BROKEN, SENT), office.channel("sms")
    ways = {**chained(), "zalo": Way(1, next_of={"focal": "sms"})}
    sender = office.sender(ways=ways)
    async with office.running(sender):
        await office.owe(*(f"i/0/{n}/0/focal/zalo" for n in range(5)), channel="zalo")
        await office.clock.advance(10)
        assert sender.stopped == {"zalo": "no balance"}
        assert (len(zalo.sends), len(sms.sends)) == (1, 5)
        await office.owe("i/1/0/0/focal/zalo", channel="zalo", after=60)
        await office.clock.advance(70)
        assert (len(zalo.sends), len(sms.sends)) == (2, 6)  # asked again by one, in vain
        await office.owe("i/2/0/0/focal/zalo", channel="zalo", after=60)
        await office.clock.advance(70)
        assert sender.stopped == {} and len(zalo.sends) == 3
    trail = [(entry.action, entry.subject) for entry, _ in reversed(await office.store.audit_trail())]
    assert trail == [("channel stopped", "zalo"), ("channel works again", "zalo")]


async def test_without_another_channel_what_a_broken_one_owes_waits_and_is_never_lost(office):
    sms = office.channel("sms", BROKEN, BROKEN, SENT)
    await office.owe("i/0/1/0/focal/sms")
    async with office.running(office.sender()):
        await office.clock.advance(300)
    assert [one.state for one in await office.store.deliveries()] == ["sent"]
    assert len(sms.sends) == 3


async def test_what_may_have_arrived_is_handed_on_where_a_repeat_would_ring_twice(office):
    zalo, sms = office.channel("zalo", UNKNOWN), office.channel("sms", SENT)
    await office.owe("i/0/1/0/focal/zalo", channel="zalo")
    async with office.running(office.sender(ways=chained(blind=True))):
        await office.clock.advance(60)
    assert (len(zalo.sends), len(sms.sends)) == (1, 1)
    assert sorted(one.state for one in await office.store.deliveries()) == ["maybe_sent", "sent"]


async def test_what_a_dead_process_was_sending_is_handed_on_too_instead_of_being_repeated_blindly(office):
    zalo, sms = office.channel("zalo"), office.channel("sms", SENT)
    await office.owe("i/0/1/0/focal/zalo", channel="zalo")
    await office.store.lease("zalo", "dead", office.clock.now(), 1, LEASE)
    async with office.running(office.sender(ways=chained(blind=True))):
        await office.clock.advance(LEASE + 6)
    assert (len(zalo.sends), len(sms.sends)) == (0, 1)


async def test_what_is_over_the_limit_is_sent_later(office):
    sms = office.channel("sms")
    await office.owe("a", "b", "c")
    async with office.running(office.sender(ways={"sms": Way(4, limits=Limits(per_channel=Rate(2, 60)))})):
        await office.clock.advance(30)
        assert len(sms.sends) == 2
        await office.clock.advance(60)
        assert len(sms.sends) == 3


async def test_what_is_urgent_and_over_the_days_budget_is_told_by_the_next_channel_at_once(office):
    sms, mail = office.channel("sms"), office.channel("mail")
    ways = {"sms": Way(4, limits=Limits(per_day=1), next_of={"focal": "mail"}), "mail": Way(4)}
    await office.owe("i/0/1/0/focal/sms", urgent=True)
    async with office.running(office.sender(ways=ways)):
        await office.clock.advance(10)
        await office.owe("i/1/1/0/focal/sms", urgent=True)
        await office.owe("i/2/1/0/focal/sms")
        await office.clock.advance(10)
        details = {one.notice.key: one.detail for one in await office.store.deliveries()}
    assert [len(one.sends) for one in (sms, mail)] == [1, 1]
    assert details["i/1/1/0/focal/sms"] == "held: the day's 1 messages are used up; told by mail instead"
    assert (await office.states())["i/2/1/0/focal/sms"] == "try_again"  # waits for midnight


async def test_a_clock_that_is_set_back_by_an_hour_delays_no_repeat(office):
    channel = office.channel("sms", replace(AGAIN, retry_after=37.0), SENT)
    await office.owe("a")
    async with office.running(office.sender()):
        await office.clock.advance(10)
        office.clock.back = 3600.0
        await office.clock.advance(60)
    [first, second] = channel.times
    assert first == 0.0 and 37.0 <= second <= 45.0


async def test_what_was_put_off_on_a_clock_a_day_ahead_is_asked_at_the_next_start(office):
    channel = office.channel("sms", AGAIN, SENT)
    await office.owe("a")
    first = office.sender()
    await first.step("sms")
    await settled()
    office.clock.back = 86_400.0
    async with office.running(office.sender("two")):
        await office.clock.advance(1)
    assert len(channel.sends) == 2


async def test_a_channel_rests_no_longer_for_a_clock_that_is_set_back(office):
    zalo, _ = office.channel("zalo", BROKEN, SENT), office.channel("sms")
    async with office.running(office.sender(ways=chained())):
        await office.owe("i/0/0/0/focal/zalo", channel="zalo")
        await office.clock.advance(10)
        office.clock.back = 3600.0
        await office.clock.advance(60)
        await office.owe("i/1/0/0/focal/zalo", channel="zalo")
        await office.clock.advance(10)
    assert len(zalo.sends) == 2


async def test_sc_86_two_limits_at_once_let_the_next_one_go_when_both_have_room(office):
    """SC-86: one in a minute and three in fifteen; the seconds below are its minutes -12, -10, 0, 3 and 5."""
    sms = office.channel("sms")
    await office.owe("a")
    await office.owe("b", after=120)
    await office.owe("c", "d", "e", after=720)
    limits = Limits(per_recipient=Rate(1, 60), per_channel=Rate(3, 900))
    async with office.running(office.sender(ways={"sms": Way(4, limits=limits)})):
        await office.clock.advance(1800)
    assert sms.times == [0.0, 120.0, 720.0, 900.0, 1020.0]


async def test_sc_92_one_of_two_senders_sends(office):
    """SC-92."""
    channel = office.channel("sms")
    await office.owe("a")
    async with office.running(office.sender("one")), office.running(office.sender("two")):
        await office.clock.advance(60)
    assert len(channel.sends) == 1
    assert await office.states() == {"a": "sent"}
