"""SpeedSMS: JSON with HTTP Basic. No request id: a repeat rings twice."""

from __future__ import annotations

from base64 import b64encode
from typing import ClassVar

from monitor.adapters.transports.gateways.gateway import JSON, Gateway, Said, as_json, json_of
from monitor.adapters.transports.gateways.letters import fitting
from monitor.adapters.transports.gateways.wire import Ask


class SpeedSms(Gateway):
    """`speedsms://`; options token, brandname, sms_type."""

    scheme = secure_protocol = "speedsms"
    service_name = "SpeedSMS"
    home = "https://api.speedsms.vn"
    private: ClassVar = frozenset({"token"})

    def ask(self) -> Ask:
        """One SMS."""
        login = b64encode(f"{self.options['token']}:x".encode()).decode()
        fields = {
            "to": [self.letter.to],
            "content": fitting(self.letter.text, self.scheme),
            "sms_type": int(self.options.get("sms_type", "3")),
            "sender": self.options["brandname"],
        }
        headers = {**JSON, "Authorization": f"Basic {login}"}
        return Ask(f"{self.base}/index.php/sms/send", as_json(fields), headers)

    def read(self, body: bytes) -> Said:
        """code, and tranId; where invalidPhone names a number it is ours, however it is spelt, and was not taken."""
        found = json_of(body)
        data = found.get("data") or {}
        code = str(found["code"])
        if code == "00" and data.get("invalidPhone"):
            code = "105"
        return Said(code, str(data.get("tranId") or ""))
