"""The digest: at which instants of working days it is owed, for which units, and to whom. Nothing here makes its text.

An edition is named by its unit and local instant, and so are its messages: whoever asks twice is told once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.alerting.escalate import quiet_end
from monitor.alerting.links import Purpose, address
from monitor.alerting.plan import DigestSpec, Directory, Recipient
from monitor.alerting.roster import called, ways
from monitor.alerting.wording import render
from monitor.model.hours import Calendar
from monitor.model.incident import DIGEST_PREFIX, Notice
from monitor.model.state import Withhold
from monitor.model.unit import Unit, Units
from monitor.model.verdict import Param

BRIEF = "brief"  # text: T5
NEWER = "the next digest is due"  # why one that no gateway took is not sent


@dataclass(frozen=True, slots=True)
class Edition:
    """One digest of one unit."""

    spec: DigestSpec
    unit: Unit
    at: datetime  # when it is owed
    since: datetime  # when the one before was

    def key(self, calendar: Calendar) -> str:
        """What the keys of its messages begin with; it stands for the incident that they have not."""
        return _key(self.unit, calendar.local(self.at))

    def outdates(self, to: Iterable[Recipient], calendar: Calendar) -> Withhold:
        """What is still owed to somebody of the edition before: this one says more."""
        before = _key(self.unit, calendar.local(self.since))
        return Withhold(before, NEWER, frozenset(person.id for person in to))

    def number(self, calendar: Calendar) -> str:
        """What people call it: "2711-0730"."""
        return f"{calendar.local(self.at):%d%m-%H%M}"


def _key(unit: Unit, local: datetime) -> str:
    return f"{DIGEST_PREFIX}{unit.code}/{local:%Y-%m-%dT%H:%M}"


def numbered(
    number: str, specs: Iterable[DigestSpec], units: Units, calendar: Calendar, now: datetime
) -> dict[str, Unit]:
    """Units by the key of their edition that people call "2711-1706"; a number comes again each year, the last counts.

    Empty for a number that is no instant.
    """
    local = calendar.local(now)
    for year in (local.year, local.year - 1):
        try:
            at = datetime.strptime(f"{year}{number}", "%Y%d%m-%H%M").replace(tzinfo=calendar.zone)
        except ValueError:
            continue
        if at <= local:
            return {_key(unit, at): unit for spec in specs for level in spec.levels for unit in units.at(level)}
    return {}


def owed(
    specs: Iterable[DigestSpec], units: Units, calendar: Calendar, after: datetime, until: datetime
) -> tuple[Edition, ...]:
    """The last edition of each digest that fell due after one instant and not after another; one missed is left out."""
    found = []
    for spec in specs:
        at = spec.at.last_before(until + timedelta(microseconds=1), calendar)
        if after < at <= until:
            since, day = spec.at.last_before(at, calendar), calendar.local(at).date()
            heads = [unit for level in spec.levels for unit in units.at(level) if unit.holds_on(day)]
            found += [Edition(spec, unit, at, since) for unit in heads]
    return tuple(found)


def next_owed(specs: Iterable[DigestSpec], calendar: Calendar, now: datetime) -> datetime | None:
    """When the next one is owed; None: never."""
    found = (spec.at.first_after(now, calendar) for spec in specs)
    return min((at for at in found if at is not None), default=None)


def addressees(
    edition: Edition, directory: Directory, lineage: tuple[str, ...], calendar: Calendar
) -> dict[str, tuple[Recipient, str]]:
    """Whom an edition goes to, and by which channel, by the key of the message: those who hold the roles when it is
    owed, and are on duty then. Of two editions that address somebody by the same channel the first one counts."""
    people = (
        person for role in edition.spec.to for person in called(directory, role, lineage, edition.at, calendar).people
    )
    return {
        f"{edition.key(calendar)}/{person.id}/{address.channel}": (person, address.channel)
        for person in people
        for address in ways(person, edition.spec.via)
    }


def digests(
    edition: Edition,
    to: Mapping[str, tuple[Recipient, str]],
    told: Mapping[str, Param],
    directory: Directory,
    calendar: Calendar,
    attachments: tuple[str, ...] = (),
) -> tuple[Notice, ...]:
    """One message for each of the `addressees`; quiet hours hold theirs back.

    `attachments` are names of kept files, the same for all of them.
    """
    return tuple(
        replace(_notice(edition, key, told, person, channel, directory, calendar), attachments=attachments)
        for key, (person, channel) in to.items()
    )


def _notice(
    edition: Edition,
    key: str,
    told: Mapping[str, Param],
    person: Recipient,
    channel: str,
    directory: Directory,
    calendar: Calendar,
) -> Notice:
    unit, number, base = edition.unit, edition.number(calendar), directory.base_url.rstrip("/")
    facts: dict[str, Param] = {
        "code": unit.code, "level": unit.level.value, "unit_vi": unit.name_vi, "unit_en": unit.name_en,
        "unit_sms": unit.name_ascii, "recipient": person.name, "id": number, "when": edition.at,
        "url": f"{base}/units/{unit.code}" if base else None,
        "why_url": address(Purpose.WHY, base, number) if base else None, **told,
    }  # fmt: skip
    local = {name: calendar.local(fact) if isinstance(fact, datetime) else fact for name, fact in facts.items()}
    message = render(BRIEF, local, person.locale, directory.texts)
    due_at = quiet_end(person, edition.at, calendar.zone) or edition.at
    return Notice(
        key, edition.key(calendar), number, unit.code, BRIEF, person.id, channel,
        due_at, message.subject, message.body, message.sms, words=message.words,
    )  # fmt: skip
