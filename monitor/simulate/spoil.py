"""How a feed goes wrong: in its rows before they are written, or in its bytes afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

Row = dict[str, Any]

AHEAD: Final = timedelta(days=30)
"""How far a feed in mode `future` is ahead of the clock."""

LOGIN_PAGE: Final = (
    '<!DOCTYPE html>\n<html lang="vi"><head><meta charset="utf-8"><title>Đăng nhập</title></head>'
    "<body><h1>Phiên làm việc đã hết hạn</h1><p>Vui lòng đăng nhập lại.</p></body></html>\n"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer, before it is sent."""

    body: bytes
    content_type: str
    status: int = 200


def ahead(mode: str) -> timedelta:
    """What to add to the dates a feed claims."""
    return AHEAD if mode == "future" else timedelta()


def spoil_rows(rows: Sequence[Row], mode: str, *, key: str, unknown: str) -> list[Row]:
    """The rows with one more: the first code again with other values, or a code that nobody knows."""
    spoilt = list(rows)
    if mode == "duplicate-row" and rows:
        spoilt.insert(1, {**rows[-1], key: rows[0][key]})
    if mode == "unknown-code" and rows:
        spoilt.append({**rows[0], key: unknown})
    return spoilt


def spoil_bytes(answer: Answer, mode: str) -> Answer:
    """The answer as a broken server would send it; unchanged for modes that are not about bytes."""
    if mode == "html":
        return Answer(LOGIN_PAGE.encode(), "text/html; charset=utf-8")
    if mode == "truncated":
        return Answer(answer.body[: len(answer.body) * 2 // 3], answer.content_type)
    if mode == "wrong-encoding":
        return Answer(answer.body.decode().encode("cp1258", errors="replace"), answer.content_type)
    if mode == "empty":
        return Answer(b"", answer.content_type)
    if mode == "error500":
        return Answer(b"Internal Server Error\n", "text/plain; charset=utf-8", 500)
    return answer
