"""The product's ports with a life and faults around them. Nothing in the product knows of it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from random import Random

from monitor.alerting.limits import Limits
from monitor.model.errors import Conflict, StoreError
from monitor.model.incident import Delivery, Incident, Notice, Outcome, Receipt, Unheard
from monitor.model.muting import Silence, Window
from monitor.model.reading import Collected, Reading, SourceHealth
from monitor.model.state import AuditEntry, Decision, Transition, UnitState
from monitor.ports import Clock, Hold, Lease, Pruned, Source, Store, TakeOver, Transport
from monitor.testing.ledger import Ledger
from monitor.testing.lives import Killed, Life, outside
from monitor.testing.script import Script, within


class LivingClock:
    """A clock that stops its life's tasks when the life is over."""

    def __init__(self, inner: Clock, life: Life) -> None:
        self._inner = inner
        self._life = life

    def now(self) -> datetime:
        """See the port."""
        self._life.check()
        return self._inner.now()

    def monotonic(self) -> float:
        """See the port."""
        self._life.check()
        return self._inner.monotonic()

    async def sleep(self, seconds: float) -> None:
        """See the port."""
        self._life.check()
        await self._inner.sleep(seconds)
        self._life.check()

    async def sleep_until(self, when: datetime) -> None:
        """See the port."""
        self._life.check()
        await self._inner.sleep_until(when)
        self._life.check()


class Trouble:
    """Draws the faults of the seams of one life."""

    def __init__(self, life: Life, script: Script, ledger: Ledger, dice: Random) -> None:
        self.life = life
        self.script = script
        self.ledger = ledger
        self._dice = dice

    @property
    def quiet(self) -> bool:
        """True in the last hour."""
        return self.ledger.second >= self.script.quiet_at

    def strikes(self, odds: float) -> bool:
        """Whether a fault of these odds happens now."""
        return odds > 0 and not self.quiet and self._dice.random() < odds

    def aim(self, point: str) -> None:
        """A point at which kill -9 hurts most. Raises Killed."""
        if self.strikes(self.script.odds.aim):
            self.ledger.mark(f"killed when {point}")
            self.life.kill()
            raise Killed

    async def latency(self) -> None:
        """A disk takes its time."""
        await asyncio.sleep(self._dice.uniform(0.0, 0.02))


