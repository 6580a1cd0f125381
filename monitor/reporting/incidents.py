"""Incidents of a span as a report: what happened, how soon somebody answered, how long it lasted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import median

from monitor.model.colour import Colour
from monitor.model.incident import MASS_PREFIX, Incident, Kind, Phase
from monitor.model.muting import Span
from monitor.model.state import AuditEntry
from monitor.reporting.anonymous import person
from monitor.reporting.columns import COLOUR, KIND, KINDS, NAME, REFERENCE, UNIT, Columns, table
from monitor.reporting.report import Column, Report, Shares, Sort, Words
from monitor.reporting.scene import Scene

_PHASES: Mapping[Phase, Words] = {
    Phase.OPEN: ("chưa ai xác nhận", "open"),
    Phase.ACKNOWLEDGED: ("đã xác nhận", "acknowledged"),
    Phase.CLOSING: ("đang theo dõi", "closing"),
    Phase.UNANSWERED: ("đã hết, chưa ai xác nhận", "over, unanswered"),
    Phase.CLOSED: ("đã đóng", "closed"),
}


def as_it_was(incident: Incident, at: datetime) -> Incident | None:
    """An incident as far as it is known to have gone at an instant; None before it opened.

    What is kept is its last state. An answer that lapsed or was dropped before then is not known any more.
    """
    if incident.opened_at > at:
        return None
    ahead = any(when is not None and when > at for when in (incident.closed_at, incident.well_since))
    phase = Phase.OPEN if ahead else incident.phase
    acked_at, acked_by = incident.acked_at, incident.acked_by
    if acked_at is not None and acked_at > at:
        acked_at = acked_by = None
        phase = Phase.OPEN if phase is Phase.ACKNOWLEDGED else phase
    elif acked_at is not None and phase is Phase.OPEN:
        phase = Phase.ACKNOWLEDGED
    return replace(
        incident,
        phase=phase,
        acked_at=acked_at,
        acked_by=acked_by,
        answers=tuple(answer for answer in incident.answers if answer.at <= at),
        closed_at=None if ahead else incident.closed_at,
        well_since=None if ahead else incident.well_since,
    )


def kind_words(kind: Kind) -> Words:
    """What sort of trouble, in words."""
    return KINDS[kind]


def source_of(incident: Incident) -> str:
    """Which source is silent: the cause is `silent:<source>`."""
    return incident.cause.partition(":")[2]


def cause_words(incident: Incident, scene: Scene) -> Words:
    """The criterion's title, or which source is silent."""
    if incident.kind is Kind.SILENT:
        source = source_of(incident)
        return f"nguồn {source}", f"source {source}"
    rule = scene.rules().get(incident.cause.removeprefix(MASS_PREFIX))
    return (incident.cause, incident.cause) if rule is None else (rule.title_vi, rule.title_en)


def during(found: Iterable[Incident], scene: Scene, span: Span) -> list[Incident]:
    """Incidents of the scene that were open at some time of a span, as they were at its end, oldest first.

    What opens at midnight, as a missed date does, is of the day that begins.
    """
    then = (
        as_it_was(incident, span.ends)
        for incident in found
        if scene.about(incident.unit) and incident.opened_at < span.ends
    )
    kept = [one for one in then if one is not None and (one.closed_at is None or one.closed_at > span.starts)]
    return sorted(kept, key=lambda one: (one.opened_at, one.key))


Answers = Mapping[str, AuditEntry]  # key of an incident -> its first answer


def first_answers(audit: Iterable[AuditEntry]) -> Answers:
    """Who answered each incident first, from the audit: an answer that lapsed or was dropped later was one."""
    found: dict[str, AuditEntry] = {}
    for entry in audit:
        if entry.action == "acknowledge":
            found.setdefault(entry.subject, entry)
    return found


