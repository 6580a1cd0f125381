"""A unit's colour from the facts of its explanation, and from nothing else: a second opinion on the engine.

Written from docs/explain.md with the standard library only; it calls nothing of the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from math import inf
from typing import Any

VERSION = 1
_KNOWN = ("green", "yellow", "red")  # from best to worst
_SCORE = {"green": 1.0, "yellow": 0.5, "red": 0.0}
_URGENT = ("red", "unknown", "maintenance", "yellow", "green", "excluded")

Json = Mapping[str, Any]


class Unreadable(ValueError):
    """The facts are of another version, or of a kind that this version does not know."""


def colour(facts: Json) -> str:
    """The colour of the unit. Raises Unreadable."""
    if facts["version"] != VERSION:
        raise Unreadable(f"facts of version {facts['version']}, not {VERSION}")
    if facts["set_aside"]:
        return "unknown"
    now = datetime.fromisoformat(facts["now"])
    shown = [
        {**one, "colour": criterion_colour(one, now, facts["children"], facts["standing"])} for one in facts["criteria"]
    ]
    return _standing(shown, facts["standing"])


def criterion_colour(one: Json, now: datetime, children: Json | None, standing: Json) -> str:
    """The colour of one criterion as it is shown, holds included."""
    if one["kind"] == "inherited":
        found = [criterion_colour(theirs, now, None, standing) for theirs in one["from"]]
        return min(found, key=_URGENT.index, default="unknown")
    if one["kind"] == "reading":
        raw = _of_reading(one["rule"], one["input"], now)
    else:
        raw = _of_group(one["kind"], one["rule"], children, now, standing)
    return _held(raw, one, now)


def _of_reading(rule: Json, told: Json | None, now: datetime) -> str:
    if told is None:
        return "unknown"
    as_of = datetime.fromisoformat(told["as_of"])
    if (now - as_of).total_seconds() >= rule["max_age"]:
        return "unknown"
    if told["denominator"] is not None and told["denominator"] < rule["min_sample"]:
        return "excluded"
    value = told["value"]
    if rule["measure"] == "elapsed":
        since = datetime.fromisoformat(told["since"] or told["as_of"])
        value = 0.0 if value is True else max((now - since).total_seconds(), 1.0) / 60
    return _judged(rule, value, told["comparator"], now)


def _of_group(kind: str, rule: Json, children: Json | None, now: datetime, standing: Json) -> str:
    if kind not in ("green_share", "score", "worst"):
        raise Unreadable(f"a roll-up of the kind {kind!r}")
    counts = children or {}
    known = sum(counts.get(name, 0) for name in _KNOWN)
    total = known + counts.get("unknown", 0) + counts.get("maintenance", 0)
    if total == 0:
        return "excluded" if counts.get("excluded") else "unknown"
    if known == 0 or known / total < standing["min_coverage"]:
        return "unknown"
    if kind == "worst":
        return next(name for name in reversed(_KNOWN) if counts[name])
    if rule["max_red_share"] is not None and 100 * counts["red"] / total > rule["max_red_share"]:
        return "red"
    points = counts["green"] + 0.5 * counts["yellow"]
    return _judged(rule, 100 * counts["green"] / total if kind == "green_share" else 100 * points / known, "=", now)


def _judged(rule: Json, value: Any, sign: str, now: datetime) -> str:
    target = rule["target"]
    try:
        banded = _banded(rule["bands"], value, sign) if rule["bands"] else None
        if target is None:
            return banded or "unknown"
        return _by_target(target, banded, value, sign, now)
    except TypeError:
        return "unknown"


def _by_target(target: Json, banded: str | None, value: Any, sign: str, now: datetime) -> str:
    operator, operand = target["goal"]
    if _holds(operator, operand, value, sign):
        return "green"
    if now >= datetime.fromisoformat(target["too_late_from"]):
        return "red"
    floor = target["floor"]
    wrong = ">" if operator in ("<", "<=") else "<"
    low = floor is not None and not isinstance(value, (bool, str))
    if low and (_holds(wrong, floor, value, "=") or _holds(wrong, floor, value, sign)):
        return "red"
    return "red" if banded == "red" else "yellow"


def _banded(bands: Sequence[Json], value: Any, sign: str) -> str:
    for band in bands:
        if all(_holds(operator, operand, value, sign) for operator, operand in band["conditions"]):
            return str(band["colour"])
    for band in bands:
        if all(_holds(operator, operand, value, "=") for operator, operand in band["conditions"]):
            return "yellow" if band["colour"] == "green" else str(band["colour"])
    return "unknown"


def _holds(operator: str, operand: Any, value: Any, sign: str) -> bool:
    """For every number that the sign allows. Raises TypeError for a word or yes/no beside a number."""
    if isinstance(operand, (bool, str)) or isinstance(value, (bool, str)):
        if operator != "==" or not isinstance(operand, (bool, str)) or not isinstance(value, (bool, str)):
            raise TypeError(f"{value!r} {operator} {operand!r}")
        return isinstance(operand, bool) is isinstance(value, bool) and operand == value
    low = -inf if sign in ("<", "<=") else value
    high = inf if sign in (">", ">=") else value
    tests: Mapping[str, Callable[[], bool]] = {
        ">=": lambda: low >= operand,
        ">": lambda: low > operand or (low == operand and sign == ">"),
        "<=": lambda: high <= operand,
        "<": lambda: high < operand or (high == operand and sign == "<"),
        "==": lambda: low == high == operand,
    }
    return tests[operator]()


def _held(raw: str, one: Json, now: datetime) -> str:
    level, run = one["level"], one["run"]
    if raw not in _KNOWN or raw == level:
        return raw
    if level not in _KNOWN:
        need = one["rule"]["for"] if raw == "red" else {"readings": 1, "seconds": 0.0}
    else:
        need = one["rule"]["for" if _KNOWN.index(raw) > _KNOWN.index(level) else "keep"]
    counted = one["kind"] == "reading"
    if _ripe(run["since"], run["readings"], need, now, counted):
        return raw
    return "yellow" if _ripe(run["away_since"], run["away_readings"], need, now, counted) else str(level)


def _ripe(since: str | None, readings: int, need: Json, now: datetime, counted: bool) -> bool:
    if since is None or (counted and readings < need["readings"]):
        return False
    return now >= datetime.fromisoformat(since) + timedelta(seconds=need["seconds"])


def _standing(criteria: Sequence[Json], rule: Json) -> str:
    counted = [(c["colour"], c) for c in criteria if c["colour"] != "excluded" and (c["weight"] > 0 or c["critical"])]
    by_known = _weighed(counted, rule)
    if by_known not in _KNOWN:
        return by_known
    fell = [
        (c["level"] if shown == "unknown" and c["level"] in ("yellow", "red") else shown, c) for shown, c in counted
    ]
    remembering = _weighed(fell, rule)
    worse = remembering in _KNOWN and _KNOWN.index(remembering) > _KNOWN.index(by_known)
    return remembering if worse else by_known


def _weighed(counted: Sequence[tuple[str, Json]], rule: Json) -> str:
    critical = [shown for shown, c in counted if c["critical"]]
    if not counted or "red" in critical or any(shown not in _KNOWN for shown in critical):
        return "red" if "red" in critical else "unknown"
    total = sum(c["weight"] for _, c in counted)
    known = [(shown, c["weight"]) for shown, c in counted if shown in _KNOWN]
    weight = sum(one for _, one in known)
    coverage = round(weight / total, 9) if total else float(len(known) == len(counted))
    if coverage < rule["min_coverage"]:
        return "unknown"
    score = round(sum(one * _SCORE[shown] for shown, one in known) / weight, 9) if weight else 1.0
    if score < rule["red_score"]:
        return "red"
    heavy = any(shown == "yellow" and (c["weight"] >= rule["yellow_weight"] or c["critical"]) for shown, c in counted)
    some_red = any(shown == "red" for shown, _ in counted)
    return "yellow" if some_red or heavy or score < rule["green_score"] else "green"
