"""A small service that watches itself, in virtual time, and the ways to break it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from monitor.adapters.store.memory import MemoryStore
from monitor.alerting.limits import Limits
from monitor.alerting.plan import Recipient
from monitor.alerting.selfnotices import Operators
from monitor.config.secrets import Secret
from monitor.config.spec import ChannelSpec, OwnAlarm, Site
from monitor.model.errors import StoreError
from monitor.model.incident import Notice
from monitor.model.reading import Collected, Reading
from monitor.model.state import Decision, UnitState
from monitor.ports import Hold, Lease
from monitor.service.app import Adapters, Service
from monitor.service.metrics import SelfMetrics
from monitor.testing import LoopClock, VirtualTimetable
from monitor.testing.doubles import RecordingTransport, Reply, ScriptedHost, ScriptedSource
from monitor.testing.site import CHANNELS, COMMUNES, PROVINCE, small_site

START = datetime(2025, 8, 6, 2, tzinfo=UTC)  # nine in the morning
OPERATOR = Recipient("ops", "ops", "VN", "Trực vận hành", "vi", ("own",))


class WallClock(LoopClock):
    """A clock whose wall time can be stepped."""

    step = timedelta()
    drag = 0.0  # seconds by which every wait ends too late: the event loop lags

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds + self.drag if seconds else 0.0)

    def now(self) -> datetime:
        return super().now() + self.step


class BreakableStore(MemoryStore):
    """A disk that can be full, hang, or be unreadable."""

    def __init__(self) -> None:
        super().__init__()
        self.full = self.unreadable = False
        self.hangs: asyncio.Event | None = None  # everybody waits for it

    async def commit(self, decisions: Sequence[Decision]) -> Sequence[UnitState]:
        await self._write()
        return await super().commit(decisions)

    async def stuck(self, before: datetime) -> tuple[int, datetime | None]:
        await self._read()
        return await super().stuck(before)

    async def owed(self, incidents: Collection[str]) -> Mapping[str, Mapping[str, tuple[str, str]]]:
        await self._read()
        return await super().owed(incidents)

    async def lease(
        self, channel: str, owner: str, now: datetime, limit: int, seconds: float,
        hold: Hold | None = None, limits: Limits | None = None,
    ) -> Sequence[Lease]:  # fmt: skip
        await self._write()
        return await super().lease(channel, owner, now, limit, seconds, hold, limits)

    async def _write(self) -> None:
        await self._read()
        if self.full:
            raise StoreError("database or disk is full")

    async def _read(self) -> None:
        if self.hangs is not None:
            await self.hangs.wait()
        if self.unreadable:
            raise StoreError("disk I/O error")

    def lose(self, key: str) -> None:
        """A row of the outbox is deleted behind our back."""
        row = self._notices._rows.pop(key)
        self._notices._of_incident[row.notice.incident].remove(row)
        self._notices._undecided[row.notice.channel].pop(key, None)

    def plant(self, unit: str, change: Callable[[UnitState], UnitState]) -> None:
        """The state of a unit and its incidents are changed behind our back."""
        state = self._states[unit] = change(self._states[unit])
        self._incidents |= {incident.key: incident for incident in state.incidents.values()}


class Scene:
    """One service; `down` are the communes that do not answer, `mute` those that cannot be asked."""

    def __init__(self, limits: Mapping[str, Limits] | None = None, start: datetime = START) -> None:
        self.clock = WallClock(start)
        self.store = BreakableStore()
        self.host = ScriptedHost(self.clock)
        self.down: set[str] = set()
        self.mute: set[str] = set()  # communes of which nobody can tell
        self.polled = True  # False: no source answers any more, and none fails either
        self.broken: dict[str, Reply] = {}  # channel -> how its provider treats everything
        self.site = own_site(limits or {})
        self.transports = {name: RecordingTransport(self.clock, self._treats(name)) for name in self.site.channels}
        self.service = self.made()

    def made(self) -> Service:
        """Another life on the same disk."""
        probes = [ScriptedSource(f"probe/{unit}", unit, self._probe(unit)) for unit in COMMUNES]
        adapters = Adapters(
            self.clock, self.store, VirtualTimetable(self.clock), probes, dict(self.transports), {}, lambda: 0.5,
            host=self.host,
        )  # fmt: skip
        return Service(self.site, adapters, SelfMetrics())

    def _treats(self, channel: str) -> Callable[[Notice, int], Reply]:
        return lambda _notice, _attempt: self.broken.get(channel, Reply())

    def _probe(self, unit: str) -> Callable[[datetime], Collected]:
        source = f"probe/{unit}"

        def answer(now: datetime) -> Collected:
            if unit in self.mute:
                return Collected(source, now, failure="no route")
            return Collected(source, now, (Reading(unit, "reachable", unit not in self.down, now, now, source),))

        return answer

    async def passes(self, minutes: float) -> None:
        """So many minutes go by."""
        await self.clock.sleep(60 * minutes)

    @property
    def heard(self) -> list[tuple[str, str, float]]:
        """What the operator heard: condition, text, minutes since the beginning (whole ones)."""
        rings = [ring for transport in self.transports.values() for ring in transport.rings]
        told = [
            (ring.notice.key.split("/")[1], ring.notice.kind, ring.at)
            for ring in rings
            if ring.notice.recipient == "ops"
        ]
        return [(one, text, (at - START).total_seconds() // 60) for one, text, at in told]

    @property
    def on(self) -> list[str]:
        """The alarms that are on."""
        return [alarm.condition.value for alarm in self.service.self_watch.shown()]


def own_site(limits: Mapping[str, Limits]) -> Site:
    """The small site with an operator who is told by a channel of their own, and with limits of channels."""
    site = small_site()
    channels = {**site.channels, "own": ChannelSpec("own", "log", parallel=1)}
    directory = replace(site.directory, recipients=(*site.directory.recipients, OPERATOR))
    operators = Operators(site.units[PROVINCE], (OPERATOR,), ("own",), directory, site.calendar)
    return replace(
        site,
        directory=directory,
        channels={name: replace(spec, limits=limits.get(name)) for name, spec in channels.items()},
        own_alarm=OwnAlarm(operators, heartbeats=(Secret("https://watcher.example/1"),)),
    )


async def lived(scene: Scene, story: Callable[[Scene], Awaitable[None]]) -> None:
    """The story of a service from its start to its stop; a quarter of an hour passes before it."""
    await scene.service.start()
    await scene.passes(15)
    assert scene.on == []
    await story(scene)
    await scene.service.stop()


__all__ = ["CHANNELS", "START", "Scene", "lived"]
