"""SQL feed: one SELECT on an SQLite file, which is opened to be read and nothing else; bounded in time and in rows."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path
from urllib.parse import quote

from monitor.adapters.apart import Apart
from monitor.adapters.feeds.body import Unreadable
from monitor.adapters.feeds.moments import parts_of
from monitor.adapters.feeds.numbers import Unfit, shown
from monitor.adapters.feeds.rows import Answer, Frame, failed
from monitor.adapters.feeds.table import MAX_COLUMNS, Table
from monitor.config.spec import FeedSpec
from monitor.model.reading import Collected
from monitor.ports import Clock

MAX_ROWS = 20_000
MAX_VALUE = 1024 * 1024  # bytes of one value, also of those in between
_STEPS = 5_000  # instructions of SQLite's machine between two looks at the clock
_HANGING = 1.0  # seconds after its time in which SQLite must have ended by itself, or the disk hangs
_ALLOWED = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE})
_REFUSED_FUNCTIONS = frozenset({"load_extension", "fts3_tokenizer"})


class Query:
    """The way of an SQL feed, in a thread of its own. `root` is the site's folder, below which the database lies."""

    def __init__(self, spec: FeedSpec, root: Path, clock: Clock, frame: Frame) -> None:
        self._spec = spec
        self._root = root
        self._clock = clock
        self._frame = frame
        self._apart: Apart[tuple[list[str], list[Sequence[object]]]] = Apart()

    async def __call__(self, now: datetime) -> Collected:
        """Ask once."""
        spec, end = self._spec, self._clock.monotonic() + self._spec.timeout
        late = f"timeout: no complete answer within {spec.timeout:g} s"
        try:
            names, rows = await self._apart(partial(self._ask, now, end), spec.timeout + _HANGING)
            return await asyncio.to_thread(read, spec, names, rows, now, self._frame)
        except Unreadable as error:
            return failed(spec, now, str(error))
        except TimeoutError:
            return failed(spec, now, late, "fetch")
        except sqlite3.Error as error:
            said = late if self._clock.monotonic() > end else f"{spec.database}: {error}"
            return failed(spec, now, said, "fetch")

    def _ask(self, now: datetime, end: float) -> tuple[list[str], list[Sequence[object]]]:
        """As `_answer`. Raises Unreadable and sqlite3.Error."""
        spec, given = self._spec, {**self._spec.parameters, **parts_of(now, self._frame.calendar)}
        with closing(_opened(self._root, spec.database, spec.timeout)) as database:
            database.set_progress_handler(lambda: self._clock.monotonic() > end, _STEPS)
            return _answer(database, spec, given)


def _opened(root: Path, name: str, patience: float) -> sqlite3.Connection:
    """A connection that can only read. Raises Unreadable and sqlite3.Error."""
    path = root.resolve() / name
    if path.resolve() != path:
        raise Unreadable(f"{name} is reached over a symbolic link; name the file itself")
    address = f"file:{quote(str(path))}?mode=ro"
    database = sqlite3.connect(address, uri=True, timeout=patience, isolation_level=None)
    try:
        database.text_factory = lambda raw: raw.decode(errors="replace")
        database.execute("PRAGMA query_only = ON")
        database.execute("PRAGMA trusted_schema = OFF")  # a view of the file must not call what only we may
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE)
        database.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        database.setlimit(sqlite3.SQLITE_LIMIT_COLUMN, MAX_COLUMNS)
        database.set_authorizer(_permit)
    except BaseException:
        database.close()
        raise
    return database


def _permit(action: int, _first: str | None, second: str | None, _database: str | None, _inner: str | None) -> int:
    """Reading is permitted, and functions; nothing that writes, attaches, or changes a setting."""
    function = action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in _REFUSED_FUNCTIONS
    return sqlite3.SQLITE_OK if action in _ALLOWED and not function else sqlite3.SQLITE_DENY


def _answer(
    database: sqlite3.Connection, spec: FeedSpec, given: dict[str, str | int | float]
) -> tuple[list[str], list[Sequence[object]]]:
    """Names of the columns and the rows. Raises Unreadable when they are too many, and sqlite3.Error."""
    rows: list[Sequence[object]] = []
    size = 0
    with closing(database.execute(spec.query, given)) as cursor:
        names = [str(column[0]) for column in cursor.description or ()]
        for row in cursor:
            rows.append(row)
            size += sum(len(value) for value in row if isinstance(value, (str, bytes)))
            if len(rows) > MAX_ROWS:
                raise Unreadable(f"more than the {MAX_ROWS} rows that are read; ask for less, or for one row a unit")
            if size > spec.max_bytes:
                raise Unreadable(f"the texts of the rows are larger than {spec.max_bytes} bytes")
    return names, rows


def read(
    spec: FeedSpec, names: Sequence[str], rows: Iterable[Sequence[object]], now: datetime, frame: Frame
) -> Collected:
    """All believable values of a result. Pure. Raises Unreadable when it lacks the unit, or a date that is needed."""
    answer = Answer(spec, frame, now)
    table = Table(spec, answer, names)
    for indicator, said in table.missing.items():
        answer.refuse("", "missing", f"{indicator}: {said}", column=indicator)
    for number, row in enumerate(rows, start=1):
        table.take(f"row {number}", [_value(raw) for raw in row])
    if answer.has_rows:
        answer.refuse_silent(table.columns)
    return answer.collected()


def _value(raw: object) -> object:
    if isinstance(raw, bytes):
        return Unfit("bad-row", f"{shown(raw[:20].hex())} is a blob, not a text or a number")
    return raw
