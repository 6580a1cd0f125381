"""The way of a drop folder: every file that matches, once, below the site's own folder, over no symbolic link."""

from __future__ import annotations

import asyncio
import fnmatch
import os
import stat
import unicodedata
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from typing import Any

from monitor.adapters.feeds.apart import Apart
from monitor.adapters.feeds.body import Unreadable
from monitor.adapters.feeds.numbers import shown
from monitor.adapters.feeds.page import Parse
from monitor.adapters.feeds.rows import Frame, failed
from monitor.config.spec import FeedSpec
from monitor.engine.evidence import FUTURE_TOLERANCE
from monitor.engine.hygiene import bounded
from monitor.model.reading import Collected, Rejected, SourceHealth, Tables
from monitor.model.text import clean
from monitor.ports import Clock

MAX_FILES = 10_000  # names of one folder that are looked at
AT_ONCE = 200  # files that one poll reads at most
TIMES = 4  # `max_bytes` after which a poll reads no further file
SETTLED = 5.0  # seconds since its last change after which a file counts as whole
_OWN = 2  # bytes at the beginning of a mark that tell how the file is read
_NOT_MEANT = (".", "~$")  # hidden; and what Excel puts beside a workbook as long as somebody has it open
_AHEAD = "the file was written in the future of our clock and is passed over: put it there again"
_STEP = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe must not make us wait


@dataclass(frozen=True, slots=True)
class Found:
    """A file of the folder. `mark` is another one when it was written anew, or is to be read otherwise."""

    name: str
    written: datetime
    mark: str = ""


class _Withheld(Unreadable):
    """The disk, or the rights of the file, give it away no more than now: what it holds is not known."""


