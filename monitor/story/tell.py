"""The story's events as text for people, Vietnamese and English, and as JSON lines for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

from monitor.engine.explain import COLOURS, number
from monitor.model.colour import Colour
from monitor.model.incident import Notice
from monitor.story.events import Answered, Board, Change, Event, Goal, Pair, Told
from monitor.story.figures import ZONE

Language = Literal["vi", "en", "both"]
_DAYS = (
    ("Thứ Hai", "Monday"), ("Thứ Ba", "Tuesday"), ("Thứ Tư", "Wednesday"), ("Thứ Năm", "Thursday"),
    ("Thứ Sáu", "Friday"), ("Thứ Bảy", "Saturday"), ("Chủ Nhật", "Sunday"),
)  # fmt: skip
_LINE = "=" * 72
_NAMES: Mapping[type[Event], str] = {Board: "board", Change: "change", Told: "message", Answered: "answer"}

PREFACE: Pair = (
    "Thái Nguyên, tháng 8 năm 2025, trên đồng hồ chạy nhanh.\n"
    "Có nguồn: số liệu ngày 6/8 (63/92 xã, phường xanh, không xã nào đỏ, hồ sơ trực tuyến 68,91 %), hai thời hạn"
    " (80 % trước 20/8; 100 % xã, phường xanh trước 25/8) và Kế hoạch 02-KH/BCĐTW.\n"
    "Giả định để minh họa: mọi số liệu từ ngày 7/8; xã nào chưa xanh ngày 6/8, vì sao và tỷ lệ riêng của từng xã"
    " (chọn theo mã băm của mã xã, không phải số liệu thật của xã đó); ai trả lời cảnh báo và khi nào.\n"
    "Mọi màu và mọi tin nhắn dưới đây là kết quả của chính phần mềm.",
    "Thai Nguyen, August 2025, on a fast clock.\n"
    "Sourced: the figures of 6 August (63 of 92 communes green, none red, 68.91 % filed online), the two deadlines"
    " (80 % before 20 August; all communes green before 25 August) and plan 02-KH/BCĐTW.\n"
    "Invented for the example: every figure from 7 August on; which communes were not green on 6 August, why, and each"
    " commune's own rate (chosen by a hash of its code: these are not real figures of that commune); who answers, and"
    " when.\n"
    "Every colour and every message below is output of the engine.",
)


class Teller:
    """Words for events. `english` gives the English text of a notice by its key, for `both`."""

    def __init__(self, language: Language, english: Mapping[str, Notice]) -> None:
        self._language = language
        self._english = english

    def preface(self) -> str:
        """What is sourced and what is invented."""
        return "\n\n".join(self._spoken(PREFACE))

    def text(self, event: Event) -> str:
        """One event for people."""
        if isinstance(event, Board):
            return self._board(event)
        if isinstance(event, Change):
            return self._change(event)
        return self._told(event) if isinstance(event, Told) else self._answered(event)

    def line(self, event: Event) -> str:
        """One event as a line of JSON."""
        fields = _fields(event)
        if isinstance(event, Told):
            twin = self._english.get(event.notice.key)
            spoken = "en" if self._language == "en" else "vi"
            fields["texts"] = {spoken: _texts(event.notice)} | ({"en": _texts(twin)} if twin else {})
        return json.dumps({"event": _NAMES[type(event)], **fields}, ensure_ascii=False, default=_plain)

    def _spoken(self, pair: Pair) -> tuple[str, ...]:
        return pair if self._language == "both" else (pair[self._language == "en"],)

    def _say(self, vi: str, en: str) -> str:
        spoken = self._spoken((vi, en))
        return spoken[0] if len(set(spoken)) == 1 else " / ".join(spoken)

    def _colour(self, colour: Colour) -> str:
        vi, en = COLOURS[colour]
        return self._say(vi.upper(), en.upper())

    def _number(self, value: float) -> str:
        return number(value, "vi" if self._language == "vi" else "en")

    def _board(self, board: Board) -> str:
        at = board.at.astimezone(ZONE)
        vi, en = _DAYS[at.weekday()]
        c = board.communes
        score = "-" if board.score is None else self._number(board.score)
        lines = [
            "",
            _LINE,
            f"{self._say(vi, en)} {at:%Y-%m-%d %H:%M}",
            f"  {self._say('Tỉnh', 'Province')}: {self._colour(board.colour)}, {self._say('điểm', 'score')} {score}",
            f"  {self._say('Xã, phường', 'Communes')}: {c.green} {self._colour(Colour.GREEN)},"
            f" {c.yellow} {self._colour(Colour.YELLOW)}, {c.red} {self._colour(Colour.RED)},"
            f" {c.unknown} {self._colour(Colour.UNKNOWN)} ({c.total})",
            *(f"  {self._goal(goal)}" for goal in board.goals),
            f"  {self._say('Sự cố đang mở', 'Open incidents')}: {board.open_incidents}",
            _LINE,
        ]
        return "\n".join(lines)

    def _goal(self, goal: Goal) -> str:
        value = "-" if goal.value is None else f"{self._number(goal.value)} %"
        return f"{self._say(*goal.title)}: {value}, {self._colour(goal.colour)}, {self._left(goal)}"

    def _left(self, goal: Goal) -> str:
        if goal.overdue:
            return self._say("quá hạn", "overdue")
        if goal.colour is Colour.GREEN:
            return self._say("đã đạt", "met")
        days, due = goal.working_days_left or 0, goal.deadline.astimezone(ZONE) if goal.deadline else None
        before = f"{due:%d/%m}" if due else "-"
        left = f"{days} working day{'' if days == 1 else 's'} left"
        return self._say(f"còn {days} ngày làm việc (trước {before})", f"{left} (before {before})")

    def _change(self, change: Change) -> str:
        title = f" [{self._say(*change.title)}]" if change.criterion else ""
        arrow = f"{self._colour(change.before)} -> {self._colour(change.after)}"
        head = f"{_clock(change.at)} {change.unit} {self._say(*change.name)}{title}: {arrow}"
        return "\n".join((head, *(f"      {said}" for why in change.why for said in self._spoken(why))))

    def _told(self, told: Told) -> str:
        head = f"{_clock(told.at)} {self._say('TIN NHẮN', 'MESSAGE')} ({told.notice.kind})"
        twin = self._english.get(told.notice.key)
        english = () if twin is None else (_as_english(twin),)
        return "\n".join((head, told.shown.rstrip("\n"), *english))

    def _answered(self, answered: Answered) -> str:
        what = self._say("đã xác nhận", "acknowledged")
        head = f"{_clock(answered.at)} {answered.actor} {what} {answered.ref} ({answered.unit}): {answered.note}"
        spared = ", ".join(_clock(at) for at in answered.spared) or "-"
        return f"{head}\n      {self._say('không nhắc nữa', 'reminders not sent')}: {spared}"


def _as_english(notice: Notice) -> str:
    lines = ("In English:", f"Subject: {notice.subject}", "", notice.body, "", f"SMS: {notice.sms}", "-" * 72)
    return "\n".join(lines)


def _texts(notice: Notice) -> dict[str, str]:
    return {"subject": notice.subject, "body": notice.body, "sms": notice.sms}


def _fields(event: Event) -> dict[str, Any]:
    if not isinstance(event, Told):
        return asdict(event)
    notice = event.notice
    return {
        "at": event.at,
        "kind": notice.kind,
        "unit": notice.unit,
        "recipient": notice.recipient,
        "role": event.role,
        "channel": notice.channel,
        "ref": notice.ref,
        "key": notice.key,
    }


def _clock(at: datetime) -> str:
    return f"{at.astimezone(ZONE):%d/%m %H:%M:%S}"


def _plain(value: object) -> str:
    return value.astimezone(ZONE).isoformat() if isinstance(value, datetime) else str(value)
