"""`denbao report` and `denbao explain --if`: what they print, how they end, and that they write nothing."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from monitor.adapters.clock import SystemClock
from monitor.adapters.store import open_store
from monitor.cli.look import explain
from monitor.cli.report import Telling, report
from monitor.config.build import load_site
from monitor.config.spec import Site
from monitor.decide import Policy, View, decide
from monitor.model.reading import Reading
from monitor.model.state import UnitState
from monitor.model.unit import DECIDE_ORDER
from monitor.service.app import policy_of
from tests.unit.sites import make_site

COMMUNES = ("01840", "01843")
GROUP = """
  - id: all_green
    title: {vi: Tất cả xã xanh, en: All communes green}
    applies_to: {levels: [province]}
    rollup: green_share
    target: {value: ">= 100", by: 2090-12-31, floor: 0}
    for: 15m
    weight: {province: 10}
    alert: []
    source: a paper
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A site of two communes with a group target, judged once: one commune is up and at 90 per cent, one at 70."""
    make_site(tmp_path)
    book = tmp_path / "rules" / "service.yaml"
    book.write_text(book.read_text("utf-8") + GROUP, "utf-8")
    config = tmp_path / "config.yaml"
    config.write_text(config.read_text("utf-8").replace('"memory:"', '"sqlite:denbao.db"'), "utf-8")
    site = load_site(tmp_path, environ={}, now=SystemClock().now())
    asyncio.run(_judge(site, {"01840": 90.0, "01843": 70.0}))
    return tmp_path


async def _judge(site: Site, rates: Mapping[str, float]) -> None:
    policy, now = policy_of(site), SystemClock().now()
    store = open_store(site.store_url, site.root)
    await store.open()
    states = {unit.code: UnitState(unit.code) for unit in site.units}
    for unit in sorted(site.units, key=lambda one: DECIDE_ORDER[one.level]):
        states[unit.code] = (await store.commit([decide(_view(unit.code, policy, states, rates, now), policy, now)]))[0]
    await store.close()


def _view(code: str, policy: Policy, states: Mapping[str, UnitState], rates: Mapping[str, float], now) -> View:
    told = {"centre_reachable": True, "online_rate": rates.get(code), "staff": True}
    if code == "tthc":
        told = {"system_reachable": True}
    elif code not in rates:
        told = {}
    news = tuple(
        Reading(code, key, value, now, now, "test", numerator=value, denominator=100.0)
        if isinstance(value, float)
        else Reading(code, key, bool(value), now, now, "test")
        for key, value in told.items()
    )
    children = tuple(states[child] for child in policy.units.children(code))
    systems = {system: states[system] for system in policy.units[code].depends_on}
    return View(states[code], news, children, systems)


def asked(command, *words: str) -> Result:
    return CliRunner().invoke(command, words)


def stored(folder: Path) -> bytes:
    return (folder / "denbao.db").read_bytes()


def test_every_target_is_listed_and_a_group_names_the_smallest_set_that_would_do(folder):
    before = stored(folder)
    ended = asked(report, "targets", "--site", str(folder), "--json")
    tables = json.loads(ended.output)["tables"]
    lines = {(line["unit"], line["criterion"]): line for line in tables["targets"]}
    assert set(lines) == {("19", "all_green"), *((code, "online_rate") for code in COMMUNES)}
    group = lines["19", "all_green"]
    assert (group["value"], group["goal"], group["numerator"], group["denominator"]) == (50.0, ">= 100", 1, 2)
    [lacking] = tables["lacking"]
    assert (lacking["unit"], lacking["child"], lacking["gap"], lacking["needed"]) == ("19", "01843", 16.666667, True)
    assert (group["in_the_way"], group["needed"]) == (1, 1)
    assert group["days_left"] > group["working_days_left"] > 1000
    assert lines["01840", "online_rate"]["in_the_way"] is None
    assert (ended.exit_code, stored(folder) == before) == (0, True)


def test_the_list_can_be_read_by_people_and_narrowed(folder):
    text = asked(report, "targets", "--site", str(folder)).output
    assert re.search(r"all_green +01843 +Phường Bắc Kạn +17 % +có / yes", text)
    assert "3 chỉ tiêu; 0 quá hạn." in text
    assert "1 targets; 0 overdue." in asked(report, "targets", "--site", str(folder), "--unit", "01843").output
    none = asked(report, "targets", "--site", str(folder), "--level", "nation")
    assert ("No target was judged." in none.stderr, none.exit_code) == (True, 1)
    assert asked(report, "targets", "--site", str(folder), "--unit", "nowhere").exit_code == 2


def test_a_target_that_is_missed_ends_with_one(folder):
    site = load_site(folder, environ={}, now=SystemClock().now())
    asyncio.run(_again(site, 10.0))
    ended = asked(report, "targets", "--site", str(folder))
    assert ended.exit_code == 1
    assert "đỏ / red" in ended.output


def test_a_pdf_that_cannot_be_made_here_is_refused_before_anything_is_read(folder, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    ended = asked(report, "digest", "--site", str(folder), "--format", "pdf", "--out", str(tmp_path / "it.pdf"))
    assert ended.exit_code == 2
    assert "a PDF needs WeasyPrint, which this installation does not have: pip install 'denbao[pdf]'" in " ".join(
        ended.output.replace("│", " ").split()
    )
    assert not (tmp_path / "it.pdf").exists()


def test_a_report_goes_to_paper_where_weasyprint_is_installed(folder, tmp_path):
    paper = tmp_path / "it.pdf"
    ended = asked(report, "digest", "--site", str(folder), "--format", "pdf", "--out", str(paper))
    if "a PDF needs WeasyPrint" in ended.output:
        pytest.skip("WeasyPrint or the system's Pango is not installed")
    assert not ended.exception or isinstance(ended.exception, SystemExit), ended.exception
    assert (ended.exit_code, ended.output) in ((0, ""), (1, ""))  # 1: something of the digest is red
    assert paper.read_bytes().startswith(b"%PDF-")


async def _again(site: Site, rate: float) -> None:
    policy, now = policy_of(site), SystemClock().now()
    store = open_store(site.store_url, site.root)
    await store.open()
    states = {state.unit: state for state in await store.load_states()}
    await store.commit([decide(_view("01843", policy, states, {"01843": rate}, now), policy, now)])
    await store.close()


def test_a_supposed_colour_below_reaches_the_unit_through_the_same_rules_and_is_not_written(folder):
    before = stored(folder)
    ended = asked(explain, "19", "--site", str(folder), "--if", "01843=green", "--json")
    answer = json.loads(ended.output)
    assert (answer["hypothetical"], answer["if"], ended.exit_code) == (True, "01843=green", 0)
    units = {unit["unit"]: unit for unit in answer["units"]}
    assert (units["19"]["before"], units["19"]["after"]) == ("yellow", "green")
    assert units["19"]["criteria"]["all_green"] == {"before": "yellow", "after": "green", "value": 100.0}
    assert stored(folder) == before
    assert asked(explain, "19", "--site", str(folder)).output.startswith("19 Tỉnh Thái Nguyên: VÀNG")


def test_a_supposed_value_changes_the_unit_and_its_parents(folder):
    ended = asked(explain, "01843", "--site", str(folder), "--if", "online_rate=85")
    assert ended.output.startswith("GIẢ ĐỊNH / HYPOTHETICAL: online_rate=85.0 (không ghi gì / nothing is written)")
    assert "01843 Phường Bắc Kạn / Bac Kan ward: vàng -> xanh / yellow -> green" in ended.output
    assert "19 Tỉnh Thái Nguyên / Thai Nguyen province: vàng -> xanh / yellow -> green" in ended.output
    assert ended.exit_code == 0


def test_two_things_can_be_supposed_and_bad_news_ends_with_one(folder):
    ended = asked(explain, "19", "--site", str(folder), "--if", "01843=unknown, 01840=unknown")
    assert "vàng -> chưa rõ / yellow -> unknown" in ended.output
    assert ended.exit_code == 1


@pytest.mark.parametrize(
    ("unit", "thought", "says"),
    [
        ("19", "01844=green", "'01844' is neither a unit nor judged at 19; did you mean '01843'?"),
        ("19", "01843=gren", "'gren' is no colour; did you mean 'green'?"),
        ("19", "all_green=3", "all_green is made of the units below 19; write their colours, such as 02143=green"),
        ("19", "01843", "'01843' is no change; write 02143=green or online_submission_rate=85"),
        ("01840", "01843=green", "01843 does not lie in 01840"),
        ("01840", "online_rat=3", "'online_rat' is neither a unit nor judged at 01840; did you mean 'online_rate'?"),
        ("01840", "online_rate=300", "online_rate: 300 is more than the greatest possible 100"),
        ("01840", "online_rate=much", "online_rate: 'much' is not a number"),
        ("tthc", "system_outage_minutes=9", "system_outage_minutes is counted from system_reachable; write"),
    ],
)
def test_what_cannot_be_supposed_is_refused_with_the_nearest_name(folder, unit, thought, says):
    ended = asked(explain, unit, "--site", str(folder), "--if", thought)
    assert ended.exit_code == 2
    assert says in " ".join(ended.output.replace("│", " ").split())


def test_a_supposition_goes_with_no_past_instant(folder):
    ended = asked(explain, "19", "--site", str(folder), "--if", "01843=green", "--at", "2026-01-01")
    assert ended.exit_code == 2


def test_units_are_ranked_by_score_and_by_an_indicator(folder):
    ended = asked(report, "ranking", "--site", str(folder), "--json")
    places = json.loads(ended.output)["tables"]["places"]
    assert [(place["unit"], place["rank"], place["of"]) for place in places] == [("01840", 1, 2), ("01843", 2, 2)]
    assert (places[0]["value"], places[0]["change"], ended.exit_code) == (100.0, None, 0)
    text = asked(report, "ranking", "--site", str(folder), "--indicator", "online_rate", "--within", "19").output
    assert re.search(r"1 +2 +– +01840 +Phường Đức Xuân +90,00 %", text)
    assert "2 of 2 units have a rank" in text


def test_a_ranking_by_what_is_counted_over_children_has_its_own_name_and_unit(folder):
    ended = asked(report, "ranking", "--site", str(folder), "--indicator", "all_green", "--level", "province", "--json")
    told = json.loads(ended.output)
    assert told["title"] == ["Xếp hạng: Tất cả xã xanh", "Ranking: All communes green"]
    assert [place["value"] for place in told["tables"]["places"]] == [50.0]


def test_what_cannot_be_ranked_is_refused_with_the_nearest_name(folder):
    ended = asked(report, "ranking", "--site", str(folder), "--indicator", "online_rat")
    assert (ended.exit_code, "did you mean 'online_rate'?" in ended.output) == (2, True)
    assert asked(report, "ranking", "--site", str(folder), "--indicator", "staff").exit_code == 2
    assert asked(report, "ranking", "--site", str(folder), "--within", "99").exit_code == 2


INDEX = """
book: d766
version: "1"
title: {vi: Bộ chỉ số 766, en: Decision 766 index}
index:
  groups:
    - {id: MDSH, name: {vi: Số hóa, en: Digitisation}, max: 60}
    - {id: CLGQ, name: {vi: Trực tuyến, en: Online}, max: 40}
  grades:
    - {id: good, name: {vi: Tốt, en: Good}, at_least: 70, assumed: true}
    - {id: weak, name: {vi: Yếu, en: Weak}, at_least: 0}
