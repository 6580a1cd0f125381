"""Secrets that a site makes for itself, kept in files of mode 0600 that only its owner reads."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from monitor.alerting.links import KEPT
from monitor.model.errors import ConfigError

OTHERS = 0o077  # bits of a mode that let others near such a file
_BITS = 256
_SHORTEST = 32  # characters of a key


def link_keys(path: Path) -> tuple[bytes, ...]:
    """The keys that sign links: one a line, the first one signs, at most two count. Made where there is no file yet.

    Raises ConfigError when others could read the file or it does not hold one or two keys.
    """
    keys = tuple(kept(path, "these keys", lambda: secrets.token_urlsafe(_BITS // 8)).split())
    if not 0 < len(keys) <= KEPT or any(len(key) < _SHORTEST or not key.isascii() for key in keys):
        text = f"{path}: holds no keys; write one or two lines of {_SHORTEST} characters or more, or delete the file"
        raise ConfigError((text,))
    return tuple(key.encode() for key in keys)


def kept(path: Path, what: str, make: Callable[[], str]) -> str:
    """The text of a file; made with mode 0600 where there is none yet. Raises ConfigError when others could read it."""
    if not path.exists():
        _make(path, make())
    if path.stat().st_mode & OTHERS:
        raise ConfigError((f"{path}: others may read {what}; delete the file, a new one is made (mode 0600)",))
    return path.read_text(encoding="utf-8", errors="replace").strip()


def _make(path: Path, text: str) -> None:
    # Linked into place when complete: another process sees the whole secret or none, and the first one stays.
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(f"{text}\n")
    try:
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
