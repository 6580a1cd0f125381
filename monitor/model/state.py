"""State of one unit between two decisions, and what a decision changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from monitor.model.colour import Colour
from monitor.model.incident import Incident, Notice
from monitor.model.reading import Reading
from monitor.model.rolling import Rolling
from monitor.model.series import Series
from monitor.model.verdict import CriterionState, Reason, Standing


@dataclass(frozen=True, slots=True)
class UnitState:
    """Everything committed about one unit. `version` grows by one with each commit; 0 was never stored."""

    unit: str
    version: int = 0
    standing: Standing | None = None
    criteria: Mapping[str, CriterionState] = field(default_factory=dict)
    evidence: Mapping[str, Reading] = field(default_factory=dict)  # indicator -> reading that counts
    series: Mapping[str, Series] = field(default_factory=dict)  # indicator -> its past, for trends and samples
    incidents: Mapping[str, Incident] = field(default_factory=dict)  # cause -> open incident
    recheck_at: datetime | None = None  # next instant at which time alone could change the answer
    rivals: Mapping[str, tuple[Reading, ...]] = field(default_factory=dict)  # indicator -> last reading of each source
    rolling: Mapping[str, Rolling] = field(default_factory=dict)  # probe -> sums of its answers, for derived figures
    resumed_at: datetime | None = None  # end of its last maintenance: no silence of a source reaches behind it
    # Criterion judged by a sample wider than its month -> as_of of the figure whose trouble was told last.
    told: Mapping[str, datetime] = field(default_factory=dict)
    reported: Colour = Colour.UNKNOWN  # what the national system says; the computed one is the standing's

    @property
    def colour(self) -> Colour:
        """The colour of the unit; unknown while it was never judged."""
        return Colour.UNKNOWN if self.standing is None else self.standing.colour


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of colour, for history. `criterion` is empty for the unit itself."""

    unit: str
    criterion: str
    at: datetime
    before: Colour
    after: Colour
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Withhold:
    """Pending notices of one incident that are no longer owed, and why (acknowledged, recovered, worsened)."""

    incident: str
    reason: str
    recipients: frozenset[str] | None = None  # only those of these people; None: of everybody
    notices: frozenset[str] | None = None  # only those with these keys; None: all of them

    def means(self, notice: Notice) -> bool:
        """Whether a notice is one of them."""
        meant = self.recipients is None or notice.recipient in self.recipients
        return notice.incident == self.incident and meant and (self.notices is None or notice.key in self.notices)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what: written in the same transaction as the change."""

    at: datetime
    actor: str
    action: str
    subject: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the pure core answers for one unit."""

    before: UnitState
    after: UnitState  # version not yet raised; the store does that
    transitions: tuple[Transition, ...] = ()
    incidents: tuple[Incident, ...] = ()  # opened, changed or closed by this decision
    notices: tuple[Notice, ...] = ()
    withheld: tuple[Withhold, ...] = ()
    readings: tuple[Reading, ...] = ()  # new facts that this decision absorbed
    audit: tuple[AuditEntry, ...] = ()

    def owed_now(self, now: datetime) -> Decision:
        """The decision, with when those of its messages are owed that a silence, a standstill, quiet hours or a store
        that was away held."""
        owed = tuple(replace(one, free_at=now) if one.due_at < now else one for one in self.notices)
        return replace(self, notices=owed) if owed else self
