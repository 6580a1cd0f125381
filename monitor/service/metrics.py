"""Metrics about the service itself, in prometheus-client's own registry; unit series live in the exporter's blocks."""

from __future__ import annotations

import asyncio
from collections import Counter as Counted
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, Histogram, Metric, disable_created_metrics, generate_latest
from prometheus_client.openmetrics.exposition import ALLOWUTF8
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector

from monitor.model.errors import StoreError
from monitor.model.incident import Incident, Kind, Outcome
from monitor.model.reading import Collected
from monitor.model.state import Decision
from monitor.ports import Clock, Store
from monitor.reporting.exposition import END
from monitor.service.instruments import collected as family
from monitor.service.instruments import counter, gauge, histogram
from monitor.service.poller import PollEnd
from monitor.service.spending import Spending

LATE = 1.0  # seconds after its slot from which on a poll counts as late
_LAG_EVERY = 0.5  # seconds between two looks at the loop
_PATIENCE = 3.0  # seconds for a store to say how the outbox is: who scrapes waits for ten


class SelfMetrics:
    """One per service."""

    def __init__(self) -> None:
        # Gauges beside each counter and histogram would be names that nobody was promised.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry = CollectorRegistry()
        self._lateness = histogram("denbao_sweep_lateness_seconds", registry)
        self._late = counter("denbao_sweep_late_total", registry)
        polls = counter("denbao_polls_total", registry)
        self._polls = {end: polls.labels(end.value) for end in PollEnd}
        self._lag = histogram("denbao_event_loop_lag_seconds", registry)
        self._decision = histogram("denbao_decision_seconds", registry)
        self._answered = histogram("denbao_incident_acknowledgement_seconds", registry)
        self._lasted = histogram("denbao_incident_duration_seconds", registry)
        for kind in Kind:  # zero is there before the first incident: growth needs two points
            self._answered.labels(kind.value)
            self._lasted.labels(kind.value)
        self._rejected = counter("denbao_feed_rows_rejected_total", registry)
        self._failures = counter("denbao_poll_failures_total", registry)
        self._broken = counter("denbao_loop_restarts_total", registry)
        self._success = gauge("denbao_feed_last_success_timestamp_seconds", registry)
        self._reloaded = gauge("denbao_config_last_reload_successful", registry)
        self._reloaded.set(1)
        self._feeds: frozenset[str] = frozenset()
        self._decided = ""  # unit of the last commit
        self.lagged: Callable[[float], None] = lambda _seconds: None  # is told of each lag of the event loop
        self._readable = gauge("denbao_store_readable", registry)
        self._away = gauge("denbao_store_away_seconds", registry)
        self._outbox = _Outbox()
        self.registry.register(self._outbox)
        self.spending = Spending()
        self.registry.register(self.spending)

    def feeds(self, names: frozenset[str]) -> None:
        """Which sources are feeds; the rest are probes and have series of their own."""
        self._feeds = names
        for name in names:
            self._failures.labels(name)  # zero is there before the first failure: a rate needs two points

    def channels(self, names: Iterable[str]) -> None:
        """Which channels there are: each has its counts from the start, zeros too."""
        self._outbox.channels = sorted(names)

    def store_away(self, seconds: Callable[[], float]) -> None:
        """Who knows for how long nothing could be stored."""
        self._away.set_function(seconds)

    def swept(self, _source: str, seconds: float) -> None:
        """A poll began this long after its slot."""
        self._lateness.observe(seconds)
        if seconds > LATE:
            self._late.inc()

    def ended(self, end: PollEnd) -> None:
        """A poll that was due came to its end."""
        self._polls[end].inc()

    def decided(self, seconds: float) -> None:
        """A batch was committed this long after its first news. Its exemplar names a unit of it."""
        self._decision.observe(seconds, {"unit": self._decided} if self._decided else None)

    def committed(self, decisions: Sequence[Decision]) -> None:
        """These decisions were written: who answered, and what is over."""
        for decision in decisions:
            self._decided = decision.after.unit
            for incident in decision.incidents:
                self._incident(decision.before.incidents.get(incident.cause), incident)

    def _incident(self, before: Incident | None, incident: Incident) -> None:
        if incident.acked_at is not None and (before is None or before.acked_at is None):
            self._observe(self._answered, incident, incident.acked_at)
        if incident.closed_at is not None:
            self._observe(self._lasted, incident, incident.closed_at)

    @staticmethod
    def _observe(histogram: Histogram, incident: Incident, at: datetime) -> None:
        seconds = (at - incident.opened_at).total_seconds()
        histogram.labels(incident.kind.value).observe(max(seconds, 0.0), {"unit": incident.unit})

    def collected(self, collected: Collected) -> None:
        """A poll ended."""
        if collected.source not in self._feeds:
            return
        if collected.failure:
            self._failures.labels(collected.source).inc()
        else:
            self._success.labels(collected.source).set(collected.at.timestamp())
        for reason, number in (collected.refused or Counted(row.reason for row in collected.rejected)).items():
            self._rejected.labels(collected.source, reason).inc(number)

    def reloaded(self, *, worked: bool) -> None:
        """The site was read again."""
        self._reloaded.set(worked)

    def broke(self, loop: str) -> None:
        """An inner loop raised what nobody expected."""
        self._broken.labels(loop).inc()

    async def watch_loop(self, clock: Clock) -> None:
        """Measure the event loop's lag for ever."""
        while True:
            before = clock.monotonic()
            await clock.sleep(_LAG_EVERY)
            lag = max(clock.monotonic() - before - _LAG_EVERY, 0.0)
            self._lag.observe(lag)
            self.lagged(lag)

    async def page(self, store: Store, now: datetime, openmetrics: bool = False) -> bytes:
        """The registry, with the outbox as it is stored now: Prometheus' text, or OpenMetrics without its end."""
        try:
            async with asyncio.timeout(_PATIENCE):
                self._outbox.outcomes, self._outbox.pending = await store.outcomes(), await store.outbox()
                await self.spending.look(store, now)
            self._outbox.now = now
            self._readable.set(1)
        except (
            StoreError,
            TimeoutError,
        ):  # a monitor of this monitor must still see the rest, and that the store is away
            self._readable.set(0)
        if not openmetrics:
            return generate_latest(self.registry)
        # The names need no rewriting, for they are of the old letters; to look at each letter costs half of the time.
        made: bytes = generate_openmetrics(self.registry, ALLOWUTF8)  # type: ignore[no-untyped-call]
        return made.removesuffix(END)


class _Outbox(Collector):
    """Counts live in the store, so they survive a restart and are never kept twice."""

    def __init__(self) -> None:
        self.outcomes: Mapping[tuple[str, Outcome], int] = {}
        self.pending: Mapping[str, tuple[int, datetime | None]] = {}
        self.now: datetime | None = None
        self.channels: Sequence[str] = ()

    def collect(self) -> Iterable[Metric]:
        """Called by the registry when the page is made."""
        notices = family("denbao_notices_total")
        none = {(channel, outcome): 0 for channel in self.channels for outcome in Outcome}
        for (channel, outcome), number in sorted({**none, **self.outcomes}.items()):
            notices.add_metric((channel, outcome.value), number)
        idle: dict[str, tuple[int, datetime | None]] = dict.fromkeys(self.channels, (0, None))
        pending, oldest = family("denbao_outbox_pending"), family("denbao_outbox_oldest_age_seconds")
        for channel, (number, due) in sorted({**idle, **self.pending}.items()):
            age = 0.0 if due is None or self.now is None else max((self.now - due).total_seconds(), 0.0)
            pending.add_metric((channel,), number)
            oldest.add_metric((channel,), age)
        return (notices, pending, oldest)
