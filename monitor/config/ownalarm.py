"""The `own_alarm:` section as a spec; names checked, addresses resolved."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from urllib.parse import urlsplit

from monitor.alerting.plan import Recipient
from monitor.alerting.selfnotices import Operators
from monitor.alerting.selfwatch import Limits
from monitor.config.fields import is_host
from monitor.config.models import OwnAlarmSection, SiteFile
from monitor.config.secrets import Secret, resolve
from monitor.config.sources import Surroundings
from monitor.config.spec import OwnAlarm, Site
from monitor.model.unit import Unit

SHORTEST = 60.0  # seconds between two messages about one alarm
MISSED_AUDITS = 3  # runs of the auditor that may stay away


def build_own_alarm(file: SiteFile, site: Site, around: Surroundings) -> OwnAlarm:
    """How this site's monitor watches itself. `site` is complete but for this."""
    section = file.own_alarm
    if section.repeat < SHORTEST:
        around.findings.add(
            ("own_alarm", "repeat"), "the own alarm would be repeated more than once a minute", "write repeat: 1h"
        )
    return OwnAlarm(
        operators=_operators(file, site, around),
        limits=Limits(
            outbox=section.stuck_outbox,
            jump=section.clock_jump,
            free=section.disk_free,
            audit=MISSED_AUDITS * section.audit_every,
        ),
        missed_periods=section.missed_periods,
        repeat=section.repeat,
        heartbeats=tuple(_heartbeats(section, around)),
        every=section.heartbeat.every if section.heartbeat else 60.0,
        audit_every=section.audit_every,
        audit_grace=section.audit_grace,
    )


def _operators(file: SiteFile, site: Site, around: Surroundings) -> Operators | None:
    section, findings = file.own_alarm, around.findings
    unit = _unit(section, site, around)
    if not section.to:
        if section.via:
            findings.add(("own_alarm", "via"), "the own alarm has channels and nobody to tell", "write to: [RECIPIENT]")
        return None
    via = tuple(section.via or file.escalation.via)
    for index, channel in enumerate(section.via):
        if channel not in file.channels:
            findings.unknown(("own_alarm", "via", index), "channel", channel, list(file.channels))
    people = tuple(_people(section, via, site, around))
    if unit is None:
        return None
    return Operators(unit, people, via, site.directory, site.calendar)


def _people(section: OwnAlarmSection, via: tuple[str, ...], site: Site, around: Surroundings) -> Iterator[Recipient]:
    for index, name in enumerate(section.to):
        at, person = ("own_alarm", "to", index), site.directory.person(name)
        if person is None:
            known = [one.id for one in site.directory.recipients]
            around.findings.unknown(at, "recipient", name, known)
        elif not set(via) & set(person.channels):
            text = f"the own alarm does not reach '{name}', who has none of the channels {', '.join(via)}"
            around.findings.add(at, text, f"write via: [{next(iter(person.channels), 'CHANNEL')}]")
        else:
            yield person


def _unit(section: OwnAlarmSection, site: Site, around: Surroundings) -> Unit | None:
    if section.unit is None:
        return next(iter(site.units), None)
    if section.unit not in site.units:
        codes = [unit.code for unit in site.units]
        around.findings.unknown(("own_alarm", "unit"), "unit", section.unit, codes)
        return None
    return site.units[section.unit]


def _heartbeats(section: OwnAlarmSection, around: Surroundings) -> Iterator[Secret]:
    for index, text in enumerate(section.heartbeat.urls if section.heartbeat else ()):
        at = ("own_alarm", "heartbeat", "urls", index)
        address = around.findings.attempt(at, "the heartbeat", partial(_address, text, around))
        if address is not None:
            yield address


def _address(reference: str, around: Surroundings) -> Secret:
    secret = resolve(reference, around.root, around.environ)
    try:
        parts = urlsplit(secret.reveal())
        good = parts.scheme in ("http", "https") and is_host(parts.hostname or "")
    except ValueError:
        good = False
    if not good:
        raise ValueError("is asked at no http or https address; write the whole address of the watcher into the secret")
    return secret
