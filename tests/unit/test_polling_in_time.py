"""Asking the sources when their slot comes, in virtual time."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from monitor.model.reading import Collected
from monitor.service.places import Places
from monitor.service.poller import GRAIN, PollEnd, Poller
from monitor.service.sweep import CROWD, phase
from monitor.testing.clock import LoopClock, VirtualTimetable, run
from tests.unit.engine_scene import NOON

START = NOON + timedelta(seconds=0.25)


class Slow:
    """A source that takes its time, and remembers when it was asked and how many asked at once."""

    most = 0
    under_way = 0

    def __init__(
        self, name: str, clock: LoopClock, period: float = 60, takes: float = 0.1, breaks: bool = False
    ) -> None:
        self.id = name
        self.owner = name
        self.period = period
        self.takes = takes
        self.breaks = breaks
        self.asked: list[float] = []
        self.at_once = 0
        self._clock = clock

    async def collect(self, now: datetime) -> Collected:
        self.asked.append(self._clock.monotonic())
        self.at_once += 1
        Slow.under_way += 1
        Slow.most = max(Slow.most, Slow.under_way)
        assert self.at_once == 1
        try:
            await self._clock.sleep(self.takes)
        finally:
            self.at_once -= 1
            Slow.under_way -= 1
        if self.breaks:
            raise RuntimeError("a plug-in")
        return Collected(self.id, now)


def gaps(source: Slow) -> list[float]:
    return [later - earlier for earlier, later in pairwise(source.asked)]


class Scene:
    """A poller of these sources on the virtual loop."""

    def __init__(self, make: Callable[[LoopClock], list[Slow]], **options) -> None:
        Slow.most = Slow.under_way = 0
        self.clock = LoopClock(START)
        self.sources = make(self.clock)
        self.answers: list[Collected] = []
        self.late: list[float] = []
        self.timetable = VirtualTimetable(self.clock)
        self.poller = Poller(
            self.sources,
            self.clock,
            self.answers.append,
            observe=lambda _, seconds: self.late.append(seconds),
            **options,
        )

    async def through(self, seconds: float) -> None:
        await self.poller.sweep()
        self.poller.start(self.timetable)
        await self.clock.sleep(seconds)
        await self.timetable.stop()
        await self.poller.stop()


def play(story: Callable[[Scene], Awaitable[None]], make: Callable[[LoopClock], list[Slow]], **options) -> None:
    async def whole() -> None:
        await story(Scene(make, **options))

    run(whole())


def many(number: int, **more) -> Callable[[LoopClock], list[Slow]]:
    return lambda clock: [Slow(f"probe/{n:05d}", clock, **more) for n in range(number)]


def test_the_first_sweep_asks_every_source_once_and_waits_for_all():
    async def story(scene: Scene) -> None:
        await scene.poller.sweep()
        assert Counter(answer.source for answer in scene.answers) == {source.id: 1 for source in scene.sources}

    play(story, many(50))


@pytest.mark.parametrize("period", [15, 60, 300, 3600])
def test_each_source_is_asked_once_in_its_period_at_its_own_second(period):
    async def story(scene: Scene) -> None:
        await scene.through(10 * period)
        for source in scene.sources:
            first, *others = gaps(source)
            assert 0 < first <= period + 0.5
            assert all(abs(gap - period) < 0.5 for gap in others)
            assert len(others) in (8, 9)
            second = (START + timedelta(seconds=source.asked[1])).timestamp()
            assert int(second) % period == phase(source.id, period)

    play(story, many(30, period=period))


def test_sources_of_an_hour_do_not_stay_together_where_the_start_put_them():
    async def story(scene: Scene) -> None:
        await scene.through(2 * 3600)
        minutes = Counter(int(source.asked[-1] // 60) % 60 for source in scene.sources)
        assert max(minutes.values()) < 15

    play(story, many(120, period=3600))


def test_a_slot_that_comes_late_makes_one_poll_late_and_none_missing():
    async def story(scene: Scene) -> None:
        (source,) = scene.sources
        await scene.poller.sweep()
        dice = random.Random(4)
        second = phase(source.id, 60)
        for minute in range(30):
            due = minute * 60 + (second - 0.25) % 60
            await scene.clock.sleep(max(due + dice.choice([0.0, 0.9, 3.0]) - scene.clock.monotonic(), 0))
            await scene.poller.tick(second)
        await scene.poller.stop()
        assert len(source.asked) == 31

    play(story, many(1))


def test_a_source_is_never_asked_twice_at_once_and_what_is_left_out_is_counted():
    async def story(scene: Scene) -> None:
        await scene.through(600)
        assert scene.poller.missed > 0
        assert all(
            later - earlier >= 200 for s in scene.sources for earlier, later in zip(s.asked, s.asked[1:], strict=False)
        )

    play(story, many(3, takes=200))


def test_a_source_that_raises_costs_only_itself(caplog):
    def make(clock: LoopClock) -> list[Slow]:
        return [Slow("broken", clock, breaks=True), *many(5)(clock)]

    async def story(scene: Scene) -> None:
        await scene.through(130)
        failures = {answer.source for answer in scene.answers if answer.failure}
        assert failures == {"broken"}
        assert "RuntimeError" in next(answer.failure for answer in scene.answers if answer.failure)
        assert all(len(source.asked) >= 2 for source in scene.sources)

    play(story, make)


def test_an_answer_that_nobody_can_take_does_not_end_the_sweep(caplog):
    async def story(scene: Scene) -> None:
        def refuse(collected: Collected) -> None:
            raise RuntimeError("a plug-in that listens")

        poller = Poller(scene.sources, scene.clock, refuse)
        await poller.sweep()
        assert all(len(source.asked) == 1 for source in scene.sources)

    play(story, many(5))
    assert "was not taken" in caplog.text


@pytest.mark.parametrize("parallel", [1, 7, 64])
def test_no_more_sources_are_asked_at_once_than_allowed(parallel):
    async def story(scene: Scene) -> None:
        await scene.poller.sweep()
        assert Slow.most == min(parallel, 100)
        spread = 100 / CROWD * GRAIN  # over which the first sweep begins
        assert max(scene.late) == pytest.approx(0.1 * ((100 - 1) // parallel), abs=spread)

    play(story, many(100), places=Places(parallel))


def test_stop_waits_for_polls_under_way_and_cancels_what_takes_too_long():
    def make(clock: LoopClock) -> list[Slow]:
        return [Slow("quick", clock, takes=5), Slow("hung", clock, takes=1e6)]

    async def story(scene: Scene) -> None:
        sweep = asyncio.get_running_loop().create_task(scene.poller.sweep())
        await scene.clock.sleep(1)
        await scene.poller.stop(grace=10)
        await asyncio.gather(sweep, return_exceptions=True)
        assert [answer.source for answer in scene.answers] == ["quick"]
        assert Slow.under_way == 0
        assert scene.clock.monotonic() == pytest.approx(11)

    play(story, make)


def test_a_poller_that_was_stopped_during_its_first_sweep_stays_stopped():
    async def story(scene: Scene) -> None:
        sweep = asyncio.get_running_loop().create_task(scene.poller.sweep())
        await scene.clock.sleep(0.01)
        await scene.poller.stop()
        await sweep
        scene.poller.start(scene.timetable)
        await scene.poller.tick(phase(scene.sources[0].id, 60))
        await scene.clock.sleep(300)
        await scene.timetable.stop()
        assert all(len(source.asked) == 1 for source in scene.sources)

    play(story, many(5))


def test_stopping_what_never_ran_is_nothing():
    async def story(scene: Scene) -> None:
        await scene.poller.stop()
        assert scene.answers == []

    play(story, many(2))


# -- places, and what became of each poll ------------------------------------------------------------------------------


def hosted(scene_hosts: dict[str, int], **more) -> tuple[Callable[[LoopClock], list[Slow]], dict[str, str]]:
    """So many sources at each host."""
    hosts = {f"{host}/{n}": host for host, number in scene_hosts.items() for n in range(number)}
    return lambda clock: [Slow(name, clock, **more) for name in hosts], hosts


def test_no_more_sources_of_one_host_are_asked_at_once_than_allowed():
    make, hosts = hosted({"portal": 20})

    async def story(scene: Scene) -> None:
        await scene.poller.sweep()
        assert Slow.most == 4
        assert max(scene.late) == pytest.approx(0.1 * 4, abs=20 / CROWD * GRAIN)

    play(story, make, places=Places(per_host=4, hosts=hosts))


def test_a_slow_host_with_many_targets_delays_no_other_and_what_it_misses_is_counted():
    slow, hosts = hosted({"slow": 200}, takes=5.0)

    def make(clock: LoopClock) -> list[Slow]:
        return [*slow(clock), *(Slow(f"quick/{n}", clock, period=15) for n in range(20))]

    counted = Counter[PollEnd]()
    hosts = {**hosts, **{f"quick/{n}": f"quick {n}" for n in range(20)}}
    late: dict[str, float] = {}

    async def story(scene: Scene) -> None:
        scene.poller._observe = lambda source, seconds: late.update({source: max(seconds, late.get(source, 0.0))})
        await scene.through(600)
        quick = {source: seconds for source, seconds in late.items() if source.startswith("quick")}
        assert len(quick) == 20
        assert max(quick.values()) < 0.001
        assert all(len(source.asked) >= 39 for source in scene.sources if source.id in quick)
        assert counted[PollEnd.MISSED] == scene.poller.missed > 100, "8 places, 5 s each: 96 of 200 in a minute"
        assert max(late.values()) > 1

    play(story, make, places=Places(28, 8, hosts), count=lambda end: counted.update([end]))


def test_a_crowd_in_one_slot_is_spread_over_its_second_and_nothing_of_it_is_late():
    async def story(scene: Scene) -> None:
        await scene.poller.sweep()
        scene.late.clear()
        scene.poller.start(scene.timetable)
        await scene.clock.sleep(60)
        await scene.timetable.stop()
        assert Slow.most <= 0.1 / GRAIN * CROWD, "nor does the first sweep ask all at once"
        begun = Counter(round((START + timedelta(seconds=s.asked[1])).timestamp(), 2) for s in scene.sources)
        assert max(begun.values()) <= 8
        assert max(scene.late) < 0.001
        await scene.poller.stop()

    play(story, many(600, period=15), places=Places(1000))


def test_a_slot_that_comes_late_says_how_late_its_polls_are():
    async def story(scene: Scene) -> None:
        await scene.poller.sweep()
        second = phase(scene.sources[0].id, 60)
        await scene.clock.sleep((second - 0.25) % 60 + 1.5 - scene.clock.monotonic())
        await scene.poller.tick(second)
        await scene.poller.stop()
        assert scene.late[-1] == pytest.approx(1.5)

    play(story, many(1))


def test_polls_that_wait_for_a_place_when_the_service_stops_are_not_begun():
    make, hosts = hosted({"portal": 10}, takes=4.0)
    counted = Counter[PollEnd]()

    async def story(scene: Scene) -> None:
        sweep = asyncio.get_running_loop().create_task(scene.poller.sweep())
        await scene.clock.sleep(1)
        await scene.poller.stop(grace=10)
        await asyncio.gather(sweep, return_exceptions=True)
        assert scene.clock.monotonic() == pytest.approx(4)
        assert counted == {PollEnd.ANSWERED: 3, PollEnd.CANCELLED: 7}

    play(story, make, places=Places(per_host=3, hosts=hosts), count=lambda end: counted.update([end]))
