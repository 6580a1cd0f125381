"""The answers of the national portal's evaluation API as seen in 2026, and of the form before it (both undocumented).

Scores and ratios are numbers, counts and levels are strings: a mixture a reader has to cope with.
`updatedAt` (of the answer and of each row) and the paging totals are ours: a row's own date is how
a late row shows.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zlib import crc32

from monitor.simulate.chance import between
from monitor.simulate.controls import ControlError, Value
from monitor.simulate.picture import Picture, points
from monitor.simulate.spoil import Answer, Row, ahead, spoil_rows
from monitor.simulate.table import GROUPS, ITEMS, Item
from monitor.simulate.world import LOCAL, Span, data_day, published_at

PAGE_SIZE: Final = 200
LARGEST_PAGE: Final = 300
FORM_SERVICE: Final = "report_tinh_766_service"
UNKNOWN_DEPARTMENT: Final = "9999"
AGENCIES: Final = ("Sở Nội vụ", "Sở Tư pháp", "Sở Tài chính")
CODES_OF: Final[dict[str, tuple[str, ...]]] = {
    "service-results": tuple(item.code for item in ITEMS),
    "transparency": ("1.1", "1.2", "1.3", "1.4"),
    "dvc-progress-tree": ("2.1", "2.3"),
    "provide-online-tree": ("3.1", "3.2", "3.3"),
    "formality-online-payment-tree": ("3.5a", "3.5b", "3.6"),
    "dossier-digitized": ("4.1", "4.2", "4.2b", "4.3", "4.4", "4.5a", "4.5b"),
    "handling-satisfaction": ("5.2", "5.3", "5.4"),
}


@dataclass(frozen=True, slots=True)
class Question:
    """One call: which period, which page."""

    span: Span
    page: int
    size: int


def department_id(code: str) -> str:
    """The portal's UUID of a department, always the same for the same department code."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://portal.example/departments/{code}"))


def read_question(body: Mapping[str, Any], root: str, now: datetime) -> Question:
    """The call's parameters, from a JSON body or a query. Raises ControlError naming the bad one."""
    wanted = body.get("rootDepartmentId")
    if wanted not in (None, "", department_id(root)):
        raise ControlError(f"unknown rootDepartmentId {wanted!r}", 404, (department_id(root),))
    page = _whole(body, "currentPage", 1, 1, 100_000)
    size = _whole(body, "pageSize", PAGE_SIZE, 1, LARGEST_PAGE)
    return Question(_span(body, now, ("year", "quarter", "month")), page, size)


