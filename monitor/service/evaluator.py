"""Decides units that have news or whose time has come, and commits many decisions as one transaction.

Cost follows change: nothing is judged because a timer went round. What arrives within 50 ms, at most 500 decisions, is
one commit. This is the door; the work is done in the rooms behind it, none of which knows another's inside:

    agenda        what was heard, and which unit is to be decided when
    rounds        the loop: what is due, from the systems up to the nation
    judging       one unit by what is known now
    states        what the store holds of all units, what is decided on, what is shown
    commits       the one way into the store
    away          whether the store answers, and the way round it while it does not
    sourcehealth  how the sources fare whose silence is to be noticed
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from monitor.alerting.muting import Held, asleep, held_back, judged_first
from monitor.decide import Policy, acknowledge, check_told, hand_on, holds_post, listeners, may_wait
from monitor.engine.hygiene import Known
from monitor.model.errors import NotFound, StoreError
from monitor.model.incident import Incident, Notice
from monitor.model.matcher import matches, subject
from monitor.model.muting import REMEMBERED, Silence, Window
from monitor.model.reading import Collected, Reading, SourceHealth
from monitor.model.state import AuditEntry, Decision, UnitState, Withhold
from monitor.model.text import clean
from monitor.ports import Clock, Store
from monitor.service.agenda import Agenda
from monitor.service.away.detour import Detour
from monitor.service.away.line import StoreLine
from monitor.service.commits import Commits
from monitor.service.judging import Judge
from monitor.service.rounds import Rounds
from monitor.service.sourcehealth import SourcesHealth
from monitor.service.states import States

log = logging.getLogger(__name__)

LOADED = 2000  # silences and windows remembered over a start


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
        self._coming: Silence | Window | None = None  # what the store is taking
        self._unsure = False  # whether a silence or window that was refused may be stored all the same
        self._line = line = StoreLine(clock)
        self._agenda = agenda = Agenda(policy.units, clock)
        self._states = states = States(policy.units, agenda)
        self._sources = sources = SourcesHealth(policy.watches, store, line)
        self._judge = judge = Judge(lambda: self.policy, states, sources.known)
        told, effect = publish, self._wake_listeners
        self._detour = Detour(store, line, states, agenda, clock, publish=told, effect=effect, reread=self._reread)
        self._commits = Commits(store, line, self._detour, states, agenda, clock, publish=told, effect=effect)
        self._rounds = Rounds(agenda, states, judge, self._commits, line, sources, clock, observe)

    async def load(self) -> None:
        """Take over what was committed. Nothing is judged or sent because of a start itself."""
        for state in await self._store.load_states():
            if state.unit in self.states:
                self._states.adopt(state)
        await self._sources.load()
        await self._load_muting()

    async def run(self) -> None:
        """Decide for ever; ends by cancellation."""
        await self._rounds.run()

    async def settle(self) -> None:
        """Decide and commit until nothing is due now. Raises StoreError; what was not committed stays due."""
        await self._rounds.settle()

    # what is known

    @property
    def states(self) -> dict[str, UnitState]:
        """The units as the store holds them."""
        return self._states.stored

    @property
    def shown(self) -> Mapping[str, UnitState]:
        """The units as they are judged now. While the store is away colours are not stored; incidents always are."""
        return self._states.shown

    @property
    def health(self) -> dict[str, SourceHealth]:
        """How the watched sources fare."""
        return self._sources.known

    def known(self, source: str) -> Known:
        """What news of a source is held against."""
        return Known(self.policy.ruleset.indicators, self.policy.calendar, partial(self._held, source), self._counting)

    def _counting(self, unit: str, indicator: str) -> Reading | None:
        """The last committed reading of whatever source."""
        state = self.states.get(unit)
        return None if state is None else state.evidence.get(indicator)

    def _held(self, source: str, unit: str, indicator: str) -> Reading | None:
        """The last committed reading of a source."""
        state = self.states.get(unit)
        own = () if state is None else (state.evidence.get(indicator), *state.rivals.get(indicator, ()))
        return next((reading for reading in own if reading is not None and reading.source == source), None)

    @property
    def set_aside(self) -> Mapping[str, str]:
        """Units whose decision failed, with the reason; it is tried again within a minute."""
        return self._judge.set_aside

    @property
    def turned_at(self) -> float:
        """When the loop last went on (monotonic): old when it hangs."""
        return self._rounds.turned_at

    @property
    def degraded(self) -> str:
        """Why the store cannot be written now; empty when it can."""
        return self._line.why

    @property
    def degraded_for(self) -> float:
        """Seconds for which nothing could be committed."""
        return self._line.seconds

    @property
    def unstored_since(self) -> datetime | None:
        """Since when what is shown is not stored; None: all is."""
        return self._line.since

    # news

    def judge_all(self) -> None:
        """Look at every unit once: rules or the day may have changed while nobody looked."""
        self._rounds.judge_all()

    def take(self, collected: Collected) -> None:
        """News from a source. Returns at once; the decision follows within milliseconds."""
        for reading in collected.readings:
            if collected.table or collected.by_hand:  # it comes once: nothing of it may wait, and be lost by a kill
                self._agenda.hear(reading)
            else:
                self._hear(reading)
        if collected.answer is not None and collected.answer.unit in self.states:
            self._agenda.note_answer(collected.answer)
        touched = self._sources.follow(collected)
        self._agenda.look(unit for unit in touched if unit in self.states)
        if self._agenda.pressing or self._sources.is_due:
            self._agenda.wake.set()

    def remember(self, health: SourceHealth) -> None:
        """What is known of a source besides its answers; nothing is judged because of it."""
        self._sources.remember(health)
        self._agenda.wake.set()

    async def submit(self, readings: Sequence[Reading]) -> None:
        """News that somebody waits for: returns when it and all its effects are committed.

        Raises StoreError when the store refuses; the news is kept and tried again all the same.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        for reading in readings:
            if reading.unit in self.states:
                self._agenda.hear(reading)
        self._agenda.waiting.append(done)
        self._agenda.wake.set()
        await done

    def _hear(self, reading: Reading) -> None:
        """News of a source; what says the same again waits for more of it, to be decided and committed at once."""
        state, unit = self._states.latest.get(reading.unit), reading.unit
        if state is None:
            return
        self._agenda.note(reading)
        if self._agenda.looks_at(unit):
            return
        calm = unit in self._states.judged and not self._agenda.is_deciding(unit)
        wait = may_wait(state, reading, self.policy, self._clock.now()) if calm else 0.0
        if wait > 0:
            self._agenda.look_within(unit, wait)
        else:
            self._agenda.look((unit,))

    def _wake_listeners(self, decision: Decision) -> None:
        self._agenda.look(listeners(decision, self._states.latest, self.policy, self._clock.now()))

    # orders: each is committed when it returns, after all that was decided before

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

        def answered() -> Sequence[Decision]:
            state, now = self.states[self._states.unit_of(ref)], self._clock.now()
            check_told(state, ref, told)
            until = None if seconds is None else now + timedelta(seconds=seconds)
            decision = acknowledge(state, ref, actor, note, now, party=party, until=until, via=via)
            confirmed = () if reply is None else (reply(decision.incidents[0]),)
            return (replace(decision, notices=(*decision.notices, *confirmed)),)

        return (await self._commits.order(answered))[0]

    async def tell(
        self, unit: str, notices: tuple[Notice, ...], *entries: AuditEntry, withheld: tuple[Withhold, ...] = ()
    ) -> None:
        """Owe messages that change nothing at their unit, with audit entries and what they put out of date; on disk
        when this returns.

        Raises StoreError.
        """

        def owed() -> Sequence[Decision]:
            state = self.states[unit]
            return (Decision(state, state, notices=notices, withheld=withheld, audit=entries),)

        await self._commits.order(owed)

    async def hand_on(self, left: Notice) -> bool:
        """Somebody who was to hear of an incident holds the post no more: whether somebody else is called instead, or
        nobody need be; on disk when this returns.

        Raises StoreError.
        """
        if left.requires is not None or not left.cause:
            return False  # only calls are handed on
        heard = True

        def handed() -> Sequence[Decision]:
            nonlocal heard
            state = self.states[self._states.unit_of(left.incident)]
            decision, heard = hand_on(state, left, self.policy, self._clock.now())
            return (decision,) if decision.incidents else ()

        try:
            await self._commits.order(handed)
        except NotFound:
            return True  # it is over
        return heard

    async def mute(self, what: Silence | Window, action: str, actor: str) -> None:
        """Begin, change or end a silence or window; it holds when this returns, and is on disk.

        Raises StoreError, and then nothing is muted that was not before.
        """
        until = what.ends.astimezone(UTC).isoformat(timespec="seconds")
        said = f"{' '.join(map(str, what.matchers))} until {until}: {what.comment}"
        async with self._commits.turn:
            await self._commits.let_nothing_overtake()
            entry = AuditEntry(self._clock.now(), actor, action, what.id, clean(said, 1000))
            self._coming = what
            try:
                await self._line.ask(lambda: self._store.mute(what, entry))
                self._take_over(what)
            except StoreError as broken:
                self._line.lost(str(broken))
                self._unsure = True
                raise
            finally:
                self._coming = None

    # what holds messages back

    def held(self, notice: Notice, now: datetime) -> Held | None:
        """Why a notice must not be sent now. What breaks here holds nothing back: it is better to page than to mute."""
        try:
            coming, policy = self._coming, self.policy
            muted = held_back(notice, policy.muting, policy.units, now)
            if muted and coming:  # a claim may come after the store has released what is to be held no more
                muted = held_back(notice, policy.muting.having(coming, now), policy.units, now)
            return (
                muted or self._judged_first(notice, now) or asleep(notice, policy.directory, policy.calendar.zone, now)
            )
        except Exception:
            log.exception("whether notice %s is held back cannot be told", notice.key)
            return None

    def _judged_first(self, notice: Notice, now: datetime) -> Held | None:
        state, policy = self.states.get(notice.unit), self.policy
        if state is None or not state.incidents:
            return None
        windows = policy.muting.windows_of(notice.unit, policy.units)
        return judged_first(notice, state.incidents.values(), windows, now)

    def holds_post(self, notice: Notice) -> bool:
        """Whether the recipient of a call holds the post that was called. What breaks here holds nothing back."""
        state = self.states.get(notice.unit)
        try:
            return state is None or holds_post(state, notice, self.policy, self._clock.now())
        except Exception:
            log.exception("whether %s holds the post of %s cannot be told", notice.recipient, notice.key)
            return True

    async def _reread(self) -> None:
        """Read again what the store may have taken of silences and windows although it refused. Raises StoreError."""
        if self._unsure:
            await self._line.ask(self._load_muting)

    async def _load_muting(self) -> None:
        """Take over what is stored of silences and windows. Raises StoreError."""
        now = self._clock.now()
        for one in await self._store.muted(not_over=now - REMEMBERED, limit=LOADED):
            self._take_over(one, look=now < one.ends)
        self._unsure = False

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
        self._agenda.look(touched)
        self._agenda.wake.set()
