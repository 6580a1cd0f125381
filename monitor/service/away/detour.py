"""The way round a store that is away: what is decided is kept and shown, and handed over once the store is back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from monitor.model.errors import Conflict, StoreError
from monitor.model.state import Decision, UnitState
from monitor.ports import Clock, Store
from monitor.service.agenda import Agenda
from monitor.service.away.backlog import Backlog
from monitor.service.away.line import StoreLine
from monitor.service.setback import Setback
from monitor.service.states import States

RETURNED = 250  # units of which what was kept is committed in one go


class Detour:
    """One per evaluator.

    `effect` is told of each decision that is judged on from; `publish` of what is shown from now on; `reread` reads
    again what the store may have written although it refused, before anything is decided.
    """

    def __init__(
        self,
        store: Store,
        line: StoreLine,
        states: States,
        agenda: Agenda,
        clock: Clock,
        *,
        publish: Callable[[Sequence[Decision]], None],
        effect: Callable[[Decision], None],
        reread: Callable[[], Awaitable[None]],
    ) -> None:
        self.backlog = Backlog()
        self._store = store
        self._line = line
        self._states = states
        self._agenda = agenda
        self._clock = clock
        self._publish = publish
        self._effect = effect
        self._reread = reread
        self._setback = Setback(clock)  # for what is owed by the backlog

    def keep(self, decisions: Sequence[Decision], *, asked: bool) -> None:
        """Judge on from these decisions and show them; `asked`: the store may have taken them."""
        told: list[Decision] = []
        self._hasten()
        for decision in decisions:
            before = self._states.shown[decision.before.unit]
            state = self.backlog.add(decision, asked=asked)
            shown = self._states.keep(state)
            self._effect(replace(decision, after=state))
            told.append(Decision(before, shown, decision.transitions))
        self._publish(told)

    async def back(self) -> bool:
        """Whether the store takes what is decided now: it was there, or has taken all that was kept."""
        if not self._line.why:
            return True
        if not self._line.may_be_asked():
            return False
        self._hasten()
        most = 1  # whether it takes anything is asked with little
        try:
            while units := sorted(self.backlog.units, key=lambda unit: (self._agenda.ranks[unit], unit))[:most]:
                await self._hand_over(units)
                most = RETURNED
            await self._reread()
        except StoreError as broken:
            self._line.lost(str(broken))
            return False
        return True

    def _hasten(self) -> None:
        """Where the wall clock was set back, the messages that are kept wait no longer for that."""
        if by := self._setback.take():
            self.backlog.hasten(by, self._clock.now())

    async def _hand_over(self, units: Sequence[str]) -> None:
        """Commit what is kept of some units. Raises StoreError."""
        now = self._clock.now()
        decisions = [decision.owed_now(now) for decision in self.backlog.owed(units)]
        try:
            states = await self._line.ask(lambda: self._store.commit(decisions))
        except Conflict:
            if not await self._compared(units):
                raise
            return
        for unit in units:
            self.backlog.drop(unit)
        for state in {state.unit: state for state in states}.values():
            self._states.adopt(state)
        self._publish([replace(one, after=state) for one, state in zip(decisions, states, strict=True)])

    async def _compared(self, units: Sequence[str]) -> bool:
        """Compare what is kept with what the store holds, which may have written what it refused; False: no news."""
        states = {state.unit: state for state in await self._line.ask(self._store.load_states)}
        stored = self._states.stored
        newer = [state for unit in units if (state := states.get(unit)) and state.version != stored[unit].version]
        for state in newer:
            if taken := self.backlog.taken(state):
                self._states.took(state, whole=state.unit not in self.backlog.units)
                self._publish([*taken[:-1], replace(taken[-1], after=state)])
            else:
                self._decide_anew(state)
        return bool(newer)

    def _decide_anew(self, state: UnitState) -> None:
        """The store holds what is not ours: the unit is decided by all that was heard."""
        latest = self._states.latest[state.unit]
        known = (*latest.evidence.values(), *(one for kept in latest.rivals.values() for one in kept))
        self._agenda.hear_first(state.unit, (*self.backlog.drop(state.unit), *known))
        self._states.adopt_foreign(state)
