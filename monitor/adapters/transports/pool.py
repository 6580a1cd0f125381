"""A channel's own workers: a bulkhead. Started when first needed, reused while healthy, killed at the deadline."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

from monitor.adapters.transports.job import Job
from monitor.adapters.transports.worker import COMMAND, Worker, WorkerLost
from monitor.model.incident import Outcome, Receipt
from monitor.ports import Clock

log = logging.getLogger(__name__)

PATIENCE = 60.0  # seconds after which a worker that is not ready yet is given up


class Pool:
    """At most `size` jobs at once, each in a process of its own."""

    def __init__(
        self, channel: str, size: int, allow: Sequence[str], clock: Clock, command: Sequence[str] = COMMAND
    ) -> None:
        self._channel = channel
        self._allow = tuple(allow)
        self._clock = clock
        self._command = tuple(command)
        self._slots = asyncio.Semaphore(size)
        self._born: dict[Worker, float] = {}  # all workers, monotonic seconds
        self._idle: list[Worker] = []
        self._killing: set[asyncio.Task[None]] = set()

    @property
    def pids(self) -> frozenset[int]:
        """Ids of the running processes."""
        return frozenset(worker.pid for worker in self._born if worker.pid is not None)

    async def send(self, job: Job, deadline: float) -> Receipt:
        """Have a job done within `deadline` seconds, waiting for a worker included. Never raises for a lost worker."""
        until = asyncio.get_running_loop().time() + deadline
        try:
            async with asyncio.timeout_at(until):
                await self._slots.acquire()
        except TimeoutError:
            return Receipt(Outcome.TRY_AGAIN, "all workers are busy")
        try:
            return await self._with_worker(job, until)
        finally:
            self._slots.release()

    async def _with_worker(self, job: Job, until: float) -> Receipt:
        worker = self._take()
        try:
            async with asyncio.timeout_at(until):
                await worker.ready()
        except WorkerLost as lost:
            self._drop(worker)
            return Receipt(Outcome.TRY_AGAIN, f"the worker {lost}")
        except TimeoutError:
            self._put_back_or_drop(worker)
            return Receipt(Outcome.TRY_AGAIN, "the worker was not ready in time")
        except asyncio.CancelledError:
            self._drop(worker)
            raise
        return await self._ask(worker, job, until)

    async def _ask(self, worker: Worker, job: Job, until: float) -> Receipt:
        left = max(until - asyncio.get_running_loop().time(), 0.01)
        healthy = False
        try:
            async with asyncio.timeout_at(until):
                result = await worker.ask(replace(job, timeout=left))
            healthy = not result.spent
            return result.receipt
        except TimeoutError:
            return Receipt(Outcome.UNKNOWN, "timed out")
        except WorkerLost as lost:
            return Receipt(Outcome.UNKNOWN, f"the worker {lost}")
        finally:
            if healthy and worker in self._born:
                self._idle.append(worker)
            else:
                self._drop(worker)

    def _take(self) -> Worker:
        while self._idle:
            worker = self._idle.pop()
            if worker.usable:
                return worker
            self._drop(worker)
        worker = Worker(self._channel, self._allow, self._command)
        self._born[worker] = self._clock.monotonic()
        return worker

    def _put_back_or_drop(self, worker: Worker) -> None:
        # A slow start on a busy machine is not begun anew by every notice that waited for it in vain.
        if self._clock.monotonic() - self._born[worker] < PATIENCE:
            self._idle.append(worker)
        else:
            self._drop(worker)

    def _drop(self, worker: Worker) -> None:
        if self._born.pop(worker, None) is None:
            return
        task = asyncio.get_running_loop().create_task(worker.kill())
        self._killing.add(task)
        task.add_done_callback(self._killing.discard)

    async def close(self) -> None:
        """Kill all workers and wait until they are gone."""
        for worker in tuple(self._born):
            self._drop(worker)
        self._idle.clear()
        await asyncio.gather(*self._killing)
