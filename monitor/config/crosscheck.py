"""What no part of a site can see by itself: indicators, rules, addresses and deadlines against each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from monitor.config.allow import parse_allow
from monitor.config.feedmodels import ColumnSection, Feed, SqlFeed
from monitor.config.fields import split_listen
from monitor.config.findings import Findings
from monitor.config.models import SiteFile
from monitor.config.probemodels import MEASURES, DnsProbe, HttpProbe, IcmpProbe, JourneyProbe, Probe
from monitor.config.probespec import Family
from monitor.config.problems import Location, Problem
from monitor.config.spec import FeedSpec, Site
from monitor.engine.book import Criterion, Indicator, Ruleset
from monitor.engine.rolling import What
from monitor.engine.sources import named
from monitor.model.nearest import nearest
from monitor.model.unit import Level, Unit

_ONE_OF_TWO = "{}fill another indicator, or list the preferred one under 'sources' of '{}'"
_WHOSE = "say under 'expects' of each feed whose rows it has, "
BY_HAND = "push:local"  # what the command line of this machine pushes or imports
_LOOPBACK = ip_network("127.0.0.0/8"), ip_network("::1/128")


def check_indicators(file: SiteFile, indicators: Mapping[str, Indicator], findings: Findings) -> None:
    """Probes, feeds and by_hand name indicators of the rule books, and fit their units."""
    for index, probe in enumerate(file.probes):
        _check_probe(probe, ("probes", index), indicators, findings)
    for index, beat in enumerate(file.heartbeats):
        _check_yes_or_no(beat.gives, "a heartbeat", ("heartbeats", index, "gives"), indicators, findings)
    for index, feed in enumerate(file.feeds):
        for name, column in feed.columns.items():
            _check_column(name, column, ("feeds", index, "columns", name), indicators, findings)
            _check_believed(name, feed.period, ("feeds", index), indicators, findings)
    for index, name in enumerate(file.by_hand):
        if name not in indicators:
            findings.unknown(("by_hand", index), "indicator", name, indicators)
    for index, token in enumerate(file.access.tokens):
        for number, name in enumerate(token.indicators):
            if name not in indicators:
                findings.unknown(("access", "tokens", index, "indicators", number), "indicator", name, indicators)


def check_fillers(site: Site, file: SiteFile, findings: Findings) -> None:
    """One source fills an indicator of a unit, or the indicator keeps both (`sources`, `disagree`).

    The Yes of one source would end the run of Nos of another that a rule waits for, and of two feeds now one would
    count and now the other. A feed of which nobody says whose rows it has is refused where others fill the indicator of
    every unit that it could name; else each of its rows is held against what is measured (`engine.hygiene`).
    """
    first: dict[tuple[str, str, str], Location] = {}
    said: set[Location] = set()
    vague = {("feeds", index) for index, feed in enumerate(file.feeds) if feed.expects is None}
    for source, unit, name, at in _filled(site, file):
        indicator = site.ruleset.indicators[name]
        listed = source in indicator.sources or indicator.disagree is not None
        before = first.setdefault((unit, name, source if listed else ""), at)
        if before != at and at not in said:
            said.add(at)
            text = f"'{name}' of the unit '{unit}' is filled in line {findings.document.line(before)} already"
            whose = _WHOSE if vague & {at[:2], before[:2]} else ""
            findings.add(at, text, _ONE_OF_TWO.format(whose, name))
    for feed, name, at in _unsaid(site, file):
        others = [first.get((unit, name, "")) for unit in _may_name(feed, site)]
        if others and None not in others and feed.id not in site.ruleset.indicators[name].sources:
            lines = " and ".join(str(line) for line in sorted({findings.document.line(one) for one in others if one}))
            text = f"'{name}' of every unit that a row could name is filled in line {lines} already"
            findings.add(at, text, _ONE_OF_TWO.format(_WHOSE, name))


def _unsaid(site: Site, file: SiteFile) -> Iterator[tuple[FeedSpec, str, Location]]:
    """Feeds of which nobody says whose rows they have, with an indicator and where that is written."""
    places = {feed.id: ("feeds", index) for index, feed in enumerate(file.feeds)}
    for feed in site.feeds:
        if not feed.mapping and not feed.expects:
            for column in feed.columns:
                yield feed, column.indicator, (*places[feed.id], "columns", column.indicator)


def _may_name(feed: FeedSpec, site: Site) -> list[str]:
    """Units of the site that a row of such a feed could be about."""
    within, places = feed.names and feed.names.province, (Level.PROVINCE, Level.COMMUNE)
    return [
        unit.code
        for unit in site.units
        if within is None or (unit.level in places and within in (unit.code, unit.province))
    ]


def _filled(site: Site, file: SiteFile) -> Iterator[tuple[str, str, str, Location]]:
    """Source, unit, indicator, and where that is written."""
    probes = {probe.id: (("probes", index), probe) for index, probe in enumerate(file.probes)}
    for spec in site.probes:
        at, probe = probes[named(spec.id)]
        yield probe.id, spec.unit, probe.gives, (*at, "gives")
        for measure, name in probe.also.items():
            yield probe.id, spec.unit, name, (*at, "also", measure)
        for name in probe.derives:
            yield probe.id, spec.unit, name, (*at, "derives", name)
    for index, beat in enumerate(site.heartbeats):
        yield beat.source, beat.unit, beat.gives, ("heartbeats", index, "gives")
    places = {feed.id: ("feeds", index) for index, feed in enumerate(file.feeds)}
    for feed in site.feeds:
        for column in feed.columns:
            for unit in sorted(feed.expects or {*feed.mapping.values()}):  # a table of codes may serve several feeds
                yield feed.id, unit, column.indicator, (*places[feed.id], "columns", column.indicator)


def _check_yes_or_no(
    name: str, speaker: str, at: Location, indicators: Mapping[str, Indicator], findings: Findings
) -> None:
    if name not in indicators:
        findings.unknown(at, "indicator", name, indicators)
    elif indicators[name].unit != "bool":
        text = f"{speaker} says yes or no, but '{name}' is measured in {indicators[name].unit}"
        findings.add(at, text, "name a yes/no indicator")


def _check_probe(probe: Probe, at: Location, indicators: Mapping[str, Indicator], findings: Findings) -> None:
    _check_yes_or_no(probe.gives, "a probe", (*at, "gives"), indicators, findings)
    for name in (probe.gives, *probe.also.values(), *probe.derives):
        _check_believed(name, probe.period, at, indicators, findings)
    for measure, name in probe.also.items():
        if name not in indicators:
            findings.unknown((*at, "also", measure), "indicator", name, indicators)
        elif indicators[name].unit != MEASURES[measure]:
            text = f"'{measure}' is measured in {MEASURES[measure]}, but '{name}' in {indicators[name].unit}"
            findings.add((*at, "also", measure), text, "name an indicator of the same unit of measure")
    for name, derived in probe.derives.items():
        where, unit = (*at, "derives", name), What(derived.what).unit
        if name not in indicators:
            findings.unknown(where, "indicator", name, indicators)
        elif indicators[name].unit != unit:
            text = f"'{derived.what}' is measured in {unit}, but '{name}' in {indicators[name].unit}"
            findings.add(where, text, "name an indicator of the same unit of measure")
        elif name in probe.also.values():
            findings.add(where, f"'{name}' is filled under 'also' already", "leave it out in one of them")


def _check_believed(
    name: str, period: float, at: Location, indicators: Mapping[str, Indicator], findings: Findings
) -> None:
    """A value is asked for again before the last one is no longer believed."""
    if name in indicators and indicators[name].of is None and (age := indicators[name].max_age) < period:
        text = f"'{name}' is asked for every {period:g}s and believed for {age:g}s: it would be unknown in between"
        findings.add((*at, "period"), text, f"ask more often, or give '{name}' another cadence")


def _check_column(
    name: str, column: ColumnSection, at: Location, indicators: Mapping[str, Indicator], findings: Findings
) -> None:
    indicator = indicators.get(name)
    if indicator is None:
        findings.unknown(at, "indicator", name, indicators)
        return
    if indicator.of is not None:
        findings.add(at, f"'{name}' is computed from '{indicator.of}'", f"give '{indicator.of}' instead")
    wordy = indicator.unit == "bool" or bool(indicator.states)
    if column.words and not wordy:
        findings.add((*at, "words"), f"'{name}' is measured in {indicator.unit}: it has no words")
    if column.scale != 1.0 and wordy:
        findings.add((*at, "scale"), f"'{name}' is no number: it has no scale")
    for word, meaning in column.words.items():
        if isinstance(meaning, str) and meaning not in indicator.states:
            hint = nearest(meaning, indicator.states) or "write true or false"
            findings.add((*at, "words", word), f"'{meaning}' is not a state of '{name}'", hint)


def check_rules(site: Site, file: SiteFile) -> Iterator[Problem]:
    """Every criterion has units to judge and something to judge them by."""
    given = _given(site, file)
    for book in site.ruleset.books:
        for criterion in book.criteria:
            yield from _check_criterion(criterion, site, given)


def check_sources(site: Site, file: SiteFile) -> Iterator[Problem]:
    """Every source that an indicator prefers is a probe, a feed, or a token that pushes."""
    known = {named(probe.id) for probe in site.probes} | {feed.id for feed in site.feeds}
    known |= {BY_HAND, *(f"push:{token.id}" for token in file.access.tokens)} | {
        beat.source for beat in site.heartbeats
    }
    for indicator in site.ruleset.indicators.values():
        for source in indicator.sources:
            if source not in known:
                text = f"{indicator.id}: there is no source '{source}'"
                yield Problem(indicator.where.file, indicator.where.line, text, nearest(source, known))


def _check_criterion(criterion: Criterion, site: Site, given: Mapping[str, frozenset[str]]) -> Iterator[Problem]:
    where = criterion.where
    scope = [unit for unit in site.units if criterion.applies_to(unit)]
    if not scope:
        text = f"the rule '{criterion.id}' is never used: this site has no unit in its scope"
        yield Problem(where.file, where.line, text, "widen applies_to, or take the rule out")
    for code in sorted(criterion.units):
        if code not in site.units:
            text = f"the rule '{criterion.id}' names the unknown unit '{code}'"
            yield Problem(where.file, where.line, text, nearest(code, [unit.code for unit in site.units]))
    if criterion.rollup is not None or not scope:
        return
    named = criterion.inputs if criterion.formulas else (criterion.indicator,)
    for evidence in (_evidence(name, site.ruleset) for name in named if name is not None):
        if any(_reaches(given.get(evidence), unit) for unit in scope):
            continue
        text = f"the rule '{criterion.id}' is never used: no probe or feed gives '{evidence}' for its units"
        yield Problem(where.file, where.line, text, "add one in config.yaml, or name the indicator under by_hand")


def _evidence(indicator: str, ruleset: Ruleset) -> str:
    known = ruleset.indicators.get(indicator)
    return known.evidence if known else indicator


def _reaches(codes: frozenset[str] | None, unit: Unit) -> bool:
    return codes is not None and (not codes or unit.code in codes)


def _given(site: Site, file: SiteFile) -> dict[str, frozenset[str]]:
    """Units by the indicators they get values of; an empty set means any unit."""
    given: dict[str, frozenset[str]] = {}
    probed = [
        (name, probe.unit)
        for probe in site.probes
        for name in (probe.gives, *probe.also.values(), *(derived.indicator for derived in probe.derives))
    ]
    for name, unit in (*probed, *((beat.gives, beat.unit) for beat in site.heartbeats)):
        given[name] = given.get(name, frozenset()) | {unit}
    for feed in site.feeds:
        for column in feed.columns:
            codes = frozenset(feed.mapping.values())
            everyone = not codes or not given.get(column.indicator, codes)
            given[column.indicator] = frozenset() if everyone else codes | given.get(column.indicator, frozenset())
    return {**given, **dict.fromkeys(file.by_hand, frozenset[str]())}


def check_network(file: SiteFile, findings: Findings) -> None:
    """Nothing is open to others without tokens, and what is dialled by address may be dialled."""
    findings.once(("access", "tokens"), "token", [token.id for token in file.access.tokens])
    host, _ = split_listen(file.listen)
    if host != "localhost" and not _within(host, _LOOPBACK) and not file.access.tokens:
        text = f"the board listens on {file.listen}, open to others, and there is no access token"
        findings.add(("listen",), text, "add one under access.tokens, or listen on 127.0.0.1")
    for index, probe in enumerate(file.probes):
        for host, port, at in _dialled(probe, ("probes", index)):
            _check_dialled(host, port, at, file, findings)
            _check_family(host, probe.address, at, findings)
    for name, channel in file.channels.items():
        for option in ("base_url", "oauth_url"):
            if url := getattr(channel, option, None):
                _check_dialled(*_target(url), ("channels", name, option), file, findings)
    if file.metrics.push is not None:
        _check_dialled(*_target(file.metrics.push.url), ("metrics", "push", "url"), file, findings)
    for index, feed in enumerate(file.feeds):
        _check_feed(feed, ("feeds", index, "url"), file, findings)


def _dialled(probe: Probe, at: Location) -> list[tuple[str, int, Location]]:
    """Host, port (0: no port, ICMP) and the place where the host is written."""
    if isinstance(probe, HttpProbe):
        return [(*_target(probe.url), (*at, "url"))]
    if isinstance(probe, JourneyProbe):
        return [(*_target(step.url), (*at, "steps", i, "url")) for i, step in enumerate(probe.steps)]
    if isinstance(probe, DnsProbe):
        return [(probe.server, probe.port, (*at, "server"))]
    return [(probe.host, 0 if isinstance(probe, IcmpProbe) else probe.port, (*at, "host"))]


def _check_feed(feed: Feed, at: Location, file: SiteFile, findings: Findings) -> None:
    if isinstance(feed, SqlFeed):
        if feed.server is not None:
            _check_dialled(*split_listen(feed.server), (*at[:-1], "server"), file, findings)
    elif feed.url is not None:
        _check_dialled(*_target(feed.url), at, file, findings)


def _target(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _check_dialled(host: str, port: int, at: Location, file: SiteFile, findings: Findings) -> None:
    try:
        address = ip_address(host)
    except ValueError:
        return  # a name: looked up and guarded when it is dialled
    if not address.is_global and not any(parse_allow(rule).permits(address, port) for rule in file.network.allow):
        length = 128 if ":" in host else 32
        entry = f"[{host}/{length}]:{port or '*'}" if ":" in host else f"{host}/{length}:{port or '*'}"
        findings.add(at, f"{host} is no public address and is not allowed", f"add '{entry}' to network.allow")


def _check_family(host: str, family: Family, at: Location, findings: Findings) -> None:
    try:
        own: Family = "ipv4" if ip_address(host).version == 4 else "ipv6"
    except ValueError:
        return  # a name may have addresses of both
    if family in ("ipv4", "ipv6") and family != own:  # a preference contradicts nothing
        findings.add(at, f"{host} is no address of the family that address: {family} asks for", f"write address: {own}")


def _within(host: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    address = ip_address(host)
    return any(address in network for network in networks)


def past_deadlines(site: Site, now: datetime) -> Iterator[Problem]:
    """Targets whose date is past, seen from the site's `as_of`, else from now.

    Only `denbao check` asks this: a running site must start again on the day after a deadline, with its red colours.
    """
    today = (site.as_of or now).astimezone(site.zone).date()
    for book in site.ruleset.books:
        for criterion in book.criteria if book.valid_on(today) else ():
            target = criterion.target
            day = (target.before or target.by) if target else None
            if day is not None and target is not None and day < today:
                text = f"the deadline {day} of '{criterion.id}' is past"
                hint = "give as_of in config.yaml, take the book out of rules, or set the new date"
                yield Problem(target.where.file, target.where.line, text, hint)
