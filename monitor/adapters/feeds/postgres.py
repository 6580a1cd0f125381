"""SQL feed on PostgreSQL: one SELECT in a transaction that can only read, bounded in time and in rows."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import asyncpg

from monitor.adapters.feeds.body import Unreadable
from monitor.adapters.feeds.moments import parts_of
from monitor.adapters.feeds.numbers import Unfit, shown
from monitor.adapters.feeds.rows import Frame, failed
from monitor.adapters.feeds.sql import MAX_ROWS, read
from monitor.adapters.guard import AddressGuard
from monitor.config.query import numbered
from monitor.config.spec import FeedSpec, Server
from monitor.model.reading import Collected
from monitor.model.text import clean

_FEWEST, _MOST = 10, 500  # rows that come at once, and are in memory before their size is known
_EXPECTED = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, ssl.SSLError)


class ServerQuery:
    """The way of an SQL feed on a server."""

    def __init__(self, spec: FeedSpec, server: Server, guard: AddressGuard, frame: Frame) -> None:
        self._spec = spec
        self._server = server
        self._guard = guard
        self._frame = frame

    async def __call__(self, now: datetime) -> Collected:
        """Ask once."""
        spec, server = self._spec, self._server
        if refused := self._guard.refuse(server.host, server.port):
            return failed(spec, now, f"refused by the address guard: {refused}", "fetch")
        try:
            async with asyncio.timeout(spec.timeout):
                names, rows = await self._ask(now)
        except TimeoutError:
            return failed(spec, now, f"timeout: no complete answer within {spec.timeout:g} s", "fetch")
        except Unreadable as error:
            return failed(spec, now, str(error))
        except _EXPECTED as error:
            return failed(spec, now, clean(f"{server.host}: {error or type(error).__name__}", 300), "fetch")
        try:
            return await asyncio.to_thread(read, spec, names, rows, now, self._frame)
        except Unreadable as error:
            return failed(spec, now, str(error))

    async def _ask(self, now: datetime) -> tuple[list[str], list[Sequence[object]]]:
        spec, server = self._spec, self._server
        query, wanted = numbered(spec.query)
        given = {**spec.parameters, **parts_of(now, self._frame.calendar)}
        connection = await asyncpg.connect(
            host=server.host,
            port=server.port,
            user=server.user,
            password=server.password.reveal() if server.password else "",
            database=spec.database,
            ssl=(server.trust or _tls()) if server.tls else False,
            timeout=spec.timeout,
            command_timeout=spec.timeout,
            statement_cache_size=0,
            server_settings={
                "application_name": "denbao",
                "default_transaction_read_only": "on",
                "statement_timeout": str(max(int(spec.timeout * 1000), 1)),
            },
        )
        try:
            async with connection.transaction(readonly=True):
                return await self._rows(connection, query, [given[name] for name in wanted])
        finally:
            connection.terminate()  # at once: what a server still has to say is nothing to wait for

    async def _rows(
        self, connection: Any, query: str, values: Sequence[object]
    ) -> tuple[list[str], list[Sequence[object]]]:
        """Names of the columns and the rows. Raises Unreadable when they are too many.

        Each batch costs a way to the server and back. The first is small; the next are as many as fit into what may
        come if they are as wide as the widest before.
        """
        statement = await connection.prepare(query)
        cursor = await statement.cursor(*values)
        rows: list[Sequence[object]] = []
        size, widest, number = 0, 1, _FEWEST
        while batch := await cursor.fetch(number):
            rows += [[_value(raw) for raw in record] for record in batch]
            sizes = [sum(len(raw) for raw in record if isinstance(raw, (str, bytes))) for record in batch]
            size, widest = size + sum(sizes), max(widest, *sizes)
            number = min(max(self._spec.max_bytes // widest, _FEWEST), _MOST)
            if len(rows) > MAX_ROWS:
                raise Unreadable(f"more than the {MAX_ROWS} rows that are read; ask for less, or for one row a unit")
            if size > self._spec.max_bytes:
                raise Unreadable(f"the texts of the rows are larger than {self._spec.max_bytes} bytes")
        return [attribute.name for attribute in statement.get_attributes()], rows


@cache
def _tls() -> ssl.SSLContext:
    """What this machine trusts. No protocol is offered (ALPN): PostgreSQL 17 refuses all but its own."""
    return ssl.create_default_context()


def _value(raw: object) -> object:
    if raw is None or isinstance(raw, (str, bool, int, float)):
        return raw
    if isinstance(raw, Decimal):
        return float(raw)
    if isinstance(raw, (datetime, date)):
        return raw.isoformat()  # one without a zone is of the site's
    return Unfit("bad-row", f"{shown(raw)} is neither a text nor a number nor a date")
