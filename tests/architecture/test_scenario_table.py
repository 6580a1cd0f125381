"""docs/scenarios.md claims only what the test files hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IDS = (
    1,
    2,
    4,
    5,
    7,
    8,
    10,
    11,
    13,
    14,
    16,
    17,
    19,
    20,
    22,
    23,
    25,
    26,
    28,
    29,
    31,
    32,
    34,
    35,
    37,
    38,
    40,
    41,
    43,
    44,
    46,
    47,
    49,
    50,
    52,
    53,
    55,
    56,
    58,
    59,
    61,
    62,
    64,
    65,
    67,
    68,
    70,
    71,
    73,
    74,
    76,
    77,
    79,
    80,
    82,
    83,
    85,
    86,
    88,
    89,
    91,
    92,
    94,
    95,
    97,
    98,
    100,
    101,
)
WORDS = {"ported", "inverted on purpose", "not applicable", "not yet"}
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "scenarios.md").read_text("utf-8").splitlines()
    if line.startswith("| SC-")
]


def test_every_scenario_has_exactly_one_line() -> None:
    assert [row[0] for row in ROWS] == [f"SC-{number:02}" for number in IDS]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_is_claimed_is_in_the_test_that_is_named(row: list[str]) -> None:
    identity, state, test, why = row
    assert state in WORDS and why
    claimed = state in ("ported", "inverted on purpose")
    assert claimed == (test != "-")
    if claimed:
        text = (ROOT / test.strip("`")).read_text("utf-8")
        assert re.search(rf"{identity}\b", text)
