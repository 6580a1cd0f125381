"""Whether an answer of a feed fits what was known before it: its size, its headers, and figures that only grow.

What a row says by itself is believed or refused where it is read. Here it is held against the last good answer
(`SourceHealth`, which is stored) and the readings that count, so a restart forgets nothing. The table:

    a cumulative figure is less than an earlier one of its period      -> that reading is refused: `backwards`
    a column that used to speak is missing, and headers are gone       -> its refusal is called `schema-drift`
    headers are new                                                    -> a note, nothing is refused
    another source measures the same of the unit, and neither is listed
      as preferred                                                     -> that reading is refused: `measured`
    less than half of the last good answer's rows                      -> held back: `rows-fell`, nothing of it counts
      ... and the next answer has as many as the held one, or more     -> confirmed: it counts, and is the new measure
      ... and the next answer has fewer still, or none                 -> held back again
      ... and the next answer has half or more of the last good one's  -> it counts
    a table of which only changes are asked for is the same as before,
      and its server does not say how old it is                        -> rows without a date are as old as they were

Nothing turns red by any of this: what is refused or held back goes stale by its own `max_age`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter

from monitor.engine.book import Indicator
from monitor.engine.sources import named
from monitor.engine.target import LAST_DAY
from monitor.model.hours import Calendar
from monitor.model.reading import (
    MAX_REJECTED,
    Collected,
    Comparator,
    Drift,
    Reading,
    Rejected,
    Shape,
    SourceHealth,
)

FELL = 0.5  # share of the last good answer's rows below which an answer is held back
FEWEST = 4  # rows of a good answer from which on a fall is noticed: of three, one may well be missing

_ORDER = ("unit", "indicator", "as_of")

Last = Callable[[str, str], Reading | None]  # the reading of this source that is held of a unit and an indicator


@dataclass(frozen=True, slots=True)
class Known:
    """What a site knows and an answer is held against."""

    indicators: Mapping[str, Indicator]
    calendar: Calendar
    last: Last
    counting: Last = lambda _unit, _indicator: None  # the reading that counts of them, of whatever source
    measuring: frozenset[tuple[str, str]] = frozenset()  # sources that are asked, as rules name them, and indicators


def inspect(collected: Collected, before: SourceHealth | None, known: Known) -> Collected:
    """The answer with what is to be believed of it. A failure, or what has no shape, stays as it is."""
    if collected.failure or collected.shape is None:
        return collected
    readings, taken = _unmeasured(collected, known)
    readings, backwards = _grown(replace(collected, readings=readings), known)
    drift = None if before is None else _drift(before, collected.shape, collected.at)
    refused = [*(_named(one, before, drift) for one in collected.rejected), *taken, *backwards]
    counts = _recount(collected.refused, refused)
    shape, readings = _as_old_as_before(before, collected.shape, readings)
    held = _fell(before, collected.shape)
    if held:
        refused.insert(0, Rejected(collected.source, "", "rows-fell", held))
        counts["rows-fell"] = 1
    told = bounded(collected.source, refused, sum(counts.values()))
    return replace(
        collected,
        readings=() if held else readings,
        rejected=tuple(_since(told, before, collected.at)),
        refused=counts,
        held=bool(held),
        shape=shape,
    )


def _as_old_as_before(
    before: SourceHealth | None, shape: Shape, readings: tuple[Reading, ...]
) -> tuple[Shape, tuple[Reading, ...]]:
    """The same table is as old as when it first came, also where a new life of the service asked for it anew."""
    was = before.shape if before else None
    if was is None or was.dated is None or shape.dated is None or not shape.table or shape.table != was.table:
        return shape, readings
    if was.dated >= shape.dated:
        return shape, readings
    aged = (replace(one, as_of=was.dated) if one.as_of == shape.dated else one for one in readings)
    return replace(shape, dated=was.dated), tuple(aged)


def after_poll(before: SourceHealth | None, collected: Collected, owner: str) -> SourceHealth:
    """What is remembered of a source after a poll. A failure says nothing of rows: what was refused before stays."""
    base = before or SourceHealth(collected.source, owner)
    if collected.failure:
        return replace(
            base,
            last_failure=collected.at,
            failing_since=base.failing_since or collected.at,
            failure=collected.failure,
            stage=collected.stage,
            excused=base.excused + (_pause(base, collected.at) if collected.cut else 0.0),
        )
    heard = replace(
        base,
        first_success=base.first_success or collected.at,
        last_success=collected.at,
        failing_since=None,
        newest=_newest(base, collected),
        listened=0.0,
        resumed=None,
        excused=0.0,
    )
    if collected.by_hand:
        return heard
    rejected, refused = _told(base, collected)
    answered = replace(heard, rejected=rejected, refused=refused, read=_read(base, collected))
    if collected.shape is None:
        return answered
    drift = _drift(base, collected.shape, collected.at)
    if collected.held:
        return replace(answered, held=collected.shape.rows, drift=drift)
    spoke = {*(base.shape.spoke if base.shape else ()), *collected.shape.spoke}
    return replace(answered, held=None, drift=drift, shape=replace(collected.shape, spoke=tuple(sorted(spoke))))


def _told(before: SourceHealth, collected: Collected) -> tuple[tuple[Rejected, ...], Mapping[str, int]]:
    """Refused rows of this answer, and of tables that lie beside it and of which it says nothing newer; how many there
    are by reason."""
    if collected.tables is None:
        return collected.rejected, collected.refused
    own = [replace(one, table=collected.table) for one in _since(collected.rejected, before, collected.at)]
    others = collected.tables.told - {collected.table}
    spoke = collected.shape.spoke if collected.shape else ()
    kept = [
        one
        for one in before.rejected
        if one.table in others
        and one.reason != "more"
        and (one.unit not in collected.named if one.unit else one.column not in spoke)
    ]
    counts = Counter(collected.refused) + Counter(one.reason for one in kept)
    return bounded(collected.source, [*own, *kept], sum(counts.values())), dict(counts)


def _read(before: SourceHealth, collected: Collected) -> tuple[str, ...]:
    """Marks of the tables that need not be read again; one that is held back has to be, to be confirmed."""
    if collected.tables is None:
        return ()
    known, there, mark = before.read, collected.tables.there, collected.table
    if there is not None:
        known = tuple(one for one in dict.fromkeys((*known, *sorted(collected.tables.passed))) if one in there)
    if mark in known:
        known = tuple(one for one in known if one != mark)
    return known if collected.held or not mark else (*known, mark)


def _pause(before: SourceHealth, now: datetime) -> float:
    """Seconds since the last poll before this one; none before the first."""
    last = max((at for at in (before.last_success, before.last_failure) if at is not None), default=now)
    return max((now - last).total_seconds(), 0.0)


def _newest(before: SourceHealth, collected: Collected) -> datetime | None:
    """How new is what it brought, or its first answer if that is later. No row is newer than its answer."""
    brought = (min(reading.as_of, collected.at) for reading in collected.readings)
    known = before.newest if before.first_success else collected.at
    return max((*brought, *(() if known is None else (known,))), default=None)


def bounded(source: str, refused: Sequence[Rejected], total: int) -> tuple[Rejected, ...]:
    """At most MAX_REJECTED refused rows of `total`, the last entry counting the rest."""
    named = [one for one in refused if one.reason != "more"]
    if total <= MAX_REJECTED:
        return tuple(named)
    left = total - MAX_REJECTED + 1
    return (*named[: MAX_REJECTED - 1], Rejected(source, "", "more", f"and {left} more"))


# rows


def _fell(before: SourceHealth | None, shape: Shape) -> str:
    """Why the answer is held back; empty when it is not."""
    if before is None or before.shape is None:
        return ""
    good = before.shape.rows
    if good < FEWEST or shape.rows >= FELL * good:
        return ""
    if before.held is not None and shape.rows >= max(before.held, 1):
        return ""
    return (
        f"units with a row: {shape.rows}, in the last good answer {good}; held back until the next answer confirms it"
    )


def _since(refused: Iterable[Rejected], before: SourceHealth | None, now: datetime) -> Iterable[Rejected]:
    known = {one.trouble: one.first_seen for one in before.rejected} if before else {}
    return (replace(one, first_seen=known.get(one.trouble) or now) for one in refused)


def _recount(before: Mapping[str, int], refused: Iterable[Rejected]) -> dict[str, int]:
    """Refused rows by reason, after some that were missing have got another name and some have come to them."""
    named_here = Counter(one.reason for one in refused if one.reason in ("schema-drift", "backwards", "measured"))
    counts = Counter(before) + named_here
    counts["missing"] -= named_here["schema-drift"]
    return dict(+counts)


# headers


def _drift(before: SourceHealth, shape: Shape, at: datetime) -> Drift | None:
    """How the headers differ from those of the last answer, or from the time before they changed."""
    if before.shape is None or not shape.headers or not before.shape.headers:
        return before.drift
    was, now = before.shape.headers, set(shape.headers)
    old = before.drift
    away = old.gone if old else ()
    back = bool(away) and now.issuperset(away)  # all is as it was; what stood in their place meanwhile is not missed
    gone = () if back else tuple(header for header in dict.fromkeys((*away, *was)) if header not in now)
    new = tuple(header for header in shape.headers if header not in was)
    if not new and gone == away:
        return old
    return Drift(at, gone, new)


def _named(refused: Rejected, before: SourceHealth | None, drift: Drift | None) -> Rejected:
    """A column that used to speak is missing because the headers have changed: that is said, with the new headers."""
    spoke = before.shape.spoke if before and before.shape else ()
    if refused.reason != "missing" or refused.column not in spoke or drift is None or not drift.gone:
        return refused
    said = f"{refused.detail}; gone since then: {_quoted(drift.gone)}"
    if drift.new:
        said += f"; new: {_quoted(drift.new)}"
    return replace(refused, reason="schema-drift", detail=said[:300])


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names[:3]) + (f" and {len(names) - 3} more" if names[3:] else "")


# two sources of one figure


def _unmeasured(collected: Collected, known: Known) -> tuple[tuple[Reading, ...], list[Rejected]]:
    """The readings of which no other source that is asked has a figure that is still believed; the others, refused.

    Two sources that overwrite each other are no measurement. Who was first goes on; who comes after it counts when the
    first has fallen silent, or is listed under `sources` of the indicator, where both are kept.
    """
    kept: list[Reading] = []
    refused: list[Rejected] = []
    for one in collected.readings:
        held, indicator = known.counting(one.unit, one.indicator), known.indicators[one.indicator]
        if held is None or not _rival(held, one, indicator, known.measuring):
            kept.append(one)
            continue
        said = f"unit {one.unit}, {one.indicator}: already measured by {named(held.source)}"
        place = _place(collected, one)
        refused.append(Rejected(one.source, place, "measured", said, one.unit, one.indicator, f"{one.value}"[:60]))
    return tuple(kept), refused


def _rival(held: Reading, one: Reading, indicator: Indicator, measuring: frozenset[tuple[str, str]]) -> bool:
    first, second = named(held.source), named(one.source)
    listed = {first, second} & {*indicator.sources} or indicator.disagree is not None
    believed = one.received_at < held.as_of + timedelta(seconds=indicator.max_age)
    return first != second and (first, one.indicator) in measuring and not listed and believed


# figures that only grow


def _grown(collected: Collected, known: Known) -> tuple[tuple[Reading, ...], list[Rejected]]:
    """The readings without those of a cumulative figure that contradict an earlier one, and these as refused rows."""
    refused = backwards(collected.readings, known)
    if not refused:
        return collected.readings, []
    kept = tuple(reading for reading in collected.readings if reading not in refused)
    told = [
        Rejected(one.source, _place(collected, one), "backwards", said, one.unit, one.indicator, f"{one.value:g}")
        for one, said in refused.items()
        if not isinstance(one.value, bool | str)
    ]
    return kept, told


def backwards(readings: Iterable[Reading], known: Known) -> Mapping[Reading, str]:
    """Of readings of one source, those of a cumulative figure that contradict an earlier one, each with a sentence."""
    rising = [reading for reading in readings if known.indicators[reading.indicator].rising]
    refused: dict[Reading, str] = {}
    for (unit, name), group in groupby(sorted(rising, key=attrgetter(*_ORDER)), attrgetter(*_ORDER[:2])):
        refused |= _contradicting(list(group), known.last(unit, name), known.indicators[name], known.calendar)
    return refused


def _place(collected: Collected, reading: Reading) -> str:
    return collected.places.get((reading.unit, reading.indicator, reading.as_of), "")


def _contradicting(
    news: Sequence[Reading], last: Reading | None, indicator: Indicator, calendar: Calendar
) -> dict[Reading, str]:
    """Of readings of one figure, oldest first, those that cannot be true beside what is held.

    A new claim about the instant that is held is a correction, and takes its place. What is held has no say any more
    once it is too old to be believed: a slip of the pen upwards stops a figure for `max_age` and not for a year.
    """
    held = next((one for one in news if last is not None and one.as_of == last.as_of), last)
    refused: dict[Reading, str] = {}
    for one in news:
        if held is not None and one is not held and _contradicts(one, held, indicator, calendar):
            other = f"{held.value:g} on {calendar.local(held.as_of).date()}"
            refused[one] = f"unit {one.unit}, {one.indicator}: {one.value:g}, but {other}: it only grows"
        elif held is None or one.as_of > held.as_of:
            held = one
    return refused


def _contradicts(one: Reading, held: Reading, indicator: Indicator, calendar: Calendar) -> bool:
    numbers = not isinstance(one.value, bool | str) and not isinstance(held.value, bool | str)
    exact = one.comparator is Comparator.EQ and held.comparator is Comparator.EQ
    days = calendar.local(one.as_of).date(), calendar.local(held.as_of).date()
    same = indicator.window is None or len({LAST_DAY[indicator.window](day) for day in days}) == 1
    believed = one.received_at < held.as_of + timedelta(seconds=indicator.max_age)
    if not (numbers and exact and same and believed):
        return False
    earlier, later = sorted((one, held), key=lambda reading: reading.as_of)
    return later.value < earlier.value  # type: ignore[operator]
