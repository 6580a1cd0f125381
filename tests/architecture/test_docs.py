"""Documents lag behind unless a test holds them."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.alerting import worth
from monitor.alerting.auditor import Fault
from monitor.alerting.lifecycle import mermaid
from monitor.alerting.selfwatch import CONDITIONS
from monitor.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parents[2]


def test_the_map_shows_the_incident_diagram_of_the_code() -> None:
    assert mermaid().strip() in (ROOT / "docs" / "architecture.md").read_text()


def test_the_page_on_the_own_alarm_shows_every_condition_as_the_code_has_it() -> None:
    lines = (ROOT / "docs" / "own-alarm.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    shown = {row[0].strip("`"): tuple(row[2:]) for row in rows if len(row) == 4}
    assert shown == {
        condition.value: ("directly" if row.direct else "outbox", "stops" if row.stops else "goes on")
        for condition, row in CONDITIONS.items()
    }


def test_the_page_on_the_own_alarm_shows_every_fault_that_the_auditor_knows() -> None:
    page = (ROOT / "docs" / "own-alarm.md").read_text()
    assert [fault for fault in Fault if f"| `{fault.value}` |" not in page] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_the_readme_names_every_command(command: str) -> None:
    assert f"denbao {command}" in (ROOT / "README.md").read_text()


def test_every_decision_is_dated() -> None:
    for line in (ROOT / "docs" / "why.md").read_text().splitlines():
        assert not line.startswith("**") or line.startswith("**20"), line


def test_what_the_docs_say_of_until_when_a_message_is_worth_sending_is_what_the_code_says():
    def rows(text: str) -> list[tuple[str, ...]]:
        lines = (line for line in text.splitlines() if line.startswith("| ") and line.count("|") == 4)
        return [tuple(cell.strip() for cell in line.split("|")[1:3]) for line in lines]

    said = rows(worth.__doc__ or "")
    assert len(said) == 8 and said[0] == ("message", "worth sending")
    assert set(said) <= set(rows((ROOT / "docs" / "escalation.md").read_text()))
