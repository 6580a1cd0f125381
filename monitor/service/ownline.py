"""The monitor's own line: while it is cut off itself, nobody is blamed for not answering.

Some probes of a site (`own_line:`) ask what must answer whenever the monitor is connected: its gateway, a name server.
When another probe has bad news, or a feed fails, they are asked first. While none of them answers, the bad news is no
reading but a failure: the units go stale and unknown, never red, and the one incident is that of the own line. The time
of a cut counts neither as silence of a feed nor against a job that reports by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime

from monitor.model.reading import Collected
from monitor.ports import Clock, Resting, Source

FRESH = 2.0  # seconds for which an answer of the own line holds: one outage of a system is many probes with bad news
SETTLE = 15.0  # seconds after a cut in which bad news may still stem from it
LOOK = 15.0  # seconds between two looks at the own line: so exactly it is known for how long it was cut


class OwnLine:
    """Asks the probes of the own line, once for all who want to know at the same time."""

    def __init__(self, sources: Sequence[Source], clock: Clock) -> None:
        self._sources = sources
        self._clock = clock
        self._asked_at: float | None = None  # monotonic
        self._cut_at: float | None = None  # monotonic; when it was last found cut
        self._lost = 0.0  # seconds of all cuts, each from the last look before it to the first one after it
        self._one_at_a_time = asyncio.Lock()
        self.ended: Callable[[], None] = lambda: None  # called when a cut is over

    @property
    def cut(self) -> bool:
        """Whether it was found cut when it was last asked."""
        return self._cut_at is not None and self._cut_at == self._asked_at

    def connected(self) -> float:
        """The monotonic clock without the time of cuts, in seconds: it stands still while the line is cut."""
        until = self._cut_at if self._cut_at is not None and self.cut else self._clock.monotonic()
        return until - self._lost

    async def run(self) -> None:
        """Look again and again."""
        while self._sources:
            await self.believable()
            await self._clock.sleep(LOOK)

    async def believable(self) -> bool:
        """Whether bad news can be believed now: the line works, and has for SETTLE seconds as far as is known."""
        if not self._sources:
            return True
        async with self._one_at_a_time:
            if self._asked_at is None or self._clock.monotonic() - self._asked_at >= FRESH:
                await self._ask()
        return self._cut_at is None or self._clock.monotonic() - self._cut_at >= SETTLE

    async def _ask(self) -> None:
        asked = (source.collect(self._clock.now()) for source in self._sources)
        answers = await asyncio.gather(*asked, return_exceptions=True)  # who breaks costs nobody else's news
        before, was_cut, self._asked_at = self._asked_at, self.cut, self._clock.monotonic()
        # A probe that cannot ask, as a ping without the capability, says nothing of the line; nor does one that breaks.
        said = [answer for answer in answers if isinstance(answer, Collected) and not answer.failure]
        if said and all(is_bad(answer) for answer in said):
            self._cut_at = self._asked_at
        if before is not None and (was_cut or self.cut):
            self._lost += self._asked_at - before
        if was_cut and not self.cut:
            self.ended()


class Behind:
    """A probe whose bad news counts only while the own line works. Implements ports.Source."""

    kind = "probe"

    def __init__(self, source: Source, line: OwnLine) -> None:
        self._source = source
        self._line = line
        self.id = source.id
        self.period = source.period
        self.owner = source.owner

    async def collect(self, now: datetime) -> Collected:
        """Ask; and where the answer is bad, whether it can be believed."""
        answer = await self._source.collect(now)
        if not self._is_in_doubt(answer) or await self._line.believable():
            return answer
        why = f"{self.kind} {self.id}: not believed, denbao itself is cut off"
        return replace(answer, readings=(), answer=None, failure=why, cut=True)

    def _is_in_doubt(self, answer: Collected) -> bool:
        return is_bad(answer)  # a probe that could not ask says why, and keeps its reason


class FeedBehind(Behind):
    """A feed whose failures count only while the own line works."""

    kind = "feed"

    def _is_in_doubt(self, answer: Collected) -> bool:
        return bool(answer.failure)


class ShyFeedBehind(FeedBehind):
    """Implements ports.Resting, too."""

    def __init__(self, source: Source, line: OwnLine, rests: Callable[[datetime], bool]) -> None:
        super().__init__(source, line)
        self.rests = rests


def is_bad(answer: Collected) -> bool:
    """Whether a probe says no."""
    return any(reading.value is False for reading in answer.readings)


def behind(
    sources: Sequence[Source], probes: Collection[str], feeds: Collection[str], own: Collection[str], line: OwnLine
) -> list[Source]:
    """The same sources, with each of the `probes` and `feeds` behind the `line`, which asks the `own` ones (ids).

    All as they are where none is named.
    """

    def placed(one: Source) -> Source:
        if one.id in feeds:
            return ShyFeedBehind(one, line, one.rests) if isinstance(one, Resting) else FeedBehind(one, line)
        return Behind(one, line) if one.id in probes and one.id not in own else one

    return [placed(one) for one in sources] if own else list(sources)
