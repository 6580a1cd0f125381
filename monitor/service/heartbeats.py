"""Jobs that report by themselves: heard in time is yes, late or failed is no.

    signal    what it means
    success   the job did its work: on time until `every` + `grace` from now
    start     it begins: it owes a success within `grace`, or it has failed
    fail      it did not: no, at once, until the next success

A job that never reported is unknown, not late. Seconds in which nobody listened, because the service was down, do not
count. When the last success was heard survives a restart; that a run had begun does not, `every` then finds it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from monitor.config.spec import HeartbeatSpec
from monitor.model.reading import Collected, Reading
from monitor.ports import Clock
from monitor.service.evaluator import Evaluator

LOOK = 2.0  # seconds between two looks at who is late; a deadline is met at most so much later
TELL = timedelta(seconds=30)  # after which it is said again that nothing changed: as fresh as a probe


class Signal(StrEnum):
    """What a job says of itself."""

    SUCCESS = "success"
    START = "start"
    FAIL = "fail"


@dataclass
class _Heard:
    """What is known of one job."""

    success: datetime | None = None
    began: datetime | None = None  # a run that has not ended
    failed: str = ""  # why, since the last success
    deaf: timedelta = timedelta()  # how long nobody listened since the last success


class Heartbeat:
    """One job. Implements ports.Source and ports.Resting: looked at every LOOK seconds, and asked when it has news."""

    period = LOOK

    def __init__(self, spec: HeartbeatSpec) -> None:
        self.spec = spec
        self.id = f"{spec.source}/watch"
        self.owner = spec.unit
        self._heard = _Heard()
        self._told: tuple[datetime, bool] | None = None  # when it last said whether all is well, and what

    def resume(self, success: datetime | None, last: Reading | None, now: datetime) -> None:
        """Take over what was committed: the last success, and the last reading of this job, made while we listened."""
        self._heard = _Heard(success)
        if last is None or success is None:
            return
        self._heard.deaf = max(now - last.as_of, timedelta())
        if last.value is False:
            self._heard.failed = last.note or "the last run failed"

    def hear(self, signal: Signal, note: str, now: datetime) -> Reading | None:
        """Take a signal in; the reading that it is, if it says anything yet."""
        if signal is Signal.START:
            self._heard.began = now
            return None
        if signal is Signal.SUCCESS:
            self._heard = _Heard(now)
        else:
            self._heard.began, self._heard.failed = (
                None,
                f"the job says it failed: {note}" if note else "the job failed",
            )
        return self._reading(now)

    def rests(self, now: datetime) -> bool:
        """Whether there is nothing to say now: never heard, or said lately and not changed since."""
        if self._never_heard():
            return True
        if self._told is None:
            return False
        at, well = self._told
        return abs(now - at) < TELL and well is not bool(self._wrong(now))

    async def collect(self, now: datetime) -> Collected:
        """Whether the job is on time now; nothing of one that was never heard."""
        return Collected(self.id, now, () if self._never_heard() else (self._reading(now),))

    def _never_heard(self) -> bool:
        return self._heard.success is None and self._heard.began is None and not self._heard.failed

    def _wrong(self, now: datetime) -> str:
        return self._heard.failed or self._late(now)

    def _reading(self, now: datetime) -> Reading:
        why = self._wrong(now)
        self._told = now, not why
        return Reading(self.spec.unit, self.spec.gives, not why, now, now, self.spec.source, note=why)

    def _late(self, now: datetime) -> str:
        heard, grace = self._heard, timedelta(seconds=self.spec.grace)
        if heard.began is not None and now >= heard.began + grace:
            return f"a run that began at {heard.began.isoformat(timespec='seconds')} has not ended within its grace"
        owed = timedelta(seconds=self.spec.every) + grace + heard.deaf
        if heard.success is not None and now >= heard.success + owed:
            return f"no report since {heard.success.isoformat(timespec='seconds')}"
        return ""


class Heartbeats:
    """All jobs of a site that report by themselves."""

    def __init__(self, specs: Iterable[HeartbeatSpec], evaluator: Evaluator, clock: Clock) -> None:
        self._evaluator = evaluator
        self._clock = clock
        self.by_id = {spec.id: Heartbeat(spec) for spec in specs}

    def resume(self) -> None:
        """Take over what was committed, once the evaluator has loaded it."""
        now = self._clock.now()
        for beat in self.by_id.values():
            health = self._evaluator.health.get(beat.spec.source)
            last = self._evaluator.states[beat.spec.unit].evidence.get(beat.spec.gives)
            own = last if last is not None and last.source == beat.spec.source else None
            beat.resume(health.last_success if health else None, own, now)

    async def hear(self, name: str, signal: Signal, note: str) -> None:
        """Take a signal in; returns when it is committed. Raises KeyError for an unknown job, or StoreError."""
        now, beat = self._clock.now(), self.by_id[name]
        reading = beat.hear(signal, note, now)
        if signal is Signal.SUCCESS:
            self._evaluator.take(Collected(beat.spec.source, now))
        await self._evaluator.submit(() if reading is None else (reading,))
