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
    run = _run(before, verdict, criterion, level, now)
    if not verdict.colour.known:
        return _show(run, verdict.colour, now)
    need = _need(run, criterion)
    if need is None or _ripe(run, need, now):
        return _settle(run, now)
    waiting = _waiting(run, need, now)
    return _show(waiting, run.level, now)


def _run(
    before: CriterionState | None, verdict: Verdict, criterion: Criterion, level: Level, now: datetime
) -> CriterionState:
    weight = criterion.weight.get(level, 0.0)
    started = verdict.as_of or now
    if before is None:
        return CriterionState(
            criterion.id,
            Colour.UNKNOWN,
            now,
            Colour.UNKNOWN,
            now,
            verdict.colour,
            started,
            1,
            verdict,
            weight,
            criterion.critical,
        )
    same = replace(before, verdict=verdict, weight=weight, critical=criterion.critical, caused_by=None)
    if before.raw is verdict.colour:
        news = verdict.received_at != before.verdict.received_at
        return replace(same, raw_count=before.raw_count + news)
    # A run that time alone starts (a deadline, an age) begins now, not at the old reading.
    by_time = verdict.received_at == before.verdict.received_at
    return replace(same, raw=verdict.colour, raw_since=now if by_time else started, raw_count=1)


def _need(run: CriterionState, criterion: Criterion) -> Need | None:
    if run.raw is run.level:
        return None
    if run.level is Colour.UNKNOWN:
        return criterion.hold if run.raw is Colour.RED else None
    return criterion.hold if run.raw.worse_than(run.level) else criterion.keep


def _ripe(run: CriterionState, need: Need, now: datetime) -> bool:
    return run.raw_count >= need.readings and now >= run.raw_since + timedelta(seconds=need.seconds)


def _settle(run: CriterionState, now: datetime) -> CriterionState:
    if run.level is not run.raw:
        run = replace(run, level=run.raw, level_since=now)
    return _show(run, run.raw, now)


def _waiting(run: CriterionState, need: Need, now: datetime) -> CriterionState:
    why = Reason(
        reasons.PENDING,
        {"raw": run.raw.value, "count": run.raw_count, "readings": need.readings, "seconds": need.seconds},
    )
    ripens = run.raw_since + timedelta(seconds=need.seconds)
    instants = [at for at in (run.verdict.recheck_at, ripens) if at is not None and at > now]
    verdict = replace(run.verdict, reasons=(*run.verdict.reasons, why), recheck_at=min(instants, default=None))
    return replace(run, verdict=verdict)


def _show(run: CriterionState, colour: Colour, now: datetime) -> CriterionState:
    return run if run.colour is colour else replace(run, colour=colour, since=now)
