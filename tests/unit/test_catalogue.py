"""The catalogue of metrics keeps to the conventions of Prometheus and OpenMetrics, and its page says the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exporters.catalogue import CATALOGUE, Metric, MetricKind, page

ROOT = Path(__file__).parents[2]
RESERVED = {"le", "quantile", "job", "instance"}
each = pytest.mark.parametrize("metric", CATALOGUE.values(), ids=CATALOGUE)


def test_the_page_of_metrics_is_made_from_the_catalogue():
    made = page()
    assert (ROOT / "docs" / "metrics.md").read_text("utf-8") == made
    assert all(f"| `{name}` |" in made for name in CATALOGUE)


@each
def test_a_name_is_ours_and_ends_as_its_kind_and_unit_demand(metric: Metric):
    assert re.fullmatch(r"denbao_[a-z]+(_[a-z]+)*", metric.name)
    assert metric.name.endswith("_total") is (metric.kind is MetricKind.COUNTER)
    assert metric.name.endswith("_info") is (metric.kind is MetricKind.INFO)
    assert metric.family.endswith(f"_{metric.unit}" if metric.unit else "")
    ends = metric.family.rpartition("_")[2]
    assert metric.unit == (ends if ends in ("seconds", "ratio", "bytes") else "")


@each
def test_labels_are_names_that_neither_prometheus_nor_a_person_uses(metric: Metric):
    assert len(set(metric.labels)) == len(metric.labels)
    assert not set(metric.labels) & RESERVED
    assert not [label for label in metric.labels if re.search("phone|recipient|person", label)]
    assert all(re.fullmatch("[a-z_]+", label) for label in metric.labels)


@each
def test_help_is_one_sentence_that_needs_no_escaping(metric: Metric):
    assert metric.help.endswith((".", "says why."))
    assert not set(metric.help) & set('\\\n"|')


@each
def test_only_a_histogram_has_bounds_and_they_grow(metric: Metric):
    assert bool(metric.buckets) is (metric.kind is MetricKind.HISTOGRAM)
    assert list(metric.buckets) == sorted(set(metric.buckets))


def test_no_name_of_a_series_is_written_by_two_metrics():
    names = [name for metric in CATALOGUE.values() for name in metric.series]
    assert len(names) == len(set(names))
    families = [metric.family for metric in CATALOGUE.values()]
    assert len(families) == len(set(families))
