"""How the sources fare whose silence is to be noticed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from monitor.decide import Watch, brings_nothing
from monitor.engine.hygiene import after_poll
from monitor.model.errors import StoreError
from monitor.model.reading import Collected, SourceHealth
from monitor.ports import Store
from monitor.service.away.line import StoreLine


class SourcesHealth:
    """One per evaluator."""

    def __init__(self, watches: Iterable[Watch], store: Store, line: StoreLine) -> None:
        self.known: dict[str, SourceHealth] = {}  # by source
        self._changed: dict[str, SourceHealth] = {}  # and not stored
        self._store = store
        self._line = line
        self._watches: dict[str, list[Watch]] = {}
        for watch in watches:
            self._watches.setdefault(watch.source, []).append(watch)

    @property
    def is_due(self) -> bool:
        """Whether there is anything to store now."""
        return bool(self._changed) and not self._line.why

    async def load(self) -> None:
        """Take over what is stored. Raises StoreError."""
        self.known.update({health.source: health for health in await self._store.load_health()})

    def follow(self, collected: Collected) -> set[str]:
        """Remember how a source fares, if it is watched; the units that must be decided because of it."""
        watches = self._watches.get(collected.source)
        if not watches:
            return set()
        before = self.known.get(collected.source)
        owner = before.owner if before else watches[0].owner
        health = after_poll(before, collected, owner)
        self.remember(health)
        turned = _turned(before, health, watches)
        touched = {owner} if turned or collected.failure or not collected.readings else set()
        if turned:  # a unit without a row is silent only while the source as such speaks
            touched.update(unit for watch in watches for unit in watch.expects)
        return touched

    def remember(self, health: SourceHealth) -> None:
        """What is known of a source besides its answers."""
        self.known[health.source] = self._changed[health.source] = health

    def changed(self) -> Mapping[str, SourceHealth]:
        """What is to be stored by now."""
        return dict(self._changed)

    async def save(self, changed: Mapping[str, SourceHealth]) -> None:
        """Store what had changed; while the store is away it waits."""
        if self._line.away or not changed:
            return
        self._changed = {source: one for source, one in self._changed.items() if one is not changed.get(source)}
        try:
            await self._line.ask(lambda: self._store.save_health(tuple(changed.values())))
        except BaseException as broken:
            self._changed = {**changed, **self._changed}
            if not isinstance(broken, StoreError):
                raise
            self._line.lost(str(broken))


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
