"""Threads of the probes' own. What they read is short; what feeds read in the event loop's threads may take seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
_THREADS = ThreadPoolExecutor(2, thread_name_prefix="probe")  # started when they are needed


async def beside(work: Callable[[], T]) -> T:
    """What `work` returns or raises, in a thread: the event loop goes on. It must end by itself, within a second."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, work)
