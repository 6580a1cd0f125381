"""The icmp probe over the kernel's ping socket, and without it."""

from __future__ import annotations

import socket

import pytest

from monitor.adapters.probes import open_probe
from monitor.config.probespec import IcmpCheck, ProbeSpec
from monitor.model.reading import Collected
from tests.contract.probe_tools import NOW, note_of, tools


def may_ping() -> bool:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP).close()
    except OSError:
        return False
    return True


async def asked(allow: str = "127.0.0.0/8:*", host: str = "127.0.0.1") -> Collected:
    async with tools(allow=allow) as used:
        also = {"loss": "network_loss", "round_trip": "latency"}
        spec = ProbeSpec("it", "19", "up", 60.0, 5.0, IcmpCheck(host, packets=3), also=also)
        return await open_probe(spec, used).collect(NOW)


@pytest.mark.skipif(not may_ping(), reason="net.ipv4.ping_group_range does not let this process ping")
async def test_this_machine_answers_its_own_pings():
    collected = await asked()
    assert note_of(collected) == ""
    _, loss, round_trip = collected.readings
    assert loss.value == 0.0
    assert isinstance(round_trip.value, float) and round_trip.value > 0


async def test_where_pings_are_not_allowed_the_probe_says_what_would_help_and_nothing_is_red(monkeypatch):
    def refused(*_: object, **__: object) -> socket.socket:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("monitor.adapters.guard.socket.socket", refused)
    collected = await asked()
    assert collected.readings == ()
    assert "widen net.ipv4.ping_group_range" in collected.failure


async def test_a_private_address_needs_a_rule_for_every_port():
    note = note_of(await asked(allow="127.0.0.0/8:80"))
    assert note == "refused by the address guard: loopback address, port 0: not on the allow-list"
