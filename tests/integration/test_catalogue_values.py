"""A fresh site as users start it shows a value for every metric of the catalogue, but for what cannot be yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporters.catalogue import CATALOGUE
from tests.integration.process import metrics, until
from tests.integration.trial import Trial, make_trial

pytestmark = pytest.mark.integration

# Why a fresh and healthy site has none: each is shown by a test of its own (test_exporter, test_pushing and others).
NOT_YET = {
    "denbao_target_projected_value": "a trend needs the values of some days",
    "denbao_target_actual_pace": "a trend needs the values of some days",
    "denbao_unit_reported_colour": "no feed of the site brings what the national system says",
    "denbao_probe_step_duration_seconds": "the site has no journey",
    "denbao_probe_certificate_expiry_timestamp_seconds": "the simulated province speaks no TLS",
    "denbao_feed_rows_rejected_total": "no row was refused",
    "denbao_loop_restarts_total": "no loop broke",
    "denbao_rule_broken_units": "no rule breaks",
    "denbao_page_refused_series": "the budget is not used up",
    "denbao_auditor_last_run_timestamp_seconds": "the auditor runs a minute after the start",
    "denbao_own_heartbeat_total": "the site has no outside watcher",
    "denbao_canary_seconds": "the site has no outside watcher, for whom the canary flies",
    "denbao_canary_last_success_timestamp_seconds": "the site has no outside watcher, for whom the canary flies",
    **{
        f"denbao_channel_{name}": "no channel of the site costs anything"
        for name in ("day_segments", "day_budget_segments", "day_reserve_segments", "day_cost_dong", "price_dong")
    },
    "denbao_push_requests_total": "the site does not push",
    "denbao_push_waiting_bytes": "the site does not push",
    "denbao_push_oldest_age_seconds": "the site does not push",
    "denbao_incident_acknowledgement_seconds_bucket": "nobody answered yet",
    "denbao_incident_duration_seconds_bucket": "nothing is over yet",
}


async def missing(trial: Trial) -> set[str]:
    shown = {name for name, _ in await metrics(trial.board)}
    return {
        name
        for metric in CATALOGUE.values()
        for name in list(metric.series)[:1]
        if name not in shown and name not in NOT_YET
    }


async def test_every_metric_of_the_catalogue_has_a_value_at_a_running_site(tmp_path: Path):
    trial = await make_trial(tmp_path)
    async with trial.serving():

        async def complete() -> bool:
            return not await missing(trial)

        try:
            await until("every metric has a value", complete)
        except AssertionError:
            assert await missing(trial) == set()
            raise
        samples = await metrics(trial.board)
        known = {name: set(labels) for metric in CATALOGUE.values() for name, labels in metric.series.items()}
        assert {name for name, _ in samples} <= set(known)
        assert [name for name, labels in samples if {key for key, _ in labels} != known[name]] == []
