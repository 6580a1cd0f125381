"""From a gateway's section to what the workers need: one URL that holds its options, secrets resolved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from monitor.alerting.limits import Limits
from monitor.config.channelmodels import COMMON, EsmsChannel, LimitsSection, ZaloOaChannel, ZaloZnsChannel
from monitor.config.problems import Location
from monitor.config.secrets import Secret, is_reference
from monitor.config.sources import Surroundings
from monitor.config.spec import Template, ZaloApp

SMS_GATEWAYS = ("esms", "speedsms", "stringee", "vietguys", "viettel", "vnpt")
BY_PHONE = frozenset({*SMS_GATEWAYS, "zalozns"})
# Whose provider does not recognise a repeat. Mail servers do by its Message-ID, a webhook by its Idempotency-Key.
BLIND = frozenset({"speedsms", "stringee", "vietguys", "zalooa", "telegram", "zalobot"})
_ELSEWHERE = COMMON | {"templates", "app_id", "refresh_token", "oauth_url", "webhook_secret", "receipts"}


class Options:
    """A section's options with their secrets; every secret that is missing is a finding."""

    def __init__(self, section: Any, at: Location, around: Surroundings) -> None:
        self._at = at
        self._around = around
        self._section = section

    def secret(self, name: str) -> Secret | None:
        """The secret behind one option."""
        return self._around.secret(getattr(self._section, name), (*self._at, name), f"the option {name}")

    def url(self) -> Secret | None:
        """The URL with all options; None where a secret is missing."""
        options: dict[str, str] = {}
        for name, value in self._section:
            if name in _ELSEWHERE or value is None:
                continue
            plain = self._plain(name, value)
            if plain is None:
                return None
            options[name] = plain
        return Secret(f"{self._section.kind}://{{address}}?{urlencode(options)}")

    def _plain(self, name: str, value: Any) -> str | None:
        if isinstance(value, bool):
            return "1" if value else "0"
        if not isinstance(value, str) or not is_reference(value):
            return str(value)
        secret = self.secret(name)
        return None if secret is None else secret.reveal()


def zalo_app(section: Any, options: Options, around: Surroundings) -> ZaloApp | None:
    """The app of a Zalo channel; None for other kinds and where a secret is missing."""
    if not hasattr(section, "app_id"):
        return None
    secret, seed = options.secret("app_secret"), options.secret("refresh_token")
    if secret is None or seed is None:
        return None
    name = "".join(char for char in section.app_id if char.isalnum())
    file = around.root / "var" / f"zalo-{name}.json"
    return ZaloApp(section.app_id, secret, seed, file, section.oauth_url.rstrip("/"))


def templates_of(section: Any) -> Mapping[str, Template]:
    """Templates by kind of notice."""
    if not isinstance(section, ZaloZnsChannel):
        return {}
    return {kind: Template(one.id, one.parameters) for kind, one in section.templates.items()}


def callback_of(section: Any, options: Options) -> Secret | None:
    """The secret that proves a final status; None where none is heard."""
    if isinstance(section, EsmsChannel) and section.receipts:
        return options.secret("secret_key")
    if isinstance(section, (ZaloZnsChannel, ZaloOaChannel)) and section.webhook_secret:
        return options.secret("webhook_secret")
    return None


def limits_of(section: LimitsSection | None, zone: Any) -> Limits | None:
    """Limits of a channel in the site's time zone."""
    if section is None:
        return None
    return Limits(section.per_recipient, section.per_channel, section.per_day, section.reserve, zone)
