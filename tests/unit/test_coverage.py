"""Whom the plans reach: compared with the calls that the service would make, and as `denbao directory` prints it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.alerting.coverage import colour_of, uncovered
from monitor.alerting.escalate import fire, freeze, refreshed, resolved
from monitor.alerting.plan import Directory, Policy, Recipient, StepSpec
from monitor.alerting.schedule import Rotation, Schedule
from monitor.cli.main import main
from monitor.model.colour import Colour
from monitor.model.hours import Calendar, Daily, Sessions
from monitor.model.incident import Kind, Step
from monitor.model.unit import Level, Unit, Units
from tests.unit.sites import NOW, change, make_site

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
SESSIONS = Sessions(Calendar(frozenset(), frozenset(), ZONE), (((time(7, 30), time(17)),),) * 5 + ((), ()))
PROVINCE = Unit("19", Level.PROVINCE, "tinh", "Tỉnh", "Province", "Tinh", None, "19")
UNITS = Units((PROVINCE, *(Unit(c, Level.COMMUNE, "xa", c, c, c, "19", "19") for c in ("01", "02"))))
START = datetime(2026, 3, 2, 17, tzinfo=UTC)  # 3 March, 00:00 local
END = START + timedelta(days=6)
days = st.none() | st.dates(date(2026, 3, 2), date(2026, 3, 10))
hours = st.none() | st.sampled_from([Daily(time(7), time(18)), Daily(time(22), time(5)), Daily(time(12), time(13))])


open_hours = st.none() | st.just(Daily(time(7), time(18)))  # of steps: those that the office never has wait for ever


def holders(draw_role: str):
    return st.lists(
        st.builds(
            Recipient, st.uuids().map(str), st.just(draw_role), st.sampled_from(["01", "02", "19"]), st.just("x"),
            channels=st.sampled_from([("log",), ()]), valid_from=days, valid_to=days,
        ), max_size=4,
    )  # fmt: skip


@st.composite
def directories(draw) -> Directory:
    people = [person for role in ("a", "b") for person in draw(holders(role))]
    posts = {(person.role, person.scope): person.id for person in people}
    schedules = tuple(
        Schedule(f"{role}{scope}", role, scope, ZONE, (Rotation((who,), date(2026, 3, 1), hours=draw(hours)),))
        for (role, scope), who in posts.items()
        if draw(st.booleans())
    )
    steps = draw(
        st.lists(
            st.builds(
                StepSpec, st.sampled_from([0.0, 1800.0, 7200.0]), st.sampled_from([("a",), ("b",), ("a", "b")]),
                st.just(("log",)), office_hours=st.booleans(), hours=open_hours,
                colours=st.sampled_from([frozenset(), frozenset({Colour.RED}), frozenset({Colour.YELLOW})]),
            ), min_size=1, max_size=3,
        )
    )  # fmt: skip
    return Directory(tuple(people), (Policy("p", frozenset(Kind), tuple(sorted(steps, key=lambda step: step.after))),),
                     schedules=schedules)  # fmt: skip


def first_calls(directory: Directory, unit: str, kind: Kind, at: datetime) -> tuple[bool, datetime]:
    """Whether anybody is called when the first step of the plan falls due for trouble since `at`, and when that is.

    The hours of the steps decide which one is the first; whom the others reach is asked as if they could all be called.
    """
    where = UNITS.answering(unit)
    steps = freeze(directory.policies[0], directory, where, SESSIONS, at, colour=colour_of(kind))
    now = steps[0].due_at if steps else at
    day = SESSIONS.calendar.local(now).date()
    known = {person.id for person in directory.recipients if person.holds_on(day)}
    steps = tuple(replace(step, office_hours=False, hours=None) for step in steps)

    def whom(step: Step, moment: datetime) -> Step:
        return resolved(step, directory, where, SESSIONS.calendar, moment)

    for _ in steps:  # passing one over makes the next one due at once
        steps = refreshed(steps, directory, where, SESSIONS.calendar, now)
        fired = fire(steps, known, SESSIONS, now, whom=whom)
        if fired.calls:
            return True, now
        steps = fired.steps
    return False, now


@settings(max_examples=40, deadline=None)
@given(directory=directories(), kind=st.sampled_from([Kind.OUTAGE, Kind.KPI_YELLOW]), data=st.data())
def test_a_plan_is_said_to_reach_nobody_where_nobody_would_be_called(directory, kind, data):
    found = list(uncovered(UNITS, directory, SESSIONS, START, END + timedelta(days=4)))
    unit = data.draw(st.sampled_from(["01", "02", "19"]))
    at = START + timedelta(hours=data.draw(st.integers(0, 6 * 24 * 2 - 1)) / 2)
    told, due = first_calls(directory, unit, kind, at)
    said = any(
        gap.unit == unit and gap.kind is kind and any(span.starts <= due < span.ends for span in gap.spans)
        for gap in found
    )
    assert said is not told


# -- what is printed ---------------------------------------------------------------------------------------------------


def ask(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["directory", *arguments, "--site", str(folder)])


def leaving(folder: Path) -> Path:
    """A site with one post, of which the holder leaves and nobody follows."""
    make_site(
        folder, 'id: focal, role: focal, scope: "19"', 'id: focal, role: focal, scope: "19", valid_to: 2026-12-05'
    )
    change(folder / "config.yaml", "        - {after: 30m, to: [chair], repeat: 4h}\n", "")
    return folder


def test_units_whose_holder_leaves_are_named_with_the_day_and_the_one_who_left(tmp_path):
    at = NOW.isoformat()
    said = ask(leaving(tmp_path), "coverage", "--at", at)
    assert said.exit_code == 1
    assert said.output.splitlines() == [
        "all: không tới ai / reaches nobody from 2026-12-05T00:00 to 2026-12-20T10:00",
        "  ! focal: không ai giữ vai trò / nobody holds the role on 2026-12-05 ('focal' until 2026-12-05)",
        "  19 Tỉnh Thái Nguyên",
        *said.output.splitlines()[3:5],  # the communes, by their names in the registry
        "  tthc Hệ thống",
        "0 of 4 units are reached by every plan from 2026-11-20 10:00 to 2026-12-20 10:00",
    ]
    assert ask(tmp_path, "coverage", "--at", at, "--days", "14").exit_code == 0
    answer = json.loads(ask(tmp_path, "coverage", "--at", at, "--json").output)
    assert answer["unreached"][0] == {
        "unit": "19",
        "kind": "outage",
        "policy": "all",
        "spans": [{"from": "2026-12-05T00:00:00+07:00", "until": "2026-12-20T10:00:00+07:00"}],
        "why": ["focal: không ai giữ vai trò / nobody holds the role on 2026-12-05 ('focal' until 2026-12-05)"],
    }


def test_days_beyond_the_calendar_are_wrong_use(tmp_path):
    said = ask(make_site(tmp_path), "coverage", "--at", "9999-12-20")
    assert said.exit_code == 2 and "'9999-12-20' is no instant" in said.output


def test_the_list_names_roles_and_days_and_no_address(tmp_path):
    leaving(tmp_path)
    said = ask(tmp_path, "list", "--role", "focal")
    assert (said.exit_code, said.output) == (0, "focal  Đầu mối [focal 19]  log  ... - 2026-12-05\n1 recipients\n")
    assert ask(tmp_path, "list", "--role", "focal", "--at", "2026-12-05").exit_code == 1
    assert "unknown role 'fokal'; did you mean 'focal'?" in ask(tmp_path, "list", "--role", "fokal").output
