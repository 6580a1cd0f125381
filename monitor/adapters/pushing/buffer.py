"""What is to be pushed, on disk until it was: a folder of files, one for each request, the oldest first.

A file is written under another name, brought to the disk and renamed: after a power cut it is there whole or not at
all. The folder is bounded in bytes; what does not fit drives out the oldest, which is counted by whoever asks.
"""

from __future__ import annotations

import os
from pathlib import Path

_PART = ".part"


class Buffer:
    """One per service. All of it may block; raises OSError when the disk does."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit  # bytes
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f"*{_PART}"):  # of a life that was cut off
            left.unlink()

    def add(self, body: bytes, at: float, part: int = 0) -> int:
        """Keep a request of an instant (seconds since 1970); how many older ones had to go for it."""
        name = f"{round(at * 1000):015d}-{part:04d}"
        written = self._folder / f"{name}{_PART}"
        with written.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        written.rename(self._folder / name)
        return self._shrink()

    def oldest(self) -> tuple[str, bytes] | None:
        """Name and body of the request that is to go first; None when all have gone."""
        names = self._names()
        return (names[0], (self._folder / names[0]).read_bytes()) if names else None

    def remove(self, name: str) -> None:
        """It has gone."""
        (self._folder / name).unlink(missing_ok=True)

    def waiting(self) -> tuple[int, float | None]:
        """Bytes that wait, and the instant of the oldest (seconds since 1970)."""
        names = self._names()
        size = sum((self._folder / name).stat().st_size for name in names)
        return size, int(names[0].partition("-")[0]) / 1000 if names else None

    def _names(self) -> list[str]:
        return sorted(path.name for path in self._folder.iterdir() if not path.name.endswith(_PART))

    def _shrink(self) -> int:
        names, dropped = self._names(), 0
        size = sum((self._folder / name).stat().st_size for name in names)
        while size > self._limit and len(names) > 1:  # the newest stays, however large it is
            oldest = self._folder / names.pop(0)
            size -= oldest.stat().st_size
            oldest.unlink()
            dropped += 1
        return dropped
