"""Jobs that report by themselves: heard in time is yes, late or failed is no.

    signal    what it means
    success   the job did its work: on time until `every` + `grace` from now
    start     it begins: it owes a success within `grace`, or it has failed; to begin once more puts nothing off
    fail      it did not: no, at once, until the next success

A job that never reported is unknown, not late; one of which no success was ever heard is never on time. Seconds in
which nobody listened, because the service was down or its own line was cut, do not count, however often it was. While
the line is cut, nothing is said of a job but that it failed. When the last success was heard survives a restart, and
that it failed; that a run had begun does not, `every` then finds it.

Time is counted on the monotonic clock of the own line, so that setting the wall clock moves no deadline while the
service runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from monitor.config.spec import HeartbeatSpec
from monitor.model.reading import Collected, Reading, SourceHealth
from monitor.ports import Clock
from monitor.service.evaluator import Evaluator
from monitor.service.ownline import OwnLine

_SILENT = "no report since"  # which is found again, by the deadline that holds then; it is not what the job said
LOOK = 2.0  # seconds between two looks at who is late; a deadline is met at most so much later
TELL = timedelta(seconds=30)  # after which it is said again that nothing changed: as fresh as a probe


class Signal(StrEnum):
    """What a job says of itself."""

    SUCCESS = "success"
    START = "start"
    FAIL = "fail"


@dataclass
class _Heard:
    """What is known of one job. `since` and `until` are instants of OwnLine.connected."""

    success: datetime | None = None
    since: float = 0.0  # from when `every` counts: the last success, later by the time in which nobody listened
    began: datetime | None = None  # the first run since the last end; it has not ended
    until: float = 0.0  # when that run must have ended
    failed: str = ""  # why, since the last success


class Heartbeat:
    """One job. Implements ports.Source and ports.Resting: looked at every LOOK seconds, and asked when it has news."""

    period = LOOK

    def __init__(self, spec: HeartbeatSpec, line: OwnLine) -> None:
        self.spec = spec
        self.id = f"{spec.source}/watch"
        self.owner = spec.unit
        self._line = line
        self._heard = _Heard()
        self._told: tuple[datetime, bool] | None = None  # when it last said whether all is well, and what

    def resume(self, success: datetime | None, listened: float, last: Reading | None) -> None:
        """Take over what was committed: the last success, for how many seconds we have listened since, and the last
        reading of this job."""
        self._heard = _Heard(success, self._line.connected() - listened)
        if last is not None and last.value is False and not last.note.startswith(_SILENT):
            self._heard.failed = last.note or "the last run failed"

    def hear(self, signal: Signal, note: str, now: datetime) -> Reading | None:
        """Take a signal in; the reading that it is, if it says anything yet."""
        heard = self._heard
        if signal is Signal.START:
            if heard.began is None:
                heard.began, heard.until = now, self._line.connected() + self.spec.grace
            return None
        if signal is Signal.SUCCESS:
            self._heard = _Heard(now, self._line.connected())
        else:
            heard.began, heard.failed = None, f"the job says it failed: {note}" if note else "the job failed"
        return self._reading(now)

    def rests(self, now: datetime) -> bool:
        """Whether there is nothing to say now: not known, or said lately and not changed since."""
        if self._is_unknown():
            return True
        if self._told is None:
            return False
        at, well = self._told
        return abs(now - at) < TELL and well is not bool(self._wrong())

    async def collect(self, now: datetime) -> Collected:
        """Whether the job is on time now; nothing of one of which that is not known."""
        known = not self._is_unknown() and await self._could_report()
        return Collected(self.id, now, (self._reading(now),) if known else ())

    def listened(self) -> float:
        """Seconds since the last success in which it could have reported."""
        return self._line.connected() - self._heard.since

    async def _could_report(self) -> bool:
        """Whether what the job says, or does not say, is its own doing: its report may not come through a cut line."""
        if self._heard.failed:
            return True
        return not self._line.cut and (not self._late() or await self._line.believable())

    def _is_unknown(self) -> bool:
        return self._heard.success is None and not self._wrong()

    def _wrong(self) -> str:
        return self._heard.failed or self._late()

    def _reading(self, now: datetime) -> Reading:
        why = self._wrong()
        self._told = now, not why
        return Reading(self.spec.unit, self.spec.gives, not why, now, now, self.spec.source, note=why)

    def _late(self) -> str:
        heard, elapsed = self._heard, self._line.connected()
        if heard.began is not None and elapsed >= heard.until:
            return f"a run that began at {heard.began.isoformat(timespec='seconds')} has not ended within its grace"
        if heard.success is not None and elapsed >= heard.since + self.spec.every + self.spec.grace:
            return f"{_SILENT} {heard.success.isoformat(timespec='seconds')}"
        return ""


class Heartbeats:
    """All jobs of a site that report by themselves."""

    def __init__(self, specs: Iterable[HeartbeatSpec], evaluator: Evaluator, clock: Clock, line: OwnLine) -> None:
        self._evaluator = evaluator
        self._clock = clock
        self.by_id = {spec.id: Heartbeat(spec, line) for spec in specs}
        line.ended = self.keep

    def resume(self) -> None:
        """Take over what was committed, once the evaluator has loaded it."""
        now = self._clock.now()
        for beat in self.by_id.values():
            last = self._evaluator.states[beat.spec.unit].evidence.get(beat.spec.gives)
            own = last if last is not None and last.source == beat.spec.source else None
            health = self._evaluator.health.get(beat.spec.source)
            if health is None or health.last_success is None:
                beat.resume(None, 0.0, own)
                continue
            listened = _listened(health, health.last_success, now if own is None else own.as_of)
            beat.resume(health.last_success, listened, own)
            self._evaluator.remember(replace(health, listened=listened, resumed=now))

    def keep(self) -> None:
        """Remember for the next start how long each job could have reported; called after a cut of the own line."""
        for beat in self.by_id.values():
            health = self._evaluator.health.get(beat.spec.source)
            if health is not None and health.last_success is not None:
                now = self._clock.now()
                self._evaluator.remember(replace(health, listened=beat.listened(), resumed=now))

    async def hear(self, name: str, signal: Signal, note: str) -> None:
        """Take a signal in; returns when it is committed. Raises KeyError for an unknown job, or StoreError."""
        now, beat = self._clock.now(), self.by_id[name]
        reading = beat.hear(signal, note, now)
        if signal is Signal.SUCCESS:
            self._evaluator.take(Collected(beat.spec.source, now))
        await self._evaluator.submit(() if reading is None else (reading,))


def _listened(health: SourceHealth, success: datetime, until: datetime) -> float:
    """Seconds in which it could have reported, from the last success to what was committed last before now."""
    return health.listened + max((until - (health.resumed or success)).total_seconds(), 0.0)
