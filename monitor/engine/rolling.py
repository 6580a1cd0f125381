"""Availability, loss and latency of a probe over a window, from sums that roll with time.

Time. An answer speaks for the time until the next one. Where that comes later than the promised freshness
(`patience`) it speaks for one period, and the rest was not measured: the monitor was stopped, cut off or held up.
Time that was not measured is neither up nor down; availability is up / (up + down), and it is not told at all while
less than `known` of its window was measured. Planned maintenance is taken out of all of this, as it was planned when
the answer came: what is announced afterwards does not whiten the past.

Windows. Sums are kept by the hour (UTC) for windows up to 24 hours, and by the local day for longer ones up to 30
days, for that is how people count. A window reaches back to the start of the hour or day in which it begins: "24h" is
24 to 25 hours, "30d" is 30 whole days and today so far. It begins with the first answer, if that is later.

Latency. Classes that grow by a constant factor, as in DDSketch (Masson, Rim, Lee, VLDB 2019): a percentile is within
3 % of the good answer of that rank (nearest rank), from one millisecond on; what is quicker counts as one. Adding the
classes of two hours is the same as classing the answers of both.

Clock. An answer that is not newer than the last one is dropped: it is the same one again, or a small step of the
clock. One that is older by more than `patience` tells that the clock was set back: the sums of what then lies ahead
are forgotten. A clock that was ahead for a while costs no sums, for they are bounded by their number and not by their
age.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from enum import StrEnum
from functools import lru_cache
from math import ceil, log
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from monitor.engine.book import Indicator
from monitor.model.hours import Calendar, Sessions, first_instant
from monitor.model.reading import Reading
from monitor.model.rolling import Answer, Rolling, Stretch, Tally, Tier

HOUR, DAY = 3600.0, 86_400.0  # seconds
HOURS, DAYS = 24, 30  # the longest windows
ERROR = 0.03  # relative, of a percentile
KNOWN = 50.0  # per cent of its window that availability must know unless the config says otherwise

_FLOOR = 0.001  # seconds; quicker answers are not told apart
_GROWTH = (1 + ERROR) / (1 - ERROR)
_LOG_GROWTH = log(_GROWTH)
_CLASSES = 255  # number and classes fit into one byte; the last one is beyond any timeout (over an hour)
_FRESH: Final = (2.5, 90.0)  # periods, seconds: the greater is how long a probe's answer is believed

_HEAD = struct.Struct("<iIIIIIB")  # start; milliseconds up, down, excluded; sent, lost; number of classes
_CLASS = struct.Struct("<BH")  # class, good answers
_MOST = 2**16 - 1

Spans = Sequence[Stretch]


class What(StrEnum):
    """What can be derived from the answers of a probe."""

    AVAILABILITY = "availability"  # per cent of the measured time in which the target was up
    LOSS = "loss"  # per cent of the packets or attempts that came to nothing
    OFFICE_OUTAGE = "office_outage"  # minutes of office time in the current outage; 0 while the target is up
    P50 = "p50"  # seconds in which so many per cent of the good answers had come
    P90 = "p90"
    P95 = "p95"
    P99 = "p99"

    @property
    def share(self) -> float | None:
        """Of a percentile: its ratio (0 to 1). None for the others."""
        return int(self.value[1:]) / 100 if self.value[1:].isdigit() else None

    @property
    def unit(self) -> str:
        """Unit of measure of the figure."""
        if self is What.OFFICE_OUTAGE:
            return "minutes"
        return "%" if self.share is None else "s"


@dataclass(frozen=True, slots=True)
class Derived:
    """One figure asked of a probe, and the indicator that it fills."""

    indicator: str
    what: What
    over: float  # seconds: the window; 0 for the current outage
    known: float = KNOWN  # availability: least share of the window that must be measured, per cent

    @property
    def by_days(self) -> bool:
        """Whether the window is made of local days; otherwise of hours."""
        return self.over > HOURS * HOUR


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is derived from one probe at one unit."""

    source: str
    period: float  # seconds between two answers
    derived: tuple[Derived, ...]
    hours: int = field(init=False)  # closed hours that are kept: the longest window made of hours
    days: int = field(init=False)
    timed: bool = field(init=False)  # whether latencies are kept

    def __post_init__(self) -> None:
        hours = (derived.over / HOUR for derived in self.derived if not derived.by_days)
        days = (derived.over / DAY for derived in self.derived if derived.by_days)
        object.__setattr__(self, "hours", ceil(max(hours, default=0)))
        object.__setattr__(self, "days", ceil(max(days, default=0)))
        object.__setattr__(self, "timed", any(derived.what.share is not None for derived in self.derived))

    @property
    def patience(self) -> float:
        """Seconds for which an answer may speak when the next one is late."""
        return max(_FRESH[0] * self.period, _FRESH[1])


