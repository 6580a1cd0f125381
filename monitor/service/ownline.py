"""The monitor's own line: while it is cut off itself, nobody is blamed for not answering.

Some probes of a site (`own_line:`) ask what must answer whenever the monitor is connected: its gateway, a name server.
When another probe has bad news, they are asked first. While none of them answers, the bad news is no reading but a
failure of the probe: the units go stale and unknown, never red, and the one incident is that of the own line.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from monitor.model.reading import Collected
from monitor.ports import Clock, Source

FRESH = 2.0  # seconds for which an answer of the own line holds: one outage of a system is many probes with bad news
SETTLE = 15.0  # seconds after a cut in which bad news may still stem from it


class OwnLine:
    """Asks the probes of the own line, once for all who want to know at the same time."""

    def __init__(self, sources: Sequence[Source], clock: Clock) -> None:
        self._sources = sources
        self._clock = clock
        self._asked_at: float | None = None  # monotonic
        self._cut_at: float | None = None  # monotonic; when it was last found cut
        self._one_at_a_time = asyncio.Lock()

    @property
    def cut(self) -> bool:
        """Whether it was found cut when it was last asked."""
        return self._cut_at is not None and self._cut_at == self._asked_at

    async def believable(self) -> bool:
        """Whether bad news can be believed now: the line works, and has for SETTLE seconds as far as is known."""
        async with self._one_at_a_time:
            if self._asked_at is None or self._clock.monotonic() - self._asked_at >= FRESH:
                await self._ask()
        return self._cut_at is None or self._clock.monotonic() - self._cut_at >= SETTLE

    async def _ask(self) -> None:
        asked = (source.collect(self._clock.now()) for source in self._sources)
        answers = await asyncio.gather(*asked, return_exceptions=True)  # who breaks costs nobody else's news
        self._asked_at = self._clock.monotonic()
        if all(isinstance(answer, BaseException) or is_bad(answer) for answer in answers):
            self._cut_at = self._asked_at


class Behind:
    """A probe whose bad news counts only while the own line works. Implements ports.Source."""

    def __init__(self, source: Source, line: OwnLine) -> None:
        self._source = source
        self._line = line
        self.id = source.id
        self.period = source.period
        self.owner = source.owner

    async def collect(self, now: datetime) -> Collected:
        """Ask; and where the answer is bad, whether it can be believed."""
        answer = await self._source.collect(now)
        if not is_bad(answer) or answer.failure or await self._line.believable():
            return answer
        return replace(
            answer, readings=(), answer=None, failure=f"probe {self.id}: not believed, denbao itself is cut off"
        )


def is_bad(answer: Collected) -> bool:
    """Whether a probe says no, or could not even ask."""
    return bool(answer.failure) or any(reading.value is False for reading in answer.readings)


def behind(sources: Sequence[Source], probes: Collection[str], own: Collection[str], line: OwnLine) -> list[Source]:
    """The same sources, with each of the `probes` behind the `line`, which asks the `own` ones (ids).

    All as they are where none is named.
    """
    return [Behind(one, line) if own and one.id in probes and one.id not in own else one for one in sources]
