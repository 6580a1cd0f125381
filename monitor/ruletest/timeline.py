"""One unit through time: readings come in, holds ripen, deadlines pass; the clock is the test's own instants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from monitor.engine.book import Criterion, Ruleset
from monitor.engine.formula import judge_formulas
from monitor.engine.hold import hold
from monitor.engine.judge import judge
from monitor.engine.rollup import judge_rollup
from monitor.engine.series import remember
from monitor.engine.sources import Rivals, counts_now, hear, next_change, remarks
from monitor.engine.standing import stand
from monitor.model.hours import Calendar
from monitor.model.reading import Reading
from monitor.model.series import NOTHING, Series
from monitor.model.unit import Unit
from monitor.model.verdict import Counts, CriterionState, Standing, Verdict
from monitor.ruletest.alarm import Alarm
from monitor.ruletest.children import members_of
from monitor.ruletest.models import Children

SHARED_SYSTEM = "system"  # stands for the systems a unit depends on
_MOST_STEPS = 10_000  # between two instants of a test: more would be an engine that asks again for ever


@dataclass(slots=True)
class Timeline:
    """A unit judged by one book. What it inherits is judged as the shared system would judge it, where a test tells of
    that system; a unit of which nothing is told depends on none.
    """

    unit: Unit
    ruleset: Ruleset
    calendar: Calendar
    children: Counts | None = None
    evidence: Mapping[str, Reading] = field(default_factory=dict)
    criteria: dict[str, CriterionState] = field(default_factory=dict)
    standing: Standing | None = None
    series: Mapping[str, Series] = field(default_factory=dict)
    told: Children | None = None  # children that the test tells of one by one
    alarm: Alarm | None = None  # None: nobody asks who would hear of it
    rivals: Rivals = field(default_factory=dict)  # what each source of a contested indicator said last
    _last: datetime | None = None  # instant of the last step

    def advance(self, now: datetime, news: Iterable[Reading] = ()) -> None:
        """Go to `now`, stopping wherever time alone changes the answer, and take the news in there.

        Raises RuntimeError when the engine asks to be woken without end.
        """
        for _ in range(_MOST_STEPS):
            waking = [state.verdict.recheck_at for state in self.criteria.values()]
            others = (*self._calls(), self._turn())
            due = min((at for at in (*waking, *others) if at is not None), default=now)
            if due >= now:
                break
            self._step(due)
        else:
            raise RuntimeError(f"{self.unit.code}: no rest before {now.isoformat()}")
        self._step(now, news)

    def _calls(self) -> tuple[datetime | None, ...]:
        """When somebody is called next; at the latest the next midnight, as in service: reminders count local days."""
        if self.alarm is None or self._last is None:
            return ()
        tomorrow = self.calendar.local(self._last).date() + timedelta(days=1)
        return self.alarm.recheck_at, self.calendar.start_of_day(tomorrow)

    def _turn(self) -> datetime | None:
        """When another source may count."""
        return None if self._last is None else next_change(self.rivals, self.ruleset.indicators, self._last)

    def _step(self, now: datetime, news: Iterable[Reading] = ()) -> None:
        there = self.unit.holds_on(self.calendar.local(now).date())
        heard = hear(self.evidence, self.rivals, news if there else (), self.ruleset.indicators, now)
        self.evidence, self.rivals = heard.evidence, heard.rivals
        self.series = remember(self.series, counts_now(heard), self.ruleset.indicators, self.calendar)
        possible = self.ruleset.criteria_of(self.unit, self.calendar.local(now).date())
        judging = [criterion for criterion in possible if criterion.applies_to(self.unit) or self._told(criterion)]
        self.criteria = {criterion.id: self._judge(criterion, now) for criterion in judging}
        self.standing = stand(self.standing, list(self.criteria.values()), self.ruleset.standing, now, self.children)
        self._last = now
        if self.alarm is not None:
            self.alarm.react(self.criteria, self.evidence, now)

    def _told(self, criterion: Criterion) -> bool:
        names = criterion.inputs if criterion.formulas else (criterion.indicator or "",)
        return any(self.ruleset.indicators[name].evidence in self.evidence for name in names)

    def _judge(self, criterion: Criterion, now: datetime) -> CriterionState:
        before = self.criteria.get(criterion.id)
        cadence = self.ruleset.cadence_of(criterion)
        state = hold(before, self._verdict(criterion, now), criterion, self.unit.level, now, cadence)
        own = criterion.applies_to(self.unit)
        return state if own else replace(state, caused_by=SHARED_SYSTEM)

    def _verdict(self, criterion: Criterion, now: datetime) -> Verdict:
        if criterion.rollup is not None:
            known = self.ruleset.standing.min_coverage
            members = members_of(self.told, self.ruleset.indicators.get(criterion.indicator or ""), now)
            return judge_rollup(criterion, self.children or Counts(), now, self.calendar, known, members)
        if criterion.formulas:
            return judge_formulas(criterion, self.ruleset.indicators, self.evidence, now)
        indicator = self.ruleset.indicators[criterion.indicator or ""]
        past = self.series.get(indicator.evidence, NOTHING)
        verdict = judge(criterion, indicator, self.evidence.get(indicator.evidence), now, self.calendar, past)
        measured = self.ruleset.indicators[indicator.evidence]
        beside = remarks(measured, self.rivals.get(indicator.evidence, ()), now)
        return replace(verdict, reasons=(*verdict.reasons, *beside)) if beside else verdict
