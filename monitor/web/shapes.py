"""Committed facts as JSON: colours are words, instants ISO 8601 in UTC, numbers plain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from monitor.alerting.escalate import SPARED
from monitor.alerting.selfwatch import Alarm
from monitor.config.spec import FeedSpec
from monitor.engine.index import GroupPoints, IndexPoints
from monitor.model.colour import Colour
from monitor.model.incident import Delivery, Incident, Step
from monitor.model.reading import Reading, Rejected, SourceHealth
from monitor.model.state import UnitState
from monitor.model.unit import Unit, Units
from monitor.model.verdict import Counts, CriterionState, Forecast, Param, Reason
from monitor.reporting.refusals import refusal
from monitor.reporting.why import CriterionWhy, Why

Json = Mapping[str, object]


def iso(instant: datetime | None) -> str | None:
    """ISO 8601 in UTC with a Z; None stays None."""
    return None if instant is None else instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def unit_summary(unit: Unit, state: UnitState) -> Json:
    """One unit as it stands in lists."""
    standing = state.standing
    return {
        "code": unit.code,
        "level": unit.level.value,
        "kind": unit.kind,
        "name": {"vi": unit.name_vi, "en": unit.name_en},
        "parent": unit.parent,
        "province": unit.province,
        "colour": state.colour.value,
        "computed_colour": state.colour.value,
        "reported_colour": state.reported.value,
        "since": iso(standing.since if standing else None),
        "last_known_colour": standing.level.value if standing else Colour.UNKNOWN.value,
        "score": standing.score if standing else None,
        "coverage": standing.coverage if standing else 0.0,
        "caused_by": standing.caused_by if standing else None,
        "open_incidents": len(state.incidents),
        "version": state.version,
    }


def unit_detail(unit: Unit, state: UnitState, units: Units) -> Json:
    """One unit with its criteria, readings, edges and open incidents."""
    standing = state.standing
    return {
        **unit_summary(unit, state),
        "valid_from": unit.valid_from.isoformat() if unit.valid_from else None,
        "valid_to": unit.valid_to.isoformat() if unit.valid_to else None,
        "depends_on": list(unit.depends_on),
        "dependants": list(units.dependants(unit.code)),
        "children": list(units.children(unit.code)),
        "counts": _counts(standing.children if standing else None),
        "reasons": _reasons(standing.reasons if standing else ()),
        "criteria": [_criterion(held) for held in state.criteria.values()],
        "readings": [_reading(reading) for reading in state.evidence.values()],
        "incidents": [incident_summary(incident) for incident in state.incidents.values()],
        "recheck_at": iso(state.recheck_at),
    }


def explanation(answer: Why) -> Json:
    """Why a unit has its colour, with sentences in both languages."""
    return {
        "code": answer.unit.code,
        "name": {"vi": answer.unit.name_vi, "en": answer.unit.name_en},
        "at": iso(answer.at),
        "colour": answer.colour.value,
        "since": iso(answer.since),
        "last_known_colour": answer.level.value,
        "score": answer.score,
        "coverage": answer.coverage,
        "caused_by": answer.caused_by,
        "reasons": _sentences(answer.reasons),
        "criteria": [_why(criterion) for criterion in answer.criteria],
        "computed_colour": answer.colour.value,
        "reported_colour": answer.reported.value,
        "indexes": [_index(index) for index in answer.indexes],
    }


def _index(index: IndexPoints) -> Json:
    return {
        "book": index.book,
        "name": {"vi": index.title_vi, "en": index.title_en},
        **_points(index),
        "groups": [
            {"id": group.id, "name": {"vi": group.name_vi, "en": group.name_en}, **_points(group)}
            for group in index.groups
        ],
    }


def _points(of: IndexPoints | GroupPoints) -> Json:
    grade = of.grade
    return {
        "points": of.points,
        "known_maximum": of.known,
        "maximum": of.maximum,
        "grade": None if grade is None else {"id": grade.id, "vi": grade.name_vi, "en": grade.name_en},
        "assumed": grade is not None and grade.assumed,
    }


def incident_summary(incident: Incident) -> Json:
    """One incident as it stands in lists."""
    return {
        "ref": incident.ref,
        "key": incident.key,
        "unit": incident.unit,
        "cause": incident.cause,
        "kind": incident.kind.value,
        "colour": incident.colour.value,
        "phase": incident.phase.value,
        "opened_at": iso(incident.opened_at),
        "acknowledged_by": incident.acked_by,
        "acknowledged_at": iso(incident.acked_at),
        "note": incident.ack_note,
        "acknowledged_until": iso(incident.acked_until),
        "answers": [
            {"by": one.by, "at": iso(one.at), "note": one.note, "party": one.party} for one in incident.answers
        ],
        "awaits": [party.name for party in incident.missing],
        "covered_by": {"unit": incident.cover.unit, "cause": incident.cover.cause} if incident.cover else None,
        "well_since": iso(incident.well_since),
        "paused_since": iso(incident.paused_since),
        "closed_at": iso(incident.closed_at),
        "generation": incident.generation,
    }


def own_alarm(alarm: Alarm) -> Json:
    """What the monitor says of itself; `messages` were sent to each of its operators."""
    return {
        "ref": alarm.ref,
        "condition": alarm.condition.value,
        "since": iso(alarm.since),
        "messages": alarm.told,
        "acknowledged_by": alarm.answered_by or None,
    }


def incident_detail(incident: Incident, deliveries: Sequence[Delivery]) -> Json:
    """One incident with its frozen plan and what became of its messages."""
    return {
        **incident_summary(incident),
        "policy": incident.policy,
        "facts": _params(incident.facts),
        "steps": [_step(step) for step in incident.steps],
        "deliveries": [_delivery(delivery) for delivery in deliveries],
    }


def _criterion(held: CriterionState) -> Json:
    verdict = held.verdict
    return {
        "id": held.criterion,
        "colour": held.colour.value,
        "since": iso(held.since),
        "last_known_colour": held.level.value,
        "value": verdict.value,
        "comparator": verdict.comparator.value,
        "numerator": verdict.numerator,
        "denominator": verdict.denominator,
        "as_of": iso(verdict.as_of),
        "received_at": iso(verdict.received_at),
        "source": verdict.source,
        "deadline": iso(verdict.deadline),
        "working_days_left": verdict.working_days_left,
        "days_left": verdict.days_left,
        "overdue": verdict.overdue,
        "forecast": _forecast(verdict.forecast),
        "weight": held.weight,
        "critical": held.critical,
        "caused_by": held.caused_by,
        "reasons": _reasons(held.reasons),
    }


def _forecast(ahead: Forecast | None) -> Json | None:
    return None if ahead is None else asdict(ahead)


def _why(criterion: CriterionWhy) -> Json:
    return {
        "id": criterion.id,
        "title": {"vi": criterion.title[0], "en": criterion.title[1]},
        "colour": criterion.colour.value,
        "since": iso(criterion.since),
        "event_since": iso(criterion.event_since),
        "last_known_colour": criterion.level.value,
        "value": {"vi": criterion.value[0], "en": criterion.value[1]},
        "thresholds": list(criterion.thresholds),
        "reasons": _sentences(criterion.reasons),
        "deadline": iso(criterion.deadline),
        "working_days_left": criterion.working_days_left,
        "days_left": criterion.days_left,
        "overdue": criterion.overdue,
        "forecast": _forecast(criterion.forecast),
        "outlook": _sentences(criterion.ahead),
        "as_of": iso(criterion.as_of),
        "data_age_seconds": criterion.data_age,
        "note": criterion.told,
        "source": criterion.source,
        "weight": criterion.weight,
        "critical": criterion.critical,
        "caused_by": criterion.caused_by,
        "rule": criterion.rule,
        "legal_basis": list(criterion.legal_basis),
        "basis": criterion.basis,
        "assumed": criterion.assumed,
    }


def _reading(reading: Reading) -> Json:
    return {
        "indicator": reading.indicator,
        "value": reading.value,
        "comparator": reading.comparator.value,
        "numerator": reading.numerator,
        "denominator": reading.denominator,
        "as_of": iso(reading.as_of),
        "received_at": iso(reading.received_at),
        "source": reading.source,
        "note": reading.note,
    }


def _step(step: Step) -> Json:
    return {
        "role": step.role,
        "due_at": iso(step.due_at),
        "calls_made": 0 if step.skipped == SPARED else step.fired,
        "repeat_seconds": step.repeat,
        "office_hours": step.office_hours,
        "to": [{"recipient": address.recipient, "channel": address.channel} for address in step.to],
    }


def _delivery(delivery: Delivery) -> Json:
    notice = delivery.notice
    return {
        "recipient": notice.recipient,
        "channel": notice.channel,
        "kind": notice.kind,
        "due_at": iso(notice.due_at),
        "state": delivery.state,
        "attempt": delivery.attempt,
        "sent_at": iso(delivery.sent_at),
        "detail": delivery.detail,
        "provider_id": delivery.provider_id,
        "final": delivery.final,
        "subject": notice.subject,
        "body": notice.body,
        "sms": notice.sms,
    }


def _reasons(reasons: Sequence[Reason]) -> list[Json]:
    return [{"code": reason.code, "params": _params(reason.params)} for reason in reasons]


def _params(params: Mapping[str, Param]) -> Json:
    return {key: iso(value) if isinstance(value, datetime) else value for key, value in params.items()}


def _sentences(pairs: Sequence[tuple[str, str]]) -> list[Json]:
    return [{"vi": vietnamese, "en": english} for vietnamese, english in pairs]


def _counts(counts: Counts | None) -> Json | None:
    if counts is None:
        return None
    return {colour.value: getattr(counts, colour.value) for colour in Colour}


def feed_summary(spec: FeedSpec, health: SourceHealth | None) -> Json:
    """One feed as it stands in lists. A feed that was never asked has no instants."""
    known = health or SourceHealth(spec.id, spec.owner)
    failing = known.failing_since is not None
    return {
        "id": spec.id,
        "kind": spec.kind,
        "owner": spec.owner,
        "indicators": [column.indicator for column in spec.columns],
        "period_seconds": spec.period,
        "answers": known.answers,
        "last_success": iso(known.last_success),
        "failing_since": iso(known.failing_since),
        "failure": {"stage": known.stage, "detail": known.failure} if failing else None,
        "rows": known.shape.rows if known.shape else None,
        "held_back": known.held,
        "refused": dict(known.refused),
    }


def feed_detail(spec: FeedSpec, health: SourceHealth | None) -> Json:
    """One feed with its rows that are not believed and how its headers have changed."""
    drift = health.drift if health else None
    return {
        **feed_summary(spec, health),
        "rejected": [_rejected(one) for one in health.rejected] if health else [],
        "drift": {"at": iso(drift.at), "gone": list(drift.gone), "new": list(drift.new)} if drift else None,
    }


def _rejected(one: Rejected) -> Json:
    vi, en = refusal(one.reason)
    return {
        "row": one.row,
        "reason": one.reason,
        "text": {"vi": vi, "en": en},
        "detail": one.detail,
        "unit": one.unit,
        "indicator": one.column,
        "value": one.cell,
        "first_seen": iso(one.first_seen),
    }
