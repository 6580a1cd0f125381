"""`denbao simulate --gateways`: stand-ins to try a site's channels on, without a contract."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from monitor.adapters.clock import SystemClock
from monitor.adapters.transports.factory import open_transports
from monitor.model.incident import Outcome
from monitor.registry import load_registry
from monitor.simulate import SimulateOptions, registered_territory, serve
from monitor.simulate.gateways import FakeGateways
from tests.integration.gateway_tools import PHONE, deliver, gateway_site
from tests.integration.process import free_ports

pytestmark = pytest.mark.integration


async def test_a_message_to_a_stand_in_is_printed_as_the_telephone_would_show_it(tmp_path: Path, capsys):
    fake = FakeGateways(SystemClock())
    [port] = free_ports(1)
    fake._port = port
    territory = registered_territory(load_registry(), "19", None)
    started = asyncio.Event()
    options = SimulateOptions(territory, port=0, tcp_port=0, gateways_port=port)
    serving = asyncio.create_task(serve(options, SystemClock(), lambda _province: started.set()))
    await started.wait()
    transport = open_transports(gateway_site(tmp_path, fake, "esms"), SystemClock())["esms"]
    assert (await deliver(transport, "esms")).outcome is Outcome.SENT
    await transport.close()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    assert capsys.readouterr().out == f"esms -> {PHONE}: (DO) Xa Van Lang: Cong DVC khong truy cap duoc. Ma S10234\n"
