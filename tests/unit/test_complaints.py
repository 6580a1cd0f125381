from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from monitor.engine.hygiene import after_poll
from monitor.model.reading import Collected, Drift, Rejected
from monitor.service.complaints import Complaints

GOOD = Collected("portal", datetime(2026, 11, 20, 5, tzinfo=UTC))
BROKEN = replace(GOOD, failure="feed portal: not JSON: looks like an HTML page", stage="read")


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


def test_a_failure_is_said_once_with_its_stage_and_so_is_its_end(said):
    assert said(BROKEN, BROKEN, GOOD, GOOD) == [
        "feed portal: read: not JSON: looks like an HTML page",
        "feed portal: read: works again",
    ]


def test_another_stage_of_failing_is_another_trouble(said):
    away = replace(BROKEN, failure="feed portal: timeout: no answer", stage="fetch")
    assert said(away, replace(away, failure="feed portal: HTTP status 502"), BROKEN, GOOD) == [
        "feed portal: fetch: timeout: no answer",
        "feed portal: read: not JSON: looks like an HTML page",
        "feed portal: read: works again",
    ]


def test_stages_that_take_turns_are_one_failure_each_is_said_once(said):
    away = replace(BROKEN, failure="feed portal: timeout: no answer", stage="fetch")
    assert said(*[away, BROKEN] * 5, GOOD) == [
        "feed portal: fetch: timeout: no answer",
        "feed portal: read: not JSON: looks like an HTML page",
        "feed portal: read: works again",
    ]


def test_refused_rows_are_named_with_place_and_reason_once_when_it_begins_and_once_when_it_ends(said):
    assert said(with_rows(1), with_rows(1), GOOD, GOOD) == [
        "feed portal: rows: row 1: unknown-unit: no unit has the code '99999'",
        "feed portal: rows: all are believed again",
    ]


def test_what_joins_and_what_ends_is_named_and_nothing_else(said):
    one, other = (Rejected("portal", "line 4", "duplicate", "twice", unit=unit) for unit in ("02143", "01840"))
    assert said(
        replace(GOOD, rejected=(one,)),
        replace(GOOD, rejected=(replace(one, row="line 9"), other)),  # it stands elsewhere now: the same trouble
        replace(GOOD, rejected=(other,)),
    ) == [
        "feed portal: rows: line 4: duplicate: twice",
        "feed portal: rows: line 4: duplicate: twice",
        "feed portal: rows: no longer: line 9: duplicate",
    ]


def test_a_failure_ends_no_trouble_of_rows(said):
    assert said(with_rows(1), BROKEN, with_rows(1))[1:] == [
        "feed portal: read: not JSON: looks like an HTML page",
        "feed portal: read: works again",
    ]


def test_a_restart_says_nothing_twice(caplog):
    health = after_poll(None, with_rows(2), "19")
    complaints = Complaints(frozenset({"portal"}))
    complaints.resume([after_poll(health, BROKEN, "19")])
    complaints.hear(BROKEN)
    complaints.hear(with_rows(2))
    complaints.hear(GOOD)
    assert caplog.messages == ["feed portal: read: works again", "feed portal: rows: all are believed again"]


def test_changed_headers_are_said_once(caplog):
    complaints = Complaints(frozenset({"portal"}))
    health = replace(after_poll(None, GOOD, "19"), drift=Drift(GOOD.at, ("Tỷ lệ",), ("Tỉ lệ",)))
    complaints.hear(GOOD, health)
    complaints.hear(GOOD, health)
    assert caplog.messages == ["feed portal: columns: gone: 'Tỷ lệ'; new: 'Tỉ lệ'"]


def test_many_refused_rows_are_counted(said):
    (line,) = said(with_rows(200))
    assert line.count("unknown-unit") == 5 and line.endswith("; and 195 more")


def test_the_same_rows_with_other_details_are_no_news(said):
    assert len(said(with_rows(2, "10 s after our clock"), with_rows(2, "11 s after our clock"))) == 1


def test_a_probe_is_none_of_its_business(said):
    assert said(replace(BROKEN, source="centre-health/02143")) == []
