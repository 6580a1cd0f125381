"""The catalogue of metrics as a page: `python -m exporters.catalogue > docs/metrics.md`; a test holds the page to it.

It is no exporter. The catalogue itself is part of the program (`monitor.api.CATALOGUE`): the service counts by it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from monitor.api import CATALOGUE, Metric, MetricKind, Topic

__all__ = ["CATALOGUE", "Metric", "MetricKind", "Topic", "page"]

_PREFACE = """\
# Metrics

Made from the catalogue in `monitor/model/catalogue.py` by `python -m exporters.catalogue`; a test holds the page to it.
How to scrape them, record totals and be told of trouble: [prometheus.md](prometheus.md).

`unit` is the code of a unit; names are labels of `denbao_unit_info` only, and no series carries a telephone number or
the name of a person. Counters begin again at zero with the process, `denbao_notices_total` excepted. Instants are
seconds since 1970, ratios 0 to 1, per cent 0 to 100 in `denbao_indicator_value`.
"""


def page() -> str:
    """docs/metrics.md."""
    return "\n".join((_PREFACE, *(line for topic in Topic for line in _chapter(topic)))).rstrip() + "\n"


def _chapter(topic: Topic) -> Iterator[str]:
    yield f"## {topic.value}\n"
    yield "| metric | kind | labels | what it says |"
    yield "|---|---|---|---|"
    for metric in CATALOGUE.values():
        if metric.topic is topic:
            labels = ", ".join(f"`{label}`" for label in metric.labels)
            yield f"| `{metric.name}` | {metric.kind.value} | {labels} | {metric.help}{_bounds(metric)} |"
    yield ""


def _bounds(metric: Metric) -> str:
    return f" Bounds: {', '.join(f'{bound:g}' for bound in metric.buckets)} s." if metric.buckets else ""


if __name__ == "__main__":
    sys.stdout.write(page())