standing: {min_coverage: 40}
criteria:
  - id: d766_online
    indicator: online_rate
    applies_to: {levels: [commune]}
    points: {group: CLGQ, max: 40, target: 80}
    alert: []
    source: a test
  - id: d766_digital
    indicator: digital_rate
    applies_to: {levels: [commune]}
    points: {group: MDSH, max: 60}
    alert: []
    source: a test
"""


@pytest.fixture
def indexed(folder: Path) -> Path:
    """The same site with an index, of which one group is known of nobody."""
    (folder / "rules" / "d766.yaml").write_text(INDEX, "utf-8")
    config, catalogue = folder / "config.yaml", folder / "rules" / "indicators.yaml"
    digital = (
        '  digital_rate: {name: {vi: Số, en: Digital}, sms: So hoa, unit: "%", group: data, cadence: daily, source: t}'
    )
    catalogue.write_text(f"{catalogue.read_text('utf-8')}{digital}\n", "utf-8")
    said = config.read_text("utf-8").replace("rules: [service]", "rules: [service, d766]\nby_hand: [digital_rate]")
    config.write_text(said.replace("denbao.db", "indexed.db"), "utf-8")
    site = load_site(folder, environ={}, now=SystemClock().now())
    asyncio.run(_judge(site, {"01840": 90.0, "01843": 70.0}))
    return folder


def test_the_ranking_shows_points_grade_and_groups_of_an_index_and_says_what_is_assumed(indexed):
    ended = asked(report, "ranking", "--site", str(indexed), "--json")
    best, other = json.loads(ended.output)["tables"]["index_d766"]
    assert (best["unit"], best["rank"], best["points"], best["known"]) == ("01840", 1, 40.0, 40.0)
    assert best["grade"] == ["Yếu", "Weak"]
    assert (best["CLGQ"], best["CLGQ_rank"], best["CLGQ_grade"]) == (40.0, 1, ["Tốt (giả định)", "Good (assumed)"])
    assert (best["MDSH"], best["MDSH_rank"], best["MDSH_grade"]) == (None, None, None)  # unknown is no zero
    assert (other["unit"], other["points"], other["CLGQ_rank"], other["change"]) == ("01843", 35.0, 2, None)
    text = asked(report, "ranking", "--site", str(indexed)).output
    assert "MDSH: Số hóa (60); CLGQ: Trực tuyến (40). / MDSH: Digitisation (60); CLGQ: Online (40)." in text


@pytest.mark.parametrize(
    ("by", "title", "value"),
    [
        ("d766", "Xếp hạng: Bộ chỉ số 766", 35.0),
        ("d766:CLGQ", "Xếp hạng: Bộ chỉ số 766, Trực tuyến (CLGQ)", 35.0),
        ("d766:MDSH", "Xếp hạng: Bộ chỉ số 766, Số hóa (MDSH)", None),
    ],
)
def test_units_are_ranked_by_an_index_and_by_its_groups(indexed, by, title, value):
    ended = asked(report, "ranking", "--site", str(indexed), "--indicator", by, "--json")
    told = json.loads(ended.stdout)
    assert (told["title"][0], ended.exit_code) == (title, 1 if value is None else 0)
    assert told["tables"]["places"][1]["value"] == value


def test_a_ranking_by_one_indicator_has_no_index_beside_it(indexed):
    ended = asked(report, "ranking", "--site", str(indexed), "--indicator", "online_rate", "--json")
    assert list(json.loads(ended.output)["tables"]) == ["places"]


@pytest.mark.parametrize("form", ["html", "xlsx", "csv", "text"])
def test_a_ranking_by_an_index_is_written_in_every_format(indexed, tmp_path, form):
    out = tmp_path / f"it.{form}"
    words = ("--indicator", "d766", "--format", form, "--out", str(out), "--table", "index_d766")
    assert asked(report, "ranking", "--site", str(indexed), *words[: 6 if form != "csv" else 8]).exit_code == 0
    if form == "csv":
        assert "01840" in out.read_text("utf-8") and "MDSH_rank" in out.read_text("utf-8")


KINDS = ("digest", "ranking", "targets", "availability", "incidents", "deliveries")


@pytest.mark.parametrize("kind", KINDS)
def test_every_report_is_written_to_a_file_in_every_format_and_changes_nothing(folder, tmp_path, kind):
    before = stored(folder)
    for form, begin in (("html", b"<!doctype html>"), ("xlsx", b"PK"), ("csv", b"\xef\xbb\xbf"), ("json", b"{")):
        out = tmp_path / f"report.{form}"
        ended = asked(report, kind, "--site", str(folder), "--format", form, "--out", str(out))
        assert (ended.exit_code in (0, 1), out.read_bytes().startswith(begin)) == (True, True), ended.output
    assert stored(folder) == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_report_of_a_time_without_data_says_so_and_ends_with_one(folder, kind):
    ended = asked(report, kind, "--site", str(folder), "--month", "2025-08")
    assert (ended.exit_code, "Traceback" in ended.output) == (1, False)
    assert "Nothing was recorded of this time; the record begins at 20" in ended.stderr


def test_the_past_is_rebuilt_from_history(folder):
    now = SystemClock().now().isoformat()
    ended = asked(report, "ranking", "--site", str(folder), "--at", now, "--json")
    places = json.loads(ended.output)["tables"]["places"]
    assert [(place["unit"], place["rank"]) for place in places] == [("01840", 1), ("01843", 2)]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("ranking", "--format", "docx"), "'docx' is not one of"),
        (("ranking", "--at", "tomorrow"), "'tomorrow' is no instant"),
        (("ranking", "--at", "2999-01-01"), "that time has not come yet"),
        (("incidents", "--at", "0001-01-15"), "'0001-01-15' is no instant"),
        (("deliveries", "--to", "0001-01-15"), "'0001-01-15' is no instant"),
        (("incidents", "--day", "2025-08-06", "--month", "2025-08"), "give one of at, day, month"),
        (("incidents", "--from", "2025-08-06", "--to", "2025-08-01"), "the span ends before it begins"),
        (("incidents", "--within", "nowhere"), "no unit has the code 'nowhere'"),
        (
            ("incidents", "--format", "csv", "--table", "nothing"),
            "there is no table 'nothing' here;",
        ),
        (("availability", "--green", "90", "--yellow", "95"), "yellow is not above green"),
        (("evidence", "--month", "2025-08"), "Missing option '--out'"),
    ],
)
def test_what_makes_no_sense_is_wrong_use(folder, words, says):
    ended = asked(report, *words, "--site", str(folder))
    assert (ended.exit_code, says in " ".join(ended.output.replace("│", " ").split())) == (2, True), ended.output


def test_a_pack_of_evidence_is_written_whole_or_not_at_all(folder, tmp_path):
    out = tmp_path / "pack.zip"
    ended = asked(report, "evidence", "--site", str(folder), "--out", str(out))
    assert ended.exit_code == 0 and "values and changes of colour" in ended.output
    with zipfile.ZipFile(out) as pack:
        assert pack.testzip() is None and "manifest.json" in pack.namelist()
    assert not list(tmp_path.glob("*.part"))
    empty = asked(report, "evidence", "--site", str(folder), "--out", str(out), "--month", "2025-08")
    assert (empty.exit_code, "nothing was recorded in this time" in empty.stderr) == (1, True)
    refused = asked(report, "evidence", "--site", str(folder), "--out", str(tmp_path / "no" / "pack.zip"))
    assert (refused.exit_code, "cannot be written" in refused.stderr) == (1, True)


def test_a_report_that_cannot_be_written_says_where(folder, tmp_path):
    ended = asked(report, "ranking", "--site", str(folder), "--out", str(tmp_path / "no" / "report.txt"))
    assert (ended.exit_code, "report.txt cannot be written" in ended.stderr) == (1, True)


def test_what_takes_long_says_how_far_it_is(monkeypatch, capsys):
    monkeypatch.setattr("monitor.cli.report._SECONDS_OF_QUIET", 0.0)
    telling = Telling()
    telling("readings", 12_345)
    telling.end()
    assert capsys.readouterr().err == "\rreadings: 12,345 \n"
