"""Derived figures: what one answer of a probe costs, and what its sums take in memory and on disk."""

from __future__ import annotations

import gc
import random
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from bench.measure import Figure, best
from monitor.adapters.store import codec
from monitor.engine.rolling import DAY, HOUR, Derived, Plan, What, figure, roll
from monitor.model.hours import Calendar
from monitor.model.rolling import Answer, Rolling
from monitor.model.state import UnitState

_START = datetime(2025, 8, 1, tzinfo=UTC)
_CALENDAR = Calendar(frozenset(), frozenset(), ZoneInfo("Asia/Ho_Chi_Minh"))
_MONTH = Derived("a", What.AVAILABILITY, 30 * DAY)
_SLOW = Derived("b", What.P95, 6 * HOUR)
_PLAN = Plan("probe", 60.0, (_MONTH, _SLOW, Derived("c", What.LOSS, 2 * HOUR)))
_DAYS = 31  # until as many hours and days are kept as ever will be
_PROBES = 50  # whose memory is measured
_ROUNDS = 5


def run() -> list[Figure]:
    """Microseconds and bytes of one probe from which availability, p95 and loss are derived, asked every minute."""
    answers = _answers(_DAYS * 24 * 60)
    rolled = 1e6 * median(best(lambda: _rolled(answers), 1).cpu for _ in range(_ROUNDS)) / len(answers)
    listed = 1e6 * median(best(lambda: _listed(answers), 1).cpu for _ in range(_ROUNDS)) / len(answers)
    now = _rolled(answers)
    told = median(1e6 * best(lambda: figure(_SLOW, now, answers[-1].at, _CALENDAR), 1).cpu for _ in range(_ROUNDS))
    day = answers[-24 * 60 :]
    kept = _bytes(lambda: _rolled(day[-59:], _unshared(now)))
    plain = _bytes(lambda: _listed(day))
    document = len(codec.STATE.encode(UnitState("19", rolling={"probe": _open(now)})))
    assert now.hours is not None and now.days is not None
    closed = len(now.hours.closed) + len(now.days.closed)
    append = "append to a list that forgets after a day"
    return [
        Figure("one answer into the sums", rolled, "CPU us", listed, append),
        Figure("p95 of 6 hours", told, "CPU us", rolled, "one answer"),
        Figure("sums of a probe in memory", kept, "bytes", plain, "a day of answers in a list"),
        Figure("33,210 probes in memory", 33_210 * kept / 2**20, "MiB"),
        Figure("written with each answer", document, "bytes", closed, "written once an hour"),
    ]


def _answers(number: int) -> list[Answer]:
    chance = random.Random(766)
    return [
        Answer("19", "probe", _START + timedelta(minutes=n), chance.random() > 0.01, chance.lognormvariate(-1, 0.6))
        for n in range(number)
    ]


def _rolled(answers: Sequence[Answer], before: Rolling | None = None) -> Rolling:
    now = before
    for answer in answers:
        at = answer.at if before is None else answer.at + timedelta(days=1)
        now = roll(now, answer if before is None else replace(answer, at=at), _PLAN, _CALENDAR)
    assert now is not None
    return now


def _listed(answers: Sequence[Answer]) -> list[tuple[float, bool, float | None]]:
    kept: list[tuple[float, bool, float | None]] = []
    for answer in answers:
        kept.append((answer.at.timestamp(), answer.good, answer.seconds))
        if len(kept) > 2 * 24 * 60:
            del kept[: 24 * 60]
    return kept


def _bytes(make: Callable[[], object]) -> float:
    """What one of them takes, by the allocator."""
    gc.collect()
    tracemalloc.start()
    kept = [make() for _ in range(_PROBES)]
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return taken / len(kept)


def _unshared(rolling: Rolling) -> Rolling:
    """The same with closed sums of its own."""
    assert rolling.hours is not None and rolling.days is not None
    hours = replace(rolling.hours, closed=bytes(bytearray(rolling.hours.closed)))
    return replace(rolling, hours=hours, days=replace(rolling.days, closed=bytes(bytearray(rolling.days.closed))))


def _open(rolling: Rolling) -> Rolling:
    assert rolling.hours is not None and rolling.days is not None
    hours, days = replace(rolling.hours, closed=b""), replace(rolling.days, closed=b"")
    return replace(rolling, hours=hours, days=days)
