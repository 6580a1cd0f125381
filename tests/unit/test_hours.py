"""Working days, local days and office hours, against naive models and every kind of zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.hours import (
    Calendar,
    Session,
    Sessions,
    end_of_month,
    end_of_quarter,
    end_of_year,
    first_instant,
    read_instant,
)

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
PLAIN = Calendar(frozenset({date(2025, 9, 1), date(2025, 9, 2)}), frozenset(), HANOI)
OFFICE: tuple[Session, ...] = ((time(7, 30), time(11, 30)), (time(13, 30), time(17)))
WEEK = ((OFFICE,) * 5) + (((time(7, 30), time(11, 30)),), ())
# Gaps and folds by day and at midnight, half-hour shifts, a day that never was, odd local mean times, a far east.
ZONES = [
    ZoneInfo(name)
    for name in (
        "Asia/Ho_Chi_Minh",
        "Europe/Berlin",
        "America/New_York",
        "America/St_Johns",
        "America/Sao_Paulo",
        "America/Havana",
        "Asia/Beirut",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Pacific/Kwajalein",
        "Africa/Casablanca",
        "Africa/Monrovia",
        "Asia/Kathmandu",
        "UTC",
    )
]
DAYS = st.dates(date(2024, 12, 1), date(2026, 2, 1))
DAY_RANGE = {"min_value": date(1960, 1, 1), "max_value": date(2037, 12, 31)}
WALLS = st.builds(datetime.combine, st.dates(**DAY_RANGE), st.times())


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    off = draw(st.frozensets(DAYS, max_size=40))
    return Calendar(off, draw(st.frozensets(DAYS, max_size=20)) - off, draw(st.sampled_from(ZONES)))


@st.composite
def office_weeks(draw: st.DrawFn) -> tuple[tuple[Session, ...], ...]:
    def sessions() -> tuple[Session, ...]:
        minutes = sorted(draw(st.sets(st.integers(0, 1439), max_size=6)))
        times = [time(minute // 60, minute % 60) for minute in minutes]
        return tuple(zip(times[::2], times[1::2], strict=False))

    return (OFFICE, *(sessions() for _ in range(6)))


def test_a_deadline_before_20_august_leaves_ten_working_days_and_before_the_25th_thirteen() -> None:
    start = date(2025, 8, 6)
    assert PLAIN.working_days_between(start, date(2025, 8, 20)) == 10
    assert PLAIN.working_days_between(start, date(2025, 8, 25)) == 13


def test_no_working_day_lies_between_a_day_and_itself_or_the_past() -> None:
    assert PLAIN.working_days_between(date(2025, 8, 6), date(2025, 8, 6)) == 0
    assert PLAIN.working_days_between(date(2025, 8, 25), date(2025, 8, 6)) == 0


@given(calendars(), DAYS, DAYS)
def test_working_days_agree_with_counting_day_by_day(calendar: Calendar, start: date, end: date) -> None:
    days = [start + timedelta(days=n) for n in range(max((end - start).days, 0))]
    assert calendar.working_days_between(start, end) == sum(calendar.is_working(day) for day in days)


@given(calendars(), DAYS, st.integers(1, 60))
def test_the_nth_working_day_has_n_working_days_up_to_it(calendar: Calendar, day: date, n: int) -> None:
    reached = calendar.add_working_days(day, n)
    assert calendar.is_working(reached)
    after, following = day + timedelta(days=1), reached + timedelta(days=1)
    assert calendar.working_days_between(after, following) == n
    before = calendar.add_working_days(day, -n)
    assert calendar.is_working(before)
    assert calendar.working_days_between(before, day) == n


def test_adding_no_working_day_moves_only_off_a_day_that_is_not_worked() -> None:
    assert PLAIN.add_working_days(date(2025, 8, 29), 0) == date(2025, 8, 29)
    assert PLAIN.add_working_days(date(2025, 8, 30), 0) == date(2025, 9, 3)


def test_a_worked_saturday_counts_and_a_holiday_does_not() -> None:
    calendar = Calendar(frozenset({date(2026, 8, 31)}), frozenset({date(2026, 8, 22)}), HANOI)
    assert calendar.is_working(date(2026, 8, 22))
    assert not calendar.is_working(date(2026, 8, 23))
    assert not calendar.is_working(date(2026, 8, 31))


def test_a_day_that_is_both_off_and_worked_is_refused() -> None:
    with pytest.raises(ValueError, match="both off and worked: 2026-01-02"):
        Calendar(frozenset({date(2026, 1, 2)}), frozenset({date(2026, 1, 2)}), HANOI)


def test_a_local_day_of_vietnam_starts_at_17_utc_of_the_day_before() -> None:
    start = PLAIN.start_of_day(date(2025, 8, 20))
    assert start == datetime(2025, 8, 19, 17, tzinfo=UTC)
    assert start.tzinfo is UTC
    assert PLAIN.local(start).isoformat() == "2025-08-20T00:00:00+07:00"


def test_an_instant_without_zone_is_refused() -> None:
    naive = datetime(2025, 8, 20)
    sessions = Sessions(PLAIN, WEEK)
    for call in (PLAIN.local, sessions.next_working_instant, lambda at: sessions.working_minutes(at, at)):
        with pytest.raises(ValueError, match="needs a time zone"):
            call(naive)


@pytest.mark.parametrize(
    ("zone", "wall", "instant"),
    [
        ("Europe/Berlin", "2025-03-30T02:30", "2025-03-30T01:00"),  # gap: its end
        ("Europe/Berlin", "2025-03-30T02:59:59.999999", "2025-03-30T01:00"),
        ("Europe/Berlin", "2025-03-30T03:00", "2025-03-30T01:00"),
        ("Europe/Berlin", "2025-10-26T02:30", "2025-10-26T00:30"),  # fold: the first
        ("America/Sao_Paulo", "2018-11-04T00:00", "2018-11-04T03:00"),  # midnight was skipped
        ("America/Havana", "2025-11-02T00:30", "2025-11-02T04:30"),
        ("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00"),  # the day never was
        ("Australia/Lord_Howe", "2025-10-05T02:15", "2025-10-04T15:30"),
    ],
)
def test_a_skipped_time_is_the_end_of_the_gap_and_a_repeated_one_its_first(zone: str, wall: str, instant: str) -> None:
    found = first_instant(datetime.fromisoformat(wall), ZoneInfo(zone))
    assert found == datetime.fromisoformat(instant).replace(tzinfo=UTC)


@given(st.sampled_from(ZONES), WALLS)
def test_the_first_instant_shows_the_time_or_later_and_the_moment_before_does_not(
    zone: ZoneInfo, wall: datetime
) -> None:
    found = first_instant(wall, zone)
    assert found.astimezone(zone).replace(tzinfo=None) >= wall
    assert (found - timedelta(microseconds=1)).astimezone(zone).replace(tzinfo=None) < wall


@given(st.sampled_from(ZONES), WALLS, WALLS)
def test_later_clock_times_never_come_earlier(zone: ZoneInfo, one: datetime, other: datetime) -> None:
    early, late = sorted((one, other))
    assert first_instant(early, zone) <= first_instant(late, zone)


@given(st.sampled_from(ZONES), st.dates(**DAY_RANGE))
def test_consecutive_days_touch_and_never_overlap(zone: ZoneInfo, day: date) -> None:
    calendar = Calendar(frozenset(), frozenset(), zone)
    start, following = calendar.start_of_day(day), calendar.start_of_day(day + timedelta(days=1))
    assert timedelta() <= following - start <= timedelta(hours=26)
    if start < following:
        assert calendar.local(start).date() == day


@pytest.mark.parametrize(
    ("day", "month", "quarter"),
    [
        (date(2025, 8, 6), date(2025, 8, 31), date(2025, 9, 30)),
        (date(2024, 2, 29), date(2024, 2, 29), date(2024, 3, 31)),
        (date(2025, 12, 31), date(2025, 12, 31), date(2025, 12, 31)),
        (date(2025, 5, 31), date(2025, 5, 31), date(2025, 6, 30)),
        (date(9999, 12, 1), date(9999, 12, 31), date(9999, 12, 31)),
    ],
)
def test_months_and_quarters_end_on_their_last_day(day: date, month: date, quarter: date) -> None:
    assert (end_of_month(day), end_of_quarter(day)) == (month, quarter)


@given(st.dates(max_value=date(9999, 12, 30)))
def test_the_day_after_an_end_begins_the_next_period(day: date) -> None:
    month, quarter, year = end_of_month(day), end_of_quarter(day), end_of_year(day)
    assert day <= month <= quarter <= year
    assert year == date(day.year, 12, 31)
    for last in (last for last in (month, quarter) if last < date.max):
        assert (last + timedelta(days=1)).day == 1
    assert quarter.month % 3 == 0 and (quarter.month - day.month) in (0, 1, 2)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=HANOI).astimezone(UTC)


@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [
        ("2025-08-06T08:00", "2025-08-06T09:00", 60),
        ("2025-08-06T11:00", "2025-08-06T14:00", 60),
        ("2025-08-06T16:30", "2025-08-07T08:00", 60),
        ("2025-08-08T16:30", "2025-08-11T08:00", 300),  # Saturday morning is open
        ("2025-08-29T17:00", "2025-09-03T07:31", 241),  # two days off
        ("2025-08-06T12:00", "2025-08-06T13:00", 0),
        ("2025-08-06T09:00", "2025-08-06T08:00", 0),
        ("2025-08-06T08:00:00", "2025-08-06T08:01:59", 1),
    ],
)
def test_office_minutes_leave_out_noon_night_and_days_off(start: str, end: str, minutes: int) -> None:
    assert Sessions(PLAIN, WEEK).working_minutes(at(start), at(end)) == minutes


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2025-08-06T08:00", "2025-08-06T08:00"),
        ("2025-08-06T11:30", "2025-08-06T13:30"),
        ("2025-08-06T17:00", "2025-08-07T07:30"),
        ("2025-08-09T11:30", "2025-08-11T07:30"),
        ("2025-08-30T12:00", "2025-09-03T07:30"),
    ],
)
def test_the_next_working_instant_is_now_or_the_next_opening(now: str, opens: str) -> None:
    assert Sessions(PLAIN, WEEK).next_working_instant(at(now)) == at(opens)


def test_a_make_up_saturday_has_a_full_day_of_sessions() -> None:
    calendar = Calendar(frozenset(), frozenset({date(2026, 8, 22), date(2026, 8, 23)}), HANOI)
    sessions = Sessions(calendar, WEEK)
    assert sessions.on(date(2026, 8, 22)) == sessions.on(date(2026, 8, 23)) == OFFICE
    assert sessions.on(date(2026, 8, 29)) == ((time(7, 30), time(11, 30)),)


def test_a_service_that_never_closes_counts_every_minute() -> None:
    calendar = Calendar(frozenset(), frozenset(), ZoneInfo("Europe/Berlin"))
    always = Sessions(calendar, (((time.min, time.min),),) * 7)
    start = datetime(2025, 3, 29, 12, tzinfo=UTC)
    assert always.working_minutes(start, start + timedelta(days=2)) == 2 * 24 * 60
    assert always.next_working_instant(start) == start


def test_an_office_that_stays_closed_has_no_next_working_instant() -> None:
    closed = frozenset(date(2025, 1, 1) + timedelta(days=n) for n in range(1000))
    sessions = Sessions(Calendar(closed, frozenset(), HANOI), WEEK)
    assert sessions.next_working_instant(at("2025-02-01T08:00")) is None


def test_the_repeated_hour_counts_twice_whatever_zone_the_instants_carry() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    night = Sessions(Calendar(frozenset(), frozenset(), berlin), (((time(1), time(4)),),) * 7)
    start = datetime(2025, 10, 26, 2, 30, tzinfo=berlin, fold=0)
    end = datetime(2025, 10, 26, 2, 15, tzinfo=berlin, fold=1)
    assert night.working_minutes(start, end) == 45


@pytest.mark.parametrize(
    "sessions",
    [
        ((time(9), time(8)),),
        ((time(9), time(9)),),
        ((time(8), time(10)), (time(9), time(11))),
        ((time(13), time(14)), (time(8), time(9))),
        ((time(8), time.min), (time(9), time(10))),
    ],
)
def test_sessions_that_are_empty_overlap_or_are_out_of_order_are_refused(sessions: tuple[Session, ...]) -> None:
    with pytest.raises(ValueError, match="empty, overlap or are out of order"):
        Sessions(PLAIN, (sessions, *WEEK[1:]))


@pytest.mark.parametrize("week", [(), WEEK[:6], ((),) * 7])
def test_a_week_needs_seven_days_and_one_session(week: tuple[tuple[Session, ...], ...]) -> None:
    with pytest.raises(ValueError, match="seven weekdays and at least one session"):
        Sessions(PLAIN, week)


@given(
    st.sampled_from(ZONES),
    office_weeks(),
    st.dates(date(2011, 12, 20), date(2025, 11, 30)),
    st.integers(0, 24 * 60 - 1),
    st.integers(0, 2 * 24 * 60),
)
def test_office_minutes_agree_with_asking_minute_by_minute(
    zone: ZoneInfo, week: tuple[tuple[Session, ...], ...], day: date, minute: int, length: int
) -> None:
    sessions = Sessions(Calendar(frozenset(), frozenset(), zone), week)
    start = datetime.combine(day, time.min, UTC) + timedelta(minutes=minute)
    minutes = [start + timedelta(minutes=n) for n in range(length)]
    is_open = [sessions.next_working_instant(minute) == minute for minute in minutes]
    assert sessions.working_minutes(start, start + timedelta(minutes=length)) == sum(is_open)
    if True in is_open:
        assert sessions.next_working_instant(start) == minutes[is_open.index(True)]


@given(st.sampled_from(ZONES), WALLS)
def test_tomorrow_begins_with_the_first_instant_of_another_day(zone: ZoneInfo, wall: datetime) -> None:
    calendar, now = Calendar(frozenset(), frozenset(), zone), first_instant(wall, zone)
    assert calendar.day(calendar.tomorrow(now)) > calendar.day(now)
    assert calendar.day(calendar.tomorrow(now) - timedelta.resolution) == calendar.day(now)


def test_what_a_local_time_is_in_utc_is_worked_out_once() -> None:
    first_instant.cache_clear()
    for _ in range(3):
        PLAIN.start_of_day(date(2025, 8, 20))
    assert (first_instant.cache_info().misses, first_instant.cache_info().hits) == (1, 2)


@pytest.mark.parametrize("text", ["1899-12-31", "3000-01-01T08:00", "0001-01-15T00:00Z", "9999-12-20", "", "next"])
def test_a_typed_instant_is_of_a_year_from_which_no_span_leads_out_of_the_calendar(text: str) -> None:
    with pytest.raises(ValueError, match="is no instant"):
        read_instant(text, HANOI)


def test_the_first_and_the_last_year_that_can_be_typed_are_taken() -> None:
    first, last = read_instant("1900-01-01T00:00Z", HANOI), read_instant("2999-12-31", HANOI, is_end=True)
    assert (first, last) == (datetime(1900, 1, 1, tzinfo=UTC), datetime(2999, 12, 31, 17, tzinfo=UTC))
