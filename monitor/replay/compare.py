"""What was beside what would have been: changes of colour, notices, and how all units stand at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from monitor.alerting.digests import BRIEF
from monitor.alerting.replies import REPLY
from monitor.alerting.troubles import SILENT_PREFIX
from monitor.config.spec import Site
from monitor.engine.book import Ruleset
from monitor.model.incident import Notice
from monitor.model.state import Transition
from monitor.model.unit import Units
from monitor.replay.course import (
    Course,
    believed_longer,
    may_be_missing,
    periods,
    repeats_needed,
    silences,
    with_repeats,
)
from monitor.replay.past import Past
from monitor.service.app import policy_of

SLACK = 5.0  # seconds by which a commit may come after what caused it


class Event(NamedTuple):
    """One change of colour or one notice, in a form that can be compared."""

    unit: str
    what: str  # criterion (empty: the unit itself), or the notice's cause, kind, recipient and channel
    at: datetime
    says: str  # "green -> red", or "owed"
    why: tuple[str, ...] = ()  # codes of the reasons


_OUTSIDE = (REPLY, BRIEF, "self", "self_over")  # kinds of messages that no decision owes


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same. `kind`: added, missing, another_time, other_reasons."""

    kind: str
    was: Event | None
    now: Event | None


@dataclass(frozen=True, slots=True)
class Replayed:
    """Both sides of a stretch of the past. Counts are level -> colour -> number of units."""

    colours: tuple[Difference, ...]
    notices: tuple[Difference, ...]
    was: Mapping[str, Mapping[str, int]]
    now: Mapping[str, Mapping[str, int]]
    lead_in: timedelta  # history before the stretch from which its beginning was rebuilt
    readings: int

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not self.colours and not self.notices and self.was == self.now


def replay(site: Site, past: Past, ruleset: Ruleset, since: datetime, until: datetime) -> Replayed:
    """Judge the past again under `ruleset` and compare `since` to `until` with what was recorded.

    The lead-in is all history before `since`; it begins without states and without incidents.
    """
    course = rebuilt(site, past, ruleset, until)
    decided = [(at, decision) for at, decision in course.decided if since <= at]
    was_changes = [_changed(one) for one in past.transitions if since <= one.at <= until]
    now_changes = [_changed(one) for _, decision in decided for one in decision.transitions]
    was_owed = [_owed(one) for one in past.notices if since <= one.due_at <= until and not _outside_rules(one)]
    now_owed = [
        _owed(one)
        for _, decision in decided
        for one in decision.notices
        if since <= one.due_at <= until and not _outside_rules(one)
    ]
    slack = SLACK + max([probe.period for probe in site.probes], default=0.0)
    first = min((reading.received_at for reading in past.readings), default=since)
    return Replayed(
        tuple(differences(was_changes, now_changes, slack)),
        tuple(differences(was_owed, now_owed, slack)),
        _stood(site.units, past.transitions, until),
        _counted(site.units, {code: state.colour.value for code, state in course.states.items()}),
        max(since - first, timedelta()),
        len(past.readings),
    )


def rebuilt(site: Site, past: Past, ruleset: Ruleset, until: datetime) -> Course:
    """All units from the first reading to an instant. Sources' health is not in history, so nobody is watched."""
    every = periods(site)
    longer = may_be_missing(past.readings, every)
    policy = policy_of(site)
    policy = replace(
        policy, ruleset=believed_longer(ruleset, longer), watches=(), muting=policy.muting.with_all(past.muted)
    )
    news = with_repeats(past.readings, every, repeats_needed(ruleset))
    course = Course(policy, news, past.answers, silences(site.ruleset, past.transitions, longer))
    course.run(until)
    return course


def differences(was: Sequence[Event], now: Sequence[Event], slack: float) -> Iterable[Difference]:
    """Pairs of the same thing are looked for first within `slack` seconds, then at any time; in order of time."""
    left: list[Event] = []
    free: dict[tuple[str, str, str], list[Event]] = {}
    for event in now:
        free.setdefault((*event[:2], event.says), []).append(event)
    found: list[Difference] = []
    for event in was:
        rivals = free.get((*event[:2], event.says), [])
        near = next((one for one in rivals if abs((one.at - event.at).total_seconds()) <= slack), None)
        if near is None:
            left.append(event)
            continue
        rivals.remove(near)
        if near.why != event.why:
            found.append(Difference("other_reasons", event, near))
    for event in left:
        rivals = free.get((*event[:2], event.says), [])
        moved = rivals.pop(0) if rivals else None
        found.append(Difference("missing" if moved is None else "another_time", event, moved))
    found += [Difference("added", None, event) for rivals in free.values() for event in rivals]
    return sorted(found, key=_first_at)


def _first_at(difference: Difference) -> datetime:
    event = difference.was or difference.now
    assert event is not None
    return event.at


def _changed(one: Transition) -> Event:
    says = f"{one.before.value} -> {one.after.value}"
    return Event(one.unit, one.criterion, one.at, says, tuple(reason.code for reason in one.reasons))


def _owed(one: Notice) -> Event:
    return Event(one.unit, f"{_cause(one)} {one.kind} {one.recipient} {one.channel}", one.due_at, "owed")


def _cause(one: Notice) -> str:
    return one.incident.partition("/")[2].rpartition("/")[0]


def _outside_rules(one: Notice) -> bool:
    """What no rule can say again: a silent source, an answer to somebody who wrote, a digest, an own alarm."""
    return one.kind in _OUTSIDE or _cause(one).startswith(SILENT_PREFIX)


def _stood(units: Units, transitions: Iterable[Transition], until: datetime) -> Mapping[str, Mapping[str, int]]:
    last = {one.unit: one.after.value for one in transitions if not one.criterion and one.at <= until}
    return _counted(units, last)


def _counted(units: Units, colours: Mapping[str, str]) -> Mapping[str, Mapping[str, int]]:
    tally = Counter((unit.level.value, colours.get(unit.code, "unknown")) for unit in units)
    counts: dict[str, dict[str, int]] = {}
    for (level, colour), number in sorted(tally.items()):
        counts.setdefault(level, {})[colour] = number
    return counts
