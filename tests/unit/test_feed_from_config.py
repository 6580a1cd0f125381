"""From a line in config.yaml to a reading: each kind of feed that needs the site's folder, or a query."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import trustme

from monitor.adapters.clock import SystemClock
from monitor.adapters.feeds import open_feed
from monitor.adapters.fetch import Failure, Request
from monitor.config.build import load_site
from monitor.config.schema import json_schema
from monitor.config.spec import AsOf, FeedSpec
from monitor.model.reading import Collected
from monitor.service.build import open_network, open_sources
from tests.unit.feed_frames import CALENDAR, INDICATORS
from tests.unit.sites import NOW, make_site
from tests.unit.workbooks import workbook

FEED = """\
  - id: it
    kind: {kind}
    owner: "19"
    period: 5m
    max_silence: 26h
    columns:
      online_rate: {{value: Tỷ lệ}}
"""


def site_with(folder: Path, kind: str, lines: str) -> Path:
    """The good site with one more feed."""
    more = FEED.format(kind=kind) + "".join(f"    {line}\n" for line in lines.splitlines())
    return make_site(folder, "channels:\n", f"{more}channels:\n")


def spec_of(root: Path) -> FeedSpec:
    return next(feed for feed in load_site(root, environ={}, now=NOW).feeds if feed.id == "it")


def collected(root: Path) -> Collected:
    """What one poll brings by the adapters that a service would have."""
    site, clock = load_site(root, environ={}, now=NOW), SystemClock()

    async def ask() -> Collected:
        guard, fetcher = open_network(site, clock)
        source = next(source for source in open_sources(site, clock, guard, fetcher) if source.id == "it")
        return await source.collect(clock.now())

    return asyncio.run(ask())


def seen(found: Collected) -> dict[str, Any]:
    assert (found.failure, found.rejected) == ("", ())
    return {reading.unit: reading.value for reading in found.readings}


def test_a_workbook_in_a_drop_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("monitor.adapters.feeds.folder.SETTLED", 0.0)
    (tmp_path / "inbox").mkdir()
    rows = [("Mã xã", "Ty le"), ("01840", "68,91"), ("01843", 5)]
    (tmp_path / "inbox" / "Báo cáo.xlsx").write_bytes(workbook(("Xã", rows), ("Khác", [])))
    lines = """folder: inbox
files: "*.xlsx"
unit: Mã đơn vị
decimal: ","
sheets: [xã]
aliases: {Mã đơn vị: [mã xã], Tỷ lệ: [ty le]}"""
    assert seen(collected(site_with(tmp_path, "xlsx", lines))) == {"01840": 68.91, "01843": 5}


def test_a_table_in_a_drop_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("monitor.adapters.feeds.folder.SETTLED", 0.0)
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "a.csv").write_text("code;TỶ LỆ\n01840;5\n", "utf-8")
    lines = "folder: inbox\nfiles: '*.csv'\nunit: code\ndelimiter: ';'"
    assert seen(collected(site_with(tmp_path, "csv", lines))) == {"01840": 5}


def test_a_query_to_a_database(tmp_path):
    (tmp_path / "data").mkdir()
    with closing(sqlite3.connect(tmp_path / "data" / "a.db")) as database, database:
        database.execute("CREATE TABLE t (code TEXT, rate REAL, kind TEXT)")
        database.execute("INSERT INTO t VALUES ('01840', 5.5, 'xa'), ('01843', 6, 'phuong')")
    lines = """database: data/a.db
query: SELECT code, rate AS "Tỷ lệ" FROM t WHERE kind = :kind
parameters: {kind: xa}
unit: code"""
    assert seen(collected(site_with(tmp_path, "sql", lines))) == {"01840": 5.5}


def test_a_query_to_prometheus_is_dated_by_its_evaluation_unless_said_otherwise(tmp_path):
    lines = "url: http://127.0.0.1:8867\nunit: code"
    spec = spec_of(site_with(tmp_path, "promql", lines))
    assert (spec.kind, spec.url, spec.unit, spec.as_of) == ("promql", "http://127.0.0.1:8867", "code", AsOf.FETCH)
    assert [column.value for column in spec.columns] == ["Tỷ lệ"]


@pytest.mark.parametrize("kind", ["json", "csv", "xlsx", "prometheus", "promql", "sql"])
def test_the_schema_knows_every_kind(kind):
    found = json_schema()["properties"]["feeds"]["items"]["discriminator"]["mapping"]
    assert kind in found


@pytest.mark.parametrize("kind", ["csv", "promql"])
def test_a_feed_over_https_is_asked_with_the_own_authority(kind, tmp_path):
    site_with(tmp_path, kind, "url: https://example.vn\nunit: code\nauthority: ca.pem")
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    spec = spec_of(tmp_path)
    asked: list[Request] = []

    class Fake:
        def monotonic(self) -> float:
            return 0.0

        async def fetch(self, request: Request) -> Failure:
            asked.append(request)
            return Failure("connect", "no", 0.0)

    fake: Any = Fake()
    indicators = {"online_rate": INDICATORS["rate"]}
    asyncio.run(open_feed(spec, fake, fake, CALENDAR, indicators).collect(NOW))
    assert spec.tls is not None and [request.tls for request in asked] == [spec.tls]


def test_a_database_server_is_asked_with_the_own_authority_and_the_name_of_its_certificate(tmp_path):
    server = "database: register\nserver: 127.0.0.1:8867\nuser: reader\nauthority: ca.pem\nname: db.example.vn"
    site_with(tmp_path, "sql", f'{server}\nunit: code\nquery: SELECT code, rate AS "Tỷ lệ" FROM results')
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    found = spec_of(tmp_path).server
    assert found is not None and found.trust is not None and found.trust.check_hostname
