"""`denbao route`: what it says is what the service does, and it says it without numbers and names."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from monitor.adapters.store import open_store
from monitor.alerting.rehearsal import rehearse, silent, supposed
from monitor.cli.main import main
from monitor.config.build import load_site
from monitor.decide import Policy, View, decide, scene_of
from monitor.model.colour import Colour
from monitor.model.hours import read_instant
from monitor.model.incident import Notice
from monitor.model.matcher import parse_matchers
from monitor.model.muting import Muting, Silence, Window
from monitor.model.reading import Reading
from monitor.model.state import AuditEntry, UnitState
from monitor.service.app import policy_of
from tests.unit.sites import NOW, change, make_site

FOCAL = '{id: focal, role: focal, scope: "19", channels: [log]}'
STEPS = """        - {after: 0s, to: [focal]}
        - {after: 30m, to: [chair], repeat: 4h}
"""
HEAD = "id,role,unit,name,channels,email,quiet,wake,valid_from,valid_to\n"
UNIT = "01840"


def ask(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(
        main, ["route", *arguments, "--site", str(folder)], env={"MAIL": "mailtos://u:p@h.vn?to={address}"}
    )


def people(folder: Path, *rows: str, steps: str = STEPS) -> Path:
    """A site whose people stand in a directory file."""
    make_site(folder, f"  - {FOCAL}\n", "")
    config = folder / "config.yaml"
    change(config, "recipients:\n", "directory: rules/people.csv\nrecipients:\n")
    change(config, "  log: {kind: log}\n", '  log: {kind: log}\n  mail: {kind: email, url: "${MAIL}"}\n')
    change(config, STEPS, steps)
    path = folder / "rules/people.csv"
    path.write_text(HEAD + "\n".join(rows) + "\n", "utf-8")
    path.chmod(0o600)
    return folder


def at(text: str, policy: Policy) -> datetime:
    return read_instant(text, policy.calendar.zone)


# -- it is what the service does ---------------------------------------------------------------------------------------

PLAN = """        - {after: 0s, to: [focal]}
        - {after: 10m, to: [night], hours: "05:00-23:00"}
        - {after: 30m, to: [chair], repeat: 1h}
        - {after: 2h, to: [focal, chair], office_hours: true}
"""
DUTY = """schedules:
  - id: duty
    role: night
    scope: "19"
    holes: next_step
    rotations: [{members: [night], starts: 2026-01-05, hours: "07:30-17:00"}]
