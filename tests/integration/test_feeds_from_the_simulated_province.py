"""The feeds of the default site against the simulated province: as it is by itself, and in each of its bad moods."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.clock import SystemClock
from monitor.adapters.feeds import open_feed
from monitor.adapters.fetch import Fetcher
from monitor.adapters.guard import AddressGuard
from monitor.config.allow import parse_allow
from monitor.config.spec import AsOf, Column, Paging, Portal
from monitor.model.reading import Collected
from monitor.registry import load_registry, read_mapping
from monitor.simulate import SimulatedProvince, World, registered_territory
from monitor.simulate.portal import department_id, numeric_id
from tests.unit.feed_frames import CALENDAR, NOW, feed_spec, indicator

pytestmark = pytest.mark.integration

REGISTRY = load_registry()
TERRITORY = registered_territory(REGISTRY, "19")
SYSTEMS = ("tthc-19", "dvcqg", "line-19")
COMMUNES = frozenset(commune.code for commune in TERRITORY.communes)
UNITS = (*COMMUNES, "19", *SYSTEMS)
MAPPING = read_mapping(Path(__file__).parents[2] / "rules" / "mappings" / "portal_19.csv", REGISTRY).units
INDICATORS = {
    one.id: one
    for one in (
        indicator("on_time_rate", "%", 0, 100),
        indicator("overdue_dossiers", "count", 0),
        indicator("d766_total_score", "points", 0, 100),
        indicator("edoc_processed_rate", "%", 0, 100),
        indicator("staff_sufficient", "bool"),
        indicator("network_loss_rate", "%", 0, 100),
        indicator("population_db_link_ok", "bool"),
    )
}


def ratio(code: str, key: str = "ratio") -> str:
    return f"metrics[?code=='{code}'].{key} | [0]"


FEEDS = {
    "portal": feed_spec(
        "json",
        Column("on_time_rate", ratio("2.1"), ratio("2.1", "numerator"), ratio("2.1", "denominator")),
        Column("overdue_dossiers", ratio("2.3")),
        Column("d766_total_score", "totalScore"),
        url="/api/v1/reporting/evaluation/service-results",
        method="POST",
        body='{"timeType": "month", "year": {year}, "month": {month}, "currentPage": 1, "pageSize": 300}',
        rows="data.evaluation[?childGroup=='COMMUNE']",
        unit="departmentCode",
        mapping=MAPPING,
        as_of=AsOf.FIELD,
        as_of_field="updatedAt",
    ),
    "manual": feed_spec(
        "csv",
        Column("edoc_processed_rate", "Tỷ lệ văn bản xử lý trên môi trường mạng (%)"),
        Column(
            "staff_sufficient",
            "Đủ nhân lực Bộ phận Một cửa",
            words={"đủ": True, "một phần": "partly", "thiếu": False},
        ),
        url="/files/manual.csv",
        delimiter=";",
        decimal=",",
        unit="Mã đơn vị",
        as_of=AsOf.FIELD,
        as_of_field="Ngày số liệu",
    ),
    "lines": feed_spec(
        "prometheus",
        Column("network_loss_rate", "centre_network_loss_percent"),
        url="/metrics",
        unit="unit",
        as_of=AsOf.FETCH,
    ),
    "systems": feed_spec(
        "prometheus",
        Column("population_db_link_ok", "population_db_link_up", words={"1": True, "0": False}),
        url="/metrics",
        unit="system",
        as_of=AsOf.FETCH,
    ),
}
PATIENT = 20.0  # seconds
MODE_OF = {"portal": "portal", "manual": "manual", "lines": "metrics", "systems": "metrics"}
every_feed = pytest.mark.parametrize("name", list(FEEDS))


class AtNoon(SystemClock):
    """The system's clock, on one noon for ever: the figures must not depend on the day of the test."""

    def now(self):
        return NOW


class Asker:
    """Polls the feeds of one running province."""

    def __init__(self, province: SimulatedProvince, fetcher: Fetcher, clock: AtNoon, root: Path) -> None:
        self.province = province
        self.sites = (root / f"{number}" for number in count())  # a new one each time: nothing is remembered
        self.fetcher = fetcher
        self.clock = clock

    async def ask(self, name: str, mode: str = "ok", chance: Any = None, **changes: Any) -> Collected:
        self.province.set_feed(MODE_OF[name], mode)
        spec = FEEDS[name]
        there = {"id": name, "url": self.province.url + spec.url, "timeout": PATIENT}
        about = (self.fetcher, self.clock, CALENDAR, INDICATORS, UNITS, next(self.sites))
        feed = open_feed(replace(spec, **{**there, **changes}), *about, **({"chance": chance} if chance else {}))
        return await feed.collect(self.clock.now())


