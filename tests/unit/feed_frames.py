"""A small site for feed tests: three communes, a handful of indicators, one moment."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from monitor.adapters.feeds import KINDS, portal, promql
from monitor.adapters.feeds.body import Unreadable
from monitor.adapters.feeds.rows import Frame, failed
from monitor.config.spec import AsOf, Column, FeedSpec
from monitor.engine.book import Indicator
from monitor.engine.evidence import FUTURE_TOLERANCE, believable
from monitor.model.hours import Calendar
from monitor.model.reading import MAX_REJECTED, Collected, Value
from monitor.model.text import clean

NOW = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)  # 12:00 in Vietnam
MIDNIGHT = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
CALENDAR = Calendar(frozenset(), frozenset(), ZoneInfo("Asia/Ho_Chi_Minh"))
UNITS = frozenset({"01840", "02143", "19"})


def indicator(name: str, unit: str, minimum: float | None = None, maximum: float | None = None) -> Indicator:
    states = ("partly",) if unit == "bool" else ()
    return Indicator(name, name, name, name[:13], unit, "group", 3600, minimum=minimum, maximum=maximum, states=states)


INDICATORS: Mapping[str, Indicator] = {
    one.id: one
    for one in (
        indicator("rate", "%", 0, 100),
        indicator("other_rate", "%", 0, 100),
        indicator("overdue", "count", 0),
        indicator("days_left", "days"),
        indicator("staffed", "bool"),
    )
}
FRAME = Frame(CALENDAR, INDICATORS, UNITS)
RATE = Column("rate", "ratio")


def feed_spec(kind: str, *columns: Column, **fields: Any) -> FeedSpec:
    """A spec with what the kind needs at least."""
    usual: dict[str, Any] = {
        "id": "portal", "kind": kind, "owner": "19", "url": "http://127.0.0.1/", "period": 60.0, "timeout": 5.0,
        "max_silence": 3600.0, "unit": "code", "as_of": AsOf.DAY, "rows": "rows",
    }  # fmt: skip
    return FeedSpec(**{**usual, **fields}, columns=columns or (RATE,))


def parsed(spec: FeedSpec, body: str | bytes, **headers: str) -> Collected:
    """What an answer of these bytes is worth."""
    content = body.encode() if isinstance(body, str) else body
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    if spec.kind == "promql":
        return promql.read(spec, {column.indicator: content for column in spec.columns}, NOW, FRAME)
    if spec.portal is not None:
        try:
            rows, _ = portal.table(spec.portal, content, 1)
        except Unreadable as unusable:
            return failed(spec, NOW, str(unusable), unusable.stage)
        return portal.read(spec, spec.portal, {"page 1, ": rows}, NOW, FRAME)
    return KINDS[spec.kind](spec, content, given, NOW, FRAME)


def values(collected: Collected) -> dict[tuple[str, str], Value]:
    """Value by unit and indicator; every pair at most once."""
    found = {(reading.unit, reading.indicator): reading.value for reading in collected.readings}
    assert len(found) == len(collected.readings)
    return found


def refusals(collected: Collected) -> list[tuple[str, str]]:
    """Place and reason of every refused row."""
    return [(rejected.row, rejected.reason) for rejected in collected.rejected]


def sound(spec: FeedSpec, collected: Collected) -> Collected:
    """Whatever came: a bounded outcome in which nothing is unbelievable."""
    assert collected.source == spec.id and collected.at == NOW
    assert len(collected.rejected) <= MAX_REJECTED
    assert not (collected.failure and collected.readings)
    for reading in collected.readings:
        assert believable(INDICATORS[reading.indicator], reading.value) is None
        assert not isinstance(reading.value, float) or math.isfinite(reading.value)
        assert reading.unit in UNITS
        assert reading.as_of.tzinfo is not None and reading.received_at == NOW
        assert reading.as_of - NOW <= timedelta(seconds=FUTURE_TOLERANCE)
    for one in collected.rejected:
        assert max(len(one.unit), len(one.cell)) <= 60 and (one.unit, one.cell) == (clean(one.unit), clean(one.cell))
    assert sum(collected.refused.values()) >= len(collected.rejected) or collected.failure
    for text in (collected.failure, *(f"{one.row} {one.reason} {one.detail}" for one in collected.rejected)):
        assert text.strip() == clean(text, 1000)
    assert len({reading.key for reading in collected.readings}) == len(collected.readings)  # of two days there are two
    return collected
