"""`denbao notify test`: one message to one recipient, the way a page goes, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import click

from monitor.adapters.clock import SystemClock
from monitor.adapters.transports.factory import open_transports
from monitor.alerting.plan import Recipient
from monitor.cli.output import echo_json, hinted
from monitor.cli.sites import json_option, open_site, site_option
from monitor.config.spec import Site
from monitor.model.incident import Notice, Outcome, Receipt
from monitor.model.nearest import nearest

_OUTCOMES: Mapping[Outcome, str] = {
    Outcome.SENT: "đã gửi / sent",
    Outcome.TRY_AGAIN: "chưa gửi được, sẽ thử lại / not sent, would be tried again",
    Outcome.REFUSED: "bị từ chối / refused",
    Outcome.UNKNOWN: "chưa chắc đã đến / may have arrived",
}


@click.group()
def notify() -> None:
    """Try the ways to people."""


@notify.command()
@click.argument("recipient")
@click.option("--channel", help="Only this channel; every channel of the recipient by default.")
@site_option
@json_option
def test(recipient: str, channel: str | None, site: Path, as_json: bool) -> None:
    """Send one test message to RECIPIENT (an id in config.yaml) now; exit 1 unless every channel took it."""
    loaded = open_site(site)
    person = _person(loaded, recipient)
    receipts = asyncio.run(_send(loaded, person, _channels(person, channel)))
    if as_json:
        echo_json([_row(*one) for one in receipts.items()])
    else:
        for name, receipt in receipts.items():
            detail = f" ({receipt.detail})" if receipt.detail else ""
            known = f", id {receipt.id}" if receipt.id else ""
            click.echo(f"{name} -> {person.id}: {_OUTCOMES[receipt.outcome]}{detail}{known}")
    if any(receipt.outcome is not Outcome.SENT for receipt in receipts.values()):
        raise SystemExit(1)


def _person(site: Site, name: str) -> Recipient:
    people = {person.id: person for person in site.directory.recipients}
    if name not in people:
        raise click.UsageError(hinted(f"unknown recipient '{name}'", nearest(name, people)))
    return people[name]


def _channels(person: Recipient, channel: str | None) -> Sequence[str]:
    if channel is None:
        return person.channels
    if channel not in person.channels:
        raise click.UsageError(hinted(f"'{person.id}' has no channel '{channel}'", nearest(channel, person.channels)))
    return (channel,)


async def _send(site: Site, person: Recipient, channels: Sequence[str]) -> dict[str, Receipt]:
    clock = SystemClock()
    transports = open_transports(site, clock)
    try:
        return {
            name: await transports[name].send(_notice(site, person, name, clock.now()), attempt=1, maybe_sent=False)
            for name in channels
        }
    finally:
        for transport in transports.values():
            await transport.close()


def _notice(site: Site, person: Recipient, channel: str, now: datetime) -> Notice:
    """What a page would be, with the word test in every language and length."""
    local = now.astimezone(site.zone)
    when = f"{local:%H:%M %d/%m/%Y}"
    key = f"test/{now.isoformat()}/0/0/{person.id}/{channel}"
    return Notice(
        key=key,
        incident=f"test/{now.isoformat()}",
        ref="TEST",
        unit=person.scope,
        kind="test",
        recipient=person.id,
        channel=channel,
        due_at=now,
        subject=f"[THỬ] denbao: tin thử lúc {when} / test message",
        body=f"Tin thử của hệ thống {site.name_vi} lúc {when}. Không cần làm gì. / Test message; nothing to do.",
        sms=f"[THU] denbao: tin thu luc {local:%H:%M %d/%m}. Khong can lam gi. Ma don vi {person.scope}",
        words={"unit": site.name_vi, "code": person.scope, "date": f"{local:%d/%m/%Y}", "time": f"{local:%H:%M}"},
    )


def _row(channel: str, receipt: Receipt) -> dict[str, object]:
    return {
        "channel": channel,
        "outcome": receipt.outcome.value,
        "detail": receipt.detail,
        "provider_id": receipt.id,
        "fault": receipt.fault.value if receipt.outcome is Outcome.REFUSED else "",
    }
