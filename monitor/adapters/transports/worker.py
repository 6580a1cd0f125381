"""One worker process, seen from the service: started, asked, killed."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import monitor
from monitor.adapters.transports.job import Job, JobResult, read_result
from monitor.model.text import clean

log = logging.getLogger(__name__)

COMMAND = (sys.executable, "-P", "-m", "monitor.adapters.transports.apprise_worker")
# All a worker needs of the service's environment; what else stands there (secrets, proxies) stays here.
_PASSED_ON = ("PATH", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_STDERR_KEPT = 2000  # characters of the end
_URL = re.compile(r"\S+://\S+")


class WorkerLost(Exception):
    """The process ended or answered nonsense."""


class Worker:
    """A process that takes one job at a time. The first use starts it."""

    def __init__(self, channel: str, allow: Sequence[str], command: Sequence[str] = COMMAND) -> None:
        self._channel = channel
        self._hello = json.dumps({"allow": list(allow)}).encode() + b"\n"
        self._command = command
        self._starting: asyncio.Task[Process] | None = None
        self._process: Process | None = None
        self._spawned = asyncio.Event()  # the attempt to start a process is over, whatever came of it
        self._speaking = asyncio.Lock()  # one reader of the answers at a time
        self._listening: asyncio.Task[None] | None = None
        self._stderr = ""

    @property
    def pid(self) -> int | None:
        """Id of the process while there is one."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    @property
    def usable(self) -> bool:
        """False once the process has ended."""
        return self._process is None or self._process.returncode is None

    async def ready(self) -> None:
        """Wait until it has loaded everything; a caller that gives up does not stop the start. Raises WorkerLost."""
        if self._starting is None:
            self._starting = asyncio.get_running_loop().create_task(self._start(), name=f"worker of {self._channel}")
        await asyncio.shield(self._starting)

    async def _start(self) -> Process:
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=_environment(), start_new_session=True
            )
        except OSError as error:
            raise WorkerLost(f"cannot be started: {type(error).__name__}") from None
        finally:
            self._spawned.set()
        self._listening = asyncio.get_running_loop().create_task(self._listen(self._process))
        hello = await self._exchange(self._process, self._hello)
        log.debug("worker %s of channel %s is ready, %s", self._process.pid, self._channel, clean(hello.decode()))
        return self._process

    async def ask(self, job: Job) -> JobResult:
        """Hand over a job and wait for its result. Raises WorkerLost; whoever gives up has to kill the worker."""
        process = self._process
        if process is None:
            raise WorkerLost("was never started")
        try:
            return read_result(await self._exchange(process, job.line()))
        except (ValueError, KeyError, TypeError):
            raise WorkerLost("answered nonsense") from None

    async def _exchange(self, process: Process, line: bytes) -> bytes:
        assert process.stdin is not None and process.stdout is not None
        try:
            async with self._speaking:
                process.stdin.write(line)
                await process.stdin.drain()
                answer = await process.stdout.readline()  # ValueError beyond 64 KiB
        except (OSError, ValueError) as error:
            raise WorkerLost(f"cannot be spoken to: {type(error).__name__}") from None
        if not answer.endswith(b"\n"):
            raise WorkerLost("ended")
        return answer

    async def _listen(self, process: Process) -> None:
        assert process.stderr is not None
        while chunk := await process.stderr.read(4096):
            self._stderr = (self._stderr + chunk.decode(errors="replace"))[-_STDERR_KEPT:]

    async def kill(self) -> None:
        """End the process and all it started for good, and wait until it is gone."""
        if self._starting is None:
            return
        await self._spawned.wait()  # a start that is cancelled half-way could leave a process that nobody knows
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)  # its own group: it was started in a session of its own
        await asyncio.gather(self._starting, return_exceptions=True)
        if self._process is not None and self._listening is not None:
            await self._read_to_the_end(self._process)
            await self._process.wait()
            await self._listening
            self._report(self._process.returncode)

    async def _read_to_the_end(self, process: Process) -> None:
        # asyncio stops reading where much lies unread, then never sees the end of the pipe, and wait() waits for that.
        assert process.stdout is not None
        async with self._speaking:
            while await process.stdout.read(65536):
                pass

    def _report(self, code: int | None) -> None:
        last_words = clean(_URL.sub("<url>", self._stderr), 500)
        log.info("worker of channel %s ended with %s: %s", self._channel, code, last_words or "nothing said")


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return kept | {
        "PYTHONPATH": str(Path(monitor.__file__).resolve().parents[1]),
        "PYTHONUTF8": "1",
        "MALLOC_ARENA_MAX": "1",  # glibc reserves 64 MiB of address space per thread otherwise
        "NETRC": os.devnull,  # or the HTTP library would add a password from the home folder
    }