@pytest.fixture
async def asker(tmp_path: Path) -> AsyncIterator[Asker]:
    clock = AtNoon()
    province = SimulatedProvince(World(19, TERRITORY), clock)
    await province.start(port=0, tcp_port=0)
    fetcher = Fetcher(AddressGuard([parse_allow("127.0.0.0/8:*")]), clock)
    yield Asker(province, fetcher, clock, tmp_path)
    await fetcher.close()
    await province.stop()


def units_of(collected: Collected) -> set[str]:
    return {reading.unit for reading in collected.readings}


def reasons(collected: Collected) -> Counter[str]:
    return Counter(rejected.reason for rejected in collected.rejected)


@every_feed
async def test_a_good_day_brings_nearly_everything(name, asker):
    collected = await asker.ask(name)
    assert collected.failure == ""
    expected = set(SYSTEMS) if name == "systems" else COMMUNES
    assert len(expected & units_of(collected)) >= len(expected) - 2  # one row is missing, one commune writes nonsense
    assert set(reasons(collected)) <= {"not-a-number", "decimal-sign", "out-of-range"}


async def test_the_commune_that_reports_nonsense_is_refused_and_named(asker):
    collected = await asker.ask("portal")
    world = asker.province.world
    nonsense = next(code for code in COMMUNES if world.profile(code) == "nonsense")
    assert collected.rejected != ()
    assert all(f"unit {nonsense}" in rejected.detail for rejected in collected.rejected)
    assert nonsense not in units_of(collected)


async def test_a_table_in_pages_is_the_same_table(asker):
    body = '{"timeType": "month", "year": {year}, "month": {month}, "currentPage": {page}, "pageSize": 20}'
    whole = await asker.ask("portal")
    pages = await asker.ask("portal", body=body, paging=Paging(pages="data.totalPages", max_pages=5))
    assert pages.readings == whole.readings
    assert [(one.reason, one.detail) for one in pages.rejected] == [(one.reason, one.detail) for one in whole.rejected]
    assert {one.row.partition(",")[0] for one in pages.rejected} < {f"page {number}" for number in range(1, 6)}
    fewer = await asker.ask("portal", body=body, paging=Paging(pages="data.totalPages", max_pages=4))
    assert "there are 5 pages, more than the 4 that are read" in fewer.failure


BY_NUMBER = {numeric_id(code): unit for code, unit in MAPPING.items()}
PORTALS = {
    "first": (Portal(1, numeric_id("H19"), "a test"), "ID", BY_NUMBER, Column("d766_total_score", "TONG_SCORE")),
    "second": (
        Portal(2, department_id("H19"), "a test", ("service-results", "dvc-progress-tree")),
        "departmentId",
        {department_id(code): unit for code, unit in MAPPING.items()},
        Column("d766_total_score", "totalScore"),
    ),
}


@pytest.mark.parametrize("generation", list(PORTALS))
async def test_both_generations_of_the_portal_say_the_same_of_the_communes(generation, asker, monkeypatch):
    monkeypatch.setattr("monitor.adapters.feeds.portal.LEAST", 0.0)
    portal, unit, mapping, column = PORTALS[generation]
    whole = await asker.ask("portal")
    shape = {"kind": "portal766", "columns": (column,), "unit": unit, "mapping": mapping, "portal": portal}
    shape |= {"url": asker.province.url, "as_of": AsOf.DAY}
    found = await asker.ask("portal", chance=lambda: 0.0, **shape)
    assert found.failure == ""
    late = {
        code for code in COMMUNES if asker.province.world.profile(code) == "late"
    }  # of another day, each its own way
    figures = {one.unit: one.value for one in whole.readings if one.indicator == column.indicator}
    expected = {unit: value for unit, value in figures.items() if unit not in late}
    assert expected.items() <= {one.unit: one.value for one in found.readings}.items()
    for mode, said in (("html", "not JSON"), ("truncated", "cut off"), ("error500", "HTTP status 500"), ("empty", "")):
        spoilt = await asker.ask("portal", mode, chance=lambda: 0.0, **shape)
        assert (spoilt.readings, spoilt.rejected) == ((), ())
        assert spoilt.failure.startswith("feed portal: no data: ") and said in spoilt.failure


