"""The files of deploy/: nothing starts without passwords of its own or listens beyond the machine, all is watched."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from monitor.cli.main import main

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SCRAPE = ROOT / "docs" / "scrape" / "prometheus.yaml"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
EXAMPLE = (DEPLOY / "compose.env.example").read_text("utf-8")
every_service = pytest.mark.parametrize("name", SERVICES)


def test_there_are_the_service_prometheus_grafana_and_postgresql():
    assert set(SERVICES) == {"denbao", "prometheus", "grafana", "postgres"}
    volumes = {str(volume).partition(":")[0] for one in SERVICES.values() for volume in one["volumes"]}
    assert {volume for volume in volumes if not volume.startswith(".")} == set(COMPOSE["volumes"])


@every_service
def test_a_service_is_watched_bounded_and_holds_no_more_rights_than_it_needs(name: str):
    service = SERVICES[name]
    assert {"test", "interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"])
    assert service["mem_limit"] and service["restart"] == "unless-stopped"
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "ports", "user"} & set(service)
    assert name == "postgres" or "cap_add" not in service


@every_service
def test_an_image_is_pinned_to_a_version(name: str):
    image = SERVICES[name]["image"]
    assert image == "denbao:local" or re.fullmatch(r"[a-z/]+:v?\d+(\.\d+)*(-alpine)?", image)


def test_whoever_depends_waits_until_the_other_is_well():
    waits = {name: one.get("depends_on", {}) for name, one in SERVICES.items()}
    assert set(waits["grafana"]) == {"postgres", "prometheus"} and set(waits["prometheus"]) == {"denbao"}
    assert all(how == {"condition": "service_healthy"} for one in waits.values() for how in one.values())


def test_every_secret_is_demanded_and_none_has_a_default():
    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    used = re.findall(r"\$\{([A-Z_]+)([^}]*)\}", text)
    assert all(rest.startswith(":?write ") for _, rest in used)
    blank = re.findall(r"^([A-Z_]+)=$", EXAMPLE, re.M)
    assert {name for name, _ in used} == set(blank)
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|TOKEN|ADMIN_USER", key):
                assert re.fullmatch(r"\$\{[A-Z_]+:\?.+\}", value), (name, key)
    assert "deploy/.env" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


def test_all_listen_on_loopback_only_and_ask_each_other_there():
    assert {one["network_mode"] for one in SERVICES.values()} == {"host"}
    site = yaml.safe_load((ROOT / "config.yaml").read_text("utf-8"))
    assert site["listen"] == "127.0.0.1:8866"
    assert "--web.listen-address=127.0.0.1:9090" in SERVICES["prometheus"]["command"]
    assert SERVICES["grafana"]["environment"]["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
    assert "listen_addresses=127.0.0.1" in SERVICES["postgres"]["command"]
    assert f"127.0.0.1:{_port('postgres')}" == SERVICES["grafana"]["environment"]["GF_DATABASE_HOST"]
    told = yaml.safe_load(SCRAPE.read_text("utf-8"))
    assert told["scrape_configs"][0]["static_configs"] == [{"targets": [site["listen"]]}]
    for name, port in (("denbao", "8866"), ("prometheus", "9090"), ("grafana", "3000")):
        assert f"//127.0.0.1:{port}/" in SERVICES[name]["healthcheck"]["test"][-1]


def _port(name: str) -> str:
    [port] = [word.partition("=")[2] for word in SERVICES[name]["command"] if word.startswith("port=")]
    return str(port)


def test_what_is_mounted_from_the_checkout_is_there_and_read_only():
    mounted = [volume for one in SERVICES.values() for volume in one["volumes"] if volume.startswith(".")]
    assert len(mounted) == 4
    for volume in mounted:
        source, _, mode = volume.split(":")
        assert mode == "ro" and (DEPLOY / source).exists(), volume
    rules = yaml.safe_load(SCRAPE.read_text("utf-8"))["rule_files"]
    assert all((ROOT / "grafana" / "alerts" / Path(rule).name).is_file() for rule in rules)
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (ROOT / "grafana" / "dashboards" / Path(home).name).is_file()


def test_the_image_runs_as_nobody_in_particular_from_the_lock_file():
    lines = (DEPLOY / "Dockerfile").read_text("utf-8").splitlines()
    assert [line.split()[1] for line in lines if line.startswith("FROM")] == ["python:3.13-slim-bookworm"] * 2
    assert "USER denbao" in lines and lines.index("USER denbao") < lines.index('CMD ["/var/lib/denbao"]')
    assert any(line.startswith("HEALTHCHECK") for line in lines)
    taken = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    assert taken[1] == "*"
    assert all((ROOT / line[1:]).exists() for line in taken if line.startswith("!"))
    assert {"!uv.lock", "!monitor", "!rules", "!deploy"} <= set(taken)


def test_a_fresh_site_gets_what_grafana_reads_and_not_the_code_that_makes_it(tmp_path: Path):
    said = CliRunner().invoke(main, ["init", str(tmp_path / "site")])
    assert said.exit_code == 0, said.output
    made = tmp_path / "site" / "grafana"
    assert {path.name for path in made.iterdir()} == {"alerts", "dashboards", "provisioning"}
    assert len(list((made / "dashboards").glob("*.json"))) == 14
    assert not list(made.rglob("*.py"))
