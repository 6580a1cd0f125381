"""/metrics as Prometheus reads it: every family of the contract, cheap after a change, safe from strange names."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import importlib.util
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from monitor.adapters.store import MemoryStore
from monitor.alerting.limits import Limits
from monitor.api import ExporterContext
from monitor.config.spec import ChannelSpec
from monitor.engine.book import Book, Criterion, Grade, Index, IndexGroup, Points, Ruleset
from monitor.engine.rank import Figure, Ranked, Ranking, index_rankings
from monitor.model.catalogue import CATALOGUE
from monitor.model.colour import Colour
from monitor.model.errors import StoreError
from monitor.model.incident import Incident, Kind, Notice, Outcome, Phase, Receipt
from monitor.model.reading import Check, Collected, Reading, Rejected, Value
from monitor.model.snapshot import Snapshot
from monitor.model.state import Decision, UnitState
from monitor.model.unit import Level, Unit, Units
from monitor.model.verdict import CriterionState, Forecast, Reason, Standing, Verdict
from monitor.ports import Exporter, Page, Preparing
from monitor.service.exporters import Exporters, Guarded, load_exporters
from monitor.service.metrics import SelfMetrics
from monitor.service.poller import PollEnd
from monitor.testing import LoopClock, run
from tests.unit.web_site import running
from tests.unit.web_site import site as web_site

NOW = datetime(2025, 8, 6, 1, 30, tzinfo=UTC)
DEADLINE = datetime(2025, 8, 19, 17, tzinfo=UTC)
FOLDER = Path(__file__).parents[2] / "exporters"
HOSTILE = 'Ea H\'Leo "\\" \n{unit="x"} 1'
COUNTED = ("green", "yellow", "red", "unknown", "maintenance", "excluded")

UNITS = Units(
    (
        Unit("VN", Level.NATION, "nation", "Việt Nam", "Viet Nam", "Viet Nam"),
        Unit("19", Level.PROVINCE, "tinh", "Tỉnh Thái Nguyên", "Thai Nguyen", "Thai Nguyen", "VN", "19"),
        Unit("66", Level.PROVINCE, "tinh", "Tỉnh Đắk Lắk", "Dak Lak", "Dak Lak", "VN", "66"),
        *(Unit(f"0210{n}", Level.COMMUNE, "xa", f"Xã {n}", f"C {n}", f"Xa {n}", "19", "19") for n in range(4)),
        Unit("24181", Level.COMMUNE, "xa", HOSTILE, "Ea H'Leo", "Ea H'Leo", "66", "66"),
        Unit("tthc-19", Level.SYSTEM, "system", "Hệ thống", "System", "He thong", province="19"),
    )
)


async def nothing(_openmetrics: bool) -> bytes:
    return b""


def exporter(states: Mapping[str, UnitState] | None = None, units: Units = UNITS) -> Exporter:
    made = load_exporters(FOLDER, ["prometheus"], ExporterContext("1.2.3", nothing))["prometheus"]
    made.start(Snapshot(units, states or {}))
    return made


def judged(unit: str, colour: Colour, **values: Value) -> UnitState:
    standing = Standing(colour, NOW, colour, NOW, 0.75, 0.9)
    evidence = {name: Reading(unit, name, value, NOW, NOW, "feed") for name, value in values.items()}
    return UnitState(unit, 1, standing, {name: held(name, colour) for name in values}, evidence)


def held(criterion: str, colour: Colour, deadline: datetime | None = None) -> CriterionState:
    verdict = Verdict(colour, (), deadline=deadline)
    return CriterionState(criterion, colour, NOW, colour, NOW, colour, NOW, 1, verdict, 1.0)


def due(unit: str, deadline: datetime) -> UnitState:
    return replace(judged(unit, Colour.YELLOW), criteria={"online": held("online", Colour.YELLOW, deadline)})


def incident(unit: str, cause: str, colour: Colour, phase: Phase = Phase.OPEN) -> Incident:
    return Incident(f"{unit}/{cause}", "ABCDEF", unit, cause, Kind.OUTAGE, colour, NOW, phase)


def check(up: bool | None, unit: str = "02100", probe: str = "centre") -> Collected:
    source = f"{probe}/{unit}"
    if up is None:
        return Collected(source, NOW, failure="the source's code failed: KeyError")
    return Collected(source, NOW, (Reading(unit, "reachable", up, NOW, NOW, source),), duration=0.25, check=Check())


async def text_of(made: Exporter) -> str:
    return (await made.page("", "")).body.decode()


async def families(made: Exporter) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(await text_of(made))}


async def series(made: Exporter, name: str) -> dict[tuple[str, ...], float]:
    """Values by label values."""
    found = (await families(made)).get(name)
    return {tuple(sample.labels.values()): sample.value for sample in found.samples} if found else {}


# -- units ---------------------------------------------------------------------------------------------------------


async def test_every_unit_has_its_colour_from_the_first_page_on():
    made = exporter({"02100": judged("02100", Colour.RED)})
    colours = await series(made, "denbao_unit_colour")
    assert colours["02100", "commune", "19"] == 2
    assert colours["02101", "commune", "19"] == -1
    assert colours["VN", "nation", ""] == -1
    assert len(colours) == len(UNITS)


@pytest.mark.parametrize(
    ("colour", "number"),
    [(Colour.MAINTENANCE, -2), (Colour.UNKNOWN, -1), (Colour.GREEN, 0), (Colour.YELLOW, 1), (Colour.RED, 2)],
)
async def test_colours_are_the_numbers_of_the_contract(colour, number):
    made = exporter({"02100": judged("02100", colour, rate=1.0)})
    assert (await series(made, "denbao_unit_colour"))["02100", "commune", "19"] == number
    assert (await series(made, "denbao_criterion_colour"))["02100", "rate"] == number


async def test_names_and_places_are_labels_of_one_series():
    info = (await families(exporter()))["denbao_unit_info"]
    found = next(sample.labels for sample in info.samples if sample.labels["unit"] == "02103")
    assert found == {"unit": "02103", "name": "Xã 3", "level": "commune", "province": "19", "parent": "19"}


async def test_a_strange_name_is_one_label_and_breaks_nothing():
    info = (await families(exporter()))["denbao_unit_info"]
    assert HOSTILE in {sample.labels["name"] for sample in info.samples}
    assert len(info.samples) == len(UNITS)


async def test_a_lone_surrogate_that_slipped_through_costs_a_letter_and_not_the_page():
    bad = Units((replace(UNITS["02100"], parent=None, name_vi="Xã \ud800Văn"),))
    info = (await families(exporter(units=bad)))["denbao_unit_info"]
    assert [sample.labels["name"] for sample in info.samples] == ["Xã ?Văn"]


async def test_since_score_and_coverage_of_a_judged_unit():
    made = exporter({"02100": judged("02100", Colour.GREEN)})
    assert await series(made, "denbao_unit_colour_since_timestamp_seconds") == {("02100",): NOW.timestamp()}
    assert await series(made, "denbao_unit_score_ratio") == {("02100",): 0.75}
    assert await series(made, "denbao_unit_coverage_ratio") == {("02100",): 0.9}


async def test_a_unit_of_which_nothing_is_known_has_no_score():
    state = judged("02100", Colour.UNKNOWN)
    assert state.standing is not None
    made = exporter({"02100": state})
    assert await series(made, "denbao_unit_score_ratio") == {("02100",): 0.75}
    made.changed([replace(state, standing=replace(state.standing, score=None))])
    assert await series(made, "denbao_unit_score_ratio") == {}


async def test_values_are_exact_numbers_and_words_without_a_number_are_left_out():
    values: dict[str, Value] = {
        "rate": 0.1 + 0.2,
        "cold": -3.5,
        "yes": True,
        "no": False,
        "half": "partly",
        "word": "late",
    }
    made = exporter({"02100": judged("02100", Colour.GREEN, **values)})
    assert await series(made, "denbao_indicator_value") == {
        ("02100", "rate"): 0.1 + 0.2,
        ("02100", "cold"): -3.5,
        ("02100", "yes"): 1,
        ("02100", "no"): 0,
        ("02100", "half"): 0.5,
    }


async def test_a_criterion_that_is_not_green_tells_the_codes_of_its_reasons_each_once():
    def because(colour: Colour, *codes: str) -> CriterionState:
        verdict = Verdict(colour, tuple(Reason(code, {"value": 1.5}) for code in codes))
        return replace(held("x", colour), verdict=verdict)

    criteria = {
        "met": because(Colour.GREEN, "target_met"),
        "late": because(Colour.RED, "overdue", "stand_in", "overdue"),
        "away": because(Colour.MAINTENANCE, "under_maintenance"),
        "out": because(Colour.EXCLUDED, "no_more"),
    }
    made = exporter({"02100": replace(judged("02100", Colour.RED), criteria=criteria)})
    assert set(await series(made, "denbao_criterion_reason_info")) == {
        ("02100", "away", "under_maintenance"),
        ("02100", "late", "overdue"),
        ("02100", "late", "stand_in"),
    }


async def test_infinite_values_are_written_as_prometheus_writes_them_and_what_is_no_number_is_left_out():
    values = {"more": float("inf"), "less": float("-inf"), "none": float("nan")}
    text = await text_of(exporter({"02100": judged("02100", Colour.GREEN, **values)}))
    written = [line.rpartition(" ")[2] for line in text.splitlines() if line.startswith("denbao_indicator_value{")]
    assert written == ["-Inf", "+Inf"]


async def test_an_excluded_unit_has_no_series_but_is_counted():
    made = exporter({"02100": judged("02100", Colour.GREEN, rate=1.0)})
    made.polled(check(True))
    assert 'unit="02100"' in await text_of(made)
    made.changed([judged("02100", Colour.EXCLUDED, rate=1.0)])
    made.polled(check(True))
    assert 'unit="02100"' not in await text_of(made)
    assert (await series(made, "denbao_units"))["commune", "19", "excluded"] == 1


async def test_a_unit_that_is_taken_in_again_has_all_its_series_again():
    made = exporter({"02100": judged("02100", Colour.EXCLUDED, rate=1.0)})
    made.polled(check(True))
    await text_of(made)
    made.changed([judged("02100", Colour.GREEN, rate=1.0)])
    assert (await series(made, "denbao_probe_success")) == {("02100", "centre"): 1}


async def test_what_is_no_longer_known_disappears():
    made = exporter({"02100": judged("02100", Colour.GREEN, rate=1.0, other=2.0)})
    assert len(await series(made, "denbao_indicator_value")) == 2
    made.changed([judged("02100", Colour.GREEN, other=2.0)])
    assert set(await series(made, "denbao_indicator_value")) == {("02100", "other")}
    assert set(await series(made, "denbao_criterion_colour")) == {("02100", "other")}


async def test_units_that_the_site_does_not_have_are_passed_over():
    made = exporter()
    made.changed([judged("99999", Colour.RED)])
    made.polled(check(True, "99999"))
    assert "99999" not in await text_of(made)


# -- totals --------------------------------------------------------------------------------------------------------


async def test_the_colours_of_a_level_and_province_add_up_to_its_units():
    colours = (Colour.GREEN, Colour.RED, Colour.MAINTENANCE, Colour.EXCLUDED)
    made = exporter({f"0210{n}": judged(f"0210{n}", colour) for n, colour in enumerate(colours)})
    counted = await series(made, "denbao_units")
    sums: Counter[tuple[str, str]] = Counter()
    for (level, province, _), number in counted.items():
        sums[level, province] += int(number)
    assert sums == Counter((unit.level.value, unit.province or "") for unit in UNITS)
    assert {key[2] for key in counted if key[:2] == ("commune", "66")} == set(COUNTED)
    assert counted["commune", "19", "green"] == 1 and counted["commune", "19", "yellow"] == 0


async def test_open_incidents_are_counted_by_province_colour_and_phase():
    first = {"a": incident("02100", "a", Colour.RED), "b": incident("02100", "b", Colour.UNKNOWN)}
    second = {"a": incident("02101", "a", Colour.RED, Phase.ACKNOWLEDGED)}
    made = exporter({
        "02100": replace(judged("02100", Colour.RED), incidents=first),
        "02101": replace(judged("02101", Colour.RED), incidents=second),
    })  # fmt: skip
    counted = await series(made, "denbao_incidents")
    assert {key: number for key, number in counted.items() if number} == {
        ("19", "red", "open"): 1,
        ("19", "unknown", "open"): 1,
        ("19", "red", "acknowledged"): 1,
    }
    assert counted["66", "red", "open"] == 0


async def test_an_incident_of_the_nation_is_counted_without_a_province():
    state = replace(judged("VN", Colour.RED), incidents={"a": incident("VN", "a", Colour.RED)})
    assert (await series(exporter({"VN": state}), "denbao_incidents"))["", "red", "open"] == 1


async def test_a_target_has_one_deadline_and_an_exception_for_one_unit_does_not_move_it():
    later = DEADLINE + timedelta(days=30)
    made = exporter({"02100": due("02100", DEADLINE), "02101": due("02101", DEADLINE), "02102": due("02102", later)})
    name = "denbao_target_deadline_timestamp_seconds"
    assert await series(made, name) == {("online",): DEADLINE.timestamp()}
    made.changed([due("02101", later)])
    assert await series(made, name) == {("online",): later.timestamp()}
    made.changed([judged(code, Colour.GREEN) for code in ("02100", "02101", "02102")])
    assert await series(made, name) == {}


async def test_of_as_many_deadlines_the_earlier_is_told_as_on_the_board():
    later = due("02101", DEADLINE + timedelta(days=9))
    made = exporter({"02100": due("02100", DEADLINE), "02101": later})
    told = await series(made, "denbao_target_deadline_timestamp_seconds")
    assert set(told.values()) == {DEADLINE.timestamp()}


async def test_an_exempted_unit_tells_the_general_date_even_where_there_is_no_other():
    why = (Reason("exempted", {"paper": "12/QĐ-UBND", "old": DEADLINE, "new": DEADLINE + timedelta(days=31)}),)
    state = due("02100", DEADLINE + timedelta(days=31))
    moved = replace(state.criteria["online"], verdict=replace(state.criteria["online"].verdict, reasons=why))
    found = await families(exporter({"02100": replace(state, criteria={"online": moved})}))
    samples = found["denbao_target_deadline_timestamp_seconds"].samples
    assert [(s.labels, s.value) for s in samples] == [({"criterion": "online"}, DEADLINE.timestamp())]


async def test_a_forecast_is_told_as_far_as_it_can_be():
    states = {}
    for code, ahead in (("02100", Forecast(1.109, 1.0, 73.0, 70.0, 75.0)), ("02101", Forecast(0.5)), ("02102", None)):
        state = due(code, DEADLINE)
        verdict = replace(state.criteria["online"].verdict, forecast=ahead)
        states[code] = replace(state, criteria={"online": replace(state.criteria["online"], verdict=verdict)})
    found = await families(exporter(states))
    told = {
        "projected_value": {"02100": 73.0},
        "required_pace": {"02100": 1.109, "02101": 0.5},
        "actual_pace": {"02100": 1.0},
    }
    for name, wanted in told.items():
        samples = found[f"denbao_target_{name}"].samples
        assert {s.labels["unit"]: s.value for s in samples} == wanted
        assert {s.labels["criterion"] for s in samples} == {"online"}


async def test_the_version_is_told():
    assert await series(exporter(), "denbao_build_info") == {("1.2.3",): 1}


# -- probes --------------------------------------------------------------------------------------------------------


async def test_a_probe_tells_its_last_result_and_how_long_it_took():
    made = exporter()
    made.polled(check(True))
    made.polled(check(True, probe="line"))
    made.polled(check(False))
    assert await series(made, "denbao_probe_success") == {("02100", "centre"): 0, ("02100", "line"): 1}
    assert (await series(made, "denbao_probe_duration_seconds"))["02100", "centre"] == 0.25


async def test_a_probe_whose_code_breaks_has_no_result_rather_than_an_old_one():
    made = exporter()
    made.polled(check(True))
    assert len(await series(made, "denbao_probe_success")) == 1
    made.polled(check(None))
    assert await series(made, "denbao_probe_success") == {}


async def test_a_probe_tells_its_attempts_and_when_the_certificate_expires():
    made = exporter()
    made.polled(replace(check(True), check=Check(attempts=2, certificate_expires=DEADLINE)))
    assert (await series(made, "denbao_probe_attempts"))["02100", "centre"] == 2
    expiry = await series(made, "denbao_probe_certificate_expiry_timestamp_seconds")
    assert expiry == {("02100", "centre"): DEADLINE.timestamp()}


class Lines(tuple[str, ...]):
    """A transcript that can be watched as it goes."""


async def test_the_transcripts_of_probes_are_not_kept_for_the_next_page():
    made, said = exporter(), Lines(("asked", "answered"))
    made.polled(replace(check(True), check=Check(transcript=said)))
    assert sys.getrefcount(said) == 2
    assert await series(made, "denbao_probe_success") == {("02100", "centre"): 1}


async def test_a_journey_tells_how_long_each_step_took():
    made = exporter()
    made.polled(replace(check(True), check=Check(steps={"form": 0.5, "login": 1.5})))
    steps = await series(made, "denbao_probe_step_duration_seconds")
    assert steps == {("02100", "centre", "form"): 0.5, ("02100", "centre", "login"): 1.5}


async def test_a_feed_is_no_probe():
    made = exporter()
    rows = tuple(Reading(f"0210{n}", "rate", 1.0, NOW, NOW, "portal") for n in range(3))
    made.polled(Collected("portal", NOW, rows))
    made.polled(Collected("portal", NOW, rows[:1]))
    made.polled(Collected("portal", NOW, failure="timeout"))
    assert await series(made, "denbao_probe_success") == {}


# -- the page ------------------------------------------------------------------------------------------------------


async def test_each_family_is_explained_once_and_its_samples_stand_together():
    made = exporter({"02100": judged("02100", Colour.GREEN, rate=1.0), "02101": due("02101", DEADLINE)})
    made.polled(check(True))
    names = [line.split()[2] for line in (await text_of(made)).splitlines() if line.startswith("# TYPE")]
    assert len(names) == len(set(names)) == 15
    assert names == [name for name in CATALOGUE if name in names]
    blocks = list(_runs(await text_of(made)))
    assert blocks == names


def _runs(text: str) -> Iterator[str]:
    last = ""
    for line in text.splitlines():
        name = line.split()[2] if line.startswith("#") else re.split("[{ ]", line)[0]
        if name != last:
            yield name
        last = name


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> tuple[ModuleType, list[str]]:
    """The exporter's module, and which units it renders."""
    spec = importlib.util.spec_from_file_location("counted_exporter", FOLDER / "prometheus.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    rendered: list[str] = []
    render = module._samples

    def counted(unit: Unit, state: UnitState) -> object:
        rendered.append(unit.code)
        return render(unit, state)

    monkeypatch.setattr(module, "_samples", counted)
    return module, rendered


async def test_only_a_changed_unit_is_rendered_anew_and_only_once_for_many_changes(counting):
    module, rendered = counting
    made = module.create(ExporterContext("1", nothing))
    made.start(Snapshot(UNITS, {}))
    await made.page("", "")
    assert sorted(rendered) == sorted(unit.code for unit in UNITS)
    rendered.clear()
    made.changed([judged("02100", Colour.RED)])
    made.changed([judged("02100", Colour.GREEN)])
    made.polled(check(True, "02101"))
    page: Page = await made.page("", "")
    assert rendered == ["02100"]
    assert b'denbao_unit_colour{unit="02100",level="commune",province="19"} 0\n' in page.body
    await made.page("", "")
    assert rendered == ["02100"]


@pytest.mark.parametrize("header", ["", "gzip"])
async def test_a_first_page_is_made_in_slices_of_a_few_units_between_which_the_loop_gets_its_turn(counting, header):
    module, rendered = counting
    communes = (replace(UNITS["02100"], code=f"{number:05}") for number in range(1, 80))
    made = module.create(ExporterContext("1", nothing))
    made.start(Snapshot(Units((UNITS["VN"], UNITS["19"], *communes)), {}))
    page, seen = asyncio.ensure_future(made.page("", header)), [0]
    while not page.done():
        await asyncio.sleep(0)
        if len(rendered) != seen[-1]:
            seen.append(len(rendered))
    assert seen[-1] == 81
    assert max(after - before for before, after in pairwise(seen)) <= 2 * module._STEPS


async def test_what_changes_while_a_page_is_made_is_shown_by_the_next_one_as_a_whole():
    communes = [replace(UNITS["02100"], code=f"{number:05}") for number in range(1, 80)]
    made = exporter(
        {one.code: judged(one.code, Colour.GREEN) for one in communes}, Units((UNITS["VN"], UNITS["19"], *communes))
    )
    page = asyncio.ensure_future(made.page("", ""))
    for _ in range(3):
        await asyncio.sleep(0)
    made.changed([judged(one.code, Colour.RED) for one in communes])
    assert not page.done()
    assert b"} 2\n" not in (await page).body
    later = (await made.page("", "")).body
    assert later.count(b'denbao_unit_colour{unit="00') == later.count(b'level="commune",province="19"} 2\n') == 79
    assert b'denbao_units{level="commune",province="19",colour="red"} 79\n' in later


async def seconds(made: Exporter, number: int) -> None:
    assert isinstance(made, Preparing)
    for _ in range(number):
        await made.prepare()


async def test_what_changed_is_rendered_in_the_second_before_the_next_page_is_due(counting):
    module, rendered = counting
    made = module.create(ExporterContext("1", nothing))
    made.start(Snapshot(UNITS, {}))
    for _ in range(2):
        await seconds(made, 15)
        await made.page("", "gzip")
    rendered.clear()
    made.changed([judged("02100", Colour.RED)])
    await seconds(made, 13)
    assert rendered == []
    await seconds(made, 1)
    assert rendered == ["02100"]
    page = await made.page("", "gzip")
    assert rendered == ["02100"]
    assert b'denbao_unit_colour{unit="02100",level="commune",province="19"} 2\n' in gzip.decompress(page.body)


async def test_of_readers_who_take_turns_the_longer_step_counts_so_that_little_is_rendered_twice(counting):
    module, rendered = counting
    made = module.create(ExporterContext("1", nothing))
    made.start(Snapshot(UNITS, {}))
    for step in (4, 11, 4):
        await seconds(made, step)
        await made.page("", "gzip")
    rendered.clear()
    made.changed([judged("02100", Colour.RED)])
    await seconds(made, 9)
    assert rendered == []
    await seconds(made, 1)
    assert rendered == ["02100"]


@pytest.mark.parametrize("pages", [0, 2])
async def test_nothing_is_rendered_for_a_reader_who_never_came_or_comes_no_more(counting, pages):
    module, rendered = counting
    made = module.create(ExporterContext("1", nothing))
    made.start(Snapshot(UNITS, {}))
    for _ in range(pages):
        await seconds(made, 15)
        await made.page("", "")
    await seconds(made, 15 + module._LATE)
    rendered.clear()
    made.changed([judged("02100", Colour.RED)])
    await seconds(made, 100)
    assert rendered == []


NAMES = st.sampled_from(("rate", "late"))
NUMBERS = st.sampled_from((0.0, 1.5, 7.25))
incidents = st.builds(
    lambda colour, phase: ("x", colour, phase),
    st.sampled_from((Colour.YELLOW, Colour.RED)),
    st.sampled_from((Phase.OPEN, Phase.CLOSING)),
)


@st.composite
def states(draw: st.DrawFn) -> UnitState:
    unit, colour = draw(st.sampled_from([unit.code for unit in UNITS])), draw(st.sampled_from(Colour))
    state = judged(unit, colour, **draw(st.dictionaries(NAMES, NUMBERS)))
    criteria = {}
    for name, value in draw(st.dictionaries(NAMES, NUMBERS)).items():
        judgement = Verdict(colour, (Reason("low"),), value, deadline=draw(st.sampled_from((None, NOW, DEADLINE))))
        criteria[name] = replace(held(name, colour), verdict=judgement)
    assert state.standing is not None
    standing = replace(state.standing, score=draw(st.none() | NUMBERS)) if draw(st.booleans()) else None
    open_ones = {cause: incident(unit, cause, *rest) for cause, *rest in draw(st.lists(incidents, max_size=1))}
    return replace(state, standing=standing, criteria=criteria, incidents=open_ones)


polls = st.builds(check, st.sampled_from((True, False, None)), st.sampled_from(("02100", "24181")))
ACCEPTED = st.sampled_from((("", ""), ("", "gzip")))


@settings(max_examples=60, deadline=None)
@given(st.lists(states() | polls | ACCEPTED | st.just("second"), max_size=15))
def test_after_whatever_changes_the_page_is_that_of_an_exporter_which_starts_with_what_is_now(steps):
    ranking = Ranking({"score": Ranked("score"), "rate": Ranked("rate", ("rate",))})
    context = ExporterContext("1.2.3", nothing, ranking)

    def fresh(states: Mapping[str, UnitState]) -> Exporter:
        made = load_exporters(FOLDER, ["prometheus"], context)["prometheus"]
        made.start(Snapshot(UNITS, states))
        return made

    async def life() -> tuple[bytes, bytes, bytes]:
        made, now = fresh({}), dict[str, UnitState]()
        await made.page("", "gzip")
        for step in steps:
            if isinstance(step, UnitState):
                now[step.unit] = step
                made.changed([step])
            elif isinstance(step, Collected):
                made.polled(step)
            elif step == "second":
                await seconds(made, 1)
            else:
                await made.page(*step)
        other = fresh(now)
        for step in steps:
            if isinstance(step, Collected):
                other.polled(step)
        packed = gzip.decompress((await made.page("", "gzip")).body)
        return packed, (await made.page("", "")).body, (await other.page("", "")).body

    packed, plain, from_nothing = asyncio.run(life())
    assert packed == plain == from_nothing


@pytest.mark.parametrize("header", ["gzip", "gzip, deflate, br", "br;q=1.0, gzip;q=0.8", "*", "GZIP"])
async def test_a_packed_page_says_the_same(header):
    made = exporter({"02100": judged("02100", Colour.GREEN, rate=1.0)})
    plain, packed = await made.page("", ""), await made.page("", header)
    assert (plain.encoding, packed.encoding) == ("", "gzip")
    assert gzip.decompress(packed.body) == plain.body
    assert packed.content_type == plain.content_type == "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.parametrize("header", ["", "identity", "gzip;q=0", "gzip; q=0.0", "br"])
async def test_a_page_is_not_packed_for_who_does_not_ask(header):
    assert (await exporter().page("", header)).encoding == ""


async def test_a_second_start_forgets_the_units_of_the_first():
    made = exporter({"02100": judged("02100", Colour.GREEN, rate=1.0)})
    await text_of(made)
    made.start(Snapshot(Units((UNITS["VN"],)), {}))
    assert set(await series(made, "denbao_unit_colour")) == {("VN", "nation", "")}


PROMETHEUS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"


async def test_who_asks_for_openmetrics_gets_the_same_series_with_units_and_an_end():
    metrics, store = await own_metrics()
    metrics.decided(0.2)
    context = ExporterContext("1.2.3", lambda openmetrics: metrics.page(store, NOW, openmetrics))
    made = load_exporters(FOLDER, ["prometheus"], context)["prometheus"]
    made.start(Snapshot(UNITS, {"02100": judged("02100", Colour.GREEN, rate=1.0)}))
    made.polled(check(True))
    text, page = await made.page("", ""), await made.page(PROMETHEUS, "")
    assert page.content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert page.body.endswith(b"\n# EOF\n") and page.body.count(b"# EOF") == 1
    families = list(parse_openmetrics(page.body.decode()))
    assert {family.name for family in families} <= {metric.family for metric in CATALOGUE.values()}
    by_family = {metric.family: metric for metric in CATALOGUE.values()}
    for family in families:
        metric = by_family[family.name]
        assert (family.type, family.documentation, family.unit) == (metric.kind, metric.help, metric.unit)
        assert {sample.name for sample in family.samples} <= set(metric.series)
        assert all(set(sample.labels) == set(metric.series[sample.name]) for sample in family.samples)
    plain = [sample for family in text_string_to_metric_families(text.body.decode()) for sample in family.samples]
    asked = [sample for family in families for sample in family.samples]
    assert {(s.name, *sorted(s.labels.items()), s.value) for s in asked} == {
        (s.name, *sorted(s.labels.items()), s.value) for s in plain
    }


async def test_an_openmetrics_page_that_is_packed_says_the_same():
    made = exporter({"02100": judged("02100", Colour.GREEN, rate=1.0)})
    plain, packed = await made.page(PROMETHEUS, ""), await made.page(PROMETHEUS, "gzip")
    assert gzip.decompress(packed.body) == plain.body
    made.changed([judged("02100", Colour.RED, rate=2.0, other=3.0)])
    plain, packed = await made.page(PROMETHEUS, ""), await made.page(PROMETHEUS, "gzip")
    assert gzip.decompress(packed.body) == plain.body and b"} 3.0" in plain.body


# -- the budget of series --------------------------------------------------------------------------------------------


def on_a_budget(series: int) -> Guarded:
    context = ExporterContext("1.2.3", nothing, max_series=series)
    made = load_exporters(FOLDER, ["prometheus"], context)["prometheus"]
    assert isinstance(made, Guarded)
    states = {unit.code: judged(unit.code, Colour.GREEN, **{f"i{n}": 1.0 for n in range(50)}) for unit in UNITS}
    made.start(Snapshot(UNITS, states))
    return made


async def test_a_metric_that_does_not_fit_is_left_out_as_a_whole_named_and_counted(caplog):
    made = on_a_budget(600)
    found = await families(made)
    assert "denbao_indicator_value" not in found
    assert len(found["denbao_criterion_colour"].samples) == 50 * len(UNITS)
    assert await series(made, "denbao_page_refused_series") == {("denbao_indicator_value",): 50 * len(UNITS)}
    [shown] = (await series(made, "denbao_page_series")).values()
    own = {"denbao_page_series", "denbao_page_refused_series", "denbao_build_info"}
    assert shown == sum(len(family.samples) for name, family in found.items() if name not in own) <= 600
    said = (
        "denbao_indicator_value: left out of /metrics, its 450 series are more than what is left of the 600 "
        "of metrics: max_series:"
    )
    assert made.sentences() == (said,)
    assert [record.getMessage() for record in caplog.records] == [said]


async def test_a_metric_that_fits_again_is_shown_again(caplog):
    made = on_a_budget(600)
    await made.page("", "gzip")
    made.changed([judged(unit.code, Colour.GREEN, i=1.0) for unit in UNITS])
    page = await made.page("", "gzip")
    assert b"denbao_indicator_value{" in gzip.decompress(page.body)
    assert made.sentences() == ()
    assert caplog.records[-1].getMessage().startswith("over: denbao_indicator_value: left out")


async def test_within_its_budget_a_page_refuses_nothing():
    made = on_a_budget(5000)
    assert await series(made, "denbao_page_refused_series") == {}
    assert "denbao_indicator_value" in await families(made)


# -- what is committed ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("works", [True, False])
async def test_a_page_never_shows_what_is_not_committed(works, monkeypatch: pytest.MonkeyPatch):
    async with running(web_site()) as world:
        service, store = world.service, world.service.store
        made = load_exporters(FOLDER, ["prometheus"], ExporterContext("1", nothing))["prometheus"]
        made.start(service.snapshot())
        service.exporters = Exporters({"prometheus": made}).by_name
        before, whole, during = await text_of(made), store.commit, list[str]()

        async def commit(decisions: Sequence[Decision]) -> Sequence[UnitState]:
            during.append(await text_of(made))  # a scrape while the transaction is under way
            if not works:
                raise StoreError("the disk is full")
            return await whole(decisions)

        now = world.clock.now()
        with monkeypatch.context() as patched:
            patched.setattr(store, "commit", commit)
            with contextlib.suppress(StoreError):
                await service.evaluator.submit([Reading("02100", "online_rate", 12.5, now, now, "manual")])
            after = await text_of(made)
        assert during[0] == before
        line = 'denbao_indicator_value{unit="02100",indicator="online_rate"} 12.5'
        assert (line in after) is works


# -- the service's own metrics ---------------------------------------------------------------------------------------


async def own_metrics(feeds: tuple[str, ...] = ("portal",)) -> tuple[SelfMetrics, MemoryStore]:
    metrics, store = SelfMetrics(), MemoryStore()
    metrics.feeds(frozenset(feeds))
    await store.open()
    return metrics, store


async def parsed(metrics: SelfMetrics, store: MemoryStore) -> dict[str, dict[tuple[str, ...], float]]:
    text = (await metrics.page(store, NOW + timedelta(seconds=90))).decode()
    return {
        family.name: {(sample.name, *sample.labels.values()): sample.value for sample in family.samples}
        for family in text_string_to_metric_families(text)
    }


async def test_a_feed_tells_its_last_success_its_failures_and_its_refused_rows():
    metrics, store = await own_metrics()
    refused = tuple(Rejected("portal", f"row {n}", reason, "") for n, reason in enumerate(("future", "future", "type")))
    metrics.collected(Collected("portal", NOW, (), refused))
    metrics.collected(Collected("portal", NOW, failure="timeout"))
    metrics.collected(Collected("centre/02100", NOW, failure="a probe is no feed"))
    found = await parsed(metrics, store)
    name = "denbao_feed_last_success_timestamp_seconds"
    assert found[name] == {(name, "portal"): NOW.timestamp()}
    assert found["denbao_feed_rows_rejected"] == {
        ("denbao_feed_rows_rejected_total", "portal", "future"): 2,
        ("denbao_feed_rows_rejected_total", "portal", "type"): 1,
    }
    assert found["denbao_poll_failures"] == {("denbao_poll_failures_total", "portal"): 1}


async def test_a_feed_that_never_failed_counts_from_zero():
    found = await parsed(*await own_metrics(("portal", "lines")))
    assert set(found["denbao_poll_failures"].values()) == {0}
    assert len(found["denbao_poll_failures"]) == 2


async def test_the_outbox_is_counted_as_it_is_stored():
    metrics, store = await own_metrics()
    texts = ("thư", "thư", "thu")
    notices = tuple(Notice(key, "i", "ABCDEF", "02100", "outage", "r", "sms", NOW, *texts) for key in "abc")
    before = UnitState("02100")
    await store.commit([Decision(before, before, notices=notices)])
    [first, *_] = await store.lease("sms", "me", NOW, 1, 60.0)
    await store.settle(first, Receipt(Outcome.SENT), NOW)
    found = await parsed(metrics, store)
    assert found["denbao_notices"] == {("denbao_notices_total", "sms", "sent"): 1}
    assert found["denbao_outbox_pending"] == {("denbao_outbox_pending", "sms"): 2}
    assert found["denbao_outbox_oldest_age_seconds"] == {("denbao_outbox_oldest_age_seconds", "sms"): 90}


async def test_a_channel_that_costs_tells_its_day_against_budget_reserve_and_price():
    metrics, store = await own_metrics()
    hanoi = ZoneInfo("Asia/Ho_Chi_Minh")
    channels = (
        ChannelSpec("sms", "esms", price=350.0, limits=Limits(per_day=500, reserve=100, zone=hanoi)),
        ChannelSpec("gateway", "speedsms"),
        ChannelSpec("log", "log"),
    )
    metrics.spending.follow(channels, hanoi)
    before = UnitState("02100")
    notices = tuple(Notice(key, "i", "ABCDEF", "02100", "outage", "r", "sms", NOW, "", "", "") for key in "abc")
    await store.commit([Decision(before, before, notices=notices)])
    yesterday = NOW - timedelta(hours=8, minutes=31)  # one minute before midnight in Hanoi
    for lease, at in zip(await store.lease("sms", "me", NOW, 3, 60.0), (yesterday, NOW, NOW), strict=True):
        await store.settle(lease, Receipt(Outcome.SENT), at)
    found = await parsed(metrics, store)
    told = {name.removeprefix("denbao_channel_"): found[name] for name in found if name.startswith("denbao_channel_")}
    assert {name: {key[1]: number for key, number in family.items()} for name, family in told.items()} == {
        "day_segments": {"sms": 2, "gateway": 0},
        "day_budget_segments": {"sms": 500},
        "day_reserve_segments": {"sms": 100},
        "day_cost_dong": {"sms": 700},
        "price_dong": {"sms": 350},
    }


async def test_a_channel_that_never_sent_counts_from_zero():
    metrics, store = await own_metrics()
    metrics.channels({"sms": object()})
    found = await parsed(metrics, store)
    assert found["denbao_notices"] == {("denbao_notices_total", "sms", outcome.value): 0 for outcome in Outcome}
    assert found["denbao_outbox_pending"] == {("denbao_outbox_pending", "sms"): 0}
    assert found["denbao_outbox_oldest_age_seconds"] == {("denbao_outbox_oldest_age_seconds", "sms"): 0}


@pytest.mark.parametrize("name", ["sweep_lateness", "event_loop_lag", "decision"])
async def test_times_are_histograms_in_seconds(name):
    metrics, store = await own_metrics()
    metrics.swept("centre/02100", 0.2)
    metrics.decided(0.2)
    metrics._lag.observe(0.2)
    found = (await parsed(metrics, store))[f"denbao_{name}_seconds"]
    assert found[f"denbao_{name}_seconds_count",] == 1
    assert found[f"denbao_{name}_seconds_sum",] == 0.2
    assert (found[f"denbao_{name}_seconds_bucket", "0.1"], found[f"denbao_{name}_seconds_bucket", "0.25"]) == (0, 1)


async def test_the_exemplar_of_a_decision_names_a_unit_of_its_batch():
    metrics, store = await own_metrics()
    state = UnitState("02103")
    metrics.committed([Decision(state, state)])
    metrics.decided(0.2)
    page = (await metrics.page(store, NOW, openmetrics=True)).decode()
    [family] = [f for f in parse_openmetrics(page + "# EOF\n") if f.name == "denbao_decision_seconds"]
    told = {s.labels["le"]: s.exemplar for s in family.samples if s.exemplar}
    assert {bound: (one.labels, one.value) for bound, one in told.items()} == {"0.25": ({"unit": "02103"}, 0.2)}
    assert "02103" not in (await metrics.page(store, NOW)).decode()


async def test_to_spare_the_library_a_look_at_each_letter_of_names_changes_no_byte():
    metrics, store = await own_metrics()
    metrics.decided(0.2)
    page = await metrics.page(store, NOW, openmetrics=True)
    assert page + b"# EOF\n" == generate_openmetrics(metrics.registry)


async def test_how_long_incidents_waited_for_an_answer_and_how_long_they_lasted():
    metrics, store = await own_metrics()
    opened = incident("02100", "a", Colour.RED)
    answered = replace(opened, phase=Phase.ACKNOWLEDGED, acked_at=NOW + timedelta(minutes=4))
    closed = replace(answered, phase=Phase.CLOSED, closed_at=NOW + timedelta(hours=2))
    for before, after in ((None, opened), (opened, answered), (answered, answered), (answered, closed)):
        known = UnitState("02100", incidents={"a": before} if before else {})
        metrics.committed([Decision(known, known, incidents=(after,))])
    found = await parsed(metrics, store)
    for name, seconds in (("acknowledgement", 240), ("duration", 7200)):
        family = found[f"denbao_incident_{name}_seconds"]
        assert family[f"denbao_incident_{name}_seconds_count", "outage"] == 1
        assert family[f"denbao_incident_{name}_seconds_sum", "outage"] == seconds


async def test_what_became_of_each_poll_and_which_began_late_is_counted():
    metrics, store = await own_metrics()
    for seconds in (0.2, 1.0, 1.5):
        metrics.swept("centre/02100", seconds)
    for end in (PollEnd.ANSWERED, PollEnd.MISSED, PollEnd.MISSED):
        metrics.ended(end)
    found = await parsed(metrics, store)
    assert found["denbao_sweep_late"]["denbao_sweep_late_total",] == 1
    told = {end: found["denbao_polls"]["denbao_polls_total", end] for end in PollEnd}
    assert told == {"answered": 1, "failed": 0, "missed": 2, "cancelled": 0}


class Hanging(MemoryStore):
    """A store that never says what became of messages."""

    async def outcomes(self) -> Mapping[tuple[str, Outcome], int]:
        await asyncio.Event().wait()
        raise AssertionError


def test_the_page_comes_while_the_store_does_not_answer_and_says_so():
    async def asked() -> bytes:
        metrics, clock = SelfMetrics(), LoopClock(NOW)
        page = asyncio.ensure_future(metrics.page(Hanging(), NOW))
        await clock.sleep(5)
        assert page.done()
        return await page

    assert b"denbao_store_readable 0.0" in run(asked())


async def test_nothing_is_exported_under_a_name_that_was_not_promised():
    metrics, store = await own_metrics()
    metrics.broke("evaluator")
    exported = set(await parsed(metrics, store))
    assert exported <= {metric.family for metric in CATALOGUE.values()}
    assert len(exported) == 22


# -- ranks ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Noted(Ranking):
    """Ranks by score, noting how many units each group that is ordered has."""

    groups: list[int] = field(default_factory=list)

    def ranks(self, name: str, figures: Sequence[Figure]) -> Sequence[int | None]:
        self.groups.append(len(figures))
        return Ranking.ranks(self, name, figures)


def asked_of(groups: list[int]) -> Exporter:
    context = ExporterContext("1.2.3", nothing, Noted({"score": Ranked("score")}, groups=groups))
    made = load_exporters(FOLDER, ["prometheus"], context)["prometheus"]
    made.start(Snapshot(UNITS, {unit.code: judged(unit.code, Colour.GREEN) for unit in UNITS}))
    return made


async def test_ranks_are_those_among_units_of_one_parent():
    made = asked_of([])
    found = await series(made, "denbao_unit_rank")
    assert {unit for unit, _ in found} == {"19", "66", "02100", "02101", "02102", "02103", "24181"}
    assert {indicator for _, indicator in found} == {"score"}
    assert set(found.values()) == {1}


def index_of(share: float | None) -> UnitState:
    """A unit of which one of two groups of an index is known, or nothing."""
    held = {}
    for criterion in INDEX.criteria:
        known = share is not None and criterion.id == "first"
        verdict = Verdict(Colour.EXCLUDED if known else Colour.UNKNOWN, POINTS if known else (), share)
        colour = verdict.colour
        held[criterion.id] = CriterionState(criterion.id, colour, NOW, colour, NOW, colour, NOW, 1, verdict, 0.0)
    return replace(judged("02101", Colour.GREEN), criteria=held)


POINTS = (Reason("points", {}),)
INDEX = Book(
    "d766",
    "1",
    "Bộ chỉ số",
    "Index",
    tuple(
        Criterion(key, "d766", key, key, frozenset(Level), indicator=key, points=Points(most, key))
        for key, most in (("first", 80.0), ("second", 20.0))
    ),
    index=Index(
        (IndexGroup("first", "f", "f", 80.0), IndexGroup("second", "s", "s", 20.0)),
        (Grade("good", "Tốt", "Good", 50.0, assumed=True), Grade("weak", "Yếu", "Weak", 0.0)),
    ),
)


def with_index(valid: bool = True) -> Exporter:
    asked = {one.id: one for one in index_rankings(INDEX, Ruleset({}, (INDEX,)))}
    context = ExporterContext("1.2.3", nothing, Ranking(asked, lambda _book: valid))
    return load_exporters(FOLDER, ["prometheus"], context)["prometheus"]


async def test_the_points_of_an_index_are_shown_as_far_as_they_are_known_with_an_assumed_grade_marked():
    made = with_index()
    made.start(Snapshot(UNITS, {"02101": index_of(75.0)}))
    assert await series(made, "denbao_unit_index_points") == {("02101", "d766"): 60.0}
    assert await series(made, "denbao_unit_index_known_points") == {("02101", "d766"): 80.0}
    assert await series(made, "denbao_unit_index_group_points") == {("02101", "d766", "first"): 60.0}
    grades = {("02101", "d766", "good", "yes"): 1.0}
    assert await series(made, "denbao_unit_index_grade_info") == grades
    assert await series(made, "denbao_unit_rank") == {("02101", "d766"): 1, ("02101", "d766:first"): 1}


@pytest.mark.parametrize(("share", "valid"), [(None, True), (75.0, False)])
async def test_an_index_of_which_nothing_is_known_or_that_is_over_has_no_series(share, valid):
    made = with_index(valid)
    made.start(Snapshot(UNITS, {"02101": index_of(share)}))
    assert "denbao_unit_index" not in await text_of(made)


async def test_ranks_are_made_anew_only_for_the_group_in_which_a_figure_changed():
    groups: list[int] = []
    made = asked_of(groups)
    await text_of(made)
    groups.clear()
    state = judged("02101", Colour.GREEN)
    made.changed([replace(state, version=2, recheck_at=NOW)])
    await text_of(made)
    assert groups == []
    assert state.standing is not None
    made.changed([replace(state, standing=replace(state.standing, score=0.1))])
    found = await series(made, "denbao_unit_rank")
    assert groups == [4]
    assert (found["02101", "score"], found["02100", "score"]) == (4, 1)
