"""`denbao doctor`: what a planted fact makes it say, and what it says of a real folder, which it leaves as it is."""

from __future__ import annotations

import itertools
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner

from monitor.adapters.store import open_store
from monitor.adapters.store.condition import condition, holder
from monitor.adapters.store.migrate import versions
from monitor.cli.main import main
from monitor.service import fitness
from monitor.service.fitness import (
    MIB,
    Address,
    Config,
    Facts,
    Files,
    Folder,
    Grade,
    Kept,
    Package,
    StoreFacts,
    Time,
    examine,
    fit,
)
from monitor.service.survey import listening
from tests.integration.process import free_ports
from tests.unit.sites import change

ORDER = [
    *("python", "packages", "config", "state", "disk", "inodes", "secrets"),
    *("store", "address", "clock", "calendar", "files", "pings", "memory"),
]
NOW = datetime(2026, 11, 27, 3, tzinfo=UTC)
STORE = StoreFacts("var/denbao.db", version="0002", known=("0001", "0002"), newest=NOW)
ADDRESS = Address("127.0.0.1:8866")
WELL = Facts(
    python=(3, 11, 2),
    packages=(Package("aiohttp", "3.14.5", "3.14.5"),),
    config=Config(),
    folder=Folder("/site/var", True, True, 9000 * MIB, 90_000, owner="denbao"),
    secrets=(Kept("var/links.key", 0o600, 0o077, "delete it"),),
    store=STORE,
    address=ADDRESS,
    time=Time(NOW, "Asia/Ho_Chi_Minh", True, True),
    calendar=(),
    files=Files(65_536, 64, 64, 4),
    pings=(2, ""),
    memory=2048 * MIB,
)
FOLDER, TIME = WELL.folder, WELL.time
assert FOLDER is not None and TIME is not None
HELD = replace(STORE, holder="77")
TAKEN = replace(ADDRESS, taken=True)
RUNS = replace(TAKEN, denbao=True)


def test_of_a_sound_machine_every_line_is_fine_and_says_nothing_to_do():
    findings = examine(WELL)
    assert [f.check for f in findings] == ORDER
    assert {(f.grade, f.right) for f in findings} == {(Grade.FINE, "")}
    assert fit(findings)


@pytest.mark.parametrize(
    ("planted", "check", "grade", "said"),
    [
        ({"python": (3, 10, 9)}, "python", "bad", "Python 3.10.9"),
        ({"packages": (Package("aiohttp"),)}, "packages", "bad", "aiohttp: is not installed"),
        ({"packages": (Package("re2", "1", "1", "cannot be imported: GLIBC"),)}, "packages", "bad", "GLIBC"),
        ({"packages": (Package("re2", "1", "2"),)}, "packages", "warning", "re2 is 1, locked is 2"),
        ({"config": Config(("config.yaml:3: x",), 0, False)}, "config", "bad", "config.yaml:3: x"),
        ({"config": Config(("rules/a.yaml:3: x",))}, "config", "warning", "last good rules"),
        ({"config": Config((), 2)}, "config", "warning", "2 warnings"),
        ({"folder": replace(FOLDER, writable=False)}, "state", "bad", "cannot be written"),
        ({"folder": replace(FOLDER, asked_as_root=True)}, "state", "warning", "root may write everywhere"),
        ({"folder": replace(FOLDER, free=127 * MIB)}, "disk", "bad", "127 MiB"),
        ({"folder": replace(FOLDER, free=1023 * MIB)}, "disk", "warning", "1023 MiB"),
        ({"folder": replace(FOLDER, inodes=99)}, "inodes", "bad", "99 inodes"),
        ({"secrets": (Kept("var/links.key", 0o640, 0o077, "delete it"),)}, "secrets", "bad", "mode 0640"),
        ({"store": replace(STORE, trouble="no")}, "store", "bad", "cannot be read: no"),
        ({"store": replace(STORE, unseen="a copy")}, "store", "warning", "a copy"),
        ({"store": replace(STORE, version="0003")}, "store", "bad", "newer than 0002"),
        ({"store": replace(HELD, version="0001"), "address": RUNS}, "store", "warning", "brought to 0002"),
        ({"store": HELD}, "address", "warning", "process 77 has the store"),
        ({"address": replace(ADDRESS, trouble="no such address")}, "address", "bad", "no such address"),
        ({"address": TAKEN}, "address", "bad", "no denbao answers"),
        ({"address": replace(TAKEN, denbao=True)}, "address", "bad", "not of this site"),
        ({"address": replace(TAKEN, denbao=True, unready="sweep"), "store": HELD}, "address", "bad", "sweep"),
        ({"time": replace(TIME, zone_known=False)}, "clock", "bad", "no data of the time zone"),
        ({"time": replace(TIME, synchronised=False)}, "clock", "warning", "is not synchronised"),
        ({"time": replace(TIME, synchronised=None)}, "clock", "warning", "does not say"),
        ({"time": replace(TIME, now=NOW - timedelta(hours=1))}, "clock", "bad", "3600 s before"),
        ({"calendar": ("no confirmed days for 2028",)}, "calendar", "warning", "no confirmed days for 2028"),
        ({"files": Files(256, 64, 300, 4)}, "files", "warning", "64 polls"),
        ({"pings": (2, "may not; widen it")}, "pings", "bad", "2 icmp probes: may not"),
        ({"memory": 100 * MIB}, "memory", "bad", "100 MiB"),
        ({"memory": None}, "memory", "warning", "does not say"),
    ],
)
def test_a_planted_fact_is_graded_and_what_would_be_right_is_said(planted, check, grade, said):
    findings = examine(replace(WELL, **planted))
    [found] = [f for f in findings if f.grade is not Grade.FINE]
    assert (found.check, found.grade) == (check, grade)
    assert said in found.found and found.right
    assert fit(findings) is (grade == "warning")


