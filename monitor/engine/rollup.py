"""Groups: what the children say, by colour, by weight or by their figures.

Missing children stay in the denominator; excluded ones and those under maintenance leave it. A group of which too
little is known is not judged.
Silence never improves a group: a child that fell silent while yellow or red still counts so wherever the group would
look better without it. What counts as known is a share by weight for roll-ups by weight, by number for all others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from monitor.engine import reasons
from monitor.engine.book import Criterion, Indicator, RollUp
from monitor.engine.judge import Ruling, judge_value
from monitor.engine.rate import Figure, figure, summed
from monitor.model.colour import LEFT_OUT, Colour
from monitor.model.hours import Calendar
from monitor.model.reading import Comparator
from monitor.model.state import UnitState
from monitor.model.unit import Units
from monitor.model.verdict import Counts, Param, Reason, Verdict

NAMED = 10  # units that stand in the way and are named in one reason; the others are counted
_ORDER = (Colour.GREEN, Colour.YELLOW, Colour.RED)  # best first
_WEIGHED = (RollUp.WEIGHT, RollUp.WEIGHT_SHARE)
NO_UNITS = Units(())
_DIGITS = 9  # 0.1 + 0.2 of 0.3 is 100 %, although not for the machine


@dataclass(frozen=True, slots=True)
class Members:
    """The children themselves, where a roll-up needs more than their number by colour."""

    children: tuple[UnitState, ...] = ()
    units: Units = NO_UNITS
    indicator: Indicator | None = None  # of a rate


NOBODY = Members()


class Member(NamedTuple):
    """What a group sees of one child."""

    code: str
    colour: Colour
    level: Colour  # last known colour
    weight: float


def count(colours: Iterable[Colour]) -> Counts:
    """Children by colour."""
    tally = Counter(colours)
    return Counts(**{colour.value: tally[colour] for colour in Colour})


def judge_rollup(
    criterion: Criterion,
    counts: Counts,
    now: datetime,
    calendar: Calendar,
    min_known: float = 0.7,
    members: Members = NOBODY,
) -> Verdict:
    """Raw verdict of a roll-up. A group that is empty, all left out or mostly unknown is never judged.

    Without `members` all children weigh the same, nothing is remembered of silent ones, and a rate has no figures.
    """
    if counts.total == 0:
        return _verdict(Ruling(_empty(counts), (Reason(reasons.EMPTY_GROUP),)), now)
    if criterion.rollup is RollUp.RATE:
        return _judge_rate(criterion, counts, members, min_known, now, calendar)
    known = known_share(criterion, counts, members)
    if known == 0 or known < min_known:
        return _verdict(Ruling(Colour.UNKNOWN, (_too_little(known, min_known), _children(counts))), now)
    if criterion.rollup in (RollUp.WORST, RollUp.NTH_BEST):
        return _verdict(_by_order(criterion, counts, members), now)
    return _judge_value(criterion, counts, members, now, calendar)


def _empty(counts: Counts) -> Colour:
    """Colour of a group in which nobody counts."""
    if counts.maintenance:
        return Colour.MAINTENANCE
    return Colour.EXCLUDED if counts.excluded else Colour.UNKNOWN


def known_share(criterion: Criterion, counts: Counts, members: Members = NOBODY) -> float:
    """Ratio of the group that is known: by weight for roll-ups by weight, else by number."""
    if criterion.rollup not in _WEIGHED:
        return (counts.green + counts.yellow + counts.red) / counts.total
    total = sum(member.weight for member in counted(counts, members))
    known = sum(member.weight for member in counted(counts, members) if member.colour.known)
    return round(known / total, _DIGITS) if total else 0.0


def is_too_red(criterion: Criterion, counts: Counts, members: Members = NOBODY) -> bool:
    """True when more children are red, or were when they fell silent, than `max_red_share` allows."""
    limit = criterion.max_red_share
    return limit is not None and _red_share(counts, members) > limit


def counted(counts: Counts, members: Members = NOBODY) -> Iterator[Member]:
    """All children that are not left out; where only their number is known, each weighs 1."""
    if not members.children:
        for colour in Colour:
            if colour not in LEFT_OUT:
                yield from [Member("", colour, colour, 1.0)] * getattr(counts, colour.value)
        return
    for child in members.children:
        colour, level = (child.standing.colour, child.standing.level) if child.standing else (Colour.UNKNOWN,) * 2
        if colour not in LEFT_OUT:
            weight = members.units[child.unit].weight if child.unit in members.units else 1.0
            yield Member(child.unit, colour, level, weight)


def taken_in(criterion: Criterion, member: Member) -> bool:
    """Whether a count, share or weight takes the child in.

    Where only bad colours are counted, one that fell silent at such a level is taken in as well: silence is no cure.
    """
    if member.colour in criterion.colours:
        return True
    if Colour.GREEN in criterion.colours or member.colour is not Colour.UNKNOWN:
        return False
    return member.level.known and member.level in criterion.colours


def gap(state: UnitState | None) -> float:
    """How far a unit is from all green: the part of its weight that it does not earn, ratio 0 to 1.

    Red counts in full, yellow half, and what is unknown in full; a unit of which nothing is known is 1 away.
    """
    standing = None if state is None else state.standing
    if standing is None or standing.score is None:
        return 1.0
    return round(1 - standing.score * standing.coverage, _DIGITS)


def in_the_way(criterion: Criterion, members: Members) -> tuple[UnitState, ...]:
    """Children that keep a group from its goal, the one nearest to green first, then by code.

    Those that a count of good colours does not take in; those that a count of bad colours does.
    """
    good = Colour.GREEN in criterion.colours
    wrong = {m.code for m in counted(Counts(), members) if taken_in(criterion, m) is not good}
    found = [child for child in members.children if child.unit in wrong]
    return tuple(sorted(found, key=lambda child: (gap(child), child.unit)))


# -- by order ---------------------------------------------------------------------------------------------------------


def _by_order(criterion: Criterion, counts: Counts, members: Members) -> Ruling:
    if criterion.rollup is RollUp.WORST:
        return Ruling(_worst(counts, members), (_children(counts), *_silent(members)))
    reached = 0
    for colour in _ORDER:
        reached += getattr(counts, colour.value)
        if reached >= criterion.nth:
            return Ruling(colour, (_nth(criterion, reached, colour), _children(counts)))
    # Too few are known to say it: the n-th may be anything, and one of fewer than n does not exist.
    return Ruling(Colour.UNKNOWN, (Reason(reasons.NTH_UNKNOWN, {"nth": criterion.nth}), _children(counts)))


def _nth(criterion: Criterion, reached: int, colour: Colour) -> Reason:
    return Reason(reasons.NTH_BEST, {"nth": criterion.nth, "reached": reached, "level": colour.value})


def _worst(counts: Counts, members: Members) -> Colour:
    remembered = _remembered(counts, members)
    if remembered.red:
        return Colour.RED
    return Colour.YELLOW if remembered.yellow else Colour.GREEN


# -- by value ---------------------------------------------------------------------------------------------------------


def _judge_value(criterion: Criterion, counts: Counts, members: Members, now: datetime, calendar: Calendar) -> Verdict:
    value, numerator, denominator = _value(criterion, counts, members)
    ruling = judge_value(criterion, value, Comparator.EQ, now, now, calendar)
    why = (*ruling.reasons, _children(counts), *_silent(members), *_blocking(criterion, ruling, members))
    ruling = ruling._replace(reasons=why)
    return _verdict(_not_too_red(criterion, ruling, counts, members), now, value, numerator, denominator)


def _not_too_red(criterion: Criterion, ruling: Ruling, counts: Counts, members: Members) -> Ruling:
    if not is_too_red(criterion, counts, members):
        return ruling
    share = round(_red_share(counts, members), 2)
    too_red = Reason(reasons.RED_SHARE, {"share": share, "limit": criterion.max_red_share})
    return ruling._replace(colour=Colour.RED, reasons=(too_red, *ruling.reasons))


def _red_share(counts: Counts, members: Members) -> float:
    remembered = _remembered(counts, members)
    return 100 * remembered.red / remembered.total


def _value(criterion: Criterion, counts: Counts, members: Members) -> tuple[float, float | None, float | None]:
    """The value to judge, and the numerator and denominator that it was made of."""
    if criterion.rollup is RollUp.GREEN_SHARE:
        return 100 * counts.green / counts.total, counts.green, counts.total
    if criterion.rollup is RollUp.SCORE:
        return min(_score(counts), _score(_remembered(counts, members)))
    weighed = criterion.rollup in _WEIGHED
    found = [(member.weight if weighed else 1.0, taken_in(criterion, member)) for member in counted(counts, members)]
    inside = round(sum(weight for weight, taken in found if taken), _DIGITS)
    whole = round(sum(weight for weight, _ in found), _DIGITS)
    if criterion.rollup in (RollUp.COUNT, RollUp.WEIGHT):
        return inside, inside, whole
    return 100 * inside / whole, inside, whole


def _score(counts: Counts) -> tuple[float, float, float]:
    judged = counts.green + counts.yellow + counts.red
    points = counts.green + 0.5 * counts.yellow
    return 100 * points / judged, points, judged


def _remembered(counts: Counts, members: Members) -> Counts:
    """The counts with silent children taken at the yellow or red that they had last."""
    levels = Counter(level for _, level in _fell_silent(members))
    yellow, red = levels[Colour.YELLOW], levels[Colour.RED]
    return replace(counts, yellow=counts.yellow + yellow, red=counts.red + red, unknown=counts.unknown - yellow - red)


def _fell_silent(members: Members) -> list[tuple[str, Colour]]:
    standings = ((child.unit, child.standing) for child in members.children if child.standing is not None)
    return [
        (code, standing.level)
        for code, standing in standings
        if standing.colour is Colour.UNKNOWN and standing.level in (Colour.YELLOW, Colour.RED)
    ]


def _silent(members: Members) -> tuple[Reason, ...]:
    silent = _fell_silent(members)
    if not silent:
        return ()
    levels = Counter(level for _, level in silent)
    counts: dict[str, Param] = {"yellow": levels[Colour.YELLOW], "red": levels[Colour.RED]}
    return (Reason(reasons.CHILDREN_SILENT, counts),)


def _blocking(criterion: Criterion, ruling: Ruling, members: Members) -> tuple[Reason, ...]:
    if criterion.target is None or ruling.colour is Colour.GREEN:
        return ()
    found = in_the_way(criterion, members)
    if not found:
        return ()
    named = ", ".join(child.unit for child in found[:NAMED])
    more = max(0, len(found) - NAMED)
    return (Reason(reasons.IN_THE_WAY, {"units": named, "total": len(found), "more": more}),)


# -- by figure --------------------------------------------------------------------------------------------------------


def _judge_rate(
    criterion: Criterion, counts: Counts, members: Members, min_known: float, now: datetime, calendar: Calendar
) -> Verdict:
    """The rate of the whole: the sum of the children's numerators over the sum of their denominators.

    While a child never gave a figure the sum is not known: its part may be of any size, so the whole is red or unknown.
    """
    found = [figure(criterion, child, members.units, members.indicator, now) for child in members.children]
    figures = [one for one in found if one is not None]
    fresh = [one for one in figures if one.fresh]
    missing = counts.total - len(figures)
    ages_at = min((one.until for one in fresh if one.until is not None), default=None)
    numerator, denominator, comparator = summed(figures)
    value: float | None = None
    ruling = Ruling(Colour.UNKNOWN, (), recheck_at=ages_at)
    known, needed = len(fresh) / counts.total, max(criterion.min_sample, 1.0)
    if not fresh or known < min_known:
        ruling = ruling._replace(reasons=(_too_little(known, min_known),))
    elif denominator < needed:
        small = Reason(reasons.SMALL_SAMPLE, {"sample": denominator, "needed": needed})
        ruling = ruling._replace(colour=Colour.EXCLUDED, reasons=(small,))
    else:
        value = 100 * numerator / denominator
        ruling = _judge_sum(criterion, value, comparator, counts, members, now, calendar, ages_at)
    ruling = _with_gaps(ruling, missing, len(figures) - len(fresh))
    ruling = ruling._replace(reasons=(*ruling.reasons, _summed(fresh, counts)))
    if missing or comparator is None:
        return _verdict(ruling, now, value)
    return replace(_verdict(ruling, now, value, numerator, denominator), comparator=comparator)


def _judge_sum(
    criterion: Criterion,
    value: float,
    comparator: Comparator | None,
    counts: Counts,
    members: Members,
    now: datetime,
    calendar: Calendar,
    ages_at: datetime | None,
) -> Ruling:
    if comparator is None:
        return Ruling(Colour.UNKNOWN, (Reason(reasons.UNCLEAR_SUM, {"value": value}),), recheck_at=ages_at)
    ruling = judge_value(criterion, value, comparator, now, now, calendar, ages_at)
    return _not_too_red(criterion, ruling, counts, members)


def _with_gaps(ruling: Ruling, missing: int, silent: int) -> Ruling:
    """The ruling where `missing` children never gave a figure and those of `silent` ones are old."""
    if silent:
        ruling = ruling._replace(reasons=(*ruling.reasons, Reason(reasons.FIGURES_KEPT, {"silent": silent})))
    if not missing:
        return ruling
    why = (Reason(reasons.FIGURES_MISSING, {"missing": missing}), *ruling.reasons)
    if ruling.colour is Colour.RED:
        return ruling._replace(reasons=(*ruling.reasons, why[0]))
    return ruling._replace(colour=Colour.UNKNOWN, reasons=why, overdue=False)


def _summed(fresh: list[Figure], counts: Counts) -> Reason:
    """How the sum came about: how many gave a figure that counts as known, of how many, and how many are left out."""
    params: dict[str, Param] = {
        "known": len(fresh),
        "total": counts.total,
        "excluded": counts.excluded + counts.maintenance,
    }
    return Reason(reasons.SUMMED, params)


# -- the rest ---------------------------------------------------------------------------------------------------------


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


def _too_little(known: float, needed: float) -> Reason:
    return Reason(reasons.KNOWN_SHARE, {"known": round(100 * known, 2), "needed": needed * 100})


def _children(counts: Counts) -> Reason:
    params: dict[str, Param] = {
        "green": counts.green,
        "yellow": counts.yellow,
        "red": counts.red,
        "unknown": counts.unknown,
        "total": counts.total,
    }
    if left_out := counts.excluded + counts.maintenance:
        return Reason(reasons.CHILDREN_EXCLUDED, {**params, "excluded": left_out})
    return Reason(reasons.CHILDREN, params)
