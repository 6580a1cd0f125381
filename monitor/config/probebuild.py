"""The `probes:` section as specs; a probe of many units becomes many specs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from monitor.config.models import SiteFile
from monitor.config.probemodels import HttpProbe, Probe, TcpProbe
from monitor.config.probespec import Asks, HttpCheck, ProbeSpec, TcpCheck
from monitor.config.problems import Location
from monitor.config.sources import Surroundings, check_times, headers_of
from monitor.config.units import select

Make = Callable[[str], Asks]  # what to ask, by the unit's code


def build_probes(file: SiteFile, around: Surroundings) -> tuple[ProbeSpec, ...]:
    """One spec per probe and unit, named `probe/unit`."""
    around.findings.once(("probes",), "probe", [probe.id for probe in file.probes])
    return tuple(spec for i, probe in enumerate(file.probes) for spec in _probe(probe, ("probes", i), around))


def _probe(probe: Probe, at: Location, around: Surroundings) -> Iterator[ProbeSpec]:
    codes = select(probe.units, around.units, around.findings, (*at, "units"))
    check_times(probe, probe.timeout * (1 + probe.retries), at, around)
    if isinstance(probe, HttpProbe) and len(codes) > 1 and "{code}" not in probe.url:
        text = f"the address is the same for {len(codes)} units"
        around.findings.add((*at, "url"), text, "put {code} where the unit's code belongs")
    make = _MAKERS[type(probe)](probe, at, around)
    for code in codes:
        yield ProbeSpec(
            id=f"{probe.id}/{code}",
            unit=code,
            gives=probe.gives,
            period=probe.period,
            timeout=probe.timeout,
            asks=make(code),
            retries=probe.retries,
            also={str(measure): indicator for measure, indicator in probe.also.items()},
        )


def _http(probe: HttpProbe, at: Location, around: Surroundings) -> Make:
    headers = headers_of(probe.headers, (*at, "headers"), around)
    return lambda code: HttpCheck(
        url=probe.url.replace("{code}", code),
        headers=headers,
        expect_status=tuple(probe.expect_status),
        expect_text=probe.expect_text,
    )


def _tcp(probe: TcpProbe, _at: Location, _around: Surroundings) -> Make:
    return lambda code: TcpCheck(probe.host.replace("{code}", code), probe.port)


_MAKERS: Mapping[type, Callable[[Any, Location, Surroundings], Make]] = {
    HttpProbe: _http,
    TcpProbe: _tcp,
}