@dataclass(frozen=True, slots=True)
class Rolled:
    """What new answers made of a unit: its sums, and the figures that are due to be told."""

    rolling: Mapping[str, Rolling]
    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """A derived figure, and what it is made of."""

    value: float  # per cent or seconds
    numerator: float | None  # minutes up; packets or attempts lost; None for a percentile
    denominator: float  # minutes measured; packets or attempts; good answers
    since: datetime  # begin of the window, aware UTC
    measured: float  # per cent of the window, without maintenance
    down: float  # minutes
    excluded: float  # minutes of planned maintenance


def roll_all(
    before: Mapping[str, Rolling],
    answers: Iterable[Answer],
    plans: Mapping[str, Plan],
    indicators: Mapping[str, Indicator],
    sessions: Sessions,
    excluded: Spans = (),
) -> Rolled:
    """A unit's sums after new answers, and the figures to be told; the same object where there was no answer.

    A figure is told at the first answer after each full `cadence` of its indicator, at the first two answers ever, and
    availability also when the target is well again, office minutes of an outage whenever they change. What no plan
    asks for any more is forgotten.
    """
    rolling, readings = before, list[Reading]()
    for answer in answers:
        plan = plans.get(answer.source)
        if plan is None:
            continue
        if rolling is before:
            rolling = {source: known for source, known in before.items() if source in plans}
        last = rolling.get(answer.source)
        now = roll(last, answer, plan, sessions.calendar, excluded)
        rolling = {**rolling, answer.source: now}
        if now is not last:
            readings += _told(last, now, answer, plan, indicators, sessions)
    return Rolled(rolling, tuple(readings))


def roll(before: Rolling | None, answer: Answer, plan: Plan, calendar: Calendar, excluded: Spans = ()) -> Rolling:
    """The sums of a probe after one more answer; the same object for an answer that is dropped."""
    at = answer.at.timestamp()
    if before is not None and before.at - plan.patience <= at <= before.at:
        return before
    step = _Step(
        answer,
        at,
        _spoken_for(before, at, plan),
        before is not None and before.good,
        [(start.timestamp(), end.timestamp()) for start, end in excluded],
    )
    hours, days = (before.hours, before.days) if before is not None else (None, None)
    return Rolling(
        at,
        answer.good,
        min(before.run, at) if before is not None and before.good is answer.good else at,
        _grown(hours, _HOURS, step, plan.hours, timed=plan.timed) if plan.hours else None,
        _grown(days, _Days(calendar.zone), step, plan.days, timed=False) if plan.days else None,
    )


def figure(derived: Derived, rolling: Rolling, now: datetime, calendar: Calendar) -> Figure | None:
    """A derived figure at an instant from the last answer on; None when too little was measured."""
    edges, tier = (_Days(calendar.zone), rolling.days) if derived.by_days else (_HOURS, rolling.hours)
    if tier is None:
        return None
    first = edges.index(now.timestamp() - derived.over, tier.open.start)
    window = [tally for tally in (*unpack(tier.closed), tier.open) if tally.start >= first]
    since = max(edges.begin(first), tier.since)
    up, down = sum(tally.up for tally in window), sum(tally.down for tally in window)
    excluded = sum(tally.excluded for tally in window)
    length = rolling.at - since - excluded
    measured = min(100.0, 100 * (up + down) / length) if length > 0 else 0.0
    value = _value(derived, window, up, down, measured)
    if value is None:
        return None
    start = datetime.fromtimestamp(since, UTC)
    return Figure(*value, since=start, measured=measured, down=down / 60, excluded=excluded / 60)


def office_outage(rolling: Rolling, sessions: Sessions) -> int:
    """Whole minutes of office time from the first bad answer of the current outage to the last one; 0 while up."""
    if rolling.good:
        return 0
    return sessions.working_minutes(datetime.fromtimestamp(rolling.run, UTC), datetime.fromtimestamp(rolling.at, UTC))


def pack(tallies: Iterable[Tally]) -> bytes:
    """Closed tallies as bytes; time is rounded to milliseconds."""
    packed = bytearray()
    for tally in tallies:
        times = (round(1000 * seconds) for seconds in (tally.up, tally.down, tally.excluded))
        packed += _HEAD.pack(tally.start, *times, tally.sent, tally.lost, len(tally.latencies))
        for place, number in sorted(tally.latencies.items()):
            packed += _CLASS.pack(place, min(number, _MOST))
    return bytes(packed)


