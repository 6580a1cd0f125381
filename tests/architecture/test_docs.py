"""Documents lag behind unless a test holds them."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.alerting.incidents import mermaid
from monitor.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parents[2]


def test_the_map_shows_the_incident_diagram_of_the_code() -> None:
    assert mermaid().strip() in (ROOT / "docs" / "architecture.md").read_text()


@pytest.mark.parametrize("command", COMMANDS)
def test_the_readme_names_every_command(command: str) -> None:
    assert f"denbao {command}" in (ROOT / "README.md").read_text()


def test_every_decision_is_dated() -> None:
    for line in (ROOT / "docs" / "why.md").read_text().splitlines():
        assert not line.startswith("**") or line.startswith("**20"), line
