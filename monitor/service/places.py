"""How many polls a site may have under way: at one host, and altogether."""

from __future__ import annotations

import resource
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from monitor.config.probespec import JourneyCheck, ProbeSpec
from monitor.config.spec import Site
from monitor.service.sweep import places_needed

_PORTS = {"http": 80, "https": 443}
LEAST, MOST = 64, 4096  # polls under way at once, of all hosts together
FILES_EACH = 4  # open files that a poll under way is reckoned with: its socket, and idle ones kept for the next time


@dataclass(frozen=True)
class Places:
    """How many polls may be under way at once. A source without a host is bounded by `together` alone."""

    together: int = LEAST
    per_host: int = LEAST
    hosts: Mapping[str, str] = field(default_factory=dict)  # source id -> host and port that it dials


ANY_HOST = Places()


def places_of(site: Site, files: int) -> Places:
    """The places of a site, in a process that may open so many files."""
    return Places(_together(site, files), site.per_host, hosts_of(site))


def _together(site: Site, files: int) -> int:
    """Enough for every target to time out, if the process may open the files.

    So a site whose targets all hang waits for none of them; only the limit of open files can make polls late.
    """
    return max(min(LEAST, files // FILES_EACH), min(places_needed(_demands(site)), MOST, files // FILES_EACH), 1)


def _demands(site: Site) -> Iterator[tuple[float, float]]:
    yield from ((probe.timeout * (1 + probe.retries), probe.period) for probe in site.probes)
    yield from ((feed.timeout, feed.period) for feed in site.feeds)


def hosts_of(site: Site) -> Mapping[str, str]:
    """On which host and port each source dials, by its id; empty for one that dials none or several."""
    return {**{one.id: _host(one) for one in site.probes}, **{one.id: _at(one.url) for one in site.feeds}}


def _host(probe: ProbeSpec) -> str:
    asks = probe.asks
    if isinstance(asks, JourneyCheck):
        found = {_at(step.url.beginning) for step in asks.steps}
        return found.pop() if len(found) == 1 else ""
    if url := getattr(asks, "url", ""):
        return _at(url)
    host = getattr(asks, "host", "") or getattr(asks, "server", "")
    return f"{host.lower()}:{getattr(asks, 'port', '')}".strip(":")


def _at(url: str) -> str:
    try:
        parts = urlsplit(url)
        return f"{parts.hostname}:{parts.port or _PORTS.get(parts.scheme, '')}" if parts.hostname else ""
    except ValueError:
        return ""


def open_files() -> int:
    """Raise the number of files that this process may open to what the machine lets it have; that number.

    Many systems give 1,024 unless asked, and 10,000 targets keep as many idle connections.
    """
    hard = most_files()
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def most_files() -> int:
    """How many files the machine lets this process open; a machine without a limit is taken at 65,536."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 16 if hard == resource.RLIM_INFINITY else hard