async def test_the_first_generation_says_other_scores_of_half_a_year_than_of_a_month(asker):
    _, unit, mapping, column = PORTALS["first"]
    shape = {"kind": "portal766", "columns": (column,), "unit": unit, "mapping": mapping, "url": asker.province.url}
    scores = []
    for span in ("month", "half"):
        portal = Portal(1, numeric_id("H19"), "a test", span=span)
        found = await asker.ask("portal", chance=lambda: 0.0, portal=portal, as_of=AsOf.DAY, **shape)
        scores.append({one.unit: one.value for one in found.readings})
    assert scores[0].keys() == scores[1].keys() and len(scores[0]) > 80 and scores[0] != scores[1]


@every_feed
@pytest.mark.parametrize(
    ("mode", "said"),
    [("html", "looks like an HTML page"), ("empty", "the answer is empty"), ("error500", "HTTP status 500")],
)
async def test_an_answer_without_data_is_no_data(name, mode, said, asker):
    collected = await asker.ask(name, mode)
    assert (collected.readings, collected.rejected) == ((), ())
    assert collected.failure.startswith(f"feed {name}: ") and said in collected.failure


async def test_a_truncated_document_is_no_data(asker):
    collected = await asker.ask("portal", "truncated")
    assert collected.readings == ()
    assert "cut off" in collected.failure


@pytest.mark.parametrize("name", ["manual", "lines"])
async def test_a_truncated_list_keeps_its_whole_rows(name, asker):
    whole = {(one.unit, one.indicator): one.value for one in (await asker.ask(name)).readings}
    collected = await asker.ask(name, "truncated")
    assert collected.failure == ""
    assert 30 < len(units_of(collected)) < 92 or name == "lines"
    assert all(whole[one.unit, one.indicator] == one.value for one in collected.readings)


@every_feed
async def test_the_wrong_encoding_is_named(name, asker):
    collected = await asker.ask(name, "wrong-encoding")
    assert collected.readings == ()
    assert "not utf-8 text: byte" in collected.failure


@every_feed
async def test_half_a_gigabyte_is_not_read(name, asker):
    assert "too-large" in (await asker.ask(name, "huge")).failure


@every_feed
async def test_an_endless_drip_is_given_up(name, asker):
    assert "timeout" in (await asker.ask(name, "drip", timeout=0.3)).failure


@pytest.mark.parametrize("name", ["manual", "lines", "portal"])
async def test_a_code_that_stands_twice_is_refused_and_the_others_count(name, asker):
    # The portal's second row is one of an agency: it is seen only where the rows are not chosen by group.
    changes = {"rows": "data.evaluation"} if name == "portal" else {}
    good = await asker.ask(name, **changes)
    collected = await asker.ask(name, "duplicate-row", **changes)
    assert reasons(collected)["duplicate"] == 2
    assert len(units_of(good) - units_of(collected)) == 1


@pytest.mark.parametrize("name", ["manual", "lines", "portal"])
async def test_an_unknown_code_is_refused_with_its_place_and_the_others_count(name, asker):
    good = await asker.ask(name)
    collected = await asker.ask(name, "unknown-code")
    (stranger,) = (rejected for rejected in collected.rejected if rejected.reason == "unknown-unit")
    assert stranger.row and "9999" in stranger.detail
    assert collected.readings == good.readings


@every_feed
async def test_figures_from_the_future_are_refused(name, asker):
    collected = await asker.ask(name, "future")
    assert collected.readings == ()
    assert reasons(collected)["future"] >= 3


async def test_numbers_words_and_dates_arrive_as_they_were_shown(asker):
    manual = await asker.ask("manual")
    portal = await asker.ask("portal")
    assert {one.value for one in manual.readings if one.indicator == "staff_sufficient"} <= {True, False, "partly"}
    rates = [one for one in portal.readings if one.indicator == "on_time_rate"]
    assert all(one.denominator and one.numerator is not None for one in rates)
    assert all(one.value == pytest.approx(100 * one.numerator / one.denominator, abs=0.01) for one in rates)
    assert all(one.as_of < one.received_at == NOW for one in (*manual.readings, *portal.readings))


def test_the_mapping_of_the_province_is_whole():
    with (Path(__file__).parents[2] / "rules" / "mappings" / "portal_19.csv").open(encoding="utf-8") as stream:
        assert {row["unit"] for row in csv.DictReader(stream)} == COMMUNES | {"19"}
