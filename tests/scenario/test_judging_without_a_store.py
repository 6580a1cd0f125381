"""The store is away for ten minutes, in virtual time: what the board shows, and what is owed at the return."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta

import pytest

from monitor.model.colour import Colour
from monitor.model.incident import Incident
from monitor.model.reading import Collected
from monitor.model.unit import Level
from monitor.service.evaluator import Evaluator
from monitor.testing import LoopClock, run
from monitor.testing.site import COMMUNES
from tests.scenario.mass_scene import START as MORNING
from tests.scenario.mass_scene import country, policy, reading
from tests.unit.own_alarm_scene import START, Scene, lived
from tests.unit.test_backlog import AwayStore

BREAKS, RECOVERS, FALLS_SILENT, COMES_AND_GOES, *REST = COMMUNES
HO_CHI_MINH = "79"  # 168 communes
AWAY = START + timedelta(minutes=15)  # the scene's first quarter of an hour is over


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL", "monitor")


def played(story: Callable[[Scene], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        await lived(Scene(), story)

    run(all_of_it())


async def ten_minutes_without(scene: Scene) -> None:
    """One unit goes down, another is mended, a third cannot be asked any more, a fourth is down for some minutes."""
    scene.down.add(RECOVERS)
    await scene.passes(5)
    scene.store.full = True
    scene.down ^= {BREAKS, RECOVERS, COMES_AND_GOES}
    scene.mute.add(FALLS_SILENT)
    await scene.passes(4)
    scene.down.remove(COMES_AND_GOES)
    await scene.passes(6)


def colours(scene: Scene) -> list[Colour]:
    return [scene.service.evaluator.shown[unit].criteria["centre"].colour for unit in COMMUNES[:4]]


def stored(scene: Scene) -> list[Colour]:
    return [scene.service.snapshot().states[unit].criteria["centre"].colour for unit in COMMUNES[:4]]


def called(scene: Scene) -> list[tuple[str, str]]:
    """(unit, text) of every message of a commune that went out."""
    rings = [ring for transport in scene.transports.values() for ring in transport.rings]
    return [
        (ring.notice.unit, ring.notice.kind)
        for ring in sorted(rings, key=lambda one: one.at)
        if ring.notice.unit in COMMUNES
    ]


async def of_unit(scene: Scene, unit: str) -> list[Incident]:
    return [one for one in await scene.store.incidents(open_only=False) if one.unit == unit and one.cause == "centre"]


def minute(at: datetime | None) -> float:
    """Minutes since the store is away; the probes are asked at each whole one."""
    assert at is not None
    return (at - AWAY).total_seconds() // 60 - 5


def test_the_board_goes_on_and_what_is_stored_stays_as_it_was():
    async def story(scene: Scene) -> None:
        await ten_minutes_without(scene)
        assert colours(scene) == [Colour.RED, Colour.GREEN, Colour.UNKNOWN, Colour.GREEN]
        assert stored(scene) == [Colour.GREEN, Colour.RED, Colour.GREEN, Colour.GREEN]
        since = scene.service.evaluator.unstored_since
        assert since is not None and 0 <= (since - AWAY).total_seconds() - 300 <= 65
        away = scene.service.metrics.registry.get_sample_value("denbao_store_away_seconds")
        assert away is not None and away > 500
        assert called(scene) == [(RECOVERS, "outage")]  # of before
        assert [one for one, _, _ in scene.heard] == ["store_down"]

    played(story)


def test_on_the_return_exactly_what_is_owed_is_told_with_the_times_at_which_it_was_true():
    async def story(scene: Scene) -> None:
        await ten_minutes_without(scene)
        scene.store.full = False
        await scene.passes(0.5)
        assert stored(scene) == colours(scene) == [Colour.RED, Colour.GREEN, Colour.UNKNOWN, Colour.GREEN]
        assert scene.service.evaluator.unstored_since is None
        (broken,), (mended,), (passed,) = [await of_unit(scene, unit) for unit in (BREAKS, RECOVERS, COMES_AND_GOES)]
        assert (minute(broken.opened_at), broken.closed_at) == (1, None)  # the second bad answer
        assert minute(mended.closed_at) == 2  # the third good one
        assert (minute(passed.opened_at), minute(passed.closed_at)) == (1, 6)
        assert await of_unit(scene, FALLS_SILENT) == []
        told = called(scene)[1:]
        assert sorted(set(told)) == [(BREAKS, "outage"), (RECOVERS, "recovered")]
        assert len(told) == 2
        assert [one[:2] for one in scene.heard if one[0] != "store_down"] == []

    played(story)


def test_a_kill_while_the_store_is_away_loses_nothing_that_was_accepted_and_calls_for_what_is_still_so():
    async def story(scene: Scene) -> None:
        await ten_minutes_without(scene)
        before = {unit: state.version for unit, state in scene.service.snapshot().states.items()}
        await scene.service._timetable.stop()
        for task in scene.service._tasks:
            task.cancel()
        scene.store.full = False
        assert {state.unit: state.version for state in await scene.store.load_states()} == before
        scene.service = scene.made()
        await scene.service.start()
        await scene.passes(5)
        assert stored(scene) == [Colour.RED, Colour.GREEN, Colour.UNKNOWN, Colour.GREEN]
        # The second step of what had been told fell due meanwhile, and nobody may know yet that it is well again.
        told = called(scene)[1:]
        assert sorted(told) == [(BREAKS, "outage"), (RECOVERS, "outage"), *[(RECOVERS, "recovered")] * 2]

    played(story)


def test_a_clock_set_back_while_the_store_is_away_makes_no_call_late():
    async def story(scene: Scene) -> None:
        scene.store.full = True
        scene.down.add(BREAKS)
        await scene.passes(3)
        scene.clock.step = -timedelta(hours=1)
        await scene.passes(2)
        scene.store.full = False
        await scene.passes(3)
        assert called(scene) == [(BREAKS, "outage")]

    played(story)


def test_a_province_that_goes_dark_is_one_trouble_that_began_when_it_began():
    """Each commune that goes down changes the count of the trouble, and there are more than decisions are kept."""
    never, was = run(province_goes_dark(away=False)), run(province_goes_dark(away=True))
    assert len(never) > 64
    assert was == never


async def province_goes_dark(*, away: bool) -> dict[str, datetime]:
    """When its incidents opened, by their keys."""
    units = country([HO_CHI_MINH])
    codes = [unit.code for unit in units if unit.level is Level.COMMUNE]
    clock, store = LoopClock(MORNING), AwayStore()
    office = Evaluator(policy(units), store, clock, lambda _decisions: None)

    def say(code: str, well: bool) -> None:
        told = reading(code, well, (clock.now() - MORNING).total_seconds())
        office.take(Collected(f"probe/{code}", clock.now(), (told,)))

    await store.open()
    await office.load()
    task = asyncio.ensure_future(office.run())
    for code in codes:
        say(code, True)
    await clock.sleep(10)
    store.away = away
    for code in codes:
        say(code, False)
        await clock.sleep(1)
    store.away = False
    await clock.sleep(10)
    assert office.degraded == ""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return {one.key: one.opened_at for one in await store.incidents(open_only=False, limit=5000)}


def test_a_country_that_came_and_went_while_the_store_was_away_is_no_storm():
    async def story(scene: Scene) -> None:
        scene.store.full = True
        scene.down.update(COMMUNES)
        await scene.passes(5)
        scene.down.clear()
        await scene.passes(5)
        scene.store.full = False
        await scene.passes(5)
        assert called(scene) == []
        passed = [one for unit in COMMUNES for one in await of_unit(scene, unit)]
        assert len(passed) == len(COMMUNES) and not any(one.open for one in passed)

    played(story)
