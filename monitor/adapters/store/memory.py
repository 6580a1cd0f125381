"""The store in memory: for tests, simulations and a first look. It forgets when the process ends, not when closed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from operator import attrgetter
from typing import TypeVar

from monitor.adapters.store import codec
from monitor.adapters.store.memory_outbox import MemoryOutbox
from monitor.alerting.auditor import owes_since
from monitor.alerting.limits import Limits
from monitor.model.colour import Colour
from monitor.model.errors import Conflict, StoreError
from monitor.model.incident import LOOPBACK, Delivery, Incident, Notice, Outcome, Phase, Receipt, Unheard
from monitor.model.muting import Silence, Window
from monitor.model.reading import Reading, SourceHealth
from monitor.model.state import AuditEntry, Decision, Transition, UnitState
from monitor.ports import Hold, Lease, Pruned, Recorded, TakeOver

T = TypeVar("T")


class MemoryStore:
    """`monitor.ports.Store` over dictionaries; each method is one step, as a transaction is."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self._open = False
        self._states: dict[str, UnitState] = {}
        self._incidents: dict[str, Incident] = {}
        self._episodes: defaultdict[tuple[str, str], dict[str, None]] = defaultdict(dict)  # keys of incidents
        self._notices = MemoryOutbox(self._relapses)
        self._transitions: defaultdict[str, list[Transition]] = defaultdict(list)
        self._readings: defaultdict[tuple[str, str], list[Reading]] = defaultdict(list)
        self._history: dict[str, list[Reading | Transition | Notice | AuditEntry]] = {
            sort: [] for sort in ("readings", "transitions", "notices", "audit")
        }
        self._latest_claims: dict[tuple[str, str, datetime, str], str] = {}
        self._health: dict[str, SourceHealth] = {}
        self._muted: dict[str, Silence | Window] = {}
        self._audit: list[tuple[AuditEntry, str]] = []
        self._kept_since: dict[str, datetime] = {}
        self._prune: Mapping[str, Callable[[datetime], int]] = {
            "readings": self._prune_readings, "transitions": self._prune_transitions, "notices": self._prune_notices,
            "incidents": self._prune_incidents, "silences": self._prune_silences,
        }  # fmt: skip

    async def open(self) -> None:
        """Nothing to migrate; what a dead life was sending is free at once."""
        self._open = True
        self._notices.end_leases()

    async def close(self) -> None:
        """Keeps everything for the next `open`."""
        self._open = False

    async def load_states(self) -> Sequence[UnitState]:
        """See the port."""
        self._check_open()
        return [self._states[unit] for unit in sorted(self._states)]

    async def commit(self, decisions: Sequence[Decision]) -> Sequence[UnitState]:
        """See the port."""
        self._check_open()
        self._check_versions(decisions)
        after = [replace(decision.after, version=decision.before.version + 1) for decision in decisions]
        for decision, state in zip(decisions, after, strict=True):
            self._states[state.unit] = state
            self._apply(decision)
        return after

    def _check_versions(self, decisions: Sequence[Decision]) -> None:
        raised: dict[str, int] = {}
        for unit, version in ((decision.before.unit, decision.before.version) for decision in decisions):
            stored = raised.get(unit, self._states[unit].version if unit in self._states else 0)
            if stored != version:
                raise Conflict(unit)
            raised[unit] = version + 1

    def _apply(self, decision: Decision) -> None:
        for incident in decision.incidents:
            self._incidents[incident.key] = incident
            self._episodes[incident.unit, incident.cause][incident.key] = None
            if (over := incident.over_since) is not None:
                episodes = self._episodes[incident.unit, incident.cause]
                self._notices.free_good_news([key for key in episodes if key < incident.key], over)
        for order in decision.withheld:
            self._notices.withhold(order)
        for notice in decision.notices:
            if self._notices.add(notice) and notice.channel != LOOPBACK:
                self._history["notices"].append(notice)
        for order in decision.withheld:
            self._notices.take_places(order)
        for reading in decision.readings:
            self._remember(reading)
        for change in decision.transitions:
            self._transitions[change.unit].append(change)
            self._history["transitions"].append(change)
        for entry in decision.audit:
            self._chain(entry)

    def _relapses(self, key: str) -> list[Incident]:
        """Later incidents of the same trouble."""
        own = self._incidents.get(key)
        episodes = self._episodes[own.unit, own.cause] if own is not None else ()
        return [self._incidents[one] for one in episodes if one > key]

    def _remember(self, reading: Reading) -> None:
        claim = codec.claim(reading)
        if self._latest_claims.get(reading.key) != claim:
            self._latest_claims[reading.key] = claim
            self._readings[reading.unit, reading.indicator].append(reading)
            self._history["readings"].append(reading)

    def _chain(self, entry: AuditEntry) -> None:
        previous = self._audit[-1][1] if self._audit else codec.FIRST_HASH
        self._audit.append((entry, codec.chained(previous, entry)))
        self._history["audit"].append(entry)

    async def save_health(self, health: Sequence[SourceHealth]) -> None:
        """See the port."""
        self._check_open()
        self._health |= {one.source: one for one in health}

    async def load_health(self) -> Sequence[SourceHealth]:
        """See the port."""
        self._check_open()
        return [self._health[source] for source in sorted(self._health)]

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
        self._check_open()
        return self._notices.lease(channel, owner, now, limit, seconds, hold, limits)

    async def heard_later(
        self, channel: str, name: str, final: str, now: datetime, instead: TakeOver | None = None
    ) -> bool | None:
        """See the port."""
        self._check_open()
        return self._notices.heard_later(channel, name, final, now, instead)

    async def note_sent(self, notice: Notice, receipt: Receipt, at: datetime) -> None:
        """See the port."""
        self._check_open()
        if self._notices.note_sent(notice, receipt, at):
            self._history["notices"].append(notice)

    async def settle(
        self,
        lease: Lease,
        receipt: Receipt,
        now: datetime,
        next_at: datetime | None = None,
        instead: Notice | None = None,
    ) -> bool:
        """See the port."""
        self._check_open()
        return self._notices.settle(lease, receipt, now, next_at, instead)

    async def next_due(self, channel: str) -> datetime | None:
        """See the port."""
        self._check_open()
        return self._notices.next_due(channel)

    async def hasten(self, now: datetime, by: float, beyond: float = 0.0) -> None:
        """See the port."""
        self._check_open()
        self._notices.hasten(now, by, beyond)

    async def audit(self, entry: AuditEntry) -> None:
        """See the port."""
        self._check_open()
        self._chain(entry)

    async def mute(self, what: Silence | Window, entry: AuditEntry) -> None:
        """See the port."""
        self._check_open()
        self._muted[what.id] = what
        self._notices.release(what.reason, entry.at)
        self._chain(entry)

    async def muted(self, *, not_over: datetime | None = None, limit: int = 500) -> Sequence[Silence | Window]:
        """See the port."""
        self._check_open()
        wanted = [one for one in self._muted.values() if not_over is None or one.ends > not_over]
        return sorted(wanted, key=attrgetter("ends", "id"), reverse=True)[:limit]

    async def audit_trail(self, *, limit: int = 500) -> Sequence[tuple[AuditEntry, str]]:
        """Audit entries with their chained hashes, newest first."""
        self._check_open()
        return self._audit[::-1][:limit]

    async def incidents(self, *, open_only: bool = True, limit: int = 500) -> Sequence[Incident]:
        """See the port."""
        self._check_open()
        chosen = [incident for incident in self._incidents.values() if incident.open or not open_only]
        return sorted(chosen, key=attrgetter("opened_at", "key"), reverse=True)[:limit]

    async def incident(self, key_or_ref: str) -> Incident | None:
        """See the port; a reference may be typed in lower case."""
        self._check_open()
        if key_or_ref in self._incidents:
            return self._incidents[key_or_ref]
        meant = [incident for incident in self._incidents.values() if incident.ref == key_or_ref.upper()]
        return max(meant, key=attrgetter("opened_at", "key"), default=None)

    async def deliveries(self, *, incident: str | None = None, limit: int = 500) -> Sequence[Delivery]:
        """See the port."""
        self._check_open()
        return self._notices.deliveries(incident, limit)

    async def outbox(self) -> Mapping[str, tuple[int, datetime | None]]:
        """See the port; what is leased counts as pending."""
        self._check_open()
        return self._notices.waiting()

    async def stuck(self, before: datetime) -> tuple[int, datetime | None]:
        """See the port."""
        self._check_open()
        return self._notices.stuck(before)

    async def unheard(self, before: datetime, limit: int = 1000, *, calm: datetime | None = None) -> Sequence[Unheard]:
        """See the port."""
        self._check_open()
        open_ones = (incident for incident in self._incidents.values() if incident.phase is Phase.OPEN)
        found = [one for incident in open_ones for one in self._notices.unheard(incident, before, calm)]
        return sorted(found, key=attrgetter("due_at", "incident", "call"))[:limit]

    async def prune(self, what: str, before: datetime, *, after: int = 0, limit: int = 500) -> Pruned:
        """See the port; all in one go."""
        self._check_open()
        if what not in self._prune:
            raise ValueError(f"nothing called {what!r} is kept")
        number = self._prune[what](before)
        if number:
            self._kept_since[what] = max(before, self._kept_since.get(what, before))
        return Pruned(number, None)

    def _prune_readings(self, before: datetime) -> int:
        old = [one for one in self._facts("readings", Reading) if one.received_at < before]
        newest = {(one.unit, one.indicator, one.source): one for one in sorted(old, key=attrgetter("as_of"))}
        gone = {id(one) for one in old} - {id(one) for one in newest.values()}
        for key, past in self._readings.items():
            self._readings[key] = [one for one in past if id(one) not in gone]
        return self._drop("readings", gone)

    def _prune_transitions(self, before: datetime) -> int:
        old = [one for one in self._facts("transitions", Transition) if one.at < before]
        newest = {(one.unit, one.criterion): one for one in old}
        gone = {id(one) for one in old} - {id(one) for one in newest.values()}
        for unit, past in self._transitions.items():
            self._transitions[unit] = [one for one in past if id(one) not in gone]
        return self._drop("transitions", gone)

    def _prune_notices(self, before: datetime) -> int:
        open_ones = {key for key, incident in self._incidents.items() if incident.open}
        keys = self._notices.prune(before, open_ones)
        return self._drop("notices", {id(one) for one in self._facts("notices", Notice) if one.key in keys}, len(keys))

    def _prune_incidents(self, before: datetime) -> int:
        ended = {key for key, one in self._incidents.items() if one.closed_at is not None and one.closed_at < before}
        gone = ended - set(self._notices.owed(ended))
        for key in gone:
            one = self._incidents.pop(key)
            del self._episodes[one.unit, one.cause][key]
        return len(gone)

    def _prune_silences(self, before: datetime) -> int:
        gone = [name for name, one in self._muted.items() if one.ends < before]
        for name in gone:
            del self._muted[name]
        return len(gone)

    def _facts(self, sort: str, kind: type[T]) -> list[T]:
        return [one for one in self._history[sort] if isinstance(one, kind)]

    def _drop(self, sort: str, gone: Collection[int], number: int | None = None) -> int:
        self._history[sort] = [one for one in self._history[sort] if id(one) not in gone]
        return len(gone) if number is None else number

    async def kept_since(self, what: str) -> datetime | None:
        """See the port `History`."""
        self._check_open()
        return self._kept_since.get(what)

    async def forget(self, channel: str) -> None:
        """See the port."""
        self._check_open()
        self._notices.forget(channel)

    async def overdue(self, before: datetime, limit: int) -> Sequence[Incident]:
        """See the port."""
        self._check_open()
        owing = ((owes_since(incident), key) for key, incident in self._incidents.items())
        late = sorted((since, key) for since, key in owing if since is not None and since <= before)
        return [self._incidents[key] for _, key in late[:limit]]

    async def open_after(self, key: str, limit: int) -> Sequence[Incident]:
        """See the port."""
        self._check_open()
        keys = sorted(one for one, incident in self._incidents.items() if incident.open and one > key)
        return [self._incidents[one] for one in keys[:limit]]

    async def owed(self, incidents: Collection[str]) -> Mapping[str, Mapping[str, tuple[str, str]]]:
        """See the port."""
        self._check_open()
        return self._notices.owed(incidents)

    async def outcomes(self) -> Mapping[tuple[str, Outcome], int]:
        """See the port; only final outcomes, so a number never falls."""
        self._check_open()
        return self._notices.outcomes()

    async def carried(self, channel: str, since: datetime) -> int:
        """See the port."""
        self._check_open()
        return self._notices.carried(channel, since)

    async def transitions(self, unit: str, *, limit: int = 200) -> Sequence[Transition]:
        """See the port."""
        self._check_open()
        return self._transitions.get(unit, [])[::-1][:limit]

    async def readings(self, unit: str, indicator: str, *, limit: int = 200) -> Sequence[Reading]:
        """See the port."""
        self._check_open()
        newest_revision_first = self._readings.get((unit, indicator), [])[::-1]
        by_source = sorted(newest_revision_first, key=attrgetter("source"))
        return sorted(by_source, key=attrgetter("as_of"), reverse=True)[:limit]

    async def recorded(self, what: str, *, after: int = 0, limit: int = 5000) -> Recorded:
        """See the port `History`."""
        self._check_open()
        if what not in self._history:
            raise ValueError(f"nothing called {what!r} is recorded")
        facts = self._history[what][after : after + limit]
        return Recorded(facts, after + limit if len(facts) == limit else None)

    async def last_received(self, before: datetime) -> datetime | None:
        """See the port `History`."""
        self._check_open()
        received = (one.received_at for one in reversed(self._history["readings"]) if isinstance(one, Reading))
        return next((at for at in received if at < before), None)

    async def colours_at(self, units: Collection[str], at: datetime) -> Mapping[str, Colour]:
        """See the port `History`."""
        self._check_open()
        own = {
            unit: [one for one in self._transitions.get(unit, ()) if not one.criterion and one.at <= at]
            for unit in units
        }
        return {unit: max(reversed(past), key=attrgetter("at")).after for unit, past in own.items() if past}

    def _check_open(self) -> None:
        if not self._open:
            raise StoreError("the store is not open")
