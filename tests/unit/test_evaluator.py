"""The loop that decides and commits, in virtual time over the store in memory."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.adapters.store.memory import MemoryStore
from monitor.decide import Policy, View, Watch
from monitor.decide import decide as really_decide
from monitor.engine import reasons
from monitor.engine.rolling import Derived, Plan, What
from monitor.model.colour import Colour
from monitor.model.errors import Conflict, NotFound, StoreError
from monitor.model.incident import Phase
from monitor.model.reading import Collected, Reading, SourceHealth, Tables
from monitor.model.rolling import Answer
from monitor.model.state import Decision, UnitState
from monitor.service import agenda, judging
from monitor.service.evaluator import Evaluator
from monitor.testing.clock import LoopClock, run
from tests.unit.engine_scene import (
    CALENDAR,
    COMMUNE,
    COMMUNES,
    GREEN,
    HOUR,
    NATION,
    NOON,
    OTHER,
    PROVINCE,
    RED,
    SESSIONS,
    SYSTEM,
    UNKNOWN,
    directory,
    ruleset,
    told,
    units,
)

LIMIT = 7200.0
FEED = Watch("portal", PROVINCE, frozenset({"rate"}), LIMIT, frozenset(COMMUNES))


class FaultyStore(MemoryStore):
    """Refuses when told to, and lets something happen while it writes."""

    def __init__(self) -> None:
        super().__init__()
        self.refusals: list[Exception] = []
        self.commits: list[list[str]] = []
        self.while_writing: Callable[[], Awaitable[None]] | None = None
        self.health_refusals = 0

    async def commit(self, decisions: Sequence[Decision]) -> Sequence[UnitState]:
        if self.while_writing is not None:
            await self.while_writing()
        if self.refusals:
            raise self.refusals.pop(0)
        self.commits.append([decision.after.unit for decision in decisions])
        return await super().commit(decisions)

    async def save_health(self, health: Sequence[SourceHealth]) -> None:
        if self.health_refusals:
            self.health_refusals -= 1
            raise StoreError("disk full")
        await super().save_health(health)


class Clock(LoopClock):
    """Its wall time may be set back; waiting goes on as it does."""

    back = 0.0  # seconds

    def now(self):
        return super().now() - timedelta(seconds=self.back)


class Scene:
    """An evaluator of the small site, its store and what it published."""

    def __init__(self, store: FaultyStore | None = None, communes: tuple[str, ...] = COMMUNES, **rules) -> None:
        self.clock = Clock(NOON)
        self.store = store or FaultyStore()
        self.published: list[Decision] = []
        made = Policy(units(communes), ruleset(), directory(), CALENDAR, SESSIONS, (FEED,))
        self.policy = replace(made, **rules)
        self.evaluator = Evaluator(self.policy, self.store, self.clock, self.published.extend)

    async def open(self) -> Scene:
        await self.store.open()
        await self.evaluator.load()
        return self

    @property
    def now(self):
        return self.clock.now()

    def fine(self, *communes: str) -> list[Reading]:
        """News after which the system and these communes are green."""
        communes = communes or (COMMUNE, OTHER)
        news = [told(True, self.now, unit=SYSTEM, indicator="system_up", source="probe")]
        for unit in communes:
            news += [self.up(True, unit), told(90.0, self.now, unit=unit)]
        return news

    def up(self, yes: bool, unit: str = COMMUNE) -> Reading:
        return told(yes, self.now, unit=unit, indicator="up", source=f"probe/{unit}")

    def take(self, *news: Reading, source: str = "probe", failure: str = "", cut: bool = False) -> None:
        self.evaluator.take(Collected(source, self.now, news, failure=failure, cut=cut))

    def colour(self, unit: str) -> Colour:
        standing = self.evaluator.states[unit].standing
        return UNKNOWN if standing is None else standing.colour

    def decided(self, unit: str) -> int:
        return sum(unit in batch for batch in self.store.commits)


class Running:
    """The evaluator's loop for the length of a block."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    async def __aenter__(self) -> Scene:
        self._task = asyncio.get_running_loop().create_task(self._scene.evaluator.run())
        return self._scene

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task


