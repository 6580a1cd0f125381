"""Holds: a new colour counts only after enough readings and enough time; staleness overlays at once.

Three axes stay apart: `colour` is what is shown, `level` the last real colour, `raw` the present run of evidence.
A restart resets nothing, for all three are committed. The table, for a raw colour R against the level L:

    R unknown or excluded      -> shown at once, L stays
    R maintenance              -> shown at once, L becomes maintenance: what was before it is forgotten
    flapping                   -> the worst of the window is shown; whom to tell goes by L as it was before
    L never known, or maintenance, R green/yellow -> shown at once (there is nothing to protect)
    R equals L                 -> L shown
    R worse than L, `for` met  -> R becomes the level        (before: L shown; unknown or maintenance if there is none)
    R better than L, `keep` met -> R becomes the level       (before: L shown)

What changes between yellow and red in every reading is never fine: the need of R is then met by all readings on R's
side of L together, and the colour between, yellow, becomes the level. A roll-up has no readings: its seconds count.

A need is met by readings in a row (`2x`), by a time (`90s`), by both, or by N of the last M readings (`3 of 5`). These
are the readings since L became the level and since the last silence: an old reading that has already been answered
neither pages again nor helps to recover.

Flapping is judged in monitor.engine.flapping. It ends when its share is low *and* the colour that is then true is L or
has met its need; so its end tells the state that is true, whichever it is.

Two clocks: `since` is the age of the shown colour, `episode_since` that of the event: the first reading of the run that
was at least as far from the level before as the present one. A gap in the evidence of at most four times the promised
cadence does not interrupt an event; a longer one starts its age anew, and forgets what was counted before it. The
promise is the one that was in force when the gap began. All this concerns age, never freshness: what is too old is
unknown at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from monitor.engine import reasons
from monitor.engine.book import Criterion, Need
from monitor.engine.flapping import Swing, colours_of, pinned, remembered, spelt, swing
from monitor.model.colour import Colour
from monitor.model.unit import Level
from monitor.model.verdict import CriterionState, Param, Reason, Verdict

BRIDGED = 4  # promised cadences that an event survives without evidence


class _Run(NamedTuple):
    since: datetime  # as_of of its first reading
    readings: int


class _Past(NamedTuple):
    """What the readings so far have left behind."""

    recent: str  # as CriterionState.recent
    tally: int  # readings at its end that `N of M` may count
    seen: datetime | None  # as CriterionState.seen
    back_since: datetime | None  # as CriterionState.back_since
    promise: float  # as CriterionState.promise


class _Case(NamedTuple):
    """One verdict on its way through the table. `base` is the level that holds start from."""

    verdict: Verdict
    base: Colour
    run: _Run
    away: _Run
    past: _Past
    need: Need
    now: datetime


def hold(
    before: CriterionState | None,
    verdict: Verdict,
    criterion: Criterion,
    level: Level,
    now: datetime,
    cadence: float = 0.0,
) -> CriterionState:
    """Next committed state of a criterion for a unit of `level`.

    `cadence` is what the source promises now: seconds between two readings, 0 when nothing is promised.
    """
    before = _not_after(now, before)
    if verdict.colour is Colour.MAINTENANCE:
        return rest(before, verdict, criterion, level, now)
    if before is not None and _says_again(before, verdict, criterion):
        return _go_on(before, verdict, criterion, level, now, cadence)
    return _by_table(before, verdict, criterion, level, now, cadence)


def _by_table(
    before: CriterionState | None,
    verdict: Verdict,
    criterion: Criterion,
    level: Level,
    now: datetime,
    cadence: float,
) -> CriterionState:
    base, run = Colour.UNKNOWN if before is None else before.steady, _run(before, verdict, now)
    need = _need(verdict.colour, base, criterion)
    case = _Case(verdict, base, run, _away(before, verdict, run), _past(before, verdict, run, now, cadence), need, now)
    reached = _reached(case) if verdict.colour.known else base
    settled = verdict.colour.known and (reached is not base or verdict.colour is base)
    flap = swing(criterion.flap, case.past.recent, before, settled, now)
    kept = _settled(case, reached) if flap.since is None else _flapping(case, flap)
    colour = kept.level if verdict.colour.known else verdict.colour
    return CriterionState(
        criterion=criterion.id,
        colour=colour,
        since=before.since if before is not None and before.colour is colour else now,
        level=kept.level,
        level_since=before.level_since if before is not None and before.level is kept.level else now,
        raw=verdict.colour,
        raw_since=run.since,
        raw_count=run.readings,
        verdict=kept.verdict,
        weight=criterion.weight.get(level, 0.0),
        critical=criterion.critical,
        away_since=kept.away.since,
        away_count=kept.away.readings,
        recent=case.past.recent,
        flapping_since=flap.since,
        episode_since=_episode(before, case, kept),
        base=None if flap.since is None else base,
        tally=kept.tally,
        promise=case.past.promise,
        seen=case.past.seen,
        back_since=case.past.back_since,
    )


def rest(
    before: CriterionState | None,
    verdict: Verdict,
    criterion: Criterion,
    level: Level,
    now: datetime,
    caused_by: str | None = None,
) -> CriterionState:
    """A criterion under maintenance: nothing runs and nothing is remembered.

    Afterwards it is judged as if for the first time, save that maintenance is shown until a hold is met.
    """
    since = before.since if before is not None and before.colour is Colour.MAINTENANCE else now
    return CriterionState(
        criterion=criterion.id,
        colour=Colour.MAINTENANCE,
        since=since,
        level=Colour.MAINTENANCE,
        level_since=since,
        raw=Colour.MAINTENANCE,
        raw_since=since,
        raw_count=0,
        verdict=verdict,
        weight=criterion.weight.get(level, 0.0),
        critical=criterion.critical,
        caused_by=caused_by,
    )


def _says_again(before: CriterionState, verdict: Verdict, criterion: Criterion) -> bool:
    """Whether the raw colour is the level and the run before it, and no reading that is remembered was another one."""
    raw, flap = verdict.colour, criterion.flap
    return (
        raw is before.raw
        and raw is before.level
        and raw.known
        and before.base is None
        and before.flapping_since is None
        and (flap is None or (flap.start > 0 and before.recent.count(spelt(raw)) == len(before.recent)))
    )


def _go_on(
    before: CriterionState, verdict: Verdict, criterion: Criterion, level: Level, now: datetime, cadence: float
) -> CriterionState:
    """What the table leaves of a state at rest whose colour is said again: nearly all readings are such ones."""
    news, colour = verdict.received_at != before.verdict.received_at, verdict.colour
    readings, began = before.raw_count + news, before.episode_since or before.level_since
    return CriterionState(
        criterion=criterion.id,
        colour=colour,
        since=before.since if before.colour is colour else now,
        level=colour,
        level_since=before.level_since,
        raw=colour,
        raw_since=before.raw_since,
        raw_count=readings,
        verdict=verdict,
        weight=criterion.weight.get(level, 0.0),
        critical=criterion.critical,
        away_since=before.raw_since,
        away_count=readings,
        recent=remembered(before.recent, colour) if news else before.recent,
        episode_since=began if before.back_since is None else max(began, before.back_since),
        tally=before.tally + news,
        promise=cadence if news else before.promise,
        seen=None if verdict.received_at is None else verdict.as_of,
        back_since=before.back_since,
    )


class _Kept(NamedTuple):
    """What the table leaves behind."""

    level: Colour  # the level that is shown when the evidence is known
    verdict: Verdict
    away: _Run
    tally: int


def _settled(case: _Case, reached: Colour) -> _Kept:
    """Not flapping: the level is what the holds allow."""
    verdict, raw = case.verdict, case.verdict.colour
    if raw.known and raw is not reached:
        verdict = _waiting(case)
    if reached is case.base:
        return _Kept(reached, verdict, case.away, case.past.tally)
    return _Kept(reached, verdict, case.run, case.run.readings)


def _flapping(case: _Case, flap: Swing) -> _Kept:
    """Flapping: the worst of the window is the level, and the level that holds start from does not move."""
    level = pinned(flap, case.past.recent, case.base)
    params: dict[str, Param] = {"share": flap.share, "readings": flap.window, "end": flap.end, "worst": level.value}
    verdict = _with_reason(case, Reason(reasons.FLAPPING, params), _ripens(case) if flap.calm else ())
    return _Kept(level, verdict, case.away, case.past.tally)


def _run(before: CriterionState | None, verdict: Verdict, now: datetime) -> _Run:
    """Since when, and for how many readings, the evidence has had its present colour."""
    started = verdict.as_of or now
    if before is None:
        return _Run(started, 1)
    if before.raw is Colour.MAINTENANCE:  # no run reaches behind its end
        return _Run(now, 1)
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
    base = before.steady
    worse, better = raw.worse_than(base), base.worse_than(raw)
    return (worse and before.raw.worse_than(base)) or (better and base.worse_than(before.raw))


def _past(before: CriterionState | None, verdict: Verdict, run: _Run, now: datetime, cadence: float) -> _Past:
    """One letter for each reading, and one when time alone changes the colour; silence adds none."""
    rolled = verdict.received_at is None
    if before is None:
        known = verdict.colour.known
        return _Past(spelt(verdict.colour), int(known), None if rolled else run.since, None, cadence if known else 0.0)
    if not verdict.colour.known:
        fell = now if rolled and before.raw.known else before.seen
        return _Past(before.recent, 0, fell, before.back_since, before.promise)
    seen = None if rolled else verdict.as_of
    if not before.raw.known and _long_gap(before, run):
        return _Past(spelt(verdict.colour), 1, seen, run.since, cadence)
    added = verdict.received_at != before.verdict.received_at or verdict.colour is not before.raw
    recent = remembered(before.recent, verdict.colour) if added else before.recent
    return _Past(recent, before.tally + added, seen, before.back_since, cadence if added else before.promise)


def _long_gap(before: CriterionState, run: _Run) -> bool:
    """True when the evidence that `run` begins came too late to belong to what was before it."""
    return before.seen is not None and run.since - before.seen > timedelta(seconds=BRIDGED * before.promise)


def _episode(before: CriterionState | None, case: _Case, kept: _Kept) -> datetime:
    """When the event began that the level stands for."""
    back = case.past.back_since
    if before is None or kept.level is not before.level:
        # What was further away than yellow has been at least that: yellow began with the first reading on its side.
        exactly = kept.level is case.verdict.colour and kept.level is not Colour.YELLOW
        return case.run.since if exactly else case.away.since
    began = before.level_since if before.episode_since is None else before.episode_since
    return began if back is None else max(began, back)


def _need(raw: Colour, held: Colour, criterion: Criterion) -> Need:
    if not held.known:
        return criterion.hold if raw is Colour.RED else Need()
    return criterion.hold if raw.worse_than(held) else criterion.keep


def _reached(case: _Case) -> Colour:
    """The level that the holds allow: the raw colour, the one between, or the one before."""
    raw, base = case.verdict.colour, case.base
    if raw is base:
        return base
    if case.need.of:
        return _reached_among(raw, base, case.past, case.need)
    if _ripe(case.run, case):
        return raw
    return Colour.YELLOW if _ripe(case.away, case) else base


def _reached_among(raw: Colour, base: Colour, past: _Past, need: Need) -> Colour:
    """N of the last M: those at least as far from the level as the raw colour, or all on its side of the level."""
    seen = colours_of(past.recent, min(need.of, past.tally))
    better = base.worse_than(raw)
    side = [c for c in seen if (base.worse_than(c) if better else c is not base and not base.worse_than(c))]
    far = [c for c in side if not (c.worse_than(raw) if better else raw.worse_than(c))]
    if len(far) >= need.readings:
        return raw
    return Colour.YELLOW if len(side) >= need.readings else base


def _ripe(run: _Run, case: _Case) -> bool:
    # A roll-up has no readings to count.
    enough = run.readings >= case.need.readings or case.verdict.received_at is None
    return enough and case.now >= run.since + timedelta(seconds=case.need.seconds)


def _not_after(now: datetime, before: CriterionState | None) -> CriterionState | None:
    """A run from before our clock was set back is taken to begin now, or it would wait until that has caught up."""
    if before is None:
        return None
    moments = (before.raw_since, before.away_since, before.episode_since, before.seen, before.back_since)
    for at in moments:
        if at is not None and at > now:
            break
    else:
        return before
    raw, away, episode, seen, back = (None if at is None else min(at, now) for at in moments)
    return replace(before, raw_since=raw or now, away_since=away, episode_since=episode, seen=seen, back_since=back)


def _ripens(case: _Case) -> list[datetime]:
    return [run.since + timedelta(seconds=case.need.seconds) for run in (case.run, case.away)]


def _waiting(case: _Case) -> Verdict:
    need, raw = case.need, case.verdict.colour
    params: dict[str, Param] = {"raw": raw.value, "readings": need.readings}
    if need.of:
        among = colours_of(case.past.recent, min(need.of, case.past.tally))
        params |= {"count": among.count(raw), "among": need.of}
        why = Reason(reasons.PENDING_AMONG, params)
    else:
        params |= {"count": case.run.readings, "seconds": need.seconds}
        why = Reason(reasons.PENDING, params)
    return _with_reason(case, why, _ripens(case))


def _with_reason(case: _Case, why: Reason, instants: Iterable[datetime]) -> Verdict:
    """The verdict with one more reason, to be looked at again at the first of its instants and these that is ahead."""
    ahead = [at for at in (case.verdict.recheck_at, *instants) if at is not None and at > case.now]
    return replace(case.verdict, reasons=(*case.verdict.reasons, why), recheck_at=min(ahead, default=None))
