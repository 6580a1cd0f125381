"""The connections that stay open for the next fetch.

The client library's own store of them costs a deque for each place that is asked, 760 bytes, and a walk of the event
loop through all of them at once; here an idle connection costs two words in a list.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Hashable
from dataclasses import dataclass

from aiohttp.client_proto import ResponseHandler

OLDEST = 600.0  # seconds: the name may lead elsewhere by now, or nowhere, and the certificate may have ended
KEEP_ALIVE = 65.0  # seconds: longer than the minute in which most probes come back, so TLS is agreed on once
# Idle connections at most, and of how many of the files that may be open: one with TLS costs some 30 KiB, a plain one
# one or two. A quarter of the files is left to polls under way (monitor.service.places), an eighth to all the rest.
_PLAIN, _TLS = (16384, 2), (4096, 8)
_LOOK = 30.0  # seconds between two looks for those that the other side has closed, or that are idle for too long


@dataclass(slots=True, eq=False)
class Line:
    """An open connection."""

    wire: ResponseHandler
    peer: str  # IP literal; asked of the system once
    uses: int = 0  # answers that came over it; 0: it has not been idle yet
    since: float = 0.0  # when it became idle, by the clock of the event loop
    first: float = 0.0  # when it became idle for the first time


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
        self._look_at = 0.0

    def take(self, place: Hashable, now: float) -> Line | None:
        """An idle connection to this place, the last one that became idle; it is in use until `keep` or `drop`."""
        lines = self._idle.pop(place, [])
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
        if now >= self._look_at:
            self._look(now)
        if not line.uses:
            if self._taken >= self._most:
                line.wire.close()
                return
            self._taken += 1
            line.first = now
        elif now - line.first > OLDEST:
            self.drop(line)
            return
        line.uses += 1
        line.since = now
        self._idle.setdefault(place, []).append(line)

    def drop(self, line: Line) -> None:
        """Close a connection; its place is free."""
        line.wire.close()
        if line.uses:
            self._taken -= 1

    async def close(self) -> None:
        """Close all that are idle, and wait until they are."""
        idle, self._idle = [line for lines in self._idle.values() for line in lines], {}
        ends = [line.wire.closed for line in idle]
        for line in idle:
            self.drop(line)
        await asyncio.gather(*filter(None, ends), return_exceptions=True)

    def _look(self, now: float) -> None:
        self._look_at = now + _LOOK
        for place, lines in list(self._idle.items()):
            for line in [line for line in lines if not _usable(line, now)]:
                lines.remove(line)
                self.drop(line)
            if not lines:
                del self._idle[place]


def _usable(line: Line, now: float) -> bool:
    wire = line.wire  # one on which something was said that nobody asked for should be closed
    return wire.is_connected() and not wire.should_close and now - line.since <= KEEP_ALIVE
