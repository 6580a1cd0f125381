"""The Grafana boards: made anew byte by byte, queries that fit the catalogue, and the rules of a good board."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml

from grafana.alerting import RULES, provisioned
from grafana.answers import filled
from grafana.boards import MAKERS, rendered
from grafana.boards.palette import HEX
from monitor.api import CATALOGUE
from monitor.engine import reasons
from monitor.model.colour import Colour
from monitor.web.routes import PAGES

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "grafana" / "dashboards"
MADE: dict[str, dict[str, Any]] = {name: json.loads(text) for name, text in rendered().items()}
SERIES = {name: labels for metric in CATALOGUE.values() for name, labels in metric.series.items()}
OF_PROMETHEUS: dict[str, tuple[str, ...]] = {"up": (), "scrape_duration_seconds": ()}
COUNTERS = ("_total", "_bucket", "_count", "_sum")
PROSE = {"text"}  # panels that ask nothing
VISUAL = {"stat", "timeseries", "table", "state-timeline", "bargauge"}
every_board = pytest.mark.parametrize("name", MADE)


def panels(name: str) -> list[dict[str, Any]]:
    return list(MADE[name]["panels"])


def asking(name: str) -> list[dict[str, Any]]:
    return [panel for panel in panels(name) if panel["type"] not in PROSE]


def shown(name: str) -> Iterator[str]:
    """Every expression of panels and marks."""
    for panel in panels(name):
        yield from (target["expr"] for target in panel.get("targets", ()))
    yield from (mark["target"]["expr"] for mark in MADE[name]["annotations"]["list"])


def queries(name: str) -> Iterator[str]:
    """Every expression of a board, also what variables ask."""
    yield from shown(name)
    for variable in MADE[name]["templating"]["list"]:
        if variable["type"] == "query":
            asked = re.fullmatch(r"(?:label_values|query_result)\((.+?)(?:, \w+)?\)", variable["query"]["query"])
            assert asked is not None, variable
            yield asked[1]


def parsed(name: str, expr: str) -> promql.Expr:
    return promql.parse(filled(expr, name.partition(".")[0]))


def nodes(found: Any) -> Iterator[Any]:
    """An expression and everything in it."""
    yield found
    for part in ("expr", "lhs", "rhs", "vector_selector"):
        inner = getattr(found, part, None)
        if inner is not None:
            yield from nodes(inner)
    for inner in getattr(found, "args", ()) or ():
        yield from nodes(inner)


def selectors(found: Any) -> Iterator[Any]:
    return (node for node in nodes(found) if isinstance(node, promql.VectorSelector))


def test_the_boards_on_disk_are_what_the_code_makes_byte_by_byte():
    on_disk = {path.name: path.read_text("utf-8") for path in FOLDER.iterdir()}
    assert on_disk == dict(rendered())
    assert set(MADE) == {f"{name}.{language}.json" for name in MAKERS for language in ("vi", "en")}


def test_both_languages_ask_the_same_and_say_it_differently():
    for board in MAKERS:
        ours, theirs = f"{board}.vi.json", f"{board}.en.json"
        assert list(queries(ours)) == list(queries(theirs))
        assert [panel["gridPos"] for panel in panels(ours)] == [panel["gridPos"] for panel in panels(theirs)]
        for panel, twin in zip(panels(ours), panels(theirs), strict=True):
            assert panel["description"] != twin["description"]
    text = " ".join(path.read_text("utf-8") for path in FOLDER.glob("*.en.json")).replace("Tiếng Việt", "")
    assert not re.search("[ạảấầậếềệịọốồộớờợụứừựỳỵ]", text)


@every_board
def test_every_query_asks_for_metrics_and_labels_of_the_catalogue(name: str):
    known = {**SERIES, **OF_PROMETHEUS}
    for expr in queries(name):
        asked = list(selectors(parsed(name, expr)))
        assert asked
        for selector in asked:
            assert selector.name in known, expr
            labels = {matcher.name for matcher in selector.matchers.matchers}
            assert labels <= {*known[selector.name], "job", "instance"}, expr


@every_board
def test_every_query_is_of_the_chosen_job(name: str):
    for expr in queries(name):
        if expr != "denbao_build_info":  # asks which jobs there are
            assert expr.count('job=~"$job"') == len(list(selectors(parsed(name, expr)))), expr
    if name.startswith("monitor."):
        assert all('instance=~"$instance"' in target["expr"] for panel in panels(name) for target in panel["targets"])


@every_board
def test_a_counter_is_only_asked_for_its_growth_over_a_window_that_grafana_chooses(name: str):
    for expr in shown(name):
        assert set(re.findall(r"\[(.+?)\]", expr)) <= {"$__range", "$__rate_interval"}, expr
        for metric in re.findall(r"denbao_\w+", expr):
            if metric.endswith(COUNTERS):
                assert re.search(rf"(rate|increase)\({metric}\{{[^}}]*\}}\[", expr), expr


@every_board
def test_every_panel_has_title_sentence_unit_legend_and_the_chosen_data_source(name: str):
    assert {panel["type"] for panel in panels(name)} <= VISUAL | PROSE
    assert len({panel["title"] for panel in panels(name)}) == len(panels(name))
    assert [panel["id"] for panel in panels(name)] == list(range(1, len(panels(name)) + 1))
    for panel in panels(name):
        assert panel["title"] and panel["description"].endswith("."), panel["title"]
    for panel in asking(name):
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["targets"]
        for target in panel["targets"]:
            assert target["legendFormat"]
            assert target["datasource"] == panel["datasource"]
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


@every_board
def test_nothing_names_a_data_source_of_one_machine(name: str):
    board = MADE[name]
    [first, job, *rest] = board["templating"]["list"]
    assert (first["name"], first["type"], first["query"]) == ("datasource", "datasource", "prometheus")
    assert (job["name"], job["multi"], job["includeAll"], job["allValue"]) == ("job", True, True, ".+")
    for asks in (*board["annotations"]["list"], *(one for one in rest if one["type"] == "query")):
        assert asks["datasource"]["uid"] == "${datasource}"
    used = set(re.findall(r"\$\{?([a-z_]+)", " ".join(queries(name))))
    assert used - {"__range", "__rate_interval"} <= {variable["name"] for variable in board["templating"]["list"]}


@every_board
def test_panels_stand_on_the_grid_and_none_covers_another(name: str):
    places = [panel["gridPos"] for panel in panels(name)]
    assert all(place["x"] + place["w"] <= 24 and place["h"] > 0 for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above, (one, other)


@every_board
def test_a_board_cannot_be_changed_by_hand_and_shows_the_time_of_vietnam(name: str):
    board = MADE[name]
    assert (board["editable"], board["timezone"], board["refresh"]) == (False, "Asia/Ho_Chi_Minh", "1m")
    assert board["uid"] == f"denbao-{name.removesuffix('.json').replace('.', '-')}"
    assert [mark["name"] for mark in board["annotations"]["list"]]


def test_links_lead_to_boards_and_pages_that_exist():
    uids = {board["uid"] for board in MADE.values()}
    paths = {route.path for route in PAGES}
    for name in MADE:
        text = (FOLDER / name).read_text("utf-8")
        assert set(re.findall(r"/d/([\w-]+)", text)) <= uids
        for path in re.findall(r"\$\{board:raw\}(/[a-z]*)", text):
            assert path in paths or f"{path}/{{code}}" in paths
        language = name.split(".")[1]
        others = [link for link in MADE[name]["links"] if link["type"] == "dashboards"]
        assert [link["tags"] for link in others] == [[f"denbao-{language}"]]
        assert all(f"denbao-{language}" in MADE[twin]["tags"] for twin in MADE if f".{language}." in twin)


def test_colours_are_those_of_the_live_board_and_each_has_a_shape_and_a_word():
    css = (ROOT / "monitor" / "web" / "static" / "board.css").read_text("utf-8")
    assert all(colour in css for colour in HEX.values())
    assert len(set(HEX.values())) == len(Colour)
    for name in MADE:
        text = (FOLDER / name).read_text("utf-8")
        assert set(re.findall("#[0-9a-f]{6}", text)) <= set(HEX.values())
    shown = {"vi": "○ Chưa rõ ● Xanh ▲ Vàng ■ Đỏ ◆ Bảo trì", "en": "○ Unknown ● Green ▲ Yellow ■ Red ◆ Maintenance"}
    for language, words in shown.items():
        [tiles] = [one for one in panels(f"nation.{language}.json") if one["id"] == 1]
        [mapping] = tiles["fieldConfig"]["defaults"]["mappings"]
        told = {number: (result["text"], result["color"]) for number, result in mapping["options"].items()}
        assert set(told) == {"-2", "-1", "0", "1", "2"}
        assert all(text in words for text, _ in told.values())
        assert len({text[0] for text, _ in told.values()}) == 5
        assert told["2"][1] == HEX[Colour.RED] and told["0"][1] == HEX[Colour.GREEN]


def test_grafanas_alert_rules_are_those_of_prometheus():
    on_disk = (ROOT / "grafana" / "provisioning" / "alerting" / "denbao.yaml").read_text("utf-8")
    assert on_disk == provisioned()
    theirs = [rule for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"] for rule in group["rules"]]
    ours = [rule for group in yaml.safe_load(on_disk)["groups"] for rule in group["rules"]]
    assert [(rule["title"], rule["data"][0]["model"]["expr"], rule["for"]) for rule in ours] == [
        (rule["alert"], rule["expr"], rule.get("for", "0m")) for rule in theirs if "alert" in rule
    ]
    assert len({rule["uid"] for rule in ours}) == len(ours)
    assert all(rule["annotations"]["summary"] and rule["annotations"]["description"] for rule in ours)


def test_what_grafana_starts_with_fits_together():
    folder = ROOT / "grafana" / "provisioning"
    [source] = yaml.safe_load((folder / "datasources" / "denbao.yaml").read_text("utf-8"))["datasources"]
    [boards] = yaml.safe_load((folder / "dashboards" / "denbao.yaml").read_text("utf-8"))["providers"]
    alerts = yaml.safe_load((folder / "alerting" / "denbao.yaml").read_text("utf-8"))["groups"]
    scraped = yaml.safe_load((ROOT / "docs" / "scrape" / "prometheus.yaml").read_text("utf-8"))
    assert {group["folder"] for group in alerts} == {boards["folder"]}
    asked = {step["datasourceUid"] for group in alerts for rule in group["rules"] for step in rule["data"]}
    assert asked == {source["uid"], "__expr__"}
    chosen = {one["templating"]["list"][0]["current"]["value"] for one in MADE.values()}
    assert chosen == {source["uid"]}
    assert source["jsonData"]["timeInterval"] == scraped["global"]["scrape_interval"]


def test_every_reason_has_its_sentence_on_the_board_of_a_commune_with_dots_for_figures():
    codes = {word for name, word in vars(reasons).items() if name.isupper()}
    for language, stale in (("vi", "số liệu đã cũ … (giới hạn …), không còn được tin"), ("en", "the data is … old")):
        [why] = [one for one in asking(f"commune.{language}.json") if "denbao_criterion_reason_info" in str(one)]
        overrides = {one["matcher"]["options"]: one["properties"] for one in why["fieldConfig"]["overrides"]}
        [[mapping]] = [one["value"] for one in overrides["reason"] if one["id"] == "mappings"]
        told = {code: result["text"] for code, result in mapping["options"].items()}
        assert set(told) == {*codes, "met"}
        assert told["stale"].startswith(stale)
        assert not [text for text in told.values() if set(text) & set("{}")]


# -- the rules of Grafana's own linter (github.com/grafana/dashboard-linter, Apache 2.0), by its names ----------------

UNITS = {"none", "short", "percent", "percentunit", "s", "bytes", "dateTimeAsLocal", "reqps", "currencyVND"}
PER_SECOND = {"rate", "irate"}
Complaints = Iterator[str]


def variable(board: dict[str, Any], name: str) -> dict[str, Any] | None:
    return next((one for one in board["templating"]["list"] if one["name"] == name), None)


def targets(board: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for panel in board["panels"]:
        if panel["type"] not in PROSE:
            yield from ((panel, target) for target in panel["targets"])


def chosen_source(board: dict[str, Any]) -> Complaints:
    """The label is in the reader's language; the linter wants "Data source"."""
    source = variable(board, "datasource")
    if source is None or (source["type"], source["query"]) != ("datasource", "prometheus"):
        yield "no variable datasource"
    elif source["label"] not in ("Data source", "Nguồn dữ liệu"):
        yield source["label"]


