"""One SQLite file: who may open it, its one write connection, its short readers.

Two connections that write and checkpoint at the same time can lose committed rows in most versions of SQLite (fixed in
3.51.3, 3.50.7 and 3.44.6). So there is one writing process, held by a lock file, and in it one write connection, which
also checkpoints. `BEGIN IMMEDIATE` takes the write lock at once; a plain `BEGIN` ends in "database is locked".

A transaction runs as a whole in the thread of that connection. Handing it over statement by statement cost more than
most transactions: some 5 ms of processor for each commit of the service.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, Executable, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from monitor.adapters.store import migrate
from monitor.model.errors import StoreError

T = TypeVar("T")

_BUSY = 5.0  # seconds to wait for a lock, which nobody but a foreign tool can hold
_WRITER = ("journal_mode=WAL", "synchronous=FULL", "journal_size_limit=67108864")
_READER = ("query_only=ON",)
_CONNECT = {"isolation_level": None, "timeout": _BUSY}
_REFUSALS = (SQLAlchemyError, sqlite3.Error, OSError, ValueError, OverflowError)


class SqliteFile:
    """An open database file. Every failure of the database comes out as StoreError."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self.read_only = read_only
        self._lock_file: int | None = None
        self._thread: ThreadPoolExecutor | None = None  # the one in which everything is written
        self._writer: Connection | None = None
        self._readers: AsyncEngine | None = None
        self._under_way: set[asyncio.Future[Any]] = set()

    async def open(self) -> None:
        """Take the lock, open and migrate; or only look, if read-only. Raises StoreError and leaves nothing behind."""
        if self._readers is not None:
            raise StoreError(f"{self.path} is already open here")
        try:
            if self.read_only:
                _refuse_unreadable(self.path)
            else:
                self._lock_file = _exclusive(self.path)
                self._thread = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
                self._writer = await self._in_thread(_writing_engine(self.path).connect)
                await self._in_thread(lambda: self._transaction(migrate.upgrade))
            self._readers = _reading_engine(self.path)
            if self.read_only:
                await self._check_tables()
        except BaseException as error:
            await self.close()
            if isinstance(error, _REFUSALS):
                raise StoreError(f"{self.path} cannot be opened: {_words(error)}") from error
            raise

    async def _check_tables(self) -> None:
        assert self._readers is not None
        async with self._readers.connect() as reader:
            await reader.run_sync(migrate.check)

    async def close(self) -> None:
        """Finish the transactions under way, close all connections, let go of the lock."""
        while self._under_way:
            await asyncio.wait(self._under_way)
        readers, self._readers = self._readers, None
        writer, self._writer = self._writer, None
        if readers is not None:
            await readers.dispose()
        if writer is not None:  # the last to close: it checkpoints
            await self._in_thread(lambda: _closed(writer))
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.shutdown()
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None

    async def fetch(self, query: Executable) -> Sequence[Any]:
        """All rows of one query, read at once so that no reader stays behind."""
        if self._readers is None:
            raise StoreError("the store is not open")
        try:
            async with self._readers.connect() as reader:
                return (await reader.execute(query)).all()
        except _REFUSALS as error:
            raise StoreError(_words(error)) from error

    async def fetch_together(self, *asked: Executable) -> list[Sequence[Any]]:
        """All rows of several queries, as they were at one moment."""
        if self._readers is None:
            raise StoreError("the store is not open")
        try:
            async with self._readers.connect() as reader:
                await reader.exec_driver_sql("BEGIN")
                found = [(await reader.execute(query)).all() for query in asked]
                await reader.exec_driver_sql("COMMIT")
                return found
        except _REFUSALS as error:
            raise StoreError(_words(error)) from error

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction: all of it is on disk when this returns, none of it when this raises.

        It runs beside the event loop, one transaction after the other as they were asked for. A caller that is
        cancelled while it waits does not tear the transaction: that ends by itself, either way.
        """
        if self._writer is None:
            raise StoreError(f"{self.path} is open for reading only" if self.read_only else "the store is not open")
        task = self._in_thread(lambda: self._transaction(work))
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _in_thread(self, work: Callable[[], T]) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _transaction(self, work: Callable[[Connection], T]) -> T:
        assert self._writer is not None
        try:
            with self._writer.begin():
                return work(self._writer)
        except _REFUSALS as error:
            raise StoreError(_words(error)) from error

    def _ended(self, task: asyncio.Future[Any]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # seen, also if the caller was cancelled


def warnings(version: tuple[int, int, int]) -> list[str]:
    """What an operator should know of this version of SQLite; empty for a repaired one."""
    repaired = version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)
    if repaired:
        return []
    return [
        f"SQLite {'.'.join(map(str, version))} can lose rows when two connections write and checkpoint at once "
        "(repaired in 3.51.3, 3.50.7 and 3.44.6): let nothing but denbao write to its database file"
    ]


def lock_file(path: Path) -> Path:
    """The file whose lock the one writing process of a database holds; its number stands in it."""
    return path.with_name(path.name + ".lock")


def _refuse_unreadable(path: Path) -> None:
    """Look at the file without opening it: closing it again would drop the locks that SQLite holds in this process."""
    if not path.is_file():
        raise StoreError(f"{path} does not exist: start the service once")
    if not os.access(path, os.R_OK):
        raise StoreError(f"{path} may not be read by this user")


def _exclusive(path: Path) -> int:
    """The file descriptor that keeps other processes from opening this database for writing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock_file(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
        os.close(descriptor)
        raise StoreError(f"{path} is in use by another process ({holder or 'unknown'}); stop that one first") from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _writing_engine(path: Path) -> Engine:
    """The connection that writes; a transaction takes the write lock when it begins."""
    engine = create_engine(_url("sqlite", path, "rwc"), connect_args=_CONNECT)
    _set_up(engine, _WRITER)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _reading_engine(path: Path) -> AsyncEngine:
    engine = create_async_engine(_url("sqlite+aiosqlite", path, "ro"), connect_args=_CONNECT)
    _set_up(engine.sync_engine, _READER)
    return engine


def _url(driver: str, path: Path, mode: str) -> URL:
    return URL.create(driver, database=f"file:{quote(str(path))}", query={"mode": mode, "uri": "true"})


def _set_up(engine: Engine, pragmas: Sequence[str]) -> None:
    """Each connection gets its pragmas."""

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, record: Any) -> None:
        cursor = connection.cursor()
        try:
            for pragma in pragmas:
                cursor.execute(f"PRAGMA {pragma}")
        except BaseException:  # the pool forgets a connection that could not be set up
            connection.close()
            raise
        cursor.close()


def _closed(writer: Connection) -> None:
    writer.close()
    writer.engine.dispose()


def _words(error: BaseException) -> str:
    return str(getattr(error, "orig", None) or error)
