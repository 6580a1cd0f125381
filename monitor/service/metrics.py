"""Metrics about the service itself, in prometheus-client's own registry; unit series live in the exporter's blocks."""

from __future__ import annotations

from collections import Counter as Counted
from collections.abc import Iterable, Mapping
from datetime import datetime

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from monitor.model.errors import StoreError
from monitor.model.incident import Outcome
from monitor.model.reading import Collected
from monitor.ports import Clock, Store
from monitor.service.poller import PollEnd

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LATE = 1.0  # seconds after its slot from which on a poll counts as late
_LAG_EVERY = 0.5  # seconds between two looks at the loop


class SelfMetrics:
    """One per service."""

    def __init__(self) -> None:
        # Gauges beside each counter and histogram would be names that nobody was promised.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._lateness = Histogram(
            "denbao_sweep_lateness_seconds",
            "Time between a poll's slot and its start.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._late = Counter(
            "denbao_sweep_late",
            f"Polls that began more than {LATE:g} s after their slot.",
            registry=self.registry,
        )
        polls = Counter(
            "denbao_polls",
            "Polls that were due, by what became of them (answered, failed, missed, cancelled).",
            ("outcome",),
            registry=self.registry,
        )
        self._polls = {end: polls.labels(end.value) for end in PollEnd}
        self._lag = Histogram(
            "denbao_event_loop_lag_seconds",
            "How much later than asked the event loop ran a timer.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._decision = Histogram(
            "denbao_decision_seconds",
            "Time from the first news of a batch to its commit.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._rejected = Counter(
            "denbao_feed_rows_rejected",
            "Rows of a feed that were not believed, by reason.",
            ("feed", "reason"),
            registry=self.registry,
        )
        self._failures = Counter(
            "denbao_poll_failures",
            "Polls of a feed that brought nothing at all.",
            ("feed",),
            registry=self.registry,
        )
        self._broken = Counter(
            "denbao_loop_restarts", "Inner loops that broke and were started again.", ("loop",), registry=self.registry
        )
        self._success = Gauge(
            "denbao_feed_last_success_timestamp_seconds",
            "When a feed last answered well.",
            ("feed",),
            registry=self.registry,
        )
        self._reloaded = Gauge(
            "denbao_config_last_reload_successful",
            "1 when the last (re)load of the config worked.",
            registry=self.registry,
        )
        self._reloaded.set(1)
        self._feeds: frozenset[str] = frozenset()
        self._readable = Gauge(
            "denbao_store_readable",
            "1 while the store answers; 0: the outbox is shown as it was last.",
            registry=self.registry,
        )
        self._outbox = _Outbox()
        self.registry.register(self._outbox)

    def feeds(self, names: frozenset[str]) -> None:
        """Which sources are feeds; the rest are probes and have series of their own."""
        self._feeds = names
        for name in names:
            self._failures.labels(name)  # zero is there before the first failure: a rate needs two points

    def swept(self, _source: str, seconds: float) -> None:
        """A poll began this long after its slot."""
        self._lateness.observe(seconds)
        if seconds > LATE:
            self._late.inc()

    def ended(self, end: PollEnd) -> None:
        """A poll that was due came to its end."""
        self._polls[end].inc()

    def decided(self, seconds: float) -> None:
        """A batch was committed this long after its first news."""
        self._decision.observe(seconds)

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
            self._lag.observe(max(clock.monotonic() - before - _LAG_EVERY, 0.0))

    async def page(self, store: Store, now: datetime) -> bytes:
        """The registry in Prometheus' text format, with the outbox as it is stored now."""
        try:
            self._outbox.outcomes, self._outbox.pending = await store.outcomes(), await store.outbox()
            self._outbox.now = now
            self._readable.set(1)
        except StoreError:  # a monitor of this monitor must still see the rest, and that the store is away
            self._readable.set(0)
        return generate_latest(self.registry)


class _Outbox(Collector):
    """Counts live in the store, so they survive a restart and are never kept twice."""

    def __init__(self) -> None:
        self.outcomes: Mapping[tuple[str, Outcome], int] = {}
        self.pending: Mapping[str, tuple[int, datetime | None]] = {}
        self.now: datetime | None = None

    def collect(self) -> Iterable[Metric]:
        """Called by the registry when the page is made."""
        notices = CounterMetricFamily(
            "denbao_notices", "Notices by channel and outcome.", labels=("channel", "outcome")
        )
        for (channel, outcome), number in sorted(self.outcomes.items()):
            notices.add_metric((channel, outcome.value), number)
        pending = GaugeMetricFamily("denbao_outbox_pending", "Notices owed and not yet settled.", labels=("channel",))
        oldest = GaugeMetricFamily(
            "denbao_outbox_oldest_age_seconds",
            "Age of the oldest notice that is due and unsettled.",
            labels=("channel",),
        )
        for channel, (number, due) in sorted(self.pending.items()):
            age = 0.0 if due is None or self.now is None else max((self.now - due).total_seconds(), 0.0)
            pending.add_metric((channel,), number)
            oldest.add_metric((channel,), age)
        return (notices, pending, oldest)
