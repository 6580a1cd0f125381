"""What crosses the pipe between the service and a worker: one JSON line each way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from monitor.model.incident import Fault, Outcome, Receipt

Scalar = str | int | bool


@dataclass(frozen=True, slots=True)
class Job:
    """One message to one recipient. What may hold a secret is left out of `repr`."""

    url: str = field(repr=False)  # Apprise URL, the recipient's address filled in
    subject: str
    body: str
    message_id: str  # left side of the Message-ID, the same for every attempt
    timeout: float = 15.0  # seconds in which the worker has to answer
    address: str = field(default="", repr=False)  # mailto: the one recipient; empty: the URL names it
    headers: Mapping[str, str] = field(default_factory=dict)
    payload: Mapping[str, Scalar] = field(default_factory=dict)  # json: the fields of the body; a template: its words
    html: str = ""  # mailto only: the same text as a page
    files: tuple[str, ...] = ()  # mailto only: paths of what the message carries; what is not there is left out
    look_up: bool = False  # gateways: an earlier attempt may have arrived
    now: int = 0  # gateways: seconds since 1970
    base_url: str = field(default="", repr=False)  # telegram and zalobot: another host than the vendor's

    def line(self) -> bytes:
        """One line of ASCII JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class JobResult:
    """A worker's answer. A spent worker has a thread that never came back and must not be used again."""

    receipt: Receipt
    spent: bool = False

    def line(self) -> bytes:
        """One line of ASCII JSON."""
        return json.dumps({**asdict(self.receipt), "spent": self.spent}).encode() + b"\n"


def read_job(line: bytes) -> Job:
    """The job of one line. Raises ValueError or TypeError for anything else."""
    job = Job(**json.loads(line))
    return replace(job, files=tuple(job.files))


def read_result(line: bytes) -> JobResult:
    """The result of one line. Raises ValueError, KeyError or TypeError for anything else."""
    found = json.loads(line)
    outcome, fault = Outcome(found["outcome"]), Fault(found["fault"])
    receipt = Receipt(outcome, str(found["detail"]), found["retry_after"], str(found["id"]), fault)
    return JobResult(receipt, bool(found["spent"]))