def choice(name: str, *labels: str):
    def asked(board: dict[str, Any]) -> Complaints:
        found = variable(board, name)
        if found is None or found["type"] != "query" or found["datasource"]["uid"] != "${datasource}":
            yield f"no variable {name} that asks the chosen data source"
        elif not found["multi"] or found["allValue"] != ".+" or found["label"] not in labels:
            yield f"{name}: several, all of them as '.+', under the name of a label"

    return asked


def asked_anew(board: dict[str, Any]) -> Complaints:
    yield from (one["name"] for one in board["templating"]["list"] if one["type"] == "query" and one["refresh"] != 2)


def sound_choices(board: dict[str, Any]) -> Complaints:
    for one in board["templating"]["list"]:
        if one["type"] == "query" and not re.fullmatch(r"(label_values|query_result)\(.+\)", one["query"]["query"]):
            yield one["query"]["query"]


def from_the_chosen_source(board: dict[str, Any]) -> Complaints:
    yield from (panel["title"] for panel, _ in targets(board) if panel["datasource"]["uid"] != "${datasource}")


def told_what_it_is(board: dict[str, Any]) -> Complaints:
    yield from (str(panel["id"]) for panel in board["panels"] if not (panel["title"] and panel["description"]))


def measured_in(board: dict[str, Any]) -> Complaints:
    for panel, _ in targets(board):
        said = [panel["fieldConfig"]["defaults"]["unit"]]
        said += [
            one["value"]
            for override in panel["fieldConfig"]["overrides"]
            for one in override["properties"]
            if one["id"] == "unit"
        ]
        yield from (f"{panel['title']}: {unit}" for unit in said if unit not in UNITS)


