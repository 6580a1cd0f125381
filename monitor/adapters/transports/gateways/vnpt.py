"""VNPT / VinaPhone brandname: JSON, template based (the text is a parameter), idempotent by REQID."""

from __future__ import annotations

from typing import ClassVar

from monitor.adapters.transports.gateways.gateway import JSON, Gateway, Said, as_json, json_of
from monitor.adapters.transports.gateways.letters import fitting
from monitor.adapters.transports.gateways.wire import Ask
from monitor.model.segments import aliens


class Vnpt(Gateway):
    """`vnpt://`; options user, api_user, api_password, label, contract_type, contract, template, agent."""

    scheme = secure_protocol = "vnpt"
    service_name = "VNPT SMS Brandname"
    home = "https://sms-api.vnpt.invalid"  # the address comes with the contract
    private: ClassVar = frozenset({"api_user", "api_password", "user"})

    def ask(self) -> Ask:
        """One SMS whose text is parameter 1 of the template."""
        text = fitting(self.letter.text, self.scheme)
        asked = {
            "name": "send_sms_list",
            "REQID": self.letter.name,
            "LABELID": self.options["label"],
            "CONTRACTTYPEID": self.options["contract_type"],
            "CONTRACTID": self.options["contract"],
            "TEMPLATEID": self.options["template"],
            "PARAMS": [{"NUM": "1", "CONTENT": text}],
            "SCHEDULETIME": "",
            "MOBILELIST": self.letter.to,
            "ISTELCOSUB": "0",
            "AGENTID": self.options["agent"],
            "APIUSER": self.options["api_user"],
            "APIPASS": self.options["api_password"],
            "USERNAME": self.options["user"],
            "DATACODING": "8" if aliens(text) else "0",
        }
        return Ask(self.base, as_json({"RQST": asked}), JSON)

    def read(self, body: bytes) -> Said:
        """RPLY.ERROR."""
        reply = json_of(body)["RPLY"]
        return Said(str(reply["ERROR"]), str(reply.get("REQID") or ""))
