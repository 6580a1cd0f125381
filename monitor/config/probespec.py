"""Probes as frozen types: what is the same for all, and what each kind asks."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from monitor.config.secrets import Secret
from monitor.config.template import Template
from monitor.engine.rolling import Derived

# Which addresses of a name are dialled: all in the resolver's order, of one family only, or all with one family first.
Family = Literal["any", "ipv4", "ipv6", "prefer_ipv4", "prefer_ipv6"]
TlsVersion = Literal["TLSv1.2", "TLSv1.3"]
PING_GAP = 0.1  # seconds between two packets of a ping
MAX_BODY = 256 * 1024  # bytes: a health page is small


@dataclass(frozen=True, slots=True)
class HttpCheck:
    """Ask an address; the expected answer means yes."""

    kind: ClassVar[str] = "http"

    url: str
    method: str = "GET"
    headers: tuple[tuple[str, Secret], ...] = ()
    body: Secret | None = None
    redirects: int = 0  # how many are followed; 0: a redirect is an answer like others
    expect_status: tuple[int, ...] = (200,)
    expect_text: str = ""  # must occur in the body; empty: not looked at
    expect_json: str = ""  # JMESPath that must give `true` for the JSON body; empty: not looked at
    min_bytes: int = 0  # of the unpacked body
    max_bytes: int = MAX_BODY
    address: Family = "any"
    tls: ssl.SSLContext | None = None  # own authority or client certificate; None: what the machine trusts


@dataclass(frozen=True, slots=True)
class Capture:
    """A value that an answer gives to later steps."""

    name: str
    source: Literal["json", "body", "header", "cookie"]
    place: str  # json: JMESPath; body: regular expression with one group; else the name of the header or cookie
    pattern: str = ""  # regular expression with one group, for a part of a header or cookie; empty: all of it
    secret: bool = True  # masked in transcripts
    decode: Literal["percent"] | None = None  # percent: kept without its percent-encoding (RFC 3986)


@dataclass(frozen=True, slots=True)
class Step:
    """One question of a journey; its gaps are captured values and `code`, the unit's code."""

    id: str
    url: Template
    timeout: float  # seconds
    method: str = "GET"
    headers: tuple[tuple[str, Template], ...] = ()
    body: Template | None = None
    body_is: Literal["text", "json", "form"] = "text"  # how values are escaped in the body
    form: tuple[tuple[str, Template], ...] = ()
    redirects: int = 0
    expect_status: tuple[int, ...] = (200,)
    expect_text: str = ""
    expect_json: str = ""
    min_bytes: int = 0
    max_bytes: int = MAX_BODY
    capture: tuple[Capture, ...] = ()


@dataclass(frozen=True, slots=True)
class JourneyCheck:
    """Take steps in their order, with the cookies and values of the earlier ones; all as expected means yes."""

    kind: ClassVar[str] = "journey"

    steps: tuple[Step, ...]
    code: str
    address: Family = "any"
    tls: ssl.SSLContext | None = None  # own authority or client certificate; None: what the machine trusts


@dataclass(frozen=True, slots=True)
class TcpCheck:
    """Open a connection; an accepted one means yes, and the expected text if one is asked for."""

    kind: ClassVar[str] = "tcp"

    host: str
    port: int
    address: Family = "any"
    send: Secret | None = None
    expect: str = ""  # must occur in what the other side says; empty: it is not listened to


@dataclass(frozen=True, slots=True)
class SmtpCheck:
    """Open a connection to a mail server; its greeting means yes."""

    kind: ClassVar[str] = "smtp"

    host: str
    port: int = 25
    address: Family = "any"
    expect: str = ""  # must occur in the greeting


@dataclass(frozen=True, slots=True)
class TlsCheck:
    """Shake hands; a certificate that is trusted, for this name and long enough means yes."""

    kind: ClassVar[str] = "tls"

    host: str
    port: int = 443
    address: Family = "any"
    name: str = ""  # that the certificate must be for; empty: the host
    min_days: float = 0  # that the certificate must still be valid
    min_version: TlsVersion = "TLSv1.2"
    tls: ssl.SSLContext | None = None  # own authority; None: what the machine trusts


@dataclass(frozen=True, slots=True)
class DnsCheck:
    """Ask one name server about one name; the expected answer means yes."""

    kind: ClassVar[str] = "dns"

    server: str
    name: str
    port: int = 53
    address: Family = "any"  # of the server
    record: str = "A"
    expect_rcode: str = "NOERROR"
    expect: tuple[str, ...] = ()  # records that must be among those of the answer, as dnsrecords spells them


@dataclass(frozen=True, slots=True)
class IcmpCheck:
    """Send some packets; enough of them coming back means yes."""

    kind: ClassVar[str] = "icmp"

    host: str
    address: Family = "any"
    packets: int = 4
    max_loss: float = 50.0  # per cent


Asks = HttpCheck | JourneyCheck | TcpCheck | SmtpCheck | TlsCheck | DnsCheck | IcmpCheck


@dataclass(frozen=True, slots=True)
class ProbeSpec:
    """One probe of one unit (a `probes:` entry that names many units becomes many of these)."""

    id: str  # "centre-health/02143"
    unit: str
    gives: str  # yes/no indicator it fills
    period: float  # seconds
    timeout: float  # seconds, total, of one attempt
    asks: Asks
    retries: int = 0  # further attempts at once after one that went badly
    also: Mapping[str, str] = field(default_factory=dict)  # what the kind measures besides yes or no -> indicator
    derives: tuple[Derived, ...] = ()  # figures made of many answers
