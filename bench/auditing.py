"""One run of the auditor, and the question for calls that nobody took, over 100,000 open incidents on disk."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from bench.measure import Figure, Spent, Watch
from bench.nation import national_policy
from monitor.adapters.clock import SystemClock
from monitor.adapters.store import open_store
from monitor.model.colour import Colour
from monitor.model.incident import Address, Incident, Kind, Notice, Step
from monitor.model.state import Decision, UnitState
from monitor.ports import Store
from monitor.service.auditor import Auditor
from monitor.service.evaluator import Evaluator

INCIDENTS, FAILING = 100_000, 1000
_AT_ONCE = 500  # incidents in one commit
_STEPS = (("focal", -600.0), ("head", 1800.0), ("chair", 7200.0))  # role, seconds from now


def run() -> list[Figure]:
    """Processor time of all threads; the reference is reading the open incidents once, which a full look must."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measured(Path(folder)))


async def _measured(folder: Path) -> list[Figure]:
    clock, policy = SystemClock(), national_policy()
    store, now = open_store("sqlite:bench.db", folder), clock.now()
    await store.open()
    await _fill(store, [unit.code for unit in policy.units], now)
    with closing(sqlite3.connect(folder / "bench.db", isolation_level=None)) as file:
        file.execute("UPDATE notice SET state = 'sent', attempt = 1")
    auditor = Auditor(store, Evaluator(policy, store, clock, lambda _: None), clock, 60.0, 60.0)
    reading = await _spent(lambda: store.incidents(open_only=True, limit=INCIDENTS))
    runs = sorted([await _spent(auditor.look) for _ in range(3)], key=lambda spent: spent.cpu)
    asking = await _spent(lambda: store.unheard(now))
    with closing(sqlite3.connect(folder / "bench.db", isolation_level=None)) as file:
        file.execute("UPDATE notice SET state = 'refused' WHERE rowid <= ?", (FAILING,))
    failing = await _spent(lambda: store.unheard(now))
    await store.close()
    against = reading.cpu, "reading every open incident once"
    return [
        Figure("open incidents", INCIDENTS, ""),
        Figure("one run of the auditor, processor", runs[1].cpu, "CPU s", *against),
        Figure("  on the wall", runs[1].wall, "s"),
        Figure("asking for calls that nobody took, where there are none", asking.cpu, "CPU s", *against),
        Figure(f"  where there are {FAILING:,}", failing.cpu, "CPU s", *against),
    ]


async def _spent(work: Callable[[], Awaitable[object]]) -> Spent:
    with Watch() as watch:
        await work()
    return watch.spent


async def _fill(store: Store, units: list[str], now: datetime) -> None:
    """Incidents of every unit in turn, each called once, the next call half an hour away."""
    states = {code: UnitState(code) for code in units}
    for start in range(0, INCIDENTS, _AT_ONCE):
        made = [_opened(units[number % len(units)], number, now) for number in range(start, start + _AT_ONCE)]
        decisions = [
            Decision(states[one.unit], states[one.unit], incidents=(one,), notices=(told,)) for one, told in made
        ]
        states |= {state.unit: state for state in await store.commit(decisions)}


def _opened(unit: str, number: int, now: datetime) -> tuple[Incident, Notice]:
    opened, cause = now - timedelta(seconds=600), f"cause{number}"
    key, ref = f"{unit}/{cause}/{opened.isoformat()}", f"{number:06}"
    steps = tuple(
        Step(now + timedelta(seconds=after), (Address(f"{role}-{unit}", "sms"),), role) for role, after in _STEPS
    )
    first = Step(steps[0].due_at, steps[0].to, steps[0].role, fired=1, called="0/0/0")
    (to,) = first.to
    told = Notice(
        f"{key}/0/0/0/{to.recipient}/{to.channel}", key, ref, unit, "outage", to.recipient, to.channel, first.due_at,
        "Cảnh báo đỏ", "Trung tâm mất kết nối", "Trung tam mat ket noi", urgent=True, cause=cause,
        trouble=Kind.OUTAGE, colour=Colour.RED,
    )  # fmt: skip
    incident = Incident(
        key, ref, unit, cause, Kind.OUTAGE, Colour.RED, opened, policy="alarm", steps=(first, *steps[1:]),
        facts={"since": opened, "reason": "timeout"}, owed=(told.key,),
    )  # fmt: skip
    return incident, told
