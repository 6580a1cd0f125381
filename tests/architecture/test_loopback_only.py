"""The suite dials nothing but this machine: a test that does fails, whoever dialled for it, and nothing leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.adapters.transports.job import Job
from monitor.model.incident import Outcome
from tests.integration.posts import new_pool
from tests.loopback import sitecustomize as loopback

ROOT = Path(__file__).resolve().parents[2]
# 192.0.2.0/24 and its like are for documentation: were the guard broken, nobody would be called.
SUITE = """
import asyncio, contextlib, os, socket, subprocess, sys
import pytest, requests, uvloop

FAR = ("192.0.2.77", 443)

async def by_the_loop():
    with socket.socket() as sock:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, FAR)

def by_a_process(**more):
    code = "import socket; socket.socket().connect(('192.0.2.77', 443))"
    subprocess.run([sys.executable, "-P", "-c", code, "a-child"], check=False, **more)

@pytest.mark.parametrize("dial", [
    lambda: socket.socket().connect(FAR),
    lambda: socket.socket(socket.AF_INET6).connect(("2001:db8::1", 443)),
    lambda: socket.socket(socket.AF_INET6).connect(("::ffff:192.0.2.77", 443)),
    lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", FAR),
    lambda: socket.getaddrinfo("rest.esms.vn", 443),
    lambda: asyncio.run(asyncio.open_connection(*FAR)),
    lambda: uvloop.run(by_the_loop()),
    lambda: requests.get("http://192.0.2.77/", timeout=1),
    by_a_process,
    lambda: by_a_process(env={"PATH": os.environ["PATH"], "PYTHONPATH": "/nowhere"}),
])
def test_that_dials_elsewhere_and_swallows_the_error(dial):
    with contextlib.suppress(Exception):
        dial()

@pytest.fixture
def dialling():
    with contextlib.suppress(Exception):
        socket.socket().connect(FAR)

def test_whose_fixture_dials(dialling): pass

def test_at_home():
    listening = socket.create_server(("127.0.0.1", 0))
    socket.create_connection(listening.getsockname()).close()
    for call, given in (
        (socket.create_connection, ("localhost", listening.getsockname()[1])),
        (socket.socket(socket.AF_UNIX).connect, "/nowhere"),
    ):
        with contextlib.suppress(OSError):
            call(given)
    with contextlib.suppress(OSError):
        socket.getaddrinfo("gateway.example", 443)
"""


@pytest.mark.parametrize("options", [(), ("--numprocesses=2",)], ids=["in one process", "side by side"])
def test_a_test_that_dials_elsewhere_fails_and_says_whom(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
):
    pytester.makeconftest((ROOT / "tests" / "conftest.py").read_text())
    pytester.makeini(f"[pytest]\nmarkers =\n  needs(command): needs it\npythonpath = {ROOT}\n")
    pytester.makepyfile(SUITE)
    monkeypatch.setenv(loopback.TOLD, str(pytester.mkdir("dialled")))  # what it does is not ours
    monkeypatch.setenv("HYPOTHESIS_PROFILE", "fast")
    monkeypatch.delenv("CI", raising=False)  # under which pytest says each reason twice
    result = pytester.runpytest_subprocess("-ra", *options)
    result.assert_outcomes(failed=11, passed=1)
    text = result.stdout.str()
    assert text.count("dialled, which is refused:") == 11
    assert text.count("socket.connect 192.0.2.77:443 by '-c a-child'") == 2
    assert "socket.getaddrinfo rest.esms.vn" in text


async def test_the_worker_of_a_channel_reaches_no_real_gateway_either():
    """A channel whose address was forgotten in a test: the real worker, the vendor's own host."""
    pool = new_pool()
    try:
        receipt = await pool.send(Job("json://rest.esms.vn/", "s", "b", "m", timeout=10.0), 14.0)
    finally:
        await pool.close()
    assert receipt.outcome is Outcome.TRY_AGAIN
    (told,) = {line.partition(" by ")[0] for line in loopback.refused()}
    assert told == "socket.getaddrinfo rest.esms.vn"
