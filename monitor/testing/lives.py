"""Lives of a process. kill -9 is: its tasks stop where they stand, and every seam of it raises from then on.

What runs in a life is known by its context: a task made in a life belongs to it, as do the tasks that it makes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any, TypeVar

T = TypeVar("T")


class Killed(BaseException):
    """The process was killed; not an Exception, so that no handler of the product sees it."""


class Life:
    """One run of the process, from its start to its end."""

    def __init__(self, number: int, died: Callable[[Life], None]) -> None:
        self.number = number
        self.alive = True
        self._died = died
        self._tasks: dict[asyncio.Task[Any], None] = {}

    def check(self) -> None:
        """Called by every seam. Raises Killed in a dead life."""
        if not self.alive:
            raise Killed

    def kill(self) -> None:
        """kill -9. Does nothing to a dead life."""
        if not self.alive:
            return
        self.alive = False
        self._died(self)
        for task in tuple(self._tasks):
            task.cancel()

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """A task of this life."""
        return asyncio.get_running_loop().create_task(work, context=_context_of(self))

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """Kill this task as well."""
        self._tasks[task] = None
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(task, None)
        if not task.cancelled():
            task.exception()  # seen here: a killed task is no news


_LIFE: ContextVar[Life | None] = ContextVar("life", default=None)


def outside(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A task of the world: it goes on when a life ends."""
    return asyncio.get_running_loop().create_task(work, context=_context_of(None))


def factory(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T], context: Context | None = None
) -> asyncio.Task[T]:
    """Task factory of the loop: a task belongs to the life in whose context it was made."""
    task: asyncio.Task[T] = asyncio.Task(work, loop=loop, context=context)
    life = _LIFE.get() if context is None else context.get(_LIFE)
    if life is not None:
        life.adopt(task)
    return task


def _context_of(life: Life | None) -> Context:
    context = copy_context()
    context.run(_LIFE.set, life)
    return context
