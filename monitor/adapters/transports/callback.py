"""What providers tell later: is the message that says "delivered" really about a message of ours, from whom we asked?

Gateways call by GET with parameters of their own and cannot send a header, so the address given to them is signed for
one message. Zalo signs each webhook with a secret of the Official Account.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from hashlib import sha256

from monitor.config.secrets import Secret
from monitor.model.incident import DELIVERED, FAILED

_PURPOSE = "denbao receipt 1"
# SendStatus of eSMS (to verify): 5 is delivered, 3 and 4 are failures; others are on the way.
_ESMS = {"5": DELIVERED, "4": FAILED, "3": FAILED}


def signature(secret: Secret, channel: str, name: str) -> str:
    """64 hexadecimal digits that only who has the channel's secret can make for this message."""
    text = f"{_PURPOSE}\n{channel}\n{name}"
    return hmac.new(secret.reveal().encode(), text.encode(), sha256).hexdigest()


def signed(secret: Secret, channel: str, name: str, presented: str) -> bool:
    """Whether a signature is right, compared in constant time."""
    return hmac.compare_digest(signature(secret, channel, name).encode(), presented.encode())


def esms_status(query: Mapping[str, str]) -> str:
    """ "delivered", "failed", or empty while it is on the way."""
    return _ESMS.get(query.get("SendStatus", ""), "")


def zalo_signed(secret: Secret, app_id: str, body: bytes, stamp: str, presented: str) -> bool:
    """Whether a webhook of Zalo is signed right: SHA-256 of app id, body, timestamp and secret (to verify)."""
    wanted = sha256(app_id.encode() + body + stamp.encode() + secret.reveal().encode()).hexdigest()
    return hmac.compare_digest(wanted.encode(), presented.removeprefix("mac=").encode())
