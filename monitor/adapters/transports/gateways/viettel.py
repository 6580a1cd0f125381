"""Viettel brandname: SOAP `wsCpMt`, with a RequestID. The answer is parsed without entities or a document type."""

from __future__ import annotations

from typing import ClassVar
from xml.sax.saxutils import escape

from defusedxml import ElementTree

from monitor.adapters.transports.gateways.gateway import Gateway, Said
from monitor.adapters.transports.gateways.letters import fitting
from monitor.adapters.transports.gateways.wire import Ask, Unreadable
from monitor.model.segments import aliens

_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:impl="http://impl.bulkSms.ws/">'
    "<soapenv:Body><impl:wsCpMt>{fields}</impl:wsCpMt></soapenv:Body></soapenv:Envelope>"
)


class Viettel(Gateway):
    """`viettel://`; options user, password, cp_code, brandname."""

    scheme = secure_protocol = "viettel"
    service_name = "Viettel SMS Brandname"
    home = "https://viettel-bulksms.invalid/bulkapi"  # the address comes with the contract
    private: ClassVar = frozenset({"user", "password"})

    def ask(self) -> Ask:
        """One SMS."""
        text = fitting(self.letter.text, self.scheme)
        fields = {
            "User": self.options["user"],
            "Password": self.options["password"],
            "CPCode": self.options["cp_code"],
            "RequestID": self.letter.name,
            "UserID": self.letter.to,
            "ReceiverID": self.letter.to,
            "ServiceID": self.options["brandname"],
            "CommandCode": "bulksms",
            "Content": text,
            "ContentType": "1" if aliens(text) else "0",
        }
        inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
        return Ask(self.base, _ENVELOPE.format(fields=inner).encode(), headers)

    def read(self, body: bytes) -> Said:
        """`result` of the return value."""
        try:
            tree = ElementTree.fromstring(body, forbid_dtd=True)
        except ElementTree.ParseError as broken:
            raise Unreadable("not XML") from broken
        found = next((part for part in tree.iter() if part.tag.rpartition("}")[2] == "result"), None)
        if found is None or found.text is None:
            raise Unreadable("no result")
        return Said(found.text.strip())
