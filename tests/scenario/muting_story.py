"""A whole service in virtual time: communes that go down and come back, people who mute, telephones that ring."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from monitor.adapters.store.memory import MemoryStore
from monitor.config.spec import Site
from monitor.model.colour import Colour
from monitor.model.incident import Notice
from monitor.model.reading import Collected, Reading
from monitor.service.app import Adapters, Service
from monitor.service.metrics import SelfMetrics
from monitor.testing.clock import LoopClock, VirtualTimetable, run
from monitor.testing.doubles import RecordingTransport, Reply, Ring, ScriptedSource
from monitor.testing.site import CHANNELS, COMMUNES, POLL, PROVINCE, small_site

START = datetime(2025, 8, 19, 1, tzinfo=UTC)
A, B = COMMUNES[:2]
Down = Callable[[str, float], bool | None]  # unit, minutes since the start; None: the probe brings nothing
Provider = Callable[[datetime, Notice, int], Reply]  # instant, message, attempt


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


class Quiet(SelfMetrics):
    """Does not measure the loop: virtual time has no lag."""

    async def watch_loop(self, clock: object) -> None:
        await asyncio.Event().wait()


@dataclass
class Story:
    """What happened, to be asked afterwards."""

    rings: list[Ring] = field(default_factory=list)
    colours: dict[tuple[str, float], Colour] = field(default_factory=dict)
    store: MemoryStore = field(default_factory=MemoryStore)

    def rang(self, unit: str, kind: str = "outage") -> list[tuple[float, str]]:
        """Minutes and recipient of every message by mail about a unit."""
        return [
            (round((ring.at - START).total_seconds() / 60, 1), ring.notice.recipient)
            for ring in self.rings
            if (ring.notice.unit, ring.notice.kind, ring.notice.channel) == (unit, kind, "mail")
        ]


Act = Callable[[Service], Awaitable[object]]


def play(
    down: Down,
    acts: Sequence[tuple[float, Act]] = (),
    minutes: float = 120,
    look: Sequence[float] = (),
    *,
    site: Site | None = None,
    before: Story | None = None,
    begin: float = 0.0,
    provider: Provider = lambda _now, _notice, _attempt: Reply(),
) -> Story:
    """The story of so many minutes; each act is done at its minute, the colours are looked at just after theirs.

    `before` is told on by another life of the service, from minute `begin` on.
    """
    story = before or Story()

    async def told() -> None:
        clock = LoopClock(at(begin))
        script = partial(_replied, clock, provider)
        transports = {name: RecordingTransport(clock, script, rang=story.rings.append) for name in CHANNELS}
        sources = [ScriptedSource(f"probe/{unit}", unit, _probe(unit, down), POLL) for unit in (A, B)]
        timetable = VirtualTimetable(clock)
        adapters = Adapters(clock, story.store, timetable, sources, transports, {}, lambda: 0.5)
        service = Service(site or small_site(), adapters, Quiet())
        await service.start()
        todo = sorted([*acts, *((minute, _looked(story, minute)) for minute in look)], key=lambda pair: pair[0])
        for minute, act in todo:
            await clock.sleep_until(at(minute))
            await act(service)
        await clock.sleep_until(at(minutes))
        await service.stop()
        await story.store.open()

    run(told())
    return story


def _replied(clock: LoopClock, provider: Provider, notice: Notice, attempt: int) -> Reply:
    return provider(clock.now(), notice, attempt)


def _probe(unit: str, down: Down) -> Callable[[datetime], Collected]:
    def answer(now: datetime) -> Collected:
        bad = down(unit, (now - START).total_seconds() / 60)
        if bad is None:
            return Collected(f"probe/{unit}", now, failure="no answer")
        good = not bad
        return Collected(f"probe/{unit}", now, (Reading(unit, "reachable", good, now, now, f"probe/{unit}"),))

    return answer


def _looked(story: Story, minute: float) -> Act:
    async def look(service: Service) -> None:
        await asyncio.sleep(1.0)
        for unit in (A, B, PROVINCE):
            standing = service.evaluator.states[unit].standing
            story.colours[unit, minute] = standing.colour if standing else Colour.UNKNOWN

    return look
