"""Stringee: JSON with a short-lived JWT (HS256). No request id: a repeat rings twice."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import ClassVar

from monitor.adapters.transports.gateways.gateway import JSON, Gateway, Said, as_json, json_of
from monitor.adapters.transports.gateways.letters import fitting
from monitor.adapters.transports.gateways.wire import Ask

_LIFE = 300  # seconds of a token


class Stringee(Gateway):
    """`stringee://`; options key_sid, key_secret, brandname."""

    scheme = secure_protocol = "stringee"
    service_name = "Stringee"
    home = "https://api.stringee.com"
    private: ClassVar = frozenset({"key_secret"})

    def ask(self) -> Ask:
        """One SMS."""
        one = {
            "from": self.options["brandname"],
            "to": self.letter.to,
            "text": fitting(self.letter.text, self.scheme),
        }
        headers = {**JSON, "X-STRINGEE-AUTH": self._token()}
        return Ask(f"{self.base}/v1/sms", as_json({"sms": [one]}), headers)

    def _token(self) -> str:
        sid = self.options["key_sid"]
        claims = {
            "jti": f"{sid}-{self.letter.name}-{self.letter.now}",
            "iss": sid,
            "exp": self.letter.now + _LIFE,
            "rest_api": True,
        }
        signed = f"{_part({'typ': 'JWT', 'alg': 'HS256', 'cty': 'stringee-api;v=1'})}.{_part(claims)}"
        signature = hmac.new(self.options["key_secret"].encode(), signed.encode(), sha256).digest()
        return f"{signed}.{_encoded(signature)}"

    def read(self, body: bytes) -> Said:
        """`r` of the one result, or of the whole where there is no result."""
        found = json_of(body)
        results = found.get("result") or [found]
        return Said(str(results[0]["r"]), str(results[0].get("msgId") or ""))


def _part(fields: Mapping[str, object]) -> str:
    return _encoded(json.dumps(fields, separators=(",", ":")).encode())


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