def asks_something(board: dict[str, Any]) -> Complaints:
    yield from (panel["title"] for panel in board["panels"] if panel["type"] not in PROSE and not panel["targets"])


def understood(board: dict[str, Any]) -> Complaints:
    for _, target in targets(board):
        try:
            promql.parse(filled(target["expr"], ""))
        except ValueError as wrong:
            yield f"{target['expr']}: {wrong}"


def over_grafanas_window(board: dict[str, Any]) -> Complaints:
    """A rate is asked over $__rate_interval; a growth over all that is shown may be asked over $__range."""
    for _, target in targets(board):
        for function, window in re.findall(r"(\w+)\([^()\[]+\[([^]]+)\]", target["expr"]):
            if window != "$__rate_interval" and (function in PER_SECOND or window != "$__range"):
                yield target["expr"]


def of_the_job(board: dict[str, Any]) -> Complaints:
    for _, target in targets(board):
        for selector in selectors(promql.parse(filled(target["expr"], ""))):
            if "job" not in {one.name for one in selector.matchers.matchers}:
                yield target["expr"]


def only_grown(board: dict[str, Any]) -> Complaints:
    for _, target in targets(board):
        for found in re.finditer(r"(\w*\()?\w+_total\b", target["expr"]):
            if found[1] not in ("rate(", "irate(", "increase("):
                yield target["expr"]


