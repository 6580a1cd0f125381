"""The worker process: `python -m monitor.adapters.transports.apprise_worker`, spoken to by JSON lines.

First line in: `{"allow": [...]}`, answered by `{"ready": <cap on the address space in bytes>}` once everything is
loaded. Then one job per line, one result per line. It ends when its standard input ends.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import BinaryIO

from monitor.adapters.guard import AddressGuard
from monitor.adapters.transports.apprise_send import send
from monitor.adapters.transports.job import JobResult, read_job
from monitor.adapters.transports.witness import Witness, install
from monitor.config.allow import parse_allow
from monitor.model.incident import Outcome, Receipt

ROOM = 256 * 1024 * 1024  # bytes of address space above what is in use when everything is loaded
_LATE = 2.0  # seconds past its deadline after which a forgotten worker ends itself


def main() -> None:
    """Serve until the input ends, then leave at once: a stuck thread must not keep the process."""
    inbox, outbox = sys.stdin.buffer, os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever a library prints must not look like an answer
    hello = json.loads(inbox.readline())
    seen = install(AddressGuard([parse_allow(text) for text in hello["allow"]]))
    outbox.write(json.dumps({"ready": limit_resources()}).encode() + b"\n")
    serve(inbox, outbox, seen)
    os._exit(0)


def limit_resources() -> int:
    """Cap the address space, forbid core dumps and files; returns the cap in bytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    cap = pages * resource.getpagesize() + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (cap, cap))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    return cap


def serve(inbox: BinaryIO, outbox: BinaryIO, seen: Witness) -> None:
    """Answer every job until the input ends or a thread is lost."""
    for line in inbox:
        result = _answer(line, seen)
        outbox.write(result.line())
        if result.spent:
            return


def _answer(line: bytes, seen: Witness) -> JobResult:
    try:
        job = read_job(line)
        signal.setitimer(signal.ITIMER_REAL, job.timeout + _LATE)  # the default action of SIGALRM ends the process
        return send(job, seen)
    except Exception as broken:  # the promise is one line per job; its text may hold a secret, its type does not
        outcome = Outcome.UNKNOWN if seen.delivering else Outcome.TRY_AGAIN
        return JobResult(Receipt(outcome, f"worker: {type(broken).__name__}"), spent=True)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


if __name__ == "__main__":
    main()
