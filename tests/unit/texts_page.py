"""The generated part of docs/texts.md: `python -m tests.unit.texts_page` writes it, a test compares it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from monitor.alerting.texts import PLACEHOLDERS, TEXTS
from monitor.alerting.wording import Message, render
from monitor.model.segments import gsm_length
from monitor.model.verdict import Param
from tests.unit.alerting_scene import ZONE
from tests.unit.test_wording import WORST

PAGE = Path(__file__).parents[2] / "docs" / "texts.md"
BEGIN, END = "<!-- generated: begin -->\n", "<!-- generated: end -->\n"
_WHEN = datetime(2025, 8, 18, 8, 15, tzinfo=ZONE)
_TYPICAL: dict[str, Param] = {
    **WORST, "unit_sms": "Xa Van Lang", "unit_vi": "Xã Văn Lang", "unit_en": "Van Lang Commune", "id": "S10234",
    "now": _WHEN, "when": _WHEN, "due": _WHEN.replace(hour=10), "last_time": _WHEN.replace(day=17), "recipient": None,
    "target": 80.0, "gap": 11.09, "pace": 5.545, "n": 2, "days_late": 1, "reminders": 4, "minutes": 25.0,
    "work_minutes": 25, "h": 93_600.0, "next_time": _WHEN.replace(hour=9), "codes": None, "scope": None,
    "as_of": _WHEN.replace(hour=0, minute=0), "count": 120, "base": None,
    "url": "https://denbao.example.vn/units/02143", "ack_url": "https://denbao.example.vn/incidents/S10234",
}  # fmt: skip
_GROUP: dict[str, Param] = {
    "code": "19", "level": "province", "unit_sms": "Tinh Thai Nguyen", "unit_vi": "Tỉnh Thái Nguyên",
    "unit_en": "Thai Nguyen Province", "province_vi": None, "province_en": None, "affected": 63, "total": 92,
    "codes": "05665, 05701, 02143", "more": 60,
}  # fmt: skip
_USES = {
    "outage": "T1, T9: a centre, a line, a shared system is down",
    "recovered": "T2: it works again",
    "kpi_yellow": "T3: a value is short and its date is near",
    "kpi_red": "T8: a value is red before its date",
    "overdue": "T4: the date is past and the value still short",
    "kpi_met": "the alert on a value is over",
    "silent": "T6: no data come in",
    "speaks_again": "data come in again",
    "still_open": "T10: to somebody who answered, before the answer lapses",
    "reminder": "T11: the calls after T3, with the days left and the pace that is needed",
    "mass": "T7: many units of one parent are down",
    "mass_over": "that is over",
    "brief": "T5: the digest of a unit and all below it",
    "self": "T12: the monitor's own alarm",
    "self_over": "that is over",
}


def generated() -> str:
    """The tables and examples, as they must stand in the page."""
    return "\n".join([*_table(), "", *_messages(), *_long()]) + "\n"


def _table() -> Iterator[str]:
    yield "| text | when | placeholders |"
    yield "|---|---|---|"
    for key, known in PLACEHOLDERS.items():
        yield f"| `{key}` | {_USES[key]} | {', '.join(sorted(known))} |"


def _messages() -> Iterator[str]:
    for key in PLACEHOLDERS:
        yield f"**{key}**"
        yield ""
        yield "```"
        for locale in TEXTS:
            yield f"{gsm_length(_typical(key, locale).sms):3} {locale}  {_typical(key, locale).sms}"
        yield "```"
        yield ""


def _long() -> Iterator[str]:
    yield "The e-mail of `overdue`, subject and body:"
    yield ""
    yield "```"
    message = _typical("overdue", "vi")
    yield message.subject
    yield ""
    yield message.body
    yield "```"


def _typical(key: str, locale: str) -> Message:
    group = _GROUP if key in ("mass", "mass_over", "self", "self_over") else {}
    return render(key, {**_TYPICAL, **group}, locale)


def filled(page: str) -> str:
    """The page with its generated part as it must be."""
    head, _, rest = page.partition(BEGIN)
    return head + BEGIN + generated() + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text("utf-8")), "utf-8")
