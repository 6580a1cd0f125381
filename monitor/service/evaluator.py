"""Decides units that have news or whose time has come, and commits many decisions as one transaction.

Cost follows change: nothing is judged because a timer went round. What arrives within 50 ms, at most 500 decisions, is
one commit. Children are decided and committed before their parents, so that a parent sees committed colours only.
Work goes in rounds, once from the systems up to the nation: a flood of news below never keeps those above waiting.
While the store is away judging goes on in memory (monitor.service.backlog).
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections import ChainMap
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any, TypeVar

from monitor.alerting.muting import Held, held_back
from monitor.alerting.setback import hastened
from monitor.decide import (
    Policy,
    View,
    Watch,
    acknowledge,
    brings_nothing,
    check_told,
    decide,
    hand_on,
    holds_post,
    listeners,
    may_wait,
    set_aside,
)
from monitor.engine.hygiene import after_poll
from monitor.model.errors import Conflict, NotFound, StoreError
from monitor.model.incident import Incident, Notice
from monitor.model.matcher import matches, subject
from monitor.model.muting import REMEMBERED, Silence, Window
from monitor.model.reading import Collected, Reading, SourceHealth
from monitor.model.rolling import Answer
from monitor.model.state import AuditEntry, Decision, UnitState
from monitor.model.text import clean
from monitor.model.unit import DECIDE_ORDER
from monitor.ports import Clock, Store
from monitor.service.backlog import Backlog
from monitor.service.setback import Setback
from monitor.service.waiting import woken

log = logging.getLogger(__name__)
T = TypeVar("T")

GATHER = 0.05  # seconds in which arriving news becomes one commit
LOADED = 2000  # silences and windows remembered over a start
BATCH = 500  # decisions in one commit
BREATH = 4  # units decided before others may use the loop
RETRY = 1.0  # seconds before a store that refused is asked again
PATIENCE = 20.0  # seconds after which a store that does not answer is away; a lock is waited for for five
RETURNED = 250  # units of which what was kept is committed in one go
FAR = 30.0  # seconds the loop sleeps at most: a wall clock that is stepped is noticed after this
SLACK = 4  # entries of the queue of instants per unit, most of them outdated, before it is made anew
_SILENT = f"it does not answer within {PATIENCE:g} s"
RANKS = sorted(set(DECIDE_ORDER.values()))


@dataclass
class _Heard:
    """News of one unit."""

    readings: list[Reading] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)  # of probes from which figures are derived


@dataclass
class _News:
    heard: dict[str, _Heard] = field(default_factory=dict)  # unit -> what is said of it
    dirty: set[str] = field(default_factory=set)
    health: dict[str, SourceHealth] = field(default_factory=dict)
    waiting: list[asyncio.Future[None]] = field(default_factory=list)


class Evaluator:
    """Owns the states of all units in memory: `states` are what the store holds, `shown` what is judged now."""

    def __init__(
        self,
        policy: Policy,
        store: Store,
        clock: Clock,
        publish: Callable[[Sequence[Decision]], None],
        observe: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self.policy = policy
        self._store = store
        self._clock = clock
        self._publish = publish
        self._observe = observe  # seconds from the first news of a batch to its commit
        self.states: dict[str, UnitState] = {unit.code: UnitState(unit.code) for unit in policy.units}
        self.health: dict[str, SourceHealth] = {}
        self.set_aside: dict[str, str] = {}  # unit -> why its decision failed; it is tried again within a minute
        self.degraded = ""  # why the store cannot be written now; empty when it can
        self.unstored_since: datetime | None = None  # since when what is shown is not stored; None: all is
        self._degraded_since: float | None = None  # monotonic
        self._unsure = False  # whether a silence or window that was refused may be stored all the same
        self._ask_at = -inf  # monotonic; when a store that is away is asked again
        self._away = False  # in this round nothing is committed
        self._hanging: asyncio.Task[Any] | None = None  # what the store was asked last, if it did not answer
        self._backlog = Backlog()
        self._latest = dict(self.states)  # what is decided on: as in `states`, or further where something is kept
        self._unstored: dict[str, UnitState] = {}  # unit -> what is shown of it, where that is not stored
        self.turned_at = clock.monotonic()  # when the loop last went on: old when it hangs
        self._judged: dict[str, datetime] = {}  # unit -> when its state here was judged here, under this policy
        self._watches: dict[str, list[Watch]] = {}
        for watch in policy.watches:
            self._watches.setdefault(watch.source, []).append(watch)
        self._news = _News()
        self._due: list[tuple[datetime, str]] = []  # heap; entries that are no longer in `_waits` are passed over
        self._waits: dict[str, datetime] = {}  # unit -> its entry in the heap that counts
        self._deciding: set[str] = set()  # units of the batch under way
        self._wake = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._setback, self._kept_setback = Setback(clock), Setback(clock)  # for plans; for what the backlog owes
        self._first = True  # no round yet: while nobody looked the clock may have been set back

    async def load(self) -> None:
        """Take over what was committed. Nothing is judged or sent because of a start itself."""
        for state in await self._store.load_states():
            if state.unit in self.states:
                self._adopt(state)
        self.health = {health.source: health for health in await self._store.load_health()}
        await self._load_muting()

    @property
    def shown(self) -> Mapping[str, UnitState]:
        """The units as they are judged now. While the store is away colours are not stored; incidents always are."""
        return ChainMap(self._unstored, self.states) if self._unstored else self.states

    def judge_all(self) -> None:
        """Look at every unit once: rules or the day may have changed while nobody looked."""
        self._judged.clear()
        self._news.dirty.update(self.states)
        self._wake.set()

    def take(self, collected: Collected) -> None:
        """News from a source. Returns at once; the decision follows within milliseconds."""
        for reading in collected.readings:
            self._hear(reading)
        if collected.answer is not None and collected.answer.unit in self.states:
            # Decided when the reading of the same poll is, which may wait for more of the same.
            self._news.heard.setdefault(collected.answer.unit, _Heard()).answers.append(collected.answer)
        if watches := self._watches.get(collected.source):
            self._follow(collected, watches)
        if self._news.dirty or self._news.health:
            self._wake.set()

    def _follow(self, collected: Collected, watches: Sequence[Watch]) -> None:
        """Remember how a source fares whose silence is to be noticed."""
        before = self.health.get(collected.source)
        owner = before.owner if before else watches[0].owner
        health = self.health[collected.source] = after_poll(before, collected, owner)
        self._news.health[collected.source] = health
        turned = _turned(before, health, watches)
        if owner in self.states and (turned or collected.failure or not collected.readings):
            self._news.dirty.add(owner)
        if turned:  # a unit without a row is silent only while the source as such speaks
            expected = (unit for watch in watches for unit in watch.expects)
            self._news.dirty.update(unit for unit in expected if unit in self.states)

    def remember(self, health: SourceHealth) -> None:
        """What is known of a source besides its answers; nothing is judged because of it."""
        self.health[health.source] = self._news.health[health.source] = health
        self._wake.set()

    async def submit(self, readings: Sequence[Reading]) -> None:
        """News that somebody waits for: returns when it and all its effects are committed.

        Raises StoreError when the store refuses; the news is kept and tried again all the same.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._add(readings)
        self._news.waiting.append(done)
        self._wake.set()
        await done

    async def acknowledge(
        self,
        ref: str,
        actor: str,
        note: str = "",
        *,
        party: str = "",
        seconds: float | None = None,
        via: str = "",
        told: int | None = None,
        reply: Callable[[Incident], Notice] | None = None,
    ) -> Decision:
        """Somebody answered, for `party` and for so many `seconds` if said, `via` which way. Returns after the commit.

        `told` is the newest generation that they know of, if that is known. `reply` makes the message that confirms it,
        owed in the same transaction.

        Raises NotFound, Outdated, StoreError, or ValueError when it is not clear for whom.
        """

        def answered(state: UnitState, now: datetime) -> Decision:
            check_told(state, ref, told)
            until = None if seconds is None else now + timedelta(seconds=seconds)
            return acknowledge(state, ref, actor, note, now, party=party, until=until, via=via)

        async with self._one_at_a_time:
            await self._let_nothing_overtake()
            try:
                return await self._acknowledge(ref, answered, reply)
            except Conflict:
                await self._reload()
                return await self._acknowledge(ref, answered, reply)

    async def tell(self, unit: str, notices: tuple[Notice, ...], *entries: AuditEntry) -> None:
        """Owe messages that change nothing at their unit, with audit entries; on disk when this returns.

        Raises StoreError.
        """
        async with self._one_at_a_time:
            await self._let_nothing_overtake()
            try:
                await self._tell(unit, notices, entries)
            except Conflict:
                await self._reload()
                await self._tell(unit, notices, entries)

    async def hand_on(self, left: Notice) -> bool:
        """Somebody who was to hear of an incident holds the post no more: whether somebody else is called instead, or
        nobody need be; on disk when this returns.

        Raises StoreError.
        """
        if left.requires is not None or not left.cause:
            return False  # only calls are handed on
        async with self._one_at_a_time:
            await self._let_nothing_overtake()
            try:
                try:
                    return await self._hand_on(left)
                except Conflict:
                    await self._reload()
                    return await self._hand_on(left)
            except NotFound:
                return True  # it is over

    async def _hand_on(self, left: Notice) -> bool:
        decision, heard = hand_on(self.states[self._unit_of(left.incident)], left, self.policy, self._clock.now())
        if decision.incidents:
            await self._write([decision])
        return heard

    async def _tell(self, unit: str, notices: tuple[Notice, ...], entries: tuple[AuditEntry, ...]) -> None:
        state = self.states[unit]
        await self._write([Decision(state, state, notices=notices, audit=entries)])

    async def mute(self, what: Silence | Window, action: str, actor: str) -> None:
        """Begin, change or end a silence or window; it holds when this returns, and is on disk.

        Raises StoreError, and then nothing is muted that was not before.
        """
        until = what.ends.astimezone(UTC).isoformat(timespec="seconds")
        said = f"{' '.join(map(str, what.matchers))} until {until}: {what.comment}"
        async with self._one_at_a_time:
            await self._let_nothing_overtake()
            entry = AuditEntry(self._clock.now(), actor, action, what.id, clean(said, 1000))
            try:
                await self._answered(lambda: self._store.mute(what, entry))
            except StoreError as broken:
                self._degrade(str(broken))
                self._unsure = True
                raise
            self._take_over(what)

    async def _load_muting(self) -> None:
        """Take over what is stored of silences and windows. Raises StoreError."""
        now = self._clock.now()
        for one in await self._store.muted(not_over=now - REMEMBERED, limit=LOADED):
            self._take_over(one, look=now < one.ends)
        self._unsure = False

    def held(self, notice: Notice, now: datetime) -> Held | None:
        """Why a notice must not be sent now. What breaks here holds nothing back: it is better to page than to mute."""
        try:
            return held_back(notice, self.policy.muting, self.policy.units, now)
        except Exception:
            log.exception("whether notice %s is muted cannot be told", notice.key)
            return None

    def holds_post(self, notice: Notice) -> bool:
        """Whether the recipient of a call holds the post that was called. What breaks here holds nothing back."""
        state = self.states.get(notice.unit)
        try:
            return state is None or holds_post(state, notice, self.policy, self._clock.now())
        except Exception:
            log.exception("whether %s holds the post of %s cannot be told", notice.recipient, notice.key)
            return True

    def _take_over(self, what: Silence | Window, *, look: bool = True) -> None:
        """Have it in force; with `look` whoever it is about is decided anew, which what was over long ago needs not."""
        self.policy = replace(self.policy, muting=self.policy.muting.having(what, self._clock.now()))
        if not look:
            return
        if isinstance(what, Silence):
            touched = [unit for unit, state in self.states.items() if state.incidents]
        else:
            units = self.policy.units
            touched = [unit for unit in self.states if matches(what.matchers, subject(unit, units))]
        self._news.dirty.update(touched)
        self._wake.set()

    async def run(self) -> None:
        """Decide for ever; ends by cancellation."""
        while True:
            await self._until_due()
            await self._clock.sleep(GATHER)
            started = self._clock.monotonic()
            try:
                async with self._one_at_a_time:
                    await self._round()
            except StoreError as broken:  # a conflict that nothing explains
                self._degrade(str(broken))
                await self._clock.sleep(RETRY)
            self._observe(self._clock.monotonic() - started + GATHER)

    @property
    def degraded_for(self) -> float:
        """Seconds for which nothing could be committed."""
        return 0.0 if self._degraded_since is None else self._clock.monotonic() - self._degraded_since

    def _degrade(self, why: str) -> None:
        """Nothing can be committed for a while."""
        now = self._clock.monotonic()
        self._away, self._ask_at = True, now + RETRY
        if why != self.degraded:
            log.error("the store cannot be written: %s", why)
        if self._degraded_since is None:
            self._degraded_since, self.unstored_since = now, self._clock.now()
        self.degraded = why

    def _recover(self) -> None:
        if self.degraded:
            log.warning("the store is written again, after %.0f s", self.degraded_for)
        self.degraded, self._degraded_since, self.unstored_since = "", None, None

    async def settle(self) -> None:
        """Decide and commit until nothing is due now. Raises StoreError; what was not committed stays due."""
        async with self._one_at_a_time:
            self._news.dirty.update(self._news.heard)  # what might have waited a little as well
            self._ask_at, again = -inf, bool(self.degraded)
            while again or self._is_due():
                await self._round()
                again = False
            if self.degraded:
                raise StoreError(self.degraded)

    # the queue

    def _is_due(self) -> bool:
        news = self._news
        due = bool(self._due) and self._due[0][0] <= self._clock.now()
        return due or bool(news.dirty or news.waiting or (news.health and not self.degraded))

    def _add(self, readings: Sequence[Reading]) -> None:
        for reading in readings:
            if reading.unit in self.states:
                self._heard(reading.unit).readings.append(reading)

    def _heard(self, unit: str) -> _Heard:
        self._news.dirty.add(unit)
        return self._news.heard.setdefault(unit, _Heard())

    def _hear(self, reading: Reading) -> None:
        """News of a source; what says the same again waits for more of it, to be decided and committed at once."""
        state, unit = self._latest.get(reading.unit), reading.unit
        if state is None:
            return
        self._news.heard.setdefault(unit, _Heard()).readings.append(reading)
        if unit in self._news.dirty:
            return
        now = self._clock.now()
        calm = unit in self._judged and unit not in self._deciding
        wait = may_wait(state, reading, self.policy, now) if calm else 0.0
        if wait > 0:
            # Whole seconds: units whose time comes together are one commit.
            self._look_at(unit, (now + timedelta(seconds=wait)).replace(microsecond=0))
        else:
            self._news.dirty.add(unit)

    def _look_at(self, unit: str, at: datetime) -> None:
        """Decide a unit at this instant, or before."""
        if unit not in self._waits or at < self._waits[unit]:
            self._waits[unit] = at
            heapq.heappush(self._due, (at, unit))
            if self._due[0] == (at, unit):
                self._wake.set()

    def _wake_due(self) -> None:
        now = self._clock.now()
        while self._due and self._due[0][0] <= now:
            at, unit = heapq.heappop(self._due)
            if self._waits.get(unit) == at:
                del self._waits[unit]
                self._news.dirty.add(unit)

    def _dirty_at(self, rank: int) -> list[str]:
        units = self.policy.units
        return sorted(unit for unit in self._news.dirty if DECIDE_ORDER[units[unit].level] == rank)

    async def _until_due(self) -> None:
        self.turned_at = self._clock.monotonic()
        while not self._is_due() and not self._setback.look():
            self.turned_at = now = self._clock.monotonic()
            again = self._ask_at - now if self.degraded else FAR
            if again <= 0:
                await self._ask_again()
                continue
            self._wake.clear()
            left = (self._due[0][0] - self._clock.now()).total_seconds() if self._due else FAR
            await woken(self._wake, self._clock, min(left, again, FAR))
        self._wake.clear()

    # one round

    async def _round(self) -> None:
        waiting, self._news.waiting = self._news.waiting, []
        try:
            self._away = not await self._caught_up()
            await self._follow_clock()
            self._wake_due()
            for rank in RANKS:
                units = self._dirty_at(rank)
                for start in range(0, len(units), BATCH):
                    await self._decide_batch(units[start : start + BATCH])
            await self._save_health()  # before the answer: who was told "taken" may forget it
        except StoreError as refused:
            _answer(waiting, refused)
            raise
        except BaseException:  # cancelled by a stop: the last round answers
            self._news.waiting[:0] = waiting
            raise
        if not self._away:
            self._recover()
        _answer(waiting, StoreError(self.degraded) if self._away else None)

    async def _ask_again(self) -> None:
        """Whether the store is back. Nothing is decided here: what is known by now might wait for more of it."""
        async with self._one_at_a_time:
            self._away = not await self._caught_up()
            await self._save_health()
            if not self._away:
                self._recover()

    async def _follow_clock(self) -> None:
        """Where the wall clock was set back, plans wait no longer for that, and every unit is looked at anew.

        While nobody looked it may have been set back as well: what opened in the future tells by how much at least.
        """
        by, first, self._first = self._setback.take(), self._first, False
        if not by and not first:
            return
        now = self._clock.now()
        try:
            moved = [one for state in self._latest.values() if (one := _hastened(state, by, now)) is not None]
            for start in range(0, len(moved), BATCH):
                await self._commit(moved[start : start + BATCH])
        except StoreError as broken:
            self._setback.give_back(by)
            self._first = first
            if isinstance(broken, Conflict):
                await self._reload()
            raise
        if by:
            log.warning("the wall clock was set back by %.0f s; every unit is looked at", by)
            self.judge_all()

    async def _decide_batch(self, batch: list[str]) -> None:
        taken = {unit: self._news.heard.pop(unit, _Heard()) for unit in batch}
        self._news.dirty.difference_update(batch)
        self._deciding.update(batch)
        try:
            while not await self._committed(taken):
                log.info("somebody committed first; deciding again")
        except BaseException:  # refused, or cancelled by a stop: what is not committed stays due
            self._give_back(taken)
            raise
        finally:
            self._deciding.difference_update(batch)

    async def _committed(self, taken: Mapping[str, _Heard]) -> bool:
        decisions: list[Decision] = []
        began, self.turned_at = self._clock.now(), self._clock.monotonic()
        for number, (unit, news) in enumerate(taken.items()):
            decisions.append(self._decide(unit, news))
            if number % BREATH == BREATH - 1:
                self.turned_at = self._clock.monotonic()
                await self._clock.sleep(0)
        try:
            await self._commit(decisions)
        except Conflict:
            if not await self._reload():
                raise  # the store has nothing newer to decide from
            return False
        for unit in taken:
            if unit in self.set_aside:
                self._judged.pop(unit, None)
            else:
                self._judged[unit] = began
        return True

    async def _acknowledge(
        self,
        ref: str,
        answered: Callable[[UnitState, datetime], Decision],
        reply: Callable[[Incident], Notice] | None,
    ) -> Decision:
        decision = answered(self.states[self._unit_of(ref)], self._clock.now())
        if reply is not None:
            decision = replace(decision, notices=(*decision.notices, reply(decision.incidents[0])))
        return (await self._write([decision]))[0]

    async def _reload(self) -> bool:
        """Somebody committed first; it may have been we, for a store can write and still say no. Look again.

        False when nothing had changed.
        """
        known = {unit: state.version for unit, state in self.states.items()}
        states = await self._answered(self._store.load_states)
        newer = [state for state in states if known.get(state.unit, state.version) != state.version]
        for state in newer:
            self._judged.pop(state.unit, None)
            self._adopt(state)
            self._news.dirty.update((state.unit, *self.policy.units.listeners(state.unit)))
        self._wake.set()
        return bool(newer)

    def _decide(self, unit: str, news: _Heard) -> Decision:
        now = self._clock.now()
        try:
            decision = decide(self._view(unit, news), self.policy, now)
        except Exception as broken:  # one poison unit is set aside with a visible reason; the loop goes on
            log.exception("unit %s cannot be judged", unit)
            self.set_aside[unit] = f"{type(broken).__name__}: {broken}"
            return set_aside(self._latest[unit], tuple(news.readings), self.set_aside[unit], now)
        self.set_aside.pop(unit, None)
        return decision

    def _view(self, unit: str, news: _Heard) -> View:
        units, states = self.policy.units, self._latest
        children = tuple(states[code] for code in units.children(unit))
        systems = {code: states[code] for code in units[unit].depends_on}
        health = {w.source: self.health[w.source] for w in self.policy.watches_of(unit) if w.source in self.health}
        readings, answers = tuple(news.readings), tuple(news.answers)
        above = tuple(states[code] for code in units.lineage(unit)[1:])
        return View(states[unit], readings, children, systems, health, self._judged.get(unit), answers, above)

    def _give_back(self, taken: dict[str, _Heard]) -> None:
        for unit, news in taken.items():
            heard = self._heard(unit)
            heard.readings[:0] = news.readings
            heard.answers[:0] = news.answers

    async def _commit(self, decisions: Sequence[Decision]) -> None:
        """Commit, or keep them while the store is away. Raises Conflict."""
        if not decisions:
            return
        asked = not self._away
        if asked:
            try:
                await self._write(decisions)
                return
            except Conflict:
                raise
            except StoreError as broken:
                self._degrade(str(broken))
        self._keep(decisions, asked=asked)

    async def _write(self, decisions: Sequence[Decision]) -> Sequence[Decision]:
        now = self._clock.now()
        owed = [_owed_now(decision, now) for decision in decisions]
        states = await self._answered(lambda: self._store.commit(owed))
        committed = [replace(decision, after=state) for decision, state in zip(owed, states, strict=True)]
        for decision in committed:
            self._adopt(decision.after)
            self._wake_listeners(decision)
        self._publish(committed)
        return committed

    async def _answered(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What the store answers. Raises StoreError also when it does not; then it is not asked before it has."""
        if self._hangs:
            raise StoreError(_SILENT)
        task, slept = asyncio.ensure_future(ask()), asyncio.ensure_future(self._clock.sleep(PATIENCE))
        try:
            await asyncio.wait({task, slept}, return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            task.cancel()
            raise
        finally:
            slept.cancel()
        if task.done():
            return task.result()
        self._hanging = task
        task.add_done_callback(_heed)
        raise StoreError(_SILENT)

    @property
    def _hangs(self) -> bool:
        return self._hanging is not None and not self._hanging.done()

    # while the store is away

    def _keep(self, decisions: Sequence[Decision], *, asked: bool) -> None:
        told: list[Decision] = []
        self._hasten_kept()
        for decision in decisions:
            unit = decision.before.unit
            stored, before = self.states[unit], self.shown[unit]
            self._latest[unit] = state = self._backlog.add(decision, asked=asked)
            self._unstored[unit] = replace(state, incidents=stored.incidents, version=stored.version)
            self._wait_for(state)
            self._wake_listeners(replace(decision, after=state))
            told.append(Decision(before, self._unstored[unit], decision.transitions))
        self._publish(told)

    def _hasten_kept(self) -> None:
        """Where the wall clock was set back, the messages that are kept wait no longer for that."""
        if by := self._kept_setback.take():
            self._backlog.hasten(by, self._clock.now())

    async def _caught_up(self) -> bool:
        """Whether the store takes what is decided now: it was there, or has taken all that was kept."""
        if not self.degraded:
            return True
        now = self._clock.monotonic()
        if self._hangs:
            self._ask_at = now + RETRY
        if now < self._ask_at:
            return False
        self._hasten_kept()
        level = {unit: DECIDE_ORDER[self.policy.units[unit].level] for unit in self._backlog.units}
        most = 1  # whether it takes anything is asked with little
        try:
            while units := sorted(self._backlog.units, key=lambda unit: (level[unit], unit))[:most]:
                await self._hand_over(units)
                most = RETURNED
            if self._unsure:
                await self._answered(self._load_muting)
        except StoreError as broken:
            self._degrade(str(broken))
            return False
        return True

    async def _hand_over(self, units: Sequence[str]) -> None:
        """Commit what is kept of some units. Raises StoreError."""
        now = self._clock.now()
        decisions = [_owed_now(decision, now) for decision in self._backlog.owed(units)]
        try:
            states = await self._answered(lambda: self._store.commit(decisions))
        except Conflict:
            if not await self._compared(units):
                raise
            return
        for unit in units:
            self._backlog.drop(unit)
            self._unstored.pop(unit, None)
        for state in {state.unit: state for state in states}.values():
            self._adopt(state)
        self._publish([replace(one, after=state) for one, state in zip(decisions, states, strict=True)])

    async def _compared(self, units: Sequence[str]) -> bool:
        """Compare what is kept with what the store holds, which may have written what it refused; False: no news.

        Where it holds what is not ours the unit is decided anew, by all that was heard.
        """
        states = {state.unit: state for state in await self._answered(self._store.load_states)}
        newer = [state for unit in units if (state := states.get(unit)) and state.version != self.states[unit].version]
        for state in newer:
            unit, latest = state.unit, self._latest[state.unit]
            if taken := self._backlog.taken(state):
                self.states[unit] = state
                self._publish([*taken[:-1], replace(taken[-1], after=state)])
            else:
                self._judged.pop(unit, None)
                known = (*latest.evidence.values(), *(one for kept in latest.rivals.values() for one in kept))
                self._heard(unit).readings[:0] = (*self._backlog.drop(unit), *known)
                self._adopt(state)
                self._news.dirty.update(self.policy.units.listeners(unit))
            if unit not in self._backlog.units:
                self._latest[unit] = self.states[unit]
                self._unstored.pop(unit, None)
        return bool(newer)

    async def _let_nothing_overtake(self) -> None:
        """What was decided before is committed before. Raises StoreError while the store is away."""
        if self._backlog:
            self._ask_at = -inf
            if not await self._caught_up():
                raise StoreError(self.degraded)

    # what is known

    def _adopt(self, state: UnitState) -> None:
        self.states[state.unit] = self._latest[state.unit] = state
        self._wait_for(state)

    def _wake_listeners(self, decision: Decision) -> None:
        self._news.dirty.update(listeners(decision, self._latest, self.policy, self._clock.now()))

    def _wait_for(self, state: UnitState) -> None:
        """Have the unit decided when time alone may change it."""
        # Many decisions of one day say "at midnight": one entry is enough.
        if state.unit in self._news.heard and state.unit in self._waits:  # it has news that waits until then
            self._look_at(state.unit, state.recheck_at or self._waits[state.unit])
        elif state.recheck_at is not None and self._waits.get(state.unit) != state.recheck_at:
            self._waits[state.unit] = state.recheck_at
            heapq.heappush(self._due, (state.recheck_at, state.unit))
        if len(self._due) > SLACK * len(self.states):
            self._due = [(at, unit) for unit, at in self._waits.items()]
            heapq.heapify(self._due)

    async def _save_health(self) -> None:
        changed = self._news.health
        if self._away or not changed:
            return
        self._news.health = {}
        try:
            await self._answered(lambda: self._store.save_health(tuple(changed.values())))
        except BaseException as broken:
            self._news.health = {**changed, **self._news.health}
            if not isinstance(broken, StoreError):
                raise
            self._degrade(str(broken))

    def _unit_of(self, ref: str) -> str:
        for unit, state in self.states.items():
            if any(ref in (incident.ref, incident.key) for incident in state.incidents.values()):
                return unit
        raise NotFound(f"no open incident {ref!r}")


def _hastened(state: UnitState, by: float, now: datetime) -> Decision | None:
    """The unit's plans after the clock was set back by so many seconds (0: nobody knows); None: nothing changes."""
    known = timedelta(seconds=by)
    sooner = {cause: hastened(one, known or one.opened_at - now, now) for cause, one in state.incidents.items()}
    changed = tuple(one for cause, one in sooner.items() if one != state.incidents[cause])
    if not changed:
        return None
    entries = tuple(AuditEntry(now, "denbao", "clock set back", one.key, f"{by:.0f} s") for one in changed)
    return Decision(state, replace(state, incidents=sooner), incidents=changed, audit=entries)


def _owed_now(decision: Decision, now: datetime) -> Decision:
    """The decision, with when those of its messages are owed that a silence, a standstill, quiet hours or a store that
    was away held."""
    owed = tuple(replace(one, free_at=now) if one.due_at < now else one for one in decision.notices)
    return replace(decision, notices=owed) if owed else decision


def _heed(task: asyncio.Task[Any]) -> None:
    """What came too late is seen, so that nobody complains; what it wrote is found when the store is asked again."""
    if not task.cancelled():
        task.exception()


def _answer(waiting: Sequence[asyncio.Future[None]], refused: StoreError | None = None) -> None:
    for done in waiting:
        if done.done():
            continue
        if refused is None:
            done.set_result(None)
        else:
            done.set_exception(refused)


def _turned(before: SourceHealth | None, health: SourceHealth, watches: Sequence[Watch]) -> bool:
    """Whether a source fell silent, speaks again, or is heard after a pause in which the monitor may have slept.

    One whose answers were empty speaks again with the first row.
    """
    if before is None or before.answers is not health.answers:
        return True
    if before.last_success is None or health.last_success is None:
        return False
    pause = (health.last_success - before.last_success).total_seconds()
    empty = health.newest != before.newest and any(brings_nothing(before, one, health.last_success) for one in watches)
    return empty or any(pause >= watch.limit for watch in watches)
