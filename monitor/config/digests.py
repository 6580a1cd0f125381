"""The digests of a site: from its section to what is owed when, and whether each reaches somebody."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time

from monitor.alerting.plan import DigestSpec, Directory
from monitor.config.findings import Findings
from monitor.config.models import SiteFile
from monitor.config.problems import Location
from monitor.model.hours import WorkingTimes
from monitor.model.unit import Level, Unit, Units


def build_digests(file: SiteFile) -> tuple[DigestSpec, ...]:
    """What is owed when."""
    return tuple(
        DigestSpec(
            WorkingTimes(tuple(sorted({time.fromisoformat(clock) for clock in section.at}))),
            tuple(dict.fromkeys(section.to)),
            tuple(file.escalation.via if section.via is None else section.via),
            frozenset(Level(level) for level in section.levels),
            tuple(dict.fromkeys(section.attach)),
        )
        for section in file.escalation.digest
    )


def check_digests(file: SiteFile, directory: Directory, units: Units, findings: Findings) -> None:
    """Unknown roles and channels, and digests that reach nobody."""
    for index, section in enumerate(file.escalation.digest):
        at: Location = ("escalation", "digest", index)
        unknown = [(number, role) for number, role in enumerate(section.to) if role not in file.roles]
        for number, role in unknown:
            findings.unknown((*at, "to", number), "role", role, file.roles)
        for number, channel in enumerate(section.via or ()):
            if channel not in file.channels:
                findings.unknown((*at, "via", number), "channel", channel, file.channels)
        channels = (file.channels[name] for name in section.via or file.escalation.via if name in file.channels)
        if section.attach and not any(channel.kind == "email" for channel in channels):
            text = "reports are attached to e-mails only, and none of its channels is of the kind email"
            findings.add((*at, "attach"), text, "name such a channel under via, or leave attach out")
        if unknown or findings.units_in_doubt:
            continue
        heads = [unit for level in section.levels for unit in units.at(Level(level))]
        if not heads:
            text = f"there is no {' or '.join(section.levels)} to make a digest of"
            findings.add((*at, "levels"), text, "write a level of the site's units")
        unread = [unit.code for unit in heads if not any(_readers(section.to, unit, directory, units))]
        if unread and not findings.people_in_doubt:
            named = ", ".join(unread[:3]) + (f" and {len(unread) - 3} more" if len(unread) > 3 else "")
            text = f"nobody would get the digest of {named}"
            findings.add((*at, "to"), text, "add a recipient with one of its roles")


def _readers(roles: list[str], unit: Unit, directory: Directory, units: Units) -> Iterator[str]:
    return (person.id for role in roles for person in directory.holders(role, units.answering(unit.code)))
