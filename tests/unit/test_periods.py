"""Spans of time as people name them, and when a digest is owed."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from monitor.model.hours import Calendar
from monitor.reporting.periods import DIGESTS, SPAN, day_span, month_span, quarter_span, span_asked

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
CALENDAR = Calendar(frozenset({date(2026, 9, 2)}), frozenset(), ZONE)
NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)


def local(month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=ZONE)


def test_a_day_a_month_and_a_quarter_are_whole_and_local():
    day, month, quarter = (
        day_span("2026-08-06", CALENDAR),
        month_span("2026-02", CALENDAR),
        quarter_span("2026-Q4", CALENDAR),
    )
    assert (day.starts, day.ends) == (local(8, 6), local(8, 7))
    assert (month.starts, month.ends) == (local(2, 1), local(3, 1))
    assert (quarter.starts, quarter.ends) == (local(10, 1), datetime(2027, 1, 1, tzinfo=ZONE))


@pytest.mark.parametrize(
    ("said", "starts", "ends"),
    [
        ({}, NOW - SPAN, NOW),
        ({"at": "2026-08-06T16:00"}, local(8, 6, 16) - SPAN, local(8, 6, 16)),
        ({"from": "2026-08-01", "to": "2026-08-06"}, local(8, 1), local(8, 7)),  # the last day counts in full
        ({"from": "2026-11-01"}, local(11, 1), NOW),
        ({"month": "2026-11"}, local(11, 1), NOW),  # a month that still runs ends now
    ],
)
def test_a_span_is_read_as_it_was_meant_and_cut_at_now(said, starts, ends):
    span = span_asked(said, CALENDAR, NOW)
    assert (span.starts, span.ends) == (starts, ends)


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"day": "6.8.2026"}, "'6.8.2026' is no day; write 2025-08-06"),
        ({"month": "2026-13"}, "'2026-13' is no month; write 2025-08"),
        ({"month": "2026-8"}, "'2026-8' is no month; write 2025-08"),
        ({"quarter": "2026-Q5"}, "'2026-Q5' is no quarter; write 2025-Q3"),
        ({"at": "yesterday"}, "'yesterday' is no instant; write 2026-11-28T22:00 or 2026-11-28"),
        ({"day": "2026-08-06", "month": "2026-08"}, "give one of at, day, month, quarter, or from with to"),
        ({"at": "2026-08-06", "from": "2026-08-01"}, "give one of at, day, month, quarter, or from with to"),
        ({"from": "2026-08-06", "to": "2026-08-01"}, "the span ends before it begins; give a later end"),
        ({"at": "2026-11-28"}, "that time has not come yet"),
        ({"day": "2026-11-28"}, "that time has not come yet"),
    ],
)
def test_a_span_that_makes_no_sense_is_refused_with_what_would_be_right(said, says):
    with pytest.raises(ValueError, match=f"^{re.escape(says)}$"):
        span_asked(said, CALENDAR, NOW)


@pytest.mark.parametrize(
    ("at", "before"),
    [
        (local(11, 27, 16, 30), local(11, 27, 7, 30)),  # the one that is due now is not the one before
        (local(11, 27, 16, 31), local(11, 27, 16, 30)),
        (local(11, 27, 7), local(11, 26, 16, 30)),
        (local(11, 30, 7, 30), local(11, 27, 16, 30)),  # over a weekend
        (local(9, 3, 7, 30), local(9, 1, 16, 30)),  # over a holiday
    ],
)
def test_the_digest_before_is_that_of_the_last_working_half_day(at, before):
    assert DIGESTS.last_before(at, CALENDAR) == before
