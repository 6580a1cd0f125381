"""What people decided beforehand, and the questions that a decision asks of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from monitor.alerting.collapse import Explainer
from monitor.alerting.plan import Directory
from monitor.alerting.troubles import SILENT_PREFIX
from monitor.engine import reasons
from monitor.engine.book import Criterion, RollUp, Ruleset
from monitor.engine.rate import Figure, figure
from monitor.engine.rolling import Plan
from monitor.model.hours import Calendar, Sessions
from monitor.model.muting import NOTHING_MUTED, Muting, maintenance_spans, under_way
from monitor.model.rolling import Stretch
from monitor.model.state import Decision, UnitState
from monitor.model.unit import Unit, Units
from monitor.model.verdict import Param, Reason

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Watch:
    """What is expected of a source, so that its silence can be noticed."""

    source: str
    owner: str  # unit that answers for it
    indicators: frozenset[str]
    limit: float  # seconds of silence before it is told
    expects: frozenset[str] = frozenset()  # units that should have a row in it


@dataclass(frozen=True)
class Policy:
    """Everything that people decided beforehand: units, rules, directory, calendar, what is muted."""

    units: Units
    ruleset: Ruleset
    directory: Directory
    calendar: Calendar
    sessions: Sessions
    watches: tuple[Watch, ...] = ()
    plans: Mapping[str, Plan] = field(default_factory=dict)  # probe -> what is derived from its answers
    muting: Muting = NOTHING_MUTED
    began: datetime | None = None  # when the service began to look; None: nobody slept
    _watched: dict[str, tuple[Watch, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _rates: list[tuple[Criterion, ...]] = field(default_factory=list, init=False, repr=False, compare=False)

    @cached_property
    def explains(self) -> Mapping[str, tuple[Explainer, ...]]:
        """Criteria of systems that explain another one, by the id of that."""
        rules = self.rules
        return {
            key: tuple(
                Explainer(
                    one,
                    self.ruleset.indicators.get(rules[one].indicator or ""),
                    self.ruleset.indicators.get(rule.indicator or ""),
                )
                for one in rule.explained_by
                if one in rules
            )
            for key, rule in rules.items()
            if rule.explained_by
        }

    @cached_property
    def rules(self) -> Mapping[str, Criterion]:
        """The newest version of every criterion, by id."""
        ids = dict.fromkeys(criterion.id for book in self.ruleset.books for criterion in book.criteria)
        return {key: rule for key in ids if (rule := self.ruleset.criterion(key)) is not None}

    @cached_property
    def causes(self) -> frozenset[str]:
        """All causes that incidents can have."""
        silences = (f"{SILENT_PREFIX}{watch.source}" for watch in self.watches)
        return frozenset({*self.rules, *silences, *(rule.cause for rule in self.directory.collapses)})

    @cached_property
    def explaining(self) -> frozenset[str]:
        """Criteria that explain others."""
        return frozenset(one.criterion for able in self.explains.values() for one in able)

    def changes_a_sum(self, decision: Decision, now: datetime) -> bool:
        """True when the unit's parent sums up a figure that this decision changed, whether or not a colour did."""
        if not self._rates:
            rolled = (criterion for book in self.ruleset.books for criterion in book.criteria)
            self._rates.append(tuple(criterion for criterion in rolled if criterion.rollup is RollUp.RATE))
        return any(
            self._figure(rate, decision.before, now) != self._figure(rate, decision.after, now)
            for rate in self._rates[0]
        )

    def _figure(self, rate: Criterion, state: UnitState, now: datetime) -> Figure | None:
        return figure(rate, state, self.units, self.ruleset.indicators.get(rate.indicator or ""), now)

    def criteria_of(self, unit: Unit, now: datetime) -> tuple[Criterion, ...]:
        """Criteria of a unit on the local day of `now`."""
        return self.ruleset.criteria_of(unit, self.calendar.day(now))

    def rules_of(self, unit: Unit, now: datetime) -> Mapping[str, Criterion]:
        """The same criteria by id."""
        return self.ruleset.rules_of(unit, self.calendar.day(now))

    def is_there(self, unit: Unit, now: datetime) -> bool:
        """Whether the unit is within its validity on the local day of `now`."""
        return unit.holds_on(self.calendar.day(now))

    def maintenance(self, unit: Unit, now: datetime) -> Reason | None:
        """That the unit is under maintenance now, by which window and until when; None when it is not."""
        work = under_way(self.muting.windows_of(unit.code, self.units), now)
        if work is None or not self.is_there(unit, now):
            return None
        window, span = work
        said: dict[str, Param] = {"window": window.id, "until": span.ends, "comment": window.comment}
        return Reason(reasons.UNDER_MAINTENANCE, said)

    def planned(self, unit: Unit, now: datetime) -> tuple[Stretch, ...]:
        """Maintenance of the last day: what a probe measured in it is no outage and no availability."""
        windows = self.muting.windows_of(unit.code, self.units)
        return (
            tuple((span.starts, span.ends) for span in maintenance_spans(windows, now - _DAY, now)) if windows else ()
        )

    def watches_of(self, code: str) -> tuple[Watch, ...]:
        """Sources that owe this unit something: those it owns and those that should have a row for it."""
        found = self._watched.get(code)
        if found is None:
            found = tuple(w for w in self.watches if w.owner == code or code in w.expects)
            self._watched[code] = found
        return found

    def owing(self, unit: Unit, now: datetime) -> tuple[Watch, ...]:
        """Sources that owe the unit something now; nobody owes a unit anything that is not there."""
        return self.watches_of(unit.code) if self.is_there(unit, now) else ()
