"""What is remembered of an indicator's past at one unit: the last value of each day, and the sums of each month."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MonthSum:
    """Numerator and denominator that a source last gave for a calendar month."""

    month: int  # 12 * year + month - 1
    numerator: float
    denominator: float
    as_of: float = 0.0  # claim of its source, seconds since 1970: an older one does not overwrite it
    exact: bool = True  # False: stated as "more than" or "about", so it cannot be added to others


@dataclass(frozen=True, slots=True)
class Series:
    """Daily values and monthly sums, oldest first. Days are ordinals (`date.toordinal`) of local days."""

    days: tuple[int, ...] = ()
    values: tuple[float, ...] = ()  # the last value of each of `days`
    months: tuple[MonthSum, ...] = ()
    # Whole seconds into its local day of the claim behind each of `values`: an older one does not overwrite it.
    # Empty when all are 0, as those of sources that only name the day.
    seconds: tuple[int, ...] = ()


NOTHING = Series()
