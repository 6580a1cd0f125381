"""Reading what is committed, whether or not the service runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import TypeVar

import click

from monitor.adapters.clock import SystemClock
from monitor.adapters.store import MemoryStore, SqlStore, open_store
from monitor.cli.output import clock_seconds
from monitor.config.spec import Site
from monitor.model.errors import StoreError
from monitor.model.state import UnitState
from monitor.replay.past import Past
from monitor.service.current import current_states

T = TypeVar("T")


def look(site: Site, ask: Callable[[MemoryStore | SqlStore], Awaitable[T]]) -> T:
    """Ask the site's store without changing it."""

    async def once() -> T:
        store = open_store(site.store_url, site.root, read_only=True)
        await store.open()
        try:
            return await ask(store)
        finally:
            await store.close()

    try:
        return asyncio.run(once())
    except StoreError as broken:
        raise click.ClickException(f"{broken} (did the service ever run here?)") from None


def current(site: Site) -> Mapping[str, UnitState]:
    """The states of the site's units as of now, by code: also where no service runs that would judge them."""
    return look(site, lambda store: current_states(site, store, SystemClock()))


def refuse_deleted(past: Past, at: datetime, site: Site) -> None:
    """Ends with 1 where the readings of an instant are not kept any more, and says since when they are."""
    if past.kept is not None and at < past.kept:
        since = clock_seconds(past.kept, site)
        click.echo(f"Số liệu chỉ được lưu từ {since}. / Readings are kept since {since} only (retention).", err=True)
        raise SystemExit(1)
