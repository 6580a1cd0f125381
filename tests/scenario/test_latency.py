"""P5: from the moment a step is due to the moment its first message is handed over, at 100 a second."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from monitor.adapters.store.memory import MemoryStore
from monitor.alerting.plan import Directory, Policy, Recipient, StepSpec
from monitor.config.spec import ChannelSpec, Site
from monitor.model.incident import Kind, Notice
from monitor.model.reading import Collected, Reading
from monitor.model.unit import Level, Unit, Units
from monitor.service.app import Adapters, Service
from monitor.service.metrics import SelfMetrics
from monitor.testing import LoopClock, VirtualTimetable, run
from monitor.testing.doubles import RecordingTransport, Reply
from monitor.testing.site import NATION, PROVINCE, small_site

START = datetime(2025, 8, 6, 2, tzinfo=UTC)
RATE, SECONDS = 100, 6  # units that turn red each second, and for how long
CODES = [f"{number:05}" for number in range(1, RATE * SECONDS + 1)]
STEPS = (StepSpec(0, ("focal",), ("sms",)), StepSpec(600, ("head",), ("sms",)))
TAKES = 0.2  # seconds that the provider needs for one message, there and back
PARALLEL = 64


def busy_site() -> Site:
    """Many communes, each with two people of its own who are called ten minutes after each other."""
    site = small_site()
    communes = [Unit(code, Level.COMMUNE, "xa", code, code, code, PROVINCE, PROVINCE) for code in CODES]
    people = [
        Recipient(f"{role}-{code}", role, code, role, channels=("sms",)) for code in CODES for role in ("focal", "head")
    ]
    directory = Directory(tuple(people), (Policy("alarm", frozenset({Kind.OUTAGE}), STEPS),), site.directory.roles)
    return replace(
        site,
        units=Units((site.units[NATION], site.units[PROVINCE], *communes)),
        directory=directory,
        feeds=(),
        channels={"sms": ChannelSpec("sms", "log", parallel=PARALLEL)},
    )


async def played() -> dict[str, list[float]]:
    """Seconds from due to handed over, of the first and of the second step."""
    clock = LoopClock(START)
    waits: dict[str, list[float]] = {"0": [], "1": []}

    def handed(notice: Notice, attempt: int) -> Reply:
        if attempt == 1:
            waits[notice.call.split("/")[1]].append((clock.now() - notice.due_at).total_seconds())
        return Reply(delay=TAKES / 2)

    transports = {"sms": RecordingTransport(clock, handed)}
    adapters = Adapters(clock, MemoryStore(), VirtualTimetable(clock), (), transports, {}, lambda: 0.5)
    service = Service(busy_site(), adapters, SelfMetrics())
    await service.start()
    await clock.sleep(5)
    for _ in range(2):  # the criterion wants two bad answers in a row
        for code in CODES:
            now = clock.now()
            reading = Reading(code, "reachable", False, now, now, f"probe/{code}")
            service.evaluator.take(Collected(f"probe/{code}", now, (reading,)))
            await clock.sleep(1 / RATE)
    await clock.sleep(660)
    await service.stop()
    return waits


def test_a_step_that_is_due_is_begun_within_two_seconds_at_a_hundred_a_second():
    """P5: p99 at most 2 s, the longest at most 5 s, with a provider that takes a fifth of a second."""
    waits = run(played())
    for step in waits.values():
        assert len(step) == len(CODES)
        ordered = sorted(step)
        assert ordered[0] >= 0
        assert ordered[int(0.99 * len(ordered))] <= 2
        assert ordered[-1] <= 5
