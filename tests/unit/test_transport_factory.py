"""From a site to its transports."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.adapters.clock import SystemClock
from monitor.adapters.transports.email import EmailTransport
from monitor.adapters.transports.factory import open_transports
from monitor.adapters.transports.log import LogTransport
from monitor.adapters.transports.webhook import WebhookTransport
from monitor.config.build import load_site
from monitor.config.secrets import Secret
from monitor.config.spec import ChannelSpec, Site
from monitor.model.incident import Outcome, Receipt
from tests.integration.posts import NOTICE
from tests.unit.sites import NOW, make_site


@pytest.fixture
def site(tmp_path) -> Site:
    channels = {
        "log": ChannelSpec("log", "log"),
        "email": ChannelSpec("email", "email", Secret("mailto://u:s3cret@mail.example/{address}"), timeout=60),
        "gateway": ChannelSpec("gateway", "webhook", Secret("jsons://gateway.example/{address}")),
    }
    return replace(load_site(make_site(tmp_path), environ={}, now=NOW), channels=channels, addresses={})


def test_every_channel_becomes_a_transport_of_its_kind(site):
    opened = open_transports(site, SystemClock())
    assert {name: type(one) for name, one in opened.items()} == {
        "log": LogTransport,
        "email": EmailTransport,
        "gateway": WebhookTransport,
    }


async def test_a_recipient_without_an_address_is_refused_without_starting_anything(site):
    opened = open_transports(site, SystemClock())
    for name in ("email", "gateway"):
        assert await opened[name].send(NOTICE, attempt=1, maybe_sent=False) == Receipt(Outcome.REFUSED, "no address")
        await opened[name].close()


async def test_the_log_knows_the_recipients_by_name(site, capsys):
    await open_transports(site, SystemClock())["log"].send(NOTICE, attempt=1, maybe_sent=False)
    name = next(recipient.name for recipient in site.directory.recipients if recipient.id == "focal")
    assert f"log -> {name} (focal)" in capsys.readouterr().out


async def test_the_log_shows_a_post_in_full_and_of_a_person_the_initials_in_the_text_too(site, capsys):
    people = (replace(site.directory.person("focal"), name="Nguyễn Văn An"), site.directory.person("chair"))
    log = open_transports(replace(site, directory=replace(site.directory, recipients=people)), SystemClock())["log"]
    body = "Kính gửi Nguyễn Văn An. Đề nghị kiểm tra."
    await log.send(replace(NOTICE, recipient="focal", body=body), attempt=1, maybe_sent=False)
    await log.send(replace(NOTICE, recipient="chair"), attempt=1, maybe_sent=False)
    shown = capsys.readouterr().out
    assert "Nguyễn" not in shown
    assert "log -> N.V.A (focal)" in shown and "Kính gửi N.V.A. Đề nghị" in shown
    assert "log -> Chủ tịch (chair)" in shown


@pytest.mark.parametrize("spec", [ChannelSpec("x", "email"), ChannelSpec("x", "pigeon", Secret("json://h"))])
def test_a_channel_that_cannot_be_opened_is_named(site, spec):
    with pytest.raises(ValueError, match="channel 'x'"):
        open_transports(replace(site, channels={"x": spec}), SystemClock())
