"""Grafana's own alert rules, made from those of Prometheus in grafana/alerts, for who lets Grafana watch.

A rule of Prometheus fires for every series that its query gives, whatever the value. In Grafana that is a query, an
expression that is 1 for each series, and a threshold above 0; Grafana's own import of Prometheus rules does the same.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

RULES = Path(__file__).parent / "alerts" / "monitor.yaml"
_HEAD = "# Made by `python -m grafana` from grafana/alerts/monitor.yaml: who changes that makes this anew.\n"
_ANY = "is_number($A) || is_nan($A) || is_inf($A)"
_SPAN = {"from": 600, "to": 0}  # seconds before now


def provisioned() -> str:
    """The provisioning file."""
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    document = {"apiVersion": 1, "groups": [_group(group) for group in groups]}
    return _HEAD + yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=120)


def _group(group: dict[str, Any]) -> dict[str, Any]:
    rules = [_rule(rule) for rule in group["rules"] if "alert" in rule]
    return {"orgId": 1, "name": group["name"], "folder": "Đèn báo", "interval": "1m", "rules": rules}


def _rule(rule: dict[str, Any]) -> dict[str, Any]:
    name = rule["alert"]
    return {
        "uid": re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower(),
        "title": name,
        "condition": "C",
        "data": [
            _step("A", "denbao", {"expr": rule["expr"], "instant": True, "range": False}),
            _step("B", "__expr__", {"type": "math", "expression": _ANY}),
            _step("C", "__expr__", {"type": "threshold", "expression": "B", "conditions": [_above_zero()]}),
        ],
        "noDataState": "OK",
        "execErrState": "Error",
        "for": rule.get("for", "0m"),
        "labels": rule.get("labels", {}),
        "annotations": rule.get("annotations", {}),
    }


def _above_zero() -> dict[str, Any]:
    return {"evaluator": {"type": "gt", "params": [0]}}


def _step(ref: str, source: str, model: dict[str, Any]) -> dict[str, Any]:
    return {"refId": ref, "relativeTimeRange": dict(_SPAN), "datasourceUid": source, "model": {"refId": ref, **model}}
