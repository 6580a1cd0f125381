"""Deletes what is older than the site keeps it, each night, a few rows at a time beside everything else.

What is still needed stays (see `monitor.ports.Store.prune`). How much went is one entry in the audit trail for each
sort and night; from when on the record is whole stands in the store, so that a report of an earlier time says so.
"""

from __future__ import annotations

import logging
from datetime import datetime, time, timedelta

from monitor.config.spec import Retention
from monitor.model.errors import StoreError
from monitor.model.hours import Calendar, first_instant
from monitor.model.state import AuditEntry
from monitor.ports import Clock, Store

log = logging.getLogger(__name__)

NIGHT = time(3)  # on the site's clock
BATCH = 500  # rows in one transaction
BREATH = 0.1  # seconds between two


class Housekeeping:
    """One per service."""

    def __init__(self, kept: Retention, store: Store, clock: Clock, calendar: Calendar) -> None:
        # Messages go before their incidents, which are kept as long as they have any.
        self._kept = {
            "readings": kept.history,
            "transitions": kept.history,
            "silences": kept.history,
            "notices": kept.messages,
            "incidents": kept.messages,
        }
        self._store = store
        self._clock = clock
        self._calendar = calendar

    async def run(self) -> None:
        """Each night, for ever; ends by cancellation."""
        while True:
            await self._clock.sleep_until(self._next_night())
            try:
                await self.tidy()
            except StoreError as broken:
                log.error("what is old cannot be deleted, the next night will try again: %s", broken)

    async def tidy(self) -> dict[str, int]:
        """Delete what is old now; returns how many rows of each sort went. Raises StoreError."""
        now, gone = self._clock.now(), dict[str, int]()
        for what, seconds in self._kept.items():
            before = now - timedelta(seconds=seconds)
            gone[what] = await self._delete(what, before)
            if gone[what]:
                said = f"{gone[what]} from before {before.isoformat(timespec='seconds')}"
                log.info("%s of the %s were deleted", said, what)
                await self._store.audit(AuditEntry(self._clock.now(), "denbao", "pruned", what, said))
        return gone

    async def _delete(self, what: str, before: datetime) -> int:
        number, mark = 0, 0
        while True:
            pruned = await self._store.prune(what, before, after=mark, limit=BATCH)
            number += pruned.number
            if pruned.mark is None:
                return number
            mark = pruned.mark
            await self._clock.sleep(BREATH)

    def _next_night(self) -> datetime:
        now, zone = self._clock.now(), self._calendar.zone
        day = self._calendar.local(now).date()
        nights = (first_instant(datetime.combine(day + timedelta(days=n), NIGHT), zone) for n in range(3))
        return next(at for at in nights if at > now)
