"""Ends connections on which no question ever arrived: the server library waits for the first one without end.

Once a question came, its own limits hold: the body's seconds, and the seconds for which an idle connection stays open.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Handler

from monitor.ports import Clock

HEAD_SECONDS = 10.0  # within which the first question of a connection must have arrived whole
LOOK = 2.0  # seconds between two looks


class Connection(Protocol):
    """What is needed of a connection of the server library."""

    def force_close(self) -> None:
        """End it at once."""


class Patience:
    """Who has connected and since when, and who has asked something."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked: set[object] = set()
        self._since: dict[Connection, float] = {}  # monotonic

    def asked(self, connection: object) -> None:
        """A question arrived whole."""
        self._asked.add(connection)

    def look(self, connections: Iterable[Connection]) -> None:
        """End those that have been open for too long without a question."""
        now, present = self._clock.monotonic(), set(connections)
        self._asked &= present
        self._since = {one: self._since.get(one, now) for one in present}
        for connection, since in self._since.items():
            if connection not in self._asked and now - since >= HEAD_SECONDS:
                connection.force_close()

    async def watch(self, runner: web.AppRunner) -> None:
        """Look again and again; cancelled at the end."""
        while True:
            await self._clock.sleep(LOOK)
            if isinstance(runner.server, web.Server):
                self.look(runner.server.connections)


def patient(app: web.Application, runner: web.AppRunner, clock: Clock) -> None:
    """Have the application end such connections while it is served. Called before it starts."""
    patience = Patience(clock)

    @web.middleware
    async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
        patience.asked(request.protocol)
        return await handler(request)

    async def watching(_app: web.Application) -> AsyncIterator[None]:
        task = asyncio.get_running_loop().create_task(patience.watch(runner), name="patience")
        yield
        task.cancel()

    app.middlewares.insert(0, note)
    app.cleanup_ctx.append(watching)
