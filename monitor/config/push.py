"""Where metrics are pushed to: from the config to its spec."""

from __future__ import annotations

from monitor.config.models import SiteFile
from monitor.config.sources import Surroundings, headers_of
from monitor.config.spec import PushSpec

_MIB = 1024 * 1024


def build_push(file: SiteFile, around: Surroundings) -> PushSpec | None:
    """None where nothing is pushed."""
    if (push := file.metrics.push) is None:
        return None
    if "prometheus" not in file.exporters:
        text = "what is pushed is the page of the exporter prometheus, which the site does not have"
        around.findings.add(("metrics", "push"), text, "add prometheus to exporters")
    headers = headers_of(push.headers, ("metrics", "push", "headers"), around)
    return PushSpec(push.url, push.kind, push.every, push.buffer_mib * _MIB, headers, push.labels)
