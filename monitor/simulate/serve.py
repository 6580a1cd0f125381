"""Runs the simulated province until it is cancelled; the doorway of `denbao simulate`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass

from monitor.ports import Clock
from monitor.simulate.gateways import Arrived, FakeGateways
from monitor.simulate.server import SimulatedProvince
from monitor.simulate.territory import Territory
from monitor.simulate.world import Mood, World


@dataclass(frozen=True, slots=True)
class SimulateOptions:
    """How to simulate: which province, from which seed, how lively, and where to listen (port 0: any free one)."""

    territory: Territory
    seed: int = 766
    world: Mood = "calm"
    host: str = "127.0.0.1"
    port: int = 8867
    tcp_port: int = 8868
    gateways_port: int | None = None  # of the message gateways' stand-ins; None: there are none


async def serve(options: SimulateOptions, clock: Clock, started: Callable[[SimulatedProvince], None]) -> None:
    """Serve until the task is cancelled, then give the ports back.

    `started` is called once with the listening province. Raises OSError when a port is taken.
    """
    province = SimulatedProvince(World(options.seed, options.territory, options.world), clock)
    gateways = FakeGateways(clock, print_arrived)
    await province.start(options.host, options.port, options.tcp_port)
    try:
        if options.gateways_port is not None:
            await gateways.start(options.gateways_port)
        started(province)
        await asyncio.Event().wait()
    finally:
        await gateways.stop()
        await province.stop()


def print_arrived(message: Arrived) -> None:
    """Show what a telephone would show."""
    sys.stdout.write(f"{message.gateway} -> {message.to}: {message.text}\n")
    sys.stdout.flush()
