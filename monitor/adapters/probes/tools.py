"""What probes ask the world with."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.adapters.fetch import Fetcher
from monitor.adapters.guard import AddressGuard
from monitor.ports import Clock


@dataclass(frozen=True, slots=True)
class Tools:
    """One set for all probes of a site."""

    fetcher: Fetcher
    guard: AddressGuard
    clock: Clock