def test_damage_is_bad_beside_what_else_is_known_of_the_store():
    findings = list(fitness.store(replace(WELL, store=replace(STORE, damage=("page 7",)))))
    assert [f.grade for f in findings] == [Grade.FINE, Grade.BAD]


@pytest.mark.parametrize("version", ["", "0001"])
def test_older_tables_are_fine_and_what_becomes_of_them_is_said(version):
    [found] = fitness.store(replace(WELL, store=replace(STORE, version=version)))
    assert found.grade is Grade.FINE and "brought to 0002 at the next start" in found.found


def test_a_running_service_that_is_ready_is_fine():
    [found] = fitness.address(replace(WELL, store=HELD, address=replace(TAKEN, denbao=True)))
    assert found.grade is Grade.FINE


async def test_a_store_is_looked_into_while_it_is_open_and_when_it_is_closed(tmp_path):
    store = open_store("sqlite:denbao.db", tmp_path)
    await store.open()
    path = tmp_path / "denbao.db"
    try:
        found = condition(path, 60.0, lambda: 0.0)
        assert found.holder.isdigit() and found.version == versions()[-1]
        assert (found.trouble, found.unseen, found.damage) == ("", "", ())
    finally:
        await store.close()
    assert holder(path) == ""
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert condition(path, 60.0, lambda: 0.0).version == versions()[-1]
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_file_that_is_no_database_of_denbao_is_told(tmp_path):
    (tmp_path / "noise.db").write_bytes(b"noise" * 1000)
    assert "not a database" in condition(tmp_path / "noise.db", 60.0, lambda: 0.0).trouble
    file = sqlite3.connect(tmp_path / "other.db")
    file.execute("CREATE TABLE a (b)")
    file.close()
    assert condition(tmp_path / "other.db", 60.0, lambda: 0.0).trouble == "it is a database of something else"


def test_a_log_without_its_index_is_left_alone(tmp_path):
    (tmp_path / "a.db").write_bytes(b"")
    (tmp_path / "a.db-wal").write_bytes(b"x")
    assert condition(tmp_path / "a.db", 60.0, lambda: 0.0).unseen
    assert {file.name for file in tmp_path.iterdir()} == {"a.db", "a.db-wal"}


async def test_a_damaged_file_is_told_in_one_line(tmp_path):
    store = open_store("sqlite:denbao.db", tmp_path)
    await store.open()
    await store.close()
    path = tmp_path / "denbao.db"
    with path.open("r+b") as file:
        file.seek(path.stat().st_size - 4096)
        file.write(b"\xff" * 4096)
    found = condition(path, 60.0, lambda: 0.0)
    assert found.damage and "\n" not in "".join(found.damage)


