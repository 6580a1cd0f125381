"""Holds: a new colour counts only after enough readings in a row and enough time; staleness overlays at once.

Three axes stay apart: `colour` is what is shown, `level` the last real colour, `raw` the present run of evidence.
A restart resets nothing, for all three are committed. The table, for a raw colour R against the level L:

    R unknown or excluded      -> shown at once, L stays
    L never known, R green/yellow -> shown at once (there is nothing to protect)
    R equals L                 -> L shown
    R worse than L, `for` met  -> R becomes the level        (before: L shown, or unknown if there is none)
    R better than L, `keep` met -> R becomes the level       (before: L shown)

What changes between yellow and red in every reading is never fine: the need of R is then met by all readings on R's
side of L together, and the colour between, yellow, becomes the level. A roll-up has no readings: its seconds count.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from monitor.engine import reasons
from monitor.engine.book import Criterion, Need
from monitor.model.colour import Colour
from monitor.model.unit import Level
from monitor.model.verdict import CriterionState, Reason, Verdict


class _Run(NamedTuple):
    since: datetime  # as_of of its first reading
    readings: int


def hold(
    before: CriterionState | None, verdict: Verdict, criterion: Criterion, level: Level, now: datetime
) -> CriterionState:
    """Next committed state of a criterion for a unit of `level`."""
    raw, before = verdict.colour, _not_after(now, before)
    run = _run(before, verdict, now)
    away = _away(before, verdict, run)
    colour = raw
    held, held_since = (before.level, before.level_since) if before is not None else (Colour.UNKNOWN, now)
    if raw.known and raw is not held:
        need = _need(raw, held, criterion)
        colour = _reached(verdict, held, run, away, need, now)
        if raw is not colour:
            verdict = _waiting(verdict, (run, away), need, now)
        if colour is not held:
            held, held_since, away = colour, now, run
    shown_since = before.since if before is not None and before.colour is colour else now
    return CriterionState(
        criterion=criterion.id,
        colour=colour,
        since=shown_since,
        level=held,
        level_since=held_since,
        raw=raw,
        raw_since=run.since,
        raw_count=run.readings,
        verdict=verdict,
        weight=criterion.weight.get(level, 0.0),
        critical=criterion.critical,
        away_since=away.since,
        away_count=away.readings,
    )


def _run(before: CriterionState | None, verdict: Verdict, now: datetime) -> _Run:
    """Since when, and for how many readings, the evidence has had its present colour."""
    started = verdict.as_of or now
    if before is None:
        return _Run(started, 1)
    news = verdict.received_at != before.verdict.received_at
    if before.raw is verdict.colour:
        return _Run(before.raw_since, before.raw_count + news)
    # A run that time alone starts (a deadline, an age) begins now, not at the old reading.
    return _Run(started if news else now, 1)


def _away(before: CriterionState | None, verdict: Verdict, run: _Run) -> _Run:
    """The same for evidence that is on one side of the level, whichever colour it has there."""
    if before is None or before.away_since is None or not _same_side(before, verdict.colour):
        return run
    return _Run(before.away_since, before.away_count + (verdict.received_at != before.verdict.received_at))


def _same_side(before: CriterionState, raw: Colour) -> bool:
    worse, better = raw.worse_than(before.level), before.level.worse_than(raw)
    return (worse and before.raw.worse_than(before.level)) or (better and before.level.worse_than(before.raw))


def _need(raw: Colour, held: Colour, criterion: Criterion) -> Need:
    if held is Colour.UNKNOWN:
        return criterion.hold if raw is Colour.RED else Need()
    return criterion.hold if raw.worse_than(held) else criterion.keep


def _reached(verdict: Verdict, held: Colour, run: _Run, away: _Run, need: Need, now: datetime) -> Colour:
    if _ripe(run, verdict, need, now):
        return verdict.colour
    return Colour.YELLOW if _ripe(away, verdict, need, now) else held


def _ripe(run: _Run, verdict: Verdict, need: Need, now: datetime) -> bool:
    enough = run.readings >= need.readings or verdict.received_at is None  # a roll-up has no readings to count
    return enough and now >= run.since + timedelta(seconds=need.seconds)


def _not_after(now: datetime, before: CriterionState | None) -> CriterionState | None:
    """A run from before our clock was set back is taken to begin now, or it would wait until that has caught up."""
    if before is None or max(before.raw_since, before.away_since or before.raw_since) <= now:
        return before
    away_since = None if before.away_since is None else min(before.away_since, now)
    return replace(before, raw_since=min(before.raw_since, now), away_since=away_since)


def _waiting(verdict: Verdict, runs: tuple[_Run, _Run], need: Need, now: datetime) -> Verdict:
    why = Reason(
        reasons.PENDING,
        {"raw": verdict.colour.value, "count": runs[0].readings, "readings": need.readings, "seconds": need.seconds},
    )
    ripens = (run.since + timedelta(seconds=need.seconds) for run in runs)
    instants = [at for at in (verdict.recheck_at, *ripens) if at is not None and at > now]
    return replace(verdict, reasons=(*verdict.reasons, why), recheck_at=min(instants, default=None))
