"""When a digest is owed: on working days, the last edition only, each once."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.digests import next_owed, numbered, owed
from monitor.alerting.plan import DigestSpec
from monitor.model.hours import Calendar, WorkingTimes
from monitor.model.unit import Level, Unit, Units

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
# 2 September is a holiday; Saturday 6 September is worked.
CALENDAR = Calendar(frozenset({date(2025, 9, 2)}), frozenset({date(2025, 9, 6)}), ZONE)
TWICE = DigestSpec(WorkingTimes((time(7, 30), time(16, 30))), ("office",), ("mail",))
UNITS = Units(
    (
        Unit("VN", Level.NATION, "nation", "Việt Nam", "Viet Nam", "Viet Nam"),
        Unit("19", Level.PROVINCE, "tinh", "Tỉnh", "Province", "Tinh", "VN", "19"),
        Unit("20", Level.PROVINCE, "tinh", "Tỉnh", "Province", "Tinh", "VN", "20"),
    )
)


def local(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2025, 9, day, hour, minute, tzinfo=ZONE).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "following"),
    [
        (local(1, 7), local(1, 7, 30)),
        (local(1, 7, 30), local(1, 16, 30)),
        (local(1, 17), local(3, 7, 30)),  # over the holiday
        (local(5, 17), local(6, 7, 30)),  # the Saturday is worked
        (local(6, 17), local(8, 7, 30)),
    ],
)
def test_the_next_one_is_on_a_working_day(now, following):
    assert next_owed([TWICE], CALENDAR, now) == following


def test_each_province_has_its_own_and_says_since_when():
    found = owed([TWICE], UNITS, CALENDAR, local(3, 7), local(3, 8))
    assert [(one.unit.code, one.at, one.since, one.number(CALENDAR)) for one in found] == [
        ("19", local(3, 7, 30), local(1, 16, 30), "0309-0730"),
        ("20", local(3, 7, 30), local(1, 16, 30), "0309-0730"),
    ]


def test_an_edition_is_found_again_by_its_number_the_last_one_of_that_number_counting():
    (edition, _) = owed([TWICE], UNITS, CALENDAR, local(3, 7), local(3, 8))
    assert numbered("0309-0730", [TWICE], UNITS, CALENDAR, local(4, 9)) == {
        edition.key(CALENDAR): UNITS["19"], edition.key(CALENDAR).replace("/19/", "/20/"): UNITS["20"],
    }  # fmt: skip
    assert list(numbered("0509-0730", [TWICE], UNITS, CALENDAR, local(4, 9))) == [
        "digest/19/2024-09-05T07:30", "digest/20/2024-09-05T07:30",
    ]  # fmt: skip
    assert numbered("3113-2561", [TWICE], UNITS, CALENDAR, local(4, 9)) == {}


def test_of_several_that_were_missed_only_the_last_is_owed():
    found = owed([TWICE], UNITS, CALENDAR, local(1, 7), local(3, 17))
    assert {one.at for one in found} == {local(3, 16, 30)}


@given(st.lists(st.integers(0, 14 * 24 * 60), min_size=2, max_size=12, unique=True))
def test_however_often_one_looks_an_edition_is_owed_at_most_once_and_the_last_always(minutes):
    start = local(1, 0)
    looks = [start.replace(tzinfo=UTC) + (local(2, 0) - start) * (minute / 1440) for minute in sorted(minutes)]
    found = [one.at for after, until in pairwise(looks) for one in owed([TWICE], UNITS, CALENDAR, after, until)]
    assert len(found) == 2 * len(set(found))  # two provinces
    last = TWICE.at.last_before(looks[-1], CALENDAR)
    assert last <= looks[0] or last in found or last == looks[-1]


def test_nothing_is_owed_where_no_day_is_worked():
    never = Calendar(
        frozenset(date.fromordinal(date(2025, 1, 1).toordinal() + n) for n in range(1200)), frozenset(), ZONE
    )
    assert next_owed([TWICE], never, local(1, 7)) is None
