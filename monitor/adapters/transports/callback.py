"""What providers tell later: is the message that says "delivered" really about a message of ours, from whom we asked?

Gateways call by GET with parameters of their own and cannot send a header, so the address given to them is signed for
one message. Zalo signs each webhook with a secret of the Official Account, and says when a message came to the
telephone (`user_received_message`) and, of an Official Account, when it was read (`user_seen_message`): never that one
failed.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from hashlib import sha256

from monitor.config.secrets import Secret
from monitor.model.incident import DELIVERED, FAILED, SEEN

_PURPOSE = "denbao receipt 1"
_SENT, _REJECTED = "5", "4"  # SendStatus of eSMS; others are on the way
_ZALO = {"user_received_message": DELIVERED, "user_seen_message": SEEN}
_AT_ONCE = 100  # messages of one event that are looked for


def signature(secret: Secret, channel: str, name: str) -> str:
    """64 hexadecimal digits that only who has the channel's secret can make for this message."""
    text = f"{_PURPOSE}\n{channel}\n{name}"
    return hmac.new(secret.reveal().encode(), text.encode(), sha256).hexdigest()


def signed(secret: Secret, channel: str, name: str, presented: str) -> bool:
    """Whether a signature is right, compared in constant time."""
    return hmac.compare_digest(signature(secret, channel, name).encode(), presented.encode())


def esms_status(query: Mapping[str, str]) -> str:
    """ "delivered", "failed", or empty while it is on the way.

    5 says that it was handed to the operator to the end; whether it came stands in SendSuccess and SendFailed, which
    count telephones.
    """
    status = query.get("SendStatus", "")
    if status == _REJECTED or (status == _SENT and query.get("SendFailed", "0") != "0"):
        return FAILED
    return DELIVERED if status == _SENT and query.get("SendSuccess", "1") != "0" else ""


def zalo_told(event: Mapping[str, object]) -> tuple[str, tuple[str, ...]]:
    """What a webhook of Zalo says, and of which messages: `tracking_id` is our name, `msg_id` and `msg_ids` its own.

    Other events say nothing.
    """
    message = event.get("message")
    fields = message if isinstance(message, dict) else {}
    several = fields.get("msg_ids")
    names = several if isinstance(several, list) else [fields.get("tracking_id") or fields.get("msg_id")]
    told = (name for name in names[:_AT_ONCE] if isinstance(name, str) and name)
    return _ZALO.get(str(event.get("event_name")), ""), tuple(told)


def zalo_signed(secret: Secret, app_id: str, body: bytes, stamp: str, presented: str) -> bool:
    """Whether a webhook of Zalo is signed right: SHA-256 of app id, body, timestamp and secret, as documented."""
    wanted = sha256(app_id.encode() + body + stamp.encode() + secret.reveal().encode()).hexdigest()
    return hmac.compare_digest(wanted.encode(), presented.removeprefix("mac=").encode())
