"""The canary: a unit of nobody that goes red and green again, so that the heartbeat proves the way and not a timer.

Every `PERIOD` a reading of the canary is judged red by the same pure core as all units, its call is owed in the same
database by the same commit, claimed by the same sender, and heard at the end of a channel that leads back here. Then it
is judged green, and its recovery goes the same way. A flight that ends within `DEADLINE` is the proof that a page would
get as far as a provider.

Nobody sees it: its unit is in no site, its state is kept here and nowhere else, its channel is in no count and list
(`monitor.model.incident.LOOPBACK`), and its messages are deleted when the flight is over.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, time
from zoneinfo import ZoneInfo

from prometheus_client import Metric
from prometheus_client.registry import Collector

from monitor.alerting.plan import Directory, Recipient, StepSpec
from monitor.alerting.plan import Policy as Plan
from monitor.decide import Policy, View, decide
from monitor.engine.book import Band, Book, Condition, Criterion, Indicator, Ruleset
from monitor.model.colour import Colour
from monitor.model.errors import DenbaoError
from monitor.model.hours import Calendar, Sessions
from monitor.model.incident import LOOPBACK, Kind, Notice, Outcome, Receipt
from monitor.model.reading import Reading
from monitor.model.state import UnitState
from monitor.model.unit import Level, Unit, Units
from monitor.ports import Clock, Store
from monitor.service.instruments import collected

log = logging.getLogger(__name__)

PERIOD = 40.0  # seconds: two flights may fail, and the last good one is still fresh
DEADLINE = 10.0  # seconds from red to the recovery's end
UNIT, _WELL, _PERSON = "~canary", "well", "~canary"

Owe = Callable[[tuple[Notice, ...]], Awaitable[None]]  # on disk and the sender woken when it returns


class Canary(Collector):
    """One per service that sends a heartbeat; also `monitor.ports.Transport` of the channel that leads back."""

    def __init__(self, owe: Owe, store: Store, clock: Clock) -> None:
        self._owe = owe
        self._store = store
        self._clock = clock
        self._policy = _policy()
        self._heard = asyncio.Event()
        self._awaited = frozenset[str]()  # keys of notices
        self._well = True
        self.passed_at: float | None = None  # monotonic; when a flight last ended in time
        self.seconds: float | None = None  # that it took
        self._at: datetime | None = None

    async def run(self) -> None:
        """Fly for ever; ends by cancellation."""
        while True:
            await self._flight()
            await self._clock.sleep(PERIOD)

    async def _flight(self) -> None:
        """One flight; one that fails is told in the log when it is the first."""
        began = self._clock.monotonic()
        try:
            async with asyncio.timeout(DEADLINE):
                await self._store.forget(LOOPBACK)  # of a flight that failed, or of another life
                red = await self._say(UnitState(UNIT), well=False)
                await self._say(red, well=True)
                took = self._clock.monotonic() - began
                await self._store.forget(LOOPBACK)
        except (DenbaoError, TimeoutError) as broken:
            if self._well:
                log.error("the canary did not come back: %s", str(broken) or f"not within {DEADLINE:g} s")
            self._well = False
            return
        if not self._well:
            log.info("the canary comes back again")
        self._well, self.seconds, self.passed_at, self._at = True, took, self._clock.monotonic(), self._clock.now()

    async def _say(self, state: UnitState, *, well: bool) -> UnitState:
        """A reading, judged; returns when the message that it makes was heard. Raises StoreError."""
        now = self._clock.now()
        decision = decide(View(state, (Reading(UNIT, _WELL, well, now, now, UNIT),)), self._policy, now)
        notices = tuple(replace(notice, cause="") for notice in decision.notices)  # nothing mutes it
        self._awaited = frozenset(notice.key for notice in notices)
        self._heard.clear()
        await self._owe(notices)
        await self._heard.wait()
        return decision.after

    async def send(self, notice: Notice, *, attempt: int, maybe_sent: bool) -> Receipt:
        """The end of the channel: what is awaited was heard."""
        if notice.key in self._awaited:
            self._heard.set()
        return Receipt(Outcome.SENT)

    async def close(self) -> None:
        """Nothing is open."""

    def collect(self) -> list[Metric]:
        """Called by the registry when the page is made."""
        seconds, at = collected("denbao_canary_seconds"), collected("denbao_canary_last_success_timestamp_seconds")
        if self.seconds is not None and self._at is not None:
            seconds.add_metric((), self.seconds)
            at.add_metric((), self._at.timestamp())
        return [seconds, at]


def _policy() -> Policy:
    """One unit, one yes/no indicator, one call at once to the channel that leads back."""
    bands = (
        Band(Colour.GREEN, (Condition("==", True),), "yes"),
        Band(Colour.RED, (Condition("==", False),), "no"),
    )
    centre = Criterion(
        _WELL, UNIT, "Chim báo", "Canary", frozenset({Level.SYSTEM}), _WELL, bands=bands,
        weight={Level.SYSTEM: 1.0}, critical=True, outage=True,
    )  # fmt: skip
    indicator = Indicator(_WELL, "Chim báo", "Canary", "Chim bao", "bool", "probe", 10 * PERIOD)
    calendar = Calendar(frozenset(), frozenset(), ZoneInfo("UTC"))
    steps = (StepSpec(0, (_PERSON,), (LOOPBACK,)),)
    person = Recipient(_PERSON, _PERSON, UNIT, "Canary", channels=(LOOPBACK,))
    return Policy(
        Units((Unit(UNIT, Level.SYSTEM, "system", "Chim báo", "Canary", "Chim bao"),)),
        Ruleset({_WELL: indicator}, (Book(UNIT, "1", "Chim báo", "Canary", (centre,)),)),
        Directory((person,), (Plan(UNIT, frozenset(Kind), steps),), {_PERSON: (_PERSON, _PERSON)}),
        calendar,
        Sessions(calendar, (((time(0), time(0)),),) * 7),
    )