def evaluation(service: str, question: Question, picture: Picture, mode: str) -> Answer:
    """The answer of one service of the portal."""
    tree = service.endswith("-tree")
    rows = _rows(service, question.span, picture, mode) if question.span.start <= question.span.end else []
    rows = spoil_rows(rows, mode, key="departmentCode", unknown=f"{picture.world.territory.root}.{UNKNOWN_DEPARTMENT}")
    first = (question.page - 1) * question.size
    data = {
        "overview": _overview(service, question.span, picture) if rows else None,
        "children" if tree else "evaluation": rows[first : first + question.size],
        "total": len(rows),
        "totalPages": -(-len(rows) // question.size),
        "currentPage": question.page,
        "pageSize": question.size,
        "updatedAt": _stamp(picture.today(), ahead(mode)),
    }
    text = json.dumps({"data": data}, ensure_ascii=False, allow_nan=False)
    return Answer(text.encode(), "application/json; charset=utf-8")


def numeric_id(code: str) -> str:
    """The number by which the first generation calls a department, always the same for the same department code."""
    return str(100_000 + crc32(code.encode()) % 800_000)


def read_form(params: Mapping[str, Any], root: str, now: datetime) -> Question:
    """The call of the first generation. Raises ControlError naming what is bad."""
    if params.get("type") != "ref" or params.get("service") != FORM_SERVICE:
        raise ControlError(f"unknown service {params.get('service')!r}", 404, (FORM_SERVICE,))
    if str(params.get("p_tinh_id")) != numeric_id(root):
        raise ControlError(f"unknown p_tinh_id {params.get('p_tinh_id')!r}", 404, (numeric_id(root),))
    body: dict[str, Any] = {"timeType": "year", "year": params.get("p_nam")}
    for name, key in (("half", "p_6thang"), ("quarter", "p_quy"), ("month", "p_thang")):
        if number := _whole(params, key, 0, 0, 12):
            body = {"timeType": name, "year": params.get("p_nam"), name: number}
    size = _whole(params, "pageSize", PAGE_SIZE, 1, 1000)
    return Question(_span(body, now, tuple(_MONTHS)), _whole(params, "pageIndex", 1, 1, 100_000), size)


def form_table(question: Question, picture: Picture, mode: str) -> Answer:
    """The answer of the first generation (2022 to 2025): a list of rows in which every value is a text."""
    territory = picture.world.territory
    units = [(territory.portal_codes[c.code], c.name, "2", c.code) for c in territory.communes
             if picture.row_day(c.code) is not None]  # fmt: skip
    units += [(f"{territory.root}.S{number:02d}", name, "1", "") for number, name in enumerate(AGENCIES, start=1)]
    rows = [_form_row(number, *unit, question.span, picture) for number, unit in enumerate(units, start=1)]
    rows = spoil_rows(rows, mode, key="MA_COQUAN", unknown=f"{territory.root}.{UNKNOWN_DEPARTMENT}")
    first = (question.page - 1) * question.size
    text = json.dumps(rows[first : first + question.size], ensure_ascii=False)
    return Answer(text.encode(), "application/json; charset=utf-8")


def _form_row(number: int, portal_code: str, name: str, level: str, code: str, span: Span, picture: Picture) -> Row:
    seed = picture.world.seed
    scores = {group: round(between(0.7, 0.95, seed, portal_code, group) * 10, 2) for group in GROUPS}
    total: Value = round(sum(scores.values()), 2)
    if code:
        scores = {one["code"]: one["score"] for one in _group_scores(code, span, picture)}
        total = picture.total_score(code, span)
    return {
        "ID": numeric_id(portal_code), "TEN": name, "ROW_STT": str(number), "MA_COQUAN": portal_code,
        "CAPDONVIID": level, **{group: str(score) for group, score in scores.items()}, "TONG_SCORE": str(total),
    }  # fmt: skip


def _rows(service: str, span: Span, picture: Picture, mode: str) -> list[Row]:
    rows = []
    for commune in picture.world.territory.communes:
        day = picture.row_day(commune.code)
        if day is not None:
            late = Span(span.start, min(span.end, day)) if day >= span.start else span
            rows.append(_row(service, commune.code, commune.name, late, picture, _stamp(day, ahead(mode))))
    _rank(rows)
    return rows + _agencies(picture, mode)


def _row(service: str, code: str, name: str, span: Span, picture: Picture, stamp: str) -> Row:
    portal_code = picture.world.territory.portal_codes[code]
    score = picture.total_score(code, span)
    return {
        "departmentId": department_id(portal_code),
        "departmentName": name,
        "departmentCode": portal_code,
        "childGroup": "COMMUNE",
        "departmentLevel": "2",
        "totalScore": score,
        "totalMaxScore": 100,
        "ratio": score,
        "scoreDelta": _delta(code, score, span, picture),
        "rank": None,
        **(_progress(code, span, picture) if service == "dvc-progress-tree" else {}),
        "metrics": _metrics(service, code, span, picture),
        "updatedAt": stamp,
    }


def _metrics(service: str, code: str, span: Span, picture: Picture) -> list[Row]:
    wanted = [item for item in ITEMS if item.code in CODES_OF[service]]
    metrics = [_metric(item, code, span, picture) for item in wanted]
    return [metric for metric in metrics if metric["ratio"] is not None]


def _metric(item: Item, code: str, span: Span, picture: Picture) -> Row:
    shown = picture.shown(code, item, span)
    return {
        "code": item.code,
        "name": item.name,
        "numerator": _text(shown.numerator),
        "denominator": _text(shown.denominator),
        "ratio": shown.value,
        "score": round(points(item, shown.value), 2),
        "maxScore": item.max_score,
    }


def _progress(code: str, span: Span, picture: Picture) -> Row:
    on_time = picture.shown(code, _item("2.1"), span)
    overdue = picture.shown(code, _item("2.3"), span)
    days = between(1.2, 6.0, picture.world.seed, "processing", code)
    return {
        "totalReceived": _text(on_time.denominator),
        "totalOnTime": _text(on_time.numerator),
        "totalOverdue": _text(overdue.numerator),
        "avgProcessingDays": round(days, 1),
    }


def _overview(service: str, span: Span, picture: Picture) -> Row:
    territory = picture.world.territory
    score = picture.total_score(territory.code, span)
    return {
        "departmentId": department_id(territory.root),
        "departmentName": territory.name,
        "departmentCode": territory.root,
        "totalScore": score,
        "totalMaxScore": 100,
        "ratio": score,
        "scoreDelta": _delta(territory.code, score, span, picture),
        "groupScores": _group_scores(territory.code, span, picture),
        **(_progress(territory.code, span, picture) if service == "dvc-progress-tree" else {}),
        "metrics": _metrics(service, territory.code, span, picture),
    }


def _group_scores(code: str, span: Span, picture: Picture) -> list[Row]:
    earned = dict.fromkeys(GROUPS, 0.0)
    possible = dict.fromkeys(GROUPS, 0.0)
    for item in ITEMS:
        earned[item.group] += points(item, picture.shown(code, item, span).value)
        possible[item.group] += item.max_score
    return [
        {"code": group, "name": name, "score": round(earned[group], 2), "maxScore": possible[group]}
        for group, name in GROUPS.items()
    ]


def _delta(code: str, score: Value, span: Span, picture: Picture) -> float | None:
    before = picture.total_score(code, span.back(28))
    if isinstance(score, str | bool | None) or isinstance(before, str | bool | None):
        return None
    return round(score - before, 2)


def _rank(rows: list[Row]) -> None:
    scores = [row["totalScore"] for row in rows if isinstance(row["totalScore"], int | float)]
    for row in rows:
        if isinstance(row["totalScore"], int | float):
            row["rank"] = 1 + sum(score > row["totalScore"] for score in scores)


def _agencies(picture: Picture, mode: str) -> list[Row]:
    """Departments of the province stand in the same list; a reader of communes has to pass them over."""
    stamp = _stamp(picture.today(), ahead(mode))
    rows = []
    for number, name in enumerate(AGENCIES):
        code = f"{picture.world.territory.root}.S{number + 1:02d}"
        score = round(between(82.0, 97.0, picture.world.seed, "agency", name), 2)
        rows.append({
            "departmentId": department_id(code), "departmentName": name, "departmentCode": code,
            "childGroup": "AGENCY", "departmentLevel": "1", "totalScore": score, "totalMaxScore": 100,
            "ratio": score, "scoreDelta": 0.0, "rank": None, "metrics": [], "updatedAt": stamp,
        })  # fmt: skip
    _rank(rows)
    return rows


_MONTHS: Final = {"year": 12, "half": 6, "quarter": 3, "month": 1}


def _span(body: Mapping[str, Any], now: datetime, known: tuple[str, ...]) -> Span:
    """The asked period up to the newest published day; empty (end before start) when it lies ahead."""
    today = now.astimezone(LOCAL).date()
    kind = body.get("timeType", "month")
    months = _MONTHS[kind] if isinstance(kind, str) and kind in known else None
    if months is None:
        raise ControlError(f"timeType must be one of {', '.join(known)}", 400, known)
    year = _whole(body, "year", today.year, 2000, 9000)
    number = 1 if kind == "year" else _whole(body, kind, (today.month - 1) // months + 1, 1, 12 // months)
    start = date(year, (number - 1) * months + 1, 1)
    after = start.month + months
    last = date(year + after // 13, after % 13 + after // 13, 1) - timedelta(days=1)
    if start > today:
        return Span(start, start - timedelta(days=1))
    return Span(start, max(start, min(last, data_day(now))))


def _whole(body: Mapping[str, Any], name: str, default: int, low: int, high: int) -> int:
    given = body.get(name, default)
    try:
        number = int(given) if isinstance(given, str | int) and not isinstance(given, bool) else None
    except ValueError:
        number = None
    if number is None or not low <= number <= high:
        raise ControlError(f"{name} must be a whole number from {low} to {high}, not {given!r}")
    return number


def _stamp(day: date, shift: timedelta) -> str:
    return (published_at(day) + shift).astimezone(LOCAL).isoformat()


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)


def _item(code: str) -> Item:
    return next(item for item in ITEMS if item.code == code)
