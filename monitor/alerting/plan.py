"""Escalation policies as frozen types; the config layer builds them, alerting.escalate freezes them into steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.alerting.texts import TEXTS, Text
from monitor.model.incident import Kind
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
    texts: Mapping[str, Mapping[str, Text]] = field(default_factory=lambda: TEXTS)  # language -> text id -> text

    def holders(self, role: str, lineage: tuple[str, ...]) -> tuple[Recipient, ...]:
        """Holders of a role at the nearest unit of the lineage that has any."""
        for code in lineage:
            found = tuple(r for r in self.recipients if r.role == role and r.scope == code)
            if found:
                return found
        return ()
