"""Notices that the wall clock was set back: what waits for an instant would wait for so much longer."""

from __future__ import annotations

from monitor.ports import Clock

STEP = 2.0  # seconds by which the wall clock falls behind the monotonic one that count as a step, as in the timetable


class Setback:
    """Remembers by how much, until somebody has taken it into account. Ask within each minute or so."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wall, self._monotonic = clock.now(), clock.monotonic()
        self._by = 0.0

    def look(self) -> float:
        """Seconds by which the clock was set back that nobody has taken yet."""
        wall, monotonic = self._clock.now(), self._clock.monotonic()
        back = (monotonic - self._monotonic) - (wall - self._wall).total_seconds()
        self._wall, self._monotonic = wall, monotonic
        self._by += back if back > STEP else 0.0
        return self._by

    def take(self) -> float:
        """The same, and it is taken."""
        by, self._by = self.look(), 0.0
        return by

    def give_back(self, by: float) -> None:
        """What was taken could not be taken into account."""
        self._by += by
