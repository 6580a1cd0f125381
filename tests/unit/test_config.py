"""The default site and the good site as frozen types; secrets; schemas."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from monitor.config.build import check_site, load_site
from monitor.config.probespec import HttpCheck, TcpCheck
from monitor.config.schema import NAMES, json_schema
from monitor.config.spec import AsOf, Site
from monitor.model.errors import ConfigError
from monitor.model.unit import Level
from tests.unit.sites import DATA, NOW, change, make_site, problems_of

ROOT = Path(__file__).parent.parent.parent
CANARY = "canary-7f3e"


@pytest.fixture(scope="module")
def default() -> Site:
    return load_site(ROOT, environ={}, now=NOW)


def test_the_default_site_has_no_problems():
    assert [str(problem) for problem in check_site(ROOT, {}, NOW)] == []


def test_the_default_site_is_thai_nguyen_with_its_92_communes(default):
    assert [unit.code for unit in default.units.at(Level.PROVINCE)] == ["19"]
    assert len(default.units.children("19")) == 92
    assert [unit.code for unit in default.units.at(Level.SYSTEM)] == ["tthc-19", "dvcqg", "line-19"]
    assert default.units.lineage("02143") == ("02143", "19", "VN")
    assert default.units["02143"].depends_on == ("tthc-19", "line-19")
    assert default.units["19"].depends_on == ("tthc-19",)
    assert default.units["tthc-19"].depends_on == ("dvcqg",)


def test_a_probe_of_many_units_becomes_many_probes(default):
    assert len(default.probes) == 92 + 2 + 1
    probe = next(probe for probe in default.probes if probe.unit == "02143")
    assert (probe.id, probe.gives, probe.period) == ("centre-health/02143", "centre_reachable", 30.0)
    assert isinstance(probe.asks, HttpCheck)
    assert probe.asks.url == "http://127.0.0.1:8867/centres/02143/health"


def test_the_portal_feed_maps_department_codes_to_communes(default):
    feed = next(feed for feed in default.feeds if feed.id == "portal")
    assert (feed.kind, feed.method, feed.as_of, feed.as_of_field) == ("json", "POST", AsOf.FIELD, "updatedAt")
    assert feed.mapping["H19"] == "19"
    assert len(feed.expects) == 92
    assert feed.expects <= set(feed.mapping.values())


def test_vietnamese_words_of_the_hand_kept_list_have_their_meaning(default):
    feed = next(feed for feed in default.feeds if feed.id == "manual")
    column = next(column for column in feed.columns if column.indicator == "staff_sufficient")
    assert column.words == {"đủ": True, "một phần": "partly", "thiếu": False}


def test_every_kind_of_trouble_has_a_policy_whose_first_step_is_held(default):
    assert {policy.name for policy in default.directory.policies} >= {"commune-outage", "system-outage", "silent"}
    last = default.directory.policies[0].steps[-1]
    assert (last.after, last.to, last.repeat) == (8 * 3600.0, ("ppc_vice_chair",), 4 * 3600.0)


def test_a_recipient_is_called_by_its_post(default):
    chair = next(recipient for recipient in default.directory.recipients if recipient.role == "ppc_chair")
    assert chair.name == "Chủ tịch UBND tỉnh"


def test_office_hours_stand_on_the_calendar_of_the_site(default):
    assert default.sessions.calendar == default.calendar
    assert [len(day) for day in default.sessions.weekly] == [2, 2, 2, 2, 2, 0, 0]


def test_the_version_changes_with_any_file(tmp_path):
    site = make_site(tmp_path)
    before = load_site(site, environ={}, now=NOW).version
    assert load_site(site, environ={}, now=NOW).version == before
    change(site / "rules/service.yaml", "floor: 60", "floor: 55")
    assert load_site(site, environ={}, now=NOW).version != before


def test_all_problems_come_at_once(tmp_path):
    site = make_site(tmp_path, "kind: tcp", "kind: ping")
    change(site / "config.yaml", "period: 5m", "period: often")
    change(site / "rules/service.yaml", "green: true, red: false", "grean: true, red: false")
    with pytest.raises(ConfigError) as error:
        load_site(site, environ={}, now=NOW)
    assert [problem.split(": ")[0] for problem in error.value.problems] == [
        "config.yaml:23",
        "config.yaml:36",
        "rules/service.yaml:7",
    ]


def test_a_site_without_config_is_a_problem(tmp_path):
    assert problems_of(tmp_path) == ["config.yaml:1: there is no such file"]


def test_a_past_deadline_is_reported_but_a_running_site_starts_again(tmp_path):
    site = make_site(tmp_path)
    later = datetime(2028, 1, 1, tzinfo=UTC)
    assert [problem.line for problem in check_site(site, {}, later)] == [19]
    assert load_site(site, environ={}, now=later).as_of is None


def test_as_of_makes_a_past_deadline_right(tmp_path):
    site = make_site(tmp_path, "listen: 127", "as_of: 2027-08-06\nlisten: 127")
    later = datetime(2028, 1, 1, tzinfo=UTC)
    assert check_site(site, {}, later) == []
    assert load_site(site, environ={}, now=later).as_of == datetime(2027, 8, 5, 17, tzinfo=UTC)


# -- secrets ----------------------------------------------------------------------------------------------------------

_LOG = "  log: {kind: log}"


def test_a_secret_comes_from_the_environment_and_is_never_printed(tmp_path):
    site = make_site(tmp_path, _LOG, _LOG + '\n  hook: {kind: webhook, url: "jsons://${TOKEN}@gate.example/{address}"}')
    loaded = load_site(site, environ={"TOKEN": CANARY}, now=NOW)
    url = loaded.channels["hook"].url
    assert url is not None
    assert url.reveal() == f"jsons://{CANARY}@gate.example/{{address}}"
    assert CANARY not in f"{loaded!r} {loaded}"


def test_an_address_comes_from_a_file(tmp_path):
    site = make_site(tmp_path, 'scope: "19", channels: [log]}\n  - {id: chair', 'scope: "19", channels: [log], '
                     'addresses: {log: "file:focal.secret"}}\n  - {id: chair')  # fmt: skip
    secret = site / "focal.secret"
    secret.write_text(CANARY + "\n")
    secret.chmod(0o640)
    assert load_site(site, environ={}, now=NOW).addresses["focal", "log"].reveal() == CANARY


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o604, 0o750])
def test_a_secret_file_that_others_can_read_is_refused(tmp_path, mode):
    site = make_site(tmp_path, _LOG, _LOG + "\n  hook: {kind: webhook, url: file:hook.secret}")
    (site / "hook.secret").write_text(f"json://{CANARY}@gate.example/")
    (site / "hook.secret").chmod(mode)
    assert problems_of(site) == [
        "config.yaml:46: the channel 'hook' needs the file hook.secret, which others can read "
        f"(mode {mode:04o}); chmod 0640 or less"
    ]


@pytest.mark.parametrize("content", [b"", b"two\nlines", b"\xff\xfe", b"x" * 70_000])
def test_a_secret_file_without_one_line_of_text_is_refused(tmp_path, content):
    site = make_site(tmp_path, _LOG, _LOG + "\n  hook: {kind: webhook, url: file:hook.secret}")
    (site / "hook.secret").write_bytes(content)
    (site / "hook.secret").chmod(0o600)
    assert len(problems_of(site)) == 1


@pytest.mark.parametrize(
    ("replace", "by"),
    [
        (_LOG, f"{_LOG}\n  mail: {{kind: email, url: {CANARY}}}"),
        (_LOG, f"{_LOG}\n  mail: {{kind: email, url: [{CANARY}]}}"),
        (_LOG, f"{_LOG}\n  mail: {{kind: email, password: {CANARY}}}"),
        (_LOG, f"{_LOG}\n  mail: {{kind: webhook, url: '${{TOKEN}}'}}"),
        ("    rows: data", f"    rows: data\n    headers: {{Authorization: {CANARY}}}"),
        ("http://127.0.0.1:8867/portal", f"http://u:{CANARY}@127.0.0.1:8867/portal"),
        ("http://127.0.0.1:8867/portal", f"ftp://u:{CANARY}@127.0.0.1/portal"),
        ("network:", f"access: {{tokens: [{{id: a, role: admin, sha256: {CANARY}}}]}}\nnetwork:"),
        ("network:", f"base_url: 'http://u:{CANARY}@board.example'\nnetwork:"),
    ],
)
def test_no_problem_repeats_a_secret(tmp_path, replace, by):
    problems = problems_of(make_site(tmp_path, replace, by), {"TOKEN": f"syslog://{CANARY}"})
    assert problems
    assert not any(CANARY in problem for problem in problems)


# -- schemas ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_of_file_has_a_json_schema(name):
    schema = json_schema(name)
    assert schema["additionalProperties"] is False
    assert schema["required"]
    json.dumps(schema)


def test_the_schema_knows_how_durations_are_written():
    probe = json_schema("config")["$defs"]["HttpProbe"]["properties"]
    assert probe["period"]["type"] == "string"


def test_the_good_site_of_the_tests_is_a_whole_site():
    site = load_site(DATA / "good", environ={}, now=NOW)
    assert (len(site.units), len(site.probes), len(site.feeds)) == (4, 3, 1)


def test_units_of_the_registry_are_there_from_the_day_of_the_two_tier_model_whatever_they_were_called_since(default):
    dated = {
        (unit.valid_from, unit.valid_to) for unit in default.units if unit.level in (Level.PROVINCE, Level.COMMUNE)
    }
    assert dated == {(date(2025, 7, 1), None)}


def test_own_units_and_systems_have_the_days_that_the_site_gives_them(tmp_path):
    folder = make_site(tmp_path, '      province: "19"', '      province: "19"\n      valid_to: 2026-08-01')
    system = load_site(folder, environ={}, now=NOW).units["tthc"]
    assert (system.valid_from, system.valid_to) == (None, date(2026, 8, 1))
    assert (system.holds_on(date(2026, 7, 31)), system.holds_on(date(2026, 8, 1))) == (True, False)


@pytest.mark.parametrize("family", ["any", "ipv4", "prefer_ipv4", "prefer_ipv6"])
def test_a_preferred_family_contradicts_no_literal_address(tmp_path: Path, family: str) -> None:
    at = "    host: 127.0.0.1\n    port: 8868\n"
    assert problems_of(make_site(tmp_path, at, f"{at}    address: {family}\n")) == []


def test_a_brace_that_is_meant_can_be_written_in_an_address(tmp_path: Path) -> None:
    at = "    url: http://127.0.0.1:8867/portal\n"
    assert problems_of(make_site(tmp_path, at, at.replace("/portal", "/graphql?query=%7B__typename%7D"))) == []


def test_what_holds_no_secret_may_stand_in_a_header_as_it_is(tmp_path: Path) -> None:
    """A probe by its address of one of several names, and a form that is taken from its own page only."""
    said = "{Host: www.example.vn, Origin: https://www.example.vn, Referer: https://www.example.vn/login,"
    said += " X-Requested-With: XMLHttpRequest, Cache-Control: no-cache}"
    make_site(tmp_path, "centres/{code}\n", f"centres/{{code}}\n    headers: {said}\n")
    assert problems_of(tmp_path) == []


def test_a_line_of_a_protocol_ends_as_its_standard_says(tmp_path: Path) -> None:
    make_site(tmp_path, "    port: 8868\n", '    port: 8868\n    send: "QUIT\\r\\n"\n    expect: "+OK"\n')
    assert problems_of(tmp_path) == []
    (asks,) = (probe.asks for probe in load_site(tmp_path, environ={}, now=NOW).probes if probe.id == "system/tthc")
    assert isinstance(asks, TcpCheck) and asks.send is not None
    assert asks.send.reveal() == "QUIT\r\n"


@pytest.mark.parametrize("text", ["a\\rb", "a\\r", "\\r\\r\\n", "\\e[0m", "\\0", "\\x85"])
def test_no_other_control_character_gets_into_a_text(tmp_path: Path, text: str) -> None:
    make_site(tmp_path, "    port: 8868\n", f'    port: 8868\n    send: "{text}"\n')
    assert problems_of(tmp_path) == ["config.yaml:29: a text holds a control character; remove it"]
