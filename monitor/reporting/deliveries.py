"""Messages of a span as a report: what was owed, by which channel, and what became of it. People are told by role."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from statistics import median

from monitor.model.incident import DELIVERED, FAILED, Delivery, Outcome
from monitor.model.muting import Span
from monitor.reporting.masking import masked, person
from monitor.reporting.report import Bar, Bars, Cell, Column, Report, Sort, Table, Words, nothing_recorded
from monitor.reporting.scene import Scene

WAITING = "pending"
_LEASED = "leased"
_STATES: Mapping[str, Words] = {
    WAITING: ("đang chờ", "waiting"),
    _LEASED: ("đang gửi", "being sent"),
    Outcome.SENT: ("đã gửi", "sent"),
    Outcome.TRY_AGAIN: ("gửi lại", "to be tried again"),
    Outcome.REFUSED: ("bị từ chối", "refused"),
    Outcome.UNKNOWN: ("chưa rõ, gửi lại", "unknown, to be repeated"),
    Outcome.MAYBE_SENT: ("có thể đã gửi", "perhaps sent"),
    Outcome.SUPPRESSED: ("không cần gửi", "withheld"),
}
_FINALS: Mapping[str, Words] = {DELIVERED: ("đã nhận", "delivered"), FAILED: ("không đến", "failed")}


def state_at(delivery: Delivery, at: datetime) -> str:
    """What had become of a message at an instant. Only sending carries its time: other ends are told as they are."""
    if delivery.state == Outcome.SENT and delivery.sent_at is not None and delivery.sent_at > at:
        return WAITING
    return delivery.state


_COLUMNS = (
    Column("due", ("Đến hạn", "Due"), Sort.INSTANT),
    Column("channel", ("Kênh", "Channel"), Sort.CODE),
    Column("role", ("Vai trò", "Role")),
    Column("recipient", ("Người nhận", "Recipient"), Sort.CODE),
    Column("unit", ("Mã", "Code"), Sort.CODE),
    Column("name", ("Đơn vị", "Unit")),
    Column("kind", ("Loại tin", "Kind"), Sort.CODE),
    Column("ref", ("Mã sự cố", "Reference"), Sort.CODE, data_only=True),
    Column("state", ("Kết quả", "Outcome")),
    Column("attempts", ("Số lần gửi", "Attempts"), Sort.WHOLE, data_only=True),
    Column("sent", ("Gửi lúc", "Sent"), Sort.INSTANT),
    Column("took", ("Sau", "Took"), Sort.SECONDS),
    Column("final", ("Nhà cung cấp báo", "Provider says"), data_only=True),
    Column("detail", ("Chi tiết", "Detail")),
)
_BY_CHANNEL = (
    Column("channel", ("Kênh", "Channel"), Sort.CODE),
    Column("owed", ("Phải gửi", "Owed"), Sort.WHOLE),
    Column("sent", ("Đã gửi", "Sent"), Sort.WHOLE),
    Column("waiting", ("Đang chờ", "Waiting"), Sort.WHOLE),
    Column("unsure", ("Chưa rõ", "Unsure"), Sort.WHOLE),
    Column("refused", ("Bị từ chối", "Refused"), Sort.WHOLE),
    Column("withheld", ("Không cần gửi", "Withheld"), Sort.WHOLE),
    Column("share", ("Tỷ lệ gửi được", "Sent of those due"), Sort.PERCENT, 1),
    Column("took", ("Gửi sau (trung vị)", "Took (median)"), Sort.SECONDS),
)


def deliveries_report(
    scene: Scene, found: Iterable[Delivery], span: Span, at: datetime, began: datetime | None = None
) -> Report:
    """What fell due in a span, and what had become of it at its end. `began` is when the record begins."""
    told = sorted(
        (one for one in found if span.starts <= one.notice.due_at < span.ends and scene.about(one.notice.unit)),
        key=lambda one: (one.notice.due_at, one.notice.key),
    )
    channels = sorted({one.notice.channel for one in told})
    summary = tuple(_channel_row(name, told, span) for name in channels)
    refused = sum(one.state == Outcome.REFUSED for one in told)
    empty = not told and (began is None or began >= span.ends)
    return Report(
        kind="deliveries",
        title=("Tin đã gửi", "Deliveries"),
        site=scene.site,
        zone=scene.calendar.zone,
        at=at,
        span=span,
        tables=(
            Table("channels", ("Theo kênh", "By channel"), _BY_CHANNEL, summary),
            Table("deliveries", ("Từng tin", "Messages"), _COLUMNS, tuple(_row(one, scene, span) for one in told)),
        ),
        paragraphs=(
            nothing_recorded(began, scene.calendar.zone)
            if empty
            else (
                f"{len(told)} tin; {refused} bị từ chối. Người nhận chỉ được nêu theo vai trò.",
                f"{len(told)} messages; {refused} refused. Recipients are told by their role only.",
            ),
        ),
        charts=_charts(channels, told, span),
        empty=empty,
        bad=refused > 0,
    )


def _charts(channels: Sequence[str], told: Sequence[Delivery], span: Span) -> tuple[Bars, ...]:
    if not told:
        return ()
    owed = Counter(one.notice.channel for one in told if state_at(one, span.ends) == Outcome.SENT)
    bars = tuple(Bar(name, float(owed[name])) for name in channels)
    return (Bars(("Số tin đã gửi", "Messages sent"), bars, "", 0.0, max(1.0, *owed.values()) if owed else 1.0),)


def _channel_row(name: str, told: Sequence[Delivery], span: Span) -> tuple[Cell, ...]:
    of_channel = [one for one in told if one.notice.channel == name]
    states = Counter(state_at(one, span.ends) for one in of_channel)
    due = len(of_channel) - states[Outcome.SUPPRESSED]
    took = [wait for one in of_channel if (wait := _took(one, span)) is not None]
    return (
        name,
        len(of_channel),
        states[Outcome.SENT],
        states[WAITING] + states[_LEASED] + states[Outcome.TRY_AGAIN],
        states[Outcome.UNKNOWN] + states[Outcome.MAYBE_SENT],
        states[Outcome.REFUSED],
        states[Outcome.SUPPRESSED],
        round(100 * states[Outcome.SENT] / due, 6) if due else None,
        median(took) if took else None,
    )


def _took(one: Delivery, span: Span) -> float | None:
    if one.sent_at is None or state_at(one, span.ends) != Outcome.SENT:
        return None
    return round((one.sent_at - one.notice.due_at).total_seconds(), 3)


def _row(one: Delivery, scene: Scene, span: Span) -> tuple[Cell, ...]:
    notice, state = one.notice, state_at(one, span.ends)
    return (
        notice.due_at,
        notice.channel,
        scene.roles.get(notice.recipient),
        person(notice.recipient),
        notice.unit,
        scene.name(notice.unit),
        notice.kind,
        notice.ref,
        _STATES.get(state, (state, state)),
        one.attempt,
        one.sent_at if state == Outcome.SENT else None,
        _took(one, span),
        _FINALS.get(one.final),
        masked(one.detail),
    )
