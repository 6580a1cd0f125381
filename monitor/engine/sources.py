"""Several sources of one indicator: which of them counts, who stands in for it, and whether they agree.

An indicator that lists `sources`, or says from where on they `disagree`, keeps the last reading of each of its sources.
The first listed one whose figure is still believed counts; sources that are not listed come after all listed ones, the
newest claim first. When nothing is believed any more, the newest claim of all is shown, with its age. Which one counts
changes with time alone only when a figure goes stale: `next_change` names that instant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.engine import reasons
from monitor.engine.book import Indicator
from monitor.engine.evidence import absorb, not_after
from monitor.model.reading import Reading
from monitor.model.verdict import Param, Reason

MOST = 8  # sources of one indicator whose last readings are kept at a unit
_DIGITS = 9

Rivals = Mapping[str, tuple[Reading, ...]]


@dataclass(frozen=True, slots=True)
class Heard:
    """The readings that count, the last ones of every source of a contested indicator, and what history keeps."""

    evidence: Mapping[str, Reading]
    rivals: Rivals
    fresh: tuple[Reading, ...]


def hear(
    evidence: Mapping[str, Reading],
    rivals: Rivals,
    news: Iterable[Reading],
    indicators: Mapping[str, Indicator],
    now: datetime,
) -> Heard:
    """Take new readings in and choose, for every contested indicator, the one that counts at `now`."""
    news = tuple(news)
    named = {*evidence, *rivals, *[reading.indicator for reading in news]}
    asked = {key for key in named if _contested(indicators.get(key))}
    absorbed = absorb(not_after(now, evidence), (reading for reading in news if reading.indicator not in asked))
    counting, fresh = dict(absorbed.evidence), list(absorbed.fresh)
    kept: dict[str, tuple[Reading, ...]] = {}
    for key in sorted(asked):
        before = {reading.source: reading for reading in rivals.get(key, ())} or _alone(evidence.get(key))
        pool = not_after(now, before)
        own = [reading for reading in news if reading.indicator == key]
        for source in sorted({reading.source for reading in own}):
            pool, heard = _of_one(pool, source, [reading for reading in own if reading.source == source])
            fresh += heard
        kept[key] = _bounded(indicators[key], pool)
        counting[key] = chosen(indicators[key], kept[key], now)
    return Heard(counting, kept, tuple(fresh))


def hear_unjudged(evidence: Mapping[str, Reading], rivals: Rivals, news: Iterable[Reading]) -> Heard:
    """The same while no rule can be asked: what counts of a contested indicator is chosen when judging works again."""
    news = tuple(news)
    kept: dict[str, tuple[Reading, ...]] = {}
    fresh: list[Reading] = []
    for key, readings in rivals.items():
        pool: Mapping[str, Reading] = {reading.source: reading for reading in readings}
        own = [reading for reading in news if reading.indicator == key]
        for source in sorted({reading.source for reading in own}):
            pool, heard = _of_one(pool, source, [reading for reading in own if reading.source == source])
            fresh += heard
        kept[key] = tuple(pool[source] for source in sorted(pool))
    absorbed = absorb(evidence, (reading for reading in news if reading.indicator not in rivals))
    return Heard(absorbed.evidence, kept, (*absorbed.fresh, *fresh))


def counts_now(heard: Heard) -> tuple[Reading, ...]:
    """Of the new readings those that come from the source that counts: only they make the indicator's past."""
    return tuple(
        reading
        for reading in heard.fresh
        if reading.indicator not in heard.rivals or heard.evidence[reading.indicator].source == reading.source
    )


def chosen(indicator: Indicator, readings: Iterable[Reading], now: datetime) -> Reading:
    """The reading that counts at `now`. Raises ValueError for no readings."""
    readings = tuple(readings)
    believed = [reading for reading in readings if _believed(indicator, reading, now)]
    if believed:
        return min(believed, key=lambda reading: (_rank(indicator, reading), *_newest_first(reading)))
    return min(readings, key=_newest_first)


def remarks(indicator: Indicator, readings: Iterable[Reading], now: datetime) -> tuple[Reason, ...]:
    """What is to be said beside a verdict: that a source stands in for a better one, and the widest disagreement."""
    readings = tuple(readings)
    if not readings:
        return ()
    counting = chosen(indicator, readings, now)
    return (*_stand_in(indicator, counting, now), *_disagreement(indicator, counting, readings, now))


def next_change(rivals: Rivals, indicators: Mapping[str, Indicator], now: datetime) -> datetime | None:
    """The next instant at which a figure of a contested indicator goes stale."""
    ends = (
        _stale_at(indicators[key], reading) for key, kept in rivals.items() if key in indicators for reading in kept
    )
    return min((at for at in ends if at > now), default=None)


def named(source: str) -> str:
    """The source as rules name it: a probe of many units is called by its id, without the unit."""
    return source if source.startswith("push:") else source.partition("/")[0]


def _contested(indicator: Indicator | None) -> bool:
    return indicator is not None and (bool(indicator.sources) or indicator.disagree is not None)


def _alone(reading: Reading | None) -> dict[str, Reading]:
    return {} if reading is None else {reading.source: reading}


def _of_one(
    pool: Mapping[str, Reading], source: str, news: list[Reading]
) -> tuple[dict[str, Reading], tuple[Reading, ...]]:
    absorbed = absorb({news[0].indicator: pool[source]} if source in pool else {}, news)
    return {**pool, source: absorbed.evidence[news[0].indicator]}, absorbed.fresh


def _bounded(indicator: Indicator, pool: Mapping[str, Reading]) -> tuple[Reading, ...]:
    best = sorted(pool.values(), key=lambda reading: (_rank(indicator, reading), *_newest_first(reading)))
    return tuple(sorted(best[:MOST], key=lambda reading: reading.source))


def _rank(indicator: Indicator, reading: Reading) -> int:
    name = named(reading.source)
    return indicator.sources.index(name) if name in indicator.sources else len(indicator.sources)


def _newest_first(reading: Reading) -> tuple[float, float, str]:
    return -reading.as_of.timestamp(), -reading.received_at.timestamp(), reading.source


def _stale_at(indicator: Indicator, reading: Reading) -> datetime:
    return reading.as_of + timedelta(seconds=indicator.max_age)


def _believed(indicator: Indicator, reading: Reading, now: datetime) -> bool:
    return now < _stale_at(indicator, reading)


def _stand_in(indicator: Indicator, counting: Reading, now: datetime) -> tuple[Reason, ...]:
    if not indicator.sources or not _believed(indicator, counting, now) or _rank(indicator, counting) == 0:
        return ()
    return (Reason(reasons.STAND_IN, {"source": counting.source, "preferred": indicator.sources[0]}),)


def _disagreement(
    indicator: Indicator, counting: Reading, readings: Iterable[Reading], now: datetime
) -> tuple[Reason, ...]:
    if indicator.disagree is None:
        return ()
    apart = [
        (_difference(counting, other), other)
        for other in readings
        if other.source != counting.source and _believed(indicator, other, now)
    ]
    widest, other = max(apart, key=lambda pair: (pair[0], pair[1].source), default=(0.0, counting))
    if widest <= indicator.disagree:
        return ()
    said: dict[str, Param] = {"source": counting.source, "value": counting.value, "other": other.source}
    said |= {"other_value": other.value, "difference": widest, "limit": indicator.disagree}
    return (Reason(reasons.SOURCES_DISAGREE, said),)


def _difference(one: Reading, other: Reading) -> float:
    if isinstance(one.value, bool | str) or isinstance(other.value, bool | str):
        return 0.0
    return round(abs(one.value - other.value), _DIGITS)
