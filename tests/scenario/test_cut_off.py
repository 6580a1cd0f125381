"""The monitor loses its own line for twenty minutes: with `own_line:` nobody is blamed, without it everybody is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.adapters.store.memory import MemoryStore
from monitor.config.probespec import ProbeSpec, TcpCheck
from monitor.model.colour import Colour
from monitor.model.reading import Collected, Reading
from monitor.model.state import Decision
from monitor.service.app import Adapters, Service
from monitor.service.metrics import SelfMetrics
from monitor.testing import LoopClock, VirtualTimetable, run
from monitor.testing.doubles import RecordingTransport, ScriptedSource
from monitor.testing.site import CHANNELS, COMMUNES, SYSTEM, small_site

START = datetime(2025, 8, 6, 2, tzinfo=UTC)  # nine in the morning
CUT, BACK, END = timedelta(minutes=10), timedelta(minutes=30), timedelta(minutes=45)
OWN = "gateway/VN"


def is_cut(now: datetime) -> bool:
    return CUT <= now - START < BACK


def centre(source: str, unit: str) -> Callable[[datetime], Collected]:
    """All targets are well all the time; the monitor does not reach them while it is cut off."""
    indicator = "system_up" if unit == SYSTEM else "reachable"
    return lambda now: Collected(source, now, (Reading(unit, indicator, not is_cut(now), now, now, source),))


def gateway(now: datetime) -> Collected:
    return Collected(OWN, now, failure="no route to host" if is_cut(now) else "")


async def played(own_line: frozenset[str]) -> tuple[list[Decision], int]:
    """All decisions, and how many messages went out."""
    clock, decided = LoopClock(START), list[Decision]()
    probes = {f"probe/{unit}": unit for unit in (*COMMUNES, SYSTEM)}
    specs = tuple(ProbeSpec(name, unit, "reachable", 60.0, 5.0, TcpCheck("x", 1)) for name, unit in probes.items())
    site = replace(small_site(), probes=specs, own_line=own_line)
    sources = [ScriptedSource(name, unit, centre(name, unit)) for name, unit in probes.items()]
    transports = {name: RecordingTransport(clock) for name in CHANNELS}
    own = ScriptedSource(OWN, SYSTEM, gateway, 15)
    timetable = VirtualTimetable(clock)
    service = Service(
        site,
        Adapters(clock, MemoryStore(), timetable, (*sources, own), dict(transports), {}, lambda: 0.5),
        SelfMetrics(),
    )
    service.hub.listen(decided.extend)
    await service.start()
    await clock.sleep(END.total_seconds())
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


def outages(decided: list[Decision]) -> set[str]:
    return {incident.unit for decision in decided for incident in decision.incidents if incident.kind == "outage"}


def seen(decided: list[Decision], criterion: str) -> set[Colour]:
    return {t.after for decision in decided for t in decision.transitions if t.criterion == criterion}


def test_without_an_own_line_everybody_is_called_for_nothing(blamed):
    decided, messages = blamed
    assert Colour.RED in seen(decided, "centre") and outages(decided) >= {SYSTEM}
    assert messages > 0


def test_with_an_own_line_nothing_turns_red_and_nobody_is_called(spared):
    decided, messages = spared
    assert outages(decided) == set()
    assert messages == 0
    assert Colour.RED not in seen(decided, "centre") | seen(decided, "system")


def test_what_cannot_be_seen_is_unknown_meanwhile_and_green_again_afterwards(spared):
    decided, _ = spared
    last = {decision.after.unit: decision.after for decision in decided}
    for unit in COMMUNES:
        history = [d.after.criteria["centre"].colour for d in decided if d.after.unit == unit]
        assert Colour.UNKNOWN in history
        assert last[unit].criteria["centre"].colour is Colour.GREEN
