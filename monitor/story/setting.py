"""Where the story plays: the bundled site with the rules of that summer and one feed, the daily report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from monitor.config.build import load_site
from monitor.config.rulebooks import load_rules
from monitor.config.spec import AsOf, Column, FeedSpec, Site
from monitor.engine.book import Ruleset
from monitor.model.errors import ConfigError
from monitor.model.unit import Level, Units
from monitor.story.figures import INDICATORS, PROVINCE, SOURCE, START

BOOK = "two_tier_readiness"
_HOUR = 3600.0
_BELIEVED = 50 * _HOUR  # a daily figure is believed for 50 hours: told as silent when it is unknown, not before


def story_site(root: Path, environ: Mapping[str, str]) -> Site:
    """The site in `root` as the story needs it.

    Units, calendar, people, policies and channels stay as they are; nobody gets a digest. Raises ConfigError.
    """
    site = load_site(root, environ=environ, now=START)
    return replace(
        site,
        ruleset=_rules(root),
        store_url="memory:",
        probes=(),
        feeds=(_report(site.units),),
        directory=replace(site.directory, digests=()),
        exporters=(),
        simulation=None,
        as_of=START,
    )


def _rules(root: Path) -> Ruleset:
    ruleset, problems = load_rules(root, [BOOK])
    if ruleset is None:
        raise ConfigError(tuple(str(problem) for problem in problems))
    return ruleset


def _report(units: Units) -> FeedSpec:
    return FeedSpec(
        id=SOURCE,
        kind="json",
        owner=PROVINCE,
        url="",
        period=_HOUR,
        timeout=20.0,
        columns=tuple(Column(indicator, indicator) for indicator in INDICATORS),
        max_silence=_BELIEVED,
        as_of=AsOf.FETCH,
        expects=frozenset(unit.code for unit in units.at(Level.COMMUNE)),
    )


def speaking(site: Site, locale: str) -> Site:
    """The same site with all messages in one language."""
    people = tuple(replace(person, locale=locale) for person in site.directory.recipients)
    return replace(site, directory=replace(site.directory, recipients=people))
