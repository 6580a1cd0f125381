"""Deadlines: a goal with a date. Before the date an unmet goal is yellow (below its floor red), after it red."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from monitor.engine import reasons
from monitor.engine.book import Condition, Deadline, Period, Target
from monitor.engine.compare import holds
from monitor.model.colour import Colour
from monitor.model.hours import Calendar, end_of_month, end_of_quarter, end_of_year
from monitor.model.reading import Comparator, Value
from monitor.model.verdict import Reason

_DAY = timedelta(days=1)
_LAST_DAY: Mapping[Period, Callable[[date], date]] = {
    Period.MONTH: end_of_month,
    Period.QUARTER: end_of_quarter,
    Period.YEAR: end_of_year,
}


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a target says of one value at one instant."""

    colour: Colour
    reason: Reason
    deadline: datetime
    overdue: bool
    working_days_left: int  # today included; 0 once it is too late


def deadline(target: Target, as_of: datetime, calendar: Calendar) -> Deadline:
    """First instant at which it is too late. `before` excludes its day, `by` includes it."""
    last = _last_good_day(target, calendar.local(as_of).date())
    return Deadline(at=calendar.start_of_day(last + _DAY), last_good_day=last)


def _last_good_day(target: Target, claimed: date) -> date:
    if target.before is not None:
        return target.before - _DAY
    if target.by is not None:
        return target.by
    if target.every is None:
        raise ValueError("a target needs one of before, by, every")
    return _LAST_DAY[target.every](claimed)


def outlook(
    target: Target, value: Value, comparator: Comparator, as_of: datetime, now: datetime, calendar: Calendar
) -> Outlook:
    """Judge one value against the goal and its date. Raises compare.WrongType for a word where a number is due."""
    due = deadline(target, as_of, calendar)
    today = calendar.local(now).date()
    late = now >= due.at
    left = 0 if late else calendar.working_days_between(today, due.last_good_day + _DAY)
    met = holds(target.goal, value, comparator)
    if met:
        return Outlook(*_met(target, value), due.at, False, left)
    low = target.floor is not None and beyond(target.goal, value, comparator, target.floor)
    colour, reason = _late(target, value, today - due.last_good_day) if late else _early(target, value, low, left)
    return Outlook(colour, reason, due.at, late, left)


def _met(target: Target, value: Value) -> tuple[Colour, Reason]:
    return Colour.GREEN, Reason(reasons.TARGET_MET, {"value": value, "goal": str(target.goal)})


def _late(target: Target, value: Value, since: timedelta) -> tuple[Colour, Reason]:
    return Colour.RED, Reason(reasons.OVERDUE, {"value": value, "goal": str(target.goal), "days": since.days})


def _early(target: Target, value: Value, low: bool, left: int) -> tuple[Colour, Reason]:
    goal = str(target.goal)
    if low:
        return Colour.RED, Reason(reasons.BELOW_FLOOR, {"value": value, "floor": target.floor, "goal": goal})
    params = {"value": value, "goal": goal, "gap": gap(target.goal, value), "days": left}
    return Colour.YELLOW, Reason(reasons.NOT_YET, params)


def beyond(goal: Condition, value: Value, comparator: Comparator, floor: float) -> bool:
    """True when the stated number, or all it may mean, is on the wrong side of the floor.

    That is under it for "at least", over it for "at most".
    """
    if isinstance(value, (bool, str)):
        return False
    wrong_side = Condition(">" if goal.op in ("<", "<=") else "<", floor)
    return holds(wrong_side, value) or holds(wrong_side, value, comparator)


def gap(goal: Condition, value: Value) -> float | None:
    """Distance to the goal in the indicator's unit; None for yes/no and words."""
    if isinstance(value, (bool, str)) or isinstance(goal.operand, (bool, str)):
        return None
    return round(abs(goal.operand - value), 6)
