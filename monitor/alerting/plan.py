"""Escalation policies as frozen types; the config layer builds them, alerting.escalate freezes them into steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.model.incident import Kind
from monitor.model.unit import Level

MASS_PREFIX = "mass:"


@dataclass(frozen=True, slots=True)
class StepSpec:
    """One line of a policy."""

    after: float  # seconds from the moment the incident opens or worsens
    to: tuple[str, ...]  # roles, for example "commune_focal"
    via: tuple[str, ...]  # channel ids, each an own notice
    repeat: float | None = None  # seconds
    office_hours: bool = False  # wait for the next working instant
    reminders: bool = False  # one call for each of the target's remind_days instead of `after`


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


@dataclass(frozen=True)
class Directory:
    """Who holds which role for which unit."""

    recipients: tuple[Recipient, ...]
    policies: tuple[Policy, ...]
    roles: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # role -> (Vietnamese, English) title
    base_url: str = ""  # of the board, for links in messages
    operator_name: str = ""  # telecom operator, for the texts
    operator_hotline: str = ""
    collapses: tuple[Collapse, ...] = ()

    def holders(self, role: str, lineage: tuple[str, ...]) -> tuple[Recipient, ...]:
        """Holders of a role at the nearest unit of the lineage that has any."""
        for code in lineage:
            found = tuple(r for r in self.recipients if r.role == role and r.scope == code)
            if found:
                return found
        return ()
