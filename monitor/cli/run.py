"""`denbao run`: one site, until Ctrl-C or SIGTERM; SIGHUP takes a changed site over, whole or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from pathlib import Path

import click
import uvloop
from aiohttp import web

from monitor.cli.logs import set_up
from monitor.cli.province import simulated_province
from monitor.cli.sites import open_running_site, site_argument
from monitor.config.build import load_site
from monitor.config.lastgood import keep_rules
from monitor.config.spec import Site
from monitor.model.errors import ConfigError, DenbaoError
from monitor.service.app import Service
from monitor.service.build import build_service
from monitor.service.garbage import collect_rarely
from monitor.web.access import Tokens, local_token, token_entry
from monitor.web.app import create_app, serve

log = logging.getLogger(__name__)

READY_LOOK = 0.05  # seconds between two looks whether the first board is judged


@click.command()
@site_argument
@click.option("--log-level", default="warning", type=click.Choice(["debug", "info", "warning", "error"]))
def run(site: Path, log_level: str) -> None:
    """Run a SITE: poll, judge, show and tell, until Ctrl-C. SIGHUP reloads it; a broken one is refused whole."""
    set_up(log_level)
    loaded = open_running_site(site)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(loaded))
    except DenbaoError as broken:
        raise click.ClickException(str(broken)) from None
    except OSError as broken:
        raise click.ClickException(f"cannot listen or open a file: {broken}") from None


async def _run(site: Site) -> None:
    collect_rarely()
    orders = _orders()
    async with contextlib.AsyncExitStack() as held:
        first = build_service(site)
        held.push_async_callback(first.store.close)
        await first.open()  # first: a second process on the same site must get no further than this
        keep_rules(site)
        await held.enter_async_context(simulated_province(site.simulation, site.root))
        service: Service | None = first
        while service is not None:
            service = await _follow(service, orders)
    click.echo("stopped")


def _orders() -> asyncio.Queue[bool]:
    """What signals ask for: True to go on with a reloaded site (SIGHUP), False to stop (Ctrl-C, SIGTERM)."""
    orders: asyncio.Queue[bool] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number, go_on in ((signal.SIGINT, False), (signal.SIGTERM, False), (signal.SIGHUP, True)):
        loop.add_signal_handler(number, orders.put_nowait, go_on)
    return orders


async def _follow(service: Service, orders: asyncio.Queue[bool]) -> Service | None:
    """Live one life and open the next; the old site comes back when the new one cannot be started."""
    follower = await _live(service, orders)
    if follower is None:
        return None
    try:
        await follower.open()
    except DenbaoError as broken:
        log.error("the new site cannot be started, the old one goes on: %s", broken)
        follower = build_service(service.site)
        follower.refuse((str(broken),))
        await follower.open()
    return follower


async def _live(service: Service, orders: asyncio.Queue[bool]) -> Service | None:
    """One service from start to stop; the next one, built and not yet opened, when a reload asked for it."""
    token = token_entry(local_token(service.site.root / "var" / "operator.token"))
    app = create_app(service, Tokens((*service.site.tokens, token)))
    try:
        await service.start()
        return await _serve(service, app, orders)
    finally:
        await service.stop()


async def _serve(service: Service, app: web.Application, orders: asyncio.Queue[bool]) -> Service | None:
    site = service.site
    runner = await serve(app, *site.listen)
    click.echo(f"{site.name_en}: the board is at http://{site.listen[0]}:{site.listen[1]}/ (Ctrl-C stops)")
    ready = asyncio.ensure_future(_say_when_ready(service))
    try:
        while await orders.get():
            if (follower := await _reloaded(service)) is not None:
                click.echo("reloading ...")
                return follower
        click.echo("stopping ...")
        return None
    finally:
        ready.cancel()
        await runner.cleanup()


async def _reloaded(service: Service) -> Service | None:
    """A service of the site as it stands on disk now; None, with every problem named, when it cannot be used."""
    try:
        site = await asyncio.to_thread(load_site, service.site.root, environ=os.environ, now=service.clock.now())
        follower = build_service(site)
        await asyncio.to_thread(keep_rules, site)
        return follower
    except ConfigError as broken:
        service.refuse(broken.problems)
        return None


async def _say_when_ready(service: Service) -> None:
    begun = service.clock.monotonic()
    while service.ready() or not _all_judged(service):
        await service.clock.sleep(READY_LOOK)
    click.echo(f"every unit is judged, {service.clock.monotonic() - begun:.1f} s after the start")


def _all_judged(service: Service) -> bool:
    return all(state.standing is not None for state in service.evaluator.states.values())
