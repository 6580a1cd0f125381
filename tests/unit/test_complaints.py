from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from monitor.model.reading import Collected, Rejected
from monitor.service.complaints import Complaints

GOOD = Collected("portal", datetime(2026, 11, 20, 5, tzinfo=UTC))
BROKEN = replace(GOOD, failure="feed portal: not JSON: looks like an HTML page")


def with_rows(number: int, detail: str = "no unit has the code '99999'") -> Collected:
    rows = tuple(Rejected("portal", f"row {place}", "unknown-unit", detail) for place in range(1, number + 1))
    return replace(GOOD, rejected=rows)


@pytest.fixture
def said(caplog):
    complaints = Complaints(frozenset({"portal"}))

    def hear(*answers: Collected) -> list[str]:
        for answer in answers:
            complaints.hear(answer)
        return list(caplog.messages)

    return hear


def test_a_good_feed_is_not_worth_a_word(said):
    assert said(GOOD, GOOD) == []


def test_a_failure_is_said_once_and_so_is_its_end(said):
    assert said(BROKEN, BROKEN, GOOD, GOOD) == [BROKEN.failure, "feed portal: all rows are believed again"]


def test_refused_rows_are_named_with_place_and_reason(said):
    assert said(with_rows(1)) == ["feed portal: row 1: unknown-unit: no unit has the code '99999'"]


def test_many_refused_rows_are_counted(said):
    (line,) = said(with_rows(200))
    assert line.count("unknown-unit") == 5 and line.endswith("; and 195 more")


def test_the_same_rows_with_other_details_are_no_news(said):
    assert len(said(with_rows(2, "10 s after our clock"), with_rows(2, "11 s after our clock"))) == 1


def test_a_probe_is_none_of_its_business(said):
    assert said(replace(BROKEN, source="centre-health/02143")) == []
