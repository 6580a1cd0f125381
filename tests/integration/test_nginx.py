"""http, tls and tcp probes and a journey against nginx: compression, kept connections, TLS, client certificates."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from monitor.adapters.feeds import open_feed
from monitor.adapters.probes import open_probe
from monitor.config.certificates import tls_settings
from monitor.config.probespec import Asks, Capture, HttpCheck, JourneyCheck, ProbeSpec, Step, TcpCheck, TlsCheck
from monitor.config.secrets import Secret
from monitor.config.template import parse_template
from monitor.model.reading import Collected
from tests.contract.probe_tools import NOW, Names, note_of, tools
from tests.integration.process import free_ports
from tests.unit.feed_frames import CALENDAR, INDICATORS, UNITS, feed_spec, values

pytestmark = [pytest.mark.integration, pytest.mark.needs("nginx")]

NAME = "centre.example"
PATIENT = 10.0  # seconds
PAGE = "Cổng dịch vụ công\n" * 200
CONFIG = """
error_log stderr crit;
pid {root}/pid;
{user}
events {{}}
http {{
    access_log off;
    client_body_temp_path {root}/1; proxy_temp_path {root}/2; fastcgi_temp_path {root}/3;
    uwsgi_temp_path {root}/4; scgi_temp_path {root}/5;
    root {root}/www;
    gzip on; gzip_types text/plain; gzip_min_length 20;
    types {{ text/plain txt; }}
    default_type text/plain;
    ssl_certificate {root}/server.pem; ssl_certificate_key {root}/server.pem;
    server {{
        listen 127.0.0.1:{plain};
        location /silent {{ return 444; }}
        location /slow.txt {{ gzip off; limit_rate 1; }}
        location /twice {{ keepalive_requests 2; return 200 ok; }}
        location = /moved {{ return 301 /page.txt; }}
        location = /form {{ add_header Set-Cookie "seen=yes; Path=/"; return 200 "<input value='a b&c'>"; }}
        location = /inside {{
            if ($cookie_seen != yes) {{ return 403; }}
            if ($arg_t != "a%20b%26c") {{ return 400; }}
            return 200 welcome;
        }}
    }}
    server {{ listen 127.0.0.1:{tls} ssl; ssl_protocols TLSv1.3; }}
    server {{ listen 127.0.0.1:{old} ssl; ssl_protocols TLSv1.2; }}
    server {{
        listen 127.0.0.1:{strict} ssl;
        ssl_client_certificate {root}/authority.pem; ssl_verify_client on;
        location = /table.csv {{ return 200 "code,ratio\n02143,5\n"; }}
        location / {{ return 200 $ssl_client_s_dn; }}
    }}
    server {{
        listen 127.0.0.1:{expired} ssl;
        ssl_certificate {root}/expired.pem; ssl_certificate_key {root}/expired.pem;
    }}
}}
"""


class Nginx:
    """A running nginx: its ports by what they are for, and the folder with its certificates."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.port = dict(zip(("plain", "tls", "old", "strict", "expired"), free_ports(5), strict=True))
        self.authority = trustme.CA()
        self.authority.cert_pem.write_to_path(root / "authority.pem")
        past = datetime(2002, 1, 1, tzinfo=UTC)
        self._certificate("server.pem", NAME)
        self._certificate("client.pem", "denbao.example")
        self._certificate("expired.pem", NAME, not_before=datetime(2001, 1, 1, tzinfo=UTC), not_after=past)
        (root / "www").mkdir()
        for name in ("page.txt", "slow.txt"):
            (root / "www" / name).write_text(PAGE, "utf-8")
        user = "user root;" if os.geteuid() == 0 else ""
        (root / "nginx.conf").write_text(CONFIG.format(root=root, user=user, **self.port), "utf-8")

    def _certificate(self, name: str, of: str, **dates: Any) -> None:
        self.authority.issue_cert(of, **dates).private_key_and_cert_chain_pem.write_to_path(self.root / name)
        (self.root / name).chmod(0o600)

    def start(self, *words: str) -> None:
        """Returns when it listens: only then does nginx leave its parent."""
        command = ["nginx", "-p", str(self.root), "-c", str(self.root / "nginx.conf"), *words]
        subprocess.run(command, check=True, timeout=30)

    def reload(self) -> None:
        """New workers; the old ones close their idle connections, at a moment of their own choice."""
        self.start("-s", "reload")

    def stop(self) -> None:
        os.kill(int((self.root / "pid").read_text("ascii")), signal.SIGTERM)

    def url(self, server: str, path: str) -> str:
        return f"{'http' if server == 'plain' else 'https'}://{NAME}:{self.port[server]}{path}"

    def trusting(self, certificate: str | None = None) -> ssl.SSLContext:
        found = tls_settings(self.root, self.root / "authority.pem", certificate)
        assert found is not None
        return found


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    made = Nginx(tmp_path_factory.mktemp("nginx"))
    made.start()
    yield made
    made.stop()


async def asked(asks: Asks, times: int = 1, patience: float = PATIENT) -> Collected:
    return (await each(asks, times, patience))[-1]


async def each(asks: Asks, times: int, patience: float = PATIENT) -> list[Collected]:
    async with tools(Names()) as used:
        probe = open_probe(spec_of(asks, patience), used)
        return [await probe.collect(NOW) for _ in range(times)]


def spec_of(asks: Asks, patience: float) -> ProbeSpec:
    return ProbeSpec("it", "19", "up", 60.0, patience, asks)


