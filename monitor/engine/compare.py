"""Comparing a value as a source states it ("68.91", ">80", "~14000") with a condition of a rule."""

from __future__ import annotations

from math import inf

from monitor.engine.book import Condition
from monitor.model.reading import Comparator, Value


class WrongType(Exception):
    """A word met a number, or a yes/no met a number. Caught by the judge and shown as a reason."""


def holds(condition: Condition, value: Value, comparator: Comparator = Comparator.EQ) -> bool:
    """True when the condition holds for every number the source's statement allows. Raises WrongType."""
    if isinstance(condition.operand, (bool, str)) or isinstance(value, (bool, str)):
        return _same(condition, value)
    low, low_open, high, high_open = _interval(value, comparator)
    operand = condition.operand
    match condition.op:
        case ">=":
            return low >= operand
        case ">":
            return low > operand or (low == operand and low_open)
        case "<=":
            return high <= operand
        case "<":
            return high < operand or (high == operand and high_open)
        case _:
            return low == high == operand


def all_hold(conditions: tuple[Condition, ...], value: Value, comparator: Comparator = Comparator.EQ) -> bool:
    """True when every condition of a band holds. Raises WrongType."""
    for condition in conditions:  # noqa: SIM110 - asked for every value: `all` would make a generator each time
        if not holds(condition, value, comparator):
            return False
    return True


def _same(condition: Condition, value: Value) -> bool:
    operand = condition.operand
    number_meets_word = not isinstance(operand, (bool, str)) or not isinstance(value, (bool, str))
    if number_meets_word or condition.op != "==":
        raise WrongType(f"{value!r} cannot be compared with {condition}")
    return isinstance(operand, bool) == isinstance(value, bool) and operand == value


def _interval(value: float, comparator: Comparator) -> tuple[float, bool, float, bool]:
    if comparator is Comparator.EQ:
        return value, False, value, False
    match comparator:
        case Comparator.GT:
            return value, True, inf, True
        case Comparator.GE:
            return value, False, inf, True
        case Comparator.LT:
            return -inf, True, value, True
        case Comparator.LE:
            return -inf, True, value, False
        case _:  # "about 14,000" is judged as 14,000 and shown with its sign
            return value, False, value, False
