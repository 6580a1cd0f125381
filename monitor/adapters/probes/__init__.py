"""Active health checks. A new kind is one small file: a class with `id`, `period`, `owner` and `collect`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from monitor.adapters.fetch import Fetcher
from monitor.adapters.guard import AddressGuard
from monitor.adapters.probes.http import HttpProbe
from monitor.adapters.probes.tcp import TcpProbe
from monitor.config.spec import ProbeSpec
from monitor.ports import Clock, Source


class _Maker(Protocol):
    def __call__(self, spec: ProbeSpec, fetcher: Fetcher, guard: AddressGuard, clock: Clock) -> Source: ...


KINDS: Mapping[str, _Maker] = {
    "http": lambda spec, fetcher, guard, clock: HttpProbe(spec, fetcher),
    "tcp": lambda spec, fetcher, guard, clock: TcpProbe(spec, guard, clock),
}


def open_probe(spec: ProbeSpec, fetcher: Fetcher, guard: AddressGuard, clock: Clock) -> Source:
    """The probe of a spec. Raises KeyError for a kind that the config layer would have refused."""
    return KINDS[spec.kind](spec, fetcher, guard, clock)
