"""Which readings count. Old paper never overwrites new, the same reading twice is nothing, a run keeps its start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from math import isfinite

from monitor.engine.book import Indicator, Measure
from monitor.model.reading import Comparator, Reading, Value

ROUNDING = 1.0  # per cent points a rate may differ from its own parts: whole numbers, cut off or rounded
FUTURE_TOLERANCE = 60.0  # seconds a source's clock may run ahead before its row is refused at the edge


@dataclass(frozen=True, slots=True)
class Absorbed:
    """Evidence after the news, and the readings that history keeps."""

    evidence: Mapping[str, Reading]
    fresh: tuple[Reading, ...]


def absorb(evidence: Mapping[str, Reading], news: Iterable[Reading]) -> Absorbed:
    """Take new readings in, oldest claim first."""
    kept = dict(evidence)
    fresh: list[Reading] = []
    for reading in sorted(map(clamp, news), key=_claim_age):
        before = kept.get(reading.indicator)
        if before is not None and _says_the_same(before, reading):
            continue
        if _worth_keeping(before, reading):
            fresh.append(reading)
        if before is None or _claim_age(reading) >= _claim_age(before):
            kept[reading.indicator] = _continue_run(before, reading)
    return Absorbed(kept, tuple(fresh))


def _worth_keeping(before: Reading | None, reading: Reading) -> bool:
    """History keeps every change and one repeat an hour: a probe that says "up" four times a minute is not news."""
    if before is None or before.source != reading.source or not same_value(before.value, reading.value):
        return True
    return _rate(before) != _rate(reading) or before.note != reading.note or not same_hour(before.as_of, reading.as_of)


def same_hour(one: datetime, other: datetime) -> bool:
    """Whether two instants lie in the same hour of UTC."""
    return one.timestamp() // 3600 == other.timestamp() // 3600


def not_after(now: datetime, evidence: Mapping[str, Reading]) -> Mapping[str, Reading]:
    """Evidence that arrived in the future was received before our clock was set back: it is taken as of `now`.

    Otherwise all that arrives until the clock has caught up would be older paper, and a dead centre stayed green.
    """
    for reading in evidence.values():
        if reading.received_at > now:
            break
    else:
        return evidence
    return {indicator: _brought_back(reading, now) for indicator, reading in evidence.items()}


def _brought_back(reading: Reading, now: datetime) -> Reading:
    if reading.received_at <= now:
        return reading
    since = None if reading.since is None else min(reading.since, now)
    return replace(reading, as_of=min(reading.as_of, now), received_at=now, since=since)


def clamp(reading: Reading) -> Reading:
    """A claim from the future becomes a claim of the moment it arrived, and says so."""
    if reading.as_of <= reading.received_at:
        return reading
    note = "; ".join(filter(None, (reading.note, "clamped: as_of was in the future")))
    return replace(reading, as_of=reading.received_at, note=note)


def same_value(one: Value, other: Value) -> bool:
    """Equal and of the same sort: True is not 1.0."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _claim_age(reading: Reading) -> tuple[datetime, datetime]:
    """What is newer counts; of two claims about one instant, the one that was received later."""
    return reading.as_of, reading.received_at


def _says_the_same(before: Reading, reading: Reading) -> bool:
    return before.as_of == reading.as_of and before.key == reading.key and not contradicts(before, reading)


def contradicts(one: Reading, other: Reading) -> bool:
    """Whether two readings of the same thing and instant say different things."""
    return not same_value(one.value, other.value) or _rate(one) != _rate(other)


def _rate(reading: Reading) -> tuple[Comparator, float | None, float | None]:
    return reading.comparator, reading.numerator, reading.denominator


def _continue_run(before: Reading | None, reading: Reading) -> Reading:
    since = reading.as_of
    if before is not None and same_value(before.value, reading.value):
        since = before.since or before.as_of
    one = reading
    return Reading(  # not by `replace`: this is done for every reading
        one.unit, one.indicator, one.value, one.as_of, one.received_at, one.source,
        one.comparator, one.numerator, one.denominator, since, one.note,
    )  # fmt: skip


def unratable(indicator: Indicator, denominator: float | None) -> str | None:
    """Why there is nothing of which a rate could be (a sentence), or None. Often stated as 0 %, or as 100 %."""
    return "the denominator is 0: there is nothing to rate" if denominator == 0 and indicator.unit == "%" else None


def inconsistent(
    indicator: Indicator, value: Value, comparator: Comparator, numerator: float | None, denominator: float | None
) -> str | None:
    """Why a rate and its own parts cannot all be true (a sentence), or None when they can.

    Of shares up to 100 % only: there a part is not more than its whole, and an exactly stated value is theirs.
    """
    share = indicator.unit == "%" and indicator.maximum is not None and indicator.maximum <= 100
    if not share or numerator is None or not denominator or isinstance(value, bool | str):
        return None
    if numerator > denominator:
        return f"{numerator:g} of {denominator:g}: a part is more than its whole"
    rate = 100 * numerator / denominator
    if comparator is Comparator.EQ and abs(value - rate) > ROUNDING:
        return f"{value:g} % is stated, but {numerator:g} of {denominator:g} is {rate:.2f} %"
    return None


def believable(indicator: Indicator, value: Value) -> str | None:
    """Why a value cannot be this indicator's (a sentence), or None when it can."""
    if indicator.measure is Measure.ELAPSED:
        return f"{indicator.id} is derived from {indicator.of} and takes no readings"
    if indicator.unit == "bool":
        return None if isinstance(value, bool) or value in indicator.states else f"{value!r} is neither true nor false"
    if indicator.unit == "state":
        return None if value in indicator.states else f"{value!r} is none of {', '.join(indicator.states)}"
    if isinstance(value, (bool, str)):
        return f"{value!r} is not a number"
    if not isfinite(value):
        return f"{value} is not a finite number"
    if indicator.minimum is not None and value < indicator.minimum:
        return f"{value:g} is less than the least possible {indicator.minimum:g}"
    if indicator.maximum is not None and value > indicator.maximum:
        return f"{value:g} is more than the greatest possible {indicator.maximum:g}"
    return None
