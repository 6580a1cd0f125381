"""Sources and transports that follow a script, and remember what really happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.alerting.selfwatch import Alarm, Condition
from monitor.model.incident import Notice, Outcome, Receipt
from monitor.model.reading import Collected
from monitor.ports import Clock

SENT = Receipt(Outcome.SENT)


class ScriptedSource:
    """`monitor.ports.Source` that answers from a function of the instant."""

    def __init__(self, source_id: str, owner: str, answer: Callable[[datetime], Collected], period: float = 60) -> None:
        self.id = source_id
        self.owner = owner  # code of the unit that answers for it
        self.period = period  # seconds
        self._answer = answer

    async def collect(self, now: datetime) -> Collected:
        """What the script says."""
        return self._answer(now)


@dataclass(frozen=True, slots=True)
class Ring:
    """One message that a provider was handed."""

    key: str
    at: datetime
    attempt: int
    notice: Notice


@dataclass(frozen=True, slots=True)
class Reply:
    """How a provider treats one send."""

    receipt: Receipt = SENT
    arrives: bool = True  # the recipient's telephone rings
    delay: float = 0.0  # seconds until it is accepted, and as long again until the answer is back
    error: Exception | None = None  # raised instead of the receipt: a transport that breaks its promise


class RecordingTransport:
    """`monitor.ports.Transport` to a scripted provider. `rings` is what recipients got, `asked` all that was tried."""

    def __init__(
        self,
        clock: Clock,
        script: Callable[[Notice, int], Reply] = lambda _notice, _attempt: Reply(),
        rang: Callable[[Ring], None] = lambda _ring: None,
    ) -> None:
        self._clock = clock
        self._script = script
        self._rang = rang  # told of every ring at its instant
        self.asked: list[Ring] = []
        self.rings: list[Ring] = []
        self.closed = False

    async def send(self, notice: Notice, *, attempt: int, maybe_sent: bool = False) -> Receipt:
        """Hand the message to the script."""
        self.asked.append(Ring(notice.key, self._clock.now(), attempt, notice))
        reply = self._script(notice, attempt)
        await self._clock.sleep(reply.delay)
        if reply.arrives:
            ring = Ring(notice.key, self._clock.now(), attempt, notice)
            self.rings.append(ring)
            self._rang(ring)
        await self._clock.sleep(reply.delay)
        if reply.error is not None:
            raise reply.error
        return reply.receipt

    async def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True


class ScriptedHost:
    """`monitor.ports.Host` whose disk and watcher outside follow a script; what was remembered outlives a service."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.share: float | None = 50.0  # per cent of the disk that is free
        self.remembered: dict[Condition, Alarm] = {}
        self.beats: list[datetime] = []  # heartbeats that the watcher heard
        self.deaf = ""  # why it does not hear; empty: it does
        self.hangs = 0.0  # seconds that it takes

    def free(self) -> float | None:
        """What the script says."""
        return self.share

    async def recall(self) -> Mapping[Condition, Alarm]:
        """What was remembered."""
        return dict(self.remembered)

    async def remember(self, alarms: Mapping[Condition, Alarm]) -> None:
        """Keep it."""
        self.remembered = dict(alarms)

    async def beat(self) -> Sequence[str]:
        """One address."""
        await self._clock.sleep(self.hangs)
        if not self.deaf:
            self.beats.append(self._clock.now())
        return (self.deaf,)