def untouched(board: dict[str, Any]) -> Complaints:
    if board["editable"]:
        yield "editable"


RULES_OF_THE_LINTER = {
    "template-datasource-rule": chosen_source,
    "template-job-rule": choice("job", "Job", "Tác vụ"),
    "template-on-time-change-reload-rule": asked_anew,
    "template-label-promql-rule": sound_choices,
    "panel-datasource-rule": from_the_chosen_source,
    "panel-title-description-rule": told_what_it_is,
    "panel-units-rule": measured_in,
    "panel-no-targets-rule": asks_something,
    "target-promql-rule": understood,
    "target-rate-interval-rule": over_grafanas_window,
    "target-job-rule": of_the_job,
    "target-counter-agg-rule": only_grown,
    "uneditable-dashboard": untouched,
}
INVERTED = ("template-instance-rule", "target-instance-rule")
WITHOUT_LOKI = ("target-logql-rule", "target-logql-auto-rule")


@every_board
@pytest.mark.parametrize("rule", RULES_OF_THE_LINTER)
def test_a_board_keeps_the_rules_of_grafanas_linter(name: str, rule: str):
    assert list(RULES_OF_THE_LINTER[rule](MADE[name])) == []


@every_board
def test_only_the_board_of_the_monitor_itself_asks_of_one_machine(name: str):
    """Two services of one site say the same of a unit: it is counted once, and whose word it is does not matter."""
    asks = choice("instance", "Instance", "Máy")
    own = name.startswith("monitor.")
    assert (list(asks(MADE[name])) == []) is own
    assert own or not [expr for expr in queries(name) if "instance" in expr]


