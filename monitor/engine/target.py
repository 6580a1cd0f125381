"""Deadlines: a goal with a date. Before the date an unmet goal is yellow (below its floor red), after it red.

    before the date   met -> green; beyond the floor -> red; behind the curve -> red if the rule says so; else yellow
    after the date    met -> green; missed by no more than the margin -> yellow and overdue; else red and overdue

A pace gives a reason and perhaps a red, never a green. An exemption gives another date and is named in every verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple

from monitor.engine import reasons
from monitor.engine.book import Condition, Deadline, Period, Target
from monitor.engine.compare import holds
from monitor.engine.pace import expected, next_turn
from monitor.model.colour import Colour
from monitor.model.hours import Calendar, end_of_month, end_of_quarter, end_of_year
from monitor.model.reading import Comparator, Value
from monitor.model.verdict import Param, Reason

_DAY = timedelta(days=1)
_DIGITS = 6
LAST_DAY: Mapping[Period, Callable[[date], date]] = {
    Period.MONTH: end_of_month,
    Period.QUARTER: end_of_quarter,
    Period.YEAR: end_of_year,
}
"""Last day of the period in which a day lies."""


class Outlook(NamedTuple):
    """What a target says of one value at one instant."""

    colour: Colour
    reason: Reason
    deadline: datetime
    overdue: bool
    working_days_left: int  # today included; 0 once it is too late
    more: tuple[Reason, ...] = ()  # behind the curve, exempted
    recheck_at: datetime | None = None  # when the curve or an exemption, not the deadline, could change this


def deadline(target: Target, as_of: datetime, calendar: Calendar) -> Deadline:
    """First instant at which it is too late. `before` excludes its day, `by` includes it."""
    last = _last_good_day(target, as_of, calendar)
    return Deadline(at=calendar.start_of_day(last + _DAY), last_good_day=last)


def _last_good_day(target: Target, as_of: datetime, calendar: Calendar) -> date:
    if target.before is not None:
        return target.before - _DAY
    if target.by is not None:
        return target.by
    if target.every is None:
        raise ValueError("a target needs one of before, by, every")
    return LAST_DAY[target.every](calendar.local(as_of).date())


def outlook(
    target: Target, value: Value, comparator: Comparator, as_of: datetime, now: datetime, calendar: Calendar
) -> Outlook:
    """Judge one value against the goal and its date. Raises compare.WrongType for a word where a number is due."""
    due = deadline(target, as_of, calendar)
    today = calendar.day(now)
    late = now >= due.at
    left = calendar.working_days_between(today, due.last_good_day + _DAY)
    exempt = _exempted(target, as_of, due, calendar)
    turn = target.turns
    if holds(target.goal, value, comparator):
        return Outlook(*_met(target, value), due.at, False, left, exempt, _at(turn, calendar))
    if late:
        colour, reason = _late(target, value, comparator, today - due.last_good_day)
        return Outlook(colour, reason, due.at, True, left, exempt, _at(turn, calendar))
    colour, reason = _early(target, value, comparator, left)
    behind = _behind(target, value, comparator, expected(target, due.last_good_day, today, calendar))
    if behind and target.pace is not None and target.pace.behind_red:
        colour = Colour.RED
    step = next_turn(target, due.last_good_day, today, calendar)
    turn = min((day for day in (turn, step) if day is not None), default=None)
    return Outlook(colour, reason, due.at, False, left, (*behind, *exempt), _at(turn, calendar))


def _at(day: date | None, calendar: Calendar) -> datetime | None:
    return None if day is None else calendar.start_of_day(day)


def _met(target: Target, value: Value) -> tuple[Colour, Reason]:
    return Colour.GREEN, Reason(reasons.TARGET_MET, {"value": value, "goal": str(target.goal)})


def _late(target: Target, value: Value, comparator: Comparator, since: timedelta) -> tuple[Colour, Reason]:
    params: dict[str, Param] = {"value": value, "goal": str(target.goal), "days": since.days}
    bound = short_of(target.goal, target.margin)
    if target.margin and bound is not None and not beyond(target.goal, value, comparator, bound):
        return Colour.YELLOW, Reason(reasons.WITHIN_MARGIN, {**params, "margin": target.margin})
    return Colour.RED, Reason(reasons.OVERDUE, params)


def _early(target: Target, value: Value, comparator: Comparator, left: int) -> tuple[Colour, Reason]:
    goal = str(target.goal)
    if target.floor is not None and beyond(target.goal, value, comparator, target.floor):
        return Colour.RED, Reason(reasons.BELOW_FLOOR, {"value": value, "floor": target.floor, "goal": goal})
    params = {"value": value, "goal": goal, "gap": gap(target.goal, value), "days": left}
    return Colour.YELLOW, Reason(reasons.NOT_YET, params)


def _behind(target: Target, value: Value, comparator: Comparator, asked: float | None) -> tuple[Reason, ...]:
    """The reason that says so when a value lies behind the curve by more than the tolerance."""
    if asked is None or target.pace is None:
        return ()
    tolerance = target.pace.tolerance
    allowed = round(asked + (tolerance if _at_most(target.goal) else -tolerance), _DIGITS)
    if not beyond(target.goal, value, comparator, allowed):
        return ()
    return (Reason(reasons.BEHIND_PACE, {"value": value, "expected": asked, "tolerance": tolerance}),)


def _exempted(target: Target, as_of: datetime, due: Deadline, calendar: Calendar) -> tuple[Reason, ...]:
    if target.exemption is None or target.general is None:
        return ()
    old = deadline(target.general, as_of, calendar).at
    return (Reason(reasons.EXEMPTED, {"paper": target.exemption.paper, "old": old, "new": due.at}),)


def _at_most(goal: Condition) -> bool:
    return goal.op in ("<", "<=")


def short_of(goal: Condition, by: float) -> float | None:
    """The value that misses the goal by so much; None for yes/no and words."""
    if isinstance(goal.operand, (bool, str)):
        return None
    return round(goal.operand + (by if _at_most(goal) else -by), _DIGITS)


def beyond(goal: Condition, value: Value, comparator: Comparator, floor: float) -> bool:
    """True when the stated number, or all it may mean, is on the wrong side of the floor.

    That is under it for "at least", over it for "at most".
    """
    if isinstance(value, (bool, str)):
        return False
    wrong_side = Condition(">" if _at_most(goal) else "<", floor)
    return holds(wrong_side, value) or holds(wrong_side, value, comparator)


def gap(goal: Condition, value: Value) -> float | None:
    """Distance to the goal in the indicator's unit; None for yes/no and words."""
    if isinstance(value, (bool, str)) or isinstance(goal.operand, (bool, str)):
        return None
    return round(abs(goal.operand - value), _DIGITS)
