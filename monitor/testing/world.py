"""A whole service in a scripted world: hours of polls, pages, kills and answers in a second of real time.

The real Service runs on virtual time over a store in memory that plays the disk, with scripted providers. A seed
decides everything: what happens to the units, which faults strike, and in which order ready tasks run. The same seed
gives the same history. Afterwards monitor.testing.invariants compares what happened with what was promised.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any, cast

from monitor.adapters.store.memory import MemoryStore
from monitor.model.errors import Conflict, DenbaoError, StoreError
from monitor.model.incident import Notice, Outcome, Receipt
from monitor.model.reading import Collected, Reading
from monitor.ports import Source
from monitor.service.app import Adapters, Service
from monitor.service.metrics import SelfMetrics
from monitor.testing.board import Board
from monitor.testing.clock import LoopClock, VirtualTimetable, run
from monitor.testing.doubles import RecordingTransport, Reply, Ring, ScriptedHost, ScriptedSource
from monitor.testing.ledger import Asked, Ledger
from monitor.testing.lives import Life, factory, outside
from monitor.testing.script import Script, draw, within
from monitor.testing.seams import FaultyStore, LivingClock, LivingSource, LivingTransport, Trouble
from monitor.testing.site import CHANNELS, COMMUNES, FEED, FEED_POLL, POLL, PROBED, PROVINCE, SYSTEM, small_site

START = datetime(2025, 8, 19, 15, 40, tzinfo=UTC)  # eighty minutes before a deadline
AGAIN = 20.0  # seconds after which a person who got no "yes" tries again
TRIES = 6
LOOK = 31.0  # seconds between two looks at the board


class World:
    """One run of one seed. `plant` may change each service before it starts: a bug on purpose."""

    def __init__(self, seed: int, hours: float = 3.0, plant: Callable[[Service], None] = lambda _: None) -> None:
        self.seed = seed
        self.script: Script = draw(seed, hours)
        self.site = small_site()
        self.disk = MemoryStore()
        self._plant = plant
        self._dice = {name: Random(f"{seed}/{name}") for name in ("faults", "provider", "people", "chance")}  # noqa: S311
        self._service: Service | None = None
        self._life: Life | None = None
        self.ledger: Ledger

    def run(self) -> Ledger:
        """Play the whole script. The ledger says what happened; check it with `invariants.check`."""
        run(self._play(), seed=self.seed)
        return self.ledger

    async def _play(self) -> None:
        asyncio.get_running_loop().set_task_factory(cast("Any", factory))
        clock = LoopClock(START)
        self.ledger = Ledger(clock, START, self.script)
        await self.disk.open()
        self._providers = {name: self._provider(clock, name) for name in CHANNELS}
        self._board = Board(self.site, self.disk, self.ledger)
        others = [outside(self._supervise()), outside(self._end_lives()), outside(self._push()), outside(self._look())]
        await clock.sleep(self.script.seconds)
        for task in others:
            task.cancel()
        if self._service is not None:
            self._board.final(self._service)
        await self._end(by_kill=True)

    # lives

    async def _supervise(self) -> None:
        """Starts the service whenever it is down, as systemd does."""
        number = 0
        while True:
            number += 1
            self._ended = asyncio.Event()
            life = self._life = Life(number, self._died)
            start = life.spawn(self._live(life))
            await asyncio.wait({start})
            if life.alive and start.exception() is not None:  # systemd sees a failed start and tries again
                life.kill()
            await self._first_sweep(life)
            await self._ended.wait()
            await asyncio.sleep(self._pause)

    async def _live(self, life: Life) -> None:
        adapters = self._adapters(life)
        service = Service(self.site, adapters, _QuietMetrics())
        self._plant(service)
        self._pause = 5.0
        await service.start()
        self._service = service

    async def _first_sweep(self, life: Life) -> None:
        while life.alive and (self._service is None or self._service.first_sweep_at is None):  # noqa: ASYNC110
            await asyncio.sleep(0.5)
        if life.alive:
            self.ledger.works()

    def _adapters(self, life: Life) -> Adapters:
        trouble = Trouble(life, self.script, self.ledger, self._dice["faults"])
        clock = LivingClock(self.ledger.clock, life)
        return Adapters(
            clock=clock,
            store=FaultyStore(self.disk, trouble),
            timetable=VirtualTimetable(clock),
            sources=[LivingSource(source, trouble) for source in self._sources()],
            transports={name: LivingTransport(provider, trouble) for name, provider in self._providers.items()},
            exporters={},
            chance=self._dice["chance"].random,
            host=ScriptedHost(clock),
        )

    def _died(self, life: Life) -> None:
        self.ledger.ended(life.number)
        self._service = None
        self._ended.set()

    async def _end_lives(self) -> None:
        for at, pause, by_kill in self.script.deaths:
            await asyncio.sleep(max(at - self.ledger.second, 0))
            self._pause = pause
            await self._end(by_kill=by_kill)

    async def _end(self, *, by_kill: bool) -> None:
        life, service = self._life, self._service
        if life is None or not life.alive:
            return
        if service is not None and not by_kill:
            self.ledger.mark("stopped in order")
            await asyncio.wait({life.spawn(service.stop())})
        else:
            self.ledger.mark("killed at random")
        life.kill()

    # the world outside

    def _sources(self) -> list[Source]:
        probes = [ScriptedSource(f"probe/{unit}", unit, self._probe(unit), POLL) for unit in PROBED]
        return [*probes, ScriptedSource(FEED, PROVINCE, self._feed, FEED_POLL)]

    def _probe(self, unit: str) -> Callable[[datetime], Collected]:
        source, indicator = f"probe/{unit}", "system_up" if unit == SYSTEM else "reachable"

        def answer(now: datetime) -> Collected:
            second = self.ledger.at(now)
            if within(self.script.mute[unit], second):
                self.ledger.mark("a probe could not tell")
                return Collected(source, now, failure="the name does not resolve here")
            up = self.script.is_up(unit, second)
            return Collected(source, now, (Reading(unit, indicator, up, now, now, source),))

        return answer

    def _feed(self, now: datetime) -> Collected:
        second = self.ledger.at(now)
        if within(self.script.feed_down, second):
            return Collected(FEED, now, failure="503")
        values = ((commune, self.script.value(commune, second)) for commune in COMMUNES)
        return Collected(FEED, now, tuple(Reading(unit, "online", value, now, now, FEED) for unit, value in values))

    def _provider(self, clock: LoopClock, channel: str) -> RecordingTransport:
        def script(notice: Notice, attempt: int) -> Reply:
            return self._treat(channel, notice, attempt)

        return RecordingTransport(clock, script, self._rang)

    def _treat(self, channel: str, notice: Notice, attempt: int) -> Reply:
        dice, odds, second = self._dice["provider"], self.script.odds, self.ledger.second
        if within(self.script.provider_down[channel], second):
            self.ledger.mark("provider down")
            self._perhaps_answers(notice, 60)
            busy = Receipt(Outcome.TRY_AGAIN, "429", dice.uniform(5, 60))
            return Reply(busy if channel in self.script.busy else Receipt(Outcome.TRY_AGAIN, "down"), arrives=False)
        if second >= self.script.quiet_at:
            return Reply(delay=0.1)
        reply = Reply(delay=dice.uniform(2, 7) if dice.random() < odds.slow else dice.uniform(0.01, 0.5))
        if dice.random() < odds.failed and attempt % 2:  # twice in a row is a provider that is down
            return replace(reply, receipt=Receipt(Outcome.TRY_AGAIN, "500"), arrives=False)
        if dice.random() < odds.lost_reply:
            self.ledger.mark("reply lost")
            self.ledger.excuse(notice.key, "reply lost")
            raised = OSError("reset by peer") if dice.random() < 0.5 else None
            return replace(reply, receipt=Receipt(Outcome.UNKNOWN, "timed out"), error=raised)
        return reply

    # people

    def _rang(self, ring: Ring) -> None:
        self.ledger.rang(ring)
        self._perhaps_answers(ring.notice, 900)

    def _perhaps_answers(self, notice: Notice, within_seconds: float) -> None:
        """Somebody is called, or sees the board while the provider is down, and answers after a while."""
        dice = self._dice["people"]
        calm = self.ledger.second < self.script.quiet_at
        if calm and dice.random() < self.script.answers_calls:
            outside(self._answer(notice, dice.uniform(1, within_seconds)))

    async def _answer(self, notice: Notice, after: float) -> None:
        await asyncio.sleep(after)
        asked = Asked(notice.incident, f"person {len(self.ledger.asked)}", self.ledger.second)
        self.ledger.asked.append(asked)
        for _ in range(TRIES):
            service, life = self._service, self._life
            if service is not None and life is not None:
                await self._ask(asked, life, service.evaluator.acknowledge(notice.ref, asked.who))
            if asked.told != "unknown":
                return
            await asyncio.sleep(AGAIN)

    async def _push(self) -> None:
        for number, at in enumerate(self.script.pushes):
            await asyncio.sleep(max(at - self.ledger.second, 0))
            service, life = self._service, self._life
            if service is not None and life is not None:
                now, unit = self.ledger.now, COMMUNES[number % len(COMMUNES)]
                asked = Asked(unit, now.isoformat(), self.ledger.second)
                self.ledger.pushed.append(asked)
                reading = Reading(unit, "queue", float(number), now, now, "pushed")
                outside(self._ask(asked, life, service.evaluator.submit([reading])))

    async def _ask(self, asked: Asked, life: Life, request: Coroutine[Any, Any, object]) -> None:
        """A request that dies with the service; only an answer that came back counts."""
        task = life.spawn(request)
        await asyncio.wait({task})
        if task.cancelled():
            self.ledger.mark("request without answer")
            return
        broken = task.exception()
        if broken is None:
            asked.told = "yes"
            self.ledger.mark("accepted")
        elif isinstance(broken, Conflict):
            self.ledger.violated("I8", f"{asked.who} was told of a conflict that nobody made")
        elif isinstance(broken, DenbaoError) and not isinstance(broken, StoreError):
            asked.told = "no"

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            if self._service is not None:
                await self._board.look(self._service)
                for gap in self._service.auditor.audit.found:
                    self.ledger.violated("I13", f"the auditor misses {gap.what} of {gap.incident} ({gap.fault.value})")


class _QuietMetrics(SelfMetrics):
    """Does not measure the loop: virtual time has no lag, and two looks a second would be most of the work."""

    async def watch_loop(self, clock: object) -> None:
        """Wait for ever."""
        await asyncio.Event().wait()
