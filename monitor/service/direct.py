"""The way past the outbox: for messages about the monitor itself that the outbox cannot be trusted with.

What waits here is not stored. A message is tried until it went, until its recipient or its text is refused, or until
nobody needs it any more; a restart forgets it, and the alarm that is still there then sends it anew. What went is noted
in the store as soon as that works, so that it is counted with what its channel carries.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from monitor.alerting.retry import asked
from monitor.model.errors import StoreError
from monitor.model.incident import Fault, Notice, Outcome, Receipt
from monitor.ports import Clock, Transport

log = logging.getLogger(__name__)

FIRST, LONGEST = 15.0, 300.0  # seconds between two tries: they double
Address = tuple[str, str]  # recipient, channel
Note = Callable[[Notice, Receipt, datetime], Awaitable[None]]  # see Store.note_sent
_FINAL = (Fault.RECIPIENT, Fault.MESSAGE, Fault.LEFT)


class DirectWay:
    """One per service. Sends beside each other; a stuck one delays no other."""

    def __init__(self, transports: Mapping[str, Transport], clock: Clock, note: Note) -> None:
        self._transports = transports
        self._note = note
        self._notes: set[asyncio.Task[None]] = set()  # of what went and is not in the store yet
        self._clock = clock
        self._under_way: dict[str, tuple[str, asyncio.Task[None]]] = {}  # notice key -> (what it is about, its task)
        self._unheard: dict[str, set[Address]] = {}  # what it is about -> who was never told of it

    def send(self, notice: Notice) -> None:
        """Begin to send; returns at once."""
        if notice.key not in self._under_way:
            self._unheard.setdefault(notice.incident, set()).add((notice.recipient, notice.channel))
            task = asyncio.get_running_loop().create_task(self._send(notice), name=f"direct {notice.key}")
            self._under_way[notice.key] = (notice.incident, task)
            task.add_done_callback(lambda _: self._under_way.pop(notice.key, None))

    def pending(self, about: str) -> bool:
        """Whether a message about this (`Notice.incident`) has not gone yet."""
        return any(incident == about for incident, _ in self._under_way.values())

    def replace(self, about: str, *, over: bool) -> frozenset[Address]:
        """Give up what has not gone about this, for a newer message comes; when it is `over`, forget it, too.

        Returns who was to be told and never was.
        """
        for incident, task in self._under_way.values():
            if incident == about:
                task.cancel()
        unheard = frozenset(self._unheard.get(about, ()))
        if over:
            self._unheard.pop(about, None)
        return unheard

    async def stop(self) -> None:
        """Give up everything."""
        tasks = [*(task for _, task in self._under_way.values()), *self._notes]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self, notice: Notice) -> None:
        attempt, pause, unsure = 0, FIRST, False
        while True:
            attempt += 1
            receipt = await self._sent(notice, attempt, unsure=unsure)
            if receipt.outcome is Outcome.SENT:
                self._unheard.get(notice.incident, set()).discard((notice.recipient, notice.channel))
                log.warning("told %s directly by %s: %s", notice.recipient, notice.channel, notice.sms)
                self._remember(notice, receipt)
                return
            if receipt.outcome is Outcome.REFUSED and receipt.fault in _FINAL:
                log.error("%s cannot be told by %s: %s", notice.recipient, notice.channel, receipt.detail)
                return
            unsure |= receipt.outcome is Outcome.UNKNOWN
            await self._clock.sleep(max(pause, asked(receipt.retry_after, LONGEST)))
            pause = min(2 * pause, LONGEST)

    def _remember(self, notice: Notice, receipt: Receipt) -> None:
        noting = self._noted(notice, receipt, self._clock.now())
        task = asyncio.get_running_loop().create_task(noting, name=f"note {notice.key}")
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    async def _noted(self, notice: Notice, receipt: Receipt, at: datetime) -> None:
        pause = FIRST
        while True:
            try:
                await self._note(notice, receipt, at)
                return
            except StoreError:  # as likely as not it is what the message was about
                await self._clock.sleep(pause)
                pause = min(2 * pause, LONGEST)

    async def _sent(self, notice: Notice, attempt: int, *, unsure: bool) -> Receipt:
        try:
            return await self._transports[notice.channel].send(notice, attempt=attempt, maybe_sent=unsure)
        except Exception as broken:  # a transport that breaks its promise
            log.exception("channel %s broke", notice.channel)
            return Receipt(Outcome.UNKNOWN, type(broken).__name__)
