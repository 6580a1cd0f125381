"""Whatever is done to a store, the file and the memory answer the same: each is the other's model."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from operator import methodcaller
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from monitor.adapters.store import MemoryStore, SqlStore
from monitor.alerting.limits import Limits, Rate
from monitor.alerting.outcome import take_over
from monitor.model.colour import Colour
from monitor.model.errors import Conflict
from monitor.model.incident import LATER, Incident, Notice, Outcome, Phase, Receipt, reference
from monitor.model.reading import SourceHealth
from monitor.model.state import Decision, UnitState, Withhold
from monitor.ports import Lease
from tests.contract.store_facts import at, decision, entry, incident, notice, reading, transition

UNITS = st.sampled_from(["00010", "00020", "00030"])
KEYS = st.sampled_from("abcd")
CHANNELS = st.sampled_from(["log", "email"])
SECONDS = st.integers(0, 40)
RATES = st.none() | st.builds(Rate, st.integers(1, 2), st.sampled_from([5.0, 30.0]))
LIMITS = st.builds(Limits, RATES, RATES, st.none() | st.integers(1, 4), st.integers(0, 1))
Key = tuple[str, int, str, str]  # incident, generation, what of it, channel
WELL = (Phase.CLOSING, Phase.UNANSWERED, Phase.CLOSED)
VALUES = st.sampled_from([True, False, 1.0, 0.0, 80.5, "partly", "1.0"])


def few(facts: st.SearchStrategy[Any], most: int) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(facts, max_size=most).map(tuple)


def episode(key: str, over: float, **more: Any) -> Incident:
    made = replace(incident(key, **more), unit=key.partition("/")[0])
    closed = at(over + 5) if made.phase is Phase.CLOSED else None
    return replace(made, closed_at=closed, well_since=at(over) if made.phase in WELL else None)


def message(key: Key, requires: Key | None, **more: Any) -> Notice:
    """Of an incident's generation, and good news where it requires another one."""
    return notice(named(key), incident=key[0], channel=key[3], requires=requires and named(requires), **more)


def named(key: Key) -> str:
    of, generation, step, channel = key
    return f"{of}/{generation}/{step}/focal/{channel}"


def instead(key: Key) -> Withhold:
    return Withhold(key[0], LATER, notices=frozenset({named(key)}))


def changes_of(unit: str) -> st.SearchStrategy[dict[str, Any]]:
    """What a decision about this unit may bring. An incident belongs to one unit, and so do its notices."""
    incidents = st.sampled_from([f"{unit}/portal/1", f"{unit}/portal/2"])  # the second one is a relapse of the first
    keys = st.tuples(incidents, st.integers(0, 1), KEYS, CHANNELS)
    owed = st.builds(message, keys, st.none() | keys, due=SECONDS, urgent=st.booleans())
    withheld = st.builds(Withhold, incidents, st.sampled_from(["acknowledged", "worsened"])) | keys.map(instead)
    return st.fixed_dictionaries(
        {
            "incidents": few(st.builds(episode, incidents, SECONDS, opened=SECONDS, phase=st.sampled_from(Phase)), 2),
            "notices": few(owed, 3),
            "withheld": few(withheld, 2),
            "readings": few(st.builds(reading, VALUES, unit=st.just(unit), as_of=SECONDS.map(at)), 3),
            "transitions": few(st.builds(transition, st.sampled_from(Colour), unit=st.just(unit)), 1),
            "audit": few(st.builds(entry, detail=st.sampled_from(["", "đã nhận"])), 1),
        }
    )


DRAWN = UNITS.flatmap(lambda unit: st.tuples(st.just(unit), changes_of(unit), st.integers(0, 9)))


