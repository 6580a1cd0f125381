"""What a group lacks: the smallest set of children that must turn green for it to make its goal.

The answer is found by the roll-up itself: children are thought green one by one until its verdict is green. Each step
takes the child that serves most of what is still missing (too little known, too much red), of those the heaviest where
weight decides, then the nearest to green, then by code. For counts and shares no smaller set exists; for weights none
exists where the weight alone decides, and where `max_red_share` or the known share does as well, each member of the set
is at least needed. Ease (`gap`) orders, and it chooses only between sets of one size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from monitor.engine.book import Criterion, RollUp
from monitor.engine.rollup import Member, Members, count, gap, is_too_red, judge_rollup, known_share, taken_in
from monitor.engine.rollup import counted as counted_members
from monitor.model.colour import Colour
from monitor.model.hours import Calendar
from monitor.model.state import UnitState
from monitor.model.verdict import Counts, Standing, Verdict

ANSWERED = frozenset({RollUp.GREEN_SHARE, RollUp.COUNT, RollUp.SHARE, RollUp.WEIGHT, RollUp.WEIGHT_SHARE})
_WEIGHED = (RollUp.WEIGHT, RollUp.WEIGHT_SHARE)


@dataclass(frozen=True, slots=True)
class Reach:
    """The children that must turn green, easiest first; nothing when it is met already, None when it cannot be."""

    turned: tuple[str, ...] | None
    verdict: Verdict  # as it would be then


def smallest_set(
    criterion: Criterion, members: Members, now: datetime, calendar: Calendar, min_known: float
) -> Reach | None:
    """What would do; None for a roll-up that is no matter of children turning green one by one."""
    if criterion.rollup not in ANSWERED:
        return None
    chosen: list[str] = []
    while True:
        group = turned_green(members, chosen)
        verdict = _judge(criterion, group, now, calendar, min_known)
        if verdict.colour is Colour.GREEN:
            return _tidied(criterion, members, chosen, now, calendar, min_known)
        step = _best(criterion, group, min_known)
        if step is None:
            return Reach(None, verdict)
        chosen.append(step)


def turned_green(members: Members, codes: Sequence[str]) -> Members:
    """The same children with some of them green."""
    return replace(
        members, children=tuple(_green(child) if child.unit in codes else child for child in members.children)
    )


def _green(state: UnitState) -> UnitState:
    return replace(state, standing=standing_as(state.standing, Colour.GREEN))


def standing_as(before: Standing | None, colour: Colour) -> Standing:
    """A standing of that colour, for what is only thought."""
    if before is None:
        before = Standing(Colour.UNKNOWN, _NEVER, Colour.UNKNOWN, _NEVER)
    return replace(before, colour=colour, level=colour if colour.known else before.level)


_NEVER = datetime(1, 1, 1, tzinfo=UTC)


def _counts(members: Members) -> Counts:
    return count(child.standing.colour if child.standing else Colour.UNKNOWN for child in members.children)


def _judge(criterion: Criterion, members: Members, now: datetime, calendar: Calendar, min_known: float) -> Verdict:
    return judge_rollup(criterion, _counts(members), now, calendar, min_known, members)


def _best(criterion: Criterion, group: Members, min_known: float) -> str | None:
    counts = _counts(group)
    if counts.total == 0:
        return None
    dark = known_share(criterion, counts, group) < min_known
    red = is_too_red(criterion, counts, group)
    states = {child.unit: child for child in group.children}
    ranked = [
        (
            -(dark and not member.colour.known) - (red and _counts_as_red(member)),
            -_serves(criterion, member),
            -member.weight * (criterion.rollup in _WEIGHED),
            gap(states[member.code]),
            member.code,
        )
        for member in counted_members(counts, group)
        if member.colour is not Colour.GREEN
    ]
    return min(ranked)[-1] if ranked else None


def _counts_as_red(member: Member) -> bool:
    return member.colour is Colour.RED or (member.colour is Colour.UNKNOWN and member.level is Colour.RED)


def _serves(criterion: Criterion, member: Member) -> bool:
    """True when the child's turning green brings the value itself nearer to the goal."""
    return taken_in(criterion, member) is not (Colour.GREEN in criterion.colours)


def _tidied(
    criterion: Criterion, members: Members, chosen: list[str], now: datetime, calendar: Calendar, min_known: float
) -> Reach:
    """Without those that turn out not to be needed, easiest first."""
    states = {child.unit: child for child in members.children}
    for code in sorted(chosen, key=lambda one: (-gap(states[one]), one)):
        rest = [one for one in chosen if one != code]
        if _judge(criterion, turned_green(members, rest), now, calendar, min_known).colour is Colour.GREEN:
            chosen = rest
    chosen.sort(key=lambda one: (gap(states[one]), one))
    return Reach(tuple(chosen), _judge(criterion, turned_green(members, chosen), now, calendar, min_known))
