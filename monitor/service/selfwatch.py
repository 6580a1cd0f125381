"""Watches the monitor itself: gathers the facts, lets monitor.alerting.selfwatch decide, and tells its operator.

Each loop here can hang without stopping another. What a loop learns is kept with the instant at which it was learnt, so
that a loop that hangs makes its own facts old, and old facts are an alarm. Time in which the whole process stood still
(a frozen machine, a stopped process) is no age of anything: it is an alarm of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import inf

from prometheus_client import Metric
from prometheus_client.registry import Collector

from monitor.alerting import unheard
from monitor.alerting.auditor import excused
from monitor.alerting.selfnotices import notices, outdated
from monitor.alerting.selfwatch import (
    CONDITIONS,
    Alarm,
    Call,
    Condition,
    Figures,
    Health,
    Limits,
    Stage,
    answered,
    found,
    step,
    withheld,
)
from monitor.config.spec import OwnAlarm
from monitor.model.errors import DenbaoError, StoreError
from monitor.model.incident import Incident, Notice, Unheard
from monitor.model.state import AuditEntry, Withhold
from monitor.ports import Clock, Host, Resting, Source, Store
from monitor.service.auditor import Auditor
from monitor.service.canary import Canary
from monitor.service.direct import DirectWay
from monitor.service.evaluator import Evaluator
from monitor.service.instruments import collected
from monitor.service.ownline import OwnLine

log = logging.getLogger(__name__)

LOOK = 15.0  # seconds between two looks
AT_LEAST = 60.0  # seconds without a poll that are never an alarm
PATIENCE = 5.0  # seconds in which the store must take a message; then it goes directly


class NoHost:
    """`monitor.ports.Host` of a service that has no machine of its own: nothing is known, kept or asked."""

    def free(self) -> float | None:
        """See the port."""
        return None

    async def recall(self) -> Mapping[Condition, Alarm]:
        """See the port."""
        return {}

    async def remember(self, alarms: Mapping[Condition, Alarm]) -> None:
        """See the port."""

    async def beat(self) -> Sequence[str]:
        """See the port."""
        return ()


@dataclass(frozen=True)
class Watched:
    """The parts of a service that are looked at."""

    store: Store
    evaluator: Evaluator
    auditor: Auditor
    canary: Canary | None  # None: no heartbeat goes out that it would prove anything for
    own_line: OwnLine
    sources: Sequence[Source]
    ready: Callable[[], str]  # why the service is not ready
    stopped: Callable[[], int]  # channels broken for everybody
    ending: Callable[[], int]  # channels that need the operator
    problems: Callable[[], int]  # in the site on disk


class SelfWatch(Collector):
    """One per service."""

    def __init__(self, own: OwnAlarm, watched: Watched, host: Host, direct: DirectWay, clock: Clock) -> None:
        self._own = own
        self._watched = watched
        self._host = host
        self._direct = direct
        self._clock = clock
        self.limits = limits_of(own, watched.sources)
        self.alarms: dict[Condition, Alarm] = {}
        self._safe: dict[Condition, Alarm] = {}  # as remembered: without what is still being told
        self._polls = any(not isinstance(source, Resting) for source in watched.sources)
        self._swept = self._read = self._looked = self._awake = clock.monotonic()
        self._skew = self._skewed()
        self._stood = self._jump = 0.0
        self._stuck: tuple[int, datetime | None] = (0, None)
        self._unheard: Figures | None = None
        self._head: datetime | None = None  # since when the oldest message should have gone
        self._lagged_at: float | None = None  # monotonic
        self._withheld: Sequence[str] = ()
        self._beats = Counter[str]()

    @property
    def loops(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """What must run, by name; each for ever, until it is cancelled."""
        return {"own alarm": self.watch, "own alarm's questions": self.ask, "heartbeat": self.beat}

    def polled(self) -> None:
        """A poll came to its end."""
        self._swept = self._clock.monotonic()

    def lagged(self, seconds: float) -> None:
        """The event loop came so late."""
        if seconds > self.limits.lag:
            self._lagged_at = self._clock.monotonic()

    async def acknowledge(self, ref: str, actor: str, via: str = "") -> Alarm | None:
        """Somebody answers the alarm with this reference: no repeats. None when there is no such alarm.

        It is remembered when this returns, if the disk takes it. In the audit trail it is if the store works.
        """
        self.alarms, alarm = answered(self.alarms, ref, actor)
        if alarm is not None:
            await self._remember()
            entry = AuditEntry(self._clock.now(), actor, "own alarm answered", alarm.key, via)
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._note_answer(alarm, entry)
            except (StoreError, TimeoutError) as broken:
                log.error("the answer of %s is not in the audit trail: %s", actor, str(broken) or "no answer")
        return alarm

    def told_as(self, ref: str) -> Alarm | None:
        """The alarm that people were told of by this reference; None when there is none."""
        return next((alarm for alarm in self.alarms.values() if alarm.told_of and alarm.ref == ref), None)

    async def _note_answer(self, alarm: Alarm, entry: AuditEntry) -> None:
        """Write down who answered; what waits of the alarm is owed no more. Raises StoreError."""
        if self._own.operators is None:
            await self._watched.store.audit(entry)
            return
        unit, needless = self._own.operators.unit.code, Withhold(alarm.key, "acknowledged")
        await self._watched.evaluator.tell(unit, (), entry, withheld=(needless,))

    def hears(self, person: str) -> bool:
        """Whether somebody (recipient id) is told of the monitor's own alarms."""
        operators = self._own.operators
        return operators is not None and any(one.id == person for one in operators.people)

    # the loops

    async def watch(self) -> None:
        """Look again and again. What took long before that was the start."""
        self._swept = self._read = self._looked = self._awake = self._clock.monotonic()
        self.alarms = dict(await self._host.recall())
        self._safe = dict(self.alarms)
        while True:
            before = self._clock.monotonic()
            await self._clock.sleep(LOOK)
            self._slept(self._clock.monotonic() - before - LOOK)
            await self.look()

    async def look(self) -> None:
        """One look: what is wrong, what that makes of the alarms, who is told."""
        skew = self._skewed()
        self._jump, self._skew = skew - self._skew, skew
        self._looked = self._clock.monotonic()
        wrong, now = found(self.health(), self.limits), self._clock.now()
        jump = self._jump if Condition.CLOCK_JUMP in wrong else 0.0
        self._stood = self._jump = 0.0
        before = self.alarms
        self.alarms, calls = step(before, wrong, self._own.repeat, now, jump)
        for condition in before.keys() - self.alarms.keys() - {call.alarm.condition for call in calls}:
            self._direct.replace(before[condition].key, over=True)  # a graver one says it now
        for call in calls:
            await self._tell(call, now)
        await self._remember()

    async def ask(self) -> None:
        """Ask the store again and again."""
        while True:
            await self._clock.sleep(LOOK)
            try:
                now = self._clock.now()
                self._stuck = await self._watched.store.stuck(now - timedelta(seconds=self.limits.outbox))
                _, self._head = await self._watched.store.stuck(now)
                self._unheard = await self._calls_that_nobody_took(now)
                self._read = self._clock.monotonic()
            except StoreError as broken:
                log.error("the outbox cannot be looked at: %s", broken)

    async def _calls_that_nobody_took(self, now: datetime) -> Figures | None:
        grace, calm = timedelta(seconds=unheard.GRACE), timedelta(seconds=self.limits.outbox)
        calls = await self._watched.store.unheard(now - grace, calm=now - calm)
        states, policy = self._watched.evaluator.states, self._watched.evaluator.policy

        def known(call: Unheard) -> Incident | None:
            state = states.get(call.unit)
            mine = () if state is None else state.incidents.values()
            return next((incident for incident in mine if incident.key == call.incident), None)

        def excuse(incident: Incident) -> str:
            return excused(incident, states.get(incident.unit), policy.units, policy.muting, now)

        return unheard.figures(unheard.still_owed(calls, known, excuse), policy.directory)

    async def beat(self) -> None:
        """Tell the watcher outside that all is well, as long as it is."""
        if not self._own.heartbeats:
            return
        while True:
            await self._clock.sleep(self._own.every)
            await self._beat()

    async def _beat(self) -> None:
        fresh = self._clock.monotonic() - self._looked <= 3 * LOOK
        why_not = withheld(self.health(), self.limits)
        why_not = (*why_not, *(["not ready"] if self._watched.ready() else []), *([] if fresh else ["no look"]))
        if why_not != self._withheld:
            log.error("the heartbeat %s", f"is withheld: {', '.join(why_not)}" if why_not else "goes out again")
        self._withheld = why_not
        if why_not:
            self._beats["withheld"] += 1
            return
        for why in await self._host.beat():
            self._beats["failed" if why else "sent"] += 1
            if why:
                log.error("the heartbeat was not heard: %s", why)

    # the facts

    def health(self) -> Health:
        """What is known now. Asks nobody, so it cannot hang."""
        now, watched = self._clock.monotonic(), self._watched
        count, oldest = self._stuck

        def age(mark: float | None, never: float = 0.0) -> float:
            return never if mark is None else now - max(mark, self._awake)

        return Health(
            swept=age(self._swept) if self._polls else None,
            decided=age(watched.evaluator.turned_at),
            store=max(age(self._read), watched.evaluator.degraded_for),
            stuck=count,
            head=0.0 if self._head is None else (self._clock.now() - self._head).total_seconds(),
            canary=None if watched.canary is None else age(watched.canary.passed_at, inf),
            lagged=None if self._lagged_at is None else now - self._lagged_at,
            unheard=self._unheard,
            stuck_for=0.0 if oldest is None else (self._clock.now() - oldest).total_seconds(),
            gaps=len(watched.auditor.audit.found),
            audited=age(watched.auditor.ended_at),
            stood=self._stood,
            jump=self._jump,
            free=self._host.free(),
            stopped=watched.stopped(),
            ending=watched.ending(),
            problems=watched.problems(),
            cut=watched.own_line.cut,
        )

    def _skewed(self) -> float:
        """Seconds between the two clocks: what changes it is a step of the wall clock."""
        return self._clock.now().timestamp() - self._clock.monotonic()

    def _slept(self, late: float) -> None:
        """The process stood still: nothing has aged meanwhile, for nothing ran."""
        if late > self.limits.stall:
            self._stood, self._awake = late, self._clock.monotonic()

    # telling

    async def _tell(self, call: Call, now: datetime) -> None:
        condition, over = call.alarm.condition, call.text == "self_over"
        log.error("the monitor says of itself: %s%s %s", condition.value, " is over" if over else "", _said(call))
        unheard = self._direct.replace(call.alarm.key, over=over)
        owed = notices(call, self._own.operators, now) if self._own.operators is not None else ()
        for notice in owed:
            if over and (notice.recipient, notice.channel) in unheard:
                continue  # what is over before anybody was told is never told
            if CONDITIONS[condition].direct or not await self._owe(notice, outdated(call, notice), now):
                self._direct.send(notice)

    async def _owe(self, notice: Notice, outdated: Withhold, now: datetime) -> bool:
        """Put a message into the outbox in place of what it outdates; False when that does not work at once."""
        entry = AuditEntry(now, "denbao", "own alarm", notice.incident, f"{notice.kind} to {notice.recipient}")
        try:
            async with asyncio.timeout(PATIENCE):
                rows = (await self._watched.store.owed([notice.incident])).get(notice.incident, {})
                told = next((key for key in outdated.notices or () if key in rows), None)
                if notice.kind == "self_over":  # it is good news: only to who was told
                    notice = replace(notice, requires=told)
                await self._watched.evaluator.tell(notice.unit, (notice,), entry, withheld=(outdated,))
        except (DenbaoError, TimeoutError) as broken:
            log.error("the outbox does not take %s, it goes directly: %s", notice.key, str(broken) or "no answer")
            return False
        return True

    async def _remember(self) -> None:
        """Keep what was told, so that a restart tells nothing twice; but what is still being told it tells again."""
        safe = {
            condition: alarm if not self._direct.pending(alarm.key) else self._safe.get(condition)
            for condition, alarm in self.alarms.items()
        }
        kept = {condition: alarm for condition, alarm in safe.items() if alarm is not None}
        if _outline(kept) != _outline(self._safe):
            await self._host.remember(kept)
        self._safe = kept

    # showing

    def shown(self) -> tuple[Alarm, ...]:
        """The alarms that are on, the oldest first."""
        return tuple(sorted((one for one in self.alarms.values() if one.told_of), key=lambda one: one.since))

    def collect(self) -> Iterable[Metric]:
        """Called by the registry when the page is made."""
        alarms, sent = collected("denbao_self_alarm"), collected("denbao_own_heartbeat_total")
        for condition in CONDITIONS:
            alarm = self.alarms.get(condition)
            alarms.add_metric((condition.value,), alarm is not None and alarm.told_of)
        for outcome in ("sent", "failed", "withheld") if self._own.heartbeats else ():
            sent.add_metric((outcome,), self._beats[outcome])
        return (alarms, sent)


def limits_of(own: OwnAlarm, sources: Sequence[Source]) -> Limits:
    """From when on something is wrong: a sweep by the shortest period of all sources that never rest."""
    shortest = min((source.period for source in sources if not isinstance(source, Resting)), default=AT_LEAST)
    polled = max(own.limits.polled, 2 * shortest)
    return replace(own.limits, sweep=max(AT_LEAST, own.missed_periods * shortest), polled=polled)


def _said(call: Call) -> str:
    return ", ".join(f"{name} {value}" for name, value in call.alarm.figures.items())


def _outline(alarms: Mapping[Condition, Alarm]) -> Sequence[tuple[str, datetime, Stage, int, str]]:
    return [(name.value, one.since, one.stage, one.told, one.answered_by) for name, one in alarms.items()]
