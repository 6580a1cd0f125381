"""Rules in grafana/alerts: promtool accepts them, each fires and is silent when it must, and asks for what there is."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporters.catalogue import CATALOGUE

FOLDER = Path(__file__).parents[2] / "grafana" / "alerts"
RULES = sorted(path for path in FOLDER.glob("*.yaml") if not path.stem.endswith("_test"))
each = pytest.mark.parametrize("rules", RULES, ids=lambda path: path.stem)


def run(*arguments: str) -> str:
    done = subprocess.run(["promtool", *arguments], check=False, cwd=FOLDER, capture_output=True, text=True, timeout=60)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def rules_of(path: Path) -> list[dict[str, Any]]:
    return [rule for group in read(path)["groups"] for rule in group["rules"]]


@pytest.mark.integration
@pytest.mark.needs("promtool")
@each
def test_promtool_finds_the_rules_right(rules):
    assert run("check", "rules", rules.name) == ""


@pytest.mark.integration
@pytest.mark.needs("promtool")
@each
def test_the_rules_pass_their_own_tests(rules):
    assert run("test", "rules", f"{rules.stem}_test.yaml") == ""


def test_every_alert_has_a_world_in_which_it_fires_and_one_in_which_it_is_silent():
    tried = [
        (test["alertname"], bool(test["exp_alerts"]))
        for world in read(FOLDER / "monitor_test.yaml")["tests"]
        for test in world["alert_rule_test"]
    ]
    alerts = [rule["alert"] for rule in rules_of(FOLDER / "monitor.yaml")]
    assert sorted(tried) == sorted((alert, fires) for alert in alerts for fires in (True, False))


def test_every_recording_rule_is_asked_for_in_its_tests():
    worlds = read(FOLDER / "totals_test.yaml")["tests"]
    asked = {test["expr"].partition("{")[0] for world in worlds for test in world["promql_expr_test"]}
    assert asked == {rule["record"] for rule in rules_of(FOLDER / "totals.yaml")}


@each
def test_rules_ask_only_for_series_and_labels_that_the_catalogue_has(rules):
    known = {name: labels for metric in CATALOGUE.values() for name, labels in metric.series.items()}
    asked = [
        (name, re.findall(r"(\w+)(?==|!=|=~|!~)", inside or ""))
        for rule in rules_of(rules)
        for name, inside in re.findall(r"\b(denbao_\w+)(?:\{([^}]*)\})?", rule["expr"])
    ]
    assert asked
    assert [(name, label) for name, labels in asked for label in (*labels, None) if name not in known] == []
    assert [(name, label) for name, labels in asked for label in labels if label not in known[name]] == []


def test_every_alert_says_in_two_languages_what_is_wrong_and_how_bad_it_is():
    for rule in rules_of(FOLDER / "monitor.yaml"):
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert set(rule["annotations"]) == {"summary", "description"}
        assert rule["annotations"]["summary"] != rule["annotations"]["description"]
        assert f"`{rule['alert']}`" in (FOLDER.parents[1] / "docs" / "prometheus.md").read_text("utf-8")
