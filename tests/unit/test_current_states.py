"""What commands say of now while no service runs: as a running one would show it, and nothing is written."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor.adapters.store import open_store
from monitor.cli.main import main
from monitor.config.build import load_site
from monitor.model.colour import Colour
from monitor.model.reading import Collected, Reading
from monitor.model.state import UnitState
from monitor.service.app import policy_of
from monitor.service.current import current_states
from monitor.service.evaluator import Evaluator
from monitor.testing import StillClock
from tests.unit.sites import make_site

UNIT = "01840"
NEWS = (("centre_reachable", True), ("online_rate", 91.0), ("staff", True))


@pytest.fixture
def site_root(tmp_path: Path) -> Path:
    """A site whose service judged its unit green three days ago and died then."""
    root = make_site(tmp_path / "s", 'store: "memory:"', "store: sqlite:denbao.db")
    clock = StillClock(datetime.now(UTC) - timedelta(days=3))
    assert asyncio.run(_judged(root, clock)).colour is Colour.GREEN
    return root


async def _judged(root: Path, clock: StillClock) -> UnitState:
    site = load_site(root, environ={}, now=clock.at)
    store = open_store(site.store_url, site.root)
    await store.open()
    evaluator = Evaluator(policy_of(site), store, clock, lambda _: None)
    await evaluator.load()
    readings = tuple(Reading(UNIT, name, value, clock.at, clock.at, "portal") for name, value in NEWS)
    evaluator.take(Collected("portal", clock.at, readings))
    await evaluator.settle()
    await store.close()
    return evaluator.states[UNIT]


def said(root: Path, *words: str) -> str:
    return CliRunner().invoke(main, [*words, "--site", str(root)]).stdout


def test_a_digest_of_now_counts_no_unit_green_on_data_of_three_days_ago(site_root: Path) -> None:
    told = said(site_root, "report", "digest", "--within", UNIT, "--format", "csv", "--table", "counts")
    counts = dict(line.split(",")[:2] for line in told.strip().splitlines()[1:])
    assert next(number for colour, number in counts.items() if "green" in colour) == "0"


def test_explain_of_now_is_not_green_on_data_of_three_days_ago(site_root: Path) -> None:
    assert '"colour": "unknown"' in said(site_root, "explain", UNIT, "--json").partition('"criteria"')[0]


def test_looking_writes_nothing(site_root: Path) -> None:
    async def looked() -> tuple[Colour, Colour]:
        site = load_site(site_root, environ={}, now=datetime.now(UTC))
        store = open_store(site.store_url, site.root, read_only=True)
        await store.open()
        clock = StillClock(datetime.now(UTC))
        now = await current_states(site, store, clock)
        stored = {state.unit: state for state in await store.load_states()}
        await store.close()
        return now[UNIT].colour, stored[UNIT].colour

    assert asyncio.run(looked()) == (Colour.UNKNOWN, Colour.GREEN)
