"""Groups: what the children's colours say. Missing children stay in the denominator, excluded ones leave it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from monitor.engine import reasons
from monitor.engine.book import Criterion, RollUp
from monitor.engine.judge import Ruling, judge_value
from monitor.model.colour import Colour
from monitor.model.hours import Calendar
from monitor.model.reading import Comparator
from monitor.model.verdict import Counts, Param, Reason, Verdict


def count(colours: Iterable[Colour]) -> Counts:
    """Children by colour."""
    tally = Counter(colours)
    return Counts(**{colour.value: tally[colour] for colour in Colour})


def judge_rollup(
    criterion: Criterion, counts: Counts, now: datetime, calendar: Calendar, min_known: float = 0.7
) -> Verdict:
    """Raw verdict of a roll-up. An empty, all-excluded or mostly unknown group is never judged."""
    if counts.total == 0:
        colour = Colour.EXCLUDED if counts.excluded else Colour.UNKNOWN
        return _verdict(Ruling(colour, (Reason(reasons.EMPTY_GROUP),)), now)
    known = counts.green + counts.yellow + counts.red
    if known == 0 or known / counts.total < min_known:
        share = round(100 * known / counts.total, 2)
        why = Reason(reasons.KNOWN_SHARE, {"known": share, "needed": min_known * 100})
        return _verdict(Ruling(Colour.UNKNOWN, (why, _children(counts))), now)
    if criterion.rollup is RollUp.WORST:
        return _verdict(Ruling(_worst(counts), (_children(counts),)), now)
    return _judge_share(criterion, counts, now, calendar)


def _judge_share(criterion: Criterion, counts: Counts, now: datetime, calendar: Calendar) -> Verdict:
    share = _value(criterion, counts)
    ruling = judge_value(criterion, share[0], Comparator.EQ, now, now, calendar)
    red_share = 100 * counts.red / counts.total
    colour, why = ruling.colour, (*ruling.reasons, _children(counts))
    if criterion.max_red_share is not None and red_share > criterion.max_red_share:
        too_red = Reason(reasons.RED_SHARE, {"share": round(red_share, 2), "limit": criterion.max_red_share})
        colour, why = Colour.RED, (too_red, *why)
    return _verdict(replace(ruling, colour=colour, reasons=why), now, *share)


def _verdict(
    ruling: Ruling,
    now: datetime,
    value: float | None = None,
    numerator: float | None = None,
    denominator: float | None = None,
) -> Verdict:
    return Verdict(
        colour=ruling.colour,
        reasons=ruling.reasons,
        value=value,
        numerator=numerator,
        denominator=denominator,
        as_of=now,
        source="roll-up",
        deadline=ruling.deadline,
        overdue=ruling.overdue,
        working_days_left=ruling.working_days_left,
        recheck_at=ruling.recheck_at,
    )


def _value(criterion: Criterion, counts: Counts) -> tuple[float, float, float]:
    if criterion.rollup is RollUp.GREEN_SHARE:
        return 100 * counts.green / counts.total, counts.green, counts.total
    judged = counts.green + counts.yellow + counts.red
    points = counts.green + 0.5 * counts.yellow
    return 100 * points / judged, points, judged


def _worst(counts: Counts) -> Colour:
    if counts.red:
        return Colour.RED
    return Colour.YELLOW if counts.yellow else Colour.GREEN


def _children(counts: Counts) -> Reason:
    params: dict[str, Param] = {
        "green": counts.green,
        "yellow": counts.yellow,
        "red": counts.red,
        "unknown": counts.unknown + counts.maintenance,
        "total": counts.total,
    }
    return Reason(reasons.CHILDREN, params)