def play(story: Callable[[Scene], Awaitable[None]], **scene) -> None:
    async def whole() -> None:
        await story(await Scene(**scene).open())

    run(whole())


ANSWERED = {"probe/00010": Plan("probe/00010", 60.0, (Derived("rate", What.AVAILABILITY, 3600.0, known=0.0),))}


def test_an_answer_that_a_refusing_store_did_not_take_counts_once_when_it_does():
    async def story(scene: Scene) -> None:
        answers = [Answer(COMMUNE, "probe/00010", scene.now + timedelta(seconds=60 * n), n > 0) for n in range(3)]
        scene.store.refusals.append(StoreError("disk full"))
        for answer in answers[:2]:
            scene.evaluator.take(Collected("probe/00010", answer.at, answer=answer))
        with pytest.raises(StoreError):
            await scene.evaluator.settle()
        assert not scene.evaluator.states[COMMUNE].rolling
        scene.evaluator.take(Collected("probe/00010", answers[2].at, answer=answers[2]))
        await scene.evaluator.settle()
        rolling = scene.evaluator.states[COMMUNE].rolling["probe/00010"]
        assert rolling.hours is not None
        now = rolling.hours.open
        assert (now.up, now.down, now.sent) == (60.0, 60.0, 3)
        assert (await scene.store.load_states())[0].rolling["probe/00010"] == rolling

    play(story, plans=ANSWERED)


# order


def test_children_are_committed_before_their_parents_and_a_parent_once_for_many_children():
    async def story(scene: Scene) -> None:
        scene.take(*scene.fine())
        await scene.evaluator.settle()
        assert scene.store.commits == [[SYSTEM], [COMMUNE, OTHER], [PROVINCE], [NATION]]
        assert [scene.colour(unit) for unit in (SYSTEM, COMMUNE, PROVINCE, NATION)] == [GREEN] * 4

    play(story)


def test_many_communes_are_several_commits_and_still_one_decision_of_the_province():
    many = tuple(f"{number:05d}" for number in range(1100))

    async def story(scene: Scene) -> None:
        scene.take(*scene.fine(*many))
        await scene.evaluator.settle()
        assert [len(batch) for batch in scene.store.commits] == [1, 500, 500, 100, 1, 1]

    play(story, communes=many)


def test_a_flood_of_news_below_does_not_keep_the_province_waiting():
    async def story(scene: Scene) -> None:
        number = 0

        async def flood() -> None:
            nonlocal number
            number += 1
            scene.take(told(number % 100, scene.now + timedelta(milliseconds=number), unit=OTHER))
            await scene.clock.sleep(0.001)

        scene.store.while_writing = flood
        async with Running(scene):
            await asyncio.wait_for(scene.evaluator.submit(scene.fine()), 10)
        assert scene.decided(PROVINCE)

    play(story)


def test_a_colour_that_does_not_change_is_no_news_for_the_parent():
    async def story(scene: Scene) -> None:
        scene.take(*scene.fine())
        await scene.evaluator.settle()
        await scene.clock.sleep(10)
        scene.take(*scene.fine())
        await scene.evaluator.settle()
        assert (scene.decided(COMMUNE), scene.decided(PROVINCE)) == (2, 1)

    play(story)


# nothing is lost


@pytest.mark.parametrize("error", [StoreError("disk full"), RuntimeError("a bug"), asyncio.CancelledError()])
def test_what_was_not_committed_stays_due(error):
    async def story(scene: Scene) -> None:
        scene.store.refusals = [error]
        scene.take(*scene.fine())
        with pytest.raises(type(error)):
            await scene.evaluator.settle()
        await scene.evaluator.settle()
        assert scene.colour(COMMUNE) is GREEN
        assert [reading.value for reading in await scene.store.readings(SYSTEM, "system_up")] == [True]

    play(story)