def test_a_check_that_takes_too_long_is_given_up_and_told(tmp_path):
    with closing(sqlite3.connect(tmp_path / "a.db")) as file:
        file.execute("CREATE TABLE alembic_version (version_num)")
        file.execute("CREATE TABLE big (n)")
        many = "WITH RECURSIVE m(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM m WHERE n < 20000) SELECT n FROM m"
        file.execute(f"INSERT INTO big {many}")
        file.commit()
    hours = itertools.count(0.0, 3600.0)
    assert "more than 60 s" in condition(tmp_path / "a.db", 60.0, lambda: next(hours)).unseen


class Service(BaseHTTPRequestHandler):
    """Answers as a denbao that has just been started."""

    def do_GET(self) -> None:
        ready = self.path == "/readyz"
        body = json.dumps({"detail": "first sweep"} if ready else {"status": "alive"}).encode()
        self.send_response(503 if ready else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Stranger(Service):
    def do_GET(self) -> None:
        self.send_error(404)


@pytest.mark.parametrize(("who", "denbao", "unready"), [(Service, True, "first sweep"), (Stranger, False, "")])
def test_who_has_the_address_is_asked_over_the_loopback(who, denbao, unready):
    with ThreadingHTTPServer(("127.0.0.1", 0), who) as server:
        port = server.server_address[1]
        Thread(target=server.serve_forever, daemon=True).start()
        found = listening("127.0.0.1", port)
        server.shutdown()
    assert found == Address(f"127.0.0.1:{port}", taken=True, denbao=denbao, unready=unready)
    assert listening("127.0.0.1", port) == Address(f"127.0.0.1:{port}")


def test_an_address_of_another_machine_cannot_be_listened_at():
    assert listening("192.0.2.1", 8866).trouble


def tree(folder: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.stat().st_mtime_ns, path.stat().st_mode) for path in folder.rglob("*")}


def test_a_year_whose_swaps_nobody_has_confirmed_is_a_warning_with_file_and_line(tmp_path):
    site = tmp_path / "site"
    assert CliRunner().invoke(main, ["init", str(site)]).exit_code == 0
    change(site / "config.yaml", "127.0.0.1:8866", f"127.0.0.1:{free_ports(1)[0]}")
    year = datetime.now(UTC).year
    rows = (f"{year}-01-01..{year}-12-31,confirmed,none,", f"{year + 1}-01-01..{year + 1}-12-31,check,not found,")
    (site / "rules" / "calendar_overrides.csv").write_text("\n".join(("date,kind,why,status", *rows)))
    ended = CliRunner().invoke(main, ["doctor", str(site), "--json"])
    told = [one for one in json.loads(ended.stdout)["checks"] if one["check"] == "calendar"]
    found = f"rules/calendar_overrides.csv:3: working days of {year + 1} are to be checked: not found"
    assert [(one["grade"], one["found"]) for one in told] == [("warning", found)]


def test_a_fresh_site_can_run_nothing_is_written_and_a_loose_key_is_bad(tmp_path):
    site = tmp_path / "site"
    assert CliRunner().invoke(main, ["init", str(site)]).exit_code == 0
    change(site / "config.yaml", "127.0.0.1:8866", f"127.0.0.1:{free_ports(1)[0]}")
    before = tree(site)
    ended = CliRunner().invoke(main, ["doctor", str(site), "--json"])
    told = {one["check"]: (one["grade"], one["found"]) for one in json.loads(ended.stdout)["checks"]}
    assert tree(site) == before
    for check in ("python", "packages", "state", "store", "address"):
        assert told[check][0] == "fine", ended.stdout
    (site / "var").mkdir()
    (site / "var" / "links.key").write_text("k")
    (site / "var" / "links.key").chmod(0o644)
    ended = CliRunner().invoke(main, ["doctor", str(site)])
    assert ended.exit_code == 1
    assert "bad      secrets   others may use var/links.key (mode 0644); delete it" in ended.stdout
    assert CliRunner().invoke(main, ["doctor", str(site / "none")]).exit_code == 2
