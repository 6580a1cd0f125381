"""One request to a gateway and its answer: bounded in size, without redirects, proxies, cookies or packed bodies.

How long it may take is not decided here: the worker is killed at its deadline, however slowly an answer drips.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import requests

ROOM = 64 * 1024  # bytes of an answer that are read; a gateway's answer has a few hundred


class Unreadable(ValueError):
    """An answer that is too long, packed, or not what the gateway is known to say."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. What may hold a secret is left out of `repr`."""

    url: str = field(repr=False)
    body: bytes | None = field(default=None, repr=False)  # None: GET
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `body` is None where it is too long or packed."""

    status: int
    body: bytes | None


def talk(ask: Ask, timeout: float) -> Answer:
    """Send the request, read the answer. `timeout` (seconds) bounds each wait. Raises requests.RequestException."""
    method = "GET" if ask.body is None else "POST"
    headers = {"User-Agent": "denbao", "Accept-Encoding": "identity", **ask.headers}
    with requests.Session() as session:
        session.trust_env = False
        options = {"timeout": timeout, "stream": True, "allow_redirects": False}
        with session.request(method, ask.url, data=ask.body, headers=headers, **options) as answer:  # type: ignore[arg-type]
            packed = answer.headers.get("Content-Encoding", "identity") != "identity"
            body = b"" if packed else answer.raw.read(ROOM + 1, decode_content=False)
    return Answer(answer.status_code, None if packed or len(body) > ROOM else body)
