"""Which connections may stay open for the next fetch, and how often each has been used."""

from __future__ import annotations

import resource
from weakref import WeakKeyDictionary

from aiohttp.client_proto import ResponseHandler

KEEP_ALIVE = 65.0  # seconds: longer than the minute in which most probes come back, so TLS is agreed on once
_MOST = 4096  # idle connections; an idle one with TLS costs some 30 KiB
_LOOK_AGAIN = 64  # answers between two counts of those that the other side has closed meanwhile


class Kept:
    """The connections that may be idle, at most `most`. When all places are taken a further one is closed after use.

    To close an old one instead would, with targets asked in turns, always hit the one that is needed next.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most or min(_MOST, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4)
        self._uses: WeakKeyDictionary[ResponseHandler, int] = WeakKeyDictionary()
        self._refused = 0

    def used(self, wire: ResponseHandler) -> int:
        """How many answers came over this connection so far, as far as it is kept."""
        return self._uses.get(wire, 0)

    def keep(self, wire: ResponseHandler) -> bool:
        """Count an answer over this connection; whether it may stay open."""
        if wire not in self._uses and len(self._uses) >= self._most and not self._room():
            return False
        self._uses[wire] = self._uses.get(wire, 0) + 1
        return True

    def _room(self) -> bool:
        self._refused += 1
        if self._refused % _LOOK_AGAIN == 1:
            for wire in [wire for wire in self._uses if not wire.is_connected()]:
                del self._uses[wire]
        return len(self._uses) < self._most
