"""Where the time of a fetch goes: name, connection, TLS, waiting, body."""

from __future__ import annotations

from typing import Protocol

# By monitor.model.reading.PHASES.
DOING = {
    "name": "looking up the name",
    "connect": "connecting",
    "tls": "agreeing on TLS",
    "first_byte": "waiting for the answer",
    "transfer": "reading the answer",
}


class Monotonic(Protocol):
    """The part of the clock that a fetch needs."""

    def monotonic(self) -> float:
        """Seconds that never step back."""


class Stopwatch:
    """Seconds spent per phase of one fetch, redirects added up."""

    __slots__ = ("_began", "_clock", "_mark", "phase", "spent", "uses")

    def __init__(self, clock: Monotonic) -> None:
        self._clock = clock
        self._began = self._mark = clock.monotonic()
        self.phase = "connect"
        self.uses = 0  # of the connection, before this fetch
        self.spent: dict[str, float] = {}

    def enter(self, phase: str) -> None:
        """Book the time since the last call on the phase that ends, and begin another one."""
        now = self._clock.monotonic()
        self.spent[self.phase] = self.spent.get(self.phase, 0.0) + now - self._mark
        self.phase, self._mark = phase, now

    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return self._clock.monotonic() - self._began

    def phases(self) -> dict[str, float]:
        """Seconds of the phases that were entered, in their order; the one under way counts up to now."""
        self.enter(self.phase)
        return {name: self.spent[name] for name in DOING if name in self.spent}
