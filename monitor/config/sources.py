"""The `feeds:` section as specs, and what specs of probes and feeds are built in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from monitor.config.asked import Asked
from monitor.config.findings import Findings
from monitor.config.folders import Folders
from monitor.config.models import ColumnSection, CsvFeed, Feed, JsonFeed, SiteFile
from monitor.config.problems import Location
from monitor.config.secrets import Secret, is_reference, resolve
from monitor.config.spec import AsOf, Column, FeedSpec, fits_the_minute
from monitor.config.units import select
from monitor.model.unit import Units
from monitor.registry import Registry, read_mapping

_HARMLESS = frozenset({"accept", "accept-language", "content-type", "user-agent"})  # headers that hold no secret


@dataclass(frozen=True)
class Surroundings:
    """What specs are built in: the site's folders, its environment, its units and the registry."""

    folders: Folders
    environ: Mapping[str, str]
    units: Units
    registry: Registry
    findings: Findings

    @property
    def root(self) -> Path:
        """The site's folder."""
        return self.folders.root


def build_feeds(file: SiteFile, around: Surroundings) -> tuple[FeedSpec, ...]:
    """One spec per feed."""
    around.findings.once(("feeds",), "feed", [feed.id for feed in file.feeds])
    for index, feed in enumerate(file.feeds):
        if feed.id in (probe.id for probe in file.probes):
            around.findings.add(("feeds", index, "id"), f"a probe is called '{feed.id}' too", "give it another name")
    return tuple(_feed(feed, ("feeds", index), around) for index, feed in enumerate(file.feeds))


def _feed(feed: Feed, at: Location, around: Surroundings) -> FeedSpec:
    check_times(feed, feed.timeout, at, around)
    if feed.max_silence < feed.period:
        text = f"max_silence {_seconds(feed.max_silence)} is shorter than the period {_seconds(feed.period)}"
        around.findings.add((*at, "max_silence"), text, "a feed cannot speak more often than it is asked")
    if feed.owner not in around.units:
        around.findings.unknown((*at, "owner"), "unit", feed.owner, [unit.code for unit in around.units])
    expects = select(feed.expects, around.units, around.findings, (*at, "expects")) if feed.expects else ()
    mapping = _mapping(feed.mapping, (*at, "mapping"), around) if feed.mapping else {}
    if missing := [code for code in expects if mapping and code not in mapping.values()]:
        text = f"{feed.mapping} has no code for {len(missing)} of the units expected here, such as '{missing[0]}'"
        around.findings.add((*at, "mapping"), text)
    return FeedSpec(
        id=feed.id,
        kind=feed.kind,
        owner=feed.owner,
        url=feed.url,
        period=feed.period,
        timeout=feed.timeout,
        columns=tuple(_column(indicator, column) for indicator, column in feed.columns.items()),
        max_silence=feed.max_silence,
        headers=headers_of(feed.headers, (*at, "headers"), around),
        unit=feed.unit,
        mapping=mapping,
        as_of=AsOf(feed.as_of.kind),
        as_of_field=feed.as_of.field,
        max_bytes=feed.max_bytes,
        expects=frozenset(expects),
        **_of_kind(feed, at, around),
    )


def _of_kind(feed: Feed, at: Location, around: Surroundings) -> dict[str, Any]:
    if isinstance(feed, JsonFeed):
        if feed.body and feed.method == "GET":
            around.findings.add((*at, "body"), "a GET request has no body", "write method: POST")
        _check_paths(feed, at, around.findings)
        return {"method": feed.method, "body": feed.body, "rows": feed.rows}
    if isinstance(feed, CsvFeed):
        return {"delimiter": feed.delimiter, "encoding": feed.encoding, "decimal": feed.decimal}
    return {}


def _check_paths(feed: JsonFeed, at: Location, findings: Findings) -> None:
    paths: list[tuple[Location, str]] = [(("rows",), feed.rows), (("unit",), feed.unit)]
    for indicator, column in feed.columns.items():
        for key in ("value", "numerator", "denominator"):
            paths.append((("columns", indicator, key), getattr(column, key)))
    for place, path in paths:
        try:
            jmespath.compile(path) if path else None
        except JMESPathError:
            findings.add((*at, *place), f"'{path[:80]}' is not a JMESPath", "see jmespath.org")


def _column(indicator: str, column: ColumnSection) -> Column:
    return Column(
        indicator=indicator,
        value=column.value,
        numerator=column.numerator,
        denominator=column.denominator,
        scale=column.scale,
        words=column.words,
    )


def check_times(source: Asked, longest: float, at: Location, around: Surroundings) -> None:
    """The period fits the timetable, and a poll that lasts `longest` seconds fits the period."""
    if not fits_the_minute(source.period):
        text = f"the period {_seconds(source.period)} neither divides a minute nor is made of whole minutes"
        around.findings.add((*at, "period"), text, "write 15s, 30s, 1m or 5m")
    if longest > source.period:
        times = "" if longest == source.timeout else f" for {longest / source.timeout:g} attempts"
        text = f"the timeout {_seconds(source.timeout)}{times} is longer than the period {_seconds(source.period)}"
        key = "timeout" if "timeout" in source.model_fields_set else "period"
        around.findings.add((*at, key), text, "one poll must end before the next begins")


def _seconds(seconds: float) -> str:
    return f"{seconds:g}s"


def headers_of(headers: Mapping[str, str], at: Location, around: Surroundings) -> tuple[tuple[str, Secret], ...]:
    """Headers for the wire; one that may hold a secret has to be a reference."""
    found: list[tuple[str, Secret]] = []

    def take(name: str, value: str) -> None:
        if is_reference(value):
            found.append((name, resolve(value, around.root, around.environ)))
        elif name.lower() in _HARMLESS:
            found.append((name, Secret(value)))
        else:
            raise ValueError("holds a secret in plain text; refer to it as ${NAME} or file:path")

    for name, value in headers.items():
        around.findings.attempt((*at, name), f"the header {name}", partial(take, name, value))
    return tuple(found)


def _mapping(name: str, at: Location, around: Surroundings) -> Mapping[str, str]:
    path = around.folders.place(name)
    if not path.is_file():
        around.findings.add(at, f"there is no file {name}")
        return {}
    mapping = read_mapping(path, around.registry)
    for sentence in mapping.problems:
        around.findings.borrow(sentence, around.folders.home(name))
    if strangers := [unit for unit in mapping.units.values() if unit not in around.units]:
        text = f"{name} names {len(strangers)} units that are not in this site, such as '{strangers[0]}'"
        around.findings.add(at, text, "remove them from the file, or add them under units")
    return mapping.units
