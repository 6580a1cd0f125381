"""Numbers as people and machines write them: "68,91 %", "63/92", ">80", "~14 000". What is ambiguous is refused."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from monitor.model.reading import Comparator
from monitor.model.text import clean

_SHOWN = 60  # characters of a foreign text that are repeated in a sentence
_SIGNS: Mapping[str, Comparator] = {
    ">=": Comparator.GE, "≥": Comparator.GE, "=>": Comparator.GE, ">": Comparator.GT,
    "<=": Comparator.LE, "≤": Comparator.LE, "=<": Comparator.LE, "<": Comparator.LT,
    "~": Comparator.APPROX, "≈": Comparator.APPROX, "=": Comparator.EQ, "": Comparator.EQ,
}  # fmt: skip
_SHAPE = re.compile(r"(>=|=>|<=|=<|[≥≤≈~<>=]|) ?([^/%]{1,60})(?:/([^/%]{1,60}))?( ?%)?")
# ASCII digits only: what looks like a digit elsewhere is no number here. Blanks may part thousands, which begin with no
# nought: 0.095 with the decimal comma is a decimal point, and not 95.
_PLAIN = re.compile(r"[+-]?(?:[1-9][0-9]{0,2}(?: [0-9]{3})+|[0-9]+)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
_COMMA = re.compile(r"[+-]?(?:[1-9][0-9]{0,2}(?:[. ][0-9]{3})+|[0-9]+)(?:,[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
_OTHER_SIGN = {".": re.compile(r"[+-]?[0-9. ]*,[0-9]+"), ",": re.compile(r"[+-]?[0-9, ]*\.[0-9]+")}


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why a cell cannot be used: a short machine word and the rest of a sentence."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Number:
    """A finite number with what stood around it. A fraction has both its parts and its value in per cent."""

    value: float
    comparator: Comparator = Comparator.EQ
    numerator: float | None = None
    denominator: float | None = None
    percent: bool = False  # written with a per cent sign, or a fraction


def shown(raw: object) -> str:
    """A foreign value as a sentence may repeat it: one short line in quotation marks."""
    return f"'{clean(str(raw), _SHOWN)}'"


def read_number(raw: object, decimal: str = ".") -> Number | Unfit:
    """A number of JSON, or a text in which `decimal` is the decimal sign."""
    if isinstance(raw, bool):
        return Unfit("not-a-number", f"{str(raw).lower()} is not a number")
    if isinstance(raw, (int, float)):
        value = _finite(raw)
        return Unfit("not-a-number", f"{shown(raw)} is not a finite number") if value is None else Number(value)
    if not isinstance(raw, str):
        return Unfit("not-a-number", f"{shown(raw)} is not a number")
    return _read_text(clean(raw).replace("\u2212", "-"), decimal)


def _read_text(text: str, decimal: str) -> Number | Unfit:
    match = _SHAPE.fullmatch(text)
    if match is None:
        return Unfit("not-a-number", f"{shown(text)} is not a number")
    sign, first, second, percent = match.groups()
    value = _plain(first, decimal)
    if value is None:
        hint = _hint(first, decimal)
        return Unfit("decimal-sign" if hint else "not-a-number", f"{shown(text)} is not a number{hint}")
    if second is None:
        return Number(value, _SIGNS[sign], percent=percent is not None)
    whole = _plain(second, decimal)
    if whole is None or percent is not None:
        return Unfit("not-a-number", f"{shown(text)} is neither a number nor a fraction")
    return _fraction(value, whole, _SIGNS[sign])


def _fraction(part: float, whole: float, comparator: Comparator) -> Number | Unfit:
    if whole == 0:
        return Unfit("missing", f"{part:g} of 0 is no rate")
    value = _finite(part / whole * 100)
    if value is None:
        return Unfit("not-a-number", f"{part:g} of {whole:g} is not a finite number")
    return Number(tidy(value), comparator, part, whole, percent=True)


def _plain(text: str, decimal: str) -> float | None:
    text = text.strip()
    if decimal == ",":
        if _COMMA.fullmatch(text) is None:
            return None
        text = text.replace(".", "").replace(",", ".")
    elif _PLAIN.fullmatch(text) is None:
        return None
    return _finite(text.replace(" ", ""))


def _finite(raw: str | float) -> float | None:
    try:
        value = float(raw)
    except (ValueError, OverflowError):
        return None
    return value if math.isfinite(value) else None


def _hint(text: str, decimal: str) -> str:
    if _OTHER_SIGN[decimal].fullmatch(text.strip()) is None:
        return ""
    other = "decimal comma" if decimal == "." else "decimal point"
    return f": a {other} in a feed whose decimal sign is '{decimal}'"


def tidy(value: float) -> float:
    """Without the dust of binary arithmetic: 0.57 times 100 is 57."""
    return float(f"{value:.12g}")
