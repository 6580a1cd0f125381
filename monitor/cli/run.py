"""`denbao run`: one site, until Ctrl-C or SIGTERM; SIGHUP takes a changed site over, whole or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import click
import uvloop

from monitor.cli.logs import set_up
from monitor.cli.province import simulated_province
from monitor.cli.sites import open_running_site, site_argument
from monitor.config.build import load_site
from monitor.config.lastgood import keep_rules
from monitor.config.spec import Site
from monitor.model.errors import ConfigError, DenbaoError
from monitor.service.app import Service
from monitor.service.build import build_service
from monitor.service.garbage import one_heap

log = logging.getLogger(__name__)

READY_LOOK = 0.05  # seconds between two looks whether the first board is judged
AGAIN = 5.0  # seconds between two attempts to start the old site again


@click.command()
@site_argument
@click.option("--log-level", default="warning", type=click.Choice(["debug", "info", "warning", "error"]))
def run(site: Path, log_level: str) -> None:
    """Run a SITE: poll, judge, show and tell, until Ctrl-C. SIGHUP reloads it; a broken one is refused whole."""
    one_heap()
    set_up(log_level)
    loaded = open_running_site(site)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(loaded))
    except DenbaoError as broken:
        raise click.ClickException(str(broken)) from None
    except OSError as broken:
        raise click.ClickException(_said(broken)) from None


async def _run(site: Site) -> None:
    async with contextlib.AsyncExitStack() as held:
        first = build_service(site)
        held.push_async_callback(first.store.close)
        await first.open()  # first: a second process on the same site must get no further than this
        keep_rules(site)
        await held.enter_async_context(simulated_province(site.simulation, site.root))
        await _serve(first, _orders())
    click.echo("stopped")


def _orders() -> asyncio.Queue[bool]:
    """What signals ask for: True to go on with a reloaded site (SIGHUP), False to stop (Ctrl-C, SIGTERM)."""
    orders: asyncio.Queue[bool] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number, go_on in ((signal.SIGINT, False), (signal.SIGTERM, False), (signal.SIGHUP, True)):
        loop.add_signal_handler(number, orders.put_nowait, go_on)
    return orders


async def _serve(service: Service, orders: asyncio.Queue[bool]) -> None:
    """Live one life after the other until the order to stop; each begins when the one before has ended."""
    async with contextlib.AsyncExitStack() as life:
        await life.enter_async_context(_alive(service))
        while (follower := await _ordered(service, orders)) is not None:
            click.echo("reloading ...")
            await life.aclose()
            old = service.site
            try:
                await life.enter_async_context(_alive(follower))
                service = follower
            except Exception as broken:
                why = f"the new site cannot be started, the old one goes on: {_said(broken)}"
                if (again := await _back_to(old, why, orders, life)) is None:
                    break
                service = again
        click.echo("stopping ...")


async def _ordered(service: Service, orders: asyncio.Queue[bool]) -> Service | None:
    """The next service, built and not yet started, when a reload asked for it; None when it is time to stop."""
    while await orders.get():
        if (follower := await _reloaded(service)) is not None:
            return follower
    return None


async def _back_to(old: Site, why: str, orders: asyncio.Queue[bool], life: contextlib.AsyncExitStack) -> Service | None:
    """A service of the old site, tried until it starts (a full disk ends both); None when it is time to stop."""
    while True:
        try:
            service = build_service(old)
            service.refuse((why,))
            await life.enter_async_context(_alive(service))
            return service
        except Exception as broken:
            log.error("the old site cannot be started again yet: %s", _said(broken))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(AGAIN):
                if not await orders.get():
                    return None


@contextlib.asynccontextmanager
async def _alive(service: Service) -> AsyncIterator[None]:
    """A service and its board from start to stop. Raises what keeps them from starting; then nothing is left behind."""
    site = service.site
    async with contextlib.AsyncExitStack() as held:
        held.push_async_callback(_stop, service)
        await service.start()
        # After the start: what is owed goes out while the board is made.
        from monitor.web.access import Tokens, local_token, token_entry
        from monitor.web.app import create_app, serve

        token = token_entry(local_token(site.root / "var" / "operator.token"))
        board = await serve(create_app(service, Tokens((*site.tokens, token))), *site.listen)
        held.push_async_callback(board.cleanup)
        click.echo(f"{site.name_en}: the board is at http://{site.listen[0]}:{site.listen[1]}/ (Ctrl-C stops)")
        ready = asyncio.ensure_future(_say_when_ready(service))
        held.callback(ready.cancel)
        yield


async def _stop(service: Service) -> None:
    try:
        await service.stop()
    except Exception:
        log.exception("the service did not stop as it should")
        with contextlib.suppress(Exception):
            await service.store.close()  # whoever comes next needs it


async def _reloaded(service: Service) -> Service | None:
    """A service of the site as it stands on disk now; None, with every problem named, when it cannot be used."""
    if why := service.evaluator.degraded:  # neither site could be started then, and what is judged in memory would go
        service.refuse((f"not reloaded, for the store cannot be written now ({why}): reload again when it can",))
        return None
    try:
        site = await asyncio.to_thread(load_site, service.site.root, environ=os.environ, now=service.clock.now())
        follower = build_service(site)
        await asyncio.to_thread(keep_rules, site)
        return follower
    except ConfigError as broken:
        service.refuse(broken.problems)
    except Exception as broken:
        service.refuse((_said(broken),))
    return None


def _said(broken: Exception) -> str:
    """An exception as one sentence. What nobody expected is in the log with its place, too."""
    if isinstance(broken, DenbaoError):
        return str(broken)
    if isinstance(broken, OSError):
        return f"cannot listen or open a file: {broken}"
    log.error("an unexpected error at a reload", exc_info=broken)
    return f"{type(broken).__name__}: {broken}"


async def _say_when_ready(service: Service) -> None:
    begun = service.clock.monotonic()
    while service.ready() or not _all_judged(service):
        await service.clock.sleep(READY_LOOK)
    click.echo(f"every unit is judged, {service.clock.monotonic() - begun:.1f} s after the start")


def _all_judged(service: Service) -> bool:
    return all(state.standing is not None for state in service.evaluator.states.values())
