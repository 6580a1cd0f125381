"""From what a client library raises to a kind and a sentence of our own.

The library's texts are not passed on: they can hold the URL, header values and with them credentials.
"""

from __future__ import annotations

import os
import ssl

import aiohttp
from aiohttp.http_exceptions import ContentLengthError, HttpProcessingError, LineTooLong, TransferEncodingError
from yarl import URL

from monitor.adapters.fetch_types import Broken, FailureKind
from monitor.adapters.guard import Refused
from monitor.adapters.resolver import NameFailed
from monitor.model.text import clean

EXPECTED = (aiohttp.ClientError, HttpProcessingError, OSError, ValueError, Broken)

CUT = "the connection was closed before the answer was complete"
_CUT = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionError, aiohttp.ClientConnectionError)


def safe_url(url: str | URL) -> str:
    """A URL fit for logs and people: without userinfo and fragment, with query values masked."""
    try:
        parsed = URL(url)
        masked = "&".join(f"{clean(name, 40)}=***" for name in parsed.query)
        bare = parsed.with_user(None).with_query(None).with_fragment(None) if parsed.host else parsed.with_query(None)
    except (ValueError, TypeError):
        return "(unreadable address)"
    return clean(f"{bare}?{masked}" if masked else str(bare), 300)


def classify(error: BaseException) -> tuple[FailureKind, str]:
    """The kind and the sentence for an exception of `EXPECTED`."""
    if isinstance(error, Broken):
        return error.kind, error.detail
    if isinstance(error, OSError):
        return _connection(error)
    if isinstance(error, aiohttp.ClientPayloadError):
        return _payload(error)
    if isinstance(error, aiohttp.ClientResponseError | HttpProcessingError):
        return _bad_answer(error)
    if isinstance(error, _CUT):
        return "cut", CUT
    if isinstance(error, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        return "protocol", "the address is not a usable http or https URL"
    return "protocol", "the request or its answer is not valid HTTP"


def let_go(error: BaseException) -> None:
    """Cut the way from an exception, and from what led to it, to the frames that it passed through.

    The client library keeps the exception in the connection that failed, and the frames keep the connection: a circle
    of some 10 KiB which nobody but the collector of garbage frees, and that looks seldom.
    """
    chain, seen = [error], set[int]()
    while chain:
        one = chain.pop()
        if id(one) not in seen:
            seen.add(id(one))
            one.__traceback__ = None
            chain += filter(None, (one.__cause__, one.__context__))


def unreached(error: OSError, phase: str) -> Broken:
    """Why a connection could not be opened, where that is neither a name, nor the guard, nor TLS itself."""
    if phase == "tls":
        return Broken("tls", "no TLS: the other side broke the connection off")
    return Broken("connect", f"no connection: {_os_reason(error)}")


def _connection(error: OSError) -> tuple[FailureKind, str]:
    if isinstance(error, Refused):
        return "refused-address", error.reason
    if isinstance(error, NameFailed):
        return "dns", f"the name has no usable address: {clean(error.reason, 120)}"
    if isinstance(error, TimeoutError):
        return "timeout", "the other side sent nothing for too long"
    if isinstance(error, ssl.SSLError):
        return "tls", _tls_reason(error)
    if isinstance(error, _CUT):
        return "cut", CUT
    return "connect", f"no connection: {_os_reason(error)}"


def _tls_reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {clean(error.verify_message, 160)}"
    reason = getattr(error, "reason", None) or "handshake failed"
    return f"no TLS: {clean(str(reason), 80).replace('_', ' ').lower()}"


def _os_reason(error: BaseException) -> str:
    number = getattr(error, "errno", None)
    return os.strerror(number).lower() if isinstance(number, int) and number > 0 else "unknown reason"


def _payload(error: aiohttp.ClientPayloadError) -> tuple[FailureKind, str]:
    cause = error.__cause__
    if isinstance(cause, ContentLengthError):
        return "truncated", "the body is shorter than announced"
    if isinstance(cause, TransferEncodingError) and cause.message.startswith("Not enough data"):
        return "truncated", "the body ends inside a chunk"
    return "protocol", "the body's framing is broken"


def _bad_answer(error: Exception) -> tuple[FailureKind, str]:
    chain: BaseException | None = error
    while chain is not None:
        if isinstance(chain, LineTooLong):
            return "too-large", "the head of the answer is too large"
        chain = chain.__cause__
    return "protocol", "the answer is not valid HTTP"
