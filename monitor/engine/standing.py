"""A unit's colour from its criteria: critical ones first, then the weighted score of what is known.

Order of the questions (domain rule, section "how a unit's colour is decided"; the limits are the site's):

    1  a critical criterion is red            -> red
    2  a critical criterion is unknown        -> unknown
    3  no known weight, or below the limit    -> unknown
    4  score below `red_score`                -> red
    5  any red, or score below `green_score`  -> yellow
    6  a yellow of at least `yellow_weight`   -> yellow
    7  otherwise                              -> green

Criteria without weight that are not critical are shown, never counted. Silence never improves a colour: a criterion
that was yellow or red when it fell silent is taken as it was, if the unit would look better or score higher without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from monitor.engine import reasons
from monitor.engine.book import StandingRule
from monitor.model.colour import Colour
from monitor.model.hours import Calendar
from monitor.model.unit import Unit
from monitor.model.verdict import Counts, CriterionState, Reason, Standing

_DIGITS = 9  # 0.1 + 0.7 of 1.0 is 80 %, although not for the machine


def stand(
    before: Standing | None,
    criteria: Sequence[CriterionState],
    rule: StandingRule,
    now: datetime,
    children: Counts | None = None,
) -> Standing:
    """Next standing of a unit; `since` moves only when the colour does."""
    counted = [c for c in criteria if c.colour is not Colour.EXCLUDED and (c.weight > 0 or c.critical)]
    colour, why = _remembering(counted, rule)
    points = _remembered_score(counted)
    fresh = Standing(
        colour, now, colour, now, points, coverage(counted), why, children, _caused_by(colour, counted, rule)
    )
    return _carry(before, fresh, now)


def stand_outside(
    before: Standing | None, unit: Unit, calendar: Calendar, now: datetime, children: Counts | None = None
) -> Standing:
    """Standing of a unit outside its validity: excluded, and why. Nothing is judged, so nothing is known."""
    if unit.valid_from is not None and calendar.day(now) < unit.valid_from:
        why = Reason(reasons.NOT_THERE_YET, {"start": calendar.start_of_day(unit.valid_from)})
    else:
        why = Reason(reasons.NO_MORE, {"end": calendar.start_of_day(unit.valid_to) if unit.valid_to else None})
    fresh = Standing(Colour.EXCLUDED, now, Colour.UNKNOWN, now, None, 0.0, (why,), children)
    return _carry(before, fresh, now)


def stand_under_maintenance(
    before: Standing | None, why: Reason, now: datetime, children: Counts | None = None
) -> Standing:
    """Standing of a unit on which planned work is done: maintenance, and until when. The last real level is kept."""
    return _carry(before, Standing(Colour.MAINTENANCE, now, Colour.UNKNOWN, now, None, 0.0, (why,), children), now)


def score(counted: Sequence[CriterionState]) -> float | None:
    """Weighted score of the known criteria, ratio 0 to 1; None when nothing is known."""
    known = sum(c.weight for c in counted if c.colour.known)
    if known == 0:
        return None
    return round(sum(c.weight * c.colour.score for c in counted if c.colour.known) / known, _DIGITS)


def coverage(counted: Sequence[CriterionState]) -> float:
    """Known weight over total weight, ratio 0 to 1."""
    total = sum(c.weight for c in counted)
    if total == 0:
        return float(bool(counted) and all(c.colour.known for c in counted))
    return round(sum(c.weight for c in counted if c.colour.known) / total, _DIGITS)


def _remembered_score(counted: Sequence[CriterionState]) -> float | None:
    """The score of what is known; where it is better than with the last levels of what fell silent, that one."""
    points = score(counted)
    if points is None or not any(map(_fell_silent, counted)):
        return points
    return min(points, score(_at_last_levels(counted)) or 0.0)


def _at_last_levels(counted: Sequence[CriterionState]) -> list[CriterionState]:
    return [replace(c, colour=c.level) if _fell_silent(c) else c for c in counted]


def _remembering(counted: Sequence[CriterionState], rule: StandingRule) -> tuple[Colour, tuple[Reason, ...]]:
    """The colour by what is known; where it is better than with the last levels of what fell silent, that one."""
    colour, why = _colour(counted, rule)
    silent = [c for c in counted if _fell_silent(c)]
    if not colour.known or not silent:
        return colour, why
    worse, because = _colour(_at_last_levels(counted), rule)
    if not worse.worse_than(colour):
        return colour, why
    return worse, (*_last_levels(silent), *because)


def _fell_silent(criterion: CriterionState) -> bool:
    return criterion.colour is Colour.UNKNOWN and criterion.level in (Colour.YELLOW, Colour.RED)


def _last_levels(silent: Sequence[CriterionState]) -> list[Reason]:
    return [Reason(reasons.LAST_LEVEL, {"criterion": c.criterion, "level": c.level.value}) for c in silent]


def _colour(counted: Sequence[CriterionState], rule: StandingRule) -> tuple[Colour, tuple[Reason, ...]]:
    if not counted:
        return Colour.UNKNOWN, (Reason(reasons.NO_CRITERIA),)
    if red := [c for c in counted if c.critical and c.colour is Colour.RED]:
        return Colour.RED, tuple(_names(reasons.CRITICAL_RED, red))
    if dark := [c for c in counted if c.critical and not c.colour.known]:
        return Colour.UNKNOWN, tuple(_names(reasons.CRITICAL_UNKNOWN, dark))
    known = coverage(counted)
    if known == 0 or known < rule.min_coverage:
        params = {"known": round(known * 100, 2), "needed": rule.min_coverage * 100}
        return Colour.UNKNOWN, (Reason(reasons.KNOWN_SHARE, params),)
    return _by_score(counted, rule)


def _by_score(counted: Sequence[CriterionState], rule: StandingRule) -> tuple[Colour, tuple[Reason, ...]]:
    points = score(counted)
    ratio = 1.0 if points is None else points  # only weightless critical ones, all of them known and not red
    red = tuple(_names(reasons.CRITERION_RED, [c for c in counted if c.colour is Colour.RED]))
    yellow = [c for c in counted if c.colour is Colour.YELLOW]
    heavy = [c for c in yellow if c.weight >= rule.yellow_weight or c.critical]
    if ratio < rule.red_score:
        return Colour.RED, (_low(ratio, rule.red_score), *red)
    if red or ratio < rule.green_score:
        low = (_low(ratio, rule.green_score),) if ratio < rule.green_score else ()
        return Colour.YELLOW, (*low, *red, *_names(reasons.CRITERION_YELLOW, yellow if low else heavy))
    if heavy:
        return Colour.YELLOW, tuple(_names(reasons.CRITERION_YELLOW, heavy))
    return Colour.GREEN, (Reason(reasons.ALL_GREEN, {"score": round(ratio, 4)}),)


def _low(ratio: float, limit: float) -> Reason:
    return Reason(reasons.LOW_SCORE, {"score": round(ratio, 4), "limit": limit})


def _names(code: str, criteria: Sequence[CriterionState]) -> list[Reason]:
    return [Reason(code, {"criterion": c.criterion, "weight": c.weight}) for c in criteria]


def _caused_by(colour: Colour, counted: Sequence[CriterionState], rule: StandingRule) -> str | None:
    """The system that alone explains a red or unknown unit: without what it inherits the unit would not be so."""
    systems = sorted({c.caused_by for c in counted if c.caused_by and c.colour is colour})
    if colour not in (Colour.RED, Colour.UNKNOWN) or not systems:
        return None
    own = [c for c in counted if c.caused_by is None]
    return systems[0] if not own or _colour(own, rule)[0] is not colour else None


def _carry(before: Standing | None, fresh: Standing, now: datetime) -> Standing:
    if before is None:
        return fresh
    since = before.since if before.colour is fresh.colour else now
    if not fresh.colour.known:
        return replace(fresh, since=since, level=before.level, level_since=before.level_since)
    level_since = before.level_since if before.level is fresh.colour else now
    return replace(fresh, since=since, level_since=level_since)
