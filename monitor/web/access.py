"""Who may do what: rights of the roles, and tokens by the digest of their secret.

The only file of the web layer that makes secrets. Everything is denied that a route's right does not allow.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path

from monitor.adapters.keyfile import kept
from monitor.config.spec import Token
from monitor.model.errors import ConfigError

LOCAL = "local"  # id of the operator token that every site makes for its own command line
_NOBODY = hashlib.sha256(b"").hexdigest()  # compared with when no token has the id, so that both take equally long


class Right(StrEnum):
    """What a route asks of its caller. Every route names exactly one."""

    PUBLIC = "public"  # nothing: whether the service is alive, and the look of its pages
    READ = "read"
    SCRAPE = "scrape"
    ACKNOWLEDGE = "acknowledge"
    MUTE = "mute"
    PUSH = "push"


MAY: Mapping[str, frozenset[Right]] = {
    "viewer": frozenset({Right.READ}),
    "operator": frozenset({Right.READ, Right.SCRAPE, Right.ACKNOWLEDGE, Right.MUTE, Right.PUSH}),
    "admin": frozenset({Right.READ, Right.SCRAPE, Right.ACKNOWLEDGE, Right.MUTE, Right.PUSH}),
    "pusher": frozenset({Right.PUSH}),
    "scraper": frozenset({Right.SCRAPE}),
}
OPEN_ON_LOOPBACK = frozenset({Right.READ, Right.SCRAPE})


def may(role: str, right: Right) -> bool:
    """Whether a role includes a right; an unknown role includes none."""
    return right is Right.PUBLIC or right in MAY.get(role, frozenset())


class Tokens:
    """All tokens of a site. Raises ValueError when two have the same id."""

    def __init__(self, tokens: Iterable[Token]) -> None:
        self._by_id: dict[str, Token] = {}
        for token in tokens:
            if token.id in self._by_id:
                raise ValueError(f"two tokens have the id {token.id!r}")
            self._by_id[token.id] = token

    def who(self, presented: str) -> Token | None:
        """The token whose `id.secret` this is, compared in constant time; None when there is none."""
        name, _, secret = presented.partition(".")
        token = self._by_id.get(name)
        digest = hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
        equal = secrets.compare_digest(digest, _NOBODY if token is None else token.sha256.lower())
        return token if equal and secret else None


def local_token(path: Path) -> str:
    """The operator token of this machine, `local.secret`; made with mode 0600 where there is none yet.

    Raises ConfigError when others could read the file or it holds no token.
    """
    token = kept(path, "this token", lambda: f"{LOCAL}.{secrets.token_urlsafe(32)}")
    if not token.startswith(f"{LOCAL}.") or len(token) < 32:
        raise ConfigError((f"{path}: holds no operator token; delete the file, a new one is made",))
    return token


def token_entry(presented: str, role: str = "operator") -> Token:
    """What is remembered of a token `id.secret`: its id, role and the digest of its secret."""
    name, _, secret = presented.partition(".")
    return Token(name, role, hashlib.sha256(secret.encode()).hexdigest())
