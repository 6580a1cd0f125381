"""What the portal answered in one night, kept on disk: a restart goes on there, and asks nothing twice.

A folder a night, in it a file an answer (its digest, then the answer as it came; named by its question) and one with
what the portal refused. Where a power cut left a part of one, the digest does not fit, and it is asked for again. The
next night begins by clearing it away.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

from monitor.adapters.fetch import Request

log = logging.getLogger(__name__)

_REFUSED = "refused"
_DIGEST = 16  # bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """How often a night was refused, and before when the portal is not to be asked again."""

    times: int = 0
    until: datetime | None = None


class Night:
    """The answers of the night that began at an instant, below the folder of one feed."""

    def __init__(self, folder: Path, begins: datetime) -> None:
        self.begins = begins
        self._all = folder
        self._folder = folder / f"{begins:%Y%m%dT%H%M%SZ}"
        self.refused = self._read_refused()

    def refuse(self, refused: Refused) -> None:
        """The portal would not, or what it said was not the table."""
        self.refused = refused
        until = refused.until.isoformat() if refused.until else None
        self._write(_REFUSED, json.dumps({"times": refused.times, "until": until}).encode())

    def find(self, question: Request) -> tuple[bytes, datetime] | None:
        """What was answered tonight, and when."""
        with suppress(OSError), (self._folder / _named(question)).open("rb") as file:
            digest, body = file.read(_DIGEST), file.read()
            if digest == _digest(body):
                return body, datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
        return None

    def keep(self, question: Request, body: bytes, at: datetime) -> None:
        """Remember an answer. A disk that is full costs no more than asking again after a restart."""
        self._write(_named(question), _digest(body) + body, at)

    def _read_refused(self) -> Refused:
        with suppress(OSError, ValueError, KeyError, TypeError):
            found: Mapping[str, str | None] = json.loads((self._folder / _REFUSED).read_bytes())
            until = found["until"]
            return Refused(int(found["times"] or 0), datetime.fromisoformat(until) if until else None)
        return Refused()

    def _write(self, name: str, content: bytes, at: datetime | None = None) -> None:
        try:
            if not self._folder.is_dir():
                shutil.rmtree(self._all, ignore_errors=True)  # former nights
                self._folder.mkdir(parents=True)
            draft = self._folder / f"{name}.part"
            draft.write_bytes(content)
            if at is not None:
                os.utime(draft, (at.timestamp(), at.timestamp()))
            draft.replace(self._folder / name)
        except OSError as error:
            log.warning("an answer of the portal cannot be kept in %s: %s", self._folder, error.strerror)


def _named(question: Request) -> str:
    return _digest(b"\0".join((question.url.encode(), question.body or b""))).hex()


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=_DIGEST).digest()
