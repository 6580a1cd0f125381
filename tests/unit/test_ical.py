"""Duty rosters from iCalendar files, and what is wrong with them by line."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.alerting.schedule import Spell, on_duty
from monitor.config.build import load_site
from monitor.config.ical import MAX_EVENTS, read_roster
from tests.unit.sites import NOW, change, make_site, problems_of

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)
KNOWN = {"an": "an", "Nguyễn Văn An": "an", "binh": "binh", "binh@tinh.example": "binh", "cuong": "cuong"}


def calendar(*events: str) -> bytes:
    inside = "\n".join(f"BEGIN:VEVENT\n{event}\nEND:VEVENT" for event in events)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\n{inside}\nEND:VCALENDAR\n".encode()


def read(*events: str, body: bytes | None = None, end: datetime = END) -> tuple[list[str], list[str]]:
    """Duties on Vietnamese clocks, and mistakes."""
    wrong: list[str] = []

    def say(line: int, what: str, right: str) -> None:
        wrong.append(f"{line}: {what}; {right}")

    found = read_roster(calendar(*events) if body is None else body, KNOWN.get, VIETNAM, START, end, say)
    return [shown(spell) for spell in found], wrong


def shown(spell: Spell) -> str:
    starts, ends = (at.astimezone(VIETNAM) for at in (spell.starts, spell.ends))
    return f"{starts:%d/%m %H:%M}-{ends:%d/%m %H:%M} {'+'.join(spell.who)}"


def test_an_event_puts_the_one_it_names_on_duty():
    said, wrong = read(
        "DTSTART;TZID=Asia/Ho_Chi_Minh:20261103T073000\nDTEND;TZID=Asia/Ho_Chi_Minh:20261104T073000\n"
        "SUMMARY:Nguyễn Văn An"
    )
    assert (said, wrong) == (["03/11 07:30-04/11 07:30 an"], [])


@pytest.mark.parametrize(
    ("names", "who"),
    [
        ("SUMMARY:an", "an"),
        ("SUMMARY:an\\, binh", "an+binh"),
        ("SUMMARY:an và cuong", "an+cuong"),
        (
            "SUMMARY:Trực ban\nATTENDEE;CN=Nguyễn Văn An:mailto:nobody@x.vn\nATTENDEE:mailto:binh@tinh.example",
            "an+binh",
        ),
        ("SUMMARY:an họp\nATTENDEE:MAILTO:binh@tinh.example\nATTENDEE:mailto:guest@x.vn", "binh"),
    ],
)
def test_summary_or_attendees_name_who_is_on_duty(names, who):
    assert read(f"DTSTART:20261103T000000Z\nDURATION:PT2H\n{names}")[0] == [f"03/11 07:00-03/11 09:00 {who}"]


def test_a_day_is_a_local_day_and_a_time_without_zone_is_the_sites():
    said, _ = read(
        "DTSTART;VALUE=DATE:20261103\nSUMMARY:an", "DTSTART:20261105T080000\nDTEND:20261105T170000\nSUMMARY:binh"
    )
    assert said == ["03/11 00:00-04/11 00:00 an", "05/11 08:00-05/11 17:00 binh"]


WEEKLY = "UID:w\nDTSTART;TZID=Asia/Ho_Chi_Minh:20261005T080000\nDURATION:PT1H\nSUMMARY:an\n"


def test_recurring_events_are_expanded_with_what_was_moved_added_taken_out_and_cancelled():
    said, wrong = read(
        WEEKLY + "RRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20261130T010000Z\nEXDATE;TZID=Asia/Ho_Chi_Minh:20261109T080000\n"
        "RDATE;TZID=Asia/Ho_Chi_Minh:20261111T080000",
        "UID:w\nRECURRENCE-ID;TZID=Asia/Ho_Chi_Minh:20261116T080000\nDTSTART;TZID=Asia/Ho_Chi_Minh:20261117T090000\n"
        "DURATION:PT1H\nSUMMARY:binh",
        "UID:w\nRECURRENCE-ID;TZID=Asia/Ho_Chi_Minh:20261123T080000\nDTSTART;TZID=Asia/Ho_Chi_Minh:20261123T080000\n"
        "DURATION:PT1H\nSTATUS:CANCELLED\nSUMMARY:an",
    )  # fmt: skip
    assert wrong == []
    assert said == [
        "02/11 08:00-02/11 09:00 an", "11/11 08:00-11/11 09:00 an", "17/11 09:00-17/11 10:00 binh",
        "30/11 08:00-30/11 09:00 an",
    ]  # fmt: skip


def test_a_day_taken_out_of_whole_days_is_out():
    said, _ = read("DTSTART;VALUE=DATE:20261102\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE;VALUE=DATE:20261103\nSUMMARY:an")
    assert said == ["02/11 00:00-03/11 00:00 an", "04/11 00:00-05/11 00:00 an"]


def test_no_change_of_the_clock_moves_a_duty_of_another_zone():
    wrong: list[str] = []
    body = calendar("DTSTART;TZID=Europe/Berlin:20261024T080000\nDURATION:PT2H\nRRULE:FREQ=DAILY;COUNT=3\nSUMMARY:an")
    begins = datetime(2026, 10, 20, tzinfo=UTC)
    spells = read_roster(body, KNOWN.get, VIETNAM, begins, END, lambda *said: wrong.append(str(said)))
    assert [spell.starts.hour for spell in spells] == [6, 7, 7] and wrong == []


def test_events_at_the_same_time_put_all_of_their_people_on_duty():
    said, _ = read(
        "DTSTART:20261103T000000Z\nDURATION:PT4H\nSUMMARY:an", "DTSTART:20261103T010000Z\nDURATION:PT1H\nSUMMARY:binh"
    )
    assert said == ["03/11 07:00-03/11 08:00 an", "03/11 08:00-03/11 09:00 an+binh", "03/11 09:00-03/11 11:00 an"]


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        ("DTSTART:20261103T000000Z\nDURATION:PT1H\nSUMMARY:Trần Văn X",
         "the event names nobody who holds the role, or somebody who cannot be told from another; "
         "write an id, a name or a mail address of the directory into its summary"),
        ("SUMMARY:an", "the event has no beginning; write DTSTART"),
        ("DTSTART:20261103T000000Z\nSUMMARY:an",
         "the event ends before it begins, or has no end; write DTEND or DURATION"),
        ("DTSTART:20261103T000000Z\nDTEND:20261102T000000Z\nSUMMARY:an",
         "the event ends before it begins, or has no end; write DTEND or DURATION"),
        ("DTSTART;TZID=Nowhere/X:20261103T000000\nDURATION:PT1H\nSUMMARY:an",
         "the time zone 'Nowhere/X' is not known; write Asia/Ho_Chi_Minh"),
        ("DTSTART:tomorrow\nSUMMARY:an",
         "the event cannot be read: DTSTART; export it anew"),
        ("DTSTART:20261103T000000Z\nDURATION:PT1H\nNguyễn Văn An\nSUMMARY:an",
         "the event cannot be read: a line that is no property; export it anew"),
        ("DTSTART:20261103T000000Z\nDURATION:PT1H\nRRULE:FREQ=SECONDLY\nSUMMARY:an",
         "the event recurs SECONDLY; use days, weeks, months or years"),
        ("DTSTART:20261103T000000Z\nDURATION:PT1H\nRRULE:FREQ=YEARLY;BYEASTER=1\nSUMMARY:an",
         "the event recurs by BYEASTER; use days, weeks, months or years"),
        ("DTSTART:20261103T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30\nSUMMARY:an",
         "the event recurs on a day that its months do not have; choose another day"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line_and_costs_its_own_event_only(event, sentence):
    fine = "DTSTART:20261105T000000Z\nDURATION:PT1H\nSUMMARY:an"
    assert read(fine, event) == (["05/11 07:00-05/11 08:00 an"], [f"9: {sentence}"])


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"hello", "is no iCalendar file; "),
        (b"", "is no iCalendar file; "),
        (b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR", "is no iCalendar file; "),
        ("BEGIN:VCALENDAR\nNAME:Đ".encode("utf-16"), "is not UTF-8; "),
        (b"x" * (3 << 20), "is larger than 2 MiB; "),
        (calendar(*["SUMMARY:an"] * (MAX_EVENTS + 1)), "has more than 2000 events; "),
        (calendar(*[f"DTSTART:20261001T000000Z\nDURATION:PT{n}M\nRRULE:FREQ=DAILY\nSUMMARY:an" for n in range(1, 200)]),
         "has more than 10000 duties; "),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_refused_whole(body, sentence):
    with pytest.raises(ValueError, match=sentence):
        read(body=body)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=200).map(calendar))
def test_no_bytes_break_the_reading(body):
    with contextlib.suppress(ValueError):  # a sentence of why it is refused
        read(body=body)


# -- in a site ---------------------------------------------------------------------------------------------------------

SCHEDULE = (
    '{id: duty, role: chair, scope: "19", ical: rules/duty.ics, rotations: [{members: [chair], starts: 2026-01-05}]}'
)


def site(folder: Path, *events: str) -> Path:
    make_site(folder, "network:\n", f"schedules:\n  - {SCHEDULE}\nnetwork:\n")
    change(
        folder / "config.yaml",
        "recipients:\n",
        'recipients:\n  - {id: deputy, role: chair, scope: "19", channels: [log], name: Lê Thị Bình}\n',
    )
    (folder / "rules/duty.ics").write_bytes(calendar(*events))
    return folder


def test_the_calendar_of_a_schedule_goes_before_its_rotations(tmp_path):
    loaded = load_site(
        site(tmp_path, "DTSTART:20261124T000000Z\nDURATION:PT24H\nSUMMARY:lê thị bình"), environ={}, now=NOW
    )
    (schedule,) = loaded.directory.schedules
    at = datetime(2026, 11, 24, 3, tzinfo=UTC)
    assert [on_duty(schedule, at + timedelta(days=n)).who for n in (0, 1)] == [("deputy",), ("chair",)]
    old = loaded.version
    (tmp_path / "rules/duty.ics").write_bytes(calendar())
    assert load_site(tmp_path, environ={}, now=NOW).version != old


def test_mistakes_of_the_calendar_are_named_with_file_and_line(tmp_path):
    site(tmp_path, "DTSTART:20261124T000000Z\nDURATION:PT24H\nSUMMARY:focal")  # holds another role
    (problem,) = problems_of(tmp_path)
    assert problem.startswith("rules/duty.ics:4: the event names nobody who holds the role")
    (tmp_path / "rules/duty.ics").unlink()
    assert problems_of(tmp_path) == ["rules/duty.ics:1: the calendar cannot be read; put it inside the site"]
    (tmp_path / "rules/duty.ics").write_bytes(b"hello")
    (problem,) = problems_of(tmp_path)
    assert problem.startswith("rules/duty.ics:1: the calendar is no iCalendar file; ")
