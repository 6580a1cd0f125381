"""`denbao story` in virtual time: what is judged, what is told, to whom, and that nobody hears anything else."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor.cli.main import main
from monitor.cli.story import Printer
from monitor.config.spec import Site
from monitor.model.colour import Colour
from monitor.model.unit import Level
from monitor.model.verdict import CriterionState
from monitor.story.events import Answered, Board, Change, Event, Told
from monitor.story.figures import COMMUNE_ONLINE, END, ONLINE, PROVINCE, SHARE, START, ZONE, Figures
from monitor.story.play import Play
from monitor.story.setting import story_site
from monitor.story.tell import Teller

ROOT = Path(__file__).parents[2]
A_SECOND_TOO_EARLY, A_MOMENT = timedelta(seconds=1), timedelta(milliseconds=900)
SILENT = "05662"
T3 = ("ppasc-duty-19",)
T4 = ("ppc-chair-19",)
TOLD_OF_GOALS = ("ppasc-duty-19", "ppc-chair-19")
FIRST_HOUR, MORNING_AFTER = ("commune-focal-19", "isp-duty-19"), ("commune-centre-head-19", "ppasc-duty-19")
CHAIR = ("commune-chair-19",)

# (local time, kind, unit, recipients), whole and in order: whatever is not here is silence.
MESSAGES = [
    ("08-06 07:30:00", "kpi_yellow", "19", T3),  # online rate, 10 working days left
    ("08-11 07:30:00", "kpi_yellow", "19", T3),  # green share, 10 left
    ("08-13 07:30:00", "kpi_yellow", "19", T3),  # online rate, 5 left; acknowledged at 09:12, so none at 3 and 1
    ("08-13 18:00:00", "silent", SILENT, FIRST_HOUR),
    ("08-14 07:30:00", "silent", SILENT, MORNING_AFTER),
    ("08-14 16:00:00", "speaks_again", SILENT, tuple(sorted(FIRST_HOUR + MORNING_AFTER))),
    ("08-18 07:30:00", "kpi_yellow", "19", T3),  # green share, 5 left
    *(("08-20 07:30:00", "overdue", late, CHAIR)
      for late in ("02014", "02185", "02191", "05611", "05740", "05776", "05800", "05845")),
    ("08-20 07:30:00", "overdue", "19", T4),
    ("08-20 07:30:00", "kpi_yellow", "19", T3),  # green share, 3 left
    ("08-20 16:00:00", "kpi_met", "02185", CHAIR),
    ("08-20 16:00:00", "kpi_met", "05800", CHAIR),
    ("08-21 16:00:00", "kpi_met", "02014", CHAIR),
    ("08-21 16:00:00", "kpi_met", "05845", CHAIR),
    ("08-22 07:30:00", "kpi_yellow", "19", T3),  # green share, 1 left
    ("08-22 16:00:00", "kpi_met", "05611", CHAIR),
    ("08-22 16:00:00", "kpi_met", "05740", CHAIR),
    ("08-22 16:00:00", "kpi_met", "19", TOLD_OF_GOALS),  # online rate
    ("08-25 07:30:00", "overdue", "19", T4),  # green share
    ("08-26 16:00:00", "kpi_met", "02191", CHAIR),
    ("08-26 16:00:00", "kpi_met", "05776", CHAIR),
    ("08-26 16:00:00", "kpi_met", "19", TOLD_OF_GOALS),
]  # fmt: skip


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2025-{text}").replace(tzinfo=ZONE).astimezone(UTC)


def local(instant: datetime) -> str:
    return f"{instant.astimezone(ZONE):%m-%d %H:%M:%S}"


@pytest.fixture(scope="module")
def site() -> Site:
    return story_site(ROOT, os.environ)


async def performed(site: Site, speed: float = 0.0) -> list[Event]:
    events: list[Event] = []
    play = Play(site, events.append, speed)
    await play.run()
    await play.stop()
    return events


@pytest.fixture(scope="module")
def events(site: Site) -> list[Event]:
    return asyncio.run(performed(site))


def boards(events: list[Event]) -> list[Board]:
    return [event for event in events if isinstance(event, Board)]


def messages(events: list[Event]) -> list[Told]:
    return [event for event in events if isinstance(event, Told)]


def changes(events: list[Event], unit: str, criterion: str = "") -> list[tuple[str, Colour, Colour]]:
    found = [e for e in events if isinstance(e, Change) and (e.unit, e.criterion) == (unit, criterion)]
    return [(local(change.at), change.before, change.after) for change in found]


def test_it_begins_with_the_figures_of_6_august_judged_by_the_engine(events):
    board = boards(events)[0]
    c, (online, share) = board.communes, board.goals
    assert (c.green, c.yellow, c.red, c.unknown, c.total) == (63, 29, 0, 0, 92)
    assert board.colour is Colour.YELLOW
    assert (online.criterion, online.value, online.colour) == (ONLINE, 68.91, Colour.YELLOW)
    assert (share.criterion, round(share.value or 0, 2), share.colour) == (SHARE, 68.48, Colour.YELLOW)
    assert (online.working_days_left, share.working_days_left) == (10, 13)


async def test_both_deadlines_turn_a_goal_red_in_the_second_in_which_they_begin_and_by_time_alone(site):
    play = Play(site, lambda _event: None)

    def goal(criterion: str) -> CriterionState:
        return play.service.evaluator.states[PROVINCE].criteria[criterion]

    try:
        await play.service.start()
        for criterion, deadline in ((ONLINE, at("08-20 00:00:00")), (SHARE, at("08-25 00:00:00"))):
            await play.clock.run_until(deadline - A_SECOND_TOO_EARLY)
            before = goal(criterion)
            assert (before.colour, before.verdict.overdue) == (Colour.YELLOW, False)
            await play.clock.run_until(deadline + A_MOMENT)
            after = goal(criterion)
            assert (after.colour, after.verdict.overdue) == (Colour.RED, True)
            assert after.since.replace(microsecond=0) == deadline == after.verdict.deadline
            assert after.verdict.value == before.verdict.value
            assert criterion == SHARE or after.verdict.received_at == before.verdict.received_at
    finally:
        await play.stop()


def test_every_message_that_is_owed_is_sent_once_and_nobody_hears_anything_else(events):
    sent = [(local(told.at), told.notice.kind, told.notice.unit, told.notice.recipient) for told in messages(events)]
    expected = [(when, kind, unit, person) for when, kind, unit, people in MESSAGES for person in people]
    assert sent == expected
    assert max(Counter(told.notice.key for told in messages(events)).values()) == 1


def test_officials_of_the_province_get_few_messages(events):
    heard = Counter(told.role for told in messages(events))
    assert (heard["ppc_chair"], heard["ppasc_duty"], heard["ppc_vice_chair"], heard["dost_duty"]) == (4, 10, 0, 0)


def test_an_acknowledgement_spares_the_reminders_that_were_to_follow_but_not_the_missed_deadline(events):
    answered = next(event for event in events if isinstance(event, Answered))
    assert local(answered.at) == "08-13 09:12:00"
    assert [local(spared) for spared in answered.spared] == ["08-15 07:30:00", "08-19 07:30:00"]
    overdue = next(told for told in messages(events) if told.notice.kind == "overdue" and told.notice.unit == PROVINCE)
    assert overdue.notice.ref == answered.ref
    assert "Đã nhắc 2 lần" in overdue.notice.body


def test_the_chairman_is_told_of_the_share_that_missed_its_date(events):
    last = [told for told in messages(events) if told.role == "ppc_chair" and told.notice.kind == "overdue"][-1]
    assert "97,83%" in last.notice.sms
    assert "(19)" in last.notice.subject
    assert "97,83% tính đến 07:30, quá hạn 1 ngày" in last.notice.body


def test_a_commune_without_a_row_is_unknown_after_50_hours_and_not_counted_green(events, site):
    assert Figures([unit.code for unit in site.units.at(Level.COMMUNE)]).silent == SILENT
    assert changes(events, SILENT) == [
        ("08-13 18:00:00", Colour.GREEN, Colour.UNKNOWN),
        ("08-14 16:00:00", Colour.UNKNOWN, Colour.GREEN),
    ]
    morning = next(board for board in boards(events) if local(board.at) == "08-14 07:00:00")
    assert (morning.communes.green, morning.communes.unknown, morning.communes.total) == (74, 1, 92)
    assert round(morning.goals[1].value or 0, 2) == round(74 / 92 * 100, 2)


def test_the_province_is_never_the_worst_of_its_communes_nor_red_for_one_missed_goal(events):
    assert changes(events, PROVINCE) == [("08-26 16:00:00", Colour.YELLOW, Colour.GREEN)]
    red = {criterion: changes(events, PROVINCE, criterion) for criterion in (ONLINE, SHARE)}
    assert red == {
        ONLINE: [
            ("08-20 00:00:00", Colour.YELLOW, Colour.RED),
            ("08-22 16:00:00", Colour.RED, Colour.GREEN),
        ],
        SHARE: [
            ("08-25 00:00:00", Colour.YELLOW, Colour.RED),
            ("08-26 16:00:00", Colour.RED, Colour.GREEN),
        ],
    }


def test_communes_turn_green_at_about_two_on_a_working_day_and_two_miss_the_date(events):
    greens = [board.communes.green for board in boards(events)]
    assert greens[:3] == [63, 63, 66]
    assert next(board.communes.green for board in boards(events) if local(board.at) == "08-25 07:00:00") == 90
    assert all(later - earlier in (-1, 0, 2, 3) for earlier, later in pairwise(greens))


def test_it_ends_with_92_green_communes_a_green_province_and_nothing_open(events):
    board = boards(events)[-1]
    assert board.at == END
    assert (board.communes.green, board.communes.total, board.colour) == (92, 92, Colour.GREEN)
    assert board.open_incidents == 0


async def test_every_performance_is_the_same_byte_for_byte_at_whatever_pace(site, events):
    teller = Teller("vi", {})
    again = await performed(site, speed=1e9)
    assert [teller.text(event) for event in again] == [teller.text(event) for event in events]
    assert [teller.line(event) for event in again] == [teller.line(event) for event in events]


def test_the_story_puts_in_figures_and_no_colour(site):
    report = Figures([unit.code for unit in site.units.at(Level.COMMUNE)]).report(START)
    assert len({reading.unit for reading in report.readings}) == 93
    assert not [reading for reading in report.readings if isinstance(reading.value, str)]
    rule = site.ruleset.criterion(COMMUNE_ONLINE)
    assert rule is not None
    assert rule.alert == {Colour.RED}


def test_the_command_says_what_is_invented_and_speaks_both_languages():
    result = CliRunner().invoke(main, ["story", "--speed", "0"])
    assert result.exit_code == 0, result.output
    assert "Invented for the example: every figure from 7 August on" in result.output
    assert "mọi số liệu từ ngày 7/8" in result.output
    assert "SMS: OVERDUE 19 Tinh Thai Nguyen: HS truc tuyen 78.45% below 80%, 1 day late." in result.output
    assert "QUA HAN 19 Tinh Thai Nguyen: HS truc tuyen 78,45% chua dat 80%, qua han 1 ngay." in result.output


def test_an_event_is_one_line_of_json(events, capsys):
    printer = Printer(Teller("vi", {}), as_json=True)
    printer.begin()
    for event in events:
        printer.show(event)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert Counter(line["event"] for line in lines) == {"board": 22, "change": 36, "message": 36, "answer": 1}
    first = next(line for line in lines if line["event"] == "message")
    assert first["at"].startswith("2025-08-06T07:30:00")
    assert first["texts"]["vi"]["sms"].startswith("NHAC VANG 19 ")


def test_the_story_ends_quietly_when_nobody_reads_it_any_more(events, monkeypatch):
    def gone(_text: str) -> None:
        raise BrokenPipeError

    stopped: list[None] = []
    printer = Printer(Teller("en", {}), as_json=False)
    printer.when_closed = lambda: stopped.append(None)
    monkeypatch.setattr("click.echo", gone)
    monkeypatch.setattr("sys.stdout", None)
    for event in events[:3]:
        printer.show(event)
    assert stopped == [None]
