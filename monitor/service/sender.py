"""Takes owed notices out of the outbox: claim, send, then mark. Never the other way round.

Marking first would lose messages at a kill; this order may send one twice, always under the same key. Each channel has
its own loop and its own bounded number of sends (a bulkhead), so that a stuck gateway delays nobody else. A claim is a
lease of 20 s, longer than the 15 s in which a transport must answer. What follows a send is decided in
monitor.alerting.outcome; a channel with a fault of its own rests a minute, in which nobody is kept from the next one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.alerting.outcome import REST, Way, follow, take_over
from monitor.alerting.worth import too_late
from monitor.model.errors import StoreError
from monitor.model.incident import FINALS, LEFT, Fault, Notice, Outcome, Receipt
from monitor.model.state import AuditEntry, Decision
from monitor.model.text import clean
from monitor.ports import Clock, Hold, Lease, Store, Transport
from monitor.service.setback import Setback
from monitor.service.waiting import ended, woken

log = logging.getLogger(__name__)

LEASE = 20.0  # seconds
_EVER = 86_400.0 * 36_500  # seconds: until now, however far away it is
LOOK = 5.0  # seconds after which the outbox is looked at without being woken
LONG = 3600.0  # seconds: only a night or a silence keeps a notice for longer past its time; both are asked at its claim
EARLY = 1000  # final statuses kept whose message is not known by that name yet
REFUSED = timedelta(seconds=1)  # pause after a store that cannot be written

HandOn = Callable[[Notice], Awaitable[bool]]  # whether somebody is called instead, see Evaluator.hand_on


async def handed_on(notice: Notice, receipt: Receipt, hand_on: HandOn) -> Receipt:
    """What becomes of a message whose recipient holds the post no more: superseded where somebody is called instead."""
    try:
        return Receipt(Outcome.SUPPRESSED, LEFT) if await hand_on(notice) else receipt
    except StoreError as broken:
        log.error("who is called instead of %s for %s cannot be stored: %s", notice.recipient, notice.key, broken)
        return replace(receipt, outcome=Outcome.TRY_AGAIN)


class Sender:
    """One per service: a loop per channel."""

    def __init__(
        self,
        store: Store,
        transports: Mapping[str, Transport],
        ways: Mapping[str, Way],
        clock: Clock,
        chance: Callable[[], float],
        owner: str,
        look: float = LOOK,
        hold: Hold | None = None,
    ) -> None:
        self._store = store
        self._transports = transports
        self._ways = ways
        self._resting: dict[str, tuple[str, float]] = {}  # channel with a fault of its own -> what, asked again when
        self._setback = Setback(clock)
        self._first = True  # nobody has looked at the outbox yet
        self._began = clock.now()  # nothing is late for what it waited before
        self._clock = clock
        self._chance = chance
        self._owner = owner
        self._look = look
        self._hold = hold  # what is muted, or would come in quiet hours; asked within each claim
        self.hand_on: HandOn | None = None  # calls somebody else instead of who left; None: nobody does
        self._wake = {channel: asyncio.Event() for channel in transports}
        self._unmarked = dict.fromkeys(transports, 0)  # sends that ended and wait for the store
        self._flying: dict[str, set[asyncio.Task[None]]] = {channel: set() for channel in transports}
        self._early: dict[tuple[str, str], str] = {}  # channel, provider's name -> final status that overtook its send

    def notice(self, decisions: Sequence[Decision]) -> None:
        """Listener of the event hub: something is owed, or a channel may go on."""
        # In their order, not a set: a simulated run must not depend on the hash seed.
        for channel in dict.fromkeys(notice.channel for decision in decisions for notice in decision.notices):
            if channel in self._wake:
                self._wake[channel].set()

    def look(self) -> None:
        """What was held back may be free: look at every channel now."""
        for wake in self._wake.values():
            wake.set()

    async def run(self) -> None:
        """Send for ever; ends by cancellation, then `drain` waits for what is on the wire."""
        async with asyncio.TaskGroup() as group:
            for channel in self._transports:
                group.create_task(self._serve(channel), name=f"sender {channel}")

    async def drain(self, grace: float = LEASE) -> None:
        """Let sends under way finish and be marked; the rest stays owed.

        Nothing is cut off that its transport may still end: the next start would send it a second time.
        """
        await ended([task for flying in self._flying.values() for task in flying], grace)

    async def step(self, channel: str) -> int:
        """Claim what is due on one channel and begin to send it; returns how many were begun."""
        way = self._ways[channel]
        room = way.parallel - len(self._flying[channel])
        if room <= 0 or self._unmarked[channel]:
            return 0  # a send that could not be marked yet would be claimed a second time
        await self._follow_clock()
        now = self._clock.now()
        leases = await self._store.lease(channel, self._owner, now, room, LEASE, self._hold, way.admits)
        for lease in leases:
            task = asyncio.get_running_loop().create_task(self._send(lease), name=f"send {lease.notice.key}")
            self._flying[channel].add(task)
            task.add_done_callback(lambda done: self._landed(channel, done))
        return len(leases)

    async def _follow_clock(self) -> None:
        """What waits for an instant on a clock that was set back waits no longer for that.

        While nobody looked the clock may have been set back as well, by nobody knows how much: what a first look finds
        that is kept for long is asked again.
        """
        by, first, self._first = self._setback.take(), self._first, False
        try:
            if first:
                await self._store.hasten(self._clock.now(), _EVER, LONG)
            if by:
                log.warning("the wall clock was set back by %.0f s", by)
                await self._store.hasten(self._clock.now(), by)
                self._began = min(self._began, self._clock.now())
        except StoreError:
            self._setback.give_back(by)
            self._first = first
            raise

    async def _serve(self, channel: str) -> None:
        while True:
            self._wake[channel].clear()
            try:
                begun = await self.step(channel)
                if not begun:
                    await self._pause(channel, await self._store.next_due(channel))
            except StoreError as broken:
                log.error("outbox of %s cannot be read: %s", channel, broken)
                await self._pause(channel, self._clock.now() + REFUSED)

    async def _pause(self, channel: str, due: datetime | None) -> None:
        left = self._look if due is None else min(self._look, max((due - self._clock.now()).total_seconds(), 0.0))
        if len(self._flying[channel]) >= self._ways[channel].parallel:
            left = self._look  # a landing wakes this loop
        await woken(self._wake[channel], self._clock, max(left, 0.01))

    async def _send(self, lease: Lease) -> None:
        receipt = await self._outlived(lease) or self._without_sending(lease)
        if receipt is None:
            receipt = await self._sent(lease)
            await self._note_fault(lease.notice.channel, receipt)
        if receipt.fault is Fault.LEFT and self.hand_on is not None:
            receipt = await handed_on(lease.notice, receipt, self.hand_on)
        await self._settle(lease, receipt)

    async def _outlived(self, lease: Lease) -> Receipt | None:
        """How a message ends that is not worth sending any more, said in the audit trail."""
        notice, since = lease.notice, max(lease.since or lease.notice.due_at, self._began)
        receipt = too_late(notice, since, self._clock.now(), maybe_sent=lease.maybe_sent)
        if receipt is not None:
            said = f"{notice.kind} to {notice.recipient} by {notice.channel}: {receipt.detail}"
            log.error("message %s is given up: %s", notice.key, receipt.detail)
            await self._tell("too late", notice.incident, said)
        return receipt

    async def _sent(self, lease: Lease) -> Receipt:
        transport = self._transports[lease.notice.channel]
        try:
            return await transport.send(lease.notice, attempt=lease.attempt, maybe_sent=lease.maybe_sent)
        except Exception as broken:  # a transport that breaks its promise: nobody knows whether it went
            log.exception("channel %s broke", lease.notice.channel)
            return Receipt(Outcome.UNKNOWN, f"{type(broken).__name__}")

    def _without_sending(self, lease: Lease) -> Receipt | None:
        """What is known before: a repeat that would ring twice goes to the next channel, and so does what came to rest.

        So does what is urgent and over a limit for long. A channel that rests is asked again by one notice when its
        rest is over.
        """
        channel, now = lease.notice.channel, self._clock.monotonic()
        way = self._ways[channel]
        if lease.over:
            return Receipt(Outcome.REFUSED, lease.over, fault=Fault.QUOTA)
        if lease.maybe_sent and way.blind and lease.notice.recipient in way.next_of:
            return Receipt(Outcome.UNKNOWN, "an earlier attempt may have arrived")
        if channel not in self._resting:
            return None
        why, until = self._resting[channel]
        if now < until:
            return Receipt(Outcome.REFUSED, f"the channel rests: {why}", fault=Fault.CHANNEL)
        self._resting[channel] = (why, now + REST.total_seconds())
        return None

    async def _note_fault(self, channel: str, receipt: Receipt) -> None:
        """Stop asking a channel that is broken for everybody, and tell the operator once; or let it go on."""
        resting = channel in self._resting
        if receipt.outcome is Outcome.REFUSED and receipt.fault in (Fault.CHANNEL, Fault.LOGIN):
            self._resting[channel] = (receipt.detail, self._clock.monotonic() + REST.total_seconds())
            if not resting:
                log.error("channel %s is stopped: %s", channel, receipt.detail)
                await self._tell("channel stopped", channel, receipt.detail)
        elif resting and receipt.outcome is Outcome.SENT:
            del self._resting[channel]
            log.info("channel %s works again", channel)
            await self._tell("channel works again", channel, "")

    async def _tell(self, action: str, channel: str, detail: str) -> None:
        try:
            await self._store.audit(AuditEntry(self._clock.now(), "denbao", action, channel, detail))
        except StoreError as broken:
            log.error("%s of %s is not in the audit trail: %s", action, channel, broken)

    async def heard_later(self, channel: str, name: str, final: str) -> bool:
        """Take in what a provider says later of a message, see the store's port; what is no news changes nothing.

        What failed after all is owed by the recipient's next channel at once, unless it was withheld since (answered,
        recovered, worsened ...). False where nothing has this name. Raises StoreError.
        """
        now, told = self._clock.now(), list[str]()

        def instead(notice: Notice) -> Notice | None:
            following = self._ways[channel].next_of.get(notice.recipient)
            if following is None:
                return None
            told.append(following)
            return take_over(notice, following)

        news = await self._store.heard_later(channel, name, final, now, instead)
        if news is None:
            self._keep_early(channel, name, final)
        if not news:
            return news is not None
        detail = f"told by {', '.join(dict.fromkeys(told))} instead" if told else ""
        await self._store.audit(AuditEntry(now, f"provider of {channel}", final, clean(name), detail))
        if told:
            self.look()
        return True

    def _keep_early(self, channel: str, name: str, final: str) -> None:
        """A status may come before the answer that tells the provider's name of the message: kept while one is due."""
        if self._flying.get(channel):
            self._early[channel, name] = max(self._early.get((channel, name), ""), final, key=FINALS.index)
            while len(self._early) > EARLY:
                del self._early[next(iter(self._early))]

    async def _apply_early(self, channel: str, name: str) -> None:
        if final := self._early.pop((channel, name), ""):
            try:
                await self.heard_later(channel, name, final)
            except StoreError as broken:
                log.error("that a message was %s cannot be stored: %s", final, broken)

    @property
    def stopped(self) -> Mapping[str, str]:
        """Channels that are broken for everybody, with what is wrong."""
        return {channel: why for channel, (why, _) in self._resting.items()}

    async def _settle(self, lease: Lease, receipt: Receipt) -> None:
        now, notice = self._clock.now(), lease.notice
        after = follow(receipt, notice, self._ways[notice.channel], lease.attempt, now, self._chance())
        instead = take_over(notice, after.next_channel) if after.next_channel else None
        said = after.receipt
        if instead is not None:
            said = replace(said, detail=f"{said.detail}; told by {instead.channel} instead")
        self._unmarked[notice.channel] += 1
        try:
            while not await self._mark(lease, said, now, after.again_at, instead):
                await self._clock.sleep(REFUSED.total_seconds())
        finally:
            self._unmarked[notice.channel] -= 1
        await self._apply_early(notice.channel, receipt.id)
        if instead is not None and instead.channel in self._wake:
            self._wake[instead.channel].set()

    async def _mark(
        self, lease: Lease, receipt: Receipt, now: datetime, again: datetime | None, instead: Notice | None
    ) -> bool:
        """False while the store refuses: the outcome is kept until it can be written, for as long as we live."""
        try:
            if not await self._store.settle(lease, receipt, now, again, instead):
                log.warning("notice %s was taken over or decided before it could be marked", lease.notice.key)
        except StoreError as broken:
            log.error("notice %s was sent but cannot be marked: %s", lease.notice.key, broken)
            return False
        return True

    def _landed(self, channel: str, task: asyncio.Task[None]) -> None:
        self._flying[channel].discard(task)
        self._wake[channel].set()
