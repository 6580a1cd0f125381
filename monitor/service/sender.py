"""Takes owed notices out of the outbox: claim, send, then mark. Never the other way round.

Marking first would lose messages at a kill; this order may send one twice, always under the same key. Each channel has
its own loop and its own bounded number of sends (a bulkhead), so that a stuck gateway delays nobody else. A claim is a
lease of 20 s, longer than the 15 s in which a transport must answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from monitor.alerting.retry import next_try
from monitor.model.errors import StoreError
from monitor.model.incident import Outcome, Receipt
from monitor.model.state import Decision
from monitor.ports import Clock, Hold, Lease, Store, Transport

log = logging.getLogger(__name__)

LEASE = 20.0  # seconds
LOOK = 5.0  # seconds after which the outbox is looked at without being woken
REFUSED = timedelta(seconds=1)  # pause after a store that cannot be written
FINAL = frozenset({Outcome.SENT, Outcome.REFUSED, Outcome.SUPPRESSED})


class Sender:
    """One per service: a loop per channel."""

    def __init__(
        self,
        store: Store,
        transports: Mapping[str, Transport],
        parallel: Mapping[str, int],
        clock: Clock,
        chance: Callable[[], float],
        owner: str,
        look: float = LOOK,
        hold: Hold | None = None,
    ) -> None:
        self._store = store
        self._transports = transports
        self._parallel = parallel
        self._clock = clock
        self._chance = chance
        self._owner = owner
        self._look = look
        self._hold = hold  # what is muted; asked within each claim
        self._wake = {channel: asyncio.Event() for channel in transports}
        self._unmarked = dict.fromkeys(transports, 0)  # sends that ended and wait for the store
        self._flying: dict[str, set[asyncio.Task[None]]] = {channel: set() for channel in transports}

    def notice(self, decisions: Sequence[Decision]) -> None:
        """Listener of the event hub: something is owed, or a channel may go on."""
        # In their order, not a set: a simulated run must not depend on the hash seed.
        for channel in dict.fromkeys(notice.channel for decision in decisions for notice in decision.notices):
            if channel in self._wake:
                self._wake[channel].set()

    def look(self) -> None:
        """What was held back may be free: look at every channel now."""
        for woken in self._wake.values():
            woken.set()

    async def run(self) -> None:
        """Send for ever; ends by cancellation, then `drain` waits for what is on the wire."""
        async with asyncio.TaskGroup() as group:
            for channel in self._transports:
                group.create_task(self._serve(channel), name=f"sender {channel}")

    async def drain(self, grace: float = 10.0) -> None:
        """Let sends under way finish and be marked; the rest stays owed."""
        tasks = [task for flying in self._flying.values() for task in flying]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=grace)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def step(self, channel: str) -> int:
        """Claim what is due on one channel and begin to send it; returns how many were begun."""
        room = self._parallel[channel] - len(self._flying[channel])
        if room <= 0 or self._unmarked[channel]:
            return 0  # a send that could not be marked yet would be claimed a second time
        leases = await self._store.lease(channel, self._owner, self._clock.now(), room, LEASE, self._hold)
        for lease in leases:
            task = asyncio.get_running_loop().create_task(self._send(lease), name=f"send {lease.notice.key}")
            self._flying[channel].add(task)
            task.add_done_callback(lambda done: self._landed(channel, done))
        return len(leases)

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
        if len(self._flying[channel]) >= self._parallel[channel]:
            left = self._look  # a landing wakes this loop
        woken = asyncio.ensure_future(self._wake[channel].wait())
        slept = asyncio.ensure_future(self._clock.sleep(max(left, 0.01)))
        try:
            await asyncio.wait({woken, slept}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
            slept.cancel()

    async def _send(self, lease: Lease) -> None:
        transport = self._transports[lease.notice.channel]
        try:
            receipt = await transport.send(lease.notice, attempt=lease.attempt, maybe_sent=lease.maybe_sent)
        except Exception as broken:  # a transport that breaks its promise: nobody knows whether it went
            log.exception("channel %s broke", lease.notice.channel)
            receipt = Receipt(Outcome.UNKNOWN, f"{type(broken).__name__}")
        await self._settle(lease, receipt)

    async def _settle(self, lease: Lease, receipt: Receipt) -> None:
        now = self._clock.now()
        again = None
        if receipt.outcome not in FINAL:
            again = next_try(receipt.outcome, lease.attempt, now, self._chance(), receipt.retry_after)
        self._unmarked[lease.notice.channel] += 1
        try:
            while not await self._mark(lease, receipt, now, again):
                await self._clock.sleep(REFUSED.total_seconds())
        finally:
            self._unmarked[lease.notice.channel] -= 1

    async def _mark(self, lease: Lease, receipt: Receipt, now: datetime, again: datetime | None) -> bool:
        """False while the store refuses: the outcome is kept until it can be written, for as long as we live."""
        try:
            if not await self._store.settle(lease, receipt, now, again):
                log.warning("notice %s was taken over before it could be marked", lease.notice.key)
        except StoreError as broken:
            log.error("notice %s was sent but cannot be marked: %s", lease.notice.key, broken)
            return False
        return True

    def _landed(self, channel: str, task: asyncio.Task[None]) -> None:
        self._flying[channel].discard(task)
        self._wake[channel].set()
