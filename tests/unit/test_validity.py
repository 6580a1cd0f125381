"""Probes of a unit are asked from its first local day to its last, and on no other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from monitor.config.build import load_site
from monitor.service.validity import asked_today
from monitor.testing import HandClock
from tests.unit.sites import NOW, make_site
from tests.unit.test_polling_in_time import Scene, Slow, many, play

MIDNIGHT = datetime(2026, 11, 20, 17, tzinfo=UTC)  # where 21 November begins in Vietnam


@pytest.mark.parametrize(
    ("at", "asked"),
    [
        (MIDNIGHT - timedelta(seconds=1), False),
        (MIDNIGHT, True),
        (MIDNIGHT + timedelta(days=2, seconds=-1), True),
        (MIDNIGHT + timedelta(days=2), False),
    ],
)
def test_a_probe_is_asked_on_the_local_days_of_its_unit(tmp_path, at, asked):
    days = "code: tthc\n      valid_from: 2026-11-21\n      valid_to: 2026-11-23"
    site = load_site(make_site(tmp_path, "code: tthc", days), environ={}, now=NOW)
    wanted = asked_today(site, HandClock(at))

    def answer(name: str) -> bool:
        source = Slow.__new__(Slow)
        source.id = name
        return wanted(source)

    assert answer("system/tthc") is asked
    assert answer("centre/01840") and answer("portal")


def test_what_is_not_wanted_is_asked_from_the_second_on_in_which_it_is():
    async def story(scene: Scene) -> None:
        await scene.through(600)
        for source in scene.sources:
            assert 300 <= source.asked[0] < 360
            assert all(abs(later - earlier - 60) < 0.5 for earlier, later in pairwise(source.asked))
        assert scene.poller.missed == 0

    play(story, many(10), wanted=lambda source: source._clock.monotonic() >= 300)
