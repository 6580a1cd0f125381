"""What is decided while the store is away, kept in memory until it can be committed as it was decided.

    store   what a decision does
    there   it is committed, then it counts
    away    it is kept here and judged on from; its colours are shown as not stored, and it tells nobody
    back    what was kept is committed in its order: incidents open and end when they did, messages are owed from now on

Nothing is judged a second time at the return: that would date every change to the return, and forget what came and
went. What was owed and is over by then is withheld in the same transaction, before anybody can claim it; of several
calls of one incident to one person the last is made.

Memory grows with events, not with polls: a decision without a change of colour, an incident or a message goes into the
one before it, and of the readings of a source the last ones are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain, zip_longest

from monitor.model.incident import Notice
from monitor.model.reading import Reading
from monitor.model.state import Decision, UnitState, Withhold

MOST = 64  # decisions kept of one unit; beyond that they are made into one
READINGS = 64  # kept of one decision, beside the last one of each source
LATER = "told by a later call"  # why a message is not owed any more


class Backlog:
    """Decisions by unit, in their order."""

    def __init__(self) -> None:
        self._kept: dict[str, list[Decision]] = {}
        self._asked: set[str] = set()  # units whose last decision the store was asked to take: it stays as it is

    def __bool__(self) -> bool:
        return bool(self._kept)

    @property
    def units(self) -> Sequence[str]:
        """Units of which something is kept."""
        return tuple(self._kept)

    def add(self, decision: Decision, *, asked: bool = False) -> UnitState:
        """Keep a decision; the state from which the next one is made. `asked`: the store may have taken it."""
        unit = decision.before.unit
        kept = self._kept.setdefault(unit, [])
        if kept and unit not in self._asked and _quiet(decision):
            decision = _with(kept.pop(), decision)
        kept.append(replace(decision, readings=_last(decision.readings)))
        self._asked.discard(unit)
        if asked:
            self._asked.add(unit)
        return _raised(decision)

    def too_long(self, unit: str) -> bool:
        """Whether more is kept of a unit than may be."""
        return len(self._kept.get(unit, ())) > MOST

    def drop(self, unit: str) -> tuple[Reading, ...]:
        """Forget what is kept of a unit; its readings."""
        self._asked.discard(unit)
        return tuple(chain.from_iterable(decision.readings for decision in self._kept.pop(unit, ())))

    def owed(self, units: Sequence[str], now: datetime) -> list[Decision]:
        """All that is kept of these units, as it is to be committed now: the first of each, then the second ..."""
        self._asked.update(units)
        rounds = zip_longest(*(_owed_from(self._kept[unit], now) for unit in units))
        return [decision for one in rounds for decision in one if decision is not None]

    def taken(self, state: UnitState) -> list[Decision] | None:
        """What the store turns out to have taken although it refused, and so is kept no longer; None: none of ours."""
        kept = self._kept[state.unit]
        number = next((number for number, one in enumerate(kept, 1) if _raised(one) == state), 0)
        if not number:
            return None
        taken, kept[:number] = kept[:number], []
        if not kept:
            self.drop(state.unit)
        return taken


def _quiet(decision: Decision) -> bool:
    return not (decision.transitions or decision.incidents or decision.notices or decision.withheld or decision.audit)


def _with(first: Decision, second: Decision) -> Decision:
    """Both as one; the second changed nothing that is told."""
    after = replace(second.after, version=first.after.version)
    return replace(first, after=after, readings=(*first.readings, *second.readings))


def _raised(decision: Decision) -> UnitState:
    return replace(decision.after, version=decision.before.version + 1)


def _last(readings: tuple[Reading, ...]) -> tuple[Reading, ...]:
    if len(readings) <= READINGS:
        return readings
    last = {(reading.indicator, reading.source): number for number, reading in enumerate(readings)}
    kept = {*last.values(), *range(len(readings) - READINGS, len(readings))}
    return tuple(readings[number] for number in sorted(kept))


def _owed_from(kept: Sequence[Decision], now: datetime) -> list[Decision]:
    """The decisions with their messages owed from now on, each withholding the calls that its own calls repeat."""
    called: set[tuple[str, str]] = set()
    made: list[Decision] = []
    for decision in kept:
        calls = dict.fromkeys((one.incident, one.recipient) for one in decision.notices if one.requires is None)
        again: dict[str, set[str]] = {}
        for incident, recipient in calls:
            if (incident, recipient) in called:
                again.setdefault(incident, set()).add(recipient)
        called.update(calls)
        withheld = (Withhold(incident, LATER, frozenset(people)) for incident, people in again.items())
        notices = tuple(_owed_at(notice, now) for notice in decision.notices)
        made.append(replace(decision, notices=notices, withheld=(*decision.withheld, *withheld)))
    return made


def _owed_at(notice: Notice, now: datetime) -> Notice:
    return replace(notice, due_at=max(notice.due_at, now))