class FaultyStore:
    """A store of one life over the disk that outlives it."""

    def __init__(self, inner: Store, trouble: Trouble) -> None:
        self._inner = inner
        self._trouble = trouble
        self._ledger = trouble.ledger

    async def commit(self, decisions: Sequence[Decision]) -> Sequence[UnitState]:
        """See the port."""
        await self._write()
        try:
            states = await self._inner.commit(decisions)
        except Conflict:
            self._ledger.mark("conflict")
            raise
        self._ledger.committed(decisions)
        self._trouble.aim("committed")
        self._refuse_after()
        return states

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
        """See the port."""
        self._enter()
        leases = await self._inner.lease(channel, owner, now, limit, seconds, hold, limits)
        for lease in leases:
            self._ledger.claimed(lease, self._trouble.life.number)
        if leases:
            self._trouble.aim("claimed")
            self._refuse_after()
        return leases

    async def settle(
        self,
        lease: Lease,
        receipt: Receipt,
        now: datetime,
        next_at: datetime | None = None,
        instead: Notice | None = None,
    ) -> bool:
        """See the port."""
        try:
            await self._write()
            done = await self._inner.settle(lease, receipt, now, next_at, instead)
            self._refuse_after()
        except StoreError:
            self._ledger.excuse(lease.notice.key, f"mark {lease.attempt} refused", once=True)
            raise
        self._ledger.settled(lease)
        self._trouble.aim("marked")
        return done

    async def open(self) -> None:
        """See the port."""
        self._enter()
        await self._inner.open()

    async def close(self) -> None:
        """The disk stays: another life reads it."""
        self._trouble.life.check()

    async def load_states(self) -> Sequence[UnitState]:
        """See the port."""
        self._enter()
        return await self._inner.load_states()

    async def save_health(self, health: Sequence[SourceHealth]) -> None:
        """See the port."""
        await self._write()
        await self._inner.save_health(health)

    async def load_health(self) -> Sequence[SourceHealth]:
        """See the port."""
        self._enter()
        return await self._inner.load_health()

    async def note_sent(self, notice: Notice, receipt: Receipt, at: datetime) -> None:
        """See the port."""
        await self._write()
        await self._inner.note_sent(notice, receipt, at)

    async def heard_later(
        self, channel: str, name: str, final: str, now: datetime, instead: TakeOver | None = None
    ) -> bool | None:
        """See the port."""
        await self._write()
        return await self._inner.heard_later(channel, name, final, now, instead)

    async def next_due(self, channel: str) -> datetime | None:
        """See the port."""
        self._enter()
        return await self._inner.next_due(channel)

    async def hasten(self, now: datetime, by: float, beyond: float = 0.0) -> None:
        """See the port."""
        await self._write()
        await self._inner.hasten(now, by, beyond)

    async def audit(self, entry: AuditEntry) -> None:
        """See the port."""
        await self._write()
        await self._inner.audit(entry)

    async def mute(self, what: Silence | Window, entry: AuditEntry) -> None:
        """See the port."""
        await self._write()
        await self._inner.mute(what, entry)
        self._trouble.aim("muted")
        self._refuse_after()

    async def muted(self, *, not_over: datetime | None = None, limit: int = 500) -> Sequence[Silence | Window]:
        """See the port."""
        self._enter()
        return await self._inner.muted(not_over=not_over, limit=limit)

    async def incidents(self, *, open_only: bool = True, limit: int = 500) -> Sequence[Incident]:
        """See the port."""
        self._enter()
        return await self._inner.incidents(open_only=open_only, limit=limit)

    async def incident(self, key_or_ref: str) -> Incident | None:
        """See the port."""
        self._enter()
        return await self._inner.incident(key_or_ref)

    async def deliveries(self, *, incident: str | None = None, limit: int = 500) -> Sequence[Delivery]:
        """See the port."""
        self._enter()
        return await self._inner.deliveries(incident=incident, limit=limit)

    async def outbox(self) -> Mapping[str, tuple[int, datetime | None]]:
        """See the port."""
        self._enter()
        return await self._inner.outbox()

    async def stuck(self, before: datetime) -> tuple[int, datetime | None]:
        """See the port."""
        self._enter()
        return await self._inner.stuck(before)

    async def unheard(self, before: datetime, limit: int = 1000, *, calm: datetime | None = None) -> Sequence[Unheard]:
        """See the port."""
        self._enter()
        return await self._inner.unheard(before, limit, calm=calm)

    async def prune(self, what: str, before: datetime, *, after: int = 0, limit: int = 500) -> Pruned:
        """See the port."""
        await self._write()
        return await self._inner.prune(what, before, after=after, limit=limit)

    async def forget(self, channel: str) -> None:
        """See the port."""
        self._enter()
        await self._inner.forget(channel)

    async def overdue(self, before: datetime, limit: int) -> Sequence[Incident]:
        """See the port."""
        self._enter()
        return await self._inner.overdue(before, limit)

    async def open_after(self, key: str, limit: int) -> Sequence[Incident]:
        """See the port."""
        self._enter()
        return await self._inner.open_after(key, limit)

    async def owed(self, incidents: Collection[str]) -> Mapping[str, Mapping[str, tuple[str, str]]]:
        """See the port."""
        self._enter()
        return await self._inner.owed(incidents)

    async def outcomes(self) -> Mapping[tuple[str, Outcome], int]:
        """See the port."""
        self._enter()
        return await self._inner.outcomes()

    async def carried(self, channel: str, since: datetime) -> int:
        """See the port."""
        self._enter()
        return await self._inner.carried(channel, since)

    async def transitions(self, unit: str, *, limit: int = 200) -> Sequence[Transition]:
        """See the port."""
        self._enter()
        return await self._inner.transitions(unit, limit=limit)

    async def readings(self, unit: str, indicator: str, *, limit: int = 200) -> Sequence[Reading]:
        """See the port."""
        self._enter()
        return await self._inner.readings(unit, indicator, limit=limit)

    def _enter(self) -> None:
        self._trouble.life.check()
        if within(self._trouble.script.store_down, self._ledger.second):
            raise StoreError("the disk is full")

    async def _write(self) -> None:
        self._enter()
        await self._trouble.latency()
        self._enter()
        if self._trouble.strikes(self._trouble.script.odds.refused_before):
            self._ledger.mark("refused before")
            raise StoreError("refused, and nothing was written")

    def _refuse_after(self) -> None:
        if self._trouble.strikes(self._trouble.script.odds.refused_after):
            self._ledger.mark("refused after")
            raise StoreError("refused, but it was written")


class LivingTransport:
    """The wire to a provider. What is on it arrives also when the sender has died."""

    def __init__(self, provider: Transport, trouble: Trouble) -> None:
        self._provider = provider
        self._trouble = trouble

    async def send(self, notice: Notice, *, attempt: int, maybe_sent: bool) -> Receipt:
        """See the port."""
        self._trouble.life.check()
        wire = outside(self._provider.send(notice, attempt=attempt, maybe_sent=maybe_sent))
        wire.add_done_callback(lambda done: done.cancelled() or done.exception())
        receipt = await asyncio.shield(wire)
        if receipt.outcome is Outcome.SENT:
            self._trouble.aim("sent")
        return receipt

    async def close(self) -> None:
        """The provider stays."""


class LivingSource:
    """A source that its life asks; what it answered is part of the truth."""

    def __init__(self, inner: Source, trouble: Trouble) -> None:
        self.id = inner.id
        self.period = inner.period
        self.owner = inner.owner
        self._inner = inner
        self._trouble = trouble

    async def collect(self, now: datetime) -> Collected:
        """See the port."""
        await self._trouble.latency()
        self._trouble.life.check()
        collected = await self._inner.collect(self._trouble.ledger.now)
        self._trouble.ledger.answered(collected, self._trouble.life.number)
        return collected
