"""`make stack` as an operator runs it, and what the compose client says to deploy/compose.yaml."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.process import PATIENCE, Client, all_gone, descendants, free_ports, until
from tests.integration.trial import COMMUNES, make_trial

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
pytestmark = pytest.mark.integration
SECRETS = {"GRAFANA_ADMIN_USER": "quan-tri", "GRAFANA_ADMIN_PASSWORD": "x1", "GRAFANA_DB_PASSWORD": "x2"}


def compose(**secrets: str) -> subprocess.CompletedProcess[str]:
    """What the client says; a .env of the operator's own is not read."""
    environ = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **secrets}
    files = ["--env-file", str(DEPLOY / "compose.env.example"), "--file", str(DEPLOY / "compose.yaml")]
    command = ["docker-compose", *files, "config"]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=PATIENCE, check=False)


@pytest.mark.needs("docker-compose")
def test_the_compose_client_takes_the_file_and_refuses_it_without_any_one_of_the_passwords():
    taken = compose(**SECRETS)
    assert taken.returncode == 0, taken.stderr
    assert set(yaml.safe_load(taken.stdout)["services"]) == {"denbao", "prometheus", "grafana", "postgres"}
    for name in SECRETS:
        refused = compose(**{**SECRETS, name: ""})
        assert refused.returncode != 0 and f"write {name} into deploy/.env" in refused.stderr


@pytest.mark.needs("prometheus")
async def test_make_stack_starts_both_shows_the_units_in_prometheus_and_stops_both(tmp_path: Path):
    trial = await make_trial(tmp_path)
    trial.only(COMMUNES)
    trial.write()
    [port] = free_ports(1)
    prometheus = Client(port)
    log = tmp_path / "log"
    with log.open("wb") as out:
        stack = await asyncio.create_subprocess_exec(
            "deploy/stack",
            str(trial.folder),
            cwd=ROOT,
            env={**os.environ, **trial.environ, "PROMETHEUS_LISTEN": f"127.0.0.1:{port}"},
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell cannot trap what was ignored
        )
    try:

        async def units() -> Any:
            status, text = await prometheus.get("/api/v1/query?query=sum(denbao_units%7Blevel%3D%22commune%22%7D)")
            return [one["value"][1] for one in json.loads(text)["data"]["result"]] if status == 200 else None

        # Prometheus' first scrape comes within its interval of 15 s.
        assert await until("Prometheus has scraped", units, seconds=2 * PATIENCE) == [str(len(COMMUNES))]
        rules = await prometheus.json("/api/v1/rules")
        assert {group["name"] for group in rules["data"]["groups"]} >= {"denbao-monitor"}
        family = descendants(stack.pid)
        assert any("prometheus" in command for command in family.values())
        stack.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(stack.wait(), PATIENCE) == 0
        assert await until("both ended", all_gone, family)
    finally:
        if stack.returncode is None:
            stack.kill()
            await stack.wait()
    told = log.read_text("utf-8")
    assert f"http://127.0.0.1:{port}/" in told and f"{trial.board.base}/" in told
