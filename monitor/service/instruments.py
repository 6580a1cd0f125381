"""prometheus-client's instruments, made from the catalogue by name: nothing is counted that is not promised there."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from monitor.model.catalogue import CATALOGUE, MetricKind


def gauge(name: str, registry: CollectorRegistry) -> Gauge:
    """A gauge of this registry. Raises KeyError for a name that is not in the catalogue, as all of these do."""
    metric = CATALOGUE[name]
    return Gauge(name, metric.help, metric.labels, unit=metric.unit, registry=registry)


def counter(name: str, registry: CollectorRegistry) -> Counter:
    """A counter of this registry."""
    metric = CATALOGUE[name]
    return Counter(metric.family, metric.help, metric.labels, unit=metric.unit, registry=registry)


def histogram(name: str, registry: CollectorRegistry) -> Histogram:
    """A histogram of this registry with the bounds of the catalogue."""
    metric = CATALOGUE[name]
    return Histogram(name, metric.help, metric.labels, unit=metric.unit, buckets=metric.buckets, registry=registry)


def collected(name: str) -> CounterMetricFamily | GaugeMetricFamily:
    """What a collector fills when the page is made."""
    metric = CATALOGUE[name]
    if metric.kind is MetricKind.COUNTER:
        return CounterMetricFamily(metric.family, metric.help, labels=metric.labels, unit=metric.unit)
    return GaugeMetricFamily(name, metric.help, labels=metric.labels, unit=metric.unit)
