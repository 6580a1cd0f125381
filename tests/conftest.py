"""What holds for every test: Hypothesis profiles, tests that need a command, nothing left out where CI=true, and
nothing dialled but this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings

from monitor.engine.pace import slopes
from tests.loopback import sitecustomize as loopback

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)
IN_CI = os.environ.get("CI") == "true"

# "fast" and "ci" draw the same examples every time, so a red run is always about the change; "nightly" looks for news
# and prints the line that reproduces what it finds; "mutants" is short, for it runs a thousand times, and what it finds
# it does not make smaller. No deadline anywhere, nor a complaint of slow draws (the first text of a fresh clone takes
# seconds, for its table of letters is made then): the machine's speed is not under test.
EVERY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fast", EVERY, derandomize=True)
settings.register_profile("ci", EVERY, derandomize=True, max_examples=300)
settings.register_profile("mutants", EVERY, derandomize=True, max_examples=30, phases=(Phase.explicit, Phase.generate))
settings.register_profile("nightly", EVERY, max_examples=5_000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if IN_CI else "fast"))


@pytest.fixture(autouse=os.environ.get("HYPOTHESIS_PROFILE") == "mutants")
def _nothing_remembered() -> None:
    """Forget the slopes: a mutant starts as a fork of a process that has computed them unchanged."""
    slopes.cache_clear()


loopback.install()


def pytest_configure(config: pytest.Config) -> None:
    """One of several workers asks what its own tests dialled, not what those of another did."""
    if hasattr(config, "workerinput"):  # so pytest-xdist says to a worker that it is one
        folder = loopback.apart()
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


def _dialled_nobody() -> None:
    if elsewhere := loopback.refused():
        pytest.fail("dialled, which is refused:\n" + "\n".join(elsewhere), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """Fail the test that dialled anybody else; what its fixtures did before counts as its own."""
    done = yield
    _dialled_nobody()
    return done


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None, object, object]:
    """The same for what came after it, and for a test that failed."""
    done = yield
    _dialled_nobody()
    return done


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out a test marked `needs("command")` where that command is not installed, and say so."""
    for mark in item.iter_markers("needs"):
        for command in mark.args:
            if shutil.which(command) is None:
                pytest.skip(f"{command} is not installed; `make test` as root on Debian installs it")


def _nothing_left_out(report: Report) -> Report:
    """Turn a skip into a failure that carries the skip's reason; an expected failure stays what it is."""
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"with CI=true nothing may be left out, but: {reason}"
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """See `_nothing_left_out`: a test that skips itself."""
    return _nothing_left_out((yield))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """See `_nothing_left_out`: a whole module that skips itself."""
    return _nothing_left_out((yield))
