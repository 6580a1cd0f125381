"""Incidents of a span as a report: what happened, how soon somebody answered, how long it lasted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from statistics import median

from monitor.model.colour import Colour
from monitor.model.incident import MASS_PREFIX, Incident, Kind, Phase
from monitor.model.muting import Span
from monitor.model.state import AuditEntry
from monitor.reporting.masking import person
from monitor.reporting.report import Cell, Column, Report, Shares, Sort, Table, Words, nothing_recorded
from monitor.reporting.scene import Scene

_KINDS: Mapping[Kind, Words] = {
    Kind.OUTAGE: ("gián đoạn", "outage"),
    Kind.KPI_YELLOW: ("chỉ tiêu chưa đạt", "target not met"),
    Kind.KPI_RED: ("chỉ số mức đỏ", "figure is red"),
    Kind.OVERDUE: ("quá hạn", "overdue"),
    Kind.SILENT: ("nguồn không gửi số liệu", "source is silent"),
    Kind.MASS: ("sự cố diện rộng", "mass outage"),
}
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
    return _KINDS[kind]


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


_COLUMNS = (
    Column("ref", ("Mã sự cố", "Reference"), Sort.CODE),
    Column("unit", ("Mã", "Code"), Sort.CODE),
    Column("name", ("Đơn vị", "Unit")),
    Column("colour", ("Màu", "Colour"), Sort.COLOUR),
    Column("kind", ("Loại", "Kind")),
    Column("cause", ("Nguyên nhân", "Cause")),
    Column("opened", ("Bắt đầu", "Opened"), Sort.INSTANT),
    Column("answered_in", ("Xác nhận sau", "Answered in"), Sort.SECONDS),
    Column("by", ("Người xác nhận", "By"), Sort.CODE),
    Column("closed", ("Kết thúc", "Closed"), Sort.INSTANT),
    Column("lasted", ("Kéo dài", "Lasted"), Sort.SECONDS),
    Column("phase", ("Tình trạng", "Phase")),
)
_BY_KIND = (
    Column("kind", ("Loại", "Kind")),
    Column("number", ("Số sự cố", "Incidents"), Sort.WHOLE),
    Column("answered", ("Đã xác nhận", "Answered"), Sort.WHOLE),
    Column("answered_in", ("Xác nhận sau (trung vị)", "Answered in (median)"), Sort.SECONDS),
    Column("closed", ("Đã đóng", "Closed"), Sort.WHOLE),
    Column("lasted", ("Kéo dài (trung vị)", "Lasted (median)"), Sort.SECONDS),
    Column("open", ("Còn mở", "Still open"), Sort.WHOLE),
)


def during(found: Iterable[Incident], scene: Scene, span: Span) -> list[Incident]:
    """Incidents of the scene that were open at some time of a span, as they were at its end, oldest first."""
    then = (as_it_was(incident, span.ends) for incident in found if scene.about(incident.unit))
    kept = [one for one in then if one is not None and (one.closed_at is None or one.closed_at >= span.starts)]
    return sorted(kept, key=lambda one: (one.opened_at, one.key))


Answers = Mapping[str, AuditEntry]  # key of an incident -> its first answer


def first_answers(audit: Iterable[AuditEntry]) -> Answers:
    """Who answered each incident first, from the audit: an answer that lapsed or was dropped later was one."""
    found: dict[str, AuditEntry] = {}
    for entry in audit:
        if entry.action == "acknowledge":
            found.setdefault(entry.subject, entry)
    return found


def incidents_report(
    scene: Scene,
    found: Iterable[Incident],
    answers: Answers,
    span: Span,
    at: datetime,
    began: datetime | None = None,
) -> Report:
    """What was open in a span, with answers up to its end. `began` is when the record begins: quiet is not missing."""
    told = during(found, scene, span)
    answers = {key: entry for key, entry in answers.items() if entry.at <= span.ends}
    waiting = sum(one.phase in (Phase.OPEN, Phase.UNANSWERED) for one in told)
    empty = not told and (began is None or began >= span.ends)
    rows = tuple(_row(one, answers.get(one.key), scene, span) for one in told)
    counts = Counter(one.colour for one in told)
    return Report(
        kind="incidents",
        title=("Sự cố", "Incidents"),
        site=scene.site,
        zone=scene.calendar.zone,
        at=at,
        span=span,
        tables=(
            Table("incidents", ("Sự cố", "Incidents"), _COLUMNS, rows),
            Table("kinds", ("Theo loại", "By kind"), _BY_KIND, tuple(_kind_row(kind, told, answers) for kind in Kind)),
        ),
        paragraphs=(
            nothing_recorded(began, scene.calendar.zone)
            if empty
            else (
                f"{len(told)} sự cố; {waiting} chưa có người xác nhận.",
                f"{len(told)} incidents; {waiting} have no answer.",
            ),
        ),
        charts=(Shares(("Theo màu", "By colour"), tuple((colour, counts[colour]) for colour in Colour)),)
        if told
        else (),
        empty=empty,
        bad=waiting > 0,
    )


def _seconds(since: datetime, until: datetime | None) -> float | None:
    return None if until is None else round((until - since).total_seconds(), 3)


def _row(one: Incident, answer: AuditEntry | None, scene: Scene, span: Span) -> tuple[Cell, ...]:
    return (
        one.ref,
        one.unit,
        scene.name(one.unit),
        one.colour,
        kind_words(one.kind),
        cause_words(one, scene),
        one.opened_at,
        None if answer is None else _seconds(one.opened_at, answer.at),
        None if answer is None else person(answer.actor),
        one.closed_at,
        _seconds(one.opened_at, one.closed_at or span.ends),
        _PHASES[one.phase],
    )


def _kind_row(kind: Kind, told: Sequence[Incident], answers: Answers) -> tuple[Cell, ...]:
    of_kind = [one for one in told if one.kind is kind]
    waits = [(answers[one.key].at - one.opened_at).total_seconds() for one in of_kind if one.key in answers]
    lasted = [took for one in of_kind if (took := _seconds(one.opened_at, one.closed_at)) is not None]
    return (
        kind_words(kind),
        len(of_kind),
        len(waits),
        median(waits) if waits else None,
        len(lasted),
        median(lasted) if lasted else None,
        len(of_kind) - len(lasted),
    )
