"""Calls that nobody took: every message of a step failed, by every channel, so nobody knows of the trouble.

The store names them (`monitor.ports.Store.unheard`). Here those are left out that need not be told any more: the
incident was answered, is well or silenced, a wider trouble explains it, or it has worsened and was called for anew.
What a limit holds and is not red may wait for its room as long as any message may be stuck, and counts after that.
What is left is one alarm of the monitor itself, until somebody is told of each of these incidents or nobody need be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from monitor.alerting.plan import Directory
from monitor.alerting.selfwatch import Figures
from monitor.model.incident import Incident, Phase, Step, Unheard

GRACE = 60.0  # seconds after its time from which on a call that fails everywhere counts; before, it is being tried
_NAMED = 3  # posts in a message


def still_owed(
    calls: Sequence[Unheard], known: Callable[[Unheard], Incident | None], excuse: Callable[[Incident], str]
) -> list[tuple[Unheard, Incident]]:
    """Those of the calls that somebody should still hear, each with its incident as it is `known` now.

    `excuse` says why an incident calls nobody now (`monitor.alerting.auditor.excused`), empty when it must.
    """
    found = ((call, known(call)) for call in calls)
    return [(call, one) for call, one in found if one is not None and _owed(call, one) and not excuse(one)]


def _owed(call: Unheard, incident: Incident) -> bool:
    generation, step, *_ = (*call.call.split("/"), "")
    planned = generation.isdigit() and step.isdigit() and incident.same_trouble(int(generation))
    explained = incident.cover is not None and incident.cover.whole
    return planned and incident.phase is Phase.OPEN and not explained and not _answered(call, incident)


def _answered(call: Unheard, incident: Incident) -> bool:
    """Whether all whom the call meant have answered, as one of several parties."""
    meant = _step(call, incident)
    return meant is not None and bool(meant.to) and all(one.recipient in incident.answered for one in meant.to)


def _step(call: Unheard, incident: Incident) -> Step | None:
    """The step of a call; None where it is not known any more: a plan in part made anew has other numbers."""
    named = next((step for step in incident.steps if step.called == call.call), None)
    generation, number, *_ = call.call.split("/")
    if named is None and generation == str(incident.generation) and int(number) < len(incident.steps):
        return incident.steps[int(number)]
    return named


def figures(owed: Sequence[tuple[Unheard, Incident]], directory: Directory) -> Figures | None:
    """What the alarm says: how many calls, and of the oldest the unit, the incident and the posts; None without any."""
    if not owed:
        return None
    call, incident = owed[0]
    step = _step(call, incident)
    roles = step.role.split(",") if step else []
    titles = [directory.roles.get(role, (role, role)) for role in roles if role][:_NAMED]
    vi, en = (", ".join(names) or None for names in zip(*titles, strict=True)) if titles else (None, None)
    return {
        "count": len(owed), "first_code": incident.unit, "first_ref": incident.ref, "posts_vi": vi, "posts_en": en,
    }  # fmt: skip
