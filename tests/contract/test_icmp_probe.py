"""The icmp probe over the kernel's ping socket, and without it."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.adapters.probes import Tools, open_probe
from monitor.adapters.probes.icmp import HELD_BACK
from monitor.config.probespec import IcmpCheck, ProbeSpec
from monitor.model.reading import Collected
from monitor.ports import Source
from tests.contract.probe_tools import NOW, note_of, tools

ROOT = Path(__file__).resolve().parents[2]


async def asked(allow: str = "127.0.0.0/8:*", host: str = "127.0.0.1") -> Collected:
    async with tools(allow=allow) as used:
        also = {"loss": "network_loss", "round_trip": "latency"}
        spec = ProbeSpec("it", "19", "up", 60.0, 5.0, IcmpCheck(host, packets=3), also=also)
        return await open_probe(spec, used).collect(NOW)


# A network of its own, in which the loopback has to be switched on and this process may ping.
ALONE = """
import asyncio, fcntl, socket, struct
from pathlib import Path
from tests.contract.test_icmp_probe import asked, note_of

GET_FLAGS, SET_FLAGS, UP = 0x8913, 0x8914, 1
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    asked_for = struct.pack("16sH14s", b"lo", 0, b"")
    name, flags, rest = struct.unpack("16sH14s", fcntl.ioctl(any_socket, GET_FLAGS, asked_for))
    fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sH14s", name, flags | UP, rest))
Path("/proc/sys/net/ipv4/ping_group_range").write_text("0 0")
collected = asyncio.run(asked())
_, loss, round_trip = collected.readings
print(note_of(collected) or "fine", loss.value, 0 < round_trip.value < 5)
"""


@pytest.mark.needs("unshare")
def test_a_machine_answers_its_own_pings():
    alone = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    if subprocess.run([*alone, "true"], capture_output=True, timeout=60, check=False).returncode != 0:
        pytest.skip("this machine gives an ordinary user no network of its own; `make test` as root has one")
    command = [*alone, sys.executable, "-c", ALONE]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ran.stdout.split() == ["fine", "0.0", "True"], ran.stderr


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


def _unheard(port: int = 9):
    """In place of a ping socket: a datagram socket to a port where nobody listens, so that the kernel refuses."""

    async def open_ping(_host: str, *, family: str = "any") -> tuple[socket.socket, str]:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.connect(("127.0.0.1", port))
        return sock, "127.0.0.1"

    return open_ping


def pinging(used: Tools) -> Source:
    return open_probe(ProbeSpec("gateway/19", "19", "up", 60.0, 5.0, IcmpCheck("127.0.0.1", packets=3)), used)


async def test_an_error_that_comes_back_for_a_ping_is_a_no(monkeypatch):
    async with tools() as used:
        monkeypatch.setattr(used.guard, "open_ping", _unheard())
        assert note_of(await pinging(used).collect(NOW)) == "no connection: connection refused"


async def test_where_a_firewall_of_this_machine_holds_pings_back_nothing_is_red(monkeypatch):
    async def held_back(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    async with tools() as used:
        monkeypatch.setattr(used.guard, "open_ping", _unheard())
        monkeypatch.setattr(asyncio.get_running_loop(), "sock_sendall", held_back, raising=False)
        collected = await pinging(used).collect(NOW)
    assert (collected.readings, collected.failure) == ((), f"probe gateway/19: {HELD_BACK}")
