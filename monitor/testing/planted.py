"""Bugs on purpose. The simulation must find each of them, or it has gone blind.

Each plants itself into a service that was built and not yet started.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from monitor.alerting.limits import Limits
from monitor.model.incident import Outcome, Receipt
from monitor.model.state import Decision, UnitState
from monitor.ports import Hold, Lease
from monitor.service.app import Service
from monitor.service.evaluator import Evaluator
from monitor.service.sender import Sender
from monitor.testing.seams import FaultyStore


class _MarksFirst(Sender):
    """Marks a notice as sent and then sends it: a kill in between loses the message."""

    async def _send(self, lease: Lease) -> None:
        await self._settle(lease, Receipt(Outcome.SENT))
        notice = lease.notice
        await self._transports[notice.channel].send(notice, attempt=lease.attempt, maybe_sent=lease.maybe_sent)


class _GivesUp(Sender):
    """Tries three times: a provider that is down for half a minute loses the message."""

    async def _settle(self, lease: Lease, receipt: Receipt) -> None:
        tired = lease.attempt >= 3 and receipt.outcome is not Outcome.SENT
        await super()._settle(lease, replace(receipt, outcome=Outcome.REFUSED) if tired else receipt)


class _ForgetsAtRestart(Evaluator):
    """Takes over nothing of what runs: a restart begins every hold and every escalation anew."""

    async def load(self) -> None:
        await super().load()
        for state in list(self.states.values()):
            self._states.adopt(replace(state, criteria={}, incidents={}))


class _AnswersTooSoon(Evaluator):
    """Says yes to a person and commits a second later: a kill in between loses the answer."""

    async def acknowledge(self, ref: str, actor: str, note: str = "", **more: Any) -> Decision:
        unit = self._states.unit_of(ref)
        later = super().acknowledge

        async def commit() -> None:
            await self._clock.sleep(1.0)
            await later(ref, actor, note)

        asyncio.get_running_loop().create_task(commit())
        return Decision(self.states[unit], self.states[unit])


class _RingsOn(FaultyStore):
    """An acknowledgement withholds nothing: what was owed already still rings."""

    async def commit(self, decisions: Sequence[Decision]) -> Sequence[UnitState]:
        kept = [
            replace(decision, withheld=tuple(w for w in decision.withheld if w.reason != "acknowledged"))
            for decision in decisions
        ]
        return await super().commit(kept)


class _ShortLease(FaultyStore):
    """A claim ends before a slow send does: the message is sent again while the first one is on the wire."""

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
        return await super().lease(channel, owner, now, limit, min(seconds, 3.0), hold, limits)


def _sender(bad: type[Sender]) -> Callable[[Service], None]:
    def plant(service: Service) -> None:
        service.sender.__class__ = bad

    return plant


def _evaluator(bad: type[Evaluator]) -> Callable[[Service], None]:
    def plant(service: Service) -> None:
        service.evaluator.__class__ = bad

    return plant


def _store(bad: type[FaultyStore]) -> Callable[[Service], None]:
    def plant(service: Service) -> None:
        service.store.__class__ = bad

    return plant


PLANTED: Mapping[str, Callable[[Service], None]] = {
    "a notice is marked as sent before it is sent": _sender(_MarksFirst),
    "a notice is given up after three tries": _sender(_GivesUp),
    "holds and incidents are forgotten at a restart": _evaluator(_ForgetsAtRestart),
    "an acknowledgement is answered before it is committed": _evaluator(_AnswersTooSoon),
    "an acknowledgement withholds nothing": _store(_RingsOn),
    "a claim is shorter than a send": _store(_ShortLease),
}
