"""TLS probe: chain, host name, version and the days that the certificate still has.

A certificate that is not trusted still has a date: it is read in a second handshake that verifies nothing and sends
nothing, so that the days left are told for an expired or self-signed one too.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING

from monitor.adapters.fetch_errors import let_go
from monitor.adapters.fetch_watch import DOING, Stopwatch
from monitor.adapters.probes.beside import beside
from monitor.adapters.probes.outcome import Outcome, Transcript
from monitor.adapters.probes.talk import Unwell, reason
from monitor.adapters.probes.tools import Tools
from monitor.config.probespec import TlsCheck
from monitor.model.text import clean

if TYPE_CHECKING:  # imported where a certificate is read: 7 MiB for a site without such a probe
    from cryptography import x509

_DAY = timedelta(days=1)
_VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")


class TlsAsk:
    """Asks one host and port for its certificate."""

    def __init__(self, asks: TlsCheck, timeout: float, tools: Tools) -> None:
        self._asks = asks
        self._timeout = timeout
        self._tools = tools
        self._trusting = asks.tls or _public()
        self._doubting = _blind()

    async def __call__(self, now: datetime) -> Outcome:
        """Shake hands with verification; look at the certificate; hang up."""
        watch, said = Stopwatch(self._tools.clock), Transcript(self._tools.clock)
        asks = self._asks
        said.say(f"TLS to {asks.host} port {asks.port} for the name {asks.name or asks.host}")
        found: x509.Certificate | None = None
        try:
            async with asyncio.timeout(self._timeout):
                found, problem = await self._look(now, watch, said)
        except TimeoutError:
            problem = f"no TLS within {self._timeout:g} s, ended while {DOING[watch.phase]}"
        except (Unwell, OSError, ValueError) as error:
            let_go(error)
            problem = reason(error)
        said.say(problem or "as expected")
        outcome = Outcome(problem, watch.phases(), said.lines, {"seconds": watch.elapsed()})
        return outcome if found is None else _dated(outcome, found, now)

    async def _look(self, now: datetime, watch: Stopwatch, said: Transcript) -> tuple[x509.Certificate, str]:
        try:
            raw, version = await self._shake(self._trusting, watch)
        except ssl.SSLCertVerificationError as error:
            let_go(error)
            untrusted = reason(error)
            said.say(f"{untrusted}; once more without verification, for its date")
            raw, _ = await self._shake(self._doubting, watch)
            return await beside(partial(_read, raw, said)), untrusted
        said.say(f"agreed on {version}")
        found = await beside(partial(_read, raw, said))
        return found, self._shortcoming(found, version, now)

    async def _shake(self, context: ssl.SSLContext, watch: Stopwatch) -> tuple[bytes, str]:
        """The certificate (DER) and the version that were agreed on."""
        asks = self._asks
        _, writer = await self._tools.guard.open_tcp(
            asks.host,
            asks.port,
            self._timeout,
            family=asks.address,
            entered=watch.enter,
            tls=context,
            name=asks.name or asks.host,
        )
        try:
            agreed = writer.get_extra_info("ssl_object")
            raw, version = agreed.getpeercert(binary_form=True), agreed.version()
        finally:
            writer.transport.abort()
        if raw is None:
            raise Unwell("the other side shows no certificate")
        return raw, version

    def _shortcoming(self, found: x509.Certificate, version: str, now: datetime) -> str:
        if _VERSIONS.index(version) < _VERSIONS.index(self._asks.min_version):
            return f"agreed on {version}, expected at least {self._asks.min_version}"
        if found.not_valid_after_utc - now < self._asks.min_days * _DAY:
            day = found.not_valid_after_utc.date()
            return f"the certificate expires on {day}, in less than {self._asks.min_days:g} days"
        return ""


@cache
def _public() -> ssl.SSLContext:
    """What this machine trusts; read once, as that takes a while."""
    return ssl.create_default_context()


@cache
def _blind() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _read(raw: bytes, said: Transcript) -> x509.Certificate:
    """The certificate, described. Raises Unwell for one that cannot be read, or whose names or dates cannot.

    To be called in a thread: a chosen name of thousands of parts takes 20 ms to write out, and the first import more.
    """
    from cryptography import x509

    try:
        found = x509.load_der_x509_certificate(raw)
        subject, issuer = (clean(name.rfc4514_string(), 80) for name in (found.subject, found.issuer))
        said.say(f"subject {subject}, issued by {issuer}")
        said.say(f"valid from {found.not_valid_before_utc.isoformat()} to {found.not_valid_after_utc.isoformat()}")
    except (ValueError, x509.InvalidVersion) as error:
        raise Unwell(f"the certificate cannot be read: {clean(str(error), 80)}") from None
    return found


def _dated(outcome: Outcome, found: x509.Certificate, now: datetime) -> Outcome:
    expires = found.not_valid_after_utc
    figures = {**outcome.figures, "days_left": (expires - now) / _DAY}
    return replace(outcome, figures=figures, certificate_expires=expires)
