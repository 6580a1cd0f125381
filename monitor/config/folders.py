"""Where the files of a site are read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

RULES = "rules/"


@dataclass(frozen=True, slots=True)
class Folders:
    """Where a site lies, and the folder whose `rules/` judge it: its own, or that of the last good ones."""

    root: Path
    content: Path

    def home(self, name: str) -> Path:
        """The folder in which a file that the config names is looked for."""
        return self.content if name.startswith(RULES) else self.root

    def place(self, name: str) -> Path:
        """Path of a file that the config names."""
        return self.home(name) / name
