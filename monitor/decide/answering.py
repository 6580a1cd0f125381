"""Somebody answers an incident of a unit, or the one who was called holds the post no more."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from monitor.alerting.incidents import acknowledge as acknowledge_incident
from monitor.alerting.incidents import hand_on as hand_on_call
from monitor.alerting.incidents import holds_post as still_held
from monitor.decide.policy import Policy
from monitor.decide.scenes import scene_of
from monitor.model.errors import NotFound, Outdated
from monitor.model.incident import Incident, Notice
from monitor.model.state import AuditEntry, Decision, UnitState


def acknowledge(
    state: UnitState,
    ref: str,
    actor: str,
    note: str,
    now: datetime,
    *,
    party: str = "",
    until: datetime | None = None,
    via: str = "",
) -> Decision:
    """Somebody answered, for `party` or those they belong to: later steps are withheld.

    `via` says by which way, for the audit; empty: with a token.

    Raises NotFound when no open incident of the unit is meant, ValueError as `alerting.incidents.acknowledge` does.
    """
    found = _meant(state, ref)
    incident, withheld = acknowledge_incident(found, actor, note, now, party=party, until=until)
    others = {cause: other for cause, other in state.incidents.items() if cause != incident.cause}
    kept = {**others, incident.cause: incident} if incident.open else others
    # An answer that lapses, or of which the holder is to be reminded, is a reason to look again.
    again = [at for at in (state.recheck_at, incident.remind_at, incident.acked_until) if at is not None]
    after = replace(state, incidents=kept, recheck_at=min(again, default=None))
    said = ", ".join(part for part in (via, party, note) if part)
    entry = AuditEntry(now, actor, "acknowledge", incident.key, said)
    return Decision(before=state, after=after, incidents=(incident,), withheld=withheld, audit=(entry,))


def hand_on(state: UnitState, left: Notice, policy: Policy, now: datetime) -> tuple[Decision, bool]:
    """A message went to nobody, because its recipient holds the post no more: their successors are called, or the next
    step at once. With it whether somebody hears of it by that, or nobody need.

    Raises NotFound when its incident is not open.
    """
    found = _meant(state, left.incident)
    scene = scene_of(policy.units[state.unit], state.criteria, state.evidence, policy, now)
    alerts, heard = hand_on_call(found, left, scene, now)
    again = [at for at in (state.recheck_at, alerts.recheck_at) if at is not None]
    after = replace(state, incidents={**state.incidents, **alerts.open}, recheck_at=min(again, default=None))
    made = Decision(state, after, (), alerts.changed, alerts.notices, alerts.withheld, audit=alerts.audit)
    return made, heard


def holds_post(state: UnitState, notice: Notice, policy: Policy, now: datetime) -> bool:
    """Whether the recipient of a call about this unit holds the post still that was called; of what is no call: yes."""
    incident = next((one for one in state.incidents.values() if one.key == notice.incident), None)
    if incident is None or notice.requires is not None:
        return True
    return still_held(incident, notice, policy.directory, policy.units.answering(state.unit), policy.calendar, now)


def check_told(state: UnitState, ref: str, told: int | None) -> None:
    """Whether somebody who was told of an incident up to this generation may answer it; None: as it is now.

    Raises NotFound, and Outdated when it is another trouble by now.
    """
    found = _meant(state, ref)
    if told is not None and not found.same_trouble(told):
        raise Outdated(f"incident {found.ref} has changed since its generation {told}")


def _meant(state: UnitState, ref: str) -> Incident:
    found = next((i for i in state.incidents.values() if ref in (i.ref, i.key)), None)
    if found is None:
        raise NotFound(f"no open incident {ref!r} at unit {state.unit}")
    return found
