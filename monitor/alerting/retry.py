"""Back-off between the tries of one notice. It never gives up: a page ends when it is sent or no longer owed."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import isfinite

from monitor.model.incident import Outcome

_LONGEST = 60.0  # seconds between tries, by our own choice
_DOUBLINGS = 6  # 2^6 > 60
_MAYBE_SENT = 15.0  # seconds: what may have gone is not repeated at once
_BLIND = 300.0  # seconds: the same where the provider would not recognise the repeat
_PATIENCE = 3600.0  # seconds: a provider that asks for more is asked again after an hour
URGENT = timedelta(seconds=60)  # for which what is urgent waits at a time where another channel could tell it


def next_try(
    outcome: Outcome,
    attempt: int,
    now: datetime,
    chance: float,
    retry_after: float | None = None,
    *,
    blind: bool = False,
) -> datetime:
    """When to try again after the `attempt`-th try (from 1): 1, 2, 4 ... 60 s, of which `chance` (0 to 1) takes half.

    `retry_after` (seconds) of the provider is honoured up to an hour. `blind`: a repeat would not be recognised.
    Raises ValueError for an outcome that is final.
    """
    if outcome not in (Outcome.TRY_AGAIN, Outcome.UNKNOWN):
        raise ValueError(f"{outcome.value} is final, there is nothing to try again")
    if attempt < 1 or not 0 <= chance < 1:
        raise ValueError(f"attempt {attempt} counts from 1, chance {chance} lies in [0, 1)")
    delay = min(2.0 ** min(attempt - 1, _DOUBLINGS), _LONGEST) * (1 - chance / 2)
    if outcome is Outcome.UNKNOWN:
        delay = max(delay, _BLIND if blind else _MAYBE_SENT)
    return now + timedelta(seconds=max(delay, asked(retry_after, _PATIENCE)))


def asked(retry_after: float | None, longest: float) -> float:
    """Seconds for which a provider wants to be left alone, as far as it is: what is no time is none."""
    if retry_after is None or not isfinite(retry_after):
        return 0.0
    return min(retry_after, longest)