def lines(collected: Collected) -> str:
    assert collected.check is not None
    return "\n".join(collected.check.transcript)


async def test_a_packed_page_is_unpacked_before_it_is_looked_at(nginx: Nginx) -> None:
    size = len(PAGE.encode())
    check = HttpCheck(nginx.url("plain", "/page.txt"), expect_text="dịch vụ công", min_bytes=size, max_bytes=size)
    collected = await asked(check)
    assert note_of(collected) == ""
    assert f"{size} bytes" in lines(collected)


async def test_a_connection_with_tls_is_used_again_and_agrees_on_tls_once(nginx: Nginx) -> None:
    check = HttpCheck(nginx.url("tls", "/page.txt"), tls=nginx.trusting())
    first, second, third = await each(check, 3)
    assert first.check is not None and third.check is not None
    assert "tls" in first.check.phases and "over a new connection" in lines(first)
    assert "tls" not in third.check.phases and "used 2 times before" in lines(third)
    assert note_of(second) == ""


async def test_a_server_that_closes_after_two_answers_is_asked_over_a_new_connection(nginx: Nginx) -> None:
    answers = await each(HttpCheck(nginx.url("plain", "/twice")), 5)
    assert {note_of(answer) for answer in answers} == {""}
    assert ["new" in lines(answer) for answer in answers] == [True, False, True, False, True]


async def test_a_connection_that_the_server_closed_between_two_checks_is_no_failure(nginx: Nginx) -> None:
    async with tools(Names()) as used:
        probe = open_probe(spec_of(HttpCheck(nginx.url("plain", "/page.txt")), PATIENT), used)
        assert note_of(await probe.collect(NOW)) == ""
        await asyncio.to_thread(nginx.reload)
        assert note_of(await probe.collect(NOW)) == ""


@pytest.mark.parametrize(
    ("method", "path", "settings", "note"),
    [
        ("HEAD", "/page.txt", {}, ""),
        ("POST", "/page.txt", {"body": Secret("x")}, "HTTP status 405, expected 200"),
        ("GET", "/nowhere", {}, "HTTP status 404, expected 200"),
        ("GET", "/moved", {}, "HTTP status 301, expected 200"),
        ("GET", "/moved", {"redirects": 1, "expect_text": "Cổng"}, ""),
        ("GET", "/silent", {}, "cut: the connection was closed before the answer was complete"),
    ],
)
async def test_what_nginx_answers_is_judged(
    nginx: Nginx, method: str, path: str, settings: dict[str, Any], note: str
) -> None:
    assert note_of(await asked(HttpCheck(nginx.url("plain", path), method=method, **settings))) == note


async def test_a_page_that_trickles_is_given_up(nginx: Nginx) -> None:
    note = note_of(await asked(HttpCheck(nginx.url("plain", "/slow.txt")), patience=0.3))
    assert note.startswith("timeout: no complete answer within 0.3 s")


async def test_a_feed_trusts_the_own_authority_and_shows_its_client_certificate(nginx: Nginx) -> None:
    async with tools(Names()) as used:

        async def brings(tls: ssl.SSLContext | None) -> Collected:
            spec = feed_spec("csv", url=nginx.url("strict", "/table.csv"), timeout=PATIENT, tls=tls)
            return await open_feed(spec, used.fetcher, used.clock, CALENDAR, INDICATORS, UNITS).collect(NOW)

        assert values(await brings(nginx.trusting("file:client.pem"))) == {("02143", "rate"): 5}
        assert "HTTP status 400" in (await brings(nginx.trusting())).failure
        assert "tls: " in (await brings(None)).failure


async def test_a_client_certificate_opens_what_is_closed_without_it(nginx: Nginx) -> None:
    url = nginx.url("strict", "/")
    known = HttpCheck(url, tls=nginx.trusting("file:client.pem"), expect_text="trustme")
    assert note_of(await asked(known, times=2)) == ""
    assert note_of(await asked(HttpCheck(url, tls=nginx.trusting()))) == "HTTP status 400, expected 200"


@pytest.mark.parametrize(
    ("server", "note"),
    [
        ("tls", ""),
        ("old", "agreed on TLSv1.2, expected at least TLSv1.3"),
        ("expired", "the certificate is not trusted: certificate has expired"),
    ],
)
async def test_the_certificates_of_nginx_are_judged(nginx: Nginx, server: str, note: str) -> None:
    check = TlsCheck(NAME, nginx.port[server], min_version="TLSv1.3", tls=nginx.trusting())
    assert note_of(await asked(check)) == note


async def test_a_conversation_by_tcp_finds_its_text(nginx: Nginx) -> None:
    send = Secret("HEAD /page.txt HTTP/1.0\r\n\r\n")
    assert note_of(await asked(TcpCheck(NAME, nginx.port["plain"], send=send, expect="200 OK"))) == ""


async def test_a_journey_carries_cookie_and_value_to_the_next_page(nginx: Nginx) -> None:
    def step(name: str, path: str, **settings: Any) -> Step:
        return Step(name, parse_template(nginx.url("plain", path), nginx.root, {}), PATIENT, **settings)

    form = step("form", "/form", capture=(Capture("t", "body", "value='([^']+)'"),))
    inside = step("inside", "/inside?t={t}", expect_text="welcome")
    assert note_of(await asked(JourneyCheck((form, inside), "19"))) == ""
    assert note_of(await asked(JourneyCheck((step("inside", "/inside"),), "19"))).endswith("403, expected 200")
