"""DNS records in one spelling each, so that what is expected and what is answered are compared as records."""

from __future__ import annotations

from typing import cast

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from dns.rdtypes.ANY.TXT import TXT

_RIGHT = {
    "A": "write an IPv4 address such as 203.0.113.7",
    "AAAA": "write an IPv6 address such as 2001:db8::1",
    "MX": "write preference and name, such as 10 mail.example.vn",
    "SRV": "write priority, weight, port and name, such as 0 5 443 portal.example.vn",
    "SOA": "write all seven parts of it",
    "CAA": 'write flags, tag and value, such as 0 issue "ca.example.vn"',
}


def spelled(record: dns.rdata.Rdata) -> str:
    """The one spelling of a record: addresses in their short form, names in small letters; a TXT is its whole text."""
    if record.rdtype == dns.rdatatype.TXT:
        return b"".join(cast("TXT", record).strings).decode(errors="backslashreplace")
    return record.to_text().lower().rstrip(".")


def canonical(kind: str, text: str) -> str:
    """The spelling of a record written by a person. A TXT may stand with or without its quotes.

    Raises ValueError ("what; what would be right").
    """
    if kind == "TXT" and not text.startswith('"'):
        return text
    try:
        found = dns.rdata.from_text(
            dns.rdataclass.IN, dns.rdatatype.from_text(kind), text, origin=dns.name.root, relativize=False
        )
    except (dns.exception.DNSException, ValueError):
        raise ValueError(f"'{text[:60]}' is no {kind} record; {_RIGHT.get(kind, 'write a name')}") from None
    return spelled(found)
