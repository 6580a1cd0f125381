"""How often one caller may be wrong, push or write back."""

from __future__ import annotations

import math
from collections import OrderedDict, deque

from monitor.web.problems import Problem


class Limiter:
    """At most `limit` events of one key in any `seconds`; remembers at most `keys` of them, the most recent ones."""

    def __init__(self, limit: int, seconds: float, keys: int = 10_000) -> None:
        self._limit = limit
        self._seconds = seconds
        self._keys = keys
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, key: str, now: float) -> float:
        """Seconds until the key may try again (`now` is monotonic); 0 when it may now."""
        times = self._seen.get(key)
        if times is None:
            return 0.0
        while times and times[0] <= now - self._seconds:
            times.popleft()
        return 0.0 if len(times) < self._limit else times[0] + self._seconds - now

    def check(self, key: str, now: float, name: str, detail: str) -> None:
        """Let a key pass that need not wait. Raises Problem 429 with the seconds, `name` and `detail` otherwise."""
        if (wait := self.wait(key, now)) > 0:
            raise Problem(429, name, detail, headers={"Retry-After": str(math.ceil(wait))})

    def take(self, key: str, now: float, name: str, detail: str) -> None:
        """The same, and remember the event."""
        self.check(key, now, name, detail)
        self.count(key, now)

    def count(self, key: str, now: float) -> None:
        """Remember one event."""
        self._seen.setdefault(key, deque(maxlen=self._limit)).append(now)
        self._seen.move_to_end(key)
        while len(self._seen) > self._keys:
            self._seen.popitem(last=False)
