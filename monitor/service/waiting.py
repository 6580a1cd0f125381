"""How loops wait: until somebody wakes them or time is up, and for tasks that shall end."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from monitor.ports import Clock


async def woken(wake: asyncio.Event, clock: Clock, seconds: float) -> None:
    """Wait until the event is set, for at most so many seconds of the clock."""
    heard, slept = asyncio.ensure_future(wake.wait()), asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait({heard, slept}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        heard.cancel()
        slept.cancel()


async def ended(tasks: Collection[asyncio.Task[None]], grace: float) -> None:
    """Wait until tasks have ended; those that have not after `grace` real seconds are cancelled."""
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=grace)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