def test_a_store_that_refuses_is_named_asked_again_and_then_forgotten():
    async def story(scene: Scene) -> None:
        scene.store.refusals = [StoreError("disk full")] * 5
        async with Running(scene):
            scene.take(*scene.fine())
            await scene.clock.sleep(2)
            assert scene.evaluator.degraded == "disk full"
            await scene.clock.sleep(10)
            assert (scene.evaluator.degraded, scene.colour(COMMUNE)) == ("", GREEN)

    play(story)


def test_news_that_comes_while_a_commit_is_written_is_decided_next():
    async def story(scene: Scene) -> None:
        async def meanwhile() -> None:
            scene.store.while_writing = None
            await scene.clock.sleep(0.01)
            scene.take(scene.up(False))

        scene.store.while_writing = meanwhile
        scene.take(*scene.fine())
        await scene.evaluator.settle()
        assert scene.colour(COMMUNE) is RED
        assert [reading.value for reading in await scene.store.readings(COMMUNE, "up")] == [False, True]

    play(story)


def test_news_of_unknown_units_is_dropped():
    async def story(scene: Scene) -> None:
        scene.take(told(1.0, unit="nobody"))
        await scene.evaluator.settle()
        assert scene.store.commits == []

    play(story)


def test_the_health_of_a_feed_is_saved_although_the_store_refused_once():
    async def story(scene: Scene) -> None:
        scene.store.health_refusals = 1
        scene.take(told(90.0, scene.now), source="portal")
        with pytest.raises(StoreError):
            await scene.evaluator.settle()
        await scene.evaluator.settle()
        assert [health.source for health in await scene.store.load_health()] == ["portal"]

    play(story)


# who waits


def test_submit_returns_when_all_effects_are_committed():
    async def story(scene: Scene) -> None:
        async with Running(scene):
            await scene.evaluator.submit(scene.fine())
            assert scene.store.commits[-1] == [NATION]
            assert scene.colour(PROVINCE) is GREEN

    play(story)


def test_who_submits_while_the_store_writes_is_not_released_with_the_work_of_others():
    async def story(scene: Scene) -> None:
        late: list[asyncio.Task[None]] = []

        async def meanwhile() -> None:
            scene.store.while_writing = None
            task = asyncio.get_running_loop().create_task(scene.evaluator.submit([scene.up(False)]))
            task.add_done_callback(lambda _: late.remove(task) if scene.colour(COMMUNE) is RED else None)
            late.append(task)
            await scene.clock.sleep(0.01)

        scene.store.while_writing = meanwhile
        async with Running(scene):
            await scene.evaluator.submit(scene.fine())
            assert not late or not late[0].done()
            await scene.clock.sleep(1)
            assert late == []

    play(story)


def test_who_submits_while_the_store_refuses_is_told_and_the_news_is_kept():
    async def story(scene: Scene) -> None:
        scene.store.refusals = [StoreError("disk full")]
        async with Running(scene):
            with pytest.raises(StoreError, match="disk full"):
                await scene.evaluator.submit([scene.up(False)])
            await scene.clock.sleep(5)
            assert scene.colour(COMMUNE) is RED

    play(story)


def test_who_gives_up_waiting_harms_nobody():
    async def story(scene: Scene) -> None:
        async with Running(scene):
            impatient = asyncio.get_running_loop().create_task(scene.evaluator.submit(scene.fine()))
            await asyncio.sleep(0)
            impatient.cancel()
            await scene.evaluator.submit([scene.up(False)])
            assert scene.colour(COMMUNE) is RED

    play(story)


def test_submitting_nothing_returns():
    async def story(scene: Scene) -> None:
        async with Running(scene):
            await asyncio.wait_for(scene.evaluator.submit([]), 5)

    play(story)


# somebody else committed


def test_a_conflict_is_decided_again_from_what_the_other_committed():
    async def story(scene: Scene) -> None:
        scene.take(*scene.fine())
        await scene.evaluator.settle()
        other = await Scene(store=scene.store).open()
        other.take(told(10.0, scene.now + HOUR, unit=COMMUNE, received=scene.now + HOUR))
        await other.evaluator.settle()
        scene.take(scene.up(False))
        await scene.evaluator.settle()
        state = scene.evaluator.states[COMMUNE]
        assert (state.evidence["rate"].value, state.evidence["up"].value) == (10.0, False)

    play(story)


