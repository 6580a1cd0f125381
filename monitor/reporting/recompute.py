"""A unit's colour from the facts of its explanation, and from nothing else: a second opinion on the engine.

Written from docs/explain.md with the standard library only; it calls nothing of the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from math import fsum, inf
from typing import Any

VERSION = 1
_KNOWN = ("green", "yellow", "red")  # from best to worst
_LETTERS = {"G": "green", "Y": "yellow", "R": "red"}
_GROUPS = ("green_share", "score", "worst", "count", "share", "weight", "weight_share", "nth_best", "rate")
_SCORE = {"green": 1.0, "yellow": 0.5, "red": 0.0}
_LEFT_OUT = ("maintenance", "excluded")  # in no denominator of a group
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
    if _outside(facts):
        return "excluded"
    if facts.get("maintenance"):
        return "maintenance"
    shown = [{**one, "colour": criterion_colour(one, facts)} for one in facts["criteria"]]
    return _standing(shown, facts["standing"])


def _outside(facts: Json) -> bool:
    """True when the unit is not there (yet, or any more). Facts of older services have no such days."""
    at, first, end = datetime.fromisoformat(facts["now"]), facts.get("valid_from"), facts.get("valid_to")
    return bool((first and at < datetime.fromisoformat(first)) or (end and at >= datetime.fromisoformat(end)))


def criterion_colour(one: Json, facts: Json) -> str:
    """The colour of one criterion as it is shown, holds included. Raises Unreadable."""
    if one.get("paused"):
        return "maintenance"
    if one["broken"] is not None or one["kind"] == "unjudged":
        return "unknown"
    if one["kind"] == "inherited":
        found = [criterion_colour(theirs, facts) for theirs in one["from"]]
        return min(found, key=_URGENT.index, default="unknown")
    now = datetime.fromisoformat(facts["now"])
    return _held(_raw(one, facts, now), one, now)


def _raw(one: Json, facts: Json, now: datetime) -> str:
    kind = one["kind"]
    if kind == "reading":
        return _of_reading(one, now)
    if kind == "when":
        return _of_conditions(one, now)
    if kind not in _GROUPS:
        raise Unreadable(f"a criterion of the kind {kind!r}")
    return _of_group(one, facts, now)


def _of_reading(one: Json, now: datetime) -> str:
    rule, told = one["rule"], one["input"]
    if told is None or _stale(told, rule["max_age"], now):
        return "unknown"
    value = told["value"]
    if told["denominator"] is not None and told["denominator"] < rule["min_sample"]:
        wide = next((window for window in one["windows"] if _serves(window, rule)), None)
        if wide is None:
            return "excluded"
        value = _rate(wide)
    if rule["points"] and not rule["bands"] and not rule["target"]:
        return "unknown" if isinstance(value, (bool, str)) or told["comparator"] in ("<", "<=") else "excluded"
    if rule["measure"] == "elapsed":
        since = datetime.fromisoformat(told["since"] or told["as_of"])
        value = 0.0 if value is True else max((now - since).total_seconds(), 1.0) / 60
    return _judged(rule, value, told["comparator"], now)


def _stale(told: Json, max_age: float, now: datetime) -> bool:
    return now >= datetime.fromisoformat(told["as_of"]) + timedelta(seconds=max_age)


def _serves(window: Json, rule: Json) -> bool:
    """True when a wider window holds enough cases and its rate is possible."""
    least = -inf if rule["least"] is None else rule["least"]
    most = inf if rule["most"] is None else rule["most"]
    return window["exact"] and window["denominator"] >= rule["min_sample"] and least <= _rate(window) <= most


def _rate(window: Json) -> float:
    return 100 * window["numerator"] / window["denominator"] if window["denominator"] else 0.0


def _of_conditions(one: Json, now: datetime) -> str:
    """The first condition that is true, as far as the facts say so: their language is not computed here."""
    told = [entry["input"] for entry in one["inputs"] if entry["input"] is not None]
    if any(each["denominator"] is not None and each["denominator"] < one["rule"]["min_sample"] for each in told):
        return "excluded"
    for condition in one["conditions"]:
        if not isinstance(condition["truth"], bool):
            return "unknown"
        if condition["truth"]:
            whole = all(_usable(entry, now) for entry in one["inputs"])
            return str(condition["colour"]) if whole or condition["colour"] != "green" else "unknown"
    return "unknown"


def _usable(entry: Json, now: datetime) -> bool:
    told = entry["input"]
    return told is not None and not _stale(told, entry["max_age"], now) and told["comparator"] in ("=", "~")


def _of_group(one: Json, facts: Json, now: datetime) -> str:
    kind, rule = one["kind"], one["rule"]
    counts = dict.fromkeys(_URGENT, 0) | dict(facts["children"] or {})
    total = sum(counts[name] for name in _URGENT if name not in _LEFT_OUT)
    if total == 0 and counts["maintenance"]:
        return "maintenance"
    if total == 0:
        return "excluded" if counts["excluded"] else "unknown"
    members = facts["members"] or [
        {"colour": name, "level": name, "weight": 1.0}
        for name in _URGENT
        if name not in _LEFT_OUT
        for _ in range(counts[name])
    ]
    red = sum(_last(member) == "red" for member in members)
    too_red = rule["max_red_share"] is not None and 100 * red / total > rule["max_red_share"]
    needed = facts["standing"]["min_coverage"]
    if kind == "rate":
        return _of_figures(one, total, needed, too_red, now)
    known = _known_share(kind, counts, total, members)
    if known == 0 or known < needed:
        return "unknown"
    if kind == "worst":
        return max((_last(member) for member in members), key=lambda name: _KNOWN.index(name) if name in _KNOWN else -1)
    if kind == "nth_best":
        reached = accumulate(counts[name] for name in _KNOWN)
        return next((name for name, so_far in zip(_KNOWN, reached, strict=True) if so_far >= rule["nth"]), "unknown")
    return "red" if too_red else _judged(rule, _group_value(kind, rule, counts, total, members), "=", now)


def _last(member: Json) -> str:
    """Its colour; of one that fell silent while yellow or red, that."""
    silent = member["colour"] == "unknown" and member["level"] in ("yellow", "red")
    return str(member["level"] if silent else member["colour"])


def _known_share(kind: str, counts: Mapping[str, int], total: int, members: Sequence[Json]) -> float:
    if kind not in ("weight", "weight_share"):
        return sum(counts[name] for name in _KNOWN) / total
    whole = sum(member["weight"] for member in members)
    known = sum(member["weight"] for member in members if member["colour"] in _KNOWN)
    return round(known / whole, 9) if whole else 0.0


def _group_value(kind: str, rule: Json, counts: Mapping[str, int], total: int, members: Sequence[Json]) -> float:
    if kind == "green_share":
        return 100 * counts["green"] / total
    if kind == "score":
        last = [_last(member) for member in members]
        return min(_mean(counts), _mean({name: last.count(name) for name in _KNOWN}))
    weights = [member["weight"] if kind.startswith("weight") else 1.0 for member in members]
    inside = round(sum(w for w, member in zip(weights, members, strict=True) if _taken(rule["colours"], member)), 9)
    return inside if kind in ("count", "weight") else 100 * inside / round(sum(weights), 9)


def _mean(counts: Mapping[str, int]) -> float:
    return 100 * (counts["green"] + 0.5 * counts["yellow"]) / sum(counts[name] for name in _KNOWN)


def _taken(colours: Sequence[str], member: Json) -> bool:
    if member["colour"] in colours or "green" in colours or member["colour"] != "unknown":
        return member["colour"] in colours
    return member["level"] in _KNOWN and member["level"] in colours


def _of_figures(one: Json, total: int, needed: float, too_red: bool, now: datetime) -> str:
    rule, figures = one["rule"], one["figures"]
    fresh = [
        each
        for each in figures
        if each["fresh"] and (each["until"] is None or now < datetime.fromisoformat(each["until"]))
    ]
    if not fresh or len(fresh) / total < needed:
        return "unknown"
    found = _of_sum(rule, figures, too_red, now)
    return found if found == "red" or len(figures) == total else "unknown"


def _of_sum(rule: Json, figures: Sequence[Json], too_red: bool, now: datetime) -> str:
    denominator = fsum(each["denominator"] for each in figures)
    if denominator < max(rule["min_sample"], 1.0):
        return "excluded"
    signs = {each["comparator"] for each in figures}
    low, high = signs & {">", ">="}, signs & {"<", "<="}
    if low and high:
        return "unknown"
    if too_red:
        return "red"
    sign = min(low or high or {"="}, key=len)  # the open one, where both are there
    return _judged(rule, 100 * fsum(each["numerator"] for each in figures) / denominator, sign, now)


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
        bad = not target["margin"] or _beyond(target, _short_of(target, target["margin"]), value, sign, strict=True)
    else:
        pace = target["pace"]
        behind = pace is not None and pace["behind"] == "red" and _behind(target, pace, value, sign)
        bad = behind or _beyond(target, target["floor"], value, sign)
    return "red" if bad or banded == "red" else "yellow"


def _behind(target: Json, pace: Json, value: Any, sign: str) -> bool:
    tolerance = pace["tolerance"] if target["goal"][0] in ("<", "<=") else -pace["tolerance"]
    return _beyond(target, round(pace["expected"] + tolerance, 6), value, sign)


def _short_of(target: Json, by: float) -> float | None:
    operator, operand = target["goal"]
    if isinstance(operand, (bool, str)):
        return None
    return float(round(operand + (by if operator in ("<", "<=") else -by), 6))


def _beyond(target: Json, bound: float | None, value: Any, sign: str, *, strict: bool = False) -> bool:
    """True on the wrong side of the bound. Without a bound nothing is beyond it, or everything if `strict`."""
    if bound is None:
        return strict
    if isinstance(value, (bool, str)):
        return False
    wrong = ">" if target["goal"][0] in ("<", "<=") else "<"
    return _holds(wrong, bound, value, "=") or _holds(wrong, bound, value, sign)


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
    level, run, rule = one["run"]["steady"], one["run"], one["rule"]
    if raw not in _KNOWN:
        return raw
    if run["flapping_since"] is not None:
        seen = [_LETTERS[letter] for letter in run["recent"][-rule["flap"]["window"] :]]
        return max((name for name in (level, *seen) if name in _KNOWN), key=_KNOWN.index, default="unknown")
    if raw == level:
        return raw
    if level not in _KNOWN:
        need = rule["for"] if raw == "red" else {"readings": 1, "seconds": 0.0, "of": 0}
    else:
        need = rule["for" if _KNOWN.index(raw) > _KNOWN.index(level) else "keep"]
    if need["of"]:
        return _among(raw, level, run, need)
    if _ripe(run["since"], run["readings"], need, now, run["counts_readings"]):
        return raw
    ripe = _ripe(run["away_since"], run["away_readings"], need, now, run["counts_readings"])
    return "yellow" if ripe else str(level)


def _among(raw: str, level: str, run: Json, need: Json) -> str:
    """N of the last M readings: as far from the level as the raw colour, or at least on its side of the level."""
    last = min(need["of"], run["tally"])
    seen = [_KNOWN.index(_LETTERS[letter]) for letter in run["recent"][-last:]] if last else []
    at, new = _KNOWN.index(level) if level in _KNOWN else -1, _KNOWN.index(raw)
    better = at > new
    side = [n for n in seen if (n < at if better else n > at)]
    far = [n for n in side if (n <= new if better else n >= new)]
    if len(far) >= need["readings"]:
        return raw
    return "yellow" if len(side) >= need["readings"] else str(level)


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
    if coverage == 0 or coverage < rule["min_coverage"]:
        return "unknown"
    score = round(sum(one * _SCORE[shown] for shown, one in known) / weight, 9) if weight else 1.0
    if score < rule["red_score"]:
        return "red"
    heavy = any(shown == "yellow" and (c["weight"] >= rule["yellow_weight"] or c["critical"]) for shown, c in counted)
    some_red = any(shown == "red" for shown, _ in counted)
    return "yellow" if some_red or heavy or score < rule["green_score"] else "green"
