"""References to secrets, resolved: `${NAME}` from the environment, `file:path` from a file that only few can read."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

_NAME = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
LOOSEST = 0o640  # owner writes, group reads, nobody else
_MAX_BYTES = 64 * 1024


class Secret:
    """A value that is never printed: `str()` and `repr()` give `***`; `reveal()` gives the value."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself; only for the wire."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


def is_reference(text: str) -> bool:
    """Whether a text refers to a secret instead of holding one."""
    return text.startswith("file:") or _NAME.search(text) is not None


def resolve(text: str, root: Path, environ: Mapping[str, str]) -> Secret:
    """The secret behind a reference; `${NAME}` may stand inside a longer text.

    Raises ValueError with a sentence ("what; right") that never holds the value.
    """
    if text.startswith("file:"):
        return Secret(_from_file(text.removeprefix("file:"), root))
    return Secret(_NAME.sub(lambda match: _from_environment(match[1], environ), text))


def _from_environment(name: str, environ: Mapping[str, str]) -> str:
    value = environ.get(name, "")
    if not value:
        raise ValueError(f"needs the environment variable {name}, which is not set; set it before the start")
    if any(not char.isprintable() for char in value):
        raise ValueError(f"needs the environment variable {name}, which holds a control character; remove it")
    return value


def secret_path(name: str, root: Path) -> Path:
    """The place of a file that only few can read. Raises ValueError with a sentence ("what; right")."""
    path = root / name
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        readable = path.is_file() and os.access(path, os.R_OK)
    except OSError:
        readable, mode = False, 0
    if not readable:
        raise ValueError(f"needs the file {name}, which cannot be read; check its name, owner and mode")
    _few(name, mode)
    return path


def _few(name: str, mode: int) -> None:
    if mode & ~LOOSEST:
        raise ValueError(f"needs the file {name}, which others can read (mode {mode:04o}); chmod 0640 or less")


def _from_file(name: str, root: Path) -> str:
    try:
        with (root / name).open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            content = file.read(_MAX_BYTES + 1)
        value = content.decode().strip()
    except (OSError, UnicodeDecodeError):
        raise ValueError(f"needs the file {name}, which cannot be read; check its name, owner and mode") from None
    _few(name, mode)
    if not value or len(content) > _MAX_BYTES or any(not char.isprintable() for char in value):
        raise ValueError(f"needs the file {name}, which does not hold one line of text; write only the secret into it")
    return value
