"""Plays the story on the real service: real poller, engine, alerting, store, outbox and sender.

Scripted are the clock, the daily report (monitor.story.figures) and one person who answers. Every colour and every
message is what the service makes of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import takewhile

from monitor.adapters.clock import SystemClock
from monitor.adapters.store.memory import MemoryStore
from monitor.adapters.transports.log import LogTransport
from monitor.api import ExporterContext
from monitor.config.spec import Site
from monitor.model.incident import Notice, Receipt
from monitor.model.state import Decision
from monitor.model.unit import Level
from monitor.ports import Clock, Exporter, Source
from monitor.service.app import Adapters, Service
from monitor.service.build import exporter_context
from monitor.service.metrics import SelfMetrics
from monitor.story.events import Answered, Event, Told
from monitor.story.figures import END, ONLINE, PROVINCE, SOURCE, START, ZONE, Figures, report_instants
from monitor.story.watch import board, changes
from monitor.testing.doubles import ScriptedSource
from monitor.testing.stepped import SteppedClock

_SLOTS = 60
_LOOK = 3600.0  # seconds between two looks at the outbox that nothing asked for
_DAY = timedelta(days=1)
Act = tuple[datetime, Callable[[], Awaitable[None]]]  # when, what


@dataclass(frozen=True, slots=True)
class Answer:
    """Somebody answers the incident of a cause at a unit."""

    at: datetime
    unit: str
    cause: str
    actor: str
    note: str


ANSWERS = (
    Answer(
        datetime(2025, 8, 13, 9, 12, tzinfo=ZONE).astimezone(UTC),
        PROVINCE,
        ONLINE,
        "ppasc-duty-19",
        "Đã phân công tổ hỗ trợ nộp hồ sơ trực tuyến tại các xã",
    ),
)


class Play:
    """One performance. `tell` hears every event at its instant of the story.

    `beside` are sources that are asked together with the daily report, `export` makes the exporters of its pages, and
    `looks` are what an onlooker does at an instant of the story while its clock waits.
    """

    def __init__(
        self,
        site: Site,
        tell: Callable[[Event], None],
        speed: float = 0.0,
        *,
        beside: Sequence[Source] = (),
        export: Callable[[ExporterContext], Mapping[str, Exporter]] = lambda _context: {},
        looks: Sequence[Act] = (),
    ) -> None:
        self.clock = SteppedClock(START, speed)
        self._tell = tell
        self._looks = looks
        communes = [unit.code for unit in site.units.at(Level.COMMUNE)]
        source = ScriptedSource(SOURCE, PROVINCE, Figures(communes).report, period=site.feeds[0].period)
        store, metrics = MemoryStore(), SelfMetrics()
        metrics.feeds(frozenset(feed.id for feed in site.feeds))
        adapters = Adapters(
            clock=self.clock,
            store=store,
            timetable=ReportHours(self.clock, report_instants()),
            sources=(source, *beside),
            transports={name: ToldTransport(name, site, self.clock, tell) for name in site.channels},
            exporters=export(exporter_context(site, metrics, store, self.clock)),
            chance=lambda: 0.5,
            look=_LOOK,
        )
        self.service = Service(site, adapters, metrics)
        self.service.clock = ShownClock(self.clock)
        self.service.hub.listen(self._committed)

    async def run(self, until: datetime = END) -> None:
        """From 6 August, 07:00, to 26 August, 17:00, or to an earlier end."""
        await self.service.start()
        for at, act in takewhile(lambda act: act[0] <= until, self._agenda()):
            await self.clock.run_until(at)
            await act()

    async def stop(self) -> None:
        """Stop the service; the clock must have reached an end or not have been begun."""
        await self.service.stop()

    def _agenda(self) -> list[Act]:
        mornings = (START + n * _DAY for n in range(1, (END - START).days + 1))
        boards = (START + timedelta(seconds=1), *mornings, END)
        acts: list[Act] = [(at, self._show_board) for at in boards]
        acts += [(answer.at, partial(self._answer, answer)) for answer in ANSWERS]
        return sorted((*acts, *self._looks), key=lambda act: act[0])

    async def _show_board(self) -> None:
        self._tell(board(self.service, self.clock.now()))

    async def _answer(self, answer: Answer) -> None:
        incident = self.service.evaluator.states[answer.unit].incidents[answer.cause]
        await self.service.evaluator.acknowledge(incident.ref, answer.actor, answer.note)
        spared = tuple(step.due_at for step in incident.steps if step.fired == 0)
        self._tell(Answered(answer.at, answer.unit, answer.cause, incident.ref, answer.actor, answer.note, spared))

    def _committed(self, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            for change in changes(decision, self.service.site):
                self._tell(change)


class ReportHours:
    """`monitor.ports.Timetable` that wakes the poller when a report is due, and else never."""

    def __init__(self, clock: Clock, instants: Sequence[datetime]) -> None:
        self._clock = clock
        self._instants = instants
        self._runner: asyncio.Task[None] | None = None

    def start(self, tick: Callable[[int], Awaitable[None]]) -> None:
        """Begin with the next report."""
        self._runner = asyncio.get_running_loop().create_task(self._follow(tick), name="report hours")

    async def stop(self) -> None:
        """Ask for no further report."""
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)

    async def _follow(self, tick: Callable[[int], Awaitable[None]]) -> None:
        for at in self._instants:
            await self._clock.sleep_until(at)
            for slot in range(_SLOTS):
                await tick(slot)


class ToldTransport:
    """The log channel, which tells the story what it showed."""

    def __init__(self, channel: str, site: Site, clock: Clock, tell: Callable[[Event], None]) -> None:
        people = site.directory.recipients
        self._roles = {person.id: person.role for person in people}
        self._shown: list[str] = []
        self._log = LogTransport(channel, {person.id: person.name for person in people}, self._shown.append)
        self._clock = clock
        self._tell = tell

    async def send(self, notice: Notice, *, attempt: int, maybe_sent: bool = False) -> Receipt:
        """Show the notice."""
        receipt = await self._log.send(notice, attempt=attempt, maybe_sent=maybe_sent)
        self._tell(Told(self._clock.now(), notice, self._roles.get(notice.recipient, ""), self._shown.pop()))
        return receipt

    async def close(self) -> None:
        """Nothing to stop."""
        await self._log.close()


class ShownClock(SystemClock):
    """For what surrounds the service, the board first of all: it is August 2025, but a second lasts a second."""

    def __init__(self, story: Clock) -> None:
        self._story = story

    def now(self) -> datetime:
        """The story's moment."""
        return self._story.now()
