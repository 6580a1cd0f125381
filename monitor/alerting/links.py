"""Signed links: whoever holds one may do one thing, for one recipient, until one instant.

A value is base64url of (HMAC-SHA256, what it says), and what it says is JSON of purpose, incident, generation,
recipient and expiry. There is one spelling of each value: any other bit, letter or padding is refused. Of two keys the
first signs and both are believed, so that a key can be replaced while links are under way.

Notices are stored without such values: where one belongs stands the plain `BASE/a/REF`, and `filled` puts it in when a
message is sent. A copy of the database answers nothing.
"""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from monitor.model.incident import DIGEST_PREFIX, Notice

LONGEST = 1000  # characters of a value that is looked at at all
KEPT = 2  # keys that are believed
_MAC = sha256().digest_size
_CONTEXT = b"denbao link 1\n"
_DAY = timedelta(days=1)


class Purpose(StrEnum):
    """The one thing that a link is for; also the first part of its address."""

    ACKNOWLEDGE = "a"
    WHY = "w"


LASTS: Mapping[Purpose, timedelta] = {Purpose.ACKNOWLEDGE: 7 * _DAY, Purpose.WHY: 7 * _DAY}


class NotGenuine(ValueError):
    """A value that nobody here has signed, or not for this."""


class Expired(ValueError):
    """A value that was genuine until some time ago."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a link allows."""

    purpose: Purpose
    incident: str  # key; to ask why also of the edition of a digest
    generation: int  # an answer to a lesser trouble is none to a worse one
    recipient: str  # id
    expires: datetime  # aware, whole seconds: the first instant at which it counts no more


def sign(grant: Grant, keys: tuple[bytes, ...]) -> str:
    """The value for an address. Raises IndexError without a key."""
    told = (grant.purpose.value, grant.incident, grant.generation, grant.recipient, int(grant.expires.timestamp()))
    said = json.dumps(told, separators=(",", ":")).encode()
    return _text(_mac(said, keys[0]) + said)


def read(value: str, purpose: Purpose, keys: tuple[bytes, ...], now: datetime) -> Grant:
    """What a value allows. Raises NotGenuine, Expired."""
    mac, said = _parts(value)
    if not sum(hmac.compare_digest(mac, _mac(said, key)) for key in keys[:KEPT]):  # all of them, in equal time
        raise NotGenuine("not signed here")
    word, incident, generation, recipient, expires = json.loads(said)
    if word != purpose.value:
        raise NotGenuine("signed for something else")
    grant = Grant(purpose, incident, generation, recipient, datetime.fromtimestamp(expires, UTC))
    if now >= grant.expires:
        raise Expired("it counts no more")
    return grant


def _parts(value: str) -> tuple[bytes, bytes]:
    if len(value) > LONGEST:
        raise NotGenuine("too long")
    try:
        raw = urlsafe_b64decode(value.encode("ascii") + b"=" * (-len(value) % 4))
    except (Error, UnicodeEncodeError):
        raise NotGenuine("no base64url") from None
    if _text(raw) != value:
        raise NotGenuine("another spelling")
    return raw[:_MAC], raw[_MAC:]


def _mac(said: bytes, key: bytes) -> bytes:
    return hmac.new(key, _CONTEXT + said, sha256).digest()


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def address(purpose: Purpose, base: str, value: str) -> str:
    """Where a link leads; with an incident's reference as the value, the place that `filled` knows again."""
    return f"{base}/{purpose.value}/{value}"


def expiry(purpose: Purpose, now: datetime) -> datetime:
    """When a link that is sent now ends: after its days, at the end of a day in UTC.

    Every attempt of one message within a day carries the same link, or a provider would see two messages.
    """
    tomorrow = datetime.combine(now.astimezone(UTC).date() + _DAY, datetime.min.time(), UTC)
    return tomorrow + LASTS[purpose]


def filled(notice: Notice, base: str, keys: tuple[bytes, ...], now: datetime) -> Notice:
    """The notice as it is sent: with the links of its recipient. Without a key it stays as it is stored."""
    if not keys or not base:
        return notice
    links = {address(grant.purpose, base, notice.ref): grant for grant in _grants(notice, now)}

    def fill(text: str) -> str:
        for place, grant in links.items():
            if place in text:
                text = text.replace(place, address(grant.purpose, base, sign(grant, keys)))
        return text

    return replace(notice, body=fill(notice.body), words={name: fill(word) for name, word in notice.words.items()})


def _grants(notice: Notice, now: datetime) -> Iterator[Grant]:
    """What its recipient may do: of an incident answer it and ask why, of a digest ask why."""
    digest = notice.incident.startswith(DIGEST_PREFIX)
    generation = 0 if digest else notice.generation
    if generation is not None:
        for purpose in (Purpose.WHY,) if digest else Purpose:
            yield Grant(purpose, notice.incident, generation, notice.recipient, expiry(purpose, now))
