"""The one way of decisions into the store: many are one transaction, and while it is away they are kept.

Whoever waits for a decision of their own (an answer, a message) has it committed after all that was decided before, or
is told that the store is away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from monitor.model.errors import Conflict, StoreError
from monitor.model.state import Decision
from monitor.ports import Clock, Store
from monitor.service.agenda import Agenda
from monitor.service.away.detour import Detour
from monitor.service.away.line import StoreLine
from monitor.service.states import States


class Commits:
    """One per evaluator. `effect` is told of each decision that counts from now on, `publish` of what was committed."""

    def __init__(
        self,
        store: Store,
        line: StoreLine,
        detour: Detour,
        states: States,
        agenda: Agenda,
        clock: Clock,
        *,
        publish: Callable[[Sequence[Decision]], None],
        effect: Callable[[Decision], None],
    ) -> None:
        self.turn = asyncio.Lock()  # one decides and commits at a time
        self._store = store
        self._line = line
        self._detour = detour
        self._states = states
        self._agenda = agenda
        self._clock = clock
        self._publish = publish
        self._effect = effect

    async def open(self) -> None:
        """Hand over what was kept, and know whether what is decided from now on is committed or kept."""
        self._line.away = not await self._detour.back()

    async def commit(self, decisions: Sequence[Decision]) -> None:
        """Commit, or keep them while the store is away. Raises Conflict."""
        asked = not self._line.away
        if asked:
            try:
                await self._write(decisions)
                return
            except Conflict:
                raise
            except StoreError as broken:
                self._line.lost(str(broken))
        self._detour.keep(decisions, asked=asked)

    async def order(self, decide: Callable[[], Sequence[Decision]]) -> Sequence[Decision]:
        """Commit what somebody waits for, in one transaction; made anew if somebody committed first.

        Raises StoreError while the store is away, and whatever `decide` does.
        """
        async with self.turn:
            await self.let_nothing_overtake()
            try:
                written = await self._write(decide())
            except Conflict:
                await self.reload()
                written = await self._write(decide())
        self._agenda.wake.set()  # others are to be decided because of it, or this unit sooner than was known
        return written

    async def let_nothing_overtake(self) -> None:
        """What was decided before is committed before. Raises StoreError while the store is away."""
        if self._detour.backlog:
            self._line.ask_now()
            if not await self._detour.back():
                raise StoreError(self._line.why)

    async def reload(self) -> bool:
        """Somebody committed first; it may have been we, for a store can write and still say no. Look again.

        False when nothing had changed.
        """
        known = {unit: state.version for unit, state in self._states.stored.items()}
        states = await self._line.ask(self._store.load_states)
        newer = [state for state in states if known.get(state.unit, state.version) != state.version]
        for state in newer:
            self._states.adopt_foreign(state)
        self._agenda.wake.set()
        return bool(newer)

    async def _write(self, decisions: Sequence[Decision]) -> Sequence[Decision]:
        if not decisions:
            return ()
        now = self._clock.now()
        owed = [decision.owed_now(now) for decision in decisions]
        states = await self._line.ask(lambda: self._store.commit(owed))
        committed = [replace(decision, after=state) for decision, state in zip(owed, states, strict=True)]
        for decision in committed:
            self._states.adopt(decision.after)
            self._effect(decision)
        self._publish(committed)
        return committed
