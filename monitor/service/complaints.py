"""What is wrong with a feed, said in the log when it begins, changes and ends, not at every poll."""

from __future__ import annotations

import logging

from monitor.model.reading import Collected

log = logging.getLogger(__name__)

TOLD = 5  # refused rows that are named; the rest is counted


class Complaints:
    """One per service. Remembers what was said last of each feed."""

    def __init__(self, feeds: frozenset[str]) -> None:
        self._feeds = feeds
        self._said: dict[str, tuple[str, ...]] = {}

    def hear(self, collected: Collected) -> None:
        """Log a failure or refused rows of a feed if they are others than last time."""
        if collected.source not in self._feeds:
            return
        wrong = (collected.failure,) if collected.failure else _rows(collected)
        before = self._said.get(collected.source, ())
        self._said[collected.source] = wrong
        if wrong == before:
            return
        if collected.failure:
            log.warning("%s", collected.failure)
        elif wrong:
            log.warning("feed %s: %s", collected.source, _told(collected))
        else:
            log.warning("feed %s: all rows are believed again", collected.source)


def _rows(collected: Collected) -> tuple[str, ...]:
    """Which rows and why, without the details: they may hold ages, which differ at every poll."""
    return tuple(f"{row.row} {row.reason}" for row in collected.rejected)


def _told(collected: Collected) -> str:
    named = [f"{row.row}: {row.reason}: {row.detail}".removeprefix(": ") for row in collected.rejected[:TOLD]]
    more = len(collected.rejected) - len(named)
    return "; ".join((*named, f"and {more} more") if more > 0 else named)