def test_a_conflict_that_nothing_explains_is_an_error_and_no_endless_loop():
    async def story(scene: Scene) -> None:
        scene.store.refusals = [Conflict(COMMUNE)]
        scene.take(scene.up(False))
        with pytest.raises(Conflict):
            await scene.evaluator.settle()
        await scene.evaluator.settle()
        assert scene.colour(COMMUNE) is RED

    play(story)


# answers


def test_an_answer_is_committed_once_and_stops_the_calls():
    async def story(scene: Scene) -> None:
        async with Running(scene):
            await scene.evaluator.submit([scene.up(False)])
            incident = scene.evaluator.states[COMMUNE].incidents["up"]
            decision = await scene.evaluator.acknowledge(incident.ref, "an", "đang xử lý")
            assert decision.after.version == scene.evaluator.states[COMMUNE].version
            assert scene.evaluator.states[COMMUNE].incidents["up"].phase is Phase.ACKNOWLEDGED
            told_before = len(await scene.store.deliveries())
            await scene.clock.sleep(5 * 3600)
            assert len(await scene.store.deliveries()) == told_before

    play(story)


@pytest.mark.parametrize("back", [3600.0, 86_400.0])
def test_a_clock_that_is_set_back_moves_no_call(back):
    async def story(scene: Scene) -> None:
        async with Running(scene):
            await scene.evaluator.submit([scene.up(False)])
            await scene.clock.sleep(600)
            scene.clock.back = back  # the plan repeats each hour
            await scene.clock.sleep(2950)
            assert len(await scene.store.deliveries()) == 1
            await scene.clock.sleep(90)
            assert len(await scene.store.deliveries()) == 2
            assert [entry.action for entry, _ in await scene.store.audit_trail()] == ["clock set back"]

    play(story)


def test_a_plan_that_was_made_on_a_clock_a_day_ahead_is_counted_from_the_next_start():
    async def story(scene: Scene) -> None:
        async with Running(scene):
            await scene.evaluator.submit([scene.up(False)])
        later = Scene(scene.store)
        later.clock.back = 86_400.0
        async with Running(await later.open()):
            await later.clock.sleep(3610)
            assert len(await scene.store.deliveries()) == 2

    play(story)


def test_what_an_order_changes_is_looked_at_at_once_and_not_when_the_loop_turns_next():
    async def story(scene: Scene) -> None:
        async with Running(scene):
            await scene.evaluator.submit([scene.up(False)])
            incident = scene.evaluator.states[COMMUNE].incidents["up"]
            await scene.clock.sleep(5)  # the loop is asleep, for half a minute at most
            await scene.evaluator.acknowledge(incident.ref, "an", seconds=3)
            await scene.clock.sleep(4)
            assert scene.evaluator.states[COMMUNE].incidents["up"].phase is Phase.OPEN

    play(story)


def test_an_answer_to_nothing_is_not_found():
    async def story(scene: Scene) -> None:
        with pytest.raises(NotFound):
            await scene.evaluator.acknowledge("AAAAAA", "an")

    play(story)


# one poison unit


def test_a_poison_unit_is_set_aside_and_tried_again_while_the_others_go_on(monkeypatch):
    poison = [True]

    def decide(view: View, policy: Policy, now) -> Decision:
        if poison and view.state.unit == COMMUNE:
            raise ValueError("poison")
        return really_decide(view, policy, now)

    monkeypatch.setattr(judging, "decide", decide)

    async def story(scene: Scene) -> None:
        async with Running(scene):
            await scene.evaluator.submit(scene.fine())
            assert (scene.colour(COMMUNE), scene.colour(OTHER)) == (UNKNOWN, GREEN)
            state = scene.evaluator.states[COMMUNE]
            assert state.standing is not None
            assert state.standing.reasons[0].code == reasons.SET_ASIDE
            assert scene.evaluator.set_aside == {COMMUNE: "ValueError: poison"}
            poison.clear()
            await scene.clock.sleep(61)
            assert (scene.colour(COMMUNE), scene.evaluator.set_aside) == (GREEN, {})

    play(story)


