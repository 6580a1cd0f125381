"""What must hold of every run, from the truth outward: what the sources really said and which telephones rang.

I1 no outage unheard, I2 no false alarm, I3 every step called, I4 rings bounded, I5 none early, I6 silence after an
answer, I7 the board is the disk, I8 what was accepted is there, I9 the outbox empties, I10 every answer is in the
audit, I13 the auditor of plans finds no gap. I6 is also watched at every claim, I7 and I13 every half minute while the
run goes on. Our own tables are believed for one thing only: when an incident was opened, and even that must agree with
the answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from monitor.adapters.store.memory import MemoryStore
from monitor.testing.clock import run
from monitor.testing.doubles import Ring
from monitor.testing.ending import board_at_the_end, disk_at_the_end
from monitor.testing.ledger import RECOVERIES, Ledger
from monitor.testing.site import (
    BAD_IN_A_ROW,
    COMMUNES,
    DEADLINE,
    FEED,
    FEED_POLL,
    GOAL,
    GOOD_IN_A_ROW,
    MAX_SILENCE,
    POLL,
    PROBED,
    PROVINCE,
    REPEAT,
    STEPS,
)
from monitor.testing.truth import FIRST_WAY, bad_runs, fine_since, first_answer, kept, mute_runs, opened, pages, was_bad

OPENS = (BAD_IN_A_ROW + 1) * POLL + 20  # seconds of a well service from the second bad answer to the incident
CALLS = 150.0  # seconds of a well service and provider from a due call to its ring: the longest back-off and more
CLOSES = 90.0  # seconds of a well service from the last good answer that was needed to silence
ON_THE_WIRE = 15.0  # seconds in which what was claimed before may still ring


def check(ledger: Ledger, disk: MemoryStore) -> list[str]:
    """Every promise that was broken; empty when none was."""
    found = [
        *ledger.wrong,
        *_outages(ledger),
        *_false_alarms(ledger),
        *_extra_rings(ledger),
        *_early(ledger),
        *_after_answers(ledger),
        *_silences(ledger),
        *_overdue(ledger),
        *board_at_the_end(ledger),
    ]
    return [*found, *run(disk_at_the_end(ledger, disk))]


def _outages(ledger: Ledger) -> Iterator[str]:
    """I1 and I3: who must have been called during each outage, and was not."""
    for unit in PROBED:
        for healthy, second, end in bad_runs(ledger, unit):
            until = min(end, first_answer(ledger, unit, healthy, end))
            for role, after in STEPS:
                by = ledger.well_after(ledger.well_after(second, OPENS) + after, CALLS, FIRST_WAY[role])
                calls = [at for ring in pages(ledger, unit, "outage", role) if healthy < (at := ledger.at(ring.at))]
                if by < until and not any(at <= by for at in calls):
                    name = "I3" if after else "I1"
                    yield f"{name}: {unit} is down since {second:.0f}, {role} was not called by {by:.0f}"
                if role == STEPS[-1][0]:
                    yield from _gaps(ledger, unit, [at for at in calls if second <= at < until], until)


def _gaps(ledger: Ledger, unit: str, calls: list[float], until: float) -> Iterator[str]:
    """I3 for repeats: never longer than the interval without a ring."""
    for second, following in pairwise([*calls, until]):
        by = ledger.well_after(second + REPEAT, CALLS, "sms")
        if by < following:
            yield f"I3: {unit}: the call of {second:.0f} was not repeated by {by:.0f}"


def _false_alarms(ledger: Ledger) -> Iterator[str]:
    """I2: a page about a unit that was never down, that is fine again, or twice about one outage."""
    for unit in PROBED:
        rings = list(pages(ledger, unit, "outage"))
        for ring in rings:
            at = ledger.at(ring.at)
            if not was_bad(ledger, unit, at):
                yield f"I2: {ring.key} rang at {at:.0f}, {unit} was never down"
            fine = fine_since(ledger, unit, at)
            if fine is not None and ledger.well_after(fine, CLOSES) + ON_THE_WIRE < at:
                yield f"I2: {ring.key} rang at {at:.0f}, {unit} is fine since {fine:.0f}"
        yield from _twice(ledger, unit, rings)
    for ring in ledger.rings:
        if ring.notice.kind == "outage" and ring.notice.unit not in PROBED:
            yield f"I2: {ring.key}: only probed units can have an outage"


def _twice(ledger: Ledger, unit: str, rings: list[Ring]) -> Iterator[str]:
    """Two incidents need health between them: a restart alone opens none."""
    begun = sorted({(opened(ledger, ring), ring.notice.incident) for ring in rings})
    for (one, first), (two, second) in pairwise(begun):
        good = sum(1 for answer, _ in kept(ledger, f"probe/{unit}") if answer.good and one < answer.second < two)
        if good < GOOD_IN_A_ROW:
            yield f"I2: {second} follows {first} with {good} good answers between them"


def _extra_rings(ledger: Ledger) -> Iterator[str]:
    """I4: a key rings once, and once more for each lost reply, death and refused mark."""
    for key, times in Counter(ring.key for ring in ledger.rings).items():
        if times > 1 + ledger.excuses[key]:
            yield f"I4: {key} rang {times} times with {ledger.excuses[key]} excuses"


def _early(ledger: Ledger) -> Iterator[str]:
    """I5: no call before its time, counted from an opening that the answers allow."""
    for unit in PROBED:
        for ring in pages(ledger, unit, "outage"):
            _, generation, step, repeat, _, _ = ring.key.rsplit("/", 5)
            began, rang = opened(ledger, ring), ledger.at(ring.at)
            due = began + STEPS[int(step)][1] + int(repeat) * REPEAT
            if rang < due:
                yield f"I5: {ring.key} rang at {rang:.1f}, due at {due:.1f}"
            if not was_bad(ledger, unit, began):
                yield f"I5: {ring.notice.incident} was opened before {unit} was down"
            if generation != "0":
                yield f"I5: {ring.key}: an outage cannot get worse"


def _after_answers(ledger: Ledger) -> Iterator[str]:
    """I6 at the telephone: it is silent once the answer of a person is on disk."""
    for ring in ledger.rings:
        answered = ledger.acked.get(ring.notice.incident)
        if answered is None or ring.notice.kind in RECOVERIES:
            continue
        if int(ring.key.rsplit("/", 5)[1]) <= answered[1] and ledger.at(ring.at) > answered[0] + ON_THE_WIRE:
            yield f"I6: {ring.key} rang at {ledger.at(ring.at):.0f}, answered at {answered[0]:.0f}"


def _silences(ledger: Ledger) -> Iterator[str]:
    """I1 and I2 for the feed: its owner hears of every long silence and of no other."""
    rings = [ring for ring in ledger.rings if ring.notice.kind == "silent"]
    for ring in rings:
        at = ledger.at(ring.at)
        spoke = max((a.second for a, sure in kept(ledger, FEED) if a.good and sure and a.second <= at), default=0.0)
        if ring.notice.unit != PROVINCE:
            yield f"I2: {ring.key}: every commune has its row"
        elif at - spoke < MAX_SILENCE and ledger.well_after(spoke, CLOSES) + ON_THE_WIRE < at:
            yield f"I2: {ring.key} rang at {at:.0f}, the feed spoke at {spoke:.0f}"
    for since, end in mute_runs(ledger):
        by = ledger.well_after(since + MAX_SILENCE, FEED_POLL + CALLS, "sms")
        called = any(since < ledger.at(ring.at) <= by for ring in rings)
        if by < min(end, first_answer(ledger, PROVINCE, since, end)) and not called:
            yield f"I1: the feed is silent since {since:.0f}, nobody was called by {by:.0f}"


def _overdue(ledger: Ledger) -> Iterator[str]:
    """I1, I2 and I5 for the deadline: who missed the goal is told after it, and nobody else."""
    deadline = ledger.at(DEADLINE)
    known = min((a.second for a, sure in kept(ledger, FEED) if a.good and sure), default=ledger.script.seconds)
    by = ledger.well_after(max(deadline, known), CALLS, "sms")
    for ring in ledger.rings:
        if ring.notice.kind == "overdue" and ledger.at(ring.at) < deadline:
            yield f"I5: {ring.key} rang before the deadline"
    for commune in COMMUNES:
        values = [value for _, value in ledger.script.values[commune]]
        if min(values) >= GOAL:
            yield from (f"I2: {ring.key}: the goal was always met" for ring in pages(ledger, commune, "overdue"))
        if max(values) < GOAL and by < ledger.script.seconds and not _told(ledger, commune, by):
            yield f"I1: {commune} missed the goal, nobody was told by {by:.0f}"


def _told(ledger: Ledger, commune: str, by: float) -> bool:
    answered = first_answer(ledger, commune, ledger.at(DEADLINE), by) < by
    return answered or any(ledger.at(ring.at) <= by for ring in pages(ledger, commune, "overdue", "focal"))
