"""The command `denbao replay`: what it prints, and how it ends."""

from __future__ import annotations

import json

from click.testing import CliRunner

from monitor.cli.replay import replay
from monitor.cli.sites import bundled

SPAN = ("--from", "2025-08-19T00:00", "--to", "2025-08-21T00:00", str(bundled()))
HEADER = "unit,indicator,value,as_of\n"


def test_a_file_of_readings_shows_what_would_have_been_judged_and_ends_with_one(tmp_path):
    path = tmp_path / "past.csv"
    path.write_text(HEADER + "02143,online_submission_rate,75.5,2025-08-19T16:00\n")
    ended = CliRunner().invoke(replay, [*SPAN, "--readings", str(path), "--unit", "02143", "--json"])
    answer = json.loads(ended.output)
    assert ended.exit_code == 1 and answer["same"] is False and answer["readings"] == 1
    assert {one["now"]["unit"] for one in answer["colours"]} == {"02143"}
    assert "unknown -> yellow" in {one["now"]["says"] for one in answer["colours"]}


def test_mistakes_are_named_and_end_with_two(tmp_path):
    path = tmp_path / "past.csv"
    path.write_text(HEADER + "02143,online_submission_rate,much,2025-08-19T16:00\n")
    ended = CliRunner().invoke(replay, [*SPAN, "--readings", str(path)])
    assert ended.exit_code == 2 and "past.csv:2: 'much' is not a number" in ended.output
    ended = CliRunner().invoke(replay, [*SPAN, "--rules", str(tmp_path)])
    assert ended.exit_code == 2 and "is no rules folder" in ended.output
