"""Memory of a process that keeps a million small facts: when garbage is looked for, and where blocks come from."""

from __future__ import annotations

import gc

_YOUNG, _MIDDLE, _OLD = 50_000, 20, 100
_MMAP_THRESHOLD, _ARENA_MAX = -3, -8  # numbers of parameters, from malloc.h of the GNU C library
_LARGE = 256 * 1024  # bytes


def collect_rarely() -> None:
    """Let collections wait longer, in the whole process.

    States are made of frozen facts without circles: reference counts free them at once. By Python's own thresholds each
    full collection looks through all of them and stops the event loop for 0.1 to 0.8 s, several times while a nation
    is judged. Circles (mostly of exceptions) still go with the young and middle collections.
    """
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)


def one_heap() -> bool:
    """Let all threads take their blocks from one heap, and large blocks from the system; call before there are threads.

    The GNU C library gives each thread a heap of its own, which keeps what it once needed: with those of the store's
    threads 50 MiB at 33,210 targets. A block that goes back would also raise the size from which further ones come from
    the system, so that pages of metrics leave holes. False where the C library knows no such thing (musl).
    """
    import ctypes

    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_ARENA_MAX, 1)) and bool(mallopt(_MMAP_THRESHOLD, _LARGE))