def test_the_documentation_names_each_rule_and_what_is_made_of_it():
    said = (ROOT / "docs" / "stack.md").read_text("utf-8")
    named = set(re.findall(r"`((?:template|panel|target)-[a-z-]+-rule|uneditable-dashboard)`", said))
    assert named == {*RULES_OF_THE_LINTER, *INVERTED, *WITHOUT_LOKI}


MISTAKES: dict[str, tuple[tuple[str, ...], object]] = {  # where in a board, its first curve or query, and what is there
    "template-datasource-rule": (("source", "name"), "prometheus"),
    "template-job-rule": (("job", "allValue"), ".*"),
    "template-on-time-change-reload-rule": (("job", "refresh"), 1),
    "template-label-promql-rule": (("job", "query", "query"), "values(job)"),
    "panel-datasource-rule": (("panel", "datasource", "uid"), "of-my-machine"),
    "panel-title-description-rule": (("panel", "description"), ""),
    "panel-units-rule": (("panel", "fieldConfig", "defaults", "unit"), "minutes"),
    "panel-no-targets-rule": (("panel", "targets"), []),
    "target-promql-rule": (("target", "expr"), "sum(denbao_units"),
    "target-rate-interval-rule": (("target", "expr"), 'rate(denbao_notices_total{job=~"$job"}[$__range])'),
    "target-job-rule": (("target", "expr"), "sum(denbao_units)"),
    "target-counter-agg-rule": (("target", "expr"), 'sum(denbao_notices_total{job=~"$job"})'),
    "uneditable-dashboard": (("board", "editable"), True),
}


def planted(rule: str) -> dict[str, Any]:
    """A board with one mistake."""
    board: dict[str, Any] = json.loads(json.dumps(MADE["oncall.en.json"]))
    source, job = board["templating"]["list"][:2]
    panel = next(one for one in board["panels"] if one["type"] == "timeseries")
    (*way, last), value = MISTAKES[rule]
    place: Any = {"board": board, "source": source, "job": job, "panel": panel, "target": panel["targets"][0]}
    for step in way:
        place = place[step]
    place[last] = value
    return board


@pytest.mark.parametrize("rule", RULES_OF_THE_LINTER)
def test_each_rule_finds_the_mistake_that_it_is_there_for(rule: str):
    assert list(RULES_OF_THE_LINTER[rule](planted(rule)))
