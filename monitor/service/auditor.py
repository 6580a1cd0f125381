"""Runs the auditor of plans (monitor.alerting.auditor) over what is stored, again and again, and says what it found."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from prometheus_client import Metric
from prometheus_client.registry import Collector

from monitor.alerting.auditor import Audit, Gap, excused, gaps
from monitor.model.errors import StoreError
from monitor.model.incident import Incident
from monitor.model.state import AuditEntry
from monitor.ports import Clock, Store
from monitor.service.evaluator import Evaluator
from monitor.service.instruments import collected

log = logging.getLogger(__name__)

STRETCH = 2500  # incidents of which a run looks at everything, and as many that are overdue
AGAIN = 100  # incidents with a gap that the next run looks at although it is not their turn
BREATH = 50  # incidents looked at before others may use the loop
NOTED = 20  # gaps of one run that get an audit entry of their own


class Auditor(Collector):
    """One per service. Spans in seconds."""

    def __init__(self, store: Store, evaluator: Evaluator, clock: Clock, every: float, grace: float) -> None:
        self._store = store
        self._evaluator = evaluator
        self._clock = clock
        self._every = every
        self._grace = grace
        self.audit = Audit()
        self.ended_at = clock.monotonic()  # monotonic; when a run last came to its end
        self._ended: datetime | None = None
        self._place = ""  # key of the incident where the last stretch ended; empty: at the end of all

    async def run(self) -> None:
        """Look for ever; ends by cancellation."""
        while True:
            await self._clock.sleep(self._every)
            try:
                await self.look()
            except StoreError as broken:
                log.error("the plans cannot be audited: %s", broken)

    async def look(self) -> None:
        """One run. Raises StoreError when the store cannot be read.

        While it cannot be written nothing is missed: what falls due waits in memory, and that is an alarm of its own.
        """
        if self._evaluator.degraded:
            self.ended_at = self._clock.monotonic()
            return
        incidents = await self._chosen()
        before, self.audit = self.audit, self.audit.after(await self._gaps(incidents))
        self.ended_at, self._ended = self._clock.monotonic(), self._clock.now()
        await self._note(sorted(self.audit.found - before.found))

    async def _chosen(self) -> Sequence[Incident]:
        """What this run looks at: what is overdue, the next stretch of all that is open, what the last run suspects."""
        late = self._clock.now() - timedelta(seconds=self._grace)
        stretch = await self._store.open_after(self._place, STRETCH)
        self._place = stretch[-1].key if len(stretch) == STRETCH else ""
        chosen = {one.key: one for one in (*stretch, *await self._store.overdue(late, STRETCH))}
        suspected = {gap.incident for gap in self.audit.suspected} - set(chosen)
        again = [await self._store.incident(key) for key in sorted(suspected)[:AGAIN]]
        return [*chosen.values(), *(one for one in again if one is not None and one.open)]

    async def _gaps(self, incidents: Sequence[Incident]) -> list[Gap]:
        now, policy, states = self._clock.now(), self._evaluator.policy, self._evaluator.states
        found: list[Gap] = []
        for start in range(0, len(incidents), BREATH):
            part = incidents[start : start + BREATH]
            found += gaps(
                part,
                await self._store.owed([one.key for one in part]),
                lambda one: excused(one, states.get(one.unit), policy.units, policy.muting, now),
                now,
                self._grace,
            )
            await self._clock.sleep(0)
        return found

    async def _note(self, new: Sequence[Gap]) -> None:
        for gap in new[:NOTED]:
            log.error("plan gap: incident %s, %s: %s", gap.ref, gap.fault.value, gap.what)
            entry = AuditEntry(self._clock.now(), "auditor", "plan gap", gap.incident, f"{gap.fault.value}: {gap.what}")
            try:
                await self._store.audit(entry)
            except StoreError as broken:
                log.error("the plan gap of %s is not in the audit trail: %s", gap.ref, broken)

    def collect(self) -> Iterable[Metric]:
        """Called by the registry when the page is made."""
        found, ran = collected("denbao_auditor_gaps"), collected("denbao_auditor_last_run_timestamp_seconds")
        found.add_metric((), len(self.audit.found))
        if self._ended is not None:
            ran.add_metric((), self._ended.timestamp())
        return (found, ran)
