"""What is pushed arrives at a real Prometheus and a real VictoriaMetrics, also what waited while they were away."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from monitor.adapters.clock import SystemClock
from monitor.adapters.fetch import Fetcher
from monitor.adapters.guard import AddressGuard
from monitor.adapters.pushing.buffer import Buffer
from monitor.config.allow import parse_allow
from monitor.config.spec import PushSpec
from monitor.ports import Page
from monitor.reporting.exposition import rendered
from monitor.service.build import pushed
from monitor.service.forwarding import Forwarder
from tests.integration.process import free_ports
from tests.integration.test_scrape_examples import HOSTILE
from tests.integration.timeseries import prometheus, until, victoria_metrics

pytestmark = [pytest.mark.integration]
NAMES = [((("unit", f"{number}"), ("name", name)), float(number)) for number, name in enumerate(HOSTILE)]
MINUTES = 60


class Ago:
    """The real clock, some minutes ago: an hour's cut without waiting for an hour."""

    def __init__(self) -> None:
        self._real = SystemClock()
        self.minutes = MINUTES

    def now(self) -> datetime:
        return self._real.now() - timedelta(minutes=self.minutes)


@pytest.mark.parametrize(
    ("server", "kind", "path"),
    [
        pytest.param(
            prometheus, "remote_write", "/api/v1/write", id="prometheus", marks=pytest.mark.needs("prometheus")
        ),
        pytest.param(
            victoria_metrics,
            "remote_write",
            "/api/v1/write",
            id="victoria-metrics",
            marks=pytest.mark.needs("victoria-metrics"),
        ),
        pytest.param(
            victoria_metrics,
            "text",
            "/api/v1/import/prometheus",
            id="victoria-metrics-text",
            marks=pytest.mark.needs("victoria-metrics"),
        ),
    ],
)
async def test_an_hour_in_which_the_receiver_was_away_arrives_whole(server, kind, path, tmp_path: Path):
    [port], clock, nothing = free_ports(1), Ago(), tmp_path / "nothing.yml"
    nothing.write_text("{}", "utf-8")  # to scrape
    spec = PushSpec(f"http://127.0.0.1:{port}{path}", kind, 60.0, 2**20, (), {"site": "thai-nguyen"})
    fetcher = Fetcher(AddressGuard([parse_allow("127.0.0.0/8:*")]), SystemClock())

    async def page() -> Page:
        turn = f"denbao_turn {clock.minutes}\n".encode()
        return Page(turn + rendered("denbao_unit_info", NAMES), "text/plain")

    async def post(body: bytes, headers: tuple[tuple[str, str], ...]) -> tuple[int, str]:
        return await pushed(fetcher, spec, body, headers)

    forwarder = Forwarder(spec, Buffer(tmp_path / "push", spec.buffer), page, post, clock)  # type: ignore[arg-type]
    try:
        for _ in range(MINUTES):  # nobody listens
            await forwarder.once()
            clock.minutes -= 1
        assert "the receiver takes nothing" in forwarder.sentences()[0]
        async with server(nothing, port=port) as asked:

            async def all_gone() -> bool | None:
                await forwarder.once()
                return None if forwarder.sentences() else True

            await until("the receiver never took anything", all_gone)

            async def counted() -> bool | None:
                found = await asked.ask('count_over_time(denbao_turn{site="thai-nguyen"}[2h])')
                return True if sum(found.values()) >= MINUTES + 1 else None

            await until("not every minute arrived", counted)
            summed = await asked.ask("sum_over_time(denbao_turn[2h])")
            assert sum(summed.values()) == sum(range(MINUTES + 1))
            found = await asked.answers("max by (unit, name) (denbao_unit_info)")
            assert {int(unit): name for name, unit in found} == dict(enumerate(HOSTILE))
    finally:
        await fetcher.close()
