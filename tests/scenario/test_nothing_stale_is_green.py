"""3,321 communes at once, in virtual time: nothing is green on old data, and no deadline of a report is late (P7)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from monitor.adapters.store.memory import MemoryStore
from monitor.config.spec import HeartbeatSpec
from monitor.decide import Policy
from monitor.model.colour import Colour
from monitor.model.reading import Collected, Reading
from monitor.model.state import Decision
from monitor.model.unit import Level
from monitor.ports import Source
from monitor.service.evaluator import Evaluator
from monitor.service.heartbeats import Heartbeats, Signal
from monitor.service.ownline import OwnLine
from monitor.service.poller import Poller
from monitor.testing import LoopClock, VirtualTimetable, run
from monitor.testing.doubles import ScriptedSource
from tests.scenario.mass_scene import PROBE, START, country, policy

pytestmark = pytest.mark.nightly  # some seconds each: every commune is judged several times

MAX_AGE = 150.0  # seconds for which a probe's answer is believed
LATE = 5.0  # seconds by which a deadline may be met late
EVERY, GRACE = 60.0, 30.0


def watched() -> Policy:
    """The whole country under one rule; nobody is called."""
    made = policy(country(), ())
    indicator = replace(made.ruleset.indicators[PROBE], max_age=MAX_AGE)
    rules = replace(made.ruleset, indicators={**made.ruleset.indicators, PROBE: indicator})
    return replace(made, ruleset=rules, directory=replace(made.directory, policies=()))


class Country:
    """An evaluator of all communes, what asks them, and when each took which colour."""

    def __init__(self, sources: Callable[[Evaluator, LoopClock, Sequence[str]], Sequence[Source]]) -> None:
        rules = watched()
        self.clock = LoopClock(START)
        self.codes = [unit.code for unit in rules.units if unit.level is Level.COMMUNE]
        self.store = MemoryStore()
        self.turned: dict[str, tuple[Colour, datetime]] = {}
        self.evaluator = Evaluator(rules, self.store, self.clock, self._published)
        self.poller = Poller(sources(self.evaluator, self.clock, self.codes), self.clock, self.evaluator.take)
        self.timetable = VirtualTimetable(self.clock)

    def _published(self, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            for change in decision.transitions:
                if not change.criterion:
                    self.turned[change.unit] = (change.after, self.clock.now())

    @contextlib.asynccontextmanager
    async def lives(self) -> AsyncIterator[None]:
        """From the first sweep until the end of the block."""
        await self.store.open()
        judging = asyncio.ensure_future(self.evaluator.run())
        await self.poller.sweep()
        self.poller.start(self.timetable)
        yield
        await self.timetable.stop()
        await self.poller.stop()
        judging.cancel()
        await asyncio.gather(judging, return_exceptions=True)

    def colours(self) -> set[Colour]:
        return {self.evaluator.states[code].colour for code in self.codes}


def probes(_evaluator: Evaluator, _clock: LoopClock, codes: Sequence[str]) -> Sequence[Source]:
    """One for each commune, asked once a minute; all are well."""

    def well(code: str) -> Callable[[datetime], Collected]:
        source = f"probe/{code}"
        return lambda now: Collected(source, now, (Reading(code, PROBE, True, now, now, source),))

    return [ScriptedSource(f"probe/{code}", code, well(code)) for code in codes]


def test_when_all_polling_stops_every_unit_is_unknown_as_soon_as_its_last_answer_is_too_old():
    async def story() -> None:
        there = Country(probes)
        async with there.lives():
            await there.clock.sleep(30)  # half of them were asked a second time
            await there.poller.stop()
            assert (len(there.codes), there.colours()) == (3321, {Colour.GREEN})
            await there.clock.sleep(MAX_AGE + 60 + LATE)
        assert there.colours() == {Colour.UNKNOWN}
        states = there.evaluator.states
        ages = [
            (there.turned[code][1] - states[code].evidence[PROBE].received_at).total_seconds() for code in there.codes
        ]
        assert MAX_AGE <= min(ages) <= max(ages) <= MAX_AGE + LATE

    run(story())


def test_of_3321_jobs_that_stop_reporting_each_is_late_within_five_seconds_of_its_deadline():
    beats: list[Heartbeats] = []

    def jobs(evaluator: Evaluator, clock: LoopClock, codes: Sequence[str]) -> Sequence[Source]:
        specs = [HeartbeatSpec(code, code, PROBE, EVERY, GRACE) for code in codes]
        beats.append(Heartbeats(specs, evaluator, clock, OwnLine((), clock)))
        return list(beats[0].by_id.values())

    async def story() -> None:
        there = Country(jobs)
        async with there.lives():
            heard = there.clock.now()
            await asyncio.gather(*(beats[0].hear(code, Signal.SUCCESS, "") for code in there.codes))
            deadline = heard + timedelta(seconds=EVERY + GRACE)
            await there.clock.sleep((deadline - there.clock.now()).total_seconds())
            assert there.colours() == {Colour.GREEN}
            await there.clock.sleep(LATE)
            assert there.colours() == {Colour.RED}
        assert max(at for _, at in there.turned.values()) <= deadline + timedelta(seconds=LATE)

    run(story())
