"""Garbage collection for a process that keeps a million small facts for a long time."""

from __future__ import annotations

import gc

_YOUNG, _MIDDLE, _OLD = 50_000, 20, 100


def collect_rarely() -> None:
    """Let collections wait longer, in the whole process.

    States are made of frozen facts without circles: reference counts free them at once. By Python's own thresholds each
    full collection looks through all of them and stops the event loop for 0.1 to 0.8 s, several times while a nation
    is judged. Circles (mostly of exceptions) still go with the young and middle collections.
    """
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
