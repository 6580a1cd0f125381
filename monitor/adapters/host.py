"""The machine under the service, as the monitor's own alarm sees it: its disk, a small file, and the way outside."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monitor.adapters.apart import Apart
from monitor.adapters.fetch import Fetcher, Request, Response
from monitor.adapters.store.codec import Codec
from monitor.alerting.selfwatch import Alarm, Condition
from monitor.config.secrets import Secret
from monitor.model.errors import StoreError

log = logging.getLogger(__name__)

_ALARMS: Codec[tuple[Alarm, ...]] = Codec(tuple[Alarm, ...])
_DEADLINE = 5.0  # seconds for a heartbeat, and for a file on a disk that may hang
_LARGEST = 64 * 1024  # bytes of an answer that are read


class SystemHost:
    """`monitor.ports.Host` of this machine. `var` is the folder that the service writes into."""

    def __init__(self, var: Path, heartbeats: Sequence[Secret], fetcher: Fetcher) -> None:
        self._var = var
        self._file = var / "own-alarms.json"
        self._heartbeats = heartbeats
        self._fetcher = fetcher
        self._apart: Apart[Any] = Apart()

    def free(self) -> float | None:
        """See the port; what only root may use does not count as free."""
        try:
            disk = os.statvfs(self._var if self._var.exists() else self._var.parent)
        except OSError:
            return None
        return 100 * disk.f_bavail / disk.f_blocks if disk.f_blocks else None

    async def recall(self) -> Mapping[Condition, Alarm]:
        """See the port."""
        try:
            text = await self._apart(lambda: self._file.read_text("utf-8"), _DEADLINE)
            return {alarm.condition: alarm for alarm in _ALARMS.decode(text)}
        except FileNotFoundError:
            return {}
        except (OSError, TimeoutError, UnicodeDecodeError, StoreError) as broken:
            log.error("%s cannot be read, alarms about the monitor may be told again: %s", self._file, broken)
            return {}

    async def remember(self, alarms: Mapping[Condition, Alarm]) -> None:
        """See the port."""
        text = _ALARMS.encode(tuple(alarms.values()))
        try:
            await self._apart(lambda: self._write(text), _DEADLINE)
        except (OSError, TimeoutError) as broken:
            log.error("%s cannot be written, alarms may be told again after a restart: %s", self._file, broken)

    def _write(self, text: str) -> None:
        self._var.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_suffix(".new")
        draft.write_text(text, "utf-8")
        draft.replace(self._file)

    async def beat(self) -> Sequence[str]:
        """See the port: GET, and any answer from 200 to 299 is good."""
        return await asyncio.gather(
            *(self._asked(number, address) for number, address in enumerate(self._heartbeats, 1))
        )

    async def _asked(self, number: int, address: Secret) -> str:
        asked = Request(address.reveal(), timeout=_DEADLINE, max_wire=_LARGEST, max_decoded=_LARGEST)
        answer = await self._fetcher.fetch(asked)
        if isinstance(answer, Response):
            return "" if 200 <= answer.status < 300 else f"address {number}: HTTP status {answer.status}"
        return f"address {number}: {answer.detail}"
