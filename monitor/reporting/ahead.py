"""A forecast in sentences, Vietnamese and English. Figures are in the indicator's unit, paces per working day."""

from __future__ import annotations

from monitor.engine.explain import number
from monitor.model.text import singular
from monitor.model.verdict import Forecast


def forecast_lines(ahead: Forecast | None) -> tuple[tuple[str, str], ...]:
    """What is needed, what is done, where that ends and what the curve asks for; only what can be said."""
    if ahead is None:
        return ()
    lines = []
    if ahead.required_pace:
        lines.append(_both("cần thay đổi {0} mỗi ngày làm việc", "{0} per working day are needed", ahead.required_pace))
    if ahead.actual_pace is not None:
        vi, en = _both("thực tế {0} mỗi ngày làm việc", "{0} per working day are made", ahead.actual_pace)
        days = singular(f"{ahead.points} days")
        lines.append((f"{vi} (theo {ahead.points} ngày số liệu)", f"{en} (by {days} of data)"))
    if ahead.projected is not None and ahead.low is not None and ahead.high is not None:
        texts = ("dự báo đến hạn {0} (từ {1} đến {2})", "forecast at the date {0} ({1} to {2})")
        lines.append(_both(*texts, ahead.projected, ahead.low, ahead.high))
    if ahead.expected is not None:
        lines.append(_both("theo tiến độ hôm nay cần {0}", "the pace asks for {0} today", ahead.expected))
    return tuple(lines)


def _both(vi: str, en: str, *figures: float) -> tuple[str, str]:
    return vi.format(*(number(f, "vi") for f in figures)), en.format(*(number(f, "en") for f in figures))
