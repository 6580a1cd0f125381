"""What probes ask the world with."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass

from monitor.adapters.fetch import Fetcher
from monitor.adapters.guard import AddressGuard
from monitor.config.probespec import Family
from monitor.ports import Clock

FAMILIES: Mapping[Family, socket.AddressFamily] = {
    "any": socket.AF_UNSPEC,
    "ipv4": socket.AF_INET,
    "ipv6": socket.AF_INET6,
}


@dataclass(frozen=True, slots=True)
class Tools:
    """One set for all probes of a site."""

    fetcher: Fetcher
    guard: AddressGuard
    clock: Clock
