"""What is wrong with a feed, said in the log when it begins and when it ends, not at every poll.

One line names feed, stage, row and reason. The stages are `fetch` (nothing came), `read` (what came cannot be read),
`rows` (rows are not believed) and `columns` (headers have changed). What was said is taken up again from the stored
health of the sources, so a restart says nothing twice.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from monitor.model.reading import Collected, Drift, Rejected, SourceHealth

log = logging.getLogger(__name__)

TOLD = 5  # refused rows that are named; the rest is counted

_Key = tuple[str, str, str]  # Rejected.trouble


class Complaints:
    """One per service. Remembers what was said last of each feed."""

    def __init__(self, feeds: frozenset[str]) -> None:
        self._feeds = feeds
        self._failing: dict[str, list[str]] = {}  # feed -> the stages at which it fails, the last one last
        self._rows: dict[str, Mapping[_Key, Rejected]] = {}
        self._drift: dict[str, Drift | None] = {}

    def resume(self, known: Iterable[SourceHealth]) -> None:
        """Take up what was said in a former life."""
        for health in known:
            self._rows[health.source] = _by_trouble(health.rejected)
            self._drift[health.source] = health.drift
            if health.failing_since is not None:
                self._failing[health.source] = [health.stage or "fetch"]

    def hear(self, collected: Collected, health: SourceHealth | None = None) -> None:
        """Log what begins and what ends with this answer; `health` is what is remembered after it."""
        feed = collected.source
        if feed not in self._feeds:
            return
        if collected.failure:
            self._failed(feed, collected)
            return
        if stages := self._failing.pop(feed, []):
            log.warning("feed %s: %s: works again", feed, stages[-1])
        self._heard_rows(feed, _by_trouble(collected.rejected), sum(collected.refused.values()))
        self._heard_headers(feed, health.drift if health else None)

    def _failed(self, feed: str, collected: Collected) -> None:
        stage, told = collected.stage or "fetch", self._failing.setdefault(feed, [])
        if stage in told:  # also where it failed elsewhere meanwhile: two servers behind one name, say
            told.remove(stage)
        else:
            log.warning("feed %s: %s: %s", feed, stage, collected.failure.removeprefix(f"feed {feed}: "))
        told.append(stage)

    def _heard_rows(self, feed: str, now: Mapping[_Key, Rejected], total: int) -> None:
        before = self._rows.get(feed, {})
        self._rows[feed] = now
        if begun := [row for key, row in now.items() if key not in before]:
            more = 0 if before else max(total - len(now), 0)
            log.warning("feed %s: rows: %s", feed, _listed([_told(row) for row in begun], more))
        if before and not now:
            log.warning("feed %s: rows: all are believed again", feed)
        elif ended := [row for key, row in before.items() if key not in now]:
            log.warning("feed %s: rows: no longer: %s", feed, _listed([_named(row) for row in ended], 0))

    def _heard_headers(self, feed: str, drift: Drift | None) -> None:
        if drift is not None and drift != self._drift.get(feed):
            parts = (("gone", drift.gone), ("new", drift.new))
            said = "; ".join(f"{word}: {_listed([repr(name) for name in names], 0)}" for word, names in parts if names)
            log.warning("feed %s: columns: %s", feed, said or "all are back")
        self._drift[feed] = drift


def _by_trouble(rows: Iterable[Rejected]) -> dict[_Key, Rejected]:
    return {row.trouble: row for row in rows if row.reason != "more"}


def _named(row: Rejected) -> str:
    return f"{row.row or row.unit}: {row.reason}".removeprefix(": ")


def _told(row: Rejected) -> str:
    return f"{row.row}: {row.reason}: {row.detail}".removeprefix(": ")


def _listed(named: list[str], more: int) -> str:
    left = len(named) - TOLD + more if len(named) > TOLD else more
    return "; ".join((*named[:TOLD], f"and {left} more") if left > 0 else named)
