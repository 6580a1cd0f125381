"""A process to be killed: commits rounds, sends what they owe, and says each thing once it is on disk."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from monitor.adapters.store import SqlStore
from monitor.model.colour import Colour
from monitor.model.state import Decision, UnitState
from tests.contract.store_facts import SENT, at, decision, entry, incident, notice, reading, transition

UNITS = ("00010", "00020", "00030")


def round_of(states: list[UnitState]) -> list[Decision]:
    """The next decision about each unit; everything in it carries the number of the round."""
    number = states[0].version + 1
    return [
        decision(
            state,
            incidents=(incident(f"{state.unit}/{number}", opened=number),),
            notices=(notice(f"{state.unit}/{number}", incident=f"{state.unit}/{number}", due=number),),
            readings=(reading(float(number), unit=state.unit, as_of=at(number)),),
            transitions=(transition(Colour.RED, unit=state.unit, seconds=number),),
            audit=(entry(f"round {number}", state.unit),),
        )
        for state in states
    ]


def say(done: str, what: object) -> None:
    sys.stdout.write(f"{done} {what}\n")
    sys.stdout.flush()


async def send_what_is_owed(store: SqlStore, seconds: float, sent: Path, owner: str) -> None:
    """Claim, "send" by a line in a file, settle. A claim lasts less than a round, so the next process takes it over."""
    for lease in await store.lease("log", owner, at(seconds), 10, 0.5):
        with sent.open("a") as file:
            file.write(f"{lease.notice.key}\n")
        assert await store.settle(lease, SENT, at(seconds))
        say("sent", lease.notice.key)


async def main(path: Path, owner: str) -> None:
    """Until killed."""
    store = SqlStore(path)
    await store.open()
    states = list(await store.load_states()) or [UnitState(unit) for unit in UNITS]
    while True:
        states = list(await store.commit(round_of(states)))
        say("committed", states[0].version)
        await send_what_is_owed(store, states[0].version, path.with_name("sent"), owner)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
