"""Vietnam's calendar: computed holidays, and the overrides file that wins."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from holidays import country_holidays

from monitor.registry.calendar import COMPUTED, OfficeCalendar, calendar_warnings, vietnam_calendar

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
SHIPPED = Path(__file__).parents[2] / "rules" / "calendar_overrides.csv"
TABLE = Path(__file__).parents[2] / "monitor" / "registry" / "holidays.csv"
YEARS = range(2024, 2031)


@pytest.fixture(scope="module")
def office() -> OfficeCalendar:
    return vietnam_calendar(SHIPPED, YEARS, HANOI)


def written(folder: Path, *rows: str) -> Path:
    path = folder / "overrides.csv"
    path.write_text("\n".join(["date,kind,why,status", *rows, ""]), "utf-8")
    return path


def written_anew() -> str:
    """Run this file where an upgrade of the library made the test below fail, and look at what changed."""
    computed = country_holidays("VN", years=COMPUTED)
    days = [(day, "off", name) for day, name in computed.items()]
    days += [(day, "work", "") for day in computed.weekend_workdays]
    lines = (f"{day},{kind},{why}\n" for day, kind, why in sorted(days) if day.year in COMPUTED)
    return "".join(["date,kind,why\n", *lines])


def test_the_table_of_holidays_is_what_the_library_computes() -> None:
    assert TABLE.read_text("utf-8") == written_anew()


def test_the_shipped_overrides_are_read_without_a_problem(office: OfficeCalendar) -> None:
    assert office.problems == ()
    assert [row.kind for row in office.overrides] == ["off", "work", "off", "work", "off", "work", "off", "check"]


def test_the_august_2025_deadlines_leave_ten_and_thirteen_working_days(office: OfficeCalendar) -> None:
    start = date(2025, 8, 6)
    assert office.calendar.working_days_between(start, date(2025, 8, 20)) == 10
    assert office.calendar.working_days_between(start, date(2025, 8, 25)) == 13


@pytest.mark.parametrize(
    ("day", "after"),
    [
        (date(2025, 4, 29), date(2025, 5, 7)),
        (date(2026, 8, 20), date(2026, 8, 24)),
        (date(2025, 12, 31), date(2026, 1, 7)),
    ],
)
def test_three_working_days_jump_over_holidays_and_count_make_up_days(
    office: OfficeCalendar, day: date, after: date
) -> None:
    assert office.calendar.add_working_days(day, 3) == after


@pytest.mark.parametrize(
    ("day", "working"),
    [
        (date(2025, 4, 26), True),
        (date(2025, 5, 2), False),
        (date(2026, 1, 2), False),
        (date(2026, 1, 10), True),
        (date(2026, 8, 22), True),
        (date(2026, 8, 31), False),
        (date(2026, 11, 24), False),
        (date(2025, 11, 24), True),
        (date(2025, 1, 29), False),
        (date(2025, 9, 2), False),
    ],
)
def test_tet_swaps_and_the_day_of_culture_are_known(office: OfficeCalendar, day: date, working: bool) -> None:
    assert office.calendar.is_working(day) is working


def test_without_overrides_the_swap_of_2_january_2026_is_missing() -> None:
    computed = vietnam_calendar(None, YEARS, HANOI)
    assert computed.calendar.is_working(date(2026, 1, 2))
    assert not computed.calendar.is_working(date(2026, 1, 10))
    assert (computed.overrides, computed.problems) == ((), ())


def test_the_library_alone_gives_the_measured_working_days_per_year() -> None:
    calendar = vietnam_calendar(None, YEARS, HANOI).calendar
    counts = [calendar.working_days_between(date(year, 1, 1), date(year + 1, 1, 1)) for year in (2025, 2026, 2027)]
    assert counts == [250, 249, 249]


def test_an_override_wins_over_the_library_in_both_directions(tmp_path: Path) -> None:
    path = written(tmp_path, "2025-09-02,work,,", "2025-09-03..2025-09-05,off,storm,", "2026-08-22,off,,")
    calendar = vietnam_calendar(path, YEARS, HANOI).calendar
    assert calendar.is_working(date(2025, 9, 2))
    assert not any(calendar.is_working(date(2025, 9, day)) for day in (3, 4, 5))
    assert not calendar.is_working(date(2026, 8, 22))


def test_a_year_to_be_checked_is_a_warning_with_file_and_line(office: OfficeCalendar) -> None:
    warnings = calendar_warnings(office, datetime(2026, 11, 21, tzinfo=UTC))
    assert warnings == [
        f"{SHIPPED}:9: working days of 2027 are to be checked: "
        "2027 swaps were not found; library values are computed; re-check each December"
    ]
    assert not office.confirmed(2027)


def test_confirmed_years_give_no_warning(office: OfficeCalendar, tmp_path: Path) -> None:
    assert calendar_warnings(office, datetime(2025, 11, 21, tzinfo=UTC)) == []
    path = written(tmp_path, "2026-01-02,off,,", "2027-01-01..2027-12-31,confirmed,no swaps,")
    checked = vietnam_calendar(path, YEARS, HANOI)
    assert calendar_warnings(checked, datetime(2026, 12, 31, tzinfo=UTC)) == []
    assert calendar_warnings(checked, datetime(2027, 1, 1, tzinfo=UTC)) == [
        "no confirmed bridge or make-up days for 2028: its working days are computed"
    ]


def test_the_year_of_a_warning_is_the_local_one(office: OfficeCalendar) -> None:
    assert calendar_warnings(office, datetime(2025, 12, 31, 16, 59, tzinfo=UTC)) == []
    assert len(calendar_warnings(office, datetime(2025, 12, 31, 17, 0, tzinfo=UTC))) == 1


def test_a_year_outside_the_calendar_is_named() -> None:
    short = vietnam_calendar(SHIPPED, [2025], HANOI)
    warnings = calendar_warnings(short, datetime(2025, 6, 1, tzinfo=UTC))
    assert warnings == ["the calendar does not cover 2026: its holidays count as working days"]


def test_a_bad_row_is_named_and_the_good_rows_still_count(tmp_path: Path) -> None:
    rows = (
        "2026-13-01,off,,",
        "2026-01-02,off,bridge,",
        "2026-01-03..2026-01-01,off,,",
        "2026-01-01..2036-01-01,off,,",
        "2026-01-05,holiday,,",
        "2026-01-02,work,,",
        "2026-01-06",
    )
    path = written(tmp_path, *rows)
    office = vietnam_calendar(path, YEARS, HANOI)
    assert [problem.removeprefix(f"{path}:").partition(":")[0] for problem in office.problems] == list("245687")
    assert "'holiday' is not one of off, work, confirmed, check" in office.problems[3]
    assert office.problems[-1] == f"{path}:7: 2026-01-02 is 'work' here and 'off' at {path}:3; this row counts"
    assert office.calendar.is_working(date(2026, 1, 2))


@pytest.mark.parametrize("content", [b"day,what\n2026-01-02,off\n", b"", b"\xff\xfe\x00", None])
def test_an_unusable_file_is_a_problem_and_the_computed_days_remain(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "overrides.csv"
    if content is not None:
        path.write_bytes(content)
    office = vietnam_calendar(path, YEARS, HANOI)
    assert len(office.problems) == 1 and office.problems[0].startswith(str(path))
    assert not office.calendar.is_working(date(2025, 9, 2))


if __name__ == "__main__":
    TABLE.write_text(written_anew(), "utf-8")
