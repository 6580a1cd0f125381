"""Following a redirect under our own rules; the address itself is judged again where the socket is made."""

from __future__ import annotations

import ssl
from dataclasses import replace
from functools import lru_cache

from yarl import URL

from monitor.adapters.fetch_types import Broken, Request

REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Across origins only these travel on: a token may hide in any other header, and a client certificate is one.
# What is said of a redirect names the origin only: its path may repeat what a journey has captured, in any spelling.
_HARMLESS = frozenset({"accept", "accept-language", "user-agent"})
_LONGEST = 2000  # characters before the query: a host of thousands of parts takes 50 ms to read


def next_hop(request: Request, status: int, location: str) -> Request:
    """The request that follows a redirect. Raises Broken when the redirect must not be followed."""
    here = URL(request.url)
    there = _target(here, location)
    hop = replace(request, url=str(there), letter=None)
    if status == 303 or (status in (301, 302) and request.method.upper() == "POST"):
        method = "HEAD" if request.method.upper() == "HEAD" else "GET"
        kept = tuple(pair for pair in hop.headers if not pair[0].lower().startswith("content-"))
        hop = replace(hop, method=method, body=None, headers=kept)
    if origin_of(here) == origin_of(there):
        return hop
    if hop.body is not None:
        raise Broken("redirect", f"would send the request's body to another place: {there.origin()}")
    return replace(hop, headers=tuple(pair for pair in hop.headers if pair[0].lower() in _HARMLESS))


def origin_of(url: URL) -> tuple[str, str | None, int | None]:
    """What tells one origin from another, in whatever way its port is spelled."""
    return url.scheme, url.host, url.port


def trusting(hop: Request, first: Request) -> Request:
    """A hop with the TLS settings of its origin: those of the first question where it leads back to that."""
    if first.tls is None or origin_of(URL(hop.url)) == origin_of(URL(first.url)):
        return replace(hop, tls=first.tls)
    return replace(hop, tls=_elsewhere(first.tls))


@lru_cache(maxsize=256)
def _elsewhere(tls: ssl.SSLContext) -> ssl.SSLContext:
    """What is trusted anywhere else: the machine's authorities and those of `tls`. No client certificate is shown."""
    context = ssl.create_default_context()
    if own := b"".join(tls.get_ca_certs(binary_form=True)):
        context.load_verify_locations(cadata=own)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _target(here: URL, location: str) -> URL:
    try:
        if len(location.partition("?")[0]) > _LONGEST:
            raise ValueError
        there = here.join(URL(location)).with_fragment(None)
        origin_of(there)  # reads the port
    except ValueError:
        raise Broken("redirect", "leads to something that is not an address") from None
    if there.scheme not in ("http", "https") or not there.host:
        raise Broken("redirect", f"leads to {there.scheme or 'no scheme'!r}; only http and https are followed")
    if here.scheme == "https" and there.scheme == "http":
        raise Broken("redirect", f"leads from https down to http: {there.origin()}")
    return there.with_user(None)
