"""`denbao probe` asks real sockets of this machine and says how it went."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from monitor.cli.main import main
from tests.unit.sites import change, make_site


class _Centre(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/centres/01840" else 503)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:
        return None


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    """The good site, whose centres are served here: 01840 is up, 01843 is down."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Centre)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]
    made = make_site(tmp_path, "http://127.0.0.1:8867/centres", f"http://127.0.0.1:{port}/centres")
    change(made / "config.yaml", "127.0.0.0/8:8867,8868", f"127.0.0.0/8:8867,8868,{port}")
    yield made
    server.shutdown()
    server.server_close()


def ran(*words: object) -> Result:
    return CliRunner().invoke(main, ["probe", *map(str, words)])


def test_a_target_that_is_well_ends_with_0_and_its_transcript(site):
    result = ran("01840", "centre", "--site", site)
    assert result.exit_code == 0, result.output
    assert "centre/01840 (http): tốt / well" in result.output
    assert "GET http://127.0.0.1:" in result.output and "answers HTTP 200" in result.output
    assert "centre_reachable = có / yes" in result.output


def test_a_target_that_is_down_ends_with_1_and_the_reason(site):
    result = ran("01843", "centre", "--site", site)
    assert result.exit_code == 1
    assert "centre_reachable = không / no (HTTP status 503, expected 200)" in result.output


def test_the_same_in_json(site):
    [row] = json.loads(ran("01843", "centre", "--site", site, "--json").output)
    assert (row["probe"], row["kind"], row["well"], row["attempts"]) == ("centre/01843", "http", False, 1)
    assert list(row["phases"]) == ["connect", "first_byte", "transfer"]
    assert row["note"] == "HTTP status 503, expected 200"


def test_a_journey_prints_its_steps(site):
    text = (site / "config.yaml").read_text("utf-8")
    port = text.split("/centres/{code}")[0].rpartition(":")[2]
    steps = f"""
  - id: way
    kind: journey
    units: {{codes: ["01840"]}}
    gives: centre_reachable
    period: 1m
    steps:
      - id: open
        url: http://127.0.0.1:{port}/centres/{{code}}
        capture: {{word: {{body: "(o.)"}}}}
      - {{id: inside, url: "http://127.0.0.1:{port}/{{word}}", expect_status: [503]}}
feeds:
"""
    change(site / "config.yaml", "\nfeeds:\n", steps)
    name = "    name: {vi: Trung tâm hoạt động, en: Centre answers}\n"
    change(site / "rules" / "indicators.yaml", name, f"{name}    sources: [way]\n")
    result = ran("01840", "way", "--site", site)
    assert result.exit_code == 0, result.output
    assert "step 2 'inside': GET http://127.0.0.1" in result.output and "{word}" in result.output
    assert "  open " in result.output
    [row] = json.loads(ran("01840", "way", "--site", site, "--json").output)
    assert list(row["steps"]) == ["open", "inside"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("02144", "centre"), "02144"),
        (("19", "centre"), "no probe asks 19"),
        (("01840", "center"), "01840 has no probe 'center'; did you mean 'centre'?"),
    ],
)
def test_a_name_that_nothing_answers_to_is_wrong_use(site, words, said):
    result = ran(*words, "--site", site)
    assert result.exit_code == 2
    assert said in result.output
