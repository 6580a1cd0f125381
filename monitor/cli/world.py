"""`denbao simulate`: a world to try the product on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

import click

from monitor.adapters.clock import SystemClock
from monitor.cli.sites import PORT, bundled, site_option
from monitor.registry import load_registry
from monitor.registry.mapping import read_mapping
from monitor.simulate import SimulatedProvince, SimulateOptions, registered_territory, serve


@click.command()
@site_option
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=PORT, default=8867, show_default=True)
@click.option("--tcp-port", type=PORT, default=8868, show_default=True, help="Where the operator line answers.")
@click.option("--seed", default=766, show_default=True, help="Equal seeds, equal worlds.")
@click.option("--province", default="19", show_default=True, help="Code of the province to simulate.")
@click.option("--world", default="calm", type=click.Choice(["calm", "lively"]), show_default=True)
@click.option(
    "--gateways",
    "gateways_port",
    type=PORT,
    help="Port for stand-ins of message gateways.",
)
@click.option("--until-input-ends", is_flag=True, hidden=True)
def simulate(site: Path, province: str, until_input_ends: bool, **how: Any) -> None:
    """Serve a simulated province on loopback, for a site to poll."""
    registry = load_registry()
    path = (site if (site / "rules").is_dir() else bundled()) / "rules" / "mappings" / f"portal_{province}.csv"
    mapping = read_mapping(path, registry).units if path.exists() else None
    try:
        territory = registered_territory(registry, province, mapping)
    except LookupError as unknown:
        raise click.UsageError(str(unknown)) from None
    options = SimulateOptions(territory, **how)
    try:
        asyncio.run(_serve(options, until_input_ends))
    except OSError as taken:
        raise click.ClickException(
            f"cannot listen on {options.host}:{options.port} or :{options.tcp_port}: {taken}"
        ) from None


async def _serve(options: SimulateOptions, until_input_ends: bool) -> None:
    server = asyncio.ensure_future(serve(options, SystemClock(), _started))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.cancel)
    if until_input_ends:
        loop.add_reader(sys.stdin.fileno(), lambda: os.read(sys.stdin.fileno(), 4096) or server.cancel())
    with contextlib.suppress(asyncio.CancelledError):
        await server


def _started(province: SimulatedProvince) -> None:
    click.echo(f"the simulated province answers at {province.url} (line on TCP {province.tcp_port})")
