"""All units through a stretch of the past, by the same `decide` as in service. Nothing is stored or sent.

What history does not hold cannot be replayed, and is not guessed:

* History keeps every change and one repeat an hour. A source that is asked more often than hourly and says "now" is
  taken to go on saying the same until the next kept reading, at most for that hour and its period; what it fed stays
  believed as much longer. That one fell silent within the hour is known where its unknown colour was recorded: from
  then on what it said last counts as too old, and its claim is dated so, until it is known to have spoken again.
* As many repeats as a hold may count are put in, one per period after the kept reading.
* The health of sources is not in history: incidents of silence (`silent:...`) are neither replayed nor compared.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from monitor.config.spec import Site
from monitor.decide import Policy, View, acknowledge, decide, listeners, set_aside
from monitor.engine.book import Criterion, Ruleset
from monitor.engine.reasons import STALE
from monitor.model.reading import Reading
from monitor.model.state import AuditEntry, Decision, Transition, UnitState
from monitor.model.unit import DECIDE_ORDER

HOUR = 3600.0  # seconds within which history keeps one repeat of the same value
NOW = timedelta(seconds=60)  # a claim at most so much older than its arrival says "now"
_RANKS = sorted(set(DECIDE_ORDER.values()))


def periods(site: Site) -> Mapping[str, float]:
    """Seconds between two polls, of every source of a site that says "now" more often than once an hour."""
    every = [(probe.id, probe.period) for probe in site.probes] + [(feed.id, feed.period) for feed in site.feeds]
    return {source: period for source, period in every if period < HOUR}


def says_now(reading: Reading, every: Mapping[str, float]) -> bool:
    """Whether the repeats of this reading were not all kept."""
    return reading.source in every and reading.received_at - reading.as_of <= NOW


def may_be_missing(readings: Iterable[Reading], every: Mapping[str, float]) -> Mapping[str, float]:
    """Indicators that are repeated more often than they are kept -> seconds of repeats that history may lack."""
    longer: dict[str, float] = {}
    for reading in readings:
        if says_now(reading, every):
            longer[reading.indicator] = max(longer.get(reading.indicator, 0.0), HOUR + every[reading.source])
    return longer


def believed_longer(ruleset: Ruleset, longer: Mapping[str, float]) -> Ruleset:
    """The rules with the ages of what is repeated more often than it is kept made longer by what may be missing."""
    indicators = {
        key: replace(one, max_age=one.max_age + longer.get(one.evidence, 0.0))
        for key, one in ruleset.indicators.items()
    }

    def aged(criterion: Criterion) -> Criterion:
        indicator = ruleset.indicators.get(criterion.indicator or "")
        if criterion.max_age is None or indicator is None:
            return criterion
        return replace(criterion, max_age=criterion.max_age + longer.get(indicator.evidence, 0.0))

    books = tuple(replace(book, criteria=tuple(map(aged, book.criteria))) for book in ruleset.books)
    return replace(ruleset, indicators=indicators, books=books)


class Silence(NamedTuple):
    """What a unit said last of an indicator became too old, or was said again."""

    at: datetime
    unit: str
    indicator: str
    older: float  # seconds by which it is dated back, since rules believe it so much longer; 0: it was said again


def silences(ruleset: Ruleset, transitions: Iterable[Transition], longer: Mapping[str, float]) -> list[Silence]:
    """When sources of something repeated fell silent and spoke again, as recorded under `ruleset`, in order."""
    rules = {rule.id: rule for book in ruleset.books for rule in book.criteria}
    found: list[Silence] = []
    silent: set[tuple[str, str]] = set()
    for one in transitions:
        rule = rules.get(one.criterion)
        indicator = ruleset.indicators.get(rule.indicator or "") if rule is not None else None
        if indicator is None or indicator.evidence not in longer:
            continue
        if any(reason.code == STALE for reason in one.reasons):
            silent.add((one.unit, one.criterion))
            found.append(Silence(one.at, one.unit, indicator.evidence, longer[indicator.evidence]))
        elif one.after.known and (one.unit, one.criterion) in silent:
            silent.discard((one.unit, one.criterion))
            found.append(Silence(one.at, one.unit, indicator.evidence, 0.0))
    return sorted(found)


def with_repeats(readings: Sequence[Reading], every: Mapping[str, float], number: int) -> list[Reading]:
    """The readings by arrival, and up to `number` repeats after each whose repeats were not kept."""
    following: dict[tuple[str, str], datetime] = {}
    made: list[Reading] = []
    for reading in sorted(readings, key=lambda one: one.received_at, reverse=True):
        key = (reading.unit, reading.indicator)
        made.append(reading)
        if says_now(reading, every):
            step = timedelta(seconds=every[reading.source])
            until = min(following.get(key, datetime.max.replace(tzinfo=reading.as_of.tzinfo)), _end(reading, step))
            again = (reading.received_at + n * step for n in range(1, number + 1))
            made += (replace(reading, as_of=at, received_at=at) for at in again if at < until)
        following[key] = reading.received_at
    return sorted(made, key=lambda one: one.received_at)


def _end(reading: Reading, step: timedelta) -> datetime:
    """By then a repeat would have been kept."""
    hour = timedelta(seconds=HOUR - reading.as_of.timestamp() % HOUR)
    return reading.received_at + hour + step


def repeats_needed(ruleset: Ruleset) -> int:
    """Most readings in a row, less one, that a rule counts."""
    needs = [need for book in ruleset.books for c in book.criteria for need in (c.hold, c.keep)]
    windows = [c.flap.window for book in ruleset.books for c in book.criteria if c.flap is not None]
    return max([*(max(need.readings, need.of) for need in needs), *windows, 1]) - 1


@dataclass
class Course:
    """States of all units on their way through time. `decided` gets every decision with its instant."""

    policy: Policy
    news: Sequence[Reading]
    answers: Sequence[AuditEntry] = ()
    silences: Sequence[Silence] = ()
    states: dict[str, UnitState] = field(default_factory=dict)
    decided: list[tuple[datetime, Decision]] = field(default_factory=list)
    keep: bool = True  # whether decisions are gathered
    _due: list[tuple[datetime, str]] = field(default_factory=list)
    _judged: dict[str, datetime] = field(default_factory=dict)  # unit -> when its state here was made by judging

    def __post_init__(self) -> None:
        self.states = {unit.code: UnitState(unit.code) for unit in self.policy.units}

    def run(self, until: datetime) -> None:
        """From the first news to `until`, that instant included; nothing happens without news."""
        news = [reading for reading in self.news if reading.received_at <= until and reading.unit in self.states]
        answers = [entry for entry in self.answers if entry.at <= until]
        quiet = [one for one in self.silences if one.at <= until and one.unit in self.states]
        if not news:
            return
        first, place = True, 0
        while True:
            arrival = news[place].received_at if place < len(news) else None
            answer = answers[0].at if answers else None
            waking = self._due[0][0] if self._due else None
            silent = quiet[0].at if quiet else None
            now = min((at for at in (arrival, answer, waking, silent) if at is not None), default=None)
            if now is None or now > until:
                return
            fresh: dict[str, list[Reading]] = {}
            while place < len(news) and news[place].received_at <= now:
                fresh.setdefault(news[place].unit, []).append(news[place])
                place += 1
            while answers and answers[0].at <= now:
                self._answer(answers.pop(0))
            dirty = set(self.states) if first else set()
            while quiet and quiet[0].at <= now:
                dirty.add(self._hear_or_not(quiet.pop(0)))
            self._round(now, fresh, dirty)
            first = False

    def _round(self, now: datetime, fresh: Mapping[str, Sequence[Reading]], dirty: set[str]) -> None:
        """Bottom-up and again until nothing is left to decide, as the evaluator does."""
        dirty |= set(fresh)
        while self._due and self._due[0][0] <= now:
            at, code = heapq.heappop(self._due)
            if self.states[code].recheck_at == at:
                dirty.add(code)
        units = self.policy.units
        said = dict(fresh)
        while dirty:
            for rank in _RANKS:
                batch = sorted(code for code in dirty if DECIDE_ORDER[units[code].level] == rank)
                dirty.difference_update(batch)
                for code in batch:
                    decision = self._decide(code, tuple(said.pop(code, ())), now)
                    self._adopt(now, decision)
                    dirty.update(listeners(decision, self.states, self.policy, now))

    def _hear_or_not(self, one: Silence) -> str:
        """What is known is dated so that it is too old from now on, or is as good as new; the unit."""
        state = self.states[one.unit]
        if said := state.evidence.get(one.indicator):
            as_of = said.as_of - timedelta(seconds=one.older) if one.older else max(said.as_of, one.at)
            self._judged.pop(one.unit, None)  # another age of what is known is no news that judging in part would see
            self.states[one.unit] = replace(
                state, evidence={**state.evidence, one.indicator: replace(said, as_of=as_of)}
            )
        return one.unit

    def _decide(self, code: str, news: tuple[Reading, ...], now: datetime) -> Decision:
        units = self.policy.units
        children = tuple(self.states[child] for child in units.children(code))
        systems = {system: self.states[system] for system in units[code].depends_on}
        above = tuple(self.states[parent] for parent in units.lineage(code)[1:])
        try:
            view = View(self.states[code], news, children, systems, judged_at=self._judged.get(code), above=above)
            decision = decide(view, self.policy, now)
        except Exception as broken:  # as in service: one unit that cannot be judged is set aside, the others go on
            self._judged.pop(code, None)
            return set_aside(self.states[code], news, f"{type(broken).__name__}: {broken}", now)
        self._judged[code] = now
        return decision

    def _adopt(self, now: datetime, decision: Decision) -> None:
        after = decision.after
        before, self.states[after.unit] = self.states[after.unit], after
        if after.recheck_at is not None and after.recheck_at != before.recheck_at:
            heapq.heappush(self._due, (after.recheck_at, after.unit))
        if self.keep:
            self.decided.append((now, decision))

    def _answer(self, entry: AuditEntry) -> None:
        """Somebody answered an incident: its counterpart here, of the same unit and cause, is answered as well."""
        unit, _, rest = entry.subject.partition("/")
        cause = rest.rpartition("/")[0]
        state = self.states.get(unit)
        if state is not None and cause in state.incidents:
            self._adopt(entry.at, acknowledge(state, state.incidents[cause].key, entry.actor, entry.detail, entry.at))
