"""Bands as they are written (`95 to <100`), and the proof that they leave no hole, do not overlap and can be reached.

A number line is cut by pairs (value, side): side 0 cuts just below the value, side 1 just above it. `>= 60` begins at
(60, 0), `> 60` at (60, 1); `< 80` ends at (80, 0), `<= 80` at (80, 1). Whole numbers need only cuts of side 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil, floor, inf

from monitor.engine.book import Condition, Indicator
from monitor.engine.evidence import same_value
from monitor.model.reading import Value

_NUMBER = r"-?\d{1,15}(?:\.\d{1,9})?"
_ONE = re.compile(rf"(>=|>|<=|<|==)?\s*({_NUMBER})")
_RANGE = re.compile(rf"(>=|>)?\s*({_NUMBER})\s+to\s+(<=|<)?\s*({_NUMBER})")
_WORD = re.compile(r"[a-z][a-z0-9_]*")

Cut = tuple[float, int]


def conditions(written: bool | float | str) -> tuple[Condition, ...]:
    """The conditions of a band or goal as written. Raises ValueError with a sentence."""
    if isinstance(written, bool):
        return (Condition("==", written),)
    if isinstance(written, int | float):
        return (Condition("==", float(written)),)
    text = written.strip()
    if match := _RANGE.fullmatch(text):
        low, high = Condition(match[1] or ">=", float(match[2])), Condition(match[3] or "<=", float(match[4]))
        return low, high
    if match := _ONE.fullmatch(text):
        return (Condition(match[1] or "==", float(match[2])),)
    if _WORD.fullmatch(text):
        return (Condition("==", text),)
    raise ValueError(f"'{text[:40]}' is no condition; write >=100, 95 to <100, >0 to <15, true, false or a state")


def words_of(indicator: Indicator) -> tuple[Value, ...] | None:
    """All values of a yes/no or state indicator; None for a number."""
    if indicator.unit == "bool":
        return (True, False, *indicator.states)
    return indicator.states if indicator.unit == "state" else None


@dataclass(frozen=True, slots=True)
class Flaw:
    """One mistake in a set of bands: in which band (empty: in all of them), what, and what would be right."""

    band: str
    what: str
    right: str = ""


def flaws(bands: Mapping[str, tuple[Condition, ...]], indicator: Indicator, complete: bool) -> Iterator[Flaw]:
    """Everything wrong with bands (by colour). `complete`: together they must cover every possible value."""
    words = words_of(indicator)
    mismatched = [f for band, parts in bands.items() for f in _mismatch(band, parts, indicator, words)]
    yield from mismatched
    if mismatched:
        return
    if words is not None:
        yield from _word_flaws(bands, words, complete)
    else:
        yield from _number_flaws(bands, indicator, complete)


def _mismatch(
    band: str, parts: tuple[Condition, ...], indicator: Indicator, words: tuple[Value, ...] | None
) -> Iterator[Flaw]:
    for part in parts:
        is_word = isinstance(part.operand, bool | str)
        if words is None and is_word:
            yield Flaw(band, f"compares with '{_shown(part.operand)}', but {indicator.id} is a number")
        elif words is not None and not any(same_value(part.operand, word) for word in words):
            yield Flaw(band, f"is '{_shown(part.operand)}', which {indicator.id} never is", f"known: {_list(words)}")


def _word_flaws(bands: Mapping[str, tuple[Condition, ...]], words: tuple[Value, ...], complete: bool) -> Iterator[Flaw]:
    for word in words:
        holders = [band for band, parts in bands.items() if any(same_value(part.operand, word) for part in parts)]
        if len(holders) > 1:
            yield Flaw(holders[1], f"and {holders[0]} both cover '{_shown(word)}'")
        if not holders and complete:
            yield Flaw("", f"leave a hole: no band covers '{_shown(word)}'")


def _number_flaws(bands: Mapping[str, tuple[Condition, ...]], indicator: Indicator, complete: bool) -> Iterator[Flaw]:
    whole = indicator.unit == "count"
    low = _begin(Condition(">=", -inf if indicator.minimum is None else indicator.minimum), whole)
    high = _end(Condition("<=", inf if indicator.maximum is None else indicator.maximum), whole)
    spans: list[tuple[Cut, Cut, str]] = []
    for band, parts in bands.items():
        begin, end = max([low, *(_begin(p, whole) for p in parts)]), min([high, *(_end(p, whole) for p in parts)])
        if begin < end:
            spans.append((begin, end, band))
        else:
            yield Flaw(band, f"can never be reached: {indicator.id} lies {_between(indicator)}")
    yield from _seams(sorted(spans), low, high, complete)


def _seams(spans: list[tuple[Cut, Cut, str]], low: Cut, high: Cut, complete: bool) -> Iterator[Flaw]:
    reached, before = low, ""
    for begin, end, band in spans:
        if begin < reached and before:
            yield Flaw(band, f"and {before} overlap {_stretch(begin, min(end, reached))}")
        elif begin > reached and complete:
            yield Flaw("", f"leave a hole {_stretch(reached, begin)}")
        if end > reached:
            reached, before = end, band
    if reached < high and complete:
        yield Flaw("", f"leave a hole {_stretch(reached, high)}")


def _begin(condition: Condition, whole: bool) -> Cut:
    number = _number(condition)
    if condition.op in ("<", "<="):
        return (-inf, 0)
    if not whole or number in (inf, -inf):
        return (number, int(condition.op == ">"))
    return (floor(number) + 1, 0) if condition.op == ">" else (ceil(number), 0)


def _end(condition: Condition, whole: bool) -> Cut:
    number = _number(condition)
    if condition.op in (">", ">="):
        return (inf, 1)
    if not whole or number in (inf, -inf):
        return (number, int(condition.op != "<"))
    return (ceil(number), 0) if condition.op == "<" else (floor(number) + 1, 0)


def _number(condition: Condition) -> float:
    assert not isinstance(condition.operand, bool | str)
    return condition.operand


def _stretch(begin: Cut, end: Cut) -> str:
    if begin[0] == end[0]:
        return f"at {begin[0]:g}"
    start = "" if begin[0] == -inf else f"from {begin[0]:g}" if begin[1] == 0 else f"above {begin[0]:g}"
    stop = "" if end[0] == inf else f"below {end[0]:g}" if end[1] == 0 else f"up to {end[0]:g}"
    return " ".join(part for part in (start, stop) if part) or "everywhere"


def _between(indicator: Indicator) -> str:
    low = "" if indicator.minimum is None else f"from {indicator.minimum:g}"
    high = "" if indicator.maximum is None else f"up to {indicator.maximum:g}"
    return " ".join(part for part in (low, high) if part) or "anywhere"


def _shown(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def _list(words: tuple[Value, ...]) -> str:
    return ", ".join(map(_shown, words))