def incidents_report(scene: Scene, found: Iterable[Incident], answers: Answers, span: Span) -> Report:
    """What was open in a span, with answers up to its end. Quiet is not missing, unless it was before the record."""
    told = during(found, scene, span)
    answers = {key: entry for key, entry in answers.items() if entry.at <= span.ends}
    waiting = sum(one.phase in (Phase.OPEN, Phase.UNANSWERED) for one in told)
    counts = Counter(one.colour for one in told)
    return scene.report(
        "incidents",
        ("Sự cố", "Incidents"),
        span,
        (
            table("incidents", ("Sự cố", "Incidents"), _incidents(scene, answers, span), told),
            table("kinds", ("Theo loại", "By kind"), _BY_KIND, (_kind(kind, told, answers) for kind in Kind)),
        ),
        (
            (
                f"{len(told)} sự cố; {waiting} chưa có người xác nhận.",
                f"{len(told)} incidents; {waiting} have no answer.",
            ),
        ),
        (Shares(("Theo màu", "By colour"), tuple((colour, counts[colour]) for colour in Colour)),) if told else (),
        empty=not told and scene.before_record(span),
        bad=waiting > 0,
    )


@dataclass(frozen=True, slots=True)
class _OfKind:
    """The incidents of one kind. Spans in seconds."""

    kind: Kind
    number: int
    answered_in: tuple[float, ...]
    lasted: tuple[float, ...]  # of those that are closed


def _kind(kind: Kind, told: Sequence[Incident], answers: Answers) -> _OfKind:
    of_kind = [one for one in told if one.kind is kind]
    waits = ((answers[one.key].at - one.opened_at).total_seconds() for one in of_kind if one.key in answers)
    lasted = (_seconds(one.opened_at, one.closed_at) for one in of_kind)
    return _OfKind(kind, len(of_kind), tuple(waits), tuple(took for took in lasted if took is not None))


def _seconds(since: datetime, until: datetime | None) -> float | None:
    return None if until is None else round((until - since).total_seconds(), 3)


def _median(seconds: Sequence[float]) -> float | None:
    return median(seconds) if seconds else None


_BY_KIND: Columns[_OfKind] = (
    (KIND, lambda one: kind_words(one.kind)),
    (Column("number", ("Số sự cố", "Incidents"), Sort.WHOLE), lambda one: one.number),
    (Column("answered", ("Đã xác nhận", "Answered"), Sort.WHOLE), lambda one: len(one.answered_in)),
    (
        Column("answered_in", ("Xác nhận sau (trung vị)", "Answered in (median)"), Sort.SECONDS),
        lambda one: _median(one.answered_in),
    ),
    (Column("closed", ("Đã đóng", "Closed"), Sort.WHOLE), lambda one: len(one.lasted)),
    (Column("lasted", ("Kéo dài (trung vị)", "Lasted (median)"), Sort.SECONDS), lambda one: _median(one.lasted)),
    (Column("open", ("Còn mở", "Still open"), Sort.WHOLE), lambda one: one.number - len(one.lasted)),
)


def incident_columns(scene: Scene) -> Columns[Incident]:
    """What every table of incidents begins with."""
    return (
        (REFERENCE, lambda one: one.ref),
        (UNIT, lambda one: one.unit),
        (NAME, lambda one: scene.name(one.unit)),
        (COLOUR, lambda one: one.colour),
        (KIND, lambda one: kind_words(one.kind)),
        (Column("cause", ("Nguyên nhân", "Cause")), lambda one: cause_words(one, scene)),
        (Column("opened", ("Bắt đầu", "Opened"), Sort.INSTANT), lambda one: one.opened_at),
    )


def _incidents(scene: Scene, answers: Answers, span: Span) -> Columns[Incident]:
    def answered_in(one: Incident) -> float | None:
        return _seconds(one.opened_at, answers[one.key].at) if one.key in answers else None

    return (
        *incident_columns(scene),
        (Column("answered_in", ("Xác nhận sau", "Answered in"), Sort.SECONDS), answered_in),
        (
            Column("by", ("Người xác nhận", "By"), Sort.CODE),
            lambda one: person(answers[one.key].actor) if one.key in answers else None,
        ),
        (Column("closed", ("Kết thúc", "Closed"), Sort.INSTANT), lambda one: one.closed_at),
        (
            Column("lasted", ("Kéo dài", "Lasted"), Sort.SECONDS),
            lambda one: _seconds(one.opened_at, one.closed_at or span.ends),
        ),
        (Column("phase", ("Tình trạng", "Phase")), lambda one: _PHASES[one.phase]),
    )
