"""`denbao preview`: what another rule book would change right now, and that nothing is written."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.cli.preview import SHOWN, preview
from tests.unit.sites import change
from tests.unit.test_report_cli import asked, folder, stored

__all__ = ["folder"]  # the fixture
STRICTER = ('">= 80"', '">= 95"')


@pytest.fixture
def others(folder: Path, tmp_path_factory) -> Path:
    """A copy of the site's rules, to be changed."""
    copied: Path = tmp_path_factory.mktemp("others") / "rules"
    shutil.copytree(folder / "rules", copied)
    return copied


def test_the_same_rules_change_nothing_and_end_with_nought(folder, others):
    before = stored(folder)
    ended = asked(preview, str(others), "--site", str(folder))
    assert ended.exit_code == 0, ended.output
    assert ended.output.endswith("nothing would change\n")
    assert "holds, flapping and remembered levels of what fell silent are left out" in ended.output
    assert stored(folder) == before


def test_other_rules_are_told_by_criterion_level_and_unit_and_end_with_one(folder, others):
    change(others / "service.yaml", *STRICTER)
    before = stored(folder)
    ended = asked(preview, str(others.parent), "--site", str(folder))
    assert ended.exit_code == 1
    assert "online_rate, commune: 1 green -> yellow\n" in ended.output
    assert "the unit itself, commune: 1 green -> yellow\n" in ended.output
    assert "\n  01840 " in ended.output and ended.output.endswith("1 units would change colour\n")
    answer = json.loads(asked(preview, str(others), "--site", str(folder), "--json").output)
    assert answer["same"] is False
    assert {"unit": "01840", "level": "commune", "criterion": "", "was": "green", "then": "yellow"} in answer["changes"]
    assert {"criterion": "online_rate", "level": "commune", "move": "green -> yellow", "units": 1} in answer["moves"]
    assert answer["units_with_readings"] == 3
    assert stored(folder) == before


def test_a_criterion_that_is_new_or_gone_is_told_as_not_judged(folder, others):
    text = (others / "service.yaml").read_text("utf-8")
    (others / "service.yaml").write_text(text[: text.rindex("\n  - id: all_green")] + "\n", "utf-8")
    ended = asked(preview, str(others), "--site", str(folder))
    assert "all_green, province: 1 yellow -> not judged\n" in ended.output


def test_only_the_first_units_are_named_unless_all_are_asked_for(folder, others, monkeypatch):
    change(others / "service.yaml", *STRICTER)
    monkeypatch.setattr("monitor.cli.preview.SHOWN", 0)
    assert SHOWN == 20
    assert "  and 1 more units; --all names them\n" in asked(preview, str(others), "--site", str(folder)).output
    assert "\n  01840 " in asked(preview, str(others), "--site", str(folder), "--all").output


def test_broken_rules_and_wrong_folders_end_with_two(folder, others, tmp_path_factory):
    (others / "service.yaml").write_text("criteria: 5\n", "utf-8")
    ended = asked(preview, str(others), "--site", str(folder))
    assert ended.exit_code == 2 and "rules/service.yaml:1" in ended.output
    ended = asked(preview, str(tmp_path_factory.mktemp("empty")), "--site", str(folder))
    assert ended.exit_code == 2 and "is no rules folder" in ended.output


def test_neither_the_list_of_commands_nor_the_service_loads_numpy():
    asks = "import monitor.cli.main, monitor.cli.run, monitor.service.app, sys; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asks], check=False).returncode == 0
