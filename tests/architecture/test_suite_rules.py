"""The rules of the suite itself: what is missing is named, and where CI=true nothing may be left out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.process import free_ports

ROOT = Path(__file__).resolve().parents[2]
LEAVES_OUT_THREE = """
import pytest

@pytest.mark.needs("no-such-command")
def test_of_a_missing_command(): pass

def test_that_skips_itself(): pytest.skip("the moon is not full")

@pytest.mark.xfail(strict=True, reason="known")
def test_expected_to_fail(): assert False
"""
SIDE_BY_SIDE = ("--numprocesses=2", "--dist=loadfile", "--no-loadscope-reorder")  # as the Makefile runs the suite
either_way = pytest.mark.parametrize("options", [(), SIDE_BY_SIDE], ids=["in one process", "side by side"])


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch):
    """A suite of its own under the project's conftest; call it with the value of CI and options to run it."""
    pytester.makeconftest((ROOT / "tests" / "conftest.py").read_text())
    pytester.makeini("[pytest]\nmarkers =\n  needs(command): needs it\n")
    pytester.makepyfile(LEAVES_OUT_THREE)
    monkeypatch.delenv("HYPOTHESIS_PROFILE", raising=False)

    def run(ci: str, *options: str) -> pytest.RunResult:
        monkeypatch.setenv("CI", ci)
        return pytester.runpytest_subprocess("-ra", *options)

    return run


def test_a_missing_command_leaves_its_tests_out_and_says_why(suite):
    result = suite("")
    result.assert_outcomes(skipped=2, xfailed=1)
    result.stdout.fnmatch_lines(["*no-such-command is not installed*"])


@either_way
def test_in_ci_whatever_is_left_out_is_a_failure_with_its_reason(suite, options):
    result = suite("true", *options)
    result.assert_outcomes(errors=1, failed=1, xfailed=1)
    result.stdout.fnmatch_lines(["*nothing may be left out, but: *no-such-command is not installed*"])
    result.stdout.fnmatch_lines(["*nothing may be left out, but: *the moon is not full*"])


@either_way
def test_in_ci_a_module_that_skips_itself_is_a_failure(suite, pytester, options):
    pytester.makepyfile(test_whole="import pytest\npytest.skip('no moon', allow_module_level=True)")
    result = suite("true", *options)
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*nothing may be left out, but: *no moon*"])


def test_a_test_that_hangs_ends_its_worker_and_says_where(suite, pytester):
    pytester.makepyfile(test_hangs="import time\ndef test_for_ever(): time.sleep(600)")
    one = ("test_hangs.py", "--numprocesses=1", "--max-worker-restart=0")
    result = suite("", *one, "-o", "faulthandler_timeout=1", "-o", "faulthandler_exit_on_timeout=true")
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*crashed while running 'test_hangs.py::test_for_ever'*"])
    result.stderr.fnmatch_lines(["*test_hangs.py*, line 2 in test_for_ever*"])


def test_no_two_processes_are_given_the_same_port():
    ours = set(free_ports(5))
    command = [sys.executable, "-c", "from tests.integration.process import free_ports; print(*free_ports(5))"]
    run = subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True, timeout=60)
    theirs = {int(port) for port in run.stdout.split()}
    assert len(ours) == len(theirs) == 5 and ours.isdisjoint(theirs)


@pytest.mark.parametrize(("ci", "status"), [("", 0), ("true", 1)])
def test_where_nothing_can_be_installed_the_missing_packages_are_named(tmp_path, ci, status):
    environment = {**os.environ, "PATH": str(tmp_path), "CI": ci}  # an empty folder: no apt-get anywhere
    command = ["/bin/sh", str(ROOT / ".ci" / "packages"), "prometheus", "chromium"]
    run = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=30)
    assert run.returncode == status
    assert "missing: prometheus chromium (this is not Debian" in run.stderr


def test_every_tool_that_builds_the_environment_is_pinned_by_hash():
    lines = [line for line in (ROOT / ".ci" / "uv.txt").read_text().splitlines() if not line.startswith("#")]
    assert re.fullmatch(r"uv==[0-9.]+ \\", lines[0])
    assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line) for line in lines[1:])
