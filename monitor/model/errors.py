"""The exceptions of denbao, one tree.

    DenbaoError
    ├── ConfigError      the site cannot be used as written; carries every problem found
    ├── StoreError       the store cannot do its work now
    │   └── Conflict     somebody committed this unit first: load and decide again
    ├── NotFound         a name that nothing answers to
    └── Outdated         somebody answers what has changed since they were told

Expected failures (a time-out, a refused row, a rejected message) are values, never exceptions.
"""

from __future__ import annotations


class DenbaoError(Exception):
    """Root of all exceptions that denbao raises on purpose."""


class ConfigError(DenbaoError):
    """The site cannot be used as written. `problems` are finished sentences with `file:line`."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class StoreError(DenbaoError):
    """The store cannot do its work now (disk full, locked too long, closed)."""


class Conflict(StoreError):
    """A unit's version changed between load and commit; nothing of the batch was written."""

    def __init__(self, unit: str) -> None:
        super().__init__(f"unit {unit} was committed by somebody else")
        self.unit = unit


class NotFound(DenbaoError):
    """A unit, incident or name that does not exist."""


class Outdated(DenbaoError):
    """An answer to a trouble that is another one by now: whoever answers was told of the earlier one only."""
