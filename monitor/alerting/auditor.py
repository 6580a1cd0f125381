"""The auditor: a second, simple look at every open incident, apart from the code that calls people.

It holds what is stored of the plans against what is stored of the messages, and names what does not fit:

| fault | what it means |
|---|---|
| uncalled | a call is overdue, the incident is open, and nothing excuses it (silence, maintenance) |
| untold | a step is marked as called, yet no message of that call was ever owed, and no reason is noted |
| lost | a message that the incident remembers as owed is not in the outbox |
| unreasoned | a message was suppressed, and nobody wrote down why |

What is owed and merely waits, is tried again, was refused or was withheld with its reason is no gap: the outbox says
so itself, and what waits too long there is `stuck_outbox` (`monitor.alerting.selfwatch`).

So that a look costs little however many incidents are open, `owes_since` is written beside each incident and indexed:
what is overdue is found by it at every run, the rest is held against the outbox a stretch at each run.

Two runs must find the same gap before it counts. So nothing is blamed that was about to be decided at the moment of a
look, also after a pause of the whole machine; a real gap is still there a minute later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from monitor.alerting.collapse import hushed
from monitor.alerting.muting import silence_of
from monitor.model.colour import Colour
from monitor.model.incident import Incident, Outcome, Phase, Step
from monitor.model.matcher import subject
from monitor.model.muting import Muting, under_way
from monitor.model.state import UnitState
from monitor.model.unit import Units

Rows = Mapping[str, tuple[str, str]]  # notice key -> (state, why) in the outbox
_OUT_OF_JUDGEMENT = (Colour.MAINTENANCE, Colour.EXCLUDED)


class Fault(StrEnum):
    """What does not fit."""

    UNCALLED = "uncalled"
    UNTOLD = "untold"
    LOST = "lost"
    UNREASONED = "unreasoned"


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """One thing that an incident's plan owed and the outbox does not show."""

    incident: str  # key
    ref: str
    fault: Fault
    what: str  # the step (its generation, number and roles), or the key of the message


def gaps(
    incidents: Iterable[Incident],
    outbox: Mapping[str, Rows],
    excuse: Callable[[Incident], str],
    now: datetime,
    grace: float,
) -> tuple[Gap, ...]:
    """Everything that does not fit now. `outbox` holds the messages of each incident by its key.

    `excuse` says why an incident calls nobody now (`excused`), empty when it must. A call is overdue `grace` seconds
    after its time.
    """
    return tuple(
        gap for incident in incidents for gap in _of(incident, outbox.get(incident.key, {}), excuse, now, grace)
    )


def _of(
    incident: Incident, rows: Rows, excuse: Callable[[Incident], str], now: datetime, grace: float
) -> Iterable[Gap]:
    def gap(fault: Fault, what: str) -> Gap:
        return Gap(incident.key, incident.ref, fault, what)

    late = now - timedelta(seconds=grace)
    waiting = [(step, _waits_since(step)) for step in incident.steps] if incident.phase is Phase.OPEN else []
    overdue = [step for step, since in waiting if since is not None and since <= late]
    if overdue and not excuse(incident):
        yield from (gap(Fault.UNCALLED, _name(incident, step)) for step in overdue)
    yield from (gap(Fault.UNTOLD, _name(incident, step)) for step in incident.steps if not _told(incident, step, rows))
    yield from (gap(Fault.LOST, key) for key in incident.owed if key not in rows)
    for key, (state, why) in rows.items():
        if state == Outcome.SUPPRESSED and not why:
            yield gap(Fault.UNREASONED, key)


def owes_since(incident: Incident) -> datetime | None:
    """Since when, or from when on, an incident owes a call; None while it owes none.

    Worked out here, from the steps alone, and not where people are called.
    """
    if incident.phase is not Phase.OPEN:
        return None
    return min((at for step in incident.steps if (at := _waits_since(step)) is not None), default=None)


def _waits_since(step: Step) -> datetime | None:
    """Since when the step has owed a call; None when it owes none."""
    call = step.due_at if step.fired == 0 or step.repeat is not None else None
    return min((at for at in (call, step.held_until) if at is not None), default=None)


def _told(incident: Incident, step: Step, rows: Rows) -> bool:
    """Whether a step that was called left a message or a reason."""
    if step.fired == 0 or step.skipped or step.held:
        return True
    if step.called:
        return any(key.startswith(f"{incident.key}/{step.called}/") for key in rows)
    # Called by a version that did not write the name down: any message to any of its people will do.
    ends = tuple(f"/{address.recipient}/{address.channel}" for address in step.to)
    return not ends or any(key.endswith(ends) for key in rows)


def _name(incident: Incident, step: Step) -> str:
    return f"step {incident.generation}/{incident.steps.index(step)} ({step.role})"


def excused(incident: Incident, state: UnitState | None, units: Units, muting: Muting, now: datetime) -> str:
    """Why an open incident calls nobody at this instant; empty when it must call."""
    if state is None or incident.unit not in units:
        return "the unit is not on the site"
    work = under_way(muting.windows_of(incident.unit, units), now)
    if work is not None:
        return work[0].reason
    judged = state.criteria.get(incident.cause)
    if judged is not None and judged.told in _OUT_OF_JUDGEMENT:
        return judged.told.value
    if hushed(incident):
        return "all that it counts is muted"
    silence = silence_of(incident, subject(incident.unit, units), muting, now)
    return silence.reason if silence is not None else ""


@dataclass(frozen=True, slots=True)
class Audit:
    """What the runs so far have found."""

    suspected: frozenset[Gap] = frozenset()  # by the last run
    found: frozenset[Gap] = frozenset()  # by the last two

    def after(self, gaps: Iterable[Gap]) -> Audit:
        """With one more run."""
        seen = frozenset(gaps)
        return Audit(seen, seen & self.suspected)
