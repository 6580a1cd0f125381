"""Holds: a new colour counts only after enough readings in a row and enough time; staleness overlays at once.

Three axes stay apart: `colour` is what is shown, `level` the last real colour, `raw` the present run of evidence.
A restart resets nothing, for all three are committed. The table, for a raw colour R against the level L:

    R unknown or excluded      -> shown at once, L stays
    L never known, R green/yellow -> shown at once (there is nothing to protect)
    R equals L                 -> L shown
    R worse than L, `for` met  -> R becomes the level        (before: L shown, or unknown if there is none)
    R better than L, `keep` met -> R becomes the level       (before: L shown)
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from monitor.engine import reasons
from monitor.engine.book import Criterion, Need
from monitor.model.colour import Colour
from monitor.model.unit import Level
from monitor.model.verdict import CriterionState, Reason, Verdict


def hold(
    before: CriterionState | None, verdict: Verdict, criterion: Criterion, level: Level, now: datetime
) -> CriterionState:
    """Next committed state of a criterion for a unit of `level`."""
    raw = verdict.colour
    raw_since, raw_count = _run(before, verdict, now)
    colour = raw
    held, held_since = (before.level, before.level_since) if before is not None else (Colour.UNKNOWN, now)
    if raw.known and raw is not held:
        need = _need(raw, held, criterion)
        if need is None or _ripe(raw_since, raw_count, need, now):
            held, held_since = raw, now
        else:
            colour, verdict = held, _waiting(verdict, raw_since, raw_count, need, now)
    shown_since = before.since if before is not None and before.colour is colour else now
    return CriterionState(
        criterion=criterion.id,
        colour=colour,
        since=shown_since,
        level=held,
        level_since=held_since,
        raw=raw,
        raw_since=raw_since,
        raw_count=raw_count,
        verdict=verdict,
        weight=criterion.weight.get(level, 0.0),
        critical=criterion.critical,
    )


def _run(before: CriterionState | None, verdict: Verdict, now: datetime) -> tuple[datetime, int]:
    """Since when, and for how many readings, the evidence has had its present colour."""
    started = verdict.as_of or now
    if before is None:
        return started, 1
    news = verdict.received_at != before.verdict.received_at
    if before.raw is verdict.colour:
        return before.raw_since, before.raw_count + news
    # A run that time alone starts (a deadline, an age) begins now, not at the old reading.
    return (started if news else now), 1


def _need(raw: Colour, held: Colour, criterion: Criterion) -> Need | None:
    if held is Colour.UNKNOWN:
        return criterion.hold if raw is Colour.RED else None
    return criterion.hold if raw.worse_than(held) else criterion.keep


def _ripe(since: datetime, count: int, need: Need, now: datetime) -> bool:
    return count >= need.readings and now >= since + timedelta(seconds=need.seconds)


def _waiting(verdict: Verdict, since: datetime, count: int, need: Need, now: datetime) -> Verdict:
    why = Reason(
        reasons.PENDING,
        {"raw": verdict.colour.value, "count": count, "readings": need.readings, "seconds": need.seconds},
    )
    ripens = since + timedelta(seconds=need.seconds)
    instants = [at for at in (verdict.recheck_at, ripens) if at is not None and at > now]
    return replace(verdict, reasons=(*verdict.reasons, why), recheck_at=min(instants, default=None))
