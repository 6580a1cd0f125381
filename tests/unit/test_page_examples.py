"""What the pages show of config.yaml is taken by `denbao check`: every example, put into the site that is shipped."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import trustme
import yaml

from monitor.config.build import check_site

ROOT = Path(__file__).parents[2]
AUTHORITY = trustme.CA()
NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
BLOCK = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
ENVIRON = dict.fromkeys(("PORTAL_USER", "PORTAL_PASSWORD", "REGISTER_PASSWORD", "PUSH_AUTH"), "x") | {
    "DENBAO_HEARTBEAT": "https://hc.example/x",
    "DENBAO_HEARTBEAT_URL": "https://hc.example/x",
    "DENBAO_MAIL_URL": "mailtos://u:p@smtp.example.vn?to={address}",
}
# Pages whose examples have tests of their own: test_rule_pages, test_first_rule, test_channel_config, test_site_texts.
ELSEWHERE = {"rules.md", "first-rule.md", "channels.md", "answering.md", "texts.md"}


class Draft:
    """A copy of the shipped site that is still written on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("rules", "exporters"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        self.config: dict[str, Any] = yaml.safe_load((ROOT / "config.yaml").read_text("utf-8"))
        (folder / "secrets").mkdir()
        self.put("secrets/mimir", "Bearer x").chmod(0o640)

    def put(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    def one(self, section: str, name: str) -> dict[str, Any]:
        """The entry of this id."""
        return next(entry for entry in self.config[section] if entry["id"] == name)

    def indicator(self, name: str, unit: str = "bool", cadence: str = "10m") -> None:
        text = f"\n  {name}: {{name: {{vi: x, en: x}}, sms: {name[:12]}, unit: {unit}, group: infrastructure,"
        with (self.folder / "rules" / "indicators.yaml").open("a", encoding="utf-8") as file:
            file.write(f"{text} cadence: {cadence}, source: a page}}\n")

    def without_feeds_of(self, *indicators: str) -> None:
        """Take out what fills these already."""
        for feed in self.config["feeds"]:
            feed["columns"] = {name: column for name, column in feed["columns"].items() if name not in indicators}
        self.config["feeds"] = [feed for feed in self.config["feeds"] if feed["columns"]]

    @property
    def problems(self) -> list[str]:
        (self.folder / "config.yaml").write_text(
            json.dumps(self.config, ensure_ascii=False, indent=1, default=str), "utf-8"
        )
        return [str(problem) for problem in check_site(self.folder, ENVIRON, NOW)]


Place = Callable[[Draft, Any], None]


def _merged(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{key: _merged(old.get(key), value) for key, value in new.items()}}
    return [*new, *old] if isinstance(old, list) and isinstance(new, list) else new


def _merge(draft: Draft, block: Any) -> None:
    draft.config = _merged(draft.config, block)


def _feed(*without: str) -> Place:
    def place(draft: Draft, block: Any) -> None:
        draft.without_feeds_of(*without)
        draft.config["feeds"] += block

    return place


def _paging(draft: Draft, block: Any) -> None:
    draft.one("feeds", "portal").update(block)


def _certificates(draft: Draft) -> None:
    (draft.folder / "certificates").mkdir(exist_ok=True)
    certificate = AUTHORITY.issue_cert("denbao")
    for name in ("tinh", "db"):
        AUTHORITY.cert_pem.write_to_path(draft.folder / "certificates" / f"{name}.pem")
    for name in ("denbao", "reader"):
        certificate.private_key_and_cert_chain_pem.write_to_path(draft.folder / "secrets" / f"{name}.pem")
        (draft.folder / "secrets" / f"{name}.pem").chmod(0o640)


def _certified(draft: Draft, block: Any) -> None:
    draft.config["network"]["allow"].append("10.1.2.3/32:443")
    _certificates(draft)
    draft.indicator("certified")
    columns = {"certified": {"value": "x"}}
    draft.config["feeds"] += [{**draft.one("feeds", "manual"), **block, "id": "certified", "columns": columns}]


def _folder(draft: Draft, block: Any) -> None:
    (draft.folder / "inbox").mkdir()
    feed = draft.one("feeds", "manual")
    del feed["url"]
    feed.update(block)


def _database(draft: Draft, block: Any) -> None:
    (draft.folder / "data").mkdir()
    sqlite3.connect(draft.folder / "data" / "register.db").close()
    _feed("on_time_rate")(draft, block)


def _server(draft: Draft, block: Any) -> None:
    _certificates(draft)
    draft.config["network"]["allow"].append("10.1.2.3/32:5432")
    (feed,) = block
    feed |= {
        "id": "register-2",
        "unit": "code",
        "period": "5m",
        "max_silence": "26h",
        "columns": {"on_time_rate": {"value": "rate"}},
    }
    _feed("on_time_rate")(draft, block)


def _promql(draft: Draft, block: Any) -> None:
    draft.config["network"]["allow"].append("10.1.2.3/32:9090")
    draft.config["probes"] = [probe for probe in draft.config["probes"] if probe["id"] != "centre-health"]
    _feed("network_loss_rate")(draft, block)


def _heartbeat(draft: Draft, block: Any) -> None:
    draft.indicator("backup_done", cadence="1d")
    _merge(draft, block)


def _schedules(draft: Draft, block: Any) -> None:
    people = ("an", "binh", "cuong", "dung")
    draft.config["recipients"] += [
        {"id": one, "role": "dost_duty", "scope": "19", "channels": ["log"]} for one in people
    ]
    draft.put("rules/roster.csv", "from,until,who\n2026-12-01T07:30,2026-12-02T07:30,an\n")
    _merge(draft, block)


def _policies(draft: Draft, block: Any) -> None:
    policies = draft.config["escalation"]["policies"]
    next(policy for policy in policies if policy["name"] == "system-outage")["name"] = "any-outage"
    draft.config["channels"] |= {name: {"kind": "log"} for name in ("sms", "email")}
    draft.config["recipients"] += [  # the site has a system of the nation
        {"id": role.replace("_", "-"), "role": role, "scope": "VN", "channels": ["log"]}
        for role in ("dost_duty", "ppc_office", "ppc_vice_chair")
    ]
    _merge(draft, block)


def _explained(draft: Draft, block: Any) -> None:
    text = (draft.folder / "rules" / "service_health.yaml").read_text("utf-8")
    (criterion,) = block
    assert f"explained_by: [{', '.join(criterion['explained_by'])}]" in text  # the shipped rules show it


def _collapse(draft: Draft, block: Any) -> None:
    policies = draft.config["escalation"]["policies"]
    mass = next(policy for policy in policies if policy["name"] == "mass-outage")
    mass["levels"].append("nation")
    mass["steps"][0]["to"].append("central_support")
    draft.config["escalation"]["collapse"] = []
    _merge(draft, block)


def _own_alarm(draft: Draft, block: Any) -> None:
    draft.config["channels"]["operators"] = {"kind": "log"}
    next(one for one in draft.config["recipients"] if one["id"] == "central-support-vn")["channels"] += ["operators"]
    _merge(draft, block)


def _derives(draft: Draft, block: Any) -> None:
    (probe,) = block["probes"]
    draft.one("probes", probe["id"])["derives"] = probe["derives"]


def _own_line(draft: Draft, block: Any) -> None:
    draft.config["network"]["allow"].append("10.0.0.1/32:*")
    common = {"units": {"codes": ["line-19"]}, "period": "15s", "timeout": "5s"}
    draft.indicator("gateway_up")
    draft.indicator("names_up")
    draft.config["probes"] += [
        {**common, "id": "gateway", "kind": "icmp", "gives": "gateway_up", "host": "10.0.0.1"},
        {**common, "id": "names", "kind": "dns", "gives": "names_up", "server": "10.0.0.1", "name": "gov.vn"},
    ]
    _merge(draft, block)


def _journey(draft: Draft, block: Any) -> None:
    (probe,) = block
    probe["units"] = {"codes": ["tthc-19"]}
    draft.indicator("sign_in_works")
    draft.indicator("portal_latency", "s")
    draft.config["probes"] += block


# By page and place on it, from 1.
EXAMPLES: dict[tuple[str, int], Place] = {
    ("data-sources.md", 1): _certified,
    ("data-sources.md", 2): _paging,
    ("data-sources.md", 3): _feed("on_time_rate"),
    ("data-sources.md", 4): _folder,
    ("data-sources.md", 5): _database,
    ("data-sources.md", 6): _server,
    ("data-sources.md", 7): _promql,
    ("data-sources.md", 8): _feed("d766_total_score", "on_time_rate", "overdue_dossiers"),
    ("data-sources.md", 9): _heartbeat,
    ("directory.md", 1): _schedules,
    ("escalation.md", 1): _policies,
    ("escalation.md", 2): _explained,
    ("escalation.md", 3): _collapse,
    ("escalation.md", 4): _merge,
    ("muting.md", 1): _merge,
    ("own-alarm.md", 1): _own_alarm,
    ("probes.md", 1): _derives,
    ("probes.md", 2): _merge,
    ("probes.md", 3): _own_line,
    ("probes.md", 4): _journey,
    ("prometheus.md", 1): _merge,
    ("prometheus.md", 2): _merge,
    ("public.md", 1): _merge,
    ("retention.md", 1): _merge,
}


def _blocks(page: str) -> list[str]:
    return BLOCK.findall((ROOT / "docs" / page).read_text("utf-8"))


def test_no_example_of_a_page_is_left_out() -> None:
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - ELSEWHERE
    assert set(EXAMPLES) == {(page, number) for page in pages for number in range(1, len(_blocks(page)) + 1)}


def test_every_example_of_the_pages_is_taken(tmp_path: Path) -> None:
    draft = Draft(tmp_path)
    for (page, number), place in EXAMPLES.items():
        place(draft, yaml.safe_load(_blocks(page)[number - 1].replace("    ...\n", "")))
    assert draft.problems == []


OFF = re.compile(r"^( *)#(?: (?=[a-z]+: \{)|(?=[ {-]*[a-zđếàệ_ ]+: ?))(.*)$", re.MULTILINE)  # a setting behind a sign


def test_what_the_shipped_config_shows_behind_a_sign_is_taken_without_it(tmp_path: Path) -> None:
    draft = Draft(tmp_path)
    text, switched_on = OFF.subn(r"\1\2", (ROOT / "config.yaml").read_text("utf-8"))
    assert switched_on == 22
    text = re.sub(r"(?:mailto|json)s://.*", "", text)  # it tells what the secret looks like
    draft.config = yaml.safe_load(text)
    draft.put("var/webhook.url", "jsons://gateway.example/x").chmod(0o600)
    (tmp_path / "inbox" / "nq57").mkdir(parents=True)
    assert draft.problems == []
