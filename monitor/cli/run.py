"""`denbao run`: one site, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path

import click
from aiohttp import web

from monitor.cli.logs import set_up
from monitor.cli.province import simulated_province
from monitor.cli.sites import open_site, site_argument
from monitor.config.spec import Site
from monitor.model.errors import DenbaoError
from monitor.service.app import Service
from monitor.service.build import build_service
from monitor.service.garbage import collect_rarely
from monitor.web.access import Tokens, local_token, token_entry
from monitor.web.app import create_app, serve

READY_LOOK = 0.05  # seconds between two looks whether the first board is judged


@click.command()
@site_argument
@click.option("--log-level", default="warning", type=click.Choice(["debug", "info", "warning", "error"]))
def run(site: Path, log_level: str) -> None:
    """Run a SITE: poll, judge, show and tell, until Ctrl-C."""
    set_up(log_level)
    loaded = open_site(site)
    try:
        asyncio.run(_run(loaded))
    except DenbaoError as broken:
        raise click.ClickException(str(broken)) from None
    except OSError as broken:
        raise click.ClickException(f"cannot listen or open a file: {broken}") from None


async def _run(site: Site) -> None:
    collect_rarely()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    service = build_service(site)
    token = token_entry(local_token(site.root / "var" / "operator.token"))
    app = create_app(service, Tokens((*site.tokens, token)))
    async with contextlib.AsyncExitStack() as started:
        started.push_async_callback(service.store.close)
        await service.open()  # first: a second process on the same site must get no further than this
        await started.enter_async_context(simulated_province(site.simulation, site.root))
        started.push_async_callback(service.stop)
        await service.start()
        await _serve(service, app, stop)
    click.echo("stopped")


async def _serve(service: Service, app: web.Application, stop: asyncio.Event) -> None:
    site = service.site
    runner = await serve(app, *site.listen)
    click.echo(f"{site.name_en}: the board is at http://{site.listen[0]}:{site.listen[1]}/ (Ctrl-C stops)")
    ready = asyncio.ensure_future(_say_when_ready(service))
    try:
        await stop.wait()
        click.echo("stopping ...")
    finally:
        ready.cancel()
        service.hub.close()  # streams end first, or the server would wait for them
        await runner.cleanup()


async def _say_when_ready(service: Service) -> None:
    begun = service.clock.monotonic()
    while service.ready() or not _all_judged(service):
        await service.clock.sleep(READY_LOOK)
    click.echo(f"every unit is judged, {service.clock.monotonic() - begun:.1f} s after the start")


def _all_judged(service: Service) -> bool:
    return all(state.standing is not None for state in service.evaluator.states.values())
