"""Every gateway as a channel of a site, with a stand-in on the loopback behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from monitor.adapters.clock import SystemClock
from monitor.adapters.transports.factory import open_transports
from monitor.config.build import load_site
from monitor.config.spec import Site
from monitor.model.incident import Notice, Receipt
from monitor.ports import Transport
from monitor.simulate.gateways import BOTS, GATEWAYS, FakeGateways
from tests.integration.posts import NOTICE
from tests.unit.sites import NOW, change, make_site

PHONE, USER = "84912345678", "8137426598"
SECRET = "s3cr3t-w0rd"
OPTIONS: Mapping[str, str] = {
    "esms": "brandname: DENBAO, api_key: '${SECRET}', secret_key: '${SECRET}'",
    "speedsms": "brandname: DENBAO, token: '${SECRET}'",
    "stringee": "brandname: DENBAO, key_sid: '${SECRET}', key_secret: '${SECRET}'",
    "vietguys": "brandname: DENBAO, user: '${SECRET}', password: '${SECRET}'",
    "viettel": "brandname: DENBAO, user: '${SECRET}', password: '${SECRET}', cp_code: DENBAO",
    "vnpt": (
        "label: '1', contract: '2', template: '3', agent: '4', user: '${SECRET}', api_user: '${SECRET}', "
        "api_password: '${SECRET}'"
    ),
    "zalozns": (
        "app_id: '42', app_secret: '${SECRET}', refresh_token: '${REFRESH}', oauth_url: 'http://127.0.0.1:PORT/oauth', "
        "templates: {any: {id: '77', parameters: {don_vi: unit, ma: ref, ly_do: reason}}}"
    ),
    "zalooa": (
        "app_id: '43', app_secret: '${SECRET}', refresh_token: '${REFRESH}', oauth_url: 'http://127.0.0.1:PORT/oauth'"
    ),
    "telegram": "url: 'tgram://123456789:${SECRET}-abcdefghijklmnopqrstuvw/{address}/'",
    "zalobot": "url: 'zalo://123456789:${SECRET}/{address}/'",
}
ENVIRON = {
    "SECRET": SECRET,
    "REFRESH": "refresh-0",
    "PHONE": "0912 345 678",
    "USER": USER,
    "BOT": "123456789:AAAA",
}


def gateway_site(folder: Path, fake: FakeGateways, *names: str, more: str = "") -> Site:
    """The good site with these gateways as channels of its focal person; `more` are options for all."""
    lines = ["  log: {kind: log}"]
    for name in names:
        options = OPTIONS[name].replace("PORT", str(fake.port))
        lines.append(f"  {name}: {{kind: {name}, {options}, base_url: '{fake.base(name)}'{more}}}")
    make_site(folder, "  log: {kind: log}", "\n".join(lines))
    config = folder / "config.yaml"
    people = config.read_text("utf-8")
    listed = ", ".join(("log", *names))
    kinds = {"zalooa": "${USER}", "telegram": "${USER}", "zalobot": "${USER}"}
    addresses = ", ".join(f"{name}: '{kinds.get(name, '${PHONE}')}'" for name in names)
    old = next(line for line in people.splitlines() if "id: focal," in line)
    new = old.replace("channels: [log]", f"channels: [{listed}], addresses: {{{addresses}}}")
    assert new != old
    change(config, old, new)
    change(config, '"127.0.0.0/8:8867,8868"', '"127.0.0.0/8:*"')
    return load_site(folder, environ=ENVIRON, now=NOW)


Opened = tuple[FakeGateways, Mapping[str, Transport]]


@asynccontextmanager
async def opened(folder: Path, *names: str, more: str = "") -> AsyncIterator[Opened]:
    """Stand-ins, and the transports of a site that uses them."""
    fake = FakeGateways(SystemClock())
    await fake.start()
    site = gateway_site(folder, fake, *names, more=more)
    transports = open_transports(site, SystemClock())
    try:
        yield fake, transports
    finally:
        for transport in transports.values():
            await transport.close()
        await fake.stop()


def notice_by(channel: str, key: str = "") -> Notice:
    """A page to the focal person by one channel."""
    known = key or f"00010/portal/2026-11-20T05:00:00+00:00/0/1/0/focal/{channel}"
    words = {"unit": "Xã Văn Lang", "reason": "không trả lời, 81,5%"}
    return replace(NOTICE, key=known, channel=channel, words=words)


async def deliver(transport: Transport, channel: str, *, attempt: int = 1, maybe_sent: bool = False) -> Receipt:
    """One send of that page."""
    return await transport.send(notice_by(channel), attempt=attempt, maybe_sent=maybe_sent)


ALL = (*GATEWAYS, *BOTS)
