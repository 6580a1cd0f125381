"""What is decided while the store is away, kept in memory until it can be committed as it was decided.

    store   what a decision does
    there   it is committed, then it counts
    away    it is kept here and judged on from; its colours are shown as not stored, and it tells nobody
    back    what was kept is committed in its order: incidents open and end when they did, messages are owed from now on

Nothing is judged a second time at the return: that would date every change to the return, and forget what came and
went. What was owed and is over by then, or was told by a later call, is withheld in the same transaction, before
anybody can claim it. A message keeps the time at which it fell due.

Memory grows with events, not with polls, and has an end: what is told to nobody goes into the decision before it, and
of too many decisions the two oldest become one:

    before                first              after                                            second
    incidents             the last of each; of those that began and ended in between the last ones
    calls                 both; of too many the last to each person by each channel, and those a plan names
    withheld              of what the store has: both; of the calls of the first: by the decision after the two
    changes of colour     both; of too many the last ones, and the last of each criterion
    readings, audit       the same, by source and by what was done
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain, zip_longest
from typing import TypeVar

from monitor.model.incident import Incident, Notice
from monitor.model.reading import Reading
from monitor.model.state import Decision, UnitState, Withhold

T = TypeVar("T")

MOST = 64  # decisions kept of one unit (two at least), and of what one of them tells beside the last of each sort
READINGS = 64  # kept of one decision, beside the last one of each source


class Backlog:
    """Decisions by unit, in their order."""

    def __init__(self) -> None:
        self._kept: dict[str, list[Decision]] = {}  # versions count from that of the first
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
            kept[-1], _ = _folded(kept[-1], decision)
        else:
            kept.append(replace(decision, readings=_last_readings(decision.readings)))
        if len(kept) > MOST:
            first, over = _folded(*kept[:2])
            kept[:3] = first, replace(kept[2], withheld=(*over, *kept[2].withheld))
        self._asked.discard(unit)
        if asked:
            self._asked.add(unit)
        return replace(decision.after, version=kept[0].before.version + len(kept))

    def drop(self, unit: str) -> tuple[Reading, ...]:
        """Forget what is kept of a unit; its readings."""
        self._asked.discard(unit)
        return tuple(chain.from_iterable(decision.readings for decision in self._kept.pop(unit, ())))

    def hasten(self, by: float, now: datetime) -> None:
        """The clock was set back by so many seconds, to `now`: what had fallen due fell due so much earlier.

        What was owed ahead of its time waits for it, as in the outbox.
        """
        step = timedelta(seconds=by)
        for kept in self._kept.values():
            for number, one in enumerate(kept):
                moved = (replace(n, due_at=n.due_at - step) if n.due_at <= now + step else n for n in one.notices)
                kept[number] = replace(one, notices=tuple(moved)) if one.notices else one

    def owed(self, units: Sequence[str]) -> list[Decision]:
        """All that is kept of these units, as it is to be committed: the first of each, then the second ..."""
        self._asked.update(units)
        rounds = zip_longest(*(_numbered(self._kept[unit]) for unit in units))
        return [decision for one in rounds for decision in one if decision is not None]

    def taken(self, state: UnitState) -> list[Decision] | None:
        """What the store turns out to have taken although it refused, and so is kept no longer; None: none of ours.

        It may have taken more decisions, of which some were made one since.
        """
        kept = _numbered(self._kept[state.unit])
        ours = [number for number, one in enumerate(kept, 1) if replace(one.after, version=state.version) == state]
        if not ours:
            return None
        number = min(ours, key=lambda number: abs(kept[0].before.version + number - state.version))
        left = kept[number:]
        if left:
            self._kept[state.unit] = [replace(left[0], before=state), *left[1:]]
        else:
            self.drop(state.unit)
        return kept[:number]


def _quiet(decision: Decision) -> bool:
    """Whether it tells nothing but how an incident is now, such as how many units it counts."""
    return not (decision.transitions or decision.notices or decision.withheld or decision.audit)


def _numbered(kept: Sequence[Decision]) -> list[Decision]:
    first = kept[0].before.version
    return [replace(one, before=replace(one.before, version=number)) for number, one in enumerate(kept, first)]


def _folded(first: Decision, second: Decision) -> tuple[Decision, tuple[Withhold, ...]]:
    """Both as one, and what the decision after them has to withhold: calls of the first that the second withheld."""
    known = {incident.key for incident in first.before.incidents.values()}
    incidents = {incident.key: incident for incident in (*first.incidents, *second.incidents)}
    gone = set(_passed(incidents, known)[:-MOST])
    incidents = {key: incident for key, incident in incidents.items() if key not in gone}
    told = [notice for notice in (*first.notices, *second.notices) if notice.incident not in gone]
    own = {notice.key for notice in first.notices}
    stored = (left for one in second.withheld if one.incident in known and (left := _beyond(one, own)) is not None)
    one = Decision(
        first.before,
        second.after,
        transitions=_last((*first.transitions, *second.transitions), lambda change: change.criterion),
        incidents=tuple(incidents.values()),
        notices=_last(told, _address, lambda notice: _is_named(notice, incidents.get(notice.incident))),
        withheld=_last(tuple(dict.fromkeys((*first.withheld, *stored))), lambda order: replace(order, notices=None)),
        readings=_last_readings((*first.readings, *second.readings)),
        audit=_last((*first.audit, *second.audit), lambda entry: entry.action),
    )
    return one, _over(first.notices, second.withheld)


def _passed(incidents: Mapping[str, Incident], known: Collection[str]) -> list[str]:
    """Those that began and ended in between: the state before does not know them, and they are over."""
    return [key for key, incident in incidents.items() if not incident.open and key not in known]


def _beyond(order: Withhold, own: Collection[str]) -> Withhold | None:
    """What an order means besides these messages, which it names; None: nothing."""
    if order.notices is None:
        return order
    left = order.notices.difference(own)
    return replace(order, notices=left) if left else None


def _over(notices: Sequence[Notice], orders: Sequence[Withhold]) -> tuple[Withhold, ...]:
    """What these orders mean of these messages, each by its key and once."""
    left, found = {notice.key: notice for notice in notices}, []
    for order in orders:
        if keys := frozenset(key for key, notice in left.items() if order.means(notice)):
            found.append(Withhold(order.incident, order.reason, notices=keys))
            left = {key: notice for key, notice in left.items() if key not in keys}
    return tuple(found)


def _address(notice: Notice) -> tuple[Hashable, ...]:
    return (notice.incident, notice.recipient, notice.channel, notice.requires is None)


def _is_named(notice: Notice, incident: Incident | None) -> bool:
    """Whether its incident's plan says that this call was made: the auditor looks for it."""
    return incident is not None and any(step.called == notice.call for step in incident.steps)


def _last(
    items: Sequence[T],
    sort: Callable[[T], Hashable],
    needed: Callable[[T], bool] = lambda _one: False,
    most: int | None = None,
) -> tuple[T, ...]:
    """The last ones, the last of each sort, and those that are needed, in their order."""
    begin = len(items) - (MOST if most is None else most)
    if begin <= 0:
        return tuple(items)
    last = {sort(one): number for number, one in enumerate(items)}
    return tuple(one for number, one in enumerate(items) if number >= begin or last[sort(one)] == number or needed(one))


def _last_readings(readings: tuple[Reading, ...]) -> tuple[Reading, ...]:
    return _last(readings, lambda reading: (reading.indicator, reading.source), most=READINGS)
