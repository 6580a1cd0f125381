"""From a raw cell to a value that its indicator can have, or to the reason why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from monitor.adapters.feeds.numbers import Number, Unfit, read_number, shown, tidy
from monitor.config.spec import Column
from monitor.engine.book import Indicator, Measure
from monitor.engine.evidence import believable, inconsistent, unratable
from monitor.model.reading import Comparator, Value
from monitor.model.text import clean, fold

_WORDS: Mapping[str, Value] = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Cell:
    """What a row says about one indicator: texts, numbers, yes/no, None for nothing, or `Unfit` straight away."""

    column: Column
    value: object
    numerator: object = None
    denominator: object = None

    @property
    def raw(self) -> str:
        """All of it as it stands there: the value, and the parts of a rate."""
        parts = [part for part in (self.numerator, self.denominator) if not isinstance(part, Unfit)]
        given = "/".join("" if part is None else str(part) for part in parts) if any(map(_given, parts)) else ""
        value = "" if self.value is None or isinstance(self.value, Unfit) else str(self.value)
        return f"{value} ({given})" if given else value


@dataclass(frozen=True, slots=True)
class Stated:
    """A believable value as the row states it."""

    value: Value
    comparator: Comparator = Comparator.EQ
    numerator: float | None = None
    denominator: float | None = None


def is_blank(raw: object) -> bool:
    """Nothing is said. That is missing, never zero."""
    return raw is None or (isinstance(raw, str) and not clean(raw))


def read_cell(cell: Cell, indicator: Indicator, decimal: str = ".") -> Stated | Unfit | None:
    """The believable value of a cell, why there is none, or None for a blank."""
    if isinstance(cell.value, Unfit):
        return cell.value
    if is_blank(cell.value):
        return None
    stated = _by_word(cell, indicator) or _number(cell, indicator, decimal)
    if isinstance(stated, Unfit):
        return stated
    problem = believable(indicator, stated.value)
    return Unfit(_reason(indicator, stated.value), problem) if problem else stated


def _by_word(cell: Cell, indicator: Indicator) -> Stated | None:
    """By the column's own words; for yes/no and states also as it stands. None: it has to be a number."""
    text = fold(_text(cell.value))
    for word, value in cell.column.words.items():
        if fold(word) == text:
            return Stated(value)
    if indicator.unit not in ("bool", "state"):
        return None
    if isinstance(cell.value, bool):
        return Stated(cell.value)
    return Stated(_WORDS.get(text, clean(_text(cell.value), 60)))


def _given(raw: object) -> bool:
    return raw is not None and raw != ""


def _text(raw: object) -> str:
    if isinstance(raw, bool):
        return str(raw).lower()
    if isinstance(raw, float):
        return f"{raw:g}"
    return str(raw)


def _number(cell: Cell, indicator: Indicator, decimal: str) -> Stated | Unfit:
    number = read_number(cell.value, decimal)
    if isinstance(number, Unfit):
        return number
    if number.percent and indicator.unit != "%":
        return Unfit("not-a-number", f"{shown(cell.value)} is a share, but this is counted in {indicator.unit}")
    value = number.value if number.percent else tidy(number.value * cell.column.scale)
    return _with_parts(cell, indicator, decimal, replace(number, value=value))


def _with_parts(cell: Cell, indicator: Indicator, decimal: str, number: Number) -> Stated | Unfit:
    parts: dict[str, float | None] = {"numerator": number.numerator, "denominator": number.denominator}
    for name, raw in (("numerator", cell.numerator), ("denominator", cell.denominator)):
        if is_blank(raw):
            continue
        part = raw if isinstance(raw, Unfit) else read_number(raw, decimal)
        if isinstance(part, Unfit):
            return Unfit(part.reason, f"the {name}: {part.detail}")
        parts[name] = part.value
    denominator = parts["denominator"]
    if any(part is not None and part < 0 for part in parts.values()):
        return Unfit("out-of-range", "the numerator or denominator is negative")
    if nothing := unratable(indicator, denominator):
        return Unfit("missing", nothing)
    stated = Stated(number.value, number.comparator, parts["numerator"], denominator)
    problem = inconsistent(indicator, stated.value, stated.comparator, stated.numerator, stated.denominator)
    return Unfit("impossible", problem) if problem else stated


def _reason(indicator: Indicator, value: Value) -> str:
    if indicator.measure is Measure.ELAPSED:
        return "bad-row"
    if indicator.unit in ("bool", "state"):
        return "unknown-word"
    return "not-a-number" if isinstance(value, (bool, str)) else "out-of-range"
