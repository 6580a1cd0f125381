"""Gathers the facts that `monitor.service.fitness` judges. Writes nothing, and dials nothing beyond the loopback."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import json
import os
import pwd
import socket
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp

from monitor.adapters.clock import SystemClock, synchronised
from monitor.adapters.keyfile import OTHERS
from monitor.adapters.probes.icmp import why_not
from monitor.adapters.store.condition import condition
from monitor.adapters.store.migrate import versions
from monitor.config.build import CONFIG, check_site, load_site
from monitor.config.lastgood import with_last_good_rules
from monitor.config.probespec import IcmpCheck
from monitor.config.secrets import LOOSEST
from monitor.config.spec import Site
from monitor.config.yaml import read
from monitor.model.errors import ConfigError
from monitor.model.text import clean
from monitor.registry.calendar import calendar_warnings, vietnam_calendar
from monitor.service import fitness
from monitor.service.places import FILES_EACH, MOST, most_files, places_of

CHECKING = 60.0  # seconds that the database may be checked
ANSWER = 5.0  # seconds that a service may take to answer
_ANSWER_BYTES = 4096
_MEMORY = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")


def survey(root: Path, environ: Mapping[str, str], facts: fitness.Facts) -> fitness.Facts:
    """The facts with all that can be asked of this site's folder and this machine."""
    clock = SystemClock()
    config, site = _config(root, environ, clock.now())
    zone = "Asia/Ho_Chi_Minh" if site is None else site.zone.key
    found = replace(
        facts,
        config=config,
        folder=_folder(root / "var"),
        secrets=tuple(_secrets(root)),
        memory=_memory(),
    )
    if site is not None:
        icmp = sum(isinstance(probe.asks, IcmpCheck) for probe in site.probes)
        found = replace(
            found,
            store=_store(site, clock),
            address=listening(*site.listen),
            calendar=_calendar(root, site, clock.now()),
            files=_files(site),
            pings=(icmp, why_not()) if icmp else None,
        )
    # The clock is read last: a running service writes while the store is looked at.
    return replace(found, time=fitness.Time(clock.now(), zone, _known(zone), synchronised()))


def _config(root: Path, environ: Mapping[str, str], now: datetime) -> tuple[fitness.Config, Site | None]:
    problems = check_site(root, environ, now)
    mistakes = tuple(str(problem) for problem in problems if not problem.warning)
    site: Site | None
    try:
        site = load_site(root, environ=environ, now=now)
    except ConfigError as broken:
        site = with_last_good_rules(root, broken.problems, environ=environ, now=now)
    return fitness.Config(mistakes, len(problems) - len(mistakes), site is not None), site


def _folder(path: Path) -> fitness.Folder:
    place = next(folder for folder in (path, *path.parents) if folder.exists())
    about, room = place.stat(), os.statvfs(place)
    try:
        owner = pwd.getpwuid(about.st_uid).pw_name
    except KeyError:
        owner = str(about.st_uid)
    return fitness.Folder(
        str(path),
        path.exists(),
        place.is_dir() and os.access(place, os.W_OK | os.X_OK),
        room.f_bavail * room.f_frsize,
        room.f_favail if room.f_files else None,
        os.geteuid() == 0,
        owner,
    )


def _secrets(root: Path) -> Iterator[fitness.Kept]:
    anew = "delete it, the service makes a new one (mode 0600)"
    for name in ("var/links.key", "var/operator.token"):
        yield from _kept(root, name, OTHERS, anew)
    for path in sorted((root / "var").glob("zalo-*.json*")):
        yield from _kept(root, f"var/{path.name}", OTHERS, "chmod 0600; ask for new tokens if others have read it")
    document, _ = read(root / CONFIG, CONFIG)
    people = document.data.get("directory") if document is not None and isinstance(document.data, dict) else None
    if isinstance(people, str) and people:
        yield from _kept(root, people, 0o777 & ~LOOSEST, "chmod 0640 or less")


def _calendar(root: Path, site: Site, now: datetime) -> tuple[str, ...]:
    document, _ = read(root / CONFIG, CONFIG)
    named = document.data.get("calendar") if document is not None and isinstance(document.data, dict) else None
    years = now.astimezone(site.zone).year, now.astimezone(site.zone).year + 1
    office = vietnam_calendar(root / named if isinstance(named, str) and named else None, years, site.zone)
    return tuple(sentence.replace(f"{root}/", "", 1) for sentence in calendar_warnings(office, now))


def _kept(root: Path, name: str, forbidden: int, right: str) -> Iterator[fitness.Kept]:
    try:
        yield fitness.Kept(name, (root / name).stat().st_mode & 0o777, forbidden, right)
    except OSError:
        return  # made at the first start; a directory that is missing is a mistake of the config


def _store(site: Site, clock: SystemClock) -> fitness.StoreFacts | None:
    _, _, path = site.store_url.partition(":")
    if not path:
        return None
    found = condition(site.root / path, CHECKING, clock.monotonic)
    return fitness.StoreFacts(name=path, known=versions(), **asdict(found))


def listening(host: str, port: int) -> fitness.Address:
    """Whether the address is free, and who answers there on the loopback."""
    found = fitness.Address(f"{host}:{port}")
    host = "127.0.0.1" if host == "localhost" else host  # the only name that `listen:` may have
    try:
        info = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)[0]
        with socket.socket(info[0], socket.SOCK_STREAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(info[4])
        return found
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            return replace(found, trouble=f"cannot be listened at: {error.strerror}")
    near = _near(host)
    return replace(found, taken=True) if near is None else asyncio.run(_asked(replace(found, taken=True), near, port))


def _near(host: str) -> str | None:
    """The loopback address at which a listener of `host` answers; None: it can only be reached from outside."""
    address = ipaddress.ip_address(host)
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "::1"
    return host if address.is_loopback else None


async def _asked(found: fitness.Address, host: str, port: int) -> fitness.Address:
    base = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER)) as session:
        status, alive = await _get(session, f"{base}/healthz")
        if status != 200 or alive.get("status") != "alive":
            return found
        status, ready = await _get(session, f"{base}/readyz")
    reason = clean(str(ready.get("detail") or f"HTTP status {status}"))
    return replace(found, denbao=True, unready="" if status == 200 else reason)


async def _get(session: aiohttp.ClientSession, url: str) -> tuple[int, dict[str, object]]:
    try:
        async with session.get(url, allow_redirects=False) as answer:
            body = json.loads(await answer.content.read(_ANSWER_BYTES))
            return answer.status, body if isinstance(body, dict) else {}
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return 0, {}


def _known(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        return False
    return True


def _files(site: Site) -> fitness.Files:
    most = most_files()
    wanted = places_of(site, MOST * FILES_EACH).together
    return fitness.Files(most, places_of(site, most).together, wanted, FILES_EACH)


def _memory() -> int | None:
    """Bytes available: of the machine, or of the container if that has less."""
    try:
        lines = dict(line.split(":", 1) for line in _MEMORY.read_text().splitlines())
        available = int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None
    try:
        most, used = (int((_GROUP / f"memory.{name}").read_text()) for name in ("max", "current"))
    except (OSError, ValueError):  # no limit says "max"
        return available
    return min(available, max(most - used, 0))