class Folder:
    """Reads the files of `folder` below `root`, in a thread of its own: the folder may be a share that hangs.

    Each file is a table by itself, and is read once, the oldest first: what was read is remembered in the health of the
    source, over a restart too. Of what lies there before anything is remembered, only files within `max_silence` are
    read: the others are an archive. One poll reads a bounded number of files and bytes, and none after `timeout`; the
    rest comes next. A file that holds nothing of use is refused by itself, and one that the disk or its rights withhold
    is tried again; the newest is a failure, and tried again.

    Rows that state no date are as old as the file. Where even the newest file is older than `max_silence` that is a
    failure, too: whoever should have put the next one there has fallen silent.
    """

    def __init__(self, spec: FeedSpec, parse: Parse, root: Path, clock: Clock, frame: Frame) -> None:
        self._spec = spec
        self._parse = parse
        self._root = root
        self._clock = clock
        self._frame = frame
        self._manner = _manner(spec, frame)
        self._known: SourceHealth | None = None
        self._tried: set[str] = set()  # marks of what was read in this life, or should have been
        self._apart: Apart[Any] = Apart()

    def recall(self, health: SourceHealth | None) -> None:
        """What is remembered of this source by now."""
        self._known = health

    async def __call__(self, now: datetime) -> Collected:
        """Look once. What it found last is the answer, `before` holds the others."""
        spec, end = self._spec, self._clock.monotonic() + self._spec.timeout
        said = f"timeout: the folder {spec.folder} does not answer within {spec.timeout:g} s"
        late = failed(spec, now, said, "fetch")
        try:
            files: list[Found] = await self._apart(self._listed, spec.timeout)
        except TimeoutError:
            return late
        except Unreadable as error:
            return failed(spec, now, str(error), "fetch")
        except OSError as error:
            return failed(spec, now, f"the folder {spec.folder} cannot be read: {error.strerror}", "fetch")
        self._tried &= {file.mark for file in files}
        last = newest(files, now)
        if last is None:
            said = f"no file in {spec.folder} matches {shown(spec.files)}, or it is still being written"
            return failed(spec, now, said, "fetch")
        passed = self._passed(files, last, now)
        wanted = self._wanted(files, last, passed, now)
        found = [table async for table in self._tables(wanted, last, now, end)]
        found.sort(key=lambda table: bool(table.failure))  # that of the newest is the answer
        if wanted and not found:
            return late
        age = (now - last.written).total_seconds()
        if age > spec.max_silence:
            said = f"the newest file, {shown(last.name)}, is {age / 3600:.0f} hours old"
            found.append(failed(spec, now, said, "fetch"))
        elif not found or not found[-1].failure:
            remarks = self._remarks(files, wanted[len(found) :], last, now)
            if remarks or not found:
                counts = Counter(one.reason for one in remarks)
                found.append(Collected(spec.id, now, rejected=remarks, refused=counts))
        return _together(found, self._there(files, wanted, passed, now))

    def _listed(self) -> list[Found]:
        """All files that match. Raises Unreadable and OSError."""
        with _opened(self._root, self._spec.folder) as folder:
            return list(_files(folder, self._spec.files, self._manner))

    def _passed(self, files: Sequence[Found], last: Found, now: datetime) -> frozenset[str]:
        """Of an archive that lies there when nothing is remembered yet, what is older than `max_silence`."""
        since, own = now - timedelta(seconds=self._spec.max_silence), self._manner[:_OWN].hex()
        if any(mark.startswith(own) for mark in self._marks):  # also of files that were taken away since
            return frozenset()
        return frozenset(file.mark for file in files if file.written < since and file is not last)

    @property
    def _marks(self) -> frozenset[str]:
        """Of the files that are remembered."""
        return frozenset(self._known.read if self._known else ())

    def _wanted(self, files: Sequence[Found], last: Found, passed: frozenset[str], now: datetime) -> list[Found]:
        """Whole files that are not remembered, the oldest first; in a new life the newest once more, as what it is held
        against may be another by now. What was tried already comes after the others, for which there may be no room."""
        known = self._marks | passed
        wanted = [f for f in files if f.mark not in known and is_settled(f, now) and not is_ahead(f, now)]
        if last not in wanted and (not self._tried or is_ahead(last, now)):
            wanted.append(last)
        return sorted(wanted, key=lambda file: (file.mark in self._tried, file.written, file.name))

    def _there(self, files: Sequence[Found], wanted: Sequence[Found], passed: frozenset[str], now: datetime) -> Tables:
        """What lies there. Refused rows of a file are told for `max_silence`, unless it is gone or written anew."""
        since, known = now - timedelta(seconds=self._spec.max_silence), self._known
        told = {one.table for one in known.rejected if one.first_seen and one.first_seen > since} if known else set()
        there = frozenset(file.mark for file in files)
        return Tables(there, there & (told | {file.mark for file in wanted}), passed)

    async def _tables(
        self, wanted: Sequence[Found], last: Found, now: datetime, end: float
    ) -> AsyncIterator[Collected]:
        """One after another, as many as one poll may read."""
        size = 0
        for number, file in enumerate(wanted[:AT_ONCE], start=1):
            left = end - self._clock.monotonic()
            if number > 1 and (left <= 0 or size > TIMES * self._spec.max_bytes):
                return
            try:
                body: bytes = await self._apart(partial(self._content, file), max(left, 0.0))
            except TimeoutError:
                return
            except Unreadable as error:
                table = replace(failed(self._spec, now, str(error), "fetch"), held=isinstance(error, _Withheld))
            else:
                size += len(body)
                frame = replace(self._frame, written=file.written)
                table = await asyncio.to_thread(self._parse, self._spec, body, {}, now, frame)
            self._tried.add(file.mark)
            yield _refused(table, file) if table.failure and file is not last else _placed(table, file, now)

    def _content(self, found: Found) -> bytes:
        with _opened(self._root, self._spec.folder) as folder:
            return _content(folder, found, self._spec.max_bytes)

    def _remarks(
        self, files: Sequence[Found], left: Sequence[Found], last: Found, now: datetime
    ) -> tuple[Rejected, ...]:
        """What is to be said of files that were not read."""
        ahead = (file for file in files if file is not last and is_ahead(file, now))
        found = [Rejected(self._spec.id, clean(file.name, 60), "future", _AHEAD) for file in ahead]
        if left:
            said = f"files that are left for the next look: {len(left)}, this one first"
            found.append(Rejected(self._spec.id, clean(left[0].name, 60), "waiting", said))
        return bounded(self._spec.id, found, len(found))


