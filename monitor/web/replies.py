"""What people write back, handed over by a provider that shows its secret in a header. 2xx means that it is on disk."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping

from aiohttp import web

from monitor.config.spec import RepliesSpec
from monitor.model.text import clean
from monitor.service.replies import STRANGER, Message
from monitor.web.api import answer
from monitor.web.keys import LINKS, REPLIES, SERVICE
from monitor.web.problems import Problem
from monitor.web.query import BODY_SECONDS, json_body, known_only

LARGEST = 64 * 1024  # bytes of one message with all its fields
LONGEST_ID = 200  # characters
PER_MINUTE = 20  # replies of one sender
_FORM = "application/x-www-form-urlencoded"


async def reply(request: web.Request) -> web.Response:
    """One message. A sender who is nobody's address is told apart in the answer to the provider only."""
    known_only(request, ())
    service, now = request.app[SERVICE], request.app[SERVICE].clock.monotonic()
    channel = request.match_info["channel"]
    spec = _genuine(request, channel, now)
    message = _message(channel, spec, await _body(request))
    request.app[REPLIES].take(f"{channel}/{message.sender}", now, "too-many", "too many messages of one sender")
    heard = await service.replies.hear(message)
    told = {"detail": "this address belongs to nobody who is told by this channel"} if heard == STRANGER else {}
    return answer({"heard": heard, **told})


def _genuine(request: web.Request, channel: str, now: float) -> RepliesSpec:
    """The channel's spec if the secret is right; whoever has none learns nothing, not even which channels exist."""
    found = request.app[SERVICE].site.channels.get(channel)
    spec = found.replies if found is not None else None
    name = spec.header if spec is not None else "X-Denbao-Secret"
    presented = request.headers.get(name, "").encode("utf-8", "surrogateescape")
    wanted = spec.secret.reveal().encode() if spec is not None else b"none"
    if not hmac.compare_digest(presented, wanted) or spec is None:
        why = "too many refused secrets from this address"
        request.app[LINKS].take(f"replies {request.remote}", now, "too-many", why)
        raise Problem(404, "replies", "there is nothing here")
    return spec


async def _body(request: web.Request) -> Mapping[str, object]:
    if (request.content_length or 0) > LARGEST:
        raise Problem(413, "too-large", f"a message has at most {LARGEST} bytes")
    if request.content_type != _FORM:
        found: Mapping[str, object] = await json_body(request)
    else:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                found = dict(await request.post())
        except TimeoutError:
            raise Problem(408, "slow-body", f"the body did not arrive within {BODY_SECONDS:g} s") from None
        except ValueError:
            raise Problem(400, "form", "the body is not the form that is needed") from None
    if len(await request.read()) > LARGEST:
        raise Problem(413, "too-large", f"a message has at most {LARGEST} bytes")
    return found


def _message(channel: str, spec: RepliesSpec, body: Mapping[str, object]) -> Message:
    found = {name: _field(body, name) for name in (spec.id, spec.sender, spec.text)}
    for name in (spec.id, spec.sender):
        if not found[name]:
            raise Problem(422, "field", f"the field {name} is missing")
    return Message(channel, found[spec.id][:LONGEST_ID], clean(found[spec.sender], LONGEST_ID), found[spec.text])


def _field(body: Mapping[str, object], name: str) -> str:
    """The text (or number) in a field; empty when there is none."""
    found: object = body
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return str(found) if isinstance(found, (str, int)) and not isinstance(found, bool) else ""
