"""From a site to its transports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from monitor.adapters.fetch import Fetcher
from monitor.adapters.guard import AddressGuard, parse_allow
from monitor.adapters.shelf import FolderShelf
from monitor.adapters.transports.email import EmailTransport
from monitor.adapters.transports.log import LogTransport
from monitor.adapters.transports.messaging import (
    BotTransport,
    Extras,
    Messaging,
    SmsTransport,
    ZaloTransport,
    ZnsTransport,
)
from monitor.adapters.transports.pool import Pool
from monitor.adapters.transports.posting import Posting
from monitor.adapters.transports.webhook import WebhookTransport
from monitor.adapters.transports.zalotoken import ZaloTokens
from monitor.alerting.roster import personal
from monitor.config.gateways import SMS_GATEWAYS
from monitor.config.secrets import Secret
from monitor.config.spec import ChannelSpec, Site
from monitor.ports import Clock, Transport

LONGEST = 15.0  # seconds: a claim on a notice lasts 20, so no channel may take longer than this
_POSTING: Mapping[str, type[Posting]] = {"email": EmailTransport, "webhook": WebhookTransport}
_MESSAGING: Mapping[str, type[Messaging]] = {
    **dict.fromkeys(SMS_GATEWAYS, SmsTransport),
    "zalozns": ZnsTransport,
    "zalooa": ZaloTransport,
    "telegram": BotTransport,
    "zalobot": BotTransport,
}


def open_transports(site: Site, clock: Clock) -> Mapping[str, Transport]:
    """Transport by channel id. Nothing is started yet; raises ValueError for a kind or a URL the config let pass."""
    return {name: _open(spec, site, clock) for name, spec in site.channels.items()}


def _open(spec: ChannelSpec, site: Site, clock: Clock) -> Transport:
    if spec.kind == "log":
        known = site.directory.recipients
        persons = [person.id for person in known if personal(person, site.directory)]
        return LogTransport(spec.id, {person.id: person.name for person in known}, persons=persons)
    kind = _POSTING.get(spec.kind) or _MESSAGING.get(spec.kind)
    if kind is None or spec.url is None:
        raise ValueError(f"channel '{spec.id}' of kind '{spec.kind}' cannot be opened")
    pool = Pool(spec.id, spec.parallel, site.allow, clock)
    opened = kind(spec.url, _addresses(spec.id, site), pool, min(spec.timeout, LONGEST))
    if isinstance(opened, Messaging):
        opened.extras = _extras(spec, site, clock)
    if isinstance(opened, EmailTransport):
        opened.shelf = FolderShelf(shelf_of(site))
    return opened


def shelf_of(site: Site) -> Path:
    """Where the files lie that messages of a site carry."""
    return site.root / "var" / "attachments"


def _extras(spec: ChannelSpec, site: Site, clock: Clock) -> Extras:
    tokens = None
    if spec.zalo is not None:
        guard = AddressGuard([parse_allow(rule) for rule in site.allow])
        tokens = ZaloTokens(spec.zalo, Fetcher(guard, clock, limit=1), clock)
    return Extras(clock, spec.base_url, spec.callback, spec.callback_base, spec.id, spec.templates, tokens)


def _addresses(channel: str, site: Site) -> Callable[[str], Secret | None]:
    return lambda recipient: site.addresses.get((recipient, channel))
