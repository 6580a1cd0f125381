"""What state a database file is in, found out without changing a byte beside it."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from monitor.adapters.store.codec import HEALTH
from monitor.adapters.store.sqlite import lock_file
from monitor.model.errors import StoreError
from monitor.model.text import clean

_STEPS = 10_000  # of SQLite's machine, between two looks at the time
_SHOWN = 3  # mistakes of a damaged file
_NEWEST = "SELECT max(at) FROM (SELECT at FROM {} ORDER BY id DESC LIMIT 1000)"


@dataclass(frozen=True, slots=True)
class Condition:
    """See `monitor.service.fitness.StoreFacts`, whose words these are."""

    exists: bool = True
    holder: str = ""
    trouble: str = ""
    unseen: str = ""
    version: str = ""
    damage: tuple[str, ...] = ()
    newest: datetime | None = None


def condition(path: Path, seconds: float, monotonic: Callable[[], float]) -> Condition:
    """Look at a database file for at most so many seconds of checking. Never raises for what the file holds."""
    if not path.exists():
        return Condition(exists=False)
    held = holder(path)
    log, index = (path.with_name(path.name + end) for end in ("-wal", "-shm"))
    logged = _size(log) > 0
    if logged and not index.exists():
        # SQLite would make the index anew, perhaps as another user than the service's.
        return Condition(holder=held, unseen="its log lies beside it without the index (a copy, a restored backup)")
    # Without a log the file is complete, and SQLite need not be let near its locks and its log.
    how = "mode=ro" if held or logged else "immutable=1"
    end = monotonic() + seconds
    try:
        file = sqlite3.connect(f"file:{quote(str(path))}?{how}", uri=True, timeout=1.0)
        try:
            file.set_progress_handler(lambda: monotonic() > end, _STEPS)
            return _looked_into(file, held)
        finally:
            file.close()
    except (sqlite3.Error, OSError, ValueError, StoreError) as error:
        if monotonic() > end:
            return Condition(holder=held, unseen=f"checking it takes more than {seconds:g} s")
        return Condition(holder=held, trouble=str(error))


def holder(path: Path) -> str:
    """Number of the process that has a database open for writing, "unknown" if it does not say; empty: nobody has.

    To ask, the lock is shared for an instant: a service that starts in just that instant refuses and starts again.
    """
    try:
        descriptor = os.open(lock_file(path), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    except OSError:
        return "unknown"
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return ""
    except BlockingIOError:
        return os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
    finally:
        os.close(descriptor)


def _looked_into(file: sqlite3.Connection, held: str) -> Condition:
    tables = {row[0] for row in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if tables and "alembic_version" not in tables:
        return Condition(holder=held, trouble="it is a database of something else")
    found = file.execute("SELECT version_num FROM alembic_version").fetchone() if tables else None
    rows = [clean(str(row[0])) for row in file.execute(f"PRAGMA quick_check({_SHOWN})")]
    damage = () if rows == ["ok"] else tuple(rows)
    version = str(found[0]) if found else ""
    return Condition(holder=held, version=version, damage=damage, newest=_newest(file, tables))


def _newest(file: sqlite3.Connection, tables: set[str]) -> datetime | None:
    found: list[datetime] = []
    for table in sorted({"audit", "transition"} & tables):
        text = file.execute(_NEWEST.format(table)).fetchone()[0]
        found += [datetime.fromisoformat(text)] if text else []
    if "health" in tables:
        for (doc,) in file.execute("SELECT doc FROM health"):
            one = HEALTH.decode(doc)
            found += [at for at in (one.last_success, one.last_failure) if at is not None]
    return max(found, default=None)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
