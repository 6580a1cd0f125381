"""TypeScript's compiler holds every board against Grafana's own types, @grafana/schema."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from grafana.boards import rendered

TYPES = Path(__file__).parents[1] / "data" / "grafana_types"
TIME = 120  # seconds for a command
pytestmark = [pytest.mark.integration, pytest.mark.needs("node"), pytest.mark.needs("npm")]
TEXT = rendered()["nation.vi.json"]


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the compiler and the types, checked by hash. Skips where the npm registry cannot be reached."""
    folder = tmp_path_factory.mktemp("types")
    shutil.copytree(TYPES, folder, dirs_exist_ok=True)
    got = run(folder, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
    if got.returncode:
        pytest.skip(f"npm could not install @grafana/schema: {got.stderr.strip()[-300:]}")
    return folder


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIME, check=False)


def compiled(workshop: Path, boards: dict[str, str]) -> str:
    """What the compiler says to these boards; nothing when they fit. It takes some seconds: all in one go."""
    for old in workshop.glob("*.board.ts"):
        old.unlink()
    for name, text in boards.items():
        typed = f'import type {{ Board }} from "./grafana.ts";\nexport const board: Board = {text};\n'
        (workshop / f"{name}.board.ts").write_text(typed, "utf-8")
    return run(workshop, "node_modules/.bin/tsc", "--project", ".").stdout


def test_every_board_fits_grafanas_types(workshop: Path):
    assert compiled(workshop, dict(rendered())) == ""


def test_the_compiler_would_notice_a_mistake_anywhere(workshop: Path):
    mistakes = {
        "colour_mode": ('"colorMode": "background_solid"', '"colorMode": "solid"'),
        "option": ('"graphMode": "none"', '"graphModus": "none"'),
        "panel": ('"type": "timeseries"', '"type": "timeserie"'),
        "place": ('"w": 6', '"w": "6"'),
        "query": ('"expr": "sort_desc', '"expression": "sort_desc'),
        "stacking": ('"mode": "normal"', '"mode": "up"'),
        "refresh": ('"refresh": 2', '"refresh": "2"'),
    }
    assert all(right in TEXT for right, _ in mistakes.values())
    told = compiled(workshop, {name: TEXT.replace(*change) for name, change in mistakes.items()})
    assert {name for name in mistakes if f"{name}.board.ts" in told} == set(mistakes), told
