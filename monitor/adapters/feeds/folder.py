"""The way of a drop folder: the newest file that matches, below the site's own folder, over no symbolic link."""

from __future__ import annotations

import asyncio
import fnmatch
import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath

from monitor.adapters.feeds.apart import Apart
from monitor.adapters.feeds.body import Unreadable
from monitor.adapters.feeds.numbers import shown
from monitor.adapters.feeds.page import Parse
from monitor.adapters.feeds.rows import Frame, failed
from monitor.config.spec import FeedSpec
from monitor.engine.evidence import FUTURE_TOLERANCE
from monitor.engine.hygiene import bounded
from monitor.model.reading import Collected, Rejected
from monitor.model.text import clean

MAX_FILES = 10_000  # names of one folder that are looked at
SETTLED = 5.0  # seconds since its last change after which a file counts as whole
_NOT_MEANT = (".", "~$")  # hidden; and what Excel puts beside a workbook as long as somebody has it open
_AHEAD = "the file was written in the future of our clock and is passed over: put it there again"
_MISSED = "a newer file was put there before this one was read: put it there again, or look more often"
_STEP = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe must not make us wait


@dataclass(frozen=True, slots=True)
class Found:
    """A file of the folder."""

    name: str
    written: datetime


class Folder:
    """Reads the newest file of `folder` below `root`, in a thread of its own: the folder may be a share that hangs.

    Rows that state no date are as old as the file. A file that came and went unread between two looks is told.

    A file older than `max_silence` is a failure: whoever should have put the next one there has fallen silent.
    """

    def __init__(self, spec: FeedSpec, parse: Parse, root: Path, frame: Frame) -> None:
        self._spec = spec
        self._parse = parse
        self._root = root
        self._frame = frame
        self._newest: datetime | None = None  # when the file was written that was read last
        self._apart: Apart[tuple[list[Found], Found, bytes]] = Apart()

    async def __call__(self, now: datetime) -> Collected:
        """Look once."""
        spec = self._spec
        try:
            files, found, body = await self._apart(partial(self._look, now), spec.timeout)
        except Unreadable as error:
            return failed(spec, now, str(error), "fetch")
        except TimeoutError:
            said = f"timeout: the folder {spec.folder} does not answer within {spec.timeout:g} s"
            return failed(spec, now, said, "fetch")
        except OSError as error:
            return failed(spec, now, f"the folder {spec.folder} cannot be read: {error.strerror}", "fetch")
        age = (now - found.written).total_seconds()
        if age > spec.max_silence:
            said = f"the newest file, {shown(found.name)}, is {age / 3600:.0f} hours old"
            return failed(spec, now, said, "fetch")
        before, self._newest = self._newest, found.written
        missed = [file for file in files if before is not None and before < file.written < found.written]
        frame = replace(self._frame, written=found.written)
        collected = await asyncio.to_thread(self._parse, spec, body, {}, now, frame)
        ahead = [file for file in files if file is not found and is_ahead(file, now)]
        return _told(_told(collected, "future", _AHEAD, ahead), "passed-over", _MISSED, missed)

    def _look(self, now: datetime) -> tuple[list[Found], Found, bytes]:
        """All files that match, the newest one and its content. Raises Unreadable and OSError."""
        spec = self._spec
        with _opened(self._root, spec.folder) as folder:
            files = list(_files(folder, spec.files))
            found = newest(files, now)
            if found is None:
                raise Unreadable(f"no file in {spec.folder} matches {shown(spec.files)}, or it is still being written")
            return files, found, _content(folder, found, spec.max_bytes)


def newest(files: Iterable[Found], now: datetime) -> Found | None:
    """The file that was written last, of equal ones the last by name; what changes right now is passed over.

    One from the future, whose clock was wrong, comes after all others: it would hide them until its time has come.
    """
    settled = (file for file in files if abs((now - file.written).total_seconds()) >= SETTLED)
    return max(settled, key=lambda file: (not is_ahead(file, now), file.written, file.name), default=None)


def is_ahead(file: Found, now: datetime) -> bool:
    """Whether a file was written later than clocks may differ."""
    return (file.written - now).total_seconds() > FUTURE_TOLERANCE


def _told(collected: Collected, reason: str, said: str, files: Sequence[Found]) -> Collected:
    """The same with files that were not read, and why."""
    if not files or collected.failure:
        return collected
    passed = (Rejected(collected.source, clean(file.name, 60), reason, said) for file in files)
    counts = {**collected.refused, reason: collected.refused.get(reason, 0) + len(files)}
    rejected = bounded(collected.source, [*passed, *collected.rejected], sum(counts.values()))
    return replace(collected, rejected=rejected, refused=counts)


@contextmanager
def _opened(root: Path, name: str) -> Iterator[int]:
    """The folder, opened step by step so that no link can lead out. Raises Unreadable."""
    try:
        at = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        for step in PurePosixPath(name).parts:
            before = at
            try:
                at = os.open(step, _STEP, dir_fd=before)
            finally:
                os.close(before)
    except OSError as error:
        raise Unreadable(f"the folder {name} cannot be opened: {error.strerror}") from None
    try:
        yield at
    finally:
        os.close(at)


def _files(folder: int, pattern: str) -> Iterator[Found]:
    wanted = _plain(pattern)
    with os.scandir(folder) as entries:
        for count, entry in enumerate(entries, start=1):
            if count > MAX_FILES:
                raise Unreadable(f"more than {MAX_FILES} files in the folder; clear it up")
            if not entry.name.startswith(_NOT_MEANT) and fnmatch.fnmatchcase(_plain(entry.name), wanted):
                with suppress(FileNotFoundError):  # taken away since it was listed
                    about = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(about.st_mode):
                        yield Found(entry.name, datetime.fromtimestamp(about.st_mtime, UTC))


def _plain(name: str) -> str:
    """A file name as people compare it: without case, and however its marks are written down."""
    return unicodedata.normalize("NFC", name).casefold()


def _content(folder: int, found: Found, most: int) -> bytes:
    try:
        with open(os.open(found.name, _FILE, dir_fd=folder), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Unreadable(f"{shown(found.name)} is not a file")
            body = file.read(most + 1)
    except OSError as error:
        raise Unreadable(f"{shown(found.name)} cannot be read: {error.strerror}") from None
    if len(body) > most:
        raise Unreadable(f"{shown(found.name)} is larger than {most} bytes")
    return body
