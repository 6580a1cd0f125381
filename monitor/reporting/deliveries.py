"""Messages of a span as a report: what was owed, by which channel, and what became of it. People are told by role."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import median

from monitor.model.incident import DELIVERED, FAILED, SEEN, Delivery, Outcome
from monitor.model.muting import Span
from monitor.reporting.anonymous import masked, person
from monitor.reporting.columns import CHANNEL, KINDS, NAME, REFERENCE, UNIT, Columns, table
from monitor.reporting.report import Bar, Bars, Column, Report, Sort, Words
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
_KINDS: Mapping[str, Words] = {
    **KINDS,
    "recovered": ("hoạt động lại", "works again"),
    "kpi_met": ("đã đạt", "met"),
    "speaks_again": ("có số liệu lại", "speaks again"),
    "mass_over": ("sự cố diện rộng đã hết", "mass outage is over"),
    "still_open": ("vẫn chưa xong", "still open"),
    "brief": ("bản tin", "digest"),
    "self": ("hệ thống giám sát", "the monitor itself"),
    "self_over": ("hệ thống giám sát đã ổn", "the monitor is well"),
}
_FINALS: Mapping[str, Words] = {
    DELIVERED: ("đã nhận", "delivered"),
    SEEN: ("đã xem", "seen"),
    FAILED: ("không đến", "failed"),
}


def state_at(delivery: Delivery, at: datetime) -> str:
    """What had become of a message at an instant. Only sending carries its time: other ends are told as they are."""
    if delivery.state == Outcome.SENT and delivery.sent_at is not None and delivery.sent_at > at:
        return WAITING
    return delivery.state


def due(found: Iterable[Delivery], scene: Scene, span: Span) -> list[Delivery]:
    """Messages of the scene that fell due in a span, the first one first."""
    told = (one for one in found if span.starts <= one.notice.due_at < span.ends and scene.about(one.notice.unit))
    return sorted(told, key=lambda one: (one.notice.due_at, one.notice.key))


def deliveries_report(scene: Scene, found: Iterable[Delivery], span: Span) -> Report:
    """What fell due in a span, and what had become of it at its end."""
    told = due(found, scene, span)
    by_channel = [_channel(name, told, span) for name in sorted({one.notice.channel for one in told})]
    refused = sum(one.state == Outcome.REFUSED for one in told)
    return scene.report(
        "deliveries",
        ("Tin đã gửi", "Deliveries"),
        span,
        (
            table("channels", ("Theo kênh", "By channel"), _BY_CHANNEL, by_channel),
            table("deliveries", ("Từng tin", "Messages"), _messages(scene, span), told),
        ),
        (
            (
                f"{len(told)} tin; {refused} bị từ chối. Người nhận chỉ được nêu theo vai trò.",
                f"{len(told)} messages; {refused} refused. Recipients are told by their role only.",
            ),
        ),
        _charts(by_channel),
        empty=not told and scene.before_record(span),
        bad=refused > 0,
    )


@dataclass(frozen=True, slots=True)
class _Channel:
    """What became of the messages of one channel."""

    name: str
    states: Counter[str]
    waits: tuple[float, ...]  # seconds from due to sent

    @property
    def share(self) -> float | None:
        """Per cent of those due that were sent."""
        due = self.states.total() - self.states[Outcome.SUPPRESSED]
        return round(100 * self.states[Outcome.SENT] / due, 6) if due else None

    def number(self, *states: str) -> int:
        """How many are in one of these states."""
        return sum(self.states[state] for state in states)


def _channel(name: str, told: Sequence[Delivery], span: Span) -> _Channel:
    of_channel = [one for one in told if one.notice.channel == name]
    waits = (_took(one, span) for one in of_channel)
    states = Counter(state_at(one, span.ends) for one in of_channel)
    return _Channel(name, states, tuple(wait for wait in waits if wait is not None))


def _took(one: Delivery, span: Span) -> float | None:
    if one.sent_at is None or state_at(one, span.ends) != Outcome.SENT:
        return None
    return round((one.sent_at - one.notice.due_at).total_seconds(), 3)


def _charts(channels: Sequence[_Channel]) -> tuple[Bars, ...]:
    if not channels:
        return ()
    bars = tuple(Bar(one.name, float(one.number(Outcome.SENT))) for one in channels)
    return (Bars(("Số tin đã gửi", "Messages sent"), bars, "", 0.0, max(1.0, *(bar.value or 0.0 for bar in bars))),)


_BY_CHANNEL: Columns[_Channel] = (
    (CHANNEL, lambda one: one.name),
    (Column("owed", ("Phải gửi", "Owed"), Sort.WHOLE), lambda one: one.states.total()),
    (Column("sent", ("Đã gửi", "Sent"), Sort.WHOLE), lambda one: one.number(Outcome.SENT)),
    (
        Column("waiting", ("Đang chờ", "Waiting"), Sort.WHOLE),
        lambda one: one.number(WAITING, _LEASED, Outcome.TRY_AGAIN),
    ),
    (
        Column("unsure", ("Chưa rõ", "Unsure"), Sort.WHOLE),
        lambda one: one.number(Outcome.UNKNOWN, Outcome.MAYBE_SENT),
    ),
    (Column("refused", ("Bị từ chối", "Refused"), Sort.WHOLE), lambda one: one.number(Outcome.REFUSED)),
    (Column("withheld", ("Không cần gửi", "Withheld"), Sort.WHOLE), lambda one: one.number(Outcome.SUPPRESSED)),
    (Column("share", ("Tỷ lệ gửi được", "Sent of those due"), Sort.PERCENT, 1), lambda one: one.share),
    (
        Column("took", ("Gửi sau (trung vị)", "Took (median)"), Sort.SECONDS),
        lambda one: median(one.waits) if one.waits else None,
    ),
)


def _messages(scene: Scene, span: Span) -> Columns[Delivery]:
    def state(one: Delivery) -> str:
        return state_at(one, span.ends)

    return (
        (Column("due", ("Đến hạn", "Due"), Sort.INSTANT), lambda one: one.notice.due_at),
        (CHANNEL, lambda one: one.notice.channel),
        (Column("role", ("Vai trò", "Role")), lambda one: scene.roles.get(one.notice.recipient)),
        (Column("recipient", ("Người nhận", "Recipient"), Sort.CODE), lambda one: person(one.notice.recipient)),
        (UNIT, lambda one: one.notice.unit),
        (NAME, lambda one: scene.name(one.notice.unit)),
        (Column("kind", ("Loại tin", "Kind"), Sort.CODE, words=_KINDS), lambda one: one.notice.kind),
        (replace(REFERENCE, data_only=True), lambda one: one.notice.ref),
        (Column("state", ("Kết quả", "Outcome")), lambda one: _STATES.get(state(one), (state(one), state(one)))),
        (Column("attempts", ("Số lần gửi", "Attempts"), Sort.WHOLE, data_only=True), lambda one: one.attempt),
        (
            Column("sent", ("Gửi lúc", "Sent"), Sort.INSTANT),
            lambda one: one.sent_at if state(one) == Outcome.SENT else None,
        ),
        (Column("took", ("Sau", "Took"), Sort.SECONDS), lambda one: _took(one, span)),
        (Column("final", ("Nhà cung cấp báo", "Provider says"), data_only=True), lambda one: _FINALS.get(one.final)),
        (Column("detail", ("Chi tiết", "Detail")), lambda one: masked(one.detail)),
    )
