"""Sixty slot jobs on APScheduler, re-timed when the wall clock steps.

APScheduler waits for the old time to come again when the wall clock is set back (no run, no error), and its default
grace of one second drops late runs. So: no grace limit, one instance per slot, and a watchman that compares wall and
monotonic time once a second and re-times every job after a step.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_EXECUTED,
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MISSED,
    EVENT_JOB_SUBMITTED,
    JobEvent,
)
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger

from monitor.ports import Clock

log = logging.getLogger(__name__)

SLOTS = 60
STEP = 2.0  # seconds of disagreement between wall and monotonic clock that count as a step


class SlotTimetable:
    """Calls `tick(slot)` once in each second of the minute."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        self._watchman: asyncio.Task[None] | None = None
        self._under_way: set[str] = set()  # slots handed to the event loop and not finished
        self._idle = asyncio.Event()
        self._idle.set()
        self.skipped = 0  # slots not run because the last run of the same slot was still under way
        self.steps = 0  # steps of the wall clock noticed

    def start(self, tick: Callable[[int], Awaitable[None]]) -> None:
        """Begin; the first slot is the next second."""
        self._scheduler.add_listener(self._missed, EVENT_JOB_MAX_INSTANCES | EVENT_JOB_MISSED)
        self._scheduler.add_listener(self._begun, EVENT_JOB_SUBMITTED)
        self._scheduler.add_listener(self._ended, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR | EVENT_JOB_MISSED)
        for slot in range(SLOTS):
            self._scheduler.add_job(tick, CronTrigger(second=slot, timezone="UTC"), args=(slot,), id=str(slot))
        self._scheduler.start()
        self._watchman = asyncio.get_running_loop().create_task(self._watch(), name="timetable-watchman")

    async def stop(self) -> None:
        """Start no further tick and wait for those under way, which APScheduler's own shutdown would cancel."""
        if self._watchman is not None:
            self._watchman.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watchman
        if self._scheduler.running:
            self._scheduler.pause()
            await self._idle.wait()
            self._scheduler.shutdown(wait=False)

    def _begun(self, event: JobEvent) -> None:
        self._under_way.add(event.job_id)
        self._idle.clear()

    def _ended(self, event: JobEvent) -> None:
        self._under_way.discard(event.job_id)
        if not self._under_way:
            self._idle.set()

    def _missed(self, _event: JobEvent) -> None:
        self.skipped += 1

    async def _watch(self) -> None:
        wall, mono = self._clock.now(), self._clock.monotonic()
        while True:
            await self._clock.sleep(1.0)
            wall_now, mono_now = self._clock.now(), self._clock.monotonic()
            if abs(_elapsed(wall, wall_now) - (mono_now - mono)) > STEP:
                self._retime()
            wall, mono = wall_now, mono_now

    def _retime(self) -> None:
        self.steps += 1
        log.warning("the wall clock was stepped; every slot is timed anew")
        for slot in range(SLOTS):
            self._scheduler.reschedule_job(str(slot), trigger=CronTrigger(second=slot, timezone="UTC"))


def _elapsed(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds()
