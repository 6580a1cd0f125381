"""Records are compared as records, however they are written."""

from __future__ import annotations

import dns.name
import dns.rdata
import pytest

from monitor.config.build import load_site
from monitor.config.dnsrecords import canonical, spelled
from monitor.config.probespec import DnsCheck
from tests.unit.sites import NOW, change, make_site


@pytest.mark.parametrize(
    ("kind", "answered", "expected"),
    [
        ("A", "203.0.113.7", "203.0.113.7"),
        ("AAAA", "2001:db8::1", "2001:0DB8:0:0::1"),
        ("CNAME", "Portal.Example.VN.", "portal.example.vn"),
        ("MX", "10 mail.example.vn.", "10 Mail.example.vn"),
        ("SOA", "ns.example.vn. admin.example.vn. 7 2 3 4 5", "ns.example.vn Admin.example.vn 7 2 3 4 5"),
        ("SRV", "0 5 443 portal.example.vn.", "00 5 443 portal.example.vn"),
        ("CAA", '0 issue "ca.example.vn"', "0 issue ca.example.vn"),
        ("TXT", '"v=spf1 -all"', "v=spf1 -all"),
        ("TXT", '"v=spf1 -all"', '"v=spf1 -all"'),
        ("TXT", '"v=DKIM1; p=MIIB" "IjANBg"', "v=DKIM1; p=MIIBIjANBg"),
    ],
)
def test_a_record_is_the_same_in_every_spelling(kind, answered, expected):
    found = dns.rdata.from_text("IN", kind, answered, origin=dns.name.root, relativize=False)
    assert spelled(found) == canonical(kind, expected)


def test_a_text_differs_by_its_capital_letters():
    assert canonical("TXT", "key=Ab") != canonical("TXT", "key=aB")


@pytest.mark.parametrize(
    ("kind", "text"),
    [("A", "2001:db8::1"), ("AAAA", "203.0.113.7"), ("MX", "mail.example.vn"), ("NS", "a..b"), ("A", "")],
)
def test_what_can_be_no_record_is_refused(kind, text):
    with pytest.raises(ValueError, match=f"is no {kind} record; write"):
        canonical(kind, text)


def test_the_code_of_the_unit_stands_in_the_name_of_the_server_too(tmp_path):
    site = make_site(tmp_path)
    asks = "server: ns.{code}.example.vn\n    name: www.example.vn\n    record: TXT\n    expect: [v=spf1 -all]\n"
    change(site / "config.yaml", "kind: http", "kind: dns")
    change(site / "config.yaml", "url: http://127.0.0.1:8867/centres/{code}\n", asks)
    probes = load_site(site, environ={}, now=NOW).probes
    asked = [probe.asks for probe in probes if isinstance(probe.asks, DnsCheck)]
    assert [one.server for one in asked] == ["ns.01840.example.vn", "ns.01843.example.vn"]
    assert asked[0].expect == ("v=spf1 -all",)
