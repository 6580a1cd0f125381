"""The `probes:` section as specs; a probe of many units becomes many specs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from ipaddress import ip_address
from math import ceil
from typing import Any

from monitor.config.dnsrecords import canonical
from monitor.config.findings import Findings
from monitor.config.journeybuild import build_journey
from monitor.config.models import SiteFile
from monitor.config.probemodels import (
    DerivedModel,
    DnsProbe,
    HttpProbe,
    IcmpProbe,
    JourneyProbe,
    Probe,
    SmtpProbe,
    TcpProbe,
    TlsProbe,
)
from monitor.config.probequestion import check_question, secret_of
from monitor.config.probespec import (
    PING_GAP,
    Asks,
    DnsCheck,
    HttpCheck,
    IcmpCheck,
    ProbeSpec,
    SmtpCheck,
    TcpCheck,
    TlsCheck,
)
from monitor.config.problems import Location
from monitor.config.sources import Surroundings, check_address, check_times, headers_of, tls_from, tls_of
from monitor.config.spec import LONGEST_POLL
from monitor.config.units import select
from monitor.engine.rolling import DAY, DAYS, HOUR, HOURS, Derived, What

Make = Callable[[str], Asks]  # what to ask, by the unit's code


def build_probes(file: SiteFile, around: Surroundings) -> tuple[ProbeSpec, ...]:
    """One spec per probe and unit, named `probe/unit`."""
    around.findings.once(("probes",), "probe", [probe.id for probe in file.probes])
    return tuple(spec for i, probe in enumerate(file.probes) for spec in _probe(probe, ("probes", i), around))


def build_own_line(file: SiteFile, probes: Sequence[ProbeSpec], findings: Findings) -> frozenset[str]:
    """Ids of the specs whose probes are the monitor's own line."""
    known = [probe.id for probe in file.probes]
    for index, name in enumerate(file.own_line):
        if name not in known:
            findings.unknown(("own_line", index), "probe", name, known)
    return frozenset(spec.id for spec in probes if spec.id.partition("/")[0] in file.own_line)


def _probe(probe: Probe, at: Location, around: Surroundings) -> Iterator[ProbeSpec]:
    codes = select(probe.units, around.units, around.findings, (*at, "units"))
    check_times(probe, probe.timeout * (1 + probe.retries), at, around)
    if (longest := probe.timeout * (1 + probe.retries)) > LONGEST_POLL:
        text = f"the attempts of one poll take {longest:g}s, and a poll is given up after {LONGEST_POLL:g}s"
        around.findings.add((*at, "timeout"), text, "write a shorter timeout or fewer retries: it would never say no")
    asked = dict(_asked(probe))
    if len(codes) > 1 and not any("{code}" in text for text in asked.values()):
        text = f"the address is the same for {len(codes)} units"
        around.findings.add((*at, *next(iter(asked))), text, "put {code} where the unit's code belongs")
    make = _MAKERS[type(probe)](probe, at, around)
    derives = tuple(_derived(name, model, (*at, "derives", name), around) for name, model in probe.derives.items())
    also = {str(measure): indicator for measure, indicator in probe.also.items()}
    for code in codes:
        yield ProbeSpec(
            id=f"{probe.id}/{code}",
            unit=code,
            gives=probe.gives,
            period=probe.period,
            timeout=probe.timeout,
            asks=make(code),
            retries=probe.retries,
            also=also,
            derives=derives,
        )


def _asked(probe: Probe) -> Iterator[tuple[Location, str]]:
    """What tells one target from the other, and where it is written."""
    if isinstance(probe, HttpProbe):
        yield ("url",), probe.url
    elif isinstance(probe, JourneyProbe):
        yield from ((("steps", i, "url"), step.url) for i, step in enumerate(probe.steps))
    elif isinstance(probe, DnsProbe):
        yield from ((("server",), probe.server), (("name",), probe.name))
    else:
        yield ("host",), probe.host
        if isinstance(probe, TlsProbe):
            yield ("name",), probe.name


def _derived(name: str, model: DerivedModel, at: Location, around: Surroundings) -> Derived:
    derived = Derived(name, What(model.what), model.over or 0.0, model.known)
    if (model.over is None) != (derived.what is What.OFFICE_OUTAGE):
        text = "the current outage has no window" if model.over else f"{model.what} needs its window"
        around.findings.add(at, text, "leave over out" if model.over else "write over: 6h, 24h or 30d")
        return derived
    unit, most = (DAY, DAYS) if derived.by_days else (HOUR, HOURS)
    if derived.over % unit or derived.over > most * unit:
        right = "write whole hours up to 24h, or whole days up to 30d"
        around.findings.add((*at, "over"), f"the window {derived.over:g}s is none that is kept", right)
    elif derived.by_days and derived.what.share is not None:
        text = f"latencies are kept for 24 hours, and {model.what} asks for {derived.over / DAY:g} days"
        around.findings.add((*at, "over"), text, "write 24h or less")
    if "known" in model.model_fields_set and derived.what is not What.AVAILABILITY:
        text = f"'known' is about time, and {model.what} counts answers"
        around.findings.add((*at, "known"), text, "leave it out, and give the rule a min_sample")
    return derived


