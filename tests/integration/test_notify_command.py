"""`denbao notify test`: the real way to a gateway's stand-in, and what the command says of it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result

from monitor.adapters.clock import SystemClock
from monitor.cli.main import main
from monitor.simulate.gateways import FakeGateways, Mood
from tests.integration.gateway_tools import ENVIRON, PHONE, SECRET, gateway_site

pytestmark = pytest.mark.integration


@pytest.fixture
def fake() -> Iterator[FakeGateways]:
    """Stand-ins in a thread of their own, as the command has its own loop."""
    loop, made = asyncio.new_event_loop(), FakeGateways(SystemClock())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(made.start(), loop).result(10)
    yield made
    asyncio.run_coroutine_threadsafe(made.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def run(folder, *arguments: str) -> Result:
    return CliRunner(env=ENVIRON).invoke(main, ["notify", "test", *arguments, "--site", str(folder)])


def test_every_channel_of_the_recipient_is_tried_and_said(tmp_path, fake):
    gateway_site(tmp_path, fake, "esms", "zalozns")
    result = run(tmp_path, "focal")
    assert result.exit_code == 0, result.output
    assert "esms -> focal: đã gửi / sent (esms 100: accepted), id id-1" in result.output
    assert "zalozns -> focal: đã gửi / sent" in result.output
    assert {one.to for one in fake.arrived} == {PHONE}
    assert "(THU) denbao: tin thu luc" in fake.arrived[0].text
    assert SECRET not in result.output and PHONE not in result.output


def test_a_refusal_is_said_with_its_reason_and_the_command_fails(tmp_path, fake):
    gateway_site(tmp_path, fake, "esms")
    fake.moods["esms"] = Mood("code", "103")
    result = run(tmp_path, "focal", "--channel", "esms", "--json")
    assert result.exit_code == 1
    (row,) = json.loads(result.output)
    assert row == {
        "channel": "esms",
        "outcome": "refused",
        "detail": "esms 103: no balance",
        "provider_id": "",
        "fault": "channel",
    }


def test_who_or_what_is_not_known_is_named(tmp_path, fake):
    gateway_site(tmp_path, fake, "esms")
    assert "unknown recipient 'focla'; did you mean 'focal'?" in run(tmp_path, "focla").output
    wrong = run(tmp_path, "focal", "--channel", "esmss")
    assert wrong.exit_code == 2 and "'focal' has no channel 'esmss'; did you mean 'esms'?" in wrong.output