class TwoStores(RuleBasedStateMachine):
    """Does everything twice and compares."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.memory = MemoryStore()
        self.file = SqlStore(Path(self.folder.name) / "denbao.db")
        self.now = 0.0
        self.leases: list[Lease] = []
        self.states: dict[str, UnitState] = {}
        self.both(lambda store: store.open())

    def both(self, act: Callable[[Any], Awaitable[Any]]) -> Any:
        """The one answer of both stores."""

        async def answer(store: Any) -> Any:
            try:
                return await act(store)
            except Conflict as conflict:
                return f"conflict over {conflict.unit}"

        expected, found = self.runner.run(answer(self.memory)), self.runner.run(answer(self.file))
        assert found == expected
        return expected

    @rule(drawn=st.lists(DRAWN, min_size=1, max_size=3))
    def commit(self, drawn: list[tuple[str, dict[str, Any], int]]) -> None:
        """Mostly with the version that is stored; one in ten is out of date."""
        states, decisions = dict(self.states), list[Decision]()
        for unit, changes, chance in drawn:
            before = states.get(unit, UnitState(unit))
            stale = replace(before, version=before.version + (chance == 0))
            decisions.append(decision(stale, **changes))
            states[unit] = replace(before, version=before.version + 1)
        answer = self.both(lambda store: store.commit(decisions))
        if not isinstance(answer, str):
            self.states |= {state.unit: state for state in answer}

    @rule(channel=CHANNELS, owner=st.sampled_from(["me", "you"]), limit=st.integers(0, 3), seconds=st.integers(1, 20))
    def lease(self, channel: str, owner: str, limit: int, seconds: int) -> None:
        self.leases += self.both(lambda store: store.lease(channel, owner, at(self.now), limit, seconds))

    @rule(by=st.integers(0, 90), beyond=st.integers(0, 60))
    def the_clock_was_set_back(self, by: int, beyond: int) -> None:
        self.both(lambda store: store.hasten(at(self.now), float(by), float(beyond)))

    @rule(channel=CHANNELS, limits=LIMITS, limit=st.integers(0, 3))
    def lease_within_limits(self, channel: str, limits: Limits, limit: int) -> None:
        self.leases += self.both(lambda store: store.lease(channel, "me", at(self.now), limit, 20, limits=limits))

    @rule(
        data=st.data(),
        channel=CHANNELS,
        final=st.sampled_from(["delivered", "failed", "seen"]),
        following=st.none() | CHANNELS,
    )
    def a_provider_tells_later(self, data: st.DataObject, channel: str, final: str, following: str | None) -> None:
        names = [reference(lease.notice.key) for lease in self.leases]
        name = data.draw(st.sampled_from(["", "said", "nothing", *names]))

        def instead(lost: Notice) -> Notice | None:
            return take_over(lost, following) if following else None

        self.both(lambda store: store.heard_later(channel, name, final, at(self.now), instead))

    @rule(data=st.data(), outcome=st.sampled_from(Outcome), next_channel=st.none() | CHANNELS)
    def hand_on(self, data: st.DataObject, outcome: Outcome, next_channel: str | None) -> None:
        """Settle, and let another channel take over."""
        if self.leases:
            lease = data.draw(st.sampled_from(self.leases))
            instead = take_over(lease.notice, next_channel) if next_channel else None
            receipt = Receipt(outcome, "handed on", id=data.draw(st.sampled_from(["", "said"])))
            self.both(lambda store: store.settle(lease, receipt, at(self.now), None, instead))

    @rule(data=st.data(), outcome=st.sampled_from(Outcome), wait=st.none() | SECONDS)
    def settle(self, data: st.DataObject, outcome: Outcome, wait: int | None) -> None:
        """Any claim ever made, also one that is settled or taken over."""
        if self.leases:
            lease = data.draw(st.sampled_from(self.leases))
            next_at = None if wait is None else at(self.now + wait)
            self.both(lambda store: store.settle(lease, Receipt(outcome, "said"), at(self.now), next_at))

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @rule(source=KEYS, owner=UNITS)
    def health(self, source: str, owner: str) -> None:
        self.both(lambda store: store.save_health([SourceHealth(source, owner, last_success=at(self.now))]))

    @rule()
    def restart(self) -> None:
        self.both(lambda store: store.close())
        self.both(lambda store: store.open())

    @invariant()
    def the_outbox_is_the_same(self) -> None:
        self.both(lambda store: store.deliveries())
        self.both(lambda store: store.next_due("log"))

    def teardown(self) -> None:
        """Compare everything else once, at the end."""
        try:
            self.compare()
        finally:
            self.runner.run(self.file.close())
            self.runner.close()
            self.folder.cleanup()

    def compare(self) -> None:
        for unit in ("00010", "00020", "00030"):
            self.both(methodcaller("readings", unit, "kpi"))
            self.both(methodcaller("transitions", unit))
        for name in ("load_states", "load_health", "incidents", "outbox", "outcomes", "audit_trail"):
            self.both(methodcaller(name))
        self.both(methodcaller("owed", [f"{unit}/{name}" for unit in ("00010", "00020", "00030") for name in "ij"]))
        self.both(methodcaller("open_after", "00010/portal/1", 2))
        self.both(methodcaller("unheard", at(30)))
        self.both(methodcaller("unheard", at(30), calm=at(10)))
        self.both(lambda store: store.incidents(open_only=False, limit=1))
        self.both(lambda store: store.incident("ABCDEF"))


TestTwoStores = TwoStores.TestCase
TestTwoStores.settings = settings(max_examples=settings().max_examples // 6, stateful_step_count=25)
