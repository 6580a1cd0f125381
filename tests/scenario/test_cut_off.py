"""The monitor loses its own line for forty minutes: with `own_line:` nobody is blamed, without it everybody is.

Probes, a feed that may be silent for fifteen minutes, and a job that reports each minute by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.adapters.store.memory import MemoryStore
from monitor.config.probespec import ProbeSpec, TcpCheck
from monitor.config.spec import HeartbeatSpec
from monitor.model.colour import Colour
from monitor.model.reading import Collected, Reading
from monitor.model.state import Decision
from monitor.model.unit import Units
from monitor.service.app import Adapters, Service
from monitor.service.heartbeats import Signal
from monitor.service.metrics import SelfMetrics
from monitor.testing import LoopClock, VirtualTimetable, run
from monitor.testing.doubles import RecordingTransport, ScriptedSource
from monitor.testing.site import CHANNELS, COMMUNES, FEED, PROVINCE, SYSTEM, small_site

START = datetime(2025, 8, 6, 2, tzinfo=UTC)  # nine in the morning
CUT, BACK, END = timedelta(minutes=10), timedelta(minutes=50), timedelta(minutes=70)
OWN = "gateway/VN"
JOB = "backup"  # a system whose job reports by itself


def is_cut(now: datetime) -> bool:
    return CUT <= now - START < BACK


def centre(source: str, unit: str) -> Callable[[datetime], Collected]:
    """All targets are well all the time; the monitor does not reach them while it is cut off."""
    indicator = "system_up" if unit == SYSTEM else "reachable"
    return lambda now: Collected(source, now, (Reading(unit, indicator, not is_cut(now), now, now, source),))


def portal(now: datetime) -> Collected:
    if is_cut(now):
        return Collected(FEED, now, failure=f"feed {FEED}: connect: network is unreachable", stage="fetch")
    return Collected(FEED, now, tuple(Reading(code, "online", 90.0, now, now, FEED) for code in COMMUNES))


def gateway(now: datetime) -> Collected:
    return Collected(OWN, now, (Reading(SYSTEM, "line_up", not is_cut(now), now, now, OWN),))


async def played(own_line: frozenset[str]) -> tuple[list[Decision], int]:
    """All decisions, and how many messages went out."""
    clock, decided = LoopClock(START), list[Decision]()
    probes = {f"probe/{unit}": unit for unit in (*COMMUNES, SYSTEM)}
    specs = tuple(ProbeSpec(name, unit, "reachable", 60.0, 5.0, TcpCheck("x", 1)) for name, unit in probes.items())
    job = HeartbeatSpec("backup", JOB, "system_up", every=300.0, grace=300.0)
    site = small_site()
    units = Units((*site.units, replace(site.units[SYSTEM], code=JOB)))
    site = replace(site, units=units, probes=specs, own_line=own_line, heartbeats=(job,))
    sources = [ScriptedSource(name, unit, centre(name, unit)) for name, unit in probes.items()]
    transports = {name: RecordingTransport(clock) for name in CHANNELS}
    own = ScriptedSource(OWN, SYSTEM, gateway, 15)
    feed = ScriptedSource(FEED, PROVINCE, portal, 300)
    timetable = VirtualTimetable(clock)
    service = Service(
        site,
        Adapters(clock, MemoryStore(), timetable, (*sources, feed, own), dict(transports), {}, lambda: 0.5),
        SelfMetrics(),
    )
    service.hub.listen(decided.extend)
    await service.start()
    while clock.now() < START + END:
        if not is_cut(clock.now()):
            await service.heartbeats.hear("backup", Signal.SUCCESS, "")
        await clock.sleep(60.0)
    await service.stop()
    return decided, sum(len(transport.rings) for transport in transports.values())


@pytest.fixture(scope="module")
def blamed() -> tuple[list[Decision], int]:
    """Without an own line."""
    return run(played(frozenset()))


@pytest.fixture(scope="module")
def spared() -> tuple[list[Decision], int]:
    """With one."""
    return run(played(frozenset({OWN})))


def blamed_for(decided: list[Decision], kind: str) -> set[str]:
    return {incident.unit for decision in decided for incident in decision.incidents if incident.kind == kind}


def seen(decided: list[Decision], criterion: str) -> set[Colour]:
    return {t.after for decision in decided for t in decision.transitions if t.criterion == criterion}


def test_without_an_own_line_everybody_is_called_for_nothing(blamed):
    decided, messages = blamed
    assert Colour.RED in seen(decided, "centre") and blamed_for(decided, "outage") >= {SYSTEM, JOB}
    assert blamed_for(decided, "silent") == {PROVINCE}
    assert messages > 0


def test_with_an_own_line_nothing_turns_red_and_nobody_is_called(spared):
    decided, messages = spared
    assert blamed_for(decided, "outage") | blamed_for(decided, "silent") == set()
    assert messages == 0
    assert Colour.RED not in seen(decided, "centre") | seen(decided, "system")


def test_what_cannot_be_seen_is_unknown_meanwhile_and_green_again_afterwards(spared):
    decided, _ = spared
    last = {decision.after.unit: decision.after for decision in decided}
    for unit in COMMUNES:
        history = [d.after.criteria["centre"].colour for d in decided if d.after.unit == unit]
        assert Colour.UNKNOWN in history
        assert last[unit].criteria["centre"].colour is Colour.GREEN
