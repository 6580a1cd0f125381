"""Which connections may stay open for the next fetch, and how often each has been used."""

from __future__ import annotations

import resource
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from aiohttp.client_proto import ResponseHandler

KEEP_ALIVE = 65.0  # seconds: longer than the minute in which most probes come back, so TLS is agreed on once
# Idle connections at most, and of how many of the files that may be open: one with TLS costs some 30 KiB, a plain one a
# few. A quarter of the files is left to polls under way (monitor.service.places), an eighth to all the rest.
_PLAIN, _TLS = (16384, 2), (4096, 8)
_LOOK_AGAIN = 64  # answers between two counts of those that the other side has closed meanwhile


@dataclass(slots=True)
class Line:
    """What is known of a connection."""

    peer: str  # IP literal; asked of the system once
    uses: int = 0  # answers that came over it


class Kept:
    """The connections that may be idle, at most `most`: those with TLS, or those without.

    When all places are taken a further one is closed after use.
    To close an old one instead would, with targets asked in turns, always hit the one that is needed next.
    """

    def __init__(self, most: int | None = None, *, tls: bool = False) -> None:
        number, part = _TLS if tls else _PLAIN
        self._most = most or min(number, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // part)
        self._lines: WeakKeyDictionary[ResponseHandler, Line] = WeakKeyDictionary()
        self._refused = 0

    def line(self, wire: ResponseHandler) -> Line:
        """What is known of this connection, of a new one too."""
        return self._lines.get(wire) or Line(_peer(wire))

    def keep(self, wire: ResponseHandler, line: Line) -> bool:
        """Count an answer over this connection; whether it may stay open."""
        if not line.uses and len(self._lines) >= self._most and not self._room():
            return False
        line.uses += 1
        if line.uses == 1:
            self._lines[wire] = line
        return True

    def _room(self) -> bool:
        self._refused += 1
        if self._refused % _LOOK_AGAIN == 1:
            for wire in [wire for wire in self._lines if not wire.is_connected()]:
                del self._lines[wire]
        return len(self._lines) < self._most


def _peer(wire: ResponseHandler) -> str:
    name = wire.transport.get_extra_info("peername") if wire.transport is not None else None
    return str(name[0]) if name else ""
