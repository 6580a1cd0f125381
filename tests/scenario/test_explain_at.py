"""`denbao explain --at`: what a recorded run says of a past instant, by the rules that were valid then."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor.adapters.store import open_store
from monitor.cli.look import explain
from monitor.cli.sites import init
from monitor.config.build import load_site
from monitor.config.spec import Site
from monitor.model.reading import Collected, Reading
from monitor.reporting.recompute import colour, criterion_colour
from monitor.service.app import policy_of
from monitor.service.evaluator import Evaluator
from monitor.testing import StillClock
from tests.unit.engine_scene import local

COMMUNE, RULE = "02143", "commune_online_submission_rate"
RUN = ((local(18, 9), 85.0), (local(19, 9), 45.0), (local(19, 15), 72.0), (local(20, 9), 72.0))


async def record(site: Site) -> None:
    clock = StillClock(RUN[0][0])
    store = open_store(site.store_url, site.root)
    await store.open()
    evaluator = Evaluator(policy_of(site), store, clock, lambda _decisions: None)
    await evaluator.load()
    for clock.at, value in RUN:
        reading = Reading(COMMUNE, "online_submission_rate", value, clock.at, clock.at, "portal")
        evaluator.take(Collected("portal", clock.at, (reading,)))
        await evaluator.settle()
    await store.close()


def with_the_book_of_2025(folder: Path) -> None:
    config = folder / "config.yaml"
    said = config.read_text(encoding="utf-8")
    active = "rules: [service_health, recurring_targets, d766]"
    assert active in said
    rest = (
        "procs_published_rate procs_synced_rate flows_forms_issued devolved_guidance_issued centre_address_published "
        "hotline_published dc_cloud_ready centre_equipped essential_services_ready g1552_compliance_rate"
    )
    said = said.replace(active, "rules: [two_tier_readiness]")
    collapse = "  collapse:    #"  # of a criterion that the book of 2025 does not have
    assert collapse in said
    said = "\n".join(
        line for line in said.split("\n") if not line.startswith((collapse, "    - {criterion: centre_re"))
    )
    assert "\nby_hand: [" in said
    said = said.replace("\nby_hand: [", f"\nby_hand: [{', '.join(rest.split())}, ")
    config.write_text(said, encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A site of its own with three days in its SQLite file."""
    made: Path = tmp_path_factory.mktemp("recorded") / "site"
    assert CliRunner().invoke(init, [str(made)]).exit_code == 0
    with_the_book_of_2025(made)
    (made / "var").mkdir(exist_ok=True)
    asyncio.run(record(load_site(made, environ={}, now=RUN[0][0])))
    return made


def asked(folder: Path, *more: str):
    ended = CliRunner().invoke(explain, ["--site", str(folder), COMMUNE, *more, "--json"])
    assert ended.output.startswith("{"), ended.output
    return json.loads(ended.output)


def shown(told) -> str:
    return str(next(one["colour"] for one in told["criteria"] if one["id"] == RULE))


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2025-08-18T10:00", "green"),
        ("2025-08-19T10:00", "red"),
        ("2025-08-19T16:00", "yellow"),
        ("2025-08-20T10:00", "red"),
    ],
)
def test_each_instant_has_the_colour_of_its_own_time_and_facts_that_compute_it(folder, at, expected):
    told = asked(folder, "--at", at, "--criterion", RULE)
    facts = told["facts"]
    assert shown(told) == expected
    assert {one["id"]: one["colour"] for one in facts["criteria"]} == {
        one["id"]: criterion_colour(one, facts) for one in facts["criteria"]
    }
    assert colour(facts) == facts["colour"] == told["colour"]
    assert datetime.fromisoformat(facts["now"]) == local(int(at[8:10]), int(at[11:13]))


def test_what_is_asked_now_is_judged_now_and_not_as_it_was_committed_last(folder):
    told = asked(folder)
    assert told["rebuilt_from"] is None and told["facts"]["version"] == 1
    assert RULE not in {one["id"] for one in told["facts"]["criteria"]}  # the book of 2025 is over
    assert told["colour"] == told["facts"]["colour"] == "unknown"
    assert datetime.now(UTC) - datetime.fromisoformat(told["facts"]["now"]) < timedelta(minutes=5)


def test_a_time_that_has_not_come_is_refused(folder):
    ended = CliRunner().invoke(explain, ["--site", str(folder), COMMUNE, "--at", "2936-12-20"])
    assert ended.exit_code == 2 and "that time has not come yet" in ended.output


def test_a_book_judges_no_instant_before_it_was_valid(folder):
    """The book begins on 1 June."""
    early = {one["id"] for one in asked(folder, "--at", "2025-05-31T23:59")["facts"]["criteria"]}
    later = {one["id"] for one in asked(folder, "--at", "2025-08-19T16:00")["facts"]["criteria"]}
    assert RULE not in early and RULE in later
