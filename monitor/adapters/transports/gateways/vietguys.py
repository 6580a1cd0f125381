"""Vietguys: a form. `bid` is ours for the message; that it is recognised is not known, so a repeat counts as new."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urlencode

from monitor.adapters.transports.gateways.gateway import FORM, Gateway, Said, json_of
from monitor.adapters.transports.gateways.letters import fitting
from monitor.adapters.transports.gateways.wire import Ask
from monitor.model.segments import aliens


class Vietguys(Gateway):
    """`vietguys://`; options user, password, brandname."""

    scheme = secure_protocol = "vietguys"
    service_name = "Vietguys"
    home = "https://cloudsms4.vietguys.biz:4438"
    private: ClassVar = frozenset({"user", "password"})

    def ask(self) -> Ask:
        """One SMS."""
        text = fitting(self.letter.text, self.scheme)
        fields = {
            "u": self.options["user"],
            "pwd": self.options["password"],
            "from": self.options["brandname"],
            "phone": self.letter.to,
            "sms": text,
            "bid": self.letter.name,
            "type": "8" if aliens(text) else "0",
            "json": "1",
        }
        return Ask(f"{self.base}/api/index.php", urlencode(fields).encode(), FORM)

    def read(self, body: bytes) -> Said:
        """`error` 0 with msgid, or `error_code`."""
        found = json_of(body)
        failed = found.get("error_code") or found["error"]
        return Said(str(failed), str(found.get("msgid") or ""))
