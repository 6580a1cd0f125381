"""Cookies that last for some fetches and are then forgotten: those of one journey, never of two."""

from __future__ import annotations

import logging

import aiohttp
from multidict import CIMultiDictProxy
from yarl import URL

WHO_QUOTES = frozenset({"_cookie_helpers", "cookiejar"})  # modules of aiohttp


def _quotes_nobody(record: logging.LogRecord) -> bool:
    """The library tells the log which cookie it did not like, in the words of who sent it: they may be secrets."""
    return record.module not in WHO_QUOTES


logging.getLogger("aiohttp.internal").addFilter(_quotes_nobody)


class Cookies:
    """Keeps what servers set and sends it where it belongs: host, path and `Secure` are obeyed, also across redirects.

    How many cookies of which size are kept and sent is bounded by aiohttp's jar. Needs a running event loop.
    """

    def __init__(self) -> None:
        self._jar = aiohttp.CookieJar(unsafe=True)  # also those of hosts that are named by their IP address

    def take(self, headers: CIMultiDictProxy[str], url: URL) -> None:
        """Keep what an answer of this URL sets."""
        self._jar.update_cookies_from_headers(headers.getall("Set-Cookie", ()), url)

    def header(self, url: URL) -> str:
        """The `Cookie` header for a request of this URL; empty when there is nothing to send."""
        return "; ".join(f"{name}={morsel.coded_value}" for name, morsel in self._jar.filter_cookies(url).items())

    def value(self, name: str, url: str) -> str | None:
        """The cookie of this name that a request of this URL would carry."""
        morsel = self._jar.filter_cookies(URL(url)).get(name)
        return None if morsel is None else morsel.value
