"""The connections that stay open for the next fetch.

The client library's own store of them costs a deque for each place that is asked, 760 bytes, and a walk of the event
loop through all of them at once; here an idle connection costs two words in a list.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Hashable

from monitor.adapters.fetch_line import Line

OLDEST = 600.0  # seconds: the name may lead elsewhere by now, or nowhere, and the certificate may have ended
KEEP_ALIVE = 65.0  # seconds: longer than the minute in which most probes come back, so TLS is agreed on once
# Idle connections at most, and of how many of the files that may be open: one with TLS costs some 30 KiB, a plain one
# one. A quarter of the files is left to polls under way (monitor.service.places), an eighth to all the rest.
_PLAIN, _TLS = (16384, 2), (4096, 8)
# All are looked at within so many seconds, some each second, for those that the other side has closed, or that are
# idle for too long.
_ROUND = 30.0


class Kept:
    """The connections that may be idle, at most `most`: those with TLS, or those without.

    When all places are taken a further one is closed after use, and so is one that is older than OLDEST.
    To close an old one instead would, with targets asked in turns, always hit the one that is needed next.
    """

    def __init__(self, most: int | None = None, *, tls: bool = False) -> None:
        number, part = _TLS if tls else _PLAIN
        self._most = most or min(number, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // part)
        self._idle: dict[Hashable, list[Line]] = {}  # by the place that is asked
        self._taken = 0  # places: of idle connections, and of those that were idle and are in use
        self._looked_at = 0.0
        self._to_look: list[Hashable] = []  # places that this round has not come to yet
        self._share = 0.0  # of them, for each second

    def take(self, place: Hashable, now: float) -> Line | None:
        """An idle connection to this place, the last one that became idle; it is in use until `keep` or `drop`."""
        lines = self._idle.pop(place, None)
        while lines:
            line = lines.pop()
            if not _usable(line, now):
                self.drop(line)
                continue
            if lines:
                self._idle[place] = lines
            return line
        return None

    def keep(self, place: Hashable, line: Line, now: float) -> None:
        """Count an answer over this connection, and let it be idle; or close it, where there is no place left."""
        if now - self._looked_at >= 1.0:
            self._look(now)
        if not line.uses:
            if self._taken >= self._most:
                line.close()
                return
            self._taken += 1
            line.first = now
        elif now - line.first > OLDEST:
            self.drop(line)
            return
        line.rest()
        line.uses += 1
        line.since = now
        if (lines := self._idle.get(place)) is None:
            self._idle[place] = [line]
        else:
            lines.append(line)

    def drop(self, line: Line) -> None:
        """Close a connection; its place is free."""
        line.close()
        if line.uses:
            self._taken -= 1

    async def close(self) -> None:
        """Close all that are idle, and wait until they are."""
        idle, self._idle = [line for lines in self._idle.values() for line in lines], {}
        ends = [line.closed for line in idle]
        for line in idle:
            self.drop(line)
        await asyncio.gather(*filter(None, ends), return_exceptions=True)

    def _look(self, now: float) -> None:
        if not self._to_look:
            self._to_look = list(self._idle)
            self._share = len(self._to_look) / _ROUND
        due = int(min(now - self._looked_at, _ROUND) * self._share) + 1
        self._looked_at = now
        for place in self._to_look[-due:]:
            lines = self._idle.get(place, [])
            for line in [line for line in lines if not _usable(line, now)]:
                lines.remove(line)
                self.drop(line)
            if not lines:
                self._idle.pop(place, None)
        del self._to_look[-due:]


def _usable(line: Line, now: float) -> bool:
    return now - line.since <= KEEP_ALIVE and line.is_fit()
