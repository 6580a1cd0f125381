"""From a folder to a site: read everything, name every mistake, hand out nothing that is half valid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from hashlib import blake2b
from pathlib import Path
from zoneinfo import ZoneInfo

from monitor.config.crosscheck import (
    check_fillers,
    check_indicators,
    check_network,
    check_rules,
    check_sources,
    past_deadlines,
)
from monitor.config.digests import check_digests
from monitor.config.directory import read_people
from monitor.config.exceptions import with_exceptions
from monitor.config.fields import instant, split_listen
from monitor.config.findings import Findings
from monitor.config.folders import Folders
from monitor.config.maintenance import build_maintenance
from monitor.config.models import SiteFile
from monitor.config.office import build_sessions
from monitor.config.ownalarm import build_own_alarm
from monitor.config.people import build_addresses, build_channels, build_directory, build_tokens, shared_telephones
from monitor.config.probebuild import build_own_line, build_probes
from monitor.config.problems import Problem
from monitor.config.push import build_push
from monitor.config.rosters import build_schedules, check_schedules, holes
from monitor.config.routes import check_routes, unheard, unreached
from monitor.config.rulebooks import load_rules
from monitor.config.sources import Surroundings, build_feeds, build_heartbeats
from monitor.config.spec import Public, Retention, SimulationSpec, Site
from monitor.config.texts import FOLDER, Texts, load_texts, too_long
from monitor.config.units import build_units
from monitor.config.yaml import Document, read, salvage, validate
from monitor.engine.book import Ruleset
from monitor.model.errors import ConfigError
from monitor.model.unit import Level, Units
from monitor.registry import load_registry

CONFIG = "config.yaml"


def load_site(root: Path, *, environ: Mapping[str, str], now: datetime, content: Path | None = None) -> Site:
    """The site in a folder. `now` (aware) is only asked for the years of the calendar.

    `content` is the folder that holds `rules/` with all it names (books, mappings, calendar), if it is another one.
    Raises ConfigError with all problems if there is any.
    """
    site, problems, _ = _assemble(root, environ, now, content or root)
    if site is None or problems:
        raise ConfigError(tuple(str(problem) for problem in problems))
    return site


def check_site(root: Path, environ: Mapping[str, str], now: datetime) -> list[Problem]:
    """All problems of a site, past deadlines included; empty when it is sound."""
    site, problems, file = _assemble(root, environ, now, root)
    if site is None:
        return problems
    problems += [*past_deadlines(site, now), *too_long(site)]
    if file is not None:
        at = site.as_of or now
        problems += holes(file[0], site.directory, site.calendar, at, file[1])
        problems += [*unreached(site, at, file[1]), *unheard(site, file[1])]
    return _sorted(problems)


def _assemble(
    root: Path, environ: Mapping[str, str], now: datetime, content: Path
) -> tuple[Site | None, list[Problem], tuple[SiteFile, Findings] | None]:
    document, problems = read(root / CONFIG, CONFIG)
    if document is None:
        return None, problems, None
    file, complaints = validate(SiteFile, document)
    problems += complaints
    ruleset, complaints = load_rules(content, _rule_names(document))
    problems += complaints
    texts, complaints = load_texts(root)
    problems += complaints
    findings = Findings(document)
    usable = file or salvage(SiteFile, document)  # a misspelt key must not hide the mistakes behind it
    site = _build(usable, ruleset, Folders(root, content), texts, environ, now, findings) if usable else None
    return site, _sorted([*problems, *findings.problems]), (usable, findings) if usable else None


def _build(
    file: SiteFile,
    ruleset: Ruleset | None,
    folders: Folders,
    texts: Texts,
    environ: Mapping[str, str],
    now: datetime,
    findings: Findings,
) -> Site:
    registry, zone = load_registry(), ZoneInfo(file.time_zone)
    units = build_units(file.units, registry, findings)
    around = Surroundings(folders, environ, units, registry, findings)
    channels, probes = build_channels(file, around), build_probes(file, around)
    before = len(findings.problems)
    people = read_people(file, channels, around)
    findings.people_in_doubt = len(findings.problems) > before
    addresses = {**build_addresses(file, channels, around), **people.addresses}
    known = build_directory(file, people.recipients)
    schedules = build_schedules(file, around, known, addresses, _as_of(file, zone) or now)
    sessions = build_sessions(file, folders, now, findings)
    site = Site(
        root=folders.root,
        name_vi=file.name.vi,
        name_en=file.name.en,
        zone=zone,
        locale=file.locale,
        listen=split_listen(file.listen),
        store_url=file.store,
        units=units,
        ruleset=_excepted(folders.content, ruleset, units, findings) or Ruleset({}, ()),
        calendar=sessions.calendar,
        sessions=sessions,
        directory=replace(known, schedules=schedules, texts=texts, telephones=shared_telephones(addresses, channels)),
        probes=probes,
        feeds=build_feeds(file, around),
        heartbeats=build_heartbeats(file, around),
        maintenance=build_maintenance(file, units, now, findings),
        own_line=build_own_line(file, probes, findings),
        channels=channels,
        addresses=addresses,
        allow=tuple(file.network.allow),
        per_host=file.network.per_host,
        exporters=tuple(file.exporters),
        max_series=file.metrics.max_series,
        push=build_push(file, around),
        tokens=build_tokens(file, around),
        public=_public(file, units, findings),
        simulation=_simulation(file, site_units=[unit.code for unit in units.at(Level.PROVINCE)], findings=findings),
        as_of=_as_of(file, zone),
        version=_digest(folders, file),
        retention=Retention(file.retention.history, file.retention.messages),
    )
    site = replace(site, own_alarm=build_own_alarm(file, site, around))
    _check(site, file, ruleset, findings)
    if "exporters" in file.model_fields_set:
        _check_exporters(file.exporters, folders.root / "exporters", findings)
    return site


def _public(file: SiteFile, units: Units, findings: Findings) -> Public:
    if file.public is None:
        return Public()
    known = [unit.code for unit in units.at(Level.PROVINCE)]
    for index, code in enumerate(file.public.provinces):
        if code not in known:
            findings.unknown(("public", "provinces", index), "province", code, known)
    return Public(frozenset(file.public.provinces), file.public.max_age)


def _excepted(root: Path, ruleset: Ruleset | None, units: Units, findings: Findings) -> Ruleset | None:
    if ruleset is None or findings.units_in_doubt:
        return ruleset
    ruleset, problems = with_exceptions(root, ruleset, units)
    findings.problems += problems
    return ruleset


def _check(site: Site, file: SiteFile, ruleset: Ruleset | None, findings: Findings) -> None:
    check_network(file, findings)
    if ruleset is None:
        return  # without rule books every indicator would be called unknown
    before = len(findings.problems)
    check_indicators(file, ruleset.indicators, findings)
    if len(findings.problems) == before and not findings.units_in_doubt:
        findings.problems += check_rules(site, file)
        findings.problems += check_sources(site, file)
        check_fillers(site, file, findings)
    check_schedules(file, site.directory, findings)
    check_routes(file, site.directory, site.units, ruleset, findings)
    check_digests(file, site.directory, site.units, findings)


def _check_exporters(names: Sequence[str], folder: Path, findings: Findings) -> None:
    known = sorted(path.stem for path in folder.glob("*.py"))
    for index, name in enumerate(names):
        if name not in known:
            findings.unknown(("exporters", index), "exporter", name, known)


def _simulation(file: SiteFile, site_units: Sequence[str], findings: Findings) -> SimulationSpec | None:
    section = file.simulation
    if section is None:
        return None
    if section.province not in site_units:
        findings.unknown(("simulation", "province"), "province", section.province, site_units)
    address = split_listen(section.listen)
    return SimulationSpec(address, section.tcp_port, section.seed, section.province, section.world)


def _as_of(file: SiteFile, zone: ZoneInfo) -> datetime | None:
    if file.as_of is None:
        return None
    moment = instant(file.as_of)
    if isinstance(moment, datetime):
        return moment
    assert isinstance(moment, date)
    return datetime.combine(moment, time.min, zone).astimezone(UTC)


def _rule_names(document: Document) -> list[str]:
    names = document.data.get("rules") if isinstance(document.data, dict) else None
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _digest(folders: Folders, file: SiteFile) -> str:
    """Twelve hex digits that change when config.yaml, a rule book, a mapping, the calendar or a text does."""
    named = [feed.mapping for feed in file.feeds if feed.mapping]
    named += [name for schedule in file.schedules for name in (schedule.roster, schedule.ical) if name]
    named += [name for name in (file.calendar, file.directory) if name]
    read = {CONFIG: folders.root / CONFIG}
    read |= {f"rules/{path.name}": path for path in (folders.content / "rules").glob("*.yaml")}
    read |= {f"{FOLDER}/{path.name}": path for path in (folders.root / FOLDER).glob("*.yaml")}
    read |= {name: folders.place(name) for name in named}
    digest = blake2b(digest_size=6)
    for name, path in sorted(read.items()):
        if path.is_file():
            digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _sorted(problems: Sequence[Problem]) -> list[Problem]:
    unique = dict.fromkeys(problems)
    return sorted(unique, key=lambda problem: (problem.file != CONFIG, problem.file, problem.line))
