"""The command line with wrong use: it ends with 2 and a sentence, and never with a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from monitor.cli import answer
from monitor.cli.main import main
from tests.unit.sites import change, make_site


def call(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


@pytest.mark.parametrize("below", ["", "site"])
def test_a_site_is_not_made_where_a_file_stands(tmp_path: Path, below: str):
    (tmp_path / "file").write_text("x")
    ended = call("init", str(tmp_path / "file" / below))
    assert ended.exit_code == 2 and "a file stands there or above; name a folder" in ended.output
    assert (tmp_path / "file").read_text() == "x"


@pytest.mark.parametrize(
    "words",
    [
        ("simulate", "--port", "99999"),
        ("simulate", "--tcp-port", "-1"),
        ("simulate", "--gateways", "65536"),
        ("story", "--serve", "--speed", "0", "--port", "99999"),
    ],
)
def test_a_port_that_is_none_is_refused(words: tuple[str, ...]):
    ended = call(*words)
    assert ended.exit_code == 2 and "is not in the range 0<=x<=65535" in ended.output


PROBE = """
  - {id: c-N, kind: tcp, units: {codes: [tthc]}, gives: up_N, host: 127.0.0.1, port: 8868, period: 15s, timeout: 5s}"""
INDICATOR = """
  up_N:
    name: {vi: x, en: x}
    sms: x
    unit: bool
    group: infrastructure
    cadence: 60s
    source: x"""


def test_where_too_many_are_known_to_be_named_no_hint_is_begun(tmp_path: Path):
    probes, indicators = ("".join(text.replace("N", f"{n}") for n in range(21)) for text in (PROBE, INDICATOR))
    site = make_site(tmp_path, "probes:", f"probes:{probes}")
    change(site / "rules" / "indicators.yaml", "indicators:", f"indicators:{indicators}")
    ended = call("probe", "tthc", "zz", "--site", str(site))
    assert (ended.exit_code, ended.output.endswith("Error: tthc has no probe 'zz'\n")) == (2, True), ended.output


def test_a_reference_is_asked_for_as_it_was_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Whatever it holds, it is one part of the address: nothing of it is cut off or leads elsewhere."""
    asked: list[str] = []

    def post(_site: object, path: str, _body: object) -> dict[str, str]:
        asked.append(path)
        return {}

    monkeypatch.setattr(answer, "post", post)
    for ref in ("K7Q2MD", "REF#", "../site?x=%2F"):
        assert call("ack", ref, "--site", str(make_site(tmp_path))).exit_code == 0
    assert asked == [f"/api/v1/incidents/{ref}/ack" for ref in ("K7Q2MD", "REF%23", "..%2Fsite%3Fx%3D%252F")]
