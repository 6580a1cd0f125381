from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.plan import Directory, Recipient
from monitor.alerting.roster import gaps, turns
from monitor.alerting.schedule import Line, Rotation, Schedule, Spell, on_duty
from monitor.model.hours import Calendar, Daily
from monitor.model.muting import Span

VIETNAM, BERLIN = ZoneInfo("Asia/Ho_Chi_Minh"), ZoneInfo("Europe/Berlin")
START = date(2026, 1, 5)  # a Monday
WEEKLY = Rotation(("an", "binh", "cuong"), START)


def schedule(*rotations: Rotation, zone: ZoneInfo = VIETNAM, roster=(), overrides=()) -> Schedule:
    return Schedule("duty", "dost_duty", "19", zone, rotations, roster, overrides)


def called(made: Schedule, start: datetime, end: datetime, *people: Recipient):
    """Stretches of time with those who are called; everybody holds the role unless `people` are given."""
    held = people or tuple(Recipient(who, made.role, made.scope, who, channels=("log",)) for who in made.members)
    directory = Directory(held, (), schedules=(made,))
    return turns(directory, made.role, (made.scope,), start, end, Calendar(frozenset(), frozenset(), made.zone))


def holes(made: Schedule, start: datetime, end: datetime, *people: Recipient) -> tuple[Span, ...]:
    return gaps(((begins, bool(who.people)) for begins, who in called(made, start, end, *people)), end)


def at(day: date, hour: int = 12, minute: int = 0, zone: ZoneInfo = VIETNAM) -> datetime:
    return datetime.combine(day, time(hour, minute), zone).astimezone(UTC)


def test_a_turn_ends_at_the_hand_over_and_the_next_one_begins_in_the_same_instant():
    weekly = schedule(WEEKLY)
    handover = at(date(2026, 1, 12), 7, 30)
    assert on_duty(weekly, handover - timedelta(microseconds=1)).who == ("an",)
    assert on_duty(weekly, handover).who == ("binh",)
    assert on_duty(weekly, at(START)).until == handover


def test_before_the_first_turn_nobody_is_on_duty():
    duty = on_duty(schedule(WEEKLY), at(START, 7))
    assert (duty.who, duty.line, duty.until) == ((), Line.HOLE, at(START, 7, 30))


def test_an_override_goes_before_the_roster_and_the_roster_before_the_rotation():
    roster = (Spell(at(date(2026, 2, 1)), at(date(2026, 2, 9)), ("roster",)),)
    override = (Spell(at(date(2026, 2, 3)), at(date(2026, 2, 4)), ("other",)),)
    made = schedule(WEEKLY, roster=roster, overrides=override)
    lines = [on_duty(made, at(date(2026, 2, day), 13)).line for day in (1, 3, 5, 10)]
    assert lines == [Line.ROSTER, Line.OVERRIDE, Line.ROSTER, Line.ROTATION]


def test_a_day_shift_and_a_night_shift_share_the_day():
    day = Rotation(("an",), START, hours=Daily(time(7, 30), time(17)))
    night = Rotation(("binh",), START, hours=Daily(time(17), time(7, 30)))
    both = schedule(day, night)
    assert [on_duty(both, at(date(2026, 3, 1), hour)).who for hour in (3, 8, 16, 17, 23)] == [
        ("binh",), ("an",), ("an",), ("binh",), ("binh",)
    ]  # fmt: skip
    assert holes(both, at(START, 7, 30), at(date(2027, 1, 1))) == ()
    nights = holes(schedule(day), at(START, 12), at(date(2026, 1, 7), 3))
    assert nights == (
        Span(at(START, 17), at(date(2026, 1, 6), 7, 30)),
        Span(at(date(2026, 1, 6), 17), at(date(2026, 1, 7), 3)),
    )


def test_a_turn_of_somebody_who_does_not_hold_the_role_any_more_is_a_hole():
    people = [Recipient(who, "dost_duty", "19", who, channels=("log",)) for who in ("an", "cuong")]
    binh = Recipient("binh", "dost_duty", "19", "binh", channels=("log",), valid_to=date(2026, 1, 15))
    found = holes(schedule(WEEKLY), at(START), at(date(2026, 2, 1)), *people, binh)
    assert found == (Span(at(date(2026, 1, 15), 0), at(date(2026, 1, 19), 7, 30)),)


def test_the_29th_of_february_is_a_day_like_any_other():
    daily = schedule(Rotation(("an", "binh"), date(2028, 2, 27), days=1))
    days = [date(2028, 2, 27) + timedelta(days=n) for n in range(4)]
    assert [str(day) for day in days][-2:] == ["2028-02-29", "2028-03-01"]
    assert [on_duty(daily, at(day)).who[0] for day in days] == ["an", "binh", "an", "binh"]


@given(
    zone=st.sampled_from([BERLIN, ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe"), VIETNAM]),
    days=st.integers(1, 9),
    hand_over=st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    begins=st.dates(date(2024, 1, 1), date(2027, 12, 31)),
)
def test_no_change_of_the_clock_skips_or_doubles_a_turn(zone, days, hand_over, begins):
    members = ("a", "b", "c")
    made = schedule(Rotation(members, begins, hand_over, days), zone=zone)
    first = on_duty(made, at(begins, 0, 0, zone) - timedelta(days=1)).until
    stretches = list(called(made, first, at(begins, 0, 0, zone) + timedelta(days=370)))
    assert [who.duty.who for _, who in stretches if who.duty] == [(members[n % 3],) for n in range(len(stretches))]
    lengths = [later - start for (start, _), (later, _) in pairwise(stretches)]
    assert all(abs(length - timedelta(days=days)) <= timedelta(hours=1) for length in lengths)


@given(
    moment=st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),
    switch=st.times().map(lambda t: t.replace(second=0, microsecond=0)),
)
def test_hours_and_the_rest_of_the_day_leave_no_instant_to_nobody_and_none_to_both(moment, switch):
    other = time((switch.hour + 11) % 24, switch.minute)
    inside, outside = Daily(switch, other), Daily(other, switch)
    assert (inside.end_of(moment, BERLIN) is None) != (outside.end_of(moment, BERLIN) is None)
    assert inside.end_of(inside.next_in(moment, BERLIN), BERLIN) is not None
