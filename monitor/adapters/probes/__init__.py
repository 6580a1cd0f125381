"""Active health checks. A new kind is one small file: a class with `ask(now)`, which is one attempt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from monitor.adapters.probes.dns import DnsAsk
from monitor.adapters.probes.http import HttpAsk
from monitor.adapters.probes.icmp import IcmpAsk
from monitor.adapters.probes.journey import JourneyAsk
from monitor.adapters.probes.probe import Ask, Probe
from monitor.adapters.probes.smtp import SmtpAsk
from monitor.adapters.probes.tcp import TcpAsk
from monitor.adapters.probes.tls import TlsAsk
from monitor.adapters.probes.tools import Tools
from monitor.config.probespec import (
    DnsCheck,
    HttpCheck,
    IcmpCheck,
    JourneyCheck,
    ProbeSpec,
    SmtpCheck,
    TcpCheck,
    TlsCheck,
)
from monitor.ports import Source

# By the settings of the kind: how to ask, from (settings, seconds of one attempt, tools).
KINDS: Mapping[type, Callable[[Any, float, Tools], Ask]] = {
    HttpCheck: HttpAsk,
    JourneyCheck: JourneyAsk,
    TcpCheck: TcpAsk,
    SmtpCheck: SmtpAsk,
    TlsCheck: TlsAsk,
    DnsCheck: DnsAsk,
    IcmpCheck: IcmpAsk,
}

__all__ = ["KINDS", "Tools", "open_probe"]


def open_probe(spec: ProbeSpec, tools: Tools) -> Source:
    """The probe of a spec."""
    return Probe(spec, KINDS[type(spec.asks)](spec.asks, spec.timeout, tools), tools.clock)
