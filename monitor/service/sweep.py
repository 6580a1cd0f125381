"""Which source is due in which second: phases by a stable hash, so that 3,300 sources spread over their period."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import ceil, fsum
from zlib import crc32

from monitor.config.spec import fits_the_minute
from monitor.ports import Source

SLOTS = 60
CROWD = 8  # sources of one slot that may begin at the same instant


def phase(source_id: str, period: int) -> int:
    """Offset of a source inside its period, in seconds; the same on every machine and after every restart."""
    return crc32(source_id.encode()) % period


def until_phase(source: Source, epoch: float) -> float:
    """Seconds from an instant (Unix time) to the source's next one; more than 0, at most its period."""
    return source.period - (epoch - phase(source.id, int(source.period))) % source.period


def slots_of(source: Source) -> tuple[int, ...]:
    """Seconds of the minute in which the source may be due. Raises ValueError for a period that fits no minute."""
    if not fits_the_minute(source.period):
        raise ValueError(f"{source.id}: {source.period:g} s neither divides a minute nor is made of whole minutes")
    period = int(source.period)
    offset = phase(source.id, period)
    if period < SLOTS:
        return tuple(range(offset % period, SLOTS, period))
    return (offset % SLOTS,)


def spread(sources: Iterable[Source]) -> dict[int, list[Source]]:
    """Sources by slot."""
    slots: dict[int, list[Source]] = {slot: [] for slot in range(SLOTS)}
    for source in sources:
        for slot in slots_of(source):
            slots[slot].append(source)
    return slots


def lateness(slot: int, epoch: float) -> float:
    """Seconds since the second `slot` of the minute began; 0 when a stepped clock seems to be before it."""
    passed = (epoch - slot) % SLOTS
    return passed if passed < SLOTS / 2 else 0.0


def paced(due: Sequence[Source]) -> Iterator[tuple[Source, float]]:
    """The sources of one slot, each with the seconds after its beginning: a crowd is spread evenly over the second.

    Begun all at once, the last of 700 would wait for the processor longer than a target takes to answer.
    """
    step = 0.0 if len(due) <= CROWD else 1 / len(due)
    return ((source, place * step) for place, source in enumerate(due))


def places_needed(demands: Iterable[tuple[float, float]]) -> int:
    """Places that suffice even if every poll takes as long as it may, from (seconds of a poll at most, period)."""
    return ceil(fsum(seconds / period for seconds, period in demands))