def unpack(packed: bytes) -> list[Tally]:
    """The tallies that were packed."""
    tallies: list[Tally] = []
    for place in _places(packed):
        start, up, down, excluded, sent, lost, classes = _HEAD.unpack_from(packed, place)
        begin = place + _HEAD.size
        latencies = dict(_CLASS.iter_unpack(packed[begin : begin + classes * _CLASS.size]))
        tallies.append(Tally(start, up / 1000, down / 1000, excluded / 1000, sent, lost, latencies))
    return tallies


def _places(packed: bytes) -> list[int]:
    """Where each of the packed tallies begins."""
    places, place = list[int](), 0
    while place < len(packed):
        places.append(place)
        place += _HEAD.size + packed[place + _HEAD.size - 1] * _CLASS.size
    return places


def merged(stretches: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """Latencies of some stretches together; their order makes no difference."""
    total = Counter[int]()
    for latencies in stretches:
        total.update(latencies)
    return total


def percentile(latencies: Mapping[int, int], share: float) -> float | None:
    """Seconds within which `share` (0 to 1) of the answers came, within `ERROR`; None for no answers."""
    wanted, reached = share * sum(latencies.values()), 0
    for place in sorted(latencies):
        reached += latencies[place]
        if reached >= wanted:
            return 2 * _FLOOR * _GROWTH**place / (_GROWTH + 1)
    return None


def latency_class(seconds: float) -> int:
    """The class in which a latency is counted."""
    return 0 if seconds <= _FLOOR else min(ceil(log(seconds / _FLOOR) / _LOG_GROWTH), _CLASSES - 1)


# -- growing -------------------------------------------------------------------------------------------------------


class _Edges(Protocol):
    def index(self, at: float, near: int | None) -> int:
        """The stretch in which an instant lies; `near` is tried first."""

    def begin(self, index: int) -> float:
        """First instant of a stretch."""


class _Hours:
    def index(self, at: float, near: int | None) -> int:
        return int(at // HOUR)

    def begin(self, index: int) -> float:
        return index * HOUR


_HOURS = _Hours()


@dataclass(frozen=True, slots=True)
class _Days:
    zone: ZoneInfo

    def index(self, at: float, near: int | None) -> int:
        if near is not None and self.begin(near) <= at < self.begin(near + 1):
            return near
        return datetime.fromtimestamp(at, self.zone).toordinal()

    def begin(self, index: int) -> float:
        return _midnight(index, self.zone)


@lru_cache(maxsize=256)
def _midnight(ordinal: int, zone: ZoneInfo) -> float:
    return first_instant(datetime.combine(date.fromordinal(ordinal), time.min), zone).timestamp()


@dataclass(frozen=True, slots=True)
class _Step:
    """One answer and the time that ends with it."""

    answer: Answer
    at: float
    spoken: tuple[float, float] | None  # the time for which the answer before spoke
    good: bool  # what that one said
    excluded: list[tuple[float, float]]


def _spoken_for(before: Rolling | None, at: float, plan: Plan) -> tuple[float, float] | None:
    if before is None or at < before.at:
        return None
    late = at - before.at > plan.patience
    return before.at, before.at + plan.period if late else at


def _grown(tier: Tier | None, edges: _Edges, step: _Step, keep: int, *, timed: bool) -> Tier:
    here = edges.index(step.at, None if tier is None else tier.open.start)
    if tier is None:
        return Tier(step.at, _with_answer(Tally(here), step, timed=timed))
    if here < tier.open.start:
        tier = _set_back(tier, here, step.at)
    now, closed = tier.open, tier.closed
    for index, start, end in _pieces(edges, now.start, step.spoken):
        now, closed = _moved(now, closed, index, keep)
        now = _with_time(now, start, end, step)
    now, closed = _moved(now, closed, here, keep)
    return Tier(tier.since, _with_answer(now, step, timed=timed), closed)


def _pieces(edges: _Edges, index: int, spoken: tuple[float, float] | None) -> Iterator[tuple[int, float, float]]:
    """The time that was spoken for, cut where stretches meet; it starts in stretch `index`."""
    start, end = spoken or (0.0, 0.0)
    while start < end:
        edge = edges.begin(index + 1)
        yield index, start, min(edge, end)
        index, start = index + 1, edge


def _moved(now: Tally, closed: bytes, index: int, keep: int) -> tuple[Tally, bytes]:
    """The stretch of this index as the open one, and those before it."""
    if index <= now.start:
        return now, closed
    closed += pack((now,))
    return Tally(index), closed[_places(closed)[-keep:][0] :]


def _set_back(tier: Tier, index: int, at: float) -> Tier:
    """The tier after the clock was set back: what now lies ahead is forgotten, and a closed stretch is open again."""
    closed = unpack(tier.closed)
    again = next((tally for tally in closed if tally.start == index), Tally(index))
    return Tier(min(tier.since, at), again, pack(tally for tally in closed if tally.start < index))


def _with_time(now: Tally, start: float, end: float, step: _Step) -> Tally:
    planned = _covered(start, end, step.excluded)
    spoken = end - start - planned
    up, down = (now.up + spoken, now.down) if step.good else (now.up, now.down + spoken)
    return Tally(now.start, up, down, now.excluded + planned, now.sent, now.lost, now.latencies)


def _with_answer(now: Tally, step: _Step, *, timed: bool) -> Tally:
    answer, latencies = step.answer, now.latencies
    if any(start <= step.at < end for start, end in step.excluded):
        return now
    if timed and answer.good and answer.seconds is not None:
        place = latency_class(answer.seconds)
        latencies = {**latencies, place: latencies.get(place, 0) + 1}
    sums = now.sent + answer.sent, now.lost + answer.lost
    return Tally(now.start, now.up, now.down, now.excluded, *sums, latencies)


def _covered(start: float, end: float, spans: Iterable[tuple[float, float]]) -> float:
    """Seconds of a stretch that lie in any of the spans, which may overlap."""
    covered = 0.0
    for begins, ends in sorted(spans):
        first, last = max(begins, start), min(ends, end)
        if first < last:
            covered += last - first
            start = last
    return covered


# -- telling -------------------------------------------------------------------------------------------------------


def _told(
    before: Rolling | None,
    after: Rolling,
    answer: Answer,
    plan: Plan,
    indicators: Mapping[str, Indicator],
    sessions: Sessions,
) -> Iterator[Reading]:
    for derived in plan.derived:
        indicator = indicators.get(derived.indicator)
        if indicator is None:
            continue
        due = _is_due(derived, before, after, indicator.cadence or plan.period)
        if derived.what is What.OFFICE_OUTAGE:
            minutes = office_outage(after, sessions)
            if due or before is None or minutes != office_outage(before, sessions):
                yield _reading(answer, derived, float(minutes))
        elif due and (found := figure(derived, after, answer.at, sessions.calendar)) is not None:
            note = _note(derived, found, sessions.calendar)
            yield _reading(answer, derived, found.value, found.numerator, found.denominator, note)


def _reading(
    answer: Answer,
    derived: Derived,
    value: float,
    numerator: float | None = None,
    denominator: float | None = None,
    note: str = "",
) -> Reading:
    """A figure as it is told with the answer that made it due."""
    return Reading(
        answer.unit, derived.indicator, value, answer.at, answer.at, answer.source,
        numerator=numerator, denominator=denominator, note=note,
    )  # fmt: skip


def _is_due(derived: Derived, before: Rolling | None, after: Rolling, cadence: float) -> bool:
    if before is None:
        return True
    tier = after.days if derived.by_days else after.hours
    second = tier is not None and before.at == tier.since
    well_again = after.good and not before.good and derived.what is What.AVAILABILITY
    return second or well_again or after.at // cadence != before.at // cadence


def _value(
    derived: Derived, window: Sequence[Tally], up: float, down: float, measured: float
) -> tuple[float, float | None, float] | None:
    """Value, numerator and denominator; None when too little is known."""
    if derived.what is What.AVAILABILITY:
        known = up + down
        return (100 * up / known, up / 60, known / 60) if known > 0 and measured >= derived.known else None
    if derived.what is What.LOSS:
        sent, lost = sum(tally.sent for tally in window), sum(tally.lost for tally in window)
        return (100 * lost / sent, float(lost), float(sent)) if sent else None
    latencies = merged(tally.latencies for tally in window)
    assert derived.what.share is not None
    seconds = percentile(latencies, derived.what.share)
    return None if seconds is None else (seconds, None, float(sum(latencies.values())))


def _note(derived: Derived, found: Figure, calendar: Calendar) -> str:
    """The window and what is known of it, for people who ask why."""
    said = [f"{derived.what} since {calendar.local(found.since):%Y-%m-%d %H:%M}"]
    if derived.what is What.AVAILABILITY:
        said += [f"down {found.down:.1f} min", f"{found.measured:.1f} % of the time measured"]
        said += [f"{found.excluded:.1f} min of maintenance left out"] if found.excluded else []
    elif derived.what is What.LOSS:
        said += [f"{found.numerator:g} of {found.denominator:g} lost"]
    else:
        said += [f"{found.denominator:g} good answers", f"within {100 * ERROR:g} %"]
    return ", ".join(said)
