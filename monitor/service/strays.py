"""What a channel owes that the site has no more: its recipient's first channel owes it instead.

A reload may rename a channel or take it out while messages wait for it, and the end of an incident is told where its
beginning was. No loop of the sender asks for such a channel.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence

from monitor.alerting.outcome import take_over
from monitor.model.errors import StoreError
from monitor.model.incident import Outcome, Receipt
from monitor.model.state import Decision
from monitor.ports import Clock, Lease, Store
from monitor.service.sender import LEASE, LOOK, REFUSED, HandOn, handed_on

log = logging.getLogger(__name__)

AT_ONCE = 50  # messages handed on in one go


class Strays:
    """One per service. `home` names the first channel of a recipient; empty: nobody holds that post."""

    def __init__(
        self,
        store: Store,
        channels: Collection[str],
        home: Callable[[str], str],
        clock: Clock,
        moved: Callable[[], None],
        hand_on: HandOn,
    ) -> None:
        self._store = store
        self._channels = channels
        self._home = home
        self._clock = clock
        self._moved = moved  # called when other channels owe more
        self._hand_on_call = hand_on  # calls somebody else instead of who left
        self._wake = asyncio.Event()

    def notice(self, decisions: Sequence[Decision]) -> None:
        """Listener of the event hub."""
        if any(notice.channel not in self._channels for decision in decisions for notice in decision.notices):
            self._wake.set()

    async def run(self) -> None:
        """Hand on for ever; ends by cancellation."""
        while True:
            self._wake.clear()
            try:
                waits = await self.step()
            except StoreError as broken:
                log.error("what channels owe that are gone cannot be read: %s", broken)
                waits = True
            if waits:  # good news waits for bad news, and a repeat for its time
                await self._clock.sleep(LOOK)
            else:
                await self._wake.wait()

    async def step(self) -> bool:
        """Hand on what is due; whether there is more that is not. Raises StoreError."""
        waits = False
        for channel, (number, _) in (await self._store.outbox()).items():
            if channel in self._channels:
                continue
            leases = await self._store.lease(channel, "strays", self._clock.now(), AT_ONCE, LEASE)
            for lease in leases:
                await self._hand_on(lease)
            waits |= number > len(leases)
        return waits

    async def _hand_on(self, lease: Lease) -> None:
        notice, home = lease.notice, self._home(lease.notice.recipient)
        said = f"the site has no channel {notice.channel} any more"
        outcome = Outcome.MAYBE_SENT if lease.maybe_sent else Outcome.REFUSED
        instead = take_over(notice, home) if home else None
        receipt = Receipt(outcome, f"{said}; told by {home} instead" if home else said)
        if not home:
            receipt = await handed_on(notice, receipt, self._hand_on_call)
        log.warning("notice %s: %s", notice.key, receipt.detail)
        now = self._clock.now()
        again = now + REFUSED if receipt.outcome is Outcome.TRY_AGAIN else None
        await self._store.settle(lease, receipt, now, again, instead)
        if instead is not None:
            self._moved()
