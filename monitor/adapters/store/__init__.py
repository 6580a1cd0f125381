"""The store: SQLite for a service, memory for tests and simulations, both behind `monitor.ports.Store`."""

from __future__ import annotations

from pathlib import Path

from monitor.adapters.store.memory import MemoryStore
from monitor.adapters.store.sql import SqlStore
from monitor.model.errors import StoreError

__all__ = ["MemoryStore", "SqlStore", "open_store"]


def open_store(url: str, root: Path, *, read_only: bool = False) -> MemoryStore | SqlStore:
    """The store of a site, to be opened by `await store.open()`.

    `url` is "memory:" or "sqlite:<path>"; a relative path is under `root`. With `read_only` it takes no lock and
    changes nothing, so a command can look while the service runs. Raises StoreError for any other url.
    """
    if url == "memory:":
        return MemoryStore()
    scheme, _, path = url.partition(":")
    if scheme == "sqlite" and path:
        return SqlStore(root / path, read_only=read_only)
    raise StoreError(f"a store is 'memory:' or 'sqlite:<path>', not {url!r}")
