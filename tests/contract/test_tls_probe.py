"""The tls probe against real handshakes: which certificates it takes, and how long the others still had."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trustme

from monitor.adapters.probes import open_probe
from monitor.config.probespec import ProbeSpec, TlsCheck
from monitor.model.reading import Collected
from tests.contract.probe_tools import NOW, Names, note_of, tools

AUTHORITY = trustme.CA()
# OpenSSL compares with the machine's clock, so these dates are decades away from it on either side.
PAST, FAR = datetime(2001, 1, 1, tzinfo=UTC), datetime(2049, 1, 1, tzinfo=UTC)


async def _hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


@asynccontextmanager
async def serving(certificate: trustme.LeafCert, newest: ssl.TLSVersion) -> AsyncIterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    context.maximum_version = newest
    server = await asyncio.start_server(_hang_up, "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def asked(
    certificate: trustme.LeafCert, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3, **settings: Any
) -> Collected:
    trusting = ssl.create_default_context()
    AUTHORITY.configure_trust(trusting)
    async with serving(certificate, newest) as port, tools(Names()) as used:
        check = TlsCheck(host="centre.example", port=port, tls=trusting, **settings)
        spec = ProbeSpec("it", "19", "up", 3600.0, 5.0, check, also={"days_left": "tls_days_left"})
        return await open_probe(spec, used).collect(NOW)


def issued(
    name: str = "centre.example",
    by: trustme.CA = AUTHORITY,
    not_before: datetime = PAST,
    not_after: datetime = FAR,
) -> trustme.LeafCert:
    return by.issue_cert(name, not_before=not_before, not_after=not_after)


def days_left(collected: Collected) -> float:
    [_, reading] = collected.readings
    assert reading.indicator == "tls_days_left" and isinstance(reading.value, float)
    return reading.value


async def test_a_good_certificate_is_well_and_tells_its_days():
    collected = await asked(issued())
    assert note_of(collected) == ""
    assert days_left(collected) == pytest.approx((FAR - NOW) / timedelta(days=1))
    assert collected.check is not None
    assert collected.check.certificate_expires == FAR
    assert list(collected.check.phases) == ["name", "connect", "tls"]
    assert any("agreed on TLSv1.3" in line for line in collected.check.transcript)


@pytest.mark.parametrize(
    ("certificate", "note"),
    [
        (issued("other.example"), "Hostname mismatch"),
        (issued(by=trustme.CA()), "unable to get local issuer certificate"),
        (issued(not_after=datetime(2002, 1, 1, tzinfo=UTC)), "certificate has expired"),
        (issued(not_before=datetime(2048, 1, 1, tzinfo=UTC)), "certificate is not yet valid"),
    ],
    ids=["wrong host", "unknown authority", "expired", "not yet valid"],
)
async def test_a_bad_certificate_is_named_and_tells_its_days_all_the_same(certificate, note):
    collected = await asked(certificate)
    assert note_of(collected).startswith("the certificate is not trusted: ")
    assert note in note_of(collected)
    assert (days_left(collected) < 0) == ("expired" in note)


async def test_a_self_signed_certificate_is_named():
    alone = trustme.CA()
    signed = trustme.LeafCert(alone.private_key_pem.bytes(), alone.cert_pem.bytes(), [])
    collected = await asked(signed)
    assert "self-signed certificate" in note_of(collected)
    assert days_left(collected) > 0


async def test_a_certificate_that_ends_too_soon_is_down_before_it_ends():
    soon = issued(not_after=NOW + timedelta(days=3650))
    assert note_of(await asked(soon, min_days=3650)) == ""
    note = note_of(await asked(soon, min_days=3651))
    assert note == "the certificate expires on 2036-11-18, in less than 3651 days"


async def test_an_old_version_is_named():
    note = note_of(await asked(issued(), ssl.TLSVersion.TLSv1_2, min_version="TLSv1.3"))
    assert note == "agreed on TLSv1.2, expected at least TLSv1.3"


async def test_the_certificate_may_have_to_be_for_another_name_than_the_one_dialled():
    assert note_of(await asked(issued("portal.example"), name="portal.example")) == ""


def of_version(number: int) -> tuple[bytes, bytes]:
    """A certificate, PEM, that says to be of another version than there is, and its key."""
    leaf = issued()
    der = bytearray(ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode()))
    der[der.index(b"\xa0\x03\x02\x01\x02") + 4] = number - 1
    return ssl.DER_cert_to_PEM_cert(bytes(der)).encode(), leaf.private_key_pem.bytes()


async def test_a_certificate_that_nobody_can_read_is_a_no():
    certificate, key = of_version(8)
    collected = await asked(trustme.LeafCert(key, certificate, []))
    assert note_of(collected) == "the certificate cannot be read: 7 is not a valid X509 version"
    assert collected.check is not None and collected.check.certificate_expires is None


async def test_a_server_that_speaks_no_tls_is_down_without_days():
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, tools() as used:
        check = TlsCheck("127.0.0.1", server.sockets[0].getsockname()[1])
        collected = await open_probe(ProbeSpec("it", "19", "up", 3600.0, 5.0, check), used).collect(NOW)
    assert note_of(collected).startswith("no TLS: ")
    assert collected.check is not None and collected.check.certificate_expires is None
