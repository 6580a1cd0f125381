"""Whom the plans reach: the times in which trouble would be told to nobody at all, for every unit and kind of trouble.

A step that reaches nobody is passed over and the next one is called in its place, until one reaches somebody. So a plan
reaches nobody exactly where, at the instant at which the first of its steps falls due, no step of it does. A step that
is called in place of another one waits for its own hours; by that it is late, and counts as reaching somebody. Who is
called is asked of `roster`, the way it is asked when an incident opens. Units that share their posts share the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from monitor.alerting.escalate import freeze
from monitor.alerting.plan import Directory, Policy, StepSpec
from monitor.alerting.roster import gaps, turns, ways
from monitor.model.colour import Colour
from monitor.model.hours import Sessions
from monitor.model.incident import Kind
from monitor.model.muting import Span
from monitor.model.unit import Level, Unit, Units

_COLOURS = {Kind.KPI_YELLOW: Colour.YELLOW, Kind.SILENT: Colour.UNKNOWN}  # of trouble of a kind; red of all others


@dataclass(frozen=True, slots=True)
class Uncovered:
    """One plan that reaches nobody for one unit in some spans of time."""

    unit: str
    kind: Kind
    policy: int  # number in the directory, from 0
    spans: tuple[Span, ...]


def uncovered(
    units: Units, directory: Directory, sessions: Sessions, start: datetime, end: datetime
) -> Iterator[Uncovered]:
    """All plans that reach nobody at some time from `start` to `end`, unit by unit in the order of the site."""
    found = _Found(directory, sessions, start, end)
    for unit in units:
        there = _there(unit, sessions, start, end)
        where = units.answering(unit.code)
        for kind in Kind if there else ():
            for number in _plans(directory.policies, kind, unit.level):
                cut = tuple(span for gap in found.of(number, kind, where) if (span := _both(gap, there)) is not None)
                if cut:
                    yield Uncovered(unit.code, kind, number, cut)


def colour_of(kind: Kind) -> Colour:
    """The colour of trouble of a kind."""
    return _COLOURS.get(kind, Colour.RED)


def _plans(policies: tuple[Policy, ...], kind: Kind, level: Level) -> Iterator[int]:
    """Numbers of the policies that can be taken: those for some criteria, and the first one for all."""
    for number, policy in enumerate(policies):
        if kind in policy.kinds and (not policy.levels or level in policy.levels):
            yield number
            if not policy.criteria:
                return


@dataclass(slots=True)
class _Found:
    """Gaps that were looked for already: of a role by the posts it is asked at, of a plan by those of its roles."""

    directory: Directory
    sessions: Sessions
    start: datetime
    end: datetime
    _roles: dict[tuple[str, tuple[str, ...], tuple[str, ...]], tuple[Span, ...]] = field(default_factory=dict)
    _plans: dict[tuple[int, Kind, tuple[str, ...]], tuple[Span, ...]] = field(default_factory=dict)

    def of(self, number: int, kind: Kind, where: tuple[str, ...]) -> tuple[Span, ...]:
        """When a plan reaches nobody."""
        policy = self.directory.policies[number]
        steps = [step for step in policy.steps if not step.colours or colour_of(kind) in step.colours]
        posts = self._posts((role for step in steps for role in step.to), where)
        key = (number, kind, posts)
        if key not in self._plans:
            self._plans[key] = self._plan(policy, steps, posts)
        return self._plans[key]

    def _plan(self, policy: Policy, steps: list[StepSpec], posts: tuple[str, ...]) -> tuple[Span, ...]:
        left: tuple[Span, ...] = (Span(self.start, self.end),)
        for step in steps:
            for role in step.to:
                left = _common(left, self._role(role, step.via, posts)) if left else ()
        return tuple(met for gap in left if (met := self._met(policy, steps, gap)) is not None)

    def _met(self, policy: Policy, steps: list[StepSpec], gap: Span) -> Span | None:
        """The gap from the first instant on at which a step can be the first one due; None when none is in it."""
        if not steps:
            return gap
        at_once = replace(policy, steps=tuple(replace(step, after=0.0) for step in steps))
        first = freeze(at_once, self.directory, (), self.sessions, gap.starts)[0].due_at
        return Span(first, gap.ends) if first < gap.ends else None

    def _role(self, role: str, via: tuple[str, ...], posts: tuple[str, ...]) -> tuple[Span, ...]:
        key = (role, via, self._posts((role,), posts))
        if key not in self._roles:
            stretches = turns(self.directory, role, key[2], self.start, self.end, self.sessions.calendar)
            reached = ((at, any(any(ways(person, via)) for person in who.people)) for at, who in stretches)
            self._roles[key] = gaps(reached, self.end)
        return self._roles[key]

    def _posts(self, roles: Iterable[str], where: tuple[str, ...]) -> tuple[str, ...]:
        """The units among `where` at which some of the roles are held, or have a schedule."""
        asked = tuple(roles)
        return tuple(
            code
            for code in where
            if any(self.directory.post(role, code) or self.directory.schedule(role, code) for role in asked)
        )


def _there(unit: Unit, sessions: Sessions, start: datetime, end: datetime) -> Span | None:
    """When there is such a unit between the two instants."""
    calendar = sessions.calendar
    begins = max(start, calendar.start_of_day(unit.valid_from)) if unit.valid_from else start
    ends = min(end, calendar.start_of_day(unit.valid_to)) if unit.valid_to else end
    return Span(begins, ends) if begins < ends else None


def _both(one: Span, other: Span | None) -> Span | None:
    if other is None:
        return None
    starts, ends = max(one.starts, other.starts), min(one.ends, other.ends)
    return Span(starts, ends) if starts < ends else None


def _common(some: tuple[Span, ...], others: tuple[Span, ...]) -> tuple[Span, ...]:
    """What lies in a span of both; each is in order and does not overlap itself."""
    found: list[Span] = []
    here, there = iter(some), iter(others)
    one, other = next(here, None), next(there, None)
    while one is not None and other is not None:
        if (both := _both(one, other)) is not None:
            found.append(both)
        if one.ends <= other.ends:
            one = next(here, None)
        else:
            other = next(there, None)
    return tuple(found)
