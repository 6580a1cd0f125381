"""A small site and a running service for tests of the web layer: a province, its communes, one system, three rules."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from unittest.mock import AsyncMock
from zoneinfo import ZoneInfo

import pytest
from aiohttp.test_utils import TestClient, TestServer

from monitor.adapters.store.memory import MemoryStore
from monitor.alerting.plan import Directory, Policy, Recipient, StepSpec
from monitor.config.probespec import HttpCheck, ProbeSpec
from monitor.config.spec import AsOf, ChannelSpec, Column, FeedSpec, Site, Token
from monitor.engine.book import Band, Book, Condition, Criterion, Indicator, Period, RollUp, Ruleset, Target, Where
from monitor.model.colour import Colour
from monitor.model.errors import StoreError
from monitor.model.hours import Calendar, Sessions
from monitor.model.incident import Kind
from monitor.model.reading import Collected, Reading, Value
from monitor.model.snapshot import Snapshot
from monitor.model.state import Decision, UnitState
from monitor.model.unit import Level, Unit, Units
from monitor.ports import Page
from monitor.service.app import Adapters, Service
from monitor.service.metrics import SelfMetrics
from monitor.web.access import Tokens, token_entry
from monitor.web.app import create_app

NOW = datetime(2026, 11, 18, 3, 0, tzinfo=UTC)  # a Wednesday, 10:00 in Vietnam
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
HOSTILE = "<script>alert(1)</script>"
TOKENS = {role: f"{role}-1.secret-of-the-{role}" for role in ("viewer", "operator", "admin", "pusher", "scraper")}


class ManualClock:
    """Time that moves when the test says so; the short breaths of the service pass at once."""

    def __init__(self, now: datetime = NOW) -> None:
        self._now = now
        self._seconds = 0.0
        self._moved = asyncio.Event()

    def now(self) -> datetime:
        """The hand-made wall time."""
        return self._now

    def monotonic(self) -> float:
        """Seconds moved so far."""
        return self._seconds

    async def sleep(self, seconds: float) -> None:
        """Wait until time was moved this far."""
        await asyncio.sleep(0)
        until = self._seconds + seconds
        while seconds > 0.1 and self._seconds < until:
            await self._moved.wait()

    async def sleep_until(self, when: datetime) -> None:
        """Wait until time was moved to `when`."""
        await self.sleep((when - self._now).total_seconds())

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
        self._seconds += seconds
        self._moved.set()
        self._moved = asyncio.Event()


class NoTimetable:
    """Nothing is polled."""

    def start(self, tick: Callable[[int], Awaitable[None]]) -> None:
        """Never ticks."""

    async def stop(self) -> None:
        """Nothing to stop."""


class PlainExporter:
    """Answers /metrics with a fixed page."""

    path = "/metrics"

    def start(self, snapshot: Snapshot) -> None:
        """Nothing to prepare."""

    def changed(self, states: Sequence[UnitState]) -> None:
        """Nothing to keep."""

    def polled(self, collected: Collected) -> None:
        """Nothing to keep."""

    async def page(self, accept: str, accept_encoding: str) -> Page:
        """One series."""
        return Page(b"denbao_units 1\n", "text/plain; version=0.0.4")


@dataclass
class World:
    """A service with hands on it."""

    service: Service
    clock: ManualClock
    tokens: Tokens
    _count: int = field(default=0)

    async def learn(self, unit: str, indicator: str, value: Value, denominator: float | None = None) -> None:
        """A reading arrives and everything that follows from it is committed."""
        self._count += 1
        now = self.clock.now()
        reading = Reading(unit, indicator, value, now, now, f"test-{self._count}", denominator=denominator)
        await self.service.evaluator.submit([reading])

    async def break_centre(self, unit: str) -> None:
        """The centre of a commune stops answering."""
        await self.learn(unit, "centre_reachable", False)

    async def worsen(self, unit: str) -> None:
        """What is wrong there is told by a new plan from now on, which calls none of those who were told."""
        evaluator = self.service.evaluator
        state = evaluator.states[unit]
        worse = {
            cause: replace(one, generation=one.generation + 1, since_generation=one.generation + 1)
            for cause, one in state.incidents.items()
        }
        after = replace(state, incidents=worse)
        await evaluator._commits.commit([Decision(state, after, incidents=tuple(worse.values()))])

    @asynccontextmanager
    async def without_store(self) -> AsyncIterator[None]:
        """Nothing can be committed meanwhile, and the service has noticed."""
        commit = self.service.store.commit
        self.service.store.commit = AsyncMock(side_effect=StoreError("disk full"))  # type: ignore[method-assign]
        waiting = asyncio.ensure_future(self.learn("02105", "online_rate", 61.0))
        await until(waiting.done, then=lambda: self.clock.move(0.2))  # a round before it may be refused as well
        with pytest.raises(StoreError):  # who waits hears of the refusal; the news itself is kept
            await waiting
        yield
        self.service.store.commit = commit  # type: ignore[method-assign]
        self.clock.move(2)
        await until(lambda: not self.service.evaluator.degraded)

    @property
    def ref(self) -> str:
        """Reference of the one open incident."""
        [incident] = [i for state in self.service.evaluator.states.values() for i in state.incidents.values()]
        return incident.ref


async def until(holds: Callable[[], bool], then: Callable[[], None] = lambda: None) -> None:
    """Let everybody run until something holds."""
    while not holds():
        then()
        await asyncio.sleep(0.001)


def commune(code: str, name: str, province: str = "19") -> Unit:
    """One commune that depends on the procedure system."""
    return Unit(code, Level.COMMUNE, "xa", f"Xã {name}", f"{name} commune", name, province, province, ("tthc",))


def units(communes: int = 6, provinces: Sequence[str] = ("19",)) -> Units:
    """The nation, provinces, communes (one with a hostile name) and a system."""
    made = [Unit("VN", Level.NATION, "nation", "Việt Nam", "Viet Nam", "Viet Nam")]
    for number, code in enumerate(provinces):
        made.append(Unit(code, Level.PROVINCE, "tinh", f"Tỉnh Số {code}", f"Province {code}", "Tinh", "VN", code))
        first = number * communes
        names = [HOSTILE if i == 0 else f"Làng {i}" for i in range(communes)]
        made += [commune(f"{2100 + first + i:05}", name, code) for i, name in enumerate(names)]
    made.append(Unit("tthc", Level.SYSTEM, "system", "Hệ thống TTHC", "Procedure system", "He thong", None, None))
    return Units(tuple(made))


def ruleset() -> Ruleset:
    """Is the centre reachable; is the monthly goal met; how many communes are green."""
    indicators = [
        Indicator("centre_reachable", "Trung tâm", "Centre", "TRUNG TAM", "bool", "health", 86400.0),
        Indicator("online_rate", "Tỷ lệ", "Rate", "NOP TT", "%", "kpi", 7 * 86400.0, minimum=0.0, maximum=100.0),
    ]
    weights = dict.fromkeys(Level, 5.0)
    reachable = Criterion(
        "centre_reachable",
        "book",
        "Trung tâm hoạt động",
        "Centre works",
        frozenset({Level.COMMUNE, Level.SYSTEM}),
        indicator="centre_reachable",
        bands=(
            Band(Colour.GREEN, (Condition("==", True),), "true"),
            Band(Colour.RED, (Condition("==", False),), "false"),
        ),
        weight=weights,
        critical=True,
        outage=True,
        legal_basis=("118/2025/NĐ-CP",),
        where=Where("rules/book.yaml", 7),
    )
    online = Criterion(
        "online_rate",
        "book",
        "Hồ sơ trực tuyến",
        "Online dossiers",
        frozenset({Level.COMMUNE}),
        indicator="online_rate",
        target=Target(Condition(">=", 80.0), every=Period.MONTH, floor=60.0),
        weight=weights,
        alert=frozenset(),
        assumed=True,
        where=Where("rules/book.yaml", 19),
    )
    share = Criterion(
        "green_share",
        "book",
        "Tỷ lệ xã xanh",
        "Share of green communes",
        frozenset({Level.PROVINCE, Level.NATION}),
        rollup=RollUp.GREEN_SHARE,
        bands=(
            Band(Colour.GREEN, (Condition(">=", 80.0),), ">=80"),
            Band(Colour.YELLOW, (Condition("<", 80.0), Condition(">=", 50.0)), "50 to <80"),
            Band(Colour.RED, (Condition("<", 50.0),), "<50"),
        ),
        weight=weights,
        critical=True,
        alert=frozenset(),
        where=Where("rules/book.yaml", 31),
    )
    book = Book("book", "1", "Sổ", "Book", (reachable, online, share))
    return Ruleset({indicator.id: indicator for indicator in indicators}, (book,))


def site(root: Path = Path("."), listen: str = "127.0.0.1", **unit_options: object) -> Site:
    """The hand-made site."""
    calendar = Calendar(frozenset(), frozenset(), ZONE)
    hours = ((time(7, 30), time(17)),)
    policy = Policy(
        "all", frozenset(Kind), (StepSpec(0.0, ("focal",), ("log",)), StepSpec(1800.0, ("head",), ("log",)))
    )
    people = tuple(Recipient(f"{role}-vn", role, "VN", role, channels=("log",)) for role in ("focal", "head"))
    columns = (Column("online_rate", "value"),)
    return Site(
        root=root,
        name_vi="Đèn báo thử",
        name_en="Denbao test",
        zone=ZONE,
        locale="vi",
        listen=(listen, 8866),
        store_url="memory:",
        units=units(**unit_options),  # type: ignore[arg-type]
        ruleset=ruleset(),
        calendar=calendar,
        sessions=Sessions(calendar, (hours,) * 7),
        directory=Directory(people, (policy,), {"focal": ("Đầu mối", "Focal point")}, "http://board.example:8866"),
        probes=(ProbeSpec("centre/02100", "02100", "centre_reachable", 30.0, 5.0, HttpCheck("http://127.0.0.1/")),),
        feeds=(FeedSpec("portal", "json", "19", "http://portal.example/", 300.0, 20.0, columns, 1e6, as_of=AsOf.DAY),),
        channels={"log": ChannelSpec("log", "log")},
        addresses={},
        tokens=tuple(token_entry(secret, role) for role, secret in TOKENS.items()),
    )


@asynccontextmanager
async def running(made: Site) -> AsyncIterator[World]:
    """A started service over a memory store; every commune is green but the second, which has never been heard of."""
    clock = ManualClock()
    adapters = Adapters(clock, MemoryStore(), NoTimetable(), (), {}, {"prometheus": PlainExporter()}, lambda: 0.5)
    adapters = replace(adapters, link_keys=(b"k" * 43,))
    service = Service(made, adapters, SelfMetrics())
    world = World(service, clock, Tokens(made.tokens))
    await service.start()
    try:
        now = clock.now() - timedelta(hours=2)
        communes = made.units.at(Level.COMMUNE)
        news = [
            Reading(unit.code, indicator, value, now, now, "portal")
            for unit in communes
            if unit is not communes[1]
            for indicator, value in (("centre_reachable", True), ("online_rate", 91.5))
        ]
        await service.evaluator.submit([*news, Reading("tthc", "centre_reachable", True, now, now, "probe")])
        await service.evaluator.settle()  # the first sweep has every unit judged anew
        yield world
    finally:
        await service.stop()


@asynccontextmanager
async def visiting(world: World) -> AsyncIterator[TestClient]:
    """A client of the application of this world, on loopback."""
    async with TestClient(TestServer(create_app(world.service, world.tokens))) as client:
        yield client


def bearer(role: str) -> dict[str, str]:
    """The header of a token with this role."""
    return {"Authorization": f"Bearer {TOKENS[role]}"}


def token(role: str) -> Token:
    """What the site knows of that token."""
    return token_entry(TOKENS[role], role)
