"""Every metric that denbao shows: one place for its name, kind, labels, meaning, unit and buckets.

The exporter, the service's own metrics, docs/metrics.md, the dashboards' check and the tests are made from it; a series
that is not here cannot be written. Names are promises to users. The order is the page's order, and where the budget of
series is too small (`metrics: max_series:`) the first ones are served. The formats: prometheus.io/docs/instrumenting/
exposition_formats and OpenMetrics 1.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class MetricKind(StrEnum):
    """What may be done with a value: OpenMetrics' words."""

    GAUGE = "gauge"  # goes up and down
    INFO = "info"  # always 1; the labels say it
    COUNTER = "counter"  # only grows: ask for its rate
    HISTOGRAM = "histogram"  # counts by upper bound


class Topic(StrEnum):
    """What a metric is about: the chapters of docs/metrics.md."""

    UNITS = "Units"
    TARGETS = "Targets"
    PROBES = "Probes"
    TOTALS = "Totals"
    FEEDS = "Feeds"
    NOTICES = "Notices and channels"
    ITSELF = "The monitor itself"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `name` is that of its series: a counter's ends in `_total`, an info's in `_info`."""

    name: str
    kind: MetricKind
    labels: tuple[str, ...]  # without those that Prometheus adds; empty ones are left out of an answer
    help: str
    topic: Topic
    unit: str = ""  # OpenMetrics unit, always the end of the family's name: "seconds", "ratio"
    buckets: tuple[float, ...] = ()  # upper bounds of a histogram, in its unit, without +Inf

    @property
    def family(self) -> str:
        """Its name in OpenMetrics, which writes the endings of counters and infos at the samples only."""
        if self.kind is MetricKind.COUNTER:
            return self.name.removesuffix("_total")
        return self.name.removesuffix("_info") if self.kind is MetricKind.INFO else self.name

    @property
    def series(self) -> Mapping[str, tuple[str, ...]]:
        """Every name of a series that it writes, with its labels: what a query may ask for."""
        if self.kind is not MetricKind.HISTOGRAM:
            return {self.name: self.labels}
        return {
            f"{self.name}_bucket": (*self.labels, "le"),
            f"{self.name}_count": self.labels,
            f"{self.name}_sum": self.labels,
        }


LONG = (60.0, 300.0, 900.0, 1800.0, 3600.0, 4 * 3600.0, 8 * 3600.0, 86400.0, 3 * 86400.0, 7 * 86400.0)
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_GAUGE, _INFO, _COUNTER, _HISTOGRAM = MetricKind

_UNITS = (
    Metric(
        "denbao_unit_colour",
        _GAUGE,
        ("unit", "level", "province"),
        "Colour: -2 maintenance, -1 unknown, 0 green, 1 yellow, 2 red; an excluded unit has no series.",
        Topic.UNITS,
    ),
    Metric(
        "denbao_unit_info",
        _INFO,
        ("unit", "name", "level", "province", "parent"),
        "Names and place of a unit; always 1.",
        Topic.UNITS,
    ),
    Metric(
        "denbao_unit_colour_since_timestamp_seconds",
        _GAUGE,
        ("unit",),
        "When the unit took its present colour.",
        Topic.UNITS,
        "seconds",
    ),
    Metric(
        "denbao_unit_score_ratio",
        _GAUGE,
        ("unit",),
        "Weighted score of the known criteria, 0 to 1.",
        Topic.UNITS,
        "ratio",
    ),
    Metric(
        "denbao_unit_coverage_ratio",
        _GAUGE,
        ("unit",),
        "Known weight over total weight, 0 to 1.",
        Topic.UNITS,
        "ratio",
    ),
    Metric(
        "denbao_unit_reported_colour",
        _GAUGE,
        ("unit",),
        "Colour that the national system reports: -1 unknown, 0 green, 1 yellow, 2 red.",
        Topic.UNITS,
    ),
)
_TOTALS = (
    Metric(
        "denbao_units",
        _GAUGE,
        ("level", "province", "colour"),
        "Units by colour; the colours of one level and province add up to its units.",
        Topic.TOTALS,
    ),
    Metric(
        "denbao_incidents",
        _GAUGE,
        ("province", "colour", "phase"),
        "Incidents open now.",
        Topic.TOTALS,
    ),
    Metric(
        "denbao_incident_acknowledgement_seconds",
        _HISTOGRAM,
        ("kind",),
        "Time from an incident's beginning to its first answer.",
        Topic.TOTALS,
        "seconds",
        LONG,
    ),
    Metric(
        "denbao_incident_duration_seconds",
        _HISTOGRAM,
        ("kind",),
        "Time from an incident's beginning to its end.",
        Topic.TOTALS,
        "seconds",
        LONG,
    ),
)
_PROBES = (
    Metric(
        "denbao_probe_success",
        _GAUGE,
        ("unit", "probe"),
        "1 when the last check of the probe went well.",
        Topic.PROBES,
    ),
    Metric(
        "denbao_probe_duration_seconds",
        _GAUGE,
        ("unit", "probe"),
        "How long the last check took.",
        Topic.PROBES,
        "seconds",
    ),
    Metric(
        "denbao_probe_attempts",
        _GAUGE,
        ("unit", "probe"),
        "How often the target was asked in the last check; 1 unless it went badly at first.",
        Topic.PROBES,
    ),
    Metric(
        "denbao_probe_phase_duration_seconds",
        _GAUGE,
        ("unit", "probe", "phase"),
        "How long each phase of the last attempt took: name, connect, tls, first_byte, transfer.",
        Topic.PROBES,
        "seconds",
    ),
    Metric(
        "denbao_probe_step_duration_seconds",
        _GAUGE,
        ("unit", "probe", "step"),
        "How long each step of a journey took in the last attempt.",
        Topic.PROBES,
        "seconds",
    ),
    Metric(
        "denbao_probe_certificate_expiry_timestamp_seconds",
        _GAUGE,
        ("unit", "probe"),
        "When the certificate that the target last showed expires.",
        Topic.PROBES,
        "seconds",
    ),
)
_TARGETS = (
    Metric(
        "denbao_target_deadline_timestamp_seconds",
        _GAUGE,
        ("criterion",),
        "First instant at which it is too late, for most of the units.",
        Topic.TARGETS,
        "seconds",
    ),
    Metric(
        "denbao_target_projected_value",
        _GAUGE,
        ("unit", "criterion"),
        "Value of a target at its date if it goes on as now, in the indicator's own unit.",
        Topic.TARGETS,
    ),
    Metric(
        "denbao_target_required_pace",
        _GAUGE,
        ("unit", "criterion"),
        "Change per working day that reaches the goal at its date; 0 when it is met.",
        Topic.TARGETS,
    ),
    Metric(
        "denbao_target_actual_pace",
        _GAUGE,
        ("unit", "criterion"),
        "Change per working day of late: the middle of the slopes between all pairs of the last days.",
        Topic.TARGETS,
    ),
)
_INDEXES = (
    Metric(
        "denbao_unit_index_points",
        _GAUGE,
        ("unit", "index"),
        "Points of an index, 0 to 100; what is unknown earns nothing.",
        Topic.UNITS,
    ),
    Metric(
        "denbao_unit_index_known_points",
        _GAUGE,
        ("unit", "index"),
        "Points of an index that could be earned by the rates that are known, of 100.",
        Topic.UNITS,
    ),
    Metric(
        "denbao_unit_index_grade_info",
        _INFO,
        ("unit", "index", "grade", "assumed"),
        "Grade by an index, none while too little is known; assumed is yes where no document states its bounds; "
        "always 1.",
        Topic.UNITS,
    ),
    Metric(
        "denbao_unit_index_group_points",
        _GAUGE,
        ("unit", "index", "group"),
        "Points of one group of an index; what is unknown earns nothing, and a group of which nothing is known has no "
        "series.",
        Topic.UNITS,
    ),
)
_VALUES = (
    Metric(
        "denbao_unit_rank",
        _GAUGE,
        ("unit", "indicator"),
        "Place among the units of one parent by an indicator, score, or an index or group of it (d766, d766:MDSH); "
        "1 is best, ties share it.",
        Topic.UNITS,
    ),
    Metric(
        "denbao_criterion_colour",
        _GAUGE,
        ("unit", "criterion"),
        "Colour of one criterion: -2 maintenance, -1 unknown, 0 green, 1 yellow, 2 red.",
        Topic.UNITS,
    ),
    Metric(
        "denbao_indicator_value",
        _GAUGE,
        ("unit", "indicator"),
        "Newest value in the indicator's own unit; yes 1, partly 0.5, no 0.",
        Topic.UNITS,
    ),
    Metric(
        "denbao_unit_depends_info",
        _INFO,
        ("unit", "system"),
        "A shared system that a unit depends on; always 1.",
        Topic.UNITS,
    ),
    Metric(
        "denbao_criterion_reason_info",
        _INFO,
        ("unit", "criterion", "reason"),
        "Why a criterion is not green, by the machine words of its reasons; always 1, and a green one has none.",
        Topic.UNITS,
    ),
)
_FEEDS = (
    Metric(
        "denbao_feed_last_success_timestamp_seconds",
        _GAUGE,
        ("feed",),
        "When a feed last answered well.",
        Topic.FEEDS,
        "seconds",
    ),
    Metric(
        "denbao_feed_rows_rejected_total",
        _COUNTER,
        ("feed", "reason"),
        "Rows of a feed that were not believed, by reason.",
        Topic.FEEDS,
    ),
    Metric(
        "denbao_poll_failures_total",
        _COUNTER,
        ("feed",),
        "Polls of a feed that brought nothing at all.",
        Topic.FEEDS,
    ),
)
_NOTICES = (
    Metric(
        "denbao_notices_total",
        _COUNTER,
        ("channel", "outcome"),
        "Notices by channel and outcome, since the store was made.",
        Topic.NOTICES,
    ),
    Metric(
        "denbao_outbox_pending",
        _GAUGE,
        ("channel",),
        "Notices owed and not yet settled.",
        Topic.NOTICES,
    ),
    Metric(
        "denbao_outbox_oldest_age_seconds",
        _GAUGE,
        ("channel",),
        "Age of the oldest unsettled notice, from when it could first be sent.",
        Topic.NOTICES,
        "seconds",
    ),
    Metric(
        "denbao_channel_day_segments",
        _GAUGE,
        ("channel",),
        "Segments (one a message) that went, may have gone or are going since midnight, by channels that cost.",
        Topic.NOTICES,
    ),
    Metric(
        "denbao_channel_day_budget_segments",
        _GAUGE,
        ("channel",),
        "Segments that a channel may carry from midnight to midnight (limits: per_day:).",
        Topic.NOTICES,
    ),
    Metric(
        "denbao_channel_day_reserve_segments",
        _GAUGE,
        ("channel",),
        "Segments of the day's budget that are kept for urgent messages (limits: reserve:).",
        Topic.NOTICES,
    ),
    Metric(
        "denbao_channel_day_cost_dong",
        _GAUGE,
        ("channel",),
        "What the day's segments cost so far, in VND; only where the channel has a price.",
        Topic.NOTICES,
    ),
    Metric(
        "denbao_channel_price_dong",
        _GAUGE,
        ("channel",),
        "What one segment costs, in VND, as the channel's price: says.",
        Topic.NOTICES,
    ),
    Metric(
        "denbao_channel_stopped",
        _GAUGE,
        ("channel",),
        "1 while a channel is broken for everybody.",
        Topic.NOTICES,
    ),
    Metric(
        "denbao_channel_warning",
        _GAUGE,
        ("channel",),
        "1 while a channel will stop unless somebody acts.",
        Topic.NOTICES,
    ),
)
_ITSELF = (
    Metric(
        "denbao_self_alarm",
        _GAUGE,
        ("condition",),
        "1 while the monitor says this of itself.",
        Topic.ITSELF,
    ),
    Metric(
        "denbao_own_heartbeat_total",
        _COUNTER,
        ("outcome",),
        "Outgoing heartbeats that were heard (sent), were not (failed) or had no reason to go (withheld).",
        Topic.ITSELF,
    ),
    Metric(
        "denbao_canary_seconds",
        _GAUGE,
        (),
        "What the last good flight of the canary took, from red to the recovery's end.",
        Topic.ITSELF,
        "seconds",
    ),
    Metric(
        "denbao_canary_last_success_timestamp_seconds",
        _GAUGE,
        (),
        "When the canary last came back in time.",
        Topic.ITSELF,
        "seconds",
    ),
    Metric(
        "denbao_auditor_gaps",
        _GAUGE,
        (),
        "Calls that plans owed and the outbox does not show.",
        Topic.ITSELF,
    ),
    Metric(
        "denbao_auditor_last_run_timestamp_seconds",
        _GAUGE,
        (),
        "When the auditor of plans last came to its end.",
        Topic.ITSELF,
        "seconds",
    ),
    Metric(
        "denbao_sweep_lateness_seconds",
        _HISTOGRAM,
        (),
        "Time between a poll's slot and its start.",
        Topic.ITSELF,
        "seconds",
        SECONDS,
    ),
    Metric(
        "denbao_sweep_late_total",
        _COUNTER,
        (),
        "Polls that began more than 1 s after their slot.",
        Topic.ITSELF,
    ),
    Metric(
        "denbao_polls_total",
        _COUNTER,
        ("outcome",),
        "Polls that were due, by what became of them (answered, failed, missed, cancelled).",
        Topic.ITSELF,
    ),
    Metric(
        "denbao_event_loop_lag_seconds",
        _HISTOGRAM,
        (),
        "How much later than asked the event loop ran a timer.",
        Topic.ITSELF,
        "seconds",
        SECONDS,
    ),
    Metric(
        "denbao_decision_seconds",
        _HISTOGRAM,
        (),
        "Time from the first news of a batch to its commit.",
        Topic.ITSELF,
        "seconds",
        SECONDS,
    ),
    Metric(
        "denbao_loop_restarts_total",
        _COUNTER,
        ("loop",),
        "Inner loops that broke and were started again.",
        Topic.ITSELF,
    ),
    Metric(
        "denbao_rule_broken_units",
        _GAUGE,
        ("criterion",),
        "Units at which a rule breaks while it judges.",
        Topic.ITSELF,
    ),
    Metric(
        "denbao_config_last_reload_successful",
        _GAUGE,
        (),
        "1 when the last (re)load of the config worked.",
        Topic.ITSELF,
    ),
    Metric(
        "denbao_store_readable",
        _GAUGE,
        (),
        "1 while the store answers; 0: the outbox is shown as it was last.",
        Topic.ITSELF,
    ),
    Metric(
        "denbao_store_away_seconds",
        _GAUGE,
        (),
        "For how long nothing could be stored: colours are judged in memory; 0: all is stored.",
        Topic.ITSELF,
        "seconds",
    ),
    Metric(
        "denbao_exporter_loaded",
        _GAUGE,
        ("exporter",),
        "1 while an exporter works; 0: it raised and was unloaded, the board says why.",
        Topic.ITSELF,
    ),
    Metric(
        "denbao_page_series",
        _GAUGE,
        (),
        "Series of units and totals on this page.",
        Topic.ITSELF,
    ),
    Metric(
        "denbao_page_refused_series",
        _GAUGE,
        ("metric",),
        "Series of a metric that is left out because the budget of series (metrics: max_series:) is used up.",
        Topic.ITSELF,
    ),
    Metric(
        "denbao_push_requests_total",
        _COUNTER,
        ("outcome",),
        "Requests with metrics that were pushed: sent, refused by the receiver, dropped from a full buffer.",
        Topic.ITSELF,
    ),
    Metric(
        "denbao_push_waiting_bytes",
        _GAUGE,
        (),
        "What waits on disk to be pushed.",
        Topic.ITSELF,
        "bytes",
    ),
    Metric(
        "denbao_push_oldest_age_seconds",
        _GAUGE,
        (),
        "Age of the oldest request that waits to be pushed; 0 when none does.",
        Topic.ITSELF,
        "seconds",
    ),
    Metric(
        "denbao_build_info",
        _INFO,
        ("version",),
        "Version of the running program; always 1.",
        Topic.ITSELF,
    ),
)

CATALOGUE: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (*_UNITS, *_TOTALS, *_PROBES, *_TARGETS, *_INDEXES, *_VALUES, *_FEEDS, *_NOTICES, *_ITSELF)
}