def _http(probe: HttpProbe, at: Location, around: Surroundings) -> Make:
    check_question(probe, at, around.findings)
    check_address(probe.url, ("code",), (*at, "url"), around.findings)
    common: dict[str, Any] = {
        "method": probe.method,
        "headers": headers_of(probe.headers, (*at, "headers"), around),
        "body": secret_of(probe.body, (*at, "body"), "the body", around),
        "redirects": probe.redirects,
        "expect_status": tuple(probe.expect_status),
        "expect_text": probe.expect_text,
        "expect_json": probe.expect_json,
        "min_bytes": probe.min_bytes,
        "max_bytes": probe.max_bytes,
        "address": probe.address,
        "tls": tls_of(probe, [probe.url], at, around),
    }
    return lambda code: HttpCheck(url=probe.url.replace("{code}", code), **common)


def _tcp(probe: TcpProbe, at: Location, around: Surroundings) -> Make:
    send = secret_of(probe.send, (*at, "send"), "send", around)
    return lambda code: TcpCheck(probe.host.replace("{code}", code), probe.port, probe.address, send, probe.expect)


def _smtp(probe: SmtpProbe, _at: Location, _around: Surroundings) -> Make:
    return lambda code: SmtpCheck(probe.host.replace("{code}", code), probe.port, probe.address, probe.expect)


def _tls_certificate(probe: TlsProbe, at: Location, around: Surroundings) -> Make:
    tls = tls_from(probe.authority, None, at, around)
    common: dict[str, Any] = {
        "port": probe.port,
        "address": probe.address,
        "min_days": probe.min_days,
        "min_version": probe.min_version,
        "tls": tls,
    }
    return lambda code: TlsCheck(
        host=probe.host.replace("{code}", code), name=probe.name.replace("{code}", code), **common
    )


def _dns(probe: DnsProbe, at: Location, around: Surroundings) -> Make:
    if probe.expect and probe.expect_rcode != "NOERROR":
        text = f"expect is never used: an answer with {probe.expect_rcode} has no records"
        around.findings.add((*at, "expect"), text, "leave one of the two out")
    if probe.record == "PTR" and (reverse := _reversed(probe.name)):
        around.findings.add(
            (*at, "name"), f"an address is asked for by its reverse name: '{probe.name}'", f"write {reverse}"
        )
    common: dict[str, Any] = {
        "port": probe.port,
        "address": probe.address,
        "record": probe.record,
        "expect_rcode": probe.expect_rcode,
    }
    expect: list[str] = []

    def take(text: str) -> None:
        expect.append(canonical(probe.record, text))

    for number, text in enumerate(probe.expect):
        around.findings.attempt((*at, "expect", number), "", partial(take, text))
    return lambda code: DnsCheck(
        server=probe.server.replace("{code}", code),
        name=probe.name.replace("{code}", code),
        expect=tuple(expect),
        **common,
    )


def _reversed(name: str) -> str:
    """The name under which the name of an address stands; empty for what is no address."""
    try:
        return ip_address(name).reverse_pointer
    except ValueError:
        return ""


def _icmp(probe: IcmpProbe, at: Location, around: Surroundings) -> Make:
    if (spent := PING_GAP * (probe.packets - 1)) >= probe.timeout:
        text = f"{probe.packets} packets {PING_GAP:g}s apart take {spent:g}s, and the timeout is {probe.timeout:g}s"
        most = ceil(round(probe.timeout / PING_GAP, 6))
        around.findings.add((*at, "packets"), text, f"write {most} or less, or a longer timeout")
    return lambda code: IcmpCheck(probe.host.replace("{code}", code), probe.address, probe.packets, probe.max_loss)


_MAKERS: Mapping[type, Callable[[Any, Location, Surroundings], Make]] = {
    HttpProbe: _http,
    JourneyProbe: build_journey,
    TcpProbe: _tcp,
    SmtpProbe: _smtp,
    TlsProbe: _tls_certificate,
    DnsProbe: _dns,
    IcmpProbe: _icmp,
}
