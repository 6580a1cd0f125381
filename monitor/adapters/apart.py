"""A thread of its own for what may never come back: a share whose server is gone, a file that somebody has locked."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class Apart(Generic[T]):
    """One for each feed that blocks, and one for the file of the own alarms. The threads of the event loop are few, and
    all other sources need them.

    A thread that hangs cannot be ended. It is left alone, nothing is asked meanwhile, and it keeps no process alive.
    """

    def __init__(self) -> None:
        self._under_way: asyncio.Future[T] | None = None

    async def __call__(self, work: Callable[[], T], seconds: float) -> T:
        """What `work` returns, or raises.

        Raises TimeoutError after `seconds`, and at once while the last one hangs; RuntimeError where the system has no
        thread to give.
        """
        if self._under_way is not None and not self._under_way.done():
            raise TimeoutError
        loop = asyncio.get_running_loop()
        future = loop.create_future()

        def done(result: T | None, error: BaseException | None) -> None:
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        def run() -> None:
            result, raised = None, None
            try:
                result = work()
            except BaseException as error:
                raised = error
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(done, result, raised)

        threading.Thread(target=run, name="apart", daemon=True).start()
        self._under_way = future
        future.add_done_callback(_looked_at)
        async with asyncio.timeout(seconds):
            return await asyncio.shield(future)


def _looked_at(future: asyncio.Future[T]) -> None:
    """What ends after its time is of interest to nobody."""
    future.exception()
