"""What goes into a fetch and what comes out of it: data only, no client library but for cookies."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from monitor.adapters.fetch_wire import Letter

from monitor.adapters.fetch_cookies import Cookies
from monitor.config.probespec import Family

FailureKind = Literal[
    "refused-address",
    "dns",
    "connect",
    "tls",
    "timeout",
    "too-large",
    "bad-encoding",
    "truncated",
    "protocol",
    "redirect",
    "cut",
]
MIB = 1024 * 1024
MAX_REDIRECTS = 3
MAX_HEADER_VALUE = 1024  # characters of a header that are handed on


@dataclass(frozen=True, slots=True)
class Request:
    """One question to the outside world.

    `timeout` is the total in seconds, redirects included. `max_wire` and `max_decoded` cap the body in bytes as it
    travels and as it is after unpacking. `redirects` is how many may be followed, at most 3; 0 hands a 3xx answer back.
    Credentials belong in `headers`; those of the URL's userinfo are sent as basic authentication. `family` tells which
    addresses of a name are dialled. `tls` replaces the fetcher's TLS settings; to another origin only its trust goes
    along. `cookies` are sent and kept; without them none are.
    """

    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    timeout: float = 10.0
    max_wire: int = 4 * MIB
    max_decoded: int = 4 * MIB
    redirects: int = 0
    family: Family = "any"
    tls: ssl.SSLContext | None = None
    letter: Letter | None = field(default=None, compare=False, repr=False)  # as it is sent, of a request made ready
    cookies: Cookies | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer, whatever its status.

    `headers` have lower-case names and bounded, cleaned values (repeated ones joined by a comma). `body` is unpacked.
    `elapsed` and `phases` (by monitor.model.reading.PHASES) are seconds; `peer` is an IP literal.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed: float
    peer: str
    phases: Mapping[str, float]
    uses: int = 0  # how many answers came over the same connection before; 0: a new one
    url: str = ""  # that was asked last, after redirects


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no whole answer. `detail` is a sentence without credentials; `elapsed` and `phases` are seconds."""

    kind: FailureKind
    detail: str
    elapsed: float
    phases: Mapping[str, float] = field(default_factory=dict)


class Broken(Exception):
    """Carries a failure up to the one place that turns it into a `Failure` value; never leaves the fetcher."""

    def __init__(self, kind: FailureKind, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
