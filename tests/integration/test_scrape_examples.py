"""The examples of docs/scrape as they are, with other addresses and shorter intervals, over a running service."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from exporters.catalogue import CATALOGUE
from monitor.adapters.clock import SystemClock
from monitor.api import ExporterContext
from monitor.model.colour import Colour
from monitor.model.reading import Reading
from monitor.model.snapshot import Snapshot
from monitor.model.state import UnitState
from monitor.model.unit import Level, Unit, Units
from monitor.model.verdict import Standing
from monitor.ports import Exporter, Page
from monitor.registry import NATION, Place, load_registry
from monitor.reporting.exposition import END, OPENMETRICS, TEXT, Family, gzipped, pack, packed_head, wants_openmetrics
from monitor.service.exporters import load_exporters
from monitor.web.api import exported
from tests.integration.test_prometheus import judged, serving, site
from tests.integration.timeseries import prometheus, until, victoria_metrics

pytestmark = [pytest.mark.integration, pytest.mark.needs("prometheus")]
ROOT = Path(__file__).parents[2]
victoria = pytest.mark.needs("victoria-metrics")
# A byte order mark, other planes, both sorts of quotes, every control character but NUL.
HOSTILE = [
    'Ea H\'Leo "\\" \n{unit="x"} 1',
    "\\",
    '\\"',
    '"',
    "\n# HELP x y\nx 1",
    "a\\nb",
    "}",
    "{}",
    "xã \U0001f6a8 \ufeff\u200b\u2028",
    "x" * 400,
    *(f"a{chr(code)}b" for code in range(1, 32)),
    "<script>alert(1)</script>",
    "# EOF",
    "\t",
    " ",
]


def example(name: str, folder: Path, **addresses: str) -> Path:
    """An example of the documents in a folder, with other addresses and intervals of a second."""
    text = (ROOT / "docs" / "scrape" / f"{name}.yaml").read_text("utf-8")
    text = re.sub(r"(_interval|_timeout): \d+s", r"\1: 1s", text)
    text = text.replace("alerts/", f"{ROOT / 'grafana' / 'alerts'}/")
    for old, new in addresses.items():
        assert f'"127.0.0.1:{old[1:]}"' in text
        text = text.replace(f'"127.0.0.1:{old[1:]}"', f'"{new}"')
    made = folder / f"{name}.yaml"
    made.write_text(text, "utf-8")
    return made


async def test_the_examples_of_prometheus_and_of_federation_work(tmp_path: Path):
    made = site()
    communes = len(made.units.at(Level.COMMUNE))
    async with serving(made) as (service, address):
        await judged(service)
        async with prometheus(example("prometheus", tmp_path, _8866=address)) as province:
            recorded = await province.answers("sum by (province) (province:denbao_units:sum)")
            assert sum(recorded.values()) == communes
            assert await province.answers('nation:denbao_units:sum{level="commune",colour="green"}')
            assert not await province.ask(
                'ALERTS{alertstate="firing",alertname=~"DenbaoDown|DenbaoAbsent|DenbaoExporterUnloaded"}'
            )
            own = province.base.removeprefix("http://")
            async with prometheus(example("federation", tmp_path, _9090=own)) as nation:
                taken = await nation.answers("sum by (site) (province:denbao_units:sum)")
                assert taken == {("thai-nguyen",): communes}
                assert sum((await nation.answers('count(denbao_unit_colour{level="commune"})')).values()) == communes
                assert not await nation.ask("denbao_indicator_value")


async def test_prometheus_takes_the_page_as_openmetrics_with_units_and_exemplars(tmp_path: Path):
    async with serving(site()) as (service, address), aiohttp.ClientSession() as http:
        await judged(service)
        async with prometheus(example("prometheus", tmp_path, _8866=address)) as asked:
            await asked.answers("denbao_decision_seconds_count > 0")

            async def ask(path: str, **params: str) -> dict[str, object] | None:
                async with http.get(f"{asked.base}/api/v1/{path}", params=params) as answer:
                    return (await answer.json())["data"] or None

            told = await until("no metadata", lambda: ask("metadata", metric="denbao_unit_score_ratio"))
            metric = CATALOGUE["denbao_unit_score_ratio"]
            assert told == {metric.name: [{"type": "gauge", "help": metric.help, "unit": "ratio"}]}
            now = service.clock.now().timestamp()
            found = await until(
                "no exemplar",
                lambda: ask(
                    "query_exemplars", query="denbao_decision_seconds_bucket", start=f"{now - 600}", end=f"{now + 600}"
                ),
            )
            codes = {unit.code for unit in service.site.units}
            assert {one["labels"]["unit"] for series in found for one in series["exemplars"]} <= codes  # type: ignore[index]


@victoria
async def test_the_example_of_victoria_metrics_works(tmp_path: Path):
    made = site()
    async with serving(made) as (service, address):
        await judged(service)
        async with victoria_metrics(example("victoria-metrics", tmp_path, _8866=address)) as asked:
            counted = await asked.answers('sum(denbao_units{level="commune"})')
            assert counted == {(): len(made.units.at(Level.COMMUNE))}
            assert await asked.answers('denbao_build_info{version="1.2.3"}')


async def nothing(_openmetrics: bool) -> bytes:
    return b""


def country() -> Units:
    """Every unit of the national registry."""
    registry = load_registry()

    def unit(place: Place, parent: str | None) -> Unit:
        names = (place.name_vi, place.name_en, place.name_ascii)
        return Unit(place.code, place.level, place.kind, *names, parent=parent, province=place.province)

    provinces = (unit(place, NATION.code) for place in registry.provinces)
    return Units((unit(NATION, None), *provinces, *(unit(place, place.province) for place in registry.communes())))


def red_and_green(unit: Unit, number: int) -> UnitState:
    """Every third unit is red; three values each."""
    now = SystemClock().now()
    colour = Colour.RED if number % 3 == 0 else Colour.GREEN
    values = {f"i{n}": Reading(unit.code, f"i{n}", n + number / 7, now, now, "feed") for n in range(3)}
    return UnitState(unit.code, 1, Standing(colour, now, colour, now, 0.5, 1.0), evidence=values)


@asynccontextmanager
async def paged(exporter: Exporter) -> AsyncIterator[str]:
    """The address at which the page of an exporter is served."""
    app = web.Application()
    app.router.add_get("/metrics", exported(exporter))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"{host}:{port}"
    finally:
        await runner.cleanup()


BOTH = pytest.mark.parametrize(
    ("name", "server"),
    [
        pytest.param("prometheus", prometheus, id="prometheus"),
        pytest.param("victoria-metrics", victoria_metrics, id="victoria-metrics", marks=victoria),
    ],
)


@BOTH
async def test_the_whole_country_is_scraped_and_every_value_is_read_back(name, server, tmp_path: Path):
    units = country()
    states = {unit.code: red_and_green(unit, number) for number, unit in enumerate(units)}
    exporter = load_exporters(ROOT / "exporters", ["prometheus"], ExporterContext("1", nothing))["prometheus"]
    exporter.start(Snapshot(units, states))
    reds = sum(state.standing is not None and state.standing.colour is Colour.RED for state in states.values())
    async with paged(exporter) as address, server(example(name, tmp_path, _8866=address)) as asked:
        assert await asked.answers("count(denbao_unit_info)") == {(): len(units)}
        assert await asked.ask('sum(denbao_units{level="commune"})') == {(): 3321}
        assert await asked.ask("count(denbao_unit_colour == 2)") == {(): reds}
        assert await asked.ask("count(denbao_indicator_value)") == {(): 3 * len(units)}
        [told] = (await asked.ask('denbao_indicator_value{unit="24181",indicator="i2"}')).values()
        # VictoriaMetrics keeps some 13 digits.
        assert told == pytest.approx(states["24181"].evidence["i2"].value, rel=1e-12)


class Names:
    """A page of hostile names, as our exporter writes it."""

    path = "/metrics"

    def __init__(self) -> None:
        self._family = Family(CATALOGUE["denbao_unit_info"], {number: number for number in range(len(HOSTILE))})
        for number, name in enumerate(HOSTILE):
            self._family.put(number, [((("unit", f"{number}"), ("name", name)), 1)])

    async def page(self, accept: str, _encoding: str) -> Page:
        asked = wants_openmetrics(accept)
        top, end = packed_head(self._family.metric, openmetrics=asked), pack(END if asked else b"")
        return Page(gzipped((top, self._family.packed(), end)), OPENMETRICS if asked else TEXT, "gzip")


@BOTH
async def test_hostile_names_are_read_back_letter_for_letter(name, server, tmp_path: Path):
    async with paged(Names()) as address, server(example(name, tmp_path, _8866=address)) as asked:  # type: ignore[arg-type]
        found = await asked.answers("max by (unit, name) (denbao_unit_info)")
    assert {int(unit): told for told, unit in found} == dict(enumerate(HOSTILE))
