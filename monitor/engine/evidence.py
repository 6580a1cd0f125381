"""Which readings count. Old paper never overwrites new, the same reading twice is nothing, a run keeps its start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from math import isfinite

from monitor.engine.book import Indicator, Measure
from monitor.model.reading import Reading, Value

_PROMISES_MISSED = 4  # cadences of silence over which nobody can say that a run went on
FUTURE_TOLERANCE = 60.0  # seconds a source's clock may run ahead before its row is refused at the edge
_NO_INDICATORS: Mapping[str, Indicator] = {}


@dataclass(frozen=True, slots=True)
class Absorbed:
    """Evidence after the news, and the readings that history keeps."""

    evidence: Mapping[str, Reading]
    fresh: tuple[Reading, ...]


def absorb(
    evidence: Mapping[str, Reading], news: Iterable[Reading], indicators: Mapping[str, Indicator] = _NO_INDICATORS
) -> Absorbed:
    """Take new readings in, oldest claim first. A run of an indicator that is known ends in a long silence."""
    kept = dict(evidence)
    fresh: list[Reading] = []
    for reading in sorted(map(clamp, news), key=_claim_age):
        before = kept.get(reading.indicator)
        if before is not None and _says_the_same(before, reading):
            continue
        if _worth_keeping(before, reading):
            fresh.append(reading)
        if before is None or _claim_age(reading) >= _claim_age(before):
            kept[reading.indicator] = _continue_run(before, reading, indicators.get(reading.indicator))
    return Absorbed(kept, tuple(fresh))


def _worth_keeping(before: Reading | None, reading: Reading) -> bool:
    """History keeps every change and one repeat an hour: a probe that says "up" four times a minute is not news."""
    if before is None or before.source != reading.source or not same_value(before.value, reading.value):
        return True
    rate = (reading.comparator, reading.numerator, reading.denominator)
    same_rate = (before.comparator, before.numerator, before.denominator) == rate
    return not same_rate or before.note != reading.note or _hour(before.as_of) != _hour(reading.as_of)


def _hour(instant: datetime) -> int:
    return int(instant.timestamp() // 3600)


def not_after(now: datetime, evidence: Mapping[str, Reading]) -> Mapping[str, Reading]:
    """Evidence that arrived in the future was received before our clock was set back: it is taken as of `now`.

    Otherwise all that arrives until the clock has caught up would be older paper, and a dead centre stayed green.
    """
    if all(reading.received_at <= now for reading in evidence.values()):
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
    return (
        before.key == reading.key
        and same_value(before.value, reading.value)
        and before.comparator == reading.comparator
        and before.denominator == reading.denominator
        and before.numerator == reading.numerator
    )


def _continue_run(before: Reading | None, reading: Reading, indicator: Indicator | None) -> Reading:
    if before is None or not same_value(before.value, reading.value) or _silent_between(before, reading, indicator):
        return replace(reading, since=reading.as_of)
    return replace(reading, since=before.since or before.as_of)


def _silent_between(before: Reading, reading: Reading, indicator: Indicator | None) -> bool:
    """True when the same value came back after a silence in which it may have been another; 0 promises no cadence."""
    if indicator is None or not indicator.cadence:
        return False
    return (reading.as_of - before.as_of).total_seconds() > _PROMISES_MISSED * indicator.cadence


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
