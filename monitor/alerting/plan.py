"""Escalation policies as frozen types; the config layer builds them, alerting.escalate freezes them into steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from monitor.alerting.schedule import Schedule
from monitor.alerting.text import Text
from monitor.alerting.texts import ALL_TEXTS
from monitor.model.colour import Colour
from monitor.model.hours import Daily, WorkingTimes
from monitor.model.incident import MASS_PREFIX, Address, Kind
from monitor.model.unit import Level


@dataclass(frozen=True, slots=True)
class StepSpec:
    """One line of a policy."""

    after: float  # seconds from the moment the incident opens or worsens
    to: tuple[str, ...]  # roles, for example "commune_focal"
    via: tuple[str, ...]  # channel ids, each an own notice
    repeat: float | None = None  # seconds
    office_hours: bool = False  # wait for the next working instant
    reminders: bool = False  # one call for each of the target's remind_days instead of `after`
    hours: Daily | None = None  # called only in these local hours; None: at any time
    colours: frozenset[Colour] = frozenset()  # of trouble that it is for; empty: any
    still: bool = False  # passed over when the trouble cannot be seen at that moment


@dataclass(frozen=True, slots=True)
class TermsSpec:
    """What a policy says of answering and ending; times in seconds, see `monitor.model.incident.Terms`."""

    close_after: float = 0.0
    review: float | None = None
    ack_expires: float | None = None
    ack_remind: float | None = None
    parties: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # name -> roles of which one must answer


@dataclass(frozen=True, slots=True)
class Policy:
    """Who hears of which kind of trouble, in which order."""

    name: str
    kinds: frozenset[Kind]
    steps: tuple[StepSpec, ...]
    levels: frozenset[Level] = frozenset()  # empty: all
    criteria: frozenset[str] = frozenset()  # empty: all
    terms: TermsSpec = TermsSpec()

    def matches(self, kind: Kind, level: Level, cause: str) -> bool:
        """First policy that matches is taken."""
        return (
            kind in self.kinds
            and (not self.levels or level in self.levels)
            and (not self.criteria or cause in self.criteria)
        )


@dataclass(frozen=True, slots=True)
class Collapse:
    """When the same trouble of many children is one trouble of their parent."""

    criterion: str
    at: Level  # of the parent
    at_least: int  # children ...
    share: float = 0.0  # ... and per cent of all its children
    within: float = 300.0  # seconds in which their incidents must have begun
    wait: float = 60.0  # seconds for which a first call waits, so that the others can be counted
    total: float = 90.0  # per cent from which it is called total

    @property
    def causes(self) -> tuple[str, str]:
        """Causes that count at the children: the trouble itself, or a mass of it further down."""
        return (self.criterion, self.cause)

    @property
    def cause(self) -> str:
        """Cause of the incident at the parent."""
        return f"{MASS_PREFIX}{self.criterion}"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who can be told. Addresses stay in the config layer; only channel ids are known here."""

    id: str
    role: str
    scope: str  # unit code: this unit and all below it, and the systems of that province
    name: str
    locale: str = "vi"
    channels: tuple[str, ...] = ()
    recoveries: bool = True  # wants to hear that it is over
    valid_from: date | None = None  # first local day on which they hold the role
    valid_to: date | None = None  # first local day on which they do not any more
    quiet: Daily | None = None  # local hours in which calls are held until they end
    wake: bool = True  # a red outage is told in quiet hours as well
    after: Mapping[str, str] = field(default_factory=dict)  # channel -> the one that takes over where it cannot reach

    def holds_on(self, day: date) -> bool:
        """Whether they hold the role on a local day."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day < self.valid_to)


@dataclass(frozen=True, slots=True)
class DigestSpec:
    """Who gets a digest of which units, and when."""

    at: WorkingTimes
    to: tuple[str, ...]  # roles
    via: tuple[str, ...]  # channels
    levels: frozenset[Level] = frozenset({Level.PROVINCE})  # a digest of each unit of these
    attach: tuple[str, ...] = ()  # reports that its e-mails carry: digest, ranking, targets


@dataclass(frozen=True)
class Directory:
    """Who holds which role for which unit, and who of them is on duty. Made to be asked for thousands of units."""

    recipients: tuple[Recipient, ...]
    policies: tuple[Policy, ...]
    roles: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # role -> (Vietnamese, English) title
    base_url: str = ""  # of the board, for links in messages
    operator_name: str = ""  # telecom operator, for the texts
    operator_hotline: str = ""
    schedules: tuple[Schedule, ...] = ()  # at most one for each role and scope
    texts: Mapping[str, Mapping[str, Text]] = field(default_factory=lambda: ALL_TEXTS)  # language -> text id -> text
    collapses: tuple[Collapse, ...] = ()
    digests: tuple[DigestSpec, ...] = ()
    # Of posts that share a telephone the address of each later one -> that of the first: it rings once.
    telephones: Mapping[Address, Address] = field(default_factory=dict)

    @cached_property
    def _posts(self) -> Mapping[tuple[str, str], tuple[Recipient, ...]]:
        posts: dict[tuple[str, str], list[Recipient]] = {}
        for person in self.recipients:
            posts.setdefault((person.role, person.scope), []).append(person)
        return {post: tuple(people) for post, people in posts.items()}

    @cached_property
    def _by_id(self) -> Mapping[str, Recipient]:
        return {person.id: person for person in reversed(self.recipients)}  # of two, the first

    @cached_property
    def _schedules(self) -> Mapping[tuple[str, str], Schedule]:
        return {(schedule.role, schedule.scope): schedule for schedule in self.schedules}

    def person(self, identity: str, day: date | None = None) -> Recipient | None:
        """Somebody by id; None when there is nobody, or nobody any more on that local day."""
        found = self._by_id.get(identity)
        return found if found is None or day is None or found.holds_on(day) else None

    def schedule(self, role: str, scope: str) -> Schedule | None:
        """Who of the holders of a role at one unit is on duty when; None: all of them always are."""
        return self._schedules.get((role, scope))

    def post(self, role: str, scope: str, day: date | None = None) -> tuple[Recipient, ...]:
        """Holders of a role at exactly this unit; on a local day, if one is given."""
        people = self._posts.get((role, scope), ())
        return people if day is None else tuple(person for person in people if person.holds_on(day))

    def holders(self, role: str, lineage: tuple[str, ...], day: date | None = None) -> tuple[Recipient, ...]:
        """Holders of a role at the nearest unit of the lineage that has any; on a local day, if one is given."""
        return next((found for code in lineage if (found := self.post(role, code, day))), ())
