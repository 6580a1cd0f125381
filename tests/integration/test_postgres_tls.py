"""SQL feeds over TLS against Debian's PostgreSQL: whose certificate, for which name, and who asks."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import trustme

from monitor.adapters.clock import SystemClock
from monitor.adapters.feeds import open_feed
from monitor.adapters.fetch import Fetcher
from monitor.adapters.guard import AddressGuard
from monitor.config.allow import parse_allow
from monitor.config.certificates import tls_settings
from monitor.config.spec import Column, Server
from monitor.model.reading import Collected
from tests.integration.process import free_ports
from tests.unit.feed_frames import CALENDAR, INDICATORS, NOW, UNITS, feed_spec, values

pytestmark = [pytest.mark.integration, pytest.mark.needs("pg_ctlcluster")]
NAME = "db.tinh.example.vn"
SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{folder}'
ssl = on
ssl_cert_file = '{folder}/server.pem'
ssl_key_file = '{folder}/server.key'
ssl_ca_file = '{folder}/ca.pem'
"""
RULES = "hostssl all robot 127.0.0.1/32 cert\nhostssl all postgres 127.0.0.1/32 trust\nlocal all all trust\n"


@dataclass
class Database:
    """A running server."""

    folder: Path
    port: int

    async def says(
        self, authority: str | None, name: str = "", user: str = "postgres", shows: str | None = None
    ) -> Collected:
        """What a feed brings that trusts this file, wants this name, and shows that one."""
        trust = tls_settings(self.folder, self.folder / authority if authority else None, shows, name)
        spec = feed_spec(
            "sql", Column("rate", "rate"), url="", timeout=20.0, database="postgres",
            query="SELECT '02143' AS code, 5 AS rate", server=Server("127.0.0.1", self.port, user, trust=trust),
        )  # fmt: skip
        clock = SystemClock()
        fetcher = Fetcher(AddressGuard([parse_allow("127.0.0.0/8:*")]), clock)
        return await open_feed(spec, fetcher, clock, CALENDAR, INDICATORS, UNITS).collect(NOW)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Not below pytest's own folder, which each further pytest shuts for other users, and the server is one."""
    with TemporaryDirectory(prefix="denbao-postgres-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.fixture(scope="module")
def database(folder: Path) -> Iterator[Database]:
    (port,) = free_ports(1)
    tools = max(Path("/usr/lib/postgresql").glob("*/bin"))
    authority, other = trustme.CA(), trustme.CA()
    made = authority.issue_cert(NAME)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    other.cert_pem.write_to_path(folder / "other.pem")
    made.private_key_pem.write_to_path(folder / "server.key")
    for number, blob in enumerate(made.cert_chain_pems):
        blob.write_to_path(folder / "server.pem", append=number > 0)
    authority.issue_cert("robot@example.vn", common_name="robot").private_key_and_cert_chain_pem.write_to_path(
        folder / "robot.pem"
    )
    for secret in ("server.key", "robot.pem"):
        (folder / secret).chmod(0o600)
    user = "postgres" if os.geteuid() == 0 else None  # the server refuses to run as root
    if user is not None:
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, user)
    data = folder / "data"

    def run(*command: str | Path) -> None:
        line = [tools / command[0], *command[1:]]
        done = subprocess.run(line, user=user, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    run("initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync")
    with (data / "postgresql.conf").open("a") as file:
        file.write(SETTINGS.format(port=port, folder=folder))
    (data / "pg_hba.conf").write_text(RULES)
    run("pg_ctl", "-D", data, "-l", folder / "log", "-w", "start")
    try:
        run("psql", "-h", folder, "-p", str(port), "-U", "postgres", "-c", "CREATE ROLE robot LOGIN")
        yield Database(folder, port)
    finally:
        run("pg_ctl", "-D", data, "-m", "immediate", "stop")


async def test_a_server_of_the_own_authority_is_read_by_the_name_of_its_certificate(database: Database) -> None:
    found = await database.says("ca.pem", NAME)
    assert (values(found), found.failure) == ({("02143", "rate"): 5}, "")


@pytest.mark.parametrize(
    ("authority", "name"),
    [("ca.pem", ""), ("ca.pem", "db.khac.example.vn"), ("other.pem", NAME), (None, NAME), (None, "")],
)
async def test_another_name_and_another_authority_are_refused(
    database: Database, authority: str | None, name: str
) -> None:
    found = await database.says(authority, name)
    assert (found.readings, found.stage) == ((), "fetch")
    assert "certificate" in found.failure.lower()


async def test_a_client_certificate_tells_the_server_who_asks(database: Database) -> None:
    found = await database.says("ca.pem", NAME, "robot", "file:robot.pem")
    assert (values(found), found.failure) == ({("02143", "rate"): 5}, "")
    assert "certificate" in (await database.says("ca.pem", NAME, "robot")).failure
