"""Bugs that the seeded simulation found, each told as a short story in virtual time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import pytest

from monitor.adapters.store.memory import MemoryStore
from monitor.model.colour import Colour
from monitor.model.errors import StoreError
from monitor.model.reading import Collected, Reading
from monitor.model.state import Decision, UnitState
from monitor.service.app import policy_of
from monitor.service.evaluator import Evaluator
from monitor.testing import LoopClock, run
from monitor.testing.lives import outside
from monitor.testing.site import COMMUNES, FEED, FEED_POLL, MAX_SILENCE, NATION, PROVINCE, small_site

START = datetime(2025, 8, 18, 2, tzinfo=UTC)
SILENCE = f"silent:{FEED}"
COMMUNE = COMMUNES[0]


class Disk(MemoryStore):
    """A store that writes a commit and then says that it did not, when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.refuse_after = 0

    async def commit(self, decisions: Sequence[Decision]) -> Sequence[UnitState]:
        states = await super().commit(decisions)
        if self.refuse_after:
            self.refuse_after -= 1
            raise StoreError("refused, but it was written")
        return states


class Office:
    """An evaluator at work over the small site."""

    def __init__(self, evaluator: Evaluator, clock: LoopClock, disk: Disk) -> None:
        self.evaluator, self.clock, self.disk = evaluator, clock, disk

    def colour(self, unit: str) -> Colour:
        standing = self.evaluator.states[unit].standing
        return Colour.UNKNOWN if standing is None else standing.colour

    def feed(self, *, good: bool) -> None:
        now = self.clock.now()
        rows = tuple(Reading(unit, "online", 90.0, now, now, FEED) for unit in COMMUNES)
        self.evaluator.take(Collected(FEED, now, rows) if good else Collected(FEED, now, failure="503"))

    def probe(self, *units: str, up: bool) -> None:
        now = self.clock.now()
        for unit in units:
            reading = Reading(unit, "reachable", up, now, now, f"probe/{unit}")
            self.evaluator.take(Collected(reading.source, now, (reading,)))

    async def polls_of_the_feed(self, times: int, *, good: bool) -> None:
        for _ in range(times):
            self.feed(good=good)
            await self.clock.sleep(FEED_POLL)

    async def polls(self, *units: str, up: bool, times: int = 3) -> None:
        for _ in range(times):
            self.probe(*units, up=up)
            await self.clock.sleep(60)


def at_work(story: Callable[[Office], Awaitable[None]]) -> None:
    async def work() -> None:
        clock, disk = LoopClock(START), Disk()
        await disk.open()
        evaluator = Evaluator(policy_of(small_site()), disk, clock, lambda _: None)
        await evaluator.load()
        loop = outside(evaluator.run())
        await story(Office(evaluator, clock, disk))
        loop.cancel()

    run(work())


def test_a_silence_ends_when_the_feed_speaks_again_not_at_the_next_call():
    async def story(office: Office) -> None:
        await office.polls_of_the_feed(1, good=True)
        await office.polls_of_the_feed(int(MAX_SILENCE / FEED_POLL) + 1, good=False)
        assert SILENCE in office.evaluator.states[PROVINCE].incidents
        office.feed(good=True)
        await office.clock.sleep(1)
        assert SILENCE not in office.evaluator.states[PROVINCE].incidents

    at_work(story)


def test_a_feed_that_never_answered_is_silent_after_its_limit_as_well():
    async def story(office: Office) -> None:
        await office.polls_of_the_feed(int(MAX_SILENCE / FEED_POLL), good=False)
        assert SILENCE not in office.evaluator.states[PROVINCE].incidents
        await office.polls_of_the_feed(1, good=False)
        assert SILENCE in office.evaluator.states[PROVINCE].incidents

    at_work(story)


def test_who_answers_again_after_a_refused_commit_is_heard():
    async def story(office: Office) -> None:
        await office.polls(COMMUNE, up=False)
        (incident,) = office.evaluator.states[COMMUNE].incidents.values()
        office.disk.refuse_after = 1
        with pytest.raises(StoreError):
            await office.evaluator.acknowledge(incident.ref, "chair")
        await office.evaluator.acknowledge(incident.ref, "chair")
        stored = await office.disk.incident(incident.key)
        assert stored is not None and stored.acked_by == "chair"

    at_work(story)


def test_parents_hear_of_a_colour_whose_commit_was_refused_after_it_was_written():
    async def story(office: Office) -> None:
        office.feed(good=True)
        system = Reading("HT", "system_up", True, office.clock.now(), office.clock.now(), "probe/HT")
        office.evaluator.take(Collected("probe/HT", office.clock.now(), (system,)))
        await office.polls(*COMMUNES, up=True, times=1)
        assert office.colour(PROVINCE) is Colour.GREEN
        office.probe(*COMMUNES, up=False)
        await office.clock.sleep(60)
        office.disk.refuse_after = 1
        office.probe(*COMMUNES, up=False)
        await office.clock.sleep(5)
        assert office.colour(COMMUNE) is Colour.RED
        assert office.colour(PROVINCE) is Colour.RED and office.colour(NATION) is Colour.RED

    at_work(story)
