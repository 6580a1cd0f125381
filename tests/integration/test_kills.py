"""A service that is killed -9 again and again while incidents open, and Zalo and SMS fail, refuse and are slow."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.killed import account, left_by
from tests.integration.killing import ON_THE_WIRE, kill_series

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("kills", [8, pytest.param(1000, marks=pytest.mark.nightly)])
async def test_kills_lose_no_owed_message_and_repeat_at_most_what_was_on_the_wire(tmp_path: Path, kills: int) -> None:
    series = await kill_series(tmp_path, kills, seed=2026)
    found = account(series, await left_by(series))
    assert found.wrong == {}
    assert max(found.extra_of_a_kill) <= ON_THE_WIRE
    assert len(series.kills) == kills and found.incidents >= kills and found.owed > found.incidents
    assert found.handed_on > kills
