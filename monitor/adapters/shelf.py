"""A folder of files that messages carry. A message names its files, so that none of them is in the store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

KEPT = timedelta(days=7)  # longer than any message is tried, or held by quiet hours


class FolderShelf:
    """`monitor.ports.Shelf` in a folder, which is made when something is put there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def keep(self, files: Mapping[str, bytes], now: datetime) -> None:
        """See the port. A file is there as a whole or not at all."""
        await asyncio.to_thread(self._keep, files, now)

    def _keep(self, files: Mapping[str, bytes], now: datetime) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for old in self._folder.iterdir():
            if old.stat().st_mtime < (now - KEPT).timestamp():
                old.unlink(missing_ok=True)
        for name, content in files.items():
            draft = self._folder / f"{name}.part"
            draft.write_bytes(content)
            draft.replace(self._folder / name)

    def paths(self, names: Iterable[str]) -> tuple[str, ...]:
        """Where files lie; a name that leads out of the folder is none."""
        return tuple(str(self._folder / name) for name in names if name.strip(".") and Path(name).name == name)