# starts


def test_a_restart_changes_no_colour_opens_nothing_and_tells_nobody():
    async def story(scene: Scene) -> None:
        scene.take(*scene.fine(OTHER), scene.up(False), told(10.0, scene.now))
        await scene.evaluator.settle()
        deliveries = await scene.store.deliveries()
        again = await Scene(store=scene.store).open()
        again.evaluator.judge_all()
        await again.evaluator.settle()
        assert len(again.published) == len(again.policy.units)
        for decision in again.published:
            assert (decision.transitions, decision.incidents, decision.notices, decision.withheld) == ((), (), (), ())
        assert await scene.store.deliveries() == deliveries

    play(story)


def test_a_start_decides_nothing_by_itself_until_something_is_due():
    async def story(scene: Scene) -> None:
        scene.take(*scene.fine())
        await scene.evaluator.settle()
        again = await Scene(store=scene.store).open()
        before = len(scene.store.commits)
        async with Running(again):
            await again.clock.sleep(149)
            assert len(scene.store.commits) == before
            await again.clock.sleep(2)
            assert len(scene.store.commits) > before
            assert again.colour(COMMUNE) is UNKNOWN  # the probe's answer is too old

    play(story)


def test_health_of_feeds_survives_a_restart():
    async def story(scene: Scene) -> None:
        scene.take(source="portal", failure="503")
        await scene.evaluator.settle()
        again = await Scene(store=scene.store).open()
        assert again.evaluator.health["portal"].failure == "503"

    play(story)


# time


def test_the_queue_of_instants_does_not_grow_with_the_number_of_decisions():
    async def story(scene: Scene) -> None:
        dice = random.Random(1)
        for _ in range(400):
            await scene.clock.sleep(dice.random())
            scene.take(*scene.fine())
            await scene.evaluator.settle()
        assert len(scene.evaluator._agenda.due) <= agenda.SLACK * len(scene.policy.units) + 1
        async with Running(scene):
            await scene.clock.sleep(200)
            assert scene.colour(COMMUNE) is UNKNOWN

    play(story)


def test_a_day_in_which_nothing_happens_costs_one_look_per_unit():
    async def story(scene: Scene) -> None:
        scene.evaluator.judge_all()
        await scene.evaluator.settle()
        scene.store.commits.clear()
        async with Running(scene):
            await scene.clock.sleep(24 * 3600)
        assert [scene.decided(unit.code) for unit in scene.policy.units] == [1] * len(scene.policy.units)

    play(story)


def test_seconds_from_news_to_commit_are_observed():
    async def story(scene: Scene) -> None:
        seen: list[float] = []
        scene.evaluator = Evaluator(scene.policy, scene.store, scene.clock, scene.published.extend, seen.append)
        async with Running(scene):
            await scene.evaluator.submit(scene.fine())
            await asyncio.sleep(0)
        assert len(seen) == 1
        assert 0.05 <= seen[0] < 1

    play(story)


# silent feeds


def silent(scene: Scene) -> set[str]:
    states = scene.evaluator.states.values()
    return {state.unit for state in states if "silent:portal" in state.incidents}


async def polls(scene: Scene, seconds: float, *communes: str, failure: str = "", cut: bool = False) -> None:
    """The portal is asked every five minutes."""
    end = scene.clock.monotonic() + seconds
    while scene.clock.monotonic() < end:
        rows = [told(90.0, scene.now, unit=unit) for unit in communes]
        scene.take(*rows, source="portal", failure=failure, cut=cut)
        await scene.clock.sleep(300)


@pytest.mark.parametrize("cuts", [1, 3])
def test_the_time_in_which_the_monitor_was_cut_off_is_no_silence_of_a_feed_and_the_rest_is(cuts):
    async def story(scene: Scene) -> None:
        async with Running(scene):
            await polls(scene, 3600, *COMMUNES)
            for _ in range(cuts):
                await polls(scene, LIMIT + 600, failure="cut off", cut=True)
            await polls(scene, LIMIT - 600, failure="503")
            assert silent(scene) == set()
            await polls(scene, 1200, failure="503")
            assert silent(scene) == {PROVINCE}
            await polls(scene, 300, *COMMUNES)
            await polls(scene, LIMIT + 600, failure="503")  # what was excused is used up
            assert silent(scene) == {PROVINCE}

    play(story)


