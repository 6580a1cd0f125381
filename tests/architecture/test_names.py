"""No committed file may lean on the machine it was written on, and everything public says what it means."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Assembled here, so that this file does not name them itself.
PLACE = re.compile("|".join([r"\.\./" + "shared", r"(?<![\w.~*/-])/(?:" + r"work|root|home/\w+|Users/\w+|tmp/team)/"]))


def committed_files() -> list[Path]:
    """Every file git tracks; in an unpacked archive, every file that is not an environment, a cache or state."""
    if (ROOT / ".git").exists():
        command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]  # the checkout may be another user's
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    aside = {".venv", ".tools", "var", "dist", "__pycache__"}
    return [
        file
        for file in ROOT.rglob("*")
        if file.is_file() and not any(part in aside or part.endswith("_cache") for part in file.relative_to(ROOT).parts)
    ]


@pytest.mark.parametrize(
    "text", ["see ../" + "shared/x", "/wo" + "rk/main/x", "open('/ro" + "ot/x')", "/ho" + "me/an/x"]
)
def test_a_path_of_a_machine_is_recognised(text):
    assert PLACE.search(text)


@pytest.mark.parametrize("text", ["https://xa.gov.vn/home/news/", "docs/work/flow.md", "a ~/work/ b"])
def test_an_address_or_a_relative_path_is_no_path_of_a_machine(text):
    assert PLACE.search(text) is None


def test_no_committed_file_names_a_path_of_a_machine():
    found = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
        for file in committed_files()
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), start=1)
        if PLACE.search(line)
    ]
    assert found == []


def test_every_public_module_class_and_function_has_a_docstring():
    ruff = str(Path(sys.executable).with_name("ruff"))
    command = [
        ruff,
        "check",
        "--no-cache",
        "--select=D100,D101,D102,D103,D104",
        "--output-format=concise",
        "monitor",
        "exporters",
    ]
    run = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stdout
