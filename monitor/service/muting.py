"""The desk for silences and maintenance windows: takes orders, shows what they would mute, lists and ends them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.adapters.store.states import UNDECIDED
from monitor.alerting.muting import silence_of
from monitor.model.errors import NotFound
from monitor.model.incident import Incident
from monitor.model.matcher import matches, subject, touches
from monitor.model.muting import MOST_ACTIVE, Muting, Silence, When, Window, ended, newest_first
from monitor.model.unit import Unit
from monitor.ports import Clock, Store
from monitor.service.evaluator import Evaluator
from monitor.service.sender import Sender

LISTED = 500  # of the past, in one list
LOOKED_AT = 200  # incidents whose notices are counted in a preview


@dataclass(frozen=True, slots=True)
class Preview:
    """What a silence or window would mute if it were active now."""

    units: tuple[Unit, ...]
    incidents: tuple[Incident, ...]  # open ones: kept quiet by a silence, paused by a window
    pending: int  # notices owed and not yet sent, of the first incidents


class Desk:
    """One per service."""

    def __init__(self, evaluator: Evaluator, store: Store, sender: Sender, clock: Clock) -> None:
        self._evaluator = evaluator
        self._store = store
        self._sender = sender
        self._clock = clock

    @property
    def muting(self) -> Muting:
        """What holds now, config.yaml included."""
        return self._evaluator.policy.muting

    async def add(self, what: Silence | Window, actor: str) -> None:
        """Begin it; on disk when this returns. Raises ValueError when there are too many, StoreError."""
        now = self._clock.now()
        there: list[Silence | Window] = [*self.muting.silences, *self.muting.windows]
        if sum(one.when(now) is not When.PAST for one in there) >= MOST_ACTIVE:
            raise ValueError(f"there are {MOST_ACTIVE} silences and windows already; end some first")
        await self._evaluator.mute(what, f"{_sort(what)}_add", actor)
        self._sender.look()

    async def end(self, name: str, sort: type[Silence] | type[Window], actor: str) -> Silence | Window:
        """End it now; on disk when this returns. Raises NotFound, ValueError when it is over, StoreError."""
        found = next((one for one in await self._store.muted(limit=LISTED) if one.id == name), None)
        if not isinstance(found, sort):
            if any(window.id == name for window in self.muting.windows):
                raise ValueError(f"{name} stands in config.yaml; end it there")
            raise NotFound(f"there is no {_word(sort)} {name!r}")
        over = ended(found, actor, self._clock.now())
        await self._evaluator.mute(over, f"{_sort(over)}_end", actor)
        self._sender.look()
        return over

    async def listed(self, sort: type[Silence] | type[Window], *, everything: bool) -> Sequence[Silence | Window]:
        """Active, coming, and if everything is asked for, past ones. Raises StoreError."""
        now = self._clock.now()
        kept = [one for one in await self._store.muted(limit=LISTED) if isinstance(one, sort)]
        made = {one.id for one in kept}
        of_site = [] if sort is Silence else [one for one in self.muting.windows if one.id not in made]
        shown = (one for one in (*kept, *of_site) if everything or one.when(now) is not When.PAST)
        return newest_first(list(shown), now)

    def about(self, code: str) -> Sequence[Silence | Window]:
        """What is active or coming and may be about a unit or an incident at it."""
        now, unit = self._clock.now(), subject(code, self._evaluator.policy.units)
        there: list[Silence | Window] = [*self.muting.silences, *self.muting.windows]
        return newest_first(
            [one for one in there if one.when(now) is not When.PAST and touches(one.matchers, unit)], now
        )

    async def preview(self, what: Silence | Window) -> Preview:
        """What it would mute now, whenever it begins. Raises StoreError."""
        units, states = self._evaluator.policy.units, self._evaluator.states
        open_now = [(unit, i) for unit in units for i in states[unit.code].incidents.values()]
        if isinstance(what, Silence):
            alone = Muting((what,))
            at = what.starts
            hit = [(u, i) for u, i in open_now if silence_of(i, subject(u.code, units), alone, at) is not None]
            about = tuple(dict.fromkeys(unit for unit, _ in hit))
        else:
            about = tuple(unit for unit in units if matches(what.matchers, subject(unit.code, units)))
            codes = {unit.code for unit in about}
            hit = [(u, i) for u, i in open_now if u.code in codes]
        pending = 0
        for _, incident in hit[:LOOKED_AT]:
            found = await self._store.deliveries(incident=incident.key)
            pending += sum(one.state in UNDECIDED for one in found)
        return Preview(about, tuple(incident for _, incident in hit), pending)


def _sort(what: Silence | Window) -> str:
    return "silence" if isinstance(what, Silence) else "maintenance"


def _word(sort: type[Silence] | type[Window]) -> str:
    return "silence" if sort is Silence else "maintenance window"