def test_a_feed_that_falls_silent_is_told_once_at_its_owner_and_closed_when_it_speaks():
    async def story(scene: Scene) -> None:
        async with Running(scene):
            await polls(scene, 3600, *COMMUNES)
            await polls(scene, LIMIT - 600, failure="503")
            assert silent(scene) == set()
            await polls(scene, 1200, failure="503")
            assert silent(scene) == {PROVINCE}
            await polls(scene, 300, *COMMUNES)
            assert silent(scene) == set()
        kinds = [delivery.notice.kind for delivery in await scene.store.deliveries()]
        assert sorted(set(kinds)) == ["silent", "speaks_again"]

    play(story)


def test_a_missing_row_is_told_of_its_commune_only():
    async def story(scene: Scene) -> None:
        async with Running(scene):
            await polls(scene, 3600, *COMMUNES)
            await polls(scene, LIMIT + 300, OTHER)
            assert silent(scene) == {COMMUNE}
            await polls(scene, 300, failure="503")  # a hiccup
            assert silent(scene) == {COMMUNE}
            await polls(scene, 300, *COMMUNES)
            assert silent(scene) == set()

    play(story)


def test_a_feed_that_answers_without_rows_is_told_at_its_owner_and_the_communes_when_it_brings_rows_for_others():
    async def story(scene: Scene) -> None:
        async with Running(scene):
            await polls(scene, 3600, *COMMUNES)
            await polls(scene, LIMIT - 600)
            assert silent(scene) == set()
            await polls(scene, 1200)
            assert silent(scene) == {PROVINCE}
            await polls(scene, 300, OTHER)
            assert silent(scene) == {COMMUNE}
            await polls(scene, 300, *COMMUNES)
            assert silent(scene) == set()
        told_of = [delivery.notice.unit for delivery in await scene.store.deliveries()]
        assert set(told_of) == {PROVINCE, COMMUNE}

    play(story)


def test_a_commune_that_never_had_a_row_is_told_although_the_feed_came_up_late():
    async def story(scene: Scene) -> None:
        async with Running(scene):
            scene.evaluator.judge_all()
            await polls(scene, 1800, failure="503")
            await polls(scene, LIMIT + 600, OTHER)
            assert silent(scene) == {COMMUNE}

    play(story)


def test_after_a_pause_of_days_only_a_poll_shows_who_is_silent():
    async def story(scene: Scene) -> None:
        async with Running(scene):
            await polls(scene, 3600, *COMMUNES)
            await scene.clock.sleep(3 * 24 * 3600)  # nobody asks: the machine slept
            assert silent(scene) == set()
            await polls(scene, 300, OTHER)
            assert silent(scene) == {COMMUNE}

    play(story)


def test_that_a_table_was_read_is_stored_after_what_it_said():
    """It is not read again after a kill in between."""

    class Store(FaultyStore):
        seen: tuple[bool, ...] = ()  # whether what the table says was stored, each time its mark was

        async def save_health(self, health: Sequence[SourceHealth]) -> None:
            await super().save_health(health)
            if any("mark" in one.read for one in health):
                stored = {state.unit: state for state in await self.load_states()}
                self.seen += ("rate" in stored[COMMUNE].evidence,)

    store = Store()

    async def story(scene: Scene) -> None:
        reading = told(90.0, scene.now, source="portal")

        async def meanwhile() -> None:
            store.while_writing = None
            tables = Tables(frozenset({"mark"}))
            scene.evaluator.take(Collected("portal", scene.now, (reading,), table="mark", tables=tables))

        store.while_writing = meanwhile
        scene.take(scene.up(True, OTHER))
        await scene.evaluator.settle()

    play(story, store=store)
    assert store.seen == (True,)
