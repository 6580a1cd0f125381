"""What one reaction may look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.alerting.plan import Directory, Recipient
from monitor.engine.book import Criterion, Indicator
from monitor.engine.rolling import Plan
from monitor.model.hours import Calendar, Sessions
from monitor.model.incident import Cover
from monitor.model.matcher import Subject
from monitor.model.muting import NOTHING_MUTED, Muting, Window
from monitor.model.reading import Reading
from monitor.model.unit import Unit
from monitor.model.verdict import CriterionState


@dataclass(frozen=True, slots=True)
class Scene:
    """The unit in trouble, its rules and what they said, and who can be told."""

    unit: Unit
    lineage: tuple[str, ...]  # where to look for holders of a role, nearest first
    province: Unit | None
    directory: Directory
    rules: Mapping[str, Criterion]  # that judge this unit today
    indicators: Mapping[str, Indicator]
    criteria: Mapping[str, CriterionState]
    calendar: Calendar
    sessions: Sessions
    evidence: Mapping[str, Reading] = field(default_factory=dict)  # for the reason a probe gave
    plans: Mapping[str, Plan] = field(default_factory=dict)  # probe -> what is derived from its answers
    sources: frozenset[str] | None = None  # that owe this unit something; None: not known
    dependants: int | None = None  # units that depend on this one; None: not known
    about: Subject | None = None  # the unit as matchers see it; None: nothing is silenced
    muting: Muting = NOTHING_MUTED
    windows: tuple[Window, ...] = ()  # planned work at the unit, whenever it is
    # Causes that a wider trouble takes in, and those for which it is not yet clear whether one does: those wait.
    covers: Mapping[str, Cover] = field(default_factory=dict)
    awaited: frozenset[str] = frozenset()
    waits: Mapping[str, float] = field(default_factory=dict)  # cause -> seconds for which its first call waits
    causes: frozenset[str] = frozenset()  # of mass troubles that the site asks for here
    paused: bool = False  # under maintenance: nothing is judged, so nothing opens, calls or ends

    def recipient(self, identity: str) -> Recipient | None:
        """Somebody by id; None when the directory does not know them any more."""
        return self.directory.person(identity)

    def answer(self, cause: str) -> Reading | None:
        """What was heard last of the figure that a criterion judges."""
        rule = self.rules.get(cause)
        indicator = self.indicators.get(rule.indicator or "") if rule else None
        return self.evidence.get(indicator.evidence) if indicator else None

    def reason(self, cause: str) -> str | None:
        """What the failing source said; None when it said nothing."""
        answer = self.answer(cause)
        return answer.note or None if answer else None