"""


def busy(folder: Path) -> Policy:
    """A site with quiet hours, a schedule with holes, a holder who leaves, and steps with conditions."""
    make_site(folder, STEPS, PLAN)
    config = folder / "config.yaml"
    change(config, FOCAL, FOCAL.replace("}", ', quiet: "21:00-06:00", wake: false}'))
    more = (
        '  - {id: night, role: night, scope: "19", channels: [log], valid_to: 2026-11-26}\n'
        '  - {id: second, role: focal, scope: "19", channels: [log], valid_from: 2026-11-25}\n'
    )
    change(config, "recipients:\n", f"recipients:\n{more}")
    change(config, "  chair: {vi", "  night: {vi: Trực đêm, en: Night}\n  chair: {vi")
    change(config, "escalation:\n", DUTY + "escalation:\n")
    change(
        folder / "rules/indicators.yaml",
        "    group: infrastructure\n    cadence: 30s\n    source: a test\n  system_reachable",
        "    group: infrastructure\n    cadence: 1d\n    max_age: 3d\n    source: a test\n  system_reachable",
    )
    return policy_of(load_site(folder, environ={}, now=NOW))


def served(policy: Policy, start: datetime, hours: float) -> Iterator[tuple[datetime, Notice]]:
    """The first calls of the service while the centre answers no."""
    state, now = UnitState(UNIT), start
    while now <= start + timedelta(hours=hours):
        reading = Reading(UNIT, "centre_reachable", False, now, now, "centre")
        decision = decide(View(state, (reading,)), policy, now)
        yield from ((now, notice) for notice in decision.notices if notice.key.split("/")[-3] == "0")
        state = decision.after
        assert state.recheck_at is not None
        now = state.recheck_at


DAY = timedelta(days=1)
MUTINGS = {
    "nothing": lambda _: Muting(),
    "a silence": lambda start: Muting(
        silences=(Silence("S-1", parse_matchers(("unit=01840",)), start - DAY, start + DAY / 5, "an", "why", NOW),)
    ),
    "a window": lambda start: Muting(
        windows=(Window("M-1", parse_matchers(("under=19",)), start - DAY, start + DAY / 7, "an", "why", NOW),)
    ),
}


@pytest.mark.parametrize("muting", MUTINGS.values(), ids=MUTINGS)
@pytest.mark.parametrize(
    "when", ["2026-11-24T09:00", "2026-11-24T16:55", "2026-11-25T22:30", "2026-11-23T23:59", "2026-11-25T05:59:59"]
)
def test_it_says_what_the_service_does(when, muting, tmp_path):
    policy = busy(tmp_path)
    start, unit = at(when, policy), policy.units[UNIT]
    policy = replace(policy, muting=muting(start))
    rule = next(one for one in policy.criteria_of(unit, start) if one.id == "centre_reachable")
    trouble = supposed(unit, rule, policy.ruleset.indicators[rule.indicator or ""], Colour.RED, start, policy.calendar)
    assert trouble is not None
    found = rehearse(
        trouble,
        lambda now: scene_of(unit, {}, {}, policy, now, paused=policy.maintenance(unit, now) is not None),
        policy.muting.windows_of(UNIT, policy.units),
        start,
    )
    said = {(told.at, t.number, told.notice.recipient, told.notice.channel) for t in found.turns for told in t.told}
    done = {
        (now, int(notice.key.split("/")[-4]), notice.recipient, notice.channel)
        for now, notice in served(policy, start, 36)
    }
    assert said == done
    assert said


def test_a_source_that_is_silent_is_told_with_how_long_it_may_be(tmp_path):
    policy = policy_of(load_site(make_site(tmp_path), environ={}, now=NOW))
    trouble = silent(policy.units[UNIT], "portal", 93_600.0, NOW)
    assert (trouble.cause, trouble.facts["limit"], trouble.since) == (
        "silent:portal",
        93_600.0,
        NOW - timedelta(hours=26),
    )


# -- what is printed ---------------------------------------------------------------------------------------------------

MASS = "  collapse: [{criterion: centre_reachable, at: province, at_least: 2, wait: 2m}]\n"
WHEN = ("--at", "2026-11-27T23:00")


def test_quiet_hours_are_told_with_the_instant_until_which_they_hold(tmp_path):
    folder = people(tmp_path, "an,focal,01840,Nguyễn Văn An,log,,22:00-06:00,no,,", "b,focal,19,,log,,,,,")
    said = ask(folder, UNIT, "red", *WHEN)
    assert said.exit_code == 0, said.output
    assert (
        "an  N.V.A [focal 01840]  log, giữ qua giờ yên tĩnh đến / quiet hours, held until 2026-11-28 06:00"
        in said.output
    )
    assert "2. 2026-11-27 23:30 (+30 minutes)  chair (lặp lại / again every 4 hours)" in said.output


def test_names_numbers_and_addresses_are_masked_unless_asked_for_in_full(tmp_path):
    rows = ("an,focal,01840,Nguyễn Văn An,mail,an.nguyen@tinh.example,,,,", "b,focal,19,,mail,b@c.vn,,,,")
    folder = people(tmp_path, *rows, steps=STEPS.replace("to: [focal]", "to: [focal], via: [mail]"))
    secret = ("Nguyễn Văn An", "an.nguyen@tinh.example")
    masked = [ask(folder, UNIT, "red", *WHEN, *more).output for more in ((), ("--json",), ("--step", "1"))]
    assert not any(word in text for word in secret for text in masked)
    assert all("N.V.A" in text and "a***@tinh.example" in text for text in masked)
    full = ask(folder, UNIT, "red", *WHEN, "--step", "1", "--full").output
    assert all(word in full for word in secret)
    assert "Kính gửi Nguyễn Văn An." in full


def test_a_hole_in_a_schedule_goes_to_the_next_level_at_once_and_is_named(tmp_path):
    make_site(tmp_path, "escalation:\n", DUTY.replace("night", "focal") + "escalation:\n")
    said = ask(tmp_path, UNIT, "red", *WHEN)
    assert said.exit_code == 0, said.output
    assert "! focal: không ai trực / nobody is on duty in 'duty' until 2026-11-28 07:30" in said.output
    assert "tới cấp tiếp theo ngay / goes to the next level at once" in said.output
    assert "2. 2026-11-27 23:00  chair" in said.output
    plan = json.loads(ask(tmp_path, UNIT, "red", *WHEN, "--json").output)["plans"][0]
    assert [(step["passed_over"], step["at"]) for step in plan["steps"]] == [
        (True, "2026-11-27T23:00:00+07:00"), (False, "2026-11-27T23:00:00+07:00")
    ]  # fmt: skip


def test_the_last_step_in_a_hole_is_told_when_somebody_is_on_duty_again(tmp_path):
    make_site(tmp_path, "escalation:\n", DUTY.replace("night", "chair") + "escalation:\n")
    change(tmp_path / "config.yaml", "        - {after: 0s, to: [focal]}\n", "")
    said = ask(tmp_path, UNIT, "red", *WHEN).output
    assert "1. 2026-11-27 23:30 (+30 minutes)  chair" in said and "nobody is on duty in 'duty'" in said
    assert "chair  Chủ tịch [chair 19]  log, 2026-11-28 07:30" in said


def test_a_successor_who_is_known_is_called_on_the_first_day(tmp_path):
    steps = "        - {after: 0s, to: [focal]}\n"
    folder = people(tmp_path, "an,focal,01840,,log,,,,,2026-11-27", "b,focal,19,,log,,,,2026-12-01,", steps=steps)
    said = ask(folder, UNIT, "red", *WHEN)
    assert said.exit_code == 0
    assert "không ai giữ vai trò / nobody holds the role on 2026-11-27" in said.output
    assert "b  Đầu mối [focal 19]  log, 2026-12-01 00:00" in said.output


def test_it_ends_with_one_when_nobody_would_hear_it(tmp_path):
    steps = "        - {after: 0s, to: [focal]}\n"
    folder = people(tmp_path, "an,focal,01840,,log,,,,,2026-11-27", "b,focal,19,,log,,,,,2026-11-27", steps=steps)
    said = ask(folder, UNIT, "red", *WHEN)
    assert said.exit_code == 1
    assert "không ai giữ vai trò / nobody holds the role on 2026-11-27" in said.output
    assert said.output.endswith("không ai được báo / nobody would hear of it\n")
    assert ask(folder, UNIT, "red", "--at", "2026-11-26T23:59").exit_code == 0
    assert ask(folder, UNIT, "yellow").exit_code == 1  # nothing here alerts of yellow


def test_one_step_is_told_with_its_whole_text(tmp_path):
    make_site(tmp_path)
    said = ask(tmp_path, UNIT, "red", *WHEN, "--step", "2", "--criterion", "centre_reachable").output
    assert "  1. " not in said and "  2. 2026-11-27 23:30" in said
    assert "Kính gửi Chủ tịch." in said and "SMS (" in said
    beyond = ask(tmp_path, UNIT, "red", *WHEN, "--step", "3")
    assert (beyond.exit_code, "there is no step 3; the longest plan has 2" in beyond.output) == (1, True)
    assert "nobody would hear" not in beyond.output


def test_a_code_that_lost_its_zero_is_told_the_unit_that_was_meant(tmp_path):
    make_site(tmp_path)
    asked = ask(tmp_path, UNIT.lstrip("0"), "red")
    assert (asked.exit_code, "no unit has the code '1840'; did you mean '01840'?" in asked.output) == (2, True)


def test_maintenance_of_the_site_is_named_and_what_follows_comes_after_it(tmp_path):
    window = (
        "  - {id: cable, matchers: ['under=19'], from: 2026-11-27T22:00, until: 2026-11-28T02:00, comment: cable}\n"
    )
    make_site(tmp_path, "network:\n", f"maintenance:\n{window}network:\n")
    said = ask(tmp_path, UNIT, "red", *WHEN).output
    assert "! maintenance cable: 2026-11-27 23:00 - 2026-11-28 02:00" in said
    assert "1. 2026-11-28 02:00 (+3 hours)  focal" in said


async def _silenced(folder: Path, ends: datetime) -> None:
    store = open_store("sqlite:denbao.db", folder)
    await store.open()
    silence = Silence("S-ABC", parse_matchers(("under=19",)), ends - DAY, ends, "an", "why", ends - DAY)
    await store.mute(silence, AuditEntry(ends - DAY, "an", "silence_add", silence.id))
    await store.close()


def test_a_silence_made_at_run_time_is_named_and_what_follows_comes_after_it(tmp_path):
    make_site(tmp_path, '"memory:"', '"sqlite:denbao.db"')
    assert "the service never ran here" in ask(tmp_path, UNIT, "red", *WHEN).output
    asyncio.run(_silenced(tmp_path, datetime(2026, 11, 27, 18, tzinfo=UTC)))
    said = ask(tmp_path, UNIT, "red", *WHEN)
    assert "! silence S-ABC: 2026-11-27 23:00 - 2026-11-28 01:00" in said.output
    assert "1. 2026-11-28 01:00 (+2 hours)  focal" in said.output
    assert "never ran" not in said.output and said.exit_code == 0


def test_a_mass_outage_of_the_province_is_told_as_if_just_enough_of_its_communes_were_down(tmp_path):
    make_site(tmp_path, "  policies:\n", MASS + "  policies:\n")
    change(tmp_path / "config.yaml", "kinds: [outage,", "kinds: [mass, outage,")
    (plan,) = json.loads(ask(tmp_path, "19", "red", *WHEN, "--json").output)["plans"]
    assert (plan["kind"], plan["causes"]) == ("mass", ["mass:centre_reachable"])
    assert plan["steps"][0]["at"] == "2026-11-27T23:02:00+07:00"
    assert "2/2 " in plan["steps"][0]["told"][0]["sms"]


def test_unknown_is_a_source_that_does_not_speak(tmp_path):
    answer = json.loads(ask(make_site(tmp_path), UNIT, "unknown", *WHEN, "--json").output)
    (plan,) = answer["plans"]
    assert (plan["kind"], plan["causes"]) == ("silent", ["silent:portal"])
    assert plan["steps"][0]["told"][0]["sms"].startswith("MAT TIN HIEU 01840 ")


def test_wrong_use_is_said_with_what_would_be_right(tmp_path):
    make_site(tmp_path)
    said = ask(tmp_path, UNIT, "red", "--criterion", "centre_reachabel")
    assert said.exit_code == 2
    assert "'centre_reachabel' is no cause of red at 01840; did you mean 'centre_reachable'?" in said.output
    assert ask(tmp_path, "99999", "red").exit_code == 2
    assert ask(tmp_path, UNIT, "red", "--at", "yesterday").exit_code == 2


def test_nobody_is_told_of_a_unit_that_is_not_there(tmp_path):
    make_site(tmp_path, "- code: tthc\n", "- code: tthc\n      valid_to: 2026-11-01\n")
    said = ask(tmp_path, "tthc", "red", *WHEN)
    assert (said.exit_code, said.output.count("not there")) == (1, 1), said.output
