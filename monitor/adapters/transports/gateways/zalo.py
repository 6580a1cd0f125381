"""Zalo: a template message by phone number (ZNS / ZBS), and a text message of an Official Account to a follower.

Both answer HTTP 200 for errors too; the code stands in `error`.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import ClassVar
from urllib.parse import urlencode

from monitor.adapters.transports.gateways.codes import receipt_of
from monitor.adapters.transports.gateways.gateway import JSON, Gateway, Said, as_json, json_of
from monitor.adapters.transports.gateways.wire import Ask
from monitor.model.incident import Fault, Outcome, Receipt
from monitor.model.text import clean

_TEXT = 2000  # characters of a message of an Official Account
_NEVER_SEEN = -1  # status of a message: 1 it came, 0 it is on the way


class _Zalo(Gateway):
    private: ClassVar = frozenset({"access_token", "app_secret"})

    def headers(self) -> dict[str, str]:
        """Access token, and the proof that whoever has it knows the app's secret too."""
        token = self.options["access_token"]
        proof = hmac.new(self.options["app_secret"].encode(), token.encode(), sha256).hexdigest()
        return {"access_token": token, "appsecret_proof": proof}

    def read(self, body: bytes) -> Said:
        """`error` and the id of the message."""
        found = json_of(body)
        data = found.get("data") or {}
        return Said(str(found["error"]), str(data.get("msg_id") or data.get("message_id") or ""))


class ZaloZns(_Zalo):
    """`zalozns://`; options access_token, app_secret, template, mode. Parameters come with the letter."""

    scheme = secure_protocol = "zalozns"
    service_name = "Zalo ZNS"
    home = "https://business.openapi.zalo.me"

    def ask(self) -> Ask:
        """One template message; tracking_id is our name for it."""
        fields: dict[str, object] = {
            "phone": self.letter.to,
            "template_id": self.options["template"],
            "template_data": dict(self.letter.words),
            "tracking_id": self.letter.name,
        }
        if "mode" in self.options:
            fields["mode"] = self.options["mode"]
        return Ask(f"{self.base}/message/template", as_json(fields), {**JSON, **self.headers()})

    def ask_again(self) -> Ask:
        """The status by our own name for the message."""
        asked = urlencode({"tracking_id": self.letter.name, "phone": self.letter.to})
        return Ask(f"{self.base}/message/status?{asked}", headers=self.headers())

    def read_again(self, body: bytes) -> Receipt | None:
        """Known to Zalo: it was accepted. Where the question itself is refused, so would the message be."""
        found = json_of(body)
        data = found.get("data") or {}
        refusal = receipt_of(self.scheme, clean(str(found["error"]), 40))
        if refusal.outcome is not Outcome.SENT:
            return refusal if refusal.fault in (Fault.LOGIN, Fault.CHANNEL) else None
        if not data or data.get("status") == _NEVER_SEEN:
            return None
        return Receipt(Outcome.SENT, "zalozns: found by its tracking_id", id=str(data.get("msg_id") or "")[:100])


class ZaloOa(_Zalo):
    """`zalooa://`; options access_token, app_secret. The recipient is a user id."""

    scheme = secure_protocol = "zalooa"
    service_name = "Zalo Official Account"
    home = "https://openapi.zalo.me"

    def ask(self) -> Ask:
        """One consultation message."""
        fields = {"recipient": {"user_id": self.letter.to}, "message": {"text": self.letter.text[:_TEXT]}}
        return Ask(f"{self.base}/v3.0/oa/message/cs", as_json(fields), {**JSON, **self.headers()})