def _together(found: Sequence[Collected], there: Tables) -> Collected:
    """The last one, with the others before it. Only the first tells of all that lies there, which may be thousands."""
    rest = replace(there, there=None, passed=frozenset())
    *before, answer = (replace(table, tables=rest if number else there) for number, table in enumerate(found))
    return replace(answer, before=tuple(before))


def _placed(table: Collected, file: Found, now: datetime) -> Collected:
    """The table of a file, with its name before every place. What is ahead of our clock is read again in its time."""
    name = clean(file.name, 60)
    return replace(
        table,
        rejected=tuple(replace(one, row=f"{name}, {one.row}" if one.row else name) for one in table.rejected),
        places={key: f"{name}, {place}" for key, place in table.places.items()},
        table="" if is_ahead(file, now) or table.failure else file.mark,
    )


def _refused(table: Collected, file: Found) -> Collected:
    """A table of which nothing can be used, told as one bad row: those after it are read all the same."""
    said = table.failure.removeprefix(f"feed {table.source}: ")
    one = Rejected(table.source, clean(file.name, 60), "unreadable", said)
    counts = {"unreadable": 1}
    return Collected(table.source, table.at, rejected=(one,), refused=counts, table=file.mark, held=table.held)


def newest(files: Iterable[Found], now: datetime) -> Found | None:
    """The file that was written last, of equal ones the last by name; what changes right now is passed over.

    One from the future, whose clock was wrong, comes after all others: it would hide them until its time has come.
    """
    settled = (file for file in files if is_settled(file, now))
    return max(settled, key=lambda file: (not is_ahead(file, now), file.written, file.name), default=None)


def is_ahead(file: Found, now: datetime) -> bool:
    """Whether a file was written later than clocks may differ."""
    return (file.written - now).total_seconds() > FUTURE_TOLERANCE


def is_settled(file: Found, now: datetime) -> bool:
    """Whether a file counts as whole."""
    return abs((now - file.written).total_seconds()) >= SETTLED


def _manner(spec: FeedSpec, frame: Frame) -> bytes:
    """Of how files are read: whoever mends a mapping wants to have those read again that lie there."""
    how = (spec.kind, spec.columns, spec.unit, sorted(spec.mapping.items()), spec.names is None, spec.as_of,
           spec.as_of_field, spec.delimiter, spec.encoding, spec.decimal, sorted(spec.aliases.items()), spec.sheets,
           sorted(frame.units))  # fmt: skip
    return blake2b(repr(how).encode(), digest_size=32).digest()


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


def _files(folder: int, pattern: str, manner: bytes) -> Iterator[Found]:
    wanted = _plain(pattern)
    with os.scandir(folder) as entries:
        for count, entry in enumerate(entries, start=1):
            if count > MAX_FILES:
                raise Unreadable(f"more than {MAX_FILES} files in the folder; clear it up")
            if not entry.name.startswith(_NOT_MEANT) and fnmatch.fnmatchcase(_plain(entry.name), wanted):
                with suppress(FileNotFoundError):  # taken away since it was listed
                    about = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(about.st_mode):
                        version = f"{about.st_mtime_ns} {about.st_size} ".encode() + os.fsencode(entry.name)
                        mark = manner[:_OWN].hex() + blake2b(version, digest_size=6, key=manner).hexdigest()
                        yield Found(entry.name, datetime.fromtimestamp(about.st_mtime, UTC), mark)


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
        raise _Withheld(f"{shown(found.name)} cannot be read: {error.strerror}") from None
    if len(body) > most:
        raise Unreadable(f"{shown(found.name)} is larger than {most} bytes")
    return body
