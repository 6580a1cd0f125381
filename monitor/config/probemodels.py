"""What may stand under `probes:`.

A kind is one model here, one frozen type in probespec, a maker in probebuild and a file in adapters/probes.
"""

from __future__ import annotations

from typing import Annotated, Literal

import dns.exception
import dns.name
from pydantic import AfterValidator, Field, model_validator

from monitor.config.asked import Asked, Certified, Selector
from monitor.config.fields import Host, Identifier, Port, SitePath, Span, Title, Url, ValueName
from monitor.config.probespec import MAX_BODY, Family, TlsVersion
from monitor.config.yaml import Section
from monitor.engine.rolling import KNOWN


def _dns_name(value: str) -> str:
    try:
        dns.name.from_text(value.replace("{code}", "0"))
    except (dns.exception.DNSException, UnicodeError):
        raise ValueError(f"is '{value[:60]}'; write a name such as dichvucong.gov.vn") from None
    return value


DnsName = Annotated[str, AfterValidator(_dns_name), Field(min_length=1, max_length=253)]


class DerivedModel(Section):
    """A figure made of many answers, under the indicator that it fills."""

    what: Literal["availability", "loss", "p50", "p90", "p95", "p99", "office_outage"] = Field(
        description="write what is derived"
    )
    over: Span | None = None  # the window; none for the current outage
    known: float = Field(default=KNOWN, ge=0, le=100)  # availability: least share of the window measured, per cent


class _Probe(Asked):
    units: Selector = Field(description='write {level: commune, province: "19"} or {codes: [...]}')
    gives: Identifier = Field(description="write the yes/no indicator that the probe fills")
    derives: dict[Identifier, DerivedModel] = Field(default={})  # figures over a window, by indicator
    retries: int = Field(default=0, ge=0, le=3)  # asked again at once; counted, and said in the reading's note


class Question(Section):
    """What is asked by HTTP, and what is expected."""

    url: Url = Field(description="write the address to ask; {code} stands for the unit's code")
    method: Literal["GET", "HEAD", "POST", "PUT"] = "GET"
    headers: dict[str, str] = Field(default={})
    body: str = Field(default="", max_length=64 * 1024)  # a secret in it stands as ${NAME}
    redirects: int = Field(default=0, ge=0, le=3)
    expect_status: list[Annotated[int, Field(ge=100, le=599)]] = Field(default=[200], min_length=1)
    expect_text: str = Field(default="", max_length=500)
    expect_json: str = Field(default="", max_length=500)  # a JMESPath that must give true
    min_bytes: int = Field(default=0, ge=0)
    max_bytes: int = Field(default=MAX_BODY, ge=1, le=4 * 1024 * 1024)


class _OverHttp(_Probe, Certified):
    address: Family = "any"
    also: dict[Literal["seconds"], Identifier] = Field(default={})  # how long it took


class HttpProbe(_OverHttp, Question):
    """Asks an address; the expected status and text mean yes."""

    kind: Literal["http"]


class CaptureSection(Section):
    """A value of an answer for later steps; exactly one place says where it is."""

    json_path: str = Field(default="", alias="json", max_length=500)  # JMESPath in the JSON body
    body: str = Field(default="", max_length=500)  # regular expression with one group
    header: str = Field(default="", max_length=100)  # its name
    cookie: str = Field(default="", max_length=100)
    pattern: str = Field(default="", max_length=500)  # regular expression with one group, in the header or cookie
    secret: bool = True  # masked in transcripts
    decode: Literal["percent"] | None = None  # percent: kept without its percent-encoding

    @model_validator(mode="after")
    def _one_place(self) -> CaptureSection:
        if sum(map(bool, (self.json_path, self.body, self.header, self.cookie))) != 1:
            raise ValueError("does not say where the value is; write one of json, body, header and cookie")
        if self.pattern and not (self.header or self.cookie):
            raise ValueError("has a pattern and neither header nor cookie; write the expression as the body's own")
        return self


class StepSection(Question):
    """One question of a journey; {name} stands for a value that an earlier step captured."""

    id: Identifier = Field(description="write a name of its own")
    timeout: Span | None = None  # of this step; unless said it may use what is left of the journey's
    form: dict[str, str] = Field(default={})  # fields of a web form, sent as the body
    capture: dict[ValueName, CaptureSection] = Field(default={})


class JourneyProbe(_OverHttp):
    """Takes steps by HTTP in their order; all of them as expected mean yes."""

    kind: Literal["journey"]
    steps: list[StepSection] = Field(min_length=1, max_length=10, description="write what is asked, step by step")


class _Dialled(_Probe):
    host: Host = Field(description="write the host name or IP address to connect to")
    address: Family = "any"
    also: dict[Literal["seconds"], Identifier] = Field(default={})


class TcpProbe(_Dialled):
    """Opens a connection; an accepted one, and the expected text if one is asked for, mean yes."""

    kind: Literal["tcp"]
    port: Port = Field(description="write the port to connect to")
    send: str = Field(default="", max_length=64 * 1024)  # a secret in it stands as ${NAME}
    expect: str = Field(default="", max_length=500)


class SmtpProbe(_Dialled):
    """Opens a connection to a mail server; its greeting means yes."""

    kind: Literal["smtp"]
    port: Port = 25
    expect: str = Field(default="", max_length=500)


class TlsProbe(_Probe):
    """Looks at the certificate of a server; one that is trusted, for this name and long enough means yes."""

    kind: Literal["tls"]
    period: Span = 3600.0  # a handshake costs the target more than a question, and certificates last for weeks
    host: Host = Field(description="write the host name or IP address to connect to")
    port: Port = 443
    address: Family = "any"
    name: Host = ""  # that the certificate must be for; the host unless said
    min_days: float = Field(default=0, ge=0, le=3650)
    min_version: TlsVersion = "TLSv1.2"
    authority: SitePath | None = None
    also: dict[Literal["seconds", "days_left"], Identifier] = Field(default={})


class DnsProbe(_Probe):
    """Asks one name server about one name; the expected answer means yes."""

    kind: Literal["dns"]
    server: Host = Field(description="write the host name or IP address of the name server")
    port: Port = 53
    address: Family = "any"
    name: DnsName = Field(description="write the name to ask for")
    record: Literal["A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"] = "A"
    expect_rcode: Literal["NOERROR", "NXDOMAIN", "SERVFAIL", "REFUSED"] = "NOERROR"
    expect: list[Title] = Field(default=[])
    also: dict[Literal["seconds", "ttl"], Identifier] = Field(default={})


class IcmpProbe(_Probe):
    """Sends some packets; enough of them coming back means yes."""

    kind: Literal["icmp"]
    host: Host = Field(description="write the host name or IP address to ping")
    address: Family = "any"
    packets: int = Field(default=4, ge=1, le=20)
    max_loss: float = Field(default=50.0, ge=0, lt=100)  # per cent
    also: dict[Literal["loss", "round_trip"], Identifier] = Field(default={})


Probe = Annotated[
    HttpProbe | JourneyProbe | TcpProbe | SmtpProbe | TlsProbe | DnsProbe | IcmpProbe, Field(discriminator="kind")
]

# What `also` can name -> the unit of measure that its indicator must have.
MEASURES = {"seconds": "s", "days_left": "days", "ttl": "s", "loss": "%", "round_trip": "s"}
