"""eSMS: JSON, idempotent by RequestId, final status by a GET to CallbackUrl."""

from __future__ import annotations

from typing import ClassVar

from monitor.adapters.transports.gateways.gateway import JSON, Gateway, Said, as_json, json_of
from monitor.adapters.transports.gateways.letters import fitting
from monitor.adapters.transports.gateways.wire import Ask
from monitor.model.segments import aliens


class Esms(Gateway):
    """`esms://`; options api_key, secret_key, brandname, sandbox, callback_url."""

    scheme = secure_protocol = "esms"
    service_name = "eSMS"
    home = "https://rest.esms.vn"
    private: ClassVar = frozenset({"api_key", "secret_key", "callback_url"})

    def ask(self) -> Ask:
        """One SMS of class 2, customer care."""
        text = fitting(self.letter.text, self.scheme)
        fields = {
            "ApiKey": self.options["api_key"],
            "SecretKey": self.options["secret_key"],
            "Brandname": self.options["brandname"],
            "SmsType": "2",
            "Phone": self.letter.to,
            "Content": text,
            "IsUnicode": "1" if aliens(text) else "0",
            "Sandbox": self.options.get("sandbox", "0"),
            "RequestId": self.letter.name,
        }
        if "callback_url" in self.options:
            fields["CallbackUrl"] = self.options["callback_url"]
        return Ask(f"{self.base}/MainService.svc/json/SendMultipleMessage_V4_post_json/", as_json(fields), JSON)

    def read(self, body: bytes) -> Said:
        """CodeResult and SMSID."""
        found = json_of(body)
        return Said(str(found["CodeResult"]), str(found.get("SMSID") or ""))
